//! `todoward token`: signs a token with the configured secret.

use std::process::ExitCode;

use super::{Failure, print};
use crate::app::policy;
use crate::auth::{Verifier, sign_hs256, unix_now};
use crate::settings::Auth;

/// What the token is to say.
#[derive(clap::Args)]
pub struct Arguments {
    /// The user's id, which becomes the owner of the tasks
    #[arg(long)]
    sub: String,
    /// For how long it is valid: a number and s, m, h or d
    #[arg(long, default_value = "1h", value_parser = seconds)]
    expires: u64,
}

/// Prints the token, alone on its line.
pub fn run(arguments: &Arguments, auth: &Auth) -> Result<ExitCode, Failure> {
    let policy = policy(auth);
    let secret = auth
        .secrets
        .first()
        .ok_or_else(|| Failure::Other("there is no secret to sign with".into()))?;
    let token = sign_hs256(secret, &arguments.sub, arguments.expires, &policy)
        .map_err(|error| Failure::Other(error.to_string()))?;
    // A token that this server would refuse helps nobody.
    Verifier::new(&auth.secrets, policy)
        .verify(&token, unix_now())
        .map_err(|refusal| Failure::Other(format!("--sub: {}", refusal.detail())))?;
    print(&format!("{token}\n"))?;
    Ok(ExitCode::SUCCESS)
}

fn seconds(text: &str) -> Result<u64, String> {
    let mend = || "must be a number and s, m, h or d, for example 15m".to_owned();
    let unit = match text.chars().last() {
        Some('s') => 1,
        Some('m') => 60,
        Some('h') => 60 * 60,
        Some('d') => 24 * 60 * 60,
        _ => return Err(mend()),
    };
    let number: u64 = text
        .get(..text.len() - 1)
        .and_then(|number| number.parse().ok())
        .ok_or_else(mend)?;
    number
        .checked_mul(unit)
        .filter(|seconds| *seconds > 0)
        .ok_or_else(mend)
}
