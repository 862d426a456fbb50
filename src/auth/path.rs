//! `/users/{owner_id}/…`: an assertion about the token, never an identity. The
//! handlers behind it are the same as without it and do not know of it.

use actix_web::Error;
use actix_web::HttpMessage;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;
use percent_encoding::percent_decode_str;

use super::claims::Claims;
use crate::primitives::problem::{ApiError, Code};

/// Lets pass only `me` and the token's own user.
pub async fn path_names_the_caller(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    // From the path as received, `/api/v1/users/{owner_id}/…`: the router has
    // decoded its own copy already, and decoding twice makes `%2561` an `a`.
    let segment = request.uri().path().split('/').nth(4).unwrap_or_default();
    let named: Vec<u8> = percent_decode_str(segment).collect();
    let is_caller = request
        .extensions()
        .get::<Claims>()
        .is_some_and(|claims| named == b"me" || named == claims.owner().as_str().as_bytes());
    if is_caller {
        return Ok(next.call(request).await?.map_into_left_body());
    }
    let error = ApiError::new(
        Code::ForeignPath,
        "the user in the path is not the token's; use /api/v1/tasks, or /api/v1/users/me/tasks",
    );
    Ok(request.error_response(error).map_into_right_body())
}
