//! Fetching a key set: one GET, bounded in time and size, to the configured
//! address and nowhere else.

use std::sync::Arc;
use std::time::Duration;

use ureq::Agent;
use ureq::tls::{RootCerts, TlsConfig};

/// For the whole exchange, the look-up of the name included.
const DEADLINE: Duration = Duration::from_secs(2);
/// The largest set that is read, in bytes.
const MAX_BYTES: u64 = 256 * 1024;

pub(super) struct Fetcher {
    agent: Agent,
    url: String,
}

impl Fetcher {
    pub fn new(url: String) -> Self {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let tls = TlsConfig::builder()
            .unversioned_rustls_crypto_provider(provider)
            .root_certs(RootCerts::PlatformVerifier)
            .build();
        let config = Agent::config_builder()
            .timeout_global(Some(DEADLINE))
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
            url,
        }
    }

    /// The document at the address, or why there is none.
    pub fn fetch(&self) -> Result<Vec<u8>, String> {
        let failed = |error: ureq::Error| format!("{}: {error}", self.url);
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
