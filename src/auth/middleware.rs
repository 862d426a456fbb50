//! The guard of the scope `/api`: it decodes the token once and puts the
//! verified [`super::Claims`] into the request's extensions.
//!
//! Invariant: nothing behind it runs without claims. A refusal is a *response*,
//! not an `Err`, so that CORS and the request log see it like any other answer;
//! no byte of the body is read and no database connection taken for it.

use std::future::{Future, Ready, ready};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;

use actix_web::body::{BoxBody, EitherBody, MessageBody};
use actix_web::dev::{Service, ServiceRequest, ServiceResponse, Transform, forward_ready};
use actix_web::{Error, HttpMessage};

use super::bearer;
use super::verifier::Verifier;
use crate::error::ApiError;

/// Wrap a scope with it, and every route inside needs a valid token.
pub struct Authenticate(Arc<Verifier>);

impl Authenticate {
    /// Guards with this verifier.
    pub fn new(verifier: Arc<Verifier>) -> Self {
        Self(verifier)
    }
}

impl<S, B> Transform<S, ServiceRequest> for Authenticate
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
    S::Future: 'static,
    B: MessageBody + 'static,
{
    type Response = ServiceResponse<EitherBody<B, BoxBody>>;
    type Error = Error;
    type Transform = Guarded<S>;
    type InitError = ();
    type Future = Ready<Result<Self::Transform, ()>>;

    fn new_transform(&self, service: S) -> Self::Future {
        ready(Ok(Guarded {
            service: Rc::new(service),
            verifier: Arc::clone(&self.0),
        }))
    }
}

/// A service that is reached only with a valid token.
pub struct Guarded<S> {
    service: Rc<S>,
    verifier: Arc<Verifier>,
}

type BoxedFuture<T> = Pin<Box<dyn Future<Output = T>>>;

impl<S, B> Service<ServiceRequest> for Guarded<S>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
    S::Future: 'static,
    B: MessageBody + 'static,
{
    type Response = ServiceResponse<EitherBody<B, BoxBody>>;
    type Error = Error;
    type Future = BoxedFuture<Result<Self::Response, Error>>;

    forward_ready!(service);

    fn call(&self, request: ServiceRequest) -> Self::Future {
        let (service, verifier) = (Rc::clone(&self.service), Arc::clone(&self.verifier));
        Box::pin(async move {
            let verified = match bearer::from_headers(request.headers()) {
                Ok(token) => verifier.verify_with_fresh_keys(token).await,
                Err(refusal) => Err(refusal),
            };
            match verified {
                Ok(claims) => {
                    request.extensions_mut().insert(claims);
                    Ok(service.call(request).await?.map_into_left_body())
                }
                Err(refusal) => {
                    let response = request.error_response(ApiError::from(refusal));
                    Ok(response.map_into_right_body())
                }
            }
        })
    }
}
