//! The stream of changes: an event for each writer's commit, on every replica, until the
//! token expires or the server stops.

use std::io::Write as _;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use futures_util::future::{join, join_all};
use serde_json::json;

use crate::support::events::EventStream;
use crate::support::lock::Lock;
use crate::support::tokens;
use crate::support::trust::eventually;
use crate::support::{Client, Engine, TestApp, on_both_databases, raw};

on_both_databases! {
    a_stream_says_at_the_start_and_after_each_change_that_there_is_something_to_pull,
    a_client_that_knows_the_newest_event_is_told_of_later_ones_only,
    streams_that_begin_at_the_same_moment_are_no_event_for_each_other,
    what_another_replica_has_written_is_told_too,
    nobody_is_told_of_another_owners_changes,
    what_is_refused_or_changes_nothing_is_no_event,
    a_stream_ends_when_its_token_expires,
    a_stream_ends_when_the_server_stops_and_no_request_fails,
    an_eleventh_stream_of_one_user_is_refused_until_one_has_ended,
    clients_that_never_read_hold_up_neither_others_nor_the_stop,
}

const STREAM: &str = "/api/v1/changes/stream";
const CHANGES: &str = "/api/v1/changes";

async fn open(client: &Client) -> EventStream {
    client.request("GET", STREAM).events().await
}

/// The number of a cursor.
fn number(cursor: &str) -> i64 {
    use base64::Engine as _;
    let engine = base64::engine::general_purpose::URL_SAFE_NO_PAD;
    let bytes = engine.decode(cursor).unwrap();
    i64::from_be_bytes(bytes[16..24].try_into().unwrap())
}

async fn a_stream_says_at_the_start_and_after_each_change_that_there_is_something_to_pull(
    engine: Engine,
) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    let mut stream = open(&alice).await;
    assert_eq!(stream.header("content-type"), "text/event-stream");
    assert_eq!(stream.header("cache-control"), "no-store");
    assert_eq!(stream.header("x-accel-buffering"), "no");
    let mut last = number(&stream.changed().await);
    let path = alice.create_path("a").await;
    for change in 0..3 {
        let id = stream.changed().await;
        assert!(number(&id) > last, "{change}");
        last = number(&id);
        // An event's cursor can be followed, although a client goes on from its last pull.
        alice
            .get(&format!("{CHANGES}?since={id}"))
            .await
            .expect(200);
        let title = format!("title {change}");
        alice
            .patch(&path, &json!({ "title": title }))
            .await
            .expect(200);
    }
    let head = alice.request("HEAD", STREAM).send().await.expect(200);
    assert_eq!(head.header("content-type"), "text/event-stream");
    alice.get(&format!("{STREAM}?since=x")).await.expect(400);
}

async fn a_client_that_knows_the_newest_event_is_told_of_later_ones_only(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    alice.create_path("a").await;
    let known = open(&alice).await.changed().await;
    let open_with = async |id: &str| {
        let request = alice.request("GET", STREAM).header("Last-Event-ID", id);
        request.events().await
    };
    let mut told_later = open_with(&known).await;
    for old_or_none in ["", "x", "%", &open(&app.user("bob")).await.changed().await] {
        let mut told_now = open_with(old_or_none).await;
        assert_eq!(number(&told_now.changed().await), number(&known));
    }
    alice.create_path("b").await;
    assert!(number(&told_later.changed().await) > number(&known));
    let mut told_now = open_with(&known).await;
    assert!(number(&told_now.changed().await) > number(&known));
}

async fn streams_that_begin_at_the_same_moment_are_no_event_for_each_other(engine: Engine) {
    let app = TestApp::with(engine, &[("WITH_METRICS", "")]).await;
    let other = TestApp::on_database(engine, &app.database_url, &[("WITH_METRICS", "")]).await;
    app.user("alice").create_path("a").await;
    let mut lock = Lock::take(&app, "LOCK TABLE owners IN EXCLUSIVE MODE");
    let both = [app.user("alice"), other.user("alice")];
    let opening = join_all(both.iter().map(open));
    let release = async {
        let waits = async || lock.is_waited_for_by(&[&app, &other]).await;
        eventually("both streams wait to begin", waits).await;
        drop(lock);
    };
    let (mut streams, ()) = join(opening, release).await;
    let begins = join_all(streams.iter_mut().map(EventStream::changed)).await;
    assert_eq!(number(&begins[0]), number(&begins[1]));
}

async fn what_another_replica_has_written_is_told_too(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let other = TestApp::on_database(engine, &app.database_url, &[]).await;
    let mut stream = open(&app.user("alice")).await;
    let mut last = number(&stream.changed().await);
    for title in ["a", "b"] {
        other.user("alice").create_path(title).await;
        let now = number(&stream.changed().await);
        assert!(now > last);
        last = now;
    }
}

async fn nobody_is_told_of_another_owners_changes(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let (alice, bob) = (app.user("alice"), app.user("bob"));
    alice.create_path("before").await;
    let (mut of_alice, mut of_bob) = (open(&alice).await, open(&bob).await);
    let first = number(&of_alice.changed().await);
    of_bob.changed().await;
    for title in ["a", "b", "c"] {
        bob.create_path(title).await;
        of_bob.changed().await;
    }
    alice.create_path("mine").await;
    // One more than at first: nothing of bob's came in between.
    assert_eq!(number(&of_alice.changed().await), first + 1);
}

async fn what_is_refused_or_changes_nothing_is_no_event(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let (alice, bob) = (app.user("alice"), app.user("bob"));
    let path = alice.create_path("a").await;
    let mut stream = open(&alice).await;
    let first = number(&stream.changed().await);
    alice
        .patch(&path, &json!({ "title": "a" }))
        .await
        .expect(200);
    alice
        .patch(&path, &json!({ "title": "" }))
        .await
        .expect(422);
    bob.patch(&path, &json!({ "title": "b" })).await.expect(403);
    bob.create_path("b").await;
    alice.create_path("b").await;
    assert_eq!(number(&stream.changed().await), first + 1);
}

async fn a_stream_ends_when_its_token_expires(engine: Engine) {
    let app = TestApp::with(engine, &[("TODOWARD__AUTH__LEEWAY", "0")]).await;
    let mut claims = tokens::claims("alice");
    claims["exp"] = json!(chrono::Utc::now().timestamp() + 2);
    let token = tokens::sign(&claims);
    let mut stream = open(&app.with_token(&token)).await;
    stream.changed().await;
    let last = stream.next().await.unwrap();
    assert_eq!((&*last.name, last.data), ("token_expired", json!({})));
    assert_eq!(stream.next().await, None);
    let refused = app.with_token(&token).get(STREAM).await;
    refused.expect_problem(401, "token_expired");
}

async fn a_stream_ends_when_the_server_stops_and_no_request_fails(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    let mut streams = Vec::new();
    for _ in 0..3 {
        let mut stream = open(&alice).await;
        stream.changed().await;
        streams.push(stream);
    }
    let ended = async {
        for stream in &mut streams {
            assert_eq!(stream.next().await, None, "without an event");
        }
    };
    let stopped = actix_rt::task::spawn_blocking(|| drop(app));
    let ((), stopped) = futures_util::future::join(ended, stopped).await;
    stopped.unwrap();
}

async fn an_eleventh_stream_of_one_user_is_refused_until_one_has_ended(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    let mut streams = Vec::new();
    for _ in 0..10 {
        let mut stream = open(&alice).await;
        stream.changed().await;
        streams.push(stream);
    }
    let refused = alice.get(STREAM).await;
    assert!(!refused.header("retry-after").is_empty());
    refused.expect_problem(429, "too_many_streams");
    open(&app.user("bob")).await.changed().await;
    streams.pop();
    // The server notices the end when it is told by the connection, and not by a heartbeat,
    // the first of which comes after 20 seconds and the one that fails after 40.
    let ended = async {
        loop {
            if let Ok(mut stream) = alice.request("GET", STREAM).try_events().await {
                stream.changed().await;
                break;
            }
        }
    };
    let noticed = tokio::time::timeout(Duration::from_secs(15), ended).await;
    noticed.expect("a stream that was closed still counts");
}

/// Nine streams of which nobody reads a byte, not even the head.
async fn clients_that_never_read_hold_up_neither_others_nor_the_stop(engine: Engine) {
    let app = TestApp::spawn(engine).await;
    let alice = app.user("alice");
    let head = raw::head("alice", &format!("GET {STREAM}"), "");
    let unread: Vec<TcpStream> = (0..9)
        .map(|_| {
            let mut connection = TcpStream::connect(app.address).unwrap();
            connection.write_all(head.as_bytes()).unwrap();
            connection
        })
        .collect();
    let mut stream = open(&alice).await;
    let mut last = number(&stream.changed().await);
    for change in 0..20 {
        alice.create_path("a").await;
        let next = number(&stream.changed().await);
        assert!(next > last, "{change}");
        last = next;
    }
    // All nine count, although nobody reads.
    eventually("an eleventh is refused", async || {
        let eleventh = alice.request("GET", STREAM).try_events().await;
        eleventh.err() == Some(429)
    })
    .await;
    let begun = Instant::now();
    actix_rt::task::spawn_blocking(|| drop(app)).await.unwrap();
    // The time that requests have at a stop is 30 seconds.
    assert!(begun.elapsed() < Duration::from_secs(15));
    drop(unread);
}
