//! Faults of a SQLite file while it is served.

use std::io::{Seek as _, SeekFrom, Write as _};

use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use futures_util::future::join_all;
use serde_json::json;

use crate::binary::{SOON, run};
use crate::server::{Server, environment, eventually};
use crate::storage::Storage;
use crate::support::{Engine, block_on};

const TASKS: &str = "/api/v1/tasks";

fn open(storage: &Storage) -> SqliteConnection {
    SqliteConnection::establish(storage.file().to_str().unwrap()).unwrap()
}

#[test]
fn sixty_four_writers_are_all_served() {
    block_on(async {
        let storage = Storage::new(Engine::Sqlite);
        let server = Server::start(storage.path(), &storage.url, &[]).await;
        let users: Vec<_> = (0..64).map(|n| server.user(&format!("user {n}"))).collect();
        let writing = users.iter().map(async |user| {
            let path = user.create_path("a").await;
            for n in 0..5 {
                user.patch(&path, &json!({ "title": n.to_string() }))
                    .await
                    .expect(200);
            }
            user.get(&path).await.expect(200).json()["version"].clone()
        });
        for version in join_all(writing).await {
            assert_eq!(version, 6);
        }
    });
}

/// A file is for one process, but a new process may start before the old one has ended.
#[test]
fn sixty_four_writers_of_two_processes_are_all_served() {
    block_on(async {
        let storage = Storage::new(Engine::Sqlite);
        let one = Server::start(storage.path(), &storage.url, &[]).await;
        let two = Server::start(storage.path(), &storage.url, &[]).await;
        let users = (0..64).map(|n| match n % 2 {
            0 => one.user(&format!("user {n}")),
            _ => two.user(&format!("user {n}")),
        });
        let writing = users.map(async |user| {
            let path = user.create_path("a").await;
            for n in 0..5 {
                user.patch(&path, &json!({ "title": n.to_string() }))
                    .await
                    .expect(200);
            }
        });
        join_all(writing).await;
    });
}

#[test]
fn another_processs_lock_is_waited_for_and_then_503_and_reading_goes_on() {
    block_on(async {
        let storage = Storage::new(Engine::Sqlite);
        let server = Server::start(storage.path(), &storage.url, &[]).await;
        let alice = server.user("alice");
        alice.create(json!({ "title": "before" })).await;
        let mut other = open(&storage);
        other.batch_execute("BEGIN IMMEDIATE").unwrap();
        let body = json!({ "title": "during" });
        let writes = join_all((0..4).map(|_| alice.post(TASKS, &body)));
        let reads = async {
            for _ in 0..20 {
                assert_eq!(alice.titles("").await, ["before"]);
            }
        };
        let (refused, ()) = futures_util::future::join(writes, reads).await;
        for refused in refused {
            assert!([503, 504].contains(&refused.status), "{}", refused.text());
        }
        other.batch_execute("COMMIT").unwrap();
        alice.create(json!({ "title": "after" })).await;

        other.batch_execute("BEGIN IMMEDIATE").unwrap();
        let (written, ()) =
            futures_util::future::join(alice.post(TASKS, &json!({ "title": "waited" })), async {
                // A transaction that is shorter than the timeout.
                for _ in 0..20 {
                    alice.get(TASKS).await.expect(200);
                }
                other.batch_execute("COMMIT").unwrap();
            })
            .await;
        written.expect(201);
    });
}

#[test]
fn another_processs_lock_is_waited_for_as_long_as_for_a_connection() {
    block_on(async {
        let storage = Storage::new(Engine::Sqlite);
        let acquire = "TODOWARD__DATABASE__ACQUIRE_TIMEOUT";
        let for_a_minute = [(acquire, "60"), ("TODOWARD__SERVER__REQUEST_TIMEOUT", "60")];
        let for_a_second = [(acquire, "1")];
        let patient = Server::start(storage.path(), &storage.url, &for_a_minute).await;
        let impatient = Server::start(storage.path(), &storage.url, &for_a_second).await;
        let mut other = open(&storage);
        other.batch_execute("BEGIN IMMEDIATE").unwrap();
        // It was sent first, and still waits when the others have timed out.
        let alice = patient.user("alice");
        let draft = json!({ "title": "waited" });
        let waits = alice.post(TASKS, &draft);
        let give_up = async {
            let bob = impatient.user("bob");
            let keyed = bob.request("POST", TASKS).header("Idempotency-Key", "k");
            for response in [
                bob.post(TASKS, &json!({ "title": "a" })).await,
                keyed.json(&json!({ "title": "b" })).send().await,
            ] {
                let problem = response.expect_problem(503, "database_unavailable").json();
                assert!(!problem["detail"].as_str().unwrap().contains("unknown"));
            }
            other.batch_execute("COMMIT").unwrap();
        };
        let (waited, ()) = futures_util::future::join(waits, give_up).await;
        waited.expect(201);
        assert_eq!(alice.titles("").await, ["waited"]);
        assert_eq!(impatient.user("bob").titles("").await, [""; 0]);
    });
}

#[test]
fn a_damaged_file_is_503_and_not_half_a_response() {
    block_on(async {
        let storage = Storage::new(Engine::Sqlite);
        let server = Server::start(storage.path(), &storage.url, &[]).await;
        let alice = server.user("alice");
        for n in 0..300 {
            alice
                .create(json!({ "title": format!("task {n}"), "description": "x".repeat(200) }))
                .await;
        }
        server.stop().await;
        open(&storage)
            .batch_execute("PRAGMA wal_checkpoint(TRUNCATE)")
            .unwrap();
        // Pages after the first one: the file still looks like a database.
        let mut file = std::fs::OpenOptions::new()
            .write(true)
            .open(storage.file())
            .unwrap();
        let length = file.metadata().unwrap().len();
        for page in 2..length / 4096 {
            file.seek(SeekFrom::Start(page * 4096)).unwrap();
            file.write_all(&[0xA5; 512]).unwrap();
        }
        drop(file);
        let done = run(storage.path(), &["serve"], &environment(&storage.url, &[])).failed(1);
        assert!(done.err.contains("malformed"), "{done:?}");

        let as_it_is = [("TODOWARD__DATABASE__MIGRATE_ON_START", "false")];
        let server = Server::listening(storage.path(), &storage.url, &as_it_is).await;
        let alice = server.user("alice");
        // Intact rows are served; statements that must read everything fail.
        let newest = alice.get(&format!("{TASKS}?limit=1")).await;
        assert!([200, 503].contains(&newest.status), "{}", newest.text());
        if newest.status == 200 {
            assert_eq!(newest.json()["items"][0]["title"], "task 299");
        }
        let all = alice.get(&format!("{TASKS}?q=task&sort=title")).await;
        let said = all.expect_problem(503, "database_unavailable");
        assert!(!said.text().contains("malformed") && !said.text().contains("disk image"));
        server.anonymous().get("/health/live").await.expect(200);
        server.logs("malformed").await;
        let log = server.stop().await;
        assert!(!log.contains("panicked"), "{log}");
    });
}

#[test]
fn a_file_that_was_removed_takes_no_more_writes() {
    block_on(async {
        let storage = Storage::new(Engine::Sqlite);
        let server = Server::start(storage.path(), &storage.url, &[]).await;
        server.user("alice").create(json!({ "title": "a" })).await;
        let alice = server.user("alice");
        std::fs::remove_file(storage.file()).unwrap();
        let refused = alice.post(TASKS, &json!({ "title": "lost" })).await;
        refused.expect_problem(503, "database_unavailable");
        eventually("it is not ready", SOON, async || {
            (!server.is_ready().await).then_some(())
        })
        .await;
        server.anonymous().get("/health/live").await.expect(200);
        server.stop().await;
    });
}

#[test]
fn a_file_that_was_replaced_takes_no_more_writes_and_is_restored_without_the_old_log() {
    block_on(async {
        let storage = Storage::new(Engine::Sqlite);
        let server = Server::start(storage.path(), &storage.url, &[]).await;
        let alice = server.user("alice");
        alice.create(json!({ "title": "in the backup" })).await;
        let backup = storage.path().join("backup.db");
        let copy = format!("VACUUM INTO '{}'", backup.display());
        open(&storage).batch_execute(&copy).unwrap();
        alice.create(json!({ "title": "after it" })).await;
        std::fs::rename(backup, storage.file()).unwrap();
        let refused = alice.post(TASKS, &json!({ "title": "lost" })).await;
        refused.expect_problem(503, "database_unavailable");
        eventually("it is not ready", SOON, async || {
            (!server.is_ready().await).then_some(())
        })
        .await;
        server.stop().await;
        for log in ["tasks.db-wal", "tasks.db-shm"] {
            std::fs::remove_file(storage.path().join(log)).unwrap();
        }
        let server = Server::start(storage.path(), &storage.url, &[]).await;
        let alice = server.user("alice");
        assert_eq!(alice.titles("").await, ["in the backup"]);
        alice.create(json!({ "title": "new" })).await;
        server.stop().await;
    });
}

#[test]
fn the_log_of_writes_is_cut_when_its_reader_has_gone() {
    block_on(async {
        let storage = Storage::new(Engine::Sqlite);
        let server = Server::start(storage.path(), &storage.url, &[]).await;
        let alice = server.user("alice");
        let path = alice.create_path("a").await;
        let wal = storage.path().join("tasks.db-wal");
        let mut reader = open(&storage);
        reader.batch_execute("BEGIN; SELECT * FROM tasks").unwrap();
        let mut n = 0;
        let mut write = async || {
            n += 1;
            let text = format!("{n}")
                .repeat(2000)
                .chars()
                .take(9_000)
                .collect::<String>();
            alice
                .patch(&path, &json!({ "description": text }))
                .await
                .expect(200);
        };
        while wal.metadata().unwrap().len() < 6_000_000 {
            write().await;
        }
        reader.batch_execute("COMMIT").unwrap();
        let long = wal.metadata().unwrap().len();
        // After a checkpoint the WAL is overwritten from its start and does not grow.
        for _ in 0..300 {
            write().await;
        }
        assert!(wal.metadata().unwrap().len() <= long + 5_000_000);
        server.stop().await;
    });
}
