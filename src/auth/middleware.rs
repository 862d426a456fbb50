//! The authentication middleware of the scope `/api`. It decodes the token once,
//! stores the verified [`super::Claims`] in the request's extensions, applies the rate
//! limits, and enforces the scopes of OAuth tokens.
//!
//! Invariant: nothing inside the scope runs without claims. A refusal is a *response*,
//! not an `Err`, so that CORS and the access log treat it like any other. It reads no
//! byte of the body and takes no database connection.

use std::future::{Future, Ready, ready};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;

use actix_web::body::{BoxBody, EitherBody, MessageBody};
use actix_web::dev::{Service, ServiceRequest, ServiceResponse, Transform, forward_ready};
use actix_web::{Error, HttpMessage as _, HttpRequest};

use super::bearer;
use super::oauth::Access;
use super::owner::OwnerId;
use super::refusal::Refusal;
use super::verifier::Verifier;
use crate::metrics::Metrics;
use crate::primitives::deadline::deadline;
use crate::primitives::problem::{ApiError, Code};
use crate::rate_limit::{Left, Limits};

/// The middleware: every route inside the wrapped scope needs a valid token.
#[derive(Clone)]
pub struct Authenticate {
    verifier: Arc<Verifier>,
    limits: Option<Arc<Limits<OwnerId>>>,
    metrics: Option<Arc<Metrics>>,
}

impl Authenticate {
    /// `limits: None` disables rate limiting.
    pub fn new(
        verifier: Arc<Verifier>,
        limits: Option<Arc<Limits<OwnerId>>>,
        metrics: Option<Arc<Metrics>>,
    ) -> Self {
        Self {
            verifier,
            limits,
            metrics,
        }
    }

    /// The error of a refused token, or 429 if its client sent too many of them.
    fn refuse(&self, request: &ServiceRequest, refusal: Refusal) -> ApiError {
        // Without keys nothing is known about the token, so it is not counted.
        if refusal.code() == Code::KeysUnavailable {
            return refusal.into();
        }
        if let Some(metrics) = &self.metrics {
            metrics.refused(refusal.code());
        }
        let counted = self
            .limits
            .as_ref()
            .map(|limits| limits.count_refused(request));
        match counted {
            Some(Err(too_many)) => too_many,
            Some(Ok(())) | None => refusal.into(),
        }
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
            guard: Rc::new(self.clone()),
        }))
    }
}

/// What is left after a request was counted, as stored in its extensions.
#[derive(Clone)]
struct Counted {
    limits: Arc<Limits<OwnerId>>,
    left: Left,
}

/// How many requests of an owner are accepted at once; none if there is no limit.
pub fn burst(request: &HttpRequest) -> Option<u32> {
    let extensions = request.extensions();
    let counted = extensions.get::<Counted>();
    counted.map(|counted| counted.limits.burst())
}

/// Counts as many requests more for one that stands for several.
///
/// # Errors
///
/// 429: the owner's bucket does not hold so many.
pub fn count_more(request: &HttpRequest, owner: &OwnerId, count: u32) -> Result<(), ApiError> {
    let mut extensions = request.extensions_mut();
    let Some(counted) = extensions.get_mut::<Counted>() else {
        return Ok(());
    };
    let (left, result) = counted.limits.count_more(owner, count, counted.left);
    counted.left = left;
    result
}

/// Counts as many requests more, or all that are left: for what was done already.
pub fn count_up_to(request: &HttpRequest, owner: &OwnerId, count: u32) {
    let left = request.extensions().get::<Counted>().map(|it| it.left);
    let left = left.map_or(0, |left| left.requests);
    // Others may have taken some meanwhile: then nothing is taken.
    let _ = count_more(request, owner, count.min(left));
}

/// The service inside the middleware.
pub struct Guarded<S> {
    service: Rc<S>,
    guard: Rc<Authenticate>,
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
        let (service, guard) = (Rc::clone(&self.service), Rc::clone(&self.guard));
        Box::pin(async move {
            let verified = match bearer::from_headers(request.headers()) {
                Ok(token) => {
                    let deadline = deadline(request.request());
                    let verifier = &guard.verifier;
                    verifier.verify_with_fresh_keys(token, deadline).await
                }
                Err(refusal) => Err(refusal),
            };
            let claims = match verified {
                Ok(claims) => claims,
                Err(refusal) => {
                    let error = guard.refuse(&request, refusal);
                    return Ok(request.error_response(error).map_into_right_body());
                }
            };
            let counted = guard
                .limits
                .as_ref()
                .map(|limits| limits.count(claims.owner()).map(|left| (limits, left)));
            let access = claims.access();
            request.extensions_mut().insert(claims);
            match counted.transpose() {
                Ok(Some((limits, left))) => {
                    let limits = Arc::clone(limits);
                    request.extensions_mut().insert(Counted { limits, left });
                }
                Ok(None) => {}
                Err(too_many) => {
                    return Ok(request.error_response(too_many).map_into_right_body());
                }
            }
            let needed = Access::needed_by(request.method());
            let mut response = if access >= needed {
                service.call(request).await?.map_into_left_body()
            } else {
                let missing = guard.verifier.policy().oauth.insufficient(needed);
                request.error_response(missing).map_into_right_body()
            };
            let counted = response.request().extensions().get::<Counted>().cloned();
            if let Some(Counted { limits, left }) = counted {
                limits.describe(left, response.headers_mut());
            }
            Ok(response)
        })
    }
}
