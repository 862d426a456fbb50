//! Settings: every layer read, typed and checked once, at start. All reading of
//! the environment happens here.
//!
//! Invariant: a bad setting stops the start with a sentence that names the
//! variable and the mend, and never the value, which may be a secret.

mod better_auth;
mod layers;
mod postgres_url;
mod secrets;
mod sections;

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;

pub use better_auth::Jwks;
use layers::Layers;
pub use layers::{Environment, SettingsError};
pub use secrets::{MIN_SECRET_BYTES, Secret};

/// Everything that can be set.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The HTTP server.
    pub server: Server,
    /// The address of the metrics; none if they are off.
    pub metrics: Option<(IpAddr, u16)>,
    /// Which tokens are believed.
    pub auth: Auth,
    /// Where the tasks are.
    pub database: Database,
    /// The origins whose pages may call the API.
    pub allowed_origins: Vec<String>,
    /// The headers that these pages may send beside those of the API.
    pub allowed_headers: Vec<String>,
    /// How much one owner may ask for; none is no limit.
    pub rate_limit: Option<RateLimit>,
    /// How log lines are written.
    pub log_format: LogFormat,
}

/// `[server]`
#[derive(Debug, Clone)]
pub struct Server {
    /// The address to listen on.
    pub host: IpAddr,
    /// The port; 0 takes a free one.
    pub port: u16,
    /// HTTP worker threads.
    pub workers: usize,
    /// The largest request body, in bytes.
    pub body_limit: usize,
    /// The longest that a request may take.
    pub request_timeout: Duration,
    /// How long a stop waits for requests in flight.
    pub shutdown_timeout: Duration,
    /// How long a stopping server still takes new connections.
    pub drain_delay: Duration,
    /// The proxies whose `X-Forwarded-For` and `X-Forwarded-Prefix` count.
    pub trusted_proxies: Vec<IpNet>,
}

/// `[auth]`, and the secrets of the environment.
#[derive(Debug, Clone)]
pub struct Auth {
    /// The secrets of HS256 tokens, the current one first.
    pub secrets: Vec<Secret>,
    /// Where the keys of all other tokens come from. There is this, or a secret.
    pub jwks: Option<Jwks>,
    /// The accepted issuers; empty means not checked.
    pub issuers: Vec<String>,
    /// The accepted audiences; empty means not checked.
    pub audiences: Vec<String>,
    /// How far clocks may differ, in seconds.
    pub leeway: u8,
    /// Take the JWT of Better Auth's session cookie as a bearer token, too.
    pub accept_session_cookie_tokens: bool,
    /// The scopes that each let an OAuth access token read; with none of these and
    /// none of the next, no such token is accepted.
    pub oauth_read_scopes: Vec<String>,
    /// The scopes that each let an OAuth access token read and write.
    pub oauth_write_scopes: Vec<String>,
}

/// `[database]`
#[derive(Debug, Clone)]
pub struct Database {
    /// Which engine, and where.
    pub url: DatabaseUrl,
    /// Connections, and threads that use them.
    pub pool_size: u32,
    /// Pipelines for reads, and as many for writes, beside the pool of PostgreSQL.
    pub pipelines: u32,
    /// HTTP workers, who drive the pipelines: `server.workers`.
    pub workers: usize,
    /// How long a request waits for a connection, and for the lock of SQLite.
    pub acquire_timeout: Duration,
    /// The longest that the database may work on a statement.
    pub statement_timeout: Duration,
    /// Keep statements prepared on PostgreSQL's sessions.
    pub prepared_statements: bool,
    /// Bring the database up to date at start.
    pub migrate_on_start: bool,
}

/// A database's address.
#[derive(Clone, PartialEq, Eq)]
pub enum DatabaseUrl {
    /// A file of SQLite.
    SqliteFile(PathBuf),
    /// SQLite in memory: gone with the process.
    SqliteMemory,
    /// A connection string of libpq. It may hold a password.
    Postgres(String),
}

/// Never the connection string, which may hold a password.
impl std::fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::SqliteFile(path) => write!(f, "SQLite in {}", path.display()),
            Self::SqliteMemory => f.write_str("SQLite in memory"),
            Self::Postgres(_) => f.write_str("PostgreSQL"),
        }
    }
}

/// `[rate_limit]`
#[derive(Debug, Clone, Copy)]
pub struct RateLimit {
    /// Requests a second, on average.
    pub per_second: u32,
    /// Requests that may come at once.
    pub burst: u32,
}

/// How log lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// For machines: one JSON object a line.
    Json,
}

impl Settings {
    /// Reads the layers: the defaults, `config/<TODOWARD_ENV>.toml` below the
    /// working directory, the environment.
    ///
    /// # Errors
    ///
    /// The first setting that is wrong, missing or unknown.
    pub fn load(environment: &Environment) -> Result<Self, SettingsError> {
        let layers = Layers::read(environment)?;
        Ok(Self {
            server: sections::server(&layers)?,
            metrics: match layers.number("metrics.port", 0, 65_535)? as u16 {
                0 => None,
                port => Some((sections::host(&layers, "metrics.host")?, port)),
            },
            auth: sections::auth(&layers, environment)?,
            database: sections::database(&layers)?,
            allowed_origins: sections::origins(&layers)?,
            allowed_headers: sections::allowed_headers(&layers)?,
            rate_limit: sections::rate_limit(&layers)?,
            log_format: match layers.not_empty("log.format")?.as_str() {
                "text" => LogFormat::Text,
                "json" => LogFormat::Json,
                _ => return Err(layers.wrong("log.format", "must be text or json")),
            },
        })
    }

    /// Only `[server]`, for commands that need no more.
    ///
    /// # Errors
    ///
    /// As [`Settings::load`].
    pub fn load_server(environment: &Environment) -> Result<Server, SettingsError> {
        sections::server(&Layers::read(environment)?)
    }

    /// Only `[auth]` and the secrets.
    ///
    /// # Errors
    ///
    /// As [`Settings::load`].
    pub fn load_auth(environment: &Environment) -> Result<Auth, SettingsError> {
        sections::auth(&Layers::read(environment)?, environment)
    }

    /// Only `[database]`, and how many workers use it: whoever migrates needs no secret.
    ///
    /// # Errors
    ///
    /// As [`Settings::load`].
    pub fn load_database(environment: &Environment) -> Result<Database, SettingsError> {
        sections::database(&Layers::read(environment)?)
    }
}
