//! One file a group of calls. [`Chain::test`](crate::mock::Chain::test) checks every invariant after each test.

mod challenges;
mod deadlines;
mod decline;
mod exact;
mod input;
mod licence;
mod paging;
mod post;
mod property;
mod royalty;
mod settlement;
mod try_state;

use crate::mock::AccountId;

/// Three providers, the first of whom is the cheapest and the last the dearest.
const FIRST: AccountId = 31;
const SECOND: AccountId = 32;
const THIRD: AccountId = 33;
const ALL_THREE: [(AccountId, u128, u32); 3] = [(FIRST, 10, 8), (SECOND, 20, 8), (THIRD, 30, 8)];
