//! Whether a device counts as attested. Asked at every use: what was true when the quote was verified may not be now.

use weft_primitives::{
    attestation::{NotAttested, Platform, TcbStatus},
    device::EncryptionKey,
    registry::Devices,
};

use crate::{AdmittedStatuses, AttestationOf, Attestations, Config, Measurements, Pallet, RevokedPlatforms};

impl<T: Config> Pallet<T> {
    /// Whether the device counts as attested `now` seconds after the Unix epoch, for what is sealed to `key`. Seven
    /// reads at most, two of them the devices'.
    pub fn is_attested(device: &T::AccountId, key: &EncryptionKey, now: u64) -> Result<(), NotAttested> {
        let attestation = Attestations::<T>::get(device).ok_or(NotAttested::NoAttestation)?;
        if now >= attestation.expires_at {
            return Err(NotAttested::Expired);
        }
        let present = T::Devices::device_key(device).map(|(_, present)| present);
        if attestation.encryption_key != *key || present.as_ref() != Some(key) {
            return Err(NotAttested::OtherKey);
        }
        Self::admits(&attestation)
    }

    /// Whether governance lets the attestation count now.
    pub(crate) fn admits(attestation: &AttestationOf<T>) -> Result<(), NotAttested> {
        if !Measurements::<T>::contains_key(attestation.measurement) {
            return Err(NotAttested::MeasurementNotAllowed);
        }
        if attestation.status != TcbStatus::UpToDate && !AdmittedStatuses::<T>::get().contains(&attestation.status) {
            return Err(NotAttested::StatusNotAdmitted);
        }
        let revoked = RevokedPlatforms::<T>::contains_key(Platform::Family(attestation.family))
            || RevokedPlatforms::<T>::contains_key(Platform::Machine(attestation.machine));
        if revoked {
            return Err(NotAttested::PlatformRevoked);
        }
        Ok(())
    }
}
