//! The order of lists: where they are moved to, and how they are paged through.

use chrono::Utc;
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::list_resource::{LISTS, list, names, path_of};
use crate::support::{Client, Engine, Response, TestApp, on_both_databases};

on_both_databases! {
    a_list_goes_where_it_is_moved,
    a_move_that_moves_nothing_changes_nothing,
    a_place_that_is_none_is_named,
    two_moves_into_one_gap_both_succeed,
    the_order_holds_after_a_thousand_moves_into_one_gap,
    lists_are_seen_once_while_others_move,
    filters_and_pages_are_those_that_were_asked_for,
    a_cursor_is_of_one_owner_and_one_query,
}

async fn move_to(client: &Client, list: &Value, to: Value) -> Response {
    client.post(&format!("{}/move", path_of(list)), &to).await
}

async fn lists(client: &Client, count: usize) -> Vec<Value> {
    let mut made = Vec::new();
    for number in 0..count {
        made.push(list(client, &number.to_string()).await);
    }
    made
}

async fn a_list_goes_where_it_is_moved(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    // Somebody else's lists are in another order.
    lists(&app.user("bob"), 2).await;
    let made = lists(&alice, 4).await;
    assert_eq!(names(&alice, "").await, ["0", "1", "2", "3"]);
    for (moved, to, expected) in [
        (3, json!({ "first": true }), ["3", "0", "1", "2"]),
        (0, json!({ "last": true }), ["3", "1", "2", "0"]),
        (0, json!({ "before": made[1]["id"] }), ["3", "0", "1", "2"]),
        (3, json!({ "after": made[1]["id"] }), ["0", "1", "3", "2"]),
        (2, json!({ "before": made[0]["id"] }), ["2", "0", "1", "3"]),
        (2, json!({ "after": made[3]["id"] }), ["0", "1", "3", "2"]),
    ] {
        let before = alice.get(&path_of(&made[moved])).await.expect(200).json();
        let response = move_to(&alice, &made[moved], to.clone()).await.expect(200);
        let after = response.json();
        assert_eq!(names(&alice, "").await, expected, "{to}");
        let version = before["version"].as_i64().unwrap() + 1;
        assert_eq!(after["version"], version);
        assert_eq!(response.header("etag"), format!("\"{version}\""));
        assert_ne!(after["position"], before["position"]);
        assert_eq!(alice.get(&path_of(&made[moved])).await.json(), after);
    }
    // A new one stands behind what was moved to the end.
    list(&alice, "new").await;
    assert_eq!(names(&alice, "").await, ["0", "1", "3", "2", "new"]);
    assert_eq!(names(&app.user("bob"), "").await, ["0", "1"]);
}

async fn a_move_that_moves_nothing_changes_nothing(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    let made = lists(&alice, 3).await;
    for (moved, to) in [
        (0, json!({ "first": true })),
        (2, json!({ "last": true })),
        (1, json!({ "before": made[1]["id"] })),
        (1, json!({ "after": made[1]["id"] })),
        (1, json!({ "before": made[2]["id"] })),
        (
            1,
            json!({ "after": made[0]["id"], "version": 7, "position": "x" }),
        ),
    ] {
        let response = move_to(&alice, &made[moved], to).await.expect(200);
        assert_eq!(response.json(), made[moved]);
    }
}

async fn a_place_that_is_none_is_named(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    let made = lists(&alice, 3).await;
    let theirs = list(&app.user("bob"), "b").await;
    let task = alice.create(json!({ "title": "x" })).await;
    alice.delete(&path_of(&made[2])).await.expect(204);
    let unknown = json!("01a1f7e7-b530-74f8-94e4-b4dc1460f2f1");
    // What is missing, in the trash, or somebody else's: one sentence.
    let mut sentences = Vec::new();
    for id in [
        &unknown,
        &theirs["id"],
        &made[2]["id"],
        &task["id"],
        &json!("x"),
        &json!(null),
    ] {
        for field in ["before", "after"] {
            let response = move_to(&alice, &made[0], json!({ field: id })).await;
            let problem = response.expect_problem(422, "invalid_list").json();
            assert_eq!(problem["errors"][0]["pointer"], format!("/{field}"));
            sentences.push(problem["errors"][0]["detail"].clone());
        }
    }
    sentences.dedup();
    assert_eq!(sentences.len(), 1, "{sentences:?}");
    let beside = &made[1]["id"];
    for (body, expected) in [
        (json!({}), json!([""])),
        (json!({ "version": 1 }), json!([""])),
        (json!({ "first": false }), json!(["/first"])),
        (json!({ "last": "true" }), json!(["/last"])),
        (
            json!({ "first": true, "last": true, "x": 1 }),
            json!(["/first", "/last", "/x"]),
        ),
        (
            json!({ "before": beside, "after": beside }),
            json!(["/before", "/after"]),
        ),
    ] {
        let response = move_to(&alice, &made[0], body).await;
        let problem = response.expect_problem(422, "invalid_list").json();
        let mut named: Vec<_> = problem["errors"]
            .as_array()
            .unwrap()
            .iter()
            .map(|error| error["pointer"].as_str().unwrap())
            .collect();
        named.sort_unstable();
        let mut expected: Vec<_> = expected
            .as_array()
            .unwrap()
            .iter()
            .map(|it| it.as_str().unwrap())
            .collect();
        expected.sort_unstable();
        assert_eq!(named, expected);
    }
    let response = move_to(&alice, &made[0], json!({ "list_id": null, "first": true })).await;
    response.expect_problem(422, "unknown_field");
    assert_eq!(names(&alice, "").await, ["0", "1"]);
}

async fn two_moves_into_one_gap_both_succeed(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    let made = lists(&alice, 12).await;
    let into = json!({ "after": made[0]["id"] });
    let moves = made[2..]
        .iter()
        .map(|list| move_to(&alice, list, into.clone()));
    for response in join_all(moves).await {
        assert_eq!(response.expect(200).json()["version"], 2);
    }
    let after = names(&alice, "").await;
    assert_eq!((after[0].as_str(), after[11].as_str()), ("0", "1"));
    let page = alice.get(LISTS).await.expect(200).json();
    let positions: Vec<_> = page["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|list| list["position"].as_str().unwrap().to_owned())
        .collect();
    assert!(positions.is_sorted_by(|a, b| a < b), "{positions:?}");
}

async fn the_order_holds_after_a_thousand_moves_into_one_gap(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    let made = lists(&alice, 10).await;
    let mut expected: Vec<usize> = (0..10).collect();
    for count in 0..1_000 {
        // Now from one side, now from the other: so gaps are used up soonest.
        let moved = 2 + count % 8;
        let to = match count % 2 {
            0 => json!({ "after": made[0]["id"] }),
            _ => json!({ "before": made[1]["id"] }),
        };
        move_to(&alice, &made[moved], to).await.expect(200);
        expected.retain(|number| *number != moved);
        let end = expected.iter().position(|number| *number == 1).unwrap();
        expected.insert(if count % 2 == 0 { 1 } else { end }, moved);
    }
    let expected: Vec<String> = expected.iter().map(usize::to_string).collect();
    assert_eq!(names(&alice, "").await, expected);
    let page = alice.get(LISTS).await.expect(200).json();
    for list in page["items"].as_array().unwrap() {
        assert!(list["position"].as_str().unwrap().len() <= 64, "{list}");
    }
    // Neighbors that were not named may have been moved once.
    for anchor in &made[..2] {
        let version = alice.get(&path_of(anchor)).await.json()["version"].clone();
        assert!(version.as_i64().unwrap() <= 3, "{version}");
    }
}

async fn lists_are_seen_once_while_others_move(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    let made = lists(&alice, 30).await;
    let (still, moving): (Vec<_>, Vec<_>) =
        made.iter().enumerate().partition(|(at, _)| at % 3 != 0);
    let (mut seen, mut query, mut turn) = (Vec::new(), "?limit=4".to_owned(), 0);
    loop {
        let page = alice.get(&format!("{LISTS}{query}")).await.expect(200);
        let link = page.header("link").to_owned();
        let page = page.json();
        for list in page["items"].as_array().unwrap() {
            seen.push(list["name"].as_str().unwrap().to_owned());
        }
        let Some(cursor) = page["next_cursor"].as_str() else {
            assert_eq!(link, "");
            break;
        };
        query = format!("?limit=4&cursor={cursor}");
        assert_eq!(link, format!("<{LISTS}{query}>; rel=\"next\""));
        assert!(turn < 50, "the list never ends");
        for (at, list) in &moving {
            let to = match (turn + at) % 4 {
                0 => json!({ "first": true }),
                1 => json!({ "last": true }),
                2 => json!({ "after": still[(turn * 7 + at) % still.len()].1["id"] }),
                _ => json!({ "before": still[(turn * 5 + at) % still.len()].1["id"] }),
            };
            move_to(&alice, list, to).await.expect(200);
        }
        list(&alice, &format!("new {turn}")).await;
        turn += 1;
    }
    let expected: Vec<String> = still.iter().map(|(at, _)| at.to_string()).collect();
    seen.retain(|name| expected.contains(name));
    assert_eq!(seen, expected);
}

async fn filters_and_pages_are_those_that_were_asked_for(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    let made = lists(&alice, 4).await;
    for at in [1, 3] {
        let archived = json!({ "archived": true });
        alice
            .patch(&path_of(&made[at]), &archived)
            .await
            .expect(200);
    }
    assert_eq!(names(&alice, "?archived=true").await, ["1", "3"]);
    assert_eq!(names(&alice, "?archived=false").await, ["0", "2"]);
    assert_eq!(names(&alice, "?limit=2").await, ["0", "1"]);
    alice.delete(&path_of(&made[1])).await.expect(204);
    let deleted = Utc::now().timestamp_millis();
    // Of those that are deleted in one millisecond the newest list is first.
    while Utc::now().timestamp_millis() == deleted {}
    alice.delete(&path_of(&made[0])).await.expect(204);
    assert_eq!(names(&alice, "?archived=true").await, ["3"]);
    // The last deleted first.
    assert_eq!(names(&alice, "?trash=true").await, ["0", "1"]);
    assert_eq!(names(&alice, "?trash=true&archived=true").await, ["1"]);
    assert_eq!(names(&alice, "?trash=false").await, ["2", "3"]);
    let first = alice
        .get(&format!("{LISTS}?trash=true&limit=1"))
        .await
        .json();
    assert_eq!(first["items"][0]["name"], "0");
    let cursor = first["next_cursor"].as_str().unwrap();
    let next = format!("?limit=200&trash=true&cursor={cursor}");
    assert_eq!(names(&alice, &next).await, ["1"]);
    for (query, code) in [
        ("?archived=1", "invalid_parameter"),
        ("?archived=true&archived=true", "invalid_parameter"),
        ("?trash=1", "invalid_parameter"),
        ("?limit=0", "invalid_parameter"),
        ("?limit=201", "invalid_parameter"),
        ("?limit=%2b1", "invalid_parameter"),
        ("?archived=x&page=1", "invalid_parameter"),
        ("?sort=name", "unknown_parameter"),
        ("?q=x", "unknown_parameter"),
        ("?cursor=", "invalid_cursor"),
        ("?cursor=AAAA", "invalid_cursor"),
    ] {
        let response = alice.get(&format!("{LISTS}{query}")).await;
        response.expect_problem(400, code);
    }
}

async fn a_cursor_is_of_one_owner_and_one_query(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let (alice, bob) = (app.user("alice"), app.user("bob"));
    for client in [&alice, &bob] {
        lists(client, 3).await;
        for title in ["a", "b"] {
            client.create(json!({ "title": title })).await;
        }
    }
    let cursor = |page: Response| page.json()["next_cursor"].as_str().unwrap().to_owned();
    let of_lists = cursor(alice.get(&format!("{LISTS}?limit=1")).await);
    let of_tasks = cursor(alice.get("/api/v1/tasks?limit=1").await);
    for (client, path) in [
        (&bob, format!("{LISTS}?limit=1&cursor={of_lists}")),
        (&alice, format!("{LISTS}?archived=false&cursor={of_lists}")),
        (&alice, format!("{LISTS}?trash=true&cursor={of_lists}")),
        (&alice, format!("{LISTS}?cursor={of_tasks}")),
        (&alice, format!("/api/v1/tasks?cursor={of_lists}")),
    ] {
        client
            .get(&path)
            .await
            .expect_problem(400, "invalid_cursor");
    }
    assert_eq!(
        names(&alice, &format!("?cursor={of_lists}")).await,
        ["1", "2"]
    );
}
