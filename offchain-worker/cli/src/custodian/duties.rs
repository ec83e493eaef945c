//! Which of the keys that a custodian has shares of are looked after when.
//!
//! Anybody can open custodies, against deposits that come back, so there may be thousands, and a look at one costs the node
//! an answer. They take turns in rounds: a look takes a few, requests for keys are answered between two looks, and the next
//! round begins once all had their turn, but no sooner than [`ROUND_EVERY`] blocks after the last.

use std::collections::{BTreeMap, VecDeque, btree_map::Entry};

use weft_primitives::{AssetId, custody_view::DealingId};

/// Blocks from the beginning of one round to that of the next, if all had their turn. A small part of the 200 blocks there
/// are to deal to the next committee, and of the 400 to show a wrong deal.
pub const ROUND_EVERY: u32 = 10;

/// What is remembered of one key.
#[derive(Default)]
struct Kept {
    /// The dealing of which this custodian's share was opened.
    opened: Option<DealingId>,
    /// No call about its committee is tried before this block: the chain refused the last one, and took a fee for it.
    not_before: u32,
}

/// See the module.
#[derive(Default)]
pub struct Duties {
    kept: BTreeMap<AssetId, Kept>,
    /// Those whose turn in this round is yet to come.
    waiting: VecDeque<AssetId>,
    next_round: u32,
}

impl Duties {
    /// Begins a round if it is time. Whether one has begun.
    pub fn begin_round(&mut self, now: u32) -> bool {
        if !self.waiting.is_empty() || now < self.next_round {
            return false;
        }
        self.waiting = self.kept.keys().copied().collect();
        self.next_round = now.saturating_add(ROUND_EVERY);
        true
    }

    /// Adds a key. It has its turn in this round.
    pub fn add(&mut self, asset: AssetId) {
        if let Entry::Vacant(place) = self.kept.entry(asset) {
            place.insert(Kept::default());
            self.waiting.push_back(asset);
        }
    }

    /// Takes the key whose turn it is; `None` if all had theirs.
    pub fn take_turn(&mut self) -> Option<AssetId> {
        self.waiting.pop_front()
    }

    /// Gives a key another turn, after the others: were it the next again, one that cannot be looked after would keep the
    /// custodian from all others.
    pub fn postpone(&mut self, asset: AssetId) {
        if self.kept.contains_key(&asset) {
            self.waiting.push_back(asset);
        }
    }

    /// Whether the round goes on.
    pub fn are_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// This custodian has no share of it any more.
    pub fn forget(&mut self, asset: AssetId) {
        self.kept.remove(&asset);
    }

    /// Whether this custodian's share of a dealing was not opened yet.
    pub fn is_unopened(&self, asset: AssetId, dealing: DealingId) -> bool {
        self.kept.get(&asset).is_some_and(|kept| kept.opened != Some(dealing))
    }

    /// The share was opened, or shown to be wrong.
    pub fn opened(&mut self, asset: AssetId, dealing: DealingId) {
        if let Some(kept) = self.kept.get_mut(&asset) {
            kept.opened = Some(dealing);
        }
    }

    /// Whether a call about its committee may be tried.
    pub fn may_try(&self, asset: AssetId, now: u32) -> bool {
        self.kept.get(&asset).is_some_and(|kept| now >= kept.not_before)
    }

    /// No such call is tried before a block.
    pub fn try_not_before(&mut self, asset: AssetId, block: u32) {
        if let Some(kept) = self.kept.get_mut(&asset) {
            kept.not_before = block;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turns(duties: &mut Duties, at_most: usize) -> Vec<AssetId> {
        std::iter::from_fn(|| duties.take_turn()).take(at_most).collect()
    }

    fn of(assets: impl IntoIterator<Item = AssetId>) -> Duties {
        let mut duties = Duties::default();
        assert!(duties.begin_round(0));
        assets.into_iter().for_each(|asset| duties.add(asset));
        duties
    }

    #[test]
    fn all_have_their_turn_once_a_round_however_many_there_are() {
        let mut duties = of(0..1000);
        let mut seen = Vec::new();
        let mut now = 0;
        while duties.are_waiting() {
            assert!(!duties.begin_round(now), "a round ends before the next begins");
            seen.extend(turns(&mut duties, 16));
            now += 1;
        }
        assert_eq!(seen, (0..1000).collect::<Vec<_>>());
        assert_eq!(now, 63);
        assert!(duties.begin_round(now), "it has taken longer than a round's time");
        assert_eq!(turns(&mut duties, 3), [0, 1, 2]);
    }

    #[test]
    fn a_round_that_is_over_waits_for_its_time() {
        let mut duties = of([5]);
        assert_eq!(turns(&mut duties, 9), [5]);
        for now in 0..ROUND_EVERY {
            assert!(!duties.begin_round(now));
            assert_eq!(duties.take_turn(), None);
        }
        assert!(duties.begin_round(ROUND_EVERY));
        assert_eq!(turns(&mut duties, 9), [5]);
    }

    #[test]
    fn a_new_key_has_its_turn_in_this_round_and_only_once() {
        let mut duties = of([5]);
        assert_eq!(turns(&mut duties, 9), [5]);
        duties.add(3);
        duties.add(3);
        duties.add(5);
        assert_eq!(turns(&mut duties, 9), [3]);
    }

    #[test]
    fn one_that_cannot_be_looked_after_keeps_nobody_waiting() {
        let mut duties = of([1, 2, 3]);
        for expected in [1, 2, 3, 1, 1] {
            assert_eq!(duties.take_turn(), Some(expected));
            if expected == 1 {
                duties.postpone(1);
            }
        }
    }

    #[test]
    fn what_is_forgotten_has_no_turn_and_no_memory() {
        let mut duties = of([1, 2]);
        duties.opened(1, 7);
        assert!(!duties.is_unopened(1, 7));
        assert!(duties.is_unopened(1, 8), "the next dealing's share is another");
        assert_eq!(duties.take_turn(), Some(1));
        duties.forget(1);
        duties.postpone(1);
        assert_eq!(turns(&mut duties, 9), [2]);
        assert!(!duties.is_unopened(1, 8));
        assert!(!duties.may_try(1, u32::MAX));
        assert!(duties.begin_round(ROUND_EVERY));
        assert_eq!(turns(&mut duties, 9), [2]);
    }

    #[test]
    fn what_the_chain_refused_is_not_tried_again_at_once() {
        let mut duties = of([1, 2]);
        duties.try_not_before(1, 100);
        assert!(!duties.may_try(1, 99));
        assert!(duties.may_try(1, 100));
        assert!(duties.may_try(2, 0));
    }
}
