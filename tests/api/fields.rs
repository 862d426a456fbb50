//! The rules of the fields at their limits.

use serde_json::{Value, json};

use crate::support::{Client, Engine, TestApp, on_both_databases};

on_both_databases! {
    a_title_is_trimmed_and_otherwise_kept_as_it_came,
    a_title_that_is_too_long_or_invisible_or_no_text_is_refused,
    a_description_has_up_to_twenty_thousand_characters_or_is_null,
    completed_is_a_boolean_and_nothing_like_one,
    a_priority_is_one_of_four_words,
    a_due_date_is_a_day_of_the_calendar_or_null,
    tags_are_trimmed_kept_once_and_in_order,
    a_wrong_tag_is_named_by_its_place,
    both_ways_of_writing_an_accent_are_kept_and_found_alike,
}

const TASKS: &str = "/api/v1/tasks";

/// Writes a value with every operation that can, and reads it back each time.
async fn accepts(client: &Client, field: &str, value: Value, stored: Value) {
    let other = match field {
        "title" => json!("another"),
        "completed" => json!(value == false),
        "priority" => json!(if value == "low" { "high" } else { "low" }),
        "tags" => json!(["another"]),
        _ => Value::Null,
    };
    let mut body = json!({ "title": "t" });
    body[field] = value.clone();
    let created = client.post(TASKS, &body).await;
    assert_eq!(created.status, 201, "{body}: {}", created.text());
    let task = created.json();
    assert_eq!(task[field], stored, "{body}");
    let path = format!("{TASKS}/{}", task["id"].as_str().unwrap());
    for method in ["PATCH", "PUT"] {
        client
            .patch(&path, &json!({ field: other }))
            .await
            .expect(200);
        let patch = json!({ field: value });
        let patched = client.request(method, &path).json(&patch).send().await;
        assert_eq!(patched.expect(200).json()[field], stored, "{patch}");
        assert_eq!(
            client.get(&path).await.expect(200).json()[field],
            stored,
            "{patch}"
        );
    }
}

/// Tries to write a value with every operation, and checks that the error names it.
async fn refuses(client: &Client, path: &str, field: &str, value: Value, pointers: &[&str]) {
    let before = client.get(path).await.expect(200).json();
    let mut body = json!({ "title": "t" });
    body[field] = value.clone();
    let patch = json!({ field: value });
    for (method, address, body) in [
        ("POST", TASKS, &body),
        ("PATCH", path, &patch),
        ("PUT", path, &patch),
    ] {
        let response = client.request(method, address).json(body).send().await;
        let shown: String = body.to_string().chars().take(100).collect();
        assert_eq!(
            response.status,
            422,
            "{method} {shown}: {}",
            response.text()
        );
        let problem = response.expect_problem(422, "invalid_task").json();
        let errors = problem["errors"].as_array().unwrap();
        let named: Vec<_> = errors
            .iter()
            .map(|error| error["pointer"].as_str().unwrap())
            .collect();
        assert_eq!(named, pointers, "{method} {shown}");
    }
    assert_eq!(client.get(path).await.expect(200).json(), before);
}

async fn a_title_is_trimmed_and_otherwise_kept_as_it_came(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    let longest = [
        "a".repeat(1000),
        "🛒".repeat(1000),
        "ü".repeat(1000),
        "\u{10ffff}".repeat(1000),
        format!("e{}", "\u{301}".repeat(999)),
    ];
    let kept = [
        "a",
        "👩\u{200d}👩\u{200d}👧",
        "\u{202e}abc",
        "\u{fffd}",
        "\u{e000}",
        "ＡＢＣ",
        "\u{1}a",
        "a\u{1b}[31mb\u{7}",
        "a\nb\r\nc\td",
        "a\u{7f}",
        "\u{200b}a\u{200b}",
        "\u{feff}a",
        "<script>alert(1)</script>",
        "\"><img src=x onerror=alert(1)>",
        "{{7*7}}${7*7}#{7*7}",
        "javascript:alert(1)",
        "=cmd|' /C calc'!A0",
        "a\\",
        "\\u0000",
        "%00",
        "null",
        "e\u{301}",
        "\u{e9}",
        "ß",
        "İ",
    ];
    for title in longest.iter().map(String::as_str).chain(kept) {
        accepts(&alice, "title", json!(title), json!(title)).await;
    }
    let white = "\u{9}\u{a}\u{b}\u{c}\u{d} \u{85}\u{a0}\u{1680}\u{2000}\u{200a}\u{2028}\u{2029}\u{202f}\u{205f}\u{3000}";
    let trimmed = [
        (format!("  a {white}"), "a".to_owned()),
        (format!("{white}a b{white}"), "a b".to_owned()),
        (
            format!("{white}{}{white}", "b".repeat(1000)),
            "b".repeat(1000),
        ),
    ];
    for (title, stored) in trimmed {
        accepts(&alice, "title", json!(title), json!(stored)).await;
    }
}

async fn a_title_that_is_too_long_or_invisible_or_no_text_is_refused(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    let path = alice.create_path("a").await;
    let texts = [
        "",
        " ",
        "\n\t",
        "\u{a0}\u{3000}",
        "\u{200b}",
        "\u{200b}\u{200c}\u{200d}\u{feff}",
        "\u{ad}",
        "\u{3164}",
        "\u{115f}",
        "\u{2060}",
        "\u{e0001}",
        "\u{fe0f}",
        "\u{1}",
        "\u{7f}",
        " \u{200b}\u{1} ",
        "\u{0}",
        "a\u{0}",
        "\u{0}a",
        "a\u{0}b",
    ];
    for title in texts {
        refuses(&alice, &path, "title", json!(title), &["/title"]).await;
    }
    for title in [
        "a".repeat(1001),
        "🛒".repeat(1001),
        format!("e{}", "\u{301}".repeat(1000)),
        "a".repeat(60_000),
    ] {
        refuses(&alice, &path, "title", json!(title), &["/title"]).await;
    }
    for title in [
        json!(null),
        json!(1),
        json!(1.5),
        json!(true),
        json!([]),
        json!(["a"]),
        json!({}),
        json!({ "a": "b" }),
    ] {
        refuses(&alice, &path, "title", title, &["/title"]).await;
    }
    assert_eq!(alice.titles("").await, ["a"]);
}

async fn a_description_has_up_to_twenty_thousand_characters_or_is_null(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    let path = alice.create_path("a").await;
    for description in [
        "".to_owned(),
        " a ".to_owned(),
        "\u{200b}".to_owned(),
        "a\r\n\u{1}\u{1b}[0m".to_owned(),
        "x".repeat(20_000),
        "🛒".repeat(20_000),
    ] {
        accepts(
            &alice,
            "description",
            json!(description),
            json!(description),
        )
        .await;
    }
    accepts(&alice, "description", json!(null), json!(null)).await;
    for description in [
        json!("x".repeat(20_001)),
        json!("🛒".repeat(20_001)),
        json!("\u{0}"),
        json!("a\u{0}b"),
        json!(1),
        json!(false),
        json!([]),
        json!({}),
    ] {
        refuses(&alice, &path, "description", description, &["/description"]).await;
    }
}

async fn completed_is_a_boolean_and_nothing_like_one(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    let path = alice.create_path("a").await;
    for completed in [true, false] {
        accepts(&alice, "completed", json!(completed), json!(completed)).await;
    }
    for completed in [
        json!(null),
        json!("true"),
        json!("false"),
        json!(""),
        json!(0),
        json!(1),
        json!([]),
        json!([true]),
        json!({}),
    ] {
        refuses(
            &alice,
            &path,
            "completed",
            completed.clone(),
            &["/completed"],
        )
        .await;
        let response = alice
            .patch(
                &format!("{path}/complete"),
                &json!({ "completed": completed }),
            )
            .await;
        assert_eq!(
            response.expect_problem(422, "invalid_task").json()["errors"][0]["pointer"],
            "/completed"
        );
    }
}

async fn a_priority_is_one_of_four_words(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    let path = alice.create_path("a").await;
    for priority in ["none", "low", "medium", "high"] {
        accepts(&alice, "priority", json!(priority), json!(priority)).await;
    }
    for priority in [
        json!("None"),
        json!("HIGH"),
        json!("urgent"),
        json!(""),
        json!(" low"),
        json!("low\u{0}"),
        json!(0),
        json!(3),
        json!(null),
        json!(true),
        json!([]),
        json!(["low"]),
        json!({}),
    ] {
        refuses(&alice, &path, "priority", priority, &["/priority"]).await;
    }
}

async fn a_due_date_is_a_day_of_the_calendar_or_null(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    let path = alice.create_path("a").await;
    for day in [
        json!("1970-01-01"),
        json!("2000-02-29"),
        json!("2024-02-29"),
        json!("2026-12-31"),
        json!("9999-12-31"),
        json!(null),
    ] {
        accepts(&alice, "due_date", day.clone(), day).await;
    }
    let wrong = [
        "",
        "today",
        "1969-12-31",
        "0000-01-01",
        "0001-01-01",
        "10000-01-01",
        "-0001-01-01",
        "+2025-01-01",
        "2025-02-29",
        "2100-02-29",
        "2025-04-31",
        "2025-00-01",
        "2025-13-01",
        "2025-01-00",
        "2025-01-32",
        "2025-1-01",
        "2025-01-1",
        "25-01-01",
        "20250101",
        "2025/01/01",
        "01-01-2025",
        "2025-001",
        "2025-W01-1",
        "2025-01-01T00:00:00Z",
        "2025-01-01Z",
        " 2025-01-01",
        "2025-01-01 ",
        "2025-01-01\n",
        "2025-01-01\u{0}",
        "٢٠٢٥-٠١-٠١",
        "２０２５-01-01",
        "2025\u{2010}01\u{2010}01",
        "infinity",
        "epoch",
        "now",
    ];
    for day in wrong {
        refuses(&alice, &path, "due_date", json!(day), &["/due_date"]).await;
    }
    for day in [json!(20250101), json!(0), json!(true), json!([]), json!({})] {
        refuses(&alice, &path, "due_date", day, &["/due_date"]).await;
    }
}

async fn tags_are_trimmed_kept_once_and_in_order(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    let fifty: Vec<String> = (0..50).map(|n| format!("tag {n}")).collect();
    let longest: Vec<String> = ["a", "🛒", "ü"].iter().map(|c| c.repeat(60)).collect();
    let tricky = json!([
        "b", "a", "A", "a,b", "\"", "\\", "x\n\"a\"", "[]", "null", "\u{e9}", "%", "\u{1}a", "<b>"
    ]);
    for tags in [json!([]), json!(fifty), json!(longest), tricky] {
        accepts(&alice, "tags", tags.clone(), tags).await;
    }
    accepts(
        &alice,
        "tags",
        json!(["b", " b", "a", "b\u{a0}", "a"]),
        json!(["b", "a"]),
    )
    .await;
    accepts(&alice, "tags", json!(["\u{3000}a\n"]), json!(["a"])).await;
}

async fn a_wrong_tag_is_named_by_its_place(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    let path = alice.create_path("a").await;
    let too_many: Vec<String> = (0..51).map(|n| n.to_string()).collect();
    for tags in [
        json!(null),
        json!("a"),
        json!(1),
        json!(true),
        json!({}),
        json!({ "0": "a" }),
        json!(too_many),
    ] {
        refuses(&alice, &path, "tags", tags, &["/tags"]).await;
    }
    for tag in [
        json!(""),
        json!(" "),
        json!("\u{200b}"),
        json!("\u{1}"),
        json!("a\u{0}"),
        json!("a".repeat(61)),
        json!("🛒".repeat(61)),
        json!(null),
        json!(1),
        json!(true),
        json!(["a"]),
        json!({}),
    ] {
        refuses(&alice, &path, "tags", json!(["good", tag]), &["/tags/1"]).await;
    }
    refuses(
        &alice,
        &path,
        "tags",
        json!(["", "good", 1]),
        &["/tags/0", "/tags/2"],
    )
    .await;
}

async fn both_ways_of_writing_an_accent_are_kept_and_found_alike(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    for title in ["e\u{301}", "\u{e9}"] {
        alice.create(json!({ "title": title })).await;
    }
    for q in ["e%CC%81", "%C3%A9", "e"] {
        assert_eq!(
            alice.titles(&format!("?q={q}")).await,
            ["\u{e9}", "e\u{301}"]
        );
    }
}
