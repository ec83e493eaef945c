//! Results that may be challenged: what the judge is told of them, and what a verdict means for their job.

use frame_system::pallet_prelude::BlockNumberFor;
use weft_primitives::{
    JobId,
    job::{Act, Step},
    registry::{Challengeable, ModelRegistry, ProposedResult},
};

use crate::{Config, Jobs, Pallet};

impl<T: Config> Challengeable<T::AccountId, BlockNumberFor<T>> for Pallet<T> {
    fn proposed(job: JobId) -> Option<ProposedResult<T::AccountId, BlockNumberFor<T>>> {
        let job = Jobs::<T>::get(job)?;
        let trace_root = job.proposed?.trace_root?;
        let challenges = job.tier.challenges()?;
        Some(ProposedResult {
            user: job.user,
            provider: job.booking.provider,
            device: job.booking.device,
            exact_root: T::Models::model(job.model)?.exact_root?,
            trace_root,
            prompt: challenges.prompt,
            open: challenges.open,
            until: job.phase.until(),
        })
    }

    fn disputed(job: JobId) {
        Jobs::<T>::mutate(job, |job| {
            if let Some(proposed) = job.as_mut().and_then(|job| job.proposed.as_mut()) {
                proposed.disputes = proposed.disputes.saturating_add(1);
            }
        });
    }

    fn decided(id: JobId, refuted: bool) {
        let Some(mut job) = Jobs::<T>::get(id) else { return };
        let Some(proposed) = job.proposed.as_mut() else { return };
        proposed.disputes = proposed.disputes.saturating_sub(1);
        let act = if refuted { Act::Refute } else { Act::Expire };
        match Self::step(&job, act) {
            Ok(Step::Close { reason }) if refuted || !Self::is_disputed(&job) => Self::conclude(id, job, reason),
            _ => Jobs::<T>::insert(id, job),
        }
    }

    #[cfg(feature = "runtime-benchmarks")]
    fn benchmark_proposed(
        user: &T::AccountId,
        provider: &T::AccountId,
        exact_root: [u8; 32],
        trace_root: [u8; 32],
        prompt: [u8; 32],
    ) -> JobId {
        crate::benchmarking::proposed::<T>(user, provider, exact_root, trace_root, prompt)
    }
}
