//! The lists in the OpenAPI document: operations and parameters. A test sends every
//! documented limit, and one value beyond it, to the parsers.

use serde_json::json;
use utoipa::openapi::Required;
use utoipa::openapi::path::Parameter;
use utoipa::openapi::response::ResponseBuilder;
use utoipa::openapi::schema::{ComponentsBuilder, KnownFormat};

use super::schemas::{list, list_body, movement, page};
use crate::openapi::described::{Described, Link, body};
use crate::openapi::parameters::{path, query};
use crate::openapi::responses::{success, success_of};
use crate::openapi::schemas::{flag, formatted};
use crate::primitives::problem::Code;

/// Adds schemas and parameters to the document. Those of pages and of the trash are
/// those of tasks.
pub fn components(components: ComponentsBuilder) -> ComponentsBuilder {
    let components = components
        .schema("List", list())
        .schema("ListPage", page())
        .schema(
            "NewList",
            list_body("A list to be. `name` is required.").required("name"),
        )
        .schema(
            "ListPatch",
            list_body("A JSON merge patch (RFC 7396): what is absent stays as it is, null clears."),
        )
        .schema("ListMove", movement());
    parameters()
        .into_iter()
        .fold(components, |components, (name, parameter)| {
            components.parameter(name, parameter)
        })
}

fn parameters() -> [(&'static str, Parameter); 2] {
    [
        (
            "ListId",
            path(
                "id",
                "The list.",
                formatted(KnownFormat::Uuid),
                &json!("01a1f894-c2d0-7aa1-9c54-2f6b8d0e4a17"),
            ),
        ),
        (
            "Archived",
            query(
                "archived",
                "Only lists that are archived, or that are not.",
                flag("Whether it is archived."),
            ),
        ),
    ]
}

pub fn list_lists() -> Described {
    Described {
        id: "listLists",
        summary: "List lists",
        about: "In the order of `position`, in pages; what is in the trash with the last deleted first. A list that exists throughout, and is not moved, is seen exactly once.",
        parameters: vec!["Archived", "Trash", "Limit", "Cursor"],
        body: None,
        responses: vec![(
            "200",
            success_of("A page.", "ListPage", &["Link", "Cache-Control"]),
        )],
        codes: &[Code::InvalidParameter, Code::InvalidCursor],
        links: &[Link {
            name: "nextPage",
            to: "listLists",
            parameter: ("cursor", "$response.body#/next_cursor"),
        }],
    }
}

pub fn create_list() -> Described {
    Described {
        id: "createList",
        summary: "Create a list",
        about: "It stands last. With an `Idempotency-Key` a repeat is safe: at most one list is made.",
        parameters: vec!["IdempotencyKey"],
        body: Some(body("NewList", &["application/json"], Required::True)),
        responses: vec![(
            "201",
            success_of(
                "The list.",
                "List",
                &["ETag", "Location", "Idempotency-Replayed", "Cache-Control"],
            ),
        )],
        codes: &[Code::IdempotencyKeyReused, Code::QuotaExceeded],
        links: &CREATED,
    }
}

pub fn delete_lists() -> Described {
    Described {
        id: "deleteLists",
        summary: "Delete the lists in the trash for good",
        about: "With the tasks that went there with them. `trash=true` must be there.",
        parameters: vec!["EmptyTrash"],
        body: None,
        responses: vec![(
            "200",
            success_of("How many there were.", "Cleared", &["Cache-Control"]),
        )],
        codes: &[Code::InvalidParameter],
        links: &[],
    }
}

pub fn read_list() -> Described {
    Described {
        id: "readList",
        summary: "Read a list",
        about: "With `If-None-Match` there is no body if the client has this version.",
        parameters: vec!["ListId", "IfNoneMatch"],
        body: None,
        responses: vec![
            list_response(),
            (
                "304",
                success(
                    "It is in a version that the client has.",
                    &["ETag", "Cache-Control"],
                ),
            ),
        ],
        codes: &[],
        links: &[],
    }
}

pub fn update_list() -> Described {
    Described {
        id: "updateList",
        summary: "Change a list",
        about: "A JSON merge patch (RFC 7396). A patch that changes nothing leaves `version` alone.",
        parameters: vec!["ListId", "IfMatch"],
        body: Some(body(
            "ListPatch",
            &["application/json", "application/merge-patch+json"],
            Required::True,
        )),
        responses: vec![list_response()],
        codes: &[Code::VersionMismatch],
        links: &[],
    }
}

pub fn put_list() -> Described {
    Described {
        id: "putList",
        summary: "Change a list, or create it with an id of the client's",
        about: "Merges as PATCH does, so that a client which does not know a field cannot wipe it. With `If-None-Match: *` it creates instead, with the body of a POST: the id must be a UUID version 7, whose time becomes `created_at`, at most a day ahead. It stands last. 412 if the caller has, or had, a list with this id: so an app can create while it is offline, and repeat it.",
        parameters: vec!["ListId", "IfMatch", "IfNoneMatchAny"],
        responses: vec![
            list_response(),
            (
                "201",
                success_of(
                    "It was created.",
                    "List",
                    &["ETag", "Location", "Cache-Control"],
                ),
            ),
        ],
        ..update_list()
    }
}

pub fn delete_list() -> Described {
    Described {
        id: "deleteList",
        summary: "Delete a list",
        about: "To the trash, with its tasks. With `permanent=true` for good, with those that went there with it, too.",
        parameters: vec!["ListId", "Permanent", "IfMatch"],
        body: None,
        responses: vec![("204", success("It is gone.", &["Cache-Control"]))],
        codes: &[Code::InvalidParameter, Code::VersionMismatch],
        links: &[],
    }
}

pub fn move_list() -> Described {
    Described {
        id: "moveList",
        summary: "Move a list",
        about: "To a place among the other lists.",
        parameters: vec!["ListId", "IfMatch"],
        body: Some(body("ListMove", &["application/json"], Required::True)),
        responses: vec![list_response()],
        codes: &[Code::VersionMismatch],
        links: &[],
    }
}

pub fn restore_list() -> Described {
    Described {
        id: "restoreList",
        summary: "Restore a list from the trash",
        about: "With the tasks that went there with it. 404 for what is not in the trash.",
        parameters: vec!["ListId", "IfMatch"],
        body: None,
        responses: vec![list_response()],
        codes: &[Code::VersionMismatch],
        links: &[],
    }
}

fn list_response() -> (&'static str, ResponseBuilder) {
    (
        "200",
        success_of("The list.", "List", &["ETag", "Cache-Control"]),
    )
}

const fn to_created(to: &'static str) -> Link {
    Link {
        name: to,
        to,
        parameter: ("id", "$response.body#/id"),
    }
}

const CREATED: [Link; 4] = [
    to_created("readList"),
    to_created("updateList"),
    to_created("putList"),
    to_created("deleteList"),
];
