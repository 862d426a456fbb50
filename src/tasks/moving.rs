//! Moving a task: to a list, below a task, before or behind a sibling.

use super::input::WRITTEN_BY_THE_SERVER;
use super::model::Task;
use super::place::{self, Target, end_of, levels_below, settle, write};
use super::siblings::{Gap, Siblings};
use crate::auth::OwnerId;
use crate::db::connection::DbConnection;
use crate::db::owned;
use crate::db::owner_lock::lock_owner;
use crate::db::rejection::Rejection;
use crate::db::statement::{Access, Failure, Statement, in_transaction};
use crate::db::table::Place;
use crate::primitives::entity_tag::IfMatch;
use crate::primitives::field_error::{FieldError, object};
use crate::primitives::id::ResourceId;
use crate::primitives::json::Value;
use crate::primitives::text::Wrong;
use crate::primitives::timestamp::Timestamp;

const NO_SIBLING: Wrong = "must be the id of a task beside which this one can stand: in the same list, below the same task, not in the trash";
const ONE_ONLY: Wrong = "must be the only one of before, after, first and last";
const NOTHING: Wrong = "must have list_id, parent_id, before, after, first or last";

/// A place among siblings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spot {
    Before(ResourceId),
    After(ResourceId),
    First,
    Last,
}

/// The body of a move.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Move {
    target: Target,
    spot: Option<Spot>,
}

impl Spot {
    /// Reads a field, if it names a spot.
    pub fn read(name: &str, value: &Value) -> Option<Result<Self, Wrong>> {
        let id = || value.as_str().and_then(ResourceId::parse).ok_or(NO_SIBLING);
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

impl Move {
    /// Reads the body of a move; the error names every error.
    pub fn parse(body: &Value) -> Result<Self, Vec<FieldError>> {
        let members = object(body)?;
        let mut errors = Vec::new();
        let mut target = Target::default();
        let mut spots = Vec::new();
        for (name, value) in members {
            let result = match name.as_str() {
                "list_id" => place::list_id(value).map(|list| target.list = Some(list)),
                "parent_id" => place::parent_id(value).map(|parent| target.parent = Some(parent)),
                known if WRITTEN_BY_THE_SERVER.contains(&known) => Ok(()),
                name => match Spot::read(name, value) {
                    Some(read) => {
                        let place = format!("/{name}");
                        read.map(|spot| spots.push((place, spot)))
                    }
                    None => {
                        errors.push(FieldError::unknown_field(name));
                        Ok(())
                    }
                },
            };
            if let Err(why) = result {
                errors.push(FieldError::in_body(format!("/{name}"), why));
            }
        }
        if let [_, _, ..] = spots.as_slice() {
            let error = |(place, _): &(String, Spot)| FieldError::in_body(place.clone(), ONE_ONLY);
            errors.extend(spots.iter().map(error));
        }
        let spot = spots.first().map(|(_, spot)| *spot);
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
        in_transaction(conn, |conn| {
            lock_owner(conn, owner)?;
            let (id, place) = (self.id, Place::Live);
            let task: Task = owned::find_matching(conn, owner, id, place, &self.if_match)?;
            let mut errors = Vec::new();
            let levels = levels_below(conn, &task)?;
            let siblings = self.to.target.resolve(conn, &task, levels, &mut errors)?;
            let anchor = anchor(conn, &task, siblings, self.to.spot, &mut errors)?;
            if !errors.is_empty() {
                return Err(Rejection::Invalid(errors).into());
            }
            let now = Timestamp::now();
            let is_elsewhere = task.siblings() != siblings;
            let position = match (self.to.spot, anchor) {
                (None, _) if !is_elsewhere => return Ok(task),
                (None, _) => end_of(conn, owner, siblings, id)?,
                (Some(spot), anchor) => {
                    let gap = gap(conn, &task, siblings, spot, anchor.as_deref())?;
                    let Some(gap) = gap else {
                        return Ok(task);
                    };
                    let stands = task.effective_position();
                    if !is_elsewhere && gap.holds(&stands) {
                        return Ok(task);
                    }
                    match gap {
                        Gap { high: None, .. } => end_of(conn, owner, siblings, id)?,
                        gap => siblings.make_room(conn, owner, &gap, id, now)?,
                    }
                }
            };
            let mut new = task.changed(now);
            settle(conn, &mut new, siblings, Some(position), now)?;
            write(conn, &task, &new)?;
            Ok(new)
        })
    }
}

/// The position of the sibling that a spot names.
fn anchor(
    conn: &mut DbConnection,
    task: &Task,
    siblings: Siblings,
    spot: Option<Spot>,
    errors: &mut Vec<FieldError>,
) -> Result<Option<String>, Failure> {
    let (place, id) = match spot {
        Some(Spot::Before(id)) => ("/before", id),
        Some(Spot::After(id)) => ("/after", id),
        Some(Spot::First | Spot::Last) | None => return Ok(None),
    };
    let beside = owned::read::<Task>(conn, &task.owner_id, id, Place::Live)?;
    let beside = beside.filter(|beside| beside.siblings() == siblings);
    if beside.is_none() {
        errors.push(FieldError::in_body(place, NO_SIBLING));
    }
    Ok(beside.map(|beside| beside.effective_position()))
}

/// The gap of a spot; none where the spot is beside the task itself.
fn gap(
    conn: &mut DbConnection,
    task: &Task,
    siblings: Siblings,
    spot: Spot,
    anchor: Option<&str>,
) -> Result<Option<Gap>, Failure> {
    let (owner, id) = (&task.owner_id, task.id);
    Ok(Some(match (spot, anchor) {
        (Spot::Before(beside) | Spot::After(beside), _) if beside == id => return Ok(None),
        (Spot::Before(_), Some(anchor)) => siblings.before(conn, owner, anchor, id)?,
        (Spot::After(_), Some(anchor)) => siblings.behind(conn, owner, anchor, id)?,
        (Spot::First, _) => Gap {
            low: None,
            high: siblings.first(conn, owner, id)?,
        },
        (Spot::Last | Spot::Before(_) | Spot::After(_), _) => Gap {
            low: siblings.last(conn, owner, id)?,
            high: None,
        },
    }))
}
