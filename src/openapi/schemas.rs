//! Building blocks of schemas.

use utoipa::openapi::schema::{
    AdditionalProperties, KnownFormat, ObjectBuilder, Schema, SchemaFormat, SchemaType, Type,
};
use utoipa::openapi::{Ref, RefOr};

/// The pattern of a day in the years 1970 to 9999.
pub const DAY: &str = "^(19[7-9][0-9]|[2-9][0-9]{3})-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$";

/// The pattern of an instant of a query, in the years 1970 to 9999.
pub const INSTANT: &str = "^(19[7-9][0-9]|[2-9][0-9]{3})-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\\.[0-9]{1,9})?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$";

/// The pattern of a text with at least one visible character: not white space, not
/// a control character, none of the common invisible ones. The server knows all
/// invisible ones of Unicode.
pub const VISIBLE: &str = "^[^\\u0000]*[^\\s\\u0000-\\u001f\\u007f-\\u009f\\u00ad\\u200b-\\u200f\\u2060-\\u206f\\ufeff][^\\u0000]*$";

/// `additionalProperties: false`: unknown fields are refused.
pub const CLOSED: Option<AdditionalProperties<Schema>> =
    Some(AdditionalProperties::FreeForm(false));

/// The pattern of a string without U+0000, which PostgreSQL cannot store.
pub const NO_NUL: &str = "^[^\\u0000]*$";

/// A `$ref` to a schema of the document.
pub fn named(name: &str) -> RefOr<Schema> {
    Ref::from_schema_name(name).into()
}

pub fn string() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String)
}

pub fn formatted(format: KnownFormat) -> ObjectBuilder {
    string().format(Some(SchemaFormat::KnownFormat(format)))
}

pub fn nullable(schema: ObjectBuilder) -> ObjectBuilder {
    schema.schema_type(SchemaType::from_iter([Type::String, Type::Null]))
}

pub fn flag(description: &str) -> ObjectBuilder {
    ObjectBuilder::new()
        .schema_type(Type::Boolean)
        .description(Some(description))
}

pub fn instant(description: &str) -> ObjectBuilder {
    formatted(KnownFormat::DateTime).description(Some(description))
}

/// Adds fields of any type that the server ignores, so that a client can send back
/// what it has read.
pub fn with_ignored(body: ObjectBuilder, fields: &[&str]) -> ObjectBuilder {
    fields.iter().fold(body, |body, field| {
        let any = ObjectBuilder::new()
            .schema_type(SchemaType::AnyValue)
            .description(Some("Ignored."));
        body.property(*field, any)
    })
}
