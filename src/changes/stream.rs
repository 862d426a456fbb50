//! Server-Sent Events (WHATWG HTML, section 9.2): a stream that says when there is
//! something to pull.
//!
//! An event is a hint. A client that misses one pulls later, and misses no change.

use std::convert::Infallible;
use std::time::Duration;

use actix_web::http::Method;
use actix_web::http::header::{self, HeaderName};
use actix_web::web::{Bytes, Data};
use actix_web::{HttpMessage as _, HttpRequest, HttpResponse};
use futures_util::stream;
use tokio::time::Instant;

use super::cursor::{Cursor, Place};
use super::repository::{NumberChanges, ReadHead};
use crate::auth::{Claims, OwnerId, unix_now};
use crate::db::watchers::{MAX_OF_OWNER, Reached, TooMany, Watch, Watchers};
use crate::http::app_state::AppState;
use crate::http::errors::{database_error, invalid_query};
use crate::http::resource::{HandlerResult, run_in};
use crate::primitives::parameters::no_parameters;
use crate::primitives::problem::{ApiError, Code};
use crate::primitives::timestamp::Timestamp;

/// How long a stream is silent at most: proxies close a connection that is silent for a
/// minute, and a peer that is gone is noticed only by writing to it.
const HEARTBEAT: Duration = Duration::from_secs(20);

/// How often, and how far from each other, the streams of a user who has too many are written
/// to: whoever is gone is noticed by the second write that arrives.
const PROBES: u32 = 5;
const PROBE_INTERVAL: Duration = Duration::from_millis(50);

/// How long a client waits before it connects again, in milliseconds.
const RETRY: &str = "retry: 2000\n\n";

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// `GET /changes/stream`
pub(super) async fn stream_changes(
    app: Data<AppState>,
    owner: OwnerId,
    request: HttpRequest,
) -> HandlerResult {
    no_parameters(request.query_string()).map_err(invalid_query)?;
    let mut response = HttpResponse::Ok();
    response
        .insert_header((header::CONTENT_TYPE, "text/event-stream"))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        // nginx would hold events back until its buffer is full.
        .insert_header(("x-accel-buffering", "no"));
    if request.method() == Method::HEAD {
        // As GET: of a length that is not known.
        return Ok(response.streaming(stream::empty::<Result<Bytes, Infallible>>()));
    }
    let watch = watch(app.db()?.watchers(), &owner)
        .await
        .map_err(too_many)?;
    let (mut head, is_numbered) = run_in(&app, owner.clone(), &request, ReadHead)
        .await
        .map_err(database_error)?;
    if !is_numbered {
        let numbered = run_in(&app, owner.clone(), &request, NumberChanges).await;
        numbered.map_err(database_error)?;
        let read = run_in(&app, owner.clone(), &request, ReadHead).await;
        (head, _) = read.map_err(database_error)?;
    }
    let cursor = head.cursor();
    let known = request.headers().get(LAST_EVENT_ID);
    let known = known.and_then(|id| Cursor::open(id.to_str().ok()?, owner.as_str()));
    let is_known = known.is_some_and(|known| known.is_as_far_as(&cursor));
    // The middleware has put the claims there, or there were no owner.
    let expires_at = request
        .extensions()
        .get::<Claims>()
        .map_or(0.0, |claims| claims.expires_at() + app.leeway);
    let events = Events {
        reached: Reached {
            epoch: cursor.epoch,
            number: head.number,
        },
        next: match is_known {
            true => Next::Retry,
            false => Next::First(cursor),
        },
        heartbeat: Instant::now() + HEARTBEAT,
        expires_at,
        owner,
        watch,
    };
    let events = stream::unfold(events, async |mut events| {
        let event = events.next().await?;
        Some((Ok::<_, Infallible>(Bytes::from(event)), events))
    });
    Ok(response.streaming(Box::pin(events)))
}

/// Begins to watch. A stream that its client has closed counts until it is written to twice:
/// a page that is loaded again and again would use up all of its user's.
async fn watch(watchers: &Watchers, owner: &OwnerId) -> Result<Watch, TooMany> {
    for _ in 0..PROBES {
        match watchers.watch(owner) {
            Err(TooMany::OfOwner) => watchers.probe(owner),
            watched => return watched,
        }
        tokio::time::sleep(PROBE_INTERVAL).await;
    }
    watchers.watch(owner)
}

fn too_many(too_many: TooMany) -> ApiError {
    match too_many {
        TooMany::OfOwner => ApiError::new(
            Code::TooManyStreams,
            format!("you have {MAX_OF_OWNER} streams here already; close one, or share one among your tabs"),
        )
        .with_header("retry-after", "5"),
        TooMany::OfAll => ApiError::new(
            Code::Overloaded,
            "too many streams are open; try again later, and pull meanwhile",
        )
        .with_header("retry-after", "5"),
    }
}

/// The events of one stream.
struct Events {
    owner: OwnerId,
    watch: Watch,
    /// How far the client was told that the server is.
    reached: Reached,
    next: Next,
    heartbeat: Instant,
    /// When the token would be refused, in seconds since 1970.
    expires_at: f64,
}

/// What comes next.
enum Next {
    /// The begin, with an event.
    First(Cursor),
    /// The begin, of a client that knows how far the server is.
    Retry,
    /// What happens.
    Event,
    /// The end.
    End,
}

impl Events {
    /// The next bytes; none at the end.
    async fn next(&mut self) -> Option<String> {
        match std::mem::replace(&mut self.next, Next::Event) {
            Next::First(cursor) => return Some(format!("{RETRY}{}", self.event(&cursor))),
            Next::Retry => return Some(RETRY.to_owned()),
            Next::Event => {}
            Next::End => return None,
        }
        loop {
            // Whoever connects again is told to begin anew.
            let is_reset = self.watch.resets.has_changed().unwrap_or(true);
            if is_reset || *self.watch.ending.borrow_and_update() {
                return None;
            }
            let left = self.expires_at - unix_now();
            if left < 0.0 {
                self.next = Next::End;
                return Some("event: token_expired\ndata: {}\n\n".to_owned());
            }
            let reached = *self.watch.reached.borrow_and_update();
            if reached != Reached::default() && reached != self.reached {
                self.reached = reached;
                self.heartbeat = Instant::now() + HEARTBEAT;
                return Some(self.changed());
            }
            let is_probed = self.watch.probes.has_changed().unwrap_or(true);
            if is_probed || Instant::now() >= self.heartbeat {
                self.watch.probes.mark_unchanged();
                self.heartbeat = Instant::now() + HEARTBEAT;
                return Some(":\n\n".to_owned());
            }
            // Just behind the second in which the token is refused. The clock of the wall
            // may jump: it is read again at each heartbeat.
            let left = Duration::from_secs_f64(left.min(HEARTBEAT.as_secs_f64()) + 0.001);
            let wake = self.heartbeat.min(Instant::now() + left);
            // An error means that the other side is gone with the process.
            tokio::select! {
                _ = self.watch.ending.changed() => {}
                _ = self.watch.resets.changed() => return None,
                _ = self.watch.reached.changed() => {}
                _ = self.watch.probes.changed() => self.watch.probes.mark_changed(),
                () = tokio::time::sleep_until(wake) => {}
            }
        }
    }

    fn changed(&self) -> String {
        let cursor = Cursor {
            epoch: self.reached.epoch,
            number: self.reached.number,
            issued: Timestamp::now().utc().timestamp(),
            place: Place::Whole,
        };
        self.event(&cursor)
    }

    fn event(&self, cursor: &Cursor) -> String {
        let cursor = cursor.close(self.owner.as_str());
        format!("event: changed\nid: {cursor}\ndata: {{\"next\":\"{cursor}\"}}\n\n")
    }
}
