//! The health endpoints, for load balancers and orchestrators. They need no token and
//! reveal nothing but yes or no.

use actix_web::HttpResponse;
use actix_web::web::Data;
use serde_json::json;

use super::Health;
use crate::primitives::problem::{ApiError, Code};

/// `GET /health/live`: the process serves requests. It checks nothing else.
pub async fn live() -> HttpResponse {
    HttpResponse::Ok().json(json!({ "status": "live" }))
}

/// `GET /health/ready`: API requests can be served.
pub async fn ready(health: Data<Health>) -> Result<HttpResponse, ApiError> {
    if health.is_stopping() {
        let detail = "the server is stopping";
        return Err(not_ready(Code::Overloaded, detail, vec!["server"]));
    }
    let database = health.database_is_ready().await;
    let keys = health.has_keys();
    match (database, keys) {
        (true, true) => Ok(HttpResponse::Ok().json(json!({ "status": "ready" }))),
        (true, false) => {
            let detail = "the keys of BETTER_AUTH_URL could not be loaded yet";
            Err(not_ready(Code::KeysUnavailable, detail, vec!["keys"]))
        }
        (false, keys) => {
            let detail = "the database is not ready";
            let parts = if keys {
                vec!["database"]
            } else {
                vec!["database", "keys"]
            };
            Err(not_ready(Code::DatabaseUnavailable, detail, parts))
        }
    }
}

fn not_ready(code: Code, detail: &'static str, parts: Vec<&'static str>) -> ApiError {
    ApiError::new(code, detail)
        .with_not_ready(parts)
        .with_header("retry-after", "1")
}
