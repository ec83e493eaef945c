//! Booking and settling.

use frame_support::{assert_noop, assert_ok};
use std::collections::BTreeSet;
use weft_primitives::{
    Balance,
    registry::{Booking, Matching, NoMatch},
    reputation::Outcome,
};

use crate::{Availability, Error, Event, PauseReason, Providers as Stored, mock::*};

fn book(max_ask: Balance, excluded: &[u8], seed: u8) -> Result<Booking<sp_runtime::AccountId32>, NoMatch> {
    let excluded: Vec<_> = excluded.iter().copied().map(owner).collect();
    Providers::book(JOB, MODEL, max_ask, &excluded, [seed; 32]).map(|(booking, _)| booking)
}

fn booked(max_ask: Balance, excluded: &[u8], seed: u8) -> u8 {
    let booking = book(max_ask, excluded, seed).unwrap();
    (1..10).find(|n| owner(*n) == booking.provider).unwrap()
}

#[test]
fn a_booking_binds_the_ask_and_names_the_device() {
    run(|| {
        ready(1, 1, 10);
        assert_eq!(
            book(50, &[], 0),
            Ok(Booking {
                provider: owner(1),
                device: device(1),
                encryption_key: key(1),
                ask_per_token: 10,
            })
        );
        System::assert_last_event(
            Event::Booked {
                owner: owner(1),
                model: MODEL,
                ask_per_token: 10,
                busy: 1,
            }
            .into(),
        );
    });
}

#[test]
fn what_a_booking_and_its_settlement_move_is_counted() {
    run(|| {
        ready(1, 2, 10);
        let moved = |booked: Result<(Booking<_>, _), NoMatch>| booked.unwrap().1;
        assert_eq!(
            moved(Providers::book(JOB, MODEL, 10, &[], [0; 32])),
            0,
            "a slot is left"
        );
        assert_eq!(
            moved(Providers::book(JOB, MODEL, 10, &[], [0; 32])),
            1,
            "the offer leaves"
        );
        assert_eq!(
            Providers::settle(&owner(1), JOB, Outcome::Blameless),
            1,
            "the offer is back"
        );
        let mut most = 0;
        for _ in 0..20 {
            let moves = Providers::settle(&owner(1), JOB, Outcome::Kept);
            assert!([0, 2].contains(&moves), "to another class, or nowhere");
            most = moves.max(most);
            assert_eq!(moved(Providers::book(JOB, MODEL, 10, &[], [0; 32])), 0);
        }
        assert_eq!(most, 2);
        assert!(most <= Providers::most_moves());
    });
}

#[test]
fn a_full_device_is_passed_over_until_a_job_ends() {
    run(|| {
        ready(1, 2, 10);
        assert_eq!(booked(10, &[], 0), 1);
        assert!(is_listed(1, MODEL));
        assert_eq!(booked(10, &[], 0), 1);
        assert!(!is_listed(1, MODEL));
        assert_eq!(book(10, &[], 0), Err(NoMatch::NoProvider));
        Providers::settle(&owner(1), JOB, Outcome::Blameless);
        assert!(is_listed(1, MODEL));
        assert_eq!(booked(10, &[], 0), 1);
    });
}

#[test]
fn all_offers_leave_the_book_with_the_last_slot() {
    run(|| {
        ready(1, 1, 10);
        offer_keyed(1, OTHER_MODEL, 20);
        assert!(is_listed(1, OTHER_MODEL));
        assert_eq!(booked(10, &[], 0), 1);
        assert!(!is_listed(1, OTHER_MODEL));
        assert_ok!(Providers::update(signed(owner(1)), endpoint(), 2));
        assert!(is_listed(1, OTHER_MODEL), "more capacity is more slots");
        assert_noop!(
            Providers::update(signed(owner(1)), endpoint(), 0),
            Error::<Test>::InvalidCapacity
        );
    });
}

#[test]
fn capacity_does_not_fall_below_what_runs() {
    run(|| {
        ready(1, 2, 10);
        booked(10, &[], 0);
        booked(10, &[], 0);
        assert_noop!(
            Providers::update(signed(owner(1)), endpoint(), 1),
            Error::<Test>::CapacityBelowBusy
        );
    });
}

#[test]
fn price_then_reputation_then_chance() {
    run(|| {
        ready(1, 4, 1_000);
        ready(2, 4, 100);
        ready(3, 4, 100);
        // Two kept promises lift a newcomer into the next class.
        for _ in 0..2 {
            assert_eq!(booked(100, &[2], 0), 3);
            Providers::settle(&owner(3), JOB, Outcome::Kept);
        }
        assert_eq!(booked(2_000, &[], 0), 3);
        assert_eq!(booked(2_000, &[3], 0), 2);
        assert_eq!(booked(2_000, &[2, 3], 0), 1);
        assert_eq!(book(2_000, &[1, 2, 3], 0), Err(NoMatch::NoProvider));
        assert_eq!(book(99, &[], 0), Err(NoMatch::PriceBelowAsk));
    });
}

#[test]
fn equals_are_picked_by_the_seed() {
    run(|| {
        for n in 1..=4 {
            ready(n, 4, 100);
        }
        let picked: BTreeSet<u8> = (0..4)
            .map(|seed| {
                let n = booked(100, &[], seed);
                Providers::settle(&owner(n), JOB, Outcome::Blameless);
                n
            })
            .collect();
        assert_eq!(picked, (1..=4).collect());
    });
}

#[test]
fn silence_pauses_and_is_counted() {
    run(|| {
        ready(1, 1, 10);
        booked(10, &[], 0);
        Providers::settle(&owner(1), JOB, Outcome::Missed);
        let info = Stored::<Test>::get(owner(1)).unwrap();
        assert_eq!(info.availability, Availability::Paused(PauseReason::MissedDeadline));
        assert_eq!((info.missed, info.busy()), (1, 0));
        System::assert_last_event(
            Event::Paused {
                owner: owner(1),
                reason: PauseReason::MissedDeadline,
            }
            .into(),
        );
        assert_eq!(book(10, &[], 0), Err(NoMatch::NoProvider));
        assert_ok!(Providers::resume(signed(device(1))));
        assert_eq!(booked(10, &[], 0), 1);
    });
}

#[test]
fn each_outcome_is_counted_as_what_it_is() {
    run(|| {
        ready(1, 4, 10);
        for _ in 0..4 {
            booked(10, &[], 0);
        }
        let newcomer = Stored::<Test>::get(owner(1)).unwrap().reputation;
        Providers::settle(&owner(1), JOB, Outcome::Blameless);
        assert_eq!(Stored::<Test>::get(owner(1)).unwrap().reputation, newcomer);
        Providers::settle(&owner(1), JOB, Outcome::Kept);
        Providers::settle(&owner(1), JOB, Outcome::Declined);
        let expected = newcomer.after(Outcome::Kept).after(Outcome::Declined);
        System::assert_last_event(
            Event::Settled {
                owner: owner(1),
                outcome: Outcome::Declined,
                score_ppm: expected.score_ppm(),
                busy: 1,
            }
            .into(),
        );
        // Paused by the owner stays paused by the owner.
        assert_ok!(Providers::pause(signed(owner(1))));
        Providers::settle(&owner(1), JOB, Outcome::Missed);
        let info = Stored::<Test>::get(owner(1)).unwrap();
        assert_eq!((info.completed, info.declined, info.missed, info.busy()), (1, 1, 1, 0));
        assert_eq!(info.availability, Availability::Paused(PauseReason::ByOwner));
    });
}

#[test]
fn who_lacks_anything_is_not_booked() {
    run(|| {
        for n in 1..=4 {
            ready(n, 1, 10);
        }
        assert_ok!(Providers::pause(signed(owner(1))));
        assert_ok!(Providers::unbond(signed(owner(2)), 1));
        Market::revoke(MODEL, &owner(3));
        assert_eq!(booked(10, &[], 0), 4);
        assert_eq!(book(10, &[], 0), Err(NoMatch::NoProvider));
        assert_eq!(
            Providers::book(JOB, OTHER_MODEL, Balance::MAX, &[], [0; 32]),
            Err(NoMatch::NoProvider)
        );
    });
}
