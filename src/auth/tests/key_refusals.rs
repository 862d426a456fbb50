//! Keys that must be refused, each beside a good one.

use std::slice::from_ref;

use aws_lc_rs::digest::{SHA512, digest};
use serde_json::json;

use super::pairs::{Pair, but};
use super::*;
use crate::auth::weak_keys::check_rsa;

const WYCHEPROOF: [&str; 3] = [
    include_str!("../../../tests/data/wycheproof/json_web_signature_test.json"),
    include_str!("../../../tests/data/wycheproof/json_web_crypto_test.json"),
    include_str!("../../../tests/data/wycheproof/json_web_key_test.json"),
];

/// Every object with this `kty` in the files of vectors.
fn published_keys(kty: &str) -> Vec<Value> {
    fn collect(value: &Value, kty: &str, found: &mut Vec<Value>) {
        if value["kty"] == kty {
            found.push(value.clone());
        }
        let inner: Vec<&Value> = match value {
            Value::Object(members) => members.values().collect(),
            Value::Array(items) => items.iter().collect(),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => return,
        };
        for value in inner {
            collect(value, kty, found);
        }
    }
    let mut found = Vec::new();
    for file in WYCHEPROOF {
        collect(&serde_json::from_str(file).unwrap(), kty, &mut found);
    }
    found
}

/// A good key of 2048 bits, from a published example.
fn good_rsa() -> Value {
    let keys = published_keys("RSA");
    let is_it = |key: &&Value| key["kid"] == "RS256_2048";
    let n = &keys.iter().find(is_it).unwrap()["n"];
    json!({ "kty": "RSA", "n": n, "e": "AQAB", "kid": "k" })
}

/// The notes about a key in a set with a good one, and whether it can be found.
fn judge(jwk: &Value) -> (Vec<String>, bool) {
    let good = Pair::ed25519("good").jwk;
    let set = KeySet::parse(set_of(&[jwk.clone(), good]).as_bytes()).unwrap();
    assert!(set.has_kid("good"));
    let is_used = set.has_kid("k");
    (set.notes, is_used)
}

#[track_caller]
fn expect_refused(name: &str, jwk: &Value, why: &str) {
    let expected = format!("key 0 is left out: {why}");
    assert_eq!(judge(jwk), (vec![expected], false), "{name}: {jwk}");
    assert!(
        KeySet::parse(set_of(from_ref(jwk)).as_bytes()).is_err(),
        "{name}"
    );
}

#[track_caller]
fn expect_used(name: &str, jwk: &Value) {
    assert_eq!(judge(jwk), (vec![], true), "{name}: {jwk}");
}

/// A number of this many bits, the first and last of which are set.
fn odd_number(bits: usize) -> Vec<u8> {
    let mut bytes = vec![0xa5; bits.div_ceil(8)];
    let last = bytes.len() - 1;
    bytes[0] = 1 << ((bits - 1) % 8);
    bytes[last] |= 1;
    bytes
}

#[test]
fn rsa_keys_that_can_be_broken_or_are_too_expensive_are_refused() {
    const SIZE: &str = "its modulus is not of 2048 to 4096 bits";
    const EXPONENT: &str = "its exponent is not one that RSA keys have";
    let rsa = good_rsa();
    let with_n = |n: &[u8]| but(&rsa, "n", base64url(n));
    let with_e = |e: &[u8]| but(&rsa, "e", base64url(e));
    expect_used("the good one", &rsa);
    for bits in [2048, 2049, 3072, 4096] {
        expect_used(&format!("{bits} bits"), &with_n(&odd_number(bits)));
    }
    for bits in [8, 512, 1024, 2047, 4097, 8192, 16_384] {
        expect_refused(&format!("{bits} bits"), &with_n(&odd_number(bits)), SIZE);
    }
    let hidden = [vec![0; 128], odd_number(1024)].concat();
    expect_refused("1024 bits behind zeros", &with_n(&hidden), SIZE);
    for (name, n) in [
        ("no modulus", vec![]),
        ("0", vec![0]),
        ("2048 zeros", vec![0; 256]),
    ] {
        expect_refused(name, &with_n(&n), SIZE);
    }
    let mut even = from_base64url(rsa["n"].as_str().unwrap());
    *even.last_mut().unwrap() &= 0xfe;
    expect_refused("an even modulus", &with_n(&even), "its modulus is even");
    for (name, e) in [
        ("none", &[][..]),
        ("0", &[0]),
        ("1", &[1]),
        ("2", &[2]),
        ("3", &[3]),
        ("65535", &[0xff, 0xff]),
        ("65536", &[1, 0, 0]),
        ("65538", &[1, 0, 2]),
        ("2^33 + 1", &[2, 0, 0, 0, 1]),
        ("2^64 + 1", &[1, 0, 0, 0, 0, 0, 0, 0, 1]),
        ("2^71 + 1", &[0x80, 0, 0, 0, 0, 0, 0, 0, 1]),
    ] {
        expect_refused(&format!("the exponent {name}"), &with_e(e), EXPONENT);
    }
}

#[test]
fn rsa_keys_with_the_weakness_of_certain_chips_are_refused() {
    const ROCA: &str = "it was made with the weakness CVE-2017-15361 (ROCA)";
    let published: Vec<Value> = published_keys("RSA")
        .iter()
        .filter(|key| key["kid"] == "kid-rsa-roca-sign" && key.get("d").is_none())
        .map(|key| but(key, "kid", "k"))
        .collect();
    assert!(!published.is_empty());
    for key in &published {
        expect_refused("a published one", key, ROCA);
    }
    // Every power of 65537 has the form that is detected.
    let mut power = vec![1];
    for _ in 0..128 {
        power = times_65537(&power);
    }
    let key = but(&good_rsa(), "n", base64url(&power));
    expect_refused("a power of 65537", &key, ROCA);
}

/// Big-endian.
fn times_65537(number: &[u8]) -> Vec<u8> {
    let shifted = [number, &[0, 0]].concat();
    let mut sum = vec![0];
    sum.extend(&shifted);
    let mut carry = 0;
    for (at, digit) in sum.iter_mut().enumerate().rev() {
        let addend = at.checked_sub(3).map_or(0, |at| u16::from(number[at]));
        let total = u16::from(*digit) + addend + carry;
        (*digit, carry) = (total as u8, total >> 8);
    }
    let start = sum.iter().position(|digit| *digit != 0).unwrap();
    sum.split_off(start)
}

#[test]
fn no_good_modulus_passes_for_one_of_those_chips() {
    let e = [1, 0, 1];
    let mut tried = 0;
    for key in published_keys("RSA") {
        // One of them has the members of another key type.
        let Some(n) = key["n"].as_str().map(from_base64url) else {
            continue;
        };
        let is_roca = key["kid"] == "kid-rsa-roca-sign";
        if n.len() >= 256 && !is_roca {
            assert_eq!(check_rsa(&n, &e), Ok(()), "{key}");
            tried += 1;
        }
    }
    assert!(tried > 20, "{tried}");
    for seed in 0..1_000_u32 {
        let parts = (0..4_u32).flat_map(|part| {
            let seed = [seed.to_be_bytes(), part.to_be_bytes()].concat();
            digest(&SHA512, &seed).as_ref().to_vec()
        });
        let mut n: Vec<u8> = parts.collect();
        n[0] |= 0x80;
        n[255] |= 1;
        assert_eq!(check_rsa(&n, &e), Ok(()), "{seed}");
    }
}

#[test]
fn points_that_are_not_on_their_curve_are_refused() {
    const NOT_A_POINT: &str = "its x and y are not a point of its curve";
    for pair in [Pair::p256("k"), Pair::p384("k"), Pair::p521("k")] {
        let jwk = &pair.jwk;
        expect_used("the good one", jwk);
        let [x, y] = ["x", "y"].map(|name| from_base64url(jwk[name].as_str().unwrap()));
        let point = |x: &[u8], y: &[u8]| {
            let jwk = but(jwk, "x", base64url(x));
            but(&jwk, "y", base64url(y))
        };
        let mut off = y.clone();
        *off.last_mut().unwrap() ^= 1;
        let zero = vec![0; x.len()];
        let ones = vec![0xff; x.len()];
        let longer = [&[0], x.as_slice()].concat();
        // The same bytes in total, split between the two at another position.
        let (shorter, last) = x.split_at(x.len() - 1);
        let with_last = [last, &y].concat();
        for (name, x, y) in [
            ("off the curve", &x[..], &off[..]),
            ("the coordinates swapped", &y, &x),
            ("all zero", &zero, &zero),
            ("beyond the field", &ones, &y),
            ("y beyond the field", &x, &ones),
            ("a short x", &x[1..], &y),
            ("a short y", &x, &y[1..]),
            ("a zero before x", &longer, &y),
            ("the border moved", shorter, &with_last),
            ("no coordinates", &[], &[]),
            ("the infinite point", &[0], &[]),
        ] {
            expect_refused(name, &point(x, y), NOT_A_POINT);
        }
        for name in ["x", "y"] {
            let why = "a member of its key is missing";
            expect_refused(name, &but(jwk, name, Value::Null), why);
        }
        for crv in ["secp256k1", "p-256", "P-224", "Ed25519", ""] {
            let why = "its crv is not P-256, P-384 or P-521";
            expect_refused(crv, &but(jwk, "crv", crv), why);
        }
        for crv in ["P-256", "P-384", "P-521"]
            .iter()
            .filter(|crv| jwk["crv"] != **crv)
        {
            expect_refused(crv, &but(jwk, "crv", *crv), NOT_A_POINT);
        }
    }
}

#[test]
fn points_of_small_order_are_refused_in_every_encoding() {
    let hex = |text: &str| -> Vec<u8> {
        let digits = text
            .as_bytes()
            .chunks(2)
            .map(|two| std::str::from_utf8(two).unwrap());
        digits
            .map(|two| u8::from_str_radix(two, 16).unwrap())
            .collect()
    };
    let ff = "ff".repeat(30);
    let zeros = "00".repeat(31);
    let points = [
        format!("00{zeros}"),
        format!("01{zeros}"),
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05".to_owned(),
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a".to_owned(),
        format!("ec{ff}7f"),
        format!("ed{ff}7f"),
        format!("ee{ff}7f"),
    ];
    let good = Pair::ed25519("k");
    expect_used("the good one", &good.jwk);
    for point in points {
        for sign in [0, 0x80] {
            let mut x = hex(&point);
            x[31] |= sign;
            let key = good.jwk_but("x", base64url(x));
            expect_refused(&point, &key, "its x is not a point that signs");
        }
    }
    let x = from_base64url(good.jwk["x"].as_str().unwrap());
    for x in [&[][..], &x[1..], &[x.as_slice(), &[0]].concat()] {
        let key = good.jwk_but("x", base64url(x));
        expect_refused("another length", &key, "its x is not a point that signs");
    }
    for crv in ["X25519", "Ed448", "ed25519", "P-256"] {
        expect_refused(crv, &good.jwk_but("crv", crv), "its crv is not Ed25519");
    }
}
