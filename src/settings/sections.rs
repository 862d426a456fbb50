//! Reads and checks each section of the settings.

use std::net::IpAddr;
use std::time::Duration;

use ipnet::IpNet;

use super::better_auth::Trust;
use super::layers::{Environment, Layers, SettingsError};
use super::{
    Accounts, Auth, Database, DatabaseUrl, Limits, PipelineCount, RateLimit, Server, postgres_url,
    secrets,
};

pub(super) fn host(layers: &Layers, key: &str) -> Result<IpAddr, SettingsError> {
    layers.parsed(key, "must be an IP address, for example 127.0.0.1")
}

fn seconds(layers: &Layers, key: &str, min: u64, max: u64) -> Result<Duration, SettingsError> {
    Ok(Duration::from_secs(layers.number(key, min, max)?))
}

/// The number of HTTP workers; 0 means the number of CPU cores.
fn workers(layers: &Layers) -> Result<usize, SettingsError> {
    Ok(match layers.number("server.workers", 0, 1024)? as usize {
        0 => std::thread::available_parallelism().map_or(1, usize::from),
        workers => workers,
    })
}

pub(super) fn server(layers: &Layers) -> Result<Server, SettingsError> {
    let shutdown_timeout = seconds(layers, "server.shutdown_timeout", 1, 3600)?;
    let drain_delay = seconds(layers, "server.drain_delay", 0, 600)?;
    if drain_delay >= shutdown_timeout {
        let hint = "must be shorter than TODOWARD__SERVER__SHUTDOWN_TIMEOUT, of which it is a part";
        return Err(layers.wrong("server.drain_delay", hint));
    }
    Ok(Server {
        host: host(layers, "server.host")?,
        port: layers.number("server.port", 0, 65_535)? as u16,
        workers: workers(layers)?,
        body_limit: layers.number("server.body_limit", 1024, 16 << 20)? as usize,
        request_timeout: seconds(layers, "server.request_timeout", 1, 600)?,
        shutdown_timeout,
        drain_delay,
        trusted_proxies: networks(layers)?,
    })
}

pub(super) fn auth(layers: &Layers, environment: &Environment) -> Result<Auth, SettingsError> {
    let secrets = secrets::read(environment)?;
    let trust = Trust::read(layers, environment)?;
    if secrets.is_empty() && trust.jwks.is_none() {
        let hint = "is not set, and BETTER_AUTH_URL neither: set one of them, to the secret that your Better Auth server signs with or to its address; for a first look without either, run `todoward dev`";
        return Err(SettingsError::new("BETTER_AUTH_SECRET", hint));
    }
    Ok(Auth {
        secrets,
        jwks: trust.jwks,
        issuers: trust.issuers,
        audiences: trust.audiences,
        leeway: layers.number("auth.leeway", 0, 60)? as u8,
        accept_session_cookie_tokens: layers
            .parsed("auth.accept_session_cookie_tokens", "must be true or false")?,
        oauth_read_scopes: scopes(layers, "auth.oauth_read_scopes")?,
        oauth_write_scopes: scopes(layers, "auth.oauth_write_scopes")?,
    })
}

/// OAuth scopes (RFC 6749 section 3.3).
fn scopes(layers: &Layers, key: &str) -> Result<Vec<String>, SettingsError> {
    let scopes = layers.list(key)?;
    let is_scope = |scope: &String| {
        let allowed = |c: char| c.is_ascii_graphic() && c != '"' && c != '\\';
        scope != "*" && !scope.is_empty() && scope.chars().all(allowed)
    };
    match scopes.iter().all(is_scope) {
        true => Ok(scopes),
        false => Err(layers.wrong(
            key,
            "must be scopes with commas between them, for example tasks:read; each is compared exactly, and * stands for none",
        )),
    }
}

pub(super) fn database(layers: &Layers) -> Result<Database, SettingsError> {
    Ok(Database {
        url: database_url(layers)?,
        pool_size: layers.number("database.pool_size", 1, 1000)? as u32,
        pipelines: pipelines(layers)?,
        workers: workers(layers)?,
        acquire_timeout: seconds(layers, "database.acquire_timeout", 1, 60)?,
        statement_timeout: seconds(layers, "database.statement_timeout", 1, 600)?,
        prepared_statements: layers
            .parsed("database.prepared_statements", "must be true or false")?,
        migrate_on_start: layers.parsed("database.migrate_on_start", "must be true or false")?,
    })
}

fn pipelines(layers: &Layers) -> Result<PipelineCount, SettingsError> {
    const KEY: &str = "database.pipelines";
    if layers.not_empty(KEY)? == "auto" {
        return Ok(PipelineCount::Auto);
    }
    let hint = "must be auto, or a whole number from 0 to 64";
    match layers.parsed::<u32>(KEY, hint)? {
        number @ 0..=64 => Ok(PipelineCount::Fixed(number)),
        _ => Err(layers.wrong(KEY, hint)),
    }
}

pub(super) fn limits(layers: &Layers) -> Result<Limits, SettingsError> {
    const MAX: u64 = 1_000_000_000;
    Ok(Limits {
        tasks_per_owner: layers.number("limits.tasks_per_owner", 0, MAX)?,
        lists_per_owner: layers.number("limits.lists_per_owner", 0, MAX)?,
    })
}

pub(super) fn accounts(layers: &Layers) -> Result<Accounts, SettingsError> {
    const KEY: &str = "accounts.adopt";
    Ok(Accounts {
        max_token_age: layers.number("accounts.max_token_age", 1, 86_400)? as u32,
        adopts_any: match layers.not_empty(KEY)?.as_str() {
            "anonymous" => false,
            "any" => true,
            _ => return Err(layers.wrong(KEY, "must be anonymous or any")),
        },
    })
}

/// A burst of 0 means the requests of one second.
pub(super) fn rate_limit(layers: &Layers) -> Result<Option<RateLimit>, SettingsError> {
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
    // Values that come from secret files end in a line break.
    let url = layers.not_empty(KEY)?.trim().to_owned();
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
        return Err(layers.wrong(KEY, postgres_url::HINT));
    }
    Ok(DatabaseUrl::Postgres(url))
}

/// Origins as browsers send them (RFC 6454 section 6.1). `*` is refused: it would let
/// every page of the web use a stolen token.
pub(super) fn origins(layers: &Layers) -> Result<Vec<String>, SettingsError> {
    const KEY: &str = "cors.allowed_origins";
    let origins = layers.list(KEY)?;
    for origin in &origins {
        if origin == "*" {
            return Err(layers.wrong(KEY, "must name each origin; * is refused"));
        }
        if !is_origin(origin) {
            return Err(layers.wrong(
                KEY,
                "must be origins as browsers send them: scheme, lower-case host and port, no path, for example https://app.example.com or tauri://localhost",
            ));
        }
    }
    Ok(origins)
}

/// Whether a text is the origin of a web page, or of an app in a web view, which has a
/// custom scheme.
fn is_origin(text: &str) -> bool {
    let Some((scheme, host)) = text.split_once("://") else {
        return false;
    };
    let of_scheme = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "+-.".contains(c);
    let of_host = |c: char| c.is_ascii_graphic() && !"/?#@\\*,".contains(c);
    scheme.starts_with(|c: char| c.is_ascii_lowercase())
        && scheme.chars().all(of_scheme)
        // Browsers send "null" for files, and no page has one of the other schemes.
        && !matches!(scheme, "file" | "ftp" | "ws" | "wss")
        && !host.is_empty()
        && host.chars().all(|c| of_host(c) && !c.is_ascii_uppercase())
}

/// Header names (RFC 9110 section 5.1). `*` is refused: it would let pages send headers
/// that a proxy in front of the server trusts.
pub(super) fn allowed_headers(layers: &Layers) -> Result<Vec<String>, SettingsError> {
    const KEY: &str = "cors.allowed_headers";
    let names = layers.list(KEY)?;
    if names.iter().any(|name| name == "*") {
        return Err(layers.wrong(KEY, "must name each header; * is refused"));
    }
    let of_name = |c: char| c.is_ascii_alphanumeric() || "!#$%&'+-.^_`|~".contains(c);
    if names
        .iter()
        .any(|name| name.is_empty() || !name.chars().all(of_name))
    {
        let hint = "must be names of headers, for example traceparent,tracestate";
        return Err(layers.wrong(KEY, hint));
    }
    Ok(names)
}
