//! OAuth access tokens (RFC 9068). Better Auth's oauth-provider and MCP plugins sign
//! them with the keys of the API tokens; what they may do is what their user has
//! granted to another program, and not everything.
//!
//! Invariant: without scopes in the settings none is accepted, and with them each
//! request is compared with what its token was granted.

use actix_web::http::Method;

use super::refusal::Refusal;
use crate::primitives::json::{Map, Value};
use crate::primitives::problem::{ApiError, Code};

/// How much a token may do; more includes less.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Access {
    /// An OAuth access token without a scope that counts here.
    Nothing,
    /// GET and HEAD.
    Read,
    /// Everything: all tokens but those of OAuth.
    Write,
}

impl Access {
    /// What a request needs. A method that is not known to read might write.
    pub fn needed_by(method: &Method) -> Self {
        match *method {
            Method::GET | Method::HEAD => Self::Read,
            _ => Self::Write,
        }
    }
}

/// The scopes that let an OAuth access token in. With none of either kind, no such
/// token is accepted.
#[derive(Debug, Clone, Default)]
pub struct Scopes {
    /// Each lets a token read.
    pub read: Vec<String>,
    /// Each lets a token read and write.
    pub write: Vec<String>,
}

/// A token that is for a program that acts for somebody: an access token, or an
/// OpenID token, by what RFC 9068 section 2 and OpenID Connect call it.
pub(super) fn is_of_oauth(claims: &Map<String, Value>, typ: Option<&str>) -> bool {
    // Whatever their values: a claim that cannot be read is no reason for more rights.
    typ == Some("at+jwt") || claims.contains_key("client_id") || claims.contains_key("azp")
}

impl Scopes {
    /// What the scopes of a token allow.
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

    /// The scopes to ask for, of which one is enough: to read, those that let no
    /// more than that, if there are any.
    fn to_ask_for(&self, needed: Access) -> &[String] {
        match needed {
            Access::Write => &self.write,
            Access::Nothing | Access::Read if self.read.is_empty() => &self.write,
            Access::Nothing | Access::Read => &self.read,
        }
    }

    /// What a good token is told that lacks a scope (RFC 6750 section 3.1).
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

    /// One sentence: which scope is missing.
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
