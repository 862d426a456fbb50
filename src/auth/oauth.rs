//! OAuth access tokens (RFC 9068). Better Auth's oauth-provider and MCP plugins sign
//! them with the same keys as API tokens, but they allow only what the user has
//! granted to the client.
//!
//! Invariant: without configured scopes no OAuth token is accepted; with them, every
//! request is checked against the scopes of its token.

use actix_web::http::Method;

use super::refusal::Refusal;
use crate::primitives::json::{Map, Value};
use crate::primitives::problem::{ApiError, Code};

/// What a token allows; each level includes the ones before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Access {
    /// Nothing: an OAuth access token without a configured scope.
    Nothing,
    /// Reading: GET and HEAD.
    Read,
    /// Everything; all tokens except those of OAuth have this.
    Write,
}

impl Access {
    /// The access that a method needs. A method that is not known to read may write.
    pub fn needed_by(method: &Method) -> Self {
        match *method {
            Method::GET | Method::HEAD => Self::Read,
            _ => Self::Write,
        }
    }
}

/// The configured scopes. If both lists are empty, no OAuth access token is accepted.
#[derive(Debug, Clone, Default)]
pub struct Scopes {
    /// Scopes each of which allows reading.
    pub read: Vec<String>,
    /// Scopes each of which allows reading and writing.
    pub write: Vec<String>,
}

/// Whether a token was issued to an OAuth client: an access token (RFC 9068 section 2)
/// or an ID token (OpenID Connect).
pub(super) fn is_of_oauth(claims: &Map<String, Value>, typ: Option<&str>) -> bool {
    // Whatever the values: an unreadable claim must not give more rights.
    typ == Some("at+jwt") || claims.contains_key("client_id") || claims.contains_key("azp")
}

impl Scopes {
    /// The access that the scopes of a token give.
    pub(super) fn access(&self, claims: &Map<String, Value>) -> Result<Access, Refusal> {
        if self.read.is_empty() && self.write.is_empty() {
            return Err(Refusal::InvalidClaims(
                "this is an OAuth access token (typ at+jwt, client_id or azp), which is not accepted here; get the user's own with authClient.token(), or allow it by TODOWARD__AUTH__OAUTH_READ_SCOPES and TODOWARD__AUTH__OAUTH_WRITE_SCOPES",
            ));
        }
        let granted = match claims.get("scope") {
            None => "",
            Some(Value::String(scope)) => scope,
            Some(_) => return Err(Refusal::InvalidClaims("scope must be a string")),
        };
        let has_one_of = |scopes: &[String]| {
            granted
                .split(' ')
                .any(|scope| scopes.iter().any(|known| known == scope))
        };
        Ok(if has_one_of(&self.write) {
            Access::Write
        } else if has_one_of(&self.read) {
            Access::Read
        } else {
            Access::Nothing
        })
    }

    /// The scopes of which one would be enough. For reading, those that allow only reading
    /// if there are any (least privilege).
    fn to_ask_for(&self, needed: Access) -> &[String] {
        match needed {
            Access::Write => &self.write,
            Access::Nothing | Access::Read if self.read.is_empty() => &self.write,
            Access::Nothing | Access::Read => &self.read,
        }
    }

    /// 403 `insufficient_scope` for a valid token that lacks a scope (RFC 6750 section 3.1).
    pub fn insufficient(&self, needed: Access) -> ApiError {
        let scopes = self.to_ask_for(needed);
        let detail = self.missing(needed);
        let mut challenge = format!(
            r#"Bearer realm="todoward", error="insufficient_scope", error_description="{detail}""#
        );
        if !scopes.is_empty() {
            challenge.push_str(&format!(r#", scope="{}""#, scopes.join(" ")));
        }
        ApiError::new(Code::InsufficientScope, detail).with_header("www-authenticate", &challenge)
    }

    /// A sentence that names the missing scope.
    pub fn missing(&self, needed: Access) -> String {
        let verb = match needed {
            Access::Write => "write",
            Access::Nothing | Access::Read => "read",
        };
        match self.to_ask_for(needed) {
            [] => format!("no scope lets an OAuth access token {verb} here"),
            [one] => format!("to {verb}, an OAuth access token needs the scope {one}"),
            several => format!(
                "to {verb}, an OAuth access token needs one of the scopes {}",
                several.join(", ")
            ),
        }
    }
}
