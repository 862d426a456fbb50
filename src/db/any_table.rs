//! A table of a resource, for what is done with all tables alike: counting, erasing, giving
//! to another owner, copying.

use diesel::QueryResult;

use super::connection::DbConnection;
use super::copying::{Rows, copy_table};
use super::table::Table;

/// A table whose rows each belong to one owner. A resource declares it.
pub struct AnyTable {
    /// The name, which is also the word for its rows.
    pub name: &'static str,
    /// The columns with ids of rows that this resource knows of, besides the table's own `id`.
    pub references: &'static [Reference],
    /// Copies the rows of all owners from one database into another one.
    pub copy: fn(&mut DbConnection, &mut DbConnection) -> QueryResult<Rows>,
}

/// A column that contains ids of rows. One that may have those of either of two tables has
/// two of these.
pub struct Reference {
    /// The table of the column.
    pub table: &'static str,
    /// The column.
    pub column: &'static str,
    /// The table of the rows.
    pub to: &'static str,
}

impl AnyTable {
    /// The table of these rows.
    pub const fn of<T: Table>(references: &'static [Reference]) -> Self {
        Self {
            name: T::NAME,
            references,
            copy: copy_table::<T>,
        }
    }
}
