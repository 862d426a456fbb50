//! Which id an item of a file gets, so that the same file again means the same items.
//!
//! An item that comes without an id of Todoward's gets one that is made of what it is known
//! by: the time of its creation, and a hash for the rest. A second import makes the same
//! hash, and finds the row, without a table of what was imported.

use std::collections::HashMap;

use aws_lc_rs::digest::{Context, SHA256};

use super::super::document::Identity;
use super::super::format::Format;
use super::super::media;
use crate::primitives::id::{ResourceId, Tail};
use crate::primitives::timestamp::Timestamp;

/// Tails in one hash.
const IN_A_HASH: u32 = 3;

/// What an item may be known by in the rows of its owner.
pub struct Candidates {
    /// Its own id.
    id: Option<ResourceId>,
    seed: [u8; 32],
    hash: [u8; 32],
}

impl Candidates {
    /// The tails that it may have there. An id that has ended is never used again, so the
    /// item then has the next of them.
    pub fn tails(&self) -> impl Iterator<Item = Tail> + '_ {
        (0..IN_A_HASH).filter_map(|number| tail(&self.hash, number))
    }

    /// Its own id, if it has one.
    pub fn id(&self) -> Option<ResourceId> {
        self.id
    }

    /// The first id of the item, at a time, that has not ended.
    pub fn free(&self, at: Timestamp, has_ended: impl Fn(ResourceId) -> bool) -> ResourceId {
        if let Some(id) = self.id.filter(|id| !has_ended(*id)) {
            return id;
        }
        let mut hash = self.hash;
        loop {
            for number in 0..IN_A_HASH {
                let id = tail(&hash, number).map(|tail| ResourceId::with_tail(at, tail));
                if let Some(id) = id.filter(|id| !has_ended(*id)) {
                    return id;
                }
            }
            hash = hash_of(&[&self.seed, &hash]);
        }
    }
}

/// Gives the items of a file what they are known by.
pub struct Identities {
    family: &'static str,
    now: Timestamp,
    /// How often an identity has come.
    seen: HashMap<(&'static str, Identity), u64>,
}

impl Identities {
    /// For a file in this format.
    pub fn new(format: Format, now: Timestamp) -> Self {
        Self {
            family: media::name(format),
            now,
            seen: HashMap::new(),
        }
    }

    /// What the next item of a kind is known by. Of several equal ones each is another.
    pub fn next(&mut self, kind: &'static str, identity: &Identity) -> Candidates {
        let seen = self.seen.entry((kind, identity.clone())).or_default();
        let number = *seen;
        *seen += 1;
        let (family, sort, text, id) = match identity {
            // The same in all formats: they are ours.
            Identity::Id(id) => ("", "id", id.to_string(), Some(*id)),
            Identity::Uid(uid) => (self.family, "uid", uid.clone(), None),
            Identity::Content(content) => (self.family, "content", content.clone(), None),
        };
        // An id whose time cannot be is one of another program, as is one that is no
        // version 7: its time is when the row was created.
        let id = id.filter(|id| number == 0 && id.why_not_new(self.now).is_none());
        let number = number.to_be_bytes();
        let parts: [&[u8]; 5] = [
            kind.as_bytes(),
            family.as_bytes(),
            sort.as_bytes(),
            text.as_bytes(),
            &number,
        ];
        let seed = hash_of(&parts);
        Candidates {
            id,
            seed,
            hash: seed,
        }
    }
}

/// A hash of parts that cannot be mistaken for other parts.
fn hash_of(parts: &[&[u8]]) -> [u8; 32] {
    let mut context = Context::new(&SHA256);
    context.update(b"todoward import 1");
    for part in parts {
        context.update(&(part.len() as u64).to_be_bytes());
        context.update(part);
    }
    let mut hash = [0; 32];
    hash.copy_from_slice(context.finish().as_ref());
    hash
}

fn tail(hash: &[u8; 32], number: u32) -> Option<Tail> {
    let begin = usize::try_from(number).ok()? * 10;
    let bytes = hash.get(begin..begin + 10)?;
    Some(Tail::new(bytes.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn uid(uid: &str) -> Identity {
        Identity::Uid(uid.to_owned())
    }

    #[test]
    fn the_same_item_has_the_same_id_in_every_import_and_another_one_another() {
        let now = Timestamp::now();
        let ids = |format| {
            let mut identities = Identities::new(format, now);
            let items = [
                ("task", uid("a")),
                ("task", uid("a")),
                ("list", uid("a")),
                ("task", uid("b")),
                ("task", Identity::Content("a".to_owned())),
            ];
            items.map(|(kind, identity)| identities.next(kind, &identity).free(now, |_| false))
        };
        let first = ids(Format::ICalendar);
        assert_eq!(first, ids(Format::ICalendar));
        let others: HashSet<_> = first.into_iter().chain(ids(Format::Google)).collect();
        assert_eq!(others.len(), 10);
        assert!(first.iter().all(|id| id.created_at() == now));
    }

    #[test]
    fn an_id_of_ours_is_kept_once_and_one_from_the_future_is_another_programs() {
        let now = Timestamp::now();
        let id = ResourceId::generate();
        let mut identities = Identities::new(Format::Ndjson, now);
        let mut next = |id| {
            identities
                .next("task", &Identity::Id(id))
                .free(now, |_| false)
        };
        assert_eq!(next(id), id);
        assert_ne!(next(id), id);
        let far = Timestamp::new(now.utc() + chrono::TimeDelta::days(2));
        let far = ResourceId::with_tail(far, id.tail());
        assert_ne!(next(far), far);
    }

    #[test]
    fn an_id_that_has_ended_is_not_used_again() {
        let now = Timestamp::now();
        let candidates = Identities::new(Format::Google, now).next("task", &uid("a"));
        let mut ended = HashSet::new();
        for round in 0..7 {
            let id = candidates.free(now, |id| ended.contains(&id));
            assert!(ended.insert(id));
            assert_eq!(
                candidates.tails().any(|tail| tail == id.tail()),
                round < IN_A_HASH
            );
        }
    }
}
