//! What receipts prove to other pallets.

use weft_primitives::{AssetId, JobId, registry::PaidJobs};

use crate::{Config, NextJobId, Pallet, Receipts};

impl<T: Config> PaidJobs<T::AccountId> for Pallet<T> {
    fn paid_job(job: JobId) -> Option<(T::AccountId, AssetId)> {
        let receipt = Receipts::<T>::get(job)?;
        let paid = receipt.split.total() > receipt.split.refund;
        (receipt.reason.is_paid() && paid).then_some((receipt.user, receipt.model))
    }

    fn next_job() -> JobId {
        NextJobId::<T>::get()
    }

    #[cfg(feature = "runtime-benchmarks")]
    fn benchmark_paid_job(user: &T::AccountId, model: AssetId) -> JobId {
        crate::benchmarking::paid_receipt::<T>(user, model)
    }
}
