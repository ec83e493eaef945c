//! Worst cases of the calls. A quote for a device of a benchmark cannot be made without the hardware, so the two parts
//! of `attest` are measured apart: recording what a quote says, and checking as many signatures as a call is charged
//! for. Decoding a quote and its collateral is in neither.

use dcap_qvl::{
    config::{CryptoProvider, EcdsaSigEncoder},
    crypto::RustCryptoCrypto,
    signature::DerSigEncoder,
};
use frame_benchmarking::v2::*;
use frame_support::traits::{
    EnsureOrigin, Get,
    fungible::{Inspect as _, Mutate as _},
};
use frame_system::RawOrigin;
use weft_primitives::{
    attestation::{Measurement, Platform, TcbStatus, TeeKind},
    registry::Devices,
};

use crate::{
    AdmittedStatuses, Attestations, Call, Config, MAX_SIGNATURES, Measurements, Pallet, RevokedPlatforms, Verified,
};

const MEASUREMENT: Measurement = Measurement {
    kind: TeeKind::Tdx,
    digest: [1; 32],
};
const PLATFORM: Platform = Platform::Machine([2; 16]);
const STATUS: TcbStatus = TcbStatus::OutOfDate;

// A signature of "sample" with SHA-256 on P-256: RFC 6979, appendix A.2.5.
const PUBLIC_KEY: [u8; 65] = [
    0x04, 0x60, 0xfe, 0xd4, 0xba, 0x25, 0x5a, 0x9d, 0x31, 0xc9, 0x61, 0xeb, 0x74, 0xc6, 0x35, 0x6d, 0x68, 0xc0, 0x49,
    0xb8, 0x92, 0x3b, 0x61, 0xfa, 0x6c, 0xe6, 0x69, 0x62, 0x2e, 0x60, 0xf2, 0x9f, 0xb6, 0x79, 0x03, 0xfe, 0x10, 0x08,
    0xb8, 0xbc, 0x99, 0xa4, 0x1a, 0xe9, 0xe9, 0x56, 0x28, 0xbc, 0x64, 0xf2, 0xf1, 0xb2, 0x0c, 0x2d, 0x7e, 0x9f, 0x51,
    0x77, 0xa3, 0xc2, 0x94, 0xd4, 0x46, 0x22, 0x99,
];
const R: [u8; 32] = [
    0xef, 0xd4, 0x8b, 0x2a, 0xac, 0xb6, 0xa8, 0xfd, 0x11, 0x40, 0xdd, 0x9c, 0xd4, 0x5e, 0x81, 0xd6, 0x9d, 0x2c, 0x87,
    0x7b, 0x56, 0xaa, 0xf9, 0x91, 0xc3, 0x4d, 0x0e, 0xa8, 0x4e, 0xaf, 0x37, 0x16,
];
const S: [u8; 32] = [
    0xf7, 0xcb, 0x1c, 0x94, 0x2d, 0x65, 0x7c, 0x41, 0xd4, 0x36, 0xc7, 0xa1, 0xb6, 0xe2, 0x9f, 0x65, 0xf3, 0xe9, 0x00,
    0xdb, 0xb9, 0xaf, 0xf4, 0x06, 0x4d, 0xc4, 0xab, 0x2f, 0x84, 0x3a, 0xcd, 0xa8,
];

/// A device whose owner can pay, and what a good quote of it says.
fn device<T: Config>() -> (T::AccountId, Verified) {
    let (owner, device): (T::AccountId, T::AccountId) = (account("owner", 0, 0), account("device", 0, 0));
    let key = T::Devices::benchmark_device(&owner, &device);
    let funds = T::Deposit::get().saturating_add(T::Currency::minimum_balance());
    T::Currency::mint_into(&owner, funds.saturating_mul(4)).expect("a benchmark's currency can be minted");
    Measurements::<T>::insert(MEASUREMENT, ());
    AdmittedStatuses::<T>::mutate(|admitted| admitted.try_insert(STATUS))
        .expect("the set has room for every status there is");
    let verified = Verified {
        measurement: MEASUREMENT,
        status: STATUS,
        family: [3; 6],
        machine: [4; 16],
        report_data: Pallet::<T>::report_data_of(&device, &key),
        collateral_expires_at: u64::MAX,
    };
    (device, verified)
}

fn attested<T: Config>() -> T::AccountId {
    let (device, verified) = device::<T>();
    Pallet::<T>::record(device.clone(), &verified, 0).expect("the quote is good and its owner can pay");
    device
}

fn governor<T: Config>() -> Result<T::RuntimeOrigin, BenchmarkError> {
    T::GovernOrigin::try_successful_origin().map_err(|_| BenchmarkError::Weightless)
}

#[benchmarks]
mod benchmarks {
    use super::*;

    #[benchmark]
    fn attest() {
        let (device, verified) = device::<T>();
        Pallet::<T>::record(device.clone(), &verified, 0).expect("the quote is good and its owner can pay");

        #[block]
        {
            Pallet::<T>::record(device.clone(), &verified, 1).expect("the earlier deposit is released");
        }

        assert_eq!(Attestations::<T>::get(device).map(|stored| stored.verified_at), Some(1));
    }

    #[benchmark]
    fn verify_signatures(s: Linear<1, MAX_SIGNATURES>) {
        let mut good = 0;

        #[block]
        {
            for _ in 0..s {
                let signature = DerSigEncoder::encode_ecdsa_sig(&R, &S).expect("r and s have 32 bytes");
                let checked = RustCryptoCrypto::sig_algo().verify_signature(&PUBLIC_KEY, b"sample", &signature);
                good += u32::from(checked.is_ok());
            }
        }

        assert_eq!(good, s);
    }

    #[benchmark]
    fn forget() {
        let device = attested::<T>();

        #[extrinsic_call]
        _(RawOrigin::Signed(device.clone()), device.clone());

        assert!(!Attestations::<T>::contains_key(device));
    }

    #[benchmark]
    fn remove_expired() {
        let device = attested::<T>();
        Attestations::<T>::mutate(&device, |stored| {
            if let Some(stored) = stored {
                stored.expires_at = 0;
            }
        });

        #[extrinsic_call]
        _(RawOrigin::Signed(device.clone()), device.clone());

        assert!(!Attestations::<T>::contains_key(device));
    }

    #[benchmark]
    fn allow_measurement() -> Result<(), BenchmarkError> {
        let origin = governor::<T>()?;

        #[extrinsic_call]
        _(origin as T::RuntimeOrigin, MEASUREMENT);

        assert!(Measurements::<T>::contains_key(MEASUREMENT));
        Ok(())
    }

    #[benchmark]
    fn remove_measurement() -> Result<(), BenchmarkError> {
        let origin = governor::<T>()?;
        Measurements::<T>::insert(MEASUREMENT, ());

        #[extrinsic_call]
        _(origin as T::RuntimeOrigin, MEASUREMENT);

        assert!(!Measurements::<T>::contains_key(MEASUREMENT));
        Ok(())
    }

    #[benchmark]
    fn revoke() -> Result<(), BenchmarkError> {
        let origin = governor::<T>()?;

        #[extrinsic_call]
        _(origin as T::RuntimeOrigin, PLATFORM);

        assert!(RevokedPlatforms::<T>::contains_key(PLATFORM));
        Ok(())
    }

    #[benchmark]
    fn readmit() -> Result<(), BenchmarkError> {
        let origin = governor::<T>()?;
        RevokedPlatforms::<T>::insert(PLATFORM, ());

        #[extrinsic_call]
        _(origin as T::RuntimeOrigin, PLATFORM);

        assert!(!RevokedPlatforms::<T>::contains_key(PLATFORM));
        Ok(())
    }

    #[benchmark]
    fn admit_status() -> Result<(), BenchmarkError> {
        let origin = governor::<T>()?;

        #[extrinsic_call]
        _(origin as T::RuntimeOrigin, STATUS);

        assert!(AdmittedStatuses::<T>::get().contains(&STATUS));
        Ok(())
    }

    #[benchmark]
    fn exclude_status() -> Result<(), BenchmarkError> {
        let origin = governor::<T>()?;
        Pallet::<T>::do_admit_status(STATUS)?;

        #[extrinsic_call]
        _(origin as T::RuntimeOrigin, STATUS);

        assert!(!AdmittedStatuses::<T>::get().contains(&STATUS));
        Ok(())
    }

    impl_benchmark_test_suite!(Pallet, crate::mock::new_test_ext(), crate::mock::Test);
}
