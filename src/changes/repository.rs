//! Reads what has changed.
//!
//! Invariant: a page has every row that was changed last within a range of numbers, and
//! the next page begins where the range ends. The numbers up to the end of the range were
//! given before the rows are read, so none of them appears later.

use diesel::prelude::*;
use diesel::query_builder::{Query, QueryFragment};
use diesel::result::{DatabaseErrorKind, Error};
use diesel::sql_types::{BigInt, Text};

use super::cursor::{Cursor, Kind, Place};
use super::head::Head;
use crate::auth::OwnerId;
use crate::db::changed::{SelectChanged, Which, push_range};
use crate::db::connection::{DbConnection, MultiBackend};
use crate::db::id::{DbId, Id};
use crate::db::numbering::{has_unnumbered, number};
use crate::db::statement::{Access, Failure, Pass, Statement, dynamic_query};
use crate::db::table::Table;
use crate::lists::model::ListRow;
use crate::primitives::id::ResourceId;
use crate::primitives::timestamp::Timestamp;
use crate::tasks::model::TaskRow;

/// The size of the JSON after which a page ends, in bytes: a thousand tasks with the
/// longest descriptions would be 140 MiB.
const MAX_BYTES: usize = 8 * 1024 * 1024;

/// The max number of rows that are read at once.
const CHUNK: i64 = 100;

/// A page of changes.
#[derive(Debug)]
pub struct Page {
    /// Each as JSON.
    pub tasks: Vec<Vec<u8>>,
    /// Each as JSON.
    pub lists: Vec<Vec<u8>>,
    pub gone: Vec<(Kind, ResourceId)>,
    /// Where the next page begins.
    pub next: Cursor,
    /// Whether there was more when this page was read.
    pub more: bool,
}

/// The tables whose rows are changed.
pub const TABLES: [&str; 2] = [ListRow::NAME, TaskRow::NAME];

/// Reads a page of the owner's changes.
#[derive(Clone)]
pub struct ReadChanges {
    /// None: a snapshot of everything.
    pub since: Option<Cursor>,
    pub limit: u16,
    /// How many days a cursor holds.
    pub days: u32,
    /// What was done about changes without a number.
    pub numbered: Numbered,
}

/// What was done about changes without a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Numbered {
    /// Nothing yet: if there are some, they are to be numbered first.
    NotYet,
    /// They were numbered. If there are others now, there is more.
    Done,
    /// Nobody may write to this database.
    Never,
}

/// The result of reading changes.
#[derive(Debug)]
pub enum Read {
    Page(Page),
    /// The cursor does not hold any more.
    Reset,
    /// There are changes without a number.
    Unnumbered,
}

/// Reads how far the owner's changes have come, and whether all of them have numbers.
pub struct ReadHead;

impl Statement for ReadHead {
    type Output = (Head, bool);
    const ACCESS: Access = Access::Read;

    fn run(&self, conn: &mut DbConnection, owner: &OwnerId) -> Result<(Head, bool), Failure> {
        let has_unnumbered = has_unnumbered(conn, owner.as_str(), &TABLES)?;
        let head = Head::read(conn, owner)?;
        let is_numbered = !head.is_to_be_followed() && !has_unnumbered;
        Ok((head, is_numbered))
    }
}

/// Gives numbers to the owner's changes that have none, and says whether that was possible.
pub struct NumberChanges;

impl Statement for NumberChanges {
    type Output = Numbered;
    const ACCESS: Access = Access::Write;

    fn run(&self, conn: &mut DbConnection, owner: &OwnerId) -> Result<Numbered, Failure> {
        match number(conn, owner.as_str(), &TABLES, true) {
            Ok(()) => Ok(Numbered::Done),
            Err(error) if is_read_only(&error) => Ok(Numbered::Never),
            Err(error) => Err(error.into()),
        }
    }
}

/// Whether the database can be read and not written to.
fn is_read_only(error: &Error) -> bool {
    let Error::DatabaseError(kind, cause) = error else {
        return false;
    };
    // Diesel does not expose SQLite's error codes, but its messages are fixed.
    matches!(kind, DatabaseErrorKind::ReadOnlyTransaction)
        || cause.message() == "attempt to write a readonly database"
}

impl Statement for ReadChanges {
    type Output = Read;
    const ACCESS: Access = Access::Read;

    fn run(&self, conn: &mut DbConnection, owner: &OwnerId) -> Result<Read, Failure> {
        // Before the head: what is marked later may be read or not, and is numbered later.
        let has_unnumbered = match self.numbered {
            Numbered::Never => false,
            Numbered::NotYet | Numbered::Done => has_unnumbered(conn, owner.as_str(), &TABLES)?,
        };
        let head = Head::read(conn, owner)?;
        let has_place = |since: &Cursor| since.place != Place::Nothing;
        let begins = !self.since.as_ref().is_some_and(has_place) && head.is_to_be_followed();
        if self.numbered == Numbered::NotYet && (has_unnumbered || begins) {
            return Ok(Read::Unnumbered);
        }
        let Some(since) = &self.since else {
            let mut page = self.snapshot(conn, owner, &head, head.number, None)?;
            page.more |= has_unnumbered;
            return Ok(Read::Page(page));
        };
        if !head.goes_on_from(conn, since)? || since.is_older_than(self.days, Timestamp::now()) {
            return Ok(Read::Reset);
        }
        let page = match &since.place {
            Place::Snapshot(kind, id) => {
                self.snapshot(conn, owner, &head, since.number, Some((*kind, *id)))
            }
            Place::Whole => self.changed(conn, owner, &head, (since.number, None)),
            Place::Nothing => self.changed(conn, owner, &head, (0, None)),
            Place::Within(kind, id) => {
                let after = (since.number, Some((*kind, *id)));
                self.changed(conn, owner, &head, after)
            }
        };
        let mut page = page?;
        page.more |= has_unnumbered;
        Ok(Read::Page(page))
    }
}

impl ReadChanges {
    /// A page of all rows. What changes while a client reads them has a number behind
    /// that of the snapshot, and so comes after its last page.
    fn snapshot(
        &self,
        conn: &mut DbConnection,
        owner: &OwnerId,
        head: &Head,
        number: i64,
        after: Option<(Kind, ResourceId)>,
    ) -> Result<Page, Failure> {
        let mut items = Items::default();
        let max = i64::from(self.limit) + 1;
        if after.is_none_or(|(kind, _)| kind == Kind::List) {
            let after = after.map(|(_, id)| DbId(id));
            items.rows::<ListRow>(conn, owner, Kind::List, Which::All(after), max)?;
        }
        let left = max - items.all.len() as i64;
        if left > 0 && items.end.is_none() {
            let after = after.filter(|(kind, _)| *kind == Kind::Task);
            let after = after.map(|(_, id)| DbId(id));
            items.rows::<TaskRow>(conn, owner, Kind::Task, Which::All(after), left)?;
        }
        let last = items.cut(self.limit);
        let next = match last {
            Some((_, kind, id)) => head.cursor_at(number, Place::Snapshot(kind, id)),
            None => head.cursor_at(number, Place::Whole),
        };
        let more = last.is_some() || head.number > number;
        Ok(items.page(next, more))
    }

    /// A page of what was changed behind a place.
    fn changed(
        &self,
        conn: &mut DbConnection,
        owner: &OwnerId,
        head: &Head,
        (number, within): (i64, Option<(Kind, ResourceId)>),
    ) -> Result<Page, Failure> {
        let mut items = Items::default();
        let max = i64::from(self.limit) + 1;
        let up_to = head.number;
        let which = |of: Kind| Which::Changed {
            after: match within {
                None => (number, None),
                // Of the same change: kinds before this one are read, those behind it
                // are not.
                Some((kind, id)) if kind == of => (number, Some(DbId(id))),
                Some((kind, _)) if of < kind => (number, None),
                Some(_) => (number - 1, None),
            },
            up_to,
        };
        items.rows::<ListRow>(conn, owner, Kind::List, which(Kind::List), max)?;
        items.rows::<TaskRow>(conn, owner, Kind::Task, which(Kind::Task), max)?;
        for (table, kind) in [("lists", Kind::GoneList), ("tasks", Kind::GoneTask)] {
            let which = which(kind);
            items.gone(conn, owner, table, which, max)?;
        }
        items.all.sort_by_key(Item::key);
        let last = items.cut(self.limit);
        let next = match last {
            Some((number, kind, id)) => head.cursor_at(number, Place::Within(kind, id)),
            None => head.cursor(),
        };
        Ok(items.page(next, last.is_some()))
    }
}

/// What is read for a page, in the order of the pages.
#[derive(Default)]
struct Items {
    all: Vec<Item>,
    bytes: usize,
    /// The last row that was read, if not all were: the page ends there at the latest.
    end: Option<Key>,
}

/// The order of items in pages of changes.
type Key = (i64, Kind, ResourceId);

struct Item {
    number: i64,
    kind: Kind,
    id: ResourceId,
    /// None: it has ended.
    json: Option<Vec<u8>>,
}

impl Item {
    fn key(&self) -> Key {
        (self.number, self.kind, self.id)
    }
}

impl Items {
    /// Reads rows in chunks until they are too many bytes.
    fn rows<T: Table>(
        &mut self,
        conn: &mut DbConnection,
        owner: &OwnerId,
        kind: Kind,
        mut which: Which,
        max: i64,
    ) -> QueryResult<()> {
        let mut left = max;
        while left > 0 {
            let chunk = left.min(CHUNK);
            let mut rows = T::load_changed(conn, SelectChanged::new(owner, which, chunk))?;
            if let Which::All(_) = which {
                // Not in the order of their numbers.
                rows.iter_mut().for_each(|(number, _)| *number = None);
            }
            let count = rows.len() as i64;
            let Some((number, last)) = rows.last().map(|(number, row)| (*number, row.id())) else {
                return Ok(());
            };
            which = which.behind(number, last);
            self.add(kind, rows, owner)?;
            if count < chunk {
                return Ok(());
            }
            left -= count;
            if self.bytes > MAX_BYTES {
                let end = (number.unwrap_or(0), kind, last.0);
                self.end = Some(self.end.map_or(end, |other| other.min(end)));
                return Ok(());
            }
        }
        Ok(())
    }

    fn add<T: Table>(
        &mut self,
        kind: Kind,
        rows: Vec<(Option<i64>, T)>,
        owner: &OwnerId,
    ) -> QueryResult<()> {
        for (number, row) in rows {
            let fields = row.fields();
            let mut json = Vec::with_capacity(T::json_size(&fields, owner));
            T::write_json(&fields, owner, &mut json)
                .map_err(|error| Error::DeserializationError(error.into()))?;
            self.bytes += json.len();
            self.all.push(Item {
                number: number.unwrap_or(0),
                kind,
                id: row.id().0,
                json: Some(json),
            });
        }
        Ok(())
    }

    fn gone(
        &mut self,
        conn: &mut DbConnection,
        owner: &OwnerId,
        table: &'static str,
        which: Which,
        max: i64,
    ) -> QueryResult<()> {
        let rows: Vec<(i64, DbId)> = SelectGone {
            owner,
            table,
            which,
            max,
        }
        .load(conn)?;
        self.all.extend(rows.into_iter().map(|(number, id)| Item {
            number,
            kind: Kind::of_gone(table),
            id: id.0,
            json: None,
        }));
        Ok(())
    }

    /// Leaves a page. If there is more, where it ends.
    fn cut(&mut self, limit: u16) -> Option<Key> {
        if let Some(end) = self.end {
            self.all.retain(|item| item.key() <= end);
        }
        let has_more = self.end.is_some() || self.all.len() > usize::from(limit);
        self.all.truncate(usize::from(limit));
        let last = self.all.last().filter(|_| has_more)?;
        Some(last.key())
    }

    fn page(self, next: Cursor, more: bool) -> Page {
        let mut page = Page {
            tasks: Vec::new(),
            lists: Vec::new(),
            gone: Vec::new(),
            next,
            more,
        };
        for item in self.all {
            match (item.kind, item.json) {
                (Kind::List, Some(json)) => page.lists.push(json),
                (_, Some(json)) => page.tasks.push(json),
                (kind, None) => page.gone.push((kind, item.id)),
            }
        }
        page
    }
}

/// SELECT: what has ended, with the number of the change.
struct SelectGone<'a> {
    owner: &'a OwnerId,
    table: &'static str,
    which: Which,
    max: i64,
}

impl Query for SelectGone<'_> {
    type SqlType = (BigInt, Id);
}

dynamic_query!([] SelectGone<'_>);

impl QueryFragment<MultiBackend> for SelectGone<'_> {
    fn walk_ast<'b>(&'b self, mut out: Pass<'_, 'b>) -> QueryResult<()> {
        let Which::Changed { after, up_to } = &self.which else {
            return Err(Error::NotFound);
        };
        out.push_sql("SELECT change, id FROM gone WHERE owner_id = ");
        out.push_bind_param::<Text, _>(self.owner.as_str())?;
        out.push_sql(" AND kind = ");
        out.push_bind_param::<Text, _>(self.table)?;
        push_range(after, up_to, &mut out)?;
        out.push_sql(" LIMIT ");
        out.push_bind_param::<BigInt, _>(&self.max)
    }
}
