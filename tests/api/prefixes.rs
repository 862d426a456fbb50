//! `X-Forwarded-Prefix`: links contain the path prefix that a proxy has stripped, if a
//! trusted proxy sends it and it is valid.

use serde_json::json;
use todoward::routes::API;

use crate::support::client::Request;
use crate::support::{Engine, TestApp, on_both_databases};

on_both_databases! {
    a_prefix_of_a_trusted_proxy_stands_in_every_link,
    what_is_no_prefix_is_as_if_it_were_not_there,
    whoever_is_no_trusted_proxy_has_no_prefix,
}

const TASKS: &str = "/api/v1/tasks";

fn with(request: Request, prefixes: &[&str]) -> Request {
    let header = |request: Request, prefix: &&str| request.header("X-Forwarded-Prefix", prefix);
    prefixes.iter().fold(request, header)
}

/// The prefix in `Location`, in `Link` below both mounts, and in the document.
async fn seen(app: &TestApp, prefixes: &[&str]) -> [String; 4] {
    let alice = app.user("alice");
    let create = alice.request("POST", TASKS).json(&json!({ "title": "a" }));
    let created = with(create, prefixes).send().await.expect(201);
    let id = created.json()["id"].as_str().unwrap().to_owned();
    let location = created.header("location").to_owned();
    let location = location
        .strip_suffix(&format!("{TASKS}/{id}"))
        .unwrap()
        .to_owned();
    let mut seen = vec![location];
    for query in ["limit=1", "limit=1&sort=title"] {
        let list = alice.request("GET", &format!("/api/v1/users/me/tasks?{query}"));
        let page = with(list, prefixes).send().await.expect(200);
        let link = page.header("link").strip_prefix('<').unwrap();
        let (prefix, _) = link.split_once(&format!("{TASKS}?sort=")).unwrap();
        seen.push(prefix.to_owned());
    }
    let document = app.anonymous().request("GET", "/openapi.json");
    let document = with(document, prefixes).send().await.expect(200);
    assert_eq!(document.header("content-type"), "application/json");
    let servers = document.json()["servers"].clone();
    assert_eq!(servers.as_array().unwrap().len(), 1);
    seen.push(servers[0]["url"].as_str().unwrap().to_owned());
    seen.try_into().unwrap()
}

const NONE: [&str; 4] = ["", "", "", "/"];

async fn a_prefix_of_a_trusted_proxy_stands_in_every_link(engine: Engine) {
    let app = TestApp::with(
        engine,
        &[("TODOWARD__SERVER__TRUSTED_PROXIES", "10.0.0.0/8,127.0.0.1")],
    )
    .await;
    app.user("alice").create(json!({ "title": "first" })).await;
    assert_eq!(seen(&app, &[]).await, NONE);
    let longest = format!("/{}/{}", "a".repeat(99), "b".repeat(99));
    for prefix in [
        "/backend",
        "/a/b/c",
        "/v1.2_~x-Y",
        "/...",
        "/.a/b..",
        longest.as_str(),
    ] {
        assert_eq!(seen(&app, &[prefix]).await, [prefix; 4]);
    }
    // `instance` is the path as received, in errors too.
    let refused = with(
        app.user("alice").request("GET", "/api/v1/tasks/x"),
        &["/backend"],
    )
    .send()
    .await;
    assert_eq!(
        refused.expect_problem(404, "task_not_found").json()["instance"],
        "/api/v1/tasks/x"
    );
    // Apart from that the document is the same.
    let below = with(
        app.anonymous().request("GET", "/openapi.json"),
        &["/backend"],
    )
    .send()
    .await
    .expect(200);
    assert_eq!(
        below
            .text()
            .replace("\"url\": \"/backend\"", "\"url\": \"/\""),
        API.json("/")
    );
}

async fn what_is_no_prefix_is_as_if_it_were_not_there(engine: Engine) {
    let app = TestApp::with(
        engine,
        &[("TODOWARD__SERVER__TRUSTED_PROXIES", "127.0.0.1")],
    )
    .await;
    app.user("alice").create(json!({ "title": "first" })).await;
    let too_long = format!("/{}/{}", "a".repeat(99), "b".repeat(100));
    let wrong = [
        "",
        "/",
        "//",
        "backend",
        "/backend/",
        "//evil.example",
        "/a//b",
        "/.",
        "/..",
        "/a/../b",
        "/a/./b",
        "https://evil.example",
        "/\\evil.example",
        "/a b",
        "/a%2fb",
        "/a?b",
        "/a#b",
        "/a;b",
        "/a,b",
        "/a:b",
        "/a@b",
        "/a>; rel=\"x\"",
        "/\u{e9}",
        "/a, /b",
        &too_long,
    ];
    for prefix in wrong {
        assert_eq!(seen(&app, &[prefix]).await, NONE, "{prefix}");
    }
    for prefixes in [["/a", "/b"], ["/a", "/a"], ["/a", ""]] {
        assert_eq!(seen(&app, &prefixes).await, NONE);
    }
}

async fn whoever_is_no_trusted_proxy_has_no_prefix(engine: Engine) {
    for proxies in ["", "10.0.0.0/8"] {
        let app = TestApp::with(engine, &[("TODOWARD__SERVER__TRUSTED_PROXIES", proxies)]).await;
        app.user("alice").create(json!({ "title": "first" })).await;
        assert_eq!(seen(&app, &["/backend"]).await, NONE);
        // A proxy in X-Forwarded-For does not make the peer trusted.
        let create = app
            .user("alice")
            .request("POST", TASKS)
            .json(&json!({ "title": "a" }))
            .header("X-Forwarded-For", "10.0.0.1");
        let created = with(create, &["/backend"]).send().await.expect(201);
        assert!(created.header("location").starts_with("/api/v1/tasks/"));
    }
}
