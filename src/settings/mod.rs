//! The settings: all layers are read, typed and checked once, at start. Only this module
//! reads the environment.
//!
//! Invariant: an invalid setting fails the start with a sentence that names the variable
//! and how to fix it, and never the value, which may be a secret.

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

/// All settings.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The HTTP server.
    pub server: Server,
    /// The IP address and port of the metrics; none if they are off.
    pub metrics: Option<(IpAddr, u16)>,
    /// Which tokens are accepted.
    pub auth: Auth,
    /// The database.
    pub database: Database,
    /// The origins whose pages may call the API.
    pub allowed_origins: Vec<String>,
    /// The headers that these pages may send in addition to those of the API.
    pub allowed_headers: Vec<String>,
    /// The rate limit; none if there is no limit.
    pub rate_limit: Option<RateLimit>,
    /// The format of log lines.
    pub log_format: LogFormat,
    /// How many days deleted tasks and lists stay in the trash; 0 is no trash.
    pub trash_days: u32,
    /// How many days changes can be followed from a cursor.
    pub changes_days: u32,
    /// How much an owner may have.
    pub limits: Limits,
    /// What erasing and adopting accounts depends on.
    pub accounts: Accounts,
}

/// `[server]`
#[derive(Debug, Clone)]
pub struct Server {
    /// The IP address to listen on.
    pub host: IpAddr,
    /// The port; 0 selects a free one.
    pub port: u16,
    /// The number of HTTP worker threads.
    pub workers: usize,
    /// The max size of a request body, in bytes.
    pub body_limit: usize,
    /// The max duration of a request.
    pub request_timeout: Duration,
    /// The max duration of a stop, including the drain delay.
    pub shutdown_timeout: Duration,
    /// How long a stopping server still accepts new connections.
    pub drain_delay: Duration,
    /// The proxies whose `X-Forwarded-For` and `X-Forwarded-Prefix` are trusted.
    pub trusted_proxies: Vec<IpNet>,
}

/// `[auth]`, and the secrets of the environment.
#[derive(Debug, Clone)]
pub struct Auth {
    /// The secrets of HS256 tokens, the current one first.
    pub secrets: Vec<Secret>,
    /// The source of the public keys. There is this, a secret, or both.
    pub jwks: Option<Jwks>,
    /// The accepted issuers; if empty, the issuer is not checked.
    pub issuers: Vec<String>,
    /// The accepted audiences; if empty, the audience is not checked.
    pub audiences: Vec<String>,
    /// The accepted clock skew, in seconds.
    pub leeway: u8,
    /// Whether the JWT of Better Auth's session cookie is accepted as a bearer token.
    pub accept_session_cookie_tokens: bool,
    /// Scopes each of which lets an OAuth access token read. If this and the next are empty,
    /// no such token is accepted.
    pub oauth_read_scopes: Vec<String>,
    /// Scopes each of which lets an OAuth access token read and write.
    pub oauth_write_scopes: Vec<String>,
}

/// `[database]`
#[derive(Debug, Clone)]
pub struct Database {
    /// The engine, and the location.
    pub url: DatabaseUrl,
    /// The number of connections, and of threads that use them.
    pub pool_size: u32,
    /// The pipelines (PostgreSQL only).
    pub pipelines: PipelineCount,
    /// The number of HTTP workers, which drive the pipelines: `server.workers`.
    pub workers: usize,
    /// How long a request waits for a connection, and for SQLite's lock.
    pub acquire_timeout: Duration,
    /// The max duration of a statement, enforced by PostgreSQL.
    pub statement_timeout: Duration,
    /// Whether statements are kept prepared on PostgreSQL sessions.
    pub prepared_statements: bool,
    /// Whether migrations run at start.
    pub migrate_on_start: bool,
}

/// How many pipelines there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PipelineCount {
    /// For writes as many as make them faster.
    Auto,
    /// So many for reads, and as many for writes.
    Fixed(u32),
}

/// The location of a database.
#[derive(Clone, PartialEq, Eq)]
pub enum DatabaseUrl {
    /// A SQLite file.
    SqliteFile(PathBuf),
    /// SQLite in memory: lost when the process ends.
    SqliteMemory,
    /// A connection string of libpq. It may contain a password.
    Postgres(String),
}

/// Hides the connection string, which may contain a password.
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
    /// Requests that are accepted at once.
    pub burst: u32,
}

/// `[limits]`: 0 is no limit.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// The max number of tasks of an owner, those in the trash included.
    pub tasks_per_owner: u64,
    /// The max number of lists.
    pub lists_per_owner: u64,
}

/// `[accounts]`
#[derive(Debug, Clone, Copy)]
pub struct Accounts {
    /// How long ago a token may have been issued that erases or adopts, in seconds.
    pub max_token_age: u32,
    /// Whether accounts can be adopted whose tokens do not say that they are anonymous.
    pub adopts_any: bool,
}

/// The format of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// For machines: one JSON object a line.
    Json,
}

impl Settings {
    /// Reads the layers: the defaults, `config/<TODOWARD_ENV>.toml` in the working
    /// directory, the environment.
    ///
    /// # Errors
    ///
    /// The first setting that is invalid, missing or unknown.
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
            trash_days: layers.number("trash.days", 0, 36_500)? as u32,
            changes_days: layers.number("changes.days", 1, 36_500)? as u32,
            limits: sections::limits(&layers)?,
            accounts: sections::accounts(&layers)?,
            log_format: match layers.not_empty("log.format")?.as_str() {
                "text" => LogFormat::Text,
                "json" => LogFormat::Json,
                _ => return Err(layers.wrong("log.format", "must be text or json")),
            },
        })
    }

    /// Reads only `[server]`.
    ///
    /// # Errors
    ///
    /// Those of [`Settings::load`].
    pub fn load_server(environment: &Environment) -> Result<Server, SettingsError> {
        sections::server(&Layers::read(environment)?)
    }

    /// Reads only `[auth]` and the secrets.
    ///
    /// # Errors
    ///
    /// Those of [`Settings::load`].
    pub fn load_auth(environment: &Environment) -> Result<Auth, SettingsError> {
        sections::auth(&Layers::read(environment)?, environment)
    }

    /// Reads only `[database]` and the number of workers: migrating needs no secret.
    ///
    /// # Errors
    ///
    /// Those of [`Settings::load`].
    pub fn load_database(environment: &Environment) -> Result<Database, SettingsError> {
        sections::database(&Layers::read(environment)?)
    }
}
