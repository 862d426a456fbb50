//! The path prefix `/users/{owner_id}`: an assertion about the token, never an identity.
//! The handlers are the same as without the prefix and do not see it.

use actix_web::Error;
use actix_web::HttpMessage;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;
use percent_encoding::percent_decode_str;

use super::claims::Claims;
use crate::primitives::problem::{ApiError, Code};

/// Middleware: 403 unless the path names `me` or the user of the token.
pub async fn path_names_the_caller(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    // Segment 4 of the path as received, `/api/v1/users/{owner_id}/…`: the router
    // has decoded its copy, and decoding twice would turn `%2561` into `a`.
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
