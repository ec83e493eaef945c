//! Answers that are computed but not yet committed, on disk: a crash between the two costs no second computation.
//!
//! One small JSON file a job. The answer itself is in the content store, sealed; here is what the commit needs. Files are
//! written beside their name and renamed, so that what has its name is whole.

use std::{
    fs,
    io::{ErrorKind, Write},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use weft_chain::jobs::Commitment;
use weft_primitives::{ContentId, JobId, device::WrappedKey, json};

use crate::failure::Failure;

/// See the module.
pub struct Journal {
    dir: PathBuf,
}

/// What the commit of a job needs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The job.
    pub job: JobId,
    /// The chain, by its genesis hash: a home directory may meet more than one.
    #[serde(with = "json::hex_bytes")]
    pub genesis: [u8; 32],
    /// The sealed answer.
    pub output: ContentId,
    /// Its commitment.
    #[serde(with = "json::hex_bytes")]
    pub result_hash: [u8; 32],
    /// Its content key, wrapped for the user.
    #[serde(with = "json::hex_bytes")]
    pub output_key: WrappedKey,
    /// Tokens to charge.
    pub used_tokens: u32,
    /// Of an exact job, what commits to each step of the computation. Answers kept by earlier builds have none.
    #[serde(default, with = "json::optional_hex_bytes")]
    pub trace_root: Option<[u8; 32]>,
    /// Of a job that others may challenge, where they find what its trace is made of.
    #[serde(default)]
    pub evidence: Option<ContentId>,
}

impl Entry {
    /// As the chain wants it.
    pub fn commitment(&self) -> Commitment {
        Commitment {
            output: self.output,
            result_hash: self.result_hash,
            output_key: self.output_key,
            used_tokens: self.used_tokens,
            trace_root: self.trace_root,
            evidence: self.evidence,
        }
    }
}

impl Journal {
    /// Opens the directory, making it if needed.
    pub fn open(dir: PathBuf) -> Result<Self, Failure> {
        fs::create_dir_all(&dir)
            .map_err(|error| Failure::local(format_args!("cannot make {}", dir.display()), error))?;
        Ok(Self { dir })
    }

    fn file(&self, genesis: &[u8; 32], job: JobId) -> PathBuf {
        let chain: String = hex::encode(genesis).chars().take(16).collect();
        self.dir.join(format!("{chain}-{job}.json"))
    }

    /// Keeps an answer. It is on disk when this returns.
    pub fn keep(&self, entry: &Entry) -> Result<(), Failure> {
        let path = self.file(&entry.genesis, entry.job);
        let part = path.with_extension("part");
        let text = serde_json::to_vec(entry).map_err(|error| Failure::local("cannot write JSON", error))?;
        let write = || {
            let mut file = fs::File::create(&part)?;
            file.write_all(&text)?;
            file.sync_all()?;
            fs::rename(&part, &path)?;
            sync(&self.dir)
        };
        write().map_err(|error| Failure::local(format_args!("cannot write {}", path.display()), error))
    }

    /// All answers kept for a chain. A file that cannot be read is set aside and reported, as the job can be computed
    /// again.
    pub fn entries(&self, genesis: &[u8; 32]) -> Result<Vec<Entry>, Failure> {
        let failed = |error| Failure::local(format_args!("cannot read {}", self.dir.display()), error);
        let mut entries = Vec::new();
        for file in fs::read_dir(&self.dir).map_err(failed)? {
            let path = file.map_err(failed)?.path();
            if path.extension().is_none_or(|extension| extension != "json") {
                continue;
            }
            let bytes = fs::read(&path).map_err(failed)?;
            match serde_json::from_slice::<Entry>(&bytes) {
                Ok(entry) if entry.genesis == *genesis => entries.push(entry),
                Ok(_) => {}
                Err(error) => {
                    tracing::warn!(file = %path.display(), %error, "set aside: not a kept answer");
                    fs::rename(&path, path.with_extension("damaged")).map_err(failed)?;
                }
            }
        }
        Ok(entries)
    }

    /// Drops an answer that is no longer needed.
    pub fn drop_entry(&self, genesis: &[u8; 32], job: JobId) -> Result<(), Failure> {
        let path = self.file(genesis, job);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Err(Failure::local(format_args!("cannot remove {}", path.display()), error))
            }
            _ => Ok(()),
        }
    }
}

/// A rename is on disk once its directory is.
fn sync(dir: &Path) -> std::io::Result<()> {
    if cfg!(unix) {
        fs::File::open(dir)?.sync_all()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use weft_primitives::ContentCodec;

    fn entry(job: JobId, genesis: u8) -> Entry {
        Entry {
            job,
            genesis: [genesis; 32],
            output: ContentId {
                codec: ContentCodec::Raw,
                sha256: [3; 32],
            },
            result_hash: [4; 32],
            output_key: [5; 80],
            used_tokens: 6,
            trace_root: job.is_multiple_of(2).then_some([7; 32]),
            evidence: None,
        }
    }

    #[test]
    fn answers_survive_a_restart_and_chains_are_kept_apart() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("jobs");
        let journal = Journal::open(path.clone()).unwrap();
        for kept in [entry(1, 7), entry(2, 7), entry(1, 8)] {
            journal.keep(&kept).unwrap();
        }
        journal.drop_entry(&[7; 32], 1).unwrap();
        journal.drop_entry(&[7; 32], 1).unwrap();
        let entries = Journal::open(path).unwrap().entries(&[7; 32]).unwrap();
        assert_eq!(entries, [entry(2, 7)]);
        assert_eq!(entries[0].commitment().trace_root, Some([7; 32]));
    }

    #[test]
    fn an_answer_of_a_build_that_knew_no_traces_has_none() {
        let mut kept = serde_json::to_value(entry(2, 7)).unwrap();
        kept.as_object_mut().unwrap().remove("trace_root").unwrap();
        let read: Entry = serde_json::from_value(kept).unwrap();
        assert_eq!(read.trace_root, None);
    }

    #[test]
    fn a_damaged_file_is_set_aside() {
        let dir = tempfile::tempdir().unwrap();
        let journal = Journal::open(dir.path().to_owned()).unwrap();
        journal.keep(&entry(1, 7)).unwrap();
        fs::write(dir.path().join("x.json"), b"{\"job\":1").unwrap();
        fs::write(dir.path().join("y.part"), b"").unwrap();
        assert_eq!(journal.entries(&[7; 32]).unwrap(), [entry(1, 7)]);
        assert!(dir.path().join("x.damaged").exists());
    }
}
