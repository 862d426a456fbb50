//! `todoward token`: signs a token with the configured secret.

use std::process::ExitCode;

use super::{Failure, print, warn};
use crate::auth::{Policy, Verifier, sign_hs256, unix_now};
use crate::server::application::policy;
use crate::settings::{Auth, SettingsError};

/// The max validity, a hundred years: `exp` stays a number that every parser accepts.
const MAX_SECONDS: u64 = 36_500 * 24 * 60 * 60;

/// The contents of the token.
#[derive(clap::Args)]
pub struct Arguments {
    /// The user's id, which becomes the owner of the tasks
    #[arg(long)]
    sub: String,
    /// For how long it is valid: a number and s, m, h or d
    #[arg(long, default_value = "1h", value_parser = seconds)]
    expires: u64,
}

/// Signs and prints the token.
pub fn run(arguments: &Arguments, auth: &Auth) -> Result<ExitCode, Failure> {
    let policy = policy(auth);
    let secret = auth.secrets.first().ok_or_else(|| {
        let hint = "is not set, and a token is signed with it: set it as the server has it, or get a token from your frontend with authClient.token()";
        SettingsError::new("BETTER_AUTH_SECRET", hint)
    })?;
    let token = sign_hs256(secret, &arguments.sub, arguments.expires, &policy)
        .map_err(|error| Failure::Other(error.to_string()))?;
    let left_out = left_out(&policy);
    // Fails if this server would refuse the token.
    Verifier::new(&auth.secrets, policy)
        .verify(&token, unix_now())
        .map_err(|refusal| Failure::Other(format!("--sub: {}", refusal.detail())))?;
    if let Some(claims) = left_out {
        warn(&format!(
            "the token has no {claims}, so a server with BETTER_AUTH_URL refuses it; if yours has it, set it here as well"
        ));
    }
    print(&format!("{token}\n"))?;
    Ok(ExitCode::SUCCESS)
}

/// The claims that are missing because they are not configured here. The server may
/// have other settings than this shell.
fn left_out(policy: &Policy) -> Option<&'static str> {
    match (policy.issuers.is_empty(), policy.audiences.is_empty()) {
        (true, true) => Some("iss and no aud"),
        (true, false) => Some("iss"),
        (false, true) => Some("aud"),
        (false, false) => None,
    }
}

fn seconds(text: &str) -> Result<u64, String> {
    let hint =
        || "must be a number and s, m, h or d, for example 15m, and at most 36500d".to_owned();
    let unit = match text.chars().last() {
        Some('s') => 1,
        Some('m') => 60,
        Some('h') => 60 * 60,
        Some('d') => 24 * 60 * 60,
        _ => return Err(hint()),
    };
    let number: u64 = text
        .get(..text.len() - 1)
        .and_then(|number| number.parse().ok())
        .ok_or_else(hint)?;
    number
        .checked_mul(unit)
        .filter(|seconds| (1..=MAX_SECONDS).contains(seconds))
        .ok_or_else(hint)
}
