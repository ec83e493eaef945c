//! Worst cases of the calls: the longest texts, no hold of the reason yet, sections of the catalogue that are left and
//! entered, payments in the dearest currency, keys in custody, and offers that are listed or moved.

use alloc::{vec, vec::Vec};
use frame_benchmarking::v2::*;
use frame_support::{
    BoundedVec,
    traits::{
        EnsureOrigin, Get,
        fungible::{Inspect as _, Mutate as _},
    },
};
use frame_system::RawOrigin;
use sp_runtime::{Saturating, traits::Bounded};
use weft_primitives::{
    AssetId, AssetKind, Balance, ContentCodec, ContentId, Currency, LicenceId, WorkId,
    asset::{Flaw, MAX_TAG_BYTES, MAX_TAGS},
    device::{EncryptionKey, WRAPPED_KEY_BYTES},
    licence::{Holding, MAX_TARIFFS, Tariff, Term},
    lineage::{Ancestor, Base, MAX_ANCESTORS, MAX_BASES},
    payment::Payments,
    rating::PaidUse,
    registry::{KeyCustody, KeyGrantHandler, ModelRegistry, PaidJobs, Royalties},
};

use crate::{
    AssetStatus, Assets, Attestation, Call, Config, Endpoints, Grants, Licence, LicenceOf, Licences, MAX_SCRUTINY,
    NextAssetId, Pallet, PublicationOf, Ratings, Report, Scrutinies, Tag, Tags, Tariffs, UrlOf, Works,
};

/// The base point of X25519: custodians refuse keys to which nothing can be sealed.
const KEY: EncryptionKey = {
    let mut key = [0; 32];
    key[0] = 9;
    key
};

/// Every part of it is received, also by accounts that do not exist yet.
const PRICE: Balance = 1_000_000_000_000_000_000;

/// An exact text model with the longest name, made from nothing.
pub(crate) fn publication<T: Config>() -> PublicationOf<T> {
    PublicationOf::<T> {
        kind: AssetKind::TextModel,
        name: longest(),
        manifest: content(1),
        content: content(2),
        size_bytes: 1 << 30,
        key_commitment: [3; 32],
        // Something for the owner and something for the provider, so that settling a job pays both.
        royalty: T::MaxRoyalty::get() / 2,
        exact_root: Some([4; 32]),
        pieces_root: Some([5; 32]),
        records: None,
        bases: Default::default(),
    }
}

fn content(byte: u8) -> ContentId {
    ContentId {
        codec: ContentCodec::DagPb,
        sha256: [byte; 32],
    }
}

fn longest<S: Get<u32>>() -> BoundedVec<u8, S> {
    BoundedVec::truncate_from(vec![b'x'; S::get() as usize])
}

/// The most tags of the longest kind that begin with `first`.
fn tags(first: u8) -> Tags {
    let tag = |nth: u32| {
        let mut tag = vec![first; MAX_TAG_BYTES as usize];
        if let Some(last) = tag.last_mut() {
            *last = b'a'.saturating_add(nth as u8);
        }
        Tag::truncate_from(tag)
    };
    BoundedVec::truncate_from((0..MAX_TAGS).map(tag).collect())
}

fn tariff<T: Config>() -> Tariff {
    Tariff {
        term: Term::PerUse,
        currency: T::Payments::benchmark_currency(),
        price: PRICE,
    }
}

fn tariffs<T: Config>() -> Tariffs {
    T::Payments::benchmark_endow(&account("accepting", 0, 0), T::Payments::benchmark_currency(), 1);
    let mut all = vec![tariff::<T>(); MAX_TARIFFS.saturating_sub(1) as usize];
    all.push(Tariff {
        currency: Currency::Native,
        ..tariff::<T>()
    });
    BoundedVec::truncate_from(all)
}

/// Somebody who can pay every deposit, stake and fee, and prices in every currency.
fn rich<T: Config>(who: &T::AccountId) {
    let funds = T::Currency::minimum_balance()
        .saturating_add(PRICE)
        .saturating_mul(1_000);
    T::Currency::mint_into(who, funds).expect("a benchmark's currency can be minted");
    T::Payments::benchmark_endow(who, T::Payments::benchmark_currency(), PRICE.saturating_mul(1_000));
}

fn caller<T: Config>() -> T::AccountId {
    let caller = whitelisted_caller();
    rich::<T>(&caller);
    caller
}

/// Somebody else who exists.
fn other<T: Config>(nth: u32) -> T::AccountId {
    let other = account("other", nth, 0);
    rich::<T>(&other);
    other
}

/// A work of somebody's, for which nothing is held.
pub(crate) fn published<T: Config>(owner: &T::AccountId) -> AssetId {
    stored::<T>(owner, publication::<T>(), Default::default())
}

/// A listed exact model with this root, whose income is divided among as many as can be.
pub(crate) fn published_exact<T: Config>(owner: &T::AccountId, exact_root: [u8; 32]) -> AssetId {
    let asset = descendant::<T>(owner, <Pallet<T> as Royalties<T::AccountId>>::most_payees());
    Assets::<T>::mutate(asset, |info| {
        if let Some(info) = info {
            info.published.exact_root = Some(exact_root);
        }
    });
    asset
}

fn stored<T: Config>(owner: &T::AccountId, what: PublicationOf<T>, prices: Tariffs) -> AssetId {
    Pallet::<T>::store_work(owner.clone(), what, tags(b'a'), prices, Default::default(), 0)
        .expect("a benchmark's chain has numbers left")
}

/// A listed work with a tariff.
pub(crate) fn sealed<T: Config>(owner: &T::AccountId, size_bytes: u64, pieces_root: [u8; 32]) -> AssetId {
    let what = PublicationOf::<T> {
        size_bytes,
        pieces_root: Some(pieces_root),
        ..publication::<T>()
    };
    stored::<T>(owner, what, tariffs::<T>())
}

/// A listed exact model whose income is divided among `payees` accounts that exist, its owner among them. Two of them
/// have no payee in common but their owner: whoever pays for both at once pays all.
pub(crate) fn descendant<T: Config>(owner: &T::AccountId, payees: u32) -> AssetId {
    let seed = NextAssetId::<T>::get() as u32;
    let ancestors = (1..payees)
        .map(|nth| {
            let creator: T::AccountId = account("ancestor", nth, seed);
            T::Currency::mint_into(&creator, T::Currency::minimum_balance()).expect("a currency can be minted");
            Ancestor {
                work: published::<T>(&creator),
                parts: 1_000_000_000 / (2 * MAX_ANCESTORS),
            }
        })
        .collect();
    let asset = stored::<T>(owner, publication::<T>(), Default::default());
    Assets::<T>::mutate(asset, |info| {
        if let Some(info) = info {
            info.ancestors = BoundedVec::truncate_from(ancestors);
        }
    });
    asset
}

/// Gives somebody a licence that counts uses, for which nothing is held, and the work a tariff if it has none.
pub(crate) fn licensed<T: Config>(asset: AssetId, holder: &T::AccountId, encryption_key: EncryptionKey) -> LicenceId {
    let work = Assets::<T>::get(asset).expect("it was just published").work;
    Works::<T>::mutate(work, |work| {
        if let Some(work) = work
            && work.tariffs.is_empty()
        {
            work.tariffs = BoundedVec::truncate_from(vec![tariff::<T>()]);
        }
    });
    let id = Pallet::<T>::next_licence().expect("a benchmark's chain has numbers left");
    let licence = Licence {
        holder: holder.clone(),
        work,
        asset,
        encryption_key,
        term: Term::PerUse,
        currency: T::Payments::benchmark_currency(),
        holding: Holding::bought(Term::PerUse, 1_000, 1_000, 0).expect("so many uses can be counted"),
        paid: 1_000,
        revoked: false,
        bought_at: frame_system::Pallet::<T>::block_number(),
        deposit: 0,
    };
    Pallet::<T>::store_licence(id, licence);
    id
}

/// What a holder's key was before: that of another point of the group.
const EARLIER_KEY: EncryptionKey = {
    // The double of the base point, RFC 7748's ladder with the scalar 2.
    [
        0xfb, 0x4e, 0x68, 0xdd, 0x9c, 0x46, 0xae, 0x5c, 0x5c, 0x0b, 0x35, 0x1e, 0xed, 0x5c, 0x3f, 0x8f, 0x14, 0x71,
        0x15, 0x7d, 0x68, 0x0c, 0x75, 0xd9, 0xb7, 0xf1, 0x73, 0x18, 0xd5, 0x42, 0xd3, 0x20,
    ]
};

/// A licence for which the key was asked from custodians under [`EARLIER_KEY`], so that asking anew takes that request's place.
fn requested<T: Config>(asset: AssetId, holder: &T::AccountId) -> LicenceId {
    let licence = licensed::<T>(asset, holder, EARLIER_KEY);
    T::Custody::benchmark_entrust(asset);
    Pallet::<T>::do_request_key(holder.clone(), licence, asset).expect("the key is in custody");
    licence
}

/// A licence of a work of `owner`'s that was really paid.
fn bought<T: Config>(holder: &T::AccountId, owner: &T::AccountId) -> LicenceId {
    let asset = stored::<T>(owner, publication::<T>(), tariffs::<T>());
    Pallet::<T>::do_buy(holder.clone(), asset, tariff::<T>(), 1, KEY).expect("the holder is rich");
    LicenceOf::<T>::get(asset, holder).expect("it was just bought")
}

/// A work of `owner`'s whose deposits are really held, with a grant.
fn owned<T: Config>(owner: &T::AccountId) -> WorkId {
    let work = NextAssetId::<T>::get();
    Pallet::<T>::do_publish(owner.clone(), publication::<T>(), tags(b'a'), tariffs::<T>()).expect("the owner is rich");
    let provider: T::AccountId = account("provider", 0, 0);
    let key = T::Grantees::benchmark_unkeyed_offer(work, &provider);
    Pallet::<T>::do_grant_key(owner.clone(), work, provider, key, [7; WRAPPED_KEY_BYTES]).expect("the owner is rich");
    work
}

/// Bases with an ancestor each.
fn bases<T: Config>(count: u32) -> BoundedVec<Base, frame_support::traits::ConstU32<MAX_BASES>> {
    let share = 1_000_000 / MAX_BASES;
    let base = |nth: u32| {
        let owner: T::AccountId = account("base", nth, 0);
        rich::<T>(&owner);
        let first = published::<T>(&owner);
        let asset = NextAssetId::<T>::get();
        let what = PublicationOf::<T> {
            bases: BoundedVec::truncate_from(vec![Base { asset: first, share }]),
            ..publication::<T>()
        };
        Pallet::<T>::do_publish(owner, what, Default::default(), Default::default()).expect("the owner is rich");
        Base { asset, share }
    };
    BoundedVec::truncate_from((0..count).map(base).collect())
}

/// So many others vouch for an asset; nothing is held for it.
fn attested<T: Config>(asset: AssetId, count: u32) {
    Scrutinies::<T>::mutate(asset, |scrutiny| {
        let attestations = (0..count).map(|nth| Attestation {
            who: account("attester", nth, 0),
            stake: 0,
            report: content(6),
            since: frame_system::Pallet::<T>::block_number(),
        });
        scrutiny.attestations = BoundedVec::truncate_from(attestations.collect());
    });
}

/// So many others have reported an asset; nothing is held for it.
fn reported<T: Config>(asset: AssetId, count: u32) {
    Scrutinies::<T>::mutate(asset, |scrutiny| {
        let reports = (0..count).map(|nth| Report {
            who: account("reporter", nth, 0),
            why: Flaw::Poisoned,
            evidence: content(7),
            bond: 0,
            since: frame_system::Pallet::<T>::block_number(),
        });
        scrutiny.reports = BoundedVec::truncate_from(reports.collect());
    });
}

fn let_periods_pass<T: Config>() {
    let now = frame_system::Pallet::<T>::block_number()
        .saturating_add(T::AttestationPeriod::get())
        .saturating_add(T::ReportPeriod::get())
        .min(Bounded::max_value());
    frame_system::Pallet::<T>::set_block_number(now);
}

#[benchmarks]
mod benchmarks {
    use super::*;

    #[benchmark]
    fn publish(b: Linear<0, MAX_BASES>) {
        let owner = caller::<T>();
        let what = PublicationOf::<T> {
            bases: bases::<T>(b),
            ..publication::<T>()
        };
        let prices = tariffs::<T>();

        #[extrinsic_call]
        _(RawOrigin::Signed(owner.clone()), what, tags(b'b'), prices);

        let asset = NextAssetId::<T>::get().saturating_sub(1);
        assert_eq!(Works::<T>::get(asset).map(|work| work.owner), Some(owner));
    }

    #[benchmark]
    fn release(b: Linear<0, MAX_BASES>) -> Result<(), BenchmarkError> {
        let owner = caller::<T>();
        let work = published::<T>(&owner);
        Pallet::<T>::do_retire(owner.clone(), work)?;
        let what = PublicationOf::<T> {
            bases: bases::<T>(b),
            ..publication::<T>()
        };

        #[extrinsic_call]
        _(RawOrigin::Signed(owner), work, what);

        assert!(Works::<T>::get(work).is_some_and(|work| work.versions == 2 && work.listed == 1));
        Ok(())
    }

    #[benchmark]
    fn retire() {
        let owner = caller::<T>();
        let asset = Pallet::<T>::benchmark_model(&owner);

        #[extrinsic_call]
        _(RawOrigin::Signed(owner), asset);

        assert_eq!(
            Assets::<T>::get(asset).map(|info| info.status),
            Some(AssetStatus::Retired)
        );
    }

    #[benchmark]
    fn grant_key() {
        let owner = caller::<T>();
        let asset = Pallet::<T>::benchmark_model(&owner);
        let provider: T::AccountId = account("provider", 0, 0);
        let key = T::Grantees::benchmark_unkeyed_offer(asset, &provider);

        #[extrinsic_call]
        _(
            RawOrigin::Signed(owner),
            asset,
            provider.clone(),
            key,
            [7; WRAPPED_KEY_BYTES],
        );

        assert!(Pallet::<T>::has_key(asset, &provider, &key));
    }

    #[benchmark]
    fn revoke_key() {
        let owner = caller::<T>();
        let asset = owned::<T>(&owner);
        let provider: T::AccountId = account("provider", 0, 0);
        // Another offer behind it in the book, which has to move into the gap.
        let last: T::AccountId = account("provider", 1, 0);
        let key = T::Grantees::benchmark_unkeyed_offer(asset, &last);
        Pallet::<T>::benchmark_grant(asset, &last, &key);

        #[extrinsic_call]
        _(RawOrigin::Signed(owner), asset, provider.clone());

        assert!(!Grants::<T>::contains_key(asset, provider));
    }

    #[benchmark]
    fn set_endpoint() {
        let owner = caller::<T>();
        let url: UrlOf<T> = longest();

        #[extrinsic_call]
        _(RawOrigin::Signed(owner.clone()), Some(url));

        assert!(Endpoints::<T>::contains_key(owner));
    }

    #[benchmark]
    fn remove_endpoint() -> Result<(), BenchmarkError> {
        let owner = caller::<T>();
        Pallet::<T>::set_endpoint(RawOrigin::Signed(owner.clone()).into(), Some(longest()))?;

        #[extrinsic_call]
        set_endpoint(RawOrigin::Signed(owner.clone()), None);

        assert!(!Endpoints::<T>::contains_key(owner));
        Ok(())
    }

    #[benchmark]
    fn set_tags() {
        let owner = caller::<T>();
        let work = published::<T>(&owner);

        #[extrinsic_call]
        _(RawOrigin::Signed(owner), work, tags(b'b'));

        assert_eq!(Works::<T>::get(work).map(|work| work.tags), Some(tags(b'b')));
    }

    #[benchmark]
    fn set_tariffs() {
        let owner = caller::<T>();
        let work = published::<T>(&owner);
        let prices = tariffs::<T>();

        #[extrinsic_call]
        _(RawOrigin::Signed(owner), work, prices.clone());

        assert_eq!(Works::<T>::get(work).map(|work| work.tariffs), Some(prices));
    }

    #[benchmark]
    fn offer_transfer() {
        let owner = caller::<T>();
        let work = published::<T>(&owner);
        let to: T::AccountId = account("other", 0, 0);

        #[extrinsic_call]
        _(RawOrigin::Signed(owner), work, Some(to.clone()));

        assert_eq!(Works::<T>::get(work).map(|work| work.offered_to), Some(Some(to)));
    }

    #[benchmark]
    fn accept_transfer() -> Result<(), BenchmarkError> {
        let (owner, to) = (other::<T>(0), caller::<T>());
        let work = owned::<T>(&owner);
        Pallet::<T>::do_offer_transfer(owner, work, Some(to.clone()))?;

        #[extrinsic_call]
        _(RawOrigin::Signed(to.clone()), work);

        assert_eq!(Works::<T>::get(work).map(|work| work.owner), Some(to));
        Ok(())
    }

    #[benchmark]
    fn buy(p: Linear<0, MAX_ANCESTORS>) {
        let (owner, holder) = (other::<T>(0), caller::<T>());
        let asset = Pallet::<T>::benchmark_asset(&owner, p.saturating_add(1));
        let prices = tariffs::<T>();
        Works::<T>::mutate(asset, |work| {
            if let Some(work) = work {
                work.tariffs = prices;
            }
        });
        T::Custody::benchmark_entrust(asset);

        #[extrinsic_call]
        _(RawOrigin::Signed(holder.clone()), asset, tariff::<T>(), 1, KEY);

        assert!(LicenceOf::<T>::contains_key(asset, holder));
    }

    /// By who has a licence, and has asked for the key under another encryption key.
    #[benchmark]
    fn buy_again(p: Linear<0, MAX_ANCESTORS>) {
        let (owner, holder) = (other::<T>(0), caller::<T>());
        let asset = Pallet::<T>::benchmark_asset(&owner, p.saturating_add(1));
        let prices = tariffs::<T>();
        Works::<T>::mutate(asset, |work| {
            if let Some(work) = work {
                work.tariffs = prices;
            }
        });
        let licence = requested::<T>(asset, &holder);

        #[extrinsic_call]
        buy(RawOrigin::Signed(holder.clone()), asset, tariff::<T>(), 1, KEY);

        assert!(Licences::<T>::get(licence).is_some_and(|licence| licence.encryption_key == KEY));
    }

    #[benchmark]
    fn set_licence_key() {
        let (owner, holder) = (other::<T>(0), caller::<T>());
        let asset = published::<T>(&owner);
        let licence = requested::<T>(asset, &holder);

        #[extrinsic_call]
        _(RawOrigin::Signed(holder), licence, KEY);

        assert!(Licences::<T>::get(licence).is_some_and(|licence| licence.encryption_key == KEY));
    }

    #[benchmark]
    fn request_key() {
        let (owner, holder) = (other::<T>(0), caller::<T>());
        let asset = published::<T>(&owner);
        let licence = requested::<T>(asset, &holder);
        Licences::<T>::mutate(licence, |licence| {
            if let Some(licence) = licence {
                licence.encryption_key = KEY;
            }
        });

        #[extrinsic_call]
        _(RawOrigin::Signed(holder), licence, asset);
    }

    #[benchmark]
    fn close_licence() {
        let (owner, holder) = (other::<T>(0), caller::<T>());
        let licence = bought::<T>(&holder, &owner);

        #[extrinsic_call]
        _(RawOrigin::Signed(holder), licence);

        assert!(!Licences::<T>::contains_key(licence));
    }

    #[benchmark]
    fn revoke_licence() {
        let (holder, owner) = (other::<T>(0), caller::<T>());
        let licence = bought::<T>(&holder, &owner);

        #[extrinsic_call]
        _(RawOrigin::Signed(owner), licence);

        assert!(Licences::<T>::get(licence).is_some_and(|licence| licence.revoked));
    }

    #[benchmark]
    fn rate() {
        let (owner, who) = (other::<T>(0), caller::<T>());
        let work = published::<T>(&owner);
        let job = T::Jobs::benchmark_paid_job(&who, work);

        #[extrinsic_call]
        _(RawOrigin::Signed(who), work, 5, Some(content(8)), PaidUse::Job(job));

        assert!(Works::<T>::get(work).is_some_and(|work| work.ratings.count == 1));
    }

    #[benchmark]
    fn remove_rating() -> Result<(), BenchmarkError> {
        let (owner, who, last) = (other::<T>(0), caller::<T>(), other::<T>(1));
        let work = published::<T>(&owner);
        for (rater, stars) in [(&who, 5), (&last, 1)] {
            let job = T::Jobs::benchmark_paid_job(rater, work);
            Pallet::<T>::do_rate(rater.clone(), work, stars, Some(content(8)), PaidUse::Job(job))?;
        }

        #[extrinsic_call]
        _(RawOrigin::Signed(who.clone()), work);

        assert!(!Ratings::<T>::contains_key(work, who));
        Ok(())
    }

    #[benchmark]
    fn attest() {
        let (owner, who) = (other::<T>(0), caller::<T>());
        let asset = published::<T>(&owner);
        attested::<T>(asset, MAX_SCRUTINY.saturating_sub(1));
        reported::<T>(asset, MAX_SCRUTINY);

        #[extrinsic_call]
        _(RawOrigin::Signed(who), asset, T::MinAttestation::get(), content(6));

        assert_eq!(Scrutinies::<T>::get(asset).attestations.len(), MAX_SCRUTINY as usize);
    }

    #[benchmark]
    fn withdraw_attestation() -> Result<(), BenchmarkError> {
        let (owner, who) = (other::<T>(0), caller::<T>());
        let asset = published::<T>(&owner);
        attested::<T>(asset, MAX_SCRUTINY.saturating_sub(1));
        reported::<T>(asset, MAX_SCRUTINY);
        Pallet::<T>::do_attest(who.clone(), asset, T::MinAttestation::get(), content(6))?;
        let_periods_pass::<T>();

        #[extrinsic_call]
        _(RawOrigin::Signed(who), asset);

        assert_eq!(
            Scrutinies::<T>::get(asset).attestations.len() as u32,
            MAX_SCRUTINY.saturating_sub(1)
        );
        Ok(())
    }

    #[benchmark]
    fn report() {
        let (owner, who) = (other::<T>(0), caller::<T>());
        let asset = published::<T>(&owner);
        attested::<T>(asset, MAX_SCRUTINY);
        reported::<T>(asset, MAX_SCRUTINY.saturating_sub(1));

        #[extrinsic_call]
        _(RawOrigin::Signed(who), asset, Flaw::Poisoned, content(7));

        assert_eq!(Scrutinies::<T>::get(asset).reports.len(), MAX_SCRUTINY as usize);
    }

    #[benchmark]
    fn expire_report() -> Result<(), BenchmarkError> {
        let (owner, who, caller) = (other::<T>(0), other::<T>(1), caller::<T>());
        let asset = published::<T>(&owner);
        attested::<T>(asset, MAX_SCRUTINY);
        reported::<T>(asset, MAX_SCRUTINY.saturating_sub(1));
        Pallet::<T>::do_report(who.clone(), asset, Flaw::Poisoned, content(7))?;
        let_periods_pass::<T>();

        #[extrinsic_call]
        _(RawOrigin::Signed(caller), asset, who);

        assert_eq!(
            Scrutinies::<T>::get(asset).reports.len() as u32,
            MAX_SCRUTINY.saturating_sub(1)
        );
        Ok(())
    }

    #[benchmark]
    fn resolve_report() -> Result<(), BenchmarkError> {
        let origin = T::GovernanceOrigin::try_successful_origin()
            .map_err(|_| BenchmarkError::Override(BenchmarkResult::from_weight(frame_support::weights::Weight::MAX)))?;
        let (owner, who) = (other::<T>(0), other::<T>(1));
        let asset = published::<T>(&owner);
        reported::<T>(asset, MAX_SCRUTINY.saturating_sub(1));
        Pallet::<T>::do_report(who.clone(), asset, Flaw::Poisoned, content(7))?;
        // So much that every part of what is lost is received.
        let stake = T::MinAttestation::get().max(PRICE);
        let attesters: Vec<T::AccountId> = (0..MAX_SCRUTINY).map(|nth| account("attester", nth, 0)).collect();
        for attester in attesters {
            rich::<T>(&attester);
            Pallet::<T>::do_attest(attester, asset, stake, content(6))?;
        }

        #[extrinsic_call]
        _(origin as T::RuntimeOrigin, asset, who, true);

        assert_eq!(Scrutinies::<T>::get(asset).upheld, 1);
        Ok(())
    }

    impl_benchmark_test_suite!(Pallet, crate::mock::new_test_ext(), crate::mock::Test);
}
