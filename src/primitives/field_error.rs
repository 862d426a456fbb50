//! One error in a body or a query.

use std::borrow::Cow;

use serde::Serialize;

use super::json::{Map, Value};

/// An error with its location: a JSON pointer (RFC 6901) into the body, or the name of a
/// query parameter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FieldError {
    #[serde(skip_serializing_if = "Option::is_none")]
    pointer: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parameter: Option<String>,
    detail: Cow<'static, str>,
    /// Whether the field or parameter is unknown, not invalid.
    #[serde(skip)]
    pub unknown: bool,
}

/// The members of a body, which must be a JSON object.
pub fn object(body: &Value) -> Result<&Map<String, Value>, Vec<FieldError>> {
    body.as_object()
        .ok_or_else(|| vec![FieldError::in_body("", "must be a JSON object")])
}

impl FieldError {
    /// An error in a field of the body; the pointer `""` is the whole body.
    pub fn in_body(pointer: impl Into<String>, detail: impl Into<Cow<'static, str>>) -> Self {
        Self {
            pointer: Some(pointer.into()),
            parameter: None,
            detail: detail.into(),
            unknown: false,
        }
    }

    /// An error in a query parameter.
    pub fn parameter(name: impl Into<String>, detail: impl Into<Cow<'static, str>>) -> Self {
        Self {
            pointer: None,
            parameter: Some(name.into()),
            detail: detail.into(),
            unknown: false,
        }
    }

    /// An unknown field of the body.
    pub fn unknown_field(name: &str) -> Self {
        Self {
            unknown: true,
            ..Self::in_body(
                Self::pointer_to(name),
                "is not a field that can be set here",
            )
        }
    }

    /// The pointer to a field, whatever characters its name has.
    pub fn pointer_to(name: &str) -> String {
        format!("/{}", name.replace('~', "~0").replace('/', "~1"))
    }

    /// A field that an object inside the body does not have.
    pub fn unknown_field_in(pointer: &str, name: &str) -> Self {
        let inner = Self::unknown_field(name);
        Self {
            pointer: inner.pointer.map(|name| format!("{pointer}{name}")),
            ..inner
        }
    }

    /// A parameter that the address does not have.
    pub fn unknown_parameter(name: &str) -> Self {
        Self {
            unknown: true,
            ..Self::parameter(name, "is not a parameter of this endpoint")
        }
    }

    /// The error as a sentence: the location, cut to 100 characters, and what is wrong.
    pub fn sentence(&self) -> String {
        let place = self.pointer.as_deref().or(self.parameter.as_deref());
        let place = place.unwrap_or_default();
        let place = place.strip_prefix('/').unwrap_or(place);
        let shown: String = place.chars().take(100).collect();
        match shown.as_str() {
            "" if self.pointer.as_deref() == Some("") => format!("the body {}", self.detail),
            shown => format!("{shown} {}", self.detail),
        }
    }
}
