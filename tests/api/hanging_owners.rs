//! The statements of some owners hang, as on a shard whose server is away, and the others'
//! do not.

use std::net::TcpListener;
use std::time::Duration;

use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use futures_util::StreamExt as _;
use futures_util::future::{join, join_all};
use futures_util::stream::FuturesUnordered;
use serde_json::json;
use tokio::time::timeout;

use crate::support::postgres::{Cluster, wait_until_indexed, waiting_for_locks};
use crate::support::trust::eventually;
use crate::support::{Client, Engine, Response, TestApp, block_on};

const TASKS: &str = "/api/v1/tasks";

/// More than the pool has connections, several times.
const HANGING: usize = 12;

const LIMITS: [(&str, &str); 4] = [
    ("TODOWARD__DATABASE__POOL_SIZE", "4"),
    ("TODOWARD__DATABASE__STATEMENT_TIMEOUT", "60"),
    ("TODOWARD__DATABASE__ACQUIRE_TIMEOUT", "30"),
    ("TODOWARD__SERVER__REQUEST_TIMEOUT", "90"),
];

fn hanging(app: &TestApp) -> Vec<Client> {
    let owner = |number| app.user(&format!("hanging-{number}")).plain();
    (0..HANGING).map(owner).collect()
}

fn others(app: &TestApp) -> Vec<Client> {
    let owner = |number| app.user(&format!("other-{number}")).plain();
    (0..8).map(owner).collect()
}

/// Each writes and reads. One owner in 8,192 shares the bucket of one that hangs.
async fn are_served(others: &[Client]) {
    let served = join_all(others.iter().map(async |other| {
        let created = other.post(TASKS, &json!({ "title": "a" })).await;
        let listed = other.get(TASKS).await;
        usize::from((created.status, listed.status) == (201, 200))
    }));
    let served: usize = served.await.into_iter().sum();
    assert!(served + 1 >= others.len(), "{served} others were served");
}

/// Of as many requests as owners hang, all but one are refused at once: one may look
/// whether it still hangs. Returns that one.
async fn all_but_one_are_refused<F: Future<Output = Response>>(
    asked: impl Iterator<Item = F>,
) -> FuturesUnordered<F> {
    let mut asked: FuturesUnordered<_> = asked.collect();
    for _ in 1..HANGING {
        let refused = asked.next().await.unwrap();
        assert!(!refused.header("retry-after").is_empty());
        refused.expect_problem(503, "overloaded");
    }
    asked
}

#[test]
fn owners_whose_statements_hang_do_not_take_the_connections_of_others() {
    block_on(async {
        let mut variables = LIMITS.to_vec();
        variables.push(("TODOWARD__DATABASE__PIPELINES", "0"));
        let app = TestApp::with(Engine::Postgres, &variables).await;
        let (hanging, others) = (hanging(&app), others(&app));
        let mut paths = Vec::new();
        for owner in &hanging {
            paths.push(format!("{}/complete", owner.create_path("a").await));
        }
        let mut lock = PgConnection::establish(&app.database_url).unwrap();
        let mut watch = PgConnection::establish(&app.database_url).unwrap();
        lock.batch_execute("BEGIN; SELECT 1 FROM tasks FOR UPDATE")
            .unwrap();
        let done = json!({ "completed": true });
        let complete = || {
            let owners = hanging.iter().zip(&paths);
            owners.map(|(owner, path)| owner.patch(path, &done))
        };
        let first = join_all(complete());
        let meanwhile = async {
            are_served(&others).await;
            eventually("all of them hang", async || {
                usize::try_from(waiting_for_locks(&mut watch)).unwrap() == HANGING
            })
            .await;
            are_served(&others).await;
            let last = all_but_one_are_refused(complete()).await;
            are_served(&others).await;
            lock.batch_execute("COMMIT").unwrap();
            last
        };
        let (first, mut last) = join(first, meanwhile).await;
        for response in &first {
            assert_eq!(response.status, 200, "{}", response.text());
        }
        last.next().await.unwrap().expect(200);
        // Each is trusted again after its first success.
        for (owner, path) in hanging.iter().zip(&paths) {
            owner.patch(path, &done).await.expect(200);
        }
    });
}

/// Tasks of some owners are on a server that takes connections and does not answer.
/// PostgreSQL waits for it without a limit, whatever its statement timeout is.
fn move_to(app: &TestApp, silent: &TcpListener) {
    let names: Vec<String> = (0..HANGING).map(|n| format!("'hanging-{n}'")).collect();
    let port = silent.local_addr().unwrap().port();
    let spread = format!(
        "ALTER TABLE tasks RENAME TO tasks_whole;
         CREATE TABLE tasks (LIKE tasks_whole INCLUDING DEFAULTS) PARTITION BY LIST (owner_id);
         CREATE TABLE tasks_here PARTITION OF tasks DEFAULT;
         CREATE INDEX ON tasks_here (owner_id, id);
         CREATE EXTENSION postgres_fdw;
         CREATE SERVER silent FOREIGN DATA WRAPPER postgres_fdw
             OPTIONS (host '127.0.0.1', port '{port}');
         CREATE USER MAPPING FOR PUBLIC SERVER silent OPTIONS (user 'nobody');
         CREATE FOREIGN TABLE tasks_there PARTITION OF tasks FOR VALUES IN ({}) SERVER silent;",
        names.join(", ")
    );
    let mut database = PgConnection::establish(&app.database_url).unwrap();
    database.batch_execute(&spread).unwrap();
}

/// Statements that read tasks at the moment.
const ACTIVE: &str = "SELECT count(*) AS count FROM pg_stat_activity \
     WHERE datname = current_database() AND state = 'active' AND pid <> pg_backend_pid() \
     AND query LIKE '%FROM tasks%'";

#[test]
fn owners_on_a_server_that_is_away_do_not_take_the_pipelines_of_others() {
    block_on(async {
        // Of its own: to drop any database, a server waits for all of its connections.
        let mut cluster = Cluster::create();
        cluster.start();
        let url = format!("{}/postgres", cluster.url);
        let silent = TcpListener::bind("127.0.0.1:0").unwrap();
        let whole = TestApp::on_database(Engine::Postgres, &url, &[]).await;
        wait_until_indexed(&url).await;
        move_to(&whole, &silent);
        let mut variables = LIMITS.to_vec();
        variables.push(("TODOWARD__DATABASE__MIGRATE_ON_START", "false"));
        variables.push(("WITH_METRICS", ""));
        let app = TestApp::on_database(Engine::Postgres, &url, &variables).await;
        let (hanging, others) = (hanging(&app), others(&app));
        eventually("others use pipelines", async || {
            let before = app.pipelined().await;
            are_served(&others).await;
            app.pipelined().await > before
        })
        .await;
        let first = join_all(hanging.iter().map(|owner| owner.get(TASKS)));
        let meanwhile = async {
            are_served(&others).await;
            // On connections of the pool, and one on a pipeline before.
            eventually("all of them hang", async || {
                whole.count(ACTIVE) > i64::try_from(HANGING).unwrap()
            })
            .await;
            // One that is not known yet hangs, and is known then.
            let is_refused = async |owner: &Client| {
                let asked = timeout(Duration::from_secs(3), owner.get(TASKS)).await;
                asked.is_ok_and(|response| response.status == 503)
            };
            eventually("each is refused", async || {
                let refused = join_all(hanging.iter().map(is_refused)).await;
                are_served(&others).await;
                refused.into_iter().all(|is_refused| is_refused)
            })
            .await;
            eventually("others use pipelines again", async || {
                let before = app.pipelined().await;
                are_served(&others).await;
                app.pipelined().await > before
            })
            .await;
            drop(silent);
        };
        let (first, ()) = join(first, meanwhile).await;
        for response in &first {
            assert_eq!(response.status, 503, "{}", response.text());
        }
    });
}

/// It fails there without an effect, and is done on a connection of the pool.
#[test]
fn a_write_that_takes_long_gives_its_pipeline_back() {
    block_on(async {
        let mut variables = LIMITS.to_vec();
        variables.push(("TODOWARD__DATABASE__PIPELINES", "1"));
        variables.push(("WITH_METRICS", ""));
        let app = TestApp::with(Engine::Postgres, &variables).await;
        let alice = app.user("alice").plain();
        let draft = json!({ "title": "a" });
        app.execute(
            "CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS \
             'BEGIN PERFORM pg_sleep(3); RETURN NEW; END'",
        );
        eventually("writes use a pipeline", async || {
            let before = app.pipelined().await;
            alice.post(TASKS, &draft).await.expect(201);
            app.pipelined().await > before
        })
        .await;
        app.execute(
            "CREATE TRIGGER slow BEFORE INSERT ON tasks FOR EACH ROW EXECUTE FUNCTION wait()",
        );
        let before = app.pipelined().await;
        alice.post(TASKS, &draft).await.expect(201);
        assert_eq!(app.pipelined().await, before);
    });
}
