//! What in the store is kept for what, so that it can go once nothing needs it any more.
//!
//! The store knows pins, and not why they are there. Here each root is written down with its holders: an asset that was
//! published from this home, a deal that is paid for keeping it, a licence that was bought. What the ledger does not name
//! is never released: somebody pinned it by hand.

mod ledger;

use std::{
    fs::{self, File, TryLockError},
    io::{self, Write},
    path::{Path, PathBuf},
    time::Duration,
};

pub use ledger::{Holder, Ledger};

use crate::{failure::Failure, home::Home};

/// Between two tries to have the ledger alone.
const TRY_AGAIN: Duration = Duration::from_millis(20);

/// The ledger of a home directory. Processes that share the home take turns.
#[derive(Clone, Debug)]
pub struct Holdings {
    path: PathBuf,
}

/// The ledger while nobody else changes it.
pub struct Open {
    /// What it says.
    pub ledger: Ledger,
    path: PathBuf,
    /// The lock is the open file's, and ends with it.
    _lock: File,
}

impl Holdings {
    /// Of the store in the directory of `home`.
    pub fn embedded(home: &Home) -> Self {
        Self {
            path: home.holdings_file(),
        }
    }

    /// Of what this home keeps in an IPFS daemon.
    pub fn ipfs(home: &Home) -> Self {
        Self {
            path: home.ipfs_holdings_file(),
        }
    }

    /// Waits for its turn, and reads the ledger. One that is damaged is an error: guessing could remove what is needed.
    pub async fn open(&self) -> Result<Open, Failure> {
        let failed = |error: io::Error| self.failed(error);
        let lock = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(self.path.with_extension("lock"))
            .map_err(failed)?;
        loop {
            match lock.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) => tokio::time::sleep(TRY_AGAIN).await,
                Err(TryLockError::Error(error)) => return Err(failed(error)),
            }
        }
        Ok(Open {
            ledger: self.read()?,
            path: self.path.clone(),
            _lock: lock,
        })
    }

    /// What the ledger says now.
    pub fn read(&self) -> Result<Ledger, Failure> {
        let text = match fs::read_to_string(&self.path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(self.failed(error)),
        };
        Ledger::parse(&text).map_err(|line| {
            self.failed(format_args!(
                "it is damaged at `{line}`; nothing is removed by itself before you mend or remove it"
            ))
        })
    }

    fn failed(&self, error: impl std::fmt::Display) -> Failure {
        Failure::local(format_args!("cannot use {}", self.path.display()), error)
    }
}

impl Open {
    /// Writes the ledger as it is now, whole or not at all.
    pub fn write(&self) -> Result<(), Failure> {
        let part = self.path.with_extension("part");
        let written = || {
            let mut file = File::create(&part)?;
            file.write_all(self.ledger.to_string().as_bytes())?;
            file.sync_all()?;
            fs::rename(&part, &self.path)?;
            sync_directory(&self.path)
        };
        written().map_err(|error| Failure::local(format_args!("cannot write {}", self.path.display()), error))
    }
}

/// A name is on the disk once its directory is.
fn sync_directory(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(directory) if cfg!(unix) => File::open(directory)?.sync_all(),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::blocks::to_content_id;
    use weft_store::{Block, Bytes};

    #[tokio::test]
    async fn what_is_written_is_read_by_the_next_and_damage_is_no_empty_ledger() {
        let dir = tempfile::tempdir().unwrap();
        let home = Home::open(Some(dir.path().to_owned())).unwrap();
        let holdings = Holdings::embedded(&home);
        let root = to_content_id(Block::raw(Bytes::from_static(b"a")).unwrap().cid()).unwrap();
        let mut open = holdings.open().await.unwrap();
        open.ledger.hold(Holder::Asset(3), [root]);
        open.write().unwrap();
        let waiting = tokio::spawn({
            let holdings = holdings.clone();
            async move { holdings.open().await.map(|open| open.ledger) }
        });
        tokio::time::sleep(TRY_AGAIN * 3).await;
        assert!(!waiting.is_finished(), "one at a time");
        let written = open.ledger.clone();
        drop(open);
        assert_eq!(waiting.await.unwrap().unwrap(), written);

        fs::write(home.holdings_file(), "asset:3 nonsense\n").unwrap();
        let error = holdings.read().unwrap_err().to_string();
        assert!(error.contains("nonsense") && error.contains("holdings"), "{error}");
    }
}
