//! A failing disk under SQLite: a preloaded library makes the system calls fail. Linux
//! only, because that needs its dynamic linker.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::json;

use crate::server::Server;
use crate::storage::Storage;
use crate::support::{Client, Engine, block_on};

const TASKS: &str = "/api/v1/tasks";

/// The disk of a server.
struct Disk {
    library: PathBuf,
    switches: PathBuf,
}

impl Disk {
    fn below(directory: &Path) -> Self {
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/process/io_errors.c");
        let library = directory.join("io_errors.so");
        let compiled = Command::new("cc")
            .args(["-shared", "-fPIC", "-O1", "-o"])
            .args([library.as_os_str(), source.as_ref(), "-ldl".as_ref()])
            .status();
        assert!(
            compiled
                .expect("a C compiler, which the build needs too")
                .success()
        );
        let switches = directory.join("eio");
        std::fs::create_dir(&switches).unwrap();
        Self { library, switches }
    }

    async fn serve(&self, storage: &Storage) -> Server {
        let variables = [
            ("LD_PRELOAD", self.library.to_str().unwrap()),
            ("EIO", self.switches.to_str().unwrap()),
        ];
        Server::start(storage.path(), &storage.url, &variables).await
    }

    fn fails(&self, call: &str) {
        std::fs::write(self.switches.join(call), "").unwrap();
    }

    fn works(&self, call: &str) {
        std::fs::remove_file(self.switches.join(call)).unwrap();
    }
}

async fn creates(client: &Client, title: &str) -> u16 {
    client.post(TASKS, &json!({ "title": title })).await.status
}

#[test]
fn a_write_that_fails_on_disk_is_503_and_what_was_acknowledged_is_there_after_a_kill() {
    for call in ["write", "sync"] {
        block_on(async {
            let storage = Storage::new(Engine::Sqlite);
            let disk = Disk::below(storage.path());
            let server = disk.serve(&storage).await;
            let alice = server.user("alice");
            let mut acknowledged = vec!["before".to_owned()];
            let path = alice.create_path("before").await;
            for round in 0..3 {
                disk.fails(call);
                let keyed = alice
                    .request("POST", TASKS)
                    .header("Idempotency-Key", format!("{round}"))
                    .json(&json!({ "title": "during" }));
                for response in [
                    alice.post(TASKS, &json!({ "title": "during" })).await,
                    keyed.send().await,
                    alice.patch(&path, &json!({ "title": "changed" })).await,
                    alice.request("DELETE", &path).send().await,
                ] {
                    let problem = response.expect_problem(503, "database_unavailable").json();
                    let detail = problem["detail"].as_str().unwrap();
                    assert!(detail.contains("unknown whether"), "{call}: {detail}");
                }
                // Reading needs neither of these calls.
                assert!(alice.titles("").await.contains(&"before".to_owned()));
                disk.works(call);
                let title = format!("after {round}");
                assert_eq!(creates(&alice, &title).await, 201, "{call}");
                acknowledged.push(title);
            }
            server.kill();
            let server = disk.serve(&storage).await;
            let titles = server.user("alice").titles("").await;
            for title in &acknowledged {
                assert!(
                    titles.contains(title),
                    "{call}: {title} is lost: {titles:?}"
                );
            }
        });
    }
}

#[test]
fn a_disk_that_cannot_be_read_is_503_until_it_can() {
    block_on(async {
        let storage = Storage::new(Engine::Sqlite);
        let disk = Disk::below(storage.path());
        let server = disk.serve(&storage).await;
        let alice = server.user("alice");
        let long = "x".repeat(10_000);
        // More than SQLite's cache.
        for _ in 0..300 {
            alice
                .create(json!({ "title": "a", "description": long }))
                .await;
        }
        disk.fails("read");
        let response = alice.get("/api/v1/tasks?limit=200").await;
        response.expect_problem(503, "database_unavailable");
        disk.works("read");
        alice.get("/api/v1/tasks?limit=200").await.expect(200);
    });
}
