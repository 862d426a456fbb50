//! How far an owner's changes have come, and which cursors still hold.
//!
//! Invariant: a cursor holds only if all changes after its number can still be read, and
//! those up to it are the ones that its client has seen. A restore or a failover may have
//! lost some and given their numbers again; the epochs tell.

use diesel::prelude::*;

use super::cursor::{Cursor, Place};
use crate::auth::OwnerId;
use crate::db::change::change_rows;
use crate::db::connection::DbConnection;
use crate::db::error::{Verdict, verdict};
use crate::db::schema::{epochs, owners};
use crate::db::statement::{Access, Failure, Statement};
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
}

impl Head {
    /// Reads it. It is read before the rows: what is committed in between has a later
    /// number, and so is left for the next page.
    pub fn read(conn: &mut DbConnection, owner: &OwnerId) -> QueryResult<Self> {
        let row = owners::table
            .filter(owners::owner_id.eq(owner.as_str()))
            .select((owners::last_change, owners::forgotten));
        let row: Option<(i64, Option<i64>)> = row.first(conn).optional()?;
        let Some((number, forgotten)) = row else {
            return Ok(Self::default());
        };
        let epochs = epochs::table
            .filter(epochs::owner_id.eq(owner.as_str()))
            .order(epochs::after_change.desc())
            .select((epochs::epoch, epochs::after_change));
        let mut epochs: Vec<(i64, i64)> = epochs.load(conn)?;
        // Noted by a change that was committed since the number was read.
        epochs.retain(|(_, after)| *after < number);
        Ok(Self {
            number,
            forgotten: forgotten.unwrap_or(0),
            epochs,
        })
    }

    /// Reads it, and notes an epoch if there is none: without one a cursor could not tell
    /// whether writes were lost. In a database that nobody may write to, nothing is lost.
    pub fn read_or_begin(conn: &mut DbConnection, owner: &OwnerId) -> Result<Self, Failure> {
        let head = Self::read(conn, owner)?;
        if !head.epochs.is_empty() {
            return Ok(head);
        }
        let begun = change_rows(conn, owner, |_, change| {
            change.number();
            Ok(())
        });
        match begun {
            Ok(()) => Ok(Self::read(conn, owner)?),
            Err(Failure::Database(error)) if is_refused(&error) => Ok(head),
            Err(failure) => Err(failure),
        }
    }

    /// The cursor of a client that has read everything.
    pub fn cursor(&self) -> Cursor {
        self.cursor_at(self.number, Place::Whole)
    }

    /// A cursor that is issued now.
    pub fn cursor_at(&self, number: i64, place: Place) -> Cursor {
        Cursor {
            epoch: self.epochs.first().map_or(0, |(epoch, _)| *epoch),
            number,
            issued: Timestamp::now().utc().timestamp(),
            place,
        }
    }

    /// Whether whoever goes on from a cursor misses nothing.
    pub fn holds(&self, cursor: &Cursor) -> bool {
        let number = cursor.number;
        if number > self.number || number < self.forgotten {
            return false;
        }
        let own = self.epochs.iter().find(|(epoch, _)| *epoch == cursor.epoch);
        let Some((_, begin)) = own else {
            return cursor.epoch == 0 && self.epochs.is_empty();
        };
        // Another epoch began before the number: what the client has seen from there on
        // was lost.
        let interrupts = |(epoch, after): &(i64, i64)| {
            *epoch != cursor.epoch && (*begin..number).contains(after)
        };
        *begin <= number && !self.epochs.iter().any(interrupts)
    }
}

/// Whether the database can be read and not written to. SQLite's error for that is one
/// of many.
fn is_refused(error: &diesel::result::Error) -> bool {
    matches!(verdict(error), Verdict::ReadOnly | Verdict::Refused)
}

/// Reads how far the owner's changes have come.
pub struct ReadHead;

impl Statement for ReadHead {
    type Output = Head;
    const ACCESS: Access = Access::Read;

    fn run(&self, conn: &mut DbConnection, owner: &OwnerId) -> Result<Head, Failure> {
        Head::read_or_begin(conn, owner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(number: i64, forgotten: i64, epochs: &[(i64, i64)]) -> Head {
        Head {
            number,
            forgotten,
            epochs: epochs.to_vec(),
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
