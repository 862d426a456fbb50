//! The only table of addresses. Tests enumerate it, so that a new address
//! without its rows in the denial and isolation tables fails.

use actix_web::http::Method;
use actix_web::middleware::from_fn;
use actix_web::web::{self, ServiceConfig};
use actix_web::{HttpRequest, Resource, Route, guard};

use crate::auth::{Authenticate, path_names_the_caller};
use crate::health::handlers as health;
use crate::http::cors::cors;
use crate::http::edge::{Pattern, api_headers};
use crate::http::fallback::{method_not_allowed, no_such_address};
use crate::openapi::docs;
use crate::tasks::handlers as tasks;

/// An address and what it does by method. HEAD goes with GET.
pub struct Address {
    /// The path below its mount.
    pub path: &'static str,
    /// The methods, each with its handler.
    pub methods: &'static [Endpoint],
}

/// A method of an address, and what makes the route to its handler.
pub type Endpoint = (Method, fn() -> Route);

/// Needs no token.
pub const PUBLIC: &[Address] = &[
    Address {
        path: "/health/live",
        methods: &[(Method::GET, || web::to(health::live))],
    },
    Address {
        path: "/health/ready",
        methods: &[(Method::GET, || web::to(health::ready))],
    },
    Address {
        path: OPENAPI,
        methods: &[(Method::GET, || web::to(docs::openapi))],
    },
    Address {
        path: "/docs",
        methods: &[(Method::GET, || web::to(docs::page))],
    },
    Address {
        path: "/docs/page.js",
        methods: &[(Method::GET, || web::to(docs::script))],
    },
    Address {
        path: "/docs/page.css",
        methods: &[(Method::GET, || web::to(docs::style))],
    },
    Address {
        path: "/docs/swagger-ui-bundle.js",
        methods: &[(Method::GET, || web::to(docs::swagger_ui_script))],
    },
    Address {
        path: "/docs/swagger-ui.css",
        methods: &[(Method::GET, || web::to(docs::swagger_ui_style))],
    },
];

/// The only address outside `/api` that pages of other origins may read.
const OPENAPI: &str = "/openapi.json";

/// Below each of [`MOUNTS`], guarded.
pub const TASKS: &[Address] = &[
    Address {
        path: "/tasks",
        methods: &[
            (Method::GET, || web::to(tasks::list_tasks)),
            (Method::POST, || web::to(tasks::create_task)),
            (Method::DELETE, || web::to(tasks::clear_completed)),
        ],
    },
    Address {
        path: "/tasks/{id}",
        methods: &[
            (Method::GET, || web::to(tasks::read_task)),
            (Method::PUT, || web::to(tasks::update_task)),
            (Method::PATCH, || web::to(tasks::update_task)),
            (Method::DELETE, || web::to(tasks::delete_task)),
        ],
    },
    Address {
        path: "/tasks/{id}/complete",
        methods: &[(Method::PATCH, || web::to(tasks::complete_task))],
    },
];

/// Where the tasks are to be found.
pub const MOUNTS: [&str; 2] = ["/api/v1", "/api/v1/users/{owner_id}"];

/// Registers everything. The guard is a wrap of the whole scope `/api`: an
/// address cannot be added inside and forgotten, nor asked for without a token.
pub fn configure(app: &mut ServiceConfig, guard: Authenticate) {
    for address in PUBLIC {
        match address.path {
            OPENAPI => app.service(resource("", address).wrap(from_fn(cors))),
            _ => app.service(resource("", address)),
        };
    }
    let mut v1 = web::scope("/v1");
    let mut of_user = web::scope("/users/{owner_id}").wrap(from_fn(path_names_the_caller));
    let [mount, mount_of_user] = MOUNTS;
    for address in TASKS {
        v1 = v1.service(resource(mount, address));
        of_user = of_user.service(resource(mount_of_user, address));
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

fn resource(mount: &str, address: &'static Address) -> Resource {
    let pattern = Pattern(format!("{mount}{}", address.path).into());
    // Lets everything in; it is where a request is known to have got so far.
    let mut resource = web::resource(address.path).guard(guard::fn_guard(move |context| {
        context.req_data_mut().insert(pattern.clone());
        true
    }));
    for (method, route) in address.methods {
        let method = method.clone();
        resource = resource.route(route().guard(guard::fn_guard(move |context| {
            let asked = &context.head().method;
            *asked == method || (*asked == Method::HEAD && method == Method::GET)
        })));
    }
    resource.default_service(web::to(move |request: HttpRequest| async move {
        method_not_allowed(&request, &allow(address))
    }))
}

/// The value of `Allow` of an address.
pub fn allow(address: &Address) -> String {
    let mut methods = Vec::new();
    for (method, _) in address.methods {
        methods.push(method.as_str());
        if method == Method::GET {
            methods.push("HEAD");
        }
    }
    methods.join(", ")
}
