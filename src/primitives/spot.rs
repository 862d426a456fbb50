//! A place among siblings, as the body of a move names it.

use super::field_error::FieldError;
use super::id::ResourceId;
use super::json::Value;
use super::text::Wrong;

const ONE_ONLY: Wrong = "must be the only one of before, after, first and last";

/// A place among siblings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spot {
    /// Right before this one.
    Before(ResourceId),
    /// Right behind this one.
    After(ResourceId),
    /// Before all others.
    First,
    /// Behind all others.
    Last,
}

/// The spots that a body names, of which there may be one.
#[derive(Debug, Default)]
pub struct Spots(Vec<Spot>);

impl Spot {
    /// The name of its field.
    pub fn field(self) -> &'static str {
        match self {
            Self::Before(_) => "before",
            Self::After(_) => "after",
            Self::First => "first",
            Self::Last => "last",
        }
    }

    /// The sibling that it is beside.
    pub fn beside(self) -> Option<ResourceId> {
        match self {
            Self::Before(id) | Self::After(id) => Some(id),
            Self::First | Self::Last => None,
        }
    }

    /// Reads a field, if it names a spot; `no_sibling` is said of what is no id.
    fn read(name: &str, value: &Value, no_sibling: Wrong) -> Option<Result<Self, Wrong>> {
        let id = || value.as_str().and_then(ResourceId::parse).ok_or(no_sibling);
        let is_true = || {
            (*value == Value::Bool(true))
                .then_some(())
                .ok_or("must be true")
        };
        Some(match name {
            "before" => id().map(Self::Before),
            "after" => id().map(Self::After),
            "first" => is_true().map(|()| Self::First),
            "last" => is_true().map(|()| Self::Last),
            _ => return None,
        })
    }
}

impl Spots {
    /// Reads a field; none if it is another one.
    pub fn read(
        &mut self,
        name: &str,
        value: &Value,
        no_sibling: Wrong,
    ) -> Option<Result<(), Wrong>> {
        let read = Spot::read(name, value, no_sibling)?;
        Some(read.map(|spot| self.0.push(spot)))
    }

    /// The spot, if the body names one.
    ///
    /// # Errors
    ///
    /// It names several.
    pub fn only(&self) -> Result<Option<Spot>, Vec<FieldError>> {
        match self.0.as_slice() {
            [] => Ok(None),
            [spot] => Ok(Some(*spot)),
            several => {
                let error =
                    |spot: &Spot| FieldError::in_body(format!("/{}", spot.field()), ONE_ONLY);
                Err(several.iter().map(error).collect())
            }
        }
    }
}
