//! Whose account may be adopted.

use actix_web::HttpRequest;
use actix_web::http::header::HeaderName;

use super::Rules;
use crate::auth::{Access, OwnerId, SecondToken, second_token, unix_now};
use crate::http::app_state::AppState;
use crate::primitives::problem::{ApiError, Code};

/// The header with the token of the other account. Nothing else looks at it.
const HEADER: HeaderName = HeaderName::from_static("x-adopt-authorization");

/// The owner of the other account, as its own token says, if the caller may adopt it.
///
/// # Errors
///
/// The header is missing or there twice (400), the token is refused (403), or no keys have
/// been loaded yet (503).
pub(super) async fn other_account(
    app: &AppState,
    rules: &Rules,
    request: &HttpRequest,
    caller: &OwnerId,
) -> Result<OwnerId, ApiError> {
    let claims = match second_token(&rules.verifier, request, &HEADER).await {
        Ok(claims) => claims,
        Err(SecondToken::Invalid(detail)) => {
            return Err(ApiError::new(Code::InvalidRequest, detail));
        }
        Err(SecondToken::Refused(refusal)) if refusal.code() == Code::KeysUnavailable => {
            return Err(refusal.into());
        }
        Err(SecondToken::Refused(refusal)) => {
            return Err(refused(refusal.code(), refusal.detail()));
        }
    };
    if let Err(refusal) = claims.check_fresh(rules.max_token_age + app.leeway, unix_now()) {
        return Err(refused(refusal.code(), refusal.detail()));
    }
    if claims.access() < Access::Write {
        return Err(refused(
            Code::InsufficientScope,
            "the token's scopes do not let it write",
        ));
    }
    let is_own = claims.owner() == caller;
    if !is_own && !claims.is_anonymous() && !rules.adopts_any {
        return Err(ApiError::new(
            Code::AdoptRefused,
            "the token of the other account does not say isAnonymous: true, and TODOWARD__ACCOUNTS__ADOPT is not any",
        ));
    }
    Ok(claims.owner().clone())
}

/// 403, because a 401 would sign the caller out.
fn refused(code: Code, detail: &str) -> ApiError {
    let code = code.as_str();
    ApiError::new(
        Code::AdoptRefused,
        format!("the token of the other account is refused: {code}: {detail}"),
    )
}
