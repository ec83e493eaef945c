//! Whatever is called in whatever order, the state stays sound and no money comes or goes.

use frame_support::traits::fungible::hold::Inspect;
use proptest::prelude::*;
use weft_primitives::pieces::Epoch;

use crate::{Deals, HoldReason, Pins as Stored, mock::*};

#[derive(Clone, Debug)]
enum Op {
    Open {
        who: u64,
        reward: u128,
        epochs: Epoch,
        places: u32,
    },
    Join {
        who: u64,
        deal: u64,
    },
    Prove {
        who: u64,
        deal: u64,
    },
    ProveWrongly {
        who: u64,
        deal: u64,
        piece: u64,
    },
    Leave {
        who: u64,
        deal: u64,
    },
    Evict {
        by: u64,
        deal: u64,
        pinner: u64,
    },
    GiveNotice {
        who: u64,
        deal: u64,
    },
    Close {
        who: u64,
        deal: u64,
    },
    Wait {
        blocks: u64,
    },
}

fn op() -> impl Strategy<Value = Op> {
    let (who, deal) = (1u64..=5, 0u64..4);
    prop_oneof![
        2 => (who.clone(), 0u128..2_000, 0u32..12, 0u32..4)
            .prop_map(|(who, reward, epochs, places)| Op::Open { who, reward, epochs, places }),
        4 => (who.clone(), deal.clone()).prop_map(|(who, deal)| Op::Join { who, deal }),
        8 => (who.clone(), deal.clone()).prop_map(|(who, deal)| Op::Prove { who, deal }),
        1 => (who.clone(), deal.clone(), 0u64..6).prop_map(|(who, deal, piece)| Op::ProveWrongly { who, deal, piece }),
        2 => (who.clone(), deal.clone()).prop_map(|(who, deal)| Op::Leave { who, deal }),
        3 => (who.clone(), deal.clone(), who.clone()).prop_map(|(by, deal, pinner)| Op::Evict { by, deal, pinner }),
        1 => (who.clone(), deal.clone()).prop_map(|(who, deal)| Op::GiveNotice { who, deal }),
        1 => (who, deal).prop_map(|(who, deal)| Op::Close { who, deal }),
        5 => (1u64..16).prop_map(|blocks| Op::Wait { blocks }),
    ]
}

fn apply(op: Op) {
    // Refusals are part of the game; what they leave behind is what is looked at.
    let _ = match op {
        Op::Open {
            who,
            reward,
            epochs,
            places,
        } => Pins::open(RuntimeOrigin::signed(who), 0, reward, epochs, places),
        Op::Join { who, deal } => join(who, deal),
        Op::Prove { who, deal } => {
            let (due, before) = (Pins::challenge(deal, &who), wealth(who));
            let proved = prove(who, deal);
            // What is asked for can be answered, nothing else, and it is paid.
            assert_eq!(proved.is_ok(), due.is_some());
            assert_eq!(wealth(who), before + due.map_or(0, |due| due.reward));
            proved
        }
        Op::ProveWrongly { who, deal, piece } => {
            let (bytes, siblings) = answer(SIZE, (piece + 1) % 6);
            let epoch = Pins::present_epoch();
            let proved = Pins::prove(RuntimeOrigin::signed(who), deal, epoch, piece, bytes, siblings);
            assert!(proved.is_err());
            proved
        }
        Op::Leave { who, deal } => leave(who, deal),
        Op::Evict { by, deal, pinner } => evict(by, deal, pinner),
        Op::GiveNotice { who, deal } => give_notice(who, deal),
        Op::Close { who, deal } => close(who, deal),
        Op::Wait { blocks } => {
            run_to(System::block_number() + blocks);
            Ok(())
        }
    };
}

/// Whatever happened, everybody can get out with what is theirs.
fn wind_up() {
    for (id, deal) in Deals::<Test>::iter().collect::<Vec<_>>() {
        let _ = give_notice(deal.opener, id);
    }
    run_to(System::block_number() + u64::from(NOTICE_EPOCHS + 14) * EPOCH_BLOCKS);
    for (id, deal) in Deals::<Test>::iter().collect::<Vec<_>>() {
        assert_eq!(close(deal.opener, id), Ok(()));
    }
    for (id, pinner, _) in Stored::<Test>::iter().collect::<Vec<_>>() {
        assert_eq!(leave(pinner, id), Ok(()));
    }
    for who in 1..=5 {
        for reason in [HoldReason::Deal, HoldReason::Escrow, HoldReason::Bond] {
            assert_eq!(Balances::balance_on_hold(&reason.into(), &who), 0);
        }
    }
    assert_eq!(crate::ShelfEntry::<Test>::iter().count(), 0);
    assert_eq!(crate::ShelfLength::<Test>::iter().count(), 0);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]
    #[test]
    fn any_sequence_of_calls_leaves_a_sound_state(ops in proptest::collection::vec(op(), 0..80)) {
        run(|| {
            publish(SIZE);
            for op in ops {
                apply(op);
                assert_eq!(Pins::do_try_state(), Ok(()));
            }
            wind_up();
        });
    }
}
