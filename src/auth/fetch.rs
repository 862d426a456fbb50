//! Fetches a key set: one GET, limited in time and size, to the configured URL and
//! nowhere else.

use std::sync::Arc;

use rustls::CertificateError;
use ureq::Agent;
use ureq::tls::{RootCerts, TlsConfig};

use crate::settings::Jwks as Settings;

/// The max size of a key set, in bytes.
const MAX_BYTES: u64 = 256 * 1024;

pub(super) struct Fetcher {
    agent: Agent,
    url: String,
}

impl Fetcher {
    pub fn new(settings: &Settings) -> Self {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let tls = TlsConfig::builder()
            .unversioned_rustls_crypto_provider(provider)
            .root_certs(RootCerts::PlatformVerifier)
            .build();
        let config = Agent::config_builder()
            // For the whole exchange, including the DNS look-up.
            .timeout_global(Some(settings.timeout))
            // A redirect could lead to an internal server (SSRF).
            .max_redirects(0)
            .max_redirects_will_error(false)
            .http_status_as_error(false)
            // Fetches are rare; an idle connection would be closed by the next one.
            .max_idle_connections(0)
            .proxy(None)
            .user_agent(concat!("todoward/", env!("CARGO_PKG_VERSION")))
            .tls_config(tls)
            .build();
        Self {
            agent: config.new_agent(),
            url: settings.url.clone(),
        }
    }

    /// Fetches the document at the URL; the error is a sentence for the log.
    pub fn fetch(&self) -> Result<Vec<u8>, String> {
        let failed = |error: ureq::Error| format!("{}: {}", self.url, cause(&error));
        let response = self
            .agent
            .get(&self.url)
            .header("accept", "application/json")
            .call()
            .map_err(failed)?;
        let status = response.status().as_u16();
        if status != 200 {
            return Err(format!("{} responds with {status}", self.url));
        }
        response
            .into_body()
            .into_with_config()
            .limit(MAX_BYTES)
            .read_to_vec()
            .map_err(failed)
    }
}

/// The cause of a failure in constant words: rustls includes the number of seconds
/// since the expiry in some messages, and the log would treat each as a new cause.
fn cause(error: &ureq::Error) -> String {
    let of_tls: Option<&rustls::Error> = if let ureq::Error::Rustls(error) = error {
        Some(error)
    } else if let ureq::Error::Io(error) = error {
        error.get_ref().and_then(|inner| inner.downcast_ref())
    } else {
        None
    };
    if let Some(rustls::Error::InvalidCertificate(invalid)) = of_tls {
        if matches!(invalid, CertificateError::ExpiredContext { .. }) {
            return "invalid peer certificate: it has expired".to_owned();
        }
        if matches!(invalid, CertificateError::NotValidYetContext { .. }) {
            return "invalid peer certificate: it is not valid yet".to_owned();
        }
    }
    error.to_string()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rustls::pki_types::UnixTime;

    use super::*;

    #[test]
    fn a_certificate_out_of_its_time_is_one_cause_however_long() {
        let at = |seconds| UnixTime::since_unix_epoch(Duration::from_secs(seconds));
        let not_after = at(1_000);
        let expired = |time| CertificateError::ExpiredContext { time, not_after };
        let not_before = at(9_000);
        let early = |time| CertificateError::NotValidYetContext { time, not_before };
        for (error, said) in [
            (expired(at(2_000)), "it has expired"),
            (expired(at(3_000)), "it has expired"),
            (early(at(2_000)), "it is not valid yet"),
            (early(at(3_000)), "it is not valid yet"),
        ] {
            let error = rustls::Error::InvalidCertificate(error);
            let wanted = format!("invalid peer certificate: {said}");
            assert_eq!(cause(&ureq::Error::Rustls(error.clone())), wanted);
            let of_io = ureq::Error::Io(std::io::Error::other(error));
            assert_eq!(cause(&of_io), wanted);
        }
        let other = ureq::Error::HostNotFound;
        assert_eq!(cause(&other), other.to_string());
    }
}
