//! What must hold after every block, and in the tests after every test.

use alloc::{
    collections::{BTreeMap, BTreeSet},
    vec::Vec,
};
use codec::Encode;
use frame_support::{ensure, traits::fungible::hold::Inspect as _};
use sp_runtime::TryRuntimeError;
use weft_primitives::{
    Balance, LicenceId,
    asset::is_name,
    endpoint::is_endpoint,
    licence::{Right, Term},
    rating,
};

use crate::{
    AssetStatus, Assets, Catalogue, Config, Endpoints, Grants, HoldReason, LicenceOf, Licences, LicencesByHolder,
    NextAssetId, NextLicenceId, Pallet, Raters, Ratings, Scrutinies, SectionSizes, Versions, Works,
    catalogue::newest_first,
};

/// Every reason for a hold, in the order in which sums are kept here.
const REASONS: [HoldReason; 7] = [
    HoldReason::Publication,
    HoldReason::Grant,
    HoldReason::Endpoint,
    HoldReason::Licence,
    HoldReason::Rating,
    HoldReason::Attestation,
    HoldReason::Report,
];

impl<T: Config> Pallet<T> {
    /// Checks every invariant of the pallet. Unbounded: for tests and dry runs of upgrades.
    pub fn do_try_state() -> Result<(), TryRuntimeError> {
        Self::check_assets()?;
        Self::check_works()?;
        Self::check_catalogue()?;
        Self::check_grants()?;
        Self::check_licences()?;
        Self::check_ratings()?;
        Self::check_scrutinies()?;
        Self::check_holds()
    }

    fn check_assets() -> Result<(), TryRuntimeError> {
        let next = NextAssetId::<T>::get();
        let mut published = 0u64;
        for (asset, info) in Assets::<T>::iter() {
            published = published.saturating_add(1);
            ensure!(asset < next, "an asset's number has not been given out");
            let what = &info.published;
            ensure!(is_name(&what.name), "an asset's name is not printable text");
            ensure!(
                what.exact_root.is_none() || what.kind.runs_jobs(),
                "an asset that is no model has the root of one"
            );
            ensure!(
                what.records.is_none() || !what.kind.runs_jobs(),
                "an asset that is no dataset has records"
            );
            ensure!(
                Versions::<T>::get(info.work, info.version) == Some(asset),
                "an asset is not the version of its work that it says"
            );
            ensure!(
                what.bases.iter().all(|base| base.asset < asset),
                "an asset was made from a later one"
            );
            let is_first = info.version == 1;
            ensure!(
                Self::resolve((!is_first).then_some(info.work), &what.bases)
                    .is_ok_and(|lineage| lineage == (info.ancestors, info.generations)),
                "an asset's ancestors are not what its bases make them"
            );
        }
        // All below `next` and as many as `next`: the numbers are dense.
        ensure!(published == next, "an asset's number has no asset");
        Ok(())
    }

    fn check_works() -> Result<(), TryRuntimeError> {
        let mut versions = 0u64;
        for (id, work) in Works::<T>::iter() {
            versions = versions.saturating_add(work.versions.into());
            let (mut listed, mut deposit) = (0u32, 0 as Balance);
            for version in 1..=work.versions {
                let asset = Versions::<T>::get(id, version).ok_or("a work lacks a version")?;
                let info = Assets::<T>::get(asset).ok_or("a version is no asset")?;
                ensure!(info.work == id, "a version is another work's");
                ensure!(info.published.kind == work.kind, "a version is of another kind");
                ensure!(
                    (version == 1) == (asset == id),
                    "a work does not have the number of its first version"
                );
                ensure!(
                    (version == work.versions) == (asset == work.latest),
                    "a work's newest version is not the last"
                );
                listed = listed.saturating_add((info.status == AssetStatus::Listed).into());
                deposit = deposit.saturating_add(info.deposit);
            }
            ensure!(listed == work.listed, "a work's listed versions are miscounted");
            ensure!(
                deposit == work.deposit,
                "a work's deposit is not the sum of its versions'"
            );
            ensure!(
                Self::check_tags(&work.tags).is_ok(),
                "a work has a tag twice, or one that is none"
            );
            ensure!(
                work.tariffs.iter().all(|tariff| tariff.term.is_sound()),
                "a work has a tariff that buys nothing"
            );
            ensure!(
                work.offered_to.as_ref() != Some(&work.owner),
                "a work is offered to its owner"
            );
        }
        ensure!(
            versions == NextAssetId::<T>::get() && Versions::<T>::iter_keys().count() as u64 == versions,
            "the works' versions do not add up to all assets"
        );
        Ok(())
    }

    fn check_catalogue() -> Result<(), TryRuntimeError> {
        let mut expected = BTreeSet::new();
        let mut sizes = BTreeMap::<Vec<u8>, u64>::new();
        for (id, work) in Works::<T>::iter() {
            for section in work.sections() {
                let section = section.encode();
                let size = sizes.entry(section.clone()).or_default();
                *size = size.saturating_add(1);
                expected.insert((section, newest_first(id)));
            }
        }
        let listed: BTreeSet<_> = Catalogue::<T>::iter_keys()
            .map(|(section, key)| (section.encode(), key))
            .collect();
        ensure!(listed.is_subset(&expected), "a section has a work that is not of it");
        ensure!(expected.is_subset(&listed), "a section lacks a work");
        let counted: BTreeMap<_, _> = SectionSizes::<T>::iter()
            .map(|(section, size)| (section.encode(), size))
            .collect();
        ensure!(counted == sizes, "a section is miscounted");
        Ok(())
    }

    fn check_grants() -> Result<(), TryRuntimeError> {
        let mut sums = BTreeMap::new();
        for (asset, _, grant) in Grants::<T>::iter() {
            let info = Assets::<T>::get(asset).ok_or("a grant is for no asset")?;
            let sum = sums.entry(info.work).or_insert(0 as Balance);
            *sum = sum.saturating_add(grant.deposit);
        }
        for (id, work) in Works::<T>::iter() {
            ensure!(
                work.grant_deposits == sums.get(&id).copied().unwrap_or(0),
                "a work's deposit for grants is not the sum of its grants'"
            );
        }
        for endpoint in Endpoints::<T>::iter_values() {
            ensure!(is_endpoint(&endpoint.url), "an endpoint is not visible ASCII");
        }
        Ok(())
    }

    fn check_licences() -> Result<(), TryRuntimeError> {
        let next = NextLicenceId::<T>::get();
        let mut licences = 0usize;
        for (id, licence) in Licences::<T>::iter() {
            licences = licences.saturating_add(1);
            ensure!(id < next, "a licence's number has not been given out");
            ensure!(
                LicenceOf::<T>::get(licence.work, &licence.holder) == Some(id),
                "a licence is not the one of its work that its holder has"
            );
            ensure!(
                LicencesByHolder::<T>::contains_key(&licence.holder, id.to_be_bytes()),
                "a licence is not in its holder's list"
            );
            ensure!(
                Assets::<T>::get(licence.asset).is_some_and(|info| info.work == licence.work),
                "a licence's asset is no version of its work"
            );
            ensure!(
                licence.holding.units > 0 && licence.holding.cost <= licence.paid,
                "a licence cost more than was paid for it"
            );
            let is_of_its_term = matches!(
                (licence.holding.right, licence.term),
                (Right::Forever, Term::Once)
                    | (Right::Uses { .. }, Term::PerUse)
                    | (Right::Until { .. }, Term::PerPeriod { .. })
            );
            ensure!(is_of_its_term, "a licence allows what its term does not sell");
        }
        ensure!(
            LicenceOf::<T>::iter_keys().count() == licences,
            "an account has a licence that there is not"
        );
        ensure!(
            LicencesByHolder::<T>::iter_keys().all(|(holder, key)| {
                Licences::<T>::get(LicenceId::from_be_bytes(key)).is_some_and(|licence| licence.holder == holder)
            }),
            "a holder's list has a licence that is not theirs"
        );
        Ok(())
    }

    fn check_ratings() -> Result<(), TryRuntimeError> {
        let mut sums = BTreeMap::<_, rating::Ratings>::new();
        for (work, who, rating) in Ratings::<T>::iter() {
            ensure!(
                (1..=rating::MAX_STARS).contains(&rating.stars),
                "a rating has stars that there are not"
            );
            ensure!(
                Raters::<T>::get(work, rating.position) == Some(who),
                "a rating does not stand where it says"
            );
            let sum = sums.entry(work).or_default();
            *sum = sum.with(rating.stars);
        }
        for (id, work) in Works::<T>::iter() {
            ensure!(
                work.ratings == sums.remove(&id).unwrap_or_default(),
                "a work's ratings do not add up"
            );
            ensure!(
                Raters::<T>::iter_key_prefix(id).all(|position| position < work.ratings.count)
                    && Raters::<T>::iter_key_prefix(id).count() as u64 == u64::from(work.ratings.count),
                "a work's list of ratings has gaps"
            );
        }
        ensure!(sums.is_empty(), "a rating is of no work");
        Ok(())
    }

    fn check_scrutinies() -> Result<(), TryRuntimeError> {
        let mut upheld = BTreeMap::new();
        for (asset, scrutiny) in Scrutinies::<T>::iter() {
            let info = Assets::<T>::get(asset).ok_or("no asset is said something of")?;
            ensure!(!scrutiny.is_empty(), "an empty record is kept");
            let attesters: BTreeSet<_> = scrutiny.attestations.iter().map(|one| &one.who).collect();
            let reporters: BTreeSet<_> = scrutiny.reports.iter().map(|one| &one.who).collect();
            ensure!(
                attesters.len() == scrutiny.attestations.len() && reporters.len() == scrutiny.reports.len(),
                "somebody says the same twice"
            );
            let sum = upheld.entry(info.work).or_insert(0u32);
            *sum = sum.saturating_add(scrutiny.upheld);
        }
        for (id, work) in Works::<T>::iter() {
            ensure!(
                work.upheld_reports == upheld.get(&id).copied().unwrap_or(0),
                "a work's upheld reports do not add up"
            );
        }
        Ok(())
    }

    fn check_holds() -> Result<(), TryRuntimeError> {
        let mut owed = BTreeMap::<T::AccountId, [Balance; REASONS.len()]>::new();
        let mut owe = |who: T::AccountId, reason: HoldReason, amount: Balance| {
            let sums = owed.entry(who).or_default();
            for (known, sum) in REASONS.into_iter().zip(sums) {
                if known == reason {
                    *sum = sum.saturating_add(amount);
                }
            }
        };
        for work in Works::<T>::iter_values() {
            owe(work.owner.clone(), HoldReason::Publication, work.deposit);
            owe(work.owner, HoldReason::Grant, work.grant_deposits);
        }
        for (owner, endpoint) in Endpoints::<T>::iter() {
            owe(owner, HoldReason::Endpoint, endpoint.deposit);
        }
        for licence in Licences::<T>::iter_values() {
            owe(licence.holder, HoldReason::Licence, licence.deposit);
        }
        for (_, who, rating) in Ratings::<T>::iter() {
            owe(who, HoldReason::Rating, rating.deposit);
        }
        for scrutiny in Scrutinies::<T>::iter_values() {
            for attestation in scrutiny.attestations {
                owe(attestation.who, HoldReason::Attestation, attestation.stake);
            }
            for report in scrutiny.reports {
                owe(report.who, HoldReason::Report, report.bond);
            }
        }
        for (who, sums) in owed {
            for (reason, sum) in REASONS.into_iter().zip(sums) {
                ensure!(
                    T::Currency::balance_on_hold(&reason.into(), &who) == sum,
                    "what is held from an account is not what its records say"
                );
            }
        }
        Ok(())
    }
}
