//! Accounts in the OpenAPI document.

use serde_json::{Map, Value, json};
use utoipa::openapi::Required;
use utoipa::openapi::path::ParameterIn;
use utoipa::openapi::schema::{ComponentsBuilder, ObjectBuilder, Type};

use crate::openapi::described::Described;
use crate::openapi::parameters::parameter;
use crate::openapi::responses::success_of;
use crate::openapi::schemas::{flag, instant, named, string};
use crate::primitives::problem::Code;
use crate::resources::tables;

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
        parameters: vec![],
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
        parameters: vec![],
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
        parameters: vec!["AdoptAuthorization"],
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

/// Adds a number for each table.
fn counted(object: ObjectBuilder, about: impl Fn(&str) -> String) -> ObjectBuilder {
    tables().fold(object, |object, table| {
        let number = number(&about(table.name));
        object.property(table.name, number).required(table.name)
    })
}

/// Some numbers for the examples.
fn numbers() -> Map<String, Value> {
    let names = tables().map(|table| table.name.to_owned());
    names
        .zip([41, 3].map(Value::from).into_iter().cycle())
        .collect()
}

fn account() -> ObjectBuilder {
    let expires_at = instant("When the token ends (`exp`).");
    let account = ObjectBuilder::new()
        .property(
            "owner_id",
            string().description(Some("The `sub` of the token.")),
        )
        .property("expires_at", expires_at)
        .required("owner_id")
        .required("expires_at");
    let mut example = numbers();
    example.insert(
        "owner_id".to_owned(),
        json!("fMnV7Nw1vTYnVwVkWbnM6xIUDhYkPrUa"),
    );
    example.insert("expires_at".to_owned(), json!("2026-12-01T09:15:00.000Z"));
    counted(account, |name| {
        format!("How many {name}, those in the trash included.")
    })
    .examples([Value::Object(example)])
}

fn row_counts() -> ObjectBuilder {
    counted(ObjectBuilder::new(), |name| format!("How many {name}."))
        .examples([Value::Object(numbers())])
}

fn erased() -> ObjectBuilder {
    ObjectBuilder::new()
        .property("deleted", named("RowCounts"))
        .property(
            "pending",
            flag("There if some of it is still being erased: what is counted is what was erased until now."),
        )
        .required("deleted")
        .examples([json!({ "deleted": numbers() })])
}

fn adopted() -> ObjectBuilder {
    ObjectBuilder::new()
        .property("adopted", named("RowCounts"))
        .required("adopted")
        .examples([json!({ "adopted": numbers() })])
}
