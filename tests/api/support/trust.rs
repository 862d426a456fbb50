//! Applications that trust a key-set server of the test.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::key_server::{self, KeyServer};
use super::pairs::{Pair, but, set_of};
use super::{Answer, Engine, TestApp, UNSET, tokens};

/// An application with no secret, and keys from this server only.
pub async fn trusting(server: &KeyServer) -> TestApp {
    trusting_with(server, &[]).await
}

/// With these variables of the environment as well.
pub async fn trusting_with(server: &KeyServer, more: &[(&str, &str)]) -> TestApp {
    let url = server.url();
    let trust = [("BETTER_AUTH_SECRET", UNSET), ("BETTER_AUTH_URL", &url)];
    let variables = [&trust[..], more].concat();
    TestApp::with(Engine::Sqlite, &variables).await
}

/// One that need not have got its keys yet, or ever. The secret stays.
pub async fn trusting_without_keys(url: &str, more: &[(&str, &str)]) -> TestApp {
    let variables = [&[("BETTER_AUTH_URL", url), ("WITHOUT_DATABASE", "")], more].concat();
    TestApp::with(Engine::Sqlite, &variables).await
}

/// The key set of these pairs.
pub fn published(pairs: &[&Pair]) -> key_server::Answer {
    let keys: Vec<Value> = pairs.iter().map(|pair| pair.jwk.clone()).collect();
    key_server::Answer::Set(set_of(&keys))
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

/// A token without `kid`, or with another.
pub fn token_with_kid(server: &KeyServer, pair: &Pair, kid: Option<&str>) -> String {
    let header = but(&json!({ "alg": pair.alg }), "kid", kid);
    pair.token(&header, &claims_of(&server.url(), "alice"))
}

/// What the application answers to a token.
pub async fn ask(app: &TestApp, token: &str) -> Answer {
    app.with_token(token).get("/api/v1/tasks").await
}

/// "accepted", or the code of the refusal.
pub async fn verdict(app: &TestApp, token: &str) -> String {
    let answer = ask(app, token).await;
    match answer.status {
        200 => "accepted".to_owned(),
        _ => answer.json()["code"].as_str().unwrap().to_owned(),
    }
}

/// Looks again and again until it is so. The limit is no measure of speed: what
/// never comes must fail the test.
pub async fn eventually(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let limit = Instant::now() + Duration::from_secs(30);
    while !is_so().await {
        assert!(Instant::now() < limit, "never: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
