//! TLS for pipelines, with the semantics of libpq's `sslmode`.

use std::path::Path;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};

/// `verify-full`: the certificate is for the server's name and issued by one of the
/// authorities in a PEM file.
pub(super) fn verified(authorities: &Path) -> Result<ClientConfig, String> {
    let unread = |error: &dyn std::fmt::Display| format!("{}: {error}", authorities.display());
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(authorities).map_err(|error| unread(&error))? {
        let certificate = certificate.map_err(|error| unread(&error))?;
        // As in libpq, an unusable certificate does not invalidate the others.
        let _ = roots.add(certificate);
    }
    let config = builder()?.with_root_certificates(roots);
    Ok(config.with_no_client_auth())
}

/// `prefer` and `require`, as in libpq: any certificate is accepted. This protects from
/// eavesdropping, but not from an active attacker in the middle.
pub(super) fn unverified() -> Result<ClientConfig, String> {
    let accept_any = Arc::new(AcceptAny(aws_lc_rs::default_provider()));
    let config = builder()?
        .dangerous()
        .with_custom_certificate_verifier(accept_any);
    Ok(config.with_no_client_auth())
}

fn builder() -> Result<rustls::ConfigBuilder<ClientConfig, rustls::WantsVerifier>, String> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())
}

/// Accepts any certificate, if the peer has its private key.
#[derive(Debug)]
struct AcceptAny(CryptoProvider);

impl ServerCertVerifier for AcceptAny {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
    use rustls::pki_types::PrivatePkcs8KeyDer;
    use rustls::{ClientConnection, ServerConfig, ServerConnection};

    use super::*;

    type Authority = CertifiedIssuer<'static, KeyPair>;

    fn authority() -> Result<Authority, rcgen::Error> {
        let mut params = CertificateParams::new([])?;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        CertifiedIssuer::self_signed(params, KeyPair::generate()?)
    }

    /// Whether a client accepts a server with a certificate for `db.example` from this
    /// authority.
    fn accepts(client: ClientConfig, name: &'static str, by: &Authority) -> Result<bool, String> {
        let text = |error: &dyn std::fmt::Display| error.to_string();
        let key = KeyPair::generate().map_err(|error| text(&error))?;
        let params = CertificateParams::new(["db.example".to_owned()]);
        let certificate = params.and_then(|params| params.signed_by(&key, by));
        let certificate = certificate.map_err(|error| text(&error))?;
        let key = PrivatePkcs8KeyDer::from(key.serialize_der()).into();
        let server = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .and_then(|config| {
                let config = config.with_no_client_auth();
                config.with_single_cert(vec![certificate.der().clone()], key)
            });
        let server = server.and_then(|config| ServerConnection::new(Arc::new(config)));
        let name = ServerName::try_from(name).map_err(|error| text(&error))?;
        let client = ClientConnection::new(Arc::new(client), name);
        let mut server = server.map_err(|error| text(&error))?;
        let mut client = client.map_err(|error| text(&error))?;
        while client.is_handshaking() || server.is_handshaking() {
            let mut bytes = Vec::new();
            client.write_tls(&mut bytes).map_err(|error| text(&error))?;
            server
                .read_tls(&mut &*bytes)
                .map_err(|error| text(&error))?;
            let _ = server.process_new_packets();
            let mut bytes = Vec::new();
            server.write_tls(&mut bytes).map_err(|error| text(&error))?;
            client
                .read_tls(&mut &*bytes)
                .map_err(|error| text(&error))?;
            if client.process_new_packets().is_err() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    #[test]
    fn verify_full_checks_name_and_authority_and_require_accepts_any_certificate() {
        let done = || -> Result<(), String> {
            let ours = authority().map_err(|error| error.to_string())?;
            let other = authority().map_err(|error| error.to_string())?;
            let file = tempfile::NamedTempFile::new().map_err(|error| error.to_string())?;
            std::fs::write(file.path(), ours.pem()).map_err(|error| error.to_string())?;
            for (name, by, is_good) in [
                ("db.example", &ours, true),
                ("evil.example", &ours, false),
                ("db.example", &other, false),
            ] {
                assert_eq!(
                    accepts(verified(file.path())?, name, by)?,
                    is_good,
                    "{name}"
                );
                assert!(accepts(unverified()?, name, by)?, "{name}");
            }
            Ok(())
        };
        assert_eq!(done(), Ok(()));
    }
}
