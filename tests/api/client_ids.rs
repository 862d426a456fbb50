//! Ids of the client: an app that was offline creates without waiting, and repeats.

use serde_json::{Value, json};

use crate::support::{Client, Engine, Response, TestApp, on_both_databases};

on_both_databases! {
    a_put_with_if_none_match_creates_with_the_id_of_its_path,
    a_repeat_is_412_and_changes_nothing,
    an_id_is_used_once_also_in_the_trash_and_after_the_end,
    of_many_at_the_same_time_one_creates,
    what_is_created_with_an_old_id_stands_last,
    an_id_that_no_new_row_can_have_is_refused_and_named,
    two_owners_can_have_the_same_id,
    the_two_preconditions_exclude_each_other,
    without_the_header_a_missing_id_is_404_as_before,
}

const TASKS: &str = "/api/v1/tasks";
const LISTS: &str = "/api/v1/lists";

/// A UUID version 7 of an instant, in milliseconds since 1970.
fn id_at(millis: i64) -> String {
    let random = uuid::Uuid::new_v4().into_bytes();
    let random: [u8; 10] = random[..10].try_into().unwrap();
    let builder = uuid::Builder::from_unix_timestamp_millis(millis as u64, &random);
    builder.into_uuid().to_string()
}

fn now() -> i64 {
    chrono::Utc::now().timestamp_millis()
}

async fn create(client: &Client, path: &str, body: &Value) -> Response {
    let put = client.request("PUT", path).header("If-None-Match", "*");
    put.json(body).send().await
}

async fn a_put_with_if_none_match_creates_with_the_id_of_its_path(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    let an_hour_ago = now() - 3_600_000;
    for (collection, body) in [
        (
            TASKS,
            json!({ "title": "a", "completed": true, "tags": ["home"], "id": "ignored" }),
        ),
        (LISTS, json!({ "name": "a", "color": "#2e7d32" })),
    ] {
        let id = id_at(an_hour_ago);
        let path = format!("{collection}/{id}");
        let response = create(&alice, &path, &body).await.expect(201);
        assert_eq!(response.header("location"), path);
        assert_eq!(response.header("etag"), "\"1\"");
        let row = response.json();
        assert_eq!(row["id"], id);
        let created_at = chrono::DateTime::from_timestamp_millis(an_hour_ago).unwrap();
        let created_at = created_at.to_rfc3339_opts(chrono::SecondsFormat::Millis, true);
        assert_eq!(row["created_at"], created_at);
        assert!(row["updated_at"].as_str() > row["created_at"].as_str());
        assert_eq!(alice.get(&path).await.expect(200).json(), row);
    }
}

async fn a_repeat_is_412_and_changes_nothing(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    for (collection, name) in [(TASKS, "title"), (LISTS, "name")] {
        let path = format!("{collection}/{}", id_at(now()));
        let first = create(&alice, &path, &json!({ name: "a" }))
            .await
            .expect(201);
        let again = create(&alice, &path, &json!({ name: "b" })).await;
        assert_eq!(again.header("etag"), "\"1\"");
        again.expect_problem(412, "version_mismatch");
        assert_eq!(alice.get(&path).await.expect(200).body, first.body);
    }
}

async fn an_id_is_used_once_also_in_the_trash_and_after_the_end(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    for (collection, name) in [(TASKS, "title"), (LISTS, "name")] {
        let path = format!("{collection}/{}", id_at(now()));
        let body = json!({ name: "a" });
        create(&alice, &path, &body).await.expect(201);
        alice.delete(&path).await.expect(204);
        create(&alice, &path, &body)
            .await
            .expect_problem(412, "version_mismatch");
        alice
            .delete(&format!("{path}?permanent=true"))
            .await
            .expect(204);
        create(&alice, &path, &body)
            .await
            .expect_problem(412, "version_mismatch");
        alice.get(&path).await.expect(404);
    }
}

async fn of_many_at_the_same_time_one_creates(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    let path = format!("{TASKS}/{}", id_at(now()));
    let many = (0..8).map(|number| {
        let (alice, path) = (&alice, &path);
        async move { create(alice, path, &json!({ "title": format!("{number}") })).await }
    });
    let responses = futures_util::future::join_all(many).await;
    let with = |status: u16| responses.iter().filter(|it| it.status == status).count();
    assert_eq!((with(201), with(412)), (1, 7));
    assert_eq!(alice.titles("").await.len(), 1);
}

async fn what_is_created_with_an_old_id_stands_last(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    for (collection, name) in [(TASKS, "title"), (LISTS, "name")] {
        alice
            .post(collection, &json!({ name: "first" }))
            .await
            .expect(201);
        for (title, millis) in [("second", 0), ("third", now() + 3_600_000), ("fourth", 1)] {
            let path = format!("{collection}/{}", id_at(millis));
            create(&alice, &path, &json!({ name: title }))
                .await
                .expect(201);
        }
        alice
            .post(collection, &json!({ name: "fifth" }))
            .await
            .expect(201);
        let sorted = match collection {
            TASKS => format!("{TASKS}?sort=position"),
            _ => LISTS.to_owned(),
        };
        let page = alice.get(&sorted).await.expect(200).json();
        let names: Vec<_> = page["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|row| row[name].clone())
            .collect();
        assert_eq!(names[..4], ["first", "second", "third", "fourth"]);
        assert!(names.contains(&json!("fifth")));
    }
}

async fn an_id_that_no_new_row_can_have_is_refused_and_named(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    for (collection, name) in [(TASKS, "title"), (LISTS, "name")] {
        let at = |id: &str| format!("{collection}/{id}");
        let day = 86_400_000;
        for id in [
            uuid::Uuid::new_v4().to_string(),
            uuid::Uuid::nil().to_string(),
            "ffffffff-ffff-7fff-ffff-ffffffffffff".to_owned(),
            id_at(now() + day + 60_000),
            // The year 2100.
            id_at(4_102_444_800_000),
        ] {
            let response = create(&alice, &at(&id), &json!({ name: "a" })).await;
            let problem = response.expect(422).json();
            assert_eq!(problem["errors"][0]["pointer"], "/id", "{id}: {problem}");
        }
        let wrong = create(&alice, &at(&id_at(now() + 2 * day)), &json!({ name: 5 })).await;
        let problem = wrong.expect(422).json();
        assert_eq!(problem["errors"][0]["pointer"], "/id");
        assert_eq!(problem["errors"][1]["pointer"], format!("/{name}"));
        let id = id_at(now());
        for path in [at(&id.to_uppercase()), at(&id.replace('-', "")), at("x")] {
            create(&alice, &path, &json!({ name: "a" }))
                .await
                .expect(404);
        }
        // From 1970, and 23 hours ahead.
        for id in [id_at(0), id_at(now() + day / 24 * 23)] {
            create(&alice, &at(&id), &json!({ name: "a" }))
                .await
                .expect(201);
        }
        create(&alice, &at(&id_at(now())), &json!({}))
            .await
            .expect(422);
    }
}

async fn two_owners_can_have_the_same_id(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let (alice, bob) = (app.user("alice"), app.user("bob"));
    let path = format!("{TASKS}/{}", id_at(now()));
    create(&alice, &path, &json!({ "title": "alice's" }))
        .await
        .expect(201);
    bob.get(&path).await.expect_problem(403, "not_owner");
    create(&bob, &path, &json!({ "title": "bob's" }))
        .await
        .expect(201);
    bob.delete(&format!("{path}?permanent=true"))
        .await
        .expect(204);
    bob.get(&path).await.expect_problem(403, "not_owner");
    let task = alice.get(&path).await.expect(200).json();
    assert_eq!(task["title"], "alice's");
}

async fn the_two_preconditions_exclude_each_other(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    let path = format!("{TASKS}/{}", id_at(now()));
    let put = |headers: &[(&'static str, &'static str)]| {
        let mut request = alice.request("PUT", &path).json(&json!({ "title": "a" }));
        for (name, value) in headers {
            request = request.header(name, value);
        }
        request.send()
    };
    let both = put(&[("If-None-Match", "*"), ("If-Match", "\"1\"")]).await;
    both.expect_problem(400, "invalid_request");
    let tags = put(&[("If-None-Match", "\"1\"")]).await;
    tags.expect_problem(400, "invalid_request");
    alice.get(&path).await.expect(404);
}

async fn without_the_header_a_missing_id_is_404_as_before(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    let path = format!("{TASKS}/{}", id_at(now()));
    let put = alice.request("PUT", &path).json(&json!({ "title": "a" }));
    put.send().await.expect(404);
    let patch = alice.request("PATCH", &path).header("If-None-Match", "*");
    patch
        .json(&json!({ "title": "a" }))
        .send()
        .await
        .expect(404);
}
