//! Products of float matrices on the processor.
//!
//! Every element is a sum in sixteen lanes that are added up at the end, and no multiplication is fused with an addition: wider
//! instructions make it faster and change no bit.

use rayon::prelude::*;

use super::lanes::{Kernel, LANES, fold, widest};

/// Elements of the result that are made at a time, in each direction: their sums fit the registers.
const TILE: usize = 4;
/// Rows of `x` that stay in the cache while rows of `w` pass.
const X_ROWS: usize = 16;
/// Rows of `w` that a thread takes at a time.
const W_ROWS: usize = 32;

/// `x` `[n, depth]` times the transpose of `w` `[m, depth]`: `[n, m]`, row by row. Runs on the current rayon pool.
///
/// `depth` is not 0; rows that are not whole are left out.
pub fn product(x: &[f32], w: &[f32], depth: usize) -> Vec<f32> {
    let (n, m) = (x.len() / depth, w.len() / depth);
    let mut y = vec![0.0f32; n * m];
    if n == 0 || m == 0 {
        return y;
    }
    // Each job makes some columns of the result, for which it reads some rows of `w` once.
    let blocks: Vec<Vec<f32>> = w
        .par_chunks(W_ROWS * depth)
        .map(|w| {
            let mut block = vec![0.0; n * (w.len() / depth)];
            tiles(x, w, depth, &mut block);
            block
        })
        .collect();
    y.par_chunks_mut(m).enumerate().for_each(|(row, y)| {
        for (y, block) in y.chunks_mut(W_ROWS).zip(&blocks) {
            let width = y.len();
            if let Some(values) = block.get(row * width..(row + 1) * width) {
                y.copy_from_slice(values);
            }
        }
    });
    y
}

/// Adds `x` `[n, depth]` times its own transpose to `sums` `[n, n]`, in double precision. It is symmetric: only what lies on the
/// diagonal or left of it counts.
pub fn add_gram(x: &[f32], depth: usize, sums: &mut [f64]) {
    let n = x.len() / depth;
    // Of each block of rows only what lies left of its end.
    sums.par_chunks_mut(W_ROWS * n)
        .zip(x.par_chunks(W_ROWS * depth))
        .enumerate()
        .for_each(|(at, (sums, rows))| {
            let end = (at * W_ROWS + rows.len() / depth).min(n);
            let mut block = vec![0.0f32; (rows.len() / depth) * end];
            tiles(rows, &x[..end * depth], depth, &mut block);
            for (sums, block) in sums.chunks_mut(n).zip(block.chunks(end)) {
                for (sum, value) in sums.iter_mut().zip(block) {
                    *sum += f64::from(*value);
                }
            }
        });
}

/// The dot product of two vectors of the same length.
pub fn dot(a: &[f32], b: &[f32]) -> f32 {
    widest(Dot { a, b })
}

/// The dot product of two vectors of the same length, in double precision.
pub fn dot_double(a: &[f64], b: &[f64]) -> f64 {
    widest(DotDouble { a, b })
}

/// `sums += factors[0] * rows[0] + factors[1] * rows[1] + ...`, the rows one after another in `rows`, each as long as `sums`.
pub fn add_rows(sums: &mut [f32], factors: &[f32], rows: &[f32]) {
    widest(AddRows { sums, factors, rows });
}

/// As [`product`], on this thread alone, into `y` `[n, m]`.
pub fn tiles(x: &[f32], w: &[f32], depth: usize, y: &mut [f32]) {
    widest(Tiles { x, w, depth, y });
}

struct Tiles<'a> {
    x: &'a [f32],
    w: &'a [f32],
    depth: usize,
    y: &'a mut [f32],
}

impl Kernel for Tiles<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self { x, w, depth, y } = self;
        let m = w.len() / depth;
        for (x, y) in x.chunks(X_ROWS * depth).zip(y.chunks_mut(X_ROWS * m)) {
            for (at, w) in w.chunks(TILE * depth).enumerate() {
                for (x, y) in x.chunks(TILE * depth).zip(y.chunks_mut(TILE * m)) {
                    let sums = tile(x, w, depth);
                    for (y, sums) in y.chunks_mut(m).zip(sums) {
                        for (y, sum) in y[at * TILE..].iter_mut().zip(sums) {
                            *y = sum;
                        }
                    }
                }
            }
        }
    }
}

/// Products of up to [`TILE`] rows with as many.
#[inline(always)]
fn tile(x: &[f32], w: &[f32], depth: usize) -> [[f32; TILE]; TILE] {
    let mut totals = [[0.0; TILE]; TILE];
    let whole = depth / LANES;
    let (x_rows, w_rows) = (Rows { of: x, depth }, Rows { of: w, depth });
    let (x0, x1, x2, x3) = (x_rows.lanes(0), x_rows.lanes(1), x_rows.lanes(2), x_rows.lanes(3));
    let (w0, w1, w2, w3) = (w_rows.lanes(0), w_rows.lanes(1), w_rows.lanes(2), w_rows.lanes(3));
    let mut sums = [[[0.0f32; LANES]; TILE]; TILE];
    for at in 0..whole {
        let x = [&x0[at], &x1[at], &x2[at], &x3[at]];
        let w = [&w0[at], &w1[at], &w2[at], &w3[at]];
        for i in 0..TILE {
            for j in 0..TILE {
                for lane in 0..LANES {
                    sums[i][j][lane] += x[i][lane] * w[j][lane];
                }
            }
        }
    }
    for i in 0..TILE {
        for j in 0..TILE {
            let mut rest = 0.0;
            for (x, w) in x_rows.row(i)[whole * LANES..]
                .iter()
                .zip(&w_rows.row(j)[whole * LANES..])
            {
                rest += x * w;
            }
            totals[i][j] = fold(sums[i][j]) + rest;
        }
    }
    totals
}

/// Rows of which there may be fewer than [`TILE`]: the last stands in for those that are missing, and nobody looks at its sums.
#[derive(Clone, Copy)]
struct Rows<'a> {
    of: &'a [f32],
    depth: usize,
}

impl<'a> Rows<'a> {
    #[inline(always)]
    fn row(self, row: usize) -> &'a [f32] {
        let last = self.of.len() / self.depth - 1;
        let at = row.min(last) * self.depth;
        &self.of[at..at + self.depth]
    }

    /// A row but for what is left of it after the last whole lanes.
    #[inline(always)]
    fn lanes(self, row: usize) -> &'a [[f32; LANES]] {
        self.row(row).as_chunks().0
    }
}

struct Dot<'a> {
    a: &'a [f32],
    b: &'a [f32],
}

impl Kernel for Dot<'_> {
    type Output = f32;

    #[inline(always)]
    fn run(self) -> f32 {
        let (a, a_rest) = self.a.as_chunks::<LANES>();
        let (b, b_rest) = self.b.as_chunks::<LANES>();
        let mut sums = [0.0f32; LANES];
        for (a, b) in a.iter().zip(b) {
            for lane in 0..LANES {
                sums[lane] += a[lane] * b[lane];
            }
        }
        fold(sums) + a_rest.iter().zip(b_rest).fold(0.0, |sum, (a, b)| sum + a * b)
    }
}

struct DotDouble<'a> {
    a: &'a [f64],
    b: &'a [f64],
}

impl Kernel for DotDouble<'_> {
    type Output = f64;

    #[inline(always)]
    fn run(self) -> f64 {
        let (a, a_rest) = self.a.as_chunks::<LANES>();
        let (b, b_rest) = self.b.as_chunks::<LANES>();
        let mut sums = [0.0f64; LANES];
        for (a, b) in a.iter().zip(b) {
            for lane in 0..LANES {
                sums[lane] += a[lane] * b[lane];
            }
        }
        fold(sums) + a_rest.iter().zip(b_rest).fold(0.0, |sum, (a, b)| sum + a * b)
    }
}

struct AddRows<'a> {
    sums: &'a mut [f32],
    factors: &'a [f32],
    rows: &'a [f32],
}

impl Kernel for AddRows<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self { sums, factors, rows } = self;
        let length = sums.len().max(1);
        let (fours, rest) = factors.as_chunks::<4>();
        let (four_rows, rest_rows) = rows.split_at((fours.len() * 4 * length).min(rows.len()));
        // Four rows at a time: the sums are read and written a quarter as often.
        for ([a, b, c, d], rows) in fours.iter().zip(four_rows.chunks_exact(4 * length)) {
            let (ab, cd) = rows.split_at(2 * length);
            let ((ra, rb), (rc, rd)) = (ab.split_at(length), cd.split_at(length));
            for ((((sum, x), y), z), w) in sums.iter_mut().zip(ra).zip(rb).zip(rc).zip(rd) {
                *sum = (((*sum + a * x) + b * y) + c * z) + d * w;
            }
        }
        for (factor, row) in rest.iter().zip(rest_rows.chunks_exact(length)) {
            for (sum, x) in sums.iter_mut().zip(row) {
                *sum += factor * x;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::convert::random::Random;

    fn numbers(seed: u64, count: usize) -> Vec<f32> {
        let mut random = Random::new(seed, 0);
        (0..count).map(|_| random.normal() as f32).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]
        #[test]
        fn products_are_sums_of_products(n in 1usize..40, m in 1usize..80, depth in 1usize..70, seed in any::<u64>()) {
            let (x, w) = (numbers(seed, n * depth), numbers(!seed, m * depth));
            let y = product(&x, &w, depth);
            let mut gram = vec![0.0; m * m];
            add_gram(&w, depth, &mut gram);
            let exact = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum::<f64>();
            for (x, y) in x.chunks(depth).zip(y.chunks(m)) {
                for (w, y) in w.chunks(depth).zip(y) {
                    prop_assert!((f64::from(*y) - exact(x, w)).abs() < 1e-4);
                    prop_assert_eq!(dot(x, w).to_bits(), y.to_bits());
                }
            }
            for (at, (a, sums)) in w.chunks(depth).zip(gram.chunks(m)).enumerate() {
                for (b, sum) in w.chunks(depth).zip(sums).take(at + 1) {
                    prop_assert!((sum - exact(a, b)).abs() < 1e-4);
                }
            }
        }

        #[test]
        fn instructions_change_no_bit(depth in 1usize..70, seed in any::<u64>()) {
            let (x, w) = (numbers(seed, 5 * depth), numbers(!seed, 6 * depth));
            let (mut wide, mut plain) = (vec![0.0; 30], vec![0.0; 30]);
            tiles(&x, &w, depth, &mut wide);
            Tiles { x: &x, w: &w, depth, y: &mut plain }.run();
            prop_assert_eq!(&wide, &plain);
            let (mut wide, mut plain) = (numbers(1, depth), numbers(1, depth));
            add_rows(&mut wide, &x[..5], &w[..5 * depth]);
            AddRows { sums: &mut plain, factors: &x[..5], rows: &w[..5 * depth] }.run();
            prop_assert_eq!(wide, plain);
        }
    }
}
