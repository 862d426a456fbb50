//! How far an owner's changes have come, and which cursors still hold.
//!
//! Invariant: a cursor holds only if all changes after its number can still be read, and
//! those up to it are the ones that its client has seen. A restore or a failover may have
//! lost some and given their numbers again; the epochs tell.

use diesel::prelude::*;

use super::cursor::{Cursor, Place};
use super::repository::TABLES;
use crate::auth::OwnerId;
use crate::db::assembled::has_rows;
use crate::db::connection::DbConnection;
use crate::db::numbering::NOBODY;
use crate::db::schema::{epochs, owners};
use crate::primitives::timestamp::Timestamp;

/// How far an owner's changes have come.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Head {
    /// The number of the last change; 0 if there is none.
    pub number: i64,
    /// What ended up to this number may be forgotten.
    forgotten: i64,
    /// The epochs with the number before the first of each, the last one first.
    epochs: Vec<(i64, i64)>,
    /// Of an owner who has nothing: the number of nobody's. Reading writes nothing then.
    nothing: Option<i64>,
}

impl Head {
    /// Reads it. It is read before the rows: what is numbered in between has a later
    /// number, and so is left for the next page.
    pub fn read(conn: &mut DbConnection, owner: &OwnerId) -> QueryResult<Self> {
        let row = owners::table
            .filter(owners::owner_id.eq(owner.as_str()))
            .select((owners::last_change, owners::forgotten));
        let row: Option<(i64, Option<i64>)> = row.first(conn).optional()?;
        let Some((number, forgotten)) = row else {
            let nothing = match has_rows(conn, owner.as_str(), TABLES)? {
                true => None,
                false => Some(number_of_nobody(conn)?),
            };
            return Ok(Self {
                nothing,
                ..Self::default()
            });
        };
        let epochs = epochs::table
            .filter(epochs::owner_id.eq(owner.as_str()))
            .order(epochs::after_change.desc())
            .select((epochs::epoch, epochs::after_change));
        let mut epochs: Vec<(i64, i64)> = epochs.load(conn)?;
        // Noted since the number was read.
        epochs.retain(|(_, after)| *after < number);
        Ok(Self {
            number,
            forgotten: forgotten.unwrap_or(0),
            epochs,
            nothing: None,
        })
    }

    /// Whether the owner is to be followed from now on: nobody does yet, and there is something.
    /// Without an epoch a cursor could not tell whether changes were lost.
    pub fn is_to_be_followed(&self) -> bool {
        self.epochs.is_empty() && self.nothing.is_none()
    }

    /// The cursor of a client that has read everything.
    pub fn cursor(&self) -> Cursor {
        self.cursor_at(self.number, Place::Whole)
    }

    /// A cursor that is issued now, in the epoch of its number.
    pub fn cursor_at(&self, number: i64, place: Place) -> Cursor {
        let (number, place) = match self.nothing {
            Some(nothing) if place == Place::Whole => (nothing, Place::Nothing),
            Some(_) | None => (number, place),
        };
        let began = |(_, after): &&(i64, i64)| *after < number;
        let epoch = self.epochs.iter().find(began).or(self.epochs.last());
        Cursor {
            epoch: epoch.map_or(0, |(epoch, _)| *epoch),
            number,
            issued: Timestamp::now().utc().timestamp(),
            place,
        }
    }

    /// Whether whoever goes on from a cursor misses nothing. The head was read before.
    ///
    /// # Errors
    ///
    /// The database failed.
    pub fn goes_on_from(&self, conn: &mut DbConnection, cursor: &Cursor) -> QueryResult<bool> {
        match cursor.place {
            Place::Nothing => Ok(self.forgotten == 0 && number_of_nobody(conn)? == cursor.number),
            Place::Whole | Place::Within(..) | Place::Snapshot(..) => Ok(self.holds(cursor)),
        }
    }

    fn holds(&self, cursor: &Cursor) -> bool {
        let number = cursor.number;
        // Within a change there is more of it to read.
        let has_read = match cursor.place {
            Place::Within(..) => number - 1,
            Place::Whole | Place::Snapshot(..) | Place::Nothing => number,
        };
        if number > self.number || has_read < self.forgotten {
            return false;
        }
        let own = self.epochs.iter().find(|(epoch, _)| *epoch == cursor.epoch);
        let Some((_, begin)) = own else {
            // Issued where nothing can be written, so that no epoch was noted. Of an owner who
            // has nothing any more it would not tell that what it knows was erased.
            return cursor.epoch == 0 && self.epochs.is_empty() && self.nothing.is_none();
        };
        // Another epoch began before the number: what the client has seen from there on
        // was lost.
        let interrupts = |(epoch, after): &(i64, i64)| {
            *epoch != cursor.epoch && (*begin..number).contains(after)
        };
        *begin <= number && !self.epochs.iter().any(interrupts)
    }
}

/// The number that the cursors of owners who have nothing hold with.
fn number_of_nobody(conn: &mut DbConnection) -> QueryResult<i64> {
    let number = owners::table.filter(owners::owner_id.eq(NOBODY));
    let number = number.select(owners::last_change).first(conn).optional()?;
    Ok(number.unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::super::cursor::Kind;
    use super::*;
    use crate::primitives::id::ResourceId;

    fn head(number: i64, forgotten: i64, epochs: &[(i64, i64)]) -> Head {
        Head {
            number,
            forgotten,
            epochs: epochs.to_vec(),
            nothing: None,
        }
    }

    fn at(epoch: i64, number: i64) -> Cursor {
        Cursor {
            epoch,
            number,
            issued: 0,
            place: Place::Whole,
        }
    }

    #[test]
    fn a_cursor_holds_within_its_epoch_and_up_to_the_begin_of_the_next() {
        // Epoch 1 made the changes 1 to 10, epoch 2 those from 11 on.
        let head = head(15, 0, &[(2, 10), (1, 0)]);
        for number in 0..=10 {
            assert!(head.holds(&at(1, number)), "{number}");
        }
        for number in 11..=20 {
            assert!(!head.holds(&at(1, number)), "{number} was lost");
        }
        for number in 10..=15 {
            assert!(head.holds(&at(2, number)), "{number}");
        }
        assert!(!head.holds(&at(2, 9)), "before its epoch");
        assert!(!head.holds(&at(2, 16)), "ahead");
        assert!(!head.holds(&at(3, 5)), "of an unknown epoch");
    }

    #[test]
    fn a_cursor_within_a_change_ends_when_the_rest_of_it_is_forgotten() {
        let head = head(15, 7, &[(1, 0)]);
        let within = |number| Cursor {
            place: Place::Within(Kind::GoneTask, ResourceId::generate()),
            ..at(1, number)
        };
        assert!(head.holds(&at(1, 7)));
        assert!(!head.holds(&within(7)));
        assert!(head.holds(&within(8)));
    }

    #[test]
    fn a_cursor_without_an_epoch_ends_when_its_owner_has_nothing_any_more() {
        let nothing = Head {
            nothing: Some(1 << 32),
            ..Head::default()
        };
        assert!(head(0, 0, &[]).holds(&at(0, 0)));
        assert!(!nothing.holds(&at(0, 0)));
    }

    #[test]
    fn each_cursor_that_is_issued_holds() {
        let head = head(15, 0, &[(3, 12), (2, 10), (1, 3)]);
        for number in 4..=15 {
            let cursor = head.cursor_at(number, Place::Whole);
            assert!(head.holds(&cursor), "{number}");
        }
    }

    #[test]
    fn a_lost_change_stays_lost_when_later_epochs_begin() {
        // Epoch 1 came to 100, of which 90 were left; 2 and 3 followed.
        let head = head(130, 0, &[(3, 120), (2, 90), (1, 0)]);
        assert!(head.holds(&at(1, 90)));
        assert!(!head.holds(&at(1, 100)));
        assert!(head.holds(&at(2, 100)));
    }

    #[test]
    fn what_is_forgotten_cannot_be_read_any_more() {
        let head = head(15, 5, &[(1, 0)]);
        assert!(!head.holds(&at(1, 4)));
        assert!(head.holds(&at(1, 5)));
    }
}
