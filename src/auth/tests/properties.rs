//! Properties: parsing a key set never panics, and no header makes a key verify what it
//! did not sign under its own `kid` and algorithm.

use std::sync::LazyLock;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Map, json};

use super::pairs::Pair;
use super::property::for_all;
use super::*;

const ALGORITHMS: [&str; 18] = [
    "EdDSA", "Ed25519", "ES256", "ES384", "ES512", "RS256", "RS384", "RS512", "PS256", "PS384",
    "PS512", "HS256", "HS384", "HS512", "none", "ES256K", "eddsa", "",
];

const NAMES: [&str; 5] = ["a", "b", "c", "d", "unknown"];

fn json_value() -> impl Strategy<Value = Value> {
    let text = prop_oneof![
        ".{0,40}",
        "[A-Za-z0-9_-]{43}",
        "[A-Za-z0-9_-]{342}",
        select(vec![
            "OKP", "EC", "RSA", "oct", "Ed25519", "P-256", "P-384", "P-521", "sig", "verify",
            "AQAB"
        ])
        .prop_map(str::to_owned),
        select(ALGORITHMS.to_vec()).prop_map(str::to_owned),
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        text.prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        let name = prop_oneof![member(), "[a-z]{0,4}"];
        let object = vec((name, inner.clone()), 0..8);
        prop_oneof![
            vec(inner, 0..5).prop_map(Value::from),
            object.prop_map(|members| members.into_iter().collect::<Map<_, _>>().into()),
        ]
    })
}

fn member() -> impl Strategy<Value = String> {
    let names = vec![
        "kty", "crv", "x", "y", "n", "e", "d", "k", "alg", "use", "key_ops", "kid", "keys",
    ];
    select(names).prop_map(str::to_owned)
}

/// Something similar to a key.
fn jwk() -> impl Strategy<Value = Value> {
    let real = (0..4_usize).prop_map(|at| PAIRS[at].jwk.clone());
    (real, vec((member(), json_value()), 0..3)).prop_map(|(mut jwk, changes)| {
        for (name, value) in changes {
            jwk[name] = value;
        }
        jwk
    })
}

static PAIRS: LazyLock<[Pair; 4]> = LazyLock::new(|| {
    [
        Pair::ed25519("a"),
        Pair::p256("b"),
        Pair::p384("c"),
        Pair::p521("d"),
    ]
});

#[test]
fn no_document_makes_the_reading_panic() {
    for_all(vec(any::<u8>(), 0..300), |document| {
        assert!(KeySet::parse(&document).is_err());
    });
}

#[test]
fn no_json_makes_the_reading_panic() {
    for_all((json_value(), vec(json_value(), 0..6)), |(value, keys)| {
        let _ = KeySet::parse(value.to_string().as_bytes());
        let _ = KeySet::parse(json!({ "keys": value }).to_string().as_bytes());
        let _ = KeySet::parse(set_of(&keys).as_bytes());
    });
}

#[test]
fn no_nearly_right_keys_verify_what_they_did_not_sign() {
    let stranger = Pair::ed25519("stranger");
    for_all((vec(jwk(), 1..5), select(&NAMES[..])), |(keys, kid)| {
        let verifier = verifier_of_set(&set_of(&keys));
        let token = stranger.token(&json!({ "alg": "EdDSA", "kid": kid }), &claims());
        assert!(verifier.verify(&token, NOW).is_err());
        if let Ok(set) = KeySet::parse(set_of(&keys).as_bytes()) {
            assert!(
                set.notes.iter().all(|note| note.is_ascii()),
                "{:?}",
                set.notes
            );
        }
    });
}

#[test]
fn a_token_verifies_only_under_the_name_and_algorithm_of_its_key() {
    let keys: Vec<Value> = PAIRS.iter().map(|pair| pair.jwk.clone()).collect();
    let verifier = verifier_of_set(&set_of(&keys)).with_raw_secret(&[7; 32]);
    let headers = (select(&ALGORITHMS[..]), option::of(select(&NAMES[..])));
    for_all((0..4_usize, headers), |(at, (alg, kid))| {
        let pair = &PAIRS[at];
        let mut header = json!({ "alg": alg });
        if let Some(kid) = kid {
            header["kid"] = kid.into();
        }
        let is_right = (alg == pair.alg || (alg, pair.alg) == ("Ed25519", "EdDSA"))
            && kid.is_none_or(|kid| pair.jwk["kid"] == kid);
        let verdict = verifier.verify(&pair.token(&header, &claims()), NOW);
        assert_eq!(verdict.is_ok(), is_right, "{verdict:?}");
    });
}
