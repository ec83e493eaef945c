//! Which files stay in a bounded space. Time is the order of the calls.

use std::collections::BTreeMap;

use cid::Cid;

/// Why a file was not taken in. Nothing changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoRoom {
    /// It alone is larger than the space.
    #[error("a file of {needed} bytes does not fit into a cache of {max}; raise the cache's bound")]
    TooLarge {
        /// Bytes of the file.
        needed: u64,
        /// Bytes of the space.
        max: u64,
    },
    /// What is in use leaves too little.
    #[error(
        "a file of {needed} bytes does not fit beside the {in_use} bytes in use in a cache of {max}; stop using a model, or raise the cache's bound"
    )]
    InUse {
        /// Bytes of the file.
        needed: u64,
        /// Bytes of leased files.
        in_use: u64,
        /// Bytes of the space.
        max: u64,
    },
}

/// The files in a bounded space, who uses them, and in which order they were used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HotSet {
    max_bytes: u64,
    used_bytes: u64,
    /// Number of the last use.
    uses: u64,
    files: BTreeMap<Cid, Entry>,
    /// The files by their last use.
    order: BTreeMap<u64, Cid>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Entry {
    bytes: u64,
    last_use: u64,
    leases: u32,
}

impl HotSet {
    /// An empty space.
    pub fn new(max_bytes: u64) -> Self {
        Self {
            max_bytes,
            used_bytes: 0,
            uses: 0,
            files: BTreeMap::new(),
            order: BTreeMap::new(),
        }
    }

    /// Takes files in as an earlier set gave them ([`HotSet::by_age`]), without
    /// leases. Returns those that do not fit.
    pub fn restore(&mut self, by_age: impl IntoIterator<Item = (Cid, u64)>) -> Vec<Cid> {
        let mut gone = Vec::new();
        for (cid, bytes) in by_age {
            match self.admit(cid, bytes) {
                Ok(evicted) => {
                    gone.extend(evicted);
                    self.release(&cid);
                }
                Err(_) => gone.push(cid),
            }
        }
        gone
    }

    /// Takes a file in, if it is not in, and leases it. Returns the files that had
    /// to go: the least recently used that are not leased, and no more than needed.
    pub fn admit(&mut self, cid: Cid, bytes: u64) -> Result<Vec<Cid>, NoRoom> {
        if self.lease(&cid) {
            return Ok(Vec::new());
        }
        let max = self.max_bytes;
        if bytes > max {
            return Err(NoRoom::TooLarge { needed: bytes, max });
        }
        let mut free = max.saturating_sub(self.used_bytes);
        let mut gone = Vec::new();
        for victim in self.order.values() {
            if free >= bytes {
                break;
            }
            if let Some(entry) = self.files.get(victim)
                && entry.leases == 0
            {
                free = free.saturating_add(entry.bytes);
                gone.push(*victim);
            }
        }
        if free < bytes {
            return Err(NoRoom::InUse {
                needed: bytes,
                in_use: max.saturating_sub(free),
                max,
            });
        }
        for victim in &gone {
            self.evict(victim);
        }
        self.uses += 1;
        self.order.insert(self.uses, cid);
        self.used_bytes += bytes;
        let entry = Entry {
            bytes,
            last_use: self.uses,
            leases: 1,
        };
        self.files.insert(cid, entry);
        Ok(gone)
    }

    /// Leases a file and makes it the most recently used; false if it is not in.
    pub fn lease(&mut self, cid: &Cid) -> bool {
        let Some(entry) = self.files.get_mut(cid) else {
            return false;
        };
        self.uses += 1;
        self.order.remove(&entry.last_use);
        self.order.insert(self.uses, *cid);
        entry.last_use = self.uses;
        entry.leases = entry.leases.saturating_add(1);
        true
    }

    /// Ends one lease of a file.
    pub fn release(&mut self, cid: &Cid) {
        if let Some(entry) = self.files.get_mut(cid) {
            entry.leases = entry.leases.saturating_sub(1);
        }
    }

    /// Takes a file out; false if it is leased or not in.
    pub fn evict(&mut self, cid: &Cid) -> bool {
        match self.files.get(cid) {
            Some(entry) if entry.leases == 0 => {
                self.used_bytes = self.used_bytes.saturating_sub(entry.bytes);
                self.order.remove(&entry.last_use);
                self.files.remove(cid);
                true
            }
            _ => false,
        }
    }

    /// Whether a file is in.
    pub fn contains(&self, cid: &Cid) -> bool {
        self.files.contains_key(cid)
    }

    /// The files that are in and their bytes, least recently used first.
    pub fn by_age(&self) -> Vec<(Cid, u64)> {
        let bytes_of = |cid: &Cid| self.files.get(cid).map(|entry| (*cid, entry.bytes));
        self.order.values().filter_map(bytes_of).collect()
    }

    /// Bytes of the files that are in; never above [`HotSet::max_bytes`].
    pub fn used_bytes(&self) -> u64 {
        self.used_bytes
    }

    /// Bytes of the space.
    pub fn max_bytes(&self) -> u64 {
        self.max_bytes
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use proptest::prelude::*;

    use super::*;
    use crate::block::Block;

    fn cid(n: u8) -> Cid {
        *Block::raw(Bytes::from(vec![n])).unwrap().cid()
    }

    #[derive(Clone, Debug)]
    enum Act {
        Admit(u8),
        Lease(u8),
        Release(u8),
        Evict(u8),
        Restart(u64),
    }

    fn act() -> impl Strategy<Value = Act> {
        prop_oneof![
            4 => (0u8..12).prop_map(Act::Admit),
            2 => (0u8..12).prop_map(Act::Lease),
            4 => (0u8..12).prop_map(Act::Release),
            1 => (0u8..12).prop_map(Act::Evict),
            1 => (20u64..120).prop_map(Act::Restart),
        ]
    }

    /// A file's bytes follow from its number, as a CID's do.
    fn bytes_of(n: u8) -> u64 {
        [0, 1, 5, 10, 10, 20, 33, 40, 60, 99, 100, 101][usize::from(n)]
    }

    /// The same in the simplest way: a list, least recently used first, of number and leases.
    struct Model {
        max: u64,
        files: Vec<(u8, u32)>,
    }

    impl Model {
        fn used(&self) -> u64 {
            self.files.iter().map(|(n, _)| bytes_of(*n)).sum()
        }

        fn lease(&mut self, n: u8) -> bool {
            let Some(at) = self.files.iter().position(|f| f.0 == n) else {
                return false;
            };
            let (n, leases) = self.files.remove(at);
            self.files.push((n, leases + 1));
            true
        }

        fn admit(&mut self, n: u8) -> Option<Vec<u8>> {
            if self.lease(n) {
                return Some(Vec::new());
            }
            let (mut left, mut gone) = (self.files.clone(), Vec::new());
            let used = |files: &[(u8, u32)]| files.iter().map(|f| bytes_of(f.0)).sum::<u64>();
            while used(&left) + bytes_of(n) > self.max {
                let at = left.iter().position(|f| f.1 == 0)?;
                gone.push(left.remove(at).0);
            }
            left.push((n, 1));
            self.files = left;
            Some(gone)
        }
    }

    proptest! {
        #[test]
        fn it_does_as_a_plain_list_would(acts in proptest::collection::vec(act(), 0..80)) {
            let mut set = HotSet::new(100);
            let mut model = Model { max: 100, files: Vec::new() };
            for act in acts {
                match act {
                    Act::Admit(n) => {
                        let before = set.clone();
                        let admitted = set.admit(cid(n), bytes_of(n));
                        match model.admit(n) {
                            Some(gone) => prop_assert_eq!(admitted, Ok(gone.into_iter().map(cid).collect())),
                            None => {
                                prop_assert!(admitted.is_err());
                                prop_assert_eq!(&set, &before, "a refusal changes nothing");
                            }
                        }
                    }
                    Act::Lease(n) => prop_assert_eq!(set.lease(&cid(n)), model.lease(n)),
                    Act::Release(n) => {
                        set.release(&cid(n));
                        if let Some(file) = model.files.iter_mut().find(|f| f.0 == n) {
                            file.1 = file.1.saturating_sub(1);
                        }
                    }
                    Act::Evict(n) => {
                        let at = model.files.iter().position(|f| f.0 == n && f.1 == 0);
                        prop_assert_eq!(set.evict(&cid(n)), at.is_some());
                        at.map(|at| model.files.remove(at));
                    }
                    Act::Restart(max) => {
                        let by_age = set.by_age();
                        set = HotSet::new(max);
                        let gone = set.restore(by_age.clone());
                        let mut again = Model { max, files: Vec::new() };
                        for (n, _) in model.files {
                            if again.admit(n).is_some() {
                                again.files.iter_mut().for_each(|f| f.1 = 0);
                            }
                        }
                        model = again;
                        prop_assert_eq!(gone.len() + set.by_age().len(), by_age.len());
                    }
                }
                let expected: Vec<_> = model.files.iter().map(|(n, _)| (cid(*n), bytes_of(*n))).collect();
                prop_assert_eq!(set.by_age(), expected);
                prop_assert_eq!(set.used_bytes(), model.used());
                prop_assert!(set.used_bytes() <= set.max_bytes());
            }
        }
    }

    #[test]
    fn what_runs_stays_and_the_least_recently_used_goes() {
        let mut set = HotSet::new(100);
        for n in [7, 5, 6] {
            set.admit(cid(n), bytes_of(n)).unwrap();
        }
        // 40 + 20 + 33 are in and run: nothing can go.
        assert_eq!(
            set.admit(cid(3), 10),
            Err(NoRoom::InUse {
                needed: 10,
                in_use: 93,
                max: 100
            })
        );
        for n in [7, 5, 6] {
            set.release(&cid(n));
        }
        // The first is used again, so the second is the oldest.
        assert!(set.lease(&cid(7)));
        assert_eq!(set.admit(cid(3), 10), Ok(vec![cid(5)]));
        assert_eq!(set.admit(cid(11), 101), Err(NoRoom::TooLarge { needed: 101, max: 100 }));
        assert_eq!(
            set.admit(cid(8), 60),
            Err(NoRoom::InUse {
                needed: 60,
                in_use: 50,
                max: 100
            })
        );
        assert!(!set.evict(&cid(7)), "it runs");
    }
}
