//! Signatures that are almost valid.

use serde_json::json;

use super::pairs::{Pair, message};
use super::*;

/// The verdict on a signature of a pair over a valid token's message.
fn verdict(pair: &Pair, signature: &[u8]) -> Result<(), Refusal> {
    let token = format!("{}.{}", message_of(pair), base64url(signature));
    verifier_of_key(&pair.jwk).verify(&token, NOW).map(drop)
}

fn message_of(pair: &Pair) -> String {
    message(
        &json!({ "alg": pair.alg, "kid": pair.jwk["kid"] }),
        &claims(),
    )
}

#[track_caller]
fn expect_refused(pair: &Pair, name: &str, signature: &[u8]) {
    let verdict = verdict(pair, signature);
    let is_refused = matches!(verdict, Err(Refusal::InvalidSignature(_)));
    assert!(is_refused, "{} {name}: {verdict:?}", pair.alg);
}

fn all_pairs() -> Vec<Pair> {
    let [ed25519, p256, p384] = [Pair::ed25519("k"), Pair::p256("k"), Pair::p384("k")];
    let rsa = ["RS256", "RS512", "PS256"].map(|alg| Pair::rsa("k", alg));
    [vec![ed25519, p256, p384, Pair::p521("k")], rsa.to_vec()].concat()
}

/// The order of each curve, big-endian (SEC 2 version 2, section 2).
fn order_of(pair: &Pair) -> Vec<u8> {
    let hex = match pair.alg {
        "ES256" => "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551".to_owned(),
        "ES384" => format!(
            "{}c7634d81f4372ddf581a0db248b0a77aecec196accc52973",
            "f".repeat(48)
        ),
        "ES512" => format!(
            "01{}a51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409",
            "f".repeat(65)
        ),
        other => panic!("{other}"),
    };
    let digits: Vec<u8> = hex
        .bytes()
        .map(|digit| char::from(digit).to_digit(16).unwrap() as u8)
        .collect();
    digits.chunks(2).map(|two| two[0] * 16 + two[1]).collect()
}

/// `a + b`, big-endian, of the same length; none if it is too long.
fn add(a: &[u8], b: &[u8]) -> Option<Vec<u8>> {
    let mut sum = a.to_vec();
    let mut carry = 0;
    for (digit, addend) in sum.iter_mut().zip(b).rev() {
        let total = u16::from(*digit) + u16::from(*addend) + carry;
        (*digit, carry) = (total as u8, total >> 8);
    }
    (carry == 0).then_some(sum)
}

/// `a - b`, big-endian, of the same length, where `a` is the greater.
fn subtract(a: &[u8], b: &[u8]) -> Vec<u8> {
    let mut rest = a.to_vec();
    let mut borrow = 0;
    for (digit, minus) in rest.iter_mut().zip(b).rev() {
        let left = i16::from(*digit) - i16::from(*minus) - borrow;
        borrow = i16::from(left < 0);
        *digit = left.rem_euclid(256) as u8;
    }
    assert_eq!(borrow, 0);
    rest
}

#[test]
fn a_signature_of_another_length_or_with_any_bit_flipped_is_refused() {
    for pair in all_pairs() {
        let good = pair.sign(&message_of(&pair));
        assert_eq!(verdict(&pair, &good), Ok(()), "{}", pair.alg);
        for length in 0..good.len() {
            expect_refused(&pair, "cut short", &good[..length]);
        }
        for more in [&[0][..], &[1], &good] {
            expect_refused(&pair, "extended", &[&good, more].concat());
            expect_refused(&pair, "extended in front", &[more, &good].concat());
        }
        for bit in 0..good.len() * 8 {
            let mut flipped = good.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            expect_refused(&pair, &format!("bit {bit}"), &flipped);
        }
        let (left, right) = good.split_at(good.len() / 2);
        expect_refused(&pair, "halves swapped", &[right, left].concat());
    }
}

#[test]
fn a_signature_over_something_else_is_refused() {
    for (pair, other) in all_pairs().iter().zip(all_pairs()) {
        let message = message_of(pair);
        // The tests have only one RSA key.
        if pair.jwk["kty"] != "RSA" {
            expect_refused(pair, "another key", &other.sign(&message));
        }
        for text in [
            "",
            &message[1..],
            &message.replace('.', ""),
            &format!("{message}."),
        ] {
            expect_refused(pair, "another message", &pair.sign(text));
        }
    }
}

#[test]
fn ecdsa_signatures_of_numbers_out_of_range_are_refused() {
    for pair in [Pair::p256("k"), Pair::p384("k"), Pair::p521("k")] {
        let good = pair.sign(&message_of(&pair));
        let (r, s) = good.split_at(good.len() / 2);
        let n = order_of(&pair);
        assert_eq!(n.len(), r.len());
        let zero = vec![0; n.len()];
        let mut one = zero.clone();
        *one.last_mut().unwrap() = 1;
        let beyond = add(&n, &one).unwrap();
        let ones = vec![0xff; n.len()];
        for (name, r, s) in [
            ("r = 0, s = 0", &zero[..], &zero[..]),
            ("r = 0", &zero, s),
            ("s = 0", r, &zero),
            ("r = n", &n, s),
            ("s = n", r, &n),
            ("r = n, s = n", &n, &n),
            ("r = n, s = 0", &n, &zero),
            ("r = 0, s = n", &zero, &n),
            ("r = n + 1", &beyond, s),
            ("s = n + 1", r, &beyond),
            ("r = 1, s = 1", &one, &one),
            ("the greatest numbers", &ones, &ones),
        ] {
            expect_refused(&pair, name, &[r, s].concat());
        }
        // The same numbers modulo n; only on P-521 do they always fit.
        if let (Some(r_more), Some(s_more)) = (add(r, &n), add(s, &n)) {
            expect_refused(&pair, "r + n", &[&r_more, s].concat());
            expect_refused(&pair, "s + n", &[r, &s_more].concat());
        } else {
            assert_ne!(pair.alg, "ES512");
        }
    }
}

/// Both `s` and `n - s` verify in every ECDSA library, and JOSE prescribes neither
/// (signature malleability). It is harmless here: nothing is identified by a signature,
/// and the memory of verified tokens uses the hash of the whole token.
#[test]
fn the_twin_of_an_ecdsa_signature_is_accepted_and_means_the_same() {
    for pair in [Pair::p256("k"), Pair::p384("k"), Pair::p521("k")] {
        let good = pair.sign(&message_of(&pair));
        let (r, s) = good.split_at(good.len() / 2);
        let twin = [r, &subtract(&order_of(&pair), s)].concat();
        assert_ne!(good, twin);
        let verifier = verifier_of_key(&pair.jwk);
        let owners = [good, twin].map(|signature| {
            let token = format!("{}.{}", message_of(&pair), base64url(signature));
            verifier.verify(&token, NOW).unwrap().owner().clone()
        });
        assert_eq!(owners[0], owners[1]);
    }
}

#[test]
fn ecdsa_signatures_in_asn1_are_refused() {
    for pair in [Pair::p256("k"), Pair::p384("k"), Pair::p521("k")] {
        let good = pair.sign(&message_of(&pair));
        let (r, s) = good.split_at(good.len() / 2);
        let integer = |number: &[u8]| {
            let start = number.iter().position(|digit| *digit != 0).unwrap();
            let sign = &[0][..usize::from(number[start] >= 0x80)];
            let digits = [sign, &number[start..]].concat();
            [&[2, digits.len() as u8], digits.as_slice()].concat()
        };
        let numbers = [integer(r), integer(s)].concat();
        let length = numbers.len() as u8;
        let header = if length < 0x80 {
            vec![0x30, length]
        } else {
            vec![0x30, 0x81, length]
        };
        expect_refused(&pair, "ASN.1", &[header, numbers].concat());
    }
}

/// The order of Ed25519's base point, little-endian (RFC 8032 section 5.1).
const L: [u8; 32] = [
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
];

#[test]
fn ed25519_signatures_that_are_not_canonical_are_refused() {
    let pair = Pair::ed25519("k");
    let good = pair.sign(&message_of(&pair));
    let (r, s) = good.split_at(32);
    let reversed = |bytes: &[u8]| bytes.iter().rev().copied().collect::<Vec<u8>>();
    let mut multiple = reversed(s);
    for times in 1..15 {
        multiple = add(&multiple, &reversed(&L)).unwrap();
        expect_refused(
            &pair,
            &format!("S + {times}L"),
            &[r, &reversed(&multiple)].concat(),
        );
    }
    let identity = [&[1][..], &[0; 31]].concat();
    let not_canonical = [&[0xee][..], &[0xff; 30], &[0x7f]].concat();
    for r in [&[0; 32][..], &identity, &not_canonical] {
        for s in [&[0; 32][..], &L, s] {
            expect_refused(&pair, "R of small order", &[r, s].concat());
        }
    }
}

#[test]
fn a_key_signs_only_with_its_own_algorithm() {
    let pairs = all_pairs();
    for pair in &pairs {
        let verifier = verifier_of_key(&pair.jwk);
        for alg in [
            "EdDSA", "Ed25519", "ES256", "ES384", "ES512", "RS256", "RS512", "PS256",
        ] {
            let token = pair.token(&json!({ "alg": alg, "kid": "k" }), &claims());
            let is_its_own = alg == pair.alg || (alg, pair.alg) == ("Ed25519", "EdDSA");
            assert_eq!(
                verifier.verify(&token, NOW).is_ok(),
                is_its_own,
                "{alg}, a key of {}",
                pair.alg
            );
        }
        for alg in [
            "HS256", "HS384", "HS512", "RS384", "PS384", "PS512", "ES256K", "none", "eddsa", "",
        ] {
            let token = pair.token(&json!({ "alg": alg, "kid": "k" }), &claims());
            let verdict = verifier.verify(&token, NOW).map(drop);
            assert!(
                matches!(verdict, Err(Refusal::UnsupportedAlgorithm(_))),
                "{alg}: {verdict:?}"
            );
        }
    }
}
