//! The life of a job.
//!
//! ```text
//!             post                 release_input                commit in time
//!   (nothing) ────► AwaitingInput ───────────────► Running ───────────────────► Ended(Completed)
//!                     │   ▲                          │ │                             ▲
//!                     │   └── decline / silence ─────┤ └──► Committed ───────────────┘
//!                     │     next provider, while     │      (where it may be challenged)
//!                     ▼     attempts are left        ▼           │
//!             Ended(InputWithheld,            Ended(Deadline-    └──► Ended(Refuted)
//!                   Cancelled)                 Missed, Declined, NoEligibleProvider)
//! ```
//!
//! Every job ends in exactly one [`Reason`]. The machine is pure: it says what happens, the pallet moves the money.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};

use crate::reputation::Outcome;

/// Number of a job, given in the order of posting, never reused.
pub type JobId = u64;

/// How often a job may be given to a provider, the first included.
pub const MAX_ATTEMPTS: u8 = 3;

/// How long a provider has beyond the user's own window for the release of the input. Each is a fixed window, so that
/// deadlines of one kind fall due in the order in which they were set.
#[derive(
    Clone,
    Copy,
    Debug,
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
pub enum Patience {
    /// An interactive answer.
    Short,
    /// A long answer, or a slow device.
    Standard,
    /// Work that may wait.
    Long,
}

/// By which arithmetic a job is answered. The index is part of the encoding: it never changes meaning.
#[derive(
    Clone,
    Copy,
    Debug,
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
pub enum Arithmetic {
    /// Floating point: answers may differ in bits between devices, and nothing commits to how one was computed.
    #[codec(index = 0)]
    Float,
    /// Integers: the answer has the same bits on every device, and comes with a trace root, which commits to every step
    /// of its computation. For exact models only.
    #[codec(index = 1)]
    Exact,
}

impl Arithmetic {
    /// Whether a result comes with a trace root.
    pub const fn has_trace(self) -> bool {
        matches!(self, Self::Exact)
    }
}

/// Where a living job stands. `until` is the last block in which the awaited act counts.
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
#[serde(rename_all = "snake_case", tag = "phase")]
pub enum Phase<BlockNumber> {
    /// Assigned; the user has yet to release the input to the assigned device.
    AwaitingInput {
        /// Last block for the release.
        until: BlockNumber,
    },
    /// The device can read the input; the result is awaited.
    Running {
        /// Last block for the commit.
        until: BlockNumber,
    },
    /// The result is there and may be challenged; the pay is awaited.
    Committed {
        /// Last block for a challenge.
        until: BlockNumber,
    },
}

impl<BlockNumber: Copy> Phase<BlockNumber> {
    /// The last block in which the awaited act counts.
    pub fn until(&self) -> BlockNumber {
        match *self {
            Self::AwaitingInput { until } | Self::Running { until } | Self::Committed { until } => until,
        }
    }
}

/// Why a job ended. The index is part of the encoding and is shown to people: it never changes meaning.
#[derive(
    Clone,
    Copy,
    Debug,
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
pub enum Reason {
    /// The result was committed in time; provider, creator and treasury were paid.
    #[codec(index = 0)]
    Completed,
    /// The user took the job back before releasing the input; refunded.
    #[codec(index = 1)]
    Cancelled,
    /// The user never released the input to the assigned device; refunded.
    #[codec(index = 2)]
    InputWithheld,
    /// The last provider let the deadline pass and no attempt was left; refunded.
    #[codec(index = 3)]
    DeadlineMissed,
    /// The last provider declined and no attempt was left; refunded.
    #[codec(index = 4)]
    Declined,
    /// An attempt was left, but nobody eligible to take it; refunded.
    #[codec(index = 5)]
    NoEligibleProvider,
    /// The result was challenged and shown to be wrong, or was not defended; refunded.
    #[codec(index = 6)]
    Refuted,
}

impl Reason {
    /// Whether the provider was paid.
    pub const fn is_paid(self) -> bool {
        matches!(self, Self::Completed)
    }
}

/// Why a provider gave a job back.
#[derive(
    Clone,
    Copy,
    Debug,
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
pub enum Decline {
    /// The input could not be fetched from the user or any peer.
    InputUnavailable,
    /// The input was fetched but its key or ciphertext does not open.
    InputUnreadable,
    /// The model could not be fetched or does not open.
    ModelUnavailable,
    /// The prompt does not fit the model's context or the request is malformed.
    InputUnsuitable,
    /// The device cannot do it now (memory, shutdown, engine failure).
    DeviceFault,
}

/// What happens to a job from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// The user wrapped the input key for the assigned device.
    ReleaseInput,
    /// The user takes the job back.
    Cancel,
    /// The assigned provider commits a result that is paid at once.
    Commit,
    /// The assigned provider commits a result that may be challenged first.
    Propose,
    /// The result was shown to be wrong.
    Refute,
    /// The assigned provider gives the job back.
    Decline,
    /// Someone notes that the awaited act is overdue.
    Expire,
}

/// What the act leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The provider may start.
    Run,
    /// The result may be challenged now; the provider has kept the promise of one in time and is freed.
    Await,
    /// The job, whose provider was freed before, is over.
    Close {
        /// The terminal reason.
        reason: Reason,
    },
    /// The provider is freed with this outcome and the job goes to the next one, or ends with
    /// [`Reason::NoEligibleProvider`] if there is none.
    Reassign {
        /// How it counts for the provider who loses the job.
        outcome: Outcome,
    },
    /// The job is over.
    End {
        /// The terminal reason.
        reason: Reason,
        /// How it counts for the assigned provider.
        outcome: Outcome,
    },
}

/// Why an act is refused. Nothing changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// The deadline for this act has passed; the job is about to be re-assigned or refunded.
    DeadlinePassed,
    /// The deadline has not passed yet.
    NotYetDue,
    /// The input was released already.
    InputAlreadyReleased,
    /// The input has not been released, so there is nothing to commit.
    InputNotReleased,
    /// There is a result already.
    AlreadyCommitted,
    /// There is no result yet that could be wrong.
    NotCommitted,
}

/// Decides what an act does to a job in `phase` at block `now`, `attempt` (1-based) being the current one.
pub fn step<BlockNumber: Copy + PartialOrd>(
    phase: &Phase<BlockNumber>,
    attempt: u8,
    now: BlockNumber,
    act: Act,
) -> Result<Step, Refused> {
    let overdue = now > phase.until();
    let give_up = |outcome, reason| {
        if attempt < MAX_ATTEMPTS {
            Step::Reassign { outcome }
        } else {
            Step::End { reason, outcome }
        }
    };
    match (phase, act) {
        // A result that turns out to be wrong while a dispute about it goes on, is wrong after its window, too.
        (Phase::Committed { .. }, Act::Refute) => Ok(Step::Close {
            reason: Reason::Refuted,
        }),
        (_, Act::Refute) => Err(Refused::NotCommitted),
        (_, Act::Expire) if !overdue => Err(Refused::NotYetDue),
        (Phase::Committed { .. }, Act::Expire) => Ok(Step::Close {
            reason: Reason::Completed,
        }),
        (Phase::Committed { .. }, _) => Err(Refused::AlreadyCommitted),
        (Phase::AwaitingInput { .. }, Act::Expire) => Ok(Step::End {
            reason: Reason::InputWithheld,
            outcome: Outcome::Blameless,
        }),
        (Phase::Running { .. }, Act::Expire) => Ok(give_up(Outcome::Missed, Reason::DeadlineMissed)),
        // Taking a job back is never too late while the input is sealed: the refund would be the same.
        (Phase::AwaitingInput { .. }, Act::Cancel) => Ok(Step::End {
            reason: Reason::Cancelled,
            outcome: Outcome::Blameless,
        }),
        (Phase::Running { .. }, Act::Cancel) => Err(Refused::InputAlreadyReleased),
        (_, _) if overdue => Err(Refused::DeadlinePassed),
        (Phase::AwaitingInput { .. }, Act::ReleaseInput) => Ok(Step::Run),
        (Phase::Running { .. }, Act::ReleaseInput) => Err(Refused::InputAlreadyReleased),
        (Phase::AwaitingInput { .. }, Act::Commit | Act::Propose) => Err(Refused::InputNotReleased),
        (Phase::Running { .. }, Act::Propose) => Ok(Step::Await),
        (Phase::Running { .. }, Act::Commit) => Ok(Step::End {
            reason: Reason::Completed,
            outcome: Outcome::Kept,
        }),
        (_, Act::Decline) => Ok(give_up(Outcome::Declined, Reason::Declined)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    fn act() -> impl Strategy<Value = Act> {
        prop_oneof![
            Just(Act::ReleaseInput),
            Just(Act::Cancel),
            Just(Act::Commit),
            Just(Act::Propose),
            Just(Act::Refute),
            Just(Act::Decline),
            Just(Act::Expire)
        ]
    }

    proptest! {
        /// Whatever strangers do and in whatever order, a job ends exactly once, and silence alone ends it too.
        #[test]
        fn every_job_ends_exactly_once(acts in proptest::collection::vec((act(), 0u32..8), 0..40)) {
            let (mut now, mut attempt) = (1u32, 1u8);
            let mut phase = Phase::AwaitingInput { until: now + 5 };
            let mut ends: Vec<Reason> = Vec::new();
            let mut freed = 0;
            let silence = (0..10).map(|_| (Act::Expire, 20));
            for (act, wait) in acts.into_iter().chain(silence) {
                now += wait;
                match step(&phase, attempt, now, act) {
                    Ok(Step::Run) => phase = Phase::Running { until: now + 10 },
                    Ok(Step::Await) => {
                        freed += 1;
                        phase = Phase::Committed { until: now + 7 };
                    },
                    Ok(Step::Close { reason }) => {
                        prop_assert!(matches!(reason, Reason::Completed | Reason::Refuted));
                        ends.push(reason);
                        break;
                    },
                    Ok(Step::Reassign { outcome }) => {
                        prop_assert!(attempt < MAX_ATTEMPTS);
                        prop_assert!(matches!(outcome, Outcome::Missed | Outcome::Declined));
                        attempt += 1;
                        phase = Phase::AwaitingInput { until: now + 5 };
                    },
                    Ok(Step::End { reason, outcome }) => {
                        prop_assert_eq!(reason.is_paid(), outcome == Outcome::Kept);
                        freed += 1;
                        ends.push(reason);
                        break;
                    },
                    Err(_) => {},
                }
            }
            prop_assert_eq!((ends.len(), freed), (1, 1));
        }

        #[test]
        fn nothing_counts_after_the_deadline_but_expiry_and_cancel(act in act(), late in 1u32..1000, running: bool) {
            let phase = if running { Phase::Running { until: 10 } } else { Phase::AwaitingInput { until: 10 } };
            let result = step(&phase, 1, 10 + late, act);
            match act {
                Act::Expire => prop_assert!(result.is_ok()),
                Act::Cancel => prop_assert_eq!(result.is_ok(), !running),
                Act::Refute => prop_assert_eq!(result, Err(Refused::NotCommitted)),
                _ => prop_assert_eq!(result, Err(Refused::DeadlinePassed)),
            }
        }
    }

    #[test]
    fn the_last_block_still_counts() {
        let phase = Phase::Running { until: 10u32 };
        assert!(matches!(
            step(&phase, 1, 10, Act::Commit),
            Ok(Step::End {
                reason: Reason::Completed,
                ..
            })
        ));
        assert_eq!(step(&phase, 1, 10, Act::Expire), Err(Refused::NotYetDue));
        assert_eq!(step(&phase, 1, 11, Act::Commit), Err(Refused::DeadlinePassed));
        assert_eq!(
            step(&phase, 1, 11, Act::Expire),
            Ok(Step::Reassign {
                outcome: Outcome::Missed
            })
        );
        assert_eq!(
            step(&phase, MAX_ATTEMPTS, 11, Act::Expire),
            Ok(Step::End {
                reason: Reason::DeadlineMissed,
                outcome: Outcome::Missed
            })
        );
    }

    #[test]
    fn what_may_be_challenged_is_paid_after_its_window_or_refuted_at_any_time() {
        let phase = Phase::Committed { until: 10u32 };
        let over = |reason| Ok(Step::Close { reason });
        assert_eq!(step(&phase, 1, 10, Act::Expire), Err(Refused::NotYetDue));
        assert_eq!(step(&phase, 1, 11, Act::Expire), over(Reason::Completed));
        for now in [5, 10, 11, 500] {
            assert_eq!(step(&phase, 1, now, Act::Refute), over(Reason::Refuted));
            for act in [Act::Commit, Act::Propose, Act::Cancel, Act::Decline, Act::ReleaseInput] {
                assert_eq!(step(&phase, 1, now, act), Err(Refused::AlreadyCommitted));
            }
        }
    }
}
