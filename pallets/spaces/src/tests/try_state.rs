//! The check itself: it would be worth nothing if it passed on anything.

use frame_support::{assert_err, assert_ok};
use weft_primitives::{
    price::PPM,
    space::{Category, Grievance, PaidUse},
};

use crate::{
    Featured, NextSpaceId, Purchases, Ratings, Releases, Reports, Roll, RollEntry, RollLength, RollPlace, Section,
    SectionEntry, SectionLength, SectionPlace, SpaceOf, Spaces, mock::*,
};

/// Breaks one thing in a sound state and expects to be told which.
fn broken(break_it: impl FnOnce(u64), told: &'static str) {
    new_test_ext().execute_with(|| {
        let space = publish();
        assert_ok!(buy(BUYER, space));
        assert_ok!(rate(BUYER, space, 4, PaidUse::Bought));
        assert_ok!(Store::report(
            RuntimeOrigin::signed(BUYER),
            space,
            Grievance::Other,
            None
        ));
        assert_ok!(Store::feature(RuntimeOrigin::root(), space, true));
        assert_ok!(Store::do_try_state());
        break_it(space);
        assert_err!(Store::do_try_state(), told);
    });
}

fn change(space: u64, change: impl FnOnce(&mut SpaceOf<Test>)) {
    Spaces::<Test>::mutate(space, |space| change(space.as_mut().unwrap()));
}

#[test]
fn each_breach_of_a_space_is_told() {
    broken(|_| NextSpaceId::<Test>::put(2), "a Space's number has no Space");
    broken(
        |_| NextSpaceId::<Test>::put(0),
        "a Space's number has not been given out",
    );
    broken(
        |space| change(space, |space| space.title[0] = 0),
        "a Space's title is not printable text",
    );
    broken(
        |space| change(space, |space| space.calls[0].share = PPM + 1),
        "a Space gives away more than it earns",
    );
    for since in [&[][..], &[9]] {
        broken(
            |space| change(space, |space| space.called_since = since.to_vec().try_into().unwrap()),
            "a Space does not know since when it calls an asset",
        );
    }
    broken(
        |space| change(space, |space| space.offered_to = Some(OWNER)),
        "a Space is offered to its owner",
    );
    broken(
        |space| Releases::<Test>::remove(space, 0),
        "a Space's release is missing",
    );
    broken(
        |space| Releases::<Test>::mutate(space, 0, |release| release.as_mut().unwrap().bundle_bytes = 0),
        "a release has no version or no bundle",
    );
    broken(
        |space| Releases::<Test>::insert(space, 3, Releases::<Test>::get(space, 0).unwrap()),
        "a release is later than the latest",
    );
    broken(
        |space| Purchases::<Test>::remove(space, BUYER),
        "a Space's purchases are not as many as it counts",
    );
    broken(
        |space| Purchases::<Test>::insert(9, BUYER, Purchases::<Test>::get(space, BUYER).unwrap()),
        "a release or purchase is of no Space",
    );
    broken(
        |space| change(space, |space| space.retired = true),
        "a Space is featured that is not listed",
    );
    broken(
        |space| Featured::<Test>::mutate(|all| all.try_push(space).unwrap()),
        "a Space is featured twice",
    );
    broken(
        |space| change(space, |space| space.deposit += 1),
        "what is held from an account is not what its records say",
    );
    broken(
        |space| Ratings::<Test>::mutate(space, BUYER, |rating| rating.as_mut().unwrap().deposit += 1),
        "what is held from an account is not what its records say",
    );
    broken(
        |space| Reports::<Test>::mutate(space, BUYER, |report| report.as_mut().unwrap().bond += 1),
        "what is held from an account is not what its records say",
    );
}

#[test]
fn each_breach_of_a_list_is_told() {
    let rated = |class| Section::Rated {
        category: Some(Category::Chat),
        class,
    };
    broken(
        |space| SectionPlace::<Test>::remove(Section::OwnedBy(OWNER), space),
        "a Space is not in a section where it belongs",
    );
    broken(
        |space| change(space, |space| space.category = Category::Data),
        "a Space is not in a section where it belongs",
    );
    broken(
        |space| SectionEntry::<Test>::insert(rated(8), 1, space),
        "a section's entry lies beyond its length or does not know its place",
    );
    broken(
        |space| {
            SectionEntry::<Test>::insert(rated(1), 0, space);
            SectionPlace::<Test>::insert(rated(1), space, 0);
            SectionLength::<Test>::insert(rated(1), 1);
        },
        "a Space is in a section where it does not belong",
    );
    broken(
        |space| SectionPlace::<Test>::insert(rated(1), space, 0),
        "a place is of no entry of its section",
    );
    broken(
        |_| SectionLength::<Test>::insert(rated(1), 1),
        "the sections' lengths do not add up to their entries",
    );
    broken(
        |space| Ratings::<Test>::mutate(space, BUYER, |rating| rating.as_mut().unwrap().stars = 6),
        "a rating has no or too many stars",
    );
    broken(
        |space| RollPlace::<Test>::remove(Roll::Raters(space), BUYER),
        "a rating is not in its Space's list",
    );
    broken(
        |space| RollPlace::<Test>::remove(Roll::Reporters(space), BUYER),
        "a report is not in its Space's list",
    );
    broken(
        |space| Ratings::<Test>::mutate(space, BUYER, |rating| rating.as_mut().unwrap().stars = 5),
        "a Space's ratings do not add up",
    );
    broken(
        |space| change(space, |space| space.open_reports = 0),
        "a Space's reports are not as many as it counts",
    );
    broken(
        |space| {
            Reports::<Test>::insert(9, BUYER, Reports::<Test>::get(space, BUYER).unwrap());
            RollPlace::<Test>::insert(Roll::Reporters(9), BUYER, 0);
        },
        "a rating or report is of no Space",
    );
    broken(
        |space| RollEntry::<Test>::insert(Roll::Raters(space), 1, BUYER),
        "a list's entry lies beyond its length or does not know its place",
    );
    broken(
        |space| RollLength::<Test>::insert(Roll::Raters(space + 1), 1),
        "the lists of accounts do not add up to all ratings and reports",
    );
}
