//! The header with the token, and the token: only what was signed with our secret
//! is believed, and only if its claims are good.

#![no_main]

use actix_web::http::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use todoward::auth::from_headers;
use todoward_fuzz::{NOW, TOKEN, VERIFIER, signed, signed_with};

#[derive(Arbitrary, Debug)]
enum Input<'a> {
    /// The values of all headers.
    Headers(Vec<&'a [u8]>),
    /// A good token, of which a part is replaced.
    Spliced(u16, u16, &'a str),
    /// Signed by somebody else.
    Foreign([u8; 32], &'a [u8], &'a [u8]),
    /// Signed by us, whatever it says.
    Ours(&'a [u8]),
    OursUnderAnyHeader(&'a [u8], &'a [u8]),
}

fuzz_target!(|input: Input<'_>| {
    match input {
        Input::Headers(values) => headers(&values),
        Input::Spliced(from, to, with) => {
            let (from, to) = (
                usize::from(from) % (TOKEN.len() + 1),
                usize::from(to) % (TOKEN.len() + 1),
            );
            let token = format!("{}{with}{}", &TOKEN[..from], &TOKEN[to..]);
            let is_believed = VERIFIER.verify(&token, NOW).is_ok();
            assert_eq!(is_believed, token == *TOKEN, "{token}");
        }
        Input::Foreign(secret, header, payload) => {
            let token = signed_with(&secret, header, payload);
            assert!(VERIFIER.verify(&token, NOW).is_err());
        }
        Input::Ours(payload) => ours(br#"{"alg":"HS256"}"#, payload),
        Input::OursUnderAnyHeader(header, payload) => ours(header, payload),
    }
});

fn headers(values: &[&[u8]]) {
    let mut map = HeaderMap::new();
    for value in values {
        let Ok(value) = HeaderValue::from_bytes(value) else {
            return;
        };
        map.append(AUTHORIZATION, value);
    }
    let Ok(token) = from_headers(&map) else {
        return;
    };
    assert_eq!(values.len(), 1, "one header, or it is ambiguous");
    let value = values[0].trim_ascii();
    assert!(value[..7].eq_ignore_ascii_case(b"bearer "), "{value:?}");
    assert!(!token.is_empty() && token.trim_ascii() == token);
    assert!(VERIFIER.verify(token, NOW).is_err(), "nobody has signed it");
}

fn ours(header: &[u8], payload: &[u8]) {
    let Ok(claims) = VERIFIER.verify(&signed(header, payload), NOW) else {
        return;
    };
    let header: Value = serde_json::from_slice(header).expect("JSON");
    assert_eq!(header["alg"], "HS256");
    let said: Value = serde_json::from_slice(payload).expect("JSON");
    assert_eq!(said["sub"], claims.owner().as_str());
    assert!(said["exp"].as_f64().expect("a number") >= NOW);
    assert!(
        said.get("nbf")
            .is_none_or(|at| at.as_f64().expect("a number") <= NOW)
    );
    assert!(
        said.get("iat")
            .is_none_or(|at| at.as_f64().expect("a number") <= NOW)
    );
}
