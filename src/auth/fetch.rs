//! Fetching a key set: one GET, bounded in time and size, to the configured
//! address and nowhere else.

use std::sync::Arc;

use rustls::CertificateError;
use ureq::Agent;
use ureq::tls::{RootCerts, TlsConfig};

use crate::settings::Jwks as Settings;

/// The largest set that is read, in bytes.
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
            // For the whole exchange, the look-up of the name included.
            .timeout_global(Some(settings.timeout))
            // A redirect could lead the server into its own network.
            .max_redirects(0)
            .max_redirects_will_error(false)
            .http_status_as_error(false)
            // Rare fetches; a connection that was kept would be dead by the next.
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

    /// The document at the address, or why there is none.
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
            return Err(format!("{} answers {status}", self.url));
        }
        response
            .into_body()
            .into_with_config()
            .limit(MAX_BYTES)
            .read_to_vec()
            .map_err(failed)
    }
}

/// What has failed, in the same words each time: rustls says with some causes how many
/// seconds ago they began, and each would be a new one for the log.
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
