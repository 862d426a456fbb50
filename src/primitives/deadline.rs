//! When a request must be answered at the latest.

use std::time::Instant;

use actix_web::dev::ServiceRequest;
use actix_web::{HttpMessage as _, HttpRequest};

/// The deadline of a request, in its extensions.
#[derive(Debug, Clone, Copy)]
struct Deadline(Instant);

/// Gives a request its deadline.
pub fn set_deadline(request: &ServiceRequest, deadline: Instant) {
    request.extensions_mut().insert(Deadline(deadline));
}

/// The deadline of a request: for whatever is waited for on its behalf.
pub fn deadline(request: &HttpRequest) -> Instant {
    let deadline = request.extensions().get::<Deadline>().copied();
    deadline.map_or_else(Instant::now, |deadline| deadline.0)
}
