//! Paging of runtime API answers, so that no query is unbounded.

use alloc::vec::Vec;
use codec::{Decode, Encode};
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};

/// The most items one page holds, whatever the caller asks for.
pub const MAX_PAGE: u32 = 100;

/// One page of an answer.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, TypeInfo, Serialize, Deserialize)]
pub struct Page<T> {
    /// The items, in a stable order.
    pub items: Vec<T>,
    /// Pass this as `from` to get the next page; `None` on the last.
    pub next: Option<u64>,
}

/// The number of items to return for a caller who asked for `limit`.
pub fn page_size(limit: u32) -> u32 {
    limit.clamp(1, MAX_PAGE)
}

impl<T> Page<T> {
    /// The page from `from` of a dense index of `end` entries, `get` reading one. Entries that are not there are left
    /// out.
    pub fn of_dense(from: u64, limit: u32, end: u64, get: impl Fn(u64) -> Option<T>) -> Self {
        let stop = from.saturating_add(page_size(limit).into()).min(end);
        Self {
            items: (from..stop).filter_map(get).collect(),
            next: (stop < end).then_some(stop),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn pages_hand_on_to_each_other_and_miss_nothing(end in 0u64..500, limit: u32) {
            let (mut from, mut seen) = (Some(0), Vec::new());
            while let Some(start) = from {
                let page = Page::of_dense(start, limit, end, Some);
                prop_assert!(page.items.len() as u32 <= page_size(limit));
                prop_assert!(page.next.is_none_or(|next| next > start));
                seen.extend(page.items);
                from = page.next;
            }
            prop_assert_eq!(seen, (0..end).collect::<Vec<_>>());
        }

        #[test]
        fn no_question_is_too_odd(from: u64, limit: u32, end in 0u64..500) {
            let page = Page::of_dense(from, limit, end, Some);
            prop_assert!(page.items.len() as u32 <= MAX_PAGE);
            prop_assert_eq!(page.next.is_some(), from < end && from + u64::from(page_size(limit)) < end);
        }
    }
}
