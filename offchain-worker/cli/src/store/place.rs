//! Which store a command means.

use std::{ops::Deref, sync::Arc, time::Duration};

use weft_store::{
    Cid, ContentStore, EmbeddedStore, IpfsConfig, IpfsError, IpfsStore, StoreConfig, StoreError, embedded::Collected,
};

use crate::{blocks::Blocks, failure::Failure, holdings::Holdings, home::Home, node::HomeArgs};

/// Where blocks are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Backend {
    /// The directory `store` of --home.
    Embedded,
    /// A Kubo daemon on this machine.
    Ipfs,
}

/// Which store to use, in a command that needs nothing else of the home directory.
#[derive(Debug, clap::Args)]
pub struct PlaceArgs {
    #[command(flatten)]
    home: HomeArgs,
    #[command(flatten)]
    backend: BackendArgs,
}

/// Which store to use.
#[derive(Debug, clap::Args)]
pub struct BackendArgs {
    /// Where blocks are: in the directory `store` of --home, or in an IPFS daemon (Kubo) on this machine.
    #[arg(long, value_enum, default_value = "embedded")]
    backend: Backend,

    /// The IPFS daemon's API.
    #[arg(
        long,
        env = "WEFT_IPFS_API",
        default_value = "http://127.0.0.1:5001",
        value_name = "URL"
    )]
    api: String,

    /// With --backend ipfs: let the daemon ask its peers for what it does not have, for up to so long. Otherwise what is
    /// not there fails at once.
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=86_400))]
    fetch_timeout: Option<u64>,
}

/// A store that is open.
pub enum Place {
    /// In a directory.
    Embedded(EmbeddedStore),
    /// In a daemon.
    Ipfs(IpfsStore),
}

impl PlaceArgs {
    /// Opens it.
    pub fn open(&self) -> Result<Place, Failure> {
        self.backend.open(&self.home.open()?)
    }

    /// Opens it, with what is written down about it.
    pub fn open_blocks(&self) -> Result<Blocks, Failure> {
        Blocks::open_at(&self.home.open()?, &self.backend)
    }
}

impl BackendArgs {
    /// Who holds what of that store, which need not be open for it.
    pub fn holdings(&self, home: &Home) -> Holdings {
        match self.backend {
            Backend::Embedded => Holdings::embedded(home),
            Backend::Ipfs => Holdings::ipfs(home),
        }
    }

    /// Opens the store that they name; `home` is whose directory it is in, if it is in one.
    pub fn open(&self, home: &Home) -> Result<Place, Failure> {
        match self.backend {
            Backend::Embedded => Place::embedded(home),
            Backend::Ipfs => {
                let config = IpfsConfig {
                    api: self.api.clone(),
                    fetch_timeout: self.fetch_timeout.map(Duration::from_secs),
                    ..IpfsConfig::default()
                };
                let store = IpfsStore::new(&config).map_err(|error| failure(error.into()))?;
                Ok(Place::Ipfs(store))
            }
        }
    }
}

/// What a removal did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Removed {
    /// Blocks are gone.
    Blocks(Collected),
    /// So many pins are gone; a daemon removes blocks at its own time.
    Pins(usize),
}

impl Place {
    /// The directory of `home`.
    pub fn embedded(home: &Home) -> Result<Self, Failure> {
        let store = EmbeddedStore::open(&home.store_dir(), StoreConfig::default()).map_err(failure)?;
        Ok(Self::Embedded(store))
    }

    /// Takes the pins of these away, and removes what nothing else needs.
    pub async fn remove(&self, roots: Vec<Cid>) -> Result<Removed, StoreError> {
        match self {
            Self::Embedded(store) => store.remove(roots).await.map(Removed::Blocks),
            Self::Ipfs(store) => {
                let mut pins = 0;
                for root in roots {
                    pins += usize::from(store.unpin(&root).await?);
                }
                Ok(Removed::Pins(pins))
            }
        }
    }

    /// A handle to the same store.
    pub fn shared(&self) -> Arc<dyn ContentStore> {
        match self {
            Self::Embedded(store) => Arc::new(store.clone()),
            Self::Ipfs(store) => Arc::new(store.clone()),
        }
    }
}

impl Deref for Place {
    type Target = dyn ContentStore;

    fn deref(&self) -> &Self::Target {
        match self {
            Self::Embedded(store) => store,
            Self::Ipfs(store) => store,
        }
    }
}

/// What a store's error is to a command.
pub fn failure(error: StoreError) -> Failure {
    let text = error.to_string();
    match error {
        StoreError::NotFound(_) => Failure::NotFound(text),
        StoreError::Cid(_) | StoreError::Ipfs(IpfsError::Address { .. }) => Failure::Usage(text),
        StoreError::Ipfs(
            IpfsError::Unreachable { .. }
            | IpfsError::CutOff { .. }
            | IpfsError::Timeout { .. }
            | IpfsError::NoProvider { .. }
            | IpfsError::NotIpfs { .. },
        ) => Failure::Network(text),
        StoreError::Ipfs(IpfsError::Incomplete { .. }) => Failure::NotFound(text),
        _ => Failure::Local(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_have_the_exit_codes_of_their_kind() {
        let away = IpfsError::Unreachable {
            api: "http://127.0.0.1:5001".into(),
            reason: "refused".into(),
        };
        let elsewhere = IpfsError::Address {
            api: "http://example".into(),
            reason: "it is not on this machine",
        };
        for (error, code) in [
            (StoreError::Ipfs(away), 5),
            (StoreError::Ipfs(elsewhere), 2),
            (StoreError::InUse("/store".into()), 6),
        ] {
            assert_eq!(failure(error).code(), code);
        }
    }
}
