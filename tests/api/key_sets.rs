//! Tokens signed with a key of a Better Auth server's key set.

use serde_json::json;

use crate::support::key_server::KeyServer;
use crate::support::pairs::{Pair, but};
use crate::support::trust::{
    ask, claims_of, published, token_of, token_with_kid, trusting, trusting_with, verdict,
};
use crate::support::{Engine, SECRET, TestApp, block_on, on_both_databases, tokens};

on_both_databases! {
    every_algorithm_of_better_auth_is_accepted_and_names_its_user,
}

/// A key pair of every algorithm that Better Auth can sign with.
fn every_algorithm() -> Vec<Pair> {
    let [ed25519, p256] = [Pair::ed25519("ed25519"), Pair::p256("p256")];
    let [p384, p521] = [Pair::p384("p384"), Pair::p521("p521")];
    let rsa = ["RS256", "RS512", "PS256"].map(|alg| Pair::rsa(alg, alg));
    [vec![ed25519, p256, p384, p521], rsa.to_vec()].concat()
}

fn serve(pairs: &[Pair]) -> KeyServer {
    let pairs: Vec<&Pair> = pairs.iter().collect();
    KeyServer::start(published(&pairs))
}

async fn every_algorithm_of_better_auth_is_accepted_and_names_its_user(engine: Engine) {
    let pairs = every_algorithm();
    let server = serve(&pairs);
    let url = server.url();
    let app = TestApp::with(engine, &[("BETTER_AUTH_URL", &url)]).await;
    for pair in &pairs {
        let token = token_of(&server, pair, pair.kid());
        let client = app.with_token(&token);
        client.create_path(pair.alg).await;
        assert_eq!(client.titles("").await, [pair.alg]);
    }
    // RFC 9864's name for the same algorithm, and a key with alg.
    let header = json!({ "alg": "Ed25519", "kid": "ed25519", "typ": "JWT" });
    let token = pairs[0].token(&header, &claims_of(&url, "ed25519"));
    assert_eq!(app.with_token(&token).titles("").await, ["EdDSA"]);
    // One fetch was enough for all, at Better Auth's path.
    let requests = server.requests();
    assert_eq!(requests.len(), 1);
    assert!(
        requests[0].starts_with("GET /api/auth/jwks HTTP/1.1\r\n"),
        "{}",
        requests[0]
    );
}

#[test]
fn a_token_without_kid_is_accepted_if_only_one_key_could_have_made_it() {
    block_on(async {
        let (ed, p256, other) = (Pair::ed25519("a"), Pair::p256("b"), Pair::p256("c"));
        let server = serve(&[ed.clone(), p256.clone(), other]);
        let app = trusting(&server).await;
        let token = token_with_kid(&server, &ed, None);
        assert_eq!(verdict(&app, &token).await, "accepted");
        let token = token_with_kid(&server, &p256, None);
        assert_eq!(verdict(&app, &token).await, "unknown_key");
    });
}

#[test]
fn a_key_verifies_only_with_its_own_algorithm_and_name() {
    block_on(async {
        let pairs = every_algorithm();
        let server = serve(&pairs);
        let app = trusting(&server).await;
        let claims = claims_of(&server.url(), "alice");
        for pair in &pairs {
            for other in pairs.iter().filter(|other| other.alg != pair.alg) {
                let header = json!({ "alg": other.alg, "kid": pair.kid() });
                let token = pair.token(&header, &claims);
                assert_eq!(verdict(&app, &token).await, "invalid_signature", "{header}");
                let header = json!({ "alg": pair.alg, "kid": other.kid() });
                let token = pair.token(&header, &claims);
                assert_eq!(verdict(&app, &token).await, "invalid_signature", "{header}");
            }
            for alg in [
                "RS384", "PS384", "PS512", "HS256", "HS512", "none", "ES256K",
            ] {
                let token = pair.token(&json!({ "alg": alg, "kid": pair.kid() }), &claims);
                assert_eq!(
                    verdict(&app, &token).await,
                    "unsupported_algorithm",
                    "{alg}"
                );
            }
            let stranger = Pair::ed25519(pair.kid())
                .token(&json!({ "alg": pair.alg, "kid": pair.kid() }), &claims);
            assert_eq!(verdict(&app, &stranger).await, "invalid_signature");
        }
        assert_eq!(server.fetches(), 1, "the keys were all known");
    });
}

#[test]
fn issuer_and_audience_of_a_key_pairs_token_are_those_of_the_server() {
    block_on(async {
        let pair = Pair::ed25519("k");
        let server = serve(std::slice::from_ref(&pair));
        let app = trusting(&server).await;
        let good = claims_of(&server.url(), "alice");
        let slash = format!("{}/", server.url());
        for (name, value, code) in [
            ("iss", json!(server.url()), "accepted"),
            ("aud", json!(["other", server.url()]), "accepted"),
            ("iss", json!(null), "invalid_claims"),
            ("aud", json!(null), "invalid_claims"),
            ("iss", json!(""), "invalid_claims"),
            ("iss", json!(slash), "invalid_claims"),
            ("aud", json!(slash), "invalid_claims"),
            ("iss", json!("https://evil.example"), "invalid_claims"),
            ("aud", json!([]), "invalid_claims"),
            ("aud", json!("better-auth:session-cache"), "invalid_claims"),
            ("sub", json!(null), "invalid_claims"),
            ("exp", json!(tokens::now() - 3600), "token_expired"),
        ] {
            let token = pair.token_of(&but(&good, name, value.clone()));
            assert_eq!(verdict(&app, &token).await, code, "{name}: {value}");
            // Nothing is revealed about the claims of a forged token.
            let forged = Pair::ed25519("k").token_of(&but(&good, name, value));
            assert_eq!(verdict(&app, &forged).await, "invalid_signature");
        }
        // The same rules apply to tokens of a shared secret.
        let url = server.url();
        let both = trusting_with(&server, &[("BETTER_AUTH_SECRET", SECRET)]).await;
        let bare = tokens::valid("alice");
        assert_eq!(verdict(&both, &bare).await, "invalid_claims");
        assert_eq!(
            verdict(&both, &tokens::sign(&claims_of(&url, "alice"))).await,
            "accepted"
        );
    });
}

#[test]
fn a_kind_of_token_that_is_not_configured_is_refused_without_a_fetch() {
    block_on(async {
        let pair = Pair::ed25519("k");
        let server = serve(std::slice::from_ref(&pair));
        let with_keys = trusting(&server).await;
        let with_secret = TestApp::spawn(crate::support::Engine::Sqlite).await;
        let hs256 = tokens::sign(&claims_of(&server.url(), "alice"));
        let eddsa = token_of(&server, &pair, "alice");
        for (app, token) in [(&with_keys, &hs256), (&with_secret, &eddsa)] {
            let response = ask(app, token)
                .await
                .expect_problem(401, "unsupported_algorithm");
            let detail = response.json()["detail"].as_str().unwrap().to_owned();
            assert!(detail.contains("BETTER_AUTH_"), "{detail}");
        }
        assert_eq!(verdict(&with_keys, &eddsa).await, "accepted");
        assert_eq!(server.fetches(), 1);
    });
}
