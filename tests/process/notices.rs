//! Notices between replicas on PostgreSQL: what one has numbered the others hear of, and
//! find without notices, too.

use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use serde_json::json;

use crate::binary::SOON;
use crate::folding::Database;
use crate::server::{Server, eventually};
use crate::storage::Storage;
use crate::support::events::EventStream;
use crate::support::{Client, Engine, block_on};

/// A connection that listens for changes.
const LISTENS: &str =
    "datname = current_database() AND query ~ '^(LISTEN|NOTIFY) todoward_changes'";

const HEARD: &str = "other replicas have numbered changes of 1 owners";

async fn two_replicas(storage: &Storage) -> [Server; 2] {
    let debug = [("RUST_LOG", "info,todoward=debug")];
    let one = Server::start(storage.path(), &storage.url, &debug).await;
    [
        one,
        Server::start(storage.path(), &storage.url, &debug).await,
    ]
}

/// A stream that has begun.
async fn stream(client: &Client) -> EventStream {
    let mut stream = client
        .request("GET", "/api/v1/changes/stream")
        .events()
        .await;
    stream.changed().await;
    stream
}

async fn there_are_listeners(database: &mut Database, count: i64) {
    eventually("replicas listen", SOON, async || {
        (database.count_of("pg_stat_activity", LISTENS) >= count).then_some(())
    })
    .await;
}

#[test]
fn a_replica_hears_of_what_another_one_has_written() {
    block_on(async {
        let storage = Storage::new(Engine::Postgres);
        let mut database = Database::open(&storage, Engine::Postgres);
        let [one, other] = two_replicas(&storage).await;
        // Nobody follows, and no connection listens.
        one.user("bob")
            .create(json!({ "title": "nobody follows" }))
            .await;
        one.user("alice").create(json!({ "title": "first" })).await;
        let mut events = stream(&other.user("alice")).await;
        there_are_listeners(&mut database, 1).await;
        one.user("alice").create(json!({ "title": "second" })).await;
        events.changed().await;
        there_are_listeners(&mut database, 2).await;
        one.user("alice").create(json!({ "title": "third" })).await;
        events.changed().await;
        other.logs(HEARD).await;
        one.stop().await;
        other.stop().await;
    });
}

#[test]
fn a_connection_that_listened_and_was_lost_is_opened_again_and_no_change_is_missed() {
    block_on(async {
        let storage = Storage::new(Engine::Postgres);
        let mut database = Database::open(&storage, Engine::Postgres);
        let [one, other] = two_replicas(&storage).await;
        let alice = one.user("alice");
        alice.create(json!({ "title": "first" })).await;
        let mut events = stream(&other.user("alice")).await;
        there_are_listeners(&mut database, 1).await;
        let mut postgres = PgConnection::establish(&storage.url).unwrap();
        let end = format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {LISTENS}");
        postgres.batch_execute(&end).unwrap();
        alice
            .create(json!({ "title": "while nobody listens" }))
            .await;
        events.changed().await;
        there_are_listeners(&mut database, 2).await;
        alice.create(json!({ "title": "again" })).await;
        events.changed().await;
        other.logs(HEARD).await;
        one.stop().await;
        other.stop().await;
    });
}

#[test]
fn what_is_no_notice_is_ignored() {
    block_on(async {
        let storage = Storage::new(Engine::Postgres);
        let mut database = Database::open(&storage, Engine::Postgres);
        let [one, other] = two_replicas(&storage).await;
        let mut events = stream(&other.user("alice")).await;
        there_are_listeners(&mut database, 1).await;
        let mut postgres = PgConnection::establish(&storage.url).unwrap();
        for text in ["", "x", "ä".repeat(40).as_str(), "f".repeat(7000).as_str()] {
            let notify = format!("NOTIFY todoward_changes, '{text}'");
            postgres.batch_execute(&notify).unwrap();
        }
        one.user("alice").create(json!({ "title": "first" })).await;
        events.changed().await;
        one.stop().await;
        other.stop().await;
    });
}
