//! Validation of texts from clients.

use icu_properties::CodePointSetData;
use icu_properties::props::DefaultIgnorableCodePoint;

use super::json::Value;

/// Why a value is refused, as a phrase without the name of the field.
pub type Wrong = &'static str;

/// The error of a text with NUL.
pub const NUL: Wrong = "must not contain the character U+0000";

/// A string without NUL, which PostgreSQL cannot store and SQLite truncates at.
pub fn string(value: &Value) -> Result<&str, Wrong> {
    let text = value.as_str().ok_or("must be a string")?;
    if text.contains('\0') {
        Err(NUL)
    } else {
        Ok(text)
    }
}

/// Whether a text has a visible character.
pub fn is_visible(text: &str) -> bool {
    let ignorable = CodePointSetData::new::<DefaultIgnorableCodePoint>();
    text.chars()
        .any(|c| !c.is_whitespace() && !c.is_control() && !ignorable.contains(c))
}
