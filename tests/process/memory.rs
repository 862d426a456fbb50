//! The memory use of the largest requests.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use futures_util::future::join_all;
use serde_json::json;

use crate::server::Server;
use crate::storage::Storage;
use crate::support::{Engine, block_on, raw};

const TASKS: &str = "/api/v1/tasks";
const LIMIT: usize = 512 * 1024;

/// The peak memory of the process, in bytes.
fn peak(server: &Server) -> usize {
    let id = server.running.child.id();
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let kibibytes = line.unwrap().split_whitespace().nth(1).unwrap();
    kibibytes.parse::<usize>().unwrap() * 1024
}

#[test]
#[cfg(target_os = "linux")]
fn two_hundred_of_the_largest_bodies_at_once_stay_within_bounds() {
    block_on(async {
        for engine in [Engine::Sqlite, Engine::Postgres] {
            let storage = Storage::new(engine);
            let more = [("TODOWARD__SERVER__WORKERS", "2")];
            let server = Server::start(storage.path(), &storage.url, &more).await;
            // The JSON with the largest memory use for its size: an array of numbers.
            let mut body = r#"{"title":"a","id":["#.to_owned();
            while body.len() < LIMIT - 4 {
                body += "0,";
            }
            body += "0]}";
            let create = async |n: usize| {
                let user = server.user(&format!("user {}", n % 8));
                let request = user.request("POST", TASKS);
                request
                    .body("application/json", body.clone())
                    .send()
                    .await
                    .status
            };
            let statuses = join_all((0..200).map(create)).await;
            let done = statuses.iter().filter(|status| **status == 201).count();
            // On a slow machine some do not arrive in time.
            let later = statuses
                .iter()
                .filter(|status| [503, 408].contains(*status));
            let later = later.count();
            assert!(done > 0 && done + later == 200, "{statuses:?}");
            let peak = peak(&server) / 1024 / 1024;
            println!("{engine:?}: {done} done, {later} are to come again, {peak} MiB");
            assert!(peak < 256, "{peak} MiB");
            server.user("another").create(json!({ "title": "a" })).await;
            server.stop().await;
        }
    });
}

#[test]
#[cfg(target_os = "linux")]
fn pages_of_the_largest_tasks_stay_within_bounds() {
    block_on(async {
        for engine in [Engine::Sqlite, Engine::Postgres] {
            let storage = Storage::new(engine);
            let more = [("TODOWARD__SERVER__WORKERS", "2")];
            let server = Server::start(storage.path(), &storage.url, &more).await;
            // Each character is six bytes in a response.
            let largest = json!({ "title": "a", "description": "\u{1}".repeat(20_000) });
            let users = ["alice", "bob"].map(|name| server.user(name));
            for user in &users {
                for _ in 0..200 {
                    user.create(largest.clone()).await;
                }
            }
            let page = format!("{TASKS}?limit=200");
            let read = async |n: usize| users[n % 2].get(&page).await.status;
            for _ in 0..3 {
                let statuses = join_all((0..16).map(read)).await;
                let done = statuses.iter().filter(|status| **status == 200).count();
                let later = statuses.iter().filter(|status| **status == 503).count();
                assert!(done > 0 && done + later == 16, "{statuses:?}");
            }
            let peak = peak(&server) / 1024 / 1024;
            println!("{engine:?}: {peak} MiB");
            assert!(peak < 256, "{peak} MiB");
            server.stop().await;
        }
    });
}

#[test]
#[cfg(target_os = "linux")]
fn exports_of_the_largest_tasks_that_nobody_goes_on_reading_stay_within_bounds() {
    block_on(async {
        for engine in [Engine::Sqlite, Engine::Postgres] {
            let storage = Storage::new(engine);
            let more = [("TODOWARD__SERVER__WORKERS", "2")];
            let server = Server::start(storage.path(), &storage.url, &more).await;
            let largest = json!({ "title": "a", "description": "\u{1}".repeat(20_000) });
            let alice = server.user("alice");
            for _ in 0..200 {
                alice.create(largest.clone()).await;
            }
            let head = raw::head("alice", "GET /api/v1/export", "");
            let mut open = Vec::new();
            for _ in 0..50 {
                let mut connection = TcpStream::connect(server.address).unwrap();
                connection.write_all(head.as_bytes()).unwrap();
                let mut begin = [0; 1000];
                connection.read_exact(&mut begin).unwrap();
                assert!(begin.starts_with(b"HTTP/1.1 200 "));
                open.push(connection);
            }
            let peak = peak(&server) / 1024 / 1024;
            println!("{engine:?}: {peak} MiB");
            assert!(peak < 192, "{peak} MiB");
            drop(open);
            server.stop().await;
        }
    });
}
