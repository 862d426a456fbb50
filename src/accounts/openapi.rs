//! Accounts in the OpenAPI document.

use serde_json::json;
use utoipa::openapi::Required;
use utoipa::openapi::path::ParameterIn;
use utoipa::openapi::schema::{ComponentsBuilder, ObjectBuilder, Type};

use crate::openapi::described::Described;
use crate::openapi::parameters::parameter;
use crate::openapi::responses::success_of;
use crate::openapi::schemas::{flag, instant, named, string};
use crate::primitives::problem::Code;

/// Adds schemas and parameters to the document.
pub(super) fn components(components: ComponentsBuilder) -> ComponentsBuilder {
    let other = parameter(
        "X-Adopt-Authorization",
        ParameterIn::Header,
        "`Bearer` and the token of the other account, issued a moment ago.",
        string().pattern(Some(
            // The token as RFC 6750 section 2.1 has it: a comma would begin a second one.
            "^[Bb][Ee][Aa][Rr][Ee][Rr] +[A-Za-z0-9._~+/-]+=*$",
        )),
    )
    .required(Required::True)
    .build();
    components
        .schema("Account", account())
        .schema("RowCounts", row_counts())
        .schema("Erased", erased())
        .schema("Adopted", adopted())
        .parameter("AdoptAuthorization", other)
}

pub(super) fn read_account() -> Described {
    Described {
        id: "readAccount",
        summary: "Read the account",
        about: "Who the caller is, when the token ends, and how much there is, the trash included: that is what the quotas count.",
        parameters: &[],
        body: None,
        responses: vec![(
            "200",
            success_of("The account.", "Account", &["Cache-Control"]),
        )],
        codes: &[],
        links: &[],
    }
}

pub(super) fn erase_account() -> Described {
    Described {
        id: "eraseAccount",
        summary: "Erase everything",
        about: "Everything of the caller, for good: tasks, lists, the trash, idempotency keys, the history of changes. The id must be spelled out: `me` is 400. Needs a token that was issued a moment ago, else it is 401 `token_expired`. The caller may begin anew at once.",
        parameters: &[],
        body: None,
        responses: vec![(
            "200",
            success_of("What was erased.", "Erased", &["Cache-Control"]),
        )],
        codes: &[],
        links: &[],
    }
}

pub(super) fn adopt_account() -> Described {
    Described {
        id: "adoptAccount",
        summary: "Adopt another account",
        about: "Everything of the other account becomes the caller's, in one transaction; the other account is empty then. For Better Auth's anonymous users, and for accounts that are linked. Both tokens must have been issued a moment ago. That of the other account must say `isAnonymous: true`, unless the operator allows any. Repeating it is harmless.",
        parameters: &["AdoptAuthorization"],
        body: None,
        responses: vec![(
            "200",
            success_of("What was adopted.", "Adopted", &["Cache-Control"]),
        )],
        codes: &[Code::AdoptRefused, Code::QuotaExceeded],
        links: &[],
    }
}

fn number(about: &str) -> ObjectBuilder {
    ObjectBuilder::new()
        .schema_type(Type::Integer)
        .minimum(Some(0))
        .description(Some(about))
}

fn account() -> ObjectBuilder {
    let expires_at = instant("When the token ends (`exp`).");
    ObjectBuilder::new()
        .property(
            "owner_id",
            string().description(Some("The `sub` of the token.")),
        )
        .property("expires_at", expires_at)
        .property(
            "tasks",
            number("How many tasks, those in the trash included."),
        )
        .property(
            "lists",
            number("How many lists, those in the trash included."),
        )
        .required("owner_id")
        .required("expires_at")
        .required("tasks")
        .required("lists")
        .examples([json!({
            "owner_id": "fMnV7Nw1vTYnVwVkWbnM6xIUDhYkPrUa",
            "expires_at": "2026-12-01T09:15:00.000Z",
            "tasks": 41,
            "lists": 3
        })])
}

fn row_counts() -> ObjectBuilder {
    ObjectBuilder::new()
        .property("tasks", number("How many tasks."))
        .property("lists", number("How many lists."))
        .required("tasks")
        .required("lists")
        .examples([json!({ "tasks": 41, "lists": 3 })])
}

fn erased() -> ObjectBuilder {
    ObjectBuilder::new()
        .property("deleted", named("RowCounts"))
        .property(
            "pending",
            flag("There if some of it is still being erased: what is counted is what was erased until now."),
        )
        .required("deleted")
        .examples([json!({ "deleted": { "tasks": 41, "lists": 3 } })])
}

fn adopted() -> ObjectBuilder {
    ObjectBuilder::new()
        .property("adopted", named("RowCounts"))
        .required("adopted")
        .examples([json!({ "adopted": { "tasks": 41, "lists": 3 } })])
}
