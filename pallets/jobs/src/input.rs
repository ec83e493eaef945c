//! What the user does once a provider is assigned: release the input, or take the job back.

use frame_support::{ensure, traits::Get};
use frame_system::pallet_prelude::BlockNumberFor;
use sp_runtime::{DispatchResult, Saturating};
use weft_primitives::{
    JobId,
    device::{EncryptionKey, WrappedKey},
    job::{self, Act, Patience, Phase, Step},
};

use crate::{Config, Error, Event, JobOf, Jobs, Pallet, Receipts};

impl<T: Config> Pallet<T> {
    pub(crate) fn do_release_input(
        user: T::AccountId,
        id: JobId,
        device_key: EncryptionKey,
        wrapped: WrappedKey,
    ) -> DispatchResult {
        let mut job = Self::living(id)?;
        ensure!(job.user == user, Error::<T>::NotYours);
        Self::step(&job, Act::ReleaseInput)?;
        ensure!(job.booking.encryption_key == device_key, Error::<T>::StaleDeviceKey);

        let until = frame_system::Pallet::<T>::block_number().saturating_add(Self::run_window(job.patience));
        job.phase = Phase::Running { until };
        job.input_key = Some(wrapped);
        Self::enqueue(job.queue(), id, job.attempt, until.saturating_add(1u32.into()));
        Self::deposit_event(Event::InputReleased {
            job: id,
            provider: job.booking.provider.clone(),
            until,
        });
        Jobs::<T>::insert(id, job);
        Ok(())
    }

    pub(crate) fn do_cancel(user: T::AccountId, id: JobId) -> DispatchResult {
        let job = Self::living(id)?;
        ensure!(job.user == user, Error::<T>::NotYours);
        let step = Self::step(&job, Act::Cancel)?;
        Self::give_up(id, job, step);
        Ok(())
    }

    /// A job that lives, or why there is none.
    pub(crate) fn living(id: JobId) -> Result<JobOf<T>, Error<T>> {
        Jobs::<T>::get(id).ok_or_else(|| {
            if Receipts::<T>::contains_key(id) {
                Error::AlreadyEnded
            } else {
                Error::NotFound
            }
        })
    }

    /// What the rules say to `act` in this block.
    pub(crate) fn step(job: &JobOf<T>, act: Act) -> Result<Step, Error<T>> {
        let now: BlockNumberFor<T> = frame_system::Pallet::<T>::block_number();
        job::step(&job.phase, job.attempt, now, act).map_err(Into::into)
    }

    fn run_window(patience: Patience) -> BlockNumberFor<T> {
        match patience {
            Patience::Short => T::ShortWindow::get(),
            Patience::Standard => T::StandardWindow::get(),
            Patience::Long => T::LongWindow::get(),
        }
    }
}
