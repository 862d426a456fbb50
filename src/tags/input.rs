//! What a request says of a tag: which one, and its new name.

use crate::primitives::field_error::{FieldError, object};
use crate::primitives::json::Value;
use crate::primitives::parameters::Parameters;
use crate::tasks::filter::{TAG_LENGTH, is_tag_length};
use crate::tasks::tags::{normalized, tag};

/// What the server counts. In a body it is ignored, so that a tag can be sent back as it
/// was read.
pub(super) const WRITTEN_BY_THE_SERVER: [&str; 2] = ["open", "total"];

/// Parses the query: the tag that `name` names, in NFC.
pub(super) fn name(query: &str) -> Result<String, Vec<FieldError>> {
    let given = Parameters::parse(query)?;
    let mut errors = Vec::new();
    let name = given.one("name", &mut errors, TAG_LENGTH, |text| {
        let name = normalized(text);
        is_tag_length(&name).then(|| name.into_owned())
    });
    if name.is_none() && errors.is_empty() {
        errors.push(FieldError::parameter("name", "is required: the tag"));
    }
    errors.extend(given.unknown(&["name"]));
    match name {
        Some(name) if errors.is_empty() => Ok(name),
        _ => Err(errors),
    }
}

/// Parses the body of a rename: the new name.
pub(super) fn new_name(body: &Value) -> Result<String, Vec<FieldError>> {
    let mut errors = Vec::new();
    let mut new_name = None;
    for (name, value) in object(body)? {
        match name.as_str() {
            "name" => match tag(value) {
                Ok(tag) => new_name = Some(tag.into_owned()),
                Err(why) => errors.push(FieldError::in_body("/name", why)),
            },
            known if WRITTEN_BY_THE_SERVER.contains(&known) => {}
            unknown => errors.push(FieldError::unknown_field(unknown)),
        }
    }
    if new_name.is_none() && errors.iter().all(|error| error.unknown) {
        errors.insert(0, FieldError::in_body("/name", "is required"));
    }
    errors.sort_by_key(|error| error.unknown);
    match new_name {
        Some(new_name) if errors.is_empty() => Ok(new_name),
        _ => Err(errors),
    }
}
