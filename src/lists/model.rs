//! A list: its fields and its columns.

use chrono::NaiveDateTime;
use serde_json::Result;

use super::fields::{Color, Name};
use crate::auth::OwnerId;
use crate::db::id::DbId;
use crate::db::order::{Arranged, Order};
use crate::db::owned::Owned;
use crate::db::owned_table::owned_table;
use crate::primitives::id::ResourceId;
use crate::primitives::json_writer as write;
use crate::primitives::position;
use crate::primitives::timestamp::Timestamp;

/// A list. Its creation time is the time in its id.
#[derive(Debug, Clone, PartialEq)]
pub struct List {
    /// A UUID version 7; unique within the owner's lists.
    pub id: ResourceId,
    /// The user that the list belongs to.
    pub owner_id: OwnerId,
    /// The name, which other lists may have, too.
    pub name: Name,
    /// The color.
    pub color: Option<Color>,
    /// A mark of the owner's, which changes nothing else.
    pub archived: bool,
    /// Where it stands among the owner's lists, if it was ever moved.
    pub position: Option<String>,
    /// 1, then one more at each change.
    pub version: i64,
    /// The time of the last change.
    pub updated_at: Timestamp,
    /// When it went to the trash.
    pub deleted_at: Option<Timestamp>,
}

owned_table! {
    lists: ListRow, ListFields, ListDerived;
    columns {
        name: String => write::text;
        color: Option<String> => write::nullable_text;
        archived: bool => write::flag, then position;
        position: Option<String>;
        version: i64 => write::number, then created_at;
        updated_at: NaiveDateTime => write::instant;
        deleted_at: Option<NaiveDateTime> => write::nullable_instant;
    }
    derived by derive {}
}

fn derive(_: &ListFields<'_>) -> ListDerived {
    ListDerived {}
}

/// Writes `created_at`, which is the time in the id and has no column.
fn created_at(out: &mut Vec<u8>, fields: &ListFields<'_>) -> Result<()> {
    out.extend_from_slice(b",\"created_at\":");
    write::timestamp(out, fields.id.0.created_at())
}

/// The place among the lists: that of the id, unless it was moved.
fn position(out: &mut Vec<u8>, fields: &ListFields<'_>) -> Result<()> {
    out.extend_from_slice(b",\"position\":");
    position::write_json(out, fields.id.0, fields.position)
}

impl Owned for List {
    type Row = ListRow;

    fn from_fields(fields: &ListFields<'_>, owner: &OwnerId) -> Self {
        Self {
            id: fields.id.0,
            owner_id: owner.clone(),
            name: Name::from_column(fields.name.to_owned()),
            color: fields.color.map(str::to_owned).map(Color::from_column),
            archived: fields.archived,
            position: fields.position.map(str::to_owned),
            version: fields.version,
            updated_at: Timestamp::of_column(fields.updated_at),
            deleted_at: fields.deleted_at.map(Timestamp::of_column),
        }
    }

    fn owner(&self) -> &OwnerId {
        &self.owner_id
    }

    fn id(&self) -> DbId {
        DbId(self.id)
    }

    fn version(&self) -> i64 {
        self.version
    }

    fn fields(&self) -> ListFields<'_> {
        ListFields {
            id: DbId(self.id),
            name: self.name.as_str(),
            color: self.color.as_ref().map(Color::as_str),
            archived: self.archived,
            position: self.position.as_deref(),
            version: self.version,
            updated_at: self.updated_at.column(),
            deleted_at: self.deleted_at.map(Timestamp::column),
        }
    }
}

impl List {
    /// It in its next version.
    pub fn changed(&self, now: Timestamp) -> Self {
        Self {
            version: self.version.saturating_add(1),
            updated_at: now,
            ..self.clone()
        }
    }
}

impl Arranged for List {
    fn position(&self) -> Option<&str> {
        self.position.as_deref()
    }

    fn moved_to(&self, position: String, now: Timestamp) -> Self {
        Self {
            position: Some(position),
            ..self.changed(now)
        }
    }
}

/// All live lists of an owner.
#[derive(Debug, Clone, Copy)]
pub struct AllLists;

impl Order for AllLists {
    type Row = List;

    fn shared(self) -> Vec<(&'static str, Option<DbId>)> {
        Vec::new()
    }
}
