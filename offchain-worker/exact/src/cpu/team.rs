//! Threads that go through one piece of work together, phase by phase.
//!
//! Between two phases all wait for one another. They wait actively: a layer has ten phases of some microseconds, and waking a
//! thread takes as long as one of them.

use std::{
    num::NonZeroUsize,
    ops::Range,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
};

/// Threads, kept for the next work.
pub struct Team {
    /// None if there is one thread: the caller's.
    pool: Option<rayon::ThreadPool>,
    threads: usize,
}

/// Threads that could not be started.
#[derive(Debug, thiserror::Error)]
#[error("cannot start {threads} threads: {reason}")]
pub struct NoThreads {
    threads: usize,
    reason: String,
}

/// One of the threads, during a piece of work.
pub struct Member<'a> {
    /// Its number.
    pub index: usize,
    meeting: &'a Meeting,
}

struct Meeting {
    waiting: AtomicUsize,
    round: AtomicUsize,
    /// For each thread what of its share has been taken, of the first and of the second kind of items.
    taken: Vec<[Counter; 2]>,
    failed: AtomicBool,
}

/// In a cache line of its own, so that threads which count do not slow each other.
#[derive(Default)]
#[repr(align(128))]
struct Counter(AtomicUsize);

/// The items of a thread's own share.
fn share(items: usize, thread: usize, threads: usize) -> Range<usize> {
    items * thread / threads..items * (thread + 1) / threads
}

/// Turns of waiting before the processor is offered to others.
const TURNS: u32 = 1_000;

impl Team {
    /// Of some threads.
    pub fn new(threads: NonZeroUsize) -> Result<Self, NoThreads> {
        let threads = threads.get();
        let pool = if threads == 1 {
            None
        } else {
            let builder = rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .thread_name(|at| format!("exact-{at}"));
            let failed = |error: rayon::ThreadPoolBuildError| NoThreads {
                threads,
                reason: error.to_string(),
            };
            Some(builder.build().map_err(failed)?)
        };
        Ok(Self { pool, threads })
    }

    /// Threads.
    pub fn threads(&self) -> usize {
        self.threads
    }

    /// Runs the same work on every thread at the same time.
    pub fn run(&self, work: impl Fn(&Member<'_>) + Sync) {
        let meeting = Meeting {
            waiting: AtomicUsize::new(0),
            round: AtomicUsize::new(0),
            taken: (0..self.threads).map(|_| Default::default()).collect(),
            failed: AtomicBool::new(false),
        };
        match &self.pool {
            None => work(&Member {
                index: 0,
                meeting: &meeting,
            }),
            Some(pool) => {
                pool.broadcast(|context| {
                    let member = Member {
                        index: context.index(),
                        meeting: &meeting,
                    };
                    let _watch = Watch(&meeting.failed);
                    work(&member);
                });
            }
        }
    }
}

/// Tells the others when a thread unwinds, so that they do not wait for it for ever.
struct Watch<'a>(&'a AtomicBool);

impl Drop for Watch<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.store(true, Ordering::Release);
        }
    }
}

impl Member<'_> {
    /// Threads of the team.
    pub fn threads(&self) -> usize {
        self.meeting.taken.len()
    }

    /// Items of a phase, each for one of the threads, and the end of the phase: all items are done, and what was written is
    /// seen by all.
    ///
    /// Each thread begins with the same share of the items in every phase, and takes from others when it has done its own:
    /// what it wrote for the first rows in one phase is in its processor's cache when it reads it in the next.
    pub fn phase(&self, items: usize, each: impl FnMut(usize)) {
        self.phase_of_two(items, each, 0, |_| {});
    }

    /// A phase with items of two kinds, each with shares of its own.
    pub fn phase_of_two(&self, some: usize, each: impl FnMut(usize), more: usize, each_more: impl FnMut(usize)) {
        self.take(0, some, each);
        self.take(1, more, each_more);
        self.meet();
    }

    fn take(&self, kind: usize, items: usize, mut each: impl FnMut(usize)) {
        let taken = &self.meeting.taken;
        let threads = taken.len();
        for thread in (self.index..threads).chain(0..self.index) {
            let share = share(items, thread, threads);
            loop {
                let item = share.start + taken[thread][kind].0.fetch_add(1, Ordering::Relaxed);
                if item >= share.end {
                    break;
                }
                each(item);
            }
        }
    }

    fn meet(&self) {
        let meeting = self.meeting;
        let round = meeting.round.load(Ordering::Acquire);
        if meeting.waiting.fetch_add(1, Ordering::AcqRel) + 1 == meeting.taken.len() {
            meeting.waiting.store(0, Ordering::Relaxed);
            let counters = meeting.taken.iter().flatten();
            counters.for_each(|taken| taken.0.store(0, Ordering::Relaxed));
            meeting.round.store(round.wrapping_add(1), Ordering::Release);
            return;
        }
        let mut turns = 0;
        while meeting.round.load(Ordering::Acquire) == round {
            assert!(
                !meeting.failed.load(Ordering::Acquire),
                "another thread of the team has failed"
            );
            turns += 1;
            if turns < TURNS {
                std::hint::spin_loop();
            } else {
                std::thread::yield_now();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU64;

    use super::*;

    fn team(threads: usize) -> Team {
        Team::new(NonZeroUsize::new(threads).expect("not zero")).unwrap()
    }

    #[test]
    fn every_item_of_every_phase_is_done_once_and_before_the_next() {
        for threads in [1, 2, 3, 8] {
            let done: Vec<AtomicU64> = (0..50).map(|_| AtomicU64::new(0)).collect();
            team(threads).run(|member| {
                for phase in 0..200u64 {
                    member.phase(done.len(), |item| {
                        // The neighbour's count shows that the last phase has ended.
                        let neighbour = done[(item + 1) % done.len()].load(Ordering::Relaxed);
                        assert!(neighbour == phase || neighbour == phase + 1);
                        done[item].fetch_add(1, Ordering::Relaxed);
                    });
                }
            });
            assert!(done.iter().all(|done| done.load(Ordering::Relaxed) == 200));
        }
    }

    #[test]
    #[should_panic]
    fn a_thread_that_fails_stops_the_others() {
        team(2).run(|member| {
            member.phase(2, |item| assert!(item == 0, "on purpose"));
            member.phase(2, |_| {});
        });
    }
}
