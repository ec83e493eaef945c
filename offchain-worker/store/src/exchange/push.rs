//! A whole file to one peer that waits for it.

use std::collections::{HashSet, VecDeque};

use cid::Cid;
use reqwest::Url;

use super::client::{Client, PeerFailure};
use crate::{
    block::Block,
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

/// What a push sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pushed {
    /// Blocks that the peer has taken, or had.
    pub blocks: u64,
    /// Their bytes.
    pub bytes: u64,
}

impl Client {
    /// Gives all blocks of the file `root` to `peer`, parents before children:
    /// from a parent the peer learns which children to want.
    pub async fn push_dag(
        &self,
        store: &dyn ContentStore,
        root: &Cid,
        peer: &Url,
        progress: &mut (dyn FnMut(&Pushed) + Send),
    ) -> Result<Pushed, PushError> {
        let mut pushed = Pushed::default();
        let mut seen = HashSet::from([*root]);
        let mut ahead = VecDeque::from([*root]);
        while let Some(cid) = ahead.pop_front() {
            let data = store.get_block(&cid).await?;
            let block = Block::verify(&cid, data).map_err(StoreError::from)?;
            self.put_block(peer, &block).await.map_err(|failure| PushError::Peer {
                peer: Box::new(peer.clone()),
                cid: Box::new(cid),
                failure,
            })?;
            pushed.blocks += 1;
            pushed.bytes += block.data().len() as u64;
            progress(&pushed);
            for child in links_of(&cid, block.data()) {
                if seen.insert(child) {
                    ahead.push_back(child);
                }
            }
        }
        Ok(pushed)
    }
}
