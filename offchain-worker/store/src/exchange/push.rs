//! A whole file to one peer that waits for it.

use std::collections::{HashSet, VecDeque};

use cid::Cid;
use reqwest::Url;

use super::client::{Client, PeerFailure};
use crate::{
    block::{Block, Codec, codec_of},
    store::{ContentStore, StoreError},
    unixfs::links_of,
};

/// Why a push ended before the peer had the whole file. What it has, it keeps:
/// the next push sends only the rest.
#[derive(Debug, thiserror::Error)]
pub enum PushError {
    /// The peer did not take a block.
    #[error("{peer} did not take block {cid}: {failure}")]
    Peer {
        /// Who.
        peer: Box<Url>,
        /// Which block.
        cid: Box<Cid>,
        /// Why.
        failure: PeerFailure,
    },
    /// A block of the file is not here or cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What a push did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pushed {
    /// Blocks of the file that the peer has now.
    pub blocks: u64,
    /// Their bytes, as far as they were sent.
    pub bytes: u64,
    /// Those of the blocks that the peer had, and that were not sent (leaves) or sent
    /// for their links alone (inner nodes).
    pub present_blocks: u64,
}

impl Client {
    /// Gives all blocks of the file `root` to `peer`, parents before children:
    /// from a parent the peer learns which children to want.
    ///
    /// A push that was cut goes on when it is repeated: where the peer had a parent
    /// already, it is asked for each child first, and given only those that it
    /// lacks.
    pub async fn push_dag(
        &self,
        store: &dyn ContentStore,
        root: &Cid,
        peer: &Url,
        progress: &mut (dyn FnMut(&Pushed) + Send),
    ) -> Result<Pushed, PushError> {
        let mut pushed = Pushed::default();
        let mut seen = HashSet::from([*root]);
        // With each block, whether the peer had its parent.
        let mut ahead = VecDeque::from([(*root, false)]);
        while let Some((cid, had_parent)) = ahead.pop_front() {
            let failed = |failure| PushError::Peer {
                peer: Box::new(peer.clone()),
                cid: Box::new(cid),
                failure,
            };
            let is_leaf = codec_of(&cid).map_err(StoreError::from)? == Codec::Raw;
            if is_leaf && had_parent && self.has_block(peer, &cid).await.map_err(failed)? {
                pushed.blocks += 1;
                pushed.present_blocks += 1;
                progress(&pushed);
                continue;
            }
            let data = store.get_block(&cid).await?;
            let block = Block::verify(&cid, data).map_err(StoreError::from)?;
            let was_new = self.offer_block(peer, &block).await.map_err(failed)?;
            pushed.blocks += 1;
            pushed.bytes += block.data().len() as u64;
            pushed.present_blocks += u64::from(!was_new);
            progress(&pushed);
            for child in links_of(&cid, block.data()) {
                if seen.insert(child) {
                    ahead.push_back((child, !was_new));
                }
            }
        }
        Ok(pushed)
    }
}
