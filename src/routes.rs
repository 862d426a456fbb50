//! The table of all endpoints. The router, the OpenAPI document, and the tests of
//! denial and isolation iterate over it, so none of them can miss an endpoint.

use actix_web::http::Method;
use actix_web::middleware::from_fn;
use actix_web::web::{self, ServiceConfig};
use actix_web::{HttpRequest, guard};

use crate::accounts;
use crate::auth::{Authenticate, path_names_the_caller};
use crate::batch;
use crate::health::handlers as health;
use crate::http::cors::cors;
use crate::http::edge::{Pattern, api_headers};
use crate::http::fallback::{method_not_allowed, no_such_address};
use crate::openapi::endpoint::{Endpoint, Isolation, Resource};
use crate::openapi::{Api, docs, service};
/// Served below each of [`MOUNTS`].
pub use crate::resources::RESOURCES;

/// The resources that are served below the last of the [`MOUNTS`] alone, which names the
/// user.
pub const OF_USERS: &[Resource] = &[accounts::RESOURCE];

/// The path prefixes of the resources.
pub const MOUNTS: [&str; 2] = ["/api/v1", "/api/v1/users/{owner_id}"];

/// The only path outside `/api` with CORS headers.
const OPENAPI: &str = "/openapi.json";

/// The endpoints without a token.
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

/// All endpoints.
pub const API: Api = Api {
    public: PUBLIC,
    mounts: &MOUNTS,
    resources: RESOURCES,
    of_users: OF_USERS,
};

/// A path and its endpoints, one for each method.
pub struct Path {
    /// The path below its mount.
    pub path: &'static str,
    /// The endpoints; at least one.
    pub endpoints: Vec<&'static Endpoint>,
}

/// Groups endpoints by path, in the order of the table.
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

/// The paths below a mount, all of which need a token.
pub fn guarded(mount: &str) -> Vec<Path> {
    let endpoints = |resource: &'static Resource| resource.endpoints;
    paths(resources(mount).flat_map(endpoints))
}

/// The resources below a mount.
pub fn resources(mount: &str) -> impl Iterator<Item = &'static Resource> {
    let of_users = match MOUNTS.last() == Some(&mount) {
        true => OF_USERS,
        false => &[],
    };
    RESOURCES.iter().chain(of_users)
}

/// Registers all endpoints. Authentication wraps the whole scope `/api`, so no
/// endpoint inside it can be reached without a token, not even one added later.
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
    for path in guarded(mount) {
        v1 = v1.service(service_of(mount, path));
    }
    for path in guarded(mount_of_user) {
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
            // Actix runs the wrap that was added last first.
            .wrap(guard)
            .wrap(from_fn(cors))
            .wrap(from_fn(api_headers)),
    );
    app.default_service(web::to(no_such_address));
}

/// Registers the endpoints that operations of a batch reach. The batch has passed
/// authentication; an operation has its claims.
pub fn operations(app: &mut ServiceConfig) {
    let resources = RESOURCES.iter().filter(|resource| batch::takes(resource));
    for path in paths(resources.flat_map(|resource| resource.endpoints)) {
        app.service(service_of("", path));
    }
    app.default_service(web::to(no_such_address));
}

fn service_of(mount: &str, Path { path, endpoints }: Path) -> actix_web::Resource {
    let pattern = Pattern(format!("{mount}{path}").into());
    // This guard accepts every request. It runs when the path has matched, and
    // stores the pattern for metrics and the access log.
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

/// The value of the `Allow` header of a path.
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

#[cfg(test)]
mod tests {
    use super::API;

    #[test]
    fn every_code_stands_in_the_document_with_its_status() {
        let document = include_str!("../docs/API.md");
        for code in API.codes() {
            let row = format!("| {} | `{}` |", code.status(), code.as_str());
            assert!(document.contains(&row), "{row}");
        }
    }
}
