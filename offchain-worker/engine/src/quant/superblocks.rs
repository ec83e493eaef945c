//! The "K" encodings, whose super-block holds 256 weights in groups with scales of their own.

use super::blocks::{Block, scales};
use super::isa::Isa;

/// Scale and minimum of group `group` (0..8) of a Q4_K super-block.
///
/// Twelve bytes hold eight 6-bit scales and eight 6-bit minima: bytes 0..4 the scales and 4..8 the minima of groups
/// 0..4 in their low six bits; bytes 8..12 the low nibbles of groups 4..8 (scale low, minimum high), whose upper two
/// bits are the spare ones of bytes 0..4 and 4..8.
#[inline(always)]
fn q4k_group(packed: &[u8], group: usize) -> (f32, f32) {
    let (scale, minimum) = if group < 4 {
        (packed[group] & 63, packed[group + 4] & 63)
    } else {
        (
            (packed[group + 4] & 15) | ((packed[group - 4] >> 6) << 4),
            (packed[group + 4] >> 4) | ((packed[group] >> 6) << 4),
        )
    };
    (f32::from(scale), f32::from(minimum))
}

/// Scale of scales, scale of minima, packed group scales and minima, then nibbles: each run of 32 bytes holds group
/// `2i` in its low and group `2i + 1` in its high nibbles. `q * (d * scale) - dmin * minimum`.
pub(super) struct Q4K;
impl Block<144, 256> for Q4K {
    #[inline(always)]
    fn expand<I: Isa>(block: &[u8; 144], weights: &mut [f32; 256]) {
        let [d, dmin] = scales::<I, _>(block, 0);
        let (groups, nibbles) = (&block[4..16], &block[16..144]);
        for pair in 0..4 {
            let (low_scale, low_minimum) = q4k_group(groups, 2 * pair);
            let (high_scale, high_minimum) = q4k_group(groups, 2 * pair + 1);
            let (low_d, low_m) = (d * low_scale, dmin * low_minimum);
            let (high_d, high_m) = (d * high_scale, dmin * high_minimum);
            for j in 0..32 {
                let packed = nibbles[32 * pair + j];
                weights[64 * pair + j] = low_d * f32::from(packed & 15) - low_m;
                weights[64 * pair + 32 + j] = high_d * f32::from(packed >> 4) - high_m;
            }
        }
    }
}

/// Low nibbles (128 bytes), upper bit pairs (64 bytes), sixteen signed scales, scale of scales.
/// Each half of the super-block (128 weights) is four runs of 32: run `r` takes its low nibbles from byte
/// `32 * (r % 2) + j` (low half for `r < 2`) and its upper bits from pair `r` of byte `j`. `(q - 32) * (d * scale)`.
pub(super) struct Q6K;
impl Block<210, 256> for Q6K {
    #[inline(always)]
    fn expand<I: Isa>(block: &[u8; 210], weights: &mut [f32; 256]) {
        let [_, d] = scales::<I, _>(block, 206);
        for half in 0..2 {
            let low = &block[64 * half..64 * half + 64];
            let high = &block[128 + 32 * half..128 + 32 * half + 32];
            let scales = &block[192 + 8 * half..192 + 8 * half + 8];
            for run in 0..4 {
                for j in 0..32 {
                    let nibble = (low[32 * (run % 2) + j] >> (4 * (run / 2))) & 15;
                    let upper = (high[j] >> (2 * run)) & 3;
                    let q = i32::from(nibble | (upper << 4)) - 32;
                    let group = d * f32::from(scales[2 * run + j / 16] as i8);
                    weights[128 * half + 32 * run + j] = group * q as f32;
                }
            }
        }
    }
}
