//! Worst cases of the calls: all offers enter or leave the book at once, and each gap they leave is filled by another
//! provider's offer.

use alloc::vec;

use codec::Encode;
use frame_benchmarking::v2::*;
use frame_support::{
    BoundedVec, assert_ok,
    traits::{
        Get,
        fungible::{Inspect as _, Mutate as _},
    },
};
use frame_system::RawOrigin;
use sp_runtime::{AccountId32, MultiSignature, MultiSigner, Saturating, traits::IdentifyAccount};
use weft_primitives::{
    AssetId, Balance,
    device::EncryptionKey,
    registry::{KeyGrantHandler, Matching, ModelRegistry},
    reputation::{Outcome, Reputation},
};

use crate::{Availability, Call, Config, DeviceOwner, Offers, OffersOf, Pallet, Providers, Unbonding, UnbondingChunk};

/// Signs what a device has to sign.
pub trait ConsentHelper<AccountId, Signature> {
    /// A device, and its signature of the message.
    fn sign(message: &[u8]) -> (AccountId, Signature);
}

/// With the keystore that benchmarks are run with.
impl ConsentHelper<AccountId32, MultiSignature> for () {
    fn sign(message: &[u8]) -> (AccountId32, MultiSignature) {
        let device = sp_io::crypto::sr25519_generate(0.into(), None);
        let signature =
            sp_io::crypto::sr25519_sign(0.into(), &device, message).expect("the keystore has what it generated");
        (MultiSigner::from(device).into_account(), signature.into())
    }
}

/// An account that belongs to `to`: `kind` tells several apart.
fn belonging_to<T: Config>(to: &T::AccountId, kind: &'static str) -> T::AccountId {
    let number = to.using_encoded(|bytes| {
        let [a, b, c, d, ..] = sp_io::hashing::blake2_256(bytes);
        u32::from_le_bytes([a, b, c, d])
    });
    account(kind, number, 0)
}

fn longest<S: Get<u32>>() -> BoundedVec<u8, S> {
    BoundedVec::truncate_from(vec![b'x'; S::get() as usize])
}

/// Gives an owner what a full set of offers and the stake cost, several times over.
fn fund<T: Config>(owner: &T::AccountId) {
    let deposits = T::OfferDeposit::get()
        .saturating_mul(T::MaxOffers::get().into())
        .saturating_add(T::RegistrationDeposit::get());
    let funds: Balance = T::Currency::minimum_balance()
        .saturating_add(deposits)
        .saturating_add(T::MinStake::get())
        .saturating_mul(4);
    T::Currency::mint_into(owner, funds).expect("a benchmark's currency can be minted");
}

/// Registers an owner with a device, for pallets that need no more of them than that.
pub(crate) fn device<T: Config>(owner: &T::AccountId, device: &T::AccountId) -> EncryptionKey {
    let encryption_key = [6; 32];
    fund::<T>(owner);
    assert_ok!(Pallet::<T>::enroll(
        owner.clone(),
        device.clone(),
        encryption_key,
        longest(),
        1
    ));
    encryption_key
}

/// Registers an owner with enough stake, available, with capacity for one more job than it has, and one kept promise
/// away from the next reputation class.
fn provider<T: Config>(owner: &T::AccountId) {
    if !Providers::<T>::contains_key(owner) {
        fund::<T>(owner);
        // A point of X25519 to which custodians can wrap shares: its base point.
        let mut encryption_key = [0; 32];
        encryption_key[0] = 9;
        assert_ok!(Pallet::<T>::enroll(
            owner.clone(),
            belonging_to::<T>(owner, "device"),
            encryption_key,
            longest(),
            1
        ));
        assert_ok!(Pallet::<T>::do_bond(owner.clone(), T::MinStake::get()));
    }
    assert_ok!(Pallet::<T>::alter(owner, |info| {
        info.availability = Availability::Available;
        info.capacity = info.busy().saturating_add(1);
        info.reputation = Reputation::default().after(Outcome::Kept);
        Ok(())
    }));
}

/// A provider who offers `model`, and whose key for it is missing.
pub(crate) fn unkeyed_offer<T: Config>(owner: &T::AccountId, model: AssetId, ask_per_token: Balance) -> EncryptionKey {
    provider::<T>(owner);
    assert_ok!(Pallet::<T>::do_offer(owner.clone(), model, ask_per_token));
    Pallet::<T>::encryption_key(owner).expect("it was registered above")
}

fn keyed_offer<T: Config>(owner: &T::AccountId, model: AssetId, ask_per_token: Balance) {
    let key = unkeyed_offer::<T>(owner, model, ask_per_token);
    T::Models::benchmark_grant(model, owner, &key);
    // The pallet behind `Models` tells this one; one that stands in for it in a test may not.
    Pallet::<T>::key_granted(model, owner);
}

/// Makes an owner bookable once more for `model`, with `offers` offers in the book that leave with the booking, each but
/// the one for `model` followed by another provider's offer, which moves into the gap. With 0 the one offer stays, as the
/// owner has a slot to spare, and no reputation class is near.
pub(crate) fn bookable<T: Config>(owner: &T::AccountId, model: AssetId, ask_per_token: Balance, offers: u32) {
    keyed_offer::<T>(owner, model, ask_per_token);
    if offers == 0 {
        assert_ok!(Pallet::<T>::alter(owner, |info| {
            info.capacity = info.busy().saturating_add(2);
            info.reputation = Reputation::default();
            Ok(())
        }));
    }
    let follower = belonging_to::<T>(owner, "follower");
    while OffersOf::<T>::get(owner).len() < offers as usize {
        let filler = T::Models::benchmark_model(&belonging_to::<T>(owner, "creator"));
        keyed_offer::<T>(owner, filler, ask_per_token);
        keyed_offer::<T>(&follower, filler, ask_per_token);
    }
}

fn listed<T: Config>(owner: &T::AccountId) -> usize {
    Offers::<T>::iter_prefix_values(owner)
        .filter(|found| found.listing.is_some())
        .count()
}

/// An owner with all offers listed, each followed by another's, and one of their models.
fn full<T: Config>() -> (T::AccountId, AssetId) {
    let owner: T::AccountId = whitelisted_caller();
    let model = T::Models::benchmark_model(&owner);
    bookable::<T>(&owner, model, 1_000, T::MaxOffers::get());
    keyed_offer::<T>(&account("behind", 0, 0), model, 1_000);
    assert_eq!(listed::<T>(&owner), T::MaxOffers::get() as usize);
    (owner, model)
}

#[benchmarks]
mod benchmarks {
    use super::*;

    #[benchmark]
    fn register() {
        let owner: T::AccountId = whitelisted_caller();
        fund::<T>(&owner);
        let (device, consent) = T::BenchmarkHelper::sign(&Pallet::<T>::consent_for(&owner));

        #[extrinsic_call]
        _(
            RawOrigin::Signed(owner.clone()),
            device.clone(),
            [1; 32],
            longest(),
            T::MaxCapacity::get(),
            consent,
        );

        assert_eq!(DeviceOwner::<T>::get(device), Some(owner));
    }

    #[benchmark]
    fn bond() {
        let (owner, _) = full::<T>();
        let stake = T::MinStake::get();
        assert_ok!(Pallet::<T>::do_unbond(owner.clone(), stake));
        assert_eq!(listed::<T>(&owner), 0);

        #[extrinsic_call]
        _(RawOrigin::Signed(owner.clone()), stake);

        assert_eq!(listed::<T>(&owner), T::MaxOffers::get() as usize);
    }

    #[benchmark]
    fn unbond() {
        let (owner, _) = full::<T>();
        Unbonding::<T>::insert(&owner, chunks::<T>(T::MaxUnbonding::get().saturating_sub(1)));

        #[extrinsic_call]
        _(RawOrigin::Signed(owner.clone()), T::MinStake::get());

        assert_eq!(listed::<T>(&owner), 0);
    }

    #[benchmark]
    fn withdraw_unbonded() {
        let (owner, _) = full::<T>();
        let chunks = chunks::<T>(T::MaxUnbonding::get());
        let amount = chunks.len() as Balance;
        assert_ok!(Pallet::<T>::do_bond(owner.clone(), amount));
        assert_ok!(Pallet::<T>::alter(&owner, |info| {
            info.stake = info.stake.saturating_sub(amount);
            Ok(())
        }));
        Unbonding::<T>::insert(&owner, chunks);

        #[extrinsic_call]
        _(RawOrigin::Signed(owner.clone()));

        assert!(!Unbonding::<T>::contains_key(owner));
    }

    #[benchmark]
    fn offer() {
        let (owner, model) = full::<T>();

        #[extrinsic_call]
        _(RawOrigin::Signed(owner.clone()), model, 1_000_000);

        assert_eq!(
            Offers::<T>::get(owner, model).map(|found| found.ask_per_token),
            Some(1_000_000)
        );
    }

    #[benchmark]
    fn withdraw_offer() {
        let (owner, model) = full::<T>();

        #[extrinsic_call]
        _(RawOrigin::Signed(owner.clone()), model);

        assert!(!Offers::<T>::contains_key(owner, model));
    }

    #[benchmark]
    fn rotate_device() {
        let (owner, _) = full::<T>();
        let (device, consent) = T::BenchmarkHelper::sign(&Pallet::<T>::consent_for(&owner));

        #[extrinsic_call]
        _(RawOrigin::Signed(owner.clone()), device.clone(), [9; 32], consent);

        assert_eq!(DeviceOwner::<T>::get(device), Some(owner.clone()));
        assert_eq!(listed::<T>(&owner), 0);
    }

    #[benchmark]
    fn update() {
        let (owner, model) = full::<T>();
        let behind = account("behind", 0, 0);
        assert!(Pallet::<T>::book(0, model, Balance::MAX, &[behind], [0; 32]).is_ok());
        assert_eq!(listed::<T>(&owner), 0);
        let capacity = T::MaxCapacity::get();

        #[extrinsic_call]
        _(
            RawOrigin::Signed(owner.clone()),
            longest::<T::MaxEndpointBytes>(),
            capacity,
        );

        assert_eq!(listed::<T>(&owner), T::MaxOffers::get() as usize);
    }

    #[benchmark]
    fn pause() {
        let (owner, _) = full::<T>();
        let device = belonging_to::<T>(&owner, "device");

        // The device's call costs a look-up more than the owner's.
        #[extrinsic_call]
        _(RawOrigin::Signed(device));

        assert_eq!(listed::<T>(&owner), 0);
    }

    #[benchmark]
    fn resume() {
        let (owner, _) = full::<T>();
        assert_ok!(Pallet::<T>::do_pause(owner.clone()));
        let device = belonging_to::<T>(&owner, "device");

        #[extrinsic_call]
        _(RawOrigin::Signed(device));

        assert_eq!(listed::<T>(&owner), T::MaxOffers::get() as usize);
    }

    #[benchmark]
    fn deregister() {
        let (owner, _) = full::<T>();
        // Without stake the offers are out of the book already; what is left to do is the index and the deposits.
        assert_ok!(Pallet::<T>::do_unbond(owner.clone(), T::MinStake::get()));
        let due = frame_system::Pallet::<T>::block_number().saturating_add(T::UnbondingPeriod::get());
        frame_system::Pallet::<T>::set_block_number(due);
        assert_ok!(Pallet::<T>::do_withdraw_unbonded(owner.clone()));

        #[extrinsic_call]
        _(RawOrigin::Signed(owner.clone()));

        assert!(!Providers::<T>::contains_key(owner));
    }

    impl_benchmark_test_suite!(Pallet, crate::mock::new_test_ext(), crate::mock::Test);
}

/// Portions of one unit each, all due.
fn chunks<T: Config>(count: u32) -> crate::UnbondingOf<T> {
    let chunk = UnbondingChunk {
        amount: 1,
        unlock_at: frame_system::Pallet::<T>::block_number(),
    };
    BoundedVec::truncate_from(vec![chunk; count as usize])
}
