//! Blocks from and to peers, without a store of one's own.

use futures::TryStreamExt;
use weft_primitives::ContentId;
use weft_store::{
    Block, Bytes, Cid, ContentStore, ContentStoreExt, DagLimits, MAX_BLOCK_BYTES, MemoryStore,
    exchange::{Client, ClientConfig, FetchError, FetchProgress, PeerFailure, Url},
};

use crate::{blocks::to_cid, failure::Failure, store::place::failure};

/// Peers who may have blocks, in the order in which they are asked.
pub struct Peers {
    client: Client,
    urls: Vec<Url>,
}

impl Peers {
    /// Peers by their URLs. Endpoints come from strangers: what is no URL is left out.
    pub fn new(urls: impl IntoIterator<Item = String>) -> Result<Self, Failure> {
        let client = Client::new(ClientConfig::default()).map_err(|error| Failure::Local(error.to_string()))?;
        let mut known: Vec<Url> = Vec::new();
        for url in urls {
            match Url::parse(&url) {
                Ok(url) if !known.contains(&url) => known.push(url),
                Ok(_) => {}
                Err(error) => tracing::debug!(%url, %error, "not a peer's address"),
            }
        }
        Ok(Self { client, urls: known })
    }

    /// Gives a block to the first peer.
    pub async fn give(&self, block: &Block) -> Result<(), PeerFailure> {
        match self.urls.first() {
            Some(url) => self.client.put_block(url, block).await,
            None => Err(PeerFailure::BadAddress),
        }
    }

    /// Gets a block from the first peer that gives it.
    pub async fn get(&self, id: ContentId) -> Result<Bytes, Failure> {
        let cid = to_cid(&id)?;
        let mut tried = Vec::new();
        for url in &self.urls {
            match self.client.get_block(url, &cid).await {
                Ok(block) => return Ok(block.into_data()),
                Err(failure) => tried.push((url.clone(), failure)),
            }
        }
        Err(Failure::Network(FetchError::NotFound { cid, tried }.to_string()))
    }

    /// Gets a file of at most `max_bytes` into memory.
    pub async fn file(&self, id: ContentId, max_bytes: u64) -> Result<Vec<u8>, Failure> {
        let cid = to_cid(&id)?;
        let limits = DagLimits {
            max_bytes,
            ..DagLimits::default()
        };
        // Inner nodes take a little beside the file's own bytes.
        let store = MemoryStore::new(
            max_bytes
                .saturating_add(max_bytes / 8)
                .saturating_add(MAX_BLOCK_BYTES as u64),
        );
        self.fetch_dag(&store, &cid, limits, &mut |_| ()).await?;
        let too_long = || Failure::Network(format!("{id} is longer than {max_bytes} bytes"));
        let most = usize::try_from(max_bytes).unwrap_or(usize::MAX);
        let mut file = Vec::new();
        let mut parts = std::pin::pin!(store.read_file(&cid));
        while let Some(part) = parts.try_next().await.map_err(failure)? {
            if file.len().saturating_add(part.len()) > most {
                return Err(too_long());
            }
            file.extend_from_slice(&part);
        }
        Ok(file)
    }

    /// Brings a file into a store.
    pub async fn fetch_dag(
        &self,
        store: &dyn ContentStore,
        root: &Cid,
        limits: DagLimits,
        progress: &mut (dyn FnMut(&FetchProgress) + Send),
    ) -> Result<(), Failure> {
        match self.client.fetch_dag(store, root, &self.urls, limits, progress).await {
            Ok(_) => Ok(()),
            Err(error @ FetchError::NotFound { .. }) => Err(Failure::Network(error.to_string())),
            Err(FetchError::Store(error)) => Err(failure(error)),
            Err(FetchError::Dag(error)) => Err(Failure::Local(error.to_string())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_of_strangers_are_filtered() {
        let urls = [
            "http://127.0.0.1:1",
            "no url",
            "http://127.0.0.1:1",
            "",
            "http://[::1]:2",
        ];
        let peers = Peers::new(urls.map(str::to_owned)).unwrap();
        assert_eq!(peers.urls.len(), 2);
    }
}
