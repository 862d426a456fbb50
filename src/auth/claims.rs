//! The claims of a token whose signature has been verified.
//!
//! jsonwebtoken leaves gaps here (an absent or mistyped `iss`, an `aud` of
//! `["me", 5]`, an empty `sub`, an `iat` in the future all pass), so each rule
//! is checked by this code.

use std::sync::Arc;

use aws_lc_rs::digest;

use super::oauth::{Access, is_of_oauth};
use super::owner::{OwnerId, missing_subject};
use super::refusal::Refusal;
use super::verifier::Policy;
use crate::primitives::json::{Map, Value};

/// `aud` of the JWT that Better Auth keeps in its session cookie. It is signed
/// with the keys of the API tokens, but made for Better Auth itself.
const SESSION_CACHE_AUDIENCE: &str = "better-auth:session-cache";

/// The first second of the year 10000. A time so late is one in milliseconds: a token
/// that was to live for minutes would never end.
const YEAR_10000: f64 = 253_402_300_800.0;

/// The verified claims: what the middleware puts into the request's extensions.
#[derive(Debug, Clone)]
pub struct Claims {
    owner: OwnerId,
    log_name: Arc<str>,
    access: Access,
    times: Times,
}

/// When a token is valid, in seconds since 1970 (RFC 7519 sections 4.1.4 to 4.1.6).
#[derive(Debug, Clone, Copy)]
struct Times {
    exp: f64,
    nbf: Option<f64>,
    iat: Option<f64>,
}

impl Times {
    fn of(claims: &Map<String, Value>) -> Result<Self, Refusal> {
        Ok(Self {
            exp: time(claims, "exp", "exp must be a number", EXP_TOO_LATE)?
                .ok_or(Refusal::InvalidClaims("the token has no exp"))?,
            nbf: time(claims, "nbf", "nbf must be a number", NBF_TOO_LATE)?,
            iat: time(claims, "iat", "iat must be a number", IAT_TOO_LATE)?,
        })
    }

    fn check(&self, leeway: f64, now: f64) -> Result<(), Refusal> {
        if now > self.exp + leeway {
            return Err(Refusal::Expired(match self.iat {
                Some(iat) if self.exp < iat => {
                    "the token expired before it was issued: expirationTime as a number is an absolute time; write it as \"1h\""
                }
                _ => "the token has expired; get a new one",
            }));
        }
        if self.nbf.is_some_and(|nbf| nbf > now + leeway) {
            return Err(Refusal::NotYetValid("the token is not valid yet (nbf)"));
        }
        if self.iat.is_some_and(|iat| iat > now + leeway) {
            return Err(Refusal::NotYetValid(
                "the token was issued in the future (iat); check the clocks of both servers",
            ));
        }
        Ok(())
    }
}

impl Claims {
    /// The owner whom the token speaks for.
    pub fn owner(&self) -> &OwnerId {
        &self.owner
    }

    /// What stands for the owner in log lines: 12 digits of a hash. Made once for
    /// a token that is remembered, not for each line.
    pub fn log_name(&self) -> Arc<str> {
        Arc::clone(&self.log_name)
    }

    /// How much the token may do.
    pub fn access(&self) -> Access {
        self.access
    }

    /// `exp`, in seconds since 1970.
    pub fn expires_at(&self) -> f64 {
        self.times.exp
    }

    /// Whether claims that were once verified still hold at this time.
    pub(super) fn check_again(&self, policy: &Policy, now: f64) -> Result<(), Refusal> {
        self.times.check(policy.leeway, now)
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
        let kind = Kind::of(claims, typ)?;
        let access = match kind {
            Kind::Api => Access::Write,
            Kind::SessionCookie if policy.accept_session_cookies => Access::Write,
            Kind::SessionCookie => return Err(Refusal::InvalidClaims(SESSION_COOKIE)),
            Kind::OAuth => policy.oauth.access(claims)?,
        };
        // OpenID Connect section 3.1.3.6: what comes with an access token, and says
        // to a program who has signed in. Better Auth's names no client but as audience.
        if ["at_hash", "c_hash"]
            .iter()
            .any(|name| claims.contains_key(*name))
        {
            return Err(Refusal::InvalidClaims(
                "this is an OpenID token (at_hash), which is for the program that the user signs in to, and no API token; get one with authClient.token()",
            ));
        }
        // RFC 7800 section 3.1: whoever only has the token is not whom it was made for.
        if claims.contains_key("cnf") {
            return Err(Refusal::InvalidClaims(
                "the token is bound to a key (cnf), and is no bearer token",
            ));
        }
        let times = Times::of(claims)?;
        let issuer_matches = check_issuer(claims, kind, policy)?;
        let audience_matches = check_audience(claims, kind, policy)?;
        times.check(policy.leeway, now)?;
        issuer_matches?;
        audience_matches?;
        let owner = match kind {
            Kind::Api | Kind::OAuth => OwnerId::from_subject(claims)?,
            Kind::SessionCookie => OwnerId::from_session(claims)?,
        };
        Ok(Self {
            log_name: log_name(&owner),
            owner,
            access,
            times,
        })
    }
}

fn log_name(owner: &OwnerId) -> Arc<str> {
    let hash = digest::digest(&digest::SHA256, owner.as_str().as_bytes());
    let digits = hash.as_ref().iter().take(6);
    digits
        .map(|byte| format!("{byte:02x}"))
        .collect::<String>()
        .into()
}

const SESSION_COOKIE: &str =
    "this is Better Auth's session cookie, not an API token; get one with authClient.token()";

/// What a token was made for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Api,
    /// For a program that acts for the user.
    OAuth,
    /// Better Auth's cookie cache with the strategy "jwt".
    SessionCookie,
}

impl Kind {
    /// RFC 8725 section 3.11: a token that says it is something else is not for us.
    fn of(claims: &Map<String, Value>, typ: Option<&str>) -> Result<Self, Refusal> {
        let typ = typ.map(str::to_ascii_lowercase);
        let typ = typ
            .as_deref()
            .map(|typ| typ.strip_prefix("application/").unwrap_or(typ));
        match typ {
            None | Some("jwt" | "at+jwt" | "better-auth.session-cache+jwt") => {}
            Some(_) => {
                return Err(Refusal::InvalidClaims(
                    "typ says that this is another kind of token",
                ));
            }
        }
        let for_the_cache = |aud: &Value| aud == SESSION_CACHE_AUDIENCE;
        let for_the_cache = match claims.get("aud") {
            Some(Value::Array(list)) => list.iter().any(for_the_cache),
            Some(aud) => for_the_cache(aud),
            None => false,
        };
        // With a shared secret the cookie says so by its form only.
        let has_its_form = ["session", "user"]
            .iter()
            .all(|name| claims.contains_key(*name));
        let is_cookie = typ == Some("better-auth.session-cache+jwt")
            || for_the_cache
            || has_its_form && !claims.contains_key("sub");
        match (is_cookie, is_of_oauth(claims, typ)) {
            (false, false) => Ok(Self::Api),
            (false, true) => Ok(Self::OAuth),
            (true, false) => Ok(Self::SessionCookie),
            // Nobody makes one that is both, and neither rule may go round the other.
            (true, true) => Err(Refusal::InvalidClaims(SESSION_COOKIE)),
        }
    }
}

const EXP_TOO_LATE: &str = "exp is after the year 9999 and looks like milliseconds; it is in seconds, and Better Auth's expirationTime a text like \"15m\"";
const NBF_TOO_LATE: &str =
    "nbf is after the year 9999 and looks like milliseconds; it is in seconds";
const IAT_TOO_LATE: &str = "iat is after the year 9999 and looks like milliseconds; it is in seconds: Math.floor(Date.now() / 1000)";

/// A NumericDate (RFC 7519 section 2): a finite number, fractions allowed.
fn time(
    claims: &Map<String, Value>,
    name: &str,
    wrong: &'static str,
    too_late: &'static str,
) -> Result<Option<f64>, Refusal> {
    let Some(value) = claims.get(name) else {
        return Ok(None);
    };
    match value.as_f64() {
        Some(time) if time >= YEAR_10000 && time.is_finite() => {
            Err(Refusal::InvalidClaims(too_late))
        }
        Some(time) if time.is_finite() => Ok(Some(time)),
        Some(_) | None => Err(Refusal::InvalidClaims(wrong)),
    }
}

/// The outer result is about the claim's type, the inner about its value: the
/// first is said before the times are looked at, the second after.
type Checked = Result<Result<(), Refusal>, Refusal>;

fn check_issuer(claims: &Map<String, Value>, kind: Kind, policy: &Policy) -> Checked {
    let issuer = match claims.get("iss") {
        None => None,
        Some(Value::String(issuer)) => Some(issuer.as_str()),
        Some(_) => return Err(Refusal::InvalidClaims("iss must be a string")),
    };
    if policy.issuers.is_empty() {
        return Ok(Ok(()));
    }
    Ok(match issuer {
        // The cookie that is signed with the secret names neither.
        None if kind == Kind::SessionCookie => Ok(()),
        // What it is helps more than what else it lacks.
        None if !claims.contains_key("sub") => Err(Refusal::InvalidClaims(missing_subject(claims))),
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

fn check_audience(claims: &Map<String, Value>, kind: Kind, policy: &Policy) -> Checked {
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
    // A cookie's audience is the cookie cache, or none.
    if kind == Kind::SessionCookie {
        return Ok(Ok(()));
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
