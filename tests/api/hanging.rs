//! A database that neither answers nor hangs up, or that hangs up on everybody.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use serde_json::json;

use crate::support::postgres::{TestDatabase, execute_in};
use crate::support::{Engine, TestApp, block_on};

/// Stands before a server, and swallows every byte while it is told to.
struct Swallower {
    address: SocketAddr,
    swallows: Arc<AtomicBool>,
}

impl Swallower {
    fn before(server: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let swallows = Arc::new(AtomicBool::new(false));
        let of_thread = Arc::clone(&swallows);
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let Ok(server) = TcpStream::connect(&server) else {
                    continue;
                };
                let (up, down) = (client.try_clone().unwrap(), server.try_clone().unwrap());
                let (one, two) = (Arc::clone(&of_thread), Arc::clone(&of_thread));
                std::thread::spawn(move || pump(up, server, &one));
                std::thread::spawn(move || pump(down, client, &two));
            }
        });
        Self { address, swallows }
    }
}

fn pump(mut from: TcpStream, mut to: TcpStream, swallows: &AtomicBool) {
    let mut bytes = [0; 4096];
    while let Ok(count @ 1..) = from.read(&mut bytes) {
        if !swallows.load(Ordering::Relaxed) && to.write_all(&bytes[..count]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(std::net::Shutdown::Both);
}

#[test]
fn a_database_that_swallows_every_byte_holds_nothing_up_and_is_found_again() {
    let database = TestDatabase::create();
    let (user, server) = database.url.split_once('@').unwrap();
    let (server, name) = server.split_once('/').unwrap();
    let proxy = Swallower::before(server.to_owned());
    let url = format!("{user}@{}/{name}", proxy.address);
    block_on(async {
        let limits = [
            ("TODOWARD__DATABASE__POOL_SIZE", "2"),
            ("TODOWARD__DATABASE__STATEMENT_TIMEOUT", "1"),
            ("TODOWARD__DATABASE__ACQUIRE_TIMEOUT", "1"),
            ("TODOWARD__SERVER__REQUEST_TIMEOUT", "2"),
        ];
        let app = TestApp::on_database(Engine::Postgres, &url, &limits).await;
        let alice = app.user("alice");
        let path = alice.create_path("before").await;

        proxy.swallows.store(true, Ordering::Relaxed);
        let body = json!({ "title": "during" });
        let (reads, writes, live, refused) = tokio::join!(
            join_all((0..6).map(|_| alice.get(&path))),
            join_all((0..2).map(|_| alice.post("/api/v1/tasks", &body))),
            join_all((0..6).map(|_| app.anonymous().request("GET", "/health/live").send())),
            join_all((0..6).map(|_| app.anonymous().request("GET", &path).send())),
        );
        for answer in reads.into_iter().chain(writes) {
            match answer.status {
                503 => assert!(!answer.header("retry-after").is_empty()),
                504 => drop(answer.expect_problem(504, "deadline_exceeded")),
                other => panic!("{other}: {}", answer.text()),
            }
        }
        assert!(live.iter().all(|answer| answer.status == 200));
        assert!(refused.iter().all(|answer| answer.status == 401));

        // What hung still hangs: the connections have to be replaced.
        proxy.swallows.store(false, Ordering::Relaxed);
        let limit = Instant::now() + Duration::from_secs(20);
        while alice.get(&path).await.status != 200 {
            assert!(Instant::now() < limit, "never found again");
        }
        assert!(alice.post("/api/v1/tasks", &body).await.status == 201);
        app.wait_until_ready().await;
    });
}

#[test]
fn connections_that_all_died_fail_one_write_at_most() {
    block_on(async {
        let app = TestApp::spawn(Engine::Postgres).await;
        let alice = app.user("alice");
        let body = json!({ "title": "a" });
        for _ in 0..3 {
            // So many at once that every connection of the pool is opened.
            join_all((0..64).map(|_| alice.post("/api/v1/tasks", &body))).await;
            execute_in(
                &app.database_url,
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                 WHERE datname = current_database() AND pid <> pg_backend_pid()",
            );
            let mut failed = 0;
            for _ in 0..8 {
                match alice.post("/api/v1/tasks", &body).await.status {
                    201 => {}
                    503 => failed += 1,
                    other => panic!("{other}"),
                }
            }
            assert!(failed <= 1, "{failed} of 8 writes failed");
        }
    });
}
