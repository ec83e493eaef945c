//! What a host of the wasm calls: numbers are addresses in its memory.

use alloc::boxed::Box;

use weft_exact::{merkle::leaf, piece::Piece};

use crate::{Case, cases};

#[global_allocator]
static ALLOCATOR: dlmalloc::GlobalDlmalloc = dlmalloc::GlobalDlmalloc;

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    core::arch::wasm32::unreachable()
}

/// How many cases there are.
#[unsafe(no_mangle)]
extern "C" fn count() -> u32 {
    cases().len() as u32
}

/// A case, ready to be computed; 0 if there is none.
#[unsafe(no_mangle)]
extern "C" fn prepare(case: u32) -> *const Case {
    let found = cases().into_iter().nth(case as usize);
    found.map_or(core::ptr::null(), |case| Box::into_raw(Box::new(case)))
}

/// Computes a case; 0 if it cannot be.
///
/// # Safety
///
/// `case` is what [`prepare`] gave.
#[unsafe(no_mangle)]
unsafe extern "C" fn compute(case: *const Case) -> *const Piece {
    // SAFETY: as of this function.
    let made = unsafe { case.as_ref() }.and_then(|case| case.compute().ok());
    made.map_or(core::ptr::null(), |piece| Box::into_raw(Box::new(piece)))
}

/// The first eight bytes of the digest of what was computed, little-endian.
///
/// # Safety
///
/// `piece` is what [`compute`] gave.
#[unsafe(no_mangle)]
unsafe extern "C" fn digest(piece: *const Piece) -> u64 {
    // SAFETY: as of this function.
    let bytes = unsafe { piece.as_ref() }.map(Piece::bytes).unwrap_or_default();
    leaf(&bytes)
        .iter()
        .take(8)
        .rev()
        .fold(0, |digest, byte| digest << 8 | u64::from(*byte))
}
