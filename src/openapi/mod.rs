//! The API as an OpenAPI 3.1 document, for generators, for Postman and for the
//! page at `/docs`.
//!
//! Invariant: the document is generated from the table of endpoints and the tables of
//! error codes, and tests compare all of it with the server.

pub mod described;
pub mod docs;
pub mod endpoint;
mod operations;
pub mod parameters;
mod problems;
pub mod responses;
pub mod schemas;
pub mod service;

use std::collections::BTreeMap;

use utoipa::openapi::path::PathItemBuilder;
use utoipa::openapi::schema::ComponentsBuilder;
use utoipa::openapi::security::{Http, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::tag::{Tag, TagBuilder};
use utoipa::openapi::{
    Info, InfoBuilder, LicenseBuilder, OpenApi, OpenApiBuilder, PathsBuilder, Server,
};

use self::endpoint::{Endpoint, Resource};
use crate::primitives::problem::Code;

const ABOUT: &str = "Every user's own tasks. The caller is the `sub` of the JWT in \
`Authorization`, and nothing else in a request says who they are.\n\nEvery error is \
`application/problem+json` (RFC 9457) with a stable `code`. HEAD works wherever GET does. Where there is \
no operation, the answer is a 404 `no_such_address`, or a 405 `method_not_allowed` whose header `Allow` has \
the methods. What HTTP itself refuses, at any path, has no body and none of our headers: a head that \
cannot be parsed (400), that does not arrive (408), or that is too large (431).\n\nEvery request may have \
`X-Request-Id`, to find it in the log; every other answer has it. It is no parameter here, because one that \
is not `[A-Za-z0-9._-]{1,128}`, or is a JWT, is not refused: it is replaced by a new one.";

/// All endpoints.
pub struct Api {
    /// Endpoints without a token.
    pub public: &'static [Endpoint],
    /// The path prefixes of all resources.
    pub mounts: &'static [&'static str],
    /// The resources, each served below every mount.
    pub resources: &'static [Resource],
    /// Those served below the last mount alone, which names the user.
    pub of_users: &'static [Resource],
}

impl Api {
    /// The document as JSON. `server` is the path at which clients reach the server.
    pub fn json(&self, server: &str) -> String {
        // Serializing strings and numbers cannot fail.
        let mut json = self.document(server).to_pretty_json().unwrap_or_default();
        json.push('\n');
        json
    }

    /// All error codes by status; resources' own before the others.
    pub fn codes(&self) -> Vec<Code> {
        let resources = self.resources.iter().chain(self.of_users);
        let own = resources
            .flat_map(|resource| resource.not_found.into_iter().chain([resource.invalid]))
            .filter(|code| matches!(code, Code::Own(_)));
        let mut codes: Vec<Code> = own.chain(Code::COMMON.iter().copied()).collect();
        codes.sort_by_key(|code| code.status());
        codes
    }

    fn document(&self, server: &str) -> OpenApi {
        let mut items = Items::default();
        for endpoint in self.public {
            items.add("", None, false, endpoint);
        }
        for mount in self.mounts {
            for resource in self.resources {
                for endpoint in resource.endpoints {
                    items.add(mount, Some(resource), false, endpoint);
                }
            }
        }
        if let Some(mount) = self.mounts.last() {
            for resource in self.of_users {
                for endpoint in resource.endpoints {
                    items.add(mount, Some(resource), true, endpoint);
                }
            }
        }
        let codes = self.codes();
        let components = parameters::components(service::components(ComponentsBuilder::new()));
        let components = self
            .resources
            .iter()
            .chain(self.of_users)
            .fold(components, |components, resource| {
                (resource.components)(components)
            });
        let components = problems::components(responses::components(components, &codes), &codes)
            .security_scheme("bearerAuth", SecurityScheme::Http(bearer()))
            .build();
        OpenApiBuilder::new()
            .info(info())
            .servers(Some([Server::new(server)]))
            .tags(Some(self.tags()))
            .paths(items.into_paths())
            .components(Some(components))
            .build()
    }

    fn tags(&self) -> Vec<Tag> {
        let tag = |name: &str, about: &str| {
            let tag = TagBuilder::new().name(name);
            tag.description(Some(about)).build()
        };
        let mut tags: Vec<Tag> = Vec::new();
        for resource in self.resources {
            let name = resource.name;
            tags.push(tag(name, resource.about));
            tags.push(tag(
                &format!("{name} of a user"),
                &format!(
                    "The same {name}, under a path that names their owner. The name is checked against the token and never believed."
                ),
            ));
        }
        for resource in self.of_users {
            tags.push(tag(resource.name, resource.about));
        }
        tags.push(tag("service", "Health and this document. No token."));
        tags
    }
}

/// The operations grouped by path, in the order of the table.
#[derive(Default)]
struct Items {
    order: Vec<String>,
    by_path: BTreeMap<String, PathItemBuilder>,
}

impl Items {
    fn add(
        &mut self,
        mount: &str,
        resource: Option<&Resource>,
        is_only_there: bool,
        endpoint: &Endpoint,
    ) {
        let described = operations::of(mount, resource, is_only_there, endpoint);
        let Some((method, operation)) = described else {
            return;
        };
        let path = format!("{mount}{}", endpoint.path);
        let item = self.by_path.remove(&path).unwrap_or_else(|| {
            self.order.push(path.clone());
            PathItemBuilder::new()
        });
        self.by_path.insert(path, item.operation(method, operation));
    }

    fn into_paths(mut self) -> PathsBuilder {
        self.order.iter().fold(PathsBuilder::new(), |paths, path| {
            match self.by_path.remove(path) {
                Some(item) => paths.path(path, item.build()),
                None => paths,
            }
        })
    }
}

fn bearer() -> Http {
    HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .bearer_format("JWT")
        .description(Some(
            "The JWT of Better Auth's `jwt()` plugin: `authClient.token()` in the page. For a first look, `todoward dev` prints one.",
        ))
        .build()
}

fn info() -> Info {
    InfoBuilder::new()
        .title("Todoward")
        .version("1.0.0")
        .description(Some(ABOUT))
        .license(Some(
            LicenseBuilder::new()
                .name("MIT")
                .identifier(Some("MIT"))
                .build(),
        ))
        .build()
}

/// Codes that belong to no operation: the path or the method does not exist.
pub const OF_NO_OPERATION: [Code; 2] = [Code::NoSuchAddress, Code::MethodNotAllowed];
