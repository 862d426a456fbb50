//! The OpenAPI document and the page at `/docs`. All files are in the binary, so the
//! page works without internet access.

use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, VARY,
};
use actix_web::web::{Bytes, Data};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder};
use quick_cache::sync::Cache;

use super::Api;
use crate::http::app_state::AppState;
use crate::http::prefix::prefix;
use crate::http::response_budget::BudgetedBody;

/// The Content-Security-Policy of the page: its own files and calls to this server
/// only, and no framing, because a token is typed into it (clickjacking).
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The documents of the API, one for each path prefix at which clients reach the
/// server.
pub struct Documents {
    api: Api,
    /// By prefix, which a server has one of, or a few.
    made: Cache<String, Bytes>,
}

impl Documents {
    /// The documents of this API. Each is rendered on its first request.
    pub fn new(api: Api) -> Self {
        Self {
            api,
            made: Cache::new(8),
        }
    }

    fn below(&self, server: &str) -> Bytes {
        self.made.get(server).unwrap_or_else(|| {
            let json = Bytes::from(self.api.json(server));
            self.made.insert(server.to_owned(), json.clone());
            json
        })
    }
}

/// `GET /openapi.json`
pub async fn openapi(
    app: Data<AppState>,
    documents: Data<Documents>,
    request: HttpRequest,
) -> HttpResponse {
    let server = match prefix(&request, &app.trusted_proxies) {
        "" => "/",
        prefix => prefix,
    };
    let document = BudgetedBody::shared(documents.below(server));
    file("application/json")
        .insert_header((VARY, "Origin"))
        .body(document)
}

/// `GET /docs`
pub async fn page() -> HttpResponse {
    file("text/html; charset=utf-8")
        .insert_header((CONTENT_SECURITY_POLICY, POLICY))
        .body(include_str!("docs/page.html"))
}

/// `GET /docs/page.js`
pub async fn script() -> HttpResponse {
    file("text/javascript; charset=utf-8").body(include_str!("docs/page.js"))
}

/// `GET /docs/page.css`
pub async fn style() -> HttpResponse {
    file("text/css; charset=utf-8").body(include_str!("docs/page.css"))
}

/// `GET /docs/swagger-ui-bundle.js`
pub async fn swagger_ui_script() -> HttpResponse {
    compressed("text/javascript; charset=utf-8").body(BudgetedBody::file(include_bytes!(
        "docs/swagger-ui-bundle.js.gz"
    )))
}

/// `GET /docs/swagger-ui.css`
pub async fn swagger_ui_style() -> HttpResponse {
    compressed("text/css; charset=utf-8")
        .body(BudgetedBody::file(include_bytes!("docs/swagger-ui.css.gz")))
}

/// A static file. It must be revalidated: the next release has other files under
/// the same path.
fn file(content_type: &str) -> HttpResponseBuilder {
    let mut response = HttpResponse::Ok();
    response
        .insert_header((CONTENT_TYPE, content_type))
        .insert_header((CACHE_CONTROL, "no-cache"));
    response
}

/// A file that is stored as gzip, which every browser accepts.
fn compressed(content_type: &str) -> HttpResponseBuilder {
    let mut response = file(content_type);
    response.insert_header((CONTENT_ENCODING, "gzip"));
    response
}
