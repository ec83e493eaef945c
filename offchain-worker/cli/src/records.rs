//! A dataset's records: the lines of its files, and what commits to them.
//!
//! A record is a line without its line break, in the order of the files. Anyone who has a record and its proof can hold it
//! to the root that the dataset was published with, without having the dataset.

use std::{
    fs::File,
    io::{BufRead, BufReader},
    path::Path,
};

use serde::{Deserialize, Serialize};
use weft_merkle::{Digest, Proof};

use crate::failure::Failure;

/// The longest record, in bytes.
const MAX_RECORD_BYTES: usize = 1 << 20;

/// A record with its proof, as it is handed to somebody who doubts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sample {
    /// Always the same text.
    pub form: String,
    /// Its place among the records, from 0.
    pub index: u64,
    /// How many records there are.
    pub count: u64,
    /// The record.
    pub record: String,
    /// Hexadecimal digests from the leaf upwards.
    pub siblings: Vec<String>,
}

/// The form of a sample.
const FORM: &str = "weft/sample/1";

/// Why a sample does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unsound {
    /// Of a later weft.
    #[error("the sample has a form that this build does not know: upgrade weft")]
    Form,
    /// Not digests.
    #[error("the sample's proof cannot be read: ask for it again")]
    Malformed,
    /// A proof for another tree.
    #[error(
        "the record is not one of the dataset's at this place: whoever gave it has another dataset, or changed the record"
    )]
    NotProved,
}

/// Reads all records, one after the other, and hands each to `each`.
fn read(files: &[impl AsRef<Path>], mut each: impl FnMut(&[u8])) -> Result<(), Failure> {
    for path in files {
        let path = path.as_ref();
        let failed = |error| Failure::local(format_args!("cannot read {}", path.display()), error);
        let mut reader = BufReader::new(File::open(path).map_err(failed)?);
        let mut line = Vec::new();
        loop {
            line.clear();
            let mut bounded = std::io::Read::take(&mut reader, MAX_RECORD_BYTES as u64 + 2);
            if bounded.read_until(b'\n', &mut line).map_err(failed)? == 0 {
                break;
            }
            if line.ends_with(b"\n") {
                line.pop();
            }
            if line.len() > MAX_RECORD_BYTES {
                return Err(Failure::Usage(format!(
                    "{} has a record of more than 1 MiB: a dataset has one record a line",
                    path.display()
                )));
            }
            each(&line);
        }
    }
    Ok(())
}

/// The digests of all records, in order.
pub fn leaves(files: &[impl AsRef<Path>]) -> Result<Vec<Digest>, Failure> {
    let mut leaves = Vec::new();
    read(files, |record| leaves.push(weft_merkle::leaf(record)))?;
    Ok(leaves)
}

/// Record `index` with its proof; `None` if there is no such record.
pub fn sample(files: &[impl AsRef<Path>], index: u64) -> Result<Option<Sample>, Failure> {
    let mut leaves = Vec::new();
    let mut found = None;
    read(files, |record| {
        if leaves.len() as u64 == index {
            found = Some(String::from_utf8(record.to_vec()));
        }
        leaves.push(weft_merkle::leaf(record));
    })?;
    let place = usize::try_from(index).ok();
    let (Some(record), Some(proof)) = (found, place.and_then(|place| weft_merkle::prove(&leaves, place))) else {
        return Ok(None);
    };
    let record =
        record.map_err(|_| Failure::Usage(format!("record {index} is not text: it cannot be shown as JSON")))?;
    Ok(Some(Sample {
        form: FORM.to_owned(),
        index,
        count: proof.count,
        record,
        siblings: proof.siblings.iter().map(hex::encode).collect(),
    }))
}

impl Sample {
    /// Checks that it is one of the records that `root` commits to.
    pub fn check(&self, root: &Digest, count: u64) -> Result<(), Unsound> {
        if self.form != FORM {
            return Err(Unsound::Form);
        }
        let mut siblings = Vec::with_capacity(self.siblings.len());
        for text in &self.siblings {
            let mut digest = [0; 32];
            hex::decode_to_slice(text, &mut digest).map_err(|_| Unsound::Malformed)?;
            siblings.push(digest);
        }
        let proof = Proof {
            index: self.index,
            count: self.count,
            siblings,
        };
        let proved = proof.root(weft_merkle::leaf(self.record.as_bytes()));
        (self.count == count && proved == Some(*root))
            .then_some(())
            .ok_or(Unsound::NotProved)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn dataset(files: &[Vec<String>]) -> (tempfile::TempDir, Vec<std::path::PathBuf>) {
        let dir = tempfile::tempdir().unwrap();
        let paths = files
            .iter()
            .enumerate()
            .map(|(i, lines)| {
                let path = dir.path().join(i.to_string());
                let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
                std::fs::write(&path, text).unwrap();
                path
            })
            .collect();
        (dir, paths)
    }

    proptest! {
        #[test]
        fn every_record_is_proved_and_no_other(
            files in prop::collection::vec(prop::collection::vec("[a-z]{0,8}", 0..6), 1..4), changed in "[A-Z]{1,4}",
        ) {
            let (_dir, paths) = dataset(&files);
            let all: Vec<_> = files.concat();
            let leaves = leaves(&paths).unwrap();
            prop_assert_eq!(leaves.len(), all.len());
            let root = weft_merkle::root(&leaves);
            for (index, record) in all.iter().enumerate() {
                let sample = sample(&paths, index as u64).unwrap().unwrap();
                prop_assert_eq!(&sample.record, record);
                prop_assert_eq!(sample.check(&root, all.len() as u64), Ok(()));
                let lie = Sample { record: changed.clone(), ..sample.clone() };
                prop_assert_eq!(lie.check(&root, all.len() as u64), Err(Unsound::NotProved));
                prop_assert_eq!(sample.check(&root, all.len() as u64 + 1), Err(Unsound::NotProved));
            }
            prop_assert_eq!(sample(&paths, all.len() as u64).unwrap(), None);
        }
    }

    #[test]
    fn a_last_line_without_a_break_is_a_record() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x");
        std::fs::write(&path, "a\nb").unwrap();
        assert_eq!(leaves(&[&path]).unwrap().len(), 2);
        std::fs::write(&path, "").unwrap();
        assert!(leaves(&[&path]).unwrap().is_empty());
    }

    #[test]
    fn a_line_beyond_the_bound_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x");
        std::fs::write(&path, vec![b'a'; MAX_RECORD_BYTES]).unwrap();
        assert_eq!(leaves(&[&path]).unwrap().len(), 1);
        std::fs::write(&path, vec![b'a'; MAX_RECORD_BYTES + 1]).unwrap();
        assert!(matches!(leaves(&[&path]), Err(Failure::Usage(_))));
    }

    #[test]
    fn strange_samples_are_refused() {
        let sample = Sample {
            form: FORM.into(),
            index: 0,
            count: 1,
            record: "a".into(),
            siblings: vec![],
        };
        let root = weft_merkle::root(&[weft_merkle::leaf(b"a")]);
        assert_eq!(sample.check(&root, 1), Ok(()));
        let with = |siblings: &[&str]| Sample {
            siblings: siblings.iter().map(|s| (*s).to_owned()).collect(),
            ..sample.clone()
        };
        assert_eq!(with(&["zz"]).check(&root, 1), Err(Unsound::Malformed));
        assert_eq!(with(&[&"00".repeat(32)]).check(&root, 1), Err(Unsound::NotProved));
        let other = Sample {
            form: "weft/sample/2".into(),
            ..sample
        };
        assert_eq!(other.check(&root, 1), Err(Unsound::Form));
    }
}
