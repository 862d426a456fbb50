//! A failing disk under SQLite, and a server that is killed at any of its writes: a
//! preloaded library makes the system calls fail, or kills. Linux only, because that
//! needs its dynamic linker.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use crate::binary::SOON;
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

    /// Kills the server before or after its n-th write or flush from now on.
    fn kills(&self, moment: &str, nth: usize) {
        let written = self.switches.join("written");
        std::fs::write(&written, format!("{moment} {nth}")).unwrap();
        std::fs::rename(written, self.switches.join("kill")).unwrap();
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

async fn create_path(client: &Client, body: Value) -> String {
    let task = client.create(body).await;
    format!("{TASKS}/{}", task["id"].as_str().unwrap())
}

/// Completes a task that repeats while the server is killed so, and once more. Whether it
/// was killed.
async fn completed_by_a_killed_server(disk: &Disk, storage: &Storage, kill: (&str, usize)) -> bool {
    let mut server = disk.serve(storage).await;
    let owner = format!("{kill:?}");
    let alice = server.user(&owner).plain();
    let path = create_path(
        &alice,
        json!({
            "title": "Pay rent", "due_date": "2026-12-01", "recurrence": { "rule": "FREQ=MONTHLY" },
        }),
    )
    .await;
    let id = path.strip_prefix("/api/v1/tasks/");
    create_path(&alice, json!({ "title": "below", "parent_id": id })).await;
    let complete = format!("{path}/complete");
    let body = json!({ "completed": true });
    disk.kills(kill.0, kill.1);
    let request = alice.request("PATCH", &complete).json(&body);
    let is_killed = request.try_send().await.is_err();
    disk.works("kill");
    if is_killed {
        server.ends(SOON).await;
        server = disk.serve(storage).await;
    }
    let alice = server.user(&owner).plain();
    let done = alice.patch(&complete, &body).await.expect(200).json();
    assert_eq!(done["version"], 2, "{kill:?}");
    let list = alice.get("/api/v1/tasks?limit=200").await.expect(200);
    let list = list.json();
    let tasks = list["items"].as_array().unwrap();
    assert_eq!(tasks.len(), 4, "{kill:?}: {list}");
    let next = tasks.iter().find(|other| other["id"] == done["next_id"]);
    assert_eq!(next.unwrap()["due_date"], "2027-01-01", "{kill:?}");
    let below = |task: &&Value| task["parent_id"] == done["next_id"];
    assert_eq!(tasks.iter().filter(below).count(), 1, "{kill:?}: {list}");
    server.kill();
    is_killed
}

#[test]
fn a_server_that_is_killed_at_any_write_of_a_completion_leaves_one_successor() {
    block_on(async {
        let storage = Storage::new(Engine::Sqlite);
        let disk = Disk::below(storage.path());
        for moment in ["before", "after"] {
            let mut nth = 1;
            while completed_by_a_killed_server(&disk, &storage, (moment, nth)).await {
                nth += 1;
            }
            assert!(nth > 5, "killed {} times {moment} a write", nth - 1);
        }
    });
}
