//! Removing what no pin leads to.

use std::{collections::HashSet, fs, io, sync::PoisonError, time::SystemTime};

use cid::Cid;

use super::{Inner, io_error};
use crate::{
    block::{Codec, codec_of},
    store::StoreError,
    unixfs::links_of,
};

/// What a collection removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Collected {
    /// Blocks removed.
    pub blocks: u64,
    /// Their bytes.
    pub bytes: u64,
}

impl Inner {
    /// Takes the pins of `roots` away, and removes what they alone led to.
    pub(super) fn remove(&self, roots: &[Cid]) -> Result<Collected, StoreError> {
        let _alone = self.removal.write().unwrap_or_else(PoisonError::into_inner);
        for root in roots {
            self.unpin(root)?;
        }
        let kept = self.reachable(self.pins()?)?;
        let mut collected = Collected::default();
        for cid in self.reachable(roots.iter().copied())?.difference(&kept) {
            let path = self.layout.block(cid);
            let bytes = match fs::metadata(&path) {
                Ok(metadata) => metadata.len(),
                Err(e) if e.kind() == io::ErrorKind::NotFound => continue,
                Err(e) => return Err(io_error(&path, e)),
            };
            fs::remove_file(&path).map_err(|e| io_error(&path, e))?;
            self.release(bytes);
            collected.blocks += 1;
            collected.bytes = collected.bytes.saturating_add(bytes);
        }
        Ok(collected)
    }

    pub(super) fn collect_garbage(&self, before: SystemTime) -> Result<Collected, StoreError> {
        // Alone: a block that is put again meanwhile could otherwise be removed
        // right after it was found to be here.
        let _alone = self.removal.write().unwrap_or_else(PoisonError::into_inner);
        let kept = self.reachable(self.pins()?)?;
        let mut collected = Collected::default();
        self.layout.for_each_block(&mut |cid, path, metadata| {
            // Without a time it may be new.
            let old = metadata.modified().is_ok_and(|time| time < before);
            if !old || kept.contains(&cid) {
                return Ok(());
            }
            fs::remove_file(path).map_err(|e| io_error(path, e))?;
            self.release(metadata.len());
            collected.blocks += 1;
            collected.bytes = collected.bytes.saturating_add(metadata.len());
            Ok(())
        })?;
        Ok(collected)
    }

    /// All that these lead to. A node that is missing or damaged leads nowhere:
    /// what was below it is not a whole file any more.
    fn reachable(&self, roots: impl IntoIterator<Item = Cid>) -> Result<HashSet<Cid>, StoreError> {
        let mut ahead: Vec<Cid> = roots.into_iter().collect();
        let mut seen = HashSet::new();
        while let Some(cid) = ahead.pop() {
            if !seen.insert(cid) || codec_of(&cid)? == Codec::Raw {
                continue;
            }
            let path = self.layout.block(&cid);
            match self.read_verified(&path, &cid) {
                Ok(Some(block)) => ahead.extend(links_of(&cid, &block)),
                Ok(None) | Err(StoreError::NotFound(_)) => {}
                Err(e) => return Err(e),
            }
        }
        Ok(seen)
    }
}
