//! Moving a task: to a list, below a task, before or behind a sibling.

use super::input::WRITTEN_BY_THE_SERVER;
use super::model::Task;
use super::place::{self, Target, settle};
use super::siblings::Siblings;
use crate::auth::OwnerId;
use crate::db::change::change_rows;
use crate::db::connection::DbConnection;
use crate::db::order::{Arranged as _, Order as _};
use crate::db::owned;
use crate::db::rejection::Rejection;
use crate::db::statement::{Access, Failure, Statement};
use crate::db::table::Place;
use crate::primitives::entity_tag::IfMatch;
use crate::primitives::field_error::{FieldError, object};
use crate::primitives::id::ResourceId;
use crate::primitives::json::Value;
use crate::primitives::spot::{Spot, Spots};
use crate::primitives::text::Wrong;

const NO_SIBLING: Wrong = "must be the id of a task beside which this one can stand: in the same list, below the same task, not in the trash";
const NOTHING: Wrong = "must have list_id, parent_id, before, after, first or last";

/// The body of a move.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Move {
    target: Target,
    spot: Option<Spot>,
}

impl Move {
    /// Reads the body of a move; the error names every error.
    pub fn parse(body: &Value) -> Result<Self, Vec<FieldError>> {
        let members = object(body)?;
        let mut errors = Vec::new();
        let mut target = Target::default();
        let mut spots = Spots::default();
        for (name, value) in members {
            let result = match name.as_str() {
                "list_id" => place::list_id(value).map(|list| target.list = Some(list)),
                "parent_id" => place::parent_id(value).map(|parent| target.parent = Some(parent)),
                known if WRITTEN_BY_THE_SERVER.contains(&known) => Ok(()),
                name => spots.read(name, value, NO_SIBLING).unwrap_or_else(|| {
                    errors.push(FieldError::unknown_field(name));
                    Ok(())
                }),
            };
            if let Err(why) = result {
                errors.push(FieldError::in_body(format!("/{name}"), why));
            }
        }
        let spot = spots.only().unwrap_or_else(|several| {
            errors.extend(several);
            None
        });
        if errors.is_empty() && !target.is_some() && spot.is_none() {
            errors.push(FieldError::in_body("", NOTHING));
        }
        errors.sort_by_key(|error| error.unknown);
        if errors.is_empty() {
            Ok(Self { target, spot })
        } else {
            Err(errors)
        }
    }
}

/// Moves the owner's task, with all below it.
pub struct MoveTask {
    /// Which.
    pub id: ResourceId,
    /// Where to.
    pub to: Move,
    /// If it is in one of these versions.
    pub if_match: IfMatch,
}

impl Statement for MoveTask {
    type Output = Task;
    const ACCESS: Access = Access::Write;

    fn run(&self, conn: &mut DbConnection, owner: &OwnerId) -> Result<Task, Failure> {
        change_rows(conn, owner, |conn, change| {
            let (id, place) = (self.id, Place::Live);
            let task: Task = owned::find_matching(conn, owner, id, place, &self.if_match)?;
            let mut errors = Vec::new();
            let siblings = self.to.target.resolve(conn, &task, &mut errors)?;
            let anchor = anchor(conn, &task, siblings, self.to.spot, &mut errors)?;
            if !errors.is_empty() {
                return Err(Rejection::Invalid(errors).into());
            }
            let now = change.now();
            let stands = (task.siblings() == siblings).then(|| task.effective_position());
            let position = match self.to.spot {
                Some(spot) => {
                    let (stands, anchor) = (stands.as_deref(), anchor.as_ref());
                    siblings.position_at(conn, change, &task, stands, spot, anchor)?
                }
                None if stands.is_some() => None,
                None => Some(siblings.end(conn, owner, id)?),
            };
            let Some(position) = position else {
                return Ok(task);
            };
            let mut new = task.changed(now);
            settle(conn, change, &mut new, siblings, Some(position), now)?;
            owned::write(conn, change, &task, &new)?;
            Ok(new)
        })
    }
}

/// The sibling that a spot names.
fn anchor(
    conn: &mut DbConnection,
    task: &Task,
    siblings: Siblings,
    spot: Option<Spot>,
    errors: &mut Vec<FieldError>,
) -> Result<Option<Task>, Failure> {
    let Some((spot, id)) = spot.and_then(|spot| Some((spot, spot.beside()?))) else {
        return Ok(None);
    };
    let beside = owned::read::<Task>(conn, &task.owner_id, id, Place::Live)?;
    let beside = beside.filter(|beside| beside.siblings() == siblings);
    if beside.is_none() {
        errors.push(FieldError::in_body(
            format!("/{}", spot.field()),
            NO_SIBLING,
        ));
    }
    Ok(beside)
}
