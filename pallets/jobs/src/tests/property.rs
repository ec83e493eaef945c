//! Whatever anybody does, in whatever order, every job ends once, for one reason, and no money appears or vanishes.

use std::collections::BTreeMap;

use frame_support::{
    traits::{Get, Hooks},
    weights::Weight,
};
use proptest::prelude::*;
use weft_primitives::{
    JobId,
    job::{Arithmetic, Patience, Reason},
    price::Split,
    registry::Challengeable,
    tier::{Tier, Window},
};

use crate::{
    Config, Deadlines, Event, Jobs as Living, JobsByUser, NextInputCheck, NextJobId, Queue, QueueEnds, Receipts,
    mock::*,
};

const OWNERS: [AccountId; 4] = [31, 32, 33, 34];
const USERS: [AccountId; 2] = [ALICE, BOB];
/// Of which Alice has so many at first, and Bob none.
const USES: u32 = 3;

#[derive(Clone, Debug)]
enum Move {
    Post {
        user: usize,
        model: u64,
        max_tokens: u32,
        max_price: u128,
        patience: Patience,
        arithmetic: Arithmetic,
        tier: Tier,
    },
    Release {
        job: u64,
        user: usize,
        key_of: Option<usize>,
    },
    Cancel {
        job: u64,
        user: usize,
    },
    Commit {
        job: u64,
        device_of: Option<usize>,
        used_tokens: u32,
        /// Whether it comes with a trace root exactly if it should.
        rightly_traced: bool,
    },
    Dispute {
        job: u64,
    },
    Decide {
        job: u64,
        refuted: bool,
    },
    Slash {
        owner: usize,
    },
    Decline {
        job: u64,
        device_of: Option<usize>,
    },
    Expire {
        job: u64,
        by: usize,
    },
    Offer {
        owner: usize,
        ask: u128,
        capacity: u32,
    },
    Wait {
        blocks: u32,
    },
    Stall {
        blocks: u32,
    },
    Idle {
        weight: u64,
    },
}

fn patience() -> impl Strategy<Value = Patience> {
    prop_oneof![Just(Patience::Short), Just(Patience::Standard), Just(Patience::Long)]
}

fn arithmetic() -> impl Strategy<Value = Arithmetic> {
    prop_oneof![Just(Arithmetic::Float), Just(Arithmetic::Exact)]
}

fn tier() -> impl Strategy<Value = Tier> {
    prop_oneof![
        2 => Just(Tier::None),
        1 => prop::sample::select(&Window::ALL[..]).prop_map(challengeable)
    ]
}

/// Mostly by whom it concerns, now and then by another.
fn right_or_wrong() -> impl Strategy<Value = Option<usize>> {
    prop_oneof![4 => Just(None), 1 => (0..OWNERS.len()).prop_map(Some)]
}

fn moves() -> impl Strategy<Value = Move> {
    let user = 0..USERS.len();
    // Counted back from the latest job, so that most moves meet a job that lives.
    let job = 0u64..8;
    prop_oneof![
        4 => (user.clone(), 6u64..12, 0u32..1_100, 0u128..50_000, patience(), arithmetic(), tier()).prop_map(
            |(user, model, max_tokens, max_price, patience, arithmetic, tier)| {
                Move::Post { user, model, max_tokens, max_price, patience, arithmetic, tier }
            }
        ),
        4 => (job.clone(), user.clone(), right_or_wrong())
            .prop_map(|(job, user, key_of)| Move::Release { job, user, key_of }),
        1 => (job.clone(), user.clone()).prop_map(|(job, user)| Move::Cancel { job, user }),
        3 => (job.clone(), right_or_wrong(), 0u32..1_100, prop::bool::weighted(0.8)).prop_map(
            |(job, device_of, used_tokens, rightly_traced)| {
                Move::Commit { job, device_of, used_tokens, rightly_traced }
            }
        ),
        2 => (job.clone(), right_or_wrong()).prop_map(|(job, device_of)| Move::Decline { job, device_of }),
        1 => job.clone().prop_map(|job| Move::Dispute { job }),
        1 => (job.clone(), any::<bool>()).prop_map(|(job, refuted)| Move::Decide { job, refuted }),
        1 => (0..OWNERS.len()).prop_map(|owner| Move::Slash { owner }),
        2 => (job, user).prop_map(|(job, by)| Move::Expire { job, by }),
        1 => (0..OWNERS.len(), 0u128..60, 0u32..4)
            .prop_map(|(owner, ask, capacity)| Move::Offer { owner, ask, capacity }),
        2 => (1u32..15).prop_map(|blocks| Move::Wait { blocks }),
        1 => (1u32..15).prop_map(|blocks| Move::Stall { blocks }),
        1 => (0u64..30_000_000_000).prop_map(|weight| Move::Idle { weight }),
    ]
}

fn make(this: Move) {
    let recent = |back: u64| NextJobId::<Test>::get().saturating_sub(back + 1);
    let owner_or = |chosen: Option<usize>, job: JobId| match chosen {
        Some(at) => OWNERS[at],
        None => Living::<Test>::get(job).map_or(OWNERS[0], |job| job.booking.provider),
    };
    let _refused_or_not = match this {
        Move::Post {
            user,
            model,
            max_tokens,
            max_price,
            patience,
            arithmetic,
            tier,
        } => post_in_tier(USERS[user], model, max_tokens, max_price, patience, arithmetic, tier),
        Move::Release { job, user, key_of: by } => {
            let job = recent(job);
            release_to(USERS[user], job, key_of(owner_or(by, job)))
        }
        Move::Cancel { job, user } => cancel(USERS[user], recent(job)),
        Move::Commit {
            job,
            device_of: by,
            used_tokens,
            rightly_traced,
        } => {
            let job = recent(job);
            let exact = Living::<Test>::get(job).is_some_and(|job| job.arithmetic == Arithmetic::Exact);
            let trace_root = (exact == rightly_traced).then_some(TRACE_ROOT);
            commit_with(device_of(owner_or(by, job)), job, used_tokens, trace_root)
        }
        Move::Dispute { job } => {
            let job = recent(job);
            if Jobs::proposed(job).is_some() {
                Jobs::disputed(job);
            }
            Ok(())
        }
        Move::Decide { job, refuted } => {
            let job = recent(job);
            if disputes(job) > 0 {
                Jobs::decided(job, refuted);
            }
            Ok(())
        }
        Move::Slash { owner } => {
            Book::slash(OWNERS[owner]);
            Ok(())
        }
        Move::Decline { job, device_of: by } => {
            let job = recent(job);
            decline(device_of(owner_or(by, job)), job)
        }
        Move::Expire { job, by } => expire(USERS[by], recent(job)),
        Move::Offer { owner, ask, capacity } => {
            Book::offer(OWNERS[owner], ask, capacity);
            Ok(())
        }
        Move::Wait { blocks } => {
            run_to(System::block_number() + blocks);
            Ok(())
        }
        Move::Stall { blocks } => {
            stall_to(System::block_number() + blocks);
            Ok(())
        }
        Move::Idle { weight } => {
            let limit = Weight::from_parts(weight, u64::MAX);
            assert!(Jobs::on_idle(System::block_number(), limit).all_lte(limit));
            Ok(())
        }
    };
}

fn disputes(job: JobId) -> u32 {
    let proposed = Living::<Test>::get(job).and_then(|job| job.proposed);
    proposed.map_or(0, |proposed| proposed.disputes)
}

/// Every job's end, as the events tell it.
fn endings() -> BTreeMap<JobId, (AccountId, Reason, Option<AccountId>, Split)> {
    let mut users = BTreeMap::new();
    let mut ends = BTreeMap::new();
    for event in events() {
        match event {
            Event::Posted { job, user, .. } => {
                users.insert(job, user);
            }
            Event::Ended {
                job,
                reason,
                provider,
                split,
                ..
            } => {
                let earlier = ends.insert(job, (users[&job], reason, provider, split));
                assert_eq!(earlier, None, "job {job} ended twice");
            }
            _ => {}
        }
    }
    assert_eq!(users.len() as u64, NextJobId::<Test>::get());
    ends
}

/// Everybody falls silent: the chain alone must bring everything to its end.
fn fall_silent() {
    let posted = NextJobId::<Test>::get() as u32;
    for job in 0..NextJobId::<Test>::get() {
        for _ in 0..disputes(job) {
            Jobs::decided(job, false);
        }
    }
    let longest = 3 * (5 + 40) + 33 + posted * 9;
    run_to(System::block_number() + longest);
    assert_eq!(Living::<Test>::iter_keys().count(), 0);
    let ends = endings();
    assert_eq!(ends.len() as u32, posted, "a job has no end");
    run_to(System::block_number() + 30 + posted * 9);
    assert_eq!(Receipts::<Test>::iter_keys().count(), 0);
    assert_eq!(JobsByUser::<Test>::iter_keys().count(), 0);
    assert_eq!(Deadlines::<Test>::iter_keys().count(), 0);
}

fn check_accounts() {
    let mut owed: BTreeMap<AccountId, i128> = BTreeMap::new();
    let mut owe = |who, amount: u128, sign: i128| *owed.entry(who).or_default() += sign * amount as i128;
    let divided: BTreeMap<JobId, Vec<(AccountId, u128)>> = events()
        .into_iter()
        .filter_map(|event| match event {
            Event::RoyaltyDivided { job, parts } => Some((job, parts)),
            _ => None,
        })
        .collect();
    for (job, (user, reason, provider, split)) in endings() {
        let paid = split.provider + split.royalty + split.treasury;
        assert!(reason.is_paid() || paid == 0, "{reason:?} paid {split:?}");
        assert_eq!(provider.is_none(), reason == Reason::NoEligibleProvider);
        owe(user, paid, -1);
        let parts = divided.get(&job).cloned().unwrap_or(vec![(CREATOR, split.royalty)]);
        assert_eq!(parts.iter().map(|(_, part)| part).sum::<u128>(), split.royalty);
        for (owner, part) in parts {
            owe(owner, part, 1);
        }
        owe(TREASURY, split.treasury, 1);
        if let Some(provider) = provider {
            owe(provider, split.provider, 1);
        }
    }
    for who in USERS
        .into_iter()
        .chain(OWNERS)
        .chain([CREATOR, PARENT, GRANDPARENT, TREASURY])
    {
        let expected = ENDOWMENT as i128 + owed.get(&who).copied().unwrap_or(0);
        assert_eq!(free(who) as i128, expected, "account {who}");
        assert_eq!(held(who), 0);
    }
}

/// Uses are used up by completed jobs and nothing else.
fn check_uses() {
    let licensed: BTreeMap<JobId, AccountId> = events()
        .into_iter()
        .filter_map(|event| match event {
            Event::Posted { job, user, model, .. } if model == LICENSED_MODEL => Some((job, user)),
            _ => None,
        })
        .collect();
    let ends = endings();
    let used = |user| {
        let completed = |job: &JobId| ends[job].1 == Reason::Completed;
        licensed
            .iter()
            .filter(|(job, of)| **of == user && completed(job))
            .count() as u32
    };
    assert_eq!(Registry::uses_left(ALICE), Some(USES - used(ALICE)));
    assert_eq!(Registry::uses_left(BOB), None);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn every_job_ends_once_and_the_accounts_balance(script in proptest::collection::vec(moves(), 1..80)) {
        Chain::with(&[(31, 0, 2), (32, 10, 2), (33, 20, 2), (34, 30, 2)]).test(|| {
            Registry::license(ALICE, USES);
            for this in script {
                make(this);
                check_invariants();
            }
            fall_silent();
            check_accounts();
            check_uses();
            let counted: usize = OWNERS.iter().map(|owner| Book::outcomes(*owner).len()).sum();
            let booked = events().iter().filter(|event| matches!(event, Event::Assigned { .. })).count();
            assert_eq!(counted, booked, "each booking is settled once");
        });
    }
}

/// How many blocks later than it is due the first job that waits for a look at its input will be looked at, at least.
fn lag_of_first_looks() -> BlockNumber {
    let next = System::block_number() + 1;
    let posted = NextInputCheck::<Test>::get();
    let posted = Living::<Test>::get(posted)
        .filter(|job| job.attempt == 1)
        .map(|job| job.posted_at + <<Test as Config>::InputWindow as Get<BlockNumber>>::get() + 1);
    let later = Deadlines::<Test>::get(Queue::Input, QueueEnds::<Test>::get(Queue::Input).head).map(|due| due.at);
    let behind = |due: Option<BlockNumber>| due.map_or(0, |due| next.saturating_sub(due));
    behind(posted).max(behind(later))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    /// The premise of looking at heads only. A job enters the queue of its device's window when its input window was looked
    /// at, which two lines do. As long as neither is behind, that is the order in which the windows end; an entry waits for
    /// one before it no longer than they were behind.
    #[test]
    fn entries_of_a_queue_fall_due_in_order(posts in proptest::collection::vec((patience(), any::<bool>(), 0u32..4, 0u32..4), 1..60)) {
        Chain::with(&[(31, 0, 1_000), (32, 10, 1_000)]).test(|| {
            let mut behind = 0;
            for (patience, declines, until_release, blocks) in posts {
                let job = NextJobId::<Test>::get();
                post_call(ALICE, MODEL, 10, 1_000, patience).unwrap();
                if declines {
                    decline(device_of(31), job).unwrap();
                }
                for block in 0..until_release + blocks {
                    if block == until_release {
                        release(ALICE, job).unwrap();
                    }
                    run_to(System::block_number() + 1);
                    behind = behind.max(lag_of_first_looks());
                    for queue in Queue::ALL {
                        let ends = QueueEnds::<Test>::get(queue);
                        let due: Vec<_> = (ends.head..ends.tail).map(|at| Deadlines::<Test>::get(queue, at).unwrap().at).collect();
                        let in_order = due.windows(2).all(|pair| pair[0] <= pair[1] + behind);
                        assert!(in_order, "{queue:?} is out of order, and lines were {behind} blocks behind: {due:?}");
                    }
                }
            }
        });
    }
}
