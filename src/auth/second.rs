//! The token of a second account, in a header of its own.

use actix_web::HttpRequest;
use actix_web::http::header::HeaderName;

use super::bearer;
use super::claims::Claims;
use super::refusal::Refusal;
use super::verifier::Verifier;
use crate::primitives::deadline::deadline;

/// Why there is no second account.
#[derive(Debug)]
pub enum SecondToken {
    /// The header is not there once with one token.
    Invalid(&'static str),
    /// The token is refused.
    Refused(Refusal),
}

/// Reads a second token from a header, and verifies it as that of the request is.
///
/// # Errors
///
/// There is none, or it is refused.
pub async fn second_token(
    verifier: &Verifier,
    request: &HttpRequest,
    name: &HeaderName,
) -> Result<Claims, SecondToken> {
    const ONE: &str =
        "send the other account's token once, as X-Adopt-Authorization: Bearer <token>";
    let mut values = request.headers().get_all(name);
    let (Some(value), None) = (values.next(), values.next()) else {
        return Err(SecondToken::Invalid(ONE));
    };
    let token = match bearer::from_value(value.as_bytes()) {
        Err(Refusal::Ambiguous(_) | Refusal::Missing(_)) => {
            return Err(SecondToken::Invalid(ONE));
        }
        token => token.map_err(SecondToken::Refused)?,
    };
    let verified = verifier.verify_with_fresh_keys(token, deadline(request));
    verified.await.map_err(SecondToken::Refused)
}
