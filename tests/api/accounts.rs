//! Accounts: reading, erasing and adopting them.

use std::cell::Cell;

use futures_util::future::join_all;
use serde_json::{Value, json};
use todoward::primitives::id::ResourceId;

use crate::support::copy::{Copy, everything};
use crate::support::tokens::{claims, now, sign};
use crate::support::{Client, Engine, Response, TestApp, block_on, on_both_databases};

on_both_databases! {
    an_account_says_who_it_is_until_when_and_how_much_there_is,
    only_a_token_that_was_issued_a_moment_ago_erases_or_adopts,
    an_account_is_erased_only_by_its_own_id,
    nothing_of_an_erased_account_remains,
    an_erased_account_begins_anew,
    a_cursor_from_before_an_erasure_never_holds_again,
    an_account_with_many_rows_is_erased_in_steps,
    what_is_written_while_an_account_is_erased_never_brings_back_what_was_there,
    a_stream_of_an_erased_account_ends_on_every_replica,
    an_export_of_an_account_that_is_erased_meanwhile_ends,
    whoever_reads_an_erased_account_leaves_nothing,
    whoever_tidies_up_an_erased_account_leaves_nothing,
    whoever_follows_an_account_with_nothing_misses_nothing,
    erasing_and_adopting_what_is_not_there_writes_nothing,
    everything_of_an_anonymous_account_is_adopted,
    whoever_follows_the_adopting_account_sees_what_it_has_got,
    an_id_that_both_accounts_have_is_given_anew,
    what_had_ended_comes_back_by_adopting,
    of_two_equal_idempotency_keys_the_adopters_stays,
    a_repeat_after_adopting_shows_the_list_with_the_id_that_it_got,
    an_adoption_over_the_quota_moves_nothing,
    adopting_ones_own_account_or_twice_changes_nothing,
    only_an_anonymous_account_is_adopted_unless_any_may_be,
    a_bad_second_token_is_no_401,
    the_second_token_is_sent_once,
    the_second_token_counts_nowhere_else,
    accounts_that_adopt_each_other_at_the_same_time_lose_nothing,
    accounts_that_adopt_each_other_while_they_are_erased_end_with_nothing,
    what_is_written_while_an_account_is_adopted_is_not_lost,
}

const TASKS: &str = "/api/v1/tasks";
const LISTS: &str = "/api/v1/lists";
const ADOPT: &str = "/api/v1/users/me/adopt";
const STREAM: &str = "/api/v1/changes/stream";

const HEADER: &str = "X-Adopt-Authorization";

/// A token of a user whom Better Auth calls anonymous.
fn anonymous(user: &str) -> String {
    let mut claims = claims(user);
    claims["isAnonymous"] = json!(true);
    sign(&claims)
}

async fn adopt(client: &Client, other: &str) -> Response {
    let request = client.request("POST", ADOPT);
    let request = request.header(HEADER, format!("Bearer {other}"));
    request.send().await
}

async fn erase(client: &Client, owner: &str) -> Response {
    client.delete(&format!("/api/v1/users/{owner}")).await
}

fn id_of(row: &Value) -> String {
    row["id"].as_str().unwrap().to_owned()
}

async fn list(client: &Client, name: &str) -> String {
    let list = client.post(LISTS, &json!({ "name": name })).await;
    id_of(&list.expect(201).json())
}

async fn keyed(client: &Client, key: &str, title: &str) -> Response {
    let request = client.request("POST", TASKS).header("Idempotency-Key", key);
    request.json(&json!({ "title": title })).send().await
}

async fn count(client: &Client) -> (Value, Value) {
    let account = client.get("/api/v1/users/me").await.expect(200).json();
    (account["tasks"].clone(), account["lists"].clone())
}

/// A list, a task in it with a subtask, one of the inbox, one in the trash, one with a key.
async fn fill(client: &Client, word: &str) {
    let list = list(client, &format!("{word} list")).await;
    let parent = json!({ "title": format!("{word} parent"), "list_id": list });
    let parent = id_of(&client.create(parent).await);
    let child = json!({ "title": format!("{word} child"), "parent_id": parent, "tags": [word] });
    client.create(child).await;
    client.create_path(&format!("{word} in the inbox")).await;
    let trashed = client.create_path(&format!("{word} in the trash")).await;
    client.delete(&trashed).await.expect(204);
    let ended = client.create_path(&format!("{word} ended")).await;
    let ended = format!("{ended}?permanent=true");
    client.delete(&ended).await.expect(204);
    keyed(client, "a-key", &format!("{word} with a key"))
        .await
        .expect(201);
}

/// The rows of an owner, in every table.
async fn rows(app: &TestApp, owner: &str) -> i64 {
    let tables = [
        "tasks",
        "lists",
        "idempotency_keys",
        "gone",
        "owners",
        "epochs",
        "erasures",
    ];
    let mut all = 0;
    for table in tables {
        all += app.count(&format!(
            "SELECT count(*) AS count FROM {table} WHERE owner_id = '{owner}'"
        ));
    }
    all
}

async fn an_account_says_who_it_is_until_when_and_how_much_there_is(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let end = now() + 900;
    let token = sign(&json!({ "sub": "alice", "exp": end }));
    let alice = app.with_token(&token);
    let account = alice.get("/api/v1/users/me").await.expect(200).json();
    assert_eq!(account["owner_id"], "alice");
    assert_eq!(
        (&account["tasks"], &account["lists"]),
        (&json!(0), &json!(0))
    );
    let expires_at = account["expires_at"].as_str().unwrap();
    let expires_at: chrono::DateTime<chrono::Utc> = expires_at.parse().unwrap();
    assert_eq!(expires_at.timestamp(), end);
    fill(&alice, "any").await;
    app.user("bob").create_path("bob's").await;
    let account = alice.get("/api/v1/users/alice").await.expect(200).json();
    assert_eq!(
        (&account["tasks"], &account["lists"]),
        (&json!(5), &json!(1))
    );
    let head = alice.request("HEAD", "/api/v1/users/me").send().await;
    head.expect(200);
    alice
        .get("/api/v1/users/me?a=b")
        .await
        .expect_problem(400, "unknown_parameter");
    alice
        .get("/api/v1/users/bob")
        .await
        .expect_problem(403, "foreign_path");
}

async fn only_a_token_that_was_issued_a_moment_ago_erases_or_adopts(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    alice.create_path("kept").await;
    let issued = |ago: i64| json!({ "sub": "alice", "iat": now() - ago, "exp": now() + 900 });
    let without = json!({ "sub": "alice", "exp": now() + 900 });
    for (claims, word) in [(issued(400), "too old"), (without, "no iat")] {
        let stale = app.with_token(&sign(&claims));
        for response in [
            erase(&stale, "alice").await,
            erase(&stale, "me").await,
            adopt(&stale, &anonymous("bob")).await,
        ] {
            let response = response.expect_problem(401, "token_expired");
            assert!(
                response
                    .header("www-authenticate")
                    .contains("invalid_token")
            );
            let detail = response.json()["detail"].as_str().unwrap().to_owned();
            assert!(detail.contains(word), "{detail}");
        }
        assert_eq!(
            stale.titles("").await,
            ["kept"],
            "it is good for anything else"
        );
    }
    // The clocks of both servers may differ by so much as everywhere.
    let fresh = app.with_token(&sign(&issued(310)));
    erase(&fresh, "alice").await.expect(200);
    let patient = [("TODOWARD__ACCOUNTS__MAX_TOKEN_AGE", "600")];
    let patient = TestApp::on_database(engine, &app.database_url, &patient).await;
    let fresh = patient.with_token(&sign(&issued(400)));
    erase(&fresh, "alice").await.expect(200);
}

async fn an_account_is_erased_only_by_its_own_id(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    alice.create_path("kept").await;
    let problem = erase(&alice, "me").await;
    let problem = problem.expect_problem(400, "invalid_request").json();
    assert!(
        problem["detail"]
            .as_str()
            .unwrap()
            .contains("spell the id out")
    );
    for other in ["bob", "Alice", "alic", "%61lice%20"] {
        let refused = erase(&alice, other).await;
        refused.expect_problem(403, "foreign_path");
    }
    alice
        .delete("/api/v1/users/alice?a=b")
        .await
        .expect_problem(400, "unknown_parameter");
    assert_eq!(alice.titles("").await, ["kept"]);
    erase(&alice, "%61lice").await.expect(200);
    // Whose id it is: spelled out as any other.
    let me = app.user("me");
    me.create_path("a").await;
    let deleted = erase(&me, "me").await.expect(200).json();
    assert_eq!(deleted["deleted"]["tasks"], 1);
}

async fn nothing_of_an_erased_account_remains(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let (alice, bob) = (app.user("alice"), app.user("bob"));
    fill(&alice, "secret").await;
    fill(&bob, "other").await;
    Copy::of(&alice).await;
    let copy = Copy::of(&bob).await;
    let before = rows(&app, "bob").await;
    let erased = erase(&alice, "alice").await.expect(200).json();
    assert_eq!(erased, json!({ "deleted": { "tasks": 5, "lists": 1 } }));
    assert_eq!(rows(&app, "alice").await, 0);
    assert_eq!(rows(&app, "bob").await, before);
    assert_eq!(everything(&bob).await, copy.rows);
    let again = erase(&alice, "alice").await.expect(200).json();
    assert_eq!(again, json!({ "deleted": { "tasks": 0, "lists": 0 } }));
}

async fn an_erased_account_begins_anew(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    let id = ResourceId::generate();
    let with_id = || {
        let request = alice.request("PUT", &format!("{TASKS}/{id}"));
        let request = request.header("If-None-Match", "*");
        request.json(&json!({ "title": "with an id" })).send()
    };
    with_id().await.expect(201);
    alice
        .delete(&format!("{TASKS}/{id}?permanent=true"))
        .await
        .expect(204);
    with_id().await.expect(412);
    let first = keyed(&alice, "k", "once").await.expect(201).json();
    erase(&alice, "alice").await.expect(200);
    assert_eq!(alice.titles("").await, [""; 0]);
    with_id().await.expect(201);
    let second = keyed(&alice, "k", "once").await.expect(201);
    assert_eq!(second.header("idempotency-replayed"), "");
    assert_ne!(second.json()["id"], first["id"]);
}

async fn a_cursor_from_before_an_erasure_never_holds_again(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    let mut copies = Vec::new();
    for round in 0..3 {
        let path = alice.create_path(&format!("round {round}")).await;
        for title in ["a", "b", "c"] {
            copies.push(Copy::of(&alice).await);
            alice
                .patch(&path, &json!({ "title": title }))
                .await
                .expect(200);
        }
        copies.push(Copy::of(&alice).await);
        erase(&alice, "alice").await.expect(200);
        for copy in &copies {
            let refused = copy.pull(&alice, 100).await.unwrap();
            refused.expect_problem(410, "sync_reset");
        }
    }
    for number in 0..20 {
        alice.create_path(&format!("task {number}")).await;
        Copy::of(&alice).await;
        for copy in &copies {
            let refused = copy.pull(&alice, 100).await.unwrap();
            refused.expect_problem(410, "sync_reset");
        }
    }
}

async fn an_account_with_many_rows_is_erased_in_steps(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let (alice, bob) = (app.user("alice"), app.user("bob"));
    fill(&bob, "other").await;
    let before = rows(&app, "bob").await;
    alice.create_path("one of many").await;
    app.copy_tasks("alice", 2_345).await;
    list(&alice, "a list").await;
    let erased = erase(&alice, "alice").await.expect(200).json();
    assert_eq!(erased, json!({ "deleted": { "tasks": 2_345, "lists": 1 } }));
    assert_eq!(rows(&app, "alice").await, 0);
    assert_eq!(rows(&app, "bob").await, before);
}

async fn what_is_written_while_an_account_is_erased_never_brings_back_what_was_there(
    engine: Engine,
) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    alice.create_path("one of many").await;
    app.copy_tasks("alice", 1_500).await;
    let list = list(&alice, "a list").await;
    let mut old = Vec::new();
    for number in 0..20 {
        let task = json!({ "title": format!("old {number}"), "list_id": list });
        old.push(format!("{TASKS}/{}", id_of(&alice.create(task).await)));
    }
    let writes = old.iter().enumerate().map(async |(number, path)| {
        for title in ["x", "y", "z"] {
            let title = json!({ "title": format!("old {title}") });
            let status = match number % 4 {
                0 => alice.patch(path, &title).await.status,
                1 => {
                    let complete = alice.request("PATCH", &format!("{path}/complete"));
                    complete.send().await.status
                }
                2 => alice.delete(path).await.status,
                _ => {
                    let created = alice.post(TASKS, &json!({ "title": "new" })).await;
                    created.status
                }
            };
            assert!(matches!(status, 200 | 201 | 204 | 404), "{status}");
        }
    });
    let (erased, _) = futures_util::future::join(erase(&alice, "alice"), join_all(writes)).await;
    erased.expect(200);
    let left = alice.titles("?limit=200").await;
    assert!(left.iter().all(|title| title == "new"), "{left:?}");
    alice.get(&format!("{LISTS}/{list}")).await.expect(404);
    erase(&alice, "alice").await.expect(200);
    assert_eq!(rows(&app, "alice").await, 0);
}

async fn a_stream_of_an_erased_account_ends_on_every_replica(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let other = TestApp::on_database(engine, &app.database_url, &[]).await;
    let (alice, there) = (app.user("alice"), other.user("alice"));
    alice.create_path("a").await;
    let mut here = alice.request("GET", STREAM).events().await;
    let mut elsewhere = there.request("GET", STREAM).events().await;
    here.changed().await;
    elsewhere.changed().await;
    // The other replica has asked once how far the changes are.
    alice.create_path("b").await;
    here.changed().await;
    elsewhere.changed().await;
    erase(&alice, "alice").await.expect(200);
    here.ended().await;
    elsewhere.ended().await;
}

async fn an_export_of_an_account_that_is_erased_meanwhile_ends(engine: Engine) {
    const COUNT: usize = 4_000;
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    // Much more than the buffers between client and server hold.
    let task = json!({ "title": "exported", "description": "long ".repeat(1_000) });
    alice.create(task).await;
    app.copy_tasks("alice", COUNT).await;
    let mut file = alice.request("GET", "/api/v1/export").stream().await;
    let mut exported = file.chunk().await.unwrap().unwrap().to_vec();
    erase(&alice, "alice").await.expect(200);
    // It ends, with the file or with the connection.
    while let Ok(Some(chunk)) = file.chunk().await {
        exported.extend(chunk);
    }
    let lines = exported.split(|byte| *byte == b'\n').count();
    assert!(lines < COUNT, "{lines} lines");
    assert_eq!(rows(&app, "alice").await, 0);
    assert_eq!(alice.titles("").await, [""; 0]);
}

async fn whoever_tidies_up_an_erased_account_leaves_nothing(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    fill(&alice, "erased").await;
    erase(&alice, "alice").await.expect(200);
    for path in [
        "/api/v1/tasks?completed=true",
        "/api/v1/tasks?trash=true",
        "/api/v1/lists?trash=true",
        "/api/v1/tags?name=home",
    ] {
        alice.delete(path).await.expect(200);
        assert_eq!(rows(&app, "alice").await, 0, "{path}");
    }
    let rename = json!({ "name": "house" });
    alice
        .patch("/api/v1/tags?name=home", &rename)
        .await
        .expect(200);
    assert_eq!(rows(&app, "alice").await, 0);
}

async fn whoever_reads_an_erased_account_leaves_nothing(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let other = TestApp::on_database(engine, &app.database_url, &[]).await;
    let alice = app.user("alice");
    fill(&alice, "erased").await;
    let old = Copy::of(&alice).await;
    erase(&alice, "alice").await.expect(200);
    for client in [&alice, &other.user("alice"), &app.user("unknown")] {
        for path in [
            TASKS,
            LISTS,
            "/api/v1/tasks/count",
            "/api/v1/tags",
            "/api/v1/users/me",
            "/api/v1/export",
        ] {
            client.get(path).await.expect(200);
        }
        let mut copy = Copy::of(client).await;
        assert_eq!(copy.follow(client, 100).await, 0);
        let mut stream = client.request("GET", STREAM).events().await;
        let id = stream.changed().await;
        let again = client.request("GET", STREAM).header("Last-Event-ID", &id);
        again.events().await;
        client
            .get(&format!("/api/v1/changes?since={id}"))
            .await
            .expect(200);
    }
    let reset = old.pull(&alice, 100).await.unwrap();
    reset.expect_problem(410, "sync_reset");
    for owner in ["alice", "unknown"] {
        assert_eq!(rows(&app, owner).await, 0, "{owner}");
    }
}

async fn whoever_follows_an_account_with_nothing_misses_nothing(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let other = TestApp::on_database(engine, &app.database_url, &[]).await;
    for (number, writer) in [&app, &other].into_iter().enumerate() {
        for first in ["task", "task in a list"] {
            let owner = format!("{first} {number}").replace(' ', "-");
            let (alice, writer) = (app.user(&owner), writer.user(&owner));
            let mut copies = [Copy::of(&alice).await, Copy::of(&alice).await];
            let mut stream = alice.request("GET", STREAM).events().await;
            stream.changed().await;
            let path = match first {
                "task" => writer.create_path("the first").await,
                _ => {
                    let list = list(&writer, "a list").await;
                    let task = json!({ "title": "the first", "list_id": list });
                    format!("{TASKS}/{}", id_of(&writer.create(task).await))
                }
            };
            let id = stream.changed().await;
            alice
                .get(&format!("/api/v1/changes?since={id}"))
                .await
                .expect(200);
            let [copy, late] = &mut copies;
            copy.follow(&alice, 1).await;
            assert_eq!(copy.rows, everything(&alice).await);
            // What came and went is told too: a client may have written it itself.
            let ended = format!("{path}?permanent=true");
            writer.delete(&ended).await.expect(204);
            copy.follow(&alice, 1).await;
            assert_eq!(copy.rows, everything(&alice).await);
            let page = late.pull(&alice, 100).await.unwrap().expect(200).json();
            assert_eq!(page["gone"].as_array().unwrap().len(), 1);
            // Nobody knows whether it was there before an erasure.
            erase(&alice, &owner).await.expect(200);
            let reset = late.pull(&alice, 100).await.unwrap();
            reset.expect_problem(410, "sync_reset");
            stream.ended().await;
        }
    }
}

async fn erasing_and_adopting_what_is_not_there_writes_nothing(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let (alice, bob) = (app.user("alice"), app.user("bob"));
    // Whoever erases resets this cursor.
    let copy = Copy::of(&bob).await;
    let nothing = json!({ "tasks": 0, "lists": 0 });
    for _ in 0..3 {
        let erased = erase(&alice, "alice").await.expect(200).json();
        assert_eq!(erased, json!({ "deleted": nothing }));
        let adopted = adopt(&alice, &anonymous("guest")).await.expect(200).json();
        assert_eq!(adopted, json!({ "adopted": nothing }));
    }
    copy.pull(&bob, 100).await.unwrap().expect(200);
    for owner in ["alice", "guest", ""] {
        assert_eq!(rows(&app, owner).await, 0, "{owner}");
    }
}

async fn everything_of_an_anonymous_account_is_adopted(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let (alice, guest) = (app.user("alice"), app.user("guest"));
    fill(&alice, "own").await;
    fill(&guest, "guest").await;
    let mut expected = everything(&guest).await;
    for row in expected.values_mut() {
        row["owner_id"] = json!("alice");
    }
    expected.extend(everything(&alice).await);
    let adopted = adopt(&alice, &anonymous("guest")).await.expect(200).json();
    assert_eq!(adopted, json!({ "adopted": { "tasks": 5, "lists": 1 } }));
    assert_eq!(everything(&alice).await, expected);
    assert_eq!(rows(&app, "guest").await, 0);
    assert_eq!(count(&alice).await, (json!(10), json!(2)));
    assert_eq!(
        alice.titles("?q=guest+child&tag=guest").await,
        ["guest child"]
    );
    // With its list, and in the order that it had.
    let path = "?q=guest&sort=position&parent=none&list=inbox";
    assert_eq!(
        alice.titles(path).await,
        ["guest in the inbox", "guest with a key"]
    );
    // The guest begins anew.
    fill(&guest, "guest").await;
    assert_eq!(count(&guest).await, (json!(5), json!(1)));
}

async fn whoever_follows_the_adopting_account_sees_what_it_has_got(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let (alice, guest) = (app.user("alice"), app.user("guest"));
    fill(&alice, "own").await;
    fill(&guest, "guest").await;
    let mut copy = Copy::of(&alice).await;
    let of_guest = Copy::of(&guest).await;
    let mut stream = alice.request("GET", STREAM).events().await;
    stream.changed().await;
    adopt(&alice, &anonymous("guest")).await.expect(200);
    stream.changed().await;
    assert_eq!(copy.follow(&alice, 3).await, 6);
    assert_eq!(copy.rows, everything(&alice).await);
    let reset = of_guest.pull(&guest, 100).await.unwrap();
    reset.expect_problem(410, "sync_reset");
    guest.create_path("new").await;
    Copy::of(&guest).await;
    let reset = of_guest.pull(&guest, 100).await.unwrap();
    reset.expect_problem(410, "sync_reset");
}

async fn an_id_that_both_accounts_have_is_given_anew(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let (alice, guest) = (app.user("alice"), app.user("guest"));
    let [task, list] = [ResourceId::generate(), ResourceId::generate()];
    for (client, word) in [(&alice, "alice"), (&guest, "guest")] {
        let put = async |path: String, body: Value| {
            let request = client.request("PUT", &path).header("If-None-Match", "*");
            request.json(&body).send().await.expect(201);
        };
        put(format!("{LISTS}/{list}"), json!({ "name": word })).await;
        put(
            format!("{TASKS}/{task}"),
            json!({ "title": word, "list_id": list.to_string() }),
        )
        .await;
        let child = json!({ "title": format!("below {word}"), "parent_id": task.to_string() });
        client.create(child).await;
    }
    adopt(&alice, &anonymous("guest")).await.expect(200);
    let own = alice
        .get(&format!("{TASKS}/{task}"))
        .await
        .expect(200)
        .json();
    assert_eq!(own["title"], "alice");
    let lists = alice.get(LISTS).await.expect(200).json();
    let given = lists["items"].as_array().unwrap();
    let given = given.iter().find(|list| list["name"] == "guest").unwrap();
    assert_ne!(given["id"], list.to_string());
    assert_eq!(
        given["created_at"], lists["items"][0]["created_at"],
        "its time is the same"
    );
    let of_list = format!("?list={}&parent=none", id_of(given));
    assert_eq!(alice.titles(&of_list).await, ["guest"]);
    let all = alice.get(TASKS).await.expect(200).json();
    let all = all["items"].as_array().unwrap();
    let find = |title: &str| all.iter().find(|task| task["title"] == title).unwrap();
    assert_eq!(find("below guest")["parent_id"], find("guest")["id"]);
    assert_eq!(find("below guest")["list_id"], given["id"]);
    assert_eq!(find("below alice")["parent_id"], task.to_string());
    assert_eq!(all.len(), 4);
}

async fn what_had_ended_comes_back_by_adopting(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let (alice, guest) = (app.user("alice"), app.user("guest"));
    let path = format!("{TASKS}/{}", ResourceId::generate());
    for client in [&alice, &guest] {
        let request = client.request("PUT", &path).header("If-None-Match", "*");
        let created = request.json(&json!({ "title": "the same" })).send().await;
        created.expect(201);
    }
    let mut copy = Copy::of(&alice).await;
    let ended = format!("{path}?permanent=true");
    alice.delete(&ended).await.expect(204);
    copy.follow(&alice, 100).await;
    assert_eq!(copy.rows.len(), 0);
    adopt(&alice, &anonymous("guest")).await.expect(200);
    alice.get(&path).await.expect(200);
    copy.follow(&alice, 100).await;
    assert_eq!(copy.rows, everything(&alice).await);
    assert_eq!(copy.rows.len(), 1);
}

async fn of_two_equal_idempotency_keys_the_adopters_stays(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let (alice, guest) = (app.user("alice"), app.user("guest"));
    let own = keyed(&alice, "both", "alice's").await.expect(201).json();
    keyed(&guest, "both", "guest's").await.expect(201);
    let moved = keyed(&guest, "one", "guest's").await.expect(201).json();
    adopt(&alice, &anonymous("guest")).await.expect(200);
    let again = keyed(&alice, "both", "alice's").await.expect(201);
    assert_eq!(again.json()["id"], own["id"]);
    let again = keyed(&alice, "one", "guest's").await.expect(201);
    assert_eq!(again.header("idempotency-replayed"), "true");
    assert_eq!(again.json()["id"], moved["id"]);
}

async fn a_repeat_after_adopting_shows_the_list_with_the_id_that_it_got(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let (alice, guest) = (app.user("alice"), app.user("guest"));
    let list = ResourceId::generate();
    for client in [&alice, &guest] {
        let path = format!("{LISTS}/{list}");
        let request = client.request("PUT", &path).header("If-None-Match", "*");
        let created = request.json(&json!({ "name": "both" })).send().await;
        created.expect(201);
    }
    let parent = json!({ "title": "parent", "list_id": list.to_string() });
    let parent = guest.create(parent).await;
    let child = json!({ "title": "child", "parent_id": parent["id"] });
    let create = async |client: &Client| {
        let request = client.request("POST", TASKS).json(&child);
        let response = request.header("Idempotency-Key", "k").send().await;
        response.expect(201).json()
    };
    assert_eq!(create(&guest).await["list_id"], list.to_string());
    adopt(&alice, &anonymous("guest")).await.expect(200);
    let path = format!("{TASKS}/{}", id_of(&parent));
    let given = alice.get(&path).await.expect(200).json()["list_id"].clone();
    assert_ne!(given, list.to_string());
    let inbox = json!({ "list_id": null });
    alice.patch(&path, &inbox).await.expect(200);
    assert_eq!(create(&alice).await["list_id"], given);
}

async fn an_adoption_over_the_quota_moves_nothing(engine: Engine) {
    let limits = [
        ("TODOWARD__LIMITS__TASKS_PER_OWNER", "5"),
        ("TODOWARD__LIMITS__LISTS_PER_OWNER", "1"),
    ];
    let app = TestApp::with(engine, &limits).await;
    let (alice, guest) = (app.user("alice"), app.user("guest"));
    for title in ["a", "b", "c"] {
        alice.create_path(title).await;
        guest.create_path(title).await;
    }
    let refused = adopt(&alice, &anonymous("guest")).await;
    let problem = refused.expect_problem(422, "quota_exceeded").json();
    assert!(problem["detail"].as_str().unwrap().contains("5 tasks"));
    assert_eq!(count(&alice).await, (json!(3), json!(0)));
    assert_eq!(count(&guest).await, (json!(3), json!(0)));
    guest
        .delete(&format!("{}?permanent=true", guest.create_path("d").await))
        .await
        .expect(204);
    let all = guest.get(TASKS).await.expect(200).json();
    let last = format!("{TASKS}/{}?permanent=true", id_of(&all["items"][0]));
    guest.delete(&last).await.expect(204);
    list(&alice, "a").await;
    list(&guest, "b").await;
    let refused = adopt(&alice, &anonymous("guest")).await;
    let problem = refused.expect_problem(422, "quota_exceeded").json();
    assert!(problem["detail"].as_str().unwrap().contains("1 lists"));
    guest.delete(LISTS).await.expect(400);
    alice.create_path("d").await;
    let refused = adopt(&alice, &anonymous("guest")).await;
    refused.expect_problem(422, "quota_exceeded");
}

async fn adopting_ones_own_account_or_twice_changes_nothing(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let (alice, guest) = (app.user("alice"), app.user("guest"));
    fill(&alice, "own").await;
    fill(&guest, "guest").await;
    let zeros = json!({ "adopted": { "tasks": 0, "lists": 0 } });
    let copy = Copy::of(&alice).await;
    for token in [
        sign(&claims("alice")),
        anonymous("alice"),
        anonymous("nobody"),
    ] {
        let own = adopt(&alice, &token).await.expect(200).json();
        assert_eq!(own, zeros);
    }
    assert_eq!(everything(&alice).await, copy.rows);
    copy.pull(&alice, 100).await.unwrap().expect(200);
    adopt(&alice, &anonymous("guest")).await.expect(200);
    let before = everything(&alice).await;
    let again = adopt(&alice, &anonymous("guest")).await.expect(200).json();
    assert_eq!(again, zeros);
    assert_eq!(everything(&alice).await, before);
}

async fn only_an_anonymous_account_is_adopted_unless_any_may_be(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let bob = app.user("bob");
    bob.create_path("bob's").await;
    let alice = app.user("alice");
    for value in [
        json!(null),
        json!(false),
        json!("true"),
        json!(1),
        json!([true]),
    ] {
        let mut claims = claims("bob");
        claims["isAnonymous"] = value;
        let refused = adopt(&alice, &sign(&claims)).await;
        refused.expect_problem(403, "adopt_refused");
    }
    assert_eq!(bob.titles("").await, ["bob's"]);
    let any = [("TODOWARD__ACCOUNTS__ADOPT", "any")];
    let any = TestApp::on_database(engine, &app.database_url, &any).await;
    adopt(&any.user("alice"), &sign(&claims("bob")))
        .await
        .expect(200);
    assert_eq!(alice.titles("").await, ["bob's"]);
}

async fn a_bad_second_token_is_no_401(engine: Engine) {
    let scopes = [("TODOWARD__AUTH__OAUTH_READ_SCOPES", "tasks:read")];
    let app = TestApp::with(engine, &scopes).await;
    app.user("guest").create_path("the guest's").await;
    let alice = app.user("alice");
    let but = |name: &str, value: Value| {
        let mut claims = claims("guest");
        claims["isAnonymous"] = json!(true);
        claims[name] = value;
        sign(&claims)
    };
    let forged = format!("{}x", anonymous("guest"));
    for (token, code) in [
        ("letmein".to_owned(), "malformed_token"),
        (forged, "invalid_signature"),
        (but("exp", json!(now() - 3600)), "token_expired"),
        (but("iat", json!(now() - 400)), "token_expired"),
        (but("iat", json!(null)), "invalid_claims"),
        (but("nbf", json!(now() + 3600)), "token_not_yet_valid"),
        (but("sub", json!("")), "invalid_claims"),
        (but("client_id", json!("a program")), "insufficient_scope"),
    ] {
        let refused = adopt(&alice, &token).await;
        let problem = refused.expect_problem(403, "adopt_refused");
        assert_eq!(problem.header("www-authenticate"), "");
        let detail = problem.json()["detail"].as_str().unwrap().to_owned();
        assert!(detail.contains(code), "{code}: {detail}");
    }
    assert_eq!(count(&app.user("guest")).await, (json!(1), json!(0)));
}

async fn the_second_token_is_sent_once(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    let good = format!("Bearer {}", anonymous("guest"));
    let list = format!("{good}, {good}");
    let basic = "Basic YWxpY2U6YQ==".to_owned();
    let bare = anonymous("guest");
    for values in [
        vec![],
        vec![String::new()],
        vec![good.clone(), good.clone()],
        vec![list],
        vec![basic],
        vec![bare],
    ] {
        let mut request = alice.request("POST", ADOPT);
        for value in &values {
            request = request.header(HEADER, value);
        }
        let refused = request.send().await;
        refused.expect_problem(400, "invalid_request");
    }
    let queried = alice.request("POST", &format!("{ADOPT}?a=b"));
    let refused = queried.header(HEADER, &good).send().await;
    refused.expect_problem(400, "unknown_parameter");
}

async fn the_second_token_counts_nowhere_else(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    app.user("guest").create_path("the guest's").await;
    let good = format!("Bearer {}", anonymous("guest"));
    let alone = app.anonymous().request("GET", TASKS).header(HEADER, &good);
    alone.send().await.expect_problem(401, "missing_token");
    for value in [good.as_str(), "Bearer x", ""] {
        let both = app
            .user("alice")
            .request("GET", TASKS)
            .header(HEADER, value);
        assert_eq!(both.send().await.expect(200).json()["items"], json!([]));
    }
}

async fn accounts_that_adopt_each_other_at_the_same_time_lose_nothing(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let (alice, bob) = (app.user("alice"), app.user("bob"));
    for number in 0..20 {
        alice.create_path(&format!("alice {number}")).await;
        bob.create_path(&format!("bob {number}")).await;
    }
    let adoptions = (0..8).map(async |number| {
        let (client, other) = match number % 2 {
            0 => (&alice, "bob"),
            _ => (&bob, "alice"),
        };
        adopt(client, &anonymous(other)).await.expect(200);
    });
    join_all(adoptions).await;
    let (of_alice, of_bob) = (count(&alice).await.0, count(&bob).await.0);
    let all = of_alice.as_u64().unwrap() + of_bob.as_u64().unwrap();
    assert_eq!(all, 40, "{of_alice} and {of_bob}");
}

async fn accounts_that_adopt_each_other_while_they_are_erased_end_with_nothing(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let (alice, bob) = (app.user("alice"), app.user("bob"));
    for client in [&alice, &bob] {
        client.create_path("one of many").await;
        let daily = json!({ "title": "daily", "due_date": "2026-01-01", "recurrence": { "rule": "FREQ=DAILY" } });
        client.create(daily).await;
    }
    // Erased in several steps.
    app.copy_tasks("alice", 700).await;
    let tasks = alice.get(&format!("{TASKS}?q=daily&limit=5")).await;
    let tasks = tasks.expect(200).json();
    let daily = format!("{TASKS}/{}/complete", id_of(&tasks["items"][0]));
    let create = json!({ "method": "POST", "path": "/tasks", "body": { "title": "new" } });
    let batch = json!({ "operations": [create.clone(), create] });
    let both = (0..12).map(async |number| {
        let status = match number % 6 {
            0 => adopt(&alice, &anonymous("bob")).await.status,
            1 => adopt(&bob, &anonymous("alice")).await.status,
            2 => erase(&alice, "alice").await.status,
            3 => erase(&bob, "bob").await.status,
            4 => alice.post("/api/v1/batch", &batch).await.status,
            _ => alice.request("PATCH", &daily).send().await.status,
        };
        assert!(matches!(status, 200 | 403 | 404), "{number}: {status}");
    });
    join_all(both).await;
    // The last ones have found all that was there when they began; what was written since is new.
    for client in [&alice, &bob] {
        let owner = client.get("/api/v1/users/me").await.expect(200).json();
        let owner = owner["owner_id"].as_str().unwrap().to_owned();
        erase(client, &owner).await.expect(200);
        assert_eq!(rows(&app, &owner).await, 0, "{owner}");
    }
}

async fn what_is_written_while_an_account_is_adopted_is_not_lost(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let (alice, guest) = (app.user("alice"), app.user("guest"));
    let mut paths = Vec::new();
    for number in 0..20 {
        paths.push(guest.create_path(&format!("task {number}")).await);
    }
    let writes = paths.iter().map(async |path| {
        let title = json!({ "title": "written" });
        let status = guest.patch(path, &title).await.status;
        let created = guest.post(TASKS, &json!({ "title": "new" })).await;
        created.expect(201);
        (path, status)
    });
    let token = anonymous("guest");
    let (adopted, written) =
        futures_util::future::join(adopt(&alice, &token), join_all(writes)).await;
    adopted.expect(200);
    adopt(&alice, &token).await.expect(200);
    assert_eq!(count(&alice).await.0, 40);
    for (path, status) in written {
        let task = alice.get(path).await.expect(200).json();
        match status {
            200 => assert_eq!(task["title"], "written"),
            403 | 404 => assert_ne!(task["title"], "written"),
            other => panic!("{other}"),
        }
    }
}

/// Other writes of a SQLite file wait for an adoption: longer than they would wait for a
/// connection.
#[test]
fn on_sqlite_others_wait_while_a_large_account_is_adopted_and_are_not_refused() {
    block_on(async {
        let variables = [("TODOWARD__DATABASE__ACQUIRE_TIMEOUT", "1")];
        let app = TestApp::with(Engine::Sqlite, &variables).await;
        let (alice, guest, bob) = (app.user("alice"), app.user("guest"), app.user("bob"));
        guest.create_path("as slow as a hundred thousand").await;
        app.execute(
            "CREATE TRIGGER slow BEFORE UPDATE OF owner_id ON tasks BEGIN \
             SELECT count(*) FROM (WITH RECURSIVE n (i) AS \
             (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 8000000) SELECT i FROM n); END",
        );
        let token = anonymous("guest");
        let is_adopted = Cell::new(false);
        let adopting = async {
            let adopted = adopt(&alice, &token).await.expect(200).json();
            is_adopted.set(true);
            assert_eq!(adopted["adopted"]["tasks"], 1);
        };
        let writing = async {
            while !is_adopted.get() {
                bob.create_path("not refused").await;
            }
        };
        futures_util::future::join(adopting, writing).await;
    });
}
