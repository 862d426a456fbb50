//! The isolation table: no owner can see or change what belongs to another.

use serde_json::{Value, json};
use todoward::openapi::endpoint::Isolation;
use todoward::routes::{MOUNTS, OF_USERS, RESOURCES, resources};

use crate::support::{Client, Engine, Response, TestApp, on_both_databases};

on_both_databases! {
    every_method_on_another_owners_row_is_refused_and_changes_nothing,
    nothing_in_a_request_makes_another_user_the_caller,
    no_filter_and_no_order_finds_another_owners_task,
    another_owners_cursor_is_refused,
    an_idempotency_key_belongs_to_its_owner,
    of_eight_users_each_sees_and_changes_only_their_own,
}

/// The texts that must never reach another owner.
const CANARY: &str = "canary";

fn assert_tells_nothing(response: &Response, task: &Value) {
    let whole = format!("{:?} {}", response.headers, response.text());
    for secret in [
        CANARY,
        "alice",
        task["updated_at"].as_str().unwrap(),
        "\"7\"",
    ] {
        assert!(!whole.contains(secret), "{secret} in {whole}");
    }
}

async fn send(
    client: &Client,
    method: &str,
    path: &str,
    body: &str,
    headers: &[(&str, &str)],
) -> Response {
    let mut request = client.request(method, path);
    if !body.is_empty() {
        request = request.body("application/json", body);
    }
    for (name, value) in headers {
        request = request.header(name, value);
    }
    request.send().await
}

/// The path of a row of this resource that the word to be kept secret stands in.
async fn in_version_seven(owner: &Client, resource: &str) -> String {
    let (name, new) = match resource {
        // These have no rows but those of tasks.
        "tasks" | "tags" | "changes" | "batch" | "interchange" | "accounts" => (
            "title",
            json!({ "title": CANARY, "description": CANARY, "tags": [CANARY], "completed": true }),
        ),
        "lists" => ("name", json!({ "name": CANARY })),
        other => panic!("say what a row of {other} is"),
    };
    let collection = match resource {
        "tags" | "changes" | "batch" | "interchange" | "accounts" => "/api/v1/tasks".to_owned(),
        _ => format!("/api/v1/{resource}"),
    };
    let row = owner.post(&collection, &new).await.expect(201).json();
    let path = format!("{collection}/{}", row["id"].as_str().unwrap());
    for number in 2..=7 {
        let change = json!({ name: format!("{CANARY} {number}") });
        owner.patch(&path, &change).await.expect(200);
    }
    path
}

async fn every_method_on_another_owners_row_is_refused_and_changes_nothing(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let (alice, mallory) = (app.user("alice"), app.user("mallory"));
    let mut routes = 0;
    for resource in RESOURCES.iter().chain(OF_USERS) {
        let path = in_version_seven(&alice, resource.name).await;
        let id = path.rsplit('/').next().unwrap();
        let before = alice.get(&path).await.expect(200).json();
        for mount in MOUNTS {
            if !resources(mount).any(|it| it.name == resource.name) {
                continue;
            }
            for endpoint in resource.endpoints {
                let method = &endpoint.method;
                let at = format!("{mount}{}", endpoint.path)
                    .replace("{owner_id}", "mallory")
                    .replace("{id}", id);
                match endpoint.isolation {
                    Isolation::OneRow { body } => {
                        for condition in [
                            &[][..],
                            &[("If-Match", "\"7\"")],
                            &[("If-Match", "\"1\"")],
                            &[("If-Match", "*")],
                        ] {
                            let response =
                                send(&mallory, method.as_str(), &at, body, condition).await;
                            let response = response.expect_problem(403, "not_owner");
                            assert_eq!(response.header("etag"), "");
                            assert_tells_nothing(&response, &before);
                        }
                    }
                    Isolation::Events => {
                        let mut stream = mallory.request(method.as_str(), &at).events().await;
                        let first = stream.changed().await;
                        let owner = before["owner_id"].as_str().unwrap();
                        assert!(!first.contains(owner) && !first.contains(id));
                    }
                    // What a second token allows is for the tests of accounts.
                    Isolation::SecondToken => {
                        for token in ["", "alice", "Bearer a.b.c"] {
                            let header = [("X-Adopt-Authorization", token)];
                            let response = send(&mallory, method.as_str(), &at, "", &header).await;
                            assert!(matches!(response.status, 400 | 403), "{}", response.text());
                            assert_tells_nothing(&response, &before);
                        }
                    }
                    Isolation::Public => panic!("{at} needs a token"),
                    Isolation::OwnRows { query, body } => {
                        let response = send(
                            &mallory,
                            method.as_str(),
                            &format!("{at}{query}"),
                            body,
                            &[],
                        )
                        .await;
                        assert!(response.status < 300, "{}", response.text());
                        assert_tells_nothing(&response, &before);
                    }
                }
                assert_eq!(
                    alice.get(&path).await.expect(200).json(),
                    before,
                    "{method} {at}"
                );
                routes += 1;
            }
        }
        mallory.request("HEAD", &path).send().await.expect(403);
        mallory
            .request("GET", &path)
            .header("If-None-Match", "*")
            .send()
            .await
            .expect_problem(403, "not_owner");
    }
    assert!(routes >= 42, "{routes}");
}

async fn nothing_in_a_request_makes_another_user_the_caller(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let (alice, mallory) = (app.user("alice"), app.user("mallory"));
    alice.create(json!({ "title": CANARY })).await;
    for name in [
        "X-User-Id",
        "X-Forwarded-User",
        "X-Auth-Request-User",
        "Remote-User",
        "X-Better-Auth-User",
        "X-Original-Authorization",
        "Proxy-Authorization",
        "Cookie",
    ] {
        let response = mallory
            .request("GET", "/api/v1/tasks")
            .header(name, "alice")
            .send()
            .await
            .expect(200);
        assert_eq!(response.json()["items"], json!([]), "{name}");
    }
    for query in ["?user_id=alice", "?owner_id=alice", "?sub=alice"] {
        mallory
            .get(&format!("/api/v1/tasks{query}"))
            .await
            .expect_problem(400, "unknown_parameter");
    }
    let made = mallory.create(json!({ "title": "x", "owner_id": "alice", "id": "01a1f7e7-b530-74f8-94e4-b4dc1460f2f1" })).await;
    assert_eq!(made["owner_id"], "mallory");
    assert_ne!(made["id"], "01a1f7e7-b530-74f8-94e4-b4dc1460f2f1");
    assert_eq!(alice.titles("").await, [CANARY]);
}

async fn no_filter_and_no_order_finds_another_owners_task(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let (alice, mallory) = (app.user("alice"), app.user("mallory"));
    let task = alice.create(json!({ "title": CANARY, "description": CANARY, "tags": [CANARY], "priority": "high", "due_date": "2030-01-01", "completed": true })).await;
    mallory.create(json!({ "title": "own" })).await;
    for query in [
        "?q=canary",
        "?tag=canary",
        "?priority=high",
        "?completed=true",
        "?due_after=2029-01-01",
        "?due_before=2031-01-01",
        "?q=%25",
        "?q=_",
        "?sort=title",
        "?sort=-priority",
        "?sort=due_date",
        "?sort=-updated_at",
        "?limit=200",
        "?q=%27%20OR%201%3D1%20--",
        "?tag=%27%20OR%20owner_id%3D%27alice",
    ] {
        let response = mallory
            .get(&format!("/api/v1/tasks{query}"))
            .await
            .expect(200);
        assert_tells_nothing(&response, &task);
    }
}

async fn another_owners_cursor_is_refused(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let (alice, mallory) = (app.user("alice"), app.user("mallory"));
    for client in [&alice, &mallory] {
        for title in ["a", "b", "c"] {
            client.create(json!({ "title": title })).await;
        }
    }
    let page = alice.get("/api/v1/tasks?limit=1").await.expect(200).json();
    let cursor = page["next_cursor"].as_str().unwrap();
    mallory
        .get(&format!("/api/v1/tasks?limit=1&cursor={cursor}"))
        .await
        .expect_problem(400, "invalid_cursor");
    alice
        .get(&format!("/api/v1/tasks?limit=1&cursor={cursor}"))
        .await
        .expect(200);
}

async fn an_idempotency_key_belongs_to_its_owner(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let body = json!({ "title": "same" });
    let create = |user: &str| {
        app.user(user)
            .request("POST", "/api/v1/tasks")
            .header("Idempotency-Key", "k")
            .json(&body)
            .send()
    };
    let alices = create("alice").await.expect(201);
    let mallorys = create("mallory").await.expect(201);
    assert_eq!(mallorys.header("idempotency-replayed"), "");
    assert_ne!(alices.json()["id"], mallorys.json()["id"]);
    assert_eq!(mallorys.json()["owner_id"], "mallory");
}

async fn of_eight_users_each_sees_and_changes_only_their_own(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let names = ["a", "A", "a b", "a%20b", "ab", "é", "e\u{301}", "аb"];
    let mut paths = Vec::new();
    for name in names {
        paths.push(app.user(name).create_path(name).await);
    }
    for (at, name) in names.iter().enumerate() {
        let user = app.user(name);
        assert_eq!(user.titles("").await, [*name]);
        for (of, path) in paths.iter().enumerate() {
            let expected = if at == of { 200 } else { 403 };
            user.get(path).await.expect(expected);
            user.patch(path, &json!({ "priority": "low" }))
                .await
                .expect(expected);
            user.request("PATCH", &format!("{path}/complete"))
                .send()
                .await
                .expect(expected);
        }
    }
    for (at, name) in names.iter().enumerate() {
        let task = app.user(name).get(&paths[at]).await.expect(200).json();
        assert_eq!(task["version"], 3, "{task}");
    }
}
