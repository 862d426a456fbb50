//! Indexes that PostgreSQL builds concurrently with writes.
//!
//! An ordinary CREATE INDEX blocks all writes until it is done, and CREATE INDEX
//! CONCURRENTLY cannot run in a migration's transaction. Only speed depends on these
//! indexes: lists by due date and by priority of an owner with very many tasks.

use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;

/// Name and definition, as SQLite's migration has them.
const INDEXES: [(&str, &str); 11] = [
    (
        "tasks_due",
        "tasks (owner_id, due_date, id) WHERE due_date IS NOT NULL",
    ),
    (
        "tasks_ranked",
        "tasks (owner_id, priority, id) WHERE priority > 0",
    ),
    (
        "tasks_of_list",
        "tasks (owner_id, list_id, id) WHERE list_id IS NOT NULL",
    ),
    (
        "tasks_of_parent",
        "tasks (owner_id, parent_id) WHERE parent_id IS NOT NULL",
    ),
    (
        "tasks_moved",
        "tasks (owner_id, list_id, parent_id, position) WHERE position IS NOT NULL",
    ),
    (
        "tasks_in_trash",
        "tasks (owner_id, deleted_at, id) WHERE deleted_at IS NOT NULL",
    ),
    (
        "tasks_trashed",
        "tasks (deleted_at) WHERE deleted_at IS NOT NULL",
    ),
    ("tasks_unnumbered", "tasks (owner_id) WHERE change = 0"),
    (
        "tasks_changed",
        "tasks (owner_id, change, id) WHERE change > 0",
    ),
    ("lists_unnumbered", "lists (owner_id) WHERE change = 0"),
    (
        "lists_changed",
        "lists (owner_id, change, id) WHERE change > 0",
    ),
];

#[derive(QueryableByName)]
struct Found {
    #[diesel(sql_type = diesel::sql_types::Bool)]
    valid: bool,
    #[diesel(sql_type = diesel::sql_types::Bool)]
    being_built: bool,
}

/// Builds the missing indexes and returns their names.
pub(super) fn make(postgres: &mut PgConnection) -> QueryResult<Vec<String>> {
    let mut made = Vec::new();
    for (name, definition) in INDEXES {
        let found: Option<Found> = diesel::sql_query(format!(
            "SELECT indisvalid AS valid, EXISTS (SELECT 1 FROM pg_stat_progress_create_index p \
             WHERE p.index_relid = i.indexrelid) AS being_built \
             FROM pg_index i WHERE indexrelid = to_regclass('{name}')"
        ))
        .get_result(postgres)
        .optional()?;
        match found {
            // Another replica is building it.
            Some(found) if found.valid || found.being_built => continue,
            // Invalid: left behind by a process that was stopped.
            Some(_) => postgres.batch_execute(&format!("DROP INDEX CONCURRENTLY {name}"))?,
            None => {}
        }
        if made.is_empty() {
            // Of a column that a migration has just added PostgreSQL assumes that hardly
            // any row has NULL there, and would sort all tasks of an owner for a page.
            postgres.batch_execute("ANALYZE tasks, lists")?;
        }
        postgres.batch_execute(&format!(
            "CREATE INDEX CONCURRENTLY IF NOT EXISTS {name} ON {definition}"
        ))?;
        made.push(name.to_owned());
    }
    Ok(made)
}
