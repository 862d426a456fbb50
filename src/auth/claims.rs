//! The claims of a token whose signature has been verified.
//!
//! jsonwebtoken's validation has gaps (an absent or mistyped `iss`, an `aud` of
//! `["me", 5]`, an empty `sub` and an `iat` in the future all pass), so this code
//! checks each rule itself.

use std::sync::Arc;

use aws_lc_rs::digest;

use super::oauth::{Access, is_of_oauth};
use super::owner::{OwnerId, missing_subject};
use super::refusal::Refusal;
use super::verifier::Policy;
use crate::primitives::json::{Map, Value};

/// The `aud` of the JWT in Better Auth's session cookie. It is signed with the same
/// keys as API tokens, but intended for Better Auth itself.
const SESSION_CACHE_AUDIENCE: &str = "better-auth:session-cache";

/// The first second of the year 10000. A later time is one in milliseconds by
/// mistake: a token meant to live for minutes would never expire.
const YEAR_10000: f64 = 253_402_300_800.0;

/// The verified claims, which the middleware stores in the request's extensions.
#[derive(Debug, Clone)]
pub struct Claims {
    owner: OwnerId,
    log_name: Arc<str>,
    access: Access,
    is_anonymous: bool,
    times: Times,
}

/// The validity period of a token, in seconds since the Unix epoch (RFC 7519 sections
/// 4.1.4 to 4.1.6).
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
    /// The owner.
    pub fn owner(&self) -> &OwnerId {
        &self.owner
    }

    /// The pseudonym of the owner in log lines: 12 hex digits of a SHA-256 hash. It is
    /// computed once a token, not once a line.
    pub fn log_name(&self) -> Arc<str> {
        Arc::clone(&self.log_name)
    }

    /// What the token allows.
    pub fn access(&self) -> Access {
        self.access
    }

    /// `exp`, in seconds since the Unix epoch.
    pub fn expires_at(&self) -> f64 {
        self.times.exp
    }

    /// Whether the user has not signed in yet: Better Auth's anonymous plugin.
    pub fn is_anonymous(&self) -> bool {
        self.is_anonymous
    }

    /// Checks that the token was issued at most so many seconds ago.
    ///
    /// # Errors
    ///
    /// It is older, or does not say.
    pub fn check_fresh(&self, max_age: f64, now: f64) -> Result<(), Refusal> {
        match self.times.iat {
            None => Err(Refusal::Expired(
                "the token has no iat, so it is unknown how old it is: this needs one that was issued a moment ago",
            )),
            Some(iat) if now > iat + max_age => Err(Refusal::Expired(
                "the token is too old for this, which needs one that was issued a moment ago; get a new one",
            )),
            Some(_) => Ok(()),
        }
    }

    /// Checks that verified claims are still valid at the time `now`.
    pub(super) fn check_again(&self, policy: &Policy, now: f64) -> Result<(), Refusal> {
        self.times.check(policy.leeway, now)
    }

    /// Checks each claim against the policy at the time `now` (seconds since the Unix
    /// epoch). Only the verifier calls this, and only after it has verified the
    /// signature: the sender of a forged token must not learn what is checked here.
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
        // OpenID Connect Core section 3.1.3.6: an ID token, which tells a client who has
        // signed in. Better Auth's ID tokens name the client only as their audience.
        if ["at_hash", "c_hash"]
            .iter()
            .any(|name| claims.contains_key(*name))
        {
            return Err(Refusal::InvalidClaims(
                "this is an OpenID token (at_hash), which is for the program that the user signs in to, and no API token; get one with authClient.token()",
            ));
        }
        // RFC 7800 section 3.1: possession of the token alone proves nothing.
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
            is_anonymous: kind.is_anonymous(claims),
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

/// The purpose of a token.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Api,
    /// An OAuth access token, for a client that acts for the user.
    OAuth,
    /// The session cookie of Better Auth's cookie cache with the strategy "jwt".
    SessionCookie,
}

impl Kind {
    /// What Better Auth's anonymous plugin says of a user who has not signed in yet.
    fn is_anonymous(self, claims: &Map<String, Value>) -> bool {
        const NAME: &str = "isAnonymous";
        let said = match self {
            Self::Api | Self::OAuth => claims.get(NAME),
            Self::SessionCookie => claims.get("user").and_then(|user| user.get(NAME)),
        };
        said == Some(&Value::Bool(true))
    }

    /// RFC 8725 section 3.11: a token with another explicit type is refused.
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
        // Signed with a shared secret, the cookie is recognized by its claims only.
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
            // No issuer makes a token of both kinds, and accepting it as either one
            // would bypass the rule of the other.
            (true, true) => Err(Refusal::InvalidClaims(SESSION_COOKIE)),
        }
    }
}

const EXP_TOO_LATE: &str = "exp is after the year 9999 and looks like milliseconds; it is in seconds, and Better Auth's expirationTime a text like \"15m\"";
const NBF_TOO_LATE: &str =
    "nbf is after the year 9999 and looks like milliseconds; it is in seconds";
const IAT_TOO_LATE: &str = "iat is after the year 9999 and looks like milliseconds; it is in seconds: Math.floor(Date.now() / 1000)";

/// Reads a NumericDate (RFC 7519 section 2): a finite number, fractions allowed.
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

/// The outer result is about the claim's type and is reported before the times are
/// checked; the inner one is about its value and is reported afterwards.
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
        // A cookie that is signed with the secret has neither iss nor aud.
        None if kind == Kind::SessionCookie => Ok(()),
        // The kind of token is more helpful than the first missing claim.
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
    // The audience of a cookie is the cookie cache, or absent.
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
