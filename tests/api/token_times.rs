//! `exp`, `nbf` and `iat`, at times that the test sets.

use serde_json::{Value, json};
use todoward::auth::Policy;

use crate::support::SECRET;
use crate::support::tokens::{sign, sign_raw};
use crate::support::verdicts::{
    Case, LEEWAY, NOW, claims_at, claims_but, expect_code, expect_refused, policy, token_but,
    verifier_with, verify,
};

const CLAIMS: &str = "invalid_claims";
const EXPIRED: &str = "token_expired";
const EARLY: &str = "token_not_yet_valid";

/// The cases of this module at a time, for the tests over HTTP.
pub fn cases(now: i64) -> Vec<Case> {
    [
        not_numbers(now),
        no_json_numbers(now),
        past(now),
        future(now),
        milliseconds(now),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Claims with this literal text as the value of one.
fn raw(name: &str, text: &str, now: i64) -> String {
    let mut rest = claims_at(now);
    rest.as_object_mut().unwrap().remove(name);
    let payload = format!("{{\"{name}\":{text},{}", &rest.to_string()[1..]);
    sign_raw(SECRET.as_bytes(), br#"{"alg":"HS256"}"#, payload.as_bytes())
}

fn raw_cases(names: &[&str], texts: &[&str], now: i64, code: &'static str) -> Vec<Case> {
    let case =
        |name: &&str, text: &&str| Case::new(format!("{name} {text}"), raw(name, text, now), code);
    names
        .iter()
        .flat_map(|name| texts.iter().map(move |text| case(name, text)))
        .collect()
}

fn not_numbers(now: i64) -> Vec<Case> {
    let quoted = format!("\"{}\"", now + 900);
    let listed = format!("[{}]", now + 900);
    let texts = [
        "null",
        "true",
        "false",
        "\"\"",
        "\"soon\"",
        "\"2099-01-01T00:00:00Z\"",
        "[]",
        "{}",
        &quoted,
        &listed,
        "\"Infinity\"",
        "{\"$date\":1}",
    ];
    let mut cases = raw_cases(&["exp", "nbf", "iat"], &texts, now, CLAIMS);
    cases.push(Case::new(
        "no exp",
        sign(&claims_but(now, &json!({ "exp": null }))),
        CLAIMS,
    ));
    cases.push(Case::new(
        "Exp",
        sign(&claims_but(now, &json!({ "exp": null, "Exp": now + 900 }))),
        CLAIMS,
    ));
    cases
}

/// Values that are not valid JSON.
fn no_json_numbers(now: i64) -> Vec<Case> {
    let texts = [
        "NaN",
        "Infinity",
        "-Infinity",
        "0x7fffffff",
        "09999999999",
        "+9999999999",
        "9999999999.",
        ".5",
        "9e",
        "1_000",
        "--1",
        "1e400",
        "-1e400",
        "undefined",
    ];
    raw_cases(&["exp", "nbf", "iat"], &texts, now, "malformed_token")
}

fn past(now: i64) -> Vec<Case> {
    let texts = [
        "0",
        "-0",
        "-0.0",
        "1",
        "-1",
        "3600",
        "-9223372036854775808",
        "-1e308",
        "1e-308",
        "1.5",
        "1e9",
    ];
    let mut cases = raw_cases(&["exp"], &texts, now, EXPIRED);
    for exp in [now - 60, now - 3600, now - 86_400] {
        cases.push(Case::new(
            format!("exp {exp}"),
            sign(&claims_but(now, &json!({ "exp": exp, "iat": exp - 900 }))),
            EXPIRED,
        ));
    }
    cases.push(Case::new(
        "seconds instead of a time",
        sign(&claims_but(now, &json!({ "exp": 3600, "iat": now }))),
        EXPIRED,
    ));
    cases
}

fn future(now: i64) -> Vec<Case> {
    let soon = (now + 3600).to_string();
    let texts = [soon.as_str(), "99999999999", "253402300799"];
    let mut cases = raw_cases(&["nbf", "iat"], &texts, now, EARLY);
    let late = json!({ "nbf": now + 3600, "exp": now + 1800 });
    cases.push(Case::new(
        "nbf behind exp",
        sign(&claims_but(now, &late)),
        EARLY,
    ));
    let late = json!({ "iat": now + 3600, "exp": now + 1800 });
    cases.push(Case::new(
        "iat behind exp",
        sign(&claims_but(now, &late)),
        EARLY,
    ));
    cases
}

/// Milliseconds, as of `Date.now()`, and other times after the year 9999.
fn milliseconds(now: i64) -> Vec<Case> {
    let (expiry, instant) = (format!("{now}000"), format!("{}000.5", now + 900));
    let texts = [
        expiry.as_str(),
        &instant,
        "253402300800",
        "253402300800.0",
        "9007199254740992",
        "9223372036854775807",
        "9223372036854775808",
        "18446744073709551615",
        "18446744073709551616",
        "99999999999999999999",
        "9e18",
        "1e308",
    ];
    raw_cases(&["exp", "nbf", "iat"], &texts, now, CLAIMS)
}

#[test]
fn a_time_after_the_year_9999_is_refused_as_one_in_milliseconds() {
    let cases = milliseconds(NOW);
    expect_refused(&cases);
    for case in cases {
        let detail = verify(&case.token).unwrap_err().detail();
        let claim = case.name.split(' ').next().unwrap();
        let beginning = format!("{claim} is after the year 9999 and looks like milliseconds");
        assert!(detail.starts_with(&beginning), "{}: {detail}", case.name);
    }
}

#[test]
fn a_time_that_is_not_a_number_is_refused() {
    expect_refused(&not_numbers(NOW));
}

#[test]
fn a_number_that_json_does_not_have_is_refused() {
    expect_refused(&no_json_numbers(NOW));
}

#[test]
fn an_expired_token_is_refused() {
    expect_refused(&past(NOW));
}

#[test]
fn a_token_of_the_future_is_refused() {
    expect_refused(&future(NOW));
}

#[test]
fn any_number_up_to_the_end_of_the_year_9999_is_a_good_expiry() {
    for exp in [
        "2147483648",
        "4294967296",
        "99999999999",
        "253402300799",
        "253402300799.5",
        "2.53402300799e11",
        "1800000000.5",
        "1.8e9",
        "18000000009E-1",
    ] {
        expect_code(exp, &verify(&raw("exp", exp, NOW)), "accepted");
    }
    for past in ["0", "-1", "-1e308", "1", "1799999999.75", "1e-400"] {
        for name in ["nbf", "iat"] {
            expect_code(past, &verify(&raw(name, past, NOW)), "accepted");
        }
    }
}

/// The verdicts on a token with `changes`, at each second around a boundary and just
/// beside it.
fn sweep(leeway: i64, changes: &Value, expected: impl Fn(f64) -> &'static str) {
    let verifier = verifier_with(Policy {
        leeway: leeway as f64,
        ..policy()
    });
    let token = token_but(changes);
    let around = (-2 * leeway - 70..=2 * leeway + 70).map(|second| second as f64);
    let beside = [-0.001, 0.001]
        .into_iter()
        .flat_map(|step| [leeway as f64 + step, step - leeway as f64, step]);
    for second in around.chain(beside) {
        let verdict = verifier.verify(&token, NOW as f64 + second);
        expect_code(
            &format!("{changes} {second} seconds later, leeway {leeway}"),
            &verdict,
            expected(second),
        );
    }
}

#[test]
fn a_token_is_good_until_exactly_its_expiry_and_the_leeway() {
    for leeway in [0, 1, LEEWAY, 60] {
        let changes = json!({ "exp": NOW, "iat": NOW - 900 });
        sweep(leeway, &changes, |second| {
            if second > leeway as f64 {
                EXPIRED
            } else {
                "accepted"
            }
        });
    }
}

#[test]
fn a_token_is_good_from_exactly_its_beginning_less_the_leeway() {
    for leeway in [0, 1, LEEWAY, 60] {
        for name in ["nbf", "iat"] {
            let changes = json!({ "iat": 0, (name): NOW });
            sweep(leeway, &changes, |second| {
                if second < -leeway as f64 {
                    EARLY
                } else {
                    "accepted"
                }
            });
        }
    }
}

#[test]
fn a_fraction_of_a_second_counts() {
    for (exp, later, code) in [
        ("1800000000.5", 15.5, "accepted"),
        ("1800000000.5", 15.501, EXPIRED),
        ("1800000000.25", 15.5, EXPIRED),
    ] {
        let verdict = verifier_with(policy()).verify(&raw("exp", exp, NOW), NOW as f64 + later);
        expect_code(exp, &verdict, code);
    }
}

#[test]
fn a_token_that_was_accepted_before_is_refused_when_it_has_expired() {
    let verifier = verifier_with(policy());
    let token = token_but(&json!({ "exp": NOW + 900 }));
    for (later, code) in [
        (0, "accepted"),
        (915, "accepted"),
        (916, EXPIRED),
        (0, "accepted"),
        (1_000_000, EXPIRED),
    ] {
        expect_code(
            &later.to_string(),
            &verifier.verify(&token, (NOW + later) as f64),
            code,
        );
    }
}
