//! Why this device has no jobs on a model that it offers: it could not be fetched or loaded. Kept on disk by
//! `weft provider run`, one small file a model, so that `weft provider status` in another process can say it.

use std::{
    collections::BTreeMap,
    fs,
    io::{self, ErrorKind},
    path::PathBuf,
};

use weft_primitives::AssetId;

/// See the module.
pub struct NotReady {
    dir: PathBuf,
}

impl NotReady {
    /// In this directory, which need not exist.
    pub fn at(dir: PathBuf) -> Self {
        Self { dir }
    }

    /// Keeps the reason for a model, in place of what was kept before.
    pub fn keep(&self, model: AssetId, reason: &str) -> io::Result<()> {
        fs::create_dir_all(&self.dir)?;
        fs::write(self.dir.join(model.to_string()), reason)
    }

    /// The model is ready, or no longer wanted.
    pub fn forget(&self, model: AssetId) -> io::Result<()> {
        match fs::remove_file(self.dir.join(model.to_string())) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            done => done,
        }
    }

    /// Nothing is known of any model: the device starts.
    pub fn forget_all(&self) -> io::Result<()> {
        match fs::remove_dir_all(&self.dir) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            done => done,
        }
    }

    /// All that is kept.
    pub fn reasons(&self) -> io::Result<BTreeMap<AssetId, String>> {
        let entries = match fs::read_dir(&self.dir) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(BTreeMap::new()),
            entries => entries?,
        };
        let mut reasons = BTreeMap::new();
        for entry in entries {
            let path = entry?.path();
            let name = path.file_name().and_then(|name| name.to_str());
            if let Some(model) = name.and_then(|name| name.parse().ok()) {
                reasons.insert(model, fs::read_to_string(&path)?);
            }
        }
        Ok(reasons)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_kept_until_the_model_is_ready_or_the_device_starts_anew() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("not-ready");
        let not_ready = NotReady::at(path.clone());
        not_ready.forget(1).unwrap();
        not_ready.forget_all().unwrap();
        assert!(not_ready.reasons().unwrap().is_empty());
        not_ready.keep(1, "no peer").unwrap();
        not_ready.keep(1, "the disk is full").unwrap();
        not_ready.keep(2, "too big").unwrap();
        fs::write(path.join("stray"), "").unwrap();
        let again = NotReady::at(path).reasons().unwrap();
        assert_eq!(
            again,
            [(1, "the disk is full".to_owned()), (2, "too big".to_owned())].into()
        );
        not_ready.forget(1).unwrap();
        assert_eq!(not_ready.reasons().unwrap().len(), 1);
        not_ready.forget_all().unwrap();
        assert!(not_ready.reasons().unwrap().is_empty());
    }
}
