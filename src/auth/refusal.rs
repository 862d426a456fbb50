//! Why a token is refused, as the client is told. It contains nothing of the token.

use crate::primitives::problem::{ApiError, Code};

/// The reason of a refusal. The texts are compile-time constants, so they cannot
/// contain any part of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// More than one credential: ambiguous.
    Ambiguous(&'static str),
    /// No credentials, or another scheme than Bearer.
    Missing(&'static str),
    /// Not a JWT in JWS compact serialization (RFC 7515 section 7.1), strictly parsed.
    Malformed(&'static str),
    /// No configured key can have this `alg`.
    UnsupportedAlgorithm(&'static str),
    /// No key for this `kid`.
    UnknownKey(&'static str),
    /// The signature does not verify.
    InvalidSignature(&'static str),
    /// `exp` has passed.
    Expired(&'static str),
    /// `nbf` or `iat` is in the future.
    NotYetValid(&'static str),
    /// A wrong subject, issuer, audience or type, or a malformed claim.
    InvalidClaims(&'static str),
    /// No keys have been loaded yet: nothing is known about the token.
    KeysUnavailable(&'static str),
}

impl Refusal {
    /// The error code of the response.
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

    /// A sentence that says what is wrong and, where known, how to fix it.
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

    /// The `WWW-Authenticate` challenge of RFC 6750 section 3: without an error code if
    /// no credentials were sent, and none if the credentials are not the problem.
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
                // RFC 6750 section 3 allows neither quotes nor backslashes in it.
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

#[cfg(test)]
mod tests {
    use actix_web::ResponseError as _;

    use super::*;

    /// The code, the challenge and the seconds to wait of a refusal with this detail.
    fn told(of: fn(&'static str) -> Refusal) -> (Code, Option<String>, Option<String>) {
        let error = ApiError::from(of(r#"say "please" \ now"#));
        assert_eq!(
            error.to_string(),
            format!(r#"{}: say "please" \ now"#, error.code().as_str())
        );
        let response = error.error_response();
        let header = |name| {
            let value = response.headers().get(name)?;
            Some(value.to_str().unwrap().to_owned())
        };
        let headers = (header("www-authenticate"), header("retry-after"));
        (error.code(), headers.0, headers.1)
    }

    #[test]
    fn a_bad_token_is_challenged_with_its_reason_and_without_quotes() {
        for (of, code) in [
            (Refusal::Malformed as fn(_) -> _, Code::MalformedToken),
            (Refusal::UnsupportedAlgorithm, Code::UnsupportedAlgorithm),
            (Refusal::UnknownKey, Code::UnknownKey),
            (Refusal::InvalidSignature, Code::InvalidSignature),
            (Refusal::Expired, Code::TokenExpired),
            (Refusal::NotYetValid, Code::TokenNotYetValid),
            (Refusal::InvalidClaims, Code::InvalidClaims),
        ] {
            let challenge = r#"Bearer realm="todoward", error="invalid_token", error_description="say 'please' ' now""#;
            assert_eq!(told(of), (code, Some(challenge.to_owned()), None));
        }
    }

    #[test]
    fn whoever_sends_no_token_is_asked_for_one_and_told_of_no_error() {
        let challenge = Some(r#"Bearer realm="todoward""#.to_owned());
        assert_eq!(
            told(Refusal::Missing),
            (Code::MissingToken, challenge, None)
        );
    }

    #[test]
    fn two_credentials_are_no_challenge_and_nothing_to_wait_for() {
        let expected = (Code::InvalidRequest, None, None);
        assert_eq!(told(Refusal::Ambiguous), expected);
    }

    #[test]
    fn without_keys_a_client_is_to_wait_and_not_to_sign_in_again() {
        let expected = (Code::KeysUnavailable, None, Some("1".to_owned()));
        assert_eq!(told(Refusal::KeysUnavailable), expected);
    }
}
