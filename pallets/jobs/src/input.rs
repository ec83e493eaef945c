//! What the user does once a provider is assigned: release the input, or take the job back.

use frame_support::{defensive, ensure, traits::Get};
use frame_system::pallet_prelude::BlockNumberFor;
use sp_runtime::{DispatchError, DispatchResult, Saturating};
use weft_primitives::{
    JobId, LicenceId,
    device::{EncryptionKey, WrappedKey},
    job::{self, Act, Patience, Phase, Step},
    registry::Moves,
    tier::Window,
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
        let input_until = job.phase.until();
        ensure!(job.booking.encryption_key == device_key, Error::<T>::StaleDeviceKey);

        // Counted from the end of the user's window, not from now: who is quick gives the device the rest of it, and
        // this deadline need not be noted before the first one is looked at, when most jobs have ended.
        let until = input_until.saturating_add(Self::run_window(job.patience));
        job.phase = Phase::Running { until };
        job.input_key = Some(wrapped);
        Self::deposit_event(Event::InputReleased {
            job: id,
            provider: job.booking.provider.clone(),
            until,
        });
        Jobs::<T>::insert(id, job);
        Ok(())
    }

    pub(crate) fn do_cancel(user: T::AccountId, id: JobId) -> Result<(Moves, Option<LicenceId>), DispatchError> {
        let job = Self::living(id)?;
        ensure!(job.user == user, Error::<T>::NotYours);
        let Step::End { reason, outcome } = Self::step(&job, Act::Cancel)? else {
            defensive!("a cancelled job ends");
            return Err(Error::<T>::InputAlreadyReleased.into());
        };
        let licence = job.licence;
        Ok((Self::refund(id, job, reason, outcome), licence))
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

    pub(crate) fn run_window(patience: Patience) -> BlockNumberFor<T> {
        match patience {
            Patience::Short => T::ShortWindow::get(),
            Patience::Standard => T::StandardWindow::get(),
            Patience::Long => T::LongWindow::get(),
        }
    }

    pub(crate) fn challenge_window(window: Window) -> BlockNumberFor<T> {
        match window {
            Window::Short => T::ShortChallengeWindow::get(),
            Window::Standard => T::StandardChallengeWindow::get(),
            Window::Long => T::LongChallengeWindow::get(),
        }
    }
}
