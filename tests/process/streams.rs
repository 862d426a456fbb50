//! A closed or blocked standard error stops no request.

use std::io::{BufRead as _, BufReader, Read as _};
use std::net::TcpListener;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::time::Duration;

use serde_json::json;

use crate::binary::{Running, SOON, todoward};
use crate::server::{address_in, environment, eventually};
use crate::storage::Storage;
use crate::support::{Client, Engine, block_on, tokens};

/// A server whose standard error the test reads or not.
struct Unread {
    running: Running,
    err: Option<BufReader<ChildStderr>>,
    client: Client,
}

impl Unread {
    /// Reads up to the line with its IP address and port, and no further.
    fn start(storage: &Storage, variables: &[(&str, &str)]) -> Self {
        let mut command = todoward(storage.path(), &[], environment(&storage.url, variables));
        let mut child: Child = command.spawn().unwrap();
        let mut err = BufReader::with_capacity(1, child.stderr.take().unwrap());
        let running = Running::of(child);
        let mut log = String::new();
        let address = loop {
            assert_ne!(err.read_line(&mut log).unwrap(), 0, "it has ended: {log}");
            if let Some(address) = address_in(&log) {
                break address;
            }
        };
        let authorization = format!("Bearer {}", tokens::valid("alice"));
        let client = Client::new(reqwest::Client::new(), address, Some(authorization));
        Self {
            running,
            err: Some(err),
            client,
        }
    }

    async fn stops(&mut self) {
        let id = self.running.child.id().to_string();
        Command::new("kill").args(["-TERM", &id]).status().unwrap();
        let ended = eventually("it ends", SOON, async || self.running.ended()).await;
        assert_eq!(ended.code(), Some(0));
    }
}

#[test]
fn a_reader_of_the_log_who_goes_away_stops_nothing() {
    block_on(async {
        let storage = Storage::new(Engine::Sqlite);
        let mut server = Unread::start(&storage, &[("RUST_LOG", "trace")]);
        drop(server.err.take());
        for _ in 0..50 {
            server.client.create(json!({ "title": "a" })).await;
        }
        server.client.get("/health/ready").await.expect(200);
        server.stops().await;
    });
}

#[test]
fn a_reader_of_the_log_who_does_not_read_holds_up_nothing() {
    block_on(async {
        let storage = Storage::new(Engine::Sqlite);
        let mut server = Unread::start(&storage, &[("RUST_LOG", "trace")]);
        // More lines than fit into the pipe and the queue.
        let client = server.client.clone();
        let path = format!("/api/{}", "x".repeat(1000));
        for _ in 0..40 {
            let requests = (0..250).map(|_| client.get(&path));
            for response in futures_util::future::join_all(requests).await {
                response.expect(404);
            }
        }
        let created = tokio::time::timeout(
            Duration::from_secs(5),
            client.create(json!({ "title": "a" })),
        );
        created.await.expect("a request waits for the log");
        // It really was blocked: once it is read, it reports the dropped lines.
        let mut err = server.err.take().unwrap();
        let reader = std::thread::spawn(move || {
            let mut log = String::new();
            while err.read_line(&mut log).is_ok_and(|count| count > 0) {
                if log.contains("log lines were dropped") {
                    return (true, err);
                }
            }
            (false, err)
        });
        eventually("somebody has read it", SOON, async || {
            reader.is_finished().then_some(())
        })
        .await;
        let (told, mut err) = reader.join().unwrap();
        assert!(told, "nothing was dropped, so nothing was blocked");
        let rest = std::thread::spawn(move || err.read_to_end(&mut Vec::new()));
        server.stops().await;
        rest.join().unwrap().unwrap();
    });
}

#[test]
fn a_blocked_log_does_not_hold_up_the_stop() {
    block_on(async {
        let storage = Storage::new(Engine::Sqlite);
        let mut server = Unread::start(&storage, &[("RUST_LOG", "trace")]);
        for _ in 0..10 {
            let requests = (0..250).map(|_| server.client.get("/health/live"));
            futures_util::future::join_all(requests).await;
        }
        let begun = std::time::Instant::now();
        server.stops().await;
        println!("with a blocked log the stop took {:?}", begun.elapsed());
        assert!(begun.elapsed() < Duration::from_secs(5));
    });
}

#[test]
fn without_any_standard_streams_it_serves() {
    block_on(async {
        let storage = Storage::new(Engine::Sqlite);
        // The port cannot be read from the log, so it must be set.
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = free.local_addr().unwrap();
        drop(free);
        let port = address.port().to_string();
        let mut shell = Command::new("sh");
        shell
            .args([
                "-c",
                r#"exec "$0" serve <&- >&- 2>&-"#,
                env!("CARGO_BIN_EXE_todoward"),
            ])
            .env_clear()
            .envs(environment(&storage.url, &[("PORT", &port)]))
            .current_dir(storage.path())
            .stdin(Stdio::null());
        let mut running = Running::spawn(&mut shell);
        let client = Client::new(reqwest::Client::new(), address, None);
        eventually("it is ready", SOON, async || {
            assert!(running.ended().is_none(), "it has ended");
            let asked = client.request("GET", "/health/ready").try_send().await;
            asked
                .is_ok_and(|response| response.status == 200)
                .then_some(())
        })
        .await;
        client
            .get("/api/v1/tasks")
            .await
            .expect_problem(401, "missing_token");
    });
}
