//! The addresses that load balancers and orchestrators ask. They need no token
//! and tell nothing but yes or no.

use actix_web::HttpResponse;
use actix_web::web::Data;
use serde_json::json;

use super::AppState;
use crate::error::{ApiError, Code};

/// `GET /health/live`: the process serves. Touches nothing.
pub async fn live() -> HttpResponse {
    HttpResponse::Ok().json(json!({ "status": "live" }))
}

/// `GET /health/ready`: requests can be served.
pub async fn ready(app: Data<AppState>) -> Result<HttpResponse, ApiError> {
    if app.health.is_stopping() {
        return Err(not_ready(
            Code::Overloaded,
            "the server is stopping",
            "server",
        ));
    }
    if !app.health.database_is_ready(&app.db).await {
        let detail = "the database is not ready";
        return Err(not_ready(Code::DatabaseUnavailable, detail, "database"));
    }
    Ok(HttpResponse::Ok().json(json!({ "status": "ready" })))
}

fn not_ready(code: Code, detail: &'static str, part: &'static str) -> ApiError {
    ApiError::new(code, detail)
        .with_not_ready(part)
        .with_header("retry-after", "1")
}
