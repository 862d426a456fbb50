//! Why a token is refused: what the client is told, and nothing of the token.

use crate::primitives::problem::{ApiError, Code};

/// The reason of a refusal. The text is fixed at compile time, so no part of a
/// token can ever be in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// More than one credential: nobody can say which of them was meant.
    Ambiguous(&'static str),
    /// No credentials, or of another scheme than Bearer.
    Missing(&'static str),
    /// Not a JWT in JWS compact form (RFC 7515 section 7.1), strictly read.
    Malformed(&'static str),
    /// `alg` is one that no configured key can have.
    UnsupportedAlgorithm(&'static str),
    /// No key for this `kid`.
    UnknownKey(&'static str),
    /// The signature does not verify.
    InvalidSignature(&'static str),
    /// `exp` has passed.
    Expired(&'static str),
    /// `nbf` or `iat` is in the future.
    NotYetValid(&'static str),
    /// Subject, issuer, audience, type or the form of a claim.
    InvalidClaims(&'static str),
    /// No keys could be loaded yet: nothing is known about the token.
    KeysUnavailable(&'static str),
}

impl Refusal {
    /// The code of the answer.
    pub fn code(self) -> Code {
        match self {
            Self::Ambiguous(_) => Code::InvalidRequest,
            Self::Missing(_) => Code::MissingToken,
            Self::Malformed(_) => Code::MalformedToken,
            Self::UnsupportedAlgorithm(_) => Code::UnsupportedAlgorithm,
            Self::UnknownKey(_) => Code::UnknownKey,
            Self::InvalidSignature(_) => Code::InvalidSignature,
            Self::Expired(_) => Code::TokenExpired,
            Self::NotYetValid(_) => Code::TokenNotYetValid,
            Self::InvalidClaims(_) => Code::InvalidClaims,
            Self::KeysUnavailable(_) => Code::KeysUnavailable,
        }
    }

    /// One sentence that says what is wrong, and what to do where that is known.
    pub fn detail(self) -> &'static str {
        match self {
            Self::Ambiguous(detail)
            | Self::Missing(detail)
            | Self::Malformed(detail)
            | Self::UnsupportedAlgorithm(detail)
            | Self::UnknownKey(detail)
            | Self::InvalidSignature(detail)
            | Self::Expired(detail)
            | Self::NotYetValid(detail)
            | Self::InvalidClaims(detail)
            | Self::KeysUnavailable(detail) => detail,
        }
    }

    /// The challenge of RFC 6750 section 3: bare where no credentials were
    /// sent, so that a client which did not know of them is told no error, and
    /// none where the fault is not in the credentials.
    fn challenge(self) -> Option<String> {
        match self {
            Self::Missing(_) => Some(r#"Bearer realm="todoward""#.to_owned()),
            Self::Ambiguous(_) | Self::KeysUnavailable(_) => None,
            Self::Malformed(detail)
            | Self::UnsupportedAlgorithm(detail)
            | Self::UnknownKey(detail)
            | Self::InvalidSignature(detail)
            | Self::Expired(detail)
            | Self::NotYetValid(detail)
            | Self::InvalidClaims(detail) => {
                // RFC 6750 allows neither quote nor backslash in the description.
                let description = detail.replace(['"', '\\'], "'");
                Some(format!(
                    r#"Bearer realm="todoward", error="invalid_token", error_description="{description}""#
                ))
            }
        }
    }
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        let error = ApiError::new(refusal.code(), refusal.detail());
        match refusal.challenge() {
            Some(challenge) => error.with_header("www-authenticate", &challenge),
            None if refusal.code() == Code::KeysUnavailable => {
                error.with_header("retry-after", "1")
            }
            None => error,
        }
    }
}
