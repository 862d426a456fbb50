//! Whether the file of SQLite is still where it was opened.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// Why a write is refused whose effect nobody would find again.
pub const REMOVED: &str = "the file of the database was removed or replaced while it was open";

/// A file of SQLite, by what it is and not by its name: a file that was removed
/// or replaced goes on taking writes, and they are gone with the process. One that
/// was overwritten is the same file, and nothing tells that.
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

    /// Asked for the first time once the file is there, it remembers which.
    pub fn is_in_place(&self) -> bool {
        use std::os::unix::fs::MetadataExt as _;
        let now = self.path.metadata();
        now.is_ok_and(|now| {
            let now = (now.dev(), now.ino());
            *self.opened.get_or_init(|| now) == now
        })
    }
}
