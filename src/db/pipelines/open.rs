//! Opening pipelines as libpq would open a connection with the same string.
//!
//! Invariant: a pipeline is at least as secure as a connection of libpq, and goes to
//! the same server. With a parameter that only libpq knows, or with libpq's
//! environment variables, there are no pipelines.

use std::fmt;
use std::future::poll_fn;
use std::path::Path;
use std::time::Duration;

use percent_encoding::percent_decode_str;
use tokio::task::AbortHandle;
use tokio_postgres::config::SslMode;
use tokio_postgres::{AsyncMessage, Config};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::session::Session;
use super::tls;
use crate::db::connection::Sessions;
use crate::db::postgres_parameters::complete;
use crate::settings::Database;

/// The max time for opening a pipeline.
const OPENING: Duration = Duration::from_secs(3);

/// How long a statement waits for a lock before it fails and is run on the worker
/// pool, in milliseconds: all statements behind it wait as long.
const LOCK_TIMEOUT: u32 = 50;

/// Opens and configures pipelines.
pub(super) struct PipelineOpener {
    config: Config,
    tls: MakeRustlsConnect,
    set_up: String,
}

/// A configured connection.
pub(super) struct Opened {
    pub session: Session,
    pub driver: Driver,
}

/// The async task that reads and writes the connection. Dropping this aborts the task,
/// which would otherwise wait for ever for a peer that hangs.
pub(super) struct Driver(AbortHandle);

impl Driver {
    pub fn is_alive(&self) -> bool {
        !self.0.is_finished()
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Why there is no pipeline.
pub(super) struct NoPipeline(String);

impl fmt::Display for NoPipeline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl NoPipeline {
    fn because(why: impl fmt::Display) -> Self {
        Self(why.to_string())
    }
}

impl PipelineOpener {
    pub fn new(url: &str, database: &Database) -> Result<Self, NoPipeline> {
        if let Some(variable) = variable_of_libpq() {
            return Err(NoPipeline::because(format_args!(
                "{variable} is set, which only libpq reads; say it in the connection string"
            )));
        }
        let (config, tls) = read(&complete(url))?;
        let millis = database.statement_timeout.as_millis();
        Ok(Self {
            config,
            tls,
            set_up: format!("SET statement_timeout = {millis}; SET lock_timeout = {LOCK_TIMEOUT}"),
        })
    }

    pub async fn open(&self, sessions: Sessions) -> Result<Opened, NoPipeline> {
        self.connect(sessions, |_| {}).await
    }

    /// Opens a connection that listens on a channel, and passes on the texts that it hears.
    pub async fn listen(
        &self,
        channel: &str,
        hear: impl FnMut(&str) + Send + 'static,
    ) -> Result<Opened, NoPipeline> {
        let opened = self.connect(Sessions::Own, hear).await?;
        let listen = format!("LISTEN {channel}");
        match tokio::time::timeout(OPENING, opened.session.batch(&listen)).await {
            Ok(true) => Ok(opened),
            Ok(false) | Err(_) => Err(NoPipeline::because("the server does not let it listen")),
        }
    }

    async fn connect(
        &self,
        sessions: Sessions,
        hear: impl FnMut(&str) + Send + 'static,
    ) -> Result<Opened, NoPipeline> {
        let opening = tokio::time::timeout(OPENING, self.connect_now(sessions, hear));
        let late = |_| NoPipeline::because("the server takes connections and does not answer");
        opening.await.map_err(late)?
    }

    async fn connect_now(
        &self,
        sessions: Sessions,
        mut hear: impl FnMut(&str) + Send + 'static,
    ) -> Result<Opened, NoPipeline> {
        let connected = self.config.connect(self.tls.clone()).await;
        let (client, mut connection) = connected.map_err(NoPipeline::because)?;
        let task = tokio::spawn(async move {
            // The error that ends the connection also reaches the waiting statements.
            while let Some(Ok(message)) = poll_fn(|context| connection.poll_message(context)).await
            {
                if let AsyncMessage::Notification(notice) = message {
                    hear(notice.payload());
                }
            }
        });
        let driver = Driver(task.abort_handle());
        // Of a session that is shared, the short wait for locks would be other clients' next.
        if sessions == Sessions::Own {
            let set_up = client.batch_execute(&self.set_up).await;
            set_up.map_err(NoPipeline::because)?;
        }
        let is_standby = client.query_one("SELECT pg_is_in_recovery()", &[]).await;
        match is_standby.and_then(|row| row.try_get(0)) {
            Ok(false) => Ok(Opened {
                session: Session::new(client),
                driver,
            }),
            Ok(true) => Err(NoPipeline::because("the server is a standby")),
            Err(error) => Err(NoPipeline::because(error)),
        }
    }
}

/// The name of an environment variable that changes how libpq connects, if one is set.
fn variable_of_libpq() -> Option<String> {
    let mut names = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    names.find(|name| name.starts_with("PG") && name != "PGDATA")
}

/// Parses a completed connection string.
fn read(url: &str) -> Result<(Config, MakeRustlsConnect), NoPipeline> {
    let (base, query) = url.split_once('?').unwrap_or((url, ""));
    let mut known = Vec::new();
    if !names_its_server_once(base, query) {
        return Err(NoPipeline::because(
            "the connection string names its server twice",
        ));
    }
    let (mut ssl_mode, mut authorities, mut user_timeout) = ("prefer", None, None);
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        match name {
            "sslmode" => ssl_mode = value,
            "sslrootcert" => authorities = Some(value),
            // In milliseconds in libpq, but in seconds in tokio-postgres.
            "tcp_user_timeout" => user_timeout = value.parse().ok(),
            "keepalives_count" => known.push(format!("keepalives_retries={value}")),
            "application_name"
            | "channel_binding"
            | "connect_timeout"
            | "dbname"
            | "host"
            | "hostaddr"
            | "keepalives"
            | "keepalives_idle"
            | "keepalives_interval"
            | "options"
            | "password"
            | "port"
            | "target_session_attrs"
            | "user" => {
                known.push(pair.to_owned());
            }
            _ => {
                return Err(NoPipeline::because(format_args!(
                    "only libpq knows the parameter {name} of the connection string"
                )));
            }
        }
    }
    let only_libpq =
        || NoPipeline::because("only libpq knows this combination of sslmode and sslrootcert");
    let (mode, tls_config) = match (ssl_mode, authorities) {
        ("disable", None) => (SslMode::Disable, tls::unverified()),
        _ if has_files_of_libpq() => {
            return Err(NoPipeline::because(
                "only libpq reads the files in ~/.postgresql",
            ));
        }
        ("verify-full", Some(file)) => {
            let file = percent_decode_str(file).decode_utf8_lossy();
            (SslMode::Require, tls::verified(Path::new(file.as_ref())))
        }
        ("prefer", None) => (SslMode::Prefer, tls::unverified()),
        ("require", None) => (SslMode::Require, tls::unverified()),
        _ => return Err(only_libpq()),
    };
    // Not shown: the parser's errors quote parts of the URL, perhaps the password.
    let unread = |_| NoPipeline::because("only libpq can read the connection string");
    let parsed = format!("{base}?{}", known.join("&")).parse::<Config>();
    let mut config = parsed.map_err(unread)?;
    config.ssl_mode(mode);
    if let Some(millis) = user_timeout {
        config.tcp_user_timeout(Duration::from_millis(millis));
    }
    let tls_config = tls_config.map_err(NoPipeline::because)?;
    Ok((config, MakeRustlsConnect::new(tls_config)))
}

/// Whether host and port are given once. Of duplicates libpq uses the last one,
/// tokio-postgres all of them, in order.
fn names_its_server_once(base: &str, query: &str) -> bool {
    let behind = base.split_once("://").map_or("", |(_, behind)| behind);
    let authority = behind.split('/').next().unwrap_or_default();
    let user_and_hosts = authority.rsplit_once('@');
    let hosts = user_and_hosts.map_or(authority, |(_, hosts)| hosts);
    let before = usize::from(!hosts.is_empty());
    let said = |name| {
        let names = query.split('&').filter_map(|pair| pair.split('=').next());
        names.filter(|other| *other == name).count()
    };
    before + said("host") <= 1 && before + said("port") <= 1 && said("hostaddr") <= 1
}

/// Whether there are certificates that libpq uses by default.
fn has_files_of_libpq() -> bool {
    let home = std::env::home_dir().map(|home| home.join(".postgresql"));
    home.is_some_and(|home| home.exists())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(query: &str) -> Result<Config, String> {
        let url = format!("postgres://todoward:p%40ss@one:5432,two:5433/tasks?{query}");
        let read = read(&url).map_err(|why| why.0);
        read.map(|(config, _)| config)
    }

    #[test]
    fn a_pipeline_is_configured_as_libpq_would_be() {
        let common = "target_session_attrs=read-write&keepalives_count=2&tcp_user_timeout=5000";
        for (query, mode) in [
            ("", SslMode::Prefer),
            ("sslmode=prefer", SslMode::Prefer),
            ("sslmode=disable", SslMode::Disable),
            ("sslmode=require", SslMode::Require),
        ] {
            let config = of(&format!("{query}&{common}"));
            let said = config.map(|config| {
                let limit = config.get_tcp_user_timeout().copied();
                let ports = config.get_ports().to_vec();
                (
                    config.get_ssl_mode(),
                    ports,
                    config.get_keepalives_retries(),
                    limit,
                )
            });
            let limit = Some(Duration::from_secs(5));
            assert_eq!(
                said,
                Ok((mode, vec![5432, 5433], Some(2), limit)),
                "{query}"
            );
        }
    }

    #[test]
    fn what_only_libpq_supports_is_left_to_it_and_the_reason_has_no_password() {
        for query in [
            "sslmode=verify-ca&sslrootcert=ca.pem",
            "sslmode=require&sslrootcert=ca.pem",
            "sslmode=verify-full&sslrootcert=none.pem",
            "sslmode=allow",
            "sslcert=client.pem",
            "service=tasks",
            "host=/run/postgresql",
            "port=6432",
            "hostaddr=127.0.0.1&hostaddr=127.0.0.2",
            "gssencmode=require",
            "target_session_attrs=prefer-standby",
        ] {
            let why = of(query).err();
            assert!(
                why.as_ref().is_some_and(|why| !why.contains("p@ss")),
                "{query}: {why:?}"
            );
        }
    }
}
