//! The properties of single keys, and sets with good and bad keys.

use std::slice::from_ref;

use serde_json::json;

use super::pairs::{Pair, but};
use super::*;
use crate::auth::key_set::Lookup;
use crate::auth::keys::PublicAlgorithm;

fn parse(document: &str) -> Result<KeySet, String> {
    KeySet::parse(document.as_bytes())
}

fn is_used(jwk: &Value) -> bool {
    parse(&set_of(from_ref(jwk))).is_ok()
}

#[test]
fn a_key_is_used_only_for_what_it_says_it_is_for() {
    let key = Pair::p256("k").jwk;
    for (name, value, used) in [
        ("use", json!("sig"), true),
        ("use", json!("enc"), false),
        ("use", json!("SIG"), false),
        ("use", json!(""), false),
        ("use", json!(["sig"]), false),
        ("use", json!(1), false),
        ("key_ops", json!(["verify"]), true),
        ("key_ops", json!(["sign", "verify"]), true),
        ("key_ops", json!(["sign"]), false),
        ("key_ops", json!(["encrypt"]), false),
        ("key_ops", json!([]), false),
        ("key_ops", json!("verify"), false),
        ("key_ops", json!({ "verify": true }), false),
        ("alg", json!("ES256"), true),
        ("alg", json!("ES384"), false),
        ("alg", json!("ES512"), false),
        ("alg", json!("EdDSA"), false),
        ("alg", json!("RS256"), false),
        ("alg", json!("HS256"), false),
        ("alg", json!("none"), false),
        ("alg", json!("es256"), false),
        ("alg", json!(""), false),
        ("alg", json!(7), false),
        ("kid", json!("another"), true),
        ("kid", json!(7), false),
        ("kid", json!(["k"]), false),
        ("kty", json!("OKP"), false),
        ("kty", json!("RSA"), false),
        ("kty", json!("oct"), false),
        ("kty", json!("ec"), false),
        ("kty", json!(null), false),
        ("x", json!("=not base64url"), false),
        ("x", json!(1), false),
        ("unknown", json!({ "what": "ever" }), true),
    ] {
        let key = but(&key, name, value.clone());
        assert_eq!(is_used(&key), used, "{name}: {value}");
    }
    // A member that is null is not absent.
    for name in ["use", "key_ops", "alg", "kid", "x"] {
        let mut key = key.clone();
        key[name] = Value::Null;
        assert!(!is_used(&key), "{name}");
    }
}

#[test]
fn base64url_of_a_key_must_be_canonical() {
    let key = Pair::p256("k").jwk;
    let x = key["x"].as_str().unwrap();
    // Only four bits of the last character are used; the others must be 0.
    let last = char::from(x.as_bytes()[42] + 1);
    let stray_bits = format!("{}{last}", &x[..42]);
    for x in [
        format!("{x}="),
        format!(" {x}"),
        format!("{x}\n"),
        x.replace(['-', '_'], "+") + "+",
        stray_bits,
    ] {
        assert!(!is_used(&but(&key, "x", x.as_str())), "{x:?}");
    }
}

#[test]
fn documents_that_are_no_key_set_are_refused() {
    let good = Pair::ed25519("k").jwk;
    let set = set_of(from_ref(&good));
    assert!(parse(&set).is_ok());
    for document in [
        "".to_owned(),
        "null".to_owned(),
        "{}".to_owned(),
        "[]".to_owned(),
        "\"keys\"".to_owned(),
        "<!doctype html><title>Not found</title>".to_owned(),
        good.to_string(),
        json!([good]).to_string(),
        json!({ "keys": null }).to_string(),
        json!({ "keys": [] }).to_string(),
        json!({ "keys": {} }).to_string(),
        json!({ "keys": good }).to_string(),
        json!({ "keys": { "0": good } }).to_string(),
        json!({ "Keys": [good] }).to_string(),
        json!({ "keys": [null, 1, "x", [], {}, true, [good]] }).to_string(),
        set[..set.len() - 1].to_owned(),
        format!("{set}x"),
        format!("{set}{set}"),
        format!("\u{feff}{set}"),
        set.replacen('{', "{\"keys\":[],", 1),
        format!("{}{}", "[".repeat(10_000), "]".repeat(10_000)),
    ] {
        assert!(parse(&document).is_err(), "{document:.80}");
    }
    let not_utf8 = [set.as_bytes(), &[0xff]].concat();
    assert!(KeySet::parse(&not_utf8).is_err());
    // Other members of the set are ignored.
    assert!(parse(&json!({ "keys": [good], "more": 1 }).to_string()).is_ok());
}

#[test]
fn bad_keys_do_not_take_the_good_ones_with_them() {
    let good = Pair::ed25519("good");
    let bad = [
        json!({ "kty": "AKP", "alg": "ML-DSA-44", "kid": "new", "pub": "AA" }),
        json!({ "kty": "oct", "k": "AAAA", "kid": "secret" }),
        json!({ "kty": "OKP", "crv": "Ed25519", "kid": "no x" }),
        json!({ "kty": "OKP", "crv": "Ed25519", "x": "!", "kid": "no base64url" }),
        json!({ "kid": "nothing" }),
        json!({}),
        json!(null),
        json!("key"),
    ];
    for at in 0..=bad.len() {
        let mut keys = bad.to_vec();
        keys.insert(at, good.jwk.clone());
        let set = set_of(&keys);
        let parsed = parse(&set).unwrap();
        // One of them is a secret that is published.
        assert_eq!(parsed.notes.len(), bad.len() + 1, "{:?}", parsed.notes);
        let verifier = verifier_of_set(&set);
        assert!(verifier.verify(&good_token(&good), NOW).is_ok());
    }
}

#[test]
fn keys_of_the_same_name_are_all_refused_and_the_others_used() {
    let [one, two, other] = ["k", "k", "other"].map(Pair::ed25519);
    let broken = json!({ "kty": "OKP", "crv": "Ed25519", "kid": "k" });
    for twin in [two.jwk, Pair::p256("k").jwk, one.jwk.clone(), broken] {
        for keys in [[&one.jwk, &twin, &other.jwk], [&other.jwk, &twin, &one.jwk]] {
            let set = set_of(&keys.map(Clone::clone));
            let verifier = verifier_of_set(&set);
            let verdict = verifier.verify(&good_token(&one), NOW).map(drop);
            assert!(
                matches!(verdict, Err(Refusal::UnknownKey(_))),
                "{verdict:?}"
            );
            assert!(verifier.verify(&good_token(&other), NOW).is_ok());
        }
    }
}

#[test]
fn without_a_name_only_the_one_key_that_could_have_signed_is_taken() {
    let (a, b) = (Pair::ed25519("a"), Pair::ed25519("b"));
    let p256 = Pair::p256("c");
    let nameless = |pair: &Pair| pair.token(&json!({ "alg": pair.alg }), &claims());
    let verdict =
        |keys: &[Value], token: &str| verifier_of_set(&set_of(keys)).verify(token, NOW).map(drop);
    assert_eq!(verdict(from_ref(&a.jwk), &nameless(&a)), Ok(()));
    assert_eq!(
        verdict(&[p256.jwk.clone(), a.jwk.clone()], &nameless(&a)),
        Ok(())
    );
    assert_eq!(
        verdict(&[a.jwk_but("kid", Value::Null)], &nameless(&a)),
        Ok(())
    );
    let two = verdict(&[a.jwk.clone(), b.jwk.clone()], &nameless(&a));
    assert!(matches!(two, Err(Refusal::UnknownKey(_))), "{two:?}");
    let of_another = verdict(from_ref(&b.jwk), &nameless(&a));
    assert!(
        matches!(of_another, Err(Refusal::InvalidSignature(_))),
        "{of_another:?}"
    );
    // A key without a kid does not match every kid.
    let named = verdict(&[a.jwk_but("kid", Value::Null)], &good_token(&a));
    assert!(matches!(named, Err(Refusal::UnknownKey(_))), "{named:?}");
}

#[test]
fn a_key_that_shows_its_private_half_is_used_and_complained_about() {
    let pair = Pair::ed25519("k");
    for name in ["d", "p", "q", "k"] {
        let set = set_of(&[pair.jwk_but(name, "c2VjcmV0")]);
        let notes = parse(&set).unwrap().notes;
        assert!(
            notes.len() == 1 && notes[0].contains("PRIVATE"),
            "{notes:?}"
        );
        assert!(
            verifier_of_set(&set)
                .verify(&good_token(&pair), NOW)
                .is_ok()
        );
    }
}

#[test]
fn what_is_logged_about_a_set_has_nothing_of_its_text() {
    let evil = "evil\n2026-01-01 ERROR \u{1b}[31m";
    let good = Pair::ed25519(evil);
    let mut keys = vec![Pair::p256("p").jwk, good.jwk.clone()];
    for name in ["kty", "kid", "use", "alg", "crv", "x", "key_ops", "d"] {
        keys.push(good.jwk_but(name, evil));
    }
    let notes = parse(&set_of(&keys)).unwrap().notes;
    assert!(notes.len() >= keys.len() - 1, "{notes:?}");
    for note in notes {
        let is_plain = !note.contains("evil") && !note.contains(char::is_control);
        assert!(is_plain, "{note:?}");
    }
}

#[test]
fn the_algorithm_of_a_key_without_one_follows_from_its_kind() {
    use PublicAlgorithm::{EdDsa, Es256, Es384, Es512, Ps256, Rs256, Rs512};
    let rsa = json!({ "kty": "RSA", "n": base64url([&[0xa5; 255][..], &[1]].concat()), "e": "AQAB", "kid": "k" });
    for (jwk, algorithms) in [
        (Pair::ed25519("k").jwk, &[EdDsa][..]),
        (Pair::p256("k").jwk, &[Es256]),
        (Pair::p384("k").jwk, &[Es384]),
        (Pair::p521("k").jwk, &[Es512]),
        (rsa.clone(), &[Rs256, Ps256]),
        (but(&rsa, "alg", "RS256"), &[Rs256]),
        (but(&rsa, "alg", "RS512"), &[Rs512]),
        (but(&rsa, "alg", "PS256"), &[Ps256]),
    ] {
        let set = parse(&set_of(from_ref(&jwk))).unwrap();
        for alg in [EdDsa, Es256, Es384, Es512, Rs256, Rs512, Ps256] {
            let found = matches!(set.find(Some("k"), alg), Lookup::Found(_));
            assert_eq!(found, algorithms.contains(&alg), "{alg:?} with {jwk}");
            let found = matches!(set.find(None, alg), Lookup::Found(_));
            assert_eq!(
                found,
                algorithms.contains(&alg),
                "{alg:?} without kid, with {jwk}"
            );
        }
    }
}

#[test]
fn a_set_of_nothing_but_faults_fills_no_log() {
    let mut keys = vec![Value::Null; 50_000];
    keys.push(Pair::ed25519("k").jwk);
    let set = parse(&set_of(&keys)).unwrap();
    assert!(set.has_kid("k"));
    assert!(set.notes.len() < 30, "{}", set.notes.len());
    assert!(
        set.notes.last().unwrap().contains("more"),
        "{:?}",
        set.notes
    );
}

#[test]
fn as_many_complaints_as_fit_are_told_without_a_word_of_more() {
    let notes_of = |faults: usize| {
        let mut keys = vec![Value::Null; faults];
        keys.push(Pair::ed25519("k").jwk);
        parse(&set_of(&keys)).unwrap().notes
    };
    let most = (1..50).find(|faults| notes_of(*faults).len() == 20);
    let most = most.unwrap();
    let is_of_more = |notes: &[String]| notes.last().unwrap().contains("more complaints");
    assert!(!is_of_more(&notes_of(most)));
    assert!(is_of_more(&notes_of(most + 1)));
}
