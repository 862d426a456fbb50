//! Rows in an order that people arrange by hand, and the gaps between them.
//!
//! Where a row stands is a position (`primitives::position`), or, while it was
//! never moved, its id. All of this runs under the owner's lock.

use std::cmp::Ordering;

use diesel::prelude::*;
use diesel::query_builder::{Query, QueryFragment};
use diesel::sql_types::{Nullable, Text};

use super::change::Change;
use super::connection::{DbConnection, MultiBackend};
use super::id::{DbId, Id};
use super::owned::{self, Owned};
use super::statement::{Failure, Pass, dynamic_query};
use super::table::{Place, Table};
use crate::auth::OwnerId;
use crate::primitives::id::ResourceId;
use crate::primitives::position;
use crate::primitives::spot::Spot;
use crate::primitives::timestamp::Timestamp;

/// A row that has a place in an order.
pub trait Arranged: Owned {
    /// Its position, if it was ever moved.
    fn position(&self) -> Option<&str>;

    /// It in its next version, at a position.
    fn moved_to(&self, position: String, now: Timestamp) -> Self;

    /// Where it stands.
    fn effective_position(&self) -> String {
        match self.position() {
            Some(position) => position.to_owned(),
            None => position::of_id(self.id().0),
        }
    }
}

/// The max number of rows with one position that are told apart at once.
const MAX_TIED: usize = 64;

/// The two neighbors of a gap; none is an end of the order.
#[derive(Debug, Clone)]
struct Gap {
    low: Option<Standing>,
    high: Option<Standing>,
}

impl Gap {
    /// Whether a row stands in it: also one that shares a neighbor's position, and is on
    /// this side of it by its id.
    fn holds(&self, row: &Standing) -> bool {
        let is_behind = |low: &Standing| compare(low, row, Toward::End).is_lt();
        let is_before = |high: &Standing| compare(row, high, Toward::End).is_lt();
        self.low.as_ref().is_none_or(is_behind) && self.high.as_ref().is_none_or(is_before)
    }

    fn positions(&self) -> [Option<&str>; 2] {
        [&self.low, &self.high].map(|it| it.as_ref().map(|it| it.position.as_str()))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Toward {
    Begin,
    End,
}

/// A row and where it stands.
#[derive(Debug, Clone)]
struct Standing {
    id: ResourceId,
    position: String,
}

/// The live rows of an owner that stand in one order.
pub trait Order: Copy {
    /// One of them.
    type Row: Arranged;

    /// The columns in which all of them are the same, with their value.
    fn shared(self) -> Vec<(&'static str, Option<DbId>)>;

    /// The position that a row gets at a spot; none if it stands there already.
    /// `stands` is its position in this order, if it is in it; `anchor` is the row that
    /// the spot names. Where there is no room the nearest rows are spread anew.
    ///
    /// # Errors
    ///
    /// The database failed.
    fn position_at(
        self,
        conn: &mut DbConnection,
        change: &Change<'_>,
        row: &Self::Row,
        stands: Option<&str>,
        spot: Spot,
        anchor: Option<&Self::Row>,
    ) -> Result<Option<String>, Failure> {
        let row = Moved {
            owner: row.owner(),
            id: row.id().0,
        };
        if spot.beside() == Some(row.id) {
            return Ok(None);
        }
        let anchor = match anchor {
            Some(anchor) => Some(Standing {
                id: anchor.id().0,
                position: untie(conn, change, self, row, anchor)?,
            }),
            None => None,
        };
        let next = |conn: &mut DbConnection, from: Option<&Standing>, toward| {
            let from = from.map(|from| from.position.as_str());
            let nearest = nearest(conn, self, row, from, toward, 1);
            nearest.map(|found| found.into_iter().next())
        };
        let gap = match (spot, anchor) {
            (Spot::Before(_), Some(anchor)) => Gap {
                low: next(conn, Some(&anchor), Toward::Begin)?,
                high: Some(anchor),
            },
            (Spot::After(_), Some(anchor)) => Gap {
                high: next(conn, Some(&anchor), Toward::End)?,
                low: Some(anchor),
            },
            (Spot::First, _) => Gap {
                low: None,
                high: next(conn, None, Toward::End)?,
            },
            (Spot::Last | Spot::Before(_) | Spot::After(_), _) => Gap {
                low: next(conn, None, Toward::Begin)?,
                high: None,
            },
        };
        let stands = stands.map(|position| Standing {
            id: row.id,
            position: position.to_owned(),
        });
        if stands.is_some_and(|stands| gap.holds(&stands)) {
            return Ok(None);
        }
        Ok(Some(match gap {
            Gap { low, high: None } => behind(low),
            gap => make_room(conn, change, self, row, &gap)?,
        }))
    }

    /// The position behind all others: that of this instant, or one behind the last.
    ///
    /// # Errors
    ///
    /// The database failed.
    fn end(
        self,
        conn: &mut DbConnection,
        owner: &OwnerId,
        except: ResourceId,
    ) -> QueryResult<String> {
        let row = Moved { owner, id: except };
        let last = nearest(conn, self, row, None, Toward::Begin, 1)?;
        Ok(behind(last.into_iter().next()))
    }
}

/// The row that is moved, which is not its own neighbor.
#[derive(Clone, Copy)]
struct Moved<'a> {
    owner: &'a OwnerId,
    id: ResourceId,
}

fn behind(last: Option<Standing>) -> String {
    let now = position::of_id(ResourceId::generate());
    match last.map(|last| last.position) {
        Some(last) if last >= now => position::behind(&last).unwrap_or(now),
        Some(_) | None => now,
    }
}

/// So many rows on one side of a position, or from one end of the order, the nearest
/// first. What was moved and what was not are two orders, each with its index.
fn nearest<O: Order>(
    conn: &mut DbConnection,
    order: O,
    row: Moved<'_>,
    from: Option<&str>,
    toward: Toward,
    count: usize,
) -> QueryResult<Vec<Standing>> {
    let mut found: Vec<Standing> = Vec::new();
    for is_moved in [false, true] {
        let statement = Nearest {
            table: <O::Row as Owned>::Row::NAME,
            row,
            except: DbId(row.id),
            shared: order.shared(),
            from,
            bound: from.map(|from| DbId(position::nearest_id(from, toward == Toward::End))),
            toward,
            is_moved,
            count,
            is_postgres: conn.is_postgres(),
        };
        let rows: Vec<(DbId, Option<String>)> = statement.load(conn)?;
        found.extend(rows.into_iter().map(|(id, position)| Standing {
            id: id.0,
            position: position.unwrap_or_else(|| position::of_id(id.0)),
        }));
    }
    found.sort_by(|a, b| compare(a, b, toward));
    found.truncate(count);
    Ok(found)
}

/// A position in a gap. Where there is no room the nearest rows are spread anew, as few
/// as will do.
fn make_room<O: Order>(
    conn: &mut DbConnection,
    change: &Change<'_>,
    order: O,
    row: Moved<'_>,
    gap: &Gap,
) -> Result<String, Failure> {
    let [from, to] = gap.positions();
    if let Some(position) = position::between(from, to) {
        return Ok(position);
    }
    let mut count = 8;
    loop {
        let mut lower = match from {
            Some(from) => {
                let from = above(from);
                nearest(conn, order, row, Some(&from), Toward::Begin, count + 1)?
            }
            None => Vec::new(),
        };
        let mut higher = nearest(conn, order, row, from, Toward::End, count + 1)?;
        let low = (lower.len() > count).then(|| lower.pop()).flatten();
        let high = (higher.len() > count).then(|| higher.pop()).flatten();
        lower.reverse();
        let at = lower.len();
        let all: Vec<Standing> = lower.into_iter().chain(higher).collect();
        let low = low.as_ref().map(|it| it.position.as_str());
        let high = high.as_ref().map(|it| it.position.as_str());
        let Some(mut spread) = position::evenly(low, high, all.len() + 1) else {
            count *= 8;
            continue;
        };
        let own = spread.remove(at);
        for (standing, position) in all.iter().zip(spread) {
            let old = owned::read::<O::Row>(conn, row.owner, standing.id, Place::Live)?;
            if let Some(old) = old {
                owned::write(conn, change, &old, &old.moved_to(position, change.now()))?;
            }
        }
        return Ok(own);
    }
}

/// The position of a row of which no other one has the same. Rows can share one: a row
/// came back from the trash, and another one had been moved to where it was. Nothing would
/// go between them, so they get new positions, in the order in which they are shown.
fn untie<O: Order>(
    conn: &mut DbConnection,
    change: &Change<'_>,
    order: O,
    moved: Moved<'_>,
    row: &O::Row,
) -> Result<String, Failure> {
    let own = row.effective_position();
    let from = above(&own);
    let mut tied = nearest(conn, order, moved, Some(&from), Toward::Begin, MAX_TIED)?;
    tied.retain(|it| it.position == own);
    if tied.len() < 2 {
        return Ok(own);
    }
    tied.reverse();
    let next = |conn: &mut DbConnection, toward| {
        let nearest = nearest(conn, order, moved, Some(&own), toward, 1);
        nearest.map(|found| found.into_iter().next().map(|it| it.position))
    };
    let (low, high) = (next(conn, Toward::Begin)?, next(conn, Toward::End)?);
    let Some(spread) = position::evenly(low.as_deref(), high.as_deref(), tied.len()) else {
        return Ok(own);
    };
    let mut position = own;
    for (standing, new) in tied.iter().zip(spread) {
        let Some(old) = owned::read::<O::Row>(conn, moved.owner, standing.id, Place::Live)? else {
            continue;
        };
        owned::write(conn, change, &old, &old.moved_to(new.clone(), change.now()))?;
        if standing.id == row.id().0 {
            position = new;
        }
    }
    Ok(position)
}

/// Right behind a position: nothing stands between them.
fn above(position: &str) -> String {
    format!("{position}-")
}

fn compare(a: &Standing, b: &Standing, toward: Toward) -> Ordering {
    let order = a.position.cmp(&b.position).then(a.id.cmp(&b.id));
    match toward {
        Toward::End => order,
        Toward::Begin => order.reverse(),
    }
}

/// Where a row stands that was never moved, as SQL. On SQLite, and on PostgreSQL.
pub fn position_of_id(is_postgres: bool) -> &'static str {
    match is_postgres {
        true => "replace(CAST(id AS TEXT), '-', '') COLLATE \"C\"",
        false => "lower(hex(id))",
    }
}

/// The rows nearest to a position, of those that were moved or of those that were not.
struct Nearest<'a> {
    table: &'static str,
    row: Moved<'a>,
    except: DbId,
    shared: Vec<(&'static str, Option<DbId>)>,
    from: Option<&'a str>,
    /// The id from which on to look, for those that are where their ids put them.
    bound: Option<DbId>,
    toward: Toward,
    is_moved: bool,
    count: usize,
    is_postgres: bool,
}

impl Query for Nearest<'_> {
    type SqlType = (Id, Nullable<Text>);
}

dynamic_query!([] Nearest<'_>);

impl QueryFragment<MultiBackend> for Nearest<'_> {
    fn walk_ast<'b>(&'b self, mut out: Pass<'_, 'b>) -> QueryResult<()> {
        out.unsafe_to_cache_prepared();
        let (sign, bound_sign, direction) = match self.toward {
            Toward::End => (" > ", " AND id >= ", " ASC"),
            Toward::Begin => (" < ", " AND id <= ", " DESC"),
        };
        let position = match self.is_moved {
            true => "position",
            false => position_of_id(self.is_postgres),
        };
        out.push_sql("SELECT id, position FROM ");
        out.push_sql(self.table);
        out.push_sql(" WHERE owner_id = ");
        out.push_bind_param::<Text, _>(self.row.owner.as_str())?;
        for (column, value) in &self.shared {
            out.push_sql(" AND ");
            out.push_sql(column);
            match value {
                Some(id) => {
                    out.push_sql(" = ");
                    out.push_bind_param::<Id, _>(id)?;
                }
                None => out.push_sql(" IS NULL"),
            }
        }
        out.push_sql(" AND deleted_at IS NULL AND position IS ");
        out.push_sql(if self.is_moved { "NOT NULL" } else { "NULL" });
        if let Some(from) = self.from {
            out.push_sql(" AND ");
            out.push_sql(position);
            out.push_sql(sign);
            out.push_bind_param::<Text, _>(from)?;
        }
        if let Some(bound) = self.bound.as_ref().filter(|_| !self.is_moved) {
            out.push_sql(bound_sign);
            out.push_bind_param::<Id, _>(bound)?;
        }
        out.push_sql(" AND id <> ");
        out.push_bind_param::<Id, _>(&self.except)?;
        out.push_sql(" ORDER BY ");
        if self.is_moved {
            out.push_sql("position");
            out.push_sql(direction);
            out.push_sql(", ");
        }
        out.push_sql("id");
        out.push_sql(direction);
        out.push_sql(" LIMIT ");
        out.push_sql(&self.count.to_string());
        Ok(())
    }
}
