//! Key-set servers that are down, hang, or respond with nonsense.

use futures_util::future::join_all;
use serde_json::json;

use crate::support::key_server::{KeyServer, Response};
use crate::support::pairs::{Pair, but, set_of};
use crate::support::trust::{
    ask, claims_of, eventually, published, token_of, trusting, trusting_with,
    trusting_without_keys, verdict,
};
use crate::support::{UNSET, block_on, tokens};

/// A port that refuses connections until a test listens on it.
fn silent_port() -> (tokio::net::TcpSocket, String) {
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let url = format!("http://{}", socket.local_addr().unwrap());
    (socket, url)
}

#[test]
fn without_keys_it_serves_and_says_so_and_recovers_when_they_come() {
    block_on(async {
        let (socket, url) = silent_port();
        let keys_only = trusting_without_keys(&url, &[("BETTER_AUTH_SECRET", UNSET)]).await;
        let both = trusting_without_keys(&url, &[]).await;
        let pair = Pair::ed25519("k");
        let token = pair.token_of(&claims_of(&url, "alice"));
        for app in [&keys_only, &both] {
            app.anonymous().get("/health/live").await.expect(200);
            let response = ask(app, &token)
                .await
                .expect_problem(503, "keys_unavailable");
            let seconds: u32 = response.header("retry-after").parse().unwrap();
            assert!((1..=10).contains(&seconds));
            // Tokens of known keys are still accepted.
            assert_eq!(response.header("www-authenticate"), "");
            // Errors that do not depend on the keys are reported at once.
            assert_eq!(verdict(app, "nonsense").await, "malformed_token");
            let alg = pair.token(
                &json!({ "alg": "ES256K", "kid": "k" }),
                &claims_of(&url, "alice"),
            );
            assert_eq!(verdict(app, &alg).await, "unsupported_algorithm");
        }
        let hs256 = tokens::sign(&claims_of(&url, "alice"));
        both.wait_until_ready().await;
        assert_eq!(verdict(&both, &hs256).await, "accepted");
        assert_eq!(verdict(&keys_only, &hs256).await, "unsupported_algorithm");
        eventually("only the keys are missing", async || {
            let response = keys_only.anonymous().get("/health/ready").await.expect(503);
            response.json()["not_ready"] == json!(["keys"])
        })
        .await;
        let listener = socket.listen(16).unwrap().into_std().unwrap();
        listener.set_nonblocking(false).unwrap();
        let _server = KeyServer::on(listener, published(&[&pair]));
        for app in [&keys_only, &both] {
            eventually("the keys are there", async || {
                verdict(app, &token).await == "accepted"
            })
            .await;
            app.anonymous().get("/health/ready").await.expect(200);
        }
    });
}

#[test]
fn requests_do_not_make_it_try_more_often_while_there_are_no_keys() {
    block_on(async {
        let server = KeyServer::start(Response::status(500, "", ""));
        let app = trusting_without_keys(&server.url(), &[]).await;
        let token = token_of(&server, &Pair::ed25519("k"), "alice");
        let mut asked = 0;
        while server.fetches() < 3 {
            let codes = join_all((0..20).map(|_| verdict(&app, &token))).await;
            assert!(
                codes.iter().all(|code| code == "keys_unavailable"),
                "{codes:?}"
            );
            asked += codes.len();
        }
        assert!(
            asked > 3 * 20,
            "{asked} requests, as many fetches as there were rounds"
        );
    });
}

#[test]
fn a_fetch_may_take_as_long_as_its_setting_says() {
    block_on(async {
        let pair = Pair::ed25519("k");
        let server = KeyServer::start(published(&[&pair]));
        server.hold();
        let with_timeout = async |seconds: &str| {
            let timeout = [("TODOWARD__AUTH__JWKS_TIMEOUT", seconds)];
            trusting_without_keys(&server.url(), &timeout).await
        };
        let token = token_of(&server, &pair, "alice");
        let app = with_timeout("30").await;
        let patient = app.with_token(&token);
        let patient = actix_rt::spawn(async move { patient.get("/api/v1/tasks").await });
        eventually("the patient one fetches", async || server.fetches() == 1).await;
        let other = with_timeout("2").await;
        // After the first request gave up, the one with the longer deadline waits.
        assert_eq!(verdict(&other, &token).await, "keys_unavailable");
        assert!(!patient.is_finished());
        server.release();
        patient.await.unwrap().expect(200);
    });
}

/// The responses that must change nothing; each contains a key set that would.
fn nonsense(evil: &str) -> Vec<(String, Response)> {
    let mut responses: Vec<(String, Response)> = Vec::new();
    let mut add = |name: &str, response| responses.push((name.to_owned(), response));
    for status in [201, 204, 304, 400, 401, 403, 404, 429, 500, 502, 503] {
        let body = if [204, 304].contains(&status) {
            ""
        } else {
            evil
        };
        add(
            &status.to_string(),
            Response::status(status, "Retry-After: 1\r\n", body),
        );
    }
    for body in [
        "",
        "null",
        "{}",
        "[]",
        "{\"keys\":null}",
        "{\"keys\":[]}",
        "{\"keys\":{}}",
        "<!doctype html>",
    ] {
        add(body, Response::ok(body));
    }
    add("a byte order mark", Response::ok(format!("\u{feff}{evil}")));
    add(
        "no UTF-8",
        Response::ok([evil.as_bytes(), &[0xff]].concat()),
    );
    add("cut short", Response::ok(&evil[..evil.len() - 2]));
    add(
        "a member twice",
        Response::ok(evil.replacen('{', "{\"keys\":[],", 1)),
    );
    add(
        "too large",
        Response::ok(format!("{}{evil}", " ".repeat(256 * 1024))),
    );
    add(
        "compressed",
        Response::Raw(
            format!(
                "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {}\r\n",
                gzip(evil).len()
            ),
            gzip(evil),
        ),
    );
    add(
        "the end too early",
        Response::Raw(
            "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n".to_owned(),
            evil.into(),
        ),
    );
    add(
        "broken chunks",
        Response::Raw(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n".to_owned(),
            format!("zz\r\n{evil}").into(),
        ),
    );
    add(
        "no HTTP",
        Response::Raw("SSH-2.0-OpenSSH_9.6\r\n".to_owned(), evil.into()),
    );
    add(
        "a huge head",
        Response::Raw(
            format!("HTTP/1.1 200 OK\r\nX: {}\r\n", "x".repeat(1 << 20)),
            evil.into(),
        ),
    );
    add("no answer", Response::Nothing);
    add("a closed connection", Response::Close);
    add("no end", Response::Endless);
    add("a byte now and then", Response::Slow);
    responses
}

/// One stored block (RFC 1951 section 3.2.4) as a gzip file (RFC 1952).
fn gzip(text: &str) -> Vec<u8> {
    let mut crc = u32::MAX;
    for byte in text.bytes() {
        crc ^= u32::from(byte);
        for _ in 0..8 {
            crc = (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg());
        }
    }
    let length = u16::try_from(text.len()).unwrap();
    let mut file = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255, 1];
    file.extend(length.to_le_bytes());
    file.extend((!length).to_le_bytes());
    file.extend(text.bytes());
    file.extend((!crc).to_le_bytes());
    file.extend(u32::from(length).to_le_bytes());
    file
}

#[test]
fn the_last_good_keys_outlive_every_kind_of_nonsense() {
    block_on(async {
        let (good, evil) = (Pair::ed25519("good"), Pair::ed25519("evil"));
        let evil_set = set_of(std::slice::from_ref(&evil.jwk));
        let judge = async |(name, response): (String, Response)| {
            let server = KeyServer::start(published(&[&good]));
            let app = trusting(&server).await;
            let known = token_of(&server, &good, "alice");
            assert_eq!(verdict(&app, &known).await, "accepted", "{name}");
            server.respond(response);
            // The unknown kid causes a fetch.
            let of_evil = token_of(&server, &evil, "alice");
            assert_eq!(verdict(&app, &of_evil).await, "unknown_key", "{name}");
            assert_eq!(server.fetches(), 2, "{name}");
            let fresh = token_of(&server, &good, "bob");
            for token in [&known, &fresh] {
                assert_eq!(verdict(&app, token).await, "accepted", "{name}");
            }
            // Not every request causes a fetch.
            assert_eq!(verdict(&app, &of_evil).await, "unknown_key", "{name}");
            assert_eq!(server.fetches(), 2, "{name}");
            app.anonymous().get("/health/ready").await.expect(200);
        };
        let responses = nonsense(&evil_set);
        assert!(responses.len() > 25);
        for some in responses.chunks(8) {
            join_all(some.iter().cloned().map(judge)).await;
        }
    });
}

#[test]
fn a_redirect_leads_nowhere() {
    block_on(async {
        let (good, evil) = (Pair::ed25519("good"), Pair::ed25519("evil"));
        let target = KeyServer::start(published(&[&evil]));
        for status in [300, 301, 302, 303, 305, 307, 308] {
            let server = KeyServer::start(published(&[&good]));
            let app = trusting(&server).await;
            let location = format!("Location: {}/api/auth/jwks\r\n", target.url());
            server.respond(Response::status(status, &location, ""));
            let token = token_of(&server, &evil, "alice");
            assert_eq!(verdict(&app, &token).await, "unknown_key", "{status}");
            assert_eq!(server.fetches(), 2);
            assert_eq!(
                verdict(&app, &token_of(&server, &good, "alice")).await,
                "accepted"
            );
        }
        assert_eq!(target.fetches(), 0);
    });
}

#[test]
fn keys_are_used_for_long_after_their_server_is_gone_and_new_ones_when_it_is_back() {
    block_on(async {
        let (old, new) = (Pair::ed25519("old"), Pair::ed25519("new"));
        let server = KeyServer::start(published(&[&old]));
        let app = trusting_with(&server, &[("TODOWARD__AUTH__JWKS_TTL", "1")]).await;
        server.respond(Response::Close);
        let before = server.fetches();
        eventually("some fetches have failed", async || {
            server.fetches() > before + 2
        })
        .await;
        assert_eq!(
            verdict(&app, &token_of(&server, &old, "alice")).await,
            "accepted"
        );
        app.anonymous().get("/health/ready").await.expect(200);
        server.respond(published(&[&new]));
        let token = token_of(&server, &new, "alice");
        eventually("the new key is there", async || {
            verdict(&app, &token).await == "accepted"
        })
        .await;
    });
}

#[test]
fn whoever_needs_no_fetch_does_not_wait_for_one_that_hangs() {
    block_on(async {
        let good = Pair::ed25519("good");
        let server = KeyServer::start(published(&[&good]));
        let secret = [("BETTER_AUTH_SECRET", crate::support::SECRET)];
        let app = trusting_with(&server, &secret).await;
        let claims = claims_of(&server.url(), "alice");
        eventually("the keys are there", async || {
            verdict(&app, &good.token_of(&claims)).await == "accepted"
        })
        .await;
        server.respond(Response::Nothing);
        let header = json!({ "alg": "EdDSA", "kid": "unknown" });
        let waiting = (0..50).map(|user| {
            let claims = but(&claims, "sub", user.to_string());
            let client = app.with_token(&good.token(&header, &claims));
            actix_rt::spawn(async move { client.get("/api/v1/tasks").await.status })
        });
        let waiting: Vec<_> = waiting.collect();
        eventually("the fetch hangs", async || server.fetches() == 2).await;
        // With one worker a blocking fetch would stop all requests.
        assert_eq!(verdict(&app, &tokens::sign(&claims)).await, "accepted");
        assert_eq!(verdict(&app, &good.token_of(&claims)).await, "accepted");
        app.anonymous().get("/health/live").await.expect(200);
        app.anonymous().get("/health/ready").await.expect(200);
        assert!(
            waiting.iter().all(|task| !task.is_finished()),
            "they were to wait"
        );
        for task in waiting {
            assert_eq!(task.await.unwrap(), 401);
        }
    });
}
