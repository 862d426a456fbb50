//! Whose rows this process has written, and who waits to be told how far an owner's
//! changes have come.
//!
//! What they are told is a hint: the last number, read after the commit. Writers never
//! wait for it.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, watch};

use crate::auth::OwnerId;

/// The max number of watches of one owner, and of all, in this process.
pub const MAX_OF_OWNER: usize = 10;
pub const MAX: usize = 10_000;

/// The max number of owners whose writes are remembered. Beyond it a change is found
/// by whoever looks for changes without a number.
const MAX_WRITTEN: usize = 4096;

/// How far an owner's changes have come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Reached {
    /// The epoch of the last change.
    pub epoch: i64,
    /// Its number.
    pub number: i64,
}

/// The watches of a process.
#[derive(Clone, Default)]
pub struct Watchers(Arc<Shared>);

#[derive(Default)]
struct Shared {
    owners: Mutex<HashMap<OwnerId, Entry>>,
    count: AtomicUsize,
    written: Mutex<HashSet<OwnerId>>,
    was_written: Notify,
    ending: watch::Sender<bool>,
}

struct Entry {
    reached: watch::Sender<Reached>,
    /// Changes when what was told before is no longer so.
    resets: watch::Sender<()>,
    /// Changes when it is asked who is still there.
    probes: watch::Sender<()>,
    watches: usize,
}

/// Why there is no watch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TooMany {
    OfOwner,
    OfAll,
}

/// The right to be told; dropping it gives it back.
pub struct Watch {
    watchers: Watchers,
    owner: OwnerId,
    /// How far the owner's changes have come.
    pub reached: watch::Receiver<Reached>,
    /// Changes when everything that the owner had was erased, or given away.
    pub resets: watch::Receiver<()>,
    /// Changes when it is to be found out whether the client is still there.
    pub probes: watch::Receiver<()>,
    /// True when the process stops.
    pub ending: watch::Receiver<bool>,
}

impl Watchers {
    /// Begins to watch an owner's changes.
    ///
    /// # Errors
    ///
    /// There are too many.
    pub fn watch(&self, owner: &OwnerId) -> Result<Watch, TooMany> {
        let mut owners = self.owners();
        if self.0.count.load(Ordering::Relaxed) >= MAX {
            return Err(TooMany::OfAll);
        }
        let entry = owners.entry(owner.clone()).or_insert_with(|| Entry {
            reached: watch::Sender::default(),
            resets: watch::Sender::default(),
            probes: watch::Sender::default(),
            watches: 0,
        });
        if entry.watches >= MAX_OF_OWNER {
            return Err(TooMany::OfOwner);
        }
        entry.watches += 1;
        self.0.count.fetch_add(1, Ordering::Relaxed);
        Ok(Watch {
            watchers: self.clone(),
            owner: owner.clone(),
            reached: entry.reached.subscribe(),
            resets: entry.resets.subscribe(),
            probes: entry.probes.subscribe(),
            ending: self.0.ending.subscribe(),
        })
    }

    /// Asks all who watch an owner whether they are still there.
    pub fn probe(&self, owner: &OwnerId) {
        if let Some(entry) = self.owners().get(owner) {
            entry.probes.send_replace(());
        }
    }

    /// The number of watches.
    pub fn count(&self) -> usize {
        self.0.count.load(Ordering::Relaxed)
    }

    /// Says that rows of an owner were written.
    pub fn written(&self, owner: &OwnerId) {
        let mut written = self.owners_written();
        if written.len() < MAX_WRITTEN && !written.contains(owner) {
            written.insert(owner.clone());
            self.0.was_written.notify_one();
        }
    }

    /// Waits until rows of an owner were written.
    pub async fn wait(&self) {
        self.0.was_written.notified().await;
    }

    /// The owners whose rows were written since the last call.
    pub fn take_written(&self) -> Vec<OwnerId> {
        self.owners_written().drain().collect()
    }

    /// The owners who are watched.
    pub fn watched(&self) -> Vec<OwnerId> {
        self.owners().keys().cloned().collect()
    }

    /// Whether somebody watches an owner.
    pub fn is_watched(&self, owner: &OwnerId) -> bool {
        self.owners().contains_key(owner)
    }

    fn owners_written(&self) -> MutexGuard<'_, HashSet<OwnerId>> {
        self.0
            .written
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells those who watch an owner how far its changes have come.
    pub fn tell(&self, owner: &OwnerId, reached: Reached) {
        let owners = self.owners();
        let Some(entry) = owners.get(owner) else {
            return;
        };
        entry.reached.send_if_modified(|known| {
            let is_new = *known != reached;
            *known = reached;
            is_new
        });
    }

    /// Says that everything which an owner had was erased, or given away: whoever watches is
    /// to begin anew.
    pub fn reset(&self, owner: &OwnerId) {
        if let Some(entry) = self.owners().get(owner) {
            entry.reached.send_replace(Reached::default());
            entry.resets.send_replace(());
        }
    }

    /// Says that an owner has no row any more. If there was one, another process has erased
    /// or given away what the owner had.
    pub fn is_gone(&self, owner: &OwnerId) {
        let had_one = |entry: &Entry| *entry.reached.borrow() != Reached::default();
        let is_reset = self.owners().get(owner).is_some_and(had_one);
        if is_reset {
            self.reset(owner);
        }
    }

    /// Ends all watches, and those that begin later.
    pub fn end(&self) {
        self.0.ending.send_replace(true);
    }

    fn owners(&self) -> MutexGuard<'_, HashMap<OwnerId, Entry>> {
        self.0.owners.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let mut owners = self.watchers.owners();
        if let Some(entry) = owners.get_mut(&self.owner) {
            entry.watches -= 1;
            if entry.watches == 0 {
                owners.remove(&self.owner);
            }
        }
        self.watchers.0.count.fetch_sub(1, Ordering::Relaxed);
    }
}
