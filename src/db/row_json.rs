//! Rows as JSON (RFC 8259), as responses contain them.
//!
//! Most of the time of a page is spent on its JSON, so rows are written without a
//! serializer, directly from the database's buffers: a serializer would search every
//! field name for characters to escape, and a model would copy every text.

use serde_json::Result;

use crate::auth::OwnerId;
use crate::primitives::id::ResourceId;
use crate::primitives::json_writer;

/// A row as JSON without its owner, which statements do not select: it is the caller.
#[derive(Debug)]
pub struct RowJson {
    id: ResourceId,
    /// The JSON after `owner_id`.
    rest: Vec<u8>,
}

impl RowJson {
    /// `rest` is the JSON after `owner_id`.
    pub fn new(id: ResourceId, rest: Vec<u8>) -> Self {
        Self { id, rest }
    }

    /// The id.
    pub fn id(&self) -> ResourceId {
        self.id
    }

    /// An upper bound of the length in bytes, unless the owner needs escaping.
    pub fn size(&self, owner: &OwnerId) -> usize {
        self.rest.len() + owner.as_str().len() + 64
    }

    /// Appends the whole object to `out`.
    ///
    /// # Errors
    ///
    /// Never fails: the signature is that of all column writers.
    pub fn write(&self, owner: &OwnerId, out: &mut Vec<u8>) -> Result<()> {
        write_id_and_owner(out, self.id, owner)?;
        out.extend_from_slice(&self.rest);
        Ok(())
    }
}

/// Appends the beginning of a row's object: `id` and `owner_id`.
///
/// # Errors
///
/// Never fails: the signature is that of all column writers.
pub fn write_id_and_owner(out: &mut Vec<u8>, id: ResourceId, owner: &OwnerId) -> Result<()> {
    out.extend_from_slice(b"{\"id\":\"");
    out.extend_from_slice(&id.text());
    out.extend_from_slice(b"\",\"owner_id\":");
    json_writer::text(out, owner.as_str())
}
