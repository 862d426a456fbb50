//! The changes in the OpenAPI document: operations, schemas, parameters.

use serde_json::{Value, json};
use utoipa::openapi::content::ContentBuilder;
use utoipa::openapi::schema::{ArrayBuilder, ComponentsBuilder, KnownFormat, ObjectBuilder, Type};

use super::query::{DEFAULT_LIMIT, MAX_LIMIT};
use crate::openapi::described::{Described, Link};
use crate::openapi::parameters::{header, query};
use crate::openapi::responses::{success, success_of};
use crate::openapi::schemas::{flag, formatted, named, string};
use crate::primitives::problem::Code;

/// A cursor of the examples.
const CURSOR: &str = "mC3mWc0vXZgAAAAAAAAABwAAAAAAAAAqAAAAAGkzX4QA";

/// The events of the examples.
const EVENTS: &str =
    "retry: 2000\n\nevent: changed\nid: mC3mWc0v\ndata: {\"next\":\"mC3mWc0v\"}\n\n";

/// Adds schemas and parameters to the document.
pub(super) fn components(components: ComponentsBuilder) -> ComponentsBuilder {
    components
        .schema("Changes", changes())
        .schema("Gone", gone())
        .parameter(
            "LastEventId",
            header(
                "Last-Event-ID",
                "The `id` of the last event. What is none is as if it were not there.",
                string(),
                CURSOR,
            ),
        )
        .parameter(
            "Since",
            query(
                "since",
                "`next` of an earlier response. Without it: everything there is.",
                string().min_length(Some(1)).examples([CURSOR]),
            ),
        )
        .parameter(
            "ChangesLimit",
            query(
                "limit",
                "The max number of tasks, lists and gone together.",
                ObjectBuilder::new()
                    .schema_type(Type::Integer)
                    .minimum(Some(1))
                    .maximum(Some(MAX_LIMIT))
                    .default(Some(Value::from(DEFAULT_LIMIT))),
            ),
        )
}

pub(super) fn list_changes() -> Described {
    Described {
        id: "listChanges",
        summary: "List what has changed",
        about: "Tasks and lists in their present state, the trash included, and what is gone for good. Whoever follows `next` misses nothing; something may come twice, with the same `version`. Without `since` the first pages have everything there is, and the last one's `next` goes on from there. 410 `sync_reset`: start again without `since`, and replace the copy.",
        parameters: vec!["Since", "ChangesLimit"],
        body: None,
        responses: vec![(
            "200",
            success_of("A page of changes.", "Changes", &["Cache-Control"]),
        )],
        codes: &[Code::InvalidParameter, Code::InvalidCursor, Code::SyncReset],
        links: &[Link {
            name: "nextChanges",
            to: "listChanges",
            parameter: ("since", "$response.body#/next"),
        }],
    }
}

pub(super) fn stream_changes() -> Described {
    let events = ContentBuilder::new().schema(Some(string().examples([EVENTS])));
    Described {
        id: "streamChanges",
        summary: "Be told when something changes",
        about: "Server-Sent Events. `changed` says that there is something to pull with `since` of your last pull; it comes at the start, unless `Last-Event-ID` is the newest, and after changes. A comment comes every 20 seconds. `token_expired` ends the stream: connect again with a new token. At most 10 streams a user. Browsers' `EventSource` cannot send a token: use `fetch`.",
        parameters: vec!["LastEventId"],
        body: None,
        responses: vec![(
            "200",
            success("Events, until the token expires.", &["Cache-Control"])
                .content("text/event-stream", events.build()),
        )],
        codes: &[Code::InvalidParameter, Code::TooManyStreams],
        links: &[],
    }
}

fn changes() -> ObjectBuilder {
    let of = |name: &str, about: &str| {
        ArrayBuilder::new()
            .items(named(name))
            .max_items(Some(usize::from(MAX_LIMIT)))
            .description(Some(about))
    };
    ObjectBuilder::new()
        .property("tasks", of("Task", "Tasks that are new or were changed."))
        .property("lists", of("List", "Lists that are new or were changed."))
        .property(
            "gone",
            of("Gone", "What has ended, and is not in the trash."),
        )
        .property(
            "next",
            string().description(Some("The `since` of the next request.")),
        )
        .property("more", flag("Whether there was more when this was read."))
        .required("tasks")
        .required("lists")
        .required("gone")
        .required("next")
        .required("more")
        .examples([json!({
            "tasks": [],
            "lists": [],
            "gone": [{"kind": "task", "id": "01a1f894-ca3f-7267-b11f-7667b1bde221"}],
            "next": CURSOR,
            "more": false
        })])
}

fn gone() -> ObjectBuilder {
    ObjectBuilder::new()
        .property("kind", string().enum_values(Some(["task", "list"])))
        .property("id", formatted(KnownFormat::Uuid))
        .required("kind")
        .required("id")
        .examples([json!({"kind": "task", "id": "01a1f894-ca3f-7267-b11f-7667b1bde221"})])
}
