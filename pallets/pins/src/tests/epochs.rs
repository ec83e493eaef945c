//! The seed of an epoch.

use frame_support::traits::Hooks;

use crate::{Event, PresentEpoch, WeightInfo, mock::*};

#[test]
fn a_seed_is_drawn_in_the_first_block_of_each_epoch_and_stays() {
    run(|| {
        // The first epoch begins with block 1: nothing is drawn for the genesis block.
        let mut before = PresentEpoch::<Test>::get().unwrap();
        assert_eq!(before.epoch, 0);
        for epoch in 1..6 {
            run_to_epoch(epoch);
            let drawn = PresentEpoch::<Test>::get().unwrap();
            assert_eq!(drawn.epoch, epoch);
            assert_ne!(drawn.seed, before.seed);
            System::assert_last_event(Event::EpochBegan { epoch }.into());
            run_to(System::block_number() + EPOCH_BLOCKS - 1);
            assert_eq!(PresentEpoch::<Test>::get(), Some(drawn));
            before = drawn;
        }
    });
}

#[test]
fn a_block_costs_what_it_does() {
    run(|| {
        let costs: Vec<_> = (2..=20)
            .map(|block| {
                System::set_block_number(block);
                Pins::on_initialize(block) == <() as WeightInfo>::epoch_begins()
            })
            .collect();
        assert_eq!(costs.iter().filter(|begins| **begins).count(), 2);
        assert!(costs[8] && costs[18]);
    });
}

#[test]
fn other_luck_asks_for_another_piece() {
    let piece = |luck: u64| {
        new_test_ext().execute_with(|| {
            Luck::set(&luck);
            let asset = publish(1 << 20);
            frame_support::assert_ok!(Pins::open(RuntimeOrigin::signed(OPENER), asset, REWARD, 3, 1));
            frame_support::assert_ok!(join(PINNER, 0));
            run_to_epoch(1);
            asked(PINNER, 0).piece
        })
    };
    assert_eq!(piece(1), piece(1));
    let drawn: std::collections::BTreeSet<u64> = (0..10).map(piece).collect();
    assert!(drawn.len() > 7, "{drawn:?}");
}
