//! Tags: listed, renamed and taken off, on all tasks at once.

use serde_json::{Value, json};

use crate::support::{Client, Engine, TestApp, on_both_databases};

on_both_databases! {
    tags_are_listed_by_name_with_how_many_tasks_have_them,
    a_rename_changes_each_task_that_has_the_tag_and_no_other,
    of_two_tags_that_become_one_the_first_place_is_kept,
    what_is_renamed_is_found_by_its_new_name_only,
    a_tag_is_taken_off_every_task_that_has_it,
    what_is_in_the_trash_is_renamed_too_and_not_counted,
    tags_are_compared_in_nfc_and_byte_for_byte,
    a_name_that_is_none_is_refused_and_named,
    a_rename_and_other_changes_at_the_same_time_all_hold,
    ten_thousand_tasks_are_renamed_within_one_request,
}

const TASKS: &str = "/api/v1/tasks";
const TAGS: &str = "/api/v1/tags";

fn encoded(name: &str) -> String {
    percent_encoding::utf8_percent_encode(name, percent_encoding::NON_ALPHANUMERIC).to_string()
}

async fn rename(client: &Client, from: &str, to: &str) -> Value {
    let at = format!("{TAGS}?name={}", encoded(from));
    let response = client.patch(&at, &json!({ "name": to })).await;
    response.expect(200).json()["changed"].clone()
}

async fn tagged(client: &Client, title: &str, tags: &[&str]) -> String {
    let body = json!({ "title": title, "tags": tags });
    let task = client.create(body).await;
    format!("{TASKS}/{}", task["id"].as_str().unwrap())
}

async fn names(client: &Client) -> Vec<String> {
    let tags = client.get(TAGS).await.expect(200).json();
    let items = tags["items"].as_array().unwrap().iter();
    items
        .map(|tag| tag["name"].as_str().unwrap().to_owned())
        .collect()
}

async fn tags_are_listed_by_name_with_how_many_tasks_have_them(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let (alice, bob) = (app.user("alice"), app.user("bob"));
    let none = alice.get(TAGS).await.expect(200);
    assert_eq!(none.json(), json!({ "items": [] }));
    tagged(&alice, "plain", &[]).await;
    tagged(&alice, "one", &["home", "é", "Z", "a\"b\n"]).await;
    let done = tagged(&alice, "two", &["home", "😀"]).await;
    alice
        .patch(&format!("{done}/complete"), &json!({ "completed": true }))
        .await
        .expect(200);
    tagged(&bob, "his", &["home", "his"]).await;
    let item =
        |name: &str, open: u8, total: u8| json!({ "name": name, "open": open, "total": total });
    assert_eq!(
        alice.get(TAGS).await.expect(200).json(),
        json!({ "items": [
            item("Z", 1, 1), item("a\"b", 1, 1), item("home", 1, 2), item("é", 1, 1), item("😀", 0, 1),
        ] })
    );
    assert_eq!(names(&bob).await, ["his", "home"]);
    alice
        .get(&format!("{TAGS}?name=home"))
        .await
        .expect_problem(400, "unknown_parameter");
    alice
        .post(TAGS, &json!({ "name": "x" }))
        .await
        .expect_problem(405, "method_not_allowed");
}

async fn a_rename_changes_each_task_that_has_the_tag_and_no_other(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let (alice, bob) = (app.user("alice"), app.user("bob"));
    let with = tagged(&alice, "with", &["x", "home", "y"]).await;
    let without = tagged(&alice, "without", &["homes", "HOME"]).await;
    let his = tagged(&bob, "his", &["home"]).await;
    let before = alice.get(&with).await.json();
    let others = [alice.get(&without).await.json(), bob.get(&his).await.json()];
    assert_eq!(rename(&alice, "home", " house ").await, 1);
    let after = alice.get(&with).await.expect(200);
    assert_eq!(after.header("etag"), "\"2\"");
    let after = after.json();
    let mut expected = before.clone();
    expected["tags"] = json!(["x", "house", "y"]);
    expected["version"] = json!(2);
    expected["updated_at"] = after["updated_at"].clone();
    assert_eq!(after, expected);
    assert!(after["updated_at"].as_str() >= before["updated_at"].as_str());
    // Again it is on no task.
    assert_eq!(rename(&alice, "home", "house").await, 0);
    assert_eq!(rename(&alice, "house", "house").await, 0);
    assert_eq!(alice.get(&with).await.json(), after);
    let now = [alice.get(&without).await.json(), bob.get(&his).await.json()];
    assert_eq!(now, others);
}

async fn of_two_tags_that_become_one_the_first_place_is_kept(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    let mut paths = Vec::new();
    for tags in [
        &["home", "b", "house"][..],
        &["house", "b", "home", "c"],
        &["b", "home"],
        &["house"],
    ] {
        paths.push(tagged(&alice, "t", tags).await);
    }
    assert_eq!(rename(&alice, "home", "house").await, 3);
    let expected = [
        json!(["house", "b"]),
        json!(["house", "b", "c"]),
        json!(["b", "house"]),
        json!(["house"]),
    ];
    for (path, tags) in paths.iter().zip(expected) {
        assert_eq!(alice.get(path).await.json()["tags"], tags);
    }
    assert_eq!(alice.titles("?tag=house").await.len(), 4);
}

async fn what_is_renamed_is_found_by_its_new_name_only(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    let body =
        json!({ "title": "Straße", "description": "Ärger\nÜber", "tags": ["Crème", "stays"] });
    alice.create(body).await;
    assert_eq!(rename(&alice, "Crème", "Brûlée").await, 1);
    for (query, count) in [
        ("q=brulee", 1),
        ("q=creme", 0),
        ("q=strasse+arger+uber+stays+brulee", 1),
        ("tag=Br%C3%BBl%C3%A9e&sort=title", 1),
        ("tag=Cr%C3%A8me", 0),
    ] {
        assert_eq!(
            alice.titles(&format!("?{query}")).await.len(),
            count,
            "{query}"
        );
    }
}

async fn a_tag_is_taken_off_every_task_that_has_it(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    let one = tagged(&alice, "one", &["../", "b"]).await;
    let two = tagged(&alice, "two", &["../"]).await;
    let other = tagged(&alice, "other", &["b"]).await;
    let at = format!("{TAGS}?name={}", encoded("../"));
    let removed = alice.delete(&at).await.expect(200).json();
    assert_eq!(removed, json!({ "changed": 2 }));
    for (path, tags, version) in [
        (&one, json!(["b"]), 2),
        (&two, json!([]), 2),
        (&other, json!(["b"]), 1),
    ] {
        let task = alice.get(path).await.json();
        assert_eq!((&task["tags"], &task["version"]), (&tags, &json!(version)));
    }
    assert_eq!(alice.titles("?untagged=true").await, ["two"]);
    assert_eq!(alice.delete(&at).await.json(), json!({ "changed": 0 }));
}

async fn what_is_in_the_trash_is_renamed_too_and_not_counted(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    let path = tagged(&alice, "deleted", &["home"]).await;
    tagged(&alice, "live", &["other"]).await;
    alice.delete(&path).await.expect(204);
    assert_eq!(names(&alice).await, ["other"]);
    assert_eq!(rename(&alice, "home", "other").await, 1);
    alice
        .request("POST", &format!("{path}/restore"))
        .send()
        .await
        .expect(200);
    let tags = alice.get(TAGS).await.json();
    assert_eq!(
        tags["items"],
        json!([{ "name": "other", "open": 2, "total": 2 }])
    );
}

async fn tags_are_compared_in_nfc_and_byte_for_byte(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    let hostile = [
        "a", "\"a\"", "a\"", "\n\"a\"", "x\\", ",", "x,\n\"a", "\\\"a", "A", "%", "_", "'--", "[]",
        "null", "\u{1}x", "a b", "🦀",
    ];
    let path = tagged(&alice, "t", &hostile).await;
    let stored = alice.get(&path).await.json()["tags"].clone();
    let mut expected: Vec<String> = serde_json::from_value(stored).unwrap();
    for at in 0..expected.len() {
        let new = format!("new {at}");
        assert_eq!(
            rename(&alice, &expected[at], &new).await,
            1,
            "{}",
            expected[at]
        );
        expected[at] = new;
        let tags = alice.get(&path).await.json()["tags"].clone();
        assert_eq!(tags, json!(expected));
    }
    expected.sort();
    assert_eq!(names(&alice).await, expected);
    // Decomposed on both sides.
    let path = tagged(&alice, "t", &["e\u{301}"]).await;
    assert_eq!(rename(&alice, "e\u{301}", "o\u{301}").await, 1);
    assert_eq!(alice.get(&path).await.json()["tags"], json!(["ó"]));
    assert_eq!(rename(&alice, "ó", "o\u{301} ").await, 0);
}

async fn a_name_that_is_none_is_refused_and_named(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    let path = tagged(&alice, "t", &["home"]).await;
    let long = format!("name={}", "a".repeat(61));
    for query in [
        "",
        "name",
        "name=",
        "name=a%00",
        &long,
        "name=a&name=b",
        "name=%FF",
    ] {
        let at = format!("{TAGS}?{query}");
        for response in [
            alice.patch(&at, &json!({ "name": "x" })).await,
            alice.delete(&at).await,
        ] {
            let problem = response.expect_problem(400, "invalid_parameter").json();
            assert_eq!(problem["errors"][0]["parameter"], "name", "{query}");
        }
    }
    alice
        .delete(&format!("{TAGS}?name=home&x=1"))
        .await
        .expect_problem(400, "unknown_parameter");
    let at = format!("{TAGS}?name=home");
    for body in [
        json!({}),
        json!([]),
        json!(null),
        json!("house"),
        json!({ "name": null }),
        json!({ "name": 1 }),
        json!({ "name": ["house"] }),
        json!({ "name": "" }),
        json!({ "name": " \u{a0} " }),
        json!({ "name": "\u{200b}" }),
        json!({ "name": "a\u{0}b" }),
        json!({ "name": "a".repeat(61) }),
        json!({ "name": "", "colour": "red" }),
        json!({ "tag": "house" }),
    ] {
        let response = alice.patch(&at, &body).await;
        assert_eq!(response.status, 422, "{body}");
        response.expect_problem(422, "invalid_tag");
    }
    alice
        .patch(&at, &json!({ "name": "house", "colour": "red" }))
        .await
        .expect_problem(422, "unknown_field");
    alice
        .request("PATCH", &at)
        .body("application/json", r#"{"name":"a","name":"b"}"#)
        .send()
        .await
        .expect_problem(400, "invalid_json");
    assert_eq!(alice.get(&path).await.json()["version"], 1);
    // What was read can be sent back.
    let tag = alice.get(TAGS).await.json()["items"][0].clone();
    let response = alice.patch(&at, &tag).await.expect(200);
    assert_eq!(response.json(), json!({ "changed": 0 }));
    // The longest name, in one form and in another.
    let longest = "e\u{301}".repeat(60);
    assert_eq!(rename(&alice, "home", &longest).await, 1);
    assert_eq!(rename(&alice, &longest, "home").await, 1);
}

async fn a_rename_and_other_changes_at_the_same_time_all_hold(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    let mut paths = Vec::new();
    for title in 0..20 {
        paths.push(tagged(&alice, &title.to_string(), &["a"]).await);
    }
    let changes = futures_util::future::join_all(paths.iter().map(|path| async {
        let patch = json!({ "description": "changed" });
        alice.patch(path, &patch).await.expect(200);
    }));
    let renames = async {
        for (from, to) in [("a", "b"), ("b", "c"), ("c", "d")] {
            assert_eq!(rename(&alice, from, to).await, 20);
        }
    };
    futures_util::future::join(changes, renames).await;
    for path in &paths {
        let task = alice.get(path).await.json();
        assert_eq!(task["tags"], json!(["d"]));
        assert_eq!(
            (&task["description"], &task["version"]),
            (&json!("changed"), &json!(5))
        );
    }
}

async fn ten_thousand_tasks_are_renamed_within_one_request(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    let path = tagged(&alice, "first", &["a", "b"]).await;
    app.copy_tasks("alice", 10_000).await;
    assert_eq!(rename(&alice, "a", "b").await, 10_000);
    let count = alice.get(&format!("{TASKS}/count?by=tag")).await.json();
    let expected = json!({ "count": 10_000, "groups": [{ "key": "b", "count": 10_000 }] });
    assert_eq!(count, expected);
    assert_eq!(alice.get(&path).await.json()["tags"], json!(["b"]));
    assert_eq!(alice.titles("?q=first&limit=200").await.len(), 200);
}
