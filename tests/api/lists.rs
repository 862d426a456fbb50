//! Lists: filters, order, pages.

use percent_encoding::{NON_ALPHANUMERIC, percent_encode};
use serde_json::{Value, json};

use crate::support::{Client, Engine, TestApp, on_both_databases};

on_both_databases! {
    every_order_is_the_same_on_both_databases_and_on_every_page_size,
    paging_neither_repeats_nor_misses_while_others_insert_and_delete,
    a_page_that_ends_at_a_deleted_task_goes_on_behind_it,
    the_last_page_that_is_full_has_no_next,
    filters_narrow_and_combine,
    a_search_finds_what_people_do_not_type_alike_and_takes_wildcards_literally,
    a_search_has_one_to_ten_words,
    a_search_that_folding_makes_longer_has_all_its_pages,
    what_is_changed_is_found_by_its_new_words_only,
    a_cursor_is_good_only_for_the_list_that_gave_it_out,
}

/// Follows the cursors of a list and returns the ids, page by page.
async fn pages(client: &Client, query: &str, limit: usize) -> Vec<Vec<Value>> {
    let mut pages = Vec::new();
    let mut at = format!("/api/v1/tasks?{query}&limit={limit}");
    loop {
        let response = client.get(&at).await.expect(200);
        let list = response.json();
        pages.push(list["items"].as_array().unwrap().clone());
        let link = response.header("link").to_owned();
        let Some(cursor) = list["next_cursor"].as_str() else {
            assert_eq!(link, "");
            return pages;
        };
        let next = link
            .strip_prefix('<')
            .unwrap()
            .strip_suffix(">; rel=\"next\"")
            .unwrap();
        assert!(
            next.starts_with("/api/v1/tasks?") && next.contains(cursor),
            "{next}"
        );
        at = next.to_owned();
    }
}

/// Tasks with equal and missing sort keys, so that the id decides.
async fn fill(client: &Client) -> Vec<Value> {
    let mut tasks = Vec::new();
    let days = [
        Value::Null,
        json!("2026-01-01"),
        json!("2026-01-02"),
        json!("2026-01-01"),
        Value::Null,
    ];
    let priorities = ["none", "high", "low", "low", "medium"];
    for (at, title) in ["b", "B", "é", "Z", "a", "Ä", "z", "𝒵", "b", "İ", "ß"]
        .iter()
        .enumerate()
    {
        let body =
            json!({ "title": title, "due_date": days[at % 5], "priority": priorities[at % 5] });
        tasks.push(client.create(body).await);
    }
    tasks
}

/// The documented order, implemented independently.
fn sorted(mut tasks: Vec<Value>, sort: &str) -> Vec<Value> {
    let (descending, key) = match sort.strip_prefix('-') {
        Some(key) => (true, key),
        None => (false, sort),
    };
    let text = |task: &Value, name: &str| task[name].as_str().unwrap_or_default().to_owned();
    let value = |task: &Value| match key {
        "title" => match task["title"].as_str().unwrap() {
            "é" => "e".to_owned(),
            "Ä" => "a".to_owned(),
            "𝒵" => "z".to_owned(),
            "İ" => "i".to_owned(),
            "ß" => "ss".to_owned(),
            title => title.to_lowercase(),
        },
        "priority" => ["none", "low", "medium", "high"]
            .iter()
            .position(|p| task["priority"] == *p)
            .unwrap()
            .to_string(),
        key => text(task, key),
    };
    tasks.sort_by(|a, b| {
        let by_key = value(a)
            .cmp(&value(b))
            .then(text(a, "id").cmp(&text(b, "id")));
        let by_key = if descending { by_key.reverse() } else { by_key };
        a[key].is_null().cmp(&b[key].is_null()).then(by_key)
    });
    tasks
}

async fn every_order_is_the_same_on_both_databases_and_on_every_page_size(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    app.user("bob").create(json!({ "title": "not hers" })).await;
    let tasks = fill(&alice).await;
    for key in ["created_at", "updated_at", "due_date", "priority", "title"] {
        for sort in [key.to_owned(), format!("-{key}")] {
            let expected = sorted(tasks.clone(), &sort);
            for limit in [1, 3, 200] {
                let seen = pages(&alice, &format!("sort={sort}"), limit).await.concat();
                assert_eq!(seen, expected, "{sort} by {limit}");
            }
        }
    }
    let default = alice.get("/api/v1/tasks").await.expect(200).json();
    assert_eq!(default["items"], json!(sorted(tasks, "-created_at")));
}

async fn paging_neither_repeats_nor_misses_while_others_insert_and_delete(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    for sort in [
        "created_at",
        "-created_at",
        "title",
        "-due_date",
        "priority",
    ] {
        let stay = fill(&alice).await;
        let mut seen = Vec::new();
        let mut at = format!("/api/v1/tasks?sort={sort}&limit=2");
        loop {
            let page = alice.get(&at).await.expect(200).json();
            seen.extend(page["items"].as_array().unwrap().clone());
            let Some(cursor) = page["next_cursor"].as_str() else {
                break;
            };
            at = format!("/api/v1/tasks?sort={sort}&limit=3&cursor={cursor}");
            // A task before the cursor is deleted, and one is created at each end.
            for title in ["0 in between", "~ in between"] {
                alice.create(json!({ "title": title })).await;
            }
            let passing = alice
                .create(json!({ "title": "m", "due_date": "2026-01-01", "priority": "low" }))
                .await;
            alice
                .delete(&format!(
                    "/api/v1/tasks/{}",
                    passing["id"].as_str().unwrap()
                ))
                .await
                .expect(204);
            assert!(seen.len() < 200, "the list never ends");
        }
        let ids = |tasks: &[Value]| -> Vec<String> {
            tasks
                .iter()
                .map(|task| task["id"].as_str().unwrap().to_owned())
                .collect()
        };
        let seen = ids(&seen);
        for id in ids(&stay) {
            assert_eq!(seen.iter().filter(|one| **one == id).count(), 1, "{sort}");
        }
        for id in ids(alice.get("/api/v1/tasks?limit=200").await.json()["items"]
            .as_array()
            .unwrap())
        {
            alice
                .delete(&format!("/api/v1/tasks/{id}"))
                .await
                .expect(204);
        }
    }
}

async fn a_page_that_ends_at_a_deleted_task_goes_on_behind_it(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    for title in ["a", "b", "c", "d"] {
        alice.create(json!({ "title": title })).await;
    }
    let first = alice
        .get("/api/v1/tasks?sort=title&limit=2")
        .await
        .expect(200)
        .json();
    let last = first["items"][1]["id"].as_str().unwrap();
    alice
        .delete(&format!("/api/v1/tasks/{last}"))
        .await
        .expect(204);
    let cursor = first["next_cursor"].as_str().unwrap();
    assert_eq!(
        alice
            .titles(&format!("?sort=title&limit=2&cursor={cursor}"))
            .await,
        ["c", "d"]
    );
}

async fn the_last_page_that_is_full_has_no_next(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    assert_eq!(
        alice.get("/api/v1/tasks").await.expect(200).json(),
        json!({ "items": [], "next_cursor": null })
    );
    for title in ["a", "b"] {
        alice.create(json!({ "title": title })).await;
    }
    assert_eq!(pages(&alice, "sort=title", 2).await.len(), 1);
    assert_eq!(pages(&alice, "sort=title", 1).await.len(), 2);
}

async fn filters_narrow_and_combine(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    for (title, body) in [
        ("plain", json!({})),
        ("done", json!({ "completed": true, "priority": "low" })),
        (
            "due",
            json!({ "due_date": "2026-05-01", "priority": "high" }),
        ),
        (
            "later",
            json!({ "due_date": "2026-05-02", "priority": "high", "tags": ["home", "x"] }),
        ),
        ("tagged", json!({ "tags": ["home"] })),
        ("shouted", json!({ "tags": ["HOME"] })),
        (
            "nearly",
            json!({ "tags": ["homework", "a\"home\"", "home "] }),
        ),
    ] {
        let mut body = body;
        body["title"] = json!(title);
        alice.create(body).await;
    }
    for (query, expected) in [
        ("completed=true", &["done"][..]),
        ("completed=false&priority=low", &[]),
        ("priority=low&priority=high", &["done", "due", "later"]),
        ("priority=high&priority=high", &["due", "later"]),
        ("due_before=2026-05-02", &["due"]),
        ("due_after=2026-05-01", &["due", "later"]),
        ("due_after=2026-05-02&due_before=2026-05-03", &["later"]),
        ("tag=home", &["later", "tagged", "nearly"]),
        ("tag=home&tag=x", &["later"]),
        ("tag=HOME", &["shouted"]),
        ("tag=hom", &[]),
        ("tag=%22home%22", &[]),
        (
            "tag=home&completed=false&priority=high&q=LATE&due_after=1970-01-01",
            &["later"],
        ),
    ] {
        assert_eq!(
            alice.titles(&format!("?sort=created_at&{query}")).await,
            expected,
            "{query}"
        );
    }
}

async fn a_search_finds_what_people_do_not_type_alike_and_takes_wildcards_literally(
    engine: Engine,
) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    for (title, description, tags) in [
        ("ÉCLAIRS", Value::Null, json!([])),
        ("100% cotton", json!("_x_"), json!(["Café", "two words"])),
        ("100 percent", json!("ΜΕΓΆΛΟΣ ΣΊΣΥΦΟΣ"), json!(["x\"y"])),
        ("İstanbul", json!("a\\b"), json!([])),
        ("straße", json!("x\ny"), json!(["a\nb"])),
        ("ЖУК", json!(" spaced\u{a0}\u{a0}out "), json!(["ﾐﾙｸ"])),
        ("ΟΔΟΣΗΜΑΝΣΗ", json!("milk  and bread"), json!(["か"])),
        ("Get milk", json!("e\u{301}te\u{301}"), json!(["が"])),
    ] {
        alice
            .create(json!({ "title": title, "description": description, "tags": tags }))
            .await;
    }
    for (q, expected) in [
        ("éclairs", &["ÉCLAIRS"][..]),
        ("Éc", &["ÉCLAIRS"]),
        ("ECLAIRS", &["ÉCLAIRS"]),
        ("E\u{301}CL", &["ÉCLAIRS"]),
        ("жУк", &["ЖУК"]),
        ("%", &["100% cotton"]),
        ("_", &["100% cotton"]),
        ("_X_", &["100% cotton"]),
        ("\\", &["İstanbul"]),
        ("'", &[]),
        ("\"", &["100 percent"]),
        ("μεγάλος", &["100 percent"]),
        ("ΣΙΣΥΦΟΣ", &["100 percent"]),
        ("ΟΔΟΣ", &["ΟΔΟΣΗΜΑΝΣΗ"]),
        ("οδος", &["ΟΔΟΣΗΜΑΝΣΗ"]),
        ("i\u{307}STAN", &["İstanbul"]),
        ("istanbul", &["İstanbul"]),
        ("STRASSE", &["straße"]),
        ("STRAßE", &["straße"]),
        ("été", &["Get milk"]),
        // Each word may occur anywhere, but within one field.
        ("bread milk", &["ΟΔΟΣΗΜΑΝΣΗ"]),
        ("milk get", &["Get milk"]),
        ("milk ", &["ΟΔΟΣΗΜΑΝΣΗ", "Get milk"]),
        (" milk\t\u{3000}MILK", &["ΟΔΟΣΗΜΑΝΣΗ", "Get milk"]),
        ("ete get", &["Get milk"]),
        ("  out  SPACED", &["ЖУК"]),
        ("milkete", &[]),
        ("cottoncafe", &[]),
        ("xy", &[]),
        ("ab", &[]),
        ("bx", &[]),
        // Tags.
        ("cafe", &["100% cotton"]),
        ("words cotton", &["100% cotton"]),
        ("ミルク", &["ЖУК"]),
        ("x\"y", &["100 percent"]),
        ("[", &[]),
        // Another kana, although only a mark distinguishes them.
        ("か", &["ΟΔΟΣΗΜΑΝΣΗ", "Get milk"]),
        ("が", &["Get milk"]),
    ] {
        let query = percent_encoding::utf8_percent_encode(q, percent_encoding::NON_ALPHANUMERIC);
        assert_eq!(
            alice.titles(&format!("?sort=created_at&q={query}")).await,
            expected,
            "{q:?}"
        );
    }
}

async fn a_search_has_one_to_ten_words(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    alice
        .create(json!({ "title": "a b c d e f g h i j k" }))
        .await;
    for q in [
        "",
        "+",
        "%CC%81",
        "%C2%A0",
        "a+b+c+d+e+f+g+h+i+j+k",
        "a+a+a+a+a+a+a+a+a+a+a",
        "a%00",
    ] {
        let problem = alice
            .get(&format!("/api/v1/tasks?q={q}"))
            .await
            .expect_problem(400, "invalid_parameter")
            .json();
        assert_eq!(problem["errors"][0]["parameter"], "q", "{q}");
    }
    assert_eq!(alice.titles("?q=a+b+c+d+e+f+g+h+i+j").await.len(), 1);
    // Other order and repeated parameters: the same list.
    alice.create(json!({ "title": "b a" })).await;
    let first = alice
        .get("/api/v1/tasks?q=a+b&limit=1")
        .await
        .expect(200)
        .json();
    let cursor = first["next_cursor"].as_str().unwrap();
    assert_eq!(
        alice
            .titles(&format!("?q=B+%C3%A1+b&cursor={cursor}"))
            .await
            .len(),
        1
    );
    alice
        .get(&format!("/api/v1/tasks?q=a&cursor={cursor}"))
        .await
        .expect_problem(400, "invalid_cursor");
}

async fn a_search_that_folding_makes_longer_has_all_its_pages(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    // One character, which folds to four.
    let word = "\u{fdf2}".repeat(100);
    for _ in 0..3 {
        alice.create(json!({ "title": word })).await;
    }
    let word = percent_encode(word.as_bytes(), NON_ALPHANUMERIC);
    let pages = pages(&alice, &format!("q={word}"), 1).await;
    assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), [1, 1, 1]);
}

async fn what_is_changed_is_found_by_its_new_words_only(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    let path = alice.create_path("Crème").await;
    alice
        .patch(&path, &json!({ "title": "Brûlée", "tags": ["Dessért"] }))
        .await
        .expect(200);
    // Changing other fields does not change the result.
    alice
        .patch(&format!("{path}/complete"), &json!({ "completed": true }))
        .await
        .expect(200);
    alice
        .patch(&format!("{path}/complete"), &json!({ "completed": true }))
        .await
        .expect(200);
    alice
        .request("PATCH", &format!("{path}/complete"))
        .send()
        .await
        .expect(200);
    for (q, count) in [("brulee", 1), ("dessert", 1), ("creme", 0)] {
        assert_eq!(alice.titles(&format!("?q={q}")).await.len(), count, "{q}");
    }
}

async fn a_cursor_is_good_only_for_the_list_that_gave_it_out(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    for title in ["a", "b", "c"] {
        alice
            .create(json!({ "title": title, "tags": ["t", "u"] }))
            .await;
    }
    let list = "sort=title&tag=t&tag=u&completed=false";
    let first = alice
        .get(&format!("/api/v1/tasks?{list}&limit=1"))
        .await
        .expect(200)
        .json();
    let cursor = first["next_cursor"].as_str().unwrap().to_owned();
    let get = |query: String| {
        let alice = alice.clone();
        async move { alice.get(&format!("/api/v1/tasks?{query}")).await }
    };
    // The same list in another spelling, with another limit.
    for same in [
        format!("{list}&limit=2&cursor={cursor}"),
        format!("cursor={cursor}&tag=u&tag=t&tag=t&completed=false&sort=title"),
    ] {
        assert_eq!(get(same).await.expect(200).json()["items"][0]["title"], "b");
    }
    for other in [
        "sort=title",
        "sort=-title&tag=t&tag=u&completed=false",
        "tag=t&tag=u&completed=false",
        "sort=title&tag=t&completed=false",
    ] {
        get(format!("{other}&cursor={cursor}"))
            .await
            .expect_problem(400, "invalid_cursor");
    }
    let mut damaged = vec![
        String::new(),
        "x".into(),
        "!".into(),
        cursor.repeat(9),
        format!("{cursor}="),
        format!("{cursor}A"),
    ];
    for at in 0..cursor.len() {
        damaged.push(cursor[..at].to_owned());
        let mut bytes = cursor.clone().into_bytes();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        damaged.push(String::from_utf8(bytes).unwrap());
    }
    for wrong in damaged {
        get(format!("{list}&cursor={wrong}"))
            .await
            .expect_problem(400, "invalid_cursor");
    }
    // Invalid parameters are reported before the cursor.
    get(format!("{list}&cursor=x&limit=0"))
        .await
        .expect_problem(400, "invalid_parameter");
}
