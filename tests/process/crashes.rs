//! The process is killed under load: what was acknowledged is stored exactly once.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::Path;
use std::rc::Rc;
use std::time::{Duration, Instant};

use diesel::prelude::*;
use serde_json::json;

use crate::binary::SOON;
use crate::server::{Server, eventually};
use crate::storage::Storage;
use crate::support::{Client, Engine, on_both_databases};

on_both_databases! {
    kill_9_under_load_loses_and_doubles_nothing,
    a_cold_start_is_quick,
}

const ROUNDS: usize = 10;
const WRITERS: usize = 8;

/// A create that was sent, and the id of its task if it was acknowledged.
struct Attempt {
    title: String,
    key: Option<String>,
    id: Option<String>,
}

impl Attempt {
    async fn send(&self, client: &Client) -> Result<crate::support::Response, reqwest::Error> {
        let body = json!({ "title": self.title });
        let mut request = client.request("POST", "/api/v1/tasks").json(&body);
        if let Some(key) = &self.key {
            request = request.header("Idempotency-Key", key);
        }
        request.try_send().await
    }
}

/// Creates tasks until the server is killed; every second one with an idempotency key.
async fn write_until_killed(client: Client, writer: usize, attempts: Rc<RefCell<Vec<Attempt>>>) {
    for number in 0.. {
        let title = format!("{writer}-{number}");
        let key = (number % 2 == 0).then(|| format!("key-{title}"));
        let mut attempt = Attempt {
            title,
            key,
            id: None,
        };
        let response = attempt.send(&client).await;
        let gone = response.is_err();
        if let Ok(response) = response {
            let task = response.expect(201).json();
            attempt.id = Some(task["id"].as_str().unwrap().to_owned());
        }
        attempts.borrow_mut().push(attempt);
        if gone {
            return;
        }
    }
}

/// All tasks of a user: title and ids.
async fn tasks_of(client: &Client) -> BTreeMap<String, Vec<String>> {
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut cursor = String::new();
    loop {
        let path = format!("/api/v1/tasks?limit=200{cursor}");
        let page = client.get(&path).await.expect(200).json();
        for task in page["items"].as_array().unwrap() {
            let text = |name: &str| task[name].as_str().unwrap().to_owned();
            found.entry(text("title")).or_default().push(text("id"));
        }
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return found,
        }
    }
}

/// Asserts that acknowledged tasks exist once, and that no others exist.
async fn nothing_is_lost_or_doubled(client: &Client, attempts: &[Attempt]) {
    let found = tasks_of(client).await;
    for attempt in attempts {
        let ids = found.get(&attempt.title).map_or(&[][..], Vec::as_slice);
        assert!(
            ids.len() <= 1,
            "{} is there {} times",
            attempt.title,
            ids.len()
        );
        if let Some(id) = &attempt.id {
            assert_eq!(
                ids,
                std::slice::from_ref(id),
                "{} was acknowledged",
                attempt.title
            );
        }
    }
    assert!(found.len() <= attempts.len());
}

/// Repeats every create with its key: it returns the same task, or creates the only one.
async fn retries_make_no_second_task(client: &Client, attempts: &mut [Attempt]) {
    for attempt in attempts.iter_mut().filter(|attempt| attempt.key.is_some()) {
        let response = attempt.send(client).await.unwrap().expect(201);
        let task = response.json();
        let id = task["id"].as_str().unwrap();
        if let Some(first) = &attempt.id {
            assert_eq!(id, first);
            assert_eq!(response.header("idempotency-replayed"), "true");
        }
        attempt.id = Some(id.to_owned());
    }
}

#[derive(QueryableByName)]
struct Check {
    #[diesel(sql_type = diesel::sql_types::Text)]
    integrity_check: String,
}

fn check_integrity(file: &Path) {
    let mut connection = SqliteConnection::establish(file.to_str().unwrap()).unwrap();
    let found: Vec<Check> = diesel::sql_query("PRAGMA integrity_check")
        .load(&mut connection)
        .unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].integrity_check, "ok");
}

/// A random point of the load.
fn random_moment() -> Duration {
    Duration::from_millis(30 + (uuid::Uuid::now_v7().as_u128() % 300) as u64)
}

async fn kill_9_under_load_loses_and_doubles_nothing(engine: Engine) {
    let storage = Storage::new(engine);
    let mut server = Server::start(storage.path(), &storage.url, &[]).await;
    let mut rounds: Vec<(String, Vec<Attempt>)> = Vec::new();
    let (mut acknowledged, mut unknown) = (0, 0);
    let mut slowest = Duration::ZERO;
    for round in 0..ROUNDS {
        let owner = format!("round-{round}");
        let attempts = Rc::new(RefCell::new(Vec::new()));
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                actix_rt::spawn(write_until_killed(
                    server.user(&owner),
                    writer,
                    Rc::clone(&attempts),
                ))
            })
            .collect();
        eventually("somebody writes", SOON, async || {
            (!attempts.borrow().is_empty()).then_some(())
        })
        .await;
        tokio::time::sleep(random_moment()).await;
        server.kill();
        for writer in writers {
            writer.await.unwrap();
        }

        let begun = Instant::now();
        server = Server::start(storage.path(), &storage.url, &[]).await;
        slowest = slowest.max(begun.elapsed());
        let mut attempts = attempts.take();
        let known = attempts
            .iter()
            .filter(|attempt| attempt.id.is_some())
            .count();
        acknowledged += known;
        unknown += attempts.len() - known;
        let client = server.user(&owner);
        nothing_is_lost_or_doubled(&client, &attempts).await;
        retries_make_no_second_task(&client, &mut attempts).await;
        if engine == Engine::Sqlite {
            check_integrity(&storage.file());
        }
        rounds.push((owner, attempts));
    }
    for (owner, attempts) in &rounds {
        nothing_is_lost_or_doubled(&server.user(owner), attempts).await;
    }
    println!(
        "{engine:?}: {ROUNDS} kills, {acknowledged} acknowledged, {unknown} cut off, none lost; ready after {slowest:?} at most"
    );
    assert!(
        acknowledged > ROUNDS * WRITERS,
        "hardly any load: {acknowledged}"
    );
    assert!(
        slowest < Duration::from_secs(5),
        "ready only after {slowest:?}"
    );
    server.stop().await;
}

async fn a_cold_start_is_quick(engine: Engine) {
    let storage = Storage::new(engine);
    let mut best = SOON;
    for start in ["empty", "migrated", "migrated"] {
        let begun = Instant::now();
        let server = Server::start(storage.path(), &storage.url, &[]).await;
        println!("{engine:?}, {start}: ready after {:?}", begun.elapsed());
        best = best.min(begun.elapsed());
        server.kill();
    }
    // Generous, for a debug build on a busy machine.
    assert!(best < Duration::from_secs(2), "{best:?}");
}
