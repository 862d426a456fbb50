//! The migrations can be run and reverted, and the schema in the code matches the
//! database's.

use std::collections::BTreeMap;
use std::path::Path;

use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sqlite::Sqlite;
use diesel_migrations::{FileBasedMigrations, MigrationHarness};

use crate::binary::run;
use crate::storage::Storage;
use crate::support::{Engine, on_both_databases};

on_both_databases! {
    up_down_and_up_leave_the_same_schema,
    the_schema_of_the_code_is_the_schema_of_the_database,
}

/// A column as declared in a database or in `src/db/schema.rs`.
#[derive(QueryableByName, Debug, Clone, PartialEq, Eq)]
struct Column {
    #[diesel(sql_type = diesel::sql_types::Text)]
    table: String,
    #[diesel(sql_type = diesel::sql_types::Text)]
    column: String,
    #[diesel(sql_type = diesel::sql_types::Text)]
    kind: String,
    #[diesel(sql_type = diesel::sql_types::Bool)]
    nullable: bool,
}

#[derive(QueryableByName, Debug, PartialEq, Eq)]
struct Definition {
    #[diesel(sql_type = diesel::sql_types::Text)]
    text: String,
}

const SQLITE_COLUMNS: &str = r#"
    SELECT m.name AS "table", c.name AS "column", upper(c.type) AS "kind", c."notnull" = 0 AS "nullable"
    FROM sqlite_master m, pragma_table_info(m.name) c
    WHERE m.type = 'table' AND m.name NOT LIKE '\_\_%' ESCAPE '\' ORDER BY m.name, c.cid"#;

const POSTGRES_COLUMNS: &str = r#"
    SELECT table_name::text AS "table", column_name::text AS "column",
           upper(udt_name::text) AS "kind", is_nullable = 'YES' AS "nullable"
    FROM information_schema.columns
    WHERE table_schema = 'public' AND table_name NOT LIKE '\_\_%' ORDER BY table_name, ordinal_position"#;

const SQLITE_DEFINITIONS: &str = "
    SELECT type || ' ' || name || ' ' || coalesce(sql, '') AS text FROM sqlite_master ORDER BY 1";

/// Columns with collation, indexes, constraints and comments.
const POSTGRES_DEFINITIONS: &str = "
    SELECT concat_ws(' ', table_name, ordinal_position, column_name, udt_name, is_nullable, collation_name,
        col_description(table_name::regclass, ordinal_position::int)) AS text
    FROM information_schema.columns WHERE table_schema = 'public'
    UNION ALL SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'
    UNION ALL SELECT conname || pg_get_constraintdef(oid) FROM pg_constraint
        WHERE connamespace = 'public'::regnamespace
    ORDER BY 1";

enum Database {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

impl Database {
    fn to(storage: &Storage, engine: Engine) -> Self {
        match engine {
            Engine::Sqlite => {
                let file = storage.file();
                Self::Sqlite(SqliteConnection::establish(file.to_str().unwrap()).unwrap())
            }
            Engine::Postgres => Self::Postgres(PgConnection::establish(&storage.url).unwrap()),
        }
    }

    fn columns(&mut self) -> Vec<Column> {
        match self {
            Self::Sqlite(sqlite) => diesel::sql_query(SQLITE_COLUMNS).load(sqlite),
            Self::Postgres(postgres) => diesel::sql_query(POSTGRES_COLUMNS).load(postgres),
        }
        .unwrap()
    }

    fn definitions(&mut self) -> Vec<Definition> {
        match self {
            Self::Sqlite(sqlite) => diesel::sql_query(SQLITE_DEFINITIONS).load(sqlite),
            Self::Postgres(postgres) => diesel::sql_query(POSTGRES_DEFINITIONS).load(postgres),
        }
        .unwrap()
    }

    fn down(&mut self) {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations");
        let of = |name: &str| FileBasedMigrations::from_path(root.join(name)).unwrap();
        let reverted = match self {
            Self::Sqlite(sqlite) => {
                MigrationHarness::<Sqlite>::revert_all_migrations(sqlite, of("sqlite"))
            }
            Self::Postgres(postgres) => {
                MigrationHarness::<Pg>::revert_all_migrations(postgres, of("postgres"))
            }
        };
        assert!(!reverted.unwrap().is_empty());
    }
}

fn up(storage: &Storage) {
    let variables = [("DATABASE_URL", storage.url.as_str())];
    let done = run(storage.path(), &["migrate"], &variables).succeeded();
    assert!(done.out.starts_with("migrated"), "{done:?}");
}

/// The columns in `src/db/schema.rs`, by table in alphabetical order.
fn columns_of_the_code(engine: Engine) -> Vec<Column> {
    let mut tables: BTreeMap<String, Vec<Column>> = BTreeMap::new();
    let mut table = String::new();
    for line in include_str!("../../src/db/schema.rs")
        .lines()
        .map(str::trim)
    {
        if let Some((name, _)) = line.split_once(" (").filter(|_| line.ends_with('{')) {
            table = name.to_owned();
        } else if let Some((column, kind)) = line.trim_end_matches(',').split_once(" -> ") {
            let inner = kind
                .strip_prefix("Nullable<")
                .and_then(|kind| kind.strip_suffix('>'));
            tables.entry(table.clone()).or_default().push(Column {
                table: table.clone(),
                column: column.to_owned(),
                kind: kind_in(engine, inner.unwrap_or(kind)).to_owned(),
                nullable: inner.is_some(),
            });
        }
    }
    tables.into_values().flatten().collect()
}

/// The name of a Diesel type in a database.
fn kind_in(engine: Engine, kind: &str) -> &'static str {
    let (sqlite, postgres) = match kind {
        "Text" => ("TEXT", "TEXT"),
        "Bytea" => ("BINARY", "BYTEA"),
        "Uuid" => ("BINARY", "UUID"),
        "Bool" => ("BOOLEAN", "BOOL"),
        "Int2" => ("SMALLINT", "INT2"),
        "Int8" => ("BIGINT", "INT8"),
        "Date" => ("DATE", "DATE"),
        "Timestamp" => ("TIMESTAMP", "TIMESTAMP"),
        other => panic!("say how the databases name {other}"),
    };
    match engine {
        Engine::Sqlite => sqlite,
        Engine::Postgres => postgres,
    }
}

async fn up_down_and_up_leave_the_same_schema(engine: Engine) {
    let storage = Storage::new(engine);
    up(&storage);
    let mut database = Database::to(&storage, engine);
    let first = database.definitions();
    assert!(first.len() > 4, "{first:?}");
    database.down();
    assert_eq!(database.columns(), [], "down leaves nothing of ours");
    up(&storage);
    assert_eq!(database.definitions(), first);
}

async fn the_schema_of_the_code_is_the_schema_of_the_database(engine: Engine) {
    let storage = Storage::new(engine);
    up(&storage);
    let expected = columns_of_the_code(engine);
    assert!(expected.len() > 10, "{expected:?}");
    assert_eq!(Database::to(&storage, engine).columns(), expected);
}
