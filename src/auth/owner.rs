//! The owner of rows: the capability that every statement needs.
//!
//! Invariant: it is created only here, from claims whose signature was verified, which only
//! `claims.rs` has; or for a command, by whoever has the database anyway.

use std::fmt;
use std::sync::Arc;

use super::refusal::Refusal;
use crate::primitives::json::{Map, Value};

/// The max length of a subject, in bytes.
const MAX_SUBJECT_BYTES: usize = 255;

/// The owner of rows: the subject of a verified token, byte for byte.
///
/// It is a capability, not a name: code that has one may read and write that owner's
/// rows. So the only way to get one is to verify a token. No text of a request can be
/// converted into an owner:
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
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct OwnerId(Arc<str>);

impl OwnerId {
    /// The subject, to bind to a statement or to compare with a path.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The owner that an operator names on the command line. `tests/architecture` checks
    /// that only commands call it: no request may.
    ///
    /// # Errors
    ///
    /// No token can have this subject.
    pub(crate) fn named_by_operator(sub: &str) -> Result<Self, &'static str> {
        Self::from_value(&Value::from(sub)).map_err(|_| {
            "must be the sub of a token: 1 to 255 bytes, without control characters, and without white space at its ends"
        })
    }

    pub(super) fn from_subject(claims: &Map<String, Value>) -> Result<Self, Refusal> {
        match claims.get("sub") {
            None => Err(Refusal::InvalidClaims(missing_subject(claims))),
            // A token that a client got for itself (`client_credentials`) has no user. A
            // client whose id equals a user's would otherwise get that user's tasks.
            sub if ["client_id", "azp"].iter().any(|of| claims.get(*of) == sub) => {
                Err(Refusal::InvalidClaims(
                    "sub is the OAuth client itself, and no user: get the token with a user's consent, not by client_credentials",
                ))
            }
            Some(sub) => Self::from_value(sub),
        }
    }

    /// The user of a session cookie, if all claims that name the user agree.
    pub(super) fn from_session(claims: &Map<String, Value>) -> Result<Self, Refusal> {
        let member = |object: &str, name: &str| claims.get(object).and_then(|it| it.get(name));
        let user = member("user", "id");
        let agrees = user.is_some()
            && user == member("session", "userId")
            && claims.get("sub").is_none_or(|sub| Some(sub) == user);
        match user {
            Some(user) if agrees => Self::from_value(user),
            _ => Err(Refusal::InvalidClaims(
                "the session cookie does not name one user in user.id and session.userId",
            )),
        }
    }

    /// A subject (RFC 7519 section 4.1.2), restricted to what every database and log
    /// stores unchanged, so that two subjects never become one owner.
    fn from_value(sub: &Value) -> Result<Self, Refusal> {
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

/// Hides the subject: `Debug` output ends up in logs.
impl fmt::Debug for OwnerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OwnerId(…)")
    }
}

/// Describes what a token without a subject most probably is.
pub(super) fn missing_subject(claims: &Map<String, Value>) -> &'static str {
    // All claims that a token in an e-mail link can have.
    let in_a_link = ["email", "updateTo", "requestType", "userId", "iat", "exp"];
    let may_be_of_a_link =
        claims.contains_key("email") && claims.keys().all(|name| in_a_link.contains(&&**name));
    match (may_be_of_a_link, claims.contains_key("userId")) {
        (true, false) => {
            "this is a Better Auth e-mail verification token, not an API token; get one with authClient.token()"
        }
        (true, true) => {
            "the token has no sub: it is a Better Auth e-mail verification token, or was signed without it; get a token with authClient.token(), or set sub to the user's id when you sign it yourself"
        }
        (false, _) => {
            "the token has no sub; get a token with authClient.token(), or set sub to the user's id when you sign it yourself"
        }
    }
}
