//! The statements of some owners hang, as on a shard whose server is away, and the others'
//! do not.

use std::net::TcpListener;
use std::time::Duration;

use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use futures_util::future::{join, join_all};
use serde_json::json;
use tokio::time::timeout;

use crate::support::postgres::{Cluster, wait_until_indexed, waiting_for_locks};
use crate::support::trust::eventually;
use crate::support::{Client, Engine, Response, TestApp, block_on};

const TASKS: &str = "/api/v1/tasks";

/// More than the pool has connections, several times.
const HANGING: usize = 12;

/// What hangs would hang for longer than the test.
const LIMITS: [(&str, &str); 6] = [
    ("WITH_METRICS", ""),
    ("TODOWARD__DATABASE__MIGRATE_ON_START", "false"),
    ("TODOWARD__DATABASE__POOL_SIZE", "4"),
    ("TODOWARD__DATABASE__STATEMENT_TIMEOUT", "120"),
    ("TODOWARD__DATABASE__ACQUIRE_TIMEOUT", "30"),
    ("TODOWARD__SERVER__REQUEST_TIMEOUT", "120"),
];

/// An application whose hanging owners have their tasks on another server.
struct Sharded {
    app: TestApp,
    /// Everything that is on the server of the hanging owners.
    shard: TestApp,
    _cluster: Cluster,
}

impl Sharded {
    /// With other settings than [`LIMITS`]; the last ones hold.
    async fn with(variables: &[(&str, &str)]) -> Self {
        let mut cluster = Cluster::create();
        cluster.start();
        let url = format!("{}/postgres", cluster.url);
        let mut database = PgConnection::establish(&url).unwrap();
        database.batch_execute("CREATE DATABASE shard").unwrap();
        let of_shard = format!("{}/shard", cluster.url);
        let shard = TestApp::on_database(Engine::Postgres, &of_shard, &[]).await;
        drop(TestApp::on_database(Engine::Postgres, &url, &[]).await);
        wait_until_indexed(&url).await;
        let (_, port) = cluster.url.rsplit_once(':').unwrap();
        let names: Vec<String> = (0..HANGING).map(|n| format!("'hanging-{n}'")).collect();
        let spread = format!(
            "ALTER TABLE tasks RENAME TO tasks_whole;
             CREATE TABLE tasks (LIKE tasks_whole INCLUDING DEFAULTS) PARTITION BY LIST (owner_id);
             CREATE TABLE tasks_here PARTITION OF tasks DEFAULT;
             CREATE INDEX ON tasks_here (owner_id, id);
             CREATE EXTENSION postgres_fdw;
             CREATE SERVER shard FOREIGN DATA WRAPPER postgres_fdw
                 OPTIONS (host '127.0.0.1', port '{port}', dbname 'shard');
             CREATE USER MAPPING FOR PUBLIC SERVER shard OPTIONS (user 'postgres');
             CREATE FOREIGN TABLE tasks_there PARTITION OF tasks FOR VALUES IN ({})
                 SERVER shard OPTIONS (table_name 'tasks');",
            names.join(", ")
        );
        database.batch_execute(&spread).unwrap();
        let variables = [&LIMITS, variables].concat();
        let app = TestApp::on_database(Engine::Postgres, &url, &variables).await;
        Self {
            app,
            shard,
            _cluster: cluster,
        }
    }

    fn execute(&self, statement: &str) {
        let mut database = PgConnection::establish(&self.app.database_url).unwrap();
        database.batch_execute(statement).unwrap();
    }

    /// Lets all that is asked of the shard wait until the transaction ends.
    fn hang(&self) -> PgConnection {
        let mut lock = PgConnection::establish(&self.shard.database_url).unwrap();
        lock.batch_execute("BEGIN; LOCK TABLE tasks").unwrap();
        lock
    }

    /// The number of statements that hang.
    fn hanging(&self) -> i64 {
        self.app.count(
            "SELECT count(*) AS count FROM pg_stat_activity \
             WHERE datname = current_database() AND state = 'active' \
             AND pid <> pg_backend_pid() AND query LIKE '%tasks%'",
        )
    }

    fn owners(&self, name: &str, count: usize) -> Vec<Client> {
        let owner = |number| self.app.user(&format!("{name}-{number}")).plain();
        (0..count).map(owner).collect()
    }
}

/// Each writes and reads.
async fn are_served(others: &[Client]) {
    let served = others.iter().map(async |other| {
        let draft = json!({ "title": "a" });
        other.post(TASKS, &draft).await.expect(201);
        other.get(TASKS).await.expect(200);
    });
    join_all(served).await;
}

fn is_refused(response: Response) {
    assert_eq!(response.header("retry-after"), "1");
    response.expect_problem(503, "database_unavailable");
}

/// Writes to many tasks. They never go over a pipeline.
async fn complete_all(owner: &Client) -> Response {
    let path = "/api/v1/tasks?completed=true";
    owner.delete(path).await
}

#[test]
fn owners_whose_statements_hang_do_not_take_the_connections_of_others() {
    block_on(async {
        let sharded = Sharded::with(&[("TODOWARD__DATABASE__PIPELINES", "0")]).await;
        let app = &sharded.app;
        let (hanging, others) = (
            sharded.owners("hanging", HANGING),
            sharded.owners("other", 8),
        );
        are_served(&others).await;
        let mut lock = sharded.hang();
        let first = join_all(hanging.iter().map(complete_all));
        let meanwhile = async {
            eventually("they have all connections", async || sharded.hanging() == 4).await;
            are_served(&others).await;
            // Not because they have ended.
            assert!(sharded.hanging() >= 4);
            eventually("all are known", async || {
                app.owners_in_doubt().await == HANGING as u64
            })
            .await;
            let again = join_all(hanging.iter().map(|owner| owner.get(TASKS))).await;
            again.into_iter().for_each(is_refused);
            are_served(&others).await;
            lock.batch_execute("COMMIT").unwrap();
        };
        let (first, ()) = join(first, meanwhile).await;
        let (done, refused): (Vec<_>, Vec<_>) = first
            .into_iter()
            .partition(|response| response.status == 200);
        assert_eq!(done.len(), 4);
        refused.into_iter().for_each(is_refused);
        for owner in &hanging {
            eventually("it responds", async || owner.get(TASKS).await.status == 200).await;
        }
        assert_eq!(app.owners_in_doubt().await, 0);
    });
}

#[test]
fn reads_that_hang_on_a_pipeline_take_no_connection_of_the_pool() {
    block_on(async {
        let sharded = Sharded::with(&[]).await;
        let app = &sharded.app;
        let (hanging, others) = (
            sharded.owners("hanging", HANGING),
            sharded.owners("other", 8),
        );
        let are_pipelined = async || {
            let before = app.pipelined().await;
            are_served(&others).await;
            join_all(hanging.iter().map(|owner| owner.get(TASKS))).await;
            app.pipelined().await > before
        };
        eventually("pipelines are used", are_pipelined).await;
        let mut lock = sharded.hang();
        let asked = join_all(hanging.iter().map(|owner| owner.get(TASKS)));
        let (refused, ()) = join(asked, are_served(&others)).await;
        refused.into_iter().for_each(is_refused);
        assert_eq!(app.owners_in_doubt().await, HANGING as u64);
        are_served(&others).await;
        lock.batch_execute("COMMIT").unwrap();
        for owner in &hanging {
            eventually("it responds", async || owner.get(TASKS).await.status == 200).await;
        }
    });
}

/// Connections that hang for ever, as to a server that has gone without a word: PostgreSQL
/// does not end the statement by its time limit.
#[test]
fn owners_are_served_again_while_their_old_statements_still_hang() {
    block_on(async {
        let limits = [
            ("TODOWARD__DATABASE__PIPELINES", "0"),
            ("TODOWARD__DATABASE__STATEMENT_TIMEOUT", "1"),
        ];
        let sharded = Sharded::with(&limits).await;
        let (hanging, others) = (
            sharded.owners("hanging", HANGING),
            sharded.owners("other", 8),
        );
        let silent = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = silent.local_addr().unwrap().port();
        sharded.execute(&format!("ALTER SERVER shard OPTIONS (SET port '{port}')"));
        let first = join_all(hanging.iter().map(|owner| owner.get(TASKS)));
        let meanwhile = async {
            eventually("they have all connections", async || sharded.hanging() == 4).await;
            are_served(&others).await;
            // Who is not known yet hangs once more.
            let is_refused = async |owner: &Client| {
                let asked = timeout(Duration::from_secs(3), owner.get(TASKS)).await;
                asked.is_ok_and(|response| response.status == 503)
            };
            eventually("all are known", async || {
                let refused = join_all(hanging.iter().map(is_refused)).await;
                are_served(&others).await;
                refused.into_iter().all(|is_refused| is_refused)
            })
            .await;
            let (_, port) = sharded.app.database_url.rsplit_once(':').unwrap();
            let (port, _) = port.split_once('/').unwrap();
            sharded.execute(&format!("ALTER SERVER shard OPTIONS (SET port '{port}')"));
            for owner in &hanging {
                eventually("it responds", async || owner.get(TASKS).await.status == 200).await;
            }
            assert!(sharded.hanging() >= 4);
            drop(silent);
        };
        join(first, meanwhile).await;
    });
}

#[test]
fn owners_who_wait_for_locks_are_not_in_doubt() {
    block_on(async {
        let limits = [
            ("TODOWARD__DATABASE__PIPELINES", "0"),
            ("TODOWARD__DATABASE__ACQUIRE_TIMEOUT", "4"),
        ];
        let sharded = Sharded::with(&limits).await;
        let app = &sharded.app;
        let (waiting, others) = (sharded.owners("waiting", 4), sharded.owners("other", 1));
        let mut paths = Vec::new();
        for owner in &waiting {
            paths.push(format!("{}/complete", owner.create_path("a").await));
        }
        let mut lock = PgConnection::establish(&app.database_url).unwrap();
        let mut watch = PgConnection::establish(&app.database_url).unwrap();
        lock.batch_execute("BEGIN; SELECT 1 FROM tasks_here FOR UPDATE")
            .unwrap();
        let done = json!({ "completed": true });
        let all = waiting.iter().zip(&paths);
        let first = join_all(all.map(|(owner, path)| owner.patch(path, &done)));
        let meanwhile = async {
            eventually("all wait", async || waiting_for_locks(&mut watch) == 4).await;
            // All connections stay taken, for longer than it takes to be suspected and tested.
            let refused = others[0].get(TASKS).await;
            refused.expect_problem(503, "overloaded");
            assert_eq!(app.owners_in_doubt().await, 0);
            lock.batch_execute("COMMIT").unwrap();
        };
        let (first, ()) = join(first, meanwhile).await;
        for response in first {
            response.expect(200);
        }
    });
}
