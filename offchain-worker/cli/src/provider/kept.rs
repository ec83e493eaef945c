//! Answers that can still be challenged, on disk: what it takes to compute them again and to answer for them, until the chain has paid
//! them or says otherwise. A restart, or the loss of the model's cache, loses none.
//!
//! One file a job. Files are written beside their name and renamed, so that what has its name is whole.

use std::{
    fs,
    io::{ErrorKind, Write},
    path::PathBuf,
};

use codec::{Decode, DecodeAll, Encode};
use weft_disputes::ShownSketch;
use weft_primitives::{AssetId, JobId};

use crate::failure::Failure;

/// See the module.
#[derive(Clone, Debug)]
pub struct KeptAnswers {
    dir: PathBuf,
}

/// What a dispute about an answer needs.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct KeptAnswer {
    /// The job.
    pub job: JobId,
    /// The chain, by its genesis hash: a home directory may meet more than one.
    pub genesis: [u8; 32],
    /// The model.
    pub model: AssetId,
    /// For each text of the job, what its trace is made of.
    pub shown: Vec<ShownSketch>,
}

impl KeptAnswers {
    /// Opens the directory, making it if needed.
    pub fn open(dir: PathBuf) -> Result<Self, Failure> {
        fs::create_dir_all(&dir)
            .map_err(|error| Failure::local(format_args!("cannot make {}", dir.display()), error))?;
        Ok(Self { dir })
    }

    fn file(&self, genesis: &[u8; 32], job: JobId) -> PathBuf {
        let chain: String = hex::encode(genesis).chars().take(16).collect();
        self.dir.join(format!("{chain}-{job}.answer"))
    }

    /// Keeps an answer. It is on disk when this returns.
    pub fn keep(&self, kept: &KeptAnswer) -> Result<(), Failure> {
        let path = self.file(&kept.genesis, kept.job);
        let part = path.with_extension("part");
        let write = || {
            let mut file = fs::File::create(&part)?;
            file.write_all(&kept.encode())?;
            file.sync_all()?;
            fs::rename(&part, &path)?;
            if cfg!(unix) {
                fs::File::open(&self.dir)?.sync_all()?;
            }
            Ok::<_, std::io::Error>(())
        };
        write().map_err(|error| Failure::local(format_args!("cannot write {}", path.display()), error))
    }

    /// The answer of a job, if it is kept. One that is damaged is set aside.
    pub fn of(&self, genesis: &[u8; 32], job: JobId) -> Result<Option<KeptAnswer>, Failure> {
        let path = self.file(genesis, job);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Failure::local(format_args!("cannot read {}", path.display()), error)),
        };
        match KeptAnswer::decode_all(&mut bytes.as_slice()) {
            Ok(kept) if kept.genesis == *genesis && kept.job == job => Ok(Some(kept)),
            _ => {
                tracing::warn!(file = %path.display(), "set aside: not a kept answer");
                let aside = fs::rename(&path, path.with_extension("damaged"));
                aside.map_err(|error| Failure::local(format_args!("cannot rename {}", path.display()), error))?;
                Ok(None)
            }
        }
    }

    /// The jobs of a chain whose answers are kept, in no order.
    pub fn jobs(&self, genesis: &[u8; 32]) -> Result<Vec<JobId>, Failure> {
        let chain: String = hex::encode(genesis).chars().take(16).collect();
        let failed = |error| Failure::local(format_args!("cannot read {}", self.dir.display()), error);
        let mut jobs = Vec::new();
        for file in fs::read_dir(&self.dir).map_err(failed)? {
            let name = file.map_err(failed)?.file_name();
            let name = name.to_string_lossy();
            let job: Option<JobId> = name
                .strip_suffix(".answer")
                .and_then(|name| name.strip_prefix(&chain)?.strip_prefix('-')?.parse().ok());
            jobs.extend(job);
        }
        Ok(jobs)
    }

    /// Drops an answer that nobody can challenge any more.
    pub fn drop_answer(&self, genesis: &[u8; 32], job: JobId) -> Result<(), Failure> {
        let path = self.file(genesis, job);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Err(Failure::local(format_args!("cannot remove {}", path.display()), error))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(job: JobId, genesis: u8) -> KeptAnswer {
        KeptAnswer {
            job,
            genesis: [genesis; 32],
            model: 4,
            shown: Vec::new(),
        }
    }

    #[test]
    fn answers_are_kept_until_they_are_dropped_and_chains_are_kept_apart() {
        let dir = tempfile::tempdir().unwrap();
        let answers = KeptAnswers::open(dir.path().join("kept")).unwrap();
        for answer in [kept(1, 7), kept(12, 7), kept(1, 8)] {
            answers.keep(&answer).unwrap();
        }
        let again = KeptAnswers::open(dir.path().join("kept")).unwrap();
        let mut jobs = again.jobs(&[7; 32]).unwrap();
        jobs.sort_unstable();
        assert_eq!(jobs, [1, 12]);
        assert_eq!(again.of(&[7; 32], 12).unwrap(), Some(kept(12, 7)));
        assert_eq!(again.of(&[9; 32], 12).unwrap(), None);
        again.drop_answer(&[7; 32], 12).unwrap();
        again.drop_answer(&[7; 32], 12).unwrap();
        assert_eq!(again.of(&[7; 32], 12).unwrap(), None);
        assert_eq!(again.of(&[8; 32], 1).unwrap(), Some(kept(1, 8)));
    }

    #[test]
    fn a_damaged_file_is_set_aside() {
        let dir = tempfile::tempdir().unwrap();
        let answers = KeptAnswers::open(dir.path().to_owned()).unwrap();
        answers.keep(&kept(3, 7)).unwrap();
        fs::write(answers.file(&[7; 32], 3), b"?").unwrap();
        assert_eq!(answers.of(&[7; 32], 3).unwrap(), None);
        assert_eq!(answers.jobs(&[7; 32]).unwrap(), [0u64; 0]);
    }
}
