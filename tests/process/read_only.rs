//! A read-only database: a standby, or a former primary after a switchover.

use std::time::Duration;

use serde_json::json;

use crate::server::{Server, eventually};
use crate::storage::Storage;
use crate::support::postgres::execute_in;
use crate::support::{Engine, block_on};

/// The max time until writes work again.
const RECOVERY: Duration = Duration::from_secs(5);

/// Simulates a switchover: open connections stay open.
fn set_read_only(storage: &Storage, on: bool) {
    let name = storage.name();
    let setting = format!("ALTER DATABASE {name} SET default_transaction_read_only = {on}");
    // Read-only mode also applies to the statement that ends it.
    let url = format!(
        "{}?options=-c%20default_transaction_read_only%3Doff",
        storage.url
    );
    execute_in(&url, &setting);
}

#[test]
fn a_read_only_database_is_read_and_its_writes_are_503_until_it_can_be_written() {
    block_on(async {
        let storage = Storage::new(Engine::Postgres);
        let server = Server::start(storage.path(), &storage.url, &[]).await;
        let alice = server.user("alice");
        let path = alice.create_path("a").await;
        set_read_only(&storage, true);
        server.stop().await;

        let only_reads = [("TODOWARD__DATABASE__MIGRATE_ON_START", "false")];
        let server = Server::start(storage.path(), &storage.url, &only_reads).await;
        let alice = server.user("alice");
        for _ in 0..10 {
            assert_eq!(alice.titles("").await, ["a"]);
            alice.get(&path).await.expect(200);
            for response in [
                alice.post("/api/v1/tasks", &json!({ "title": "b" })).await,
                alice.patch(&path, &json!({ "title": "c" })).await,
                alice
                    .request("PATCH", &format!("{path}/complete"))
                    .send()
                    .await,
                alice.delete(&path).await,
                alice.delete("/api/v1/tasks?completed=true").await,
            ] {
                let response = response.expect_problem(503, "database_unavailable");
                assert!(!response.header("retry-after").is_empty());
            }
        }
        set_read_only(&storage, false);
        eventually("it can be written", RECOVERY, async || {
            let response = alice.post("/api/v1/tasks", &json!({ "title": "b" })).await;
            (response.status == 201).then_some(())
        })
        .await;
        assert_eq!(alice.titles("?sort=title").await, ["a", "b"]);
        server.stop().await;
    });
}
