//! Costs of the calls, and of the steps that the hooks take.

use frame_support::weights::{Weight, constants::RocksDbWeight};

/// What the pallet's work costs. `due_*` are single steps of the hooks: one entry of a queue, and what became of it.
pub trait WeightInfo {
    /// An exact job is posted and booked, which takes `moves` offers out of the book.
    fn post(moves: u32) -> Weight;
    /// An input is released.
    fn release_input() -> Weight;
    /// A job is cancelled, which puts `moves` offers into the book.
    fn cancel(moves: u32) -> Weight;
    /// An exact result is committed, and everyone is paid, `payees` of them for the model, and `moves` offers enter the
    /// book.
    fn commit(moves: u32, payees: u32) -> Weight;
    /// An exact result that may be challenged is committed, and `moves` offers enter the book.
    fn propose(moves: u32) -> Weight;
    /// What a post costs besides if it takes a use of a licence.
    fn take_use() -> Weight;
    /// What a cancellation costs besides if it gives a use back.
    fn return_use() -> Weight;
    /// A job is declined and goes to another provider.
    fn decline() -> Weight;
    /// A job is declined, and ends because nobody else can be found, and gives its use back.
    fn decline_abandoned() -> Weight;
    /// A job is overdue and goes to another provider.
    fn expire() -> Weight;
    /// A job is overdue, and ends because nobody else can be found, and gives its use back.
    fn expire_abandoned() -> Weight;
    /// All lines are looked at and nothing is due.
    fn queue_heads() -> Weight;
    /// A due job goes to another provider.
    fn due_reassigned() -> Weight;
    /// A due job ends in its last attempt, and gives its use back.
    fn due_refunded() -> Weight;
    /// A due job ends because nobody else can be found, and gives its use back.
    fn due_abandoned() -> Weight;
    /// A result's window for challenges has passed, and everyone is paid, `payees` of them for the model.
    fn due_paid(payees: u32) -> Weight;
    /// A job runs and goes on to wait for its device.
    fn due_waits() -> Weight;
    /// A receipt is removed.
    fn due_pruned() -> Weight;
    /// A job that had ended or moved on is passed.
    fn due_passed() -> Weight;
    /// A stale entry of a queue is removed.
    fn due_skipped() -> Weight;
}

/// For tests of this pallet on its own: estimates from counted reads and writes. The runtime has measured ones.
impl WeightInfo for () {
    fn post(moves: u32) -> Weight {
        estimate(90, 15, 10).saturating_add(estimate(10, 5, 5).saturating_mul(moves.into()))
    }
    fn release_input() -> Weight {
        estimate(35, 2, 4)
    }
    fn cancel(moves: u32) -> Weight {
        estimate(80, 8, 6).saturating_add(estimate(10, 5, 5).saturating_mul(moves.into()))
    }
    fn commit(moves: u32, payees: u32) -> Weight {
        estimate(120, 12, 9)
            .saturating_add(estimate(10, 5, 5).saturating_mul(moves.into()))
            .saturating_add(estimate(30, 2, 1).saturating_mul(payees.into()))
    }
    fn propose(moves: u32) -> Weight {
        estimate(60, 6, 6).saturating_add(estimate(10, 5, 5).saturating_mul(moves.into()))
    }
    fn due_paid(payees: u32) -> Weight {
        estimate(100, 12, 9).saturating_add(estimate(30, 2, 1).saturating_mul(payees.into()))
    }
    fn take_use() -> Weight {
        estimate(10, 4, 1)
    }
    fn return_use() -> Weight {
        estimate(5, 1, 1)
    }
    fn decline() -> Weight {
        estimate(90, 18, 20)
    }
    fn decline_abandoned() -> Weight {
        estimate(115, 19, 19)
    }
    fn expire() -> Weight {
        estimate(90, 18, 20)
    }
    fn expire_abandoned() -> Weight {
        estimate(115, 19, 19)
    }
    fn queue_heads() -> Weight {
        estimate(15, 10, 0)
    }
    fn due_reassigned() -> Weight {
        estimate(95, 20, 22)
    }
    fn due_refunded() -> Weight {
        estimate(90, 17, 21)
    }
    fn due_abandoned() -> Weight {
        estimate(120, 21, 21)
    }
    fn due_waits() -> Weight {
        estimate(20, 4, 3)
    }
    fn due_pruned() -> Weight {
        estimate(30, 2, 3)
    }
    fn due_passed() -> Weight {
        estimate(10, 3, 1)
    }
    fn due_skipped() -> Weight {
        estimate(15, 3, 2)
    }
}

fn estimate(micros: u64, reads: u64, writes: u64) -> Weight {
    Weight::from_parts(micros.saturating_mul(1_000_000), 0)
        .saturating_add(RocksDbWeight::get().reads_writes(reads, writes))
}
