//! The deadline of a request.

use std::time::Instant;

use actix_web::{HttpMessage, HttpRequest};

/// The deadline, as stored in the request's extensions.
#[derive(Debug, Clone, Copy)]
struct Deadline(Instant);

/// Sets the deadline of a request.
pub fn set_deadline(request: &impl HttpMessage, deadline: Instant) {
    request.extensions_mut().insert(Deadline(deadline));
}

/// The deadline of a request, for all waits on its behalf.
pub fn deadline(request: &HttpRequest) -> Instant {
    let deadline = request.extensions().get::<Deadline>().copied();
    deadline.map_or_else(Instant::now, |deadline| deadline.0)
}
