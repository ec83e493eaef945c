//! The X25519 keys of a custodian, old and new.
//!
//! A share stays wrapped to the key that was registered when its committee was drawn. So a new key replaces none: each has a
//! file of its own, and the chain says of each dealing which one it takes.

use std::{fs, io::ErrorKind, path::PathBuf, sync::Arc};

use weft_chain::custody::Dealing;
use weft_vault::{CustodianKeys, keys::KeyFileError};

use crate::{failure::Failure, home::Home};

/// Keys that were replaced and are still here, and the present one.
pub struct Ring {
    home: Home,
    /// By number, so that the newest is the last. There is always one.
    keys: Vec<(u32, Arc<CustodianKeys>)>,
}

impl From<KeyFileError> for Failure {
    fn from(error: KeyFileError) -> Self {
        Self::Local(error.to_string())
    }
}

fn file(home: &Home, number: u32) -> PathBuf {
    home.later_custodian_keys_dir().join(format!("{number}.key"))
}

/// The numbers of the keys that were made later than the first one, in order.
fn later(home: &Home) -> Result<Vec<u32>, Failure> {
    let dir = home.later_custodian_keys_dir();
    let failed = |error| Failure::local(format_args!("cannot read {}", dir.display()), error);
    let entries = match fs::read_dir(&dir) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(failed)?,
    };
    let mut numbers = Vec::new();
    for entry in entries {
        let name = entry.map_err(failed)?.file_name();
        // Copies and unfinished files have other names.
        let number = name
            .to_str()
            .and_then(|name| name.strip_suffix(".key")?.parse::<u32>().ok());
        numbers.extend(number.filter(|number| *number > 0));
    }
    numbers.sort_unstable();
    Ok(numbers)
}

impl Ring {
    /// Reads all keys of a home; makes one if there is none.
    pub fn open(home: &Home) -> Result<Self, Failure> {
        let mut keys = vec![(0, Arc::new(home.custodian_keys()?))];
        for number in later(home)? {
            keys.push((number, Arc::new(CustodianKeys::load(&file(home, number))?)));
        }
        Ok(Self {
            home: home.clone(),
            keys,
        })
    }

    /// The key that was made last.
    pub fn newest(&self) -> [u8; 32] {
        self.keys
            .iter()
            .max_by_key(|(number, _)| *number)
            .map(|(_, keys)| *keys.public().as_bytes())
            .unwrap_or_default()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// The key to register after `present`: one that an earlier try made and did not register, else another.
    pub fn next_after(&mut self, present: &[u8; 32]) -> Result<[u8; 32], Failure> {
        let newest = self.newest();
        if newest != *present && self.with(present).is_some() {
            return Ok(newest);
        }
        self.add()
    }

    /// Makes another key and keeps it beside the others.
    fn add(&mut self) -> Result<[u8; 32], Failure> {
        let last = self.keys.iter().map(|(number, _)| *number).max().unwrap_or_default();
        let number = last.saturating_add(1);
        let path = file(&self.home, number);
        let dir = self.home.later_custodian_keys_dir();
        fs::create_dir_all(&dir)
            .map_err(|error| Failure::local(format_args!("cannot make {}", dir.display()), error))?;
        let keys = CustodianKeys::create(&path)?;
        let public = *keys.public().as_bytes();
        self.keys.push((number, Arc::new(keys)));
        Ok(public)
    }

    /// The keys to which custodian `index` of a dealing has its share wrapped. They may have been made since this was opened.
    pub fn of(&mut self, dealing: &Dealing, index: u8) -> Result<Arc<CustodianKeys>, Failure> {
        let at = usize::from(index).checked_sub(1);
        let member = at.and_then(|at| dealing.committee.get(at)).ok_or_else(|| {
            Failure::Local(format!(
                "the committee of dealing {} has no custodian {index}",
                dealing.id
            ))
        })?;
        if let Some(keys) = self.with(&member.encryption_key) {
            return Ok(keys);
        }
        *self = Self::open(&self.home)?;
        self.with(&member.encryption_key).ok_or_else(|| {
            Failure::Local(format!(
                "the share of asset {} is wrapped to the key 0x{}, which is not in {}: restore its file from a copy, or stake is lost when the share is asked for",
                dealing.asset,
                hex::encode(member.encryption_key),
                self.home.dir().display()
            ))
        })
    }

    fn with(&self, public: &[u8; 32]) -> Option<Arc<CustodianKeys>> {
        let found = self.keys.iter().find(|(_, keys)| keys.public().as_bytes() == public);
        found.map(|(_, keys)| Arc::clone(keys))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use weft_chain::AccountId;
    use weft_primitives::custody_view::MemberView;

    fn dealing(encryption_key: [u8; 32]) -> Dealing {
        Dealing {
            id: 1,
            asset: 7,
            threshold: 1,
            committee: vec![MemberView {
                account: AccountId([0; 32]),
                encryption_key,
            }],
            commitments: Vec::new(),
            deals: Vec::new(),
            open_requests: 0,
        }
    }

    #[test]
    fn old_keys_stay_and_are_found_by_what_was_dealt_to() {
        let dir = tempfile::tempdir().unwrap();
        let home = Home::open(Some(dir.path().to_owned())).unwrap();
        let mut ring = Ring::open(&home).unwrap();
        let first = ring.newest();
        assert_eq!(&first, home.custodian_keys().unwrap().public().as_bytes());
        let second = ring.add().unwrap();
        assert_ne!(first, second);
        assert_eq!(ring.newest(), second);
        let mut again = Ring::open(&home).unwrap();
        assert_eq!(again.newest(), second);
        for key in [first, second] {
            assert_eq!(again.of(&dealing(key), 1).unwrap().public().as_bytes(), &key);
        }
    }

    #[test]
    fn a_key_that_was_made_and_not_registered_is_the_next() {
        let dir = tempfile::tempdir().unwrap();
        let home = Home::open(Some(dir.path().to_owned())).unwrap();
        let mut ring = Ring::open(&home).unwrap();
        let first = ring.newest();
        let second = ring.next_after(&first).unwrap();
        assert_ne!(first, second);
        let mut again = Ring::open(&home).unwrap();
        assert_eq!(again.next_after(&first).unwrap(), second, "the first try was cut off");
        assert_eq!(again.len(), 2);
        assert_ne!(again.next_after(&second).unwrap(), second);
        assert_eq!(again.len(), 3);
    }

    #[test]
    fn a_key_made_while_the_daemon_runs_is_found() {
        let dir = tempfile::tempdir().unwrap();
        let home = Home::open(Some(dir.path().to_owned())).unwrap();
        let mut daemon = Ring::open(&home).unwrap();
        let made = Ring::open(&home).unwrap().add().unwrap();
        assert_eq!(daemon.of(&dealing(made), 1).unwrap().public().as_bytes(), &made);
    }

    #[test]
    fn the_order_is_that_of_the_numbers_and_gaps_are_allowed() {
        let dir = tempfile::tempdir().unwrap();
        let home = Home::open(Some(dir.path().to_owned())).unwrap();
        let mut ring = Ring::open(&home).unwrap();
        let made: Vec<_> = (0..10).map(|_| ring.add().unwrap()).collect();
        fs::remove_file(file(&home, 3)).unwrap();
        fs::write(home.later_custodian_keys_dir().join("notes.txt"), "").unwrap();
        let mut again = Ring::open(&home).unwrap();
        assert_eq!(again.newest(), made[9]);
        assert!(!made.contains(&again.add().unwrap()));
        assert_eq!(later(&home).unwrap(), [1, 2, 4, 5, 6, 7, 8, 9, 10, 11]);
    }

    #[test]
    fn a_key_that_is_gone_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let home = Home::open(Some(dir.path().to_owned())).unwrap();
        let mut ring = Ring::open(&home).unwrap();
        let error = ring.of(&dealing([9; 32]), 1).unwrap_err().to_string();
        assert!(error.contains("0x0909") && error.contains("asset 7"), "{error}");
        assert!(ring.of(&dealing(ring.newest()), 2).is_err());
    }
}
