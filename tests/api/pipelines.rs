//! Pipelines: which statements go over them, and which go to the worker pool.

use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use futures_util::future::{join, join_all};
use serde_json::json;

use crate::support::postgres::{execute, wait_until_indexed, waiting_for_locks};
use crate::support::trust::eventually;
use crate::support::{Client, Engine, TestApp, block_on};

const TASKS: &str = "/api/v1/tasks";

/// Repeats a request until its statement went over a pipeline.
async fn is_pipelined(app: &TestApp, what: &str, mut ask: impl AsyncFnMut()) {
    eventually(what, async || {
        let before = app.pipelined().await;
        ask().await;
        app.pipelined().await > before
    })
    .await;
}

#[test]
fn a_page_over_a_pipeline_is_byte_for_byte_the_one_that_comes_the_ordinary_way() {
    block_on(async {
        let app = TestApp::with(Engine::Postgres, &[("WITH_METRICS", "")]).await;
        let alice = app.user("alice \"and\\ Élise");
        let long = "long \"and\" \t\u{7f}\u{2028}🦀 ".repeat(400);
        for task in [
            json!({ "title": "a" }),
            json!({ "title": "\"b\" \\ \u{1} é", "description": "", "completed": true, "tags": ["\n,\"", "c"] }),
            json!({ "title": "d", "description": long, "priority": "high", "due_date": "9999-12-31" }),
        ] {
            alice.post(TASKS, &task).await.expect(201);
        }
        // No pipeline for reads is open yet, so the first one uses the pool.
        let writes = app.pipelined().await;
        let ordinary = alice.get("/api/v1/tasks?limit=2").await.expect(200);
        assert_eq!(app.pipelined().await, writes);
        is_pipelined(&app, "list", async || {
            let page = alice.get("/api/v1/tasks?limit=2").await.expect(200);
            assert_eq!(page.text(), ordinary.text());
            assert_eq!(page.header("link"), ordinary.header("link"));
        })
        .await;
        let page = ordinary.json();
        assert_eq!(page["items"].as_array().unwrap().len(), 2);
        let cursor = page["next_cursor"].as_str().unwrap();
        let next = format!("/api/v1/tasks?limit=2&cursor={cursor}");
        let next = alice.get(&next).await.expect(200).json();
        assert_eq!(next["items"][0]["title"], "a");
        for task in page["items"].as_array().unwrap() {
            let path = format!("{TASKS}/{}", task["id"].as_str().unwrap());
            let alone = alice.get(&path).await.expect(200);
            assert!(ordinary.text().contains(&alone.text()), "{path}");
        }
    });
}

#[test]
fn a_row_that_another_program_has_damaged_closes_no_pipeline() {
    block_on(async {
        let app = TestApp::with(Engine::Postgres, &[("WITH_METRICS", "")]).await;
        let (alice, bob) = (app.user("alice"), app.user("bob"));
        alice.create_path("a").await;
        bob.create_path("b").await;
        let list = async || drop(bob.get(TASKS).await.expect(200));
        is_pipelined(&app, "list", list).await;
        let mut database = PgConnection::establish(&app.database_url).unwrap();
        database
            .batch_execute("UPDATE tasks SET tags = '[x' WHERE owner_id = 'alice'")
            .unwrap();
        let before = app.pipelined().await;
        alice.get(TASKS).await.expect_problem(500, "internal");
        list().await;
        assert_eq!(app.pipelined().await, before + 1);
    });
}

/// Lets each commit of a task wait for 3 ms, as a slow disk does.
async fn slow_commits(app: &TestApp) {
    wait_until_indexed(&app.database_url).await;
    let mut database = PgConnection::establish(&app.database_url).unwrap();
    database
        .batch_execute(
            "CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS \
             'BEGIN PERFORM pg_sleep(0.003); RETURN NULL; END'; \
             CREATE CONSTRAINT TRIGGER slow AFTER INSERT ON tasks DEFERRABLE INITIALLY DEFERRED \
             FOR EACH ROW EXECUTE FUNCTION wait()",
        )
        .unwrap();
}

/// Users who write at the same time. An atomic batch goes over no pipeline.
fn writers(app: &TestApp) -> Vec<Client> {
    let writer = |number| app.user(&format!("writer-{number}")).plain();
    (0..16).map(writer).collect()
}

/// One create of each of them, at the same time.
async fn all_create(writers: &[Client]) {
    let draft = json!({ "title": "a" });
    let created = join_all(writers.iter().map(|writer| writer.post(TASKS, &draft))).await;
    let told: Vec<u16> = created.iter().map(|response| response.status).collect();
    assert_eq!(told, vec![201; writers.len()]);
}

/// One list of each of them, at the same time.
async fn all_list(users: &[Client]) {
    let lists = join_all(users.iter().map(|user| user.get(TASKS))).await;
    assert!(lists.iter().all(|response| response.status == 200));
}

#[test]
fn as_many_pipelines_as_make_writes_faster_are_open_while_there_are_writes() {
    block_on(async {
        let app = TestApp::with(Engine::Postgres, &[]).await;
        let url = app.database_url.clone();
        slow_commits(&app).await;
        let variables = [("TODOWARD__DATABASE__POOL_SIZE", "3"), ("WITH_METRICS", "")];
        let slow = TestApp::on_database(Engine::Postgres, &url, &variables).await;
        let writers = writers(&slow);
        all_create(&writers).await;
        assert!(slow.pipelines_for("write").await <= 1);
        eventually("as many as it may have", async || {
            all_create(&writers).await;
            let open = slow.pipelines_for("write").await;
            assert!(open <= 5, "{open} are open");
            open == 5
        })
        .await;
        is_pipelined(&slow, "list", async || all_list(&writers).await).await;
        assert_eq!(slow.pipelines_for("read").await, 1);
        eventually("those that nobody uses are closed", async || {
            slow.pipelines_for("write").await == 1
        })
        .await;
        all_create(&writers).await;
    });
}

/// With one worker and two pipelines, writes open the second one; reads, which wait for no
/// commit, do not.
#[test]
fn a_number_of_pipelines_is_what_it_says() {
    block_on(async {
        let app = TestApp::with(Engine::Postgres, &[]).await;
        let url = app.database_url.clone();
        slow_commits(&app).await;
        let variables = [("TODOWARD__DATABASE__PIPELINES", "2"), ("WITH_METRICS", "")];
        let slow = TestApp::on_database(Engine::Postgres, &url, &variables).await;
        let writers = writers(&slow);
        eventually("a second pipeline for writes", async || {
            all_create(&writers).await;
            slow.pipelines_for("write").await == 2
        })
        .await;
        is_pipelined(&slow, "list", async || all_list(&writers).await).await;
        // Enough answers for several trials.
        for _ in 0..40 {
            all_create(&writers).await;
            assert!(slow.pipelines_for("write").await <= 2);
        }
        assert_eq!(slow.pipelines_for("read").await, 1);
    });
}

/// A role that may have fewer connections than pipelines would like.
#[test]
fn connections_that_are_refused_to_pipelines_fail_no_request() {
    block_on(async {
        let app = TestApp::with(Engine::Postgres, &[]).await;
        slow_commits(&app).await;
        let role = limited_role(&app, 4);
        let variables = [
            ("TODOWARD__DATABASE__POOL_SIZE", "2"),
            ("TODOWARD__DATABASE__MIGRATE_ON_START", "false"),
            ("WITH_METRICS", ""),
        ];
        let few = TestApp::on_database(Engine::Postgres, &role.url, &variables).await;
        let writers = writers(&few);
        is_pipelined(&few, "create", async || all_create(&writers).await).await;
        for _ in 0..100 {
            all_create(&writers).await;
            assert!(few.pipelines_for("write").await <= 3);
        }
        drop(few);
        execute(&format!("DROP ROLE {}", role.name));
    });
}

#[test]
fn what_is_asked_for_most_goes_over_pipelines() {
    block_on(async {
        let app = TestApp::with(Engine::Postgres, &[("WITH_METRICS", "")]).await;
        // An atomic batch goes over no pipeline.
        let alice = app.user("alice").plain();
        let path = alice.create_path("a").await;
        let complete = format!("{path}/complete");
        is_pipelined(&app, "create", async || {
            let task = alice.post(TASKS, &json!({ "title": "b" })).await;
            let task = task.expect(201).json();
            assert_eq!(
                (&task["title"], &task["owner_id"]),
                (&json!("b"), &json!("alice"))
            );
        })
        .await;
        is_pipelined(&app, "read", async || {
            assert_eq!(alice.get(&path).await.expect(200).json()["title"], "a");
        })
        .await;
        is_pipelined(&app, "list", async || {
            let page = alice.get("/api/v1/tasks?limit=1").await.expect(200).json();
            assert_eq!(page["items"][0]["title"], "b");
            assert!(page["next_cursor"].is_string());
        })
        .await;
        // Meanwhile there is no other statement for a pipeline.
        let mut before = alice.get(&path).await.expect(200).json();
        is_pipelined(&app, "complete", async || {
            let toggle = alice.request("PATCH", &complete).send().await;
            let after = toggle.expect(200).json();
            assert_eq!(after["completed"], !before["completed"].as_bool().unwrap());
            assert_eq!(after["version"], before["version"].as_i64().unwrap() + 1);
            before = after;
        })
        .await;
    });
}

#[test]
fn what_is_not_hers_or_not_there_is_told_as_ever() {
    block_on(async {
        let app = TestApp::with(Engine::Postgres, &[("WITH_METRICS", "")]).await;
        let (alice, mallory) = (app.user("alice"), app.user("mallory"));
        let path = alice.create_path("a").await;
        is_pipelined(&app, "read", async || {
            drop(alice.get(&path).await.expect(200))
        })
        .await;
        let unknown = format!("{TASKS}/{}", uuid::Uuid::now_v7());
        for _ in 0..50 {
            mallory.get(&path).await.expect_problem(403, "not_owner");
            mallory
                .get(&unknown)
                .await
                .expect_problem(404, "task_not_found");
            let complete = format!("{path}/complete");
            let response = mallory
                .patch(&complete, &json!({ "completed": true }))
                .await;
            response.expect_problem(403, "not_owner");
        }
        let task = alice.get(&path).await.expect(200).json();
        assert_eq!(
            (&task["version"], &task["completed"]),
            (&json!(1), &json!(false))
        );
    });
}

#[test]
fn toggles_of_many_at_once_are_each_done_once() {
    block_on(async {
        let app = TestApp::spawn(Engine::Postgres).await;
        let alice = app.user("alice");
        let path = alice.create_path("a").await;
        let complete = format!("{path}/complete");
        for round in 1..=5 {
            let toggles = join_all((0..33).map(|_| alice.request("PATCH", &complete).send())).await;
            assert!(toggles.iter().all(|response| response.status == 200));
            let task = alice.get(&path).await.expect(200).json();
            assert_eq!(task["version"], 1 + 33 * round);
            assert_eq!(task["completed"], round % 2 == 1);
        }
    });
}

struct Role {
    name: String,
    url: String,
}

/// A role that may have so many connections.
fn limited_role(app: &TestApp, connections: u32) -> Role {
    let (server, database) = app.database_url.rsplit_once('/').unwrap();
    let name = format!("few_{database}");
    execute(&format!(
        "CREATE ROLE {name} LOGIN CONNECTION LIMIT {connections}"
    ));
    execute(&format!(
        "GRANT pg_read_all_data, pg_write_all_data TO {name}"
    ));
    let (_, place) = server.split_once('@').unwrap();
    let url = format!("postgres://{name}@{place}/{database}");
    Role { name, url }
}

/// A role with a connection limit equal to the size of the pool.
#[test]
fn pipelines_give_way_to_connections_of_the_pool() {
    block_on(async {
        let app = TestApp::with(Engine::Postgres, &[]).await;
        let role = limited_role(&app, 4);
        let variables = [
            ("TODOWARD__DATABASE__POOL_SIZE", "4"),
            ("TODOWARD__DATABASE__PIPELINES", "2"),
            ("TODOWARD__DATABASE__MIGRATE_ON_START", "false"),
            ("TODOWARD__DATABASE__ACQUIRE_TIMEOUT", "30"),
            ("TODOWARD__DATABASE__STATEMENT_TIMEOUT", "60"),
            ("TODOWARD__SERVER__REQUEST_TIMEOUT", "60"),
            ("WITH_METRICS", ""),
        ];
        let few = TestApp::on_database(Engine::Postgres, &role.url, &variables).await;
        let (alice, bob) = (few.user("alice"), few.user("bob"));
        let (hers, his) = (alice.create_path("a").await, bob.create_path("b").await);
        is_pipelined(&few, "read", async || {
            drop(alice.get(&hers).await.expect(200))
        })
        .await;

        let mut lock = PgConnection::establish(&app.database_url).unwrap();
        let mut watch = PgConnection::establish(&app.database_url).unwrap();
        lock.batch_execute("BEGIN; SELECT 1 FROM tasks FOR UPDATE")
            .unwrap();
        let patch = json!({ "title": "c" });
        let four = join_all([&hers, &hers, &his, &his].map(|path| {
            let client = if std::ptr::eq(path, &hers) {
                &alice
            } else {
                &bob
            };
            client.patch(path, &patch)
        }));
        let release = async {
            let all = async || waiting_for_locks(&mut watch) == 4;
            eventually("all four have a connection", all).await;
            lock.batch_execute("COMMIT").unwrap();
        };
        let (responses, ()) = join(four, release).await;
        assert!(responses.iter().all(|response| response.status == 200));
        drop(few);
        execute(&format!("DROP ROLE {}", role.name));
    });
}
