//! What is said for and against an asset, with money behind it.

use frame_support::{
    ensure,
    pallet_prelude::DispatchResult,
    traits::{
        Get,
        fungible::hold::Mutate as _,
        tokens::{Fortitude, Precision, Restriction},
    },
};
use frame_system::pallet_prelude::BlockNumberFor;
use sp_runtime::{DispatchError, Saturating};
use weft_primitives::{AssetId, Balance, ContentId, asset::Flaw, price::share_of};

use crate::{Assets, Attestation, Config, Error, Event, HoldReason, Pallet, Report, Scrutinies, ScrutinyOf, Works};

impl<T: Config> Pallet<T> {
    pub(crate) fn do_attest(who: T::AccountId, asset: AssetId, stake: Balance, report: ContentId) -> DispatchResult {
        let info = Assets::<T>::get(asset).ok_or(Error::<T>::NotFound)?;
        let is_own = Works::<T>::get(info.work).is_some_and(|work| work.owner == who);
        ensure!(!is_own, Error::<T>::OwnWork);
        ensure!(stake >= T::MinAttestation::get(), Error::<T>::StakeTooSmall);
        let mut scrutiny = Scrutinies::<T>::get(asset);
        ensure!(
            scrutiny.attestations.iter().all(|other| other.who != who),
            Error::<T>::AlreadyAttested
        );
        let attestation = Attestation {
            who: who.clone(),
            stake,
            report,
            since: frame_system::Pallet::<T>::block_number(),
        };
        scrutiny
            .attestations
            .try_push(attestation)
            .map_err(|_| Error::<T>::TooManyAttestations)?;
        T::Currency::hold(&HoldReason::Attestation.into(), &who, stake)?;
        Scrutinies::<T>::insert(asset, scrutiny);
        Self::deposit_event(Event::Attested {
            asset,
            who,
            stake,
            report,
        });
        Ok(())
    }

    pub(crate) fn do_withdraw_attestation(who: T::AccountId, asset: AssetId) -> DispatchResult {
        let mut scrutiny = Scrutinies::<T>::get(asset);
        let position = scrutiny
            .attestations
            .iter()
            .position(|attestation| attestation.who == who)
            .ok_or(Error::<T>::NotAttested)?;
        ensure!(
            scrutiny.reports.iter().all(|report| Self::is_expired(report.since)),
            Error::<T>::ReportOpen
        );
        let attestation = scrutiny.attestations.swap_remove(position);
        let free_from = attestation.since.saturating_add(T::AttestationPeriod::get());
        ensure!(
            frame_system::Pallet::<T>::block_number() >= free_from,
            Error::<T>::TooEarly
        );
        Self::release_stake(&who, attestation.stake)?;
        Self::put_scrutiny(asset, scrutiny);
        Self::deposit_event(Event::AttestationWithdrawn { asset, who });
        Ok(())
    }

    pub(crate) fn do_report(who: T::AccountId, asset: AssetId, why: Flaw, evidence: ContentId) -> DispatchResult {
        ensure!(Assets::<T>::contains_key(asset), Error::<T>::NotFound);
        let mut scrutiny = Scrutinies::<T>::get(asset);
        ensure!(
            scrutiny.reports.iter().all(|other| other.who != who),
            Error::<T>::AlreadyReported
        );
        let bond = T::ReportBond::get();
        let report = Report {
            who: who.clone(),
            why,
            evidence,
            bond,
            since: frame_system::Pallet::<T>::block_number(),
        };
        scrutiny
            .reports
            .try_push(report)
            .map_err(|_| Error::<T>::TooManyReports)?;
        T::Currency::hold(&HoldReason::Report.into(), &who, bond)?;
        Scrutinies::<T>::insert(asset, scrutiny);
        Self::deposit_event(Event::Reported {
            asset,
            who,
            why,
            evidence,
        });
        Ok(())
    }

    pub(crate) fn do_expire_report(asset: AssetId, reporter: T::AccountId) -> DispatchResult {
        let (scrutiny, report) = Self::take_report(asset, &reporter)?;
        ensure!(Self::is_expired(report.since), Error::<T>::TooEarly);
        T::Currency::release(&HoldReason::Report.into(), &reporter, report.bond, Precision::Exact)?;
        Self::put_scrutiny(asset, scrutiny);
        Self::deposit_event(Event::ReportExpired { asset, who: reporter });
        Ok(())
    }

    pub(crate) fn do_resolve_report(asset: AssetId, reporter: T::AccountId, upheld: bool) -> DispatchResult {
        let (mut scrutiny, report) = Self::take_report(asset, &reporter)?;
        let reason = HoldReason::Report.into();
        if upheld {
            T::Currency::release(&reason, &reporter, report.bond, Precision::Exact)?;
            for attestation in core::mem::take(&mut scrutiny.attestations) {
                Self::slash(asset, attestation, &reporter)?;
            }
            scrutiny.upheld = scrutiny.upheld.saturating_add(1);
            let work = Assets::<T>::get(asset).ok_or(Error::<T>::NotFound)?.work;
            Works::<T>::mutate(work, |work| {
                if let Some(work) = work {
                    work.upheld_reports = work.upheld_reports.saturating_add(1);
                }
            });
        } else {
            let treasury = T::TreasuryAccount::get();
            Self::forfeit(HoldReason::Report, &reporter, &treasury, report.bond)?;
        }
        Self::put_scrutiny(asset, scrutiny);
        Self::deposit_event(Event::ReportResolved {
            asset,
            who: reporter,
            upheld,
        });
        Ok(())
    }

    /// Ends an attestation to what was not so: a share of the stake is lost, of which the reporter gets a share. Who
    /// reported what they had vouched for themselves loses nothing.
    fn slash(
        asset: AssetId,
        attestation: Attestation<T::AccountId, BlockNumberFor<T>>,
        reporter: &T::AccountId,
    ) -> DispatchResult {
        let Attestation { who, stake, .. } = attestation;
        let lost = if who == *reporter {
            0
        } else {
            share_of(stake, T::AttestationSlash::get())
        };
        let reward = share_of(lost, T::ReporterShare::get());
        let treasury = T::TreasuryAccount::get();
        Self::forfeit(HoldReason::Attestation, &who, reporter, reward)?;
        Self::forfeit(HoldReason::Attestation, &who, &treasury, lost.saturating_sub(reward))?;
        Self::release_stake(&who, stake.saturating_sub(lost))?;
        Self::deposit_event(Event::AttestationSlashed { asset, who, lost });
        Ok(())
    }

    /// Pays from a hold. By force: what is both held and frozen was promised all the same.
    fn forfeit(reason: HoldReason, from: &T::AccountId, to: &T::AccountId, amount: Balance) -> DispatchResult {
        if amount > 0 {
            T::Currency::transfer_on_hold(
                &reason.into(),
                from,
                to,
                amount,
                Precision::Exact,
                Restriction::Free,
                Fortitude::Force,
            )?;
        }
        Ok(())
    }

    fn release_stake(who: &T::AccountId, stake: Balance) -> Result<Balance, DispatchError> {
        T::Currency::release(&HoldReason::Attestation.into(), who, stake, Precision::Exact)
    }

    #[allow(clippy::type_complexity, reason = "it is named once")]
    fn take_report(
        asset: AssetId,
        reporter: &T::AccountId,
    ) -> Result<(ScrutinyOf<T>, Report<T::AccountId, BlockNumberFor<T>>), Error<T>> {
        let mut scrutiny = Scrutinies::<T>::get(asset);
        let position = scrutiny
            .reports
            .iter()
            .position(|report| report.who == *reporter)
            .ok_or(Error::<T>::NotReported)?;
        let report = scrutiny.reports.swap_remove(position);
        Ok((scrutiny, report))
    }

    fn put_scrutiny(asset: AssetId, scrutiny: ScrutinyOf<T>) {
        if scrutiny.is_empty() {
            Scrutinies::<T>::remove(asset);
        } else {
            Scrutinies::<T>::insert(asset, scrutiny);
        }
    }

    fn is_expired(since: BlockNumberFor<T>) -> bool {
        frame_system::Pallet::<T>::block_number() >= since.saturating_add(T::ReportPeriod::get())
    }
}
