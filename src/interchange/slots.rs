//! How many imports there are at once: each has a whole file in memory.
//!
//! Of one user at most two, of which one works while the other arrives, so that neither
//! plans with what the other is writing. Of all at most eight, of which two work.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::auth::OwnerId;

/// The max number of imports of one user.
pub const MAX_OF_OWNER: usize = 2;

/// The max number of imports of all users.
pub const MAX: usize = 8;

/// While so many are taken, each user has at most one: few accounts that send slowly do not
/// keep all others out.
const SCARCE: usize = MAX / 2;

/// How many of them work at once.
const WORKING: usize = 2;

/// The imports of a process.
#[derive(Clone)]
pub struct Slots(Arc<Shared>);

struct Shared {
    owners: Mutex<HashMap<OwnerId, Entry>>,
    working: Arc<Semaphore>,
}

struct Entry {
    imports: usize,
    turn: Arc<Semaphore>,
}

/// Why there is no slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TooMany {
    OfOwner,
    OfAll,
}

/// The right to read a file; dropping it gives it back.
pub struct Slot {
    slots: Slots,
    owner: OwnerId,
    turn: Arc<Semaphore>,
}

/// The right to work on it.
pub struct Turn {
    _of_owner: OwnedSemaphorePermit,
    _of_all: OwnedSemaphorePermit,
    _slot: Slot,
}

impl Default for Slots {
    fn default() -> Self {
        Self(Arc::new(Shared {
            owners: Mutex::default(),
            working: Arc::new(Semaphore::new(WORKING)),
        }))
    }
}

impl Slots {
    /// Begins an import.
    ///
    /// # Errors
    ///
    /// There are too many.
    pub fn take(&self, owner: &OwnerId) -> Result<Slot, TooMany> {
        let mut owners = self.owners();
        let of_all: usize = owners.values().map(|entry| entry.imports).sum();
        let of_owner = owners.get(owner).map_or(0, |entry| entry.imports);
        if of_owner >= MAX_OF_OWNER {
            return Err(TooMany::OfOwner);
        }
        let has_enough = of_all >= SCARCE && of_owner > 0;
        if of_all >= MAX || has_enough {
            return Err(TooMany::OfAll);
        }
        let entry = owners.entry(owner.clone()).or_insert_with(|| Entry {
            imports: 0,
            turn: Arc::new(Semaphore::new(1)),
        });
        entry.imports += 1;
        Ok(Slot {
            slots: self.clone(),
            owner: owner.clone(),
            turn: Arc::clone(&entry.turn),
        })
    }

    fn owners(&self) -> MutexGuard<'_, HashMap<OwnerId, Entry>> {
        self.0.owners.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Slot {
    /// Waits until it may work. None if the process ends.
    pub async fn turn(self) -> Option<Turn> {
        let of_owner = Arc::clone(&self.turn).acquire_owned().await.ok()?;
        let working = Arc::clone(&self.slots.0.working);
        let of_all = working.acquire_owned().await.ok()?;
        Some(Turn {
            _of_owner: of_owner,
            _of_all: of_all,
            _slot: self,
        })
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut owners = self.slots.owners();
        if let Some(entry) = owners.get_mut(&self.owner) {
            entry.imports -= 1;
            if entry.imports == 0 {
                owners.remove(&self.owner);
            }
        }
    }
}
