//! What clients see, for the runtime API. Everything that lists is paged.

use sp_runtime::traits::UniqueSaturatedInto;
use weft_primitives::{
    AssetId,
    custody_view::{
        CustodianView, CustodyPhase, CustodyView, DealView, DealingId, DealingView, Endpoint, Hex32, KeyRequestId,
        KeyRequestView, MemberView, ReleaseView, WrappedShare,
    },
    page::{Page, page_size},
    registry::Licensing,
};

use crate::{
    Config, CustodianOf, Custodians, Custodies, Dealings, Deals, Drawable, DrawableCount, LatestRequest, MemberOf,
    NextDealing, NextDue, NextRequest, Pallet, Phase, RecipientOf, Releases, Requests, committees::index_of,
};

fn block<B: UniqueSaturatedInto<u32>>(number: B) -> u32 {
    number.unique_saturated_into()
}

fn committee<T: Config>(members: &[MemberOf<T>]) -> alloc::vec::Vec<MemberView<T::AccountId>> {
    members
        .iter()
        .map(|member| MemberView {
            account: member.account.clone(),
            encryption_key: member.encryption_key,
        })
        .collect()
}

fn hex(commitments: &[[u8; 32]]) -> alloc::vec::Vec<Hex32> {
    commitments.iter().copied().map(Hex32).collect()
}

impl<T: Config> Pallet<T> {
    /// An asset's key in custody; `None` if it is not, or has been.
    pub fn custody(asset: AssetId) -> Option<CustodyView<T::AccountId>> {
        let custody = Custodies::<T>::get(asset)?;
        let next = match custody.phase {
            Phase::Resharing { next, .. } => Self::dealing(next),
            Phase::Drawn { .. } | Phase::Dealt => None,
        };
        Some(CustodyView {
            asset,
            opener: custody.opener,
            threshold: custody.threshold,
            custodians: custody.custodians,
            to_providers: custody.to_providers,
            content: custody.content,
            key_commitment: custody.key_commitment,
            envelope: custody.envelope,
            phase: match custody.phase {
                Phase::Drawn { until } => CustodyPhase::Drawn { until: block(until) },
                Phase::Dealt => CustodyPhase::Dealt {
                    since: block(custody.since),
                },
                Phase::Resharing {
                    deals_until,
                    disputes_until,
                    ..
                } => CustodyPhase::Resharing {
                    deals_until: block(deals_until),
                    disputes_until: block(disputes_until),
                },
            },
            closing: custody.closing.is_some(),
            open_requests: custody.open_requests,
            dealing: Self::dealing(custody.dealing)?,
            next,
        })
    }

    /// A dealing, with what was dealt; `None` if there is none with this number any more.
    pub fn dealing(id: DealingId) -> Option<DealingView<T::AccountId>> {
        let dealing = Dealings::<T>::get(id)?;
        let deals = dealing
            .dealers
            .iter()
            .filter_map(|dealer| Some((*dealer, Deals::<T>::get(id, dealer)?)))
            .map(|(dealer, deal)| DealView {
                dealer,
                commitments: hex(&deal.commitments),
                wrapped: deal.wrapped.into_iter().map(WrappedShare).collect(),
            })
            .collect();
        Some(DealingView {
            id,
            asset: dealing.asset,
            threshold: dealing.threshold,
            committee: committee::<T>(&dealing.committee),
            commitments: hex(&dealing.commitments),
            deals,
            open_requests: dealing.open_requests,
        })
    }

    /// The dealings in which a custodian has a share, or will have one, in the order of their numbers, from number `from` on. A
    /// page looks at no more dealings than it may hold, so it may hold none and have a next.
    pub fn dealings_for(custodian: &T::AccountId, from: u64, limit: u32) -> Page<DealingView<T::AccountId>> {
        Page::of_dense(from, limit, NextDealing::<T>::get(), |id| {
            let dealing = Dealings::<T>::get(id)?;
            index_of::<T>(&dealing, custodian).ok()?;
            Self::dealing(id)
        })
    }

    /// A request; `None` if there is none with this number, or it has been removed.
    pub fn request_view(id: KeyRequestId) -> Option<KeyRequestView<T::AccountId>> {
        let request = Requests::<T>::get(id)?;
        let dealing = Dealings::<T>::get(request.dealing)?;
        let releases = request
            .released
            .indices()
            .filter_map(|index| {
                Some(ReleaseView {
                    index,
                    wrapped: WrappedShare(Releases::<T>::get(id, index)?),
                })
            })
            .collect();
        Some(KeyRequestView {
            id,
            asset: request.asset,
            content: T::Licensing::sealed_asset(request.asset)?.content,
            dealing: request.dealing,
            threshold: dealing.threshold,
            until: block(Self::release_until(&request)),
            disputes_until: block(Self::dispute_until(&request)),
            in_force: !Self::is_void(&dealing) && Self::stands(&request),
            recipient: request.recipient.into(),
            account: request.account,
            encryption_key: request.encryption_key,
            fee: request.fee,
            committee: committee::<T>(&dealing.committee),
            commitments: hex(&dealing.commitments),
            releases,
            forged: request.forged.indices().collect(),
        })
    }

    /// The requests that a custodian has yet to serve, in the order of their numbers: of those from number `from` on that
    /// have not fallen due. A page looks at no more requests than it may hold, so it may hold none and have a next.
    pub fn requests_for(custodian: &T::AccountId, from: u64, limit: u32) -> Page<KeyRequestView<T::AccountId>> {
        let from = from.max(NextDue::<T>::get());
        let now = frame_system::Pallet::<T>::block_number();
        Page::of_dense(from, limit, NextRequest::<T>::get(), |id| {
            let request = Requests::<T>::get(id)?;
            let dealing = Dealings::<T>::get(request.dealing)?;
            let index = index_of::<T>(&dealing, custodian).ok()?;
            let open = now <= Self::release_until(&request) && !request.released.has(index);
            open.then(|| Self::request_view(id))
                .flatten()
                .filter(|view| view.in_force)
        })
    }

    /// The latest request of a recipient for an asset's key, until it is removed.
    pub fn request_of(recipient: &RecipientOf<T>, asset: AssetId) -> Option<KeyRequestView<T::AccountId>> {
        LatestRequest::<T>::get(asset, recipient).and_then(Self::request_view)
    }

    /// A custodian; `None` if the account is none.
    pub fn custodian(account: &T::AccountId) -> Option<CustodianView<T::AccountId>> {
        Custodians::<T>::get(account).map(|info| Self::custodian_view(account.clone(), info))
    }

    /// The custodians that can be drawn, in no lasting order.
    pub fn custodians(from: u64, limit: u32) -> Page<CustodianView<T::AccountId>> {
        Page::of_dense(from, page_size(limit), DrawableCount::<T>::get().into(), |position| {
            let account = Drawable::<T>::get(u32::try_from(position).ok()?)?;
            Self::custodian(&account)
        })
    }

    fn custodian_view(account: T::AccountId, info: CustodianOf<T>) -> CustodianView<T::AccountId> {
        CustodianView {
            account,
            encryption_key: info.encryption_key,
            endpoint: info.endpoint.map(|url| Endpoint(url.into_inner())),
            stake: info.stake,
            drawable: info.position.is_some(),
            available: info.available,
            duties: info.duties,
            missed: info.missed,
            forged: info.forged,
        }
    }
}
