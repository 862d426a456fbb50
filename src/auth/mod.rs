//! Authentication: from a bearer token to the owner that every statement needs.
//!
//! ```text
//! bearer.rs   Authorization header      -> the raw token
//! token.rs    the raw token             -> Unverified: well-formed, not trusted
//! verifier.rs Unverified + keys + clock -> Claims: trusted
//! claims.rs   which kind of token it is, whose, and what it allows
//! ```
//!
//! Invariants: a token is decoded only in `verifier.rs`, once a request, by the
//! [`Authenticate`] middleware; an [`OwnerId`] is created from verified claims only.

mod bearer;
mod claims;
mod extract;
mod fetch;
mod jwks;
mod key_set;
mod keys;
mod middleware;
mod oauth;
mod owner;
mod path;
mod refresh;
mod refusal;
mod second;
mod sign;
#[cfg(test)]
mod tests;
mod token;
mod verifier;
mod weak_keys;

#[doc(hidden)] // For fuzz/, which has no other way to it.
pub use bearer::from_headers;
pub use claims::Claims;
pub use jwks::{Jwks, JwksState};
pub use middleware::{Authenticate, burst, count_more, count_up_to};
pub use oauth::{Access, Scopes};
pub use owner::OwnerId;
pub use path::path_names_the_caller;
pub use refusal::Refusal;
pub use second::{SecondToken, second_token};
pub use sign::{SignError, sign_hs256};
pub use token::{MAX_TOKEN_BYTES, Unverified};
pub use verifier::{Policy, Verifier, unix_now};
