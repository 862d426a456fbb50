//! The tasks beside each other in one list below one parent, and the gaps between them.

use std::cmp::Ordering;

use diesel::prelude::*;
use diesel::query_builder::{Query, QueryFragment};
use diesel::sql_types::{Nullable, Text};

use super::model::Task;
use super::place::write;
use crate::auth::OwnerId;
use crate::db::connection::{DbConnection, MultiBackend};
use crate::db::id::{DbId, Id};
use crate::db::owned;
use crate::db::statement::{Failure, Pass, dynamic_query};
use crate::db::table::Place;
use crate::primitives::id::ResourceId;
use crate::primitives::position;
use crate::primitives::timestamp::Timestamp;

/// Which tasks are beside each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Siblings {
    /// The list; none is the inbox.
    pub list: Option<ResourceId>,
    /// The task above them; none is the top level.
    pub parent: Option<ResourceId>,
}

/// The two neighbors of a gap; none is an end of the order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    pub low: Option<String>,
    pub high: Option<String>,
}

impl Gap {
    /// Whether a position lies in it.
    pub fn holds(&self, position: &str) -> bool {
        self.low.as_deref().is_none_or(|low| low < position)
            && self.high.as_deref().is_none_or(|high| position < high)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Toward {
    Begin,
    End,
}

/// A sibling and where it stands.
#[derive(Debug, Clone)]
struct Standing {
    id: ResourceId,
    position: String,
}

impl Siblings {
    /// The position of the first sibling but `except`.
    pub fn first(
        self,
        conn: &mut DbConnection,
        owner: &OwnerId,
        except: ResourceId,
    ) -> QueryResult<Option<String>> {
        let first = self.next(conn, owner, None, Toward::End, except)?;
        Ok(first.map(|it| it.position))
    }

    /// The position of the last sibling but `except`.
    pub fn last(
        self,
        conn: &mut DbConnection,
        owner: &OwnerId,
        except: ResourceId,
    ) -> QueryResult<Option<String>> {
        let last = self.next(conn, owner, None, Toward::Begin, except)?;
        Ok(last.map(|it| it.position))
    }

    /// The gap right before a position.
    pub fn before(
        self,
        conn: &mut DbConnection,
        owner: &OwnerId,
        anchor: &str,
        except: ResourceId,
    ) -> QueryResult<Gap> {
        let low = self.next(conn, owner, Some(anchor), Toward::Begin, except)?;
        Ok(Gap {
            low: low.map(|it| it.position),
            high: Some(anchor.to_owned()),
        })
    }

    /// The gap right behind a position.
    pub fn behind(
        self,
        conn: &mut DbConnection,
        owner: &OwnerId,
        anchor: &str,
        except: ResourceId,
    ) -> QueryResult<Gap> {
        let high = self.next(conn, owner, Some(anchor), Toward::End, except)?;
        Ok(Gap {
            low: Some(anchor.to_owned()),
            high: high.map(|it| it.position),
        })
    }

    /// The nearest sibling on one side of a position, or at the other end of the order.
    /// What was moved and what was not are two orders, each with its index.
    fn next(
        self,
        conn: &mut DbConnection,
        owner: &OwnerId,
        from: Option<&str>,
        toward: Toward,
        except: ResourceId,
    ) -> QueryResult<Option<Standing>> {
        let mut found = Vec::new();
        for is_moved in [false, true] {
            found.extend(self.some(conn, owner, from, toward, is_moved, except, 1)?);
        }
        found.sort_by(|a, b| compare(a, b, toward));
        Ok(found.into_iter().next())
    }

    /// So many siblings on one side of a position, the nearest first.
    fn nearest(
        self,
        conn: &mut DbConnection,
        owner: &OwnerId,
        from: Option<&str>,
        toward: Toward,
        except: ResourceId,
        count: usize,
    ) -> QueryResult<Vec<Standing>> {
        let mut found = Vec::new();
        for is_moved in [false, true] {
            found.extend(self.some(conn, owner, from, toward, is_moved, except, count)?);
        }
        found.sort_by(|a, b| compare(a, b, toward));
        found.truncate(count);
        Ok(found)
    }

    #[expect(clippy::too_many_arguments, reason = "the parameters of one statement")]
    fn some(
        self,
        conn: &mut DbConnection,
        owner: &OwnerId,
        from: Option<&str>,
        toward: Toward,
        is_moved: bool,
        except: ResourceId,
        count: usize,
    ) -> QueryResult<Vec<Standing>> {
        let statement = Nearest {
            owner,
            list: self.list.map(DbId),
            parent: self.parent.map(DbId),
            from,
            bound: from.map(|from| DbId(position::nearest_id(from, toward == Toward::End))),
            toward,
            is_moved,
            except: DbId(except),
            count,
            is_postgres: conn.is_postgres(),
        };
        let rows: Vec<(DbId, Option<String>)> = statement.load(conn)?;
        let standing = |(id, position): (DbId, Option<String>)| Standing {
            id: id.0,
            position: position.unwrap_or_else(|| position::of_id(id.0)),
        };
        Ok(rows.into_iter().map(standing).collect())
    }

    /// A position in a gap. Where there is no room the nearest siblings are spread anew,
    /// as few as will do.
    ///
    /// # Errors
    ///
    /// The database failed.
    pub fn make_room(
        self,
        conn: &mut DbConnection,
        owner: &OwnerId,
        gap: &Gap,
        except: ResourceId,
        now: Timestamp,
    ) -> Result<String, Failure> {
        if let Some(position) = position::between(gap.low.as_deref(), gap.high.as_deref()) {
            return Ok(position);
        }
        let mut count = 8;
        loop {
            let mut below = match &gap.low {
                Some(low) => {
                    let from = above(low);
                    self.nearest(conn, owner, Some(&from), Toward::Begin, except, count + 1)?
                }
                None => Vec::new(),
            };
            let from = gap.low.as_deref();
            let mut higher = self.nearest(conn, owner, from, Toward::End, except, count + 1)?;
            let low = (below.len() > count).then(|| below.pop()).flatten();
            let high = (higher.len() > count).then(|| higher.pop()).flatten();
            below.reverse();
            let at = below.len();
            let all: Vec<Standing> = below.into_iter().chain(higher).collect();
            let low = low.as_ref().map(|it| it.position.as_str());
            let high = high.as_ref().map(|it| it.position.as_str());
            let Some(mut spread) = position::evenly(low, high, all.len() + 1) else {
                count *= 8;
                continue;
            };
            let own = spread.remove(at);
            for (standing, position) in all.iter().zip(spread) {
                if let Some(old) = owned::read::<Task>(conn, owner, standing.id, Place::Live)? {
                    let mut new = old.changed(now);
                    new.position = Some(position);
                    write(conn, &old, &new)?;
                }
            }
            return Ok(own);
        }
    }
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

/// The siblings nearest to a position, of those that were moved or of those that were
/// not.
struct Nearest<'a> {
    owner: &'a OwnerId,
    list: Option<DbId>,
    parent: Option<DbId>,
    from: Option<&'a str>,
    /// The id from which on to look, for those that are where their ids put them.
    bound: Option<DbId>,
    toward: Toward,
    is_moved: bool,
    except: DbId,
    count: usize,
    is_postgres: bool,
}

impl Query for Nearest<'_> {
    type SqlType = (Id, Nullable<Text>);
}

dynamic_query!([] Nearest<'_>);

fn push_id<'b>(column: &str, id: &'b Option<DbId>, out: &mut Pass<'_, 'b>) -> QueryResult<()> {
    out.push_sql(" AND ");
    out.push_sql(column);
    match id {
        Some(id) => {
            out.push_sql(" = ");
            out.push_bind_param::<Id, _>(id)
        }
        None => {
            out.push_sql(" IS NULL");
            Ok(())
        }
    }
}

impl QueryFragment<MultiBackend> for Nearest<'_> {
    fn walk_ast<'b>(&'b self, mut out: Pass<'_, 'b>) -> QueryResult<()> {
        out.unsafe_to_cache_prepared();
        let (sign, bound_sign, direction) = match self.toward {
            Toward::End => (" > ", " AND id >= ", " ASC"),
            Toward::Begin => (" < ", " AND id <= ", " DESC"),
        };
        let position = match (self.is_moved, self.is_postgres) {
            (true, _) => "position",
            (false, true) => "replace(CAST(id AS TEXT), '-', '') COLLATE \"C\"",
            (false, false) => "lower(hex(id))",
        };
        out.push_sql("SELECT id, position FROM tasks WHERE owner_id = ");
        out.push_bind_param::<Text, _>(self.owner.as_str())?;
        push_id("list_id", &self.list, &mut out)?;
        push_id("parent_id", &self.parent, &mut out)?;
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
