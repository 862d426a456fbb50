//! Files in the OpenAPI document: operations, schemas, parameters.

use serde_json::{Value, json};
use utoipa::openapi::Required;
use utoipa::openapi::content::ContentBuilder;
use utoipa::openapi::request_body::{RequestBody, RequestBodyBuilder};
use utoipa::openapi::response::ResponseBuilder;
use utoipa::openapi::schema::{ArrayBuilder, ComponentsBuilder, ObjectBuilder, Type};

use super::document::{Dropped, MAX_ITEMS};
use super::media;
use crate::openapi::described::Described;
use crate::openapi::parameters::query;
use crate::openapi::responses::{success, success_of};
use crate::openapi::schemas::{flag, named, string};
use crate::primitives::problem::Code;

/// A line of a file.
const LINE: &str = "{\"task\":{\"title\":\"Buy milk\",\"tags\":[\"home\"]}}\n";

/// Adds schemas and parameters to the document.
pub(super) fn components(components: ComponentsBuilder) -> ComponentsBuilder {
    components
        .schema("Import", import())
        .schema("ImportCounts", counts())
        .schema("DroppedItem", dropped())
        .parameter(
            "ImportFormat",
            query(
                "format",
                "The format of the file, whatever its `Content-Type`.",
                string().enum_values(Some(media::names(false))),
            ),
        )
        .parameter(
            "ExportFormat",
            query(
                "format",
                "The format of the file, whatever `Accept` says.",
                string().enum_values(Some(media::names(true))),
            ),
        )
        .parameter(
            "DryRun",
            query(
                "dry_run",
                "Only say what the import would do.",
                flag("Whether nothing is written.").default(Some(json!(false))),
            ),
        )
}

pub(super) fn import_tasks() -> Described {
    Described {
        id: "importTasks",
        summary: "Import a file",
        about: "All of it or nothing, in one transaction. What is there already, from an earlier import of the same file too, stays as it is. `dropped` says what the file has and Todoward cannot keep. JSON lines keep ids, versions, times and positions. Tasks.json of Google Takeout, Microsoft To Do as the Graph API gives it, and Todoist's CSV are told by their content. At most 20 MiB and 50,000 tasks, in UTF-8. Counts as a request for each 100 items for the rate limit. At most 2 at once a user, and 8 of all.",
        parameters: vec!["ImportFormat", "DryRun"],
        body: Some(file()),
        responses: vec![(
            "200",
            success_of("What was imported.", "Import", &["Cache-Control"]),
        )],
        codes: &[
            Code::InvalidParameter,
            Code::QuotaExceeded,
            Code::TooManyImports,
        ],
        links: &[],
    }
}

pub(super) fn export_tasks() -> Described {
    Described {
        id: "exportTasks",
        summary: "Export a file",
        about: "Everything in one file, completed tasks too; as JSON lines, which lose nothing, with the trash. It is sent in pieces while it is read, however long that takes: a task that is there throughout stands in it once, and a file that was cut has no end in its transfer coding. A client that reads nothing for 30 seconds is cut off.",
        parameters: vec!["ExportFormat"],
        body: None,
        responses: vec![("200", of_file())],
        codes: &[Code::InvalidParameter, Code::NotAcceptable],
        links: &[],
    }
}

fn file() -> RequestBody {
    // A file may be empty.
    let body = RequestBodyBuilder::new().required(Some(Required::False));
    let types = media::essences(false).into_iter();
    types
        .fold(body, |body, essence| {
            let schema = match essence {
                "application/json" => ObjectBuilder::new()
                    .schema_type(utoipa::openapi::schema::SchemaType::AnyValue)
                    .description(Some(
                        "Google Takeout's Tasks.json, or tasks of Microsoft's Graph API.",
                    )),
                _ => string(),
            };
            let content = ContentBuilder::new().schema(Some(schema));
            body.content(essence, content.build())
        })
        .build()
}

fn of_file() -> ResponseBuilder {
    let response = success("The file.", &["Cache-Control", "Content-Disposition"]);
    let types = media::essences(true).into_iter();
    types.fold(response, |response, essence| {
        let content = ContentBuilder::new().schema(Some(string()));
        let content = match essence {
            "application/x-ndjson" => content.example(Some(Value::from(LINE))),
            _ => content,
        };
        response.content(essence, content.build())
    })
}

fn number(about: &str) -> ObjectBuilder {
    ObjectBuilder::new()
        .schema_type(Type::Integer)
        .minimum(Some(0))
        .description(Some(about))
}

fn counts() -> ObjectBuilder {
    ObjectBuilder::new()
        .property(
            "tasks",
            number("Tasks.").maximum(Some(MAX_ITEMS as u64 as f64)),
        )
        .property(
            "lists",
            number("Lists.").maximum(Some(MAX_ITEMS as u64 as f64)),
        )
        .required("tasks")
        .required("lists")
        .examples([json!({"tasks": 12, "lists": 2})])
}

fn dropped() -> ObjectBuilder {
    ObjectBuilder::new()
        .property(
            "line",
            number("The line of the file; the first is 1.").minimum(Some(1)),
        )
        .property("item", string().description(Some("The title or the name, at most 200 characters of it.")))
        .property("field", string().description(Some("The field, as the format calls it.")))
        .property("detail", string().description(Some("What became of it.")))
        .required("line")
        .required("item")
        .required("field")
        .required("detail")
        .examples([json!({"line": 14, "item": "Pay rent", "field": "VALARM", "detail": "there are no reminders"})])
}

fn import() -> ObjectBuilder {
    let items = ArrayBuilder::new()
        .items(named("DroppedItem"))
        .max_items(Some(Dropped::MAX_LISTED))
        .description(Some(
            "What the file has and Todoward cannot keep: the first 1,000.",
        ));
    ObjectBuilder::new()
        .property("dry_run", flag("Whether nothing was written."))
        .property("created", named("ImportCounts"))
        .property("existing", named("ImportCounts"))
        .property("dropped", items)
        .property("dropped_total", number("How many of them there are."))
        .required("dry_run")
        .required("created")
        .required("existing")
        .required("dropped")
        .required("dropped_total")
        .examples([json!({
            "dry_run": false,
            "created": {"tasks": 12, "lists": 2},
            "existing": {"tasks": 0, "lists": 0},
            "dropped": [{"line": 14, "item": "Pay rent", "field": "VALARM", "detail": "there are no reminders"}],
            "dropped_total": 1
        })])
}
