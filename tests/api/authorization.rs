//! How the token is sent: one `Authorization: Bearer` header, and nothing else.

use serde_json::{Value, json};

use crate::support::client::Request;
use crate::support::raw::{self, Connection};
use crate::support::tokens::valid;
use crate::support::{Engine, TestApp, on_both_databases};

on_both_databases! {
    the_scheme_is_read_in_any_case_and_spaces_around_the_token_are_none_of_it,
    another_scheme_is_no_token_even_with_a_good_one_behind_it,
    what_stands_behind_bearer_must_be_the_token_and_no_more,
    two_credentials_are_ambiguous_whichever_of_them_is_good,
    a_token_anywhere_else_is_no_token,
    a_token_beside_a_good_one_is_not_looked_at,
    a_header_that_names_a_user_is_ignored,
    a_hop_may_strip_the_header_but_never_makes_another_owner,
    bytes_that_are_not_ascii_are_refused_without_harm,
    control_bytes_in_the_header_never_let_anybody_in,
    a_header_that_is_not_written_as_one_is_refused_by_the_parser,
    the_name_of_the_header_is_read_in_any_case,
    one_connection_serves_each_request_as_its_own_caller,
    a_bad_token_is_refused_before_anything_else_of_the_request_is_judged,
}

const LIST: &str = "/api/v1/tasks";
const GET_LIST: &str = "GET /api/v1/tasks";

/// A request without the usual header.
fn ask(app: &TestApp, method: &str, path: &str) -> Request {
    app.anonymous().request(method, path)
}

async fn the_scheme_is_read_in_any_case_and_spaces_around_the_token_are_none_of_it(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    app.user("alice").create(json!({ "title": "a" })).await;
    let token = valid("alice");
    for value in [
        format!("Bearer {token}"),
        format!("bearer {token}"),
        format!("BEARER {token}"),
        format!("BeArEr {token}"),
        format!("Bearer  {token}"),
        format!("Bearer {}{token}", " ".repeat(10)),
        format!("Bearer {token} "),
        format!("Bearer {token}\t"),
    ] {
        // The same for each kind of path.
        ask(&app, "GET", LIST)
            .header("Authorization", &value)
            .send()
            .await
            .expect(200);
        ask(&app, "POST", LIST)
            .header("Authorization", &value)
            .json(&json!({ "title": "b" }))
            .send()
            .await
            .expect(201);
        ask(&app, "GET", "/api/nothing")
            .header("Authorization", &value)
            .send()
            .await
            .expect_problem(404, "no_such_address");
    }
}

async fn another_scheme_is_no_token_even_with_a_good_one_behind_it(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let token = valid("alice");
    for value in [
        "Basic YWxpY2U6YQ==".into(),
        format!("Basic {token}"),
        format!("Token {token}"),
        format!("JWT {token}"),
        format!("DPoP {token}"),
        format!("Digest username=\"alice\", token=\"{token}\""),
        format!("Negotiate {token}"),
        format!("Bearer: {token}"),
        format!("Bearer:{token}"),
        format!("Bearer={token}"),
        format!("Bearer\t{token}"),
        format!("Bearer{token}"),
        format!("Bearers {token}"),
        format!("\"Bearer\" {token}"),
        format!("Authorization: Bearer {token}"),
        format!("B earer {token}"),
        token.clone(),
        String::new(),
        "-".into(),
    ] {
        ask(&app, "GET", LIST)
            .header("Authorization", &value)
            .send()
            .await
            .expect_problem(401, "missing_token");
    }
}

async fn what_stands_behind_bearer_must_be_the_token_and_no_more(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let token = valid("alice");
    for value in [
        "Bearer".into(),
        "bearer ".into(),
        format!("Bearer \"{token}\""),
        format!("Bearer Bearer {token}"),
        format!("Bearer token={token}"),
        format!("Bearer {token} {token}"),
        format!("Bearer {token} x"),
        format!("Bearer {token};"),
        format!("Bearer {token}\tx"),
        format!("Bearer <{token}>"),
        format!("Bearer\u{b}{token}").replace('\u{b}', " \u{a0}"),
        format!("Bearer {token}\u{a0}"),
        "Bearer null".into(),
        "Bearer undefined".into(),
        "Bearer [object Object]".into(),
        "Bearer ${TOKEN}".into(),
        "Bearer é".into(),
    ] {
        ask(&app, "GET", LIST)
            .header("Authorization", &value)
            .send()
            .await
            .expect_problem(401, "malformed_token");
    }
}

async fn two_credentials_are_ambiguous_whichever_of_them_is_good(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let (alice, bob) = (valid("alice"), valid("bob"));
    let good = format!("Bearer {alice}");
    for pair in [
        [good.clone(), good.clone()],
        [good.clone(), format!("Bearer {bob}")],
        [good.clone(), "Bearer x".into()],
        ["Bearer x".into(), good.clone()],
        ["Basic YWxpY2U6YQ==".into(), good.clone()],
        [good.clone(), "Basic YWxpY2U6YQ==".into()],
        [good.clone(), String::new()],
        [String::new(), good.clone()],
        ["Bearer x".into(), "Bearer y".into()],
    ] {
        let [first, second] = &pair;
        for method in ["GET", "POST", "DELETE"] {
            let request = ask(&app, method, LIST)
                .header("Authorization", first)
                .header("authorization", second);
            request
                .json(&json!({ "title": "x" }))
                .send()
                .await
                .expect_problem(400, "invalid_request");
        }
    }
    for joined in [
        format!("{good}, {good}"),
        format!("{good},Bearer {bob}"),
        format!("Bearer x, {good}"),
        format!("Basic YWxpY2U6YQ==, {good}"),
        format!("{good}, Basic YWxpY2U6YQ=="),
        format!("Bearer {alice},{bob}"),
        format!("Bearer {alice} , {bob}"),
        format!("{good}, {good}, {good}"),
        "Bearer x, Bearer y".into(),
    ] {
        ask(&app, "GET", LIST)
            .header("Authorization", &joined)
            .send()
            .await
            .expect_problem(400, "invalid_request");
    }
    assert_eq!(app.user("alice").get(LIST).await.json()["items"], json!([]));
}

async fn a_token_anywhere_else_is_no_token(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let token = valid("alice");
    for query in [
        "access_token",
        "token",
        "jwt",
        "authorization",
        "Authorization",
        "bearer",
        "auth",
        "id_token",
    ] {
        ask(&app, "GET", &format!("{LIST}?{query}={token}"))
            .send()
            .await
            .expect_problem(401, "missing_token");
        ask(&app, "GET", &format!("{LIST}?{query}=Bearer%20{token}"))
            .send()
            .await
            .expect_problem(401, "missing_token");
    }
    ask(&app, "GET", &format!("/api/v1/users/{token}/tasks"))
        .send()
        .await
        .expect_problem(401, "missing_token");
    for (content_type, body) in [
            ("application/x-www-form-urlencoded", format!("access_token={token}&title=x")),
            ("application/x-www-form-urlencoded", format!("token={token}")),
            ("application/json", json!({ "title": "x", "access_token": token, "token": token, "authorization": format!("Bearer {token}") }).to_string()),
            ("multipart/form-data; boundary=x", format!("--x\r\nContent-Disposition: form-data; name=\"access_token\"\r\n\r\n{token}\r\n--x--\r\n")),
            ("text/plain", token.clone()),
        ] {
            ask(&app, "POST", LIST).body(content_type, body).send().await.expect_problem(401, "missing_token");
        }
    for name in [
        "token",
        "access_token",
        "jwt",
        "Authorization",
        "session",
        "better-auth.session_token",
        "__Secure-better-auth.session_token",
        "better-auth.session_data",
        "__Secure-better-auth.session_data",
        "better-auth.jwt",
    ] {
        ask(&app, "GET", LIST)
            .header("Cookie", format!("{name}={token}"))
            .send()
            .await
            .expect_problem(401, "missing_token");
        ask(&app, "POST", LIST)
            .header("Cookie", format!("a=b; {name}={token}"))
            .body("text/plain", "{}")
            .send()
            .await
            .expect_problem(401, "missing_token");
    }
    assert_eq!(app.user("alice").get(LIST).await.json()["items"], json!([]));
}

async fn a_token_beside_a_good_one_is_not_looked_at(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    for owner in ["alice", "bob"] {
        app.user(owner).create(json!({ "title": owner })).await;
    }
    let bobs = valid("bob");
    let cookies = format!("better-auth.session_data={bobs}; access_token={bobs}");
    let list = app
        .user("alice")
        .request("GET", LIST)
        .header("Cookie", cookies)
        .send()
        .await
        .expect(200);
    assert_eq!(list.json()["items"][0]["owner_id"], "alice");
    let created = app
        .user("alice")
        .post(LIST, &json!({ "title": "x", "owner_id": "bob" }))
        .await
        .expect(201);
    assert_eq!(created.json()["owner_id"], "alice");
    app.user("alice")
        .get(&format!("{LIST}?access_token={bobs}"))
        .await
        .expect_problem(400, "unknown_parameter");
}

async fn a_header_that_names_a_user_is_ignored(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    for owner in ["alice", "bob"] {
        app.user(owner).create(json!({ "title": owner })).await;
    }
    let bearer = format!("Bearer {}", valid("bob"));
    for (name, value) in [
        ("X-User-Id", "bob"),
        ("X-User", "bob"),
        ("X-Forwarded-User", "bob"),
        ("X-Forwarded-Email", "bob"),
        ("X-Forwarded-Preferred-Username", "bob"),
        ("X-Auth-Request-User", "bob"),
        ("X-Remote-User", "bob"),
        ("Remote-User", "bob"),
        ("X-Better-Auth-User", "bob"),
        ("X-Owner-Id", "bob"),
        ("X-Authenticated-User", "bob"),
        ("X-Original-Authorization", &bearer),
        ("X-Forwarded-Authorization", &bearer),
        ("X-Authorization", &bearer),
        ("Proxy-Authorization", &bearer),
        ("Author1zation", &bearer),
        ("Authorization1", &bearer),
        ("Authorization-", &bearer),
        ("Authorization_", &bearer),
        ("X-Access-Token", &bearer),
        ("Set-Auth-Jwt", &bearer),
        ("Sec-WebSocket-Protocol", &bearer),
        ("Forwarded", "for=bob"),
        ("From", "bob"),
        ("X-HTTP-Method-Override", "DELETE"),
        ("X-Original-URL", "/health/live"),
        ("X-Rewrite-URL", "/health/live"),
    ] {
        ask(&app, "GET", LIST)
            .header(name, value)
            .send()
            .await
            .expect_problem(401, "missing_token");
        let list = app
            .user("alice")
            .request("GET", LIST)
            .header(name, value)
            .send()
            .await
            .expect(200)
            .json();
        assert_eq!(list["items"].as_array().map(Vec::len), Some(1), "{name}");
        assert_eq!(list["items"][0]["owner_id"], "alice", "{name}");
    }
}

async fn a_hop_may_strip_the_header_but_never_makes_another_owner(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    app.user("alice").create(json!({ "title": "a" })).await;
    for connection in [
        "Authorization",
        "close, Authorization",
        "keep-alive, authorization, x",
    ] {
        let response = app
            .user("alice")
            .request("GET", LIST)
            .header("Connection", connection)
            .send()
            .await;
        match response.status {
            200 => assert_eq!(response.json()["items"][0]["owner_id"], "alice"),
            _ => drop(response.expect_problem(401, "missing_token")),
        }
    }
}

async fn bytes_that_are_not_ascii_are_refused_without_harm(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let token = valid("alice");
    for byte in 0x80..=0xff_u8 {
        for value in [
            [b"Authorization: Bearer ".as_slice(), &[byte]].concat(),
            [
                b"Authorization: Bearer ".as_slice(),
                &[byte],
                token.as_bytes(),
            ]
            .concat(),
            [
                b"Authorization: Bearer ".as_slice(),
                token.as_bytes(),
                &[byte],
            ]
            .concat(),
        ] {
            let response = raw::ask(app.address, raw::head_with_bytes(GET_LIST, &value));
            response.expect_problem(401, "malformed_token");
        }
        let scheme = [
            b"Authorization: ".as_slice(),
            &[byte],
            b"Bearer ",
            token.as_bytes(),
        ]
        .concat();
        raw::ask(app.address, raw::head_with_bytes(GET_LIST, &scheme))
            .expect_problem(401, "missing_token");
    }
    app.user("alice").get(LIST).await.expect(200);
}

async fn control_bytes_in_the_header_never_let_anybody_in(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let token = valid("alice");
    for byte in (0..0x20_u8).chain([0x7f]).filter(|byte| *byte != b'\t') {
        for value in [
            [
                b"Authorization: Bearer ".as_slice(),
                token.as_bytes(),
                &[byte],
                b"x",
            ]
            .concat(),
            [
                b"Authorization: Bearer".as_slice(),
                &[byte],
                token.as_bytes(),
            ]
            .concat(),
        ] {
            let mut connection = Connection::open(app.address);
            connection.send(raw::head_with_bytes(GET_LIST, &value));
            let response = connection.response().expect("closed without a response");
            assert!(
                matches!(response.status, 400 | 401),
                "{byte:#x}: {}",
                response.status
            );
            // After unparsable bytes the connection has no next request.
            assert!(
                response.status == 401 || connection.is_closed(),
                "{byte:#x}"
            );
        }
    }
    app.user("alice").get(LIST).await.expect(200);
}

async fn a_header_that_is_not_written_as_one_is_refused_by_the_parser(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let token = valid("alice");
    for lines in [
        format!("Authorization : Bearer {token}"),
        format!("Authorization: Bearer\r\n {token}"),
        format!("Authorization:\r\n\tBearer {token}"),
        format!(" Authorization: Bearer {token}"),
        format!("Author ization: Bearer {token}"),
        format!("Authorization Bearer {token}"),
        format!("Authorization\0: Bearer {token}"),
        format!(": Bearer {token}"),
    ] {
        let mut connection = Connection::open(app.address);
        connection.send(raw::head_with_bytes(GET_LIST, lines.as_bytes()));
        let response = connection.response().expect("closed without a response");
        assert_eq!(response.status, 400, "{lines:?}");
        assert!(connection.is_closed(), "{lines:?}");
    }
}

async fn the_name_of_the_header_is_read_in_any_case(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    for name in ["authorization", "AUTHORIZATION", "AuThOrIzAtIoN"] {
        for space in ["", " ", "\t", "  "] {
            let header = format!("{name}:{space}Bearer {}{space}\r\n", valid("alice"));
            raw::ask(app.address, raw::anonymous_head(GET_LIST, &header)).expect(200);
        }
    }
}

async fn one_connection_serves_each_request_as_its_own_caller(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    for owner in ["alice", "bob"] {
        app.user(owner).create(json!({ "title": owner })).await;
    }
    let callers = ["alice", "bob", "", "bob", "nobody's token", "alice", ""].repeat(5);
    let head = |caller: &str| match caller {
        "" => raw::anonymous_head(GET_LIST, ""),
        "alice" | "bob" => raw::head(caller, GET_LIST, ""),
        other => raw::anonymous_head(GET_LIST, &format!("Authorization: Bearer {other}\r\n")),
    };
    let mut connection = Connection::open(app.address);
    // All at once, so that they are in one buffer of the server.
    connection.send(
        callers
            .iter()
            .map(|caller| head(caller))
            .collect::<String>(),
    );
    for caller in callers {
        let response = connection.response().expect("closed");
        match caller {
            "" => drop(response.expect_problem(401, "missing_token")),
            "alice" | "bob" => {
                let owners: Vec<Value> = response.expect(200).json()["items"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|task| task["owner_id"].clone())
                    .collect();
                assert_eq!(owners, [caller]);
            }
            _ => drop(response.expect_problem(401, "malformed_token")),
        }
    }
}

async fn a_bad_token_is_refused_before_anything_else_of_the_request_is_judged(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let bad = app.with_token("a.b.c");
    let huge = "x".repeat(200_000);
    for request in [
        bad.request("POST", LIST).body("application/json", "{"),
        bad.request("POST", LIST).body("text/plain", "hello"),
        bad.request("POST", LIST).body("application/json", huge),
        bad.request("POST", LIST)
            .header("Idempotency-Key", "")
            .header("Content-Encoding", "gzip")
            .body("application/json", "x"),
        bad.request("GET", "/api/v1/tasks?limit=0&nonsense=1&cursor=x"),
        bad.request("GET", "/api/v1/tasks/not-a-uuid"),
        bad.request("PATCH", "/api/v1/tasks/not-a-uuid")
            .header("If-Match", "nonsense")
            .body("text/plain", ""),
        bad.request("GET", "/api/v1/users/bob/tasks"),
        bad.request("GET", "/api/nothing"),
        bad.request("BREW", LIST),
    ] {
        request.send().await.expect_problem(401, "malformed_token");
    }
    // Outside /api no token is needed.
    bad.get("/nothing")
        .await
        .expect_problem(404, "no_such_address");
}
