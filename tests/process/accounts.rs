//! Erasing and adopting accounts, by the binary: bytes on the disk, kills, and the commands
//! of an operator.

use std::path::Path;

use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use serde_json::{Value, json};

use crate::binary::{SOON, run};
use crate::folding::Database;
use crate::server::{Server, eventually};
use crate::storage::Storage;
use crate::support::tokens::{claims, sign};
use crate::support::{Client, Engine, block_on, on_both_databases};

on_both_databases! {
    an_erasure_that_a_kill_has_cut_off_is_finished_after_the_next_start,
    an_adoption_that_a_kill_cuts_off_has_moved_nothing,
    an_adoption_that_has_moved_anything_has_moved_all_whatever_is_killed,
    an_operator_erases_an_account,
    an_operator_gives_an_account_to_another_one,
    a_command_on_an_owner_says_what_is_missing,
    a_command_on_an_owner_says_that_the_database_is_away,
}

const TABLES: [&str; 7] = [
    "tasks",
    "lists",
    "idempotency_keys",
    "gone",
    "owners",
    "epochs",
    "erasures",
];

/// Many tasks of an owner, in the table at once.
fn fill(database: &mut Database, owner: &str, count: usize) {
    let (numbers, id) = match database {
        Database::Sqlite(_) => (
            format!(
                "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count}) "
            ),
            "randomblob(16)",
        ),
        Database::Postgres(_) => (
            format!("WITH n AS (SELECT generate_series(1, {count}) AS i) "),
            "gen_random_uuid()",
        ),
    };
    database.execute(&format!(
        "INSERT INTO tasks (owner_id, id, change, title, title_lower, completed, priority, tags, version, \
         updated_at) {numbers} SELECT '{owner}', {id}, 0, 'task ' || i, 'task ' || i, false, 0, \
         '[]', 1, '2026-01-02 03:04:05.678' FROM n"
    ));
}

fn rows(database: &mut Database, owner: &str) -> i64 {
    let condition = format!("owner_id = '{owner}'");
    let counts = TABLES.map(|table| database.count_of(table, &condition));
    counts.iter().sum()
}

fn tasks(database: &mut Database, owner: &str) -> i64 {
    database.count_of("tasks", &format!("owner_id = '{owner}'"))
}

async fn erase(client: &Client, owner: &str) -> Value {
    let path = format!("/api/v1/users/{owner}");
    client.delete(&path).await.expect(200).json()
}

/// The files of a SQLite database that contain a text.
fn files_with(directory: &Path, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let bytes = std::fs::read(&path).unwrap();
        if bytes
            .windows(text.len())
            .any(|part| part == text.as_bytes())
        {
            found.push(path.file_name().unwrap().to_string_lossy().into_owned());
        }
    }
    found
}

/// Writes, changes and deletes in turn with somebody else, so that pages are shared.
async fn live(server: &Server, owner: &str, word: &str) {
    let (client, other) = (server.user(owner), server.user("somebody else"));
    for number in 0..120 {
        let title = json!({ "title": format!("{word} {number}"), "tags": [word] });
        let task = client.create(title).await;
        other
            .create(json!({ "title": format!("kept {number}") }))
            .await;
        let path = format!("/api/v1/tasks/{}", task["id"].as_str().unwrap());
        let changed = match number % 4 {
            0 => json!({ "title": format!("{word} changed {number}") }),
            1 => json!({ "description": format!("{word} ").repeat(900) }),
            2 => json!({ "title": "without it", "tags": [] }),
            _ => json!({ "due_date": "2026-01-02", "priority": "high" }),
        };
        client.patch(&path, &changed).await.expect(200);
        if number % 5 == 0 {
            let ended = format!("{path}?permanent=true");
            client.delete(&ended).await.expect(204);
        }
    }
    let list = json!({ "name": format!("{word} list") });
    client.post("/api/v1/lists", &list).await.expect(201);
    client.get("/api/v1/changes").await.expect(200);
}

#[test]
fn the_bytes_of_an_erased_account_are_in_no_file_of_sqlite() {
    block_on(async {
        let storage = Storage::new(Engine::Sqlite);
        let server = Server::start(storage.path(), &storage.url, &[]).await;
        let owner = "the-erased-owner";
        live(&server, owner, "forgettable").await;
        for text in ["forgettable", owner] {
            assert!(!files_with(storage.path(), text).is_empty(), "{text}");
        }
        let erased = erase(&server.user(owner), owner).await;
        assert_eq!(erased["deleted"], json!({ "tasks": 96, "lists": 1 }));
        assert_eq!(erased["pending"], Value::Null);
        for text in ["forgettable", owner] {
            assert_eq!(files_with(storage.path(), text), [""; 0], "{text}");
        }
        let kept = server.user("somebody else").titles("?limit=200").await;
        assert_eq!(kept.len(), 120);
        server.stop().await;
    });
}

#[test]
fn whoever_reads_sqlite_meanwhile_delays_the_end_of_the_bytes_and_not_the_response() {
    block_on(async {
        let storage = Storage::new(Engine::Sqlite);
        let variables = [("TODOWARD__SERVER__REQUEST_TIMEOUT", "2")];
        let server = Server::start(storage.path(), &storage.url, &variables).await;
        live(&server, "alice", "forgettable").await;
        let file = storage.file();
        let mut reader = diesel::SqliteConnection::establish(file.to_str().unwrap()).unwrap();
        reader
            .batch_execute("BEGIN; SELECT count(*) FROM tasks;")
            .unwrap();
        let alice = server.user("alice");
        let erased = erase(&alice, "alice").await;
        assert_eq!(erased["deleted"], json!({ "tasks": 96, "lists": 1 }));
        assert_eq!(erased["pending"], true);
        let note = "owner_id = '' AND begun_at = '1970-01-01 00:00:00'";
        let mut database = Database::open(&storage, Engine::Sqlite);
        assert_eq!(
            database.count_of("erasures", note),
            1,
            "it is vacuumed once"
        );
        assert_eq!(alice.titles("").await, [""; 0]);
        assert!(!files_with(storage.path(), "forgettable").is_empty());
        reader.batch_execute("COMMIT").unwrap();
        eventually("the bytes are gone", SOON, async || {
            files_with(storage.path(), "forgettable")
                .is_empty()
                .then_some(())
        })
        .await;
        server.stop().await;
    });
}

async fn an_erasure_that_a_kill_has_cut_off_is_finished_after_the_next_start(engine: Engine) {
    const COUNT: usize = 40_000;
    let storage = Storage::new(engine);
    let server = Server::start(storage.path(), &storage.url, &[]).await;
    server.user("bob").create_path("kept").await;
    let mut database = Database::open(&storage, engine);
    fill(&mut database, "alice", COUNT);
    let alice = server.user("alice");
    let erasing = actix_rt::spawn(async move {
        let erase = alice.request("DELETE", "/api/v1/users/alice");
        drop(erase.try_send().await);
    });
    let all = i64::try_from(COUNT).unwrap();
    let mut watched = Database::open(&storage, engine);
    eventually("it has begun", SOON, async || {
        (tasks(&mut watched, "alice") < all).then_some(())
    })
    .await;
    server.kill();
    erasing.await.unwrap();
    let left = tasks(&mut database, "alice");
    assert!(left > 0, "it was too fast for this test");
    assert_eq!(database.count_of("erasures", "owner_id = 'alice'"), 1);
    let server = Server::start(storage.path(), &storage.url, &[]).await;
    eventually("it is finished", SOON * 6, async || {
        (rows(&mut database, "alice") == 0).then_some(())
    })
    .await;
    eventually("nothing is left to do", SOON, async || {
        (database.count_of("erasures", "1 = 1") == 0).then_some(())
    })
    .await;
    assert_eq!(server.user("bob").titles("").await, ["kept"]);
    server.stop().await;
}

/// Alice adopts what a guest has; whether she gets an answer is left open.
fn adopt(server: &Server) -> actix_rt::task::JoinHandle<()> {
    let mut guest = claims("guest");
    guest["isAnonymous"] = json!(true);
    let header = format!("Bearer {}", sign(&guest));
    let alice = server.user("alice");
    actix_rt::spawn(async move {
        let adopt = alice.request("POST", "/api/v1/users/me/adopt");
        let adopt = adopt.header("X-Adopt-Authorization", header);
        drop(adopt.try_send().await);
    })
}

async fn an_adoption_that_a_kill_cuts_off_has_moved_nothing(engine: Engine) {
    const COUNT: i64 = 20_000;
    let storage = Storage::new(engine);
    let server = Server::start(storage.path(), &storage.url, &[]).await;
    let mut database = Database::open(&storage, engine);
    fill(&mut database, "guest", 20_000);
    // A row that is locked holds PostgreSQL's transaction up, in its midst. On SQLite a
    // transaction is under way while nobody else can begin one.
    let mut other = Database::open(&storage, engine);
    match engine {
        Engine::Sqlite => other.execute("PRAGMA busy_timeout = 0"),
        Engine::Postgres => other.execute(
            "BEGIN; SELECT 1 FROM tasks WHERE owner_id = 'guest' AND title = 'task 20000' FOR UPDATE",
        ),
    }
    let adopting = adopt(&server);
    eventually("it has begun", SOON, async || match &mut other {
        Database::Sqlite(sqlite) => sqlite
            .batch_execute("BEGIN IMMEDIATE; ROLLBACK")
            .err()
            .map(drop),
        Database::Postgres(_) => {
            let waits = "datname = current_database() AND wait_event_type = 'Lock' \
                         AND query LIKE 'UPDATE tasks SET change = 0, owner_id%'";
            (database.count_of("pg_stat_activity", waits) == 1).then_some(())
        }
    })
    .await;
    server.kill();
    adopting.await.unwrap();
    drop(other);
    assert_eq!(tasks(&mut database, "guest"), COUNT);
    assert_eq!(tasks(&mut database, "alice"), 0);
    // It is only to be repeated.
    let server = Server::start(storage.path(), &storage.url, &[]).await;
    adopt(&server).await.unwrap();
    assert_eq!(tasks(&mut database, "alice"), COUNT);
    assert_eq!(rows(&mut database, "guest"), 0);
    server.stop().await;
}

async fn an_adoption_that_has_moved_anything_has_moved_all_whatever_is_killed(engine: Engine) {
    const COUNT: i64 = 20_000;
    let storage = Storage::new(engine);
    let server = Server::start(storage.path(), &storage.url, &[]).await;
    let mut database = Database::open(&storage, engine);
    fill(&mut database, "guest", 20_000);
    let adopting = adopt(&server);
    eventually("something has moved", SOON, async || {
        (tasks(&mut database, "alice") > 0).then_some(())
    })
    .await;
    server.kill();
    adopting.await.unwrap();
    assert_eq!(tasks(&mut database, "alice"), COUNT);
    assert_eq!(rows(&mut database, "guest"), 0);
}

/// For a file that is rewritten in more than half a second, the response does not wait.
#[test]
fn the_bytes_of_an_erased_account_are_in_a_large_file_of_sqlite_until_the_next_start() {
    block_on(async {
        let storage = Storage::new(Engine::Sqlite);
        let server = Server::start(storage.path(), &storage.url, &[]).await;
        live(&server, "alice", "forgettable").await;
        let mut database = Database::open(&storage, Engine::Sqlite);
        fill(&mut database, "bob", 5_000);
        // 40 MiB.
        database
            .execute("UPDATE tasks SET description = hex(zeroblob(4096)) WHERE owner_id = 'bob'");
        let erased = erase(&server.user("alice"), "alice").await;
        assert_eq!(erased["deleted"], json!({ "tasks": 96, "lists": 1 }));
        assert_eq!(erased["pending"], true);
        let again = erase(&server.user("alice"), "alice").await;
        assert_eq!(
            again,
            json!({ "deleted": { "tasks": 0, "lists": 0 }, "pending": true })
        );
        assert_eq!(database.count_of("erasures", "owner_id = ''"), 1);
        server.stop().await;
        let server = Server::start(storage.path(), &storage.url, &[]).await;
        eventually("the bytes are gone", SOON, async || {
            (database.count_of("erasures", "1 = 1") == 0).then_some(())
        })
        .await;
        assert_eq!(files_with(storage.path(), "forgettable"), [""; 0]);
        assert_eq!(tasks(&mut database, "bob"), 5_000);
        server.stop().await;
    });
}

#[test]
fn an_operator_reassigns_more_than_a_statement_of_a_request_may_take_on_postgresql() {
    block_on(async {
        let storage = Storage::new(Engine::Postgres);
        let variables = [
            ("DATABASE_URL", storage.url.as_str()),
            ("TODOWARD__DATABASE__STATEMENT_TIMEOUT", "1"),
        ];
        run(storage.path(), &["migrate"], &variables).succeeded();
        let mut database = Database::open(&storage, Engine::Postgres);
        fill(&mut database, "bob", 3);
        database.execute(
            "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS \
             'BEGIN PERFORM pg_sleep(0.5); RETURN NEW; END'; \
             CREATE TRIGGER slow BEFORE UPDATE ON tasks FOR EACH ROW EXECUTE FUNCTION slow()",
        );
        let command = ["owner", "reassign", "bob", "alice"];
        let done = run(storage.path(), &command, &variables).succeeded();
        assert_eq!(done.out, "3 tasks and 0 lists reassigned\n");
    });
}

async fn an_operator_erases_an_account(engine: Engine) {
    let storage = Storage::new(engine);
    let server = Server::start(storage.path(), &storage.url, &[]).await;
    live(&server, "alice", "forgettable").await;
    let variables = [("DATABASE_URL", storage.url.as_str())];
    let command = ["owner", "erase", "alice", "--yes"];
    if engine == Engine::Sqlite {
        let refused = run(storage.path(), &command, &variables).failed(1);
        assert!(refused.err.contains("stop the server"), "{refused:?}");
        assert_eq!(server.user("alice").titles("?limit=200").await.len(), 96);
    }
    server.stop().await;
    let without = run(storage.path(), &command[..3], &variables);
    assert_eq!(without.code, Some(2));
    assert!(without.err.contains("--yes"), "{without:?}");
    let done = run(storage.path(), &command, &variables).succeeded();
    assert_eq!(done.out, "96 tasks and 1 lists erased\n");
    assert_eq!(rows(&mut Database::open(&storage, engine), "alice"), 0);
    if engine == Engine::Sqlite {
        assert_eq!(files_with(storage.path(), "forgettable"), [""; 0]);
    }
    let again = run(storage.path(), &command, &variables).succeeded();
    assert_eq!(again.out, "0 tasks and 0 lists erased\n");
    let server = Server::start(storage.path(), &storage.url, &[]).await;
    let kept = server.user("somebody else").titles("?limit=200").await;
    assert_eq!(kept.len(), 120);
    server.stop().await;
}

async fn an_operator_gives_an_account_to_another_one(engine: Engine) {
    let storage = Storage::new(engine);
    let server = Server::start(storage.path(), &storage.url, &[]).await;
    let (alice, bob) = (server.user("alice"), server.user("bob"));
    alice.create_path("alice's").await;
    bob.create_path("bob's").await;
    let name = json!({ "name": "bob's list" });
    bob.post("/api/v1/lists", &name).await.expect(201);
    let variables = [("DATABASE_URL", storage.url.as_str())];
    let command = ["owner", "reassign", "bob", "alice"];
    if engine == Engine::Sqlite {
        run(storage.path(), &command, &variables).failed(1);
    }
    server.stop().await;
    let done = run(storage.path(), &command, &variables).succeeded();
    assert_eq!(done.out, "1 tasks and 1 lists reassigned\n");
    let server = Server::start(storage.path(), &storage.url, &[]).await;
    let titles = server.user("alice").titles("?sort=title").await;
    assert_eq!(titles, ["alice's", "bob's"]);
    assert_eq!(server.user("bob").titles("").await, [""; 0]);
    server.stop().await;
}

async fn a_command_on_an_owner_says_what_is_missing(engine: Engine) {
    let storage = Storage::new(engine);
    let variables = [("DATABASE_URL", storage.url.as_str())];
    let command = ["owner", "erase", "alice", "--yes"];
    let refused = run(storage.path(), &command, &variables).failed(1);
    if engine == Engine::Sqlite {
        assert!(refused.err.contains("there is no file"), "{refused:?}");
        assert!(!storage.file().exists(), "it was made");
    }
    run(storage.path(), &["migrate"], &variables).succeeded();
    for (command, say) in [
        (&["owner", "erase", "", "--yes"][..], "SUB names nobody"),
        (&["owner", "reassign", "", "alice"], "FROM names nobody"),
        (&["owner", "reassign", "alice", ""], "TO must be the sub"),
        // Nobody could have a token for it.
        (
            &["owner", "reassign", "alice", " bob"],
            "TO must be the sub",
        ),
    ] {
        let refused = run(storage.path(), command, &variables).failed(1);
        assert!(refused.err.contains(say), "{refused:?}");
    }
}

async fn a_command_on_an_owner_says_that_the_database_is_away(engine: Engine) {
    let storage = Storage::new(engine);
    let url = match engine {
        Engine::Sqlite => {
            std::fs::write(storage.file(), "this is no database".repeat(100)).unwrap();
            storage.url.clone()
        }
        // Nobody listens there.
        Engine::Postgres => "postgres://someone:secret@127.0.0.1:1/none".to_owned(),
    };
    let variables = [("DATABASE_URL", url.as_str())];
    for command in [
        &["owner", "erase", "alice", "--yes"][..],
        &["owner", "reassign", "alice", "bob"],
        &["owner", "export", "alice"],
    ] {
        let failed = run(storage.path(), command, &variables).failed(1);
        assert_eq!(failed.out, "");
        assert!(failed.err.starts_with("todoward: "), "{failed:?}");
        assert!(!failed.err.contains("secret"), "{failed:?}");
        assert!(!failed.err.contains("panicked"), "{failed:?}");
    }
}
