//! Backups that are taken under load contain what was acknowledged before, and can be
//! served. The commands are those of docs/SCALING.md.

use std::cell::Cell;
use std::process::Command;
use std::sync::Arc;

use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use serde_json::json;

use crate::server::Server;
use crate::storage::Storage;
use crate::support::postgres::binaries;
use crate::support::{Client, Engine, on_both_databases};

on_both_databases! {
    a_backup_under_load_holds_what_was_acknowledged_before_it,
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
