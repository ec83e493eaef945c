//! Where things lie in the store's directory.

use std::{
    collections::BTreeSet,
    fs::{self, Metadata},
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use cid::Cid;
use tempfile::TempPath;

use super::io_error;
use crate::{
    block::parse_cid,
    direct::{Buffers, write_part},
    store::StoreError,
};

const BLOCKS: &str = "blocks";
const PINS: &str = "pins";
const PARTS: &str = "parts";
const QUARANTINE: &str = "quarantine";

pub(super) struct Layout {
    root: PathBuf,
    buffers: Arc<Buffers>,
}

impl Layout {
    /// Makes the directories that are not there yet.
    pub fn create(root: &Path) -> Result<Self, StoreError> {
        for name in [BLOCKS, PINS, PARTS, QUARANTINE] {
            let dir = root.join(name);
            fs::create_dir_all(&dir).map_err(|e| io_error(&dir, e))?;
        }
        Ok(Self {
            root: root.to_owned(),
            buffers: Arc::default(),
        })
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    pub fn lock_file(&self) -> PathBuf {
        self.root.join("lock")
    }

    pub fn block(&self, cid: &Cid) -> PathBuf {
        let name = cid.to_string();
        self.root.join(BLOCKS).join(shard_of(&name)).join(name)
    }

    pub fn pin(&self, cid: &Cid) -> PathBuf {
        self.pins_dir().join(cid.to_string())
    }

    pub fn pins_dir(&self) -> PathBuf {
        self.root.join(PINS)
    }

    pub fn quarantined(&self, cid: &Cid) -> PathBuf {
        self.root.join(QUARANTINE).join(cid.to_string())
    }

    /// Makes the directory of a block's file. Returns the directories that have to be
    /// synced to make a name in it last: also the one above, as it may be another
    /// task that made the directory just now.
    pub fn make_shard(&self, block: &Path) -> Result<[PathBuf; 2], StoreError> {
        let blocks = self.root.join(BLOCKS);
        let shard = block.parent().unwrap_or(&blocks).to_owned();
        match fs::create_dir(&shard) {
            Err(e) if e.kind() != io::ErrorKind::AlreadyExists => Err(io_error(&shard, e)),
            _ => Ok([blocks, shard]),
        }
    }

    /// A file with these bytes, which are on the disk; gone unless it is renamed.
    pub fn write_part(&self, data: &[u8]) -> Result<TempPath, StoreError> {
        let parts = self.root.join(PARTS);
        write_part(&parts, data, &self.buffers).map_err(|e| io_error(&parts, e))
    }

    /// For blocks that are read and written.
    pub fn buffers(&self) -> &Arc<Buffers> {
        &self.buffers
    }

    /// Removes what a process that was killed left behind.
    pub fn clear_parts(&self) -> Result<(), StoreError> {
        let parts = self.root.join(PARTS);
        for path in entries(&parts)? {
            fs::remove_file(&path).map_err(|e| io_error(&path, e))?;
        }
        Ok(())
    }

    pub fn pinned(&self) -> Result<BTreeSet<Cid>, StoreError> {
        Ok(entries(&self.pins_dir())?
            .iter()
            .filter_map(|path| named_cid(path))
            .collect())
    }

    /// Calls `visit` with every block. Files that are no blocks are passed over.
    pub fn for_each_block(
        &self,
        visit: &mut dyn FnMut(Cid, &Path, &Metadata) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        for shard in entries(&self.root.join(BLOCKS))? {
            if !shard.is_dir() {
                continue;
            }
            for path in entries(&shard)? {
                let Some(cid) = named_cid(&path) else {
                    continue;
                };
                let metadata = fs::metadata(&path).map_err(|e| io_error(&path, e))?;
                visit(cid, &path, &metadata)?;
            }
        }
        Ok(())
    }
}

/// The end of a CID is its most even part; its very last character has only
/// three bits.
fn shard_of(name: &str) -> &str {
    let end = name.len().saturating_sub(1);
    name.get(end.saturating_sub(2)..end).unwrap_or("_")
}

fn named_cid(path: &Path) -> Option<Cid> {
    let name = path.file_name()?.to_str()?;
    // Another spelling of a CID is not where we would look for it.
    parse_cid(name).ok().filter(|cid| cid.to_string() == name)
}

fn entries(dir: &Path) -> Result<Vec<PathBuf>, StoreError> {
    fs::read_dir(dir)
        .and_then(|entries| entries.map(|e| e.map(|e| e.path())).collect())
        .map_err(|e| io_error(dir, e))
}
