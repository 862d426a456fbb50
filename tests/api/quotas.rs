//! Quotas: an owner has at most so many tasks and lists, whatever way they are created.

use futures_util::future::{join, join_all};
use serde_json::{Value, json};
use todoward::primitives::id::ResourceId;

use crate::support::lock::Lock;
use crate::support::trust::eventually;
use crate::support::{Client, Engine, TestApp, on_both_databases};

on_both_databases! {
    no_way_of_creating_exceeds_the_quota,
    the_trash_counts_and_what_ends_makes_place,
    a_list_is_one_of_the_owners_lists,
    each_owner_has_a_quota_of_their_own,
    many_at_once_get_exactly_the_places_that_are_left,
    a_process_holds_a_256th_of_the_free_places_and_with_fewer_than_256_none,
    of_two_processes_each_sees_what_the_other_has_created,
    a_recurring_task_goes_on_beyond_the_quota,
    what_a_key_has_created_is_repeated_when_there_is_no_place_left,
    an_atomic_batch_that_has_no_place_does_nothing,
    a_quota_of_zero_is_none,
    a_quota_that_was_lowered_deletes_nothing,
    far_below_the_quota_a_create_goes_over_a_pipeline_again,
    a_create_that_counts_waits_for_a_change_of_its_owner,
}

const TASKS: &str = "/api/v1/tasks";
const LISTS: &str = "/api/v1/lists";

const THREE: [(&str, &str); 2] = [
    ("TODOWARD__LIMITS__TASKS_PER_OWNER", "3"),
    ("TODOWARD__LIMITS__LISTS_PER_OWNER", "2"),
];

async fn fill(client: &Client) -> Vec<String> {
    let mut paths = Vec::new();
    for title in ["a", "b", "c"] {
        paths.push(client.create_path(title).await);
    }
    paths
}

async fn count(client: &Client) -> Value {
    client.get("/api/v1/tasks/count").await.expect(200).json()["count"].clone()
}

async fn no_way_of_creating_exceeds_the_quota(engine: Engine) {
    let app = TestApp::with(engine, &THREE).await;
    let alice = app.user("alice");
    let paths = fill(&alice).await;
    let parent = paths[0].rsplit('/').next().unwrap();
    let list = app.list("alice", "a list").await;
    let title = json!({ "title": "one more" });
    let refused = alice.post(TASKS, &title).await;
    let problem = refused.expect_problem(422, "quota_exceeded").json();
    let detail = problem["detail"].as_str().unwrap();
    assert!(
        detail.contains("3 tasks") && detail.contains("trash"),
        "{detail}"
    );
    for body in [
        json!({ "title": "below", "parent_id": parent }),
        json!({ "title": "in a list", "list_id": list }),
    ] {
        let refused = alice.post(TASKS, &body).await;
        refused.expect_problem(422, "quota_exceeded");
    }
    let with_key = alice.request("POST", TASKS).header("Idempotency-Key", "k");
    let refused = with_key.json(&title).send().await;
    refused.expect_problem(422, "quota_exceeded");
    let with_id = format!("{TASKS}/{}", ResourceId::generate());
    let with_id = alice.request("PUT", &with_id).header("If-None-Match", "*");
    let refused = with_id.json(&title).send().await;
    refused.expect_problem(422, "quota_exceeded");
    let operation = json!({ "method": "POST", "path": "/tasks", "body": title });
    let batch = json!({ "atomic": false, "operations": [operation] });
    let results = alice.post("/api/v1/batch", &batch).await.expect(200).json();
    assert_eq!(results["results"][0]["body"]["code"], "quota_exceeded");
    assert_eq!(count(&alice).await, 3);
    // What is wrong with a body is said first.
    let invalid = alice.post(TASKS, &json!({ "title": "" })).await;
    invalid.expect_problem(422, "invalid_task");
    let nowhere = json!({ "title": "a", "list_id": ResourceId::generate().to_string() });
    alice
        .post(TASKS, &nowhere)
        .await
        .expect_problem(422, "invalid_task");
    // Changing what is there needs no place.
    alice.patch(&paths[0], &title).await.expect(200);
}

async fn the_trash_counts_and_what_ends_makes_place(engine: Engine) {
    let app = TestApp::with(engine, &THREE).await;
    let alice = app.user("alice");
    let paths = fill(&alice).await;
    alice.delete(&paths[0]).await.expect(204);
    let title = json!({ "title": "one more" });
    let refused = alice.post(TASKS, &title).await;
    refused.expect_problem(422, "quota_exceeded");
    let restore = alice.request("POST", &format!("{}/restore", paths[0]));
    restore.send().await.expect(200);
    alice
        .delete(&format!("{}?permanent=true", paths[1]))
        .await
        .expect(204);
    alice.post(TASKS, &title).await.expect(201);
    let refused = alice.post(TASKS, &title).await;
    refused.expect_problem(422, "quota_exceeded");
}

async fn a_list_is_one_of_the_owners_lists(engine: Engine) {
    let app = TestApp::with(engine, &THREE).await;
    let alice = app.user("alice");
    let name = json!({ "name": "the same" });
    let first = alice.post(LISTS, &name).await.expect(201).json();
    alice.post(LISTS, &name).await.expect(201);
    let problem = alice.post(LISTS, &name).await;
    let problem = problem.expect_problem(422, "quota_exceeded").json();
    assert!(problem["detail"].as_str().unwrap().contains("2 lists"));
    let with_key = alice.request("POST", LISTS).header("Idempotency-Key", "k");
    let refused = with_key.json(&name).send().await;
    refused.expect_problem(422, "quota_exceeded");
    let with_id = format!("{LISTS}/{}", ResourceId::generate());
    let with_id = alice.request("PUT", &with_id).header("If-None-Match", "*");
    let refused = with_id.json(&name).send().await;
    refused.expect_problem(422, "quota_exceeded");
    let first = format!("{LISTS}/{}", first["id"].as_str().unwrap());
    alice.delete(&first).await.expect(204);
    let refused = alice.post(LISTS, &name).await;
    refused.expect_problem(422, "quota_exceeded");
    alice.delete("/api/v1/lists?trash=true").await.expect(200);
    alice.post(LISTS, &name).await.expect(201);
    alice
        .create(json!({ "title": "tasks have another quota" }))
        .await;
}

async fn each_owner_has_a_quota_of_their_own(engine: Engine) {
    let app = TestApp::with(engine, &THREE).await;
    fill(&app.user("alice")).await;
    fill(&app.user("bob")).await;
    for owner in ["alice", "bob"] {
        let refused = app.user(owner).post(TASKS, &json!({ "title": "d" })).await;
        refused.expect_problem(422, "quota_exceeded");
    }
}

async fn many_at_once_get_exactly_the_places_that_are_left(engine: Engine) {
    let limits = [("TODOWARD__LIMITS__TASKS_PER_OWNER", "30")];
    let app = TestApp::with(engine, &limits).await;
    let alice = app.user("alice");
    let creates = (0..60).map(async |number| {
        let title = json!({ "title": format!("task {number}") });
        let mut request = alice.request("POST", TASKS).json(&title);
        if number % 3 == 0 {
            request = request.header("Idempotency-Key", format!("key {number}").replace(' ', "-"));
        }
        request.send().await.status
    });
    let statuses = join_all(creates).await;
    let created = statuses.iter().filter(|status| **status == 201).count();
    let refused = statuses.iter().filter(|status| **status == 422).count();
    assert_eq!((created, refused), (30, 30), "{statuses:?}");
    assert_eq!(count(&alice).await, 30);
}

async fn create_many(client: &Client, count: usize) {
    let create = json!({ "method": "POST", "path": "/tasks", "body": { "title": "one of many" } });
    for at in (0..count).step_by(100) {
        let operations = vec![create.clone(); 100.min(count - at)];
        let batch = json!({ "operations": operations });
        client.post("/api/v1/batch", &batch).await.expect(200);
    }
}

async fn a_process_holds_a_256th_of_the_free_places_and_with_fewer_than_256_none(engine: Engine) {
    const MAX: usize = 600;
    let max = [("TODOWARD__LIMITS__TASKS_PER_OWNER", "600")];
    let others = TestApp::spawn(engine).await;
    let app = TestApp::on_database(engine, &others.database_url, &max).await;
    for (free, held) in [(512, 2), (511, 1), (256, 1), (255, 0), (1, 0)] {
        let owner = format!("owner with {free} places").replace(' ', "-");
        let (here, elsewhere) = (app.user(&owner), others.user(&owner));
        create_many(&elsewhere, MAX - free).await;
        here.create(json!({ "title": "counts" })).await;
        create_many(&elsewhere, free - 1).await;
        let mut created = 0;
        while here.post(TASKS, &json!({ "title": "held" })).await.status == 201 {
            created += 1;
        }
        assert_eq!(created, held, "of {free} places");
        let refused = here.post(TASKS, &json!({ "title": "none left" })).await;
        refused.expect_problem(422, "quota_exceeded");
    }
}

async fn of_two_processes_each_sees_what_the_other_has_created(engine: Engine) {
    let app = TestApp::with(engine, &THREE).await;
    let other = TestApp::on_database(engine, &app.database_url, &THREE).await;
    let (here, there) = (app.user("alice"), other.user("alice"));
    here.create(json!({ "title": "a" })).await;
    there.create(json!({ "title": "b" })).await;
    here.create(json!({ "title": "c" })).await;
    for client in [here, there] {
        let refused = client.post(TASKS, &json!({ "title": "d" })).await;
        refused.expect_problem(422, "quota_exceeded");
    }
}

async fn a_recurring_task_goes_on_beyond_the_quota(engine: Engine) {
    let app = TestApp::with(engine, &THREE).await;
    let alice = app.user("alice");
    let daily = json!({ "title": "daily", "due_date": "2026-01-01", "recurrence": { "rule": "FREQ=DAILY" } });
    let daily = alice.create(daily).await;
    alice.create(json!({ "title": "b" })).await;
    alice.create(json!({ "title": "c" })).await;
    let path = format!("{TASKS}/{}/complete", daily["id"].as_str().unwrap());
    let done = alice.request("PATCH", &path).send().await.expect(200);
    assert!(done.json()["next_id"].is_string());
    assert_eq!(count(&alice).await, 4);
    let refused = alice.post(TASKS, &json!({ "title": "d" })).await;
    refused.expect_problem(422, "quota_exceeded");
}

async fn what_a_key_has_created_is_repeated_when_there_is_no_place_left(engine: Engine) {
    let app = TestApp::with(engine, &THREE).await;
    let alice = app.user("alice");
    let create = || {
        let request = alice.request("POST", TASKS).header("Idempotency-Key", "k");
        request.json(&json!({ "title": "once" })).send()
    };
    let first = create().await.expect(201).json();
    alice.create(json!({ "title": "b" })).await;
    alice.create(json!({ "title": "c" })).await;
    let again = create().await.expect(201);
    assert_eq!(again.header("idempotency-replayed"), "true");
    assert_eq!(again.json(), first);
    // A key that was refused is free.
    let refused = |key: &'static str| {
        let request = alice.request("POST", TASKS).header("Idempotency-Key", key);
        request.json(&json!({ "title": "d" })).send()
    };
    refused("l").await.expect_problem(422, "quota_exceeded");
    let path = format!("{TASKS}/{}?permanent=true", first["id"].as_str().unwrap());
    alice.delete(&path).await.expect(204);
    let created = refused("l").await.expect(201);
    assert_eq!(created.header("idempotency-replayed"), "");
}

async fn an_atomic_batch_that_has_no_place_does_nothing(engine: Engine) {
    let app = TestApp::with(engine, &THREE).await;
    let alice = app.user("alice");
    let create =
        |title: &str| json!({ "method": "POST", "path": "/tasks", "body": { "title": title } });
    let four = json!({ "operations": [create("a"), create("b"), create("c"), create("d")] });
    let refused = alice.post("/api/v1/batch", &four).await;
    let problem = refused.expect_problem(422, "batch_refused").json();
    assert_eq!(problem["failed"], 3);
    assert_eq!(problem["problem"]["code"], "quota_exceeded");
    assert_eq!(count(&alice).await, 0);
    let three = json!({ "operations": [create("a"), create("b"), create("c")] });
    alice.post("/api/v1/batch", &three).await.expect(200);
}

async fn a_quota_of_zero_is_none(engine: Engine) {
    let none = [("TODOWARD__LIMITS__LISTS_PER_OWNER", "0")];
    let app = TestApp::with(engine, &none).await;
    let alice = app.user("alice");
    let operations: Vec<Value> = (0..100)
        .map(|_| json!({ "method": "POST", "path": "/lists", "body": { "name": "a list" } }))
        .collect();
    let batch = json!({ "operations": operations });
    for _ in 0..11 {
        alice.post("/api/v1/batch", &batch).await.expect(200);
    }
    let default = TestApp::on_database(engine, &app.database_url, &[]).await;
    let name = json!({ "name": "a list" });
    let refused = default.user("alice").post(LISTS, &name).await;
    refused.expect_problem(422, "quota_exceeded");
}

async fn a_quota_that_was_lowered_deletes_nothing(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    for title in ["a", "b", "c", "d", "e"] {
        app.user("alice").create_path(title).await;
    }
    let lowered = TestApp::on_database(engine, &app.database_url, &THREE).await;
    let alice = lowered.user("alice");
    let refused = alice.post(TASKS, &json!({ "title": "f" })).await;
    refused.expect_problem(422, "quota_exceeded");
    assert_eq!(alice.titles("").await.len(), 5);
}

/// The first create of an owner counts, the next ones do not.
async fn far_below_the_quota_a_create_goes_over_a_pipeline_again(engine: Engine) {
    if engine == Engine::Sqlite {
        return;
    }
    let app = TestApp::with(engine, &[("WITH_METRICS", "")]).await;
    let alice = app.user("alice").plain();
    alice.create(json!({ "title": "counted" })).await;
    let before = app.pipelined().await;
    // A pipeline that is slow sends some of them elsewhere.
    let mut creates = 0;
    while app.pipelined().await < before + 15 {
        alice.create(json!({ "title": "not counted" })).await;
        creates += 1;
        assert!(creates < 300, "they are counted");
    }
}

/// An import, say, which has written rows that nobody can count before it commits.
async fn a_create_that_counts_waits_for_a_change_of_its_owner(engine: Engine) {
    let limits = [
        ("TODOWARD__LIMITS__TASKS_PER_OWNER", "1000"),
        ("WITH_METRICS", ""),
    ];
    let app = TestApp::with(engine, &limits).await;
    let changes = [
        "INSERT INTO owners (owner_id, last_change) VALUES ('new', 1)",
        "UPDATE owners SET last_change = last_change WHERE owner_id = 'known'",
    ];
    // By another process: this one has counted nothing.
    let other = TestApp::on_database(engine, &app.database_url, &[]).await;
    let known = other.user("known").request("POST", TASKS);
    let known = known.header("Idempotency-Key", "k");
    known.json(&json!({ "title": "there" })).send().await;
    for (owner, change) in ["new", "known"].into_iter().zip(changes) {
        let mut lock = Lock::take(&app, change);
        let client = app.user(owner);
        let create = async { client.create(json!({ "title": "counted" })).await };
        let release = async {
            let waits = async || lock.is_waited_for_by(&[&app]).await;
            eventually(&format!("the create of the {owner} owner waits"), waits).await;
            drop(lock);
        };
        join(create, release).await;
    }
}
