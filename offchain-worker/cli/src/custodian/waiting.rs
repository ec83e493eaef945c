//! Which of the requests for keys are answered next.
//!
//! Anybody can ask for thousands of keys in a few blocks, at a price, and who misses a deadline is slashed in their favour. So
//! many are answered at once, those with the earliest deadline first. Requests are listed by their number, and the window for
//! answers is the same for all: one with a higher number never has an earlier deadline. The list is read from its beginning each
//! time: it has what waits only, and what a reorganisation brings back comes again.

use std::collections::BTreeMap;

use weft_chain::{AccountId, custody::KeyRequest};
use weft_primitives::{custody_view::KeyRequestId, page::Page};

/// Requests answered in one transaction. A release weighs 0.75 ms (`pallet_custody::WeightInfo::release`, with 12 reads, 10
/// writes and its place in a batch) of the 750 ms that transactions may fill of a block, and takes 122 bytes of 3.75 MiB. So a batch
/// takes 48 ms, and all 9 members of the largest committee find room in one block, with as much left for others. A window of
/// 40 blocks has time for more than a thousand answers if every batch waits for a block that it just missed.
pub const BATCH: usize = 64;
/// Blocks after which an answer that failed is tried again; others have their turn first.
const ANSWER_AGAIN: u32 = 2;
/// Blocks for which one that cannot be answered is passed over: more than any window for answers.
const PASSED_OVER: u32 = 1_000;

/// See the module.
#[derive(Default)]
pub struct Waiting {
    /// When requests that were answered, or cannot be, may be tried again.
    not_before: BTreeMap<KeyRequestId, u32>,
    now: u32,
}

/// What one look at the list found.
pub struct Batch {
    me: AccountId,
    now: u32,
    /// To be answered now, with the custodian's index in the committee; at most [`BATCH`].
    pub chosen: Vec<(KeyRequest, u8)>,
    /// Whether others are to be answered now, too.
    pub is_full: bool,
}

impl Batch {
    /// Whether a request is this custodian's to answer, and with which index.
    fn index(&self, request: &KeyRequest) -> Option<u8> {
        let at = request.committee.iter().position(|member| member.account == self.me)?;
        let index = u8::try_from(at).ok()?.checked_add(1)?;
        let is_done = request.releases.iter().any(|release| release.index == index) || request.forged.contains(&index);
        // An answer can be in the next block at the earliest.
        (self.now < request.until && request.in_force && !is_done).then_some(index)
    }
}

impl Waiting {
    /// Begins a look at the list, at block `now`: what is to be filled from its pages.
    pub fn look(&mut self, me: AccountId, now: u32) -> Batch {
        self.now = now;
        self.not_before.retain(|_, block| *block > now);
        Batch {
            me,
            now,
            chosen: Vec::new(),
            is_full: false,
        }
    }

    /// Chooses from the next page. From where to read on; `None` if it is the last, or others would not fit.
    pub fn choose(&mut self, page: Page<KeyRequest>, batch: &mut Batch) -> Option<u64> {
        for request in page.items {
            let may_try = !self.not_before.contains_key(&request.id);
            let Some(index) = batch.index(&request).filter(|_| may_try) else {
                continue;
            };
            if batch.chosen.len() >= BATCH {
                batch.is_full = true;
                return None;
            }
            self.not_before
                .insert(request.id, batch.now.saturating_add(ANSWER_AGAIN));
            batch.chosen.push((request, index));
        }
        page.next
    }

    /// Nothing that changes by waiting keeps this request from being answered.
    pub fn never_again(&mut self, request: KeyRequestId) {
        self.not_before.insert(request, self.now.saturating_add(PASSED_OVER));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use weft_primitives::{
        ContentCodec, ContentId,
        custody_view::{MemberView, RecipientView, ReleaseView, WrappedShare},
    };

    const ME: AccountId = AccountId([7; 32]);

    fn request(id: u64, until: u32) -> KeyRequest {
        KeyRequest {
            id,
            asset: 1,
            content: ContentId {
                codec: ContentCodec::Raw,
                sha256: [3; 32],
            },
            dealing: 1,
            threshold: 2,
            recipient: RecipientView::Licence(1),
            account: AccountId([1; 32]),
            encryption_key: [0; 32],
            fee: 0,
            until,
            disputes_until: until + 100,
            in_force: true,
            committee: [[8; 32], ME.0]
                .map(|account| MemberView {
                    account: AccountId(account),
                    encryption_key: [0; 32],
                })
                .into(),
            commitments: Vec::new(),
            releases: Vec::new(),
            forged: Vec::new(),
        }
    }

    fn page(ids: std::ops::Range<u64>, next: Option<u64>) -> Page<KeyRequest> {
        Page {
            items: ids.map(|id| request(id, 40)).collect(),
            next,
        }
    }

    fn ids(batch: &Batch) -> Vec<u64> {
        batch.chosen.iter().map(|(request, _)| request.id).collect()
    }

    #[test]
    fn a_flood_is_answered_in_batches_the_oldest_first() {
        let mut waiting = Waiting::default();
        let mut answered = Vec::new();
        for _ in 0..3 {
            let mut batch = waiting.look(ME, 5);
            if waiting.choose(page(0..100, Some(100)), &mut batch) == Some(100) {
                assert_eq!(waiting.choose(page(100..150, None), &mut batch), None);
            }
            assert!(batch.chosen.len() <= BATCH);
            assert_eq!(batch.is_full, answered.len() + batch.chosen.len() < 150);
            answered.extend(ids(&batch));
        }
        assert_eq!(answered, (0..150).collect::<Vec<_>>());
    }

    #[test]
    fn one_that_failed_is_tried_again_and_one_that_cannot_be_answered_is_not() {
        let mut waiting = Waiting::default();
        let at = |now, waiting: &mut Waiting| {
            let mut batch = waiting.look(ME, now);
            waiting.choose(page(0..2, None), &mut batch);
            ids(&batch)
        };
        assert_eq!(at(5, &mut waiting), [0, 1]);
        waiting.never_again(1);
        assert!(at(5 + ANSWER_AGAIN - 1, &mut waiting).is_empty());
        assert_eq!(at(5 + ANSWER_AGAIN, &mut waiting), [0]);
    }

    #[test]
    fn only_what_can_still_be_answered_is_chosen() {
        let mine = request(0, 40);
        let chosen = |request: KeyRequest| {
            let mut waiting = Waiting::default();
            let mut batch = waiting.look(ME, 39);
            let page = Page {
                items: vec![request],
                next: None,
            };
            waiting.choose(page, &mut batch);
            batch.chosen.first().map(|(_, index)| *index)
        };
        assert_eq!(chosen(mine.clone()), Some(2));
        assert_eq!(chosen(request(0, 39)), None, "it would be too late in the next block");
        let mut other = mine.clone();
        other.in_force = false;
        assert_eq!(chosen(other), None);
        let mut other = mine.clone();
        other.forged = vec![2];
        assert_eq!(chosen(other), None);
        let mut other = mine.clone();
        other.releases = vec![ReleaseView {
            index: 2,
            wrapped: WrappedShare([0; weft_primitives::device::WRAPPED_KEY_BYTES]),
        }];
        assert_eq!(chosen(other), None);
        let mut other = mine;
        other.committee.pop();
        assert_eq!(chosen(other), None);
    }
}
