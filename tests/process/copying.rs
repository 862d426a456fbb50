//! `todoward migrate --from`: the tasks of a SQLite file are copied into another database
//! without loss.

use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use serde_json::{Value, json};

use crate::binary::{Done, run};
use crate::server::{Server, environment};
use crate::storage::Storage;
use crate::support::{Client, Engine, block_on, on_both_databases};

on_both_databases! {
    every_task_arrives_as_it_was_and_a_second_time_nothing_is_left_to_do,
    what_changed_in_the_source_is_renewed_and_what_changed_in_the_target_is_kept,
    a_copy_that_fails_leaves_nothing_and_can_be_repeated,
    lists_their_order_and_what_is_in_the_trash_arrive_as_they_were,
    a_repeat_shows_a_subtask_in_its_first_list_after_a_copy_too,
}

const TASKS: &str = "/api/v1/tasks";

fn copy(source: &Storage, target: &Storage) -> Done {
    let arguments = ["migrate", "--from", &source.url];
    let variables = [("DATABASE_URL", target.url.as_str())];
    run(target.path(), &arguments, &variables)
}

/// Tasks of every kind and of several owners, more than fit into one statement.
async fn fill(source: &Storage) -> Vec<(&'static str, Value)> {
    let server = Server::start(source.path(), &source.url, &[]).await;
    let alice = server.user("alice");
    for number in 0..1_003 {
        alice
            .create(json!({ "title": format!("task {number}") }))
            .await;
    }
    let odd = server.user("Ödön 'robert'); --");
    odd.create(json!({
        "title": "ΟΔΟΣ \"quoted\" \\ 'x' %_",
        "description": "line\nline\ttab \u{1} 🎉",
        "completed": true,
        "priority": "high",
        "due_date": "1970-01-01",
        "tags": ["a", "x,\n\"a", "日本"],
    }))
    .await;
    let path = odd.create_path("changed").await;
    odd.patch(
        &path,
        &json!({ "due_date": "9999-12-31", "description": "" }),
    )
    .await
    .expect(200);
    keyed(&alice, "kept-key").await.expect(201);
    let all = everything(&server).await;
    server.stop().await;
    all
}

async fn keyed(client: &Client, key: &str) -> crate::support::Response {
    let body = json!({ "title": "once" });
    let request = client.request("POST", TASKS).json(&body);
    request.header("Idempotency-Key", key).send().await
}

/// Every task of every owner, as its owner sees it.
async fn everything(server: &Server) -> Vec<(&'static str, Value)> {
    let mut all = Vec::new();
    for owner in ["alice", "Ödön 'robert'); --"] {
        let client = server.user(owner);
        let mut cursor = String::new();
        loop {
            let page = client
                .get(&format!("{TASKS}?limit=200{cursor}"))
                .await
                .expect(200)
                .json();
            all.extend(
                page["items"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|task| (owner, task.clone())),
            );
            let Some(next) = page["next_cursor"].as_str() else {
                break;
            };
            cursor = format!("&cursor={next}");
        }
    }
    all
}

/// Makes the database refuse a task with the title "task 700".
fn refuse_one(engine: Engine, target: &Storage) {
    match engine {
        Engine::Sqlite => SqliteConnection::establish(target.file().to_str().unwrap())
            .unwrap()
            .batch_execute("CREATE TRIGGER bomb BEFORE INSERT ON tasks WHEN NEW.title = 'task 700' BEGIN SELECT RAISE(ABORT, 'bomb'); END"),
        Engine::Postgres => PgConnection::establish(&target.url)
            .unwrap()
            .batch_execute("ALTER TABLE tasks ADD CONSTRAINT bomb CHECK (title <> 'task 700')"),
    }
    .unwrap();
}

fn refuse_none(engine: Engine, target: &Storage) {
    match engine {
        Engine::Sqlite => SqliteConnection::establish(target.file().to_str().unwrap())
            .unwrap()
            .batch_execute("DROP TRIGGER bomb"),
        Engine::Postgres => PgConnection::establish(&target.url)
            .unwrap()
            .batch_execute("ALTER TABLE tasks DROP CONSTRAINT bomb"),
    }
    .unwrap();
}

async fn every_task_arrives_as_it_was_and_a_second_time_nothing_is_left_to_do(engine: Engine) {
    let (source, target) = (Storage::new(Engine::Sqlite), Storage::new(engine));
    let before = fill(&source).await;
    assert_eq!(before.len(), 1_006);
    let done = copy(&source, &target).succeeded();
    assert!(done.out.contains("1006 tasks in"), "{done:?}");
    assert!(
        done.out
            .ends_with(": 1006 copied, 0 there already; 1 idempotency keys\n"),
        "{done:?}"
    );

    let server = Server::start(target.path(), &target.url, &[]).await;
    assert_eq!(everything(&server).await, before);
    // An idempotency key from before the copy still replays after it.
    let again = keyed(&server.user("alice"), "kept-key").await.expect(201);
    assert_eq!(again.header("idempotency-replayed"), "true");
    assert_eq!(everything(&server).await, before);
    // Search and sorting need columns that no response shows.
    let odd = server.user("Ödön 'robert'); --");
    assert_eq!(odd.titles("?q=quoted&sort=title").await.len(), 1);
    assert_eq!(odd.titles("?tag=a").await.len(), 1);

    let done = copy(&source, &target).succeeded();
    assert!(
        done.out
            .ends_with(": 0 copied, 1006 there already; 1 idempotency keys\n"),
        "{done:?}"
    );
    assert_eq!(everything(&server).await, before);
}

async fn what_changed_in_the_source_is_renewed_and_what_changed_in_the_target_is_kept(
    engine: Engine,
) {
    let (source, target) = (Storage::new(Engine::Sqlite), Storage::new(engine));
    let server = Server::start(source.path(), &source.url, &[]).await;
    let alice = server.user("alice");
    let (here, there, both) = (
        alice.create_path("here").await,
        alice.create_path("there").await,
        alice.create_path("both").await,
    );
    copy(&source, &target).succeeded();
    alice
        .patch(&here, &json!({ "title": "here 2" }))
        .await
        .expect(200);
    alice
        .patch(&both, &json!({ "title": "both, source" }))
        .await
        .expect(200);
    let moved = Server::start(target.path(), &target.url, &[]).await;
    let at_target = moved.user("alice");
    at_target
        .patch(&there, &json!({ "title": "there 2" }))
        .await
        .expect(200);
    at_target
        .patch(&both, &json!({ "title": "both, target" }))
        .await
        .expect(200);
    let done = copy(&source, &target).succeeded();
    assert!(
        done.out.ends_with(
            ": 1 copied, 0 there already, 2 changed here since and left alone; 0 idempotency keys\n"
        ),
        "{done:?}"
    );
    assert_eq!(
        at_target.titles("?sort=created_at").await,
        ["here 2", "there 2", "both, target"]
    );
    assert_eq!(
        alice.titles("?sort=created_at").await,
        ["here 2", "there", "both, source"]
    );
}

async fn a_copy_that_fails_leaves_nothing_and_can_be_repeated(engine: Engine) {
    let (source, target) = (Storage::new(Engine::Sqlite), Storage::new(engine));
    let before = fill(&source).await;
    run(
        target.path(),
        &["migrate"],
        &[("DATABASE_URL", &target.url)],
    )
    .succeeded();
    refuse_one(engine, &target);
    let done = copy(&source, &target).failed(1);
    assert!(
        done.err.starts_with("todoward: nothing was copied: "),
        "{done:?}"
    );
    let server = Server::start(target.path(), &target.url, &[]).await;
    assert_eq!(everything(&server).await, []);
    refuse_none(engine, &target);
    copy(&source, &target).succeeded();
    assert_eq!(everything(&server).await, before);
}

async fn made(client: &Client, collection: &str, new: Value) -> String {
    let path = format!("/api/v1/{collection}");
    let row = client.post(&path, &new).await.expect(201).json();
    format!("{path}/{}", row["id"].as_str().unwrap())
}

fn id_of(path: &str) -> &str {
    path.rsplit('/').next().unwrap()
}

/// What the owner has, in its orders.
async fn arranged(client: &Client) -> Vec<Value> {
    let mut all = Vec::new();
    for path in ["lists", "lists?trash=true", "tasks?sort=created_at"] {
        all.push(
            client
                .get(&format!("/api/v1/{path}"))
                .await
                .expect(200)
                .json(),
        );
    }
    all
}

async fn lists_their_order_and_what_is_in_the_trash_arrive_as_they_were(engine: Engine) {
    let (source, target) = (Storage::new(Engine::Sqlite), Storage::new(engine));
    let server = Server::start(source.path(), &source.url, &[]).await;
    let alice = server.user("alice");
    let mut lists = Vec::new();
    for name in ["one", "two", "日本 🎉"] {
        let new = json!({ "name": name, "color": "#aabbcc", "archived": name == "two" });
        lists.push(made(&alice, "lists", new).await);
    }
    let first = json!({ "first": true });
    alice
        .post(&format!("{}/move", lists[2]), &first)
        .await
        .expect(200);
    let top = json!({
        "title": "top", "list_id": id_of(&lists[0]), "due_date": "2026-03-01",
        "due_time": "23:59", "time_zone": "Europe/Berlin",
        "recurrence": { "rule": "FREQ=WEEKLY;COUNT=3", "from": "completion" },
    });
    let top = made(&alice, "tasks", top).await;
    let sub = json!({ "title": "sub", "parent_id": id_of(&top) });
    made(&alice, "tasks", sub).await;
    alice
        .request("PATCH", &format!("{top}/complete"))
        .send()
        .await
        .expect(200);
    let went = json!({ "title": "went", "list_id": id_of(&lists[1]) });
    let went = made(&alice, "tasks", went).await;
    alice
        .post(&format!("{went}/move"), &first)
        .await
        .expect(200);
    alice.delete(&lists[1]).await.expect(204);
    let before = arranged(&alice).await;
    let done = copy(&source, &target).succeeded();
    let expected = "; 3 lists: 3 copied, 0 there already; 0 idempotency keys\n";
    assert!(done.out.ends_with(expected), "{done:?}");
    let done = copy(&source, &target).succeeded();
    let expected = "; 3 lists: 0 copied, 3 there already; 0 idempotency keys\n";
    assert!(done.out.ends_with(expected), "{done:?}");
    let moved = Server::start(target.path(), &target.url, &[]).await;
    let there = moved.user("alice");
    assert_eq!(arranged(&there).await, before);
    // With what a task went is in no response, and has arrived.
    for client in [&alice, &there] {
        let restore = format!("{}/restore", lists[1]);
        client.request("POST", &restore).send().await.expect(200);
    }
    let back = there.get(&went).await.expect(200).json();
    let mut expected = alice.get(&went).await.expect(200).json();
    expected["updated_at"] = back["updated_at"].clone();
    assert_eq!(back, expected);
    // What has changed on both sides is left alone.
    for (client, name) in [(&alice, "here"), (&there, "there")] {
        let patch = json!({ "name": name });
        client.patch(&lists[0], &patch).await.expect(200);
    }
    let done = copy(&source, &target).succeeded();
    assert!(
        done.out.contains("1 there already, 2 changed here since"),
        "{done:?}"
    );
    assert_eq!(there.get(&lists[0]).await.json()["name"], "there");
}

async fn a_repeat_shows_a_subtask_in_its_first_list_after_a_copy_too(engine: Engine) {
    let (source, target) = (Storage::new(Engine::Sqlite), Storage::new(engine));
    let server = Server::start(source.path(), &source.url, &[]).await;
    let alice = server.user("alice");
    let list = made(&alice, "lists", json!({ "name": "one" })).await;
    let parent = json!({ "title": "parent", "list_id": id_of(&list) });
    let parent = made(&alice, "tasks", parent).await;
    let child = json!({ "title": "child", "parent_id": id_of(&parent) });
    let create = async |client: &Client| {
        let request = client.request("POST", TASKS).json(&child);
        let response = request.header("Idempotency-Key", "a-key").send().await;
        response.expect(201)
    };
    let first = create(&alice).await;
    assert_eq!(first.json()["list_id"], id_of(&list));
    let inbox = json!({ "list_id": null });
    alice.patch(&parent, &inbox).await.expect(200);
    server.stop().await;
    for _ in 0..2 {
        copy(&source, &target).succeeded();
    }
    let server = Server::start(target.path(), &target.url, &[]).await;
    let again = create(&server.user("alice")).await;
    assert_eq!(again.header("idempotency-replayed"), "true");
    assert_eq!(again.json(), first.json());
}

#[test]
fn what_is_no_source_is_named_and_nothing_is_made_of_it() {
    let (source, target) = (Storage::new(Engine::Sqlite), Storage::new(Engine::Sqlite));
    run(
        target.path(),
        &["migrate"],
        &[("DATABASE_URL", &target.url)],
    )
    .succeeded();
    let done = copy(&source, &target).failed(1);
    assert!(
        done.err.starts_with("todoward: there is no file "),
        "{done:?}"
    );
    assert!(!source.file().exists());

    std::fs::write(source.file(), "not a database, but a text of some length").unwrap();
    copy(&source, &target).failed(1);

    std::fs::write(source.file(), "").unwrap();
    let done = copy(&source, &target).failed(1);
    assert!(
        done.err.contains("holds no tasks of this version"),
        "{done:?}"
    );

    let done = copy(&target, &target).failed(1);
    assert!(done.err.contains("the same file"), "{done:?}");

    for wrong in [
        "sqlite://",
        "postgres://a@b/c",
        "tasks.db",
        "sqlite::memory:",
    ] {
        let arguments = ["migrate", "--from", wrong];
        let variables = environment(&target.url, &[]);
        let done = run(target.path(), &arguments, &variables);
        assert_eq!(done.code, Some(2), "{done:?}");
        assert!(done.err.contains("must be sqlite://relative"), "{done:?}");
    }
}

#[test]
fn a_backup_is_copied_from_and_stays_as_it_is() {
    block_on(async {
        let (original, backup) = (Storage::new(Engine::Sqlite), Storage::new(Engine::Sqlite));
        let server = Server::start(original.path(), &original.url, &[]).await;
        server.user("alice").create(json!({ "title": "a" })).await;
        let into = format!("VACUUM INTO '{}'", backup.file().display());
        let mut file = SqliteConnection::establish(original.file().to_str().unwrap()).unwrap();
        file.batch_execute(&into).unwrap();
        let before = std::fs::read(backup.file()).unwrap();
        let target = Storage::new(Engine::Sqlite);
        let done = copy(&backup, &target).succeeded();
        assert!(done.out.contains(": 1 copied, 0 there already"), "{done:?}");
        assert!(std::fs::read(backup.file()).unwrap() == before);
        assert_eq!(
            std::fs::read_dir(backup.path()).unwrap().count(),
            1,
            "nothing beside it"
        );
    });
}
