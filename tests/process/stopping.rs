//! Signals: a stop lets requests in flight finish, and other signals do not stop it.

use std::net::TcpStream;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use serde_json::json;

use crate::binary::SOON;
use crate::server::{Server, eventually};
use crate::storage::Storage;
use crate::support::raw::{self, Connection, statuses};
use crate::support::{Client, Engine, Response, block_on, on_both_databases};

on_both_databases! {
    while_draining_readiness_says_no_and_requests_are_served,
    a_request_in_flight_is_finished_and_its_task_is_kept,
}

/// A server on SQLite, for tests that do not depend on the database.
async fn server(storage: &Storage, variables: &[(&str, &str)]) -> Server {
    Server::start(storage.path(), &storage.url, variables).await
}

const BODY: &str = r#"{"title":"in flight"}"#;

/// Begins to create a task and holds back the end of the body.
fn begin_create(server: &Server) -> Connection {
    let mut connection = server.connect();
    let length = BODY.len();
    let headers = format!("Content-Type: application/json\r\nContent-Length: {length}\r\n");
    connection.send(raw::head("alice", "POST /api/v1/tasks", &headers) + &BODY[..5]);
    connection
}

/// Sends the rest of the body and reads the responses up to the end.
fn finish_create(mut connection: Connection) -> Vec<Response> {
    connection.send(&BODY[5..]);
    connection.rest()
}

#[test]
fn sigterm_and_sigint_end_it_with_exit_code_0() {
    block_on(async {
        for signal in ["TERM", "INT"] {
            let storage = Storage::new(Engine::Sqlite);
            let mut server = server(&storage, &[]).await;
            server.signal(signal);
            assert_eq!(server.ends(SOON).await.code(), Some(0), "{signal}");
            let log = server.running.err.all();
            assert!(
                log.trim_end().ends_with("stopped"),
                "the last line is written: {log}"
            );
        }
    });
}

async fn while_draining_readiness_says_no_and_requests_are_served(engine: Engine) {
    let storage = Storage::new(engine);
    let variables = [("TODOWARD__SERVER__DRAIN_DELAY", "2")];
    let mut server = Server::start(storage.path(), &storage.url, &variables).await;
    let alice = server.user("alice");
    // Before the signal: the delay may begin before the test goes on.
    let signalled = Instant::now();
    server.signal("TERM");
    eventually("readiness says no", Duration::from_secs(1), async || {
        (!server.is_ready().await).then_some(())
    })
    .await;
    let mut served = 0;
    while signalled.elapsed() < Duration::from_millis(1500) {
        let ready = server
            .anonymous()
            .get("/health/ready")
            .await
            .expect(503)
            .json();
        assert_eq!(ready["not_ready"], json!(["server"]));
        let created = alice
            .post("/api/v1/tasks", &json!({ "title": "late" }))
            .await
            .expect(201);
        assert_eq!(
            created.header("connection"),
            "close",
            "asks to go elsewhere"
        );
        server.anonymous().get("/health/live").await.expect(200);
        served += 1;
    }
    assert!(served > 3, "only {served}");
    assert_eq!(server.ends(SOON).await.code(), Some(0));
    assert!(
        signalled.elapsed() >= Duration::from_secs(2),
        "waits for the delay"
    );
    assert!(
        signalled.elapsed() < Duration::from_secs(6),
        "{:?}",
        signalled.elapsed()
    );
}

async fn a_request_in_flight_is_finished_and_its_task_is_kept(engine: Engine) {
    let storage = Storage::new(engine);
    let mut serving = Server::start(storage.path(), &storage.url, &[]).await;
    let in_flight = begin_create(&serving);
    // After the response to a second request the first one has been read, too.
    serving.anonymous().get("/health/live").await.expect(200);
    serving.signal("TERM");
    eventually("nobody else is let in", SOON, async || {
        TcpStream::connect(serving.address).err()
    })
    .await;
    let responses = finish_create(in_flight);
    assert_eq!(statuses(&responses), [201], "{responses:?}");
    assert_eq!(serving.ends(SOON).await.code(), Some(0));
    let again = Server::start(storage.path(), &storage.url, &[]).await;
    assert_eq!(again.user("alice").titles("").await, ["in flight"]);
    again.stop().await;
}

/// Creates tasks until the server is gone, and returns how many it acknowledged.
async fn create_until_gone(client: Client) -> usize {
    let body = json!({ "title": "a" });
    let mut acknowledged = 0;
    while let Ok(response) = client
        .request("POST", "/api/v1/tasks")
        .json(&body)
        .try_send()
        .await
    {
        response.expect(201);
        acknowledged += 1;
    }
    acknowledged
}

#[test]
fn no_write_on_a_pipeline_is_cut_off_although_workers_end_one_after_the_other() {
    block_on(async {
        let storage = Storage::new(Engine::Postgres);
        let variables = [
            ("TODOWARD__SERVER__WORKERS", "4"),
            ("TODOWARD__DATABASE__PIPELINES", "1"),
        ];
        for round in 0..8 {
            let mut server = Server::start(storage.path(), &storage.url, &variables).await;
            // The worker that opens the pipeline may have no connection at the stop: then
            // it is the first to end.
            let opener = server.user(&format!("{round}-opener"));
            for _ in 0..100 {
                opener.create_path("a").await;
            }
            drop(opener);
            let users: Vec<Client> = (0..3)
                .map(|n| server.user(&format!("{round}-{n}")))
                .collect();
            let writers = users.iter().map(|user| create_until_gone(user.clone()));
            let writers = actix_rt::spawn(join_all(writers.collect::<Vec<_>>()));
            eventually("everybody writes", SOON, async || {
                let last = users.last()?.titles("").await;
                (last.len() > 5).then_some(())
            })
            .await;
            server.signal("TERM");
            assert_eq!(server.ends(SOON).await.code(), Some(0));
            let acknowledged = writers.await.unwrap();
            let again = Server::start(storage.path(), &storage.url, &[]).await;
            for (number, acknowledged) in acknowledged.into_iter().enumerate() {
                let kept = again
                    .user(&format!("{round}-{number}"))
                    .titles("?limit=200")
                    .await;
                assert!(
                    kept.len() >= acknowledged.min(200),
                    "{} of {acknowledged}",
                    kept.len()
                );
            }
            again.stop().await;
        }
    });
}

#[test]
fn a_second_signal_stops_it_now() {
    block_on(async {
        for (first, second) in [("TERM", "TERM"), ("TERM", "INT"), ("INT", "INT")] {
            for drain_delay in ["0", "30"] {
                let storage = Storage::new(Engine::Sqlite);
                let variables = [
                    ("TODOWARD__SERVER__DRAIN_DELAY", drain_delay),
                    ("TODOWARD__SERVER__SHUTDOWN_TIMEOUT", "60"),
                ];
                let mut server = server(&storage, &variables).await;
                let _in_flight = begin_create(&server);
                server.anonymous().get("/health/live").await.expect(200);
                server.signal(first);
                server.logs("stopping").await;
                assert!(server.running.ended().is_none());
                server.signal(second);
                let begun = Instant::now();
                server.ends(Duration::from_secs(3)).await;
                println!("a second signal ended it after {:?}", begun.elapsed());
            }
        }
    });
}

#[test]
fn a_peer_that_is_stuck_holds_up_the_stop_for_the_shutdown_timeout_at_most() {
    block_on(async {
        let storage = Storage::new(Engine::Sqlite);
        let variables = [("TODOWARD__SERVER__SHUTDOWN_TIMEOUT", "2")];
        let mut server = server(&storage, &variables).await;
        let _slow_body = begin_create(&server);
        let mut slow_head = server.connect();
        slow_head.send("GET /health/live HT");
        server.anonymous().get("/health/live").await.expect(200);
        server.signal("TERM");
        let begun = Instant::now();
        assert_eq!(server.ends(SOON).await.code(), Some(0));
        assert!(
            begun.elapsed() < Duration::from_millis(3500),
            "{:?}",
            begun.elapsed()
        );
    });
}

#[test]
fn idle_connections_do_not_hold_up_the_stop() {
    block_on(async {
        let storage = Storage::new(Engine::Sqlite);
        let mut server = server(&storage, &[]).await;
        let mut idle = Vec::new();
        for _ in 0..20 {
            let mut connection = server.connect();
            connection.send(raw::anonymous_head("GET /health/live", ""));
            connection.response().unwrap().expect(200);
            idle.push(connection);
        }
        // A connection without any request.
        let silent = server.connect();
        server.anonymous().get("/health/live").await.expect(200);
        server.signal("TERM");
        let begun = Instant::now();
        assert_eq!(server.ends(SOON).await.code(), Some(0));
        let took = begun.elapsed();
        println!(
            "with {} idle connections the stop took {took:?}",
            idle.len()
        );
        assert!(took < Duration::from_millis(2500), "{took:?}");
        drop(silent);
    });
}

#[test]
fn other_signals_do_not_end_it() {
    block_on(async {
        let storage = Storage::new(Engine::Sqlite);
        let mut server = server(&storage, &[]).await;
        for signal in ["HUP", "PIPE", "HUP", "PIPE"] {
            server.signal(signal);
            server
                .user("alice")
                .create(json!({ "title": signal }))
                .await;
            assert!(server.running.ended().is_none(), "{signal}");
        }
        assert!(server.is_ready().await);
        server.stop().await;
    });
}

#[test]
fn a_client_that_disconnects_in_the_middle_harms_no_other() {
    block_on(async {
        let storage = Storage::new(Engine::Sqlite);
        let server = server(&storage, &[]).await;
        for _ in 0..50 {
            drop(begin_create(&server));
            let mut unread = server.connect();
            unread.send(raw::anonymous_head("GET /health/ready", ""));
        }
        server.user("alice").create(json!({ "title": "a" })).await;
        assert_eq!(server.user("alice").titles("").await, ["a"]);
        server.stop().await;
    });
}
