//! Rows that an open transaction inserts together: a round trip for each would take most
//! of the time of a batch of creates.

use std::any::{Any, TypeId};

use diesel::prelude::*;

use super::connection::DbConnection;
use super::owned::Owned;
use super::table::{InsertAll, InsertMissing, Table};

/// Inserts rows of one type.
type Insert = fn(&mut DbConnection, &[Box<dyn Any>]) -> QueryResult<()>;

/// A new row of any table.
pub struct NewRow {
    row: Box<dyn Any>,
    insert: Insert,
}

impl NewRow {
    /// Wraps a row.
    pub fn of<M: Owned + 'static>(row: M) -> Self {
        Self {
            row: Box::new(row),
            insert: insert::<M>,
        }
    }
}

/// New rows of one owner that wait for others like them.
#[derive(Default)]
pub(super) struct NewRows {
    rows: Vec<Box<dyn Any>>,
    insert: Option<Insert>,
}

impl NewRows {
    /// Adds a row, and inserts those of another table that are there.
    ///
    /// # Errors
    ///
    /// The database failed.
    pub fn add(&mut self, conn: &mut DbConnection, new: NewRow) -> QueryResult<()> {
        let type_of = |row: &Box<dyn Any>| -> TypeId { (**row).type_id() };
        if self.rows.last().map(type_of) != Some(type_of(&new.row)) {
            self.insert(conn)?;
        }
        self.insert = Some(new.insert);
        self.rows.push(new.row);
        Ok(())
    }

    /// Inserts all that are there. To be called before any other statement, and before the
    /// commit.
    ///
    /// # Errors
    ///
    /// The database failed.
    pub fn insert(&mut self, conn: &mut DbConnection) -> QueryResult<()> {
        match self.insert.take() {
            Some(insert) => insert(conn, &std::mem::take(&mut self.rows)),
            None => Ok(()),
        }
    }
}

fn insert<M: Owned + 'static>(conn: &mut DbConnection, rows: &[Box<dyn Any>]) -> QueryResult<()> {
    let rows = rows.iter().filter_map(|row| row.downcast_ref::<M>());
    let rows: Vec<&M> = rows.collect();
    let Some(first) = rows.first() else {
        return Ok(());
    };
    let insert = InsertAll::<M::Row> {
        owner: first.owner(),
        rows: rows.iter().map(|row| columns(*row)).collect(),
    };
    insert.execute(conn).map(drop)
}

type Columns<'a, M> = (
    <<M as Owned>::Row as Table>::Fields<'a>,
    <<M as Owned>::Row as Table>::Derived,
);

fn columns<M: Owned>(row: &M) -> Columns<'_, M> {
    let fields = row.fields();
    let derived = M::Row::derive(&fields);
    (fields, derived)
}

/// A new row with its derived columns, which take most of the time that a row needs. They
/// are computed before the transaction that inserts it.
pub struct Prepared<M: Owned> {
    row: M,
    derived: <M::Row as Table>::Derived,
}

impl<M: Owned> Prepared<M> {
    /// Computes the derived columns of a row.
    pub fn new(row: M) -> Self {
        let derived = M::Row::derive(&row.fields());
        Self { row, derived }
    }

    /// The row.
    pub fn row(&self) -> &M {
        &self.row
    }

    /// The size of its texts, or a little more.
    pub fn size(&self) -> usize {
        M::Row::json_size(&self.row.fields(), self.row.owner())
    }
}

/// Inserts those rows of one owner that are not there, and says how many they are. With
/// `is_kept` the statement is kept prepared, for others with as many rows.
///
/// # Errors
///
/// The database failed.
pub fn insert_missing<M: Owned>(
    conn: &mut DbConnection,
    rows: &[Prepared<M>],
    is_kept: bool,
) -> QueryResult<usize> {
    let Some(first) = rows.first() else {
        return Ok(0);
    };
    let rows = rows.iter().map(|new| (new.row.fields(), &new.derived));
    let insert = InsertMissing::<M::Row> {
        owner: first.row.owner(),
        rows: rows.collect(),
        is_kept,
    };
    insert.execute(conn)
}
