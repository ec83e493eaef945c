//! Which store a command means.

use std::{ops::Deref, sync::Arc, time::Duration};

use weft_store::{ContentStore, EmbeddedStore, IpfsConfig, IpfsError, IpfsStore, StoreConfig, StoreError};

use crate::{failure::Failure, node::HomeArgs};

/// Where blocks are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Backend {
    /// The directory `store` of --home.
    Embedded,
    /// A Kubo daemon on this machine.
    Ipfs,
}

/// Which store to use.
#[derive(Debug, clap::Args)]
pub struct PlaceArgs {
    #[command(flatten)]
    home: HomeArgs,

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
        match self.backend {
            Backend::Embedded => {
                let dir = self.home.open()?.store_dir();
                let store = EmbeddedStore::open(&dir, StoreConfig::default()).map_err(failure)?;
                Ok(Place::Embedded(store))
            }
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

impl Place {
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
