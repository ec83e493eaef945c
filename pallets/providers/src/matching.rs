//! Picking from the book, and counting how it went.

use alloc::vec::Vec;

use frame_support::{defensive, traits::Get};
use sp_runtime::DispatchError;
use weft_primitives::{
    AssetId, Balance, JobId,
    order_book::{Bucket, Occupied as OccupiedBuckets},
    registry::{Booking, Matching, Moves, NoMatch},
    reputation::Outcome,
};

use crate::{
    Availability, BookEntry, BucketEntry, BucketLen, Config, Event, Occupied, Pallet, PauseReason, ProviderInfoOf,
    Providers,
};

/// The most entries one booking looks at in all buckets together, so that its cost has a bound.
///
/// Below the price level of the highest ask a payer accepts, an entry is passed over only if it is excluded, and at most
/// three are: the first bucket with a fourth entry ends the search there. So sixteen leave at least thirteen looks at
/// that last level, where an offer can also be above the price.
pub const MAX_EXAMINED: u32 = 16;

/// The most entries one booking looks at in one bucket. More than the three that can be excluded, and few enough that a
/// bucket of offers just above the price does not use up the looks at the next.
pub const MAX_EXAMINED_PER_BUCKET: u32 = 8;

/// Picks an entry of a book: lowest price level first, then best reputation class, then by `seed`; the ask at most
/// `max_ask`, the owner not `excluded`. `len` tells how many entries a bucket holds, `entry` reads one.
///
/// In the last price level this is a sample: an offer within the price can be missed among many just above it.
fn pick<AccountId: PartialEq>(
    occupied: &OccupiedBuckets,
    max_ask: Balance,
    excluded: &[AccountId],
    seed: u64,
    len: impl Fn(Bucket) -> u32,
    entry: impl Fn(Bucket, u32) -> Option<BookEntry<AccountId>>,
) -> Result<BookEntry<AccountId>, NoMatch> {
    let last = Bucket::last_within(max_ask);
    let mut looks = MAX_EXAMINED;
    let mut too_dear = false;
    let mut at = occupied.first(None);
    while let Some(bucket) = at {
        if bucket > last {
            too_dear = true;
            break;
        }
        let len = u64::from(len(bucket));
        let examined = u64::from(MAX_EXAMINED_PER_BUCKET.min(looks)).min(len);
        let start = seed.checked_rem(len).unwrap_or_default();
        for step in 0..examined {
            let slot = start.saturating_add(step).checked_rem(len).unwrap_or_default();
            let Some(found) = u32::try_from(slot).ok().and_then(|slot| entry(bucket, slot)) else {
                defensive!("a bucket is dense up to its length");
                continue;
            };
            if excluded.contains(&found.owner) {
                continue;
            }
            if found.ask_per_token <= max_ask {
                return Ok(found);
            }
            too_dear = true;
        }
        // An empty bucket costs a look too, so that no state whatever makes this loop long.
        looks = looks.saturating_sub(u32::try_from(examined).unwrap_or(looks).max(1));
        if looks == 0 {
            break;
        }
        at = occupied.next_after(bucket);
    }
    Err(if too_dear {
        NoMatch::PriceBelowAsk
    } else {
        NoMatch::NoProvider
    })
}

/// A number of the seed to start from. Its remainder by a bucket's length is biased by less than 2^-32.
fn start_of(seed: [u8; 32]) -> u64 {
    let [a, b, c, d, e, f, g, h, ..] = seed;
    u64::from_le_bytes([a, b, c, d, e, f, g, h])
}

impl<T: Config> Matching<T::AccountId> for Pallet<T> {
    fn most_moves() -> Moves {
        // From one reputation class to another each offer leaves one place and takes another.
        T::MaxOffers::get().saturating_mul(2)
    }

    fn book(
        job: JobId,
        model: AssetId,
        max_ask: Balance,
        excluded: &[T::AccountId],
        seed: [u8; 32],
    ) -> Result<(Booking<T::AccountId>, Moves), NoMatch> {
        let BookEntry { owner, ask_per_token } = pick(
            &Occupied::<T>::get(model),
            max_ask,
            excluded,
            start_of(seed),
            |bucket| BucketLen::<T>::get(model, bucket),
            |bucket, slot| BucketEntry::<T>::get((model, bucket, slot)),
        )?;
        let booked = Self::alter_counting(&owner, |info| {
            // Who is listed has a free slot.
            info.jobs.try_push(job).map_err(|_| DispatchError::Exhausted)?;
            Ok((info.device.clone(), info.encryption_key, info.busy()))
        });
        let Ok(((device, encryption_key, busy), moves)) = booked else {
            defensive!("an entry of the book names a provider who is registered and has a slot");
            return Err(NoMatch::NoProvider);
        };
        Self::deposit_event(Event::Booked {
            owner: owner.clone(),
            model,
            ask_per_token,
            busy,
        });
        let booking = Booking {
            provider: owner,
            device,
            encryption_key,
            ask_per_token,
        };
        Ok((booking, moves))
    }

    fn settle(provider: &T::AccountId, job: JobId, outcome: Outcome) -> Moves {
        let settled = Self::alter_counting(provider, |info| {
            match info.jobs.iter().position(|booked| *booked == job) {
                Some(slot) => {
                    info.jobs.swap_remove(slot);
                }
                None => {
                    defensive!("a booking is settled once");
                }
            }
            let paused = count::<T>(info, outcome);
            Ok((paused, info.reputation.score_ppm(), info.busy()))
        });
        let Ok(((paused, score_ppm, busy), moves)) = settled else {
            defensive!("a provider with a booking stays registered");
            return 0;
        };
        Self::deposit_event(Event::Settled {
            owner: provider.clone(),
            outcome,
            score_ppm,
            busy,
        });
        if paused {
            Self::deposit_event(Event::Paused {
                owner: provider.clone(),
                reason: PauseReason::MissedDeadline,
            });
        }
        moves
    }

    fn is_staked(provider: &T::AccountId) -> bool {
        Providers::<T>::get(provider).is_some_and(|info| info.stake >= T::MinStake::get())
    }

    fn booked(provider: &T::AccountId) -> Vec<JobId> {
        Providers::<T>::get(provider).map_or_else(Vec::new, |info| info.jobs.into_inner())
    }

    #[cfg(feature = "runtime-benchmarks")]
    fn benchmark_most_offers() -> u32 {
        T::MaxOffers::get()
    }

    #[cfg(feature = "runtime-benchmarks")]
    fn benchmark_offer(provider: &T::AccountId, model: AssetId, ask_per_token: Balance, offers: u32) {
        crate::benchmarking::bookable::<T>(provider, model, ask_per_token, offers);
    }
}

/// Counts the outcome of a job. True if that pauses the provider.
fn count<T: Config>(info: &mut ProviderInfoOf<T>, outcome: Outcome) -> bool {
    info.reputation = info.reputation.after(outcome);
    let counter = match outcome {
        Outcome::Kept => &mut info.completed,
        Outcome::Declined => &mut info.declined,
        Outcome::Missed => &mut info.missed,
        Outcome::Refuted => &mut info.refuted,
        Outcome::Blameless => return false,
    };
    *counter = counter.saturating_add(1);
    // Who is silent once is probably down: the next job should not wait for them too.
    let pauses = outcome == Outcome::Missed && info.availability == Availability::Available;
    if pauses {
        info.availability = Availability::Paused(PauseReason::MissedDeadline);
    }
    pauses
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::{BTreeMap, BTreeSet};

    /// A book of `(owner, ask, class)`, and what a booking may read of it.
    struct Book {
        buckets: BTreeMap<Bucket, Vec<BookEntry<u32>>>,
        occupied: OccupiedBuckets,
    }

    impl Book {
        fn new(offers: impl IntoIterator<Item = (u32, Balance, u8)>) -> Self {
            let mut book = Self {
                buckets: BTreeMap::new(),
                occupied: OccupiedBuckets::default(),
            };
            for (owner, ask_per_token, class) in offers {
                let bucket = Bucket::of(ask_per_token, class);
                book.occupied.insert(bucket);
                book.buckets
                    .entry(bucket)
                    .or_default()
                    .push(BookEntry { owner, ask_per_token });
            }
            book
        }

        /// The pick, and how many entries were read.
        fn pick(&self, max_ask: Balance, excluded: &[u32], seed: u64) -> (Result<u32, NoMatch>, u32) {
            let reads = std::cell::Cell::new(0);
            let picked = pick(
                &self.occupied,
                max_ask,
                excluded,
                seed,
                |bucket| self.buckets.get(&bucket).map_or(0, |entries| entries.len() as u32),
                |bucket, slot| {
                    reads.set(reads.get() + 1);
                    self.buckets.get(&bucket)?.get(slot as usize).cloned()
                },
            );
            (picked.map(|entry| entry.owner), reads.get())
        }
    }

    #[test]
    fn cheaper_comes_first_then_better_then_chance() {
        let book = Book::new([(1, 1_000, 3), (2, 100, 0), (3, 100, 1), (4, 101, 1)]);
        let among: BTreeSet<_> = (0..10).filter_map(|seed| book.pick(5_000, &[], seed).0.ok()).collect();
        assert_eq!(among, [3, 4].into(), "equal price level and class");
        assert_eq!(book.pick(5_000, &[3, 4], 0).0, Ok(2), "then the worse class");
        assert_eq!(book.pick(5_000, &[2, 3, 4], 0).0, Ok(1), "then the next price");
        assert_eq!(book.pick(5_000, &[1, 2, 3, 4], 0).0, Err(NoMatch::NoProvider));
    }

    #[test]
    fn the_price_is_exact_within_the_last_level() {
        // 100 and 101 share a level.
        let book = Book::new([(1, 101, 3), (2, 100, 3)]);
        for seed in 0..10 {
            assert_eq!(book.pick(100, &[], seed).0, Ok(2));
        }
        assert_eq!(book.pick(99, &[], 0).0, Err(NoMatch::PriceBelowAsk));
        assert_eq!(book.pick(1, &[], 0).0, Err(NoMatch::PriceBelowAsk));
        assert_eq!(Book::new([]).pick(100, &[], 0).0, Err(NoMatch::NoProvider));
    }

    #[test]
    fn who_is_excluded_is_nobody_who_asks_too_much() {
        let book = Book::new([(1, 101, 3)]);
        assert_eq!(book.pick(100, &[1], 0).0, Err(NoMatch::NoProvider));
        assert_eq!(book.pick(100, &[2], 0).0, Err(NoMatch::PriceBelowAsk));
    }

    #[test]
    fn chance_reaches_everyone_about_equally() {
        let book = Book::new((0..10).map(|owner| (owner, 100, 1)));
        let mut hits = [0u32; 10];
        for n in 0..10_000u64 {
            // Any mixing of the counter will do.
            let seed = n.wrapping_mul(0x9E37_79B9_7F4A_7C15);
            hits[book.pick(100, &[], seed).0.unwrap() as usize] += 1;
        }
        assert!(hits.iter().all(|hits| (900..1_100).contains(hits)), "{hits:?}");
    }

    #[test]
    fn a_hundred_thousand_offers_above_the_price_cost_no_more_than_sixteen_reads() {
        // All in the last level, in all four classes, all one unit too dear.
        let book = Book::new((0..100_000).map(|owner| (owner, 101, (owner % 4) as u8)));
        let (picked, reads) = book.pick(100, &[], 7);
        assert_eq!(picked, Err(NoMatch::PriceBelowAsk));
        assert_eq!(reads, MAX_EXAMINED);
    }

    #[test]
    fn a_book_that_says_occupied_and_is_not_does_not_make_a_long_search() {
        let mut book = Book::new([]);
        for ask in 0..64u32 {
            book.occupied.insert(Bucket::of(1 << ask, 0));
        }
        let lens = std::cell::Cell::new(0u32);
        let picked = pick::<u32>(
            &book.occupied,
            Balance::MAX,
            &[],
            0,
            |_| {
                lens.set(lens.get() + 1);
                0
            },
            |_, _| None,
        );
        assert_eq!(picked, Err(NoMatch::NoProvider));
        assert!(lens.get() <= MAX_EXAMINED);
    }
}
