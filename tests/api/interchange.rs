//! Files: what is exported is imported again as it was, and twice is once.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Client, Engine, Response, TestApp, on_both_databases};

on_both_databases! {
    what_is_exported_is_the_same_for_another_user_but_for_the_owner,
    a_second_import_changes_nothing,
    ids_of_another_program_are_known_again_and_bring_their_parents,
    the_order_of_a_file_is_kept_behind_what_is_there,
    new_tasks_stand_below_old_ones_and_in_old_lists,
    what_would_stand_where_nothing_may_is_put_elsewhere_and_told,
    a_time_of_creation_that_cannot_be_is_told,
    a_dry_run_says_the_same_and_writes_nothing,
    a_bad_line_is_named_and_nothing_is_imported,
    what_has_ended_comes_back_with_another_id,
    two_imports_of_one_file_at_once_are_one,
    what_was_deleted_at_the_end_of_the_last_year_leaves_the_trash_usable,
    ids_that_look_like_others_are_imported_too,
    a_version_has_room_above_it,
    what_is_imported_is_a_change_that_followers_see,
    the_format_is_said_by_type_or_by_name,
    an_export_is_in_the_format_that_is_asked_for,
    an_export_of_many_has_each_task_once_while_they_change,
    what_is_too_large_or_compressed_is_refused,
    an_import_counts_by_its_size_for_the_rate_limit,
    more_than_the_quota_is_refused_as_a_whole,
    a_third_import_of_a_user_waits_for_the_others,
    a_client_that_leaves_has_imported_nothing,
    an_import_beside_the_erasure_of_the_account_is_whole_or_gone,
    an_export_of_large_tasks_has_each_once,
    others_write_beside_an_import_and_are_not_refused,
}

const IMPORT: &str = "/api/v1/import";
const NDJSON: &str = "application/x-ndjson";

async fn import(client: &Client, file: &str) -> Value {
    send(client, file).await.expect(200).json()
}

async fn send(client: &Client, file: &str) -> Response {
    let request = client.request("POST", IMPORT);
    request.body(NDJSON, file).send().await
}

async fn export(client: &Client) -> String {
    client.get("/api/v1/export").await.expect(200).text()
}

fn lines(file: &str) -> Vec<Value> {
    let lines = file.lines().map(serde_json::from_str);
    lines.collect::<Result<_, _>>().unwrap()
}

/// One line for each task.
fn file(tasks: impl IntoIterator<Item = Value>) -> String {
    let lines = tasks
        .into_iter()
        .map(|task| format!("{}\n", json!({ "task": task })));
    lines.collect()
}

fn counts(tasks: usize, lists: usize) -> Value {
    json!({ "tasks": tasks, "lists": lists })
}

/// A user with everything that there is.
async fn everything(client: &Client) {
    let list = json!({ "name": "Groceries", "color": "#2e7d32" });
    let list = client.post("/api/v1/lists", &list).await.expect(201).json();
    let gone = client
        .post("/api/v1/lists", &json!({ "name": "Old", "archived": true }))
        .await
        .expect(201)
        .json();
    let parent = client
        .create(json!({
            "title": "Äpfel \u{1f34e}", "description": "a\nb", "tags": ["x, y", "é"],
            "list_id": list["id"], "priority": "high", "due_date": "2027-01-31",
            "due_time": "09:30", "time_zone": "Europe/Berlin",
            "recurrence": { "rule": "FREQ=MONTHLY", "from": "completion" },
        }))
        .await;
    for title in ["one", "two", "three"] {
        client
            .create(json!({ "title": title, "parent_id": parent["id"] }))
            .await;
    }
    let done = client
        .create(json!({ "title": "weekly", "due_date": "2026-11-02", "recurrence": { "rule": "FREQ=WEEKLY" } }))
        .await;
    let complete = format!("/api/v1/tasks/{}/complete", done["id"].as_str().unwrap());
    client
        .patch(&complete, &json!({ "completed": true }))
        .await
        .expect(200);
    let trashed = client
        .create(json!({ "title": "in the list", "list_id": gone["id"] }))
        .await;
    client
        .create(json!({ "title": "below", "parent_id": trashed["id"] }))
        .await;
    let gone = format!("/api/v1/lists/{}", gone["id"].as_str().unwrap());
    client.delete(&gone).await.expect(204);
    let moved = client.create_path("moved").await;
    let first = json!({ "first": true });
    client
        .post(&format!("{moved}/move"), &first)
        .await
        .expect(200);
    for number in 0..3 {
        let title = json!({ "title": format!("moved {number}") });
        client.patch(&moved, &title).await.expect(200);
    }
}

async fn what_is_exported_is_the_same_for_another_user_but_for_the_owner(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let (alice, bob) = (app.user("alice"), app.user("bob"));
    everything(&alice).await;
    let exported = export(&alice).await;
    assert!(exported.contains("\"deleted_with\""), "{exported}");
    let done = import(&bob, &exported).await;
    assert_eq!(done["created"], counts(9, 2), "{done}");
    assert_eq!(done["dropped"], json!([]));
    let again = export(&bob).await.replace("\"bob\"", "\"alice\"");
    assert_eq!(lines(&again), lines(&exported));
    // The list comes back with its tasks, and the series goes on where it was.
    for user in [&alice, &bob] {
        let trashed = user
            .get("/api/v1/lists?trash=true")
            .await
            .expect(200)
            .json();
        let id = trashed["items"][0]["id"].as_str().unwrap().to_owned();
        user.post(&format!("/api/v1/lists/{id}/restore"), &json!({}))
            .await
            .expect(200);
        let inside = user
            .get(&format!("/api/v1/tasks?list={id}"))
            .await
            .expect(200)
            .json();
        assert_eq!(inside["items"].as_array().unwrap().len(), 2);
    }
}

async fn a_second_import_changes_nothing(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let (alice, bob) = (app.user("alice"), app.user("bob"));
    everything(&alice).await;
    let exported = export(&alice).await;
    let done = import(&alice, &exported).await;
    assert_eq!(
        (&done["created"], &done["existing"]),
        (&counts(0, 0), &counts(9, 2))
    );
    assert_eq!(export(&alice).await, exported);
    let formats = [
        (
            "text/plain",
            "Buy milk\nBuy milk\n(A) Pay rent +home\n",
            counts(3, 1),
        ),
        (
            "text/csv",
            "title,list\nBuy bread,\nBuy bread,\n",
            counts(2, 0),
        ),
        (
            "text/calendar",
            "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//a//b//EN\r\nBEGIN:VTODO\r\nUID:1@a\r\nDTSTAMP:20261101T000000Z\r\nSUMMARY:Call\r\nEND:VTODO\r\nEND:VCALENDAR\r\n",
            counts(1, 0),
        ),
    ];
    for (kind, file, wanted) in formats {
        let request = || bob.request("POST", IMPORT).body(kind, file).send();
        let first = request().await.expect(200).json();
        if kind != "text/plain" {
            assert_eq!(first["created"], wanted, "{first}");
        }
        let before = export(&bob).await;
        let second = request().await.expect(200).json();
        assert_eq!(second["created"], counts(0, 0), "{second}");
        assert_eq!(second["existing"], first["created"]);
        assert_eq!(export(&bob).await, before);
    }
    // One line more is one task more.
    let more = "Buy milk\nBuy milk\nBuy milk\n";
    let done = bob
        .request("POST", IMPORT)
        .body("text/plain", more)
        .send()
        .await;
    assert_eq!(done.expect(200).json()["created"], counts(1, 0));
}

async fn ids_of_another_program_are_known_again_and_bring_their_parents(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    let tasks = || {
        file([
            json!({ "id": 2, "title": "below", "parent_id": 1, "created_at": "2024-02-01T10:00:00Z" }),
            json!({ "id": 1, "title": "above", "completed": true, "created_at": "2024-01-01T10:00:00+01:00" }),
            json!({ "id": "0d9e0b5c-25a4-4f0c-8c32-5d4e5a5f6b7c", "title": "a random id" }),
        ])
    };
    let done = import(&alice, &tasks()).await;
    assert_eq!(done["created"], counts(3, 0), "{done}");
    let items = alice
        .get("/api/v1/tasks?sort=created_at")
        .await
        .expect(200)
        .json();
    let items = items["items"].as_array().unwrap().clone();
    assert_eq!(items[0]["title"], "above");
    assert_eq!(items[0]["created_at"], "2024-01-01T09:00:00.000Z");
    assert_eq!(items[1]["parent_id"], items[0]["id"]);
    assert_eq!(items[0]["version"], 1);
    // Changed since, and imported again with another time.
    let path = format!("/api/v1/tasks/{}", items[0]["id"].as_str().unwrap());
    alice
        .patch(&path, &json!({ "title": "changed" }))
        .await
        .expect(200);
    let done = import(&alice, &tasks().replace("2024-01-01", "2023-01-01")).await;
    assert_eq!(done["existing"], counts(3, 0), "{done}");
    assert_eq!(
        alice.get(&path).await.expect(200).json()["title"],
        "changed"
    );
}

async fn the_order_of_a_file_is_kept_behind_what_is_there(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    for title in ["first", "second"] {
        alice.create_path(title).await;
    }
    let order = "?list=inbox&parent=none&sort=position";
    let titles = |from: usize| (from..from + 20).map(|number| format!("{number}"));
    // The same time, and then the times reversed.
    let same =
        titles(0).map(|title| json!({ "title": title, "created_at": "2020-01-01T00:00:00Z" }));
    import(&alice, &file(same)).await;
    let reversed = titles(20).enumerate().map(|(at, title)| {
        json!({ "title": title, "created_at": format!("20{:02}-01-01T00:00:00Z", 25 - at) })
    });
    import(&alice, &file(reversed)).await;
    alice.create_path("last").await;
    let wanted: Vec<String> = ["first", "second"]
        .map(str::to_owned)
        .into_iter()
        .chain(titles(0))
        .chain(titles(20))
        .chain(["last".to_owned()])
        .collect();
    assert_eq!(alice.titles(order).await, wanted);
    let lists: String = ["b", "a", "b"]
        .map(|name| format!("{}\n", json!({ "list": { "name": name } })))
        .concat();
    assert_eq!(import(&alice, &lists).await["created"], counts(0, 3));
    let lists = alice.get("/api/v1/lists").await.expect(200).json();
    let names = lists["items"].as_array().unwrap().iter();
    let names: Vec<_> = names.map(|list| list["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["b", "a", "b"]);
}

async fn new_tasks_stand_below_old_ones_and_in_old_lists(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    let list = json!({ "list": { "id": "l", "name": "old" } });
    let parent = json!({ "task": { "id": "p", "title": "parent", "list_id": "l" } });
    let first = format!("{list}\n{parent}\n");
    import(&alice, &first).await;
    let more = file([
        json!({ "id": "c", "title": "child", "parent_id": "p" }),
        json!({ "id": "n", "title": "beside", "list_id": "l" }),
    ]);
    let done = import(&alice, &format!("{first}{more}")).await;
    assert_eq!(
        (&done["created"], &done["existing"]),
        (&counts(2, 0), &counts(1, 1)),
        "{done}"
    );
    let lists = alice.get("/api/v1/lists").await.expect(200).json();
    let list = lists["items"][0]["id"].as_str().unwrap();
    let path = format!("?list={list}&sort=position");
    assert_eq!(alice.titles(&path).await.len(), 3);
    assert_eq!(
        alice.titles(&format!("{path}&parent=none")).await,
        ["parent", "beside"]
    );
    // The old parent has gone to the trash since.
    let tasks = alice.get("/api/v1/tasks?q=parent").await.expect(200).json();
    let parent = format!(
        "/api/v1/tasks/{}",
        tasks["items"][0]["id"].as_str().unwrap()
    );
    alice.delete(&parent).await.expect(204);
    let late = file([json!({ "id": "late", "title": "late", "parent_id": "p" })]);
    let done = import(&alice, &format!("{first}{more}{late}")).await;
    assert_eq!(done["created"], counts(1, 0), "{done}");
    assert_eq!(done["dropped"][0]["item"], "late", "{done}");
    assert_eq!(alice.titles("?q=late&parent=none").await, ["late"]);
}

async fn what_would_stand_where_nothing_may_is_put_elsewhere_and_told(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    let deep = (0..6).map(|level| {
        json!({ "id": level, "title": format!("level {level}"), "parent_id": (level > 0).then(|| level - 1) })
    });
    let deleted = "2026-11-01T00:00:00Z";
    let rest = [
        json!({ "id": "x", "title": "x", "parent_id": "y" }),
        json!({ "id": "y", "title": "y", "parent_id": "x" }),
        json!({ "id": "d", "title": "deleted", "deleted_at": deleted }),
        json!({ "id": "e", "title": "below what is deleted", "parent_id": "d" }),
        json!({ "id": "f", "title": "nowhere", "list_id": "unknown", "assignee": "bob" }),
        json!({ "id": "g", "title": "in a list that is deleted", "list_id": "l" }),
    ];
    let list = json!({ "list": { "id": "l", "name": "l", "deleted_at": deleted } });
    let done = import(&alice, &format!("{list}\n{}", file(deep.chain(rest)))).await;
    assert_eq!(done["created"], counts(12, 1), "{done}");
    let told = done["dropped"].as_array().unwrap().iter();
    let told: Vec<(u64, &str)> = told
        .map(|it| (it["line"].as_u64().unwrap(), it["field"].as_str().unwrap()))
        .collect();
    let wanted = [
        (6, "parent"),
        (7, "parent"),
        (9, "parent"),
        (11, "parent"),
        (12, "assignee"),
        (12, "list_id"),
        (13, "list"),
    ];
    assert_eq!(told, wanted, "{done}");
    assert_eq!(done["dropped_total"], 7);
    assert_eq!(
        alice
            .titles("?list=inbox&trash=false&limit=200")
            .await
            .len(),
        11
    );
    assert_eq!(alice.titles("?trash=true").await, ["deleted"]);
}

async fn a_time_of_creation_that_cannot_be_is_told(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    let before = chrono::Utc::now() - chrono::TimeDelta::seconds(1);
    let request = alice.request("POST", IMPORT);
    let of_todo_txt = "2024-01-02 possible\n9999-12-31 ahead\nx 2026-01-01 9999-12-31 done\n";
    let todo_txt = request.body("text/plain", of_todo_txt).send().await;
    let own = uuid::Uuid::now_v7().to_string();
    let of_ndjson = [
        json!({ "list": { "id": "l", "name": "list", "created_at": "9999-12-31T00:00:00Z" } }),
        json!({ "task": { "id": own, "title": "own id", "created_at": "9999-12-31T00:00:00Z" } }),
        json!({ "task": { "title": "usual", "created_at": "1970-01-01T00:00:00Z" } }),
    ];
    let of_ndjson: String = of_ndjson.iter().map(|line| format!("{line}\n")).collect();
    let ndjson = import(&alice, &of_ndjson).await;
    let far = "9999-12-31T00:00:00.000Z";
    let note = |line: u64, item: &str, field: &str| {
        let detail = format!("{far} is left out: it is before 1970, or more than a day ahead");
        json!({ "line": line, "item": item, "field": field, "detail": detail })
    };
    assert_eq!(
        todo_txt.expect(200).json()["dropped"],
        json!([
            note(2, "ahead", "creation date"),
            note(3, "done", "creation date")
        ])
    );
    assert_eq!(
        ndjson["dropped"],
        json!([
            note(1, "list", "created_at"),
            note(2, "own id", "created_at"),
        ])
    );
    let tasks = alice
        .get("/api/v1/tasks?limit=200")
        .await
        .expect(200)
        .json();
    for task in tasks["items"].as_array().unwrap() {
        let at = task["created_at"].as_str().unwrap();
        match task["title"].as_str().unwrap() {
            "possible" => assert_eq!(at, "2024-01-02T00:00:00.000Z"),
            "usual" => assert_eq!(at, "1970-01-01T00:00:00.000Z"),
            title => {
                let at: chrono::DateTime<chrono::Utc> = at.parse().unwrap();
                assert!(before <= at && at <= chrono::Utc::now(), "{title}: {at}");
            }
        }
    }
    // What is there already stays as it is.
    assert_eq!(import(&alice, &of_ndjson).await["dropped"], json!([]));
}

async fn a_dry_run_says_the_same_and_writes_nothing(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let (alice, bob) = (app.user("alice"), app.user("bob"));
    everything(&alice).await;
    let exported = export(&alice).await;
    let request = bob.request("POST", "/api/v1/import?dry_run=true");
    let mut dry = request
        .body(NDJSON, exported.as_str())
        .send()
        .await
        .expect(200)
        .json();
    assert_eq!(dry["dry_run"], true);
    assert_eq!(export(&bob).await, "");
    dry["dry_run"] = json!(false);
    assert_eq!(import(&bob, &exported).await, dry);
}

async fn a_bad_line_is_named_and_nothing_is_imported(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    let good = file([json!({ "title": "good" })]);
    let deep = format!("{{\"task\":{}", "[".repeat(100_000));
    for (bad, say) in [
        ("{", "not JSON"),
        ("[]", "must be"),
        ("{\"task\":{}}", "title"),
        ("{\"note\":{}}", "must be"),
        ("{\"task\":{\"title\":\"a\",\"title\":\"b\"}}", "twice"),
        (
            "{\"task\":{\"title\":\"a\",\"due_date\":\"2026-02-31\"}}",
            "due_date",
        ),
        ("{\"task\":{\"title\":\"a\",\"version\":0}}", "version"),
        (
            "{\"task\":{\"title\":\"a\",\"position\":\"é\"}}",
            "position",
        ),
        (
            "{\"task\":{\"title\":\"a\",\"completed\":\"yes\"}}",
            "completed",
        ),
        ("{\"list\":{\"name\":\"\"}}", "name"),
        (deep.as_str(), "nested"),
    ] {
        let response = send(&alice, &format!("{good}\n{bad}\n{good}")).await;
        let problem = response.expect_problem(422, "invalid_import").json();
        assert_eq!(problem["line"], 3, "{problem}");
        let detail = problem["detail"].as_str().unwrap();
        assert!(
            detail.starts_with("line 3: ") && detail.contains(say),
            "{detail}"
        );
    }
    let utf16: Vec<u8> = "\u{feff}a"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    for (kind, bad) in [
        ("text/csv", utf16.as_slice()),
        ("text/plain", b"caf\xe9\n"),
        ("application/json", b"PK\x03\x04"),
        ("text/calendar", b"BEGIN:VCALENDAR\r\n"),
    ] {
        let response = alice.request("POST", IMPORT).body(kind, bad).send().await;
        response.expect_problem(422, "invalid_import");
    }
    assert_eq!(alice.titles("").await, [""; 0]);
    let empty = import(&alice, &"\n".repeat(1_000_000)).await;
    assert_eq!(empty["created"], counts(0, 0));
}

async fn what_has_ended_comes_back_with_another_id(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    let path = alice.create_path("kept in a backup").await;
    let backup = export(&alice).await;
    for round in 0..3 {
        let tasks = alice.get("/api/v1/tasks").await.expect(200).json();
        let id = tasks["items"][0]["id"].as_str().unwrap().to_owned();
        let gone = format!("/api/v1/tasks/{id}?permanent=true");
        alice.delete(&gone).await.expect(204);
        assert_eq!(import(&alice, &backup).await["created"], counts(1, 0));
        let tasks = alice.get("/api/v1/tasks").await.expect(200).json();
        assert_ne!(tasks["items"][0]["id"], id, "{round}");
        assert_eq!(
            import(&alice, &backup).await["existing"],
            counts(1, 0),
            "{round}"
        );
    }
    alice.get(&path).await.expect(404);
}

async fn ids_that_look_like_others_are_imported_too(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    // What another program's item is known by, as the id of an item of its own.
    let item = json!({ "task": { "id": "a", "title": "a", "created_at": "2026-01-01T00:00:00Z" } });
    let (alice, bob) = (app.user("alice"), app.user("bob"));
    import(&alice, &item.to_string()).await;
    let id = lines(&export(&alice).await)[0]["task"]["id"].clone();
    let own = json!({ "task": { "id": id, "title": "b" } });
    let both = format!("{item}\n{own}\n");
    for created in [2, 0] {
        assert_eq!(import(&bob, &both).await["created"]["tasks"], created);
    }
    // Two ids that differ in their time alone.
    let list = |id: &str| json!({ "list": { "id": id, "name": "a" } }).to_string();
    for id in [
        "019a0000-0000-7000-8000-000000000001",
        "019b0000-0000-7000-8000-000000000001",
    ] {
        assert_eq!(import(&bob, &list(id)).await["created"]["lists"], 1, "{id}");
    }
}

async fn a_version_has_room_above_it(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    let task = |version: i64| json!({ "task": { "title": "a", "version": version } }).to_string();
    for refused in [0, -1, (1 << 53) + 1, i64::MAX] {
        let response = send(&alice, &task(refused)).await;
        response.expect_problem(422, "invalid_import");
    }
    import(&alice, &task(1 << 53)).await;
    let response = alice.delete("/api/v1/tasks?completed=true").await;
    response.expect(200);
}

async fn what_was_deleted_at_the_end_of_the_last_year_leaves_the_trash_usable(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    let last = "9999-12-31T23:59:59.999Z";
    import(&alice, &file([json!({ "title": "a", "deleted_at": last })])).await;
    let done = alice
        .create(json!({ "title": "b", "completed": true }))
        .await;
    assert_eq!(done["completed"], true);
    alice
        .delete("/api/v1/tasks?completed=true")
        .await
        .expect(200);
    let trash = alice.get("/api/v1/tasks?trash=true").await.expect(200);
    let trash = trash.json()["items"].as_array().unwrap().clone();
    assert_eq!(trash.len(), 2);
    for task in trash {
        let at: chrono::DateTime<chrono::Utc> =
            task["deleted_at"].as_str().unwrap().parse().unwrap();
        assert!(at <= chrono::Utc::now(), "{task}");
    }
}

async fn two_imports_of_one_file_at_once_are_one(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    for round in 0..5 {
        // Without times: the two draw different ones.
        let tasks = file((0..300).map(|number| json!({ "title": format!("{round} {number}") })));
        let (one, other) = tokio::join!(import(&alice, &tasks), import(&alice, &tasks));
        let created = |done: &Value| done["created"]["tasks"].as_u64().unwrap();
        assert_eq!(created(&one) + created(&other), 300, "{one} {other}");
    }
    let count = alice.get("/api/v1/tasks/count").await.expect(200).json();
    assert_eq!(count["count"], 1500);
}

async fn what_is_imported_is_a_change_that_followers_see(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    let snapshot = alice.get("/api/v1/changes").await.expect(200).json();
    let mut stream = alice
        .request("GET", "/api/v1/changes/stream")
        .events()
        .await;
    stream.changed().await;
    import(
        &alice,
        &file((0..30).map(|number| json!({ "title": format!("{number}") }))),
    )
    .await;
    stream.changed().await;
    let since = snapshot["next"].as_str().unwrap();
    let changes = alice
        .get(&format!("/api/v1/changes?since={since}"))
        .await
        .expect(200)
        .json();
    assert_eq!(changes["tasks"].as_array().unwrap().len(), 30);
}

async fn the_format_is_said_by_type_or_by_name(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    let google = json!({ "kind": "tasks#taskLists", "items": [{ "kind": "tasks#tasks", "id": "l", "title": "Mine", "items": [{ "kind": "tasks#task", "id": "t", "title": "of Google", "status": "needsAction" }] }] });
    let microsoft = json!({ "value": [{ "id": "m", "title": "of Microsoft", "status": "notStarted", "importance": "normal" }] });
    let todoist = "TYPE,CONTENT,DESCRIPTION,PRIORITY,INDENT,AUTHOR,RESPONSIBLE,DATE,DATE_LANG,TIMEZONE\ntask,of Todoist,,4,1,,,,,\n";
    for (query, kind, file) in [
        ("", "application/json", google.to_string()),
        ("", "application/json; charset=utf-8", microsoft.to_string()),
        ("", "text/csv", todoist.to_owned()),
        (
            "?format=todotxt",
            "application/octet-stream",
            "of todo.txt\n".to_owned(),
        ),
        (
            "",
            "TEXT/PLAIN;charset=UTF-8",
            "of todo.txt, too\n".to_owned(),
        ),
    ] {
        let request = alice.request("POST", &format!("{IMPORT}{query}"));
        let done = request.body(kind, file).send().await.expect(200).json();
        assert_eq!(done["created"]["tasks"], 1, "{kind} {done}");
    }
    let titles = alice.titles("?sort=title").await;
    assert_eq!(
        titles,
        [
            "of Google",
            "of Microsoft",
            "of todo.txt",
            "of todo.txt, too",
            "of Todoist"
        ]
    );
    for kind in ["application/xml", "text/plain; charset=latin1", "", "x"] {
        let response = alice.request("POST", IMPORT).body(kind, "a").send().await;
        let problem = response
            .expect_problem(415, "unsupported_media_type")
            .json();
        let detail = problem["detail"].as_str().unwrap();
        assert!(
            detail.contains("text/calendar") || kind.contains("latin1"),
            "{detail}"
        );
    }
    alice
        .request("POST", IMPORT)
        .bare_body("a")
        .send()
        .await
        .expect_problem(415, "unsupported_media_type");
    for query in [
        "?format=xml",
        "?format=",
        "?dry_run=yes",
        "?format=csv&format=csv",
    ] {
        let path = format!("{IMPORT}{query}");
        let response = alice.request("POST", &path).body(NDJSON, "").send().await;
        response.expect_problem(400, "invalid_parameter");
    }
    let path = format!("{IMPORT}?dryrun=true");
    let response = alice.request("POST", &path).body(NDJSON, "").send().await;
    response.expect_problem(400, "unknown_parameter");
}

async fn an_export_is_in_the_format_that_is_asked_for(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    everything(&alice).await;
    let accept = |accept: &'static str| {
        let request = alice.request("GET", "/api/v1/export");
        request.header("Accept", accept).send()
    };
    for (accepted, kind, name) in [
        ("*/*", NDJSON, ".ndjson\""),
        ("text/csv", "text/csv", ".csv\""),
        (
            "text/html, text/calendar;q=0.5, */*;q=0.1",
            "text/calendar",
            ".ics\"",
        ),
        ("text/plain, application/json", "text/plain", ".txt\""),
        ("application/x-ndjson;q=0, */*", "text/csv", ".csv\""),
        (
            "text/html,application/xhtml+xml,*/*;q=0.8",
            NDJSON,
            ".ndjson\"",
        ),
    ] {
        let response = accept(accepted).await.expect(200);
        assert!(
            response.header("content-type").starts_with(kind),
            "{accepted}"
        );
        let disposition = response.header("content-disposition");
        assert!(
            disposition.starts_with("attachment; filename=\"todoward-"),
            "{disposition}"
        );
        assert!(disposition.ends_with(name), "{disposition}");
        assert_eq!(response.header("cache-control"), "private, no-cache");
        assert_eq!(response.header("vary"), "Authorization, Origin, Accept");
        let has_trash = response.text().contains("in the list");
        assert_eq!(has_trash, kind == NDJSON, "{}", response.text());
        assert!(response.text().contains("moved 2"));
    }
    for refused in ["application/json", "text/html", "image/*", "text/csv;q=0"] {
        accept(refused).await.expect_problem(406, "not_acceptable");
    }
    let by_name = alice
        .get("/api/v1/export?format=icalendar")
        .await
        .expect(200);
    assert!(by_name.text().starts_with("BEGIN:VCALENDAR"));
    for query in ["?format=google", "?format=", "?format=csv&format=csv"] {
        let path = format!("/api/v1/export{query}");
        alice
            .get(&path)
            .await
            .expect_problem(400, "invalid_parameter");
    }
    alice
        .get("/api/v1/export?limit=1")
        .await
        .expect_problem(400, "unknown_parameter");
    let head = alice
        .request("HEAD", "/api/v1/export?format=csv")
        .send()
        .await
        .expect(200);
    assert!(head.header("content-type").starts_with("text/csv"));
    assert_eq!(head.body, b"");
}

async fn an_export_of_many_has_each_task_once_while_they_change(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    let text = "x".repeat(2000);
    import(
        &alice,
        &file((0..3000).map(|number| json!({ "title": format!("{number}"), "description": text }))),
    )
    .await;
    let path = alice.create_path("restless").await;
    let change = async {
        for number in 0..60 {
            alice
                .patch(&path, &json!({ "title": format!("restless {number}") }))
                .await
                .expect(200);
            alice.create_path("new").await;
        }
    };
    let (file, ()) = tokio::join!(export(&alice), change);
    let titles: Vec<String> = lines(&file)
        .iter()
        .map(|line| line["task"]["title"].as_str().unwrap().to_owned())
        .collect();
    let of_file = titles
        .iter()
        .filter(|title| title.parse::<u32>().is_ok())
        .count();
    assert_eq!(of_file, 3000);
    assert_eq!(
        titles
            .iter()
            .filter(|title| title.starts_with("restless"))
            .count(),
        1
    );
}

async fn what_is_too_large_or_compressed_is_refused(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    let large = vec![b'\n'; 21 * 1024 * 1024];
    let response = alice
        .request("POST", IMPORT)
        .body(NDJSON, large)
        .try_send()
        .await;
    // The connection may be closed while the client still sends.
    if let Ok(response) = response {
        response.expect_problem(413, "body_too_large");
    }
    let most = vec![b'\n'; 20 * 1024 * 1024];
    alice
        .request("POST", IMPORT)
        .body(NDJSON, most)
        .send()
        .await
        .expect(200);
    let request = alice.request("POST", IMPORT).body(NDJSON, "");
    let response = request.header("Content-Encoding", "gzip").send().await;
    response.expect_problem(415, "unsupported_media_type");
}

async fn an_import_counts_by_its_size_for_the_rate_limit(engine: Engine) {
    let variables = [
        ("TODOWARD__RATE_LIMIT__REQUESTS_PER_SECOND", "1"),
        ("TODOWARD__RATE_LIMIT__BURST", "20"),
    ];
    let app = TestApp::with(engine, &variables).await;
    let left = |response: &Response| {
        let limit = response.header("ratelimit").to_owned();
        let left = limit.split("r=").nth(1).unwrap().split(';').next().unwrap();
        left.parse::<u32>().unwrap()
    };
    let tasks =
        |count: usize| file((0..count).map(|number| json!({ "title": format!("{number}") })));
    let small = send(&app.user("alice"), &tasks(100)).await.expect(200);
    assert!((19..=20).contains(&left(&small)), "{}", left(&small));
    let larger = send(&app.user("bob"), &tasks(701)).await.expect(200);
    assert!((12..=14).contains(&left(&larger)), "{}", left(&larger));
    // More than a bucket holds is a whole one.
    let largest = send(&app.user("carol"), &tasks(5000)).await.expect(200);
    assert!(left(&largest) <= 12, "{}", left(&largest));
    let refused = send(&app.user("bob"), &tasks(5000)).await;
    refused.expect_problem(429, "rate_limited");
    // What cannot be read at its end was read.
    let bad = format!("{}{{}}\n", "\n".repeat(640 * 1024));
    let invalid = send(&app.user("dave"), &bad).await;
    let invalid = invalid.expect_problem(422, "invalid_import");
    assert!((9..=11).contains(&left(&invalid)), "{}", left(&invalid));
    // All that is left.
    let again = send(&app.user("dave"), &bad).await;
    let again = again.expect_problem(422, "invalid_import");
    assert!(left(&again) <= 3, "{}", left(&again));
}

async fn more_than_the_quota_is_refused_as_a_whole(engine: Engine) {
    let variables = [
        ("TODOWARD__LIMITS__TASKS_PER_OWNER", "10"),
        ("TODOWARD__LIMITS__LISTS_PER_OWNER", "1"),
    ];
    let app = TestApp::with(engine, &variables).await;
    let alice = app.user("alice");
    let tasks =
        |count: usize| file((0..count).map(|number| json!({ "title": format!("{number}") })));
    import(&alice, &tasks(6)).await;
    send(&alice, &tasks(11))
        .await
        .expect_problem(422, "quota_exceeded");
    let path = "/api/v1/import?dry_run=true";
    let dry = alice
        .request("POST", path)
        .body(NDJSON, tasks(11))
        .send()
        .await;
    dry.expect_problem(422, "quota_exceeded");
    assert_eq!(alice.titles("").await.len(), 6);
    assert_eq!(import(&alice, &tasks(10)).await["created"], counts(4, 0));
    let list = format!("{}\n", json!({ "list": { "name": "a" } }));
    let two = list.repeat(2);
    send(&alice, &two)
        .await
        .expect_problem(422, "quota_exceeded");
    import(&alice, &list).await;
}

/// A body of which the last byte does not come.
async fn hanging(app: &TestApp, user: &str) -> tokio::net::TcpStream {
    use tokio::io::AsyncWriteExt as _;
    let mut connection = tokio::net::TcpStream::connect(app.address).await.unwrap();
    let token = crate::support::tokens::valid(user);
    let body = file([json!({ "title": "never" })]);
    let head = format!(
        "POST {IMPORT} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\nContent-Type: {NDJSON}\r\nContent-Length: {}\r\n\r\n{body}",
        body.len() + 1
    );
    connection.write_all(head.as_bytes()).await.unwrap();
    connection
}

/// What an import answers, until it is this status.
async fn until_status(client: &Client, status: u16) -> Response {
    let limit = std::time::Instant::now() + Duration::from_secs(20);
    loop {
        let response = send(client, "").await;
        if response.status == status {
            return response;
        }
        let text = response.text();
        assert!(std::time::Instant::now() < limit, "not {status}: {text}");
    }
}

/// Reads responses of connections, and says which came first.
async fn first_response(open: &mut [tokio::net::TcpStream]) -> String {
    use tokio::io::AsyncReadExt as _;
    let mut bytes = [0; 4096];
    std::future::poll_fn(|context| {
        use std::task::Poll;
        for connection in open.iter_mut() {
            let read = std::pin::pin!(connection.read(&mut bytes));
            if let Poll::Ready(read) = read.poll(context) {
                let read = read.unwrap();
                return Poll::Ready(String::from_utf8_lossy(&bytes[..read]).into_owned());
            }
        }
        Poll::Pending
    })
    .await
}

async fn a_third_import_of_a_user_waits_for_the_others(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let mut open = Vec::new();
    for _ in 0..3 {
        open.push(hanging(&app, "alice").await);
    }
    let refused = first_response(&mut open).await;
    assert!(refused.starts_with("HTTP/1.1 429 "), "{refused}");
    assert!(refused.contains("\"too_many_imports\""), "{refused}");
    assert!(refused.contains("retry-after: "), "{refused}");
    // With half of the slots taken, nobody gets a second one, and the rest is for others.
    let mut seconds = Vec::new();
    for user in ["b", "b", "c", "c"] {
        seconds.push(hanging(&app, user).await);
    }
    let refused = first_response(&mut seconds).await;
    assert!(refused.starts_with("HTTP/1.1 503 "), "{refused}");
    let mut firsts = Vec::new();
    for user in ["d", "e", "f", "g", "h"] {
        firsts.push(hanging(&app, user).await);
    }
    let refused = first_response(&mut firsts).await;
    assert!(refused.starts_with("HTTP/1.1 503 "), "{refused}");
    drop((open, seconds, firsts));
    for user in ["alice", "e"] {
        until_status(&app.user(user), 200).await;
    }
}

async fn others_write_beside_an_import_and_are_not_refused(engine: Engine) {
    // Less than the inserts take, of so many on SQLite.
    let variables = [("TODOWARD__DATABASE__ACQUIRE_TIMEOUT", "1")];
    let count = match engine {
        Engine::Sqlite => 50_000,
        Engine::Postgres => 5_000,
    };
    let app = TestApp::with(engine, &variables).await;
    let tasks = file((0..count).map(|number| json!({ "title": format!("{number}") })));
    let alice = app.user("alice");
    let import = actix_rt::spawn(async move { import(&alice, &tasks).await });
    let bob = app.user("bob");
    let mut longest = Duration::ZERO;
    while !import.is_finished() {
        let begun = std::time::Instant::now();
        bob.create(json!({ "title": "beside" })).await;
        longest = longest.max(begun.elapsed());
        bob.get("/api/v1/tasks?limit=1").await.expect(200);
    }
    assert_eq!(import.await.unwrap()["created"], counts(count, 0));
    assert!(longest < Duration::from_secs(15), "{longest:?}");
}

async fn a_client_that_leaves_has_imported_nothing(engine: Engine) {
    use tokio::io::AsyncWriteExt as _;
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    drop(hanging(&app, "alice").await);
    // The file is there, and nobody waits for what becomes of it.
    let tasks = file((0..5000).map(|number| json!({ "title": format!("{number}") })));
    for _ in 0..5 {
        let mut connection = tokio::net::TcpStream::connect(app.address).await.unwrap();
        let token = crate::support::tokens::valid("alice");
        let head = format!(
            "POST {IMPORT} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\nContent-Type: {NDJSON}\r\nContent-Length: {}\r\n\r\n",
            tasks.len()
        );
        connection.write_all(head.as_bytes()).await.unwrap();
        connection.write_all(tasks.as_bytes()).await.unwrap();
        drop(connection);
    }
    until_status(&alice, 200).await;
    // One of those who left can have been in time, and can be so now: with all of it.
    let done = import(&alice, &tasks).await;
    let created = done["created"]["tasks"].as_u64().unwrap();
    assert!(created == 0 || created == 5000, "{done}");
    let count = alice.get("/api/v1/tasks/count").await.expect(200).json();
    assert_eq!(count["count"], 5000);
}

async fn an_import_beside_the_erasure_of_the_account_is_whole_or_gone(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let tasks =
        |count: usize| file((0..count).map(|id| json!({ "id": id, "title": format!("{id}") })));
    for round in 0..6 {
        let owner = format!("alice {round}");
        let alice = app.user(&owner);
        import(&alice, &tasks(600)).await;
        let path = format!("/api/v1/users/{}", owner.replace(' ', "%20"));
        let larger = tasks(1200);
        let (done, erased) = tokio::join!(import(&alice, &larger), alice.delete(&path));
        erased.expect(200);
        let count = alice.get("/api/v1/tasks/count").await.expect(200).json();
        let count = count["count"].as_u64().unwrap();
        assert!(count == 0 || count == 1200, "{count} {done}");
    }
}

async fn an_export_of_large_tasks_has_each_once(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    // Small ones between, so that many are read at once when the large ones come.
    let tasks = (0..600).map(|number| {
        let length = if number % 300 < 200 { 1 } else { 20_000 };
        json!({ "title": format!("{number}"), "description": "x".repeat(length) })
    });
    import(&alice, &file(tasks)).await;
    let mut titles: Vec<u32> = lines(&export(&alice).await)
        .iter()
        .map(|line| line["task"]["title"].as_str().unwrap().parse().unwrap())
        .collect();
    titles.sort_unstable();
    assert_eq!(titles, (0..600).collect::<Vec<_>>());
}

#[test]
fn the_same_file_at_two_replicas_at_once_is_imported_once() {
    crate::support::block_on(async {
        let app = TestApp::spawn(Engine::Postgres).await;
        let other = TestApp::on_database(Engine::Postgres, &app.database_url, &[]).await;
        let tasks = file((0..2000).map(|number| json!({ "title": format!("{number}") })));
        let (first, second) = (app.user("alice"), other.user("alice"));
        let (first, second) = tokio::join!(import(&first, &tasks), import(&second, &tasks));
        let created = |done: &Value| done["created"]["tasks"].as_u64().unwrap();
        let mut all = [created(&first), created(&second)];
        all.sort_unstable();
        assert_eq!(all, [0, 2000], "{first} {second}");
        let count = app
            .user("alice")
            .get("/api/v1/tasks/count")
            .await
            .expect(200)
            .json();
        assert_eq!(count["count"], 2000);
    });
}
