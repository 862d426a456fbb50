//! `sub`, the only claim that identifies the user.

use serde_json::{Map, Value, json};

use crate::support::tokens::sign;
use crate::support::verdicts::{
    Case, NOW, claims_but, expect_code, expect_refused, token_but, verify,
};

const CLAIMS: &str = "invalid_claims";

/// The cases of this module at a time, for the tests over HTTP.
pub fn cases(now: i64) -> Vec<Case> {
    subjects(now)
}

fn subjects(now: i64) -> Vec<Case> {
    let mut wrong: Vec<Value> = [
        "",
        " ",
        "\t",
        " alice",
        "alice ",
        "\u{a0}alice",
        "alice\u{a0}",
        "alice\u{2003}",
        "\u{3000}alice",
        "alice\u{2028}",
        "u\0",
        "\0",
        "u\nX",
        "u\r\n",
        "alice\n",
        "\u{1b}[31m",
        "u\u{7f}",
        "u\u{85}x",
        "u\u{9b}x",
    ]
    .map(Value::from)
    .into();
    wrong.extend([256, 1_024, 5_000].map(|length| "u".repeat(length).into()));
    wrong.extend(["é".repeat(128).into(), "𝔘".repeat(64).into()]);
    wrong.extend([
        json!(1),
        json!(0),
        json!(1.5),
        json!(true),
        json!(false),
        json!([]),
        json!(["alice"]),
        json!({}),
        json!({ "id": "alice" }),
    ]);
    let mut cases: Vec<Case> = wrong
        .into_iter()
        .map(|sub| {
            Case::new(
                format!("sub {sub}"),
                sign(&claims_but(now, &json!({ "sub": sub }))),
                CLAIMS,
            )
        })
        .collect();
    let mut claims = claims_but(now, &json!({}));
    claims["sub"] = Value::Null;
    cases.push(Case::new("sub null", sign(&claims), CLAIMS));
    for others in [
        json!({}),
        json!({ "Sub": "alice", "SUB": "alice", "subject": "alice" }),
        json!({ "id": "alice", "user_id": "alice", "userId": "alice", "uid": "alice", "email": "alice@example.com" }),
        json!({ "session": { "userId": "alice" }, "user": { "id": "alice" }, "updatedAt": 1, "version": "1" }),
        json!({ "email": "alice@example.com" }),
    ] {
        let mut changes = others.clone();
        changes["sub"] = Value::Null;
        cases.push(Case::new(
            format!("no sub but {others}"),
            sign(&claims_but(now, &changes)),
            CLAIMS,
        ));
    }
    cases
}

#[test]
fn a_subject_that_is_no_plain_text_of_1_to_255_bytes_is_refused() {
    expect_refused(&subjects(NOW));
}

#[test]
fn a_subject_is_taken_byte_for_byte() {
    let longest = "u".repeat(255);
    let longest_of_two_bytes = format!("{}u", "é".repeat(127));
    for sub in [
        "1",
        "a",
        "Yq3bT0vJkLm8sPzXcVbNhRdFgWqEaU7i",
        "01a1f7e7-b530-74f8-94e4-b4dc1460f2f1",
        "auth0|5f7c8ec7c33c6c004bbafe82",
        "a b",
        "ALICE",
        "ali\u{200b}ce",
        "\u{e9}",
        "e\u{301}",
        "\u{430}lice",
        "\u{202e}ecila",
        "\u{feff}",
        "';--",
        "me",
        "%61lice",
        "../bob",
        "a/b",
        "null",
        "\"",
        "\\",
        "💥",
        &longest,
        &longest_of_two_bytes,
    ] {
        assert_eq!(
            verify(&token_but(&json!({ "sub": sub })))
                .unwrap()
                .owner()
                .as_str(),
            sub
        );
    }
}

#[test]
fn no_other_claim_says_who_the_caller_is_or_what_they_may_do() {
    for claims in [
        json!({ "id": "bob", "user_id": "bob", "userId": "bob", "uid": "bob", "email": "bob@example.com", "username": "bob", "owner_id": "bob" }),
        json!({ "Sub": "bob", "SUB": "bob", "sub ": "bob", "sub\0": "bob", "\u{455}ub": "bob" }),
        json!({ "user": { "id": "bob", "sub": "bob" }, "session": { "userId": "bob" }, "act": { "sub": "bob" }, "may_act": { "sub": "bob" } }),
        json!({ "role": "admin", "roles": ["admin"], "admin": true, "is_superuser": true, "scope": "*", "impersonatedBy": "bob" }),
        json!({ "__proto__": { "sub": "bob" }, "constructor": "bob", "toString": 1, "hasOwnProperty": null }),
        json!({ "roles": (0..500).map(|n| json!(n)).collect::<Vec<_>>() }),
    ] {
        assert_eq!(
            verify(&token_but(&claims)).unwrap().owner().as_str(),
            "alice",
            "{claims}"
        );
    }
}

#[test]
fn claims_of_any_name_and_size_that_fit_into_a_token_are_ignored() {
    let many: Map<String, Value> = (0..400).map(|n| (format!("c{n}"), json!(n))).collect();
    expect_code("many", &verify(&token_but(&many.into())), "accepted");
    expect_code(
        "long",
        &verify(&token_but(&json!({ "email": "x".repeat(5_000) }))),
        "accepted",
    );
    for long in [
        json!({ "email": "x".repeat(1 << 20) }),
        json!({ "roles": vec!["user"; 10_000] }),
    ] {
        expect_code("too long", &verify(&token_but(&long)), "malformed_token");
    }
}
