//! Benchmarks of token verification: for a token that is seen for the first time, and
//! for one in the memory of verified tokens.

#![expect(clippy::unwrap_used, reason = "a benchmark has nobody to answer to")]
#![expect(clippy::panic, reason = "a benchmark has nobody to answer to")]
#![expect(
    clippy::indexing_slicing,
    reason = "a benchmark has nobody to answer to"
)]

#[expect(dead_code, reason = "the tests use what this does not")]
#[path = "../tests/api/support/key_server.rs"]
mod key_server;
#[expect(dead_code, reason = "the tests use what this does not")]
#[path = "../tests/api/support/pairs.rs"]
mod pairs;

use std::cell::Cell;
use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use key_server::{KeyServer, Response};
use pairs::{Pair, but, set_of};
use serde_json::{Value, json};
use todoward::auth::{Jwks, Policy, Verifier, unix_now};
use todoward::settings::{Jwks as Settings, Secret};

const ORIGIN: &str = "https://app.example.com";

/// Tokens of different users, many more than the memory of verified tokens holds.
const TOKENS: usize = 6_000;

fn policy() -> Policy {
    Policy {
        issuers: vec![ORIGIN.into()],
        audiences: vec![ORIGIN.into()],
        leeway: 15.0,
        ..Policy::default()
    }
}

/// The claims of Better Auth's jwt plugin, with an id like Better Auth's.
fn claims(user: usize) -> Value {
    let now = unix_now();
    let id = format!("Yq3Yq3Yq3Yq3Yq3Yq3Yq3Yq3Yq{user:06}");
    json!({
        "iat": now, "name": "Alice Example", "email": "alice@example.com", "emailVerified": true,
        "image": null, "createdAt": "2026-01-01T00:00:00.000Z", "updatedAt": "2026-01-01T00:00:00.000Z",
        "id": id, "sub": id, "exp": now + 900.0, "iss": ORIGIN, "aud": ORIGIN,
    })
}

/// Measures many different tokens, and one token repeatedly.
fn measure(criterion: &mut Criterion, verifier: &Verifier, name: &str, tokens: &[String]) {
    let (now, next) = (unix_now(), Cell::new(0));
    // In rotation, so that each has been evicted before it is used again.
    criterion.bench_function(&format!("{name}, first seen"), |bencher| {
        bencher.iter(|| {
            next.set((next.get() + 1) % tokens.len());
            verifier
                .verify(black_box(&tokens[next.get()]), now)
                .unwrap()
        });
    });
    let token = &tokens[0];
    verifier.verify(token, now).unwrap();
    criterion.bench_function(&format!("{name}, remembered"), |bencher| {
        bencher.iter(|| verifier.verify(black_box(token), now).unwrap());
    });
}

fn with_secret(criterion: &mut Criterion) {
    let text = "a secret of the benchmarks, 0123456789";
    let signer = Pair::hs256(text.as_bytes());
    let header = json!({ "alg": "HS256", "typ": "JWT" });
    let tokens: Vec<String> = (0..TOKENS)
        .map(|user| signer.token(&header, &claims(user)))
        .collect();
    let secret = Secret::parse(text).unwrap();
    let verifier = Verifier::new(std::slice::from_ref(&secret), policy());
    measure(criterion, &verifier, "HS256", &tokens);
}

fn with_key_pairs(criterion: &mut Criterion) {
    let pairs = [
        Pair::ed25519("ed25519"),
        Pair::p256("p256"),
        Pair::p384("p384"),
        Pair::p521("p521"),
        Pair::rsa("rsa", "RS256"),
        Pair::rsa("pss", "PS256"),
    ];
    let keys: Vec<Value> = pairs.iter().map(|pair| pair.jwk.clone()).collect();
    let server = KeyServer::start(Response::Set(set_of(&keys)));
    let settings = Settings {
        url: server.url(),
        ttl: Duration::from_secs(86_400),
        timeout: Duration::from_secs(2),
    };
    let verifier = Verifier::new(&[], policy()).with_jwks(Jwks::start(&settings).unwrap());
    while !verifier.has_keys() {
        std::thread::yield_now();
    }
    let now = unix_now();
    for pair in &pairs {
        let tokens: Vec<String> = (0..TOKENS)
            .map(|user| pair.token_of(&claims(user)))
            .collect();
        measure(criterion, &verifier, pair.alg, &tokens);
    }
    let ed25519 = &pairs[0];
    let header = json!({ "alg": "EdDSA", "kid": "unknown" });
    let unknown = ed25519.token(&header, &claims(0));
    criterion.bench_function("an unknown kid", |bencher| {
        bencher.iter(|| verifier.verify(black_box(&unknown), now).is_err());
    });
    let forged = Pair::ed25519("ed25519").token_of(&but(&claims(0), "sub", "mallory"));
    criterion.bench_function("EdDSA, forged", |bencher| {
        bencher.iter(|| verifier.verify(black_box(&forged), now).is_err());
    });
}

criterion_group!(benches, with_secret, with_key_pairs);
criterion_main!(benches);
