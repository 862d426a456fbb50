//! Following changes through what happens to servers and databases: kills, restores,
//! resets, and the end of what is remembered.

use std::cell::{Cell, RefCell};

use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use futures_util::future::{join, join_all};
use serde_json::{Value, json};

use crate::binary::{SOON, run};
use crate::server::{Server, eventually};
use crate::storage::Storage;
use crate::support::copy::{Copy, everything};
use crate::support::{Client, Engine, Response, on_both_databases};

on_both_databases! {
    readers_have_what_the_server_has_although_it_is_killed_again_and_again,
    what_a_restore_has_lost_resets_those_who_had_seen_it,
    sync_reset_resets_every_cursor,
    what_ended_long_ago_is_forgotten_and_older_cursors_are_reset,
    what_is_copied_from_another_database_is_a_change,
}

const CHANGES: &str = "/api/v1/changes";
const TASKS: &str = "/api/v1/tasks";
const LISTS: &str = "/api/v1/lists";
const WRITERS: usize = 6;
const READERS: usize = 3;

/// How often the server is killed; FOLLOW_ROUNDS for longer.
fn rounds() -> usize {
    let rounds = std::env::var("FOLLOW_ROUNDS").ok();
    rounds.map_or(4, |rounds| rounds.parse().unwrap())
}

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

/// A number below `end`, different each time.
fn random(end: usize) -> usize {
    (uuid::Uuid::now_v7().as_u128() % end as u128) as usize
}

/// One random write of any kind. None if the server is away.
async fn write(client: &Client, ids: &RefCell<Vec<String>>, number: usize) -> Option<Response> {
    let known = |ids: &RefCell<Vec<String>>| {
        let ids = ids.borrow();
        (!ids.is_empty()).then(|| ids[random(ids.len())].clone())
    };
    let (id, list) = (known(ids), number % 3);
    let at = |end: &str| format!("{TASKS}/{}{end}", id.as_deref().unwrap_or("none"));
    let list_path = format!("{LISTS}/00000000-0000-7000-8000-00000000000{list}");
    let put = |path: String, body: Value| {
        client
            .request("PUT", &path)
            .header("If-None-Match", "*")
            .json(&body)
    };
    let request = match random(14) {
        0..3 => {
            let body = json!({ "title": format!("task {number}"), "tags": ["a"] });
            client.request("POST", TASKS).json(&body)
        }
        3 => {
            let body = json!({
                "title": format!("daily {number}"),
                "due_date": "2026-01-01",
                "recurrence": { "rule": "FREQ=DAILY" },
            });
            client.request("POST", TASKS).json(&body)
        }
        4 => put(
            format!("{TASKS}/{}", uuid::Uuid::now_v7()),
            json!({ "title": format!("offline {number}") }),
        ),
        5 => put(list_path, json!({ "name": format!("list {list}") })),
        6 => client
            .request("PATCH", &at(""))
            .json(&json!({ "title": format!("{number}") })),
        7 => client.request("PATCH", &at("/complete")),
        8 => client
            .request("POST", &at("/move"))
            .json(&json!({ "first": true })),
        9 => client.request("DELETE", &at("")),
        10 => client.request("DELETE", &at("?permanent=true")),
        11 => client.request("POST", &at("/restore")),
        12 => {
            let rename = json!({ "name": if number.is_multiple_of(2) { "a" } else { "b" } });
            let from = if number.is_multiple_of(2) { "b" } else { "a" };
            client
                .request("PATCH", &format!("/api/v1/tags?name={from}"))
                .json(&rename)
        }
        _ => match random(4) {
            0 => client.request("DELETE", &format!("{TASKS}?completed=true")),
            1 => client.request("DELETE", &format!("{TASKS}?trash=true")),
            2 => client.request("DELETE", &list_path),
            _ => client.request("POST", &format!("{list_path}/restore")),
        },
    };
    let response = request.try_send().await.ok()?;
    if response.status == 201 {
        let row = response.json();
        if row["title"].is_string() {
            ids.borrow_mut()
                .push(row["id"].as_str().unwrap().to_owned());
        }
    }
    Some(response)
}

async fn readers_have_what_the_server_has_although_it_is_killed_again_and_again(engine: Engine) {
    let storage = Storage::new(engine);
    let mut copies: Vec<Copy> = (0..READERS).map(|_| Copy::default()).collect();
    let ids = RefCell::new(Vec::new());
    let mut writes = 0;
    for round in 0..rounds() {
        let server = Server::start(storage.path(), &storage.url, &[]).await;
        let alice = server.user("alice");
        let killed = Cell::new(false);
        let written = Cell::new(0);
        let writers = join_all((0..WRITERS).map(async |writer| {
            while !killed.get() {
                let number = written.get();
                let Some(response) = write(&alice, &ids, number * WRITERS + writer).await else {
                    return;
                };
                assert!(
                    response.status < 500 || response.status == 503,
                    "{}",
                    response.text()
                );
                written.set(number + 1);
            }
        }));
        let readers = join_all(copies.iter_mut().enumerate().map(async |(reader, copy)| {
            let limit = [3, 20, 500][reader % 3];
            while !killed.get() {
                // A page that did not arrive is not applied.
                let Ok(page) = copy.pull(&alice, limit).await else {
                    return;
                };
                if page.status == 200 {
                    copy.apply(&page, limit);
                }
                assert!([200, 503].contains(&page.status), "{}", page.text());
            }
        }));
        let at = 20 + 10 * random(12);
        let kill = async {
            eventually("it has written", SOON, async || {
                (written.get() >= at).then_some(())
            })
            .await;
            killed.set(true);
            server.kill();
        };
        join(join(writers, readers), kill).await;
        writes += written.get();
        let server = Server::start(storage.path(), &storage.url, &[]).await;
        let alice = server.user("alice");
        for (reader, copy) in copies.iter_mut().enumerate() {
            copy.follow(&alice, [3, 20, 500][reader % 3]).await;
        }
        let now = everything(&alice).await;
        for copy in &copies {
            assert_eq!(copy.rows, now, "round {round}");
        }
        server.stop().await;
    }
    assert!(writes >= rounds() * 20, "{writes} writes");
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
    assert_eq!(copy.follow(&alice, 500).await, 1);
    assert_eq!(copy.rows, everything(&alice).await);
    server.stop().await;
}
