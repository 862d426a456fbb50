//! Buckets with a fake clock, and client IP addresses behind proxies.

use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use actix_web::http::header::{self, HeaderMap, HeaderValue};
use governor::clock::FakeRelativeClock;
use ipnet::IpNet;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;

use super::buckets::{Buckets, Left, REMEMBERED};
use super::client::{client_address, subscriber};
use crate::settings::RateLimit;

fn buckets(per_second: u32, burst: u32) -> (Buckets<u32, FakeRelativeClock>, FakeRelativeClock) {
    let clock = FakeRelativeClock::default();
    let limit = RateLimit { per_second, burst };
    (Buckets::with_clock(limit, clock.clone()), clock)
}

fn left(requests: u32, seconds: u64) -> Left {
    Left { requests, seconds }
}

#[test]
fn a_bucket_gives_its_burst_and_fills_up_again() {
    let (buckets, clock) = buckets(2, 5);
    for (requests, seconds) in [(4, 1), (3, 1), (2, 2), (1, 2), (0, 3)] {
        assert_eq!(buckets.take(&1), Ok(left(requests, seconds)));
    }
    assert_eq!(buckets.take(&1), Err(left(0, 1)));
    clock.advance(Duration::from_millis(499));
    assert_eq!(buckets.take(&1), Err(left(0, 1)));
    clock.advance(Duration::from_millis(1));
    assert_eq!(buckets.take(&1), Ok(left(0, 3)));
    assert_eq!(buckets.take(&1), Err(left(0, 1)), "one request, not two");
    clock.advance(Duration::from_secs(3600));
    assert_eq!(buckets.take(&1), Ok(left(4, 1)), "never more than a burst");
}

#[test]
fn what_is_refused_costs_nothing() {
    let (buckets, clock) = buckets(1, 1);
    assert_eq!(buckets.take(&1), Ok(left(0, 1)));
    for _ in 0..1000 {
        assert_eq!(buckets.take(&1), Err(left(0, 1)));
    }
    clock.advance(Duration::from_secs(1));
    assert_eq!(buckets.take(&1), Ok(left(0, 1)));
}

#[test]
fn a_request_after_the_announced_wait_is_accepted() {
    for (per_second, burst) in [(1, 1), (1, 10), (3, 7), (1_000_000, 1), (7, 1_000_000)] {
        let (buckets, clock) = buckets(per_second, burst);
        for _ in 0..burst {
            buckets.take(&1).unwrap();
        }
        let wait = buckets.take(&1).unwrap_err().seconds;
        assert!(wait >= 1);
        clock.advance(Duration::from_secs(wait));
        assert!(buckets.take(&1).is_ok(), "{per_second} {burst}");
        let until_full = burst.div_ceil(per_second);
        clock.advance(Duration::from_secs(until_full.into()));
        assert_eq!(buckets.take(&1).unwrap().requests, burst - 1);
    }
}

#[test]
fn keys_do_not_share_a_bucket() {
    let (buckets, _) = buckets(1, 1);
    for key in 0..100 {
        assert!(buckets.take(&key).is_ok());
        assert!(buckets.take(&key).is_err());
    }
}

#[test]
fn random_keys_use_bounded_memory_and_evict_no_bucket_in_frequent_use() {
    let (buckets, _) = buckets(1, 1);
    assert!(buckets.take(&0).is_ok());
    for key in 1..1_000_000 {
        let _ = buckets.take(&key);
        if key % 100 == 0 {
            assert!(buckets.take(&0).is_err(), "forgotten at {key}");
        }
    }
    let remembered = buckets.remembered();
    assert!(remembered <= REMEMBERED, "{remembered}");
}

fn client(peer: &str, forwarded: &[&str], trusted: &[&str]) -> String {
    let mut headers = HeaderMap::new();
    for line in forwarded {
        let value = HeaderValue::from_bytes(line.as_bytes()).unwrap();
        headers.append(header::X_FORWARDED_FOR, value);
    }
    let trusted: Vec<IpNet> = trusted
        .iter()
        .map(|network| network.parse().unwrap())
        .collect();
    client_address(peer.parse().unwrap(), &headers, &trusted).to_string()
}

#[test]
fn a_header_of_somebody_who_is_not_trusted_has_no_effect() {
    for trusted in [&[][..], &["10.0.0.0/8"]] {
        for line in ["1.2.3.4", "10.0.0.1", "1.2.3.4, 10.0.0.1", "::1", "x"] {
            assert_eq!(client("203.0.113.9", &[line], trusted), "203.0.113.9");
        }
    }
}

#[test]
fn behind_trusted_proxies_the_first_untrusted_address_from_the_right_counts() {
    let trusted = ["10.0.0.0/8", "fd00::/8"];
    for (peer, lines, expected) in [
        ("10.0.0.1", &[][..], "10.0.0.1"),
        ("10.0.0.1", &["198.51.100.7"], "198.51.100.7"),
        ("10.0.0.1", &["6.6.6.6, 198.51.100.7"], "198.51.100.7"),
        (
            "10.0.0.1",
            &["6.6.6.6,198.51.100.7,10.0.0.2"],
            "198.51.100.7",
        ),
        (
            "10.0.0.1",
            &["6.6.6.6", " 198.51.100.7 ,10.0.0.3\t", "10.0.0.2"],
            "198.51.100.7",
        ),
        ("10.0.0.1", &["198.51.100.7, 6.6.6.6", ""], "10.0.0.1"),
        ("10.0.0.1", &["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
        ("::ffff:10.0.0.1", &["198.51.100.7"], "198.51.100.7"),
        ("10.0.0.1", &["::ffff:198.51.100.7"], "198.51.100.7"),
        ("10.0.0.1", &["6.6.6.6, ::ffff:10.0.0.2"], "6.6.6.6"),
        ("fd00::1", &["2001:db8::7"], "2001:db8::7"),
        ("10.0.0.1", &["198.51.100.7:4711"], "198.51.100.7"),
        ("10.0.0.1", &["[2001:db8::7]:4711"], "2001:db8::7"),
        ("10.0.0.1", &["[2001:db8::7]"], "2001:db8::7"),
    ] {
        assert_eq!(client(peer, lines, &trusted), expected, "{peer} {lines:?}");
    }
}

#[test]
fn an_unparsable_entry_ends_the_chain_at_the_last_good_one() {
    let long = "9".repeat(8192);
    for garbage in [
        "unknown",
        "_hidden",
        "localhost",
        "",
        " ",
        "1.2.3",
        "1.2.3.4.5",
        "01.2.3.4",
        "256.1.1.1",
        "1.2.3.4:99999",
        "[1.2.3.4]",
        "[::1",
        "::1]",
        "[]",
        "fe80::1%eth0",
        "\"1.2.3.4\"",
        "for=1.2.3.4",
        "1.2.3.4;6.6.6.6",
        "\u{661}.2.3.4",
        "\u{a0}1.2.3.4",
        long.as_str(),
    ] {
        for (line, expected) in [
            (garbage.to_owned(), "10.0.0.1"),
            (format!("6.6.6.6, {garbage}"), "10.0.0.1"),
            (format!("6.6.6.6, {garbage}, 10.0.0.2"), "10.0.0.2"),
            (format!("{garbage}, 198.51.100.7"), "198.51.100.7"),
        ] {
            let found = client("10.0.0.1", &[&line], &["10.0.0.0/8"]);
            assert_eq!(found, expected, "{line}");
        }
    }
}

#[test]
fn the_chain_of_proxies_is_bounded() {
    let line = format!("6.6.6.6{}", ", 10.0.0.2".repeat(10_000));
    assert_eq!(client("10.0.0.1", &[&line], &["10.0.0.0/8"]), "10.0.0.2");
    // A server that trusts every peer lets clients choose their IP address.
    assert_eq!(client("10.0.0.1", &["1.2.3.4"], &["0.0.0.0/0"]), "1.2.3.4");
}

#[test]
fn a_network_of_ipv6_is_one_subscriber() {
    let of = |text: &str| subscriber(text.parse().unwrap());
    assert_eq!(
        of("2001:db8:1:2::1"),
        of("2001:db8:1:2:ffff:ffff:ffff:ffff")
    );
    assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
    assert_ne!(of("2001:db8:1:2::1"), IpAddr::V6(Ipv6Addr::UNSPECIFIED));
    assert_eq!(of("::ffff:198.51.100.7"), of("198.51.100.7"));
    assert_ne!(of("198.51.100.7"), of("198.51.100.8"));
    assert_ne!(of("::ffff:198.51.100.7"), of("::ffff:198.51.100.8"));
}

/// Entries that a proxy may write, and arbitrary bytes.
fn hop() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        any::<IpAddr>().prop_map(|address| address.to_string().into_bytes()),
        any::<std::net::SocketAddr>().prop_map(|address| address.to_string().into_bytes()),
        "10\\.0\\.0\\.[0-9]".prop_map(String::into_bytes),
        vec(prop_oneof![Just(b'\t'), 32..=126_u8, 128..=255_u8], 0..40),
    ]
}

#[test]
fn whatever_is_forwarded_the_client_is_a_peer_of_a_trusted_proxy() {
    let lines = vec(vec(hop(), 0..6), 0..4);
    let stranger = any::<IpAddr>()
        .prop_map(|peer| peer.to_canonical())
        .prop_filter("trusted", |peer| !is_trusted(peer));
    let outcome = TestRunner::default().run(&(lines, stranger), |(lines, peer)| {
        forwarded_by_somebody(&lines, peer);
        Ok(())
    });
    assert!(outcome.is_ok(), "{outcome:?}");
}

fn trusted() -> Vec<IpNet> {
    vec!["10.0.0.0/8".parse().unwrap()]
}

fn is_trusted(peer: &IpAddr) -> bool {
    trusted().iter().any(|network| network.contains(peer))
}

fn forwarded_by_somebody(lines: &[Vec<Vec<u8>>], stranger: IpAddr) {
    let trusted = trusted();
    let mut headers = HeaderMap::new();
    for line in lines {
        let value = HeaderValue::from_bytes(&line.join(&b',')).unwrap();
        headers.append(header::X_FORWARDED_FOR, value);
    }
    assert_eq!(client_address(stranger, &headers, &trusted), stranger);

    let proxy = "10.0.0.1".parse().unwrap();
    let client = client_address(proxy, &headers, &trusted);
    headers.append(
        header::X_FORWARDED_FOR,
        HeaderValue::from_static("198.51.100.7"),
    );
    let seen = client_address(proxy, &headers, &trusted);
    assert_eq!(seen.to_string(), "198.51.100.7");
    assert_eq!(client, client.to_canonical());
}
