//! The cursors of changes: how far a client has read.

use crate::primitives::cursor::Seal;
use crate::primitives::id::ResourceId;
use crate::primitives::timestamp::Timestamp;

/// What a cursor of changes is sealed as: no list of tasks or lists has this name.
const CHANGES: &str = "changes";

/// How far a client has read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    /// The epoch of the number.
    pub epoch: i64,
    /// All changes up to this one have been read, or those of a snapshot that began here.
    pub number: i64,
    /// When it was issued, in seconds since 1970.
    pub issued: i64,
    pub place: Place,
}

/// Where in a page sequence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// After all rows of the change.
    Whole,
    /// Within the rows of the next change, after this one.
    Within(Kind, ResourceId),
    /// In the snapshot of all rows, after this one.
    Snapshot(Kind, ResourceId),
    /// Before everything: the owner had nothing. The number is nobody's.
    Nothing,
}

/// The kinds of items, in the order in which the items of one change stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    List,
    Task,
    GoneList,
    GoneTask,
}

impl Kind {
    const ALL: [Self; 4] = [Self::List, Self::Task, Self::GoneList, Self::GoneTask];

    /// Of what ended: the kind, by the name of its table.
    pub fn of_gone(table: &str) -> Self {
        match table {
            "lists" => Self::GoneList,
            _ => Self::GoneTask,
        }
    }
}

impl Cursor {
    /// As clients hold it.
    pub fn close(&self, owner: &str) -> String {
        let mut bytes = Vec::with_capacity(41);
        for number in [self.epoch, self.number, self.issued] {
            bytes.extend(number.to_be_bytes());
        }
        let (way, place) = match &self.place {
            Place::Whole => (0, None),
            Place::Within(kind, id) => (1, Some((kind, id))),
            Place::Snapshot(kind, id) => (2, Some((kind, id))),
            Place::Nothing => (3, None),
        };
        bytes.push(way);
        if let Some((kind, id)) = place {
            bytes.push(*kind as u8);
            bytes.extend(id.as_bytes());
        }
        seal(owner).close(&bytes)
    }

    /// None if it was not issued for the changes of this owner.
    pub fn open(text: &str, owner: &str) -> Option<Self> {
        let bytes = seal(owner).open(text)?;
        let (numbers, rest) = bytes.split_at_checked(24)?;
        let number = |at: usize| {
            let bytes = numbers.get(at * 8..at * 8 + 8)?;
            Some(i64::from_be_bytes(bytes.try_into().ok()?)).filter(|number| *number >= 0)
        };
        let (way, rest) = rest.split_first()?;
        let row = || {
            let (kind, id) = rest.split_first()?;
            let kind = Kind::ALL.get(usize::from(*kind))?;
            Some((*kind, ResourceId::from_bytes(id.try_into().ok()?)))
        };
        let place = match way {
            0 if rest.is_empty() => Place::Whole,
            1 => row().map(|(kind, id)| Place::Within(kind, id))?,
            2 => row()
                .filter(|(kind, _)| *kind <= Kind::Task)
                .map(|(kind, id)| Place::Snapshot(kind, id))?,
            3 if rest.is_empty() => Place::Nothing,
            _ => return None,
        };
        Some(Self {
            epoch: number(0)?,
            number: number(1)?,
            issued: number(2)?,
            place,
        })
    }

    /// Whether two cursors are equally far, whenever they were issued.
    pub fn is_as_far_as(&self, other: &Self) -> bool {
        (self.epoch, self.number, &self.place) == (other.epoch, other.number, &other.place)
    }

    /// Whether it was issued more than so many days ago.
    pub fn is_older_than(&self, days: u32, now: Timestamp) -> bool {
        now.utc().timestamp() - self.issued > i64::from(days) * 86_400
    }
}

fn seal(owner: &str) -> Seal<'_> {
    Seal {
        owner,
        list: CHANGES,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cursor(place: Place) -> Cursor {
        Cursor {
            epoch: 7,
            number: 42,
            issued: 1_000_000,
            place,
        }
    }

    #[test]
    fn every_cursor_comes_back_as_it_was() {
        let alice = "alice";
        let id = ResourceId::generate();
        let mut places = vec![Place::Whole, Place::Nothing];
        places.extend(Kind::ALL.map(|kind| Place::Within(kind, id)));
        places.extend([Kind::List, Kind::Task].map(|kind| Place::Snapshot(kind, id)));
        for place in places {
            let cursor = cursor(place);
            let text = cursor.close(alice);
            assert_eq!(Cursor::open(&text, alice), Some(cursor));
            assert_eq!(Cursor::open(&text, "bob"), None);
            for at in 0..text.len() {
                assert_eq!(Cursor::open(&text[..at], alice), None);
            }
        }
    }

    #[test]
    fn a_cursor_with_a_right_checksum_and_wrong_contents_is_none() {
        let alice = "alice";
        let whole = |tail: &[u8]| [&[0; 24], tail].concat();
        let negative = [&[255; 8][..], &[0; 17]].concat();
        let gone_in_snapshot = whole(&[&[2, 3][..], &[0; 16]].concat());
        for bytes in [
            vec![],
            whole(&[]),
            whole(&[3, 0]),
            whole(&[4]),
            whole(&[0, 0]),
            whole(&[1]),
            whole(&[1, 9]),
            whole(&[&[1, 9][..], &[0; 16]].concat()),
            gone_in_snapshot,
            negative,
        ] {
            let text = seal(alice).close(&bytes);
            assert_eq!(Cursor::open(&text, alice), None, "{bytes:?}");
        }
    }
}
