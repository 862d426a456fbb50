//! Rows as JSON (RFC 8259), for every response that has some.
//!
//! A page is little else, so rows are written by hand, and straight from where they
//! lie: a serializer looks through each name for what needs an escape, each time,
//! and a model copies texts that are then read once.

use serde_json::Result;

use crate::auth::OwnerId;
use crate::primitives::id::ResourceId;
use crate::primitives::json_writer;

/// A row that is written already, but for its owner: no row names the owner, who
/// was asked for.
#[derive(Debug)]
pub struct RowJson {
    id: ResourceId,
    /// All behind the owner.
    rest: Vec<u8>,
}

impl RowJson {
    /// Of what was written behind the owner.
    pub fn new(id: ResourceId, rest: Vec<u8>) -> Self {
        Self { id, rest }
    }

    /// Its id.
    pub fn id(&self) -> ResourceId {
        self.id
    }

    /// How long it is, or a little more, in bytes.
    pub fn size(&self, owner: &OwnerId) -> usize {
        self.rest.len() + owner.as_str().len() + 64
    }

    /// Appends the whole object to `out`.
    ///
    /// # Errors
    ///
    /// None: it is only the writer's type that has them.
    pub fn write(&self, owner: &OwnerId, out: &mut Vec<u8>) -> Result<()> {
        write_id_and_owner(out, self.id, owner)?;
        out.extend_from_slice(&self.rest);
        Ok(())
    }
}

/// Appends what every object of a row begins with.
///
/// # Errors
///
/// None: it is only the writer's type that has them.
pub fn write_id_and_owner(out: &mut Vec<u8>, id: ResourceId, owner: &OwnerId) -> Result<()> {
    out.extend_from_slice(b"{\"id\":\"");
    out.extend_from_slice(&id.text());
    out.extend_from_slice(b"\",\"owner_id\":");
    json_writer::text(out, owner.as_str())
}
