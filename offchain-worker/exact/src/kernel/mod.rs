//! Kernels: the same arithmetic by different instructions.

#[cfg(target_arch = "x86_64")]
mod gathers;
#[cfg(target_arch = "x86_64")]
mod heads;
pub mod known_answer;
pub mod panels;
pub mod products;
pub mod rows;
mod shared;

pub use shared::Shared;

use std::{fmt, str::FromStr};

/// Which instructions to use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kernel {
    /// What every processor has; the compiler's choice of NEON on ARM.
    Portable,
    /// 32 bytes at a time.
    Avx2,
    /// 64 bytes at a time, with VNNI.
    Avx512,
    /// Tiles of 16 by 64 bytes, beside AVX-512.
    Amx,
}

/// Every kernel, the slowest first.
pub const ALL: [Kernel; 4] = [Kernel::Portable, Kernel::Avx2, Kernel::Avx512, Kernel::Amx];

/// A kernel that this processor has not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this processor has no {0}: use --kernel auto")]
pub struct Missing(pub Kernel);

/// A name that is none of a kernel.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no kernel is called {0}: auto, portable, avx2, avx512 or amx")]
pub struct Unknown(String);

impl Kernel {
    /// The fastest that this processor has.
    pub fn best() -> Self {
        ALL.into_iter()
            .rev()
            .find(|kernel| kernel.is_there())
            .unwrap_or(Self::Portable)
    }

    /// Whether this processor has it.
    pub fn is_there(self) -> bool {
        match self {
            Self::Portable => true,
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => is_x86_feature_detected!("avx2"),
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => {
                is_x86_feature_detected!("avx512f")
                    && is_x86_feature_detected!("avx512bw")
                    && is_x86_feature_detected!("avx512dq")
                    && is_x86_feature_detected!("avx512vl")
                    && is_x86_feature_detected!("avx512vnni")
            }
            #[cfg(target_arch = "x86_64")]
            Self::Amx => Self::Avx512.is_there() && products::amx::is_granted(),
            #[cfg(not(target_arch = "x86_64"))]
            _ => false,
        }
    }

    /// Itself, if this processor has it.
    pub fn checked(self) -> Result<Self, Missing> {
        if self.is_there() { Ok(self) } else { Err(Missing(self)) }
    }

    /// Whether inputs of products are stored with 128 added, as VNNI takes one operand unsigned.
    pub fn adds_128(self) -> bool {
        self == Self::Avx512
    }
}

impl fmt::Display for Kernel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Portable => "portable",
            Self::Avx2 => "avx2",
            Self::Avx512 => "avx512",
            Self::Amx => "amx",
        })
    }
}

impl FromStr for Kernel {
    type Err = Unknown;

    fn from_str(name: &str) -> Result<Self, Unknown> {
        ALL.into_iter()
            .find(|kernel| kernel.to_string() == name)
            .ok_or_else(|| Unknown(name.to_owned()))
    }
}
