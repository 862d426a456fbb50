//! The OpenAPI document, and a page to try it. Everything is in the binary: the
//! page works in a closed network.

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

/// The page's own files only; calls go to this server only. Nobody may frame it:
/// a token is typed into it.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The document of the API, by the path at which a server is reached.
pub struct Documents {
    api: Api,
    /// A server has one path, or a few.
    made: Cache<String, Bytes>,
}

impl Documents {
    /// Of this API; each is made when it is first asked for.
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

/// Another release has other files under the same address.
fn file(content_type: &str) -> HttpResponseBuilder {
    let mut response = HttpResponse::Ok();
    response
        .insert_header((CONTENT_TYPE, content_type))
        .insert_header((CACHE_CONTROL, "no-cache"));
    response
}

/// A file that is kept compressed, as every browser takes it.
fn compressed(content_type: &str) -> HttpResponseBuilder {
    let mut response = file(content_type);
    response.insert_header((CONTENT_ENCODING, "gzip"));
    response
}
