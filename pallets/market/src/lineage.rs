//! From what assets were made, and who earns from them.

use alloc::vec::Vec;

use weft_primitives::{
    AssetId, Balance, WorkId,
    lineage::{BaseLineage, InvalidLineage, divide, flatten},
    market_view::{LineageView, OriginView, PayeeView},
    page::MAX_PAGE,
};

use crate::{Ancestors, AssetInfoOf, Assets, Bases, Config, Error, Pallet, Scrutinies, WorkOf, Works};

/// What somebody gets of a payment.
type Part<T> = (<T as frame_system::Config>::AccountId, Balance);

/// An asset's ancestors, and its generations.
pub(crate) type Lineage = (Ancestors, u8);

impl<T: Config> Pallet<T> {
    /// Multiplies the shares of the bases out. `work` is the one that is made from them, if there are versions of it
    /// already.
    pub(crate) fn resolve(work: Option<WorkId>, bases: &Bases) -> Result<Lineage, Error<T>> {
        let infos = bases
            .iter()
            .map(|base| Assets::<T>::get(base.asset).ok_or(Error::<T>::UnknownBase))
            .collect::<Result<Vec<_>, _>>()?;
        let lineages: Vec<_> = bases
            .iter()
            .zip(&infos)
            .map(|(base, info)| BaseLineage {
                work: info.work,
                share: base.share,
                ancestors: &info.ancestors,
                generations: info.generations,
            })
            .collect();
        let (ancestors, generations) = flatten(work, &lineages)?;
        let ancestors = ancestors.try_into().map_err(|_| Error::<T>::TooManyAncestors)?;
        Ok((ancestors, generations))
    }

    /// Divides a payment for a use of an asset: first what the owners of its ancestors get, none of it zero, then what
    /// is left for the work's own. The sum is `amount`.
    pub(crate) fn divide_income(info: &AssetInfoOf<T>, work: &WorkOf<T>, amount: Balance) -> (Vec<Part<T>>, Part<T>) {
        let (shares, mut rest) = divide(amount, &info.ancestors);
        let mut parts = Vec::with_capacity(shares.len());
        for (ancestor, share) in info.ancestors.iter().zip(shares) {
            if share == 0 {
                continue;
            }
            // Works are never removed, so that there is one.
            match Works::<T>::get(ancestor.work) {
                Some(ancestor) => parts.push((ancestor.owner, share)),
                None => rest = rest.saturating_add(share),
            }
        }
        (parts, (work.owner.clone(), rest))
    }

    /// What an asset was made from, step by step, and who earns from it.
    pub fn lineage(asset: AssetId) -> Option<LineageView<T::AccountId>> {
        let info = Assets::<T>::get(asset)?;
        let payees = info
            .ancestors
            .iter()
            .filter_map(|ancestor| {
                Works::<T>::get(ancestor.work).map(|work| PayeeView {
                    work: ancestor.work,
                    owner: work.owner,
                    parts: ancestor.parts,
                })
            })
            .collect();
        let (origins, complete) = Self::origins(&info);
        Some(LineageView {
            asset,
            origins,
            complete,
            payees,
        })
    }

    /// The versions that an asset was made from, the nearest first, and whether that is all of them.
    fn origins(info: &AssetInfoOf<T>) -> (Vec<OriginView>, bool) {
        let mut origins = Vec::<OriginView>::new();
        let mut nearer: Vec<_> = info.published.bases.iter().map(|base| base.asset).collect();
        let mut distance = 1u32;
        while !nearer.is_empty() {
            let mut further = Vec::new();
            for asset in nearer {
                if origins.iter().any(|known| known.asset == asset) {
                    continue;
                }
                if origins.len() >= MAX_PAGE as usize {
                    return (origins, false);
                }
                let Some(info) = Assets::<T>::get(asset) else { continue };
                further.extend(info.published.bases.iter().map(|base| base.asset));
                origins.push(OriginView {
                    asset,
                    work: info.work,
                    version: info.version,
                    kind: info.published.kind,
                    name: info.published.name.into_inner(),
                    distance,
                    records: info.published.records,
                    upheld_reports: Scrutinies::<T>::get(asset).upheld,
                });
            }
            nearer = further;
            distance = distance.saturating_add(1);
        }
        (origins, true)
    }
}

impl<T> From<InvalidLineage> for Error<T> {
    fn from(invalid: InvalidLineage) -> Self {
        match invalid {
            InvalidLineage::SharesExceedWhole => Self::SharesExceedWhole,
            InvalidLineage::Cycle => Self::Cycle,
            InvalidLineage::NamedTwice => Self::NamedTwice,
            InvalidLineage::TooManyAncestors => Self::TooManyAncestors,
            InvalidLineage::TooDeep => Self::TooDeep,
        }
    }
}
