//! Request bodies: a new list, a merge patch (RFC 7396) of an existing one, and a move.

use diesel::QueryResult;

use super::fields::{self, Color, Name};
use super::model::{AllLists, List};
use crate::auth::OwnerId;
use crate::db::connection::DbConnection;
use crate::db::idempotency::Draft;
use crate::db::order::Order as _;
use crate::primitives::field_error::{FieldError, object};
use crate::primitives::id::ResourceId;
use crate::primitives::json::Value;
use crate::primitives::spot::{Spot, Spots};
use crate::primitives::text::Wrong;
use crate::primitives::timestamp::Timestamp;

/// Fields that only the server writes. In a request they are ignored, whatever
/// their value, so that a client can send back what it has read.
pub const WRITTEN_BY_THE_SERVER: [&str; 7] = [
    "id",
    "owner_id",
    "position",
    "version",
    "created_at",
    "updated_at",
    "deleted_at",
];

// One sentence for what is missing, in the trash, or somebody else's.
pub(super) const NO_LIST: Wrong = "must be the id of a list of yours that is not in the trash";
const NOTHING: Wrong = "must have before, after, first or last";

/// A merge patch: an absent field is kept, null clears a nullable one.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Patch {
    name: Option<Name>,
    color: Option<Option<Color>>,
    archived: Option<bool>,
}

impl Patch {
    /// Parses a patch; the error lists every invalid field.
    pub fn parse(body: &Value) -> Result<Self, Vec<FieldError>> {
        let mut patch = Self::default();
        let errors = errors_of(body, |name, value| {
            Some(match name {
                "name" => Name::parse(value).map(|name| patch.name = Some(name)),
                "color" => Color::parse(value).map(|color| patch.color = Some(color)),
                "archived" => fields::archived(value).map(|is| patch.archived = Some(is)),
                _ => return None,
            })
        })?;
        none(errors)?;
        Ok(patch)
    }

    /// The list after the patch, in the version that it has.
    pub fn apply(&self, list: &List) -> List {
        let patch = self.clone();
        List {
            name: patch.name.unwrap_or_else(|| list.name.clone()),
            color: patch.color.unwrap_or_else(|| list.color.clone()),
            archived: patch.archived.unwrap_or(list.archived),
            ..list.clone()
        }
    }
}

/// A new list, without its owner, id and timestamps.
#[derive(Debug, Clone, PartialEq)]
pub struct NewList {
    name: Name,
    rest: Patch,
}

impl NewList {
    /// Parses a new list; the error lists every invalid field.
    pub fn parse(body: &Value) -> Result<Self, Vec<FieldError>> {
        let missing = || FieldError::in_body("/name", "is required");
        let has_name = object(body)?.contains_key("name");
        let mut errors = match Patch::parse(body) {
            Ok(mut rest) => match rest.name.take() {
                Some(name) => return Ok(Self { name, rest }),
                None => Vec::new(),
            },
            Err(errors) => errors,
        };
        if !has_name {
            errors.insert(0, missing());
        }
        Err(errors)
    }
}

impl NewList {
    /// What it says: name, color, and whether it is archived.
    pub fn into_written(self) -> (Name, Option<Color>, bool) {
        let archived = self.rest.archived.unwrap_or(false);
        (self.name, self.rest.color.flatten(), archived)
    }
}

impl Draft for NewList {
    type Made = List;

    fn make(&self, owner: &OwnerId, id: ResourceId) -> List {
        let draft = self.clone();
        List {
            id,
            owner_id: owner.clone(),
            name: draft.name,
            color: draft.rest.color.flatten(),
            archived: draft.rest.archived.unwrap_or(false),
            position: None,
            version: 1,
            updated_at: id.created_at(),
            deleted_at: None,
        }
    }

    fn stand_last(
        &self,
        conn: &mut DbConnection,
        list: &mut List,
        now: Timestamp,
    ) -> QueryResult<()> {
        let end = AllLists.end(conn, &list.owner_id, list.id)?;
        list.position = Some(end);
        list.updated_at = now;
        Ok(())
    }
}

/// Parses the body of a move; the error lists every invalid field.
pub fn parse_move(body: &Value) -> Result<Spot, Vec<FieldError>> {
    let mut spots = Spots::default();
    let mut errors = errors_of(body, |name, value| spots.read(name, value, NO_LIST))?;
    let spot = spots.only().unwrap_or_else(|several| {
        errors.extend(several);
        None
    });
    match spot {
        Some(spot) if errors.is_empty() => Ok(spot),
        None if errors.is_empty() => Err(vec![FieldError::in_body("", NOTHING)]),
        Some(_) | None => Err(in_order(errors)),
    }
}

/// Checks a body that has nothing to say.
pub fn no_fields(body: &Value) -> Result<(), Vec<FieldError>> {
    none(errors_of(body, |_, _| None)?)
}

/// Reads the fields of a body by `read`, which returns none for one that it does not
/// know, and returns the errors.
///
/// # Errors
///
/// The body is no object.
fn errors_of(
    body: &Value,
    mut read: impl FnMut(&str, &Value) -> Option<Result<(), Wrong>>,
) -> Result<Vec<FieldError>, Vec<FieldError>> {
    let mut errors = Vec::new();
    for (name, value) in object(body)? {
        match read(name, value) {
            Some(Ok(())) => {}
            Some(Err(why)) => errors.push(FieldError::in_body(format!("/{name}"), why)),
            None if WRITTEN_BY_THE_SERVER.contains(&name.as_str()) => {}
            None => errors.push(FieldError::unknown_field(name)),
        }
    }
    Ok(errors)
}

fn none(errors: Vec<FieldError>) -> Result<(), Vec<FieldError>> {
    if errors.is_empty() {
        Ok(())
    } else {
        Err(in_order(errors))
    }
}

/// Invalid values before unknown fields: the first error becomes the `detail`.
fn in_order(mut errors: Vec<FieldError>) -> Vec<FieldError> {
    errors.sort_by_key(|error| error.unknown);
    errors
}
