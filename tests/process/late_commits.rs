//! Transactions that write before readers pass, and commit after that.

use futures_util::future::{join, join3};
use serde_json::json;

use crate::binary::SOON;
use crate::folding::Database;
use crate::following_writes::LateCommit;
use crate::metrics::{free_port, metrics};
use crate::server::{Server, eventually};
use crate::storage::Storage;
use crate::support::copy::{Copy, everything};
use crate::support::postgres::wait_until_indexed;
use crate::support::{Client, Engine, block_on, on_both_databases};

on_both_databases! {
    what_another_program_commits_after_readers_have_passed_is_not_skipped,
    an_id_that_ends_while_an_import_waits_is_not_used_again,
}

const TASKS: &str = "/api/v1/tasks";

/// What a change, such as an import, waits with for the owner's lock.
const LOCKS_OWNER: &str = "query LIKE 'INSERT INTO owners (owner_id, last_change) VALUES%'";

/// How many sessions of the database wait for a lock, on a condition.
fn waiting(watch: &mut Database, condition: &str) -> i64 {
    let waits =
        format!("datname = current_database() AND wait_event_type = 'Lock' AND {condition}");
    watch.count_of("pg_stat_activity", &waits)
}

async fn is_in_step(copy: &Copy, client: &Client) {
    assert_eq!(copy.rows, everything(client).await);
}

async fn what_another_program_commits_after_readers_have_passed_is_not_skipped(engine: Engine) {
    let storage = Storage::new(engine);
    let server = Server::start(storage.path(), &storage.url, &[]).await;
    let alice = server.user("alice");
    let changed = alice.create_path("numbered").await;
    let changed = changed.rsplit('/').next().unwrap();
    let mut copy = Copy::of(&alice).await;
    let database = Database::open(&storage, engine);
    let late = LateCommit::begin(database, "alice", changed).unwrap();
    // On SQLite nobody else writes meanwhile.
    let between = match engine {
        Engine::Sqlite => 0,
        Engine::Postgres => 3,
    };
    for number in 0..between {
        alice.create_path(&format!("between {number}")).await;
        assert_eq!(copy.follow(&alice, 500).await, 1);
    }
    assert_eq!(copy.follow(&alice, 500).await, 0);
    is_in_step(&copy, &alice).await;
    late.commit().unwrap();
    assert_eq!(copy.follow(&alice, 500).await, 2);
    assert_eq!(copy.rows.len(), between + 2);
    is_in_step(&copy, &alice).await;
    server.stop().await;
}

/// Readers would have its end and the task in one page, and not know which is later.
async fn an_id_that_ends_while_an_import_waits_is_not_used_again(engine: Engine) {
    let storage = Storage::new(engine);
    let port = free_port();
    let variables = [("TODOWARD__METRICS__PORT", port.as_str())];
    let server = Server::start(storage.path(), &storage.url, &variables).await;
    let alice = server.user("alice");
    alice.create_path("there").await;
    let mut copy = Copy::of(&alice).await;
    let (mut database, mut watch) = (
        Database::open(&storage, engine),
        Database::open(&storage, engine),
    );
    database.execute(match engine {
        Engine::Sqlite => "BEGIN IMMEDIATE",
        Engine::Postgres => "BEGIN; SELECT 1 FROM owners WHERE owner_id = 'alice' FOR UPDATE",
    });
    let id = uuid::Uuid::now_v7();
    let file = json!({ "task": { "id": id.to_string(), "title": "imported" } }).to_string();
    let import = alice.request("POST", "/api/v1/import");
    let import = import.body("application/x-ndjson", file).send();
    let end = async {
        eventually("the import waits to write", SOON, async || {
            let waits = match &mut watch {
                Database::Sqlite(_) => {
                    let busy = "\ntodoward_db_pool_connections{state=\"busy\"} 1\n";
                    metrics(&port).await.contains(busy)
                }
                // Not whoever gives numbers in the background.
                Database::Postgres(_) => waiting(&mut watch, LOCKS_OWNER) == 1,
            };
            waits.then_some(())
        })
        .await;
        // As if it had come by an adoption, and had ended.
        let hex = match engine {
            Engine::Sqlite => format!("x'{}'", id.simple()),
            Engine::Postgres => format!("'{id}'"),
        };
        let now = chrono::Utc::now().format("%Y-%m-%d %H:%M:%S%.3f");
        database.execute(&format!(
            "INSERT INTO gone (owner_id, kind, id, change, gone_at) \
             VALUES ('alice', 'tasks', {hex}, 0, '{now}'); COMMIT"
        ));
    };
    let (import, ()) = join(import, end).await;
    let import = import.expect(200).json();
    assert_eq!(import["created"], json!({ "tasks": 1, "lists": 0 }));
    copy.follow(&alice, 500).await;
    assert_eq!(copy.rows.len(), 2);
    is_in_step(&copy, &alice).await;
    server.stop().await;
}

/// An owner has half of the connections, and each statement that is held has one of them.
const ENOUGH: [(&str, &str); 1] = [("TODOWARD__DATABASE__POOL_SIZE", "12")];

/// Holds transactions of the API at their commit, when they have written everything.
struct Gate {
    holder: Database,
    watch: Database,
}

impl Gate {
    /// What writes a row on a condition is held. The first connection takes the lock.
    async fn close(storage: &Storage, condition: &str) -> Self {
        wait_until_indexed(&storage.url).await;
        let open = || Database::open(storage, Engine::Postgres);
        let (mut holder, watch) = (open(), open());
        let trigger = format!(
            "CREATE OR REPLACE FUNCTION hold() RETURNS trigger LANGUAGE plpgsql AS \
             'BEGIN PERFORM pg_advisory_xact_lock_shared(1); RETURN NULL; END'; \
             CREATE CONSTRAINT TRIGGER hold AFTER INSERT OR UPDATE OF owner_id, version ON tasks \
             DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN ({condition}) \
             EXECUTE FUNCTION hold(); \
             SELECT pg_advisory_lock(1)"
        );
        holder.execute(&trigger);
        Self { holder, watch }
    }

    async fn holds(&mut self, transactions: i64) {
        eventually("they are held", SOON, async || {
            let held = waiting(&mut self.watch, "wait_event = 'advisory'");
            (held == transactions).then_some(())
        })
        .await;
    }

    fn open(mut self) {
        self.holder.execute("SELECT pg_advisory_unlock(1)");
    }
}

#[test]
fn what_the_api_commits_after_readers_have_passed_is_not_skipped() {
    block_on(async {
        let storage = Storage::new(Engine::Postgres);
        let server = Server::start(storage.path(), &storage.url, &ENOUGH).await;
        let alice = server.user("alice");
        let numbered = alice.create_path("numbered").await;
        let mut copy = Copy::of(&alice).await;
        let unnumbered = alice.create_path("not numbered yet").await;
        let mut gate = Gate::close(&storage, "NEW.title LIKE 'late%'").await;
        let (create, change) = (json!({ "title": "late" }), json!({ "title": "late, too" }));
        let held = join(alice.post(TASKS, &create), alice.patch(&numbered, &change));
        let readers = async {
            gate.holds(2).await;
            for number in 0..3 {
                alice.create_path(&format!("between {number}")).await;
                assert!(copy.follow(&alice, 500).await > 0);
            }
            assert_eq!(copy.follow(&alice, 500).await, 0);
            is_in_step(&copy, &alice).await;
            gate.open();
        };
        let ((created, changed), ()) = join(held, readers).await;
        created.expect(201);
        changed.expect(200);
        assert_eq!(copy.follow(&alice, 500).await, 2);
        alice.patch(&unnumbered, &create).await.expect(200);
        assert_eq!(copy.follow(&alice, 500).await, 1);
        is_in_step(&copy, &alice).await;
        server.stop().await;
    });
}

/// What ends rows, and an atomic batch, has the owner's lock until it commits.
#[test]
fn a_reader_waits_for_a_commit_that_has_the_lock_of_the_owner_and_skips_nothing() {
    block_on(async {
        let storage = Storage::new(Engine::Postgres);
        let server = Server::start(storage.path(), &storage.url, &ENOUGH).await;
        let alice = server.user("alice");
        let ended = alice.create_path("ends").await;
        let mut copy = Copy::of(&alice).await;
        let mut gate = Gate::close(&storage, "NEW.title LIKE 'late%'").await;
        let batch = json!({ "operations": [
            { "method": "DELETE", "path": ended.replace("/api/v1", "") + "?permanent=true" },
            { "method": "POST", "path": "/tasks", "body": { "title": "late" } },
        ] });
        let held = alice.post("/api/v1/batch", &batch);
        // Its row is committed, and its number waits for the batch.
        let other = alice.request("PUT", &format!("{TASKS}/{}", uuid::Uuid::now_v7()));
        let other = other
            .header("If-None-Match", "*")
            .json(&json!({ "title": "other" }));
        let readers = async {
            gate.holds(1).await;
            // Marked by another program: it is committed at once.
            Database::open(&storage, Engine::Postgres).execute(
                "INSERT INTO tasks (owner_id, id, change, title, title_lower, completed, \
                 priority, tags, version, updated_at) VALUES ('alice', gen_random_uuid(), 0, \
                 'marked', 'marked', false, 0, '[]', 1, '2026-01-02 03:04:05.678')",
            );
            let pull = async {
                copy.follow(&alice, 500).await;
            };
            let open = async {
                eventually("others wait for the batch", SOON, async || {
                    let numbers = "query LIKE 'INSERT INTO owners (owner_id, last_change, epoch)%'";
                    let all = [LOCKS_OWNER, numbers];
                    let all = all.map(|query| waiting(&mut gate.watch, query));
                    (all.iter().all(|waiting| *waiting > 0)).then_some(())
                })
                .await;
                gate.open();
            };
            let ((), (), other) = join3(pull, open, other.send()).await;
            other.expect(201);
        };
        let (batch, ()) = join(held, readers).await;
        batch.expect(200);
        copy.follow(&alice, 500).await;
        assert_eq!(copy.rows.len(), 3);
        is_in_step(&copy, &alice).await;
        server.stop().await;
    });
}
