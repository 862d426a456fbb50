//! Files of older releases, which lack columns and tables of this one.

use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use diesel::sql_types::Text;

use super::connection::DbConnection;
use super::table::Table;

#[derive(QueryableByName)]
struct Column {
    #[diesel(sql_type = Text)]
    name: String,
}

/// Puts a view before a table of the source that has null for the columns which it
/// lacks, and no rows if it is not there. It is temporary: the file stays as it is.
/// Columns that were added are nullable, or have a default that null stands for.
pub(super) fn fill_in<T: Table>(source: &mut DbConnection) -> QueryResult<()> {
    let columns: Vec<&str> = std::iter::once("owner_id")
        .chain(T::READ.split(", "))
        .collect();
    fill_in_columns(source, T::NAME, &columns)
}

/// The same of a table by its name.
///
/// # Errors
///
/// The source failed.
pub fn fill_in_columns(
    source: &mut DbConnection,
    table: &str,
    columns: &[&str],
) -> QueryResult<()> {
    let there: Vec<Column> =
        diesel::sql_query(format!("SELECT name FROM pragma_table_info('{table}')")).load(source)?;
    let is_missing = |column: &&str| there.iter().all(|there| there.name != **column);
    let missing: Vec<&str> = columns.iter().copied().filter(is_missing).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let nulls = missing.iter().map(|column| format!("NULL AS {column}"));
    let nulls = nulls.collect::<Vec<_>>().join(", ");
    let rows = match there.is_empty() {
        true => format!("{nulls} WHERE 1 = 0"),
        false => format!("*, {nulls} FROM main.{table}"),
    };
    source.batch_execute(&format!("CREATE TEMP VIEW {table} AS SELECT {rows}"))
}
