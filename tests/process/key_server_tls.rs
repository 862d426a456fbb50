//! A key-set server over TLS: which certificates are trusted, and what is logged for
//! others.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use rcgen::{CertificateParams, KeyPair, date_time_ymd};
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, Stream};

use crate::binary::SOON;
use crate::server::{Server, eventually};
use crate::storage::Storage;
use crate::support::pairs::{Pair, set_of};
use crate::support::trust::claims_of;
use crate::support::{Engine, block_on};
use crate::tls::{Authority, authority};

/// A certificate for `localhost` with its key.
fn certificate(authority: &Authority, expired: bool) -> Arc<ServerConfig> {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(["localhost".to_owned()]).unwrap();
    if expired {
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(2021, 1, 1);
    }
    let certificate = params.signed_by(&key, authority).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![certificate.der().clone()],
            PrivateKeyDer::Pkcs8(key.serialize_der().into()),
        );
    Arc::new(config.unwrap())
}

/// Responds to every request with a key set; the certificate can be replaced.
struct TlsKeyServer {
    address: SocketAddr,
    /// The number of connections.
    tries: Arc<AtomicUsize>,
    config: Arc<Mutex<Arc<ServerConfig>>>,
}

impl TlsKeyServer {
    fn start(set: String, config: Arc<ServerConfig>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let server = Self {
            address: listener.local_addr().unwrap(),
            tries: Arc::default(),
            config: Arc::new(Mutex::new(config)),
        };
        let (tries, config) = (Arc::clone(&server.tries), Arc::clone(&server.config));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let config = Arc::clone(&config.lock().unwrap());
                // A client that does not trust it disconnects; that is not an error.
                let _ = response(stream.unwrap(), config, &set);
                tries.fetch_add(1, Ordering::SeqCst);
            }
        });
        server
    }

    fn url(&self) -> String {
        format!("https://localhost:{}", self.address.port())
    }

    fn tries(&self) -> usize {
        self.tries.load(Ordering::SeqCst)
    }

    fn present(&self, config: Arc<ServerConfig>) {
        *self.config.lock().unwrap() = config;
    }
}

fn response(mut stream: TcpStream, config: Arc<ServerConfig>, set: &str) -> std::io::Result<()> {
    let mut connection = ServerConnection::new(config).unwrap();
    let mut tls = Stream::new(&mut connection, &mut stream);
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        tls.read_exact(&mut byte)?;
        head.extend(byte);
    }
    let length = set.len();
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n");
    tls.write_all(head.as_bytes())?;
    tls.write_all(set.as_bytes())?;
    tls.flush()
}

async fn trusting(storage: &Storage, url: &str, authority: &Path) -> Server {
    let authority = authority.display().to_string();
    let variables = [("BETTER_AUTH_URL", url), ("SSL_CERT_FILE", &authority)];
    Server::listening(storage.path(), &storage.url, &variables).await
}

fn lines_with<'l>(log: &'l str, text: &str) -> Vec<&'l str> {
    log.lines().filter(|line| line.contains(text)).collect()
}

#[test]
fn a_certificate_that_is_not_trusted_is_told_once_and_so_is_its_end() {
    block_on(async {
        let pair = Pair::ed25519("k");
        let set = set_of(std::slice::from_ref(&pair.jwk));
        let (ours, other) = (authority("ours"), authority("other"));
        let trusted = || certificate(&ours, false);
        for (bad, cause) in [
            (certificate(&other, false), "UnknownIssuer"),
            (certificate(&ours, true), "it has expired"),
        ] {
            let storage = Storage::new(Engine::Sqlite);
            let file = storage.path().join("ours.crt");
            std::fs::write(&file, ours.pem()).unwrap();
            let keys = TlsKeyServer::start(set.clone(), bad);
            let server = trusting(&storage, &keys.url(), &file).await;
            let token = pair.token_of(&claims_of(&keys.url(), "alice"));
            let client = server.with_token(&token);
            eventually("some tries have failed", SOON, async || {
                let response = client.get("/api/v1/tasks").await;
                response.expect_problem(503, "keys_unavailable");
                (keys.tries() >= 4).then_some(())
            })
            .await;
            keys.present(trusted());
            eventually("the keys are there", SOON, async || {
                (client.get("/api/v1/tasks").await.status == 200).then_some(())
            })
            .await;
            let log = server.stop().await;
            let failed = lines_with(&log, "could not be fetched");
            assert_eq!(failed.len(), 1, "{log}");
            assert!(failed[0].contains(cause), "{log}");
            assert_eq!(
                lines_with(&log, "the key set was fetched").len(),
                1,
                "{log}"
            );
            assert_eq!(lines_with(&log, "ERROR"), [""; 0], "{log}");
        }
    });
}

#[test]
fn an_outage_after_the_start_is_told_once_and_so_is_its_end() {
    block_on(async {
        let pair = Pair::ed25519("k");
        let (ours, other) = (authority("ours"), authority("other"));
        let storage = Storage::new(Engine::Sqlite);
        let file = storage.path().join("ours.crt");
        std::fs::write(&file, ours.pem()).unwrap();
        let set = set_of(std::slice::from_ref(&pair.jwk));
        let keys = TlsKeyServer::start(set, certificate(&ours, false));
        let authority = file.display().to_string();
        let variables = [
            ("BETTER_AUTH_URL", keys.url()),
            ("SSL_CERT_FILE", authority),
            ("TODOWARD__AUTH__JWKS_TTL", "1".to_owned()),
        ];
        let variables = variables
            .each_ref()
            .map(|(name, value)| (*name, value.as_str()));
        let server = Server::start(storage.path(), &storage.url, &variables).await;
        server.logs("the key set was fetched").await;
        keys.present(certificate(&other, false));
        server.logs("could not be fetched").await;
        let failed = keys.tries();
        eventually("some tries have failed", SOON, async || {
            (keys.tries() > failed + 2).then_some(())
        })
        .await;
        let token = pair.token_of(&claims_of(&keys.url(), "alice"));
        server
            .with_token(&token)
            .get("/api/v1/tasks")
            .await
            .expect(200);
        keys.present(certificate(&ours, false));
        eventually("its end is told", SOON, async || {
            let log = server.running.err.text();
            (lines_with(&log, "the key set was fetched").len() == 2).then_some(())
        })
        .await;
        let log = server.stop().await;
        assert_eq!(lines_with(&log, "could not be fetched").len(), 1, "{log}");
        assert_eq!(lines_with(&log, "ERROR"), [""; 0], "{log}");
    });
}
