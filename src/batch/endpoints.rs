//! The endpoints that operations reach: those of single requests, without the token, CORS
//! and the rate limit, which the batch has passed.

use std::cell::OnceCell;
use std::net::SocketAddr;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use actix_http::Request;
use actix_service::IntoServiceFactory as _;
use actix_web::dev::{AppConfig, Payload, Service as _, ServiceFactory as _, ServiceResponse};
use actix_web::error::PayloadError;
use actix_web::http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderValue};
use actix_web::web::{Bytes, Data, ServiceConfig};
use actix_web::{App, Error, HttpMessage as _, HttpRequest};
use futures_util::{FutureExt as _, Stream, stream};

use super::input::Operation;
use crate::auth::Claims;
use crate::db::bridge::Db;
use crate::http::app_state::AppState;
use crate::http::edge::RequestId;
use crate::http::prefix::PREFIX;
use crate::primitives::deadline::{deadline, set_deadline};
use crate::primitives::problem::{ApiError, Code};

/// What an HTTP worker needs to run batches.
pub struct Batches {
    pub(super) db: Db,
    /// For operations inside a transaction, on a database thread.
    pub(super) inside: Arc<Endpoints>,
    /// For operations each of which stands for itself, on this thread.
    alone: Endpoints,
    built: OnceCell<Service>,
}

impl Batches {
    /// `configure` registers the endpoints, at their paths below a mount.
    pub fn new(db: Db, state: &AppState, configure: fn(&mut ServiceConfig)) -> Self {
        let endpoints = |state| Endpoints { state, configure };
        Self {
            db,
            inside: Arc::new(endpoints(AppState {
                db: None,
                ..state.clone()
            })),
            alone: endpoints(state.clone()),
            built: OnceCell::new(),
        }
    }

    /// The endpoints outside of a transaction. They are built for the first batch.
    ///
    /// # Errors
    ///
    /// Those of [`Endpoints::build`].
    pub(super) fn alone(&self) -> Result<Service, ApiError> {
        let built = match self.built.get() {
            Some(built) => Rc::clone(built),
            None => self.alone.build()?,
        };
        Ok(Rc::clone(self.built.get_or_init(|| built)))
    }
}

/// Endpoints, and the state of their handlers.
pub(super) struct Endpoints {
    state: AppState,
    configure: fn(&mut ServiceConfig),
}

type Answer = Pin<Box<dyn Future<Output = Result<ServiceResponse, Error>>>>;

/// Passes a request to its endpoint. It belongs to one thread, as every service of actix.
pub(super) type Service = Rc<dyn Fn(Request) -> Answer>;

impl Endpoints {
    /// Builds the service for the current thread.
    ///
    /// # Errors
    ///
    /// It cannot be built without waiting: a bug.
    pub fn build(&self) -> Result<Service, ApiError> {
        let app = App::new()
            .app_data(Data::new(self.state.clone()))
            .configure(self.configure);
        let service = app.into_factory().new_service(AppConfig::default());
        let service = service.now_or_never().and_then(Result::ok);
        let service = service.ok_or_else(internal)?;
        Ok(Rc::new(move |request| Box::pin(service.call(request))))
    }
}

pub(super) fn internal() -> ApiError {
    ApiError::new(Code::Internal, "an internal error occurred")
}

/// What all operations have in common: who sends them, and how.
#[derive(Clone)]
pub(super) struct Caller {
    claims: Claims,
    deadline: Instant,
    peer: Option<SocketAddr>,
    prefix: Vec<HeaderValue>,
    /// The id of the batch.
    pub id: RequestId,
    /// The path before that of an operation, as received.
    pub mount: String,
}

impl Caller {
    /// The sender of a batch; none if its token was not verified.
    pub fn of(request: &HttpRequest) -> Option<Self> {
        let extensions = request.extensions();
        let (claims, id) = (extensions.get::<Claims>()?, extensions.get::<RequestId>()?);
        let (mount, _) = request.uri().path().rsplit_once('/')?;
        let (claims, id, mount) = (claims.clone(), id.clone(), mount.to_owned());
        drop(extensions);
        Some(Self {
            claims,
            deadline: deadline(request),
            peer: request.peer_addr(),
            prefix: request.headers().get_all(PREFIX).cloned().collect(),
            id,
            mount,
        })
    }

    /// The request that an operation describes.
    pub fn request(&self, operation: &Operation) -> Request {
        let mut request = match &operation.body {
            Some(body) => Request::with_payload(payload(body.clone())),
            None => Request::new(),
        };
        let head = request.head_mut();
        head.method = operation.method.clone();
        head.uri = operation.uri.clone();
        head.peer_addr = self.peer;
        for value in &self.prefix {
            head.headers.append(PREFIX, value.clone());
        }
        for (name, value) in &operation.headers {
            head.headers.insert(name.clone(), value.clone());
        }
        if let Some(body) = &operation.body {
            let json = HeaderValue::from_static("application/json");
            head.headers.insert(CONTENT_TYPE, json);
            head.headers.insert(CONTENT_LENGTH, body.len().into());
        }
        set_deadline(&request, self.deadline);
        request.extensions_mut().insert(self.claims.clone());
        request
    }
}

fn payload(body: Bytes) -> Payload {
    let bytes = stream::once(std::future::ready(Ok(body)));
    let bytes: Pin<Box<dyn Stream<Item = Result<Bytes, PayloadError>>>> = Box::pin(bytes);
    Payload::from(bytes)
}
