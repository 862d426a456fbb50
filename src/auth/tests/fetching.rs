//! When the key set is fetched, and when not.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use super::key_server::{KeyServer, Response};
use super::pairs::{Pair, but};
use super::*;
use crate::settings::Jwks as Settings;

fn settings(url: String) -> Settings {
    Settings {
        url,
        ttl: Duration::from_secs(86_400),
        timeout: Duration::from_secs(2),
    }
}

fn start(server: &KeyServer) -> Jwks {
    Jwks::start(&settings(server.url())).unwrap()
}

/// A deadline after every wait of these tests.
fn soon() -> Instant {
    Instant::now() + Duration::from_secs(60)
}

/// Whether a request that finds no key now gets a newer set.
async fn refreshed(jwks: &Jwks) -> bool {
    jwks.refreshed(&mut jwks.fetch_wait(soon())).await
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    actix_rt::System::new().block_on(future)
}

#[test]
fn the_first_fetch_is_waited_for_and_not_asked_for() {
    let server = KeyServer::start(Response::Set(set_of(&[Pair::ed25519("k").jwk])));
    let jwks = start(&server);
    block_on(async {
        while jwks.keys().is_none() {
            refreshed(&jwks).await;
        }
    });
    assert_eq!(server.fetches(), 1);
}

#[test]
fn the_start_waits_for_the_end_of_the_first_fetch() {
    let (release, released) = mpsc::channel::<()>();
    let document = set_of(&[Pair::ed25519("k").jwk]).into_bytes();
    let fetch = move || {
        let _ = released.recv();
        Ok(document.clone())
    };
    let patient = Settings {
        timeout: Duration::from_secs(60),
        ..settings("http://127.0.0.1".to_owned())
    };
    let jwks = Jwks::fetching(&patient, fetch).unwrap();
    block_on(async {
        let waited = async {
            jwks.first_fetch().await;
            jwks.state().successes
        };
        let release = async {
            actix_rt::task::yield_now().await;
            drop(release);
        };
        assert_eq!(futures_util::future::join(waited, release).await.0, 1);
    });
}

#[test]
fn without_keys_many_requests_cause_hardly_more_than_a_fetch_a_second() {
    let server = KeyServer::start(Response::Set("no set".to_owned()));
    let jwks = start(&server);
    let begun = Instant::now();
    block_on(async {
        jwks.first_fetch().await;
        for _ in 0..200 {
            refreshed(&jwks).await;
        }
    });
    let seconds = begun.elapsed().as_secs() as usize;
    assert!(server.fetches() <= 3 + 3 * seconds, "{}", server.fetches());
}

#[test]
fn why_the_last_fetch_failed_is_told_until_one_succeeds() {
    let server = KeyServer::start(Response::Set("no set".to_owned()));
    let jwks = start(&server);
    block_on(async {
        jwks.first_fetch().await;
        let why = jwks.last_error().unwrap();
        assert!(why.contains("JSON"), "{why}");
        server.respond(Response::Set(set_of(&[Pair::ed25519("k").jwk])));
        while jwks.keys().is_none() {
            refreshed(&jwks).await;
            actix_rt::task::yield_now().await;
        }
        assert_eq!(jwks.last_error(), None);
    });
}

#[test]
fn the_thread_ends_with_its_last_user() {
    let (alive, ended) = mpsc::channel::<()>();
    let fetch = move || {
        let _ = &alive;
        Err("down".to_owned())
    };
    let jwks = Jwks::fetching(&settings("http://127.0.0.1".to_owned()), fetch).unwrap();
    block_on(jwks.first_fetch());
    drop(jwks);
    let end = ended.recv_timeout(Duration::from_secs(60));
    assert_eq!(end, Err(mpsc::RecvTimeoutError::Disconnected));
}

#[test]
fn a_request_that_looked_before_a_fetch_ended_causes_no_other() {
    let keys = ["a", "b", "c"].map(|kid| Pair::ed25519(kid).jwk);
    let server = KeyServer::start(Response::Set(set_of(&keys[..1])));
    let jwks = start(&server);
    block_on(async {
        while jwks.keys().is_none() {
            refreshed(&jwks).await;
        }
        let mut late = [
            jwks.fetch_wait(soon()),
            jwks.fetch_wait(soon()),
            jwks.fetch_wait(soon()),
        ];
        server.respond(Response::Set(set_of(&keys[..2])));
        assert!(refreshed(&jwks).await);
        for wait in &mut late {
            assert!(jwks.refreshed(wait).await, "it has seen no new set");
            assert!(
                !jwks.refreshed(wait).await,
                "there is nothing more to wait for"
            );
        }
        assert_eq!(server.fetches(), 2);
        // No cool-down has begun either: the next new key is found at once.
        server.respond(Response::Set(set_of(&keys)));
        assert!(refreshed(&jwks).await);
        assert!(jwks.keys().unwrap().has_kid("c"));
        assert_eq!(server.fetches(), 3);
    });
}

#[test]
fn a_request_that_came_during_a_fetch_waits_for_it_and_for_one_more() {
    let keys = ["a", "b"].map(|kid| Pair::ed25519(kid).jwk);
    let server = KeyServer::start(Response::Set(set_of(&keys[..1])));
    let jwks = start(&server);
    block_on(async {
        while jwks.keys().is_none() {
            refreshed(&jwks).await;
        }
        server.respond(Response::Set(set_of(&keys)));
        server.hold();
        let first = refreshed(&jwks);
        let others = async {
            while server.fetches() < 2 {
                actix_rt::task::yield_now().await;
            }
            let mut during = [jwks.fetch_wait(soon()), jwks.fetch_wait(soon())];
            server.release();
            for wait in &mut during {
                assert!(jwks.refreshed(wait).await, "the fetch under way");
            }
            assert_eq!(server.fetches(), 2);
            for wait in &mut during {
                assert!(jwks.refreshed(wait).await, "one that began after it came");
                assert!(!jwks.refreshed(wait).await);
            }
        };
        assert!(futures_util::future::join(first, others).await.0);
        assert_eq!(server.fetches(), 3);
        assert!(!refreshed(&jwks).await, "the last one changed nothing");
    });
}

#[test]
fn a_set_that_only_looks_different_is_no_new_one() {
    let keys = ["a", "b"].map(|kid| Pair::ed25519(kid).jwk);
    let [a, b] = &keys;
    for other in [
        set_of(&[b.clone(), a.clone()]),
        format!(" {}\n", set_of(&keys).replace(',', " ,\r\n")),
        set_of(&[but(a, "createdAt", "2026-01-01"), b.clone()]),
        set_of(&[a.clone(), b.clone(), Value::Null]),
        but(&serde_json::from_str(&set_of(&keys)).unwrap(), "now", 7).to_string(),
    ] {
        let server = KeyServer::start(Response::Set(set_of(&keys)));
        let jwks = start(&server);
        block_on(async {
            while jwks.keys().is_none() {
                refreshed(&jwks).await;
            }
            server.respond(Response::Set(other.clone()));
            assert!(refreshed(&jwks).await);
            assert!(!refreshed(&jwks).await, "{other}");
            assert_eq!(server.fetches(), 2);
        });
    }
}

#[test]
fn a_fetch_that_panics_is_one_that_failed_and_not_the_last() {
    let document = set_of(&[Pair::ed25519("k").jwk]).into_bytes();
    let panics = AtomicBool::new(true);
    let fetch = move || match panics.swap(false, Ordering::Relaxed) {
        true => panic!("no thread for the look-up of the name"),
        false => Ok(document.clone()),
    };
    let jwks = Jwks::fetching(&settings("http://127.0.0.1".to_owned()), fetch).unwrap();
    block_on(async {
        while jwks.keys().is_none() {
            assert!(jwks.state().failures < 2);
            refreshed(&jwks).await;
            actix_rt::task::yield_now().await;
        }
    });
    assert_eq!(jwks.state().failures, 1);
}

#[test]
fn tries_without_keys_become_rarer_and_the_first_request_of_a_recovery_is_served() {
    let document = set_of(&[Pair::ed25519("k").jwk]).into_bytes();
    let (told, tries) = mpsc::channel();
    let recovered = Arc::new(AtomicBool::new(false));
    let is_back = Arc::clone(&recovered);
    let fetch = move || {
        // Read before the test learns of this attempt and changes the result.
        let is_back = is_back.load(Ordering::SeqCst);
        told.send(Instant::now()).unwrap();
        match is_back {
            true => Ok(document.clone()),
            false => Err("down".to_owned()),
        }
    };
    let jwks = Jwks::fetching(&settings("http://127.0.0.1".to_owned()), fetch).unwrap();
    let begun: Vec<Instant> = tries.iter().take(4).collect();
    let pauses = begun.windows(2).map(|pair| pair[1] - pair[0]);
    for (pause, least) in pauses.zip([500, 1_000, 2_000]) {
        assert!(pause >= Duration::from_millis(least), "{pause:?}");
    }
    // The next fetch is due in 4 seconds, and a request does not wait for it.
    recovered.store(true, Ordering::SeqCst);
    let since = Instant::now();
    block_on(async {
        while jwks.keys().is_none() {
            refreshed(&jwks).await;
            actix_rt::task::yield_now().await;
        }
    });
    assert!(since.elapsed() < Duration::from_secs(2));
    assert_eq!(tries.try_iter().count(), 1);
}

#[test]
fn a_request_that_is_late_itself_waits_for_no_fetch() {
    let server = KeyServer::start(Response::Set(set_of(&[Pair::ed25519("k").jwk])));
    server.hold();
    let jwks = start(&server);
    block_on(async {
        let mut wait = jwks.fetch_wait(Instant::now());
        assert!(!jwks.refreshed(&mut wait).await);
        assert!(jwks.keys().is_none());
    });
    server.release();
}
