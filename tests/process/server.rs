//! Runs the binary as a server.

use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use crate::binary::{Running, SOON, todoward};
use crate::storage::Storage;
use crate::support::raw::Connection;
use crate::support::{Client, SECRET, tokens};

/// A serving process, which is killed with its test.
pub struct Server {
    pub running: Running,
    pub address: SocketAddr,
    http: reqwest::Client,
}

/// The variables of a server on a free port; later ones take precedence.
pub fn environment<'v>(
    database_url: &'v str,
    variables: &[(&'v str, &'v str)],
) -> Vec<(&'v str, &'v str)> {
    let mut all = vec![
        ("BETTER_AUTH_SECRET", SECRET),
        ("DATABASE_URL", database_url),
        ("PORT", "0"),
        ("TODOWARD__METRICS__PORT", "0"),
        ("TODOWARD__SERVER__WORKERS", "1"),
    ];
    all.extend(variables);
    all
}

impl Server {
    /// Starts a server on a database, and waits until it is ready.
    pub async fn start(directory: &Path, url: &str, variables: &[(&str, &str)]) -> Self {
        let server = Self::listening(directory, url, variables).await;
        server.becomes_ready(SOON).await;
        server
    }

    /// Starts a server without waiting for readiness.
    pub async fn listening(directory: &Path, url: &str, variables: &[(&str, &str)]) -> Self {
        let mut command = todoward(directory, &["serve"], environment(url, variables));
        Self::of(&mut command).await
    }

    /// Starts a server with resource limits that a shell sets.
    pub async fn under(limits: &str, storage: &Storage) -> Self {
        let script = format!(r#"{limits}; exec "$0""#);
        let mut shell = Command::new("sh");
        shell
            .args(["-c", &script, env!("CARGO_BIN_EXE_todoward")])
            .env_clear()
            .envs(environment(&storage.url, &[]))
            .current_dir(storage.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        Self::of(&mut shell).await
    }

    /// Waits until a command has logged its IP address and port.
    pub async fn of(command: &mut Command) -> Self {
        let mut running = Running::spawn(command);
        let address = eventually("it says where it serves", SOON, async || {
            let log = running.err.text();
            let ended = running.ended();
            assert!(ended.is_none(), "it has ended: {ended:?} {log}");
            address_in(&log)
        })
        .await;
        Self {
            running,
            address,
            http: http_client(),
        }
    }

    /// A client with a signed token.
    pub fn user(&self, subject: &str) -> Client {
        self.with_token(&tokens::valid(subject))
    }

    /// A client that sends this after `Bearer `.
    pub fn with_token(&self, token: &str) -> Client {
        let authorization = Some(format!("Bearer {token}"));
        Client::new(self.http.clone(), self.address, authorization)
    }

    /// A client without a token.
    pub fn anonymous(&self) -> Client {
        Client::new(self.http.clone(), self.address, None)
    }

    /// Waits for readiness, and returns how long that took.
    pub async fn becomes_ready(&self, limit: Duration) -> Duration {
        let begun = Instant::now();
        eventually("it is ready", limit, async || {
            self.is_ready().await.then_some(())
        })
        .await;
        begun.elapsed()
    }

    pub async fn is_ready(&self) -> bool {
        let asked = self.anonymous().request("GET", "/health/ready");
        asked
            .try_send()
            .await
            .is_ok_and(|response| response.status == 200)
    }

    pub fn signal(&self, name: &str) {
        let id = self.running.child.id().to_string();
        let kill = Command::new("kill")
            .args([&format!("-{name}"), &id])
            .status();
        assert!(kill.unwrap().success());
    }

    /// Kills it, like a power cut.
    pub fn kill(mut self) {
        self.running.child.kill().unwrap();
        self.running.child.wait().unwrap();
    }

    /// Waits until it has ended.
    pub async fn ends(&mut self, limit: Duration) -> ExitStatus {
        eventually("it ends", limit, async || self.running.ended()).await
    }

    /// Sends SIGTERM and asserts a successful end.
    pub async fn stop(mut self) -> String {
        self.signal("TERM");
        let status = self.ends(SOON).await;
        let written = self.running.out.all() + &self.running.err.all();
        assert!(status.success(), "{status}: {written}");
        written
    }

    /// Sends SIGTERM and returns what it wrote to standard error.
    pub async fn stop_and_read(mut self, look: impl FnOnce(&str)) {
        self.signal("TERM");
        let status = self.ends(SOON).await;
        let written = self.running.err.all();
        assert!(status.success(), "{status}: {written}");
        look(&written);
    }

    /// Waits until the log contains a text.
    pub async fn logs(&self, text: &str) {
        eventually(text, SOON, async || {
            self.running.err.text().contains(text).then_some(())
        })
        .await;
    }

    /// A connection for what no client library would send.
    pub fn connect(&self) -> Connection {
        Connection::open(self.address)
    }
}

/// Every request uses a new connection.
fn http_client() -> reqwest::Client {
    let builder = reqwest::Client::builder().no_proxy().timeout(SOON);
    builder.pool_max_idle_per_host(0).build().unwrap()
}

/// The IP address and port in the log, in either format.
pub fn address_in(log: &str) -> Option<SocketAddr> {
    let line = log.lines().find(|line| line.contains("serving"))?;
    let at = line.find("127.0.0.1:")?;
    let rest = &line[at..];
    let end = rest.find([' ', '"'])?;
    rest[..end].parse().ok()
}

/// Polls until there is a value, within a limit.
pub async fn eventually<T>(
    what: &str,
    limit: Duration,
    mut look: impl AsyncFnMut() -> Option<T>,
) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(begun.elapsed() < limit, "not within {limit:?}: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
