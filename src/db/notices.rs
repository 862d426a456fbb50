//! Notices between replicas: whose changes have got new numbers. They are hints.
//!
//! Here is what is to be sent and what was heard; `pipelines::listener` carries it, where
//! PostgreSQL can. Where there are no notices, whoever waits for changes asks more often.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aws_lc_rs::digest::{SHA256, digest};
use tokio::sync::Notify;

use crate::auth::OwnerId;

/// The max number of owners that are remembered, of those to send and of those heard of.
/// What is beyond is found without notices.
const MAX_REMEMBERED: usize = 4096;

/// What is sent for an owner: whoever may connect to the database can listen, and must
/// not learn who its users are.
type Hash = u64;

/// The length of one in hexadecimal digits.
#[cfg(feature = "postgres")]
const DIGITS: usize = 16;

/// The notices of a process.
#[derive(Clone, Default)]
pub struct Notices(Arc<Shared>);

#[derive(Default)]
struct Shared {
    wanted: Notify,
    to_send: Mutex<HashSet<Hash>>,
    has_to_send: Notify,
    heard: Mutex<HashSet<Hash>>,
    was_heard: Notify,
    is_listening: AtomicBool,
}

impl Notices {
    /// Says that somebody is to be notified, or waits for notices: before that no connection
    /// is opened.
    pub fn want(&self) {
        self.0.wanted.notify_one();
    }

    /// Notifies other processes that these owners' changes have come further, soon. Nobody
    /// waits for it.
    pub fn send(&self, owners: &[OwnerId]) {
        if owners.is_empty() {
            return;
        }
        let mut to_send = lock(&self.0.to_send);
        let free = MAX_REMEMBERED.saturating_sub(to_send.len());
        to_send.extend(owners.iter().take(free).map(hash));
        self.0.has_to_send.notify_one();
        self.want();
    }

    /// Whether this process hears of what others number.
    pub fn are_heard(&self) -> bool {
        self.0.is_listening.load(Ordering::Relaxed)
    }

    /// Waits until there is a notice of another process.
    pub async fn wait(&self) {
        self.0.was_heard.notified().await;
    }

    /// Those of these owners of whom there was a notice since the last call.
    pub fn take(&self, owners: Vec<OwnerId>) -> Vec<OwnerId> {
        let heard = std::mem::take(&mut *lock(&self.0.heard));
        let is_heard = |owner: &OwnerId| heard.contains(&hash(owner));
        owners.into_iter().filter(is_heard).collect()
    }
}

/// For whoever carries the notices.
#[cfg(feature = "postgres")]
impl Notices {
    /// Waits until somebody wants them.
    pub async fn are_wanted(&self) {
        self.0.wanted.notified().await;
    }

    /// Says whether this process hears of what others number.
    pub fn listens(&self, is_listening: bool) {
        self.0.is_listening.store(is_listening, Ordering::Relaxed);
    }

    /// Waits until there is something to send.
    pub async fn has_to_send(&self) {
        self.0.has_to_send.notified().await;
    }

    /// The texts of what is to be sent, each for at most so many owners.
    pub fn take_texts(&self, max_owners: usize) -> Vec<String> {
        let hashes: Vec<Hash> = lock(&self.0.to_send).drain().collect();
        let digits = |hash: &Hash| format!("{hash:0DIGITS$x}");
        let text = |hashes: &[Hash]| hashes.iter().map(digits).collect();
        hashes.chunks(max_owners).map(text).collect()
    }

    /// Hears a text of another process. What is not one says nothing.
    pub fn hear(&self, text: &str) {
        let hashes = text.as_bytes().chunks(DIGITS);
        let hashes =
            hashes.filter_map(|hash| Hash::from_str_radix(str::from_utf8(hash).ok()?, 16).ok());
        let mut heard = lock(&self.0.heard);
        let free = MAX_REMEMBERED.saturating_sub(heard.len());
        heard.extend(hashes.take(free));
        self.0.was_heard.notify_one();
    }
}

fn lock(hashes: &Mutex<HashSet<Hash>>) -> MutexGuard<'_, HashSet<Hash>> {
    hashes.lock().unwrap_or_else(PoisonError::into_inner)
}

fn hash(owner: &OwnerId) -> Hash {
    let hash = digest(&SHA256, owner.as_str().as_bytes());
    let first = hash.as_ref().iter().take(size_of::<Hash>());
    first.fold(0, |all, byte| all << 8 | Hash::from(*byte))
}
