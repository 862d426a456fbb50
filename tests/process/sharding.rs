//! Tables that are partitioned by owner. PostgreSQL's partitions have the same
//! requirement as a sharded PostgreSQL: every key contains `owner_id`.

use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use serde_json::json;

use crate::binary::run;
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
