//! The largest possible tasks, bodies and pages.

use serde_json::{Value, json};

use crate::support::raw::{self, Connection};
use crate::support::trust::eventually;
use crate::support::{Engine, TestApp, on_both_databases};

on_both_databases! {
    no_task_is_too_large_for_the_body_limit_however_it_is_written,
    a_page_of_the_largest_tasks_is_served,
    a_user_with_many_unfinished_large_bodies_does_not_block_other_users,
    a_tag_is_one_however_its_accents_are_written,
    a_comma_is_a_part_of_a_tag,
}

const TASKS: &str = "/api/v1/tasks";
const LIMIT: usize = 512 * 1024;
const JSON: &str = "application/json";

/// A string with every character escaped, as some clients do: 12 bytes for a character
/// of four.
fn escaped(text: &str) -> String {
    let units = text.encode_utf16();
    let escapes: String = units.map(|unit| format!("\\u{unit:04x}")).collect();
    format!("\"{escapes}\"")
}

/// JSON with every character of every string escaped, names included.
fn all_escaped(value: &Value) -> String {
    match value {
        Value::String(text) => escaped(text),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(all_escaped).collect();
            format!("[{}]", items.join(","))
        }
        Value::Object(members) => {
            let member = |(name, value): (&String, _)| escaped(name) + ":" + &all_escaped(value);
            let members: Vec<String> = members.iter().map(member).collect();
            format!("{{{}}}", members.join(","))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => value.to_string(),
    }
}

/// Fifty different tags: sixty times this character, with two letters that differ.
fn tags(filling: &str) -> Vec<String> {
    (0..50)
        .map(|n| format!("{n:02}{}", filling.repeat(58)))
        .collect()
}

async fn no_task_is_too_large_for_the_body_limit_however_it_is_written(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let owner = "\u{1f6d2}".repeat(63);
    let user = app.user(&owner);
    let first = json!({
        "title": "\u{1f6d2}".repeat(1000), "description": "\u{1f6d2}".repeat(20_000), "tags": tags("\u{1f6d2}"),
        "completed": true, "priority": "medium", "due_date": "2026-12-31",
    });
    let body = all_escaped(&first);
    assert!((280_000..LIMIT).contains(&body.len()), "{}", body.len());
    let task = user
        .request("POST", TASKS)
        .body(JSON, body)
        .send()
        .await
        .expect(201)
        .json();
    for field in ["title", "description", "tags"] {
        assert!(task[field] == first[field], "{field}");
    }
    // A task is sent back as it was read, with tags that are four times as long
    // before normalization.
    let mut second = task.clone();
    second["tags"] = json!(tags("\u{3b1}\u{313}\u{300}\u{345}"));
    let path = format!("{TASKS}/{}", task["id"].as_str().unwrap());
    for method in ["PATCH", "PUT"] {
        let body = all_escaped(&second);
        assert!((320_000..LIMIT).contains(&body.len()), "{}", body.len());
        let changed = user
            .request(method, &path)
            .body(JSON, body)
            .send()
            .await
            .expect(200)
            .json();
        assert!(changed["tags"] == json!(tags("\u{1f82}")));
        assert!(changed["description"] == first["description"]);
    }
    // No character needs more than three times 12 bytes before normalization.
    const { assert!((1000 + 20_000) * 12 + 50 * 60 * 36 + 4096 < LIMIT) };
}

async fn a_page_of_the_largest_tasks_is_served(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    // Each of these is six bytes in every response.
    let filling = "\u{1}";
    let largest = json!({
        "title": format!("{}x", filling.repeat(999)), "description": filling.repeat(20_000), "tags": tags(filling),
    });
    for _ in 0..201 {
        alice.create(largest.clone()).await;
    }
    for query in ["?limit=200", "?limit=200&sort=title"] {
        let page = alice.get(&format!("{TASKS}{query}")).await.expect(200);
        assert!(page.body.len() > 28_000_000, "{}", page.body.len());
        let page = page.json();
        assert_eq!(page["items"].as_array().unwrap().len(), 200);
        assert!(page["items"][199]["description"] == largest["description"]);
        let next = page["next_cursor"].as_str().unwrap();
        let rest = alice
            .get(&format!("{TASKS}{query}&cursor={next}"))
            .await
            .expect(200)
            .json();
        assert_eq!(
            (
                rest["items"].as_array().unwrap().len(),
                &rest["next_cursor"]
            ),
            (1, &Value::Null)
        );
    }
}

async fn a_user_with_many_unfinished_large_bodies_does_not_block_other_users(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let (alice, bob) = (app.user("alice"), app.user("bob"));
    let padded = json!({ "title": "a" }).to_string() + &" ".repeat(LIMIT - 13);
    let send = async |user: &crate::support::Client| {
        user.request("POST", TASKS)
            .body(JSON, padded.clone())
            .send()
            .await
    };
    let begin = || {
        let mut connection = Connection::open(app.address);
        let head = raw::head(
            "alice",
            &format!("POST {TASKS}"),
            &format!("Content-Type: {JSON}\r\nContent-Length: {LIMIT}\r\n"),
        );
        connection.send(head + &padded[..LIMIT / 4]);
        connection
    };
    let mut begun: Vec<Connection> = (0..56).map(|_| begin()).collect();
    eventually("no more of alice's", async || {
        let response = send(&alice).await;
        if response.status == 503 {
            assert_eq!(response.header("retry-after"), "1");
            response.expect_problem(503, "overloaded");
            return true;
        }
        // It may have used the budget of one of those, which was refused.
        response.expect(201);
        begun.push(begin());
        false
    })
    .await;
    alice.create(json!({ "title": "small" })).await;
    send(&bob).await.expect(201);
    drop(begun);
    eventually("alice's again", async || send(&alice).await.status == 201).await;
}

async fn a_tag_is_one_however_its_accents_are_written(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    let both = alice
        .create(json!({ "title": "both", "tags": ["cafe\u{301}", "caf\u{e9}", "\u{a0}e\u{301} "] }))
        .await;
    assert_eq!(both["tags"], json!(["caf\u{e9}", "\u{e9}"]));
    alice
        .create(json!({ "title": "one", "tags": ["caf\u{e9}"] }))
        .await;
    // A mark belongs to the character before it, even to white space.
    let mark = alice
        .create(json!({ "title": "mark", "tags": [" \u{301}a", "\u{1100}\u{1161}"] }))
        .await;
    assert_eq!(mark["tags"], json!(["\u{301}a", "\u{ac00}"]));
    for tag in ["caf%C3%A9", "cafe%CC%81"] {
        assert_eq!(alice.titles(&format!("?tag={tag}")).await, ["one", "both"]);
    }
    let page = alice
        .get(&format!("{TASKS}?tag=cafe%CC%81&limit=1"))
        .await
        .expect(200);
    assert!(
        page.header("link").contains("tag=caf%C3%A9&"),
        "{}",
        page.header("link")
    );
    let cursor = page.json()["next_cursor"].as_str().unwrap().to_owned();
    for tag in ["caf%C3%A9", "cafe%CC%81"] {
        assert_eq!(
            alice.titles(&format!("?tag={tag}&cursor={cursor}")).await,
            ["both"]
        );
    }
    // Sixty characters as stored, not as sent.
    for (count, status) in [(60, 201), (61, 422)] {
        let body = json!({ "title": "long", "tags": ["e\u{301}".repeat(count)] });
        alice.post(TASKS, &body).await.expect(status);
    }
    alice
        .get(&format!("{TASKS}?tag={}", "e%CC%81".repeat(60)))
        .await
        .expect(200);
    alice
        .get(&format!("{TASKS}?tag={}", "e%CC%81".repeat(61)))
        .await
        .expect_problem(400, "invalid_parameter");
}

async fn a_comma_is_a_part_of_a_tag(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    alice
        .create(json!({ "title": "two", "tags": ["a", "b"] }))
        .await;
    alice
        .create(json!({ "title": "one", "tags": ["a,b"] }))
        .await;
    assert_eq!(alice.titles("?tag=a,b").await, ["one"]);
    assert_eq!(alice.titles("?tag=a&tag=b").await, ["two"]);
}
