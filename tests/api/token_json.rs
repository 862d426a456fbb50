//! Header and payload: each one unambiguous JSON object in UTF-8.

use serde_json::Value;

use crate::support::SECRET;
use crate::support::tokens::sign_raw;
use crate::support::verdicts::{Case, NOW, claims_at, expect_refused, verify};

const HEADER: &[u8] = br#"{"alg":"HS256"}"#;
const MALFORMED: &str = "malformed_token";

/// The cases of this module at a time, for the tests over HTTP.
pub fn cases(now: i64) -> Vec<Case> {
    [not_objects(now), encodings(now), two_readings(now)]
        .into_iter()
        .flatten()
        .collect()
}

fn sign_header(header: impl AsRef<[u8]>, now: i64) -> String {
    let payload = claims_at(now).to_string();
    sign_raw(SECRET.as_bytes(), header.as_ref(), payload.as_bytes())
}

fn sign_payload(payload: impl AsRef<[u8]>) -> String {
    sign_raw(SECRET.as_bytes(), HEADER, payload.as_ref())
}

fn not_objects(now: i64) -> Vec<Case> {
    let mut cases = Vec::new();
    for text in [
        "x",
        "[]",
        "[{}]",
        "\"s\"",
        "1",
        "null",
        "true",
        "",
        " ",
        "{",
        "}",
        "{'alg':'HS256'}",
        "{alg:\"HS256\"}",
        "{\"alg\":\"HS256\",}",
        "{\"alg\":\"HS256\"",
        "/**/{\"alg\":\"HS256\"}",
        "{\"alg\":\"HS256\"}//",
        "{\"alg\":\"HS256\"}\0",
    ] {
        cases.push(Case::new(
            format!("header {text:?}"),
            sign_header(text, now),
            MALFORMED,
        ));
        let payload = text.replace("alg", "sub");
        cases.push(Case::new(
            format!("payload {text:?}"),
            sign_payload(payload),
            MALFORMED,
        ));
    }
    cases.push(Case::new("header {}", sign_header("{}", now), MALFORMED));
    cases
}

fn encodings(now: i64) -> Vec<Case> {
    let utf16 = |text: &str, big: bool| -> Vec<u8> {
        let bytes = |unit: u16| {
            if big {
                unit.to_be_bytes()
            } else {
                unit.to_le_bytes()
            }
        };
        text.encode_utf16().flat_map(bytes).collect()
    };
    let utf32 = |text: &str, big: bool| -> Vec<u8> {
        let bytes = |c: char| {
            if big {
                u32::from(c).to_be_bytes()
            } else {
                u32::from(c).to_le_bytes()
            }
        };
        text.chars().flat_map(bytes).collect()
    };
    let header = String::from_utf8_lossy(HEADER).into_owned();
    let payload = claims_at(now).to_string();
    let mut cases = Vec::new();
    for (name, encode) in [
        (
            "UTF-16, little",
            Box::new(|text: &str| utf16(text, false)) as Box<dyn Fn(&str) -> Vec<u8>>,
        ),
        ("UTF-16, big", Box::new(|text: &str| utf16(text, true))),
        ("UTF-32, little", Box::new(|text: &str| utf32(text, false))),
        ("UTF-32, big", Box::new(|text: &str| utf32(text, true))),
        (
            "a byte order mark",
            Box::new(|text: &str| format!("\u{feff}{text}").into_bytes()),
        ),
        (
            "bytes that are not UTF-8",
            Box::new(|text: &str| {
                [&text.as_bytes()[..text.len() - 1], b",\"x\":\"\xff\"}"].concat()
            }),
        ),
        (
            "an overlong form",
            Box::new(|text: &str| {
                [&text.as_bytes()[..text.len() - 1], b",\"x\":\"\xc0\xaf\"}"].concat()
            }),
        ),
        (
            "a surrogate in UTF-8",
            Box::new(|text: &str| {
                [
                    &text.as_bytes()[..text.len() - 1],
                    b",\"x\":\"\xed\xa0\x80\"}",
                ]
                .concat()
            }),
        ),
        (
            "a lone surrogate",
            Box::new(|text: &str| {
                [&text.as_bytes()[..text.len() - 1], b",\"x\":\"\\ud800\"}"].concat()
            }),
        ),
        (
            "a raw control character",
            Box::new(|text: &str| {
                [&text.as_bytes()[..text.len() - 1], b",\"x\":\"\x01\"}"].concat()
            }),
        ),
    ] {
        cases.push(Case::new(
            format!("header in {name}"),
            sign_header(encode(&header), now),
            MALFORMED,
        ));
        cases.push(Case::new(
            format!("payload in {name}"),
            sign_payload(encode(&payload)),
            MALFORMED,
        ));
    }
    cases
}

/// Documents that two parsers could interpret differently.
fn two_readings(now: i64) -> Vec<Case> {
    let good = claims_at(now).to_string();
    let inner = &good[1..good.len() - 1];
    let headers = [
        r#"{"alg":"HS256","alg":"none"}"#,
        r#"{"alg":"none","alg":"HS256"}"#,
        r#"{"alg":"HS256","\u0061lg":"none"}"#,
        r#"{"\u0061lg":"HS256","alg":"HS256"}"#,
        r#"{"alg":"HS256","kid":"a","kid":"b"}"#,
        r#"{"alg":"HS256","x":{"y":1,"y":2}}"#,
        r#"{"alg":"HS256"}xx"#,
        r#"{"alg":"HS256"}{"alg":"none"}"#,
        r#"{"alg":"HS256"}]"#,
    ];
    let payloads = [
        format!(r#"{{{inner},"sub":"bob"}}"#),
        format!(r#"{{"sub":"bob",{inner}}}"#),
        format!(r#"{{{inner},"su\u0062":"bob"}}"#),
        format!(r#"{{{inner},"\u0073ub":"alice"}}"#),
        format!(r#"{{{inner},"exp":9999999999}}"#),
        format!(r#"{{{inner},"\u0065xp":9999999999}}"#),
        format!(r#"{{{inner},"x":[{{"y":1,"y":1}}]}}"#),
        format!("{good}xx"),
        format!("{good}{good}"),
        format!("{good},"),
        format!("[{good}]"),
    ];
    let header =
        |text: &str| Case::new(format!("header {text}"), sign_header(text, now), MALFORMED);
    let payload =
        |text: &String| Case::new(format!("payload {text}"), sign_payload(text), MALFORMED);
    headers
        .into_iter()
        .map(header)
        .chain(payloads.iter().map(payload))
        .collect()
}

#[test]
fn a_header_or_payload_that_is_no_json_object_is_refused() {
    expect_refused(&not_objects(NOW));
}

#[test]
fn a_header_or_payload_that_is_not_plain_utf_8_is_refused() {
    expect_refused(&encodings(NOW));
}

#[test]
fn a_header_or_payload_that_can_be_read_in_two_ways_is_refused() {
    expect_refused(&two_readings(NOW));
}

#[test]
fn nested_claims_are_ignored_as_far_as_they_can_be_read_and_refused_beyond() {
    let nested = |open: &str, inner: &str, close: &str, depth: usize| {
        let claims = claims_at(NOW).to_string();
        let value = format!("{}{inner}{}", open.repeat(depth), close.repeat(depth));
        sign_payload(format!("{},\"x\":{value}}}", &claims[..claims.len() - 1]))
    };
    for (open, inner, close) in [("[", "", "]"), (r#"{"a":"#, "1", "}")] {
        assert!(verify(&nested(open, inner, close, 100)).is_ok());
        let refused: Vec<Case> = [200, 900, 10_000, 100_000]
            .map(|depth| {
                Case::new(
                    format!("{open} {depth} times"),
                    nested(open, inner, close, depth),
                    MALFORMED,
                )
            })
            .into();
        expect_refused(&refused);
    }
}

#[test]
fn unusual_json_that_reads_in_one_way_is_accepted() {
    let payload = format!(
        "\r\n\t {{ \"\\u0073ub\" : \"\\u0061lice\", \"exp\": {}.5e0 , \"x\": null }} \n",
        NOW + 900
    );
    let claims = verify(&sign_raw(
        SECRET.as_bytes(),
        b" {\"typ\":\"JWT\", \"alg\":\"HS256\"}\n",
        payload.as_bytes(),
    ));
    assert_eq!(claims.unwrap().owner().as_str(), "alice");
    assert!(matches!(
        serde_json::from_str(&payload),
        Ok(Value::Object(_))
    ));
}
