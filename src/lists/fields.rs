//! The fields that a client may write, each parsed into its own type.

use crate::primitives::json::Value;
use crate::primitives::text::{Wrong, is_visible, string};

/// A name: 1 to 200 Unicode scalar values after trimming, at least one of them visible.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name(String);

impl Name {
    pub(crate) fn parse(value: &Value) -> Result<Self, Wrong> {
        let text = string(value)?.trim();
        if text.is_empty() || text.chars().count() > 200 {
            return Err("must be 1 to 200 characters");
        }
        if !is_visible(text) {
            return Err("must have a visible character");
        }
        Ok(Self(text.to_owned()))
    }

    /// A stored name; it was validated before it was stored.
    pub fn from_column(text: String) -> Self {
        Self(text)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A color, as `#rrggbb` in lower case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Color(String);

impl Color {
    pub(crate) fn parse(value: &Value) -> Result<Option<Self>, Wrong> {
        if value.is_null() {
            return Ok(None);
        }
        let digits = value.as_str().and_then(|text| text.strip_prefix('#'));
        let is_color = |digits: &&str| {
            digits.len() == 6 && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
        };
        match digits.filter(is_color) {
            Some(digits) => Ok(Some(Self(format!("#{}", digits.to_ascii_lowercase())))),
            None => Err("must be a color as #rrggbb, or null"),
        }
    }

    /// A stored color; it was validated before it was stored.
    pub fn from_column(text: String) -> Self {
        Self(text)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

pub(super) fn archived(value: &Value) -> Result<bool, Wrong> {
    value.as_bool().ok_or("must be true or false")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_color_is_a_sign_and_six_digits_in_either_case() {
        let color = |text: &str| Color::parse(&json!(text)).map(|color| color.unwrap().0);
        assert_eq!(color("#00fFAb"), Ok("#00ffab".to_owned()));
        for wrong in [
            "",
            "#",
            "00ffab",
            "#00ffa",
            "#00ffab0",
            "#00ffag",
            " #00ffab",
            "#00ffab ",
            "#0fa",
            "#００ff",
            "#é0ffa",
            "red",
        ] {
            assert!(color(wrong).is_err(), "{wrong}");
        }
        assert_eq!(Color::parse(&Value::Null), Ok(None));
        assert!(Color::parse(&json!(0)).is_err());
    }
}
