//! The one table of endpoints. Tests walk it, so that none can be forgotten by the
//! router, the document, or the tests of denial and isolation.

use actix_web::http::Method;
use actix_web::middleware::from_fn;
use actix_web::web::{self, ServiceConfig};
use actix_web::{HttpRequest, guard};

use crate::auth::{Authenticate, path_names_the_caller};
use crate::health::handlers as health;
use crate::http::cors::cors;
use crate::http::edge::{Pattern, api_headers};
use crate::http::fallback::{method_not_allowed, no_such_address};
use crate::openapi::endpoint::{Endpoint, Isolation, Resource};
use crate::openapi::{Api, docs, service};
use crate::tasks;

/// What is served below each of [`MOUNTS`], guarded: a line for each resource.
pub const RESOURCES: &[Resource] = &[tasks::RESOURCE];

/// Where the resources are to be found.
pub const MOUNTS: [&str; 2] = ["/api/v1", "/api/v1/users/{owner_id}"];

/// The only path outside `/api` that pages of other origins may read.
const OPENAPI: &str = "/openapi.json";

/// Needs no token.
pub const PUBLIC: &[Endpoint] = &[
    Endpoint {
        path: "/health/live",
        method: Method::GET,
        route: || web::to(health::live),
        operation: Some(service::is_live),
        isolation: Isolation::Public,
    },
    Endpoint {
        path: "/health/ready",
        method: Method::GET,
        route: || web::to(health::ready),
        operation: Some(service::is_ready),
        isolation: Isolation::Public,
    },
    Endpoint {
        path: OPENAPI,
        method: Method::GET,
        route: || web::to(docs::openapi),
        operation: Some(service::read_openapi),
        isolation: Isolation::Public,
    },
    Endpoint {
        path: "/docs",
        method: Method::GET,
        route: || web::to(docs::page),
        operation: Some(service::read_docs),
        isolation: Isolation::Public,
    },
    Endpoint {
        path: "/docs/page.js",
        method: Method::GET,
        route: || web::to(docs::script),
        operation: None,
        isolation: Isolation::Public,
    },
    Endpoint {
        path: "/docs/page.css",
        method: Method::GET,
        route: || web::to(docs::style),
        operation: None,
        isolation: Isolation::Public,
    },
    Endpoint {
        path: "/docs/swagger-ui-bundle.js",
        method: Method::GET,
        route: || web::to(docs::swagger_ui_script),
        operation: None,
        isolation: Isolation::Public,
    },
    Endpoint {
        path: "/docs/swagger-ui.css",
        method: Method::GET,
        route: || web::to(docs::swagger_ui_style),
        operation: None,
        isolation: Isolation::Public,
    },
];

/// Everything that is served.
pub const API: Api = Api {
    public: PUBLIC,
    mounts: &MOUNTS,
    resources: RESOURCES,
};

/// A path, and its endpoints by method.
pub struct Path {
    /// The path below its mount.
    pub path: &'static str,
    /// At least one.
    pub endpoints: Vec<&'static Endpoint>,
}

/// The paths of some endpoints, in their order.
pub fn paths(endpoints: impl IntoIterator<Item = &'static Endpoint>) -> Vec<Path> {
    let mut paths: Vec<Path> = Vec::new();
    for endpoint in endpoints {
        match paths.iter_mut().find(|known| known.path == endpoint.path) {
            Some(known) => known.endpoints.push(endpoint),
            None => paths.push(Path {
                path: endpoint.path,
                endpoints: vec![endpoint],
            }),
        }
    }
    paths
}

/// The paths below each mount.
pub fn guarded() -> Vec<Path> {
    let endpoints = |resource: &'static Resource| resource.endpoints;
    paths(RESOURCES.iter().flat_map(endpoints))
}

/// Registers everything. The guard is a wrap of the whole scope `/api`: an
/// endpoint cannot be added inside and forgotten, nor asked for without a token.
pub fn configure(app: &mut ServiceConfig, guard: Authenticate) {
    for public in paths(PUBLIC) {
        let is_document = public.path == OPENAPI;
        match is_document {
            true => app.service(service_of("", public).wrap(from_fn(cors))),
            false => app.service(service_of("", public)),
        };
    }
    let mut v1 = web::scope("/v1");
    let mut of_user = web::scope("/users/{owner_id}").wrap(from_fn(path_names_the_caller));
    let [mount, mount_of_user] = MOUNTS;
    for path in guarded() {
        v1 = v1.service(service_of(mount, path));
    }
    for path in guarded() {
        of_user = of_user.service(service_of(mount_of_user, path));
    }
    let of_user = of_user.default_service(web::to(no_such_address));
    let v1 = v1
        .service(of_user)
        .default_service(web::to(no_such_address));
    app.service(
        web::scope("/api")
            .service(v1)
            .default_service(web::to(no_such_address))
            // The last wrap is the first to see a request.
            .wrap(guard)
            .wrap(from_fn(cors))
            .wrap(from_fn(api_headers)),
    );
    app.default_service(web::to(no_such_address));
}

fn service_of(mount: &str, Path { path, endpoints }: Path) -> actix_web::Resource {
    let pattern = Pattern(format!("{mount}{path}").into());
    // Lets everything in; it is where a request is known to have got so far.
    let mut service = web::resource(path).guard(guard::fn_guard(move |context| {
        context.req_data_mut().insert(pattern.clone());
        true
    }));
    for endpoint in &endpoints {
        let method = endpoint.method.clone();
        service = service.route((endpoint.route)().guard(guard::fn_guard(move |context| {
            let asked = &context.head().method;
            *asked == method || (*asked == Method::HEAD && method == Method::GET)
        })));
    }
    let allow = allow(&endpoints);
    service.default_service(web::to(move |request: HttpRequest| {
        std::future::ready(method_not_allowed(&request, &allow))
    }))
}

/// The value of `Allow` of a path.
fn allow(endpoints: &[&Endpoint]) -> String {
    let mut methods = Vec::new();
    for endpoint in endpoints {
        methods.push(endpoint.method.as_str());
        if endpoint.method == Method::GET {
            methods.push("HEAD");
        }
    }
    methods.join(", ")
}
