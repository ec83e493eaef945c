//! When blocks became final, watched from outside.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

use weft_tests::{network::Network, process::POLL};

use crate::stage::Result;

/// What was seen of a chain: the best block, and the last one that was final by then, in that order.
pub struct Finality {
    seen: Vec<(u32, u32)>,
}

impl Finality {
    /// Watches the chain while something is done.
    pub fn during<T>(network: &Network, what: impl FnOnce() -> Result<T>) -> Result<(T, Self)> {
        let done = AtomicBool::new(false);
        let (made, seen) = thread::scope(|scope| {
            let watching = scope.spawn(|| {
                let mut seen = Vec::new();
                loop {
                    // Before the last look, so that its end is seen too.
                    let last = done.load(Ordering::Acquire);
                    // The best block first: it is then no later than the finality beside it.
                    let best = network.node.rpc().best_block()?;
                    seen.push((best, network.node.rpc().finalized_block()?));
                    if last {
                        return Ok(seen);
                    }
                    thread::sleep(POLL);
                }
            });
            let made = what();
            done.store(true, Ordering::Release);
            let seen: Result<Vec<(u32, u32)>> = watching.join().expect("watching does not panic");
            (made, seen)
        });
        Ok((made?, Self { seen: seen? }))
    }

    /// The best block when `block` became final; `None` if it did not as long as it was watched.
    pub fn of(&self, block: u64) -> Option<u64> {
        let first = self.seen.iter().find(|(_, last)| u64::from(*last) >= block);
        first.map(|(best, _)| u64::from(*best))
    }
}
