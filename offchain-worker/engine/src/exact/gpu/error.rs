//! Why a GPU cannot serve an exact model.

use thiserror::Error;

use crate::device::DeviceError;

/// Why a GPU cannot serve an exact model.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum GpuError {
    /// There is none.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// The driver refuses the kernels, or fails at them.
    #[error("the GPU cannot run the exact kernels: {reason}; update its driver, or use --device cpu")]
    Failed {
        /// What it said.
        reason: String,
    },
    /// A kernel gives other bits than the reference: its answers would be punished.
    #[error(
        "the GPU's kernel `{kernel}` gives wrong bits in the known-answer test ({at}): it cannot do exact work; update its \
         driver, or use --device cpu"
    )]
    WrongBits {
        /// The kernel.
        kernel: &'static str,
        /// Where in the test.
        at: String,
    },
    /// A part of the model is larger than the GPU can bind.
    #[error("the GPU cannot hold {what} of {bytes} bytes at a time, its limit is {limit}: use --device cpu")]
    TooLarge {
        /// What.
        what: &'static str,
        /// Its size.
        bytes: u64,
        /// Most bytes of a buffer.
        limit: u64,
    },
}
