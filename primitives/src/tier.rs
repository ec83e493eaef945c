//! Tiers: by what a result is assured, beyond its provider's word. A buyer chooses one for each job.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};

use crate::{json, price::Ppm};

/// How long a result stands open to challenges before it is paid. Each is a fixed number of blocks, so that those of one kind
/// end in the order in which they began.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
    Serialize,
    Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Window {
    /// Minutes: whoever watches has to be at it.
    #[default]
    #[codec(index = 0)]
    Short,
    /// Long enough to fetch a model first.
    #[codec(index = 1)]
    Standard,
    /// Hours.
    #[codec(index = 2)]
    Long,
}

impl Window {
    /// All windows, shortest first.
    pub const ALL: [Self; 3] = [Self::Short, Self::Standard, Self::Long];

    /// What a provider gets on top of the ask for waiting that long for the pay.
    pub const fn premium(self) -> Ppm {
        match self {
            Self::Short => 0,
            Self::Standard => 5_000,
            Self::Long => 30_000,
        }
    }
}

/// What whoever posts an exact job says of challenges to its answer.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
    Serialize,
    Deserialize,
)]
pub struct Challenges {
    /// How long the answer may be challenged.
    pub window: Window,
    /// What commits to the prompt's tokens, how the answer's are chosen and how long it may be
    /// (`weft_disputes::prompt::Prompt`); without it nobody can show on chain that the answer is to another prompt.
    #[serde(with = "json::optional_hex_bytes")]
    pub prompt: Option<[u8; 32]>,
    /// Whether others than the user may challenge. A dispute shows tokens and inner states, so that this is for prompts that
    /// may be read.
    pub open: bool,
}

/// By what a result is assured. The index is part of the encoding: it never changes meaning.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
    Serialize,
    Deserialize,
)]
#[serde(rename_all = "snake_case", tag = "tier")]
pub enum Tier {
    /// The provider's word, and what users say of it afterwards. Paid at once.
    #[codec(index = 0)]
    None,
    /// An exact answer, that is paid when its window has passed without a challenge that holds. Whoever shows one wrong step
    /// takes the provider's stake.
    #[codec(index = 1)]
    Exact(Challenges),
}

impl Tier {
    /// What is said of challenges; `None` where there are none.
    pub const fn challenges(&self) -> Option<&Challenges> {
        match self {
            Self::None => None,
            Self::Exact(challenges) => Some(challenges),
        }
    }

    /// What a provider gets on top of the ask.
    pub const fn premium(&self) -> Ppm {
        match self.challenges() {
            None => 0,
            Some(challenges) => challenges.window.premium(),
        }
    }
}
