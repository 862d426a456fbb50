//! PostgreSQL that is down, stops, and comes back.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::binary::{SOON, run};
use crate::server::{Server, eventually};
use crate::storage::Storage;
use crate::support::postgres::{Cluster, execute_in};
use crate::support::{Client, Engine, Response, block_on};

/// The max time until everything works again after the database is back.
const RECOVERY: Duration = Duration::from_secs(5);

async fn create(client: &Client) -> Response {
    client.post("/api/v1/tasks", &json!({ "title": "a" })).await
}

/// Asserts 503 for everything that needs the database; all else works.
async fn is_out(server: &Server) {
    let alice = server.user("alice");
    server.anonymous().get("/health/live").await.expect(200);
    let ready = server.anonymous().get("/health/ready").await;
    let ready = ready.expect_problem(503, "database_unavailable");
    assert_eq!(ready.json()["not_ready"], json!(["database"]));
    assert!(!ready.header("retry-after").is_empty());
    for response in [
        alice.get("/api/v1/tasks").await,
        create(&alice).await,
        alice
            .get("/api/v1/tasks/019a9ff4-0000-7000-8000-000000000000")
            .await,
    ] {
        let response = response.expect(503);
        let seconds: u32 = response.header("retry-after").parse().unwrap();
        assert!((1..=60).contains(&seconds));
        let code = response.json()["code"].as_str().unwrap().to_owned();
        assert!(
            ["database_unavailable", "overloaded"].contains(&code.as_str()),
            "{code}"
        );
        for inside in ["postgres", "127.0.0.1", "connection", "libpq", "SQL"] {
            let detail = response.json()["detail"].as_str().unwrap().to_owned();
            assert!(!detail.contains(inside), "{detail}");
        }
    }
    let bad = server
        .with_token("eyJhbGciOiJIUzI1NiJ9.e30.AAAA")
        .get("/api/v1/tasks")
        .await;
    bad.expect(401);
    server
        .anonymous()
        .get("/api/v1/tasks")
        .await
        .expect_problem(401, "missing_token");
}

/// Asserts that everything works within the limit, and keeps working.
async fn is_back(server: &Server, what: &str) {
    let begun = Instant::now();
    let alice = server.user("alice");
    eventually("it is ready", RECOVERY, async || {
        server.is_ready().await.then_some(())
    })
    .await;
    eventually("a task is created", RECOVERY, async || {
        let response = create(&alice).await;
        assert!([201, 503].contains(&response.status), "{}", response.text());
        (response.status == 201).then_some(())
    })
    .await;
    println!("{what}: back after {:?}", begun.elapsed());
    assert!(begun.elapsed() < RECOVERY);
    alice.get("/api/v1/tasks").await.expect(200);
}

#[test]
fn without_postgres_it_starts_and_lives_and_is_ready_once_postgres_is_there() {
    block_on(async {
        let mut cluster = Cluster::create();
        let directory = tempfile::tempdir().unwrap();
        let url = format!("{}/postgres", cluster.url);
        let server = Server::listening(directory.path(), &url, &[]).await;
        is_out(&server).await;
        let port = server.address.port().to_string();
        let check = run(directory.path(), &["healthcheck"], &[("PORT", &port)]).failed(1);
        assert!(check.err.contains("503"), "{check:?}");
        cluster.start();
        is_back(&server, "PostgreSQL started late").await;
        server.stop().await;
    });
}

#[test]
fn without_postgres_it_can_be_stopped() {
    block_on(async {
        let cluster = Cluster::create();
        let directory = tempfile::tempdir().unwrap();
        let server =
            Server::listening(directory.path(), &format!("{}/postgres", cluster.url), &[]).await;
        let begun = Instant::now();
        server.stop().await;
        assert!(
            begun.elapsed() < Duration::from_secs(4),
            "{:?}",
            begun.elapsed()
        );
    });
}

#[test]
fn postgres_may_stop_or_crash_and_come_back() {
    block_on(async {
        let mut cluster = Cluster::create();
        cluster.start();
        let directory = tempfile::tempdir().unwrap();
        let server =
            Server::start(directory.path(), &format!("{}/postgres", cluster.url), &[]).await;
        let alice = server.user("alice");
        for (signal, what) in [
            ("INT", "stopped and started"),
            ("QUIT", "crashed and started"),
        ] {
            // All connections of the pool are open when they die.
            let requests = (0..30).map(|_| create(&alice));
            let responses = futures_util::future::join_all(requests).await;
            let mut acknowledged: Vec<String> = Vec::new();
            for response in responses {
                acknowledged.push(response.expect(201).header("location").to_owned());
            }
            cluster.stop(signal);
            eventually("readiness says no", SOON, async || {
                (!server.is_ready().await).then_some(())
            })
            .await;
            is_out(&server).await;
            cluster.start();
            is_back(&server, what).await;
            for location in acknowledged {
                alice.get(&location).await.expect(200);
            }
        }
        server.stop().await;
    });
}

#[test]
fn connections_that_are_cut_at_random_cost_only_503() {
    block_on(async {
        let storage = Storage::new(Engine::Postgres);
        let server = Server::start(storage.path(), &storage.url, &[]).await;
        let name = storage.name().to_owned();
        let url = storage.url.clone();
        let cutter = std::thread::spawn(move || {
            let maintenance = url.replace(&format!("/{name}"), "/postgres");
            for _ in 0..30 {
                execute_in(
                    &maintenance,
                    &format!(
                        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}' ORDER BY random() LIMIT 1"
                    ),
                );
                std::thread::sleep(Duration::from_millis(100));
            }
        });
        let alice = server.user("alice");
        let (mut good, mut unavailable) = (0, 0);
        let mut acknowledged = Vec::new();
        while !cutter.is_finished() {
            let writes = futures_util::future::join_all((0..8).map(|_| create(&alice)));
            let reads =
                futures_util::future::join_all((0..8).map(|_| alice.get("/api/v1/tasks?limit=1")));
            let (writes, reads) = futures_util::future::join(writes, reads).await;
            for response in writes.into_iter().chain(reads) {
                match response.status {
                    200 | 201 => good += 1,
                    503 => unavailable += 1,
                    other => panic!("{other}: {}", response.text()),
                }
                if response.status == 201 {
                    acknowledged.push(response.header("location").to_owned());
                }
            }
        }
        cutter.join().unwrap();
        println!("30 connections cut: {good} good answers, {unavailable} times 503");
        assert!(
            good > 100 && unavailable * 10 < good,
            "{good} good, {unavailable} not"
        );
        // No broken connection is reused, and nothing acknowledged is lost.
        is_back(&server, "connections cut").await;
        for response in futures_util::future::join_all((0..50).map(|_| create(&alice))).await {
            response.expect(201);
        }
        for location in acknowledged {
            alice.get(&location).await.expect(200);
        }
        server.stop().await;
    });
}
