//! The secrets of HS256 tokens. They come from the environment only, and guessable ones
//! are refused: jsonwebtoken would accept even an empty one.

use std::fmt;

use super::layers::{Environment, SettingsError};

/// The min length: that of the hash (RFC 7518 section 3.2).
pub const MIN_SECRET_BYTES: usize = 32;

/// Better Auth's default outside production, which is public.
const PUBLIC_DEFAULT: &str = "better-auth-secret-12345678901234567890";

/// A secret. `Debug` hides it, and it has no `Display`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Checks a secret.
    ///
    /// # Errors
    ///
    /// How to fix it, as a sentence without its subject.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        if text.trim().len() < MIN_SECRET_BYTES {
            return Err("must be at least 32 bytes; make one with `openssl rand -base64 32`");
        }
        if text == PUBLIC_DEFAULT {
            return Err(
                "is Better Auth's public default, which everybody knows; make one with `openssl rand -base64 32`",
            );
        }
        let mut bytes = text.bytes().collect::<Vec<_>>();
        bytes.sort_unstable();
        bytes.dedup();
        if bytes.len() < 8 {
            return Err(
                "repeats a few characters and can be guessed; make one with `openssl rand -base64 32`",
            );
        }
        Ok(Self(text.to_owned()))
    }

    /// The secret in plain text, for the crypto library.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// Reads `BETTER_AUTH_SECRETS=2:new,1:old`, the current one first, then
/// `BETTER_AUTH_SECRET`. Either is enough, and neither is needed with keys from
/// `BETTER_AUTH_URL`.
pub(super) fn read(environment: &Environment) -> Result<Vec<Secret>, SettingsError> {
    const ONE: &str = "BETTER_AUTH_SECRET";
    const LIST: &str = "BETTER_AUTH_SECRETS";
    let mut secrets = Vec::new();
    for entry in environment
        .not_empty(LIST)?
        .into_iter()
        .flat_map(|list| list.split(','))
    {
        let entry = entry.trim();
        let secret = entry.split_once(':').filter(|(version, _)| {
            !version.is_empty() && version.bytes().all(|byte| byte.is_ascii_digit())
        });
        let Some((_, secret)) = secret else {
            let hint = "must be versions and secrets, the current one first, as 2:new,1:old";
            return Err(SettingsError::new(LIST, hint));
        };
        // As in Better Auth, only the secrets of the list are trimmed.
        let secret = Secret::parse(secret.trim());
        secrets.push(secret.map_err(|hint| SettingsError::new(LIST, hint))?);
    }
    if let Some(secret) = environment.not_empty(ONE)? {
        secrets.push(Secret::parse(secret).map_err(|hint| SettingsError::new(ONE, hint))?);
    }
    Ok(secrets)
}
