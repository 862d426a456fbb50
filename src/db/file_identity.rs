//! Detects that the SQLite file was removed or replaced while it is open.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// Why a write is refused: its effect would be lost.
pub const REMOVED: &str = "the file of the database was removed or replaced while it was open";

/// A SQLite file, identified by device and inode. A removed or replaced file still
/// accepts writes from the process that has it open, and they are lost when the
/// process ends. A file that was overwritten in place is not detected.
pub struct FileIdentity {
    path: PathBuf,
    opened: OnceLock<(u64, u64)>,
}

impl FileIdentity {
    pub fn new(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            opened: OnceLock::new(),
        }
    }

    /// Whether the path still leads to the same file. The first call that finds a file
    /// records its identity.
    pub fn is_in_place(&self) -> bool {
        use std::os::unix::fs::MetadataExt as _;
        let now = self.path.metadata();
        now.is_ok_and(|now| {
            let now = (now.dev(), now.ino());
            *self.opened.get_or_init(|| now) == now
        })
    }
}
