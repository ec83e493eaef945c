//! How long to try, and how long to wait in between.

use std::time::Duration;

/// Limits of one operation. The overall limit is what a user waits at most before they are told that the node does not
/// answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Longest wait for the first connection.
    pub connect: Duration,
    /// Longest wait for one answer.
    pub attempt: Duration,
    /// Longest time for all attempts together.
    pub overall: Duration,
    /// Longest wait for an extrinsic to appear in a block, while the node answers.
    pub inclusion: Duration,
}

impl Limits {
    /// For a person at a terminal: an unreachable node is reported soon.
    pub const INTERACTIVE: Self = Self {
        connect: Duration::from_secs(10),
        attempt: Duration::from_secs(10),
        overall: Duration::from_secs(30),
        inclusion: Duration::from_secs(120),
    };

    /// For a daemon: a node may be gone for minutes (restart, upgrade).
    pub const DAEMON: Self = Self {
        connect: Duration::from_secs(600),
        attempt: Duration::from_secs(20),
        overall: Duration::from_secs(600),
        inclusion: Duration::from_secs(300),
    };
}

/// First wait.
const FIRST: Duration = Duration::from_millis(200);
/// Longest wait.
const LONGEST: Duration = Duration::from_secs(5);

/// The wait after the `failures`-th failure (1-based): doubling from 0.2 s up to 5 s, reduced by up to half by `jitter`
/// in `0..=255`, so that workers cut off together do not come back together.
pub fn wait_after(failures: u32, jitter: u8) -> Duration {
    let doubled = FIRST.saturating_mul(1u32.checked_shl(failures.saturating_sub(1)).unwrap_or(u32::MAX));
    let wait = doubled.min(LONGEST);
    wait - wait.mul_f64(f64::from(jitter) / 512.0)
}

/// A random byte for [`wait_after`]; without entropy the wait is the full one.
pub(crate) fn jitter() -> u8 {
    let mut byte = [0u8; 1];
    match getrandom::fill(&mut byte) {
        Ok(()) => byte[0],
        Err(_) => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_a_bound_and_jitter_only_shortens_them() {
        let mut last = Duration::ZERO;
        for failures in 1..40 {
            let full = wait_after(failures, 0);
            assert!(full >= last && full <= LONGEST);
            last = full;
            for jitter in [1, 100, 255] {
                let wait = wait_after(failures, jitter);
                assert!(wait <= full && wait >= full / 2);
            }
        }
        assert_eq!(last, LONGEST);
        assert_eq!(wait_after(u32::MAX, 0), LONGEST);
        assert_eq!(wait_after(0, 0), FIRST);
    }
}
