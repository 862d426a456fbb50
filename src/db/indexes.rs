//! Indexes that PostgreSQL makes while others write.
//!
//! An ordinary CREATE INDEX holds up every write until it is done, and one that does
//! not cannot be part of a migration's transaction. Nothing but speed depends on
//! them: the orders of an owner with very many tasks.

use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;

/// Name and definition, as SQLite's migration has them.
const INDEXES: [(&str, &str); 2] = [
    (
        "tasks_due",
        "tasks (owner_id, due_date, id) WHERE due_date IS NOT NULL",
    ),
    (
        "tasks_ranked",
        "tasks (owner_id, priority, id) WHERE priority > 0",
    ),
];

#[derive(QueryableByName)]
struct Found {
    #[diesel(sql_type = diesel::sql_types::Bool)]
    valid: bool,
    #[diesel(sql_type = diesel::sql_types::Bool)]
    in_the_making: bool,
}

/// Makes those that are missing, and names them.
pub(super) fn make(postgres: &mut PgConnection) -> QueryResult<Vec<String>> {
    let mut made = Vec::new();
    for (name, definition) in INDEXES {
        let found: Option<Found> = diesel::sql_query(format!(
            "SELECT indisvalid AS valid, EXISTS (SELECT 1 FROM pg_stat_progress_create_index p \
             WHERE p.index_relid = i.indexrelid) AS in_the_making \
             FROM pg_index i WHERE indexrelid = to_regclass('{name}')"
        ))
        .get_result(postgres)
        .optional()?;
        match found {
            // In the making: by another replica.
            Some(found) if found.valid || found.in_the_making => continue,
            // Left behind by a process that was stopped.
            Some(_) => postgres.batch_execute(&format!("DROP INDEX CONCURRENTLY {name}"))?,
            None => {}
        }
        postgres.batch_execute(&format!(
            "CREATE INDEX CONCURRENTLY IF NOT EXISTS {name} ON {definition}"
        ))?;
        made.push(name.to_owned());
    }
    Ok(made)
}
