
//! THIS FILE WAS AUTO-GENERATED USING THE SUBSTRATE BENCHMARK CLI VERSION 64.0.0
//! DATE: 2026-11-24 (Y/M/D)
//! CPU: `Intel(R) Xeon(R) Processor`
//!
//! SHORT-NAME: `extrinsic`, LONG-NAME: `ExtrinsicBase`, RUNTIME: `weft`
//! WARMUPS: `10`, REPEAT: `100`

//! WEIGHT-METRIC: `Average`, WEIGHT-MUL: `1.0`, WEIGHT-ADD: `0`

use frame_support::{parameter_types, weights::{constants::WEIGHT_REF_TIME_PER_NANOS, Weight}};

parameter_types! {
	/// Weight of executing a NO-OP extrinsic, for example `System::remark`.
	/// Calculated by multiplying the *Average* with `1.0` and adding `0`.
	///
	/// Stats nanoseconds:
	///   Min, Max: 139_040, 155_880
	///   Average:  146_019
	///   Median:   145_442
	///   Std-Dev:  4457.55
	///
	/// Percentiles nanoseconds:
	///   99th: 154_391
	///   95th: 153_302
	///   75th: 149_342
	pub const ExtrinsicBaseWeight: Weight =
		Weight::from_parts(WEIGHT_REF_TIME_PER_NANOS.saturating_mul(146_019), 0);
}

