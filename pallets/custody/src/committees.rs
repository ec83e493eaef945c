//! Committees: how they are drawn, and the duties of those who sit in them.

use alloc::{collections::BTreeMap, vec::Vec};

use codec::Encode;
use frame_support::{defensive, traits::Randomness};
use frame_system::pallet_prelude::BlockNumberFor;
use sp_runtime::traits::{BlakeTwo256, Hash, Zero};
use weft_custody::{Context, GenesisHash, Recipient};
use weft_primitives::{AssetId, ContentId, custody_view::DealingId, registry::KeyRecipient};

use crate::{
    Config, Custodians, CustodyOf, Dealing, DealingOf, DealingState, Dealings, Deals, Drawable, DrawableCount, Error,
    Event, KeyRequestOf, Member, MemberOf, NextDealing, Pallet, PerCustodian,
};

/// `custodians` different numbers below `count`, each set as likely as any other: the first steps of a Fisher-Yates shuffle
/// of which only what was moved is kept. `None` if there are not so many.
pub(crate) fn pick(seed: [u8; 32], count: u32, custodians: u8) -> Option<Vec<u32>> {
    let mut moved = BTreeMap::new();
    (0..u32::from(custodians))
        .map(|nth| {
            let left = count.checked_sub(nth).filter(|left| *left > 0)?;
            let [a, b, c, d, e, f, g, h, ..] = BlakeTwo256::hash(&(seed, nth).encode()).0;
            let random = u64::from_le_bytes([a, b, c, d, e, f, g, h]);
            // Below `left`; unevenly by less than 2^-32.
            let offset = random.checked_rem(left.into())? as u32;
            let at = nth.checked_add(offset)?;
            let picked = moved.get(&at).copied().unwrap_or(at);
            let displaced = moved.get(&nth).copied().unwrap_or(nth);
            moved.insert(at, displaced);
            Some(picked)
        })
        .collect()
}

impl<T: Config> Pallet<T> {
    /// Draws a committee and stores its dealing, about to be dealt. `opened` is the first dealing of the custody, if this is
    /// not it.
    pub(crate) fn draw(
        asset: AssetId,
        threshold: u8,
        custodians: u8,
        opened: Option<DealingId>,
    ) -> Result<DealingId, Error<T>> {
        let id = NextDealing::<T>::get();
        let next = id.checked_add(1).ok_or(Error::<T>::NumbersExhausted)?;
        let seed = Self::seed(id);
        let places = pick(seed, DrawableCount::<T>::get(), custodians).ok_or(Error::<T>::TooFewCustodians)?;
        let mut committee = PerCustodian::new();
        for place in places {
            let Some((account, mut info)) =
                Drawable::<T>::get(place).and_then(|account| Some((account.clone(), Custodians::<T>::get(account)?)))
            else {
                defensive!("the list of custodians is dense");
                return Err(Error::<T>::TooFewCustodians);
            };
            let member = Member {
                account: account.clone(),
                encryption_key: info.encryption_key,
            };
            committee.try_push(member).map_err(|_| Error::<T>::BadShape)?;
            info.duties = info.duties.saturating_add(1);
            Custodians::<T>::insert(account, info);
        }
        NextDealing::<T>::put(next);
        Dealings::<T>::insert(
            id,
            Dealing {
                asset,
                opened: opened.unwrap_or(id),
                state: DealingState::Drawn,
                threshold,
                committee,
                commitments: PerCustodian::new(),
                dealers: PerCustodian::new(),
                open_requests: 0,
            },
        );
        Ok(id)
    }

    /// Removes a dealing, with what was dealt, and ends its committee's duties.
    pub(crate) fn remove_dealing(id: DealingId) {
        let Some(dealing) = Dealings::<T>::take(id) else {
            defensive!("a dealing that is removed is there");
            return;
        };
        for dealer in dealing.dealers {
            Deals::<T>::remove(id, dealer);
        }
        for member in dealing.committee {
            Custodians::<T>::mutate(&member.account, |info| match info {
                Some(info) => info.duties = info.duties.saturating_sub(1),
                None => {
                    defensive!("a custodian with duties is registered");
                }
            });
        }
        Self::deposit_event(Event::DealingRemoved { dealing: id });
    }

    /// Since when the first member of a committee cannot be drawn any more; `None` if all can.
    pub(crate) fn longest_out(committee: &[MemberOf<T>]) -> Option<BlockNumberFor<T>> {
        committee
            .iter()
            .filter_map(|member| Custodians::<T>::get(&member.account))
            .filter(|info| info.position.is_none())
            .map(|info| info.out_since)
            .min()
    }

    fn seed(dealing: DealingId) -> [u8; 32] {
        let (random, _) = T::Randomness::random(&(b"weft/custody/draw", dealing).encode());
        let parent = frame_system::Pallet::<T>::parent_hash();
        BlakeTwo256::hash(&(random, parent, dealing).encode()).0
    }

    pub(crate) fn genesis() -> GenesisHash {
        frame_system::Pallet::<T>::block_hash(BlockNumberFor::<T>::zero()).into()
    }

    /// What a share dealt to custodian `index` is for. `dealer` 0 is the seller.
    pub(crate) fn deal_context(
        asset: AssetId,
        custody: &CustodyOf<T>,
        dealing: DealingId,
        dealer: u8,
        index: u8,
    ) -> Context<T::AccountId> {
        Context::Deal {
            asset,
            ciphertext: custody.content.to_cid_bytes(),
            dealing,
            dealer,
            index,
        }
    }

    /// What the share that custodian `index` releases for a request is for.
    pub(crate) fn release_context(request: &KeyRequestOf<T>, content: &ContentId, index: u8) -> Context<T::AccountId> {
        Context::Release {
            asset: request.asset,
            ciphertext: content.to_cid_bytes(),
            dealing: request.dealing,
            index,
            recipient: match &request.recipient {
                KeyRecipient::Licence(licence) => Recipient::Licence(*licence),
                KeyRecipient::Provider(provider) => Recipient::Provider(provider.clone()),
            },
            account: request.account.clone(),
        }
    }
}

/// The member with this index, from 1.
pub(crate) fn member<T: Config>(dealing: &DealingOf<T>, index: u8) -> Result<&MemberOf<T>, Error<T>> {
    usize::from(index)
        .checked_sub(1)
        .and_then(|place| dealing.committee.get(place))
        .ok_or(Error::<T>::NoSuchIndex)
}

/// The index of an account, from 1.
pub(crate) fn index_of<T: Config>(dealing: &DealingOf<T>, account: &T::AccountId) -> Result<u8, Error<T>> {
    (1u8..)
        .zip(&dealing.committee)
        .find(|(_, member)| member.account == *account)
        .map(|(index, _)| index)
        .ok_or(Error::<T>::WrongCommittee)
}

/// Of the list of a committee's things, that of custodian `index`.
pub(crate) fn at_index<X>(list: &[X], index: u8) -> Option<&X> {
    usize::from(index).checked_sub(1).and_then(|place| list.get(place))
}
