
//! THIS FILE WAS AUTO-GENERATED USING THE SUBSTRATE BENCHMARK CLI VERSION 64.0.0
//! DATE: 2026-11-24 (Y/M/D)
//! CPU: `Intel(R) Xeon(R) Processor`
//!
//! SHORT-NAME: `block`, LONG-NAME: `BlockExecution`, RUNTIME: `weft`
//! WARMUPS: `10`, REPEAT: `100`

//! WEIGHT-METRIC: `Average`, WEIGHT-MUL: `1.0`, WEIGHT-ADD: `0`

use frame_support::{parameter_types, weights::{constants::WEIGHT_REF_TIME_PER_NANOS, Weight}};

parameter_types! {
	/// Weight of executing an empty block.
	/// Calculated by multiplying the *Average* with `1.0` and adding `0`.
	///
	/// Stats nanoseconds:
	///   Min, Max: 219_563, 353_376
	///   Average:  233_451
	///   Median:   225_788
	///   Std-Dev:  22472.97
	///
	/// Percentiles nanoseconds:
	///   99th: 334_552
	///   95th: 289_609
	///   75th: 229_998
	pub const BlockExecutionWeight: Weight =
		Weight::from_parts(WEIGHT_REF_TIME_PER_NANOS.saturating_mul(233_451), 0);
}

