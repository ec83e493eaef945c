//! Worst cases of the calls: the most custodians, the highest threshold, and real shares with real evidence against them.

use frame_benchmarking::v2::*;
use frame_support::{
    BoundedVec,
    traits::{Get, fungible::Mutate},
    weights::WeightMeter,
};
use frame_system::{RawOrigin, pallet_prelude::BlockNumberFor};
use sp_runtime::Saturating;
use weft_custody::MAX_SHARES;
use weft_primitives::{
    AssetId, Balance,
    custody_view::{DealingId, KeyRequestId},
    registry::{KeyGrantHandler, KeyRecipient, Licensing},
};

use crate::{types::Handled, *};

/// More than enough for any deposit.
fn fund<T: Config>(account: &T::AccountId) {
    let n = Balance::from(MAX_SHARES);
    let all = [
        T::CustodianStake::get(),
        T::RegistrationDeposit::get(),
        Pallet::<T>::custody_deposit(MAX_SHARES),
        T::DealerBond::get(),
        T::ProviderKeyDeposit::get(),
        T::ReleaseFee::get().saturating_mul(n),
        T::MissSlash::get(),
        T::ForgerySlash::get(),
        <T::Currency as frame_support::traits::fungible::Inspect<T::AccountId>>::minimum_balance(),
    ];
    let sum = all.into_iter().fold(0, Balance::saturating_add);
    T::Currency::set_balance(account, sum.saturating_mul(4));
}

/// What a block reads and writes at most once, however many requests it handles, is charged to the block and not to each.
fn charge_cursors_to_the_block<T: Config>() {
    for key in [
        NextDue::<T>::hashed_key(),
        NextRequest::<T>::hashed_key(),
        NextRemoval::<T>::hashed_key(),
    ] {
        frame_benchmarking::benchmarking::add_to_whitelist(key.to_vec().into());
    }
}

fn custodian<T: Config>(nth: u32) -> T::AccountId {
    account("custodian", nth, 0)
}

fn register_one<T: Config>(who: &T::AccountId) {
    fund::<T>(who);
    let endpoint = BoundedVec::truncate_from(alloc::vec![b'x'; T::MaxEndpointBytes::get() as usize]);
    Pallet::<T>::do_register(who.clone(), sample::key_of(who), Some(endpoint)).expect("a funded account can register");
}

/// As many custodians as two committees have, none of them at the end of the list.
fn register_all<T: Config>() {
    for nth in 0..2 * u32::from(MAX_SHARES) + 1 {
        register_one::<T>(&custodian::<T>(nth));
    }
    fund::<T>(&T::TreasuryAccount::get());
}

fn seller<T: Config>() -> T::AccountId {
    let seller = account("seller", 0, 0);
    fund::<T>(&seller);
    seller
}

/// An asset whose committee is drawn.
fn opened<T: Config>() -> (T::AccountId, AssetId) {
    register_all::<T>();
    let seller = seller::<T>();
    let asset = T::Licensing::benchmark_sealed(&seller, 1 << 30, [5; 32]);
    Pallet::<T>::do_open(seller.clone(), asset, MAX_SHARES, MAX_SHARES, true).expect("there are enough custodians");
    (seller, asset)
}

fn deal_key<T: Config>(seller: T::AccountId, asset: AssetId) {
    let (deal, envelope) = sample::seller_deal::<T>(asset, sample::CONTENT_KEY);
    Pallet::<T>::do_deal(seller, asset, deal, envelope).expect("the deal is honest");
}

/// An asset whose key was dealt.
fn dealt<T: Config>() -> (T::AccountId, AssetId) {
    let (seller, asset) = opened::<T>();
    deal_key::<T>(seller.clone(), asset);
    (seller, asset)
}

/// Puts an asset's key into custody, whoever owns it.
pub(crate) fn entrust<T: Config>(asset: AssetId) {
    register_all::<T>();
    let sealed = T::Licensing::sealed_asset(asset).expect("there is such an asset");
    fund::<T>(&sealed.owner);
    Pallet::<T>::do_open(sealed.owner.clone(), asset, MAX_SHARES, MAX_SHARES, true).expect("it can be entrusted");
    deal_key::<T>(sealed.owner, asset);
}

fn member<T: Config>(dealing: DealingId, index: u8) -> T::AccountId {
    let dealing = Dealings::<T>::get(dealing).expect("there is such a dealing");
    dealing.committee[usize::from(index) - 1].account.clone()
}

fn present<T: Config>(asset: AssetId) -> DealingId {
    Custodies::<T>::get(asset).expect("the key is in custody").dealing
}

fn buyer_request<T: Config>(asset: AssetId) -> (T::AccountId, KeyRequestId) {
    let buyer: T::AccountId = account("buyer", 0, 0);
    fund::<T>(&buyer);
    let licence = T::Licensing::benchmark_licence(asset, &buyer, &sample::key_of(&buyer));
    let request = NextRequest::<T>::get();
    Pallet::<T>::do_request_for_licence(buyer.clone(), asset, licence).expect("the licence is in force");
    (buyer, request)
}

/// As if the recipient of a request had asked for another encryption key: asking anew takes its place then.
fn under_another_key<T: Config>(request: KeyRequestId) {
    Requests::<T>::mutate(request, |request| {
        if let Some(request) = request {
            request.encryption_key = sample::key_of("earlier");
        }
    });
}

/// A provider's request.
fn provider_request<T: Config>(asset: AssetId) -> (T::AccountId, KeyRequestId) {
    let provider: T::AccountId = account("provider", 0, 0);
    T::Grantees::benchmark_unkeyed_offer(asset, &provider);
    // Another offer behind it in the book, which has to move into the gap.
    T::Grantees::benchmark_unkeyed_offer(asset, &account("provider", 1, 0));
    fund::<T>(&provider);
    let request = NextRequest::<T>::get();
    Pallet::<T>::do_request_for_provider(provider.clone(), asset).expect("the provider is registered");
    (provider, request)
}

fn release_all<T: Config>(request: KeyRequestId, but: &[u8]) {
    let dealing = Requests::<T>::get(request).expect("there is such a request").dealing;
    for index in (1..=MAX_SHARES).filter(|index| !but.contains(index)) {
        Pallet::<T>::do_release(member::<T>(dealing, index), request, [index; 80]).expect("it is in time");
    }
}

fn forged<T: Config>(request: KeyRequestId, index: u8) {
    let wrapped = sample::release_of::<T>(request, index, *sample::scalar("forged").to_bytes());
    let dealing = Requests::<T>::get(request).expect("there is such a request").dealing;
    Pallet::<T>::do_release(member::<T>(dealing, index), request, wrapped).expect("it is in time");
}

/// Begins a rotation, in which `deals` custodians deal.
fn resharing<T: Config>(asset: AssetId, deals: u8) -> DealingId {
    let out = member::<T>(present::<T>(asset), 1);
    Pallet::<T>::do_set_available(out, false).expect("it is registered");
    Pallet::<T>::do_rotate(asset).expect("a custodian is out");
    for dealer in 1..=deals {
        let deal = sample::custodian_deal::<T>(asset, dealer);
        Pallet::<T>::do_reshare(member::<T>(present::<T>(asset), dealer), asset, deal).expect("the deal is honest");
    }
    NextDealing::<T>::get().saturating_sub(1)
}

fn pass<T: Config>(blocks: BlockNumberFor<T>) {
    let now = frame_system::Pallet::<T>::block_number();
    frame_system::Pallet::<T>::set_block_number(now.saturating_add(blocks).saturating_add(1u32.into()));
}

#[benchmarks]
mod benchmarks {
    use super::*;

    #[benchmark]
    fn register() {
        let who: T::AccountId = whitelisted_caller();
        fund::<T>(&who);
        let endpoint: UrlOf<T> = BoundedVec::truncate_from(alloc::vec![b'x'; T::MaxEndpointBytes::get() as usize]);

        #[extrinsic_call]
        _(RawOrigin::Signed(who.clone()), sample::key_of(&who), Some(endpoint));

        assert!(Custodians::<T>::contains_key(who));
    }

    #[benchmark]
    fn deregister() {
        register_all::<T>();

        #[extrinsic_call]
        _(RawOrigin::Signed(custodian::<T>(3)));

        assert!(!Custodians::<T>::contains_key(custodian::<T>(3)));
    }

    #[benchmark]
    fn set_available() {
        register_all::<T>();

        #[extrinsic_call]
        _(RawOrigin::Signed(custodian::<T>(3)), false);

        assert_eq!(DrawableCount::<T>::get(), 2 * u32::from(MAX_SHARES));
    }

    #[benchmark]
    fn set_encryption_key() {
        register_all::<T>();
        let key = sample::key_of("another");

        #[extrinsic_call]
        _(RawOrigin::Signed(custodian::<T>(3)), key);

        assert_eq!(
            Custodians::<T>::get(custodian::<T>(3)).map(|info| info.encryption_key),
            Some(key)
        );
    }

    #[benchmark]
    fn bond() -> Result<(), BenchmarkError> {
        register_all::<T>();
        let who = custodian::<T>(3);
        Pallet::<T>::do_unbond(who.clone(), T::CustodianStake::get())?;

        #[extrinsic_call]
        _(RawOrigin::Signed(who.clone()), T::CustodianStake::get());

        assert!(Custodians::<T>::get(who).is_some_and(|info| info.position.is_some()));
        Ok(())
    }

    #[benchmark]
    fn unbond() {
        register_all::<T>();
        let who = custodian::<T>(3);

        #[extrinsic_call]
        _(RawOrigin::Signed(who.clone()), T::CustodianStake::get());

        assert!(Custodians::<T>::get(who).is_some_and(|info| info.position.is_none()));
    }

    #[benchmark]
    fn open_custody() {
        register_all::<T>();
        let seller = seller::<T>();
        let asset = T::Licensing::benchmark_sealed(&seller, 1 << 30, [5; 32]);

        #[extrinsic_call]
        _(RawOrigin::Signed(seller), asset, MAX_SHARES, MAX_SHARES, true);

        assert!(Custodies::<T>::contains_key(asset));
    }

    #[benchmark]
    fn deal() {
        let (seller, asset) = opened::<T>();
        let (made, envelope) = sample::seller_deal::<T>(asset, sample::CONTENT_KEY);

        #[extrinsic_call]
        _(
            RawOrigin::Signed(seller),
            asset,
            made.commitments,
            envelope,
            made.wrapped,
        );

        assert!(Pallet::<T>::entrusted(asset).is_some());
    }

    #[benchmark]
    fn dispute_deal() -> Result<(), BenchmarkError> {
        let (seller, asset) = opened::<T>();
        let (mut made, envelope) = sample::seller_deal::<T>(asset, sample::CONTENT_KEY);
        // It opens, and is then found to be wrong.
        let id = present::<T>(asset);
        made.wrapped[usize::from(MAX_SHARES) - 1] = sample::wrong_share::<T>(asset, id, 0, MAX_SHARES);
        Pallet::<T>::do_deal(seller, asset, made, envelope)?;
        // With a rotation to be given up.
        resharing::<T>(asset, MAX_SHARES - 1);
        let evidence = sample::accuse_deal::<T>(asset, id, 0, MAX_SHARES)
            .map_err(|_| BenchmarkError::Stop("the share is wrong"))?;

        #[extrinsic_call]
        _(RawOrigin::Signed(custodian::<T>(0)), asset, MAX_SHARES, evidence);

        assert!(!Custodies::<T>::contains_key(asset));
        Ok(())
    }

    #[benchmark]
    fn report_wrong_key() -> Result<(), BenchmarkError> {
        let (seller, asset) = opened::<T>();
        let (made, envelope) = sample::seller_deal::<T>(asset, [0xBB; 32]);
        Pallet::<T>::do_deal(seller.clone(), asset, made, envelope)?;
        let secret = sample::shared_secret(present::<T>(asset));
        // With a rotation to be given up.
        resharing::<T>(asset, MAX_SHARES);

        #[extrinsic_call]
        _(RawOrigin::Signed(custodian::<T>(0)), asset, *secret.to_bytes());

        assert!(!Custodies::<T>::contains_key(asset));
        Ok(())
    }

    #[benchmark]
    fn close() {
        let (seller, asset) = dealt::<T>();
        resharing::<T>(asset, MAX_SHARES);

        #[extrinsic_call]
        _(RawOrigin::Signed(seller), asset);

        assert!(!Custodies::<T>::contains_key(asset));
    }

    #[benchmark]
    fn request_for_licence() {
        let (_, asset) = dealt::<T>();
        let (buyer, earlier) = buyer_request::<T>(asset);
        under_another_key::<T>(earlier);
        let Some(KeyRecipient::Licence(licence)) = Requests::<T>::get(earlier).map(|request| request.recipient) else {
            unreachable!("it was a buyer's request");
        };

        #[extrinsic_call]
        _(RawOrigin::Signed(buyer), asset, licence);

        assert!(Requests::<T>::get(earlier).is_some_and(|request| request.superseded));
    }

    #[benchmark]
    fn request_for_provider() {
        let (_, asset) = dealt::<T>();
        let (provider, earlier) = provider_request::<T>(asset);
        under_another_key::<T>(earlier);

        #[extrinsic_call]
        _(RawOrigin::Signed(provider), asset);

        assert!(Requests::<T>::get(earlier).is_some_and(|request| request.superseded));
    }

    #[benchmark]
    fn release() {
        let (_, asset) = dealt::<T>();
        let (provider, request) = provider_request::<T>(asset);
        release_all::<T>(request, &[MAX_SHARES]);
        let first = present::<T>(asset);
        let last = member::<T>(first, MAX_SHARES);
        // Of a dealing that is not in force any more the custody is looked at, too.
        Dealings::<T>::mutate(first, |dealing| {
            if let Some(dealing) = dealing {
                dealing.state = DealingState::Superseded;
            }
        });

        #[extrinsic_call]
        _(RawOrigin::Signed(last), request, [7; 80]);

        assert!(ProviderKeys::<T>::contains_key(asset, provider));
    }

    #[benchmark]
    fn dispute_release() -> Result<(), BenchmarkError> {
        let (_, asset) = dealt::<T>();
        let (buyer, request) = buyer_request::<T>(asset);
        release_all::<T>(request, &[MAX_SHARES]);
        forged::<T>(request, MAX_SHARES);
        let evidence = sample::accuse_release::<T>(request, MAX_SHARES, sample::secret_of(&buyer))
            .map_err(|_| BenchmarkError::Stop("the share is wrong"))?;
        // The evidence is the buyer's, as the secret of a provider's device is not known here; what follows for a provider
        // is put in place.
        let provider: T::AccountId = account("provider", 0, 0);
        T::Grantees::benchmark_unkeyed_offer(asset, &provider);
        T::Grantees::benchmark_unkeyed_offer(asset, &account("provider", 1, 0));
        T::Grantees::key_granted(asset, &provider);
        T::Grantees::key_granted(asset, &account("provider", 1, 0));

        #[block]
        {
            Pallet::<T>::do_dispute_release(request, MAX_SHARES, &evidence)?;
            T::Grantees::key_revoked(asset, &provider);
            ProviderKeys::<T>::remove(asset, &provider);
        }

        assert!(!Releases::<T>::contains_key(request, MAX_SHARES));
        Ok(())
    }

    #[benchmark]
    fn rotate() -> Result<(), BenchmarkError> {
        let (_, asset) = dealt::<T>();
        let out = member::<T>(present::<T>(asset), MAX_SHARES);
        Pallet::<T>::do_set_available(out.clone(), false)?;

        #[extrinsic_call]
        _(RawOrigin::Signed(out), asset);

        assert!(matches!(
            Custodies::<T>::get(asset).map(|custody| custody.phase),
            Some(Phase::Resharing { .. })
        ));
        Ok(())
    }

    #[benchmark]
    fn reshare() {
        let (_, asset) = dealt::<T>();
        resharing::<T>(asset, MAX_SHARES - 1);
        let made = sample::custodian_deal::<T>(asset, MAX_SHARES);
        let last = member::<T>(present::<T>(asset), MAX_SHARES);

        #[extrinsic_call]
        _(RawOrigin::Signed(last), asset, made.commitments, made.wrapped);
    }

    #[benchmark]
    fn dispute_reshare() -> Result<(), BenchmarkError> {
        let (_, asset) = dealt::<T>();
        let next = resharing::<T>(asset, MAX_SHARES);
        let wrong = sample::wrong_share::<T>(asset, next, MAX_SHARES, MAX_SHARES);
        Deals::<T>::mutate(next, MAX_SHARES, |made| {
            if let Some(made) = made {
                made.wrapped[usize::from(MAX_SHARES) - 1] = wrong;
            }
        });
        let evidence = sample::accuse_deal::<T>(asset, next, MAX_SHARES, MAX_SHARES)
            .map_err(|_| BenchmarkError::Stop("the share is wrong"))?;

        #[extrinsic_call]
        _(
            RawOrigin::Signed(custodian::<T>(0)),
            asset,
            MAX_SHARES,
            MAX_SHARES,
            evidence,
        );

        assert!(!Deals::<T>::contains_key(next, MAX_SHARES));
        Ok(())
    }

    #[benchmark]
    fn finish_rotation() {
        let (_, asset) = dealt::<T>();
        let next = resharing::<T>(asset, MAX_SHARES);
        pass::<T>(T::ReshareWindow::get().saturating_add(T::ComplaintWindow::get()));

        #[extrinsic_call]
        _(RawOrigin::Signed(custodian::<T>(0)), asset);

        assert_eq!(present::<T>(asset), next);
    }

    #[benchmark]
    fn dissolve() -> Result<(), BenchmarkError> {
        let (_, asset) = dealt::<T>();
        let out = member::<T>(present::<T>(asset), MAX_SHARES);
        Pallet::<T>::do_set_available(out.clone(), false)?;
        Custodies::<T>::mutate(asset, |custody| {
            if let Some(custody) = custody {
                custody.rotation_failed = true;
            }
        });
        pass::<T>(T::RotationPeriod::get());

        #[extrinsic_call]
        _(RawOrigin::Signed(out), asset);

        assert!(!Custodies::<T>::contains_key(asset));
        Ok(())
    }

    #[benchmark]
    fn forget_key() {
        let (_, asset) = dealt::<T>();
        let (provider, request) = provider_request::<T>(asset);
        release_all::<T>(request, &[]);

        #[extrinsic_call]
        _(RawOrigin::Signed(provider.clone()), asset);

        assert!(!ProviderKeys::<T>::contains_key(asset, provider));
    }

    #[benchmark]
    fn queue_heads() {
        let (_, asset) = dealt::<T>();
        buyer_request::<T>(asset);
        let now = frame_system::Pallet::<T>::block_number();

        #[block]
        {
            let mut meter = WeightMeter::new();
            Pallet::<T>::handle_due(now, T::MaxDuePerBlock::get(), &mut meter);
        }
    }

    #[benchmark]
    fn due(n: Linear<0, { MAX_SHARES as u32 }>) {
        let (_, asset) = dealt::<T>();
        let (_, request) = buyer_request::<T>(asset);
        let silent: alloc::vec::Vec<u8> = (1..=n as u8).collect();
        release_all::<T>(request, &silent);
        Dealings::<T>::mutate(present::<T>(asset), |dealing| {
            if let Some(dealing) = dealing {
                dealing.state = DealingState::Superseded;
            }
        });
        pass::<T>(T::ReleaseWindow::get());
        charge_cursors_to_the_block::<T>();
        let now = frame_system::Pallet::<T>::block_number();
        let handled;

        #[block]
        {
            handled = Pallet::<T>::settle_next(now);
        }

        assert_eq!(handled, Some(Handled::Due(n)));
    }

    #[benchmark]
    fn removed() {
        let (_, asset) = dealt::<T>();
        let (_, request) = buyer_request::<T>(asset);
        release_all::<T>(request, &[]);
        pass::<T>(T::ReleaseWindow::get().saturating_add(T::DisputeWindow::get()));
        charge_cursors_to_the_block::<T>();
        let now = frame_system::Pallet::<T>::block_number();
        Pallet::<T>::settle_next(now);
        let handled;

        #[block]
        {
            handled = Pallet::<T>::remove_next(now);
        }

        assert_eq!(handled, Some(Handled::Removed));
    }

    #[benchmark]
    fn removed_with_dealing() -> Result<(), BenchmarkError> {
        let (seller, asset) = dealt::<T>();
        // With the shares of a resharing, which are the most there are.
        resharing::<T>(asset, MAX_SHARES);
        pass::<T>(T::ReshareWindow::get().saturating_add(T::ComplaintWindow::get()));
        Pallet::<T>::do_finish_rotation(asset)?;
        let (_, request) = buyer_request::<T>(asset);
        release_all::<T>(request, &[]);
        Pallet::<T>::do_close(seller, asset)?;
        pass::<T>(T::ReleaseWindow::get().saturating_add(T::DisputeWindow::get()));
        charge_cursors_to_the_block::<T>();
        let now = frame_system::Pallet::<T>::block_number();
        Pallet::<T>::settle_next(now);
        let handled;

        #[block]
        {
            handled = Pallet::<T>::remove_next(now);
        }

        assert_eq!(handled, Some(Handled::RemovedWithDealing));
        assert!(!Custodies::<T>::contains_key(asset));
        Ok(())
    }

    impl_benchmark_test_suite!(Pallet, crate::mock::new_test_ext(), crate::mock::Test);
}
