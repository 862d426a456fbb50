//! The commands.

mod check_token;
mod dev;
mod export;
mod healthcheck;
mod import;
mod migrate;
mod owner;
mod progress;
mod serve;
mod sync_reset;
mod token;

use std::fmt;
use std::process::ExitCode;
use std::sync::LazyLock;

use clap::{Parser, Subcommand};

use crate::db::migrate::MigrateError;
use crate::routes;
use crate::server::application::StartError;
use crate::settings::{Environment, Settings, SettingsError};
use crate::tasks::due::TimeZone;
use crate::transfer::CopyError;

/// A tasks API that trusts the JWTs of a Better Auth server and shows each user
/// only what is theirs.
///
/// Settings come from the environment; config/default.toml explains each. For a
/// first look without any: todoward dev
#[derive(Parser)]
#[command(version = version(), propagate_version = true, about, max_term_width = 100)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
}

/// The release of Todoward, and of the time zone database that is compiled in.
fn version() -> &'static str {
    static VERSION: LazyLock<String> = LazyLock::new(|| {
        let zones = TimeZone::database_version();
        format!("{} (time zones {zones})", env!("CARGO_PKG_VERSION"))
    });
    &VERSION
}

#[derive(Subcommand)]
enum Command {
    /// Serve the API (what todoward does without a command)
    Serve,
    /// Serve for a first look: SQLite in this directory, a secret made on first use
    Dev,
    /// Bring the database up to date, and say what was done
    Migrate(migrate::Arguments),
    /// Sign a token with the configured secret, for Postman and scripts
    Token(token::Arguments),
    /// Read a token from standard input, and say what it is and whether it would be taken
    CheckToken,
    /// Write the OpenAPI document
    Openapi,
    /// Make every client that follows changes fetch everything anew, after a restore
    SyncReset,
    /// Read a file of tasks and lists, in a format of another program too, for a user
    Import(import::Arguments),
    /// Write the tasks and lists of a user to standard output
    Export(export::Arguments),
    /// Export or erase everything of a user, or give it to another one
    #[command(subcommand)]
    Owner(owner::Command),
    /// Ask the local server whether it is ready: exit code 0 or 1
    Healthcheck,
}

/// Why a command failed, as one line, with its exit code.
enum Failure {
    /// A setting is wrong: 78, `EX_CONFIG` of sysexits.h.
    Settings(SettingsError),
    /// Anything else: 1.
    Other(String),
}

impl From<SettingsError> for Failure {
    fn from(error: SettingsError) -> Self {
        Self::Settings(error)
    }
}

impl From<StartError> for Failure {
    fn from(error: StartError) -> Self {
        Self::Other(error.to_string())
    }
}

impl From<MigrateError> for Failure {
    fn from(error: MigrateError) -> Self {
        Self::Other(error.to_string())
    }
}

impl From<CopyError> for Failure {
    fn from(error: CopyError) -> Self {
        Self::Other(error.to_string())
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::Other(error.to_string())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            Self::Settings(error) => error.to_string(),
            Self::Other(error) => error.clone(),
        };
        // libpq's messages have several lines; a log keeps one line together.
        let words: Vec<&str> = text.split_whitespace().collect();
        write!(f, "todoward: {}", words.join(" "))
    }
}

/// Parses the arguments and runs the command.
pub fn main() -> ExitCode {
    let command = Arguments::parse().command.unwrap_or(Command::Serve);
    match run(command) {
        Ok(code) => code,
        Err(failure) => {
            complain(&failure.to_string());
            match failure {
                Failure::Settings(_) => ExitCode::from(78),
                Failure::Other(_) => ExitCode::FAILURE,
            }
        }
    }
}

fn run(command: Command) -> Result<ExitCode, Failure> {
    let environment = Environment::of_process()?;
    match command {
        Command::Serve => serve::run(&Settings::load(&environment)?, |_| Ok(())),
        Command::Dev => dev::run(environment),
        Command::Migrate(arguments) => {
            migrate::run(&arguments, &Settings::load_database(&environment)?)
        }
        Command::Token(arguments) => token::run(&arguments, &Settings::load_auth(&environment)?),
        Command::CheckToken => check_token::run(&Settings::load_auth(&environment)?),
        Command::Openapi => {
            print(&routes::API.json("/"))?;
            Ok(ExitCode::SUCCESS)
        }
        Command::SyncReset => sync_reset::run(&Settings::load_database(&environment)?),
        Command::Import(arguments) => {
            import::run(&arguments, &Settings::load_database(&environment)?)
        }
        Command::Export(arguments) => {
            export::run(&arguments, &Settings::load_database(&environment)?)
        }
        Command::Owner(command) => owner::run(&command, &Settings::load_database(&environment)?),
        Command::Healthcheck => healthcheck::run(&Settings::load_server(&environment)?),
    }
}

/// Writes a warning to standard error.
fn warn(text: &str) {
    complain(&format!("todoward: warning: {text}"));
}

/// Writes a line to standard error. Failures are ignored: the exit code says enough.
fn complain(line: &str) {
    use std::io::Write as _;
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// Writes to standard output. `println!` would panic if it is closed.
fn print(text: &str) -> std::io::Result<()> {
    use std::io::Write as _;
    let mut out = std::io::stdout();
    out.write_all(text.as_bytes())?;
    out.flush()
}
