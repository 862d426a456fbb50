//! The metrics: what they contain, and what they must never contain.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use futures_util::future::join_all;
use serde_json::json;

use crate::rate_limits::{exhaust, limit};
use crate::support::key_server::KeyServer;
use crate::support::pairs::Pair;
use crate::support::raw;
use crate::support::trust::{ask, eventually, published, token_of, token_with_kid, trusting_with};
use crate::support::{Engine, SECRET, TestApp, block_on, on_both_databases, tokens};

on_both_databases! {
    files_are_counted_by_their_routes,
    a_sequence_of_requests_is_counted_as_it_was,
}

const ON: (&str, &str) = ("WITH_METRICS", "");

async fn files_are_counted_by_their_routes(engine: Engine) {
    let app = TestApp::with(engine, &[ON]).await;
    let alice = app.user("alice");
    let import = |path: &str, file: &str| {
        let request = alice.request("POST", path);
        request.body("text/plain", file).send()
    };
    import("/api/v1/import", "a\n").await.expect(200);
    import("/api/v1/users/alice/import", "a\n")
        .await
        .expect(200);
    let request = alice.request("POST", "/api/v1/import");
    let invalid = request.body("text/calendar", "x").send().await;
    invalid.expect_problem(422, "invalid_import");
    alice.get("/api/v1/export").await.expect(200);
    alice.get("/api/v1/export?format=x").await.expect(400);
    let after = series(&app).await;
    for (method, route, status) in [
        ("POST", "/api/v1/import", 200),
        ("POST", "/api/v1/users/{owner_id}/import", 200),
        ("POST", "/api/v1/import", 422),
        ("GET", "/api/v1/export", 200),
        ("GET", "/api/v1/export", 400),
    ] {
        let name = requests(method, route, status);
        assert_eq!(after.get(&name), Some(&1.0), "{name} {after:?}");
    }
}

/// The value of each series, by name with labels.
async fn series(app: &TestApp) -> BTreeMap<String, f64> {
    let response = app.metrics().await.expect(200);
    assert_eq!(
        response.header("content-type"),
        "text/plain; version=0.0.4; charset=utf-8"
    );
    let text = response.text();
    let samples = text.lines().filter(|line| !line.starts_with('#'));
    samples
        .map(|line| {
            let (name, value) = line.rsplit_once(' ').unwrap();
            (name.to_owned(), value.parse().unwrap())
        })
        .collect()
}

async fn value(app: &TestApp, name: &str) -> f64 {
    *series(app).await.get(name).unwrap_or(&0.0)
}

fn requests(method: &str, route: &str, status: u16) -> String {
    format!(
        r#"todoward_http_requests_total{{method="{method}",route="{route}",status="{status}"}}"#
    )
}

const WAITS: &str = "todoward_db_pool_wait_seconds_count";

async fn a_sequence_of_requests_is_counted_as_it_was(engine: Engine) {
    let app = TestApp::with(engine, &[ON]).await;
    let before = series(&app).await;
    // Their routes are counted, and not that of batches.
    let (alice, bob) = (app.user("alice").plain(), app.user("bob"));
    let path = alice.create_path("a").await;
    alice.create_path("b").await;
    for _ in 0..3 {
        alice.get(&path).await.expect(200);
    }
    bob.get(&path).await.expect(403);
    alice
        .request("HEAD", "/api/v1/tasks")
        .send()
        .await
        .expect(200);
    alice.get("/api/v1/users/alice/tasks").await.expect(200);
    alice.get("/api/v1/users/bob/tasks").await.expect(403);
    alice.get("/api/v1/users/me").await.expect(200);
    alice.delete("/api/v1/users/me").await.expect(400);
    alice
        .post("/api/v1/users/me/adopt", &json!({}))
        .await
        .expect(400);
    alice.get("/api/v1/nowhere").await.expect(404);
    alice
        .request("BREW", "/api/v1/tasks")
        .send()
        .await
        .expect(405);
    app.anonymous().get("/somewhere").await.expect(404);
    app.anonymous().get("/health/live").await.expect(200);
    app.anonymous().get("/api/v1/tasks").await.expect(401);
    app.with_token("x").get("/api/v1/tasks").await.expect(401);
    app.with_token("x").get("/api/v1/tasks").await.expect(401);

    let after = series(&app).await;
    let grown = |name: &str| after.get(name).unwrap_or(&0.0) - before.get(name).unwrap_or(&0.0);
    for (method, route, status, count) in [
        ("POST", "/api/v1/tasks", 201, 2.0),
        ("GET", "/api/v1/tasks/{id}", 200, 3.0),
        ("GET", "/api/v1/tasks/{id}", 403, 1.0),
        ("HEAD", "/api/v1/tasks", 200, 1.0),
        ("GET", "/api/v1/users/{owner_id}/tasks", 200, 1.0),
        ("GET", "/api/v1/users/{owner_id}/tasks", 403, 1.0),
        ("GET", "/api/v1/users/{owner_id}", 200, 1.0),
        ("DELETE", "/api/v1/users/{owner_id}", 400, 1.0),
        ("POST", "/api/v1/users/{owner_id}/adopt", 400, 1.0),
        ("GET", "-", 404, 2.0),
        ("-", "/api/v1/tasks", 405, 1.0),
        ("GET", "/health/live", 200, 1.0),
        ("GET", "/api/v1/tasks", 401, 3.0),
    ] {
        let name = requests(method, route, status);
        assert_eq!(grown(&name), count, "{name}: {after:#?}");
    }
    let all = |series: &BTreeMap<String, f64>| -> f64 {
        let counted = series
            .iter()
            .filter(|(name, _)| name.starts_with("todoward_http_requests_total"));
        counted.map(|(_, value)| value).sum()
    };
    assert_eq!(all(&after) - all(&before), 19.0);
    assert_eq!(grown("todoward_http_request_duration_seconds_count"), 19.0);
    assert_eq!(
        grown(r#"todoward_http_request_duration_seconds_bucket{le="+Inf"}"#),
        19.0
    );
    assert!(grown("todoward_http_request_duration_seconds_sum") > 0.0);
    assert_eq!(
        grown(r#"todoward_tokens_refused_total{code="missing_token"}"#),
        1.0
    );
    assert_eq!(
        grown(r#"todoward_tokens_refused_total{code="malformed_token"}"#),
        2.0
    );
    assert_eq!(
        grown(r#"todoward_tokens_refused_total{code="token_expired"}"#),
        0.0
    );
    // Created twice, read or missed four times, listed twice, the account read.
    assert_eq!(grown(WAITS) + grown("todoward_db_pipelined_total"), 9.0);
    let idle = after[r#"todoward_db_pool_connections{state="idle"}"#];
    let busy = after[r#"todoward_db_pool_connections{state="busy"}"#];
    assert!(idle + busy >= 1.0, "{idle} {busy}");
    let build = concat!(
        "todoward_build_info{version=\"",
        env!("CARGO_PKG_VERSION"),
        "\"}"
    );
    assert_eq!(after[build], 1.0);
}

#[test]
fn no_text_of_a_client_is_in_a_label_and_the_series_do_not_grow() {
    block_on(async {
        let mut settings = limit("20").to_vec();
        settings.push(ON);
        let app = TestApp::with(Engine::Sqlite, &settings).await;
        // One response of each kind, so that all series exist.
        let visit = async |text: &str| {
            let owner = app.user(&format!("canary{text}"));
            let path = format!("/api/v1/tasks/canary{text}");
            owner.get(&path).await;
            owner
                .get(&format!("/api/v1/users/canary{text}/tasks?q=canary{text}"))
                .await;
            owner.get(&format!("/api/v1/canary{text}")).await;
            app.anonymous().get(&format!("/canary{text}")).await;
            app.with_token(&format!("canary{text}")).get(&path).await;
            owner.request(&format!("CANARY{text}"), &path).send().await;
            let hostile = format!(
                "GET /canary\"}}\\{text} HTTP/1.1\r\nHost: canary{text}\r\nX-Request-Id: canary{text}\r\n\r\n"
            );
            raw::ask(app.address, hostile);
        };
        visit("first").await;
        exhaust(|| app.anonymous().request("GET", "/api/v1/canary")).await;
        exhaust(|| app.anonymous().request("GET", "/api/v1/tasks/canary")).await;
        let before = series(&app).await;
        for number in 0..100 {
            visit(&number.to_string()).await;
        }
        let after = series(&app).await;
        let names = |series: &BTreeMap<String, f64>| series.keys().cloned().collect::<Vec<_>>();
        assert_eq!(names(&after), names(&before));
        let text = app.metrics().await.text();
        for secret in [
            "canary",
            "CANARY",
            SECRET,
            "127.0.0.1",
            app.database_url.as_str(),
        ] {
            assert!(!text.contains(secret), "{secret}: {text}");
        }
    });
}

#[test]
fn every_line_is_of_the_text_format() {
    block_on(async {
        let app = TestApp::with(Engine::Sqlite, &[ON]).await;
        app.user("alice").create_path("a").await;
        let text = app.metrics().await.text();
        let mut kinds = BTreeMap::new();
        for line in text.lines() {
            if let Some(comment) = line.strip_prefix("# ") {
                let mut words = comment.splitn(3, ' ');
                let (what, name) = (words.next().unwrap(), words.next().unwrap());
                assert!(what == "HELP" || what == "TYPE", "{line}");
                if what == "TYPE" {
                    kinds.insert(name.to_owned(), words.next().unwrap().to_owned());
                }
            } else {
                let name = line.split(['{', ' ']).next().unwrap();
                let is_known = kinds.keys().any(|known| name.starts_with(known.as_str()));
                assert!(
                    is_known && line.rsplit_once(' ').unwrap().1.parse::<f64>().is_ok(),
                    "{line}"
                );
            }
        }
        let kinds: Vec<(&str, &str)> = kinds
            .iter()
            .map(|(name, kind)| (&**name, &**kind))
            .collect();
        assert_eq!(
            kinds,
            [
                ("todoward_build_info", "gauge"),
                ("todoward_db_failures_behind_total", "counter"),
                ("todoward_db_pipelined_total", "counter"),
                ("todoward_db_pipelines", "gauge"),
                ("todoward_db_pool_connections", "gauge"),
                ("todoward_db_pool_wait_seconds", "histogram"),
                ("todoward_http_request_duration_seconds", "histogram"),
                ("todoward_http_requests_total", "counter"),
                ("todoward_purged_total", "counter"),
                ("todoward_tokens_refused_total", "counter"),
            ]
        );
    });
}

#[test]
fn what_is_limited_is_counted_and_waits_for_no_connection() {
    block_on(async {
        let mut settings = limit("3").to_vec();
        settings.push(ON);
        let app = TestApp::with(Engine::Sqlite, &settings).await;
        let list = |client: &crate::support::Client| client.request("GET", "/api/v1/tasks");
        let (alice, anonymous) = (app.user("alice"), app.anonymous());
        let waits = value(&app, WAITS).await;
        let (served, _) = exhaust(|| list(&alice)).await;
        let (refused, _) = exhaust(|| list(&anonymous)).await;
        let now = series(&app).await;
        assert_eq!(now[&requests("GET", "/api/v1/tasks", 429)], 2.0);
        assert_eq!(now[&requests("GET", "/api/v1/tasks", 200)], served as f64);
        assert_eq!(now[&requests("GET", "/api/v1/tasks", 401)], refused as f64);
        assert_eq!(now[WAITS] - waits, served as f64);
        let code = r#"todoward_tokens_refused_total{code="missing_token"}"#;
        assert_eq!(now[code], refused as f64 + 1.0);
    });
}

#[test]
fn the_key_set_is_told_of() {
    block_on(async {
        let (pair, unknown) = (Pair::ed25519("k"), Pair::ed25519("made up"));
        let server = KeyServer::start(published(&[&pair]));
        let app = trusting_with(&server, &[ON]).await;
        ask(&app, &token_of(&server, &pair, "alice"))
            .await
            .expect(200);
        let now = series(&app).await;
        assert_eq!(now[r#"todoward_jwks_fetches_total{result="success"}"#], 1.0);
        assert_eq!(now[r#"todoward_jwks_fetches_total{result="failure"}"#], 0.0);
        let age = now["todoward_jwks_age_seconds"];
        assert!((0.0..60.0).contains(&age), "{age}");
        assert!(value(&app, "todoward_jwks_age_seconds").await > age);

        server.respond(crate::support::key_server::Response::Close);
        let token = token_with_kid(&server, &unknown, Some("made up"));
        ask(&app, &token).await.expect_problem(401, "unknown_key");
        let now = series(&app).await;
        assert_eq!(
            now[r#"todoward_tokens_refused_total{code="unknown_key"}"#],
            1.0
        );
        assert_eq!(now[r#"todoward_jwks_fetches_total{result="success"}"#], 1.0);
        assert_eq!(now[r#"todoward_jwks_fetches_total{result="failure"}"#], 1.0);
    });
}

#[test]
fn they_are_there_while_the_database_hangs_and_others_hold_their_connections() {
    block_on(async {
        // The kernel accepts the connections, and nothing ever responds.
        let silent = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("postgres://u@{}/tasks", silent.local_addr().unwrap());
        let settings = [ON, ("WITHOUT_DATABASE", "")];
        let app = TestApp::on_database(Engine::Postgres, &url, &settings).await;
        let metrics = app.metrics.unwrap();
        // Request heads that never end (Slowloris attack).
        let slow: Vec<TcpStream> = (0..20)
            .map(|_| {
                let mut stream = TcpStream::connect(metrics).unwrap();
                stream.write_all(b"GET /metrics HTTP/1.1\r\nHost:").unwrap();
                stream
            })
            .collect();
        // Different owners, because waits in the owner limiter are not counted.
        let owners: Vec<_> = (0..10).map(|n| app.user(&format!("owner-{n}"))).collect();
        let reads = join_all(owners.iter().map(|owner| owner.get("/api/v1/tasks")));
        let looks = async {
            let mut most_waits: f64 = 0.0;
            for _ in 0..20 {
                let response = tokio::time::timeout(Duration::from_secs(10), series(&app)).await;
                most_waits = response.expect("no answer")[WAITS].max(most_waits);
            }
            most_waits
        };
        let (responses, early) = tokio::join!(reads, looks);
        assert!(responses.iter().all(|response| response.status == 503));
        // Requests that got no connection have waited as well.
        eventually("all waits are counted", async || {
            value(&app, WAITS).await >= 10.0
        })
        .await;
        assert!(early <= 10.0);
        assert_eq!(
            value(&app, &requests("GET", "/api/v1/tasks", 503)).await,
            10.0
        );
        drop(slow);
    });
}

#[test]
fn the_metrics_port_serves_nothing_else_and_no_other_port_serves_metrics() {
    block_on(async {
        let app = TestApp::with(Engine::Sqlite, &[ON]).await;
        let metrics = app.metrics.unwrap();
        for (method, path, status) in [
            ("GET", "/", 404),
            ("GET", "/metrics/", 404),
            ("GET", "/api/v1/tasks", 404),
            ("GET", "/health/live", 404),
            ("POST", "/metrics", 404),
            ("HEAD", "/metrics", 200),
            ("GET", "/metrics?x=1", 200),
        ] {
            let response = raw::ask(
                metrics,
                raw::anonymous_head(&format!("{method} {path}"), ""),
            );
            assert_eq!(response.status, status, "{method} {path}");
        }
        let token = tokens::valid("alice");
        for path in [
            "/metrics",
            "/api/metrics",
            "/api/v1/metrics",
            "/health/metrics",
        ] {
            app.anonymous().get(path).await;
            let response = app.with_token(&token).get(path).await;
            response.expect_problem(404, "no_such_address");
        }
    });
}

#[test]
fn without_a_port_there_are_none() {
    block_on(async {
        let app = TestApp::spawn(Engine::Sqlite).await;
        assert_eq!(app.metrics, None);
    });
}

const NAMES: [&str; 12] = [
    "todoward_build_info",
    "todoward_db_failures_behind_total",
    "todoward_db_pipelined_total",
    "todoward_db_pipelines",
    "todoward_db_pool_connections",
    "todoward_db_pool_wait_seconds",
    "todoward_http_request_duration_seconds",
    "todoward_http_requests_total",
    "todoward_jwks_age_seconds",
    "todoward_jwks_fetches_total",
    "todoward_purged_total",
    "todoward_tokens_refused_total",
];

#[test]
fn alerts_dashboard_and_document_speak_of_what_there_is() {
    let alerts = include_str!("../../deploy/prometheus/alerts.yml");
    let dashboard = include_str!("../../deploy/grafana/todoward.json");
    let document = include_str!("../../docs/OPERATIONS.md");
    let panels: serde_json::Value = serde_json::from_str(dashboard).unwrap();
    assert!(panels["panels"].as_array().unwrap().len() > 10);
    for text in [alerts, dashboard, document] {
        for word in text.split(|c: char| !c.is_ascii_lowercase() && c != '_') {
            let name = word.strip_suffix("_bucket").unwrap_or(word);
            // Names of roles and packages in examples are not metrics.
            let is_other = ["todoward_app", "todoward_"].contains(&name);
            if name.starts_with("todoward_") && !is_other {
                assert!(NAMES.contains(&name), "{name}");
            }
        }
    }
    for name in NAMES {
        assert!(dashboard.contains(name), "{name} is in no panel");
        assert!(document.contains(&format!("| `{name}` |")), "{name}");
    }
}
