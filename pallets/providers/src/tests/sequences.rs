//! Whatever is called in whatever order, the state stays sound and no money comes or goes.

use proptest::prelude::*;
use weft_primitives::{
    AssetId, Balance,
    registry::{Matching, NoMatch, Stakes},
    reputation::Outcome,
};

use crate::{Providers as Stored, mock::*};

#[derive(Clone, Debug)]
enum Op {
    Register {
        n: u8,
        d: u8,
        capacity: u16,
    },
    Bond {
        n: u8,
        amount: Balance,
    },
    Unbond {
        n: u8,
        amount: Balance,
    },
    Withdraw {
        n: u8,
    },
    Offer {
        n: u8,
        model: AssetId,
        ask: Balance,
    },
    WithdrawOffer {
        n: u8,
        model: AssetId,
    },
    Rotate {
        n: u8,
        d: u8,
        key: u8,
    },
    Update {
        n: u8,
        capacity: u16,
    },
    Pause {
        n: u8,
    },
    Resume {
        n: u8,
    },
    Deregister {
        n: u8,
    },
    Grant {
        n: u8,
        model: AssetId,
    },
    Revoke {
        n: u8,
        model: AssetId,
    },
    Book {
        model: AssetId,
        max_ask: Balance,
        excluded: u8,
        seed: u8,
    },
    Settle {
        n: u8,
        outcome: Outcome,
    },
    Wait {
        blocks: u64,
    },
    Seize {
        n: u8,
    },
    Restore {
        n: u8,
        amount: Balance,
    },
    Forfeit {
        n: u8,
        amount: Balance,
        winner: u8,
    },
}

/// Few owners, devices and models, so that they get in each other's way.
fn op() -> impl Strategy<Value = Op> {
    let n = 1u8..=4;
    let model = 0..MODELS;
    let ask = prop_oneof![0u128..8, 90u128..130, Just(Balance::MAX)];
    let amount = prop_oneof![Just(MIN_STAKE), 0..2 * MIN_STAKE];
    let outcome = prop_oneof![
        3 => Just(Outcome::Kept),
        1 => Just(Outcome::Declined),
        1 => Just(Outcome::Missed),
        1 => Just(Outcome::Blameless)
    ];
    prop_oneof![
        2 => (n.clone(), n.clone(), 0..=MAX_CAPACITY + 1).prop_map(|(n, d, capacity)| Op::Register { n, d, capacity }),
        3 => (n.clone(), amount.clone()).prop_map(|(n, amount)| Op::Bond { n, amount }),
        1 => (n.clone(), amount.clone()).prop_map(|(n, amount)| Op::Unbond { n, amount }),
        1 => n.clone().prop_map(|n| Op::Withdraw { n }),
        4 => (n.clone(), model.clone(), ask.clone()).prop_map(|(n, model, ask)| Op::Offer { n, model, ask }),
        1 => (n.clone(), model.clone()).prop_map(|(n, model)| Op::WithdrawOffer { n, model }),
        1 => (n.clone(), n.clone(), 1u8..6).prop_map(|(n, d, key)| Op::Rotate { n, d, key }),
        1 => (n.clone(), 0..=MAX_CAPACITY + 1).prop_map(|(n, capacity)| Op::Update { n, capacity }),
        1 => n.clone().prop_map(|n| Op::Pause { n }),
        3 => n.clone().prop_map(|n| Op::Resume { n }),
        1 => n.clone().prop_map(|n| Op::Deregister { n }),
        4 => (n.clone(), model.clone()).prop_map(|(n, model)| Op::Grant { n, model }),
        1 => (n.clone(), model.clone()).prop_map(|(n, model)| Op::Revoke { n, model }),
        5 => (model, ask, n.clone(), any::<u8>())
            .prop_map(|(model, max_ask, excluded, seed)| Op::Book { model, max_ask, excluded, seed }),
        1 => n.clone().prop_map(|n| Op::Seize { n }),
        1 => (n.clone(), amount.clone()).prop_map(|(n, amount)| Op::Restore { n, amount }),
        1 => (n.clone(), amount, n.clone()).prop_map(|(n, amount, winner)| Op::Forfeit { n, amount, winner }),
        4 => (n, outcome).prop_map(|(n, outcome)| Op::Settle { n, outcome }),
        1 => (1..=UNBONDING_PERIOD).prop_map(|blocks| Op::Wait { blocks }),
    ]
}

/// Whether anybody but `excluded` should be bookable, by the definition and not by the book.
fn eligible(model: AssetId, max_ask: Balance, excluded: u8) -> bool {
    crate::Offers::<Test>::iter().any(|(who, at, offer)| {
        at == model
            && who != owner(excluded)
            && offer.keyed
            && offer.ask_per_token <= max_ask
            && Stored::<Test>::get(&who).is_some_and(|info| info.standing(MIN_STAKE).is_some())
    })
}

fn apply(op: Op) {
    // Refusals are part of the game; what they leave behind is what is looked at.
    let _ = match op {
        Op::Register { n, d, capacity } => {
            Providers::register(signed(owner(n)), device(d), key(n), endpoint(), capacity, consent(d, n))
        }
        Op::Bond { n, amount } => Providers::bond(signed(owner(n)), amount),
        Op::Unbond { n, amount } => Providers::unbond(signed(owner(n)), amount),
        Op::Withdraw { n } => Providers::withdraw_unbonded(signed(owner(n))),
        Op::Offer { n, model, ask } => Providers::offer(signed(owner(n)), model, ask),
        Op::WithdrawOffer { n, model } => Providers::withdraw_offer(signed(owner(n)), model),
        Op::Rotate { n, d, key: k } => Providers::rotate_device(signed(owner(n)), device(d), key(k), consent(d, n)),
        Op::Update { n, capacity } => Providers::update(signed(device(n)), endpoint(), capacity),
        Op::Pause { n } => Providers::pause(signed(device(n))),
        Op::Resume { n } => Providers::resume(signed(owner(n))),
        Op::Deregister { n } => Providers::deregister(signed(owner(n))),
        Op::Grant { n, model } => {
            Market::grant(model, &owner(n));
            Ok(())
        }
        Op::Revoke { n, model } => {
            Market::revoke(model, &owner(n));
            Ok(())
        }
        Op::Book {
            model,
            max_ask,
            excluded,
            seed,
        } => {
            let due = eligible(model, max_ask, excluded);
            let booked =
                Providers::book(JOB, model, max_ask, &[owner(excluded)], [seed; 32]).map(|(booking, _)| booking);
            // With four providers no bucket is longer than a search, so who is eligible is found.
            assert_eq!(booked.is_ok(), due, "{booked:?}");
            if let Ok(booking) = &booked {
                assert!(booking.ask_per_token <= max_ask && booking.provider != owner(excluded));
            }
            if booked == Err(NoMatch::PriceBelowAsk) {
                assert!(eligible(model, Balance::MAX, 0));
            }
            Ok(())
        }
        Op::Settle { n, outcome } => {
            // Whoever settles has booked before.
            if Stored::<Test>::get(owner(n)).is_some_and(|info| info.busy() > 0) {
                Providers::settle(&owner(n), JOB, outcome);
            }
            Ok(())
        }
        // Whoever seizes, and gives back or takes, has seen a result of theirs.
        Op::Seize { n } => {
            if Stored::<Test>::contains_key(owner(n)) {
                Providers::seize(&owner(n));
            }
            Ok(())
        }
        Op::Restore { n, amount } => {
            if Stored::<Test>::contains_key(owner(n)) {
                Providers::restore(&owner(n), amount);
            }
            Ok(())
        }
        Op::Forfeit { n, amount, winner } => {
            if Stored::<Test>::contains_key(owner(n)) {
                Providers::forfeit(&owner(n), amount, &owner(winner), amount / 3);
            }
            Ok(())
        }
        Op::Wait { blocks } => {
            System::set_block_number(System::block_number() + blocks);
            Ok(())
        }
    };
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]
    #[test]
    fn any_sequence_of_calls_leaves_a_sound_state(ops in proptest::collection::vec(op(), 0..120)) {
        run(|| {
            for op in ops {
                let told = format!("{op:?}");
                apply(op);
                assert_eq!(Providers::do_try_state(), Ok(()), "after {told}");
            }
        });
    }
}
