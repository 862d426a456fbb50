//! Following changes through what happens to databases: restores, resets,
//! and the end of what is remembered.

use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use serde_json::json;

use crate::binary::run;
use crate::server::Server;
use crate::storage::Storage;
use crate::support::copy::{Copy, everything};
use crate::support::{Client, Engine, Response, on_both_databases};

on_both_databases! {
    what_a_restore_has_lost_resets_those_who_had_seen_it,
    sync_reset_resets_every_cursor,
    what_ended_long_ago_is_forgotten_and_older_cursors_are_reset,
    what_is_copied_from_another_database_is_a_change,
}

const CHANGES: &str = "/api/v1/changes";

fn execute(storage: &Storage, engine: Engine, sql: &str) {
    match engine {
        Engine::Sqlite => {
            let file = storage.file();
            let mut sqlite = SqliteConnection::establish(file.to_str().unwrap()).unwrap();
            sqlite.batch_execute("PRAGMA busy_timeout = 5000").unwrap();
            sqlite.batch_execute(sql).unwrap();
        }
        Engine::Postgres => {
            let mut postgres = PgConnection::establish(&storage.url).unwrap();
            postgres.batch_execute(sql).unwrap();
        }
    }
}

async fn since(client: &Client, cursor: &str) -> Response {
    client.get(&format!("{CHANGES}?since={cursor}")).await
}

/// The database as it is now, in another place.
fn back_up(engine: Engine, from: &Storage) -> Storage {
    let to = Storage::new(engine);
    crate::backups::back_up_and_restore(engine, from, &to);
    to
}

async fn what_a_restore_has_lost_resets_those_who_had_seen_it(engine: Engine) {
    let storage = Storage::new(engine);
    let server = Server::start(storage.path(), &storage.url, &[]).await;
    let alice = server.user("alice");
    alice.create(json!({ "title": "before" })).await;
    let before = Copy::of(&alice).await.next.unwrap();
    let restored = back_up(engine, &storage);
    for title in ["lost", "lost, too", "and this"] {
        alice.create(json!({ "title": title })).await;
    }
    let lost = Copy::of(&alice).await.next.unwrap();
    server.stop().await;

    let server = Server::start(restored.path(), &restored.url, &[]).await;
    let alice = server.user("alice");
    since(&alice, &lost).await.expect_problem(410, "sync_reset");
    since(&alice, &before).await.expect(200);
    // The numbers of what was lost are given again, and go beyond.
    for number in 0..6 {
        alice
            .create(json!({ "title": format!("new {number}") }))
            .await;
        since(&alice, &lost).await.expect_problem(410, "sync_reset");
    }
    let page = since(&alice, &before).await.expect(200).json();
    assert_eq!(page["tasks"].as_array().unwrap().len(), 6);
    server.stop().await;
    // Nor do later processes take it.
    let server = Server::start(restored.path(), &restored.url, &[]).await;
    let alice = server.user("alice");
    alice.create(json!({ "title": "later" })).await;
    since(&alice, &lost).await.expect_problem(410, "sync_reset");
    let page = since(&alice, &before).await.expect(200).json();
    assert_eq!(page["tasks"].as_array().unwrap().len(), 7);
    server.stop().await;
}

async fn sync_reset_resets_every_cursor(engine: Engine) {
    let storage = Storage::new(engine);
    let server = Server::start(storage.path(), &storage.url, &[]).await;
    let (alice, bob) = (server.user("alice"), server.user("bob"));
    alice.create(json!({ "title": "a" })).await;
    let cursors = [
        Copy::of(&alice).await.next.unwrap(),
        Copy::of(&bob).await.next.unwrap(),
    ];
    let reset = ["sync-reset"];
    let done = run(storage.path(), &reset, &[("DATABASE_URL", &storage.url)]).succeeded();
    assert!(done.out.contains("sync_reset"), "{done:?}");
    for title in ["nothing written yet", "written"] {
        for (client, cursor) in [&alice, &bob].into_iter().zip(&cursors) {
            since(client, cursor)
                .await
                .expect_problem(410, "sync_reset");
            client.create(json!({ "title": title })).await;
        }
    }
    let mut copy = Copy::of(&alice).await;
    alice.create(json!({ "title": "b" })).await;
    assert_eq!(copy.follow(&alice, 500).await, 1);
    server.stop().await;
}

async fn what_ended_long_ago_is_forgotten_and_older_cursors_are_reset(engine: Engine) {
    let storage = Storage::new(engine);
    let server = Server::start(storage.path(), &storage.url, &[]).await;
    let alice = server.user("alice");
    let paths = [
        alice.create_path("a").await,
        alice.create_path("b").await,
        alice.create_path("c").await,
    ];
    let end = async |path: &str| {
        let response = alice.delete(&format!("{path}?permanent=true")).await;
        response.expect(204);
    };
    let mut cursors = vec![Copy::of(&alice).await.next.unwrap()];
    for path in &paths {
        end(path).await;
        cursors.push(Copy::of(&alice).await.next.unwrap());
    }
    server.stop().await;
    let id = paths[2].rsplit('/').next().unwrap();
    let recent = match engine {
        Engine::Sqlite => format!("hex(id) <> '{}'", id.replace('-', "").to_uppercase()),
        Engine::Postgres => format!("id <> '{id}'"),
    };
    execute(
        &storage,
        engine,
        &format!("UPDATE gone SET gone_at = '2020-01-01 00:00:00.000' WHERE {recent}"),
    );
    let server = Server::start(storage.path(), &storage.url, &[]).await;
    server.logs("kind=gone count=2").await;
    let alice = server.user("alice");
    since(&alice, &cursors[0])
        .await
        .expect_problem(410, "sync_reset");
    since(&alice, &cursors[1])
        .await
        .expect_problem(410, "sync_reset");
    let page = since(&alice, &cursors[2]).await.expect(200).json();
    assert_eq!(page["gone"].as_array().unwrap().len(), 1);
    // An id that nobody remembers can be used again.
    let create = async |path: &str| {
        let put = alice.request("PUT", path).header("If-None-Match", "*");
        put.json(&json!({ "title": "again" })).send().await
    };
    create(&paths[0]).await.expect(201);
    create(&paths[2]).await.expect(412);
    server.stop().await;
}

async fn what_is_copied_from_another_database_is_a_change(engine: Engine) {
    let (source, target) = (Storage::new(Engine::Sqlite), Storage::new(engine));
    let server = Server::start(source.path(), &source.url, &[]).await;
    server
        .user("alice")
        .create(json!({ "title": "copied" }))
        .await;
    server.stop().await;
    let server = Server::start(target.path(), &target.url, &[]).await;
    let alice = server.user("alice");
    alice.create(json!({ "title": "there" })).await;
    let mut copy = Copy::of(&alice).await;
    server.stop().await;
    let from = format!("--from={}", source.url);
    let arguments = ["migrate", &from];
    run(target.path(), &arguments, &[("DATABASE_URL", &target.url)]).succeeded();
    let server = Server::start(target.path(), &target.url, &[]).await;
    let alice = server.user("alice");
    let mut behind = copy.clone();
    assert_eq!(copy.follow(&alice, 500).await, 1);
    assert_eq!(copy.rows, everything(&alice).await);
    // What ended meanwhile comes back with another copy, also for who has not seen it end.
    let listed = everything(&alice).await;
    let copied = listed.iter().find(|(_, row)| row["title"] == "copied");
    let ((_, id), _) = copied.unwrap();
    let path = format!("/api/v1/tasks/{id}?permanent=true");
    alice.delete(&path).await.expect(204);
    copy.follow(&alice, 500).await;
    server.stop().await;
    run(target.path(), &arguments, &[("DATABASE_URL", &target.url)]).succeeded();
    let server = Server::start(target.path(), &target.url, &[]).await;
    let alice = server.user("alice");
    for copy in [&mut copy, &mut behind] {
        copy.follow(&alice, 500).await;
        assert_eq!(copy.rows.len(), 2);
        assert_eq!(copy.rows, everything(&alice).await);
    }
    server.stop().await;
}
