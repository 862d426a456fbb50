//! Settings: every layer read, typed and checked once, at start. All reading of
//! the environment happens here.
//!
//! Invariant: a bad setting stops the start with a sentence that names the
//! variable and the mend, and never the value, which may be a secret.

mod better_auth;
mod layers;
mod postgres_url;
mod secrets;

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;

use better_auth::Trust;

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
    /// The proxies whose `X-Forwarded-For` counts.
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
}

/// `[database]`
#[derive(Debug, Clone)]
pub struct Database {
    /// Which engine, and where.
    pub url: DatabaseUrl,
    /// Connections, and threads that use them.
    pub pool_size: u32,
    /// How long a request waits for a connection.
    pub acquire_timeout: Duration,
    /// The longest that the database may work on a statement.
    pub statement_timeout: Duration,
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
            server: server(&layers)?,
            metrics: match layers.number("metrics.port", 0, 65_535)? as u16 {
                0 => None,
                port => Some((host(&layers, "metrics.host")?, port)),
            },
            auth: auth(&layers, environment)?,
            database: database(&layers)?,
            allowed_origins: origins(&layers)?,
            rate_limit: rate_limit(&layers)?,
            log_format: match layers.text("log.format")?.as_str() {
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
        server(&Layers::read(environment)?)
    }

    /// Only `[auth]` and the secrets.
    ///
    /// # Errors
    ///
    /// As [`Settings::load`].
    pub fn load_auth(environment: &Environment) -> Result<Auth, SettingsError> {
        auth(&Layers::read(environment)?, environment)
    }

    /// Only `[database]`: whoever migrates needs no secret.
    ///
    /// # Errors
    ///
    /// As [`Settings::load`].
    pub fn load_database(environment: &Environment) -> Result<Database, SettingsError> {
        database(&Layers::read(environment)?)
    }
}

fn host(layers: &Layers, key: &str) -> Result<IpAddr, SettingsError> {
    layers.parsed(key, "must be an IP address, for example 127.0.0.1")
}

fn seconds(layers: &Layers, key: &str, least: u64, most: u64) -> Result<Duration, SettingsError> {
    Ok(Duration::from_secs(layers.number(key, least, most)?))
}

fn server(layers: &Layers) -> Result<Server, SettingsError> {
    let shutdown_timeout = seconds(layers, "server.shutdown_timeout", 1, 3600)?;
    let drain_delay = seconds(layers, "server.drain_delay", 0, 600)?;
    if drain_delay >= shutdown_timeout {
        let mend = "must be shorter than TODOWARD__SERVER__SHUTDOWN_TIMEOUT, of which it is a part";
        return Err(layers.wrong("server.drain_delay", mend));
    }
    let workers = layers.number("server.workers", 0, 1024)? as usize;
    let cores = || std::thread::available_parallelism().map_or(1, usize::from);
    Ok(Server {
        host: host(layers, "server.host")?,
        port: layers.number("server.port", 0, 65_535)? as u16,
        workers: if workers == 0 { cores() } else { workers },
        body_limit: layers.number("server.body_limit", 1024, 16 << 20)? as usize,
        request_timeout: seconds(layers, "server.request_timeout", 1, 600)?,
        shutdown_timeout,
        drain_delay,
        trusted_proxies: networks(layers)?,
    })
}

fn auth(layers: &Layers, environment: &Environment) -> Result<Auth, SettingsError> {
    let secrets = secrets::read(environment)?;
    let trust = Trust::read(layers, environment)?;
    if secrets.is_empty() && trust.jwks.is_none() {
        let mend = "is not set, and BETTER_AUTH_URL neither: set one of them, to the secret that your Better Auth server signs with or to its address; for a first look without either, run `todoward dev`";
        return Err(SettingsError::new("BETTER_AUTH_SECRET", mend));
    }
    Ok(Auth {
        secrets,
        jwks: trust.jwks,
        issuers: trust.issuers,
        audiences: trust.audiences,
        leeway: layers.number("auth.leeway", 0, 60)? as u8,
        accept_session_cookie_tokens: layers
            .parsed("auth.accept_session_cookie_tokens", "must be true or false")?,
    })
}

fn database(layers: &Layers) -> Result<Database, SettingsError> {
    Ok(Database {
        url: database_url(layers)?,
        pool_size: layers.number("database.pool_size", 1, 1000)? as u32,
        acquire_timeout: seconds(layers, "database.acquire_timeout", 1, 60)?,
        statement_timeout: seconds(layers, "database.statement_timeout", 1, 600)?,
        migrate_on_start: layers.parsed("database.migrate_on_start", "must be true or false")?,
    })
}

/// A burst of 0 is as much as a second's requests.
fn rate_limit(layers: &Layers) -> Result<Option<RateLimit>, SettingsError> {
    let per_second = layers.number("rate_limit.requests_per_second", 0, 1_000_000)? as u32;
    let burst = layers.number("rate_limit.burst", 0, 1_000_000)? as u32;
    Ok((per_second > 0).then_some(RateLimit {
        per_second,
        burst: if burst == 0 { per_second } else { burst },
    }))
}

fn networks(layers: &Layers) -> Result<Vec<IpNet>, SettingsError> {
    const KEY: &str = "server.trusted_proxies";
    let parse = |text: &String| {
        text.parse::<IpNet>()
            .or_else(|_| text.parse::<IpAddr>().map(IpNet::from))
            .map_err(|_| layers.wrong(KEY, "must be addresses or networks, for example 10.0.0.0/8"))
    };
    layers.list(KEY)?.iter().map(parse).collect()
}

fn database_url(layers: &Layers) -> Result<DatabaseUrl, SettingsError> {
    const KEY: &str = "database.url";
    const FORMS: &str = "must be sqlite://path, sqlite::memory: or postgres://user@host/database";
    let url = layers.text(KEY)?;
    if url == "sqlite::memory:" || url == "sqlite://:memory:" {
        return Ok(DatabaseUrl::SqliteMemory);
    }
    if let Some(path) = url.strip_prefix("sqlite://") {
        if path.is_empty() || path.ends_with('/') {
            return Err(layers.wrong(KEY, "names no file behind sqlite://"));
        }
        return Ok(DatabaseUrl::SqliteFile(path.into()));
    }
    let is_postgres = url.starts_with("postgres://") || url.starts_with("postgresql://");
    if !is_postgres {
        return Err(layers.wrong(KEY, FORMS));
    }
    if cfg!(not(feature = "postgres")) {
        return Err(layers.wrong(
            KEY,
            "names PostgreSQL, and this binary was built for SQLite only; build it with the feature postgres",
        ));
    }
    if !postgres_url::is_well_formed(&url) {
        return Err(layers.wrong(KEY, postgres_url::MEND));
    }
    Ok(DatabaseUrl::Postgres(url))
}

/// Origins as browsers send them (RFC 6454 section 6.1): `*` would let every
/// page of the web use a token that it got hold of.
fn origins(layers: &Layers) -> Result<Vec<String>, SettingsError> {
    const KEY: &str = "cors.allowed_origins";
    let origins = layers.list(KEY)?;
    for origin in &origins {
        if origin == "*" {
            return Err(layers.wrong(KEY, "must name each origin; * is refused"));
        }
        let host = origin
            .strip_prefix("https://")
            .or_else(|| origin.strip_prefix("http://"));
        let is_origin = host.is_some_and(|host| {
            let allowed = |c: char| c.is_ascii_graphic() && !"/?#@\\*,".contains(c);
            !host.is_empty() && host.chars().all(|c| allowed(c) && !c.is_ascii_uppercase())
        });
        if !is_origin {
            return Err(layers.wrong(
                KEY,
                "must be origins as browsers send them: scheme, lower-case host and port, no path, for example https://app.example.com",
            ));
        }
    }
    Ok(origins)
}
