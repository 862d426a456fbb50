//! Unknown outcomes: a server that distributes tables and loses a worker during a write
//! reports that on a connection that stays alive. Then it is unknown whether the write
//! happened: it must neither be repeated nor reported as not done.

use serde_json::json;

use crate::support::fault_proxy::{Fault, FaultProxy, Way};
use crate::support::postgres::TestDatabase;
use crate::support::trust::eventually;
use crate::support::{Client, Engine, Response, TestApp, block_on};

const TASKS: &str = "/api/v1/tasks";

/// The codes of class 08 that Diesel distinguishes, on connections of the pool.
const KNOWN_TO_DIESEL: [&str; 4] = ["08000", "08001", "08004", "08006"];

/// Codes of class 08 and `statement_completion_unknown`, all of which a pipeline
/// distinguishes: after each it is closed for a second.
const KNOWN_TO_PIPELINES: [&str; 4] = ["08003", "08006", "08007", "40003"];

struct Faulty {
    proxy: FaultProxy,
    app: TestApp,
    _database: TestDatabase,
}

impl Faulty {
    async fn with_pipelines(pipelines: &str) -> Self {
        let database = TestDatabase::create();
        let proxy = FaultProxy::before(&database);
        let variables = [("TODOWARD__DATABASE__PIPELINES", pipelines)];
        let app = TestApp::on_database(Engine::Postgres, &proxy.url, &variables).await;
        Self {
            proxy,
            app,
            _database: database,
        }
    }

    /// A user whose requests go alone: a batch ends in its own way, tested in `batch`.
    fn user(&self, name: &str) -> Client {
        self.app.user(name).plain()
    }

    /// Repeats a request until the fault has happened, and returns that response. All
    /// earlier ones must succeed.
    async fn struck(&self, fault: Fault, mut ask: impl AsyncFnMut() -> Response) -> Response {
        self.proxy.arm(fault);
        let mut struck = None;
        eventually("the fault", async || {
            let response = ask().await;
            if self.proxy.has_struck() {
                struck = Some(response);
                return true;
            }
            assert!(response.status < 300, "{}", response.text());
            false
        })
        .await;
        struck.unwrap()
    }
}

fn is_unknown(response: Response, what: &Fault) {
    assert_eq!(response.status, 503, "{what:?}: {}", response.text());
    assert_eq!(response.header("retry-after"), "1");
    let problem = response.expect_problem(503, "database_unavailable").json();
    let detail = problem["detail"].as_str().unwrap();
    assert!(
        detail.contains("unknown whether the change was made"),
        "{what:?}: {detail}"
    );
}

/// The faults that a statement can meet.
fn faults(way: Way, codes: &[&'static str], statement: &'static str) -> Vec<Fault> {
    let of = |code: &&'static str| {
        [false, true].map(|executed| Fault {
            way,
            statement,
            code,
            executed,
        })
    };
    codes.iter().flat_map(of).collect()
}

async fn count(client: &Client, title: &str) -> usize {
    let titles = client.titles("?limit=200").await;
    titles.iter().filter(|other| *other == title).count()
}

async fn creates_are_stored_once(faulty: &Faulty, way: Way, codes: &[&'static str]) {
    for (number, fault) in faults(way, codes, "INSERT INTO tasks").iter().enumerate() {
        let alice = faulty.user(&format!("alice {number}"));
        // The first create of an owner is a transaction, under the owner's lock.
        alice.create_path("first").await;
        let mut tries = 0;
        let response = faulty
            .struck(fault.clone(), async || {
                tries += 1;
                let title = format!("try {tries}");
                alice.post(TASKS, &json!({ "title": title })).await
            })
            .await;
        is_unknown(response, fault);
        let stored = count(&alice, &format!("try {tries}")).await;
        assert_eq!(stored, usize::from(fault.executed), "{fault:?}");
    }
}

async fn toggles_are_made_once(faulty: &Faulty, way: Way, codes: &[&'static str]) {
    let alice = faulty.user("alice");
    let path = alice.create_path("a").await;
    let complete = format!("{path}/complete");
    let mut version = 1;
    for fault in faults(way, codes, "UPDATE tasks SET completed") {
        let response = faulty
            .struck(fault.clone(), async || {
                version += 1;
                alice.request("PATCH", &complete).send().await
            })
            .await;
        is_unknown(response, &fault);
        version -= i64::from(!fault.executed);
        let task = alice.get(&path).await.expect(200).json();
        assert_eq!(task["version"], version, "{fault:?}");
    }
}

#[test]
fn over_a_pipeline_a_write_that_may_have_happened_is_unknown_and_not_repeated() {
    block_on(async {
        let faulty = Faulty::with_pipelines("1").await;
        creates_are_stored_once(&faulty, Way::Pipeline, &KNOWN_TO_PIPELINES).await;
        toggles_are_made_once(&faulty, Way::Pipeline, &KNOWN_TO_PIPELINES[..2]).await;
    });
}

/// By its time limit on a server that had sent it to another one.
#[test]
fn over_a_pipeline_a_write_that_was_cancelled_is_unknown_and_not_repeated() {
    block_on(async {
        let faulty = Faulty::with_pipelines("1").await;
        let alice = faulty.user("alice");
        let path = alice.create_path("a").await;
        let complete = format!("{path}/complete");
        let mut version = 1;
        for fault in faults(Way::Pipeline, &["57014"], "UPDATE tasks SET completed") {
            let toggle = async || {
                version += 1;
                alice.request("PATCH", &complete).send().await
            };
            let response = faulty.struck(fault.clone(), toggle).await;
            let problem = response.expect_problem(504, "deadline_exceeded").json();
            let detail = problem["detail"].as_str().unwrap();
            assert!(detail.contains("unknown whether the change was made"));
            version -= i64::from(!fault.executed);
            let task = alice.get(&path).await.expect(200).json();
            assert_eq!(task["version"], version, "{fault:?}");
        }
    });
}

#[test]
fn over_the_pool_a_write_that_may_have_happened_is_unknown_and_not_repeated() {
    block_on(async {
        let faulty = Faulty::with_pipelines("0").await;
        creates_are_stored_once(&faulty, Way::Pool, &KNOWN_TO_DIESEL).await;
        toggles_are_made_once(&faulty, Way::Pool, &KNOWN_TO_DIESEL).await;
        let alice = faulty.user("alice");
        for fault in faults(Way::Pool, &KNOWN_TO_DIESEL, "UPDATE tasks SET change") {
            let path = alice.create_path("before").await;
            let patch = async || alice.patch(&path, &json!({ "title": "after" })).await;
            is_unknown(faulty.struck(fault.clone(), patch).await, &fault);
            let task = alice.get(&path).await.expect(200).json();
            let is_changed = task["version"] == 2;
            assert_eq!(is_changed, fault.executed, "{fault:?}: {task}");
        }
        for fault in faults(Way::Pool, &KNOWN_TO_DIESEL, "COMMIT") {
            let path = alice.create_path("a").await;
            let delete = async || alice.delete(&path).await;
            is_unknown(faulty.struck(fault.clone(), delete).await, &fault);
            let status = alice.get(&path).await.status;
            assert_eq!(status == 404, fault.executed, "{fault:?}: {status}");
        }
    });
}

#[test]
fn a_create_with_a_key_that_may_have_happened_is_one_task_when_it_is_repeated() {
    block_on(async {
        let faulty = Faulty::with_pipelines("1").await;
        let alice = faulty.user("alice");
        let mut keys = 0;
        for statement in [
            "INSERT INTO idempotency_keys",
            "INSERT INTO tasks",
            "COMMIT",
        ] {
            for fault in faults(Way::Pool, &KNOWN_TO_DIESEL, statement) {
                keys += 1;
                let title = format!("task {keys}");
                let create = async || {
                    let create = alice.request("POST", TASKS);
                    let create = create.header("Idempotency-Key", keys.to_string());
                    create.json(&json!({ "title": title })).send().await
                };
                is_unknown(faulty.struck(fault.clone(), create).await, &fault);
                let first = create().await.expect(201);
                let is_stored = fault.executed && statement == "COMMIT";
                let is_replayed = first.header("idempotency-replayed") == "true";
                assert_eq!(is_replayed, is_stored, "{fault:?}");
                assert_eq!(create().await.expect(201).body, first.body);
                assert_eq!(count(&alice, &title).await, 1, "{fault:?}");
            }
        }
    });
}

/// With codes that mean "no effect" from a server that lies, and with those of class 08
/// that Diesel does not distinguish.
#[test]
fn a_create_that_is_repeated_finds_the_task_of_its_first_try() {
    block_on(async {
        for (pipelines, way, codes) in [
            ("1", Way::Pipeline, &["55P03"][..]),
            ("0", Way::Pool, &["40001", "08003", "08007"]),
        ] {
            let faulty = Faulty::with_pipelines(pipelines).await;
            let alice = faulty.user("alice");
            for fault in faults(way, codes, "INSERT INTO tasks") {
                let mut tries = 0;
                let title = |tries| format!("{} {} {tries}", fault.code, fault.executed);
                let response = faulty
                    .struck(fault.clone(), async || {
                        tries += 1;
                        alice.post(TASKS, &json!({ "title": title(tries) })).await
                    })
                    .await;
                let task = response.expect(201).json();
                let title = title(tries);
                assert_eq!(task["title"], title, "{fault:?}");
                assert_eq!(count(&alice, &title).await, 1, "{fault:?}");
                let path = format!("{TASKS}/{}", task["id"].as_str().unwrap());
                assert_eq!(alice.get(&path).await.expect(200).json(), task);
            }
        }
    });
}

#[test]
fn a_create_with_a_key_that_is_repeated_finds_the_key_of_its_first_try() {
    block_on(async {
        let faulty = Faulty::with_pipelines("0").await;
        let alice = faulty.user("alice");
        for fault in faults(Way::Pool, &["40001", "08007"], "COMMIT") {
            let (code, executed) = (fault.code, fault.executed);
            let title = format!("{code} {executed}");
            let create = async || {
                let create = alice.request("POST", TASKS);
                let create = create.header("Idempotency-Key", title.replace(' ', "-"));
                create.json(&json!({ "title": title })).send().await
            };
            let first = faulty.struck(fault.clone(), create).await.expect(201);
            assert_eq!(first.header("idempotency-replayed"), "", "{fault:?}");
            assert_eq!(create().await.expect(201).body, first.body);
            assert_eq!(count(&alice, &title).await, 1, "{fault:?}");
        }
    });
}

#[test]
fn a_read_is_asked_again() {
    block_on(async {
        let faulty = Faulty::with_pipelines("1").await;
        let alice = faulty.user("alice");
        let path = alice.create_path("a").await;
        for (way, statement, what) in [
            (Way::Pool, "SELECT id", "/api/v1/tasks?sort=title"),
            (Way::Pipeline, "SELECT id", &path),
        ] {
            for fault in faults(way, &["08003", "08006"], statement) {
                let read = async || alice.get(what).await;
                faulty.struck(fault, read).await.expect(200);
            }
        }
    });
}

#[test]
fn whether_anybody_has_a_task_asks_for_one_number_of_one_row() {
    block_on(async {
        let faulty = Faulty::with_pipelines("0").await;
        let path = faulty.user("alice").create_path("a").await;
        let mallory = faulty.user("mallory");
        let look_up = "SELECT 1 FROM tasks WHERE id = $1 AND owner_id <> $2 LIMIT 1";
        mallory.get(&path).await.expect_problem(403, "not_owner");
        assert_eq!(faulty.proxy.executions(look_up), 1);
        mallory.delete(&path).await.expect_problem(403, "not_owner");
        assert_eq!(faulty.proxy.executions(look_up), 2);
    });
}
