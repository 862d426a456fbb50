//! Tokens over HTTP: every invalid one of the other token modules, and whose tasks a
//! valid one shows.

use std::collections::BTreeSet;
use std::net::TcpListener;

use serde_json::{Map, Value, json};

use crate::support::raw::{self, Connection};
use crate::support::tokens::{base64url, claims, now, sign, sign_raw, sign_with_header, valid};
use crate::support::verdicts::{Case, claims_but};
use crate::support::{Engine, SECRET, TestApp, on_both_databases};
use crate::{
    token_algorithms, token_claims, token_headers, token_issuers, token_json, token_oauth,
    token_signatures, token_structure, token_times,
};

on_both_databases! {
    every_wrong_token_is_refused_with_its_code_and_leaves_no_trace,
    the_owner_is_the_subject_byte_for_byte,
    a_subject_may_have_255_bytes_and_not_one_more,
    no_other_claim_and_no_header_of_the_token_changes_the_owner,
    only_the_configured_issuers_and_audiences_are_accepted,
    both_secrets_of_a_rotation_are_good_and_a_retired_one_is_not,
    a_token_may_have_8192_bytes_and_not_one_more,
    a_token_that_does_not_fit_into_a_request_is_refused_by_the_connection,
    no_url_in_a_token_is_ever_called,
    two_tokens_that_differ_in_one_part_are_never_taken_for_one_another,
}

const LIST: &str = "/api/v1/tasks";

/// Whether a header can carry this after `Bearer ` as one credential. Spaces around it
/// belong to the header.
fn can_be_sent(token: &str) -> bool {
    let in_a_header = token.bytes().all(|byte| !byte.is_ascii_control());
    in_a_header && !token.contains(',') && token.trim_ascii() == token
}

/// A valid token of exactly this length in bytes.
fn of_length(length: usize) -> String {
    (0..4)
        .flat_map(|kid| {
            (0..length * 3 / 4)
                .rev()
                .take(300)
                .map(move |filler| (kid, filler))
        })
        .map(|(kid, filler)| {
            let header = json!({ "alg": "HS256", "kid": "k".repeat(kid) });
            let mut claims = claims("alice");
            claims["x"] = "x".repeat(filler).into();
            (header, claims)
        })
        .find(|(header, claims)| {
            let base64 = |value: &Value| (value.to_string().len() * 4).div_ceil(3);
            base64(header) + base64(claims) + 45 == length
        })
        .map(|(header, claims)| sign_with_header(&header, &claims))
        .unwrap()
}

async fn every_wrong_token_is_refused_with_its_code_and_leaves_no_trace(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    let task = alice.create(json!({ "title": "hers" })).await;
    let mut codes = BTreeSet::new();
    for family in [
        token_algorithms::cases,
        token_claims::cases,
        token_headers::cases,
        token_issuers::cases,
        token_json::cases,
        token_oauth::cases,
        token_signatures::cases,
        token_structure::cases,
        token_times::cases,
    ] {
        let cases: Vec<Case> = family(now())
            .into_iter()
            .filter(|case| can_be_sent(&case.token))
            .collect();
        assert!(cases.len() >= 20);
        for case in cases {
            let response = app
                .with_token(&case.token)
                .post(LIST, &json!({ "title": "theirs" }))
                .await;
            assert_eq!(response.status, 401, "{}: {}", case.name, response.text());
            assert_eq!(response.json()["code"], case.code, "{}", case.name);
            codes.insert(response.json()["code"].as_str().unwrap().to_owned());
        }
        assert_eq!(
            alice.get(LIST).await.expect(200).json()["items"],
            json!([task])
        );
    }
    assert_eq!(codes.len(), 6, "{codes:?}");
}

async fn the_owner_is_the_subject_byte_for_byte(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let subjects = [
        "alice",
        "Alice",
        "ALICE",
        "alicE",
        "ali\u{200b}ce",
        "\u{feff}alice",
        "alice\u{200d}",
        "\u{430}lice",
        "alic\u{435}",
        "ali ce",
        "alice.",
        "alice%",
        "_lice",
        "%lice",
        "al*",
        "e\u{301}",
        "\u{e9}",
        "E\u{301}",
        "\u{c9}",
        "\u{1e9e}",
        "\u{df}",
        "ss",
        "SS",
        "\u{130}",
        "i",
        "I",
        "\u{131}",
        "\u{fb01}",
        "fi",
        "1",
        "01",
        "1.0",
        "１",
        "null",
        "me",
        "a/b",
        "a%2Fb",
        "'",
        "''",
        "\\",
        "\\\\",
        "💥",
    ];
    for subject in subjects {
        app.user(subject)
            .create(json!({ "title": subject, "tags": [subject] }))
            .await;
    }
    for subject in subjects {
        let list = app.user(subject).get(LIST).await.expect(200).json();
        assert_eq!(
            list["items"].as_array().unwrap().len(),
            1,
            "{subject:?}: {list}"
        );
        assert_eq!(list["items"][0]["title"], subject);
        assert_eq!(list["items"][0]["owner_id"], subject);
    }
}

async fn a_subject_may_have_255_bytes_and_not_one_more(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    for longest in [
        "u".repeat(255),
        format!("u{}", "é".repeat(127)),
        format!("abc{}", "💥".repeat(63)),
    ] {
        assert_eq!(longest.len(), 255);
        let user = app.user(&longest);
        assert_eq!(
            user.create(json!({ "title": "a" })).await["owner_id"],
            longest.as_str()
        );
        assert_eq!(user.titles("").await, ["a"]);
        app.user(&format!("{longest}u"))
            .get(LIST)
            .await
            .expect_problem(401, "invalid_claims");
    }
}

async fn no_other_claim_and_no_header_of_the_token_changes_the_owner(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    app.user("bob").create(json!({ "title": "bob's" })).await;
    app.user("alice")
        .create(json!({ "title": "alice's" }))
        .await;
    for (header, more) in [
        (
            json!({}),
            json!({ "id": "bob", "user_id": "bob", "userId": "bob", "uid": "bob", "email": "bob", "owner_id": "bob", "name": "bob" }),
        ),
        (
            json!({}),
            json!({ "user": { "id": "bob" }, "session": { "userId": "bob" }, "act": { "sub": "bob" } }),
        ),
        (
            json!({}),
            json!({ "role": "admin", "admin": true, "scope": "*", "is_superuser": true, "permissions": ["*"] }),
        ),
        (
            json!({}),
            json!({ "__proto__": { "sub": "bob" }, "constructor": { "sub": "bob" }, "toString": "bob" }),
        ),
        (
            json!({}),
            json!({ "Sub": "bob", "SUB": "bob", "sub ": "bob" }),
        ),
        (
            json!({ "sub": "bob", "kid": "bob", "iss": "bob", "typ": "JWT" }),
            json!({}),
        ),
    ] {
        let mut header: Map<String, Value> = header.as_object().unwrap().clone();
        header.insert("alg".into(), "HS256".into());
        let token = sign_with_header(&header.into(), &claims_but(now(), &more));
        assert_eq!(
            app.with_token(&token).titles("").await,
            ["alice's"],
            "{more}"
        );
        app.with_token(&token)
            .get("/api/v1/users/bob/tasks")
            .await
            .expect_problem(403, "foreign_path");
    }
}

async fn only_the_configured_issuers_and_audiences_are_accepted(engine: Engine) {
    let (first, second) = ("https://app.example.com", "https://two.example.com");
    let app = TestApp::with(
        engine,
        &[
            (
                "TODOWARD__AUTH__ISSUERS",
                "https://app.example.com, https://two.example.com",
            ),
            (
                "TODOWARD__AUTH__AUDIENCES",
                "todoward,https://app.example.com",
            ),
        ],
    )
    .await;
    let ask = async |iss: Value, aud: Value| {
        let token = sign(&claims_but(now(), &json!({ "iss": iss, "aud": aud })));
        app.with_token(&token).get(LIST).await
    };
    for (iss, aud) in [
        (first, json!("todoward")),
        (second, json!(first)),
        (first, json!(["other", first])),
        (second, json!(["todoward"])),
    ] {
        ask(json!(iss), aud).await.expect(200);
    }
    for (iss, aud) in [
        (json!(null), json!("todoward")),
        (json!(first), json!(null)),
        (json!(""), json!("todoward")),
        (json!("https://app.example.com/"), json!("todoward")),
        (json!("todoward"), json!("todoward")),
        (
            json!("https://app.example.com, https://two.example.com"),
            json!("todoward"),
        ),
        (json!(first), json!("Todoward")),
        (json!(first), json!(["todo", "ward"])),
        (json!(first), json!("todoward,https://app.example.com")),
        (json!(first), json!(second)),
        (json!([first]), json!("todoward")),
        (json!(first), json!(["todoward", 5])),
        (json!(first), json!([])),
    ] {
        ask(iss, aud).await.expect_problem(401, "invalid_claims");
    }
}

async fn both_secrets_of_a_rotation_are_good_and_a_retired_one_is_not(engine: Engine) {
    let (new, old, retired) = (
        "the new secret of the tests 0123456789",
        "the old secret of the tests 0123456789",
        "a retired secret of the tests 0123456789",
    );
    let list = format!("2:{new},1:{old}");
    let app = TestApp::with(engine, &[("BETTER_AUTH_SECRETS", &list)]).await;
    let by = |secret: &str| {
        let token = sign_raw(
            secret.as_bytes(),
            br#"{"alg":"HS256"}"#,
            claims("alice").to_string().as_bytes(),
        );
        app.with_token(&token)
    };
    by(new).create(json!({ "title": "a" })).await;
    // `BETTER_AUTH_SECRET` is accepted in addition to the list.
    for good in [new, old, SECRET] {
        assert_eq!(by(good).titles("").await, ["a"]);
    }
    for bad in [retired, &format!("2:{new}"), &format!("1:{old}"), &list, ""] {
        by(bad)
            .get(LIST)
            .await
            .expect_problem(401, "invalid_signature");
    }
}

async fn a_token_may_have_8192_bytes_and_not_one_more(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    for length in [1_024, 4_096, 8_191, 8_192] {
        let token = of_length(length);
        assert_eq!(token.len(), length);
        app.with_token(&token).get(LIST).await.expect(200);
    }
    for length in [8_193, 16 << 10, 32 << 10, 64 << 10] {
        let token = of_length(length);
        assert_eq!(token.len(), length);
        app.with_token(&token)
            .get(LIST)
            .await
            .expect_problem(401, "malformed_token");
    }
    app.user("alice").get(LIST).await.expect(200);
}

async fn a_token_that_does_not_fit_into_a_request_is_refused_by_the_connection(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let authorization = format!("Authorization: Bearer {}\r\n", "x".repeat(1 << 20));
    let mut connection = Connection::open(app.address);
    connection.send(raw::anonymous_head(&format!("GET {LIST}"), &authorization));
    // The server may close before it has read all of it.
    if let Some(response) = connection.response() {
        assert!(
            matches!(response.status, 400 | 401 | 413 | 431),
            "{}",
            response.status
        );
    }
    app.user("alice").get(LIST).await.expect(200);
}

async fn no_url_in_a_token_is_ever_called(engine: Engine) {
    let canary = TcpListener::bind("127.0.0.1:0").unwrap();
    canary.set_nonblocking(true).unwrap();
    let address = format!("http://{}/jwks.json", canary.local_addr().unwrap());
    let app = TestApp::spawn(engine).await;
    for case in token_headers::brought_keys(now(), &address) {
        app.with_token(&case.token)
            .get(LIST)
            .await
            .expect_problem(401, case.code);
    }
    // Nor with a valid token and an unknown path.
    let header = json!({ "alg": "HS256", "jku": address, "x5u": address, "kid": address });
    app.with_token(&sign_with_header(&header, &claims("alice")))
        .get(LIST)
        .await
        .expect(200);
    assert_eq!(
        canary.accept().unwrap_err().kind(),
        std::io::ErrorKind::WouldBlock
    );
}

async fn two_tokens_that_differ_in_one_part_are_never_taken_for_one_another(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let (alice, bob) = (valid("alice"), valid("bob"));
    let (message, signature) = alice.rsplit_once('.').unwrap();
    let (header, _) = message.split_once('.').unwrap();
    let mut theirs = claims("alice");
    theirs["sub"] = "bob".into();
    for _ in 0..3 {
        app.with_token(&alice).get(LIST).await.expect(200);
        for spliced in [
            format!("{message}.{}", bob.rsplit('.').next().unwrap()),
            format!("{header}.{}.{signature}", base64url(theirs.to_string())),
            format!(
                "{}.{}.{signature}",
                base64url(r#"{"alg":"HS256","typ":"JWT"}"#),
                message.split_once('.').unwrap().1
            ),
        ] {
            app.with_token(&spliced)
                .get(LIST)
                .await
                .expect_problem(401, "invalid_signature");
        }
    }
}
