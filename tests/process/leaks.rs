//! No log contains credentials or the contents of tasks.

use serde_json::{Value, json};
use todoward::routes::{MOUNTS, PUBLIC, guarded};

use crate::server::Server;
use crate::storage::Storage;
use crate::support::postgres::{execute, wait_until_indexed};
use crate::support::raw;
use crate::support::{Client, Engine, on_both_databases, tokens};

on_both_databases! {
    the_log_at_its_most_talkative_has_no_token_secret_or_title,
    the_errors_of_the_database_have_no_password_or_title,
}

pub const SECRET: &str = "canary/Secret+Zq7XvB2mKp9LrT4wYs8NhJ3dFg6";
const OLD_SECRET: &str = "canary-former-Secret-Uc5RkM1bVx0QzA7eWt";
pub const PASSWORD: &str = "canaryPasswordHq83Lm";
const TITLE: &str = "canary title Wq5Rt8Zx";
const TEXT: &str = "canary description Bn6Vc3Mk";
const SUBJECT: &str = "canary-subject-Jd9Kf2Ls";

/// Parts of a token or secret of this length must not be logged.
const PIECE: usize = 16;

#[track_caller]
pub fn assert_no_piece_of(what: &str, canary: &str, log: &str) {
    let pieces = canary.as_bytes().windows(PIECE.min(canary.len()));
    for piece in pieces.map(|piece| std::str::from_utf8(piece).unwrap()) {
        if let Some(line) = log.lines().find(|line| line.contains(piece)) {
            panic!("{piece:?} of {what} is in: {line}");
        }
    }
}

pub fn sign(header: &Value, claims: &Value, secret: &str) -> String {
    let (header, claims) = (header.to_string(), claims.to_string());
    tokens::sign_raw(secret.as_bytes(), header.as_bytes(), claims.as_bytes())
}

/// A valid token first, then one of every invalid kind.
fn all_tokens() -> Vec<String> {
    let hs256 = json!({ "alg": "HS256" });
    let good = tokens::claims(SUBJECT);
    let mut expired = good.clone();
    expired["exp"] = json!(tokens::now() - 1000);
    let mut early = good.clone();
    early["nbf"] = json!(tokens::now() + 1000);
    let valid = sign(&hs256, &good, SECRET);
    vec![
        valid.clone(),
        sign(&hs256, &good, OLD_SECRET),
        sign(&hs256, &expired, SECRET),
        sign(&hs256, &early, SECRET),
        sign(
            &hs256,
            &json!({ "sub": " canary ", "exp": tokens::now() + 99 }),
            SECRET,
        ),
        sign(&hs256, &good, "another secret altogether, 0123456789"),
        sign(&json!({ "alg": "none" }), &good, SECRET),
        sign(
            &json!({ "alg": "RS256", "kid": "canary-kid-Xr4Tv7Bp" }),
            &good,
            SECRET,
        ),
        format!("{valid}.{valid}"),
        valid[..valid.len() - 3].to_owned(),
        "canaryOpaqueSessionTokenPq7Rn2Xz".to_owned(),
        format!("{valid}{}", "A".repeat(9000)),
    ]
}

/// Sends everything to every endpoint, as clients and attackers do.
async fn drive(server: &Server, token: &str) {
    let client = server.with_token(token);
    let made = client
        .post(
            "/api/v1/tasks",
            &json!({ "title": TITLE, "description": TEXT }),
        )
        .await;
    let id = match made.status {
        201 => made.json()["id"].as_str().unwrap().to_owned(),
        _ => "019a9ff4-0000-7000-8000-000000000000".to_owned(),
    };
    let mut paths: Vec<(String, &str)> = Vec::new();
    for mount in MOUNTS {
        for address in guarded(mount) {
            let mount = mount.replace("{owner_id}", SUBJECT);
            let path = format!("{mount}{}", address.path.replace("{id}", &id));
            paths.extend(
                address
                    .endpoints
                    .iter()
                    .map(|endpoint| (path.clone(), endpoint.method.as_str())),
            );
        }
    }
    for address in PUBLIC {
        paths.push((address.path.to_owned(), "GET"));
    }
    // Deletes come last, so that the other requests find the task.
    paths.sort_by_key(|(_, method)| *method == "DELETE");
    for (path, method) in &paths {
        let body = json!({ "title": TITLE, "description": TEXT, "canary": TITLE });
        let sent = client
            .request(method, path)
            .json(&body)
            .header("Idempotency-Key", TITLE.replace(' ', "-"))
            .header("X-Adopt-Authorization", format!("Bearer {token}"));
        assert_ne!(sent.send().await.status, 500, "{method} {path}");
        let good = json!({ "title": TITLE, "description": TEXT });
        assert_ne!(
            client.request(method, path).json(&good).send().await.status,
            500
        );
    }
    let query = TITLE.replace(' ', "%20");
    for path in [
        format!("/api/v1/tasks?q={query}"),
        format!("/api/v1/tasks?access_token={token}&token={token}"),
        format!("/api/v1/tasks?cursor={token}"),
        format!("/api/v1/tasks/{token}"),
        format!("/api/v1/users/{token}/tasks"),
        format!("/{token}"),
    ] {
        client.request("GET", &path).send().await;
    }
    in_wrong_places(server, &client, token).await;
}

async fn in_wrong_places(server: &Server, client: &Client, token: &str) {
    let nobody = server.anonymous();
    nobody.request(token, "/api/v1/tasks").send().await;
    client.request(token, "/api/v1/tasks").send().await;
    if token.starts_with("eyJ") {
        // Any other request id is chosen by the client to be logged.
        let request = nobody.request("GET", "/api/v1/tasks");
        request.header("X-Request-Id", token).send().await;
    }
    for header in [
        "Cookie",
        "User-Agent",
        "Referer",
        "Origin",
        "If-Match",
        "X-Forwarded-For",
    ] {
        nobody
            .request("GET", "/api/v1/tasks")
            .header(header, token)
            .send()
            .await;
    }
    for scheme in ["Basic ", "bearer  ", "", "Bearer Bearer "] {
        let sent = nobody.request("GET", "/api/v1/tasks");
        sent.header("Authorization", format!("{scheme}{token}"))
            .send()
            .await;
    }
    for body in [
        format!("{{\"title\":\"{TITLE}"),
        format!("[\"{token}\"]"),
        format!("{{\"{TITLE}\":1}}"),
    ] {
        client
            .request("POST", "/api/v1/tasks")
            .body("application/json", body)
            .send()
            .await;
    }
    // Not HTTP: bytes that the parser refuses.
    for request in [
        format!("GET / HTTP/1.1\r\nAuthorization Bearer {token}\r\n\r\n"),
        format!("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: {token}\r\n\r\n"),
        format!("GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: {token}\r\n\r\n"),
        format!("{token}\r\n\r\n"),
    ] {
        raw::exchange(server.address, request);
    }
}

/// A role with the canary as its password, on PostgreSQL.
fn with_password(storage: &Storage, engine: Engine) -> String {
    if engine == Engine::Sqlite {
        return storage.url.clone();
    }
    let role = format!("c{}", uuid::Uuid::now_v7().simple());
    execute(&format!(
        "CREATE ROLE {role} LOGIN SUPERUSER PASSWORD '{PASSWORD}'"
    ));
    storage.url_as(&role, PASSWORD)
}

pub fn assert_nothing_leaked(log: &str, tokens: &[String]) {
    for (what, canary) in [
        ("the secret", SECRET),
        ("the former secret", OLD_SECRET),
        ("the password", PASSWORD),
        ("a title", TITLE),
        ("a description", TEXT),
        ("the subject", SUBJECT),
    ] {
        assert_no_piece_of(what, canary, log);
        let encoded = canary.replace(' ', "%20");
        assert_no_piece_of(what, &encoded, log);
    }
    for token in tokens {
        // It ends in one letter, nine thousand times.
        assert_no_piece_of("a token", token.split("AAAAAAAA").next().unwrap(), log);
    }
}

async fn the_log_at_its_most_talkative_has_no_token_secret_or_title(engine: Engine) {
    let storage = Storage::new(engine);
    let url = with_password(&storage, engine);
    let secrets = format!("2:{SECRET},1:{OLD_SECRET}");
    for (format, level) in [
        ("text", "trace"),
        ("json", "todoward=trace,actix_http=trace,trace"),
    ] {
        let server = Server::start(
            storage.path(),
            &url,
            &[
                ("BETTER_AUTH_SECRET", OLD_SECRET),
                ("BETTER_AUTH_SECRETS", &secrets),
                ("RUST_LOG", level),
                ("RUST_BACKTRACE", "full"),
                ("TODOWARD__LOG__FORMAT", format),
            ],
        )
        .await;
        let tokens = all_tokens();
        for token in &tokens {
            drive(&server, token).await;
        }
        let log = server.stop().await;
        assert!(log.lines().count() > 300, "hardly anything was logged");
        assert_nothing_leaked(&log, &tokens);
    }
}

async fn the_errors_of_the_database_have_no_password_or_title(engine: Engine) {
    let storage = Storage::new(engine);
    let url = with_password(&storage, engine);
    let variables = [("BETTER_AUTH_SECRET", SECRET), ("RUST_LOG", "trace")];
    let server = Server::start(storage.path(), &url, &variables).await;
    let token = sign(&json!({ "alg": "HS256" }), &tokens::claims(SUBJECT), SECRET);
    if engine == Engine::Postgres {
        wait_until_indexed(&storage.url).await;
    }
    drop_a_column(&storage, engine);
    for _ in 0..3 {
        let response = server
            .with_token(&token)
            .post("/api/v1/tasks", &json!({ "title": TITLE }))
            .await;
        assert!([500, 503].contains(&response.status), "{}", response.text());
        assert!(!response.text().contains("tags"), "{}", response.text());
    }
    server.anonymous().get("/health/live").await.expect(200);
    let log = server.stop().await;
    assert!(log.contains("the cause of an error"), "{log}");
    assert_nothing_leaked(&log, &[token]);
}

/// The table is altered while the server runs.
fn drop_a_column(storage: &Storage, engine: Engine) {
    use diesel::prelude::*;
    let statement = || diesel::sql_query("ALTER TABLE tasks DROP COLUMN tags");
    match engine {
        Engine::Sqlite => {
            let file = storage.file();
            let mut sqlite = SqliteConnection::establish(file.to_str().unwrap()).unwrap();
            statement().execute(&mut sqlite).unwrap();
        }
        Engine::Postgres => {
            let mut postgres = PgConnection::establish(&storage.url).unwrap();
            statement().execute(&mut postgres).unwrap();
        }
    }
}
