//! The claims of a token whose signature has been verified, and the owner in them.
//!
//! jsonwebtoken leaves gaps here (an absent or mistyped `iss`, an `aud` of
//! `["me", 5]`, an empty `sub`, an `iat` in the future all pass), so each rule
//! is checked by this code.

use std::fmt;
use std::sync::Arc;

use serde::Serialize;

use super::refusal::Refusal;
use super::verifier::Policy;
use crate::json::{Map, Value};

/// The longest subject that is an identity, in bytes.
const MAX_SUBJECT_BYTES: usize = 255;

/// `aud` of the JWT that Better Auth keeps in its session cookie. It is signed
/// with the keys of the API tokens, but made for Better Auth itself.
const SESSION_CACHE_AUDIENCE: &str = "better-auth:session-cache";

/// Who owns tasks: the subject of a verified token, byte for byte.
///
/// It is authority, not an address: whoever holds one may read and write that
/// owner's rows. So there is no way to make one but to verify a token. Nothing
/// in a request can be turned into an owner:
///
/// ```compile_fail
/// let owner = todoward::auth::OwnerId("alice".into());
/// ```
/// ```compile_fail
/// let owner: todoward::auth::OwnerId = "alice".to_owned().into();
/// ```
/// ```compile_fail
/// let owner: todoward::auth::OwnerId = serde_json::from_str("\"alice\"").unwrap();
/// ```
/// ```compile_fail
/// let owner = todoward::auth::OwnerId::default();
/// ```
#[derive(Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct OwnerId(Arc<str>);

impl OwnerId {
    /// The subject, to bind to a statement or to compare with a path.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// RFC 7519 section 4.1.2, narrowed to what every database and log stores
    /// unchanged, so that two subjects never become one owner.
    fn from_subject(claims: &Map<String, Value>) -> Result<Self, Refusal> {
        let Some(sub) = claims.get("sub") else {
            return Err(Refusal::InvalidClaims(missing_subject(claims)));
        };
        let Value::String(sub) = sub else {
            return Err(Refusal::InvalidClaims("sub must be a string"));
        };
        if sub.is_empty() || sub.len() > MAX_SUBJECT_BYTES {
            return Err(Refusal::InvalidClaims("sub must be 1 to 255 bytes"));
        }
        if sub.chars().any(char::is_control) {
            return Err(Refusal::InvalidClaims(
                "sub must not contain control characters",
            ));
        }
        if sub.trim() != sub {
            return Err(Refusal::InvalidClaims(
                "sub must not begin or end with white space",
            ));
        }
        Ok(Self(sub.as_str().into()))
    }
}

/// Never the subject itself: a `Debug` ends in logs.
impl fmt::Debug for OwnerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OwnerId(…)")
    }
}

/// What a token that has no subject most probably is.
fn missing_subject(claims: &Map<String, Value>) -> &'static str {
    if claims.contains_key("session") && claims.contains_key("user") {
        "this is a Better Auth session cookie, not an API token; get one with authClient.token()"
    } else if claims.contains_key("email") {
        "this is a Better Auth e-mail verification token, not an API token; get one with authClient.token()"
    } else {
        "the token has no sub; get a token with authClient.token(), or set sub to the user's id when you sign it yourself"
    }
}

/// The verified claims: what the middleware puts into the request's extensions.
#[derive(Debug, Clone)]
pub struct Claims {
    owner: OwnerId,
    expires_at: f64,
}

impl Claims {
    /// The owner whom the token speaks for.
    pub fn owner(&self) -> &OwnerId {
        &self.owner
    }

    /// `exp`, in seconds since 1970.
    pub fn expires_at(&self) -> f64 {
        self.expires_at
    }

    /// Checks each claim against the policy at the time `now` (seconds since
    /// 1970). Only the verifier calls this, after the signature has verified:
    /// what is said here must not be told about a forged token.
    pub(super) fn check(
        claims: &Map<String, Value>,
        typ: Option<&str>,
        policy: &Policy,
        now: f64,
    ) -> Result<Self, Refusal> {
        check_type(typ)?;
        let exp = number(claims, "exp", "exp must be a number")?
            .ok_or(Refusal::InvalidClaims("the token has no exp"))?;
        let nbf = number(claims, "nbf", "nbf must be a number")?;
        let iat = number(claims, "iat", "iat must be a number")?;
        let issuer_matches = check_issuer(claims, policy)?;
        let audience_matches = check_audience(claims, policy)?;

        if now > exp + policy.leeway {
            return Err(Refusal::Expired(match iat {
                Some(iat) if exp < iat => {
                    "the token expired before it was issued: expirationTime as a number is an absolute time; write it as \"1h\""
                }
                _ => "the token has expired; get a new one",
            }));
        }
        if nbf.is_some_and(|nbf| nbf > now + policy.leeway) {
            return Err(Refusal::NotYetValid("the token is not valid yet (nbf)"));
        }
        if iat.is_some_and(|iat| iat > now + policy.leeway) {
            return Err(Refusal::NotYetValid(
                "the token was issued in the future (iat); check the clocks of both servers",
            ));
        }
        issuer_matches?;
        audience_matches?;
        Ok(Self {
            owner: OwnerId::from_subject(claims)?,
            expires_at: exp,
        })
    }
}

/// RFC 8725 section 3.11: a token that says it is something else is not for us.
fn check_type(typ: Option<&str>) -> Result<(), Refusal> {
    let Some(typ) = typ else { return Ok(()) };
    let name = typ.to_ascii_lowercase();
    match name.strip_prefix("application/").unwrap_or(&name) {
        "jwt" | "at+jwt" => Ok(()),
        "better-auth.session-cache+jwt" => Err(Refusal::InvalidClaims(
            "this is Better Auth's session cookie, not an API token; get one with authClient.token()",
        )),
        _ => Err(Refusal::InvalidClaims(
            "typ says that this is another kind of token",
        )),
    }
}

/// A NumericDate (RFC 7519 section 2): any finite number, fractions allowed.
fn number(
    claims: &Map<String, Value>,
    name: &str,
    wrong: &'static str,
) -> Result<Option<f64>, Refusal> {
    match claims.get(name) {
        None => Ok(None),
        Some(value) => value
            .as_f64()
            .filter(|number| number.is_finite())
            .map(Some)
            .ok_or(Refusal::InvalidClaims(wrong)),
    }
}

/// The outer result is about the claim's type, the inner about its value: the
/// first is said before the times are looked at, the second after.
type Checked = Result<Result<(), Refusal>, Refusal>;

fn check_issuer(claims: &Map<String, Value>, policy: &Policy) -> Checked {
    let issuer = match claims.get("iss") {
        None => None,
        Some(Value::String(issuer)) => Some(issuer.as_str()),
        Some(_) => return Err(Refusal::InvalidClaims("iss must be a string")),
    };
    if policy.issuers.is_empty() {
        return Ok(Ok(()));
    }
    Ok(match issuer {
        None => Err(Refusal::InvalidClaims("the token has no iss")),
        Some("") => Err(Refusal::InvalidClaims(
            "iss is empty: set BETTER_AUTH_URL in the frontend",
        )),
        Some(issuer) if policy.issuers.iter().any(|known| known == issuer) => Ok(()),
        Some(issuer) => {
            log::info!(expected:debug = policy.issuers, received = issuer; "a token of another issuer was refused");
            Err(Refusal::InvalidClaims(
                "the token is of another issuer (iss)",
            ))
        }
    })
}

fn check_audience(claims: &Map<String, Value>, policy: &Policy) -> Checked {
    const WRONG: Refusal = Refusal::InvalidClaims("aud must be a string or an array of strings");
    let audience: Vec<&str> = match claims.get("aud") {
        None => Vec::new(),
        Some(Value::String(audience)) => vec![audience],
        Some(Value::Array(list)) => list
            .iter()
            .map(|one| one.as_str().ok_or(WRONG))
            .collect::<Result<_, _>>()?,
        Some(_) => return Err(WRONG),
    };
    if audience.contains(&SESSION_CACHE_AUDIENCE) {
        return Ok(Err(Refusal::InvalidClaims(
            "this is Better Auth's session cookie, not an API token; get one with authClient.token()",
        )));
    }
    if policy.audiences.is_empty() {
        return Ok(Ok(()));
    }
    if audience
        .iter()
        .any(|one| policy.audiences.iter().any(|known| known == one))
    {
        return Ok(Ok(()));
    }
    if audience.is_empty() {
        return Ok(Err(Refusal::InvalidClaims("the token has no aud")));
    }
    log::info!(expected:debug = policy.audiences, received:debug = audience; "a token for another audience was refused");
    Ok(Err(Refusal::InvalidClaims(
        "the token is for another audience (aud)",
    )))
}
