//! Owners whose part of the database hangs, as that of a shard whose server is away, get no
//! connection until it responds: others must not wait for them.
//!
//! Whether it hangs is found out by a test, the read of one row by its key, and never
//! concluded from a statement that takes long: that may wait for a lock, or have much to do.
//! Who is suspected, or in doubt and asks again, is tested aside, on one connection for all
//! of them. While somebody is in doubt, all others are tested before each statement, on the
//! connection that they have, and nobody uses pipelines. Else all of this costs a request one
//! atomic load.

use std::collections::{HashSet, VecDeque};
use std::hash::{BuildHasher as _, RandomState};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use diesel::QueryResult;
use diesel::connection::SimpleConnection as _;
use diesel::r2d2::R2D2Connection as _;
use prometheus::IntGauge;

use super::connection::{DbConnection, Generation, Manager};
use super::error::{DbError, RunError};
use super::statement::in_transaction;
use crate::auth::OwnerId;
use crate::settings::Database;

/// A read of one row of an owner by its key, which is there or not.
pub type OwnerTest = fn(&mut DbConnection, &OwnerId) -> QueryResult<()>;

/// How long the database may take for the row of a test, which takes a millisecond.
const LIMIT: Duration = Duration::from_millis(300);

/// How long until a test counts as failed that did not even end by its limit.
pub(super) const STUCK: Duration = Duration::from_millis(600);

/// How long after the last test that failed doubts end.
const WARY: Duration = Duration::from_secs(30);

/// How long the first test that does not even end by its limit holds up others aside; each
/// further one twice as long.
const PAUSE: Duration = Duration::from_secs(5);

/// The max number of owners in doubt that are remembered, as hashes: 1 MB. Others are tested
/// before each statement.
const MAX_OWNERS: usize = 1 << 16;

/// The max number of owners who wait for a test aside. Others ask again.
const MAX_SUSPECTS: usize = 32;

/// Who is in doubt.
pub(super) struct Doubts {
    is_wary: AtomicBool,
    state: Mutex<State>,
    /// With a random key, so that nobody can be put in doubt by a collision.
    hasher: RandomState,
    test: OwnerTest,
    count: IntGauge,
}

#[derive(Default)]
struct State {
    in_doubt: HashSet<u64>,
    until: Option<Instant>,
    suspects: VecDeque<OwnerId>,
    aside: Option<Aside>,
    /// The number of threads that have tested aside, and of those that were given up.
    threads: u64,
    stuck: u32,
}

/// A test aside.
struct Aside {
    thread: u64,
    owner: OwnerId,
    since: Instant,
    /// Not while a connection is opened.
    is_asking: bool,
}

impl Doubts {
    pub fn new(test: OwnerTest) -> prometheus::Result<Self> {
        let count = IntGauge::new(
            "todoward_db_owners_in_doubt",
            "Users for whom the database did not respond, and who get no connection until it does.",
        )?;
        Ok(Self {
            is_wary: AtomicBool::new(false),
            state: Mutex::default(),
            hasher: RandomState::new(),
            test,
            count,
        })
    }

    /// How many owners are in doubt.
    pub fn count(&self) -> &IntGauge {
        &self.count
    }

    /// Whether somebody is in doubt, or was until a short time ago.
    pub fn is_wary(&self) -> bool {
        self.is_wary.load(Ordering::Relaxed)
    }

    pub fn is_in_doubt(&self, owner: &OwnerId) -> bool {
        self.is_wary() && self.state().in_doubt.contains(&self.key(owner))
    }

    /// Refuses an owner in doubt, who is tested aside then.
    pub fn check(&self, owner: &OwnerId) -> Result<(), DbError> {
        match self.is_in_doubt(owner) {
            true => {
                self.suspect(owner);
                Err(hangs())
            }
            false => Ok(()),
        }
    }

    /// Has an owner tested aside, whose statement was late.
    pub fn suspect(&self, owner: &OwnerId) {
        let mut state = self.state();
        let suspects = &mut state.suspects;
        if suspects.len() < MAX_SUSPECTS && !suspects.contains(owner) {
            suspects.push_back(owner.clone());
        }
    }

    /// The same, before all others.
    pub fn suspect_first(&self, owner: &OwnerId) {
        let mut state = self.state();
        state.suspects.retain(|other| other != owner);
        state.suspects.push_front(owner.clone());
        state.suspects.truncate(MAX_SUSPECTS);
    }

    /// Tests an owner on a connection. They are in doubt from now on if the database does not
    /// respond, and no longer if it does.
    ///
    /// # Errors
    ///
    /// The connection is lost.
    pub fn test(&self, conn: &mut DbConnection, owner: &OwnerId) -> Result<bool, RunError> {
        let responds = responds(conn, owner, self.test)?;
        match responds {
            true => self.clear(owner),
            false => self.doubt(owner),
        }
        Ok(responds)
    }

    /// Puts an owner in doubt.
    pub fn doubt(&self, owner: &OwnerId) {
        self.put_in_doubt(&mut self.state(), owner);
    }

    fn put_in_doubt(&self, state: &mut State, owner: &OwnerId) {
        if state.until.replace(Instant::now() + WARY).is_none() {
            log::warn!("the database does not respond for some users; others are served");
        }
        if state.in_doubt.len() < MAX_OWNERS {
            state.in_doubt.insert(self.key(owner));
        }
        self.count_in(state);
        self.is_wary.store(true, Ordering::Relaxed);
    }

    fn clear(&self, owner: &OwnerId) {
        if self.is_wary() {
            let mut state = self.state();
            state.in_doubt.remove(&self.key(owner));
            self.count_in(&state);
        }
    }

    fn count_in(&self, state: &State) {
        self.count
            .set(i64::try_from(state.in_doubt.len()).unwrap_or(i64::MAX));
    }

    fn expire(&self, state: &mut State, now: Instant) {
        if state.until.is_some_and(|until| until <= now) {
            log::info!("the database was not found to hang for any user any more");
            (state.until, state.stuck) = (None, 0);
            state.in_doubt.clear();
            self.count_in(state);
            self.is_wary.store(false, Ordering::Relaxed);
        }
    }

    /// Ends doubts that are old, and has those tested who are suspected. To be called some
    /// times a second.
    pub fn look_after(self: &Arc<Self>, database: &Database) {
        let now = Instant::now();
        let mut state = self.state();
        self.expire(&mut state, now);
        let took = |aside: &Aside| now.saturating_duration_since(aside.since);
        let is_stuck = |aside: &&mut Aside| aside.is_asking && took(aside) > STUCK;
        if let Some(aside) = state.aside.as_mut().filter(is_stuck) {
            // Once, so that doubts can end while its connection hangs for ever.
            aside.is_asking = false;
            let owner = aside.owner.clone();
            self.put_in_doubt(&mut state, &owner);
        }
        let Some(first) = state.suspects.front().cloned() else {
            return;
        };
        if let Some(aside) = &state.aside {
            if took(aside) <= PAUSE * (1 << state.stuck) {
                return;
            }
            state.stuck = (state.stuck + 1).min(16);
        }
        let suspects = std::mem::take(&mut state.suspects);
        state.threads += 1;
        let thread = state.threads;
        state.aside = Some(Aside {
            owner: first,
            since: now,
            is_asking: false,
            thread,
        });
        let (doubts, database) = (Arc::clone(self), database.clone());
        let run = move || {
            doubts.test_all(&database, &suspects, thread);
            let mut state = doubts.state();
            state.aside.take_if(|aside| aside.thread == thread);
        };
        let started = std::thread::Builder::new()
            .name("db-test".into())
            .spawn(run);
        if let Err(error) = started {
            log::error!(cause:% = error; "no thread can be started");
            state.aside = None;
        }
    }

    /// Tests owners on a connection of its own, until this takes so long that another thread
    /// goes on.
    fn test_all(&self, database: &Database, owners: &VecDeque<OwnerId>, thread: u64) {
        // All of the database may be away.
        let Ok(mut conn) = Manager::new(database, Generation::default()).open() else {
            return;
        };
        for owner in owners {
            match &mut self.state().aside {
                Some(aside) if aside.thread == thread => {
                    (aside.owner, aside.since) = (owner.clone(), Instant::now());
                    aside.is_asking = true;
                }
                Some(_) | None => return,
            }
            if self.test(&mut conn, owner).is_err() {
                return;
            }
        }
    }

    fn key(&self, owner: &OwnerId) -> u64 {
        self.hasher.hash_one(owner)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a request is told whose owner is in doubt. It was not begun.
pub(super) fn hangs() -> DbError {
    DbError::Unavailable("the database does not respond for this user".into())
}

/// Whether the part of the database that has an owner's rows responds. An error is a response,
/// but for that of the time limit.
fn responds(conn: &mut DbConnection, owner: &OwnerId, test: OwnerTest) -> Result<bool, RunError> {
    // That of locks does not reach a server behind this one: who waits for a lock here is told
    // so in time, and who hangs there is not.
    let limit = LIMIT.as_millis();
    let limits = format!(
        "SET LOCAL statement_timeout = {limit}; SET LOCAL lock_timeout = {}",
        limit / 2
    );
    let mut begun = Instant::now();
    let read = in_transaction(conn, |conn| {
        conn.batch_execute(&limits)?;
        begun = Instant::now();
        test(conn, owner)
    });
    let took = begun.elapsed();
    match read {
        Err(error) if conn.is_broken() || conn.ping().is_err() => Err(error.into()),
        Err(_) => Ok(took < LIMIT),
        Ok(()) => Ok(true),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::{Policy, Verifier, sign_hs256, unix_now};
    use crate::settings::Secret;

    /// An owner can be created from a token only.
    fn owner(name: &str) -> OwnerId {
        let secret = Secret::parse("a secret of the tests, 0123456789 abcdef").unwrap();
        let token = sign_hs256(&secret, name, 60, &Policy::default()).unwrap();
        let verifier = Verifier::new(&[secret], Policy::default());
        verifier.verify(&token, unix_now()).unwrap().owner().clone()
    }

    #[test]
    fn who_is_in_doubt_is_refused_until_nobody_was_found_to_hang_for_long() {
        let doubts = Doubts::new(|_, _| Ok(())).unwrap();
        let (alice, bob) = (owner("alice"), owner("bob"));
        assert!(doubts.check(&alice).is_ok());
        doubts.doubt(&alice);
        assert!(doubts.check(&alice).is_err() && doubts.check(&bob).is_ok());
        assert_eq!(doubts.state().suspects, std::slice::from_ref(&alice));
        let now = Instant::now();
        doubts.expire(&mut doubts.state(), now);
        assert!(doubts.is_in_doubt(&alice) && doubts.is_wary());
        assert_eq!(doubts.count().get(), 1);
        doubts.expire(&mut doubts.state(), now + WARY);
        assert!(doubts.check(&alice).is_ok() && !doubts.is_wary());
        assert_eq!(doubts.count().get(), 0);
        assert!(doubts.state().in_doubt.is_empty());
    }

    #[test]
    fn few_wait_for_a_test_each_of_them_once_and_who_holds_others_up_first() {
        let doubts = Doubts::new(|_, _| Ok(())).unwrap();
        let owners: Vec<OwnerId> = (0..MAX_SUSPECTS + 8)
            .map(|n| owner(&n.to_string()))
            .collect();
        for owner in owners.iter().chain(&owners) {
            doubts.suspect(owner);
        }
        assert_eq!(doubts.state().suspects, &owners[..MAX_SUSPECTS]);
        doubts.suspect_first(&owners[5]);
        doubts.suspect_first(&owners[MAX_SUSPECTS]);
        let state = doubts.state();
        assert_eq!(state.suspects.len(), MAX_SUSPECTS);
        assert!(
            state
                .suspects
                .iter()
                .take(3)
                .eq([&owners[MAX_SUSPECTS], &owners[5], &owners[0]])
        );
    }
}
