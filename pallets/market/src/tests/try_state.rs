//! The check itself: it would be worth nothing if it passed on anything.

use frame_support::{assert_err, assert_ok};
use weft_primitives::{
    AssetKind,
    licence::{Right, Term},
    lineage::Ancestor,
    rating::PaidUse,
};

use crate::{
    AssetInfoOf, Assets, Catalogue, Grants, LicenceInfoOf, LicenceOf, Licences, LicencesByHolder, NextAssetId,
    NextLicenceId, Raters, Ratings, Scrutinies, Section, SectionSizes, Tag, Versions, WorkOf, Works,
    catalogue::newest_first, mock::*,
};

/// Breaks one thing in a sound state and expects to be told which.
fn broken(break_it: impl FnOnce(), told: &'static str) {
    new_test_ext().execute_with(|| {
        // Work 0 of two versions, 0 and 1; work 2 made from it.
        let work = publish_as(CREATOR, model(), &["chat"], &[PER_USE]);
        release(CREATOR, work);
        publish_from(OTHER_CREATOR, &[(work, 1_000)]);
        assert_ok!(grant(CREATOR, work, PROVIDER, 1));
        let licence = licensed(BUYER, work, PER_USE, 2);
        assert_ok!(Market::rate(
            RuntimeOrigin::signed(BUYER),
            work,
            4,
            None,
            PaidUse::Licence(licence)
        ));
        assert_ok!(Market::attest(RuntimeOrigin::signed(BUYER), work, 100, content(1)));
        assert_ok!(Market::do_try_state());
        break_it();
        assert_err!(Market::do_try_state(), told);
    });
}

fn broken_asset(edit: impl FnOnce(&mut AssetInfoOf<Test>), told: &'static str) {
    broken(|| Assets::<Test>::mutate(2, |info| edit(info.as_mut().unwrap())), told);
}

fn broken_work(edit: impl FnOnce(&mut WorkOf<Test>), told: &'static str) {
    broken(|| Works::<Test>::mutate(0, |work| edit(work.as_mut().unwrap())), told);
}

fn broken_licence(edit: impl FnOnce(&mut LicenceInfoOf<Test>), told: &'static str) {
    broken(
        || Licences::<Test>::mutate(0, |licence| edit(licence.as_mut().unwrap())),
        told,
    );
}

#[test]
fn each_breach_in_assets_is_told() {
    broken(|| NextAssetId::<Test>::put(4), "an asset's number has no asset");
    broken(
        || NextAssetId::<Test>::put(1),
        "an asset's number has not been given out",
    );
    broken_asset(
        |info| info.published.name = b"\n".to_vec().try_into().unwrap(),
        "an asset's name is not printable text",
    );
    broken_asset(
        |info| (info.published.kind, info.published.exact_root) = (AssetKind::Dataset, Some(EXACT_ROOT)),
        "an asset that is no model has the root of one",
    );
    broken_asset(
        |info| info.published.records = Some(RECORDS),
        "an asset that is no dataset has records",
    );
    broken_asset(
        |info| info.version = 2,
        "an asset is not the version of its work that it says",
    );
    broken_asset(
        |info| info.published.bases[0].asset = 2,
        "an asset was made from a later one",
    );
    broken_asset(
        |info| info.ancestors[0] = Ancestor { work: 0, parts: 7 },
        "an asset's ancestors are not what its bases make them",
    );
}

#[test]
fn each_breach_in_works_is_told() {
    broken_work(|work| (work.versions, work.latest) = (3, 2), "a work lacks a version");
    broken(
        || {
            Versions::<Test>::insert(0, 3, 2);
            Works::<Test>::mutate(0, |work| {
                let work = work.as_mut().unwrap();
                (work.versions, work.latest) = (3, 2);
            });
        },
        "a version is another work's",
    );
    broken_work(|work| work.kind = AssetKind::Dataset, "a version is of another kind");
    broken_work(|work| work.latest = 0, "a work's newest version is not the last");
    broken_work(|work| work.listed = 1, "a work's listed versions are miscounted");
    broken_work(
        |work| work.deposit = 1,
        "a work's deposit is not the sum of its versions'",
    );
    broken_work(
        |work| work.tags[0] = Tag::default(),
        "a work has a tag twice, or one that is none",
    );
    broken_work(
        |work| work.tariffs[0].term = Term::PerPeriod { blocks: 0 },
        "a work has a tariff that buys nothing",
    );
    broken_work(|work| work.offered_to = Some(CREATOR), "a work is offered to its owner");
    broken(
        || Versions::<Test>::insert(0, 3, 2),
        "the works' versions do not add up to all assets",
    );
}

#[test]
fn each_breach_in_the_catalogue_is_told() {
    broken(
        || Catalogue::<Test>::remove(Section::<u64>::All, newest_first(0)),
        "a section lacks a work",
    );
    broken(
        || Catalogue::<Test>::insert(Section::<u64>::Rating(0), newest_first(0), ()),
        "a section has a work that is not of it",
    );
    broken(
        || SectionSizes::<Test>::insert(Section::<u64>::All, 3),
        "a section is miscounted",
    );
    broken(
        || SectionSizes::<Test>::insert(Section::<u64>::Price(7), 0),
        "a section is miscounted",
    );
    broken_work(
        |work| work.tags = Default::default(),
        "a section has a work that is not of it",
    );
}

#[test]
fn each_breach_in_grants_and_licences_is_told() {
    broken(
        || Grants::<Test>::remove(0, PROVIDER),
        "a work's deposit for grants is not the sum of its grants'",
    );
    broken(
        || NextLicenceId::<Test>::put(0),
        "a licence's number has not been given out",
    );
    broken_licence(
        |licence| licence.work = 2,
        "a licence is not the one of its work that its holder has",
    );
    broken(
        || LicencesByHolder::<Test>::remove(BUYER, 0u64.to_be_bytes()),
        "a licence is not in its holder's list",
    );
    broken_licence(
        |licence| licence.asset = 2,
        "a licence's asset is no version of its work",
    );
    broken_licence(|licence| licence.paid = 1, "a licence cost more than was paid for it");
    broken_licence(
        |licence| licence.holding.right = Right::Forever,
        "a licence allows what its term does not sell",
    );
    broken(
        || LicenceOf::<Test>::insert(2, BUYER, 0),
        "an account has a licence that there is not",
    );
    broken(
        || LicencesByHolder::<Test>::insert(CREATOR, 0u64.to_be_bytes(), ()),
        "a holder's list has a licence that is not theirs",
    );
}

#[test]
fn each_breach_in_what_is_said_is_told() {
    let broken_rating = |edit: fn(&mut crate::Rating<u64>), told| {
        broken(
            || Ratings::<Test>::mutate(0, BUYER, |rating| edit(rating.as_mut().unwrap())),
            told,
        );
    };
    broken_rating(|rating| rating.stars = 6, "a rating has stars that there are not");
    broken_rating(|rating| rating.position = 1, "a rating does not stand where it says");
    broken_rating(|rating| rating.stars = 3, "a work's ratings do not add up");
    broken(
        || Raters::<Test>::insert(0, 1, CREATOR),
        "a work's list of ratings has gaps",
    );
    broken(
        || {
            let rating = Ratings::<Test>::get(0, BUYER).unwrap();
            Ratings::<Test>::insert(9, BUYER, rating);
            Raters::<Test>::insert(9, 0, BUYER);
        },
        "a rating is of no work",
    );
    broken(
        || Scrutinies::<Test>::insert(2, crate::ScrutinyOf::<Test>::default()),
        "an empty record is kept",
    );
    broken(
        || {
            Scrutinies::<Test>::mutate(0, |scrutiny| {
                let again = scrutiny.attestations[0].clone();
                scrutiny.attestations.try_push(again).unwrap();
            })
        },
        "somebody says the same twice",
    );
    broken(
        || Scrutinies::<Test>::mutate(0, |scrutiny| scrutiny.upheld = 1),
        "a work's upheld reports do not add up",
    );
    broken(
        || Scrutinies::<Test>::mutate(0, |scrutiny| scrutiny.attestations[0].stake = 1),
        "what is held from an account is not what its records say",
    );
}

#[test]
fn the_configuration_is_checked() {
    use frame_support::traits::Hooks;
    new_test_ext().execute_with(<Market as Hooks<u64>>::integrity_test);
}
