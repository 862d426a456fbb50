//! The extractor that gives handlers the verified [`OwnerId`].

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpMessage, HttpRequest};

use super::claims::Claims;
use super::owner::OwnerId;
use crate::primitives::problem::{ApiError, Code};

/// Fails closed: a route outside [`super::Authenticate`] has no claims. That is a bug,
/// reported with 500 and a log line, and never an anonymous user.
impl FromRequest for OwnerId {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let owner = request
            .extensions()
            .get::<Claims>()
            .map(|claims| claims.owner().clone());
        ready(owner.ok_or_else(|| {
            log::error!(path = request.path(); "a handler asked for the owner on a route without authentication");
            ApiError::new(Code::Internal, "an internal error occurred")
        }))
    }
}
