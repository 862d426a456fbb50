//! PostgreSQL with other settings and roles gives the same responses.

use diesel::prelude::*;
use serde_json::{Value, json};

use crate::binary::run;
use crate::server::Server;
use crate::storage::Storage;
use crate::support::postgres::{execute, execute_in};
use crate::support::{Client, Engine, block_on, tokens};

/// Replaces what differs between runs: ids, and times, which must be current.
fn without_ids_and_times(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(without_ids_and_times),
        Value::Object(members) => {
            for (name, value) in members {
                if name.ends_with("_at") && value.is_string() {
                    assert_is_now(value.as_str().unwrap());
                    *value = json!("now");
                } else if ["id", "position", "request_id", "instance"].contains(&name.as_str()) {
                    *value = json!("some");
                } else {
                    without_ids_and_times(value);
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[track_caller]
fn assert_is_now(text: &str) {
    let time = chrono::DateTime::parse_from_rfc3339(text).unwrap();
    let age = tokens::now() - time.timestamp();
    assert!((-2..60).contains(&age), "{text} is {age} s old");
}

/// Calls every endpoint and returns the responses.
async fn responses(client: &Client) -> Vec<(u16, Value)> {
    let mut all = Vec::new();
    let mut paths = Vec::new();
    for body in [
        json!({ "title": "Ämter ΑΣ 日本 🛒", "due_date": "2026-12-01", "tags": ["é", "a,b"], "priority": "high" }),
        json!({ "title": "b", "description": "line\nline \\ ' \"", "completed": true }),
        json!({ "title": "c", "due_date": "9999-12-31" }),
        json!({ "title": "" }),
    ] {
        let response = client.post("/api/v1/tasks", &body).await;
        paths.push(response.header("location").to_owned());
        all.push(response);
    }
    let [first, second, third] = [&paths[0], &paths[1], &paths[2]];
    all.push(
        client
            .patch(
                first,
                &json!({ "description": "ÄÖÜ", "due_date": "2027-01-01" }),
            )
            .await,
    );
    all.push(
        client
            .patch(&format!("{first}/complete"), &json!({ "completed": true }))
            .await,
    );
    all.push(client.get(first).await);
    all.push(client.delete(third).await);
    for query in [
        "",
        "?sort=title",
        "?sort=-due_date",
        "?sort=updated_at&limit=1",
        "?q=%C3%A4",
        "?q=%5C",
        "?tag=%C3%A9",
        "?due_after=2026-12-01&due_before=2027-01-02",
        "?completed=true&priority=high",
    ] {
        all.push(client.get(&format!("/api/v1/tasks{query}")).await);
    }
    all.push(client.delete("/api/v1/tasks?completed=true").await);
    all.push(client.get(second).await);
    let shown = |response: crate::support::Response| {
        let mut body = if response.body.is_empty() {
            Value::Null
        } else {
            response.json()
        };
        without_ids_and_times(&mut body);
        if let Some(cursor) = body
            .get_mut("next_cursor")
            .filter(|cursor| cursor.is_string())
        {
            *cursor = json!("some");
        }
        (response.status, body)
    };
    all.into_iter().map(shown).collect()
}

async fn responses_on(storage: &Storage, variables: &[(&str, &str)]) -> Vec<(u16, Value)> {
    let server = Server::start(storage.path(), &storage.url, variables).await;
    let responses = responses(&server.user("alice")).await;
    server.stop().await;
    responses
}

#[test]
fn the_settings_of_the_server_change_no_response() {
    block_on(async {
        let usual = responses_on(&Storage::new(Engine::Postgres), &[]).await;
        assert!(usual.iter().all(|(status, _)| *status < 500), "{usual:?}");
        let sqlite = responses_on(&Storage::new(Engine::Sqlite), &[]).await;
        assert_eq!(sqlite, usual, "both databases");

        let storage = Storage::new(Engine::Postgres);
        for setting in [
            "TimeZone = 'Asia/Kathmandu'",
            "client_encoding = 'LATIN1'",
            "DateStyle = 'German, DMY'",
            "IntervalStyle = 'sql_standard'",
            "bytea_output = 'escape'",
            "standard_conforming_strings = off",
            "default_transaction_isolation = 'serializable'",
            "statement_timeout = '1ms'",
            "enable_seqscan = off",
        ] {
            execute(&format!("ALTER DATABASE {} SET {setting}", storage.name()));
        }
        assert_eq!(responses_on(&storage, &[]).await, usual, "other settings");

        // The time zone of the process has no effect either.
        let storage = Storage::new(Engine::Postgres);
        let elsewhere = [
            ("TZ", "Asia/Kathmandu"),
            ("PGTZ", "Asia/Kathmandu"),
            ("LANG", "tr_TR.UTF-8"),
        ];
        assert_eq!(
            responses_on(&storage, &elsewhere).await,
            usual,
            "another zone"
        );
    });
}

/// A role for one test, which may only log in.
struct Role(String);

impl Role {
    fn create() -> Self {
        let name = format!("r{}", uuid::Uuid::now_v7().simple());
        execute(&format!("CREATE ROLE {name} LOGIN PASSWORD 'secret'"));
        Self(name)
    }
}

impl Drop for Role {
    fn drop(&mut self) {
        execute(&format!("DROP ROLE IF EXISTS {}", self.0));
    }
}

#[test]
fn a_role_that_may_not_change_tables_serves_everything() {
    block_on(async {
        // Dropped after the database in which it has privileges.
        let role = Role::create();
        let storage = Storage::new(Engine::Postgres);
        run(
            storage.path(),
            &["migrate"],
            &[("DATABASE_URL", &storage.url)],
        )
        .succeeded();
        let grant = format!(
            "GRANT SELECT, INSERT, UPDATE, DELETE \
             ON tasks, lists, owners, idempotency_keys, gone, epochs, erasures TO {}",
            role.0
        );
        execute_in(&storage.url, &grant);
        let url = storage.url_as(&role.0, "secret");
        let mut connection = PgConnection::establish(&url).unwrap();
        let made = diesel::sql_query("CREATE TABLE mine (id INT)").execute(&mut connection);
        assert!(made.is_err(), "the role may make tables");

        let variables = [("TODOWARD__DATABASE__MIGRATE_ON_START", "false")];
        let server = Server::start(storage.path(), &url, &variables).await;
        let found = responses(&server.user("alice")).await;
        assert!(found.iter().all(|(status, _)| *status < 500), "{found:?}");
        let keyed = server.user("alice").request("POST", "/api/v1/tasks");
        let keyed = keyed
            .header("Idempotency-Key", "k")
            .json(&json!({ "title": "k" }))
            .send()
            .await;
        keyed.expect(201);
        let alice = server.user("alice");
        let ended = alice.create_path("ended").await;
        let ended = format!("{ended}?permanent=true");
        alice.delete(&ended).await.expect(204);
        alice.get("/api/v1/changes").await.expect(200);
        alice.delete("/api/v1/users/alice").await.expect(200);
        server.stop().await;
        // As OPERATIONS.md says.
        let operations = include_str!("../../docs/OPERATIONS.md");
        let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        let statement = words(&grant.replace(&role.0, "todoward_app"));
        assert!(words(operations).contains(&statement), "{statement}");
    });
}

#[test]
fn a_database_that_is_not_up_to_date_is_not_ready() {
    block_on(async {
        let storage = Storage::new(Engine::Postgres);
        let variables = [("TODOWARD__DATABASE__MIGRATE_ON_START", "false")];
        let server = Server::listening(storage.path(), &storage.url, &variables).await;
        let ready = server.anonymous().get("/health/ready").await;
        ready.expect_problem(503, "database_unavailable");
        // After another process has run the migrations, it serves without a restart.
        run(
            storage.path(),
            &["migrate"],
            &[("DATABASE_URL", &storage.url)],
        )
        .succeeded();
        server
            .becomes_ready(std::time::Duration::from_secs(5))
            .await;
        server.user("alice").create(json!({ "title": "a" })).await;
        server.stop().await;
    });
}
