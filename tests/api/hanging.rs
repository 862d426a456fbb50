//! A database that neither responds nor closes the connection, or that closes all.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use futures_util::future::join_all;
use futures_util::stream::FuturesUnordered;
use serde_json::json;
use uuid::Uuid;

use crate::support::postgres::{TestDatabase, execute_in};
use crate::support::trust::eventually;
use crate::support::{Client, Engine, Response, TestApp, block_on};

/// A proxy before a server that hangs on command.
struct Proxy {
    faults: Arc<Faults>,
}

#[derive(Default)]
struct Faults {
    /// Every byte is lost.
    swallows: AtomicBool,
    /// The connection that next asks for one of these tasks hangs. The server's own
    /// statements, which have connections of the pool too, are let through.
    catches: Mutex<Vec<Uuid>>,
    /// The connection that hangs.
    stuck: Mutex<Option<usize>>,
    released: Condvar,
}

impl Faults {
    fn catch_next_read_of(&self, owners: &[(Client, String)]) {
        let ids = owners.iter().map(|(_, path)| id_of(path)).collect();
        *self.catches.lock().unwrap() = ids;
    }

    fn stick(&self, connection: usize, bytes: &[u8]) {
        let mut catches = self.catches.lock().unwrap();
        let asks_for = |id: &Uuid| bytes.windows(16).any(|part| part == id.as_bytes());
        if catches.iter().any(asks_for) {
            catches.clear();
            *self.stuck.lock().unwrap() = Some(connection);
        }
        drop(catches);
        let stuck = self.stuck.lock().unwrap();
        let is_stuck = |stuck: &mut Option<usize>| *stuck == Some(connection);
        drop(self.released.wait_while(stuck, is_stuck).unwrap());
    }

    fn release(&self) {
        *self.stuck.lock().unwrap() = None;
        self.released.notify_all();
    }
}

impl Proxy {
    /// Starts a proxy, and returns it with the database's URL through it.
    fn before(database: &TestDatabase) -> (Self, String) {
        let (user, server) = database.url.split_once('@').unwrap();
        let (server, name) = server.split_once('/').unwrap();
        let server = server.to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let faults = Arc::new(Faults::default());
        let of_thread = Arc::clone(&faults);
        std::thread::spawn(move || {
            for (number, client) in listener.incoming().flatten().enumerate() {
                let Ok(server) = TcpStream::connect(&server) else {
                    continue;
                };
                let (up, down) = (client.try_clone().unwrap(), server.try_clone().unwrap());
                let (one, two) = (Arc::clone(&of_thread), Arc::clone(&of_thread));
                std::thread::spawn(move || pump(up, server, &one, Some(number)));
                std::thread::spawn(move || pump(down, client, &two, None));
            }
        });
        (Self { faults }, format!("{user}@{address}/{name}"))
    }
}

/// Forwards bytes; those of a client only if its connection does not hang.
fn pump(mut from: TcpStream, mut to: TcpStream, faults: &Faults, client: Option<usize>) {
    let mut bytes = [0; 4096];
    while let Ok(count @ 1..) = from.read(&mut bytes) {
        if let Some(number) = client {
            faults.stick(number, &bytes[..count]);
        }
        let swallows = faults.swallows.load(Ordering::Relaxed);
        if !swallows && to.write_all(&bytes[..count]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(std::net::Shutdown::Both);
}

#[test]
fn a_database_that_swallows_every_byte_holds_nothing_up_and_is_found_again() {
    let database = TestDatabase::create();
    let (proxy, url) = Proxy::before(&database);
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

        proxy.faults.swallows.store(true, Ordering::Relaxed);
        let body = json!({ "title": "during" });
        let (reads, writes, live, refused) = tokio::join!(
            join_all((0..6).map(|_| alice.get(&path))),
            join_all((0..2).map(|_| alice.post("/api/v1/tasks", &body))),
            join_all((0..6).map(|_| app.anonymous().request("GET", "/health/live").send())),
            join_all((0..6).map(|_| app.anonymous().request("GET", &path).send())),
        );
        for response in reads.into_iter().chain(writes) {
            match response.status {
                503 => assert!(!response.header("retry-after").is_empty()),
                504 => drop(response.expect_problem(504, "deadline_exceeded")),
                other => panic!("{other}: {}", response.text()),
            }
        }
        assert!(live.iter().all(|response| response.status == 200));
        assert!(refused.iter().all(|response| response.status == 401));

        // Connections that hang still do: they have to be replaced.
        proxy.faults.swallows.store(false, Ordering::Relaxed);
        let limit = Instant::now() + Duration::from_secs(20);
        while alice.get(&path).await.status != 200 {
            assert!(Instant::now() < limit, "never found again");
        }
        assert!(alice.post("/api/v1/tasks", &body).await.status == 201);
        app.wait_until_ready().await;
    });
}

/// Sends reads until all four connections are open and idle.
async fn fill(app: &TestApp, owners: &[(Client, String)]) {
    let idle = "\ntodoward_db_pool_connections{state=\"idle\"} 4\n";
    eventually("the pool is full", async || {
        join_all(owners.iter().map(|(owner, path)| owner.get(path))).await;
        app.metrics().await.text().contains(idle)
    })
    .await;
}

/// Requests the tasks of many owners at once over a pool of 4, one connection of which
/// hangs. Checks that all requests but one are served, as is everything that needs no
/// database, and returns the one that waits.
async fn with_one_stuck<'a>(
    app: &TestApp,
    proxy: &Proxy,
    owners: &'a [(Client, String)],
) -> impl Future<Output = Option<Response>> + use<'a> {
    // The connection that hangs must not be one that is still being opened.
    fill(app, owners).await;
    proxy.faults.catch_next_read_of(owners);
    let mut asked: FuturesUnordered<_> =
        owners.iter().map(|(owner, path)| owner.get(path)).collect();
    for _ in 1..owners.len() {
        asked.next().await.unwrap().expect(200);
    }
    assert!(proxy.faults.stuck.lock().unwrap().is_some());
    let (_, path) = &owners[0];
    let (live, ready, metrics, refused) = tokio::join!(
        app.anonymous().request("GET", "/health/live").send(),
        app.anonymous().request("GET", "/health/ready").send(),
        app.metrics(),
        app.with_token("no.good.token").request("GET", path).send(),
    );
    let told = [live, ready, metrics, refused].map(|response| response.status);
    assert_eq!(told, [200, 200, 200, 401]);
    async move { asked.next().await }
}

/// The id at the end of a task's path.
fn id_of(path: &str) -> Uuid {
    let (_, id) = path.rsplit_once('/').unwrap();
    id.parse().unwrap()
}

/// Owners with a task each.
async fn owners(app: &TestApp) -> Vec<(Client, String)> {
    let mut owners = Vec::new();
    for number in 0..12 {
        let owner = app.user(&format!("owner-{number}"));
        let path = owner.create_path("a").await;
        owners.push((owner, path));
    }
    owners
}

#[test]
fn a_slow_connection_delays_the_request_that_has_it_and_nothing_else() {
    let database = TestDatabase::create();
    let (proxy, url) = Proxy::before(&database);
    block_on(async {
        let variables = [
            ("TODOWARD__DATABASE__POOL_SIZE", "4"),
            ("TODOWARD__DATABASE__PIPELINES", "0"),
            ("WITH_METRICS", ""),
        ];
        let app = TestApp::on_database(Engine::Postgres, &url, &variables).await;
        let owners = owners(&app).await;
        let last = with_one_stuck(&app, &proxy, &owners).await;
        proxy.faults.release();
        last.await.unwrap().expect(200);
    });
}

#[test]
fn a_connection_that_hangs_costs_one_request_and_is_replaced() {
    let database = TestDatabase::create();
    let (proxy, url) = Proxy::before(&database);
    block_on(async {
        let variables = [
            ("TODOWARD__DATABASE__POOL_SIZE", "4"),
            ("TODOWARD__DATABASE__PIPELINES", "0"),
            ("TODOWARD__DATABASE__STATEMENT_TIMEOUT", "1"),
            ("TODOWARD__SERVER__REQUEST_TIMEOUT", "2"),
            ("WITH_METRICS", ""),
        ];
        let app = TestApp::on_database(Engine::Postgres, &url, &variables).await;
        let owners = owners(&app).await;
        let last = with_one_stuck(&app, &proxy, &owners).await;
        let last = last.await.unwrap();
        last.expect_problem(504, "deadline_exceeded");
        // It still hangs; all four are open again, because it was replaced.
        fill(&app, &owners).await;
    });
}

#[test]
fn a_pipeline_that_hangs_costs_no_read_and_is_replaced() {
    let database = TestDatabase::create();
    let (proxy, url) = Proxy::before(&database);
    block_on(async {
        let variables = [
            ("TODOWARD__DATABASE__PIPELINES", "1"),
            ("TODOWARD__DATABASE__STATEMENT_TIMEOUT", "1"),
            ("WITH_METRICS", ""),
        ];
        let app = TestApp::on_database(Engine::Postgres, &url, &variables).await;
        let owners = owners(&app).await;
        let read = async || {
            let responses = join_all(owners.iter().map(|(owner, path)| owner.get(path))).await;
            responses.iter().all(|response| response.status == 200)
        };
        let pipelined = async || {
            let before = app.pipelined().await;
            read().await && app.pipelined().await > before
        };
        // If a connection of the pool hung, its request would fail.
        eventually("a pipeline hangs and all are served", async || {
            eventually("a pipeline is used", &pipelined).await;
            proxy.faults.catch_next_read_of(&owners);
            let all_are_served = read().await;
            assert!(proxy.faults.stuck.lock().unwrap().is_some());
            all_are_served
        })
        .await;
        // It still hangs.
        eventually("another is used", &pipelined).await;
    });
}

#[test]
fn connections_that_all_died_fail_one_write_at_most() {
    block_on(async {
        let app = TestApp::spawn(Engine::Postgres).await;
        let alice = app.user("alice");
        let body = json!({ "title": "a" });
        for _ in 0..3 {
            // Enough concurrent requests to open every connection of the pool.
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
