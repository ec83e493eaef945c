//! With AMX: tiles of 16 rows by 64 bytes.
//!
//! The compiler has no stable intrinsics for it, so that the inner loops are assembly. Tile registers 0 to 3 hold sums, 4 and
//! 5 inputs, 6 and 7 weights; each is 16 rows of 64 bytes.

use std::{arch::asm, ops::Range, sync::OnceLock};

use super::Inputs;
use crate::kernel::panels::{LANES, Panels};

/// Fewer inputs are left to AVX-512.
pub const LEAST_ROWS: usize = 4;

const TILE_ROWS: usize = 16;

/// Whether the processor has AMX for bytes and the kernel lets this process use it; asks for it once.
pub fn is_granted() -> bool {
    static GRANTED: OnceLock<bool> = OnceLock::new();
    *GRANTED.get_or_init(|| has_tiles() && ask())
}

/// CPUID 7.0, EDX: bit 24 is AMX-TILE, bit 25 AMX-INT8.
fn has_tiles() -> bool {
    let highest = std::arch::x86_64::__cpuid(0).eax;
    highest >= 7 && std::arch::x86_64::__cpuid_count(7, 0).edx >> 24 & 3 == 3
}

/// `arch_prctl(ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA)`: Linux grants tile registers to those who ask.
#[cfg(target_os = "linux")]
fn ask() -> bool {
    const ARCH_PRCTL: i64 = 158;
    const REQUEST_PERMISSION: i64 = 0x1023;
    const TILE_DATA: i64 = 18;
    let result: i64;
    // SAFETY: the call changes nothing but what this process is permitted to use.
    unsafe {
        asm!("syscall", inlateout("rax") ARCH_PRCTL => result, in("rdi") REQUEST_PERMISSION, in("rsi") TILE_DATA,
            out("rcx") _, out("r11") _, options(nostack));
    }
    result == 0
}

#[cfg(not(target_os = "linux"))]
fn ask() -> bool {
    false
}

#[repr(C, align(64))]
struct TileConfig {
    palette: u8,
    start_row: u8,
    reserved: [u8; 14],
    bytes_per_row: [u16; 16],
    rows: [u8; 16],
}

static CONFIG: TileConfig = TileConfig {
    palette: 1,
    start_row: 0,
    reserved: [0; 14],
    bytes_per_row: [64, 64, 64, 64, 64, 64, 64, 64, 0, 0, 0, 0, 0, 0, 0, 0],
    rows: [16, 16, 16, 16, 16, 16, 16, 16, 0, 0, 0, 0, 0, 0, 0, 0],
};

/// Two rows of tiles of sums.
#[repr(C, align(64))]
struct Sums([[i32; 2 * LANES]; 2 * TILE_ROWS]);

/// Where sums go: those of the upper and of the lower tile of inputs, and the bytes from row to row.
struct Store {
    upper: *mut i32,
    lower: *mut i32,
    width: usize,
}

/// # Safety
///
/// [`is_granted`], and sizes are as [`super::sums`] asserts; the panels have no scales.
pub unsafe fn sums(inputs: Inputs<'_>, panels: &Panels, range: Range<usize>, out: &mut [i32], stride: usize) {
    let mut tiles = Sums([[0; 2 * LANES]; 2 * TILE_ROWS]);
    let blocks = inputs.columns / 64;
    // SAFETY: the configuration is valid, and is given up below.
    unsafe { asm!("ldtilecfg [{}]", in(reg) &raw const CONFIG, options(nostack, readonly)) };
    let mut panel = range.start;
    while panel < range.end && blocks > 0 {
        let pair = if panel + 1 < range.end { panel + 1 } else { panel };
        let (left, right) = (panels.panel(panel).as_ptr(), panels.panel(pair).as_ptr());
        let mut row = 0;
        while row < inputs.count {
            let rows = (inputs.count - row).min(2 * TILE_ROWS);
            let lower = if rows > TILE_ROWS { row + TILE_ROWS } else { row };
            let at = (panel - range.start) * LANES;
            // Whole tiles go where they belong, others by way of a place where there is room.
            let whole = rows.is_multiple_of(TILE_ROWS) && pair != panel;
            let store = if whole {
                let out = &mut out[row * stride + at..(row + rows - 1) * stride + at + 2 * LANES];
                let lower = (lower - row) * stride;
                // SAFETY: within the slice, whose bounds have just been checked for all rows.
                let lower = unsafe { out.as_mut_ptr().add(lower) };
                Store {
                    upper: out.as_mut_ptr(),
                    lower,
                    width: 4 * stride,
                }
            } else {
                let (upper, lower) = tiles.0.split_at_mut(TILE_ROWS);
                Store {
                    upper: upper.as_mut_ptr().cast(),
                    lower: lower.as_mut_ptr().cast(),
                    width: 4 * 2 * LANES,
                }
            };
            // SAFETY: a tile reads 16 rows of 64 bytes at each of `blocks` places; behind the last row there is room for them.
            // What is stored has been looked at above.
            unsafe {
                let x = inputs.bytes.as_ptr();
                let upper = x.add(row * inputs.stride);
                if rows > TILE_ROWS {
                    four(
                        upper,
                        x.add(lower * inputs.stride),
                        inputs.stride,
                        left,
                        right,
                        blocks,
                        store,
                    );
                } else {
                    two(upper, inputs.stride, left, right, blocks, store);
                }
            }
            if !whole {
                let lanes = if pair == panel { LANES } else { 2 * LANES };
                for (index, sums) in tiles.0.iter().take(rows).enumerate() {
                    out[(row + index) * stride + at..][..lanes].copy_from_slice(&sums[..lanes]);
                }
            }
            row += rows;
        }
        panel += 2;
    }
    // SAFETY: nothing is left in the tiles.
    unsafe { asm!("tilerelease", options(nostack, nomem)) };
}

/// Two tiles of inputs with two panels, whose sums come side by side.
#[inline]
unsafe fn four(
    upper: *const u8,
    lower: *const u8,
    stride: usize,
    left: *const i8,
    right: *const i8,
    blocks: usize,
    store: Store,
) {
    // SAFETY: the caller promises that all that is read is there; only `sums` is written.
    unsafe {
        asm!(
            "tilezero tmm0", "tilezero tmm1", "tilezero tmm2", "tilezero tmm3",
            "2:",
            "tileloadd tmm4, [{upper} + {stride}]",
            "tileloadd tmm6, [{left} + {line}]",
            "tileloadd tmm7, [{right} + {line}]",
            "tdpbssd tmm0, tmm4, tmm6",
            "tileloadd tmm5, [{lower} + {stride}]",
            "tdpbssd tmm1, tmm4, tmm7",
            "add {upper}, 64", "add {lower}, 64", "add {left}, 1024", "add {right}, 1024",
            "tdpbssd tmm2, tmm5, tmm6",
            "tdpbssd tmm3, tmm5, tmm7",
            "dec {blocks}",
            "jnz 2b",
            "tilestored [{above} + {width}], tmm0",
            "tilestored [{above} + {width} + 64], tmm1",
            "tilestored [{below} + {width}], tmm2",
            "tilestored [{below} + {width} + 64], tmm3",
            upper = inout(reg) upper => _, lower = inout(reg) lower => _, stride = in(reg) stride,
            left = inout(reg) left => _, right = inout(reg) right => _, line = in(reg) 64usize,
            blocks = inout(reg) blocks => _, above = in(reg) store.upper, below = in(reg) store.lower,
            width = in(reg) store.width,
            out("tmm0") _, out("tmm1") _, out("tmm2") _, out("tmm3") _, out("tmm4") _, out("tmm5") _, out("tmm6") _,
            out("tmm7") _, options(nostack),
        );
    }
}

/// One tile of inputs with two panels.
#[inline]
unsafe fn two(upper: *const u8, stride: usize, left: *const i8, right: *const i8, blocks: usize, store: Store) {
    // SAFETY: as above.
    unsafe {
        asm!(
            "tilezero tmm0", "tilezero tmm1",
            "2:",
            "tileloadd tmm4, [{upper} + {stride}]",
            "tileloadd tmm6, [{left} + {line}]",
            "tileloadd tmm7, [{right} + {line}]",
            "prefetcht0 [{left} + 4096]",
            "prefetcht0 [{right} + 4096]",
            "tdpbssd tmm0, tmm4, tmm6",
            "add {upper}, 64", "add {left}, 1024", "add {right}, 1024",
            "tdpbssd tmm1, tmm4, tmm7",
            "dec {blocks}",
            "jnz 2b",
            "tilestored [{above} + {width}], tmm0",
            "tilestored [{above} + {width} + 64], tmm1",
            upper = inout(reg) upper => _, stride = in(reg) stride,
            left = inout(reg) left => _, right = inout(reg) right => _, line = in(reg) 64usize,
            blocks = inout(reg) blocks => _, above = in(reg) store.upper, width = in(reg) store.width,
            out("tmm0") _, out("tmm1") _, out("tmm4") _, out("tmm6") _, out("tmm7") _, options(nostack),
        );
    }
}
