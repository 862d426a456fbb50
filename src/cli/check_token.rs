//! `todoward check-token`: explains a token, and whether this configuration accepts it.

use std::io::Read as _;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use actix_rt::System;

use super::{Failure, print};
use crate::auth::{Access, Jwks, MAX_TOKEN_BYTES, Unverified, unix_now};
use crate::primitives::problem::Code;
use crate::server::application::verifier;
use crate::settings::Auth;

/// The max time for finding the key. The limits of fetching are shorter.
const MAX_WAIT: Duration = Duration::from_secs(60);

/// Reads a token from standard input and explains it. The exit code is 0 if it would be
/// accepted, else 1.
pub fn run(auth: &Auth) -> Result<ExitCode, Failure> {
    let mut input = Vec::new();
    let max = MAX_TOKEN_BYTES as u64 * 4;
    std::io::stdin().take(max).read_to_end(&mut input)?;
    let text = String::from_utf8_lossy(&input);
    let text = text.trim();
    let token = text
        .strip_prefix("Authorization:")
        .map_or(text, str::trim_start);
    let token = match token.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => token.trim_start(),
        _ => token,
    };
    if token.is_empty() {
        return Err(Failure::Other("no token on standard input".into()));
    }
    if let Ok(unverified) = Unverified::parse(token) {
        let (header, claims) = unverified.describe();
        print(&format!("header    {header}\nclaims    {claims}\n"))?;
        print(&format!(
            "key       {}\n",
            key_of(unverified.algorithm(), auth)
        ))?;
        print(&expected("iss", &auth.issuers))?;
        print(&expected("aud", &auth.audiences))?;
    }
    let verifier = verifier(auth)?;
    let verified = System::new().block_on(async {
        // A running server has normally fetched its keys already.
        if let Some(jwks) = verifier.jwks() {
            jwks.first_fetch().await;
        }
        let deadline = Instant::now() + MAX_WAIT;
        verifier.verify_with_fresh_keys(token, deadline).await
    });
    match verified {
        Ok(claims) if claims.access() == Access::Nothing => {
            let missing = verifier.policy().oauth.missing(Access::Read);
            let code = Code::InsufficientScope.as_str();
            print(&format!("verdict   refused, {code}: {missing}\n"))?;
            Ok(ExitCode::FAILURE)
        }
        Ok(claims) => {
            if claims.access() < Access::Write {
                let missing = verifier.policy().oauth.missing(Access::Write);
                print(&format!("scope     may read; {missing}\n"))?;
            }
            let left = (claims.expires_at() - unix_now()).max(0.0);
            let owner = serde_json::Value::from(claims.owner().as_str());
            print(&format!(
                "verdict   taken: the owner is {owner}, for another {left:.0} s\n"
            ))?;
            Ok(ExitCode::SUCCESS)
        }
        Err(refusal) => {
            if let Some(error) = verifier.jwks().and_then(Jwks::last_error) {
                print(&format!("fetching  failed: {error}\n"))?;
            }
            print(&format!(
                "verdict   refused, {}: {}\n",
                refusal.code().as_str(),
                refusal.detail()
            ))?;
            Ok(ExitCode::FAILURE)
        }
    }
}

fn key_of(algorithm: &str, auth: &Auth) -> String {
    match (algorithm, &auth.jwks) {
        ("HS256", _) => {
            "a shared secret: BETTER_AUTH_SECRET or one of BETTER_AUTH_SECRETS".to_owned()
        }
        ("none", _) => "none: the token is not signed".to_owned(),
        (_, Some(jwks)) => format!("the public key of its kid, from {}", jwks.url),
        (_, None) => "the public key of a key pair; BETTER_AUTH_URL is not set".to_owned(),
    }
}

/// The line with the accepted values of a claim.
fn expected(claim: &str, values: &[String]) -> String {
    match values {
        [] => String::new(),
        values => format!("expected  {claim} {}\n", values.join(" or ")),
    }
}
