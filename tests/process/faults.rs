//! Database faults: deadlocks, conflicts, locks, an altered table. The API responds as
//! documented, and recovers when the cause is gone.

use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use futures_util::future::join_all;
use serde_json::json;

use crate::binary::SOON;
use crate::server::{Server, eventually};
use crate::storage::Storage;
use crate::support::postgres::wait_until_indexed;
use crate::support::{Client, Engine, Response, block_on};

const TASKS: &str = "/api/v1/tasks";
const CLEAR: &str = "/api/v1/tasks?completed=true";

fn session(storage: &Storage) -> PgConnection {
    PgConnection::establish(&storage.url).unwrap()
}

/// Asserts that endpoints without the database still work.
async fn lives(server: &Server) {
    let begun = Instant::now();
    server.anonymous().get("/health/live").await.expect(200);
    server
        .anonymous()
        .get(TASKS)
        .await
        .expect_problem(401, "missing_token");
    server.with_token("a.b.c").get(TASKS).await.expect(401);
    assert!(
        begun.elapsed() < Duration::from_secs(2),
        "held up: {:?}",
        begun.elapsed()
    );
}

async fn works_again(client: &Client) {
    eventually("it works again", SOON, async || {
        let written = client
            .post(TASKS, &json!({ "title": "again" }))
            .await
            .status
            == 201;
        (written && client.get(TASKS).await.status == 200).then_some(())
    })
    .await;
}

#[test]
fn a_deadlock_is_retried_and_no_client_notices() {
    block_on(async {
        let storage = Storage::new(Engine::Postgres);
        let server = Server::start(storage.path(), &storage.url, &[]).await;
        let alice = server.user("alice");
        for title in ["first", "second"] {
            alice
                .create(json!({ "title": title, "completed": true }))
                .await;
        }
        let mut other = session(&storage);
        // The application's statement becomes the victim of the deadlock, because this
        // session would look for one only after a minute.
        other.batch_execute("SET deadlock_timeout = '1min'; BEGIN; UPDATE tasks SET version = version WHERE title = 'second'").unwrap();
        let clear = alice.delete(CLEAR);
        let interfere = async {
            let waits = "SELECT 1 FROM pg_locks WHERE NOT granted";
            let mut watcher = session(&storage);
            eventually("the server waits for the second row", SOON, async || {
                (diesel::sql_query(waits).execute(&mut watcher).unwrap() > 0).then_some(())
            })
            .await;
            // It holds the first row; now each waits for the other.
            actix_rt::task::spawn_blocking(move || {
                other.batch_execute(
                    "UPDATE tasks SET version = version WHERE title = 'first'; COMMIT",
                )
            })
            .await
            .unwrap()
        };
        let (cleared, interfered) = futures_util::future::join(clear, interfere).await;
        interfered.unwrap();
        assert_eq!(cleared.expect(200).json(), json!({ "deleted": 2 }));
    });
}

#[test]
fn writes_that_cannot_be_put_in_an_order_are_done_or_refused_and_never_half() {
    block_on(async {
        let storage = Storage::new(Engine::Postgres);
        let serializable = format!(
            "ALTER DATABASE {} SET default_transaction_isolation = 'serializable'",
            storage.name()
        );
        session(&storage).batch_execute(&serializable).unwrap();
        let server = Server::start(storage.path(), &storage.url, &[]).await;
        let alice = server.user("alice");
        let path = alice.create_path("a").await;
        let mut changed = 0;
        for round in 0..10 {
            let patches: Vec<_> = (0..8)
                .map(|n| {
                    let body = json!({ "description": format!("{round}-{n}") });
                    let (alice, path) = (&alice, &path);
                    async move { alice.patch(path, &body).await }
                })
                .collect();
            let responses = join_all(patches).await;
            for response in &responses {
                assert!([200, 503].contains(&response.status), "{}", response.text());
            }
            changed += responses
                .iter()
                .filter(|response| response.status == 200)
                .count();
        }
        assert!(changed >= 10, "only {changed} of 80 got through");
        let version = alice.get(&path).await.expect(200).json()["version"].as_u64();
        assert_eq!(
            version,
            Some(1 + changed as u64),
            "each that was told 200 counts, and no other"
        );
    });
}

#[test]
fn a_table_that_is_locked_costs_503_and_504_and_holds_up_nothing_else() {
    block_on(async {
        let storage = Storage::new(Engine::Postgres);
        let limits = [
            ("TODOWARD__DATABASE__POOL_SIZE", "2"),
            ("TODOWARD__DATABASE__ACQUIRE_TIMEOUT", "1"),
            ("TODOWARD__DATABASE__STATEMENT_TIMEOUT", "2"),
        ];
        let server = Server::start(storage.path(), &storage.url, &limits).await;
        let alice = server.user("alice");
        alice.create(json!({ "title": "before" })).await;
        wait_until_indexed(&storage.url).await;
        let mut other = session(&storage);
        other
            .batch_execute("BEGIN; LOCK TABLE tasks IN ACCESS EXCLUSIVE MODE")
            .unwrap();
        let asked: Vec<_> = (0..10)
            .map(|n| {
                let alice = &alice;
                async move {
                    match n % 2 {
                        0 => alice.get(TASKS).await,
                        _ => alice.post(TASKS, &json!({ "title": "during" })).await,
                    }
                }
            })
            .collect();
        let (responses, ()) = futures_util::future::join(join_all(asked), lives(&server)).await;
        let told = |status: u16| {
            responses
                .iter()
                .filter(|response| response.status == status)
                .count()
        };
        assert_eq!(
            told(503) + told(504),
            10,
            "{:?}",
            responses.iter().map(Response::text).collect::<Vec<_>>()
        );
        assert!(told(503) >= 8 - 2, "those that got no connection");
        for response in responses.iter().filter(|response| response.status == 503) {
            assert!(!response.header("retry-after").is_empty());
        }
        other.batch_execute("COMMIT").unwrap();
        works_again(&alice).await;
        // A cancelled statement has written nothing.
        assert_eq!(alice.titles("?q=during").await, [""; 0]);
    });
}

#[test]
fn a_schema_that_has_changed_is_500_without_a_word_of_the_inside_until_it_is_back() {
    block_on(async {
        let storage = Storage::new(Engine::Postgres);
        let server = Server::start(storage.path(), &storage.url, &[]).await;
        let alice = server.user("alice");
        let path = alice.create_path("a").await;
        wait_until_indexed(&storage.url).await;
        let mut other = session(&storage);
        other
            .batch_execute("ALTER TABLE tasks RENAME COLUMN tags TO tags_away")
            .unwrap();
        for response in [
            alice.get(TASKS).await,
            alice.get(&path).await,
            alice.post(TASKS, &json!({ "title": "b" })).await,
        ] {
            assert!([500, 503].contains(&response.status), "{}", response.text());
            for inside in ["tags", "column", "tasks_", "SQL", "diesel"] {
                assert!(!response.text().contains(inside), "{}", response.text());
            }
        }
        eventually("it is not ready", SOON, async || {
            (!server.is_ready().await).then_some(())
        })
        .await;
        lives(&server).await;
        other
            .batch_execute("ALTER TABLE tasks RENAME COLUMN tags_away TO tags")
            .unwrap();
        server.becomes_ready(SOON).await;
        works_again(&alice).await;
    });
}

#[test]
fn a_process_that_was_suspended_goes_on() {
    block_on(async {
        let storage = Storage::new(Engine::Postgres);
        let server = Server::start(storage.path(), &storage.url, &[]).await;
        let alice = server.user("alice");
        alice.create(json!({ "title": "a" })).await;
        server.signal("STOP");
        let pending = alice.get(TASKS);
        let resume = async {
            // Longer than idle connections are assumed to be alive.
            let others = session(&storage).batch_execute("SELECT pg_sleep(1.5)");
            others.unwrap();
            server.signal("CONT");
        };
        let (response, ()) = futures_util::future::join(pending, resume).await;
        response.expect(200);
        alice.create(json!({ "title": "b" })).await;
        server.stop().await;
    });
}

#[test]
fn with_few_file_descriptors_it_refuses_connections_and_takes_them_again() {
    block_on(async {
        let storage = Storage::new(Engine::Sqlite);
        let server = Server::under("ulimit -n 64", &storage).await;
        let alice = server.user("alice");
        alice.create(json!({ "title": "before" })).await;
        let flood: Vec<_> = (0..200).map(|_| server.connect()).collect();
        drop(flood);
        works_again(&server.user("bob")).await;
        alice.create(json!({ "title": "after" })).await;
        assert!(!server.stop().await.contains("panicked"));
    });
}
