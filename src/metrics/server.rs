//! `/metrics`, on an address and a thread of its own: it answers while every
//! other thread waits for something.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::{Server, ServerHandle};
use actix_web::http::header::ContentType;
use actix_web::web::{self, Data};
use actix_web::{App, HttpResponse, HttpServer};

use super::Metrics;

/// The longest that the head of a request may take to arrive.
const HEAD_TIMEOUT: Duration = Duration::from_secs(5);

/// Longer than the usual interval between two scrapes.
const KEEP_ALIVE: Duration = Duration::from_secs(75);

/// More are not let in: few ask.
const MOST_CONNECTIONS: usize = 64;

/// How long its end may take.
const STOP_TIMEOUT: Duration = Duration::from_millis(200);

/// A server that listens. It serves once it is run.
pub struct MetricsServer {
    server: Server,
    address: SocketAddr,
}

/// A server that serves.
pub struct Running(ServerHandle);

impl MetricsServer {
    /// Serves the metrics on a socket.
    ///
    /// # Errors
    ///
    /// Of the operating system.
    pub fn new(listener: TcpListener, metrics: Arc<Metrics>) -> std::io::Result<Self> {
        let address = listener.local_addr()?;
        let metrics = Data::from(metrics);
        let app = move || {
            App::new()
                .app_data(metrics.clone())
                .route("/metrics", web::get().to(render))
                .route("/metrics", web::head().to(render))
        };
        let server = HttpServer::new(app)
            .workers(1)
            .max_connections(MOST_CONNECTIONS)
            .keep_alive(KEEP_ALIVE)
            .client_request_timeout(HEAD_TIMEOUT)
            .disable_signals()
            .listen(listener)?
            .run();
        Ok(Self { server, address })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until it is stopped.
    pub fn run(self) -> Running {
        let handle = self.server.handle();
        actix_rt::spawn(self.server);
        Running(handle)
    }
}

impl Running {
    /// Ends it now, whoever asks.
    pub async fn stop(self) {
        // What has not ended by then ends with the process.
        let _ = tokio::time::timeout(STOP_TIMEOUT, self.0.stop(false)).await;
    }
}

async fn render(metrics: Data<Metrics>) -> HttpResponse {
    match metrics.render() {
        Ok(text) => HttpResponse::Ok()
            .content_type("text/plain; version=0.0.4; charset=utf-8")
            .body(text),
        Err(error) => {
            log::error!(cause:% = error; "the metrics cannot be written");
            HttpResponse::InternalServerError()
                .content_type(ContentType::plaintext())
                .finish()
        }
    }
}
