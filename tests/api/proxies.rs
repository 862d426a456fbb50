//! Which IP address is limited: the peer's, or the one that a trusted proxy reports.

use crate::rate_limits::{MANY_AT_ONCE, exhaust, limit, shares};
use crate::support::client::Request;
use crate::support::{Engine, TestApp, block_on};

async fn app(proxies: &str) -> TestApp {
    let mut settings = limit(MANY_AT_ONCE).to_vec();
    settings.push(("TODOWARD__SERVER__TRUSTED_PROXIES", proxies));
    TestApp::with(Engine::Sqlite, &settings).await
}

/// Sends a request without a token, with this `X-Forwarded-For`.
fn through(app: &TestApp, lines: &[&str]) -> Request {
    let mut request = app.anonymous().request("GET", "/api/v1/tasks");
    for line in lines {
        request = request.header("X-Forwarded-For", line);
    }
    request
}

#[test]
fn a_header_of_a_peer_that_is_not_trusted_has_no_effect() {
    block_on(async {
        for proxies in ["", "10.0.0.0/8"] {
            let app = app(proxies).await;
            exhaust(|| through(&app, &[])).await;
            for line in ["198.51.100.1", "10.0.0.1", "127.0.0.1", "::1", "garbage"] {
                shares(|| through(&app, &[line])).await;
            }
        }
    });
}

#[test]
fn behind_a_trusted_proxy_each_client_has_its_own_bucket() {
    block_on(async {
        let app = app("127.0.0.0/8,10.0.0.0/8").await;
        exhaust(|| through(&app, &["198.51.100.1"])).await;
        through(&app, &["198.51.100.2"]).send().await.expect(401);
        through(&app, &[]).send().await.expect(401);
        // Everything left of the client's entry is its own text.
        for lines in [
            &["6.6.6.6, 198.51.100.1"][..],
            &["6.6.6.6", "198.51.100.1"],
            &["7.7.7.7, 198.51.100.1, 10.0.0.2"],
            &["7.7.7.7, 198.51.100.1", "10.0.0.2,10.9.9.9"],
            &["198.51.100.1:50123"],
            &["::ffff:198.51.100.1"],
            &["garbage, 198.51.100.1"],
        ] {
            shares(|| through(&app, lines)).await;
        }
        // Other headers of proxies and clients are ignored.
        let spoofed = || {
            through(&app, &["198.51.100.1"])
                .header("Forwarded", "for=6.6.6.6")
                .header("X-Real-IP", "6.6.6.6")
                .header("CF-Connecting-IP", "6.6.6.6")
                .header("True-Client-IP", "6.6.6.6")
        };
        shares(spoofed).await;
    });
}

#[test]
fn a_network_of_ipv6_is_one_client() {
    block_on(async {
        let app = app("127.0.0.1").await;
        exhaust(|| through(&app, &["2001:db8:1:2::1"])).await;
        for line in [
            "2001:db8:1:2:aaaa::9",
            "[2001:db8:1:2::7]:443",
            "2001:db8:1:2::",
        ] {
            shares(|| through(&app, &[line])).await;
        }
        through(&app, &["2001:db8:1:3::1"]).send().await.expect(401);
    });
}

#[test]
fn garbage_and_endless_headers_end_at_the_proxy() {
    block_on(async {
        let app = app("127.0.0.1").await;
        let (long, many) = ("9".repeat(8192), "127.0.0.1,".repeat(1000));
        exhaust(|| through(&app, &[])).await;
        for line in ["unknown", "", "for=198.51.100.9", &long, &many] {
            let line = format!("198.51.100.9, {line}");
            shares(|| through(&app, &[&line])).await;
        }
        through(&app, &["198.51.100.9"]).send().await.expect(401);
    });
}

#[test]
fn an_owner_is_limited_whatever_the_proxy_says() {
    block_on(async {
        let app = app("127.0.0.1").await;
        let alice = app.user("alice");
        exhaust(|| alice.request("GET", "/api/v1/tasks")).await;
        for line in ["198.51.100.1", "198.51.100.2", "198.51.100.3"] {
            let list = || alice.request("GET", "/api/v1/tasks");
            shares(|| list().header("X-Forwarded-For", line)).await;
        }
    });
}
