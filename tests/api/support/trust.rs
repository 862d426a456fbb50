//! Applications that trust a test's key-set server.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::key_server::{self, KeyServer};
use super::pairs::{Pair, but, set_of};
use super::{Engine, Response, TestApp, UNSET, tokens};

/// An application without a secret, with keys from this server only.
pub async fn trusting(server: &KeyServer) -> TestApp {
    trusting_with(server, &[]).await
}

/// The same with additional environment variables.
pub async fn trusting_with(server: &KeyServer, more: &[(&str, &str)]) -> TestApp {
    let url = server.url();
    let trust = [("BETTER_AUTH_SECRET", UNSET), ("BETTER_AUTH_URL", &url)];
    let variables = [&trust[..], more].concat();
    TestApp::with(Engine::Sqlite, &variables).await
}

/// An application that may not have fetched its keys yet. It keeps the secret.
pub async fn trusting_without_keys(url: &str, more: &[(&str, &str)]) -> TestApp {
    let variables = [&[("BETTER_AUTH_URL", url), ("WITHOUT_DATABASE", "")], more].concat();
    TestApp::with(Engine::Sqlite, &variables).await
}

/// The key set of these pairs.
pub fn published(pairs: &[&Pair]) -> key_server::Response {
    let keys: Vec<Value> = pairs.iter().map(|pair| pair.jwk.clone()).collect();
    key_server::Response::Set(set_of(&keys))
}

/// The claims of a good token from a server.
pub fn claims_of(url: &str, subject: &str) -> Value {
    let claims = but(&tokens::claims(subject), "iss", url);
    but(&claims, "aud", url)
}

/// A good token from a server.
pub fn token_of(server: &KeyServer, pair: &Pair, subject: &str) -> String {
    pair.token_of(&claims_of(&server.url(), subject))
}

/// A token without a `kid`, or with another one.
pub fn token_with_kid(server: &KeyServer, pair: &Pair, kid: Option<&str>) -> String {
    let header = but(&json!({ "alg": pair.alg }), "kid", kid);
    pair.token(&header, &claims_of(&server.url(), "alice"))
}

/// The application's response to a token.
pub async fn ask(app: &TestApp, token: &str) -> Response {
    app.with_token(token).get("/api/v1/tasks").await
}

/// "accepted", or the code of the refusal.
pub async fn verdict(app: &TestApp, token: &str) -> String {
    let response = ask(app, token).await;
    match response.status {
        200 => "accepted".to_owned(),
        _ => response.json()["code"].as_str().unwrap().to_owned(),
    }
}

/// Polls until a condition holds. The limit does not measure speed: a condition that
/// never holds must fail the test.
pub async fn eventually(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let limit = Instant::now() + Duration::from_secs(30);
    while !is_so().await {
        assert!(Instant::now() < limit, "never: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
