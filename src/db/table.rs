//! Tables whose rows each belong to one owner, and the statements that all of them share.

use std::marker::PhantomData;

use diesel::expression::TypedExpressionType;
use diesel::prelude::*;
use diesel::query_builder::Query;
use diesel::sql_types::{BigInt, Integer, Text};

use super::changed::SelectChanged;
use super::column::StatementText;
use super::connection::DbConnection;
use super::id::{DbId, Id};
use super::statement::{dynamic_query, statement_text};
use super::stored::{SelectStored, Stored};
use crate::auth::OwnerId;
use crate::primitives::entity_tag::IfMatch;

/// What every row that is written has as the number of its change, which is the second
/// column; see [`super::numbering`].
pub(super) const UNNUMBERED: &str = ", 0, ";

/// A row of a table; `owned_table!` implements it.
pub trait Table: Sized + PartialEq + Send + 'static {
    /// The name of the table.
    const NAME: &'static str;
    /// The comma-separated columns of SELECT.
    const READ: &'static str;
    /// `INSERT INTO … `, with all columns; the first two are the owner and the change.
    const INSERT: &'static str;
    /// `title = excluded.title, …` for every column that can change.
    const EXCLUDED: &'static str;
    /// The SQL types of [`Table::READ`].
    type Sql: TypedExpressionType;
    /// The columns of a row, borrowed.
    type Fields<'a>: Send;
    /// The derived columns, which are written with a row and never read with it.
    type Derived: Send;

    /// Borrows the columns.
    fn fields(&self) -> Self::Fields<'_>;
    /// Reads one row of the owner's.
    fn find(
        conn: &mut DbConnection,
        owner: &OwnerId,
        id: DbId,
        place: Place,
    ) -> QueryResult<Option<Self>>;
    /// Reads the columns where they lie, in a row that came over a pipeline.
    ///
    /// # Errors
    ///
    /// The types of the columns do not match: the table was altered.
    #[cfg(feature = "postgres")]
    fn from_pipeline(row: &tokio_postgres::Row) -> Result<Self::Fields<'_>, tokio_postgres::Error>;
    /// Reads whole rows of any owner, for `migrate --from`.
    fn load_stored(
        conn: &mut DbConnection,
        statement: SelectStored<'_, Self>,
    ) -> QueryResult<Vec<Stored<Self>>>;
    /// Reads rows with the numbers of their last changes.
    fn load_changed(
        conn: &mut DbConnection,
        statement: SelectChanged<'_, Self>,
    ) -> QueryResult<Vec<(Option<i64>, Self)>>;
    /// The id.
    fn id(&self) -> DbId;
    /// Computes the derived columns.
    fn derive(fields: &Self::Fields<'_>) -> Self::Derived;
    /// Writes the row as a JSON object (RFC 8259).
    ///
    /// # Errors
    ///
    /// A column has a value that Todoward never writes.
    fn write_json(
        fields: &Self::Fields<'_>,
        owner: &OwnerId,
        out: &mut Vec<u8>,
    ) -> serde_json::Result<()>;
    /// How long that is, in bytes, or a little longer.
    fn json_size(fields: &Self::Fields<'_>, owner: &OwnerId) -> usize;
    /// Appends the values of [`Table::INSERT`] from the id on.
    fn push_values<'b, 'v: 'b>(
        fields: &'b Self::Fields<'v>,
        derived: &'b Self::Derived,
        out: &mut impl StatementText<'b>,
    ) -> QueryResult<()>;
    /// Appends `column = value` for every column except the primary key.
    fn push_assignments<'b, 'v: 'b>(
        fields: &'b Self::Fields<'v>,
        derived: &'b Self::Derived,
        out: &mut impl StatementText<'b>,
    ) -> QueryResult<()>;
}

/// SELECT: one of the owner's rows.
pub struct Find<'a, T> {
    owner: &'a OwnerId,
    id: DbId,
    place: Place,
    table: PhantomData<T>,
}

/// Where a row is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Not in the trash.
    Live,
    /// In the trash.
    Trash,
    /// In the trash or not.
    Anywhere,
}

impl Place {
    /// The condition of a WHERE clause that has others before it.
    pub fn condition(self) -> &'static str {
        match self {
            Self::Live => " AND deleted_at IS NULL",
            Self::Trash => " AND deleted_at IS NOT NULL",
            Self::Anywhere => "",
        }
    }
}

/// Reads the owner's newest rows.
pub struct Newest<'a, T> {
    owner: &'a OwnerId,
    max: i64,
    table: PhantomData<T>,
}

/// INSERT: a new row of the owner.
pub struct Insert<'a, T: Table> {
    /// The owner.
    pub owner: &'a OwnerId,
    /// The columns.
    pub fields: T::Fields<'a>,
    /// The derived columns.
    pub derived: T::Derived,
}

/// INSERT: new rows of the owner.
pub struct InsertAll<'a, T: Table> {
    /// The owner.
    pub owner: &'a OwnerId,
    /// The columns of each row, and the derived ones. At least one row.
    pub rows: Vec<(T::Fields<'a>, T::Derived)>,
}

/// INSERT: those rows of the owner's that are not there. Their derived columns were
/// computed before the transaction began.
pub struct InsertMissing<'a, T: Table> {
    /// The owner.
    pub owner: &'a OwnerId,
    /// The columns of each row, and the derived ones. At least one row.
    pub rows: Vec<(T::Fields<'a>, &'a T::Derived)>,
    /// Whether it is kept prepared: others with as many rows follow.
    pub is_kept: bool,
}

/// UPDATE: all columns of a row, if it still has the version that was read.
pub struct Replace<'a, T: Table> {
    /// The owner.
    pub owner: &'a OwnerId,
    /// The id of the row.
    pub id: DbId,
    /// The version that was read.
    pub read_version: i64,
    /// The new columns.
    pub fields: T::Fields<'a>,
    /// The derived columns.
    pub derived: T::Derived,
}

/// Deletes a row of the owner's for good, if it still has the version that was read.
pub struct Delete<'a, T> {
    owner: &'a OwnerId,
    id: DbId,
    read_version: i64,
    table: PhantomData<T>,
}

/// Yields a row if somebody else has a row with this id. The only statement that a
/// request can cause and that looks at other owners' rows. Where tables are spread over
/// servers by owner, each of them is asked: so it is one number of one row that they
/// look for.
pub struct Exists<'a, T> {
    owner: &'a OwnerId,
    id: DbId,
    table: PhantomData<T>,
}

impl<'a, T> Find<'a, T> {
    pub fn new(owner: &'a OwnerId, id: DbId, place: Place) -> Self {
        Self {
            owner,
            id,
            place,
            table: PhantomData,
        }
    }
}

impl<'a, T> Newest<'a, T> {
    pub fn new(owner: &'a OwnerId, max: i64) -> Self {
        let table = PhantomData;
        Self { owner, max, table }
    }
}

impl<'a, T> Delete<'a, T> {
    pub fn new(owner: &'a OwnerId, id: DbId, read_version: i64) -> Self {
        Self {
            owner,
            id,
            read_version,
            table: PhantomData,
        }
    }
}

impl<'a, T> Exists<'a, T> {
    pub fn new(owner: &'a OwnerId, id: DbId) -> Self {
        let table = PhantomData;
        Self { owner, id, table }
    }
}

impl<T> Query for Exists<'_, T> {
    type SqlType = Integer;
}

impl<T: Table> Query for Find<'_, T> {
    type SqlType = T::Sql;
}

impl<T: Table> Query for Newest<'_, T> {
    type SqlType = T::Sql;
}

dynamic_query!(
    [T] Find<'_, T>,
    [T] Newest<'_, T>,
    [T: Table] Insert<'_, T>,
    [T: Table] InsertAll<'_, T>,
    [T: Table] InsertMissing<'_, T>,
    [T: Table] Replace<'_, T>,
    [T] Delete<'_, T>,
    [T] Exists<'_, T>,
);

statement_text!([T: Table] Find<'_, T>, |this, out| {
    out.push_sql("SELECT ");
    out.push_sql(T::READ);
    out.push_sql(" FROM ");
    out.push_sql(T::NAME);
    out.push_sql(" WHERE owner_id = ");
    out.push_bind_param::<Text, _>(this.owner.as_str())?;
    out.push_sql(this.place.condition());
    out.push_sql(" AND id = ");
    out.push_bind_param::<Id, _>(&this.id)
});

statement_text!([T: Table] Newest<'_, T>, |this, out| {
    out.push_sql("SELECT ");
    out.push_sql(T::READ);
    out.push_sql(" FROM ");
    out.push_sql(T::NAME);
    out.push_sql(" WHERE owner_id = ");
    out.push_bind_param::<Text, _>(this.owner.as_str())?;
    out.push_sql(" AND deleted_at IS NULL ORDER BY id DESC LIMIT ");
    out.push_bind_param::<BigInt, _>(&this.max)
});

statement_text!([T: Table] Insert<'_, T>, |this, out| {
    out.push_sql(T::INSERT);
    out.push_sql("VALUES (");
    out.push_bind_param::<Text, _>(this.owner.as_str())?;
    out.push_sql(UNNUMBERED);
    T::push_values(&this.fields, &this.derived, &mut out)?;
    out.push_sql(")");
    Ok(())
});

statement_text!([T: Table] InsertAll<'_, T>, |this, out| {
    out.unsafe_to_cache_prepared();
    out.push_sql(T::INSERT);
    for (at, (fields, derived)) in this.rows.iter().enumerate() {
        out.push_sql(if at == 0 { "VALUES (" } else { ", (" });
        out.push_bind_param::<Text, _>(this.owner.as_str())?;
        out.push_sql(UNNUMBERED);
        T::push_values(fields, derived, &mut out)?;
        out.push_sql(")");
    }
    Ok(())
});

statement_text!([T: Table] InsertMissing<'_, T>, |this, out| {
    if !this.is_kept {
        out.unsafe_to_cache_prepared();
    }
    out.push_sql(T::INSERT);
    for (at, (fields, derived)) in this.rows.iter().enumerate() {
        out.push_sql(if at == 0 { "VALUES (" } else { ", (" });
        out.push_bind_param::<Text, _>(this.owner.as_str())?;
        out.push_sql(UNNUMBERED);
        T::push_values(fields, derived, &mut out)?;
        out.push_sql(")");
    }
    out.push_sql(" ON CONFLICT (owner_id, id) DO NOTHING");
    Ok(())
});

statement_text!([T: Table] Replace<'_, T>, |this, out| {
    out.push_sql("UPDATE ");
    out.push_sql(T::NAME);
    out.push_sql(" SET change = 0, ");
    T::push_assignments(&this.fields, &this.derived, &mut out)?;
    out.push_sql(" WHERE owner_id = ");
    out.push_bind_param::<Text, _>(this.owner.as_str())?;
    out.push_sql(" AND id = ");
    out.push_bind_param::<Id, _>(&this.id)?;
    out.push_sql(" AND version = ");
    out.push_bind_param::<BigInt, _>(&this.read_version)
});

statement_text!([T: Table] Exists<'_, T>, |this, out| {
    out.push_sql("SELECT 1 FROM ");
    out.push_sql(T::NAME);
    out.push_sql(" WHERE id = ");
    out.push_bind_param::<Id, _>(&this.id)?;
    // The owner's own row is in the trash, which is as if it were not there.
    out.push_sql(" AND owner_id <> ");
    out.push_bind_param::<Text, _>(this.owner.as_str())?;
    out.push_sql(" LIMIT 1");
    Ok(())
});

statement_text!([T: Table] Delete<'_, T>, |this, out| {
    out.push_sql("DELETE FROM ");
    out.push_sql(T::NAME);
    out.push_sql(" WHERE owner_id = ");
    out.push_bind_param::<Text, _>(this.owner.as_str())?;
    out.push_sql(" AND id = ");
    out.push_bind_param::<Id, _>(&this.id)?;
    out.push_sql(" AND version = ");
    out.push_bind_param::<BigInt, _>(&this.read_version)
});

/// Whether a precondition lists several versions. Such statements are not kept
/// prepared: each length of the list is another text.
pub fn has_many_versions(if_match: &IfMatch) -> bool {
    matches!(if_match, IfMatch::Versions(versions) if versions.len() > 1)
}

/// Appends the condition that the row has one of these versions.
pub fn push_if_match<'b>(
    if_match: &'b IfMatch,
    out: &mut impl StatementText<'b>,
) -> QueryResult<()> {
    match if_match {
        IfMatch::Any => {}
        IfMatch::Versions(versions) if versions.is_empty() => out.sql(" AND 1 = 0"),
        IfMatch::Versions(versions) => {
            for (at, version) in versions.iter().enumerate() {
                out.sql(if at == 0 { " AND version IN (" } else { ", " });
                out.bind(version)?;
            }
            out.sql(")");
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::has_many_versions;
    use crate::primitives::entity_tag::IfMatch;

    #[test]
    fn a_statement_is_kept_prepared_unless_its_text_depends_on_a_list() {
        assert!(!has_many_versions(&IfMatch::Any));
        assert!(!has_many_versions(&IfMatch::Versions(vec![])));
        assert!(!has_many_versions(&IfMatch::Versions(vec![1])));
        assert!(has_many_versions(&IfMatch::Versions(vec![1, 2])));
    }
}
