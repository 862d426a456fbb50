//! Upgrade from the previous release, which does not know the folded columns, and
//! rollback: both releases can read and write, and every task can be found meanwhile.

use std::path::Path;

use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use diesel_migrations::{FileBasedMigrations, MigrationHarness};
use serde_json::Value;

use crate::binary::{SOON, run};
use crate::server::{Server, eventually};
use crate::storage::Storage;
use crate::support::{Client, Engine, on_both_databases};

on_both_databases! {
    what_the_previous_release_writes_is_found_before_and_after_it_is_folded,
    a_server_folds_in_the_background_what_is_there_when_it_starts,
    a_write_during_the_pass_is_not_overwritten,
    titles_are_paged_through_once_while_some_are_folded_and_others_are_not,
    files_of_before_are_copied_and_folded,
}

/// Direct access to the database.
pub enum Database {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    count: i64,
}

impl Database {
    /// As it is.
    pub fn open(storage: &Storage, engine: Engine) -> Self {
        match engine {
            Engine::Sqlite => {
                let file = storage.file();
                let mut sqlite = SqliteConnection::establish(file.to_str().unwrap()).unwrap();
                sqlite.batch_execute("PRAGMA busy_timeout = 5000").unwrap();
                Self::Sqlite(sqlite)
            }
            Engine::Postgres => Self::Postgres(PgConnection::establish(&storage.url).unwrap()),
        }
    }

    /// A database with the schema of the previous release.
    pub fn of_previous_release(storage: &Storage, engine: Engine) -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations");
        let of = |name: &str| FileBasedMigrations::from_path(root.join(name)).unwrap();
        match engine {
            Engine::Sqlite => {
                let mut sqlite =
                    SqliteConnection::establish(storage.file().to_str().unwrap()).unwrap();
                sqlite.batch_execute("PRAGMA journal_mode = WAL").unwrap();
                sqlite.run_next_migration(of("sqlite")).unwrap();
                Self::Sqlite(sqlite)
            }
            Engine::Postgres => {
                let mut postgres = PgConnection::establish(&storage.url).unwrap();
                postgres.run_next_migration(of("postgres")).unwrap();
                Self::Postgres(postgres)
            }
        }
    }

    pub fn execute(&mut self, sql: &str) {
        self.try_execute(sql).unwrap();
    }

    pub fn try_execute(&mut self, sql: &str) -> QueryResult<()> {
        match self {
            Self::Sqlite(sqlite) => sqlite.batch_execute(sql),
            Self::Postgres(postgres) => postgres.batch_execute(sql),
        }
    }

    pub fn count(&mut self, condition: &str) -> i64 {
        self.count_of("tasks", condition)
    }

    pub fn count_of(&mut self, table: &str, condition: &str) -> i64 {
        let sql = format!("SELECT count(*) AS count FROM {table} WHERE {condition}");
        let query = diesel::sql_query(sql);
        match self {
            Self::Sqlite(sqlite) => query.get_result::<Count>(sqlite),
            Self::Postgres(postgres) => query.get_result::<Count>(postgres),
        }
        .unwrap()
        .count
    }

    /// Inserts a task as the previous release does.
    fn insert(&mut self, number: usize, title: &str, description: &str, tags: &str) {
        let hex = format!("018c0000{number:04x}7abc8def012345678901");
        let id = match self {
            Self::Sqlite(_) => format!("x'{hex}'"),
            Self::Postgres(_) => format!("'{hex}'::uuid"),
        };
        let (title_lower, lower) = (title.to_lowercase(), description.to_lowercase());
        self.execute(&format!(
            "INSERT INTO tasks (owner_id, id, title, title_lower, description, description_lower, \
             completed, completed_at, priority, due_date, tags, version, updated_at) VALUES \
             ('alice', {id}, '{title}', '{title_lower}', '{description}', '{lower}', false, NULL, 0, \
             NULL, '{tags}', 1, '2026-11-01 10:00:00.123')"
        ));
    }

    /// Changes a title as the previous release does.
    fn retitle(&mut self, from: &str, to: &str) {
        let lower = to.to_lowercase();
        self.execute(&format!(
            "UPDATE tasks SET title = '{to}', title_lower = '{lower}', version = version + 1 \
             WHERE title = '{from}'"
        ));
    }
}

fn migrate(storage: &Storage) -> String {
    let variables = [("DATABASE_URL", storage.url.as_str())];
    run(storage.path(), &["migrate"], &variables)
        .succeeded()
        .out
}

/// A server without migrations and background folding.
async fn passive(storage: &Storage) -> Server {
    let variables = [("TODOWARD__DATABASE__MIGRATE_ON_START", "false")];
    Server::start(storage.path(), &storage.url, &variables).await
}

async fn found(client: &Client, q: &str) -> usize {
    let q = percent_encoding::utf8_percent_encode(q, percent_encoding::NON_ALPHANUMERIC);
    client.titles(&format!("?q={q}")).await.len()
}

/// All titles in an order, read in pages of one task.
async fn by_pages(client: &Client, sort: &str) -> Vec<String> {
    let (mut titles, mut cursor) = (Vec::new(), String::new());
    loop {
        let at = format!("/api/v1/tasks?sort={sort}&limit=1{cursor}");
        let page: Value = client.get(&at).await.expect(200).json();
        titles.push(page["items"][0]["title"].as_str().unwrap().to_owned());
        assert!(titles.len() < 100, "the list never ends: {titles:?}");
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return titles,
        }
    }
}

const MIGRATED: &str = "migrated 00000000000002\n";

async fn what_the_previous_release_writes_is_found_before_and_after_it_is_folded(engine: Engine) {
    let storage = Storage::new(engine);
    let mut database = Database::of_previous_release(&storage, engine);
    for number in 0..250 {
        database.insert(number, &format!("Tâche {number}"), "Détail", "[\n\"Été\"]");
    }
    let out = migrate(&storage);
    assert!(out.starts_with(MIGRATED), "{out}");
    assert!(out.ends_with("folded 250 tasks for the search\n"), "{out}");
    let server = passive(&storage).await;
    let alice = server.user("alice");
    for (q, count) in [("tache 249", 1), ("TÂCHE 248", 1), ("detail ete 247", 1)] {
        assert_eq!(found(&alice, q).await, count, "{q}");
    }

    // The previous release still runs, and may be rolled back to.
    database.insert(250, "Crème Brûlée", "ΟΔΟΣ", "[\n\"Ünused\"]");
    database.retitle("Tâche 100", "Château");
    for (q, count) in [
        ("crème", 1),
        ("BRÛLÉE οδος", 1),
        ("château", 1),
        ("tâche 100", 0),
        ("tâche", 50),
    ] {
        assert_eq!(found(&alice, q).await, count, "{q}");
    }
    assert_eq!(migrate(&storage), "folded 2 tasks for the search\n");
    for (q, count) in [
        ("creme", 1),
        ("brulee", 1),
        ("unused", 1),
        ("chateau detail", 1),
        ("tache 100", 0),
    ] {
        assert_eq!(found(&alice, q).await, count, "{q}");
    }
    assert_eq!(
        migrate(&storage),
        "the database is up to date; nothing to do\n"
    );
    // The previous release finds and sorts by its own columns.
    assert_eq!(
        database.count("title_lower = 'château' AND description_lower = 'détail'"),
        1
    );
    alice
        .create(serde_json::json!({ "title": "ÉTÉ", "description": "ÀÉ" }))
        .await;
    assert_eq!(
        database.count("title_lower = 'été' AND description_lower = 'àé'"),
        1
    );
}

async fn a_server_folds_in_the_background_what_is_there_when_it_starts(engine: Engine) {
    let storage = Storage::new(engine);
    let mut database = Database::of_previous_release(&storage, engine);
    for number in 0..250 {
        database.insert(number, &format!("Tâche {number}"), "", "[]");
    }
    let server = Server::start(storage.path(), &storage.url, &[]).await;
    let alice = server.user("alice");
    // Always findable by the words that the previous release finds.
    eventually("all are folded", SOON, async || {
        assert_eq!(found(&alice, "tâche 249").await, 1);
        (database.count("folded_version = version") == 250).then_some(())
    })
    .await;
    assert_eq!(found(&alice, "tache 249").await, 1);
    server.stop().await;
}

async fn a_write_during_the_pass_is_not_overwritten(engine: Engine) {
    let storage = Storage::new(engine);
    let mut database = Database::of_previous_release(&storage, engine);
    database.insert(1, "first", "", "[]");
    database.insert(2, "second", "", "[]");
    migrate(&storage);
    database.execute("UPDATE tasks SET folded_version = NULL");
    // Between reading and writing: while the first row is written, the second changes.
    let change = "UPDATE tasks SET title = 'changed', title_lower = 'changed', version = version + 1 WHERE title = 'second'";
    database.execute(&match engine {
            Engine::Sqlite => format!("CREATE TRIGGER other AFTER UPDATE OF title_folded ON tasks WHEN NEW.title = 'first' BEGIN {change}; END"),
            Engine::Postgres => format!("CREATE FUNCTION other() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {change}; RETURN NULL; END $$; \
                CREATE TRIGGER other AFTER UPDATE OF title_folded ON tasks FOR EACH ROW WHEN (NEW.title = 'first') EXECUTE FUNCTION other()"),
        });
    assert_eq!(migrate(&storage), "folded 1 tasks for the search\n");
    let server = passive(&storage).await;
    let alice = server.user("alice");
    assert_eq!(
        (
            found(&alice, "changed").await,
            found(&alice, "second").await
        ),
        (1, 0)
    );
    assert_eq!(migrate(&storage), "folded 1 tasks for the search\n");
    assert_eq!(
        (
            found(&alice, "changed").await,
            found(&alice, "second").await
        ),
        (1, 0)
    );
}

async fn titles_are_paged_through_once_while_some_are_folded_and_others_are_not(engine: Engine) {
    let storage = Storage::new(engine);
    let mut database = Database::of_previous_release(&storage, engine);
    let titles = [
        "Zèbre", "éclair", "Éclair", "eclair", "ECLAIR", "zebre", "ß", "ſ", "Ａ",
    ];
    for (number, title) in titles.iter().enumerate() {
        database.insert(number, title, "", "[]");
    }
    migrate(&storage);
    database.execute("UPDATE tasks SET title_folded = NULL, folded_version = NULL WHERE title IN ('Zèbre', 'éclair', 'Ａ', 'ß')");
    let server = passive(&storage).await;
    let alice = server.user("alice");
    for sort in ["title", "-title"] {
        let mut seen = by_pages(&alice, sort).await;
        seen.sort_unstable();
        let mut all = titles.to_vec();
        all.sort_unstable();
        assert_eq!(seen, all, "{sort}");
    }
    migrate(&storage);
    assert_eq!(
        by_pages(&alice, "title").await,
        [
            "Ａ", "éclair", "Éclair", "eclair", "ECLAIR", "ſ", "ß", "Zèbre", "zebre"
        ]
    );
}

async fn files_of_before_are_copied_and_folded(engine: Engine) {
    let (source, target) = (Storage::new(Engine::Sqlite), Storage::new(engine));
    let mut before = Database::of_previous_release(&source, Engine::Sqlite);
    before.insert(1, "Café", "", "[\n\"Thé\"]");
    let copy = || {
        run(
            target.path(),
            &["migrate", "--from", &source.url],
            &[("DATABASE_URL", &target.url)],
        )
        .succeeded()
    };
    copy();
    let server = passive(&target).await;
    let alice = server.user("alice");
    assert_eq!(found(&alice, "cafe the").await, 1);
    // A file of this release to which the previous one has written.
    migrate(&source);
    before.retitle("Café", "Gâteau");
    copy();
    assert_eq!(
        (
            found(&alice, "gateau the").await,
            found(&alice, "cafe").await
        ),
        (1, 0)
    );
}

/// A waiting lock request blocks all later statements on the table.
#[test]
fn a_migration_that_must_wait_for_the_table_blocks_no_request() {
    let storage = Storage::new(Engine::Postgres);
    let mut database = Database::of_previous_release(&storage, Engine::Postgres);
    database.insert(1, "a", "", "[]");
    // A long-running report.
    let mut report = PgConnection::establish(&storage.url).unwrap();
    report.batch_execute("BEGIN; SELECT * FROM tasks").unwrap();
    std::thread::scope(|scope| {
        let migrating = scope.spawn(|| migrate(&storage));
        let limit = std::time::Instant::now() + SOON;
        let waits =
            "EXISTS (SELECT 1 FROM pg_locks WHERE NOT granted AND relation = 'tasks'::regclass)";
        while database.count(waits) == 0 {
            assert!(std::time::Instant::now() < limit, "it never waits");
        }
        // Each would otherwise wait for the end of the report.
        database.execute("SET statement_timeout = 5000");
        for _ in 0..3 {
            database.execute("UPDATE tasks SET priority = 1");
        }
        report.batch_execute("COMMIT").unwrap();
        assert!(migrating.join().unwrap().starts_with(MIGRATED));
    });
}

#[test]
fn indexes_are_made_while_others_write_and_one_that_was_left_unfinished_anew() {
    let storage = Storage::new(Engine::Postgres);
    let mut database = Database::of_previous_release(&storage, Engine::Postgres);
    let out = migrate(&storage);
    assert!(
        out.contains("made the index tasks_due\nmade the index tasks_ranked\n"),
        "{out}"
    );
    database
        .execute("UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'tasks_due'::regclass");
    assert_eq!(migrate(&storage), "made the index tasks_due\n");
    let valid =
        "EXISTS (SELECT 1 FROM pg_index WHERE indisvalid AND indexrelid = 'tasks_due'::regclass)";
    database.insert(1, "a", "", "[]");
    assert_eq!(database.count(valid), 1);
}

#[test]
fn a_column_that_a_migration_has_added_has_statistics_when_its_indexes_are_made() {
    let storage = Storage::new(Engine::Postgres);
    let mut database = Database::of_previous_release(&storage, Engine::Postgres);
    database.insert(1, "a", "", "[]");
    // Autovacuum must not be the one that takes them.
    database.execute("ALTER TABLE tasks SET (autovacuum_enabled = false)");
    migrate(&storage);
    let known =
        "EXISTS (SELECT 1 FROM pg_stats WHERE tablename = 'tasks' AND attname = 'deleted_at')";
    assert_eq!(database.count(known), 1);
}
