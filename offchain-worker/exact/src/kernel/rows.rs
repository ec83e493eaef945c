//! Everything between the products, row by row: plain Rust that the compiler makes as wide as the processor allows.
//!
//! Each function computes what its namesake in `weft-exact` does, element by element the same.

use weft_exact::{
    activation::{logistic_table, normal_table},
    attention::{LARGEST_MULTIPLE, power_table},
    fixed::{Fixed, PLACES, Scale, bits, saturate},
    quantise::{FINE_PLACES, WIDE_STEPS, Width, step_of},
    rotary::{ANGLE_PLACES, Angle},
};

use super::Kernel;
#[cfg(target_arch = "x86_64")]
use super::{gathers, heads};

/// A function compiled for each width of vectors; `$name(kernel, ...)` calls the right one.
macro_rules! versions {
    ($(#[$doc:meta])* $vis:vis fn $name:ident($($arg:ident: $type:ty),* $(,)?) $(-> $out:ty)? = $body:path) => {
        $(#[$doc])*
        #[allow(clippy::too_many_arguments)]
        $vis fn $name(kernel: Kernel, $($arg: $type),*) $(-> $out)? {
            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx2")]
                #[allow(clippy::too_many_arguments)]
                fn avx2($($arg: $type),*) $(-> $out)? { $body($($arg),*) }
                #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
                #[allow(clippy::too_many_arguments)]
                fn avx512($($arg: $type),*) $(-> $out)? { $body($($arg),*) }
                match kernel {
                    // SAFETY: an engine takes only a kernel that the processor has.
                    Kernel::Amx | Kernel::Avx512 => return unsafe { avx512($($arg),*) },
                    Kernel::Avx2 => return unsafe { avx2($($arg),*) },
                    Kernel::Portable => {}
                }
            }
            let _ = kernel;
            $body($($arg),*)
        }
    };
}

/// Where steps go: a plane of values and, if wide, one of fine steps.
pub struct Planes<'a> {
    /// As many as elements.
    pub values: &'a mut [u8],
    /// As many, or none.
    pub fine: &'a mut [u8],
    /// Added to each byte: 0 or 128.
    pub offset: u8,
}

#[inline(always)]
fn largest(x: &[Fixed]) -> u32 {
    x.iter().fold(0, |most, x| most.max(x.unsigned_abs()))
}

/// An element as [`weft_exact::quantise::normalise`] leaves it.
#[inline(always)]
fn normal(x: Fixed, exponent: i32) -> i32 {
    let size = x.unsigned_abs();
    let size = if exponent >= 0 {
        size >> exponent
    } else {
        size << -exponent
    } as i32;
    if x < 0 { -size } else { size }
}

/// Steps of a vector whose largest magnitude is given; gives exponent and normalised largest.
#[inline(always)]
fn steps(x: &[Fixed], most: u32, planes: &mut Planes<'_>) -> (i32, u32) {
    if most == 0 {
        planes.values.fill(planes.offset);
        planes.fine.fill(planes.offset);
        return (0, 0);
    }
    let exponent = bits(most) as i32 - 15;
    let largest = if exponent >= 0 {
        most >> exponent
    } else {
        most << -exponent
    };
    let offset = planes.offset;
    if planes.fine.is_empty() {
        let reciprocal = (127 << 22) / largest as i32;
        for (x, out) in x.iter().zip(planes.values.iter_mut()) {
            let q = (normal(*x, exponent) * reciprocal + (1 << 21)) >> 22;
            *out = (q as u8).wrapping_add(offset);
        }
    } else {
        let reciprocal = (WIDE_STEPS << 16) / largest as i32;
        for ((x, out), fine) in x.iter().zip(planes.values.iter_mut()).zip(planes.fine.iter_mut()) {
            let q = (normal(*x, exponent) * reciprocal + (1 << 15)) >> 16;
            let value = (q + 64) >> FINE_PLACES;
            *out = (value as u8).wrapping_add(offset);
            *fine = ((q - (value << FINE_PLACES)) as u8).wrapping_add(offset);
        }
    }
    (exponent, largest)
}

#[inline(always)]
fn quantise_body(x: &[Fixed], planes: &mut Planes<'_>) -> Scale {
    let (exponent, largest) = steps(x, largest(x), planes);
    step_of(u64::from(largest), PLACES as i32 - exponent)
}

versions! {
    /// [`weft_exact::quantise::quantise`].
    pub fn quantise(x: &[Fixed], planes: &mut Planes<'_>) -> Scale = quantise_body
}

#[inline(always)]
fn rms_norm_body(x: &[Fixed], epsilon: u64, planes: &mut Planes<'_>) -> Scale {
    let most = largest(x);
    let (exponent, largest) = steps(x, most, planes);
    let mut squares = 0u64;
    if largest > 0 {
        for x in x {
            let value = i64::from(normal(*x, exponent));
            squares = squares.wrapping_add((value * value) as u64);
        }
    }
    weft_exact::norm::scale_of(squares, x.len(), largest, exponent, epsilon)
}

versions! {
    /// [`weft_exact::norm::rms_norm`].
    pub fn rms_norm(x: &[Fixed], epsilon: u64, planes: &mut Planes<'_>) -> Scale = rms_norm_body
}

#[inline(always)]
fn layer_norm_body(x: &mut [Fixed], gain: &[Fixed], bias: &[Fixed], epsilon: u64) {
    let mut sum = 0i64;
    for x in x.iter() {
        sum += i64::from(*x);
    }
    let mean = weft_exact::norm::divide(sum, x.len() as u32);
    for x in x.iter_mut() {
        *x = saturate(i64::from(*x) - mean);
    }
    let most = largest(x);
    let exponent = if most == 0 { 0 } else { bits(most) as i32 - 15 };
    let mut squares = 0u64;
    for x in x.iter_mut() {
        *x = normal(*x, exponent);
        let value = i64::from(*x);
        squares = squares.wrapping_add((value * value) as u64);
    }
    let (reciprocal, shift) = weft_exact::norm::reciprocal_of(squares, x.len(), exponent, epsilon);
    let (reciprocal, half) = (i64::from(reciprocal), 1i64 << (shift - 1));
    for ((x, gain), bias) in x.iter_mut().zip(gain).zip(bias) {
        let y = saturate((i64::from(*x) * reciprocal + half) >> shift);
        let scaled = (i64::from(y) * i64::from(*gain) + (1 << (PLACES - 1))) >> PLACES;
        *x = saturate(scaled + i64::from(*bias));
    }
}

versions! {
    /// [`weft_exact::norm::layer_norm`], in place.
    pub fn layer_norm(x: &mut [Fixed], gain: &[Fixed], bias: &[Fixed], epsilon: u64) = layer_norm_body
}

/// Scales of rows, as loops want them.
#[derive(Clone, Debug, Default)]
pub struct RowScales {
    mantissas: Vec<u32>,
    shifts: Vec<i32>,
}

impl RowScales {
    /// Empty, with room for some rows.
    pub fn with_room(rows: usize) -> Self {
        Self {
            mantissas: Vec::with_capacity(rows),
            shifts: Vec::with_capacity(rows),
        }
    }

    /// Appends a row's. The shift of a zero says nothing: it is replaced by its neighbour's, which loops can take together.
    pub fn push(&mut self, scale: Scale) {
        let neighbour = self.shifts.last().copied().unwrap_or(32);
        self.mantissas.push(u32::from(scale.mantissa));
        self.shifts.push(if scale.mantissa == 0 {
            neighbour
        } else {
            i32::from(scale.shift)
        });
    }

    /// Rows.
    pub fn len(&self) -> usize {
        self.mantissas.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.mantissas.is_empty()
    }

    /// Forgets all.
    pub fn clear(&mut self) {
        self.mantissas.clear();
        self.shifts.clear();
    }

    /// A row's.
    pub fn get(&self, row: usize) -> Scale {
        match self.mantissas[row] as u16 {
            0 => Scale::default(),
            mantissa => Scale {
                mantissa,
                shift: self.shifts[row] as i16,
            },
        }
    }

    /// Of some rows.
    pub fn part(&self, from: usize, count: usize) -> (&[u32], &[i32]) {
        (&self.mantissas[from..from + count], &self.shifts[from..from + count])
    }
}

/// `scaled` of `weft-exact` for any shift.
#[inline(always)]
fn scaled(sum: i32, mantissa: i64, shift: i32) -> Fixed {
    let product = i64::from(sum) * mantissa;
    saturate(((product >> (shift - 1)) + 1) >> 1)
}

#[inline(always)]
fn finish_body(sums: &[i32], fine: &[i32], (mantissas, shifts): (&[u32], &[i32]), x: Scale, out: &mut [Fixed]) {
    let count = sums.len();
    let (mantissas, shifts, out) = (&mantissas[..count], &shifts[..count], &mut out[..count]);
    let (mantissa, unit) = (i64::from(x.mantissa), i32::from(x.shift) - PLACES as i32);
    let (mut least, mut most) = (i32::MAX, i32::MIN);
    for shift in shifts {
        (least, most) = (least.min(*shift), most.max(*shift));
    }
    let half = 1 << (FINE_PLACES - 1);
    if least.saturating_add(unit) >= 1 && most.saturating_add(unit) <= 62 {
        if fine.is_empty() {
            for at in 0..count {
                out[at] = scaled(sums[at], i64::from(mantissas[at]) * mantissa, shifts[at] + unit);
            }
        } else {
            let fine = &fine[..count];
            for at in 0..count {
                // Half a unit more cannot overflow: the sum of all is far below.
                let sum = sums[at].wrapping_add((fine[at].wrapping_add(half)) >> FINE_PLACES);
                out[at] = scaled(sum, i64::from(mantissas[at]) * mantissa, shifts[at] + unit);
            }
        }
    } else {
        // What a model of ordinary weights never meets.
        for at in 0..count {
            let fine = fine
                .get(at)
                .map_or(0, |fine| ((i64::from(*fine) + i64::from(half)) >> FINE_PLACES) as i32);
            let row = Scale {
                mantissa: mantissas[at] as u16,
                shift: shifts[at] as i16,
            };
            out[at] = row.apply_both(x, sums[at].wrapping_add(fine), PLACES);
        }
    }
}

versions! {
    /// Sums to fixed numbers: each by its row's scale and the input's. `fine` are the sums of the fine plane, or none.
    pub fn finish(sums: &[i32], fine: &[i32], rows: (&[u32], &[i32]), x: Scale, out: &mut [Fixed]) = finish_body
}

#[inline(always)]
fn scale_body(weights: &[i8], scale: Scale, out: &mut [Fixed]) {
    let (mantissa, shift) = (i64::from(scale.mantissa), i32::from(scale.shift) - PLACES as i32);
    if (1..=62).contains(&shift) {
        for (out, weight) in out.iter_mut().zip(weights) {
            *out = scaled(i32::from(*weight), mantissa, shift);
        }
    } else {
        for (out, weight) in out.iter_mut().zip(weights) {
            *out = scale.apply(i32::from(*weight), PLACES);
        }
    }
}

versions! {
    /// Weights with one scale, as [`weft_exact::linear::Matrix::row`] gives them.
    pub fn scale(weights: &[i8], scale: Scale, out: &mut [Fixed]) = scale_body
}

#[inline(always)]
fn add_body(x: &mut [Fixed], y: &[Fixed]) {
    for (x, y) in x.iter_mut().zip(y) {
        *x = x.saturating_add(*y);
    }
}

versions! {
    /// `x + y`, saturated, in place.
    pub fn add(x: &mut [Fixed], y: &[Fixed]) = add_body
}

/// Tables with their last entry twice, so that an index may be clamped to the last but one; and as [`gathers`] takes them.
struct Tables {
    logistic: [u32; 1_026],
    normal: [u32; 514],
    #[cfg(target_arch = "x86_64")]
    gathered: Gathered,
}

#[cfg(target_arch = "x86_64")]
struct Gathered {
    logistic: [u32; 1_026],
    normal: [u32; 514],
    powers: [u64; 256],
}

fn tables() -> &'static Tables {
    static TABLES: std::sync::OnceLock<Tables> = std::sync::OnceLock::new();
    TABLES.get_or_init(|| {
        let (mut logistic, mut normal) = ([1 << PLACES; 1_026], [1 << PLACES; 514]);
        logistic[..1_025].copy_from_slice(logistic_table());
        normal[..513].copy_from_slice(normal_table());
        Tables {
            #[cfg(target_arch = "x86_64")]
            gathered: Gathered {
                logistic: gathers::rising(&logistic),
                normal: gathers::rising(&normal),
                powers: gathers::falling(power_table()),
            },
            logistic,
            normal,
        }
    })
}

#[inline(always)]
fn share(table: &[u32], x: Fixed) -> i32 {
    const STEP_PLACES: u32 = PLACES - 6;
    let size = x.unsigned_abs();
    let entry = ((size >> STEP_PLACES) as usize).min(table.len() - 2);
    let rest = size & ((1 << STEP_PLACES) - 1);
    // SAFETY: the index is clamped to the last but one.
    let (here, next) = unsafe { (*table.get_unchecked(entry), *table.get_unchecked(entry + 1)) };
    let share = (here + (((next - here) * rest + (1 << (STEP_PLACES - 1))) >> STEP_PLACES)) as i32;
    if x < 0 { (1 << PLACES) - share } else { share }
}

#[inline(always)]
fn product(x: Fixed, share: i64) -> i64 {
    (i64::from(x) * share + (1 << (PLACES - 1))) >> PLACES
}

#[inline(always)]
fn swiglu_body(gate: &[Fixed], up: &[Fixed], out: &mut [Fixed]) {
    let table = &tables().logistic;
    for ((gate, up), out) in gate.iter().zip(up).zip(out) {
        let silu = product(*gate, i64::from(share(table, *gate)));
        *out = saturate((silu * i64::from(*up) + (1 << (PLACES - 1))) >> PLACES);
    }
}

versions! {
    fn swiglu_alone(gate: &[Fixed], up: &[Fixed], out: &mut [Fixed]) = swiglu_body
}

/// [`weft_exact::activation::swiglu`] of each pair.
pub fn swiglu(kernel: Kernel, gate: &[Fixed], up: &[Fixed], out: &mut [Fixed]) {
    #[cfg(target_arch = "x86_64")]
    if kernel >= Kernel::Avx512 {
        // SAFETY: an engine takes only a kernel that the processor has.
        return unsafe { gathers::swiglu(&tables().gathered.logistic, gate, up, out) };
    }
    swiglu_alone(kernel, gate, up, out);
}

#[inline(always)]
fn gelu_body(x: &mut [Fixed]) {
    let table = &tables().normal;
    for x in x {
        *x = product(*x, i64::from(share(table, *x))) as Fixed;
    }
}

versions! {
    fn gelu_alone(x: &mut [Fixed]) = gelu_body
}

/// [`weft_exact::activation::gelu`] of each.
pub fn gelu(kernel: Kernel, x: &mut [Fixed]) {
    #[cfg(target_arch = "x86_64")]
    if kernel >= Kernel::Avx512 {
        // SAFETY: an engine takes only a kernel that the processor has.
        return unsafe { gathers::gelu(&tables().gathered.normal, x) };
    }
    gelu_alone(kernel, x);
}

#[inline(always)]
fn turn_body(head: &mut [Fixed], angles: &[Angle]) {
    let (left, right) = head.split_at_mut(head.len() / 2);
    for ((a, b), angle) in left.iter_mut().zip(right).zip(angles) {
        let (cosine, sine) = (i64::from(angle.cosine), i64::from(angle.sine));
        let (x, y) = (i64::from(*a), i64::from(*b));
        let half = 1i64 << (ANGLE_PLACES - 1);
        // A cosine and a sine are at most 2^30 in magnitude, as the engine checks: sums stay below 2^62.
        *a = saturate((x * cosine - y * sine + half) >> ANGLE_PLACES);
        *b = saturate((x * sine + y * cosine + half) >> ANGLE_PLACES);
    }
}

versions! {
    /// [`weft_exact::rotary::turn`], in place; cosines and sines are at most 2^30 in magnitude.
    pub fn turn(head: &mut [Fixed], angles: &[Angle]) = turn_body
}

/// Sums and differences of elements that are `HALF` apart.
#[inline(always)]
fn stage<const HALF: usize>(x: [i32; 16]) -> [i32; 16] {
    let mut y = [0; 16];
    for at in 0..16 {
        let other = x[at ^ HALF];
        y[at] = if at & HALF == 0 {
            x[at].wrapping_add(other)
        } else {
            other.wrapping_sub(x[at])
        };
    }
    y
}

#[inline(always)]
fn quantise_transformed_body(head: &mut [Fixed], planes: &mut Planes<'_>) -> Scale {
    let most = largest(head);
    let exponent = if most == 0 { 0 } else { bits(most) as i32 - 15 };
    for x in head.iter_mut() {
        *x = normal(*x, exponent);
    }
    // The stages may come in any order. Those within sixteen elements have a form of their own, in which both are read
    // for both.
    let (sixteens, rest) = head.as_chunks_mut::<16>();
    let mut half = 1;
    if rest.is_empty() {
        for x in sixteens {
            *x = stage::<8>(stage::<4>(stage::<2>(stage::<1>(*x))));
        }
        half = 16;
    }
    while half < head.len() {
        for pair in head.chunks_exact_mut(2 * half) {
            let (left, right) = pair.split_at_mut(half);
            for (a, b) in left.iter_mut().zip(right) {
                (*a, *b) = (a.wrapping_add(*b), a.wrapping_sub(*b));
            }
        }
        half *= 2;
    }
    let mut scale = quantise_body(head, planes);
    if scale.mantissa > 0 {
        scale.shift = scale.shift.saturating_sub(exponent as i16);
    }
    scale
}

versions! {
    fn transform_alone(head: &mut [Fixed], planes: &mut Planes<'_>) -> Scale = quantise_transformed_body
}

/// [`weft_exact::hadamard::quantise_transformed`] of one block, narrow; the head is used up.
pub fn quantise_transformed(kernel: Kernel, head: &mut [Fixed], planes: &mut Planes<'_>) -> Scale {
    #[cfg(target_arch = "x86_64")]
    if kernel >= Kernel::Avx512 {
        // SAFETY: an engine takes only a kernel that the processor has.
        if let Some(scale) = unsafe { heads::quantise_transformed(head, planes.values, planes.offset) } {
            return scale;
        }
    }
    transform_alone(kernel, head, planes)
}

/// What [`weights`] finds beside the planes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Weighed {
    /// Sum of the weights.
    pub total: u32,
    /// The smallest shift of the values' scales.
    pub shift: i16,
}

#[inline(always)]
fn peak_body(exponents: &[Fixed]) -> Fixed {
    exponents.iter().fold(i32::MIN, |most, x| most.max(*x))
}

versions! {
    /// The largest.
    pub fn peak(exponents: &[Fixed]) -> Fixed = peak_body
}

#[inline(always)]
fn weights_body(
    exponents: &[Fixed],
    peak: Fixed,
    (mantissas, shifts): (&[u32], &[i32]),
    least: i32,
    planes: &mut Planes<'_>,
) -> u32 {
    let count = exponents.len();
    let (mantissas, shifts) = (&mantissas[..count], &shifts[..count]);
    let (values, fine) = (&mut planes.values[..count], &mut planes.fine[..count]);
    let table = power_table();
    let mut total = 0u32;
    for at in 0..count {
        // No exponent is above the peak.
        let below = peak.wrapping_sub(exponents[at]) as u32;
        let (whole, entry, rest) = (below >> 16, (below >> 8 & 0xff) as usize, below & 0xff);
        // SAFETY: eight bits, and the table has 257 entries.
        let (here, next) = unsafe { (*table.get_unchecked(entry), *table.get_unchecked(entry + 1)) };
        let power = here - (((here - next) * rest + 128) >> 8);
        let whole = if whole >= 16 { 17 } else { whole };
        let weight = ((power >> (14 + whole)) + 1) >> 1;
        total += weight;
        // Of 15 and of 16 bits: their product has 31.
        let further = (shifts[at] - least).clamp(0, 15) as u32;
        let multiple = ((((weight * mantissas[at]) >> (16 + further)) + 1) >> 1).min(LARGEST_MULTIPLE as u32);
        values[at] = ((multiple >> 7) as u8).wrapping_add(planes.offset);
        fine[at] = ((multiple & 127) as u8).wrapping_add(planes.offset);
    }
    total
}

versions! {
    fn weights_alone(exponents: &[Fixed], peak: Fixed, values: (&[u32], &[i32]), least: i32, planes: &mut Planes<'_>) -> u32 = weights_body
}

#[inline(always)]
fn least_body((mantissas, shifts): (&[u32], &[i32])) -> i32 {
    let some = mantissas
        .iter()
        .zip(shifts)
        .map(|(mantissa, shift)| if *mantissa > 0 { *shift } else { i32::MAX });
    some.fold(i32::MAX, i32::min)
}

versions! {
    fn least_of(scales: (&[u32], &[i32])) -> i32 = least_body
}

/// The smallest shift of the values' scales that are not 0, or 0: S of [`weft_exact::attention::mix`].
pub fn least(kernel: Kernel, values: (&[u32], &[i32])) -> i32 {
    match least_of(kernel, values) {
        i32::MAX => 0,
        least => least,
    }
}

/// The weights of [`weft_exact::attention::mix`], as planes of seven bits each: `multiple = 128 * value + fine`. `least` is that
/// of the values' scales.
pub fn weights(
    kernel: Kernel,
    exponents: &[Fixed],
    peak: Fixed,
    values: (&[u32], &[i32]),
    least: i32,
    planes: &mut Planes<'_>,
) -> Weighed {
    let count = exponents.len();
    let values = (&values.0[..count], &values.1[..count]);
    let shift = least as i16;
    #[cfg(target_arch = "x86_64")]
    if kernel >= Kernel::Avx512 {
        let (high, low) = (&mut planes.values[..count], &mut planes.fine[..count]);
        // SAFETY: an engine takes only a kernel that the processor has; all slices are as long.
        let total = unsafe {
            gathers::weights(
                &tables().gathered.powers,
                exponents,
                peak,
                values.0,
                values.1,
                least,
                high,
                low,
                planes.offset,
            )
        };
        return Weighed { total, shift };
    }
    Weighed {
        total: weights_alone(kernel, exponents, peak, values, least, planes),
        shift,
    }
}

#[inline(always)]
fn join_body(values: &[i32], fine: &[i32], out: &mut [i32]) {
    for ((out, value), fine) in out.iter_mut().zip(values).zip(fine) {
        *out = value.wrapping_mul(128).wrapping_add(*fine);
    }
}

versions! {
    /// Sums of the two planes of [`weights`] to one: `128 * value + fine`.
    pub fn join(values: &[i32], fine: &[i32], out: &mut [i32]) = join_body
}

#[inline(always)]
fn combine_body(blocks: &[Weighed], sums: &[i32], stride: usize, out: &mut [Fixed]) {
    let width = out.len();
    let of = |block: usize| &sums[block * stride..][..width];
    let total: u64 = blocks.iter().map(|block| u64::from(block.total)).sum();
    let some = blocks
        .iter()
        .enumerate()
        .filter(|(at, _)| of(*at).iter().any(|sum| *sum != 0));
    let shift = some.map(|(_, block)| block.shift).min().unwrap_or(0);
    let places = bits(blocks.len().saturating_sub(1) as u32);
    let reciprocal = Scale::new((1u64 << 48).checked_div(total).unwrap_or(0), 48);
    out.fill(0);
    for (at, block) in blocks.iter().enumerate() {
        let fewer = places + block.shift.saturating_sub(shift).max(0) as u32;
        if fewer == 0 {
            for (out, sum) in out.iter_mut().zip(of(at)) {
                *out = out.wrapping_add(*sum);
            }
        } else if fewer < 32 {
            for (out, sum) in out.iter_mut().zip(of(at)) {
                *out = out.wrapping_add(((sum >> (fewer - 1)) + 1) >> 1);
            }
        }
        // From 32 places on a sum of at most 30 bits rounds to nothing.
    }
    let unit = i32::from(shift) - 17 - places as i32;
    let down = i32::from(reciprocal.shift) + unit - PLACES as i32;
    if (1..=62).contains(&down) {
        for out in out.iter_mut() {
            *out = scaled(*out, i64::from(reciprocal.mantissa), down);
        }
    } else {
        for out in out.iter_mut() {
            *out = reciprocal.apply_shifted(unit, *out, PLACES);
        }
    }
}

versions! {
    /// [`weft_exact::attention::combine`]: the sums of each block are `stride` apart.
    pub fn combine(blocks: &[Weighed], sums: &[i32], stride: usize, out: &mut [Fixed]) = combine_body
}

/// Planes of a width: one row of values, and one of fine steps if it is wide.
pub const fn planes_of(width: Width) -> usize {
    match width {
        Width::Narrow => 1,
        Width::Wide => 2,
    }
}
