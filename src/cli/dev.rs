//! `todoward dev`: a server for trying it out, without any configuration.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write as _};
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::process::ExitCode;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use url::Url;

use super::{Failure, print, serve};
use crate::auth::sign_hs256;
use crate::server::application::policy;
use crate::settings::{Environment, Settings};

const SECRET_FILE: &str = "todoward-dev.secret";
const DATABASE_URL: &str = "sqlite://todoward-dev.db";
const FRONTEND: &str = "http://localhost:3000";
const DAY: u64 = 24 * 60 * 60;

/// Serves with the settings of the environment, and with defaults for the rest.
pub fn run(mut environment: Environment) -> Result<ExitCode, Failure> {
    environment.set_default("DATABASE_URL", DATABASE_URL.into());
    let origins = origins(environment.get("BETTER_AUTH_URL"));
    environment.set_default("TODOWARD__CORS__ALLOWED_ORIGINS", origins);
    environment.set_default("TODOWARD__METRICS__PORT", "0".into());
    // Even with BETTER_AUTH_URL, so that both the frontend's tokens and the printed
    // one are accepted.
    if environment.get("BETTER_AUTH_SECRETS").is_none() {
        environment.set_default("BETTER_AUTH_SECRET", secret(Path::new(SECRET_FILE))?);
    }
    let settings = Settings::load(&environment)?;
    serve::run(&settings, |address| greet(&settings, address))
}

/// The allowed origins: the usual one of a frontend, and that of BETTER_AUTH_URL. An
/// invalid URL is reported later, with the settings.
fn origins(frontend: Option<&str>) -> String {
    let url = frontend.and_then(|text| Url::parse(text.trim()).ok());
    match url {
        Some(url) => format!("{FRONTEND},{}", url.origin().ascii_serialization()),
        None => FRONTEND.to_owned(),
    }
}

/// The secret in the file, which is generated on first use. An empty file, left behind
/// by an interrupted start, is replaced.
fn secret(path: &Path) -> Result<String, Failure> {
    if std::fs::metadata(path).is_ok_and(|file| file.len() == 0) {
        // If it cannot be removed, opening it fails below with its name.
        let _ = std::fs::remove_file(path);
    }
    let failed =
        |error: std::io::Error| Failure::Other(format!("cannot use {}: {error}", path.display()));
    let mut options = OpenOptions::new();
    match options.write(true).create_new(true).mode(0o600).open(path) {
        Ok(mut file) => {
            let mut bytes = [0; 32];
            aws_lc_rs::rand::fill(&mut bytes)
                .map_err(|_| Failure::Other("the system gives no random numbers".into()))?;
            let secret = STANDARD.encode(bytes);
            file.write_all(secret.as_bytes()).map_err(failed)?;
            Ok(secret)
        }
        Err(error) if error.kind() == ErrorKind::AlreadyExists => std::fs::read_to_string(path)
            .map(|secret| secret.trim().to_owned())
            .map_err(failed),
        Err(error) => Err(failed(error)),
    }
}

fn greet(settings: &Settings, address: SocketAddr) -> Result<(), Failure> {
    let secret = settings.auth.secrets.first();
    let secret = secret.ok_or_else(|| Failure::Other("there is no secret".into()))?;
    let token = sign_hs256(secret, "demo", DAY, &policy(&settings.auth))
        .map_err(|error| Failure::Other(error.to_string()))?;
    let frontend = settings
        .auth
        .jwks
        .as_ref()
        .map_or_else(String::new, |jwks| {
            format!(
                "  frontend  its tokens are verified with the keys at {}\n",
                jwks.url
            )
        });
    // A closed standard output is no reason not to serve.
    let _ = print(&format!(
        "\nTodoward is running, for a first look.

  tasks     http://{address}/api/v1/tasks
  try it    http://{address}/docs
  health    http://{address}/health/ready
  database  {database:?}
{frontend}
A token for the user \"demo\", for 24 hours:

{token}

Paste this to create a task and list all of them:

curl -s http://{address}/api/v1/tasks -H 'Authorization: Bearer {token}' -H 'Content-Type: application/json' -d '{{\"title\":\"Buy milk\"}}' && curl -s http://{address}/api/v1/tasks -H 'Authorization: Bearer {token}'

",
        database = settings.database.url,
    ));
    Ok(())
}
