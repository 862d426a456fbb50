//! Lists: their fields, bodies, conditions and keys.

use serde_json::{Value, json};

use crate::support::{Client, Engine, Response, TestApp, on_both_databases};

on_both_databases! {
    a_list_is_created_read_and_changed,
    what_a_body_gets_wrong_is_named_all_at_once,
    a_name_or_a_color_at_its_limit_is_taken,
    two_lists_may_have_one_name,
    a_patch_that_changes_nothing_leaves_the_version_alone,
    what_was_read_can_be_sent_back,
    if_match_guards_every_write,
    what_the_client_has_already_is_not_sent_again,
    a_key_makes_one_list_on_both_mounts,
    a_key_belongs_to_one_endpoint,
    the_refusals_have_their_order,
    links_have_the_prefix_of_a_trusted_proxy,
    what_is_not_there_is_404_and_says_list,
}

pub const LISTS: &str = "/api/v1/lists";

/// Creates a list with a name and returns it.
pub async fn list(client: &Client, name: &str) -> Value {
    let new = json!({ "name": name });
    client.post(LISTS, &new).await.expect(201).json()
}

/// The path of a list.
pub fn path_of(list: &Value) -> String {
    format!("{LISTS}/{}", list["id"].as_str().unwrap())
}

/// The names of the lists of a query, in their order.
pub async fn names(client: &Client, query: &str) -> Vec<String> {
    let path = format!("{LISTS}{query}");
    let page = client.get(&path).await.expect(200).json();
    let items = page["items"].as_array().unwrap();
    let name = |list: &Value| list["name"].as_str().unwrap().to_owned();
    items.iter().map(name).collect()
}

/// The places that a 422 names.
fn pointers(response: &Response) -> Vec<String> {
    let problem = response.json();
    let errors = problem["errors"].as_array().unwrap();
    let pointer = |error: &Value| error["pointer"].as_str().unwrap().to_owned();
    errors.iter().map(pointer).collect()
}

async fn with_key(client: &Client, path: &str, key: &str, body: &str) -> Response {
    let request = client.request("POST", path).header("Idempotency-Key", key);
    request.body("application/json", body).send().await
}

async fn a_list_is_created_read_and_changed(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    let new = json!({ "name": " \u{a0}Groceries ", "color": "#00FFab", "archived": true });
    let created = alice.post(LISTS, &new).await.expect(201);
    let made = created.json();
    let id = made["id"].as_str().unwrap();
    assert_eq!(
        made,
        json!({
            "id": id, "owner_id": "alice", "name": "Groceries", "color": "#00ffab",
            "archived": true, "position": id.replace('-', ""), "version": 1,
            "created_at": made["created_at"], "updated_at": made["created_at"],
            "deleted_at": null,
        })
    );
    let path = path_of(&made);
    assert_eq!(created.header("location"), path);
    assert_eq!(created.header("etag"), "\"1\"");
    let least = list(&alice, "x").await;
    assert_eq!(least["color"], Value::Null);
    assert_eq!(least["archived"], false);

    let read = alice.get(&path).await.expect(200);
    assert_eq!((read.json(), read.header("etag")), (made.clone(), "\"1\""));
    let of_user = format!("/api/v1/users/alice/lists/{id}");
    assert_eq!(alice.get(&of_user).await.expect(200).json(), made);
    let head = alice.request("HEAD", &path).send().await.expect(200);
    assert_eq!((head.header("etag"), head.body.len()), ("\"1\"", 0));

    let patch = json!({ "color": null, "archived": false });
    let changed = alice.patch(&path, &patch).await.expect(200);
    assert_eq!(changed.header("etag"), "\"2\"");
    let changed = changed.json();
    assert_eq!(changed["name"], "Groceries");
    assert_eq!(changed["color"], Value::Null);
    assert_eq!(changed["archived"], false);
    assert!(changed["updated_at"].as_str() >= made["updated_at"].as_str());
    // PUT merges, too.
    let put = alice.request("PUT", &path);
    let put = put
        .json(&json!({ "name": "Shop" }))
        .send()
        .await
        .expect(200);
    assert_eq!(
        (&put.json()["name"], &put.json()["version"]),
        (&json!("Shop"), &json!(3))
    );
    assert_eq!(put.json()["archived"], false);
}

async fn what_a_body_gets_wrong_is_named_all_at_once(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    let path = path_of(&list(&alice, "x").await);
    let wrong = json!({ "name": " ", "color": "red", "archived": null, "colour": 1 });
    for method in ["POST", "PATCH", "PUT"] {
        let at = if method == "POST" { LISTS } else { &path };
        let response = alice.request(method, at).json(&wrong).send().await;
        let response = response.expect_problem(422, "invalid_list");
        let named = ["/archived", "/color", "/name", "/colour"];
        assert_eq!(pointers(&response), named, "{method}");
        for body in ["[]", "null", "\"x\"", "1"] {
            let response = alice.request(method, at).body("application/json", body);
            let response = response.send().await.expect_problem(422, "invalid_list");
            assert_eq!(pointers(&response), [""], "{method} {body}");
        }
        let unknown = json!({ "name": "y", "title": "y", "a/b": 1 });
        let response = alice.request(method, at).json(&unknown).send().await;
        let response = response.expect_problem(422, "unknown_field");
        assert_eq!(pointers(&response), ["/a~1b", "/title"], "{method}");
    }
    let response = alice.post(LISTS, &json!({ "color": 1 })).await;
    assert_eq!(
        pointers(&response.expect_problem(422, "invalid_list")),
        ["/name", "/color"]
    );
    for name in [
        json!(null),
        json!(1),
        json!(["x"]),
        json!("\u{200b}"),
        json!("a\0b"),
    ] {
        let response = alice.post(LISTS, &json!({ "name": name })).await;
        assert_eq!(
            pointers(&response.expect_problem(422, "invalid_list")),
            ["/name"],
            "{name}"
        );
    }
    alice
        .post(&format!("{path}/restore"), &json!({ "name": "y" }))
        .await
        .expect_problem(422, "unknown_field");
    assert_eq!(names(&alice, "").await, ["x"]);
}

async fn a_name_or_a_color_at_its_limit_is_taken(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    for (length, status) in [(200, 201), (201, 422)] {
        let new = json!({ "name": format!(" {} ", "🦀".repeat(length)) });
        alice.post(LISTS, &new).await.expect(status);
    }
    for (color, status) in [
        ("#ABCDEF", 201),
        ("#000000", 201),
        ("#00000", 422),
        ("#0000000", 422),
        ("#00000g", 422),
        (" #000000", 422),
        ("000000", 422),
        ("", 422),
    ] {
        let new = json!({ "name": "x", "color": color });
        let response = alice.post(LISTS, &new).await.expect(status);
        if status == 201 {
            assert_eq!(response.json()["color"], color.to_lowercase());
        }
    }
}

async fn two_lists_may_have_one_name(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    list(&alice, "same").await;
    list(&alice, "same").await;
    assert_eq!(names(&alice, "").await, ["same", "same"]);
}

async fn a_patch_that_changes_nothing_leaves_the_version_alone(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    let new = json!({ "name": "x", "color": "#aabbcc" });
    let made = alice.post(LISTS, &new).await.expect(201).json();
    let same = json!({ "name": " x ", "color": "#AABBCC", "archived": false });
    for patch in [json!({}), same] {
        let response = alice.patch(&path_of(&made), &patch).await.expect(200);
        assert_eq!(response.json(), made);
    }
}

async fn what_was_read_can_be_sent_back(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    let made = list(&alice, "x").await;
    let mut sent = made.clone();
    sent["name"] = json!("y");
    sent["version"] = json!("ignored, whatever it is");
    sent["position"] = json!([]);
    let changed = alice.patch(&path_of(&made), &sent).await.expect(200).json();
    assert_eq!(changed["version"], 2);
    assert_eq!(changed["position"], made["position"]);
    let copy = alice.post(LISTS, &made).await.expect(201).json();
    assert_ne!(copy["id"], made["id"]);
}

async fn if_match_guards_every_write(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    let path = path_of(&list(&alice, "x").await);
    list(&alice, "y").await;
    alice
        .patch(&path, &json!({ "name": "z" }))
        .await
        .expect(200);
    let requests = |path: &str, tag: &str| {
        [
            ("PATCH", path.to_owned(), json!({ "archived": true })),
            ("PATCH", path.to_owned(), json!({})),
            ("PUT", path.to_owned(), json!({ "archived": true })),
            ("POST", format!("{path}/move"), json!({ "last": true })),
            ("POST", format!("{path}/move"), json!({ "first": true })),
            ("DELETE", path.to_owned(), json!(null)),
            ("DELETE", format!("{path}?permanent=true"), json!(null)),
        ]
        .map(|(method, at, body)| {
            let request = alice.request(method, &at).header("If-Match", tag);
            match body.is_null() {
                true => request,
                false => request.json(&body),
            }
        })
    };
    for tag in ["\"1\"", "W/\"2\"", "\"02\"", "\"1\", \"3\""] {
        for request in requests(&path, tag) {
            let response = request.send().await;
            let response = response.expect_problem(412, "version_mismatch");
            assert_eq!(response.header("etag"), "\"2\"");
        }
    }
    for request in requests(&path, "2") {
        request.send().await.expect_problem(400, "invalid_request");
    }
    assert_eq!(alice.get(&path).await.expect(200).json()["version"], 2);
    let delete = alice.request("DELETE", &path);
    let delete = delete.header("If-Match", "\"1\", \"2\"");
    delete.send().await.expect(204);
    // What is in the trash has gone there in a version, too.
    for (tag, status) in [("\"2\"", 412), ("\"3\"", 200)] {
        let restore = alice.request("POST", &format!("{path}/restore"));
        restore.header("If-Match", tag).send().await.expect(status);
    }
}

async fn what_the_client_has_already_is_not_sent_again(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    let path = path_of(&list(&alice, "x").await);
    for (tag, status) in [("\"1\"", 304), ("W/\"1\"", 304), ("*", 304), ("\"2\"", 200)] {
        let read = alice.request("GET", &path).header("If-None-Match", tag);
        let response = read.send().await.expect(status);
        assert_eq!(response.header("etag"), "\"1\"");
        assert_eq!(response.body.is_empty(), status == 304);
    }
}

async fn a_key_makes_one_list_on_both_mounts(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    let body = r##"{"name":"once","color":"#ABCDEF"}"##;
    let first = with_key(&alice, LISTS, "k", body).await.expect(201);
    assert_eq!(first.header("idempotency-replayed"), "");
    let path = first.header("location").to_owned();
    alice
        .patch(&path, &json!({ "name": "changed" }))
        .await
        .expect(200);
    for mount in [LISTS, "/api/v1/users/me/lists"] {
        let again = with_key(&alice, mount, "k", body).await.expect(201);
        assert_eq!(again.header("idempotency-replayed"), "true");
        assert_eq!(
            (again.body, again.headers["etag"].clone()),
            (first.body.clone(), first.headers["etag"].clone())
        );
        alice.delete(&path).await;
    }
    with_key(&alice, LISTS, "k", r#"{"name":"other"}"#)
        .await
        .expect_problem(422, "idempotency_key_reused");
    let bob = with_key(&app.user("bob"), LISTS, "k", body)
        .await
        .expect(201);
    assert_eq!(bob.header("idempotency-replayed"), "");
    let at_once = (0..20).map(|_| with_key(&alice, LISTS, "k2", body));
    let responses = futures_util::future::join_all(at_once).await;
    for response in responses {
        response.expect(201);
    }
    assert_eq!(names(&alice, "").await, ["once"]);
}

async fn a_key_belongs_to_one_endpoint(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    let (list, task) = (r#"{"name":"x"}"#, r#"{"title":"x"}"#);
    with_key(&alice, LISTS, "of-lists", list).await.expect(201);
    with_key(&alice, "/api/v1/tasks", "of-tasks", task)
        .await
        .expect(201);
    for (path, key, body) in [
        ("/api/v1/tasks", "of-lists", task),
        (LISTS, "of-tasks", list),
    ] {
        let response = with_key(&alice, path, key, body).await;
        response.expect_problem(422, "idempotency_key_reused");
    }
    for key in ["", "a b", "é"] {
        let response = with_key(&alice, LISTS, key, list).await;
        response.expect_problem(400, "invalid_request");
    }
    assert_eq!(names(&alice, "").await, ["x"]);
}

async fn the_refusals_have_their_order(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let (alice, bob) = (app.user("alice"), app.user("bob"));
    let path = path_of(&list(&alice, "x").await);
    for client in [&alice, &bob] {
        client
            .patch(&format!("{path}?a=b"), &json!({ "name": 1 }))
            .await
            .expect_problem(400, "unknown_parameter");
        client
            .request("PATCH", &path)
            .header("If-Match", "\"9\"")
            .json(&json!({ "name": 1 }))
            .send()
            .await
            .expect_problem(422, "invalid_list");
    }
    let patch = bob.request("PATCH", &path).header("If-Match", "\"9\"");
    patch
        .json(&json!({}))
        .send()
        .await
        .expect_problem(403, "not_owner");
    let body = alice.request("POST", LISTS).body("text/plain", "{}");
    body.send()
        .await
        .expect_problem(415, "unsupported_media_type");
    let twice = r#"{"name":"a","name":"b"}"#;
    let body = alice.request("POST", LISTS).body("application/json", twice);
    body.send().await.expect_problem(400, "invalid_json");
    for query in ["?permanent=yes", "?permanent=true&permanent=true"] {
        alice
            .delete(&format!("{path}{query}"))
            .await
            .expect_problem(400, "invalid_parameter");
    }
    for query in ["", "?trash=1", "?trash=false", "?trash=true&trash=true"] {
        alice
            .delete(&format!("{LISTS}{query}"))
            .await
            .expect_problem(400, "invalid_parameter");
    }
    alice
        .delete(&format!("{LISTS}?trash=true&completed=true"))
        .await
        .expect_problem(400, "unknown_parameter");
    assert_eq!(names(&alice, "").await, ["x"]);
}

async fn links_have_the_prefix_of_a_trusted_proxy(engine: Engine) {
    let proxies = [("TODOWARD__SERVER__TRUSTED_PROXIES", "127.0.0.1")];
    let app = TestApp::with(engine, &proxies).await;
    let alice = app.user("alice");
    let create = alice.request("POST", "/api/v1/users/me/lists");
    let create = create.header("X-Forwarded-Prefix", "/backend");
    let created = create
        .json(&json!({ "name": "a" }))
        .send()
        .await
        .expect(201);
    let expected = format!("/backend{}", path_of(&created.json()));
    assert_eq!(created.header("location"), expected);
    list(&alice, "b").await;
    let page = alice.request("GET", &format!("{LISTS}?limit=1"));
    let page = page.header("X-Forwarded-Prefix", "/backend").send().await;
    let link = page.expect(200).header("link").to_owned();
    assert!(
        link.starts_with("</backend/api/v1/lists?limit=1&cursor="),
        "{link}"
    );
}

async fn what_is_not_there_is_404_and_says_list(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    let made = list(&alice, "x").await;
    let id = made["id"].as_str().unwrap();
    let task = alice.create(json!({ "title": "x" })).await;
    for id in [
        "01a1f7e7-b530-74f8-94e4-b4dc1460f2f1",
        task["id"].as_str().unwrap(),
        &id.to_uppercase(),
        &id.replace('-', ""),
        "x",
    ] {
        let path = format!("{LISTS}/{id}");
        let at = |end: &str| format!("{path}{end}");
        for response in [
            alice.get(&path).await,
            alice.patch(&path, &json!({})).await,
            alice.delete(&path).await,
            alice.delete(&at("?permanent=true")).await,
            alice.post(&at("/move"), &json!({ "first": true })).await,
            alice.request("POST", &at("/restore")).send().await,
        ] {
            let response = response.expect_problem(404, "list_not_found");
            assert_eq!(response.json()["detail"], "no list has this id");
        }
    }
    // A live list is not there to be restored.
    let restore = alice.request("POST", &format!("{LISTS}/{id}/restore"));
    restore.send().await.expect_problem(404, "list_not_found");
}
