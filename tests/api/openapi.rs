//! The OpenAPI document is compared with the table of endpoints, the table of codes, and
//! the responses of a running server.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use todoward::openapi::OF_NO_OPERATION;
use todoward::primitives::problem::Code;
use todoward::routes::{API, MOUNTS, PUBLIC, guarded, paths};

use crate::support::{Engine, TestApp, block_on, on_both_databases, raw};

on_both_databases! {
    the_document_is_served_to_whoever_asks,
    responses_have_the_fields_that_the_document_names,
    a_limit_of_the_document_is_where_the_server_has_it,
}

const TASKS_AT: &str = "/api/v1/tasks";

fn document() -> Value {
    serde_json::from_str(&API.json("/")).unwrap()
}

/// Resolves a `$ref`, if there is one.
fn resolved<'d>(document: &'d Value, value: &'d Value) -> &'d Value {
    match value["$ref"].as_str() {
        Some(at) => document.pointer(at.strip_prefix('#').unwrap()).unwrap(),
        None => value,
    }
}

/// Every operation: method, path, Operation Object.
fn operations(document: &Value) -> Vec<(String, String, &Value)> {
    let paths = document["paths"].as_object().unwrap();
    let of_path = |(path, item): (&String, &'_ Value)| {
        let methods = item.as_object().unwrap().keys().cloned();
        let path = path.clone();
        methods
            .map(move |method| (method.to_uppercase(), path.clone()))
            .collect::<Vec<_>>()
    };
    let all = paths.iter().flat_map(of_path);
    all.map(|(method, path)| {
        let operation = &document["paths"][&path][method.to_lowercase()];
        (method, path, operation)
    })
    .collect()
}

fn keys(object: &Value) -> BTreeSet<&str> {
    object
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect()
}

#[test]
fn every_endpoint_is_an_operation_and_nothing_else_is() {
    let document = document();
    let described: BTreeSet<_> = operations(&document)
        .into_iter()
        .map(|(method, path, _)| (method, path))
        .collect();
    let mut expected = BTreeSet::new();
    for address in paths(PUBLIC.iter().filter(|it| !it.path.starts_with("/docs/"))) {
        for endpoint in &address.endpoints {
            expected.insert((endpoint.method.to_string(), address.path.to_owned()));
        }
    }
    for mount in MOUNTS {
        for address in guarded(mount) {
            for endpoint in &address.endpoints {
                let path = format!("{mount}{}", address.path);
                expected.insert((endpoint.method.to_string(), path));
            }
        }
    }
    assert_eq!(described, expected);
}

#[test]
fn every_operation_has_its_own_name_and_says_whether_it_needs_a_token() {
    let document = document();
    let mut names = BTreeSet::new();
    for (method, path, operation) in operations(&document) {
        assert!(
            names.insert(operation["operationId"].as_str().unwrap()),
            "{method} {path}"
        );
        let needed = match path.starts_with("/api/") {
            true => json!([{ "bearerAuth": [] }]),
            false => json!([]),
        };
        assert_eq!(operation["security"], needed, "{method} {path}");
        let statuses = keys(&operation["responses"]);
        assert_eq!(
            statuses.contains("401"),
            path.starts_with("/api/"),
            "{path}"
        );
        // Any operation can refuse an OAuth token for a missing scope.
        assert_eq!(
            statuses.contains("403"),
            path.starts_with("/api/"),
            "{method} {path}"
        );
    }
}

#[test]
fn paths_are_those_of_the_server_itself() {
    assert_eq!(document()["servers"], json!([{ "url": "/" }]));
}

#[test]
fn every_operation_has_a_refusal_and_that_of_health_and_docs_is_a_large_head() {
    block_on(async {
        let app = TestApp::spawn(Engine::Sqlite).await;
        let document = document();
        for (method, path, operation) in operations(&document) {
            let statuses = keys(&operation["responses"]);
            let refusals: Vec<_> = statuses.iter().filter(|it| it.starts_with('4')).collect();
            assert!(!refusals.is_empty(), "{method} {path}");
            if path.starts_with("/api/") {
                continue;
            }
            assert_eq!(refusals, [&"431"], "{method} {path}");
            let declared = resolved(&document, &operation["responses"]["431"]);
            assert_eq!(keys(declared), BTreeSet::from(["description"]));
            let request = |more: &str| format!("{method} {path} HTTP/1.1\r\nHost: a\r\n{more}\r\n");
            let large = raw::exchange(app.address, request(&"X-Much: x\r\n".repeat(200)));
            assert_eq!(raw::statuses(&large), [431], "{method} {path}");
            assert!(large[0].body.is_empty(), "{:?}", large[0]);
            // Every other parameter is accepted.
            let odd = format!(
                "GET {path}?x=%ff HTTP/1.1\r\nHost: a\r\nAuthorization: x\r\nAuthorization: y\r\nContent-Length: 1\r\n\r\n{{"
            );
            assert_eq!(
                raw::statuses(&raw::exchange(app.address, odd)),
                [200],
                "{method} {path}"
            );
        }
    });
}

#[test]
fn every_code_is_told_with_its_status_and_an_example() {
    let document = document();
    let listed = &document["components"]["schemas"]["ErrorCode"]["enum"];
    let all: Vec<&str> = API.codes().into_iter().map(Code::as_str).collect();
    assert_eq!(*listed, json!(all));
    let mut given = BTreeSet::new();
    for (_, _, operation) in operations(&document) {
        for (status, response) in operation["responses"].as_object().unwrap() {
            let content = &resolved(&document, response)["content"]["application/problem+json"];
            let Some(examples) = content["examples"].as_object() else {
                continue;
            };
            for (code, example) in examples {
                let problem = &resolved(&document, example)["value"];
                assert_eq!(problem["code"], **code);
                assert_eq!(problem["status"].to_string(), *status, "{code}");
                given.insert(code.as_str());
            }
        }
    }
    let missing: Vec<_> = all.iter().filter(|code| !given.contains(**code)).collect();
    let expected: Vec<_> = OF_NO_OPERATION.iter().map(|code| code.as_str()).collect();
    assert_eq!(missing, expected.iter().collect::<Vec<_>>());
}

#[test]
fn every_component_is_used() {
    let document = document();
    let text = document.to_string();
    let used = |kind: &str, name: &str| {
        // Security schemes are referenced by name, not by `$ref`.
        let reference = match kind {
            "securitySchemes" => format!("\"{name}\":[]"),
            _ => format!("\"#/components/{kind}/{name}\""),
        };
        text.contains(&reference)
    };
    for (kind, all) in document["components"].as_object().unwrap() {
        for name in keys(all) {
            assert!(used(kind, name), "{kind}/{name}");
        }
    }
}

#[test]
fn the_page_loads_nothing_that_is_not_served_here() {
    block_on(async {
        let app = TestApp::spawn(Engine::Sqlite).await;
        let nobody = app.anonymous();
        let page = nobody.get("/docs").await.expect(200);
        let policy = page.header("content-security-policy").to_owned();
        assert!(
            policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self';"),
            "{policy}"
        );
        assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
        let text = page.text().to_owned();
        assert!(
            !text.contains("<script>") && !text.contains("style="),
            "{text}"
        );
        let mut loaded = 0;
        for part in text
            .split(['"', '\''])
            .filter(|part| part.starts_with("docs/"))
        {
            let file = nobody.get(&format!("/{part}")).await.expect(200);
            let kind = if part.ends_with(".css") {
                "text/css"
            } else {
                "text/javascript"
            };
            assert!(file.header("content-type").starts_with(kind), "{part}");
            loaded += 1;
        }
        assert_eq!(
            loaded,
            PUBLIC
                .iter()
                .filter(|it| it.path.starts_with("/docs/"))
                .count()
        );
        assert!(
            !text.contains("http:") && !text.contains("https:"),
            "{text}"
        );
    });
}

async fn the_document_is_served_to_whoever_asks(engine: Engine) {
    let app = TestApp::with(
        engine,
        &[("TODOWARD__CORS__ALLOWED_ORIGINS", "https://app.example")],
    )
    .await;
    let response = app
        .anonymous()
        .request("GET", "/openapi.json")
        .header("Origin", "https://app.example")
        .send()
        .await
        .expect(200);
    assert_eq!(response.header("content-type"), "application/json");
    assert_eq!(
        response.header("access-control-allow-origin"),
        "https://app.example"
    );
    assert_eq!(response.text(), API.json("/"));
    assert!(
        response.json()["openapi"]
            .as_str()
            .unwrap()
            .starts_with("3.1")
    );
    let preflight = app
        .anonymous()
        .request("OPTIONS", "/openapi.json")
        .header("Origin", "https://app.example")
        .header("Access-Control-Request-Method", "GET")
        .send()
        .await
        .expect(204);
    assert_eq!(
        preflight.header("access-control-allow-origin"),
        "https://app.example"
    );
    let other = app
        .anonymous()
        .request("GET", "/openapi.json")
        .header("Origin", "https://evil.example")
        .send()
        .await
        .expect(200);
    assert!(!other.headers.contains_key("access-control-allow-origin"));
}

async fn responses_have_the_fields_that_the_document_names(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    let schemas = &document()["components"]["schemas"];
    let members = |name: &str| {
        keys(&schemas[name]["properties"])
            .into_iter()
            .map(str::to_owned)
            .collect::<BTreeSet<_>>()
    };
    let owned = |value: &Value| {
        keys(value)
            .into_iter()
            .map(str::to_owned)
            .collect::<BTreeSet<_>>()
    };
    let task = alice.create(json!({ "title": "x" })).await;
    assert_eq!(owned(&task), members("Task"));
    assert_eq!(
        owned(&alice.get(TASKS_AT).await.expect(200).json()),
        members("TaskList")
    );
    let problem = alice
        .post(TASKS_AT, &json!({ "title": "" }))
        .await
        .expect_problem(422, "invalid_task")
        .json();
    assert!(owned(&problem).is_subset(&members("Problem")), "{problem}");
    assert!(owned(&problem["errors"][0]).is_subset(&members("FieldError")));
    let cleared = alice
        .delete(&format!("{TASKS_AT}?completed=true"))
        .await
        .expect(200)
        .json();
    assert_eq!(owned(&cleared), members("Cleared"));
    // The example bodies of the document are valid.
    for name in ["NewTask", "TaskPatch"] {
        alice
            .post(TASKS_AT, &schemas[name]["examples"][0])
            .await
            .expect(201);
    }
    // A task can be sent back as it was read, and the document allows it.
    assert!(members("Task").is_subset(&members("NewTask")));
    alice.post(TASKS_AT, &task).await.expect(201);
}

async fn a_limit_of_the_document_is_where_the_server_has_it(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    let document = document();
    let fields = &document["components"]["schemas"]["NewTask"]["properties"];
    let limit =
        |schema: &Value, name: &str| usize::try_from(schema[name].as_u64().unwrap()).unwrap();
    let long = |length: usize| "ä".repeat(length);
    let title = limit(&fields["title"], "maxLength");
    let description = limit(&fields["description"], "maxLength");
    let tag = limit(&fields["tags"]["items"], "maxLength");
    let tags = limit(&fields["tags"], "maxItems");
    for (beyond, status) in [(0, 201), (1, 422)] {
        let words: Vec<String> = (0..tags + beyond).map(|n| n.to_string()).collect();
        for body in [
            json!({ "title": long(title + beyond) }),
            json!({ "title": "x", "description": long(description + beyond) }),
            json!({ "title": "x", "tags": [long(tag + beyond)] }),
            json!({ "title": "x", "tags": words }),
        ] {
            alice.post(TASKS_AT, &body).await.expect(status);
        }
    }
    let parameter = |name: &str| &document["components"]["parameters"][name]["schema"];
    let search = limit(parameter("Search"), "maxLength");
    let page = limit(parameter("Limit"), "maximum");
    let key = limit(parameter("IdempotencyKey"), "maxLength");
    for (beyond, status) in [(0, 200), (1, 400)] {
        alice
            .get(&format!("{TASKS_AT}?q={}", "q".repeat(search + beyond)))
            .await
            .expect(status);
        alice
            .get(&format!("{TASKS_AT}?limit={}", page + beyond))
            .await
            .expect(status);
        let created = if status == 200 { 201 } else { status };
        alice
            .request("POST", TASKS_AT)
            .header("Idempotency-Key", "k".repeat(key + beyond))
            .json(&json!({ "title": "x" }))
            .send()
            .await
            .expect(created);
    }
    let pattern = parameter("Sort")["pattern"].as_str().unwrap();
    let keys = pattern.split("-?(").nth(1).unwrap().split(')').next();
    let keys: Vec<&str> = keys.unwrap().split('|').collect();
    assert_eq!(keys.len(), 7);
    for key in &keys {
        alice
            .get(&format!("{TASKS_AT}?sort={key}"))
            .await
            .expect(200);
    }
    assert!(pattern.ends_with("{0,2}$"), "{pattern}");
    for (count, status) in [(3, 200), (4, 400)] {
        let sort = keys[..count].join(",-");
        alice
            .get(&format!("{TASKS_AT}?sort={sort}"))
            .await
            .expect(status);
    }
    for (name, value) in [
        ("Lists", "list=inbox"),
        ("Parents", "parent=none"),
        ("Tags", "tag=a"),
        ("AnyTags", "any_tag=a"),
        ("NoTags", "no_tag=a"),
    ] {
        let max = limit(parameter(name), "maxItems");
        for (count, status) in [(max, 200), (max + 1, 400)] {
            let query = vec![value; count].join("&");
            alice
                .get(&format!("{TASKS_AT}?{query}"))
                .await
                .expect(status);
        }
    }
}
