//! What must hold after every block, and in the tests after every test.

use alloc::collections::BTreeMap;

use frame_support::{
    ensure,
    traits::{Get, fungible::hold::Inspect as _},
};
use sp_runtime::{Saturating, TryRuntimeError};
use weft_primitives::{Balance, custody_view::DealingId};

use crate::{
    Config, Custodians, Custodies, DealingState, Dealings, Deals, Drawable, DrawableCount, HoldReason, LatestRequest,
    NextDealing, NextDue, NextRemoval, NextRequest, Pallet, Phase, ProviderKeys, Releases, Requests,
};

/// What is held from an account: stake, bond, fees, deposits.
type Held = [Balance; 4];

impl<T: Config> Pallet<T> {
    /// Checks every invariant of the pallet. Unbounded: for tests and dry runs of upgrades.
    pub fn do_try_state() -> Result<(), TryRuntimeError> {
        Self::check_list()?;
        Self::check_custodies()?;
        Self::check_dealings()?;
        Self::check_requests()?;
        Self::check_holds()
    }

    fn check_list() -> Result<(), TryRuntimeError> {
        let count = DrawableCount::<T>::get();
        let mut listed = 0u32;
        for (position, account) in Drawable::<T>::iter() {
            listed.saturating_inc();
            ensure!(
                position < count,
                "a place in the list of custodians lies beyond its end"
            );
            let info = Custodians::<T>::get(&account).ok_or("the list of custodians names somebody else")?;
            ensure!(
                info.position == Some(position),
                "a custodian has another place in the list"
            );
        }
        ensure!(listed == count, "the list of custodians is not dense");
        for info in Custodians::<T>::iter_values() {
            let drawable = info.available && info.stake >= T::CustodianStake::get();
            ensure!(
                info.position.is_some() == drawable,
                "a custodian is listed and cannot be drawn, or can be and is not listed"
            );
        }
        Ok(())
    }

    fn check_custodies() -> Result<(), TryRuntimeError> {
        for (asset, custody) in Custodies::<T>::iter() {
            let dealing = Dealings::<T>::get(custody.dealing).ok_or("a custody has no dealing")?;
            ensure!(dealing.asset == asset, "a custody's dealing is another asset's");
            let drawn = matches!(custody.phase, Phase::Drawn { .. });
            let state = if drawn {
                DealingState::Drawn
            } else {
                DealingState::InForce
            };
            ensure!(dealing.state == state, "a custody's dealing is in another state");
            ensure!(
                custody.envelope.is_none() == drawn,
                "an envelope is there exactly when the key was dealt"
            );
            ensure!(
                custody.closing.is_none() || custody.open_requests > 0,
                "a custody closes without requests and has not ended"
            );
            if let Phase::Resharing { next, .. } = custody.phase {
                let next = Dealings::<T>::get(next).ok_or("a rotation leads nowhere")?;
                ensure!(
                    next.state == DealingState::Drawn && next.opened == custody.opened,
                    "a rotation leads to a dealing that is not about to be dealt"
                );
            }
        }
        Ok(())
    }

    fn check_dealings() -> Result<(), TryRuntimeError> {
        let mut duties = BTreeMap::<T::AccountId, u32>::new();
        let mut open = BTreeMap::<DealingId, u32>::new();
        for request in Requests::<T>::iter_values() {
            open.entry(request.dealing).or_default().saturating_inc();
        }
        let mut of_custody = BTreeMap::<DealingId, u32>::new();
        for (id, dealing) in Dealings::<T>::iter() {
            ensure!(
                id < NextDealing::<T>::get(),
                "a dealing has a number that was not given out"
            );
            for member in &dealing.committee {
                duties.entry(member.account.clone()).or_default().saturating_inc();
            }
            let requests = open.get(&id).copied().unwrap_or_default();
            ensure!(
                dealing.open_requests == requests,
                "a dealing counts other requests than there are"
            );
            of_custody
                .entry(dealing.opened)
                .or_default()
                .saturating_accrue(requests);
            let custody = Custodies::<T>::get(dealing.asset).filter(|custody| custody.opened == dealing.opened);
            let needed = match dealing.state {
                DealingState::Drawn => custody.as_ref().is_some_and(|custody| {
                    custody.dealing == id || matches!(custody.phase, Phase::Resharing { next, .. } if next == id)
                }),
                DealingState::InForce => custody.as_ref().is_some_and(|custody| custody.dealing == id),
                DealingState::Superseded | DealingState::Void => requests > 0,
            };
            ensure!(needed, "a dealing is kept for nothing");
            let in_force = dealing.state != DealingState::Drawn;
            ensure!(
                dealing.commitments.len() == if in_force { usize::from(dealing.threshold) } else { 0 },
                "a dealing that was dealt has a commitment for each share that it takes"
            );
            ensure!(
                Deals::<T>::iter_key_prefix(id).all(|dealer| dealing.dealers.contains(&dealer))
                    && Deals::<T>::iter_key_prefix(id).count() == dealing.dealers.len(),
                "a dealing has other deals than it counts"
            );
        }
        ensure!(
            Deals::<T>::iter_keys().all(|(id, _)| Dealings::<T>::contains_key(id)),
            "a deal is for no dealing"
        );
        for (account, info) in Custodians::<T>::iter() {
            ensure!(
                duties.remove(&account).unwrap_or_default() == info.duties,
                "a custodian counts other duties than it has"
            );
        }
        ensure!(duties.is_empty(), "a committee has a member who is no custodian");
        for custody in Custodies::<T>::iter_values() {
            ensure!(
                of_custody.get(&custody.opened) == Some(&custody.open_requests),
                "a custody counts other requests than there are"
            );
        }
        Ok(())
    }

    fn check_requests() -> Result<(), TryRuntimeError> {
        let (removal, due, next) = (NextRemoval::<T>::get(), NextDue::<T>::get(), NextRequest::<T>::get());
        ensure!(removal <= due && due <= next, "the lines of requests are out of order");
        ensure!(
            u64::try_from(Requests::<T>::iter_keys().count()).ok() == next.checked_sub(removal),
            "a request is missing, or was passed over"
        );
        for (id, request) in Requests::<T>::iter() {
            ensure!(
                (removal..next).contains(&id),
                "a request was passed over by the removal"
            );
            ensure!(
                id >= due || (request.fees_held == 0 && request.deposit == 0),
                "a request that fell due holds funds"
            );
            let delivered = request.released.without(request.forged);
            ensure!(
                Releases::<T>::iter_key_prefix(id).count() == delivered.count() as usize
                    && delivered.indices().all(|index| Releases::<T>::contains_key(id, index)),
                "a request has other releases than it counts"
            );
        }
        for (asset, recipient, id) in LatestRequest::<T>::iter() {
            let request = Requests::<T>::get(id).ok_or("the latest request of a recipient is gone")?;
            ensure!(
                request.asset == asset && request.recipient == recipient,
                "the latest request of a recipient is another's"
            );
        }
        ensure!(
            Releases::<T>::iter_keys().all(|(id, _)| Requests::<T>::contains_key(id)),
            "a release is for no request"
        );
        Ok(())
    }

    fn check_holds() -> Result<(), TryRuntimeError> {
        let mut owed = BTreeMap::<T::AccountId, Held>::new();
        for account in frame_system::Account::<T>::iter_keys() {
            owed.insert(account, Held::default());
        }
        let mut add = |account: T::AccountId, held: Held| {
            let sum = owed.entry(account).or_default();
            for (sum, held) in sum.iter_mut().zip(held) {
                sum.saturating_accrue(held);
            }
        };
        for (account, info) in Custodians::<T>::iter() {
            add(account, [info.stake, 0, 0, info.deposit]);
        }
        for custody in Custodies::<T>::iter_values() {
            add(custody.opener, [0, custody.bond, 0, custody.deposit]);
        }
        for request in Requests::<T>::iter_values() {
            add(request.account, [0, 0, request.fees_held, request.deposit]);
        }
        for (_, provider, key) in ProviderKeys::<T>::iter() {
            add(provider, [0, 0, 0, key.deposit]);
        }
        let reasons = [
            HoldReason::Stake,
            HoldReason::Bond,
            HoldReason::Fee,
            HoldReason::Deposit,
        ];
        for (account, owed) in owed {
            for (reason, owed) in reasons.into_iter().zip(owed) {
                ensure!(
                    T::Currency::balance_on_hold(&reason.into(), &account) == owed,
                    "what is held from an account is not what its records say"
                );
            }
        }
        Ok(())
    }
}
