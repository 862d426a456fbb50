//! Changes: whoever follows them has a copy that equals what the server has.

use serde_json::json;

use crate::support::copy::{Copy, everything};
use crate::support::{Client, Engine, TestApp, on_both_databases};

on_both_databases! {
    without_since_everything_is_there_in_pages_and_then_only_what_has_changed,
    what_changes_while_a_snapshot_is_read_comes_after_it,
    every_kind_of_write_is_a_change,
    what_has_ended_is_gone_once_and_for_every_reader,
    what_changes_nothing_is_no_change,
    the_rows_of_one_large_change_come_in_pages_each_once,
    a_cursor_that_is_none_is_400_and_one_of_another_owner_too,
    a_cursor_ahead_of_the_server_or_of_an_unknown_epoch_is_a_reset,
    each_owner_has_changes_of_their_own,
    writers_at_the_same_time_and_readers_agree_in_the_end,
}

const CHANGES: &str = "/api/v1/changes";
const TASKS: &str = "/api/v1/tasks";
const LISTS: &str = "/api/v1/lists";

async fn list(client: &Client, name: &str) -> String {
    let list = client.post(LISTS, &json!({ "name": name })).await;
    list.expect(201).json()["id"].as_str().unwrap().to_owned()
}

async fn without_since_everything_is_there_in_pages_and_then_only_what_has_changed(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    for number in 0..7 {
        alice
            .create(json!({ "title": format!("task {number}") }))
            .await;
        list(&alice, &format!("list {number}")).await;
    }
    let trashed = alice.create_path("in the trash").await;
    alice.delete(&trashed).await.expect(204);
    let mut copy = Copy::default();
    assert_eq!(copy.page(&alice, 5).await, (true, 5));
    assert_eq!(copy.follow(&alice, 5).await, 10);
    assert_eq!(copy.rows, everything(&alice).await);
    assert_eq!(copy.follow(&alice, 5).await, 0, "nothing has changed");
    let path = alice.create_path("new").await;
    alice
        .patch(&path, &json!({ "title": "newer" }))
        .await
        .expect(200);
    assert_eq!(copy.follow(&alice, 5).await, 1, "each once, as it is now");
    assert_eq!(copy.rows, everything(&alice).await);
}

async fn what_changes_while_a_snapshot_is_read_comes_after_it(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    let mut paths = Vec::new();
    for number in 0..9 {
        paths.push(alice.create_path(&format!("task {number}")).await);
    }
    let mut copy = Copy::default();
    copy.page(&alice, 3).await;
    alice
        .patch(&paths[0], &json!({ "title": "read already" }))
        .await
        .expect(200);
    alice
        .patch(&paths[8], &json!({ "title": "not read yet" }))
        .await
        .expect(200);
    alice
        .delete(&format!("{}?permanent=true", paths[1]))
        .await
        .expect(204);
    alice
        .delete(&format!("{}?permanent=true", paths[7]))
        .await
        .expect(204);
    copy.page(&alice, 3).await;
    alice.create(json!({ "title": "new" })).await;
    copy.follow(&alice, 3).await;
    assert_eq!(copy.rows, everything(&alice).await);
}

async fn every_kind_of_write_is_a_change(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    let groceries = list(&alice, "Groceries").await;
    let home = list(&alice, "Home").await;
    let of_list = |list: &str| format!("{LISTS}/{list}");
    let parent = alice.create_path("parent").await;
    let parent_id = parent.rsplit('/').next().unwrap().to_owned();
    let child = json!({ "title": "child", "parent_id": parent_id, "tags": ["red"] });
    let child = alice.create(child).await;
    let child = format!("{TASKS}/{}", child["id"].as_str().unwrap());
    let daily = json!({ "title": "daily", "due_date": "2026-01-01", "recurrence": { "rule": "FREQ=DAILY" } });
    let daily = alice.create(daily).await;
    let daily = format!("{TASKS}/{}", daily["id"].as_str().unwrap());
    let mut copy = Copy::of(&alice).await;
    let requests = [
        ("POST", TASKS.to_owned(), json!({ "title": "a" })),
        (
            "POST",
            TASKS.to_owned(),
            json!({ "title": "b", "list_id": home }),
        ),
        ("PATCH", child.clone(), json!({ "title": "renamed" })),
        ("PUT", child.clone(), json!({ "description": "described" })),
        (
            "PATCH",
            format!("{child}/complete"),
            json!({ "completed": true }),
        ),
        (
            "PATCH",
            format!("{child}/complete"),
            json!({ "completed": false }),
        ),
        (
            "PATCH",
            format!("{daily}/complete"),
            json!({ "completed": true }),
        ),
        (
            "POST",
            format!("{parent}/move"),
            json!({ "list_id": groceries }),
        ),
        ("POST", format!("{daily}/move"), json!({ "last": true })),
        (
            "PATCH",
            "/api/v1/tags?name=red".to_owned(),
            json!({ "name": "green" }),
        ),
        ("DELETE", "/api/v1/tags?name=green".to_owned(), json!({})),
        ("PATCH", of_list(&home), json!({ "archived": true })),
        (
            "POST",
            format!("{}/move", of_list(&home)),
            json!({ "first": true }),
        ),
        ("DELETE", of_list(&groceries), json!({})),
        (
            "POST",
            format!("{}/restore", of_list(&groceries)),
            json!({}),
        ),
        ("DELETE", parent.clone(), json!({})),
        ("POST", format!("{parent}/restore"), json!({})),
        (
            "PATCH",
            format!("{parent}/complete"),
            json!({ "completed": true, "subtasks": true }),
        ),
        ("DELETE", format!("{TASKS}?completed=true"), json!({})),
        ("DELETE", format!("{TASKS}?trash=true"), json!({})),
        ("DELETE", of_list(&home), json!({})),
        ("DELETE", format!("{LISTS}?trash=true"), json!({})),
        (
            "DELETE",
            format!("{}?permanent=true", of_list(&groceries)),
            json!({}),
        ),
    ];
    for (method, path, body) in requests {
        let request = alice.request(method, &path);
        let request = match method {
            "DELETE" => request,
            _ => request.json(&body),
        };
        let response = request.send().await;
        assert!(
            response.status < 300,
            "{method} {path}: {}",
            response.text()
        );
        let items = copy.follow(&alice, 2).await;
        assert!(items > 0, "{method} {path} was no change");
        assert_eq!(copy.rows, everything(&alice).await, "after {method} {path}");
    }
}

async fn what_has_ended_is_gone_once_and_for_every_reader(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    let (first, second) = (alice.create_path("a").await, alice.create_path("b").await);
    let mut copies = [Copy::of(&alice).await, Copy::of(&alice).await];
    alice
        .delete(&format!("{first}?permanent=true"))
        .await
        .expect(204);
    alice.delete(&second).await.expect(204);
    alice
        .delete(&format!("{second}?permanent=true"))
        .await
        .expect(204);
    for copy in &mut copies {
        assert_eq!(copy.follow(&alice, 500).await, 2);
        assert!(copy.rows.is_empty());
    }
    let fresh = Copy::of(&alice).await;
    assert!(fresh.rows.is_empty(), "a snapshot has nothing that is gone");
}

async fn what_changes_nothing_is_no_change(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let (alice, bob) = (app.user("alice"), app.user("bob"));
    let path = alice.create_path("a").await;
    let keyed = async || {
        let create = alice.request("POST", TASKS).header("Idempotency-Key", "k");
        create
            .json(&json!({ "title": "keyed" }))
            .send()
            .await
            .expect(201);
    };
    keyed().await;
    let mut copy = Copy::of(&alice).await;
    let before = copy.next.clone().unwrap();
    let complete = format!("{path}/complete");
    alice
        .patch(&path, &json!({ "title": "a" }))
        .await
        .expect(200);
    alice
        .patch(&complete, &json!({ "completed": false }))
        .await
        .expect(200);
    alice
        .patch(&complete, &json!({ "completed": false, "subtasks": false }))
        .await
        .expect(200);
    alice
        .post(&format!("{path}/move"), &json!({ "first": true }))
        .await;
    alice
        .patch(&path, &json!({ "title": "" }))
        .await
        .expect(422);
    alice
        .patch(&path, &json!({ "list_id": path.rsplit('/').next() }))
        .await
        .expect(422);
    bob.patch(&path, &json!({ "title": "b" })).await.expect(403);
    bob.patch(&complete, &json!({ "completed": true }))
        .await
        .expect(403);
    let stale = alice.request("PATCH", &path).header("If-Match", "\"9\"");
    stale
        .json(&json!({ "title": "b" }))
        .send()
        .await
        .expect(412);
    let stale = alice
        .request("PATCH", &complete)
        .header("If-Match", "\"9\"");
    stale.send().await.expect(412);
    alice
        .patch("/api/v1/tags?name=none", &json!({ "name": "other" }))
        .await
        .expect(200);
    alice
        .delete(&format!("{TASKS}?completed=true"))
        .await
        .expect(200);
    alice
        .delete(&format!("{TASKS}?trash=true"))
        .await
        .expect(200);
    keyed().await;
    assert_eq!(copy.follow(&alice, 500).await, 0);
    let after = copy.next.as_deref().unwrap();
    assert_eq!(numbers(after), numbers(&before), "no number is used up");
    assert_eq!(copy.rows, everything(&alice).await);
}

async fn the_rows_of_one_large_change_come_in_pages_each_once(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    for number in 0..25 {
        let task = json!({ "title": format!("task {number}"), "completed": true });
        alice.create(task).await;
    }
    list(&alice, "other").await;
    let mut copy = Copy::of(&alice).await;
    alice
        .delete(&format!("{TASKS}?completed=true"))
        .await
        .expect(200);
    assert_eq!(copy.follow(&alice, 4).await, 25);
    assert_eq!(copy.rows, everything(&alice).await);
    alice
        .delete(&format!("{TASKS}?trash=true"))
        .await
        .expect(200);
    assert_eq!(copy.follow(&alice, 4).await, 25);
    assert_eq!(copy.rows, everything(&alice).await);
}

async fn a_cursor_that_is_none_is_400_and_one_of_another_owner_too(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let (alice, bob) = (app.user("alice"), app.user("bob"));
    for number in 0..3 {
        alice
            .create(json!({ "title": format!("task {number}") }))
            .await;
    }
    let of_list = alice
        .get(&format!("{TASKS}?limit=1"))
        .await
        .expect(200)
        .json();
    let of_list = of_list["next_cursor"].as_str().unwrap().to_owned();
    let mine = Copy::of(&alice).await.next.unwrap();
    for since in ["", "x", &of_list, &mine[1..], &mine[..mine.len() - 4]] {
        let response = alice.get(&format!("{CHANGES}?since={since}")).await;
        response.expect_problem(400, "invalid_cursor");
    }
    bob.get(&format!("{CHANGES}?since={mine}"))
        .await
        .expect_problem(400, "invalid_cursor");
    for query in [
        "limit=0",
        "limit=1001",
        "limit=+5",
        "limit=5&limit=5",
        "since=a&since=b",
    ] {
        let response = alice.get(&format!("{CHANGES}?{query}")).await;
        response.expect_problem(400, "invalid_parameter");
    }
    let response = alice.get(&format!("{CHANGES}?after=x")).await;
    response.expect_problem(400, "unknown_parameter");
    alice
        .get(&format!("{CHANGES}?limit=1000"))
        .await
        .expect(200);
}

/// A cursor with other numbers and a right checksum, which anybody can compute.
fn forged(owner: &str, epoch: i64, number: i64) -> String {
    use base64::Engine as _;
    let mut place: Vec<u8> = Vec::new();
    let issued = chrono::Utc::now().timestamp();
    for part in [epoch, number, issued] {
        place.extend(part.to_be_bytes());
    }
    place.push(0);
    let sealed = [owner.as_bytes(), b"\0changes\0", &place, b"\0"].concat();
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &sealed);
    let mut bytes = digest.as_ref()[..8].to_vec();
    bytes.extend(place);
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes)
}

/// The epoch and the number of a cursor.
fn numbers(cursor: &str) -> (i64, i64) {
    use base64::Engine as _;
    let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD
        .decode(cursor)
        .unwrap();
    let number = |at: usize| i64::from_be_bytes(bytes[at..at + 8].try_into().unwrap());
    (number(8), number(16))
}

async fn a_cursor_ahead_of_the_server_or_of_an_unknown_epoch_is_a_reset(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    alice.create(json!({ "title": "a" })).await;
    let mine = Copy::of(&alice).await.next.unwrap();
    let (epoch, number) = numbers(&mine);
    let subject = alice.get(TASKS).await.json()["items"][0]["owner_id"].clone();
    let subject = subject.as_str().unwrap();
    let ask = async |epoch, number| {
        let since = forged(subject, epoch, number);
        alice.get(&format!("{CHANGES}?since={since}")).await
    };
    ask(epoch, number).await.expect(200);
    ask(epoch, number + 1)
        .await
        .expect_problem(410, "sync_reset");
    ask(epoch, i64::MAX).await.expect_problem(410, "sync_reset");
    ask(epoch ^ 1, number)
        .await
        .expect_problem(410, "sync_reset");
    ask(0, 0).await.expect_problem(410, "sync_reset");
}

async fn each_owner_has_changes_of_their_own(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let (alice, bob) = (app.user("alice"), app.user("bob"));
    let mut copies = (Copy::of(&alice).await, Copy::of(&bob).await);
    alice.create(json!({ "title": "alice's" })).await;
    assert_eq!(copies.1.follow(&bob, 500).await, 0);
    assert_eq!(copies.0.follow(&alice, 500).await, 1);
}

async fn writers_at_the_same_time_and_readers_agree_in_the_end(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    let home = list(&alice, "Home").await;
    let mut copy = Copy::default();
    let write = async |writer: usize| {
        for round in 0..6 {
            let path = alice.create_path(&format!("task {writer}.{round}")).await;
            let complete = format!("{path}/complete");
            match (writer + round) % 4 {
                0 => alice.patch(&path, &json!({ "tags": ["a"] })).await,
                1 => alice.patch(&complete, &json!({})).await,
                2 => {
                    alice
                        .post(&format!("{path}/move"), &json!({ "list_id": home }))
                        .await
                }
                _ => alice.delete(&format!("{path}?permanent=true")).await,
            };
        }
    };
    let writers = futures_util::future::join_all((0..8).map(write));
    let read = async {
        for _ in 0..40 {
            copy.page(&alice, 3).await;
        }
    };
    futures_util::future::join(writers, read).await;
    copy.follow(&alice, 7).await;
    assert_eq!(copy.rows, everything(&alice).await);
}
