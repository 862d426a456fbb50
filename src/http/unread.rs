//! Request bodies that are still arriving when the response is sent.
//!
//! Once the receiving end of a chunked body is dropped, actix reads on for as long as
//! the client sends, without limit or timeout: a client that never ends a chunk keeps
//! the connection for ever, even without a token. While the receiving end is held, actix
//! closes the connection after the response. So it is held until the response is sent.
//! A body that has arrived by then causes no close.

use std::cell::RefCell;
use std::error::Error;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use actix_web::HttpMessage as _;
use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::error::PayloadError;
use actix_web::web::Bytes;
use futures_util::Stream;

/// The request body, shared between the edge and the handler; none if the request has
/// no body.
pub struct Unread(Option<Shared>);

impl Unread {
    /// Shares the body of a request.
    pub fn watch(mut request: ServiceRequest) -> (ServiceRequest, Self) {
        let payload = request.take_payload();
        if matches!(payload, Payload::None) {
            return (request, Self(None));
        }
        let payload = Shared(Rc::new(RefCell::new(payload)));
        let stream: Pin<Box<dyn Stream<Item = _>>> = Box::pin(payload.clone());
        request.set_payload(Payload::from(stream));
        (request, Self(Some(payload)))
    }

    /// Keeps the share until the response is sent.
    pub fn keep_until_sent(self, response: ServiceResponse) -> ServiceResponse {
        let Some(payload) = self.0 else {
            return response;
        };
        response.map_body(|_, body| {
            BoxBody::new(WithPayload {
                body,
                _payload: payload,
            })
        })
    }
}

#[derive(Clone)]
struct Shared(Rc<RefCell<Payload>>);

impl Stream for Shared {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Pin::new(&mut *self.0.borrow_mut()).poll_next(cx)
    }
}

struct WithPayload {
    body: BoxBody,
    _payload: Shared,
}

impl MessageBody for WithPayload {
    type Error = Box<dyn Error>;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        Pin::new(&mut self.body).poll_next(cx)
    }
}
