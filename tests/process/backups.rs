//! Backups that are taken under load contain what was acknowledged before, and can be
//! served. The commands are those of docs/SCALING.md and docs/OPERATIONS.md.

use std::cell::Cell;
use std::process::Command;
use std::sync::Arc;

use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use serde_json::{Value, json};

use crate::server::Server;
use crate::storage::Storage;
use crate::support::copy::{Copy, everything};
use crate::support::postgres::binaries;
use crate::support::{Client, Engine, on_both_databases};

on_both_databases! {
    a_backup_under_load_holds_what_was_acknowledged_before_it,
    lists_series_trash_and_changes_come_back_as_they_were,
}

const BEFORE: usize = 200;

/// Copies the database of `from`, during writes, into `to`.
pub fn back_up_and_restore(engine: Engine, from: &Storage, to: &Storage) {
    match engine {
        Engine::Sqlite => {
            let mut file = SqliteConnection::establish(from.file().to_str().unwrap()).unwrap();
            let into = to.file().display().to_string();
            file.batch_execute(&format!("VACUUM INTO '{into}'"))
                .unwrap();
        }
        Engine::Postgres => {
            let binaries = binaries().expect("pg_dump is needed");
            let dump = to.path().join("dump");
            let run = |program: &str, arguments: &[&str]| {
                let beside = binaries.join(program);
                // The client programs may be installed in another directory than the server.
                let program = if beside.exists() {
                    beside
                } else {
                    program.into()
                };
                let mut command = Command::new(&program);
                let output = command.args(arguments).output().unwrap();
                let said = String::from_utf8_lossy(&output.stderr);
                assert!(output.status.success(), "{program:?}: {said}");
            };
            let file = format!("--file={}", dump.display());
            run("pg_dump", &["--format=custom", &file, &from.url]);
            let database = format!("--dbname={}", to.url);
            run(
                "pg_restore",
                &["--no-owner", &database, dump.to_str().unwrap()],
            );
        }
    }
}

async fn write_until_told(client: &Client, told: &Cell<bool>) -> usize {
    let mut written = 0;
    while !told.get() {
        client.create(json!({ "title": "during" })).await;
        written += 1;
    }
    written
}

async fn a_backup_under_load_holds_what_was_acknowledged_before_it(engine: Engine) {
    let (original, copy) = (
        Arc::new(Storage::new(engine)),
        Arc::new(Storage::new(engine)),
    );
    let server = Server::start(original.path(), &original.url, &[]).await;
    let alice = server.user("alice");
    for number in 0..BEFORE {
        alice
            .create(json!({ "title": format!("before {number}") }))
            .await;
    }
    let told = Cell::new(false);
    let backup = async {
        let (from, to) = (Arc::clone(&original), Arc::clone(&copy));
        let job = actix_rt::task::spawn_blocking(move || back_up_and_restore(engine, &from, &to));
        job.await.unwrap();
        told.set(true);
    };
    let (written, ()) = futures_util::future::join(write_until_told(&alice, &told), backup).await;
    assert!(written > 0);

    let restored = Server::start(copy.path(), &copy.url, &[]).await;
    let bob = restored.user("alice");
    let mut seen = 0;
    let mut cursor = String::new();
    loop {
        let page = bob
            .get(&format!("/api/v1/tasks?q=before&limit=200{cursor}"))
            .await
            .expect(200)
            .json();
        seen += page["items"].as_array().unwrap().len();
        let Some(next) = page["next_cursor"].as_str() else {
            break;
        };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(seen, BEFORE);
    // The copy accepts writes like any other database.
    bob.create(json!({ "title": "after" })).await;
}

fn path(row: &Value) -> String {
    let kind = if row["name"].is_string() {
        "lists"
    } else {
        "tasks"
    };
    format!("/api/v1/{kind}/{}", row["id"].as_str().unwrap())
}

async fn create_list(client: &Client, name: &str) -> Value {
    let body = json!({ "name": name });
    client.post("/api/v1/lists", &body).await.expect(201).json()
}

/// Ends the server, and serves what `restored` has: on SQLite in the place of the old
/// file, without its log, as docs/OPERATIONS.md says.
async fn restore(engine: Engine, server: Server, original: &Storage, restored: &Storage) -> Server {
    server.stop().await;
    if engine == Engine::Postgres {
        return Server::start(restored.path(), &restored.url, &[]).await;
    }
    for log in ["tasks.db-wal", "tasks.db-shm"] {
        // SQLite may have removed it at the end.
        let _ = std::fs::remove_file(original.path().join(log));
    }
    std::fs::copy(restored.file(), original.file()).unwrap();
    Server::start(original.path(), &original.url, &[]).await
}

async fn lists_series_trash_and_changes_come_back_as_they_were(engine: Engine) {
    let (original, restored) = (Storage::new(engine), Storage::new(engine));
    let server = Server::start(original.path(), &original.url, &[]).await;
    let alice = server.user("alice");
    let (home, old) = (
        create_list(&alice, "home").await,
        create_list(&alice, "old").await,
    );
    let of_home = json!({
        "title": "rent", "list_id": home["id"], "due_date": "2026-12-01", "due_time": "09:30",
        "time_zone": "Europe/Berlin", "recurrence": { "rule": "FREQ=MONTHLY" },
    });
    let rent = alice.create(of_home).await;
    alice
        .create(json!({ "title": "below", "parent_id": rent["id"] }))
        .await;
    let complete = format!("{}/complete", path(&rent));
    let completed = json!({ "completed": true });
    let done = alice.patch(&complete, &completed).await.expect(200).json();
    let moved = alice.create(json!({ "title": "moved" })).await;
    let to_home = json!({ "list_id": home["id"], "first": true });
    alice
        .post(&format!("{}/move", path(&moved)), &to_home)
        .await
        .expect(200);
    alice
        .create(json!({ "title": "of old", "list_id": old["id"] }))
        .await;
    alice.delete(&path(&old)).await.expect(204);
    let trashed = alice.create(json!({ "title": "trashed" })).await;
    alice.delete(&path(&trashed)).await.expect(204);
    let gone = alice.create(json!({ "title": "gone" })).await;
    let mut copy = Copy::of(&alice).await;
    alice
        .delete(&format!("{}?permanent=true", path(&gone)))
        .await
        .expect(204);
    let before = everything(&alice).await;

    back_up_and_restore(engine, &original, &restored);
    let after = json!({ "title": "after" });
    alice.patch(&path(&rent), &after).await.expect(200);
    alice.delete(&path(&home)).await.expect(204);
    alice.delete("/api/v1/tasks?trash=true").await.expect(200);
    assert_ne!(everything(&alice).await, before);

    let server = restore(engine, server, &original, &restored).await;
    let alice = server.user("alice");
    assert_eq!(everything(&alice).await, before);
    // Whoever had seen nothing that was lost goes on: one task has ended since.
    assert_eq!(copy.follow(&alice, 500).await, 1);
    assert_eq!(copy.rows, before);
    // What the rows say of each other holds, too.
    let again = alice.patch(&complete, &completed).await.expect(200).json();
    assert_eq!(again["next_id"], done["next_id"]);
    for row in [&old, &trashed] {
        alice
            .request("POST", &format!("{}/restore", path(row)))
            .send()
            .await
            .expect(200);
    }
    let of_old = format!("/api/v1/tasks?list={}", old["id"].as_str().unwrap());
    let of_old = alice.get(&of_old).await.expect(200).json();
    assert_eq!(of_old["items"][0]["title"], "of old");
    server.stop().await;
}
