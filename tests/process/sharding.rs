//! Tables that are partitioned by owner. PostgreSQL's partitions have the same
//! requirement as a sharded PostgreSQL: every key contains `owner_id`.

use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use serde_json::json;

use crate::binary::run;
use crate::metrics::{free_port, metrics};
use crate::server::Server;
use crate::storage::Storage;
use crate::support::{Engine, block_on};

const SPREAD: &str = "
    ALTER TABLE tasks RENAME TO tasks_whole;
    ALTER TABLE idempotency_keys RENAME TO keys_whole;
    CREATE TABLE tasks (LIKE tasks_whole) PARTITION BY HASH (owner_id);
    CREATE TABLE idempotency_keys (LIKE keys_whole) PARTITION BY HASH (owner_id);
    ALTER TABLE tasks ADD PRIMARY KEY (owner_id, id);
    ALTER TABLE idempotency_keys ADD PRIMARY KEY (owner_id, key);
    CREATE INDEX ON tasks (id);
    DROP TABLE tasks_whole, keys_whole;
    CREATE TABLE tasks_0 PARTITION OF tasks FOR VALUES WITH (MODULUS 2, REMAINDER 0);
    CREATE TABLE tasks_1 PARTITION OF tasks FOR VALUES WITH (MODULUS 2, REMAINDER 1);
    CREATE TABLE keys_0 PARTITION OF idempotency_keys FOR VALUES WITH (MODULUS 2, REMAINDER 0);
    CREATE TABLE keys_1 PARTITION OF idempotency_keys FOR VALUES WITH (MODULUS 2, REMAINDER 1);";

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    count: i64,
}

#[test]
fn every_request_works_on_tables_that_are_spread_by_owner() {
    block_on(async {
        let storage = Storage::new(Engine::Postgres);
        run(
            storage.path(),
            &["migrate"],
            &[("DATABASE_URL", &storage.url)],
        )
        .succeeded();
        let mut postgres = PgConnection::establish(&storage.url).unwrap();
        postgres.batch_execute(SPREAD).unwrap();
        let server = Server::start(storage.path(), &storage.url, &[]).await;
        for owner in 0..20 {
            let client = server.user(&format!("owner {owner}"));
            let other = server.user("somebody else");
            let keyed = async || {
                let request = client
                    .request("POST", "/api/v1/tasks")
                    .json(&json!({ "title": "b" }));
                request
                    .header("Idempotency-Key", "k")
                    .send()
                    .await
                    .expect(201)
            };
            let path = client.create_path("a").await;
            let first = keyed().await.json();
            let again = keyed().await;
            assert_eq!(again.header("idempotency-replayed"), "true");
            assert_eq!(again.json(), first);
            let etag = client
                .get(&path)
                .await
                .expect(200)
                .header("etag")
                .to_owned();
            let patch = client.request("PATCH", &path).header("If-Match", etag);
            patch
                .json(&json!({ "title": "A", "tags": ["x"] }))
                .send()
                .await
                .expect(200);
            assert_eq!(client.titles("?tag=x&q=a&sort=title").await, ["A"]);
            let complete = client.request("PATCH", &format!("{path}/complete"));
            complete.send().await.expect(200);
            other.get(&path).await.expect_problem(403, "not_owner");
            other.delete(&path).await.expect_problem(403, "not_owner");
            let cleared = client
                .delete("/api/v1/tasks?completed=true")
                .await
                .expect(200);
            assert_eq!(cleared.json(), json!({ "deleted": 1 }));
            client
                .get(&path)
                .await
                .expect_problem(404, "task_not_found");
            assert_eq!(client.titles("").await, ["b"]);
        }
        for part in ["tasks_0", "tasks_1", "keys_0", "keys_1"] {
            let count = diesel::sql_query(format!("SELECT count(*) AS count FROM {part}"));
            let count: Count = count.get_result(&mut postgres).unwrap();
            assert!(count.count > 0, "{part}");
        }
    });
}

/// Of two shards one is on a server that is down.
const HALF_DOWN: &str = "
    CREATE EXTENSION postgres_fdw;
    CREATE SERVER down FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '127.0.0.1', port '9');
    CREATE USER MAPPING FOR PUBLIC SERVER down OPTIONS (user 'nobody');
    DROP TABLE tasks_DOWN;
    CREATE FOREIGN TABLE tasks_DOWN PARTITION OF tasks FOR VALUES WITH (MODULUS 2, REMAINDER DOWN)
        SERVER down;";

#[test]
fn while_a_shard_is_down_the_owners_of_the_others_are_served_and_a_metric_says_so() {
    block_on(async {
        for down in ["0", "1"] {
            let storage = Storage::new(Engine::Postgres);
            let url = [("DATABASE_URL", storage.url.as_str())];
            run(storage.path(), &["migrate"], &url).succeeded();
            let mut postgres = PgConnection::establish(&storage.url).unwrap();
            postgres.batch_execute(SPREAD).unwrap();
            // A foreign table cannot have what the indexes of its parent ask for.
            let indexes = "SELECT string_agg(format('%s', indexrelid::regclass), ', ') AS names \
                           FROM pg_index WHERE indrelid = 'tasks'::regclass AND NOT indisunique";
            let indexes: Names = diesel::sql_query(indexes)
                .get_result(&mut postgres)
                .unwrap();
            postgres
                .batch_execute(&format!("DROP INDEX {}", indexes.names))
                .unwrap();
            postgres
                .batch_execute("ALTER TABLE tasks DROP CONSTRAINT tasks_pkey1")
                .unwrap();
            postgres
                .batch_execute(&HALF_DOWN.replace("DOWN", down))
                .unwrap();
            let port = free_port();
            let metrics_port = [("TODOWARD__METRICS__PORT", port.as_str())];
            let server = Server::start(storage.path(), &storage.url, &metrics_port).await;
            let (mut served, mut refused) = (0, 0);
            for owner in 0..20 {
                let client = server.user(&format!("owner {owner}"));
                let response = client.get("/api/v1/tasks").await;
                match response.status {
                    200 => served += 1,
                    _ => {
                        response.expect_problem(503, "database_unavailable");
                        refused += 1;
                    }
                }
            }
            assert!(served > 0 && refused > 0, "{served} served, {refused} not");
            assert!(server.is_ready().await);
            let text = metrics(&port).await;
            assert!(!text.contains("todoward_db_failures_behind_total 0"));
            server.stop().await;
        }
    });
}

#[derive(QueryableByName)]
struct Names {
    #[diesel(sql_type = diesel::sql_types::Text)]
    names: String,
}

/// What a migration asks of Citus. The fifth migration has made the table of erasures.
const CITUS: &str = "
    CREATE TABLE pg_dist_partition (logicalrelid regclass PRIMARY KEY);
    CREATE FUNCTION create_distributed_table(made regclass, owner text, colocate_with text)
        RETURNS void LANGUAGE sql AS $$ INSERT INTO pg_dist_partition
        SELECT made WHERE owner = 'owner_id' AND colocate_with = 'tasks' $$;
    INSERT INTO pg_dist_partition
        SELECT attrelid FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
        WHERE attname = 'owner_id' AND relkind = 'r' AND relname <> 'erasures';
    DROP TABLE erasures;
    DELETE FROM __diesel_schema_migrations WHERE version = '00000000000005';";

#[test]
fn a_table_that_a_migration_makes_is_distributed_where_tasks_are() {
    let storage = Storage::new(Engine::Postgres);
    let url = [("DATABASE_URL", storage.url.as_str())];
    run(storage.path(), &["migrate"], &url).succeeded();
    let mut postgres = PgConnection::establish(&storage.url).unwrap();
    postgres.batch_execute(CITUS).unwrap();
    let count = "SELECT count(*) AS count FROM pg_dist_partition WHERE logicalrelid";
    let counted = |postgres: &mut PgConnection, what: &str| -> i64 {
        let counted: Count = diesel::sql_query(format!("{count}{what}"))
            .get_result(postgres)
            .unwrap();
        counted.count
    };
    let before = counted(&mut postgres, " IS NOT NULL");
    run(storage.path(), &["migrate"], &url).succeeded();
    assert_eq!(counted(&mut postgres, " = 'erasures'::regclass"), 1);
    assert_eq!(counted(&mut postgres, " IS NOT NULL"), before + 1);
}
