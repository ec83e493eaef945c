//! Weight encodings against values worked by hand from the format's definition, and products against plain sums.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod synthetic;

use proptest::prelude::*;
use synthetic::{random_matrix, signed};
use weft_engine::quant::{GgmlType, QuantError, dequantize, dot_rows};
use weft_engine::sampler::Xoshiro256;
use weft_engine::stored::{StoredMatrix, matrix_vector};

const ALL: [GgmlType; 10] = [
    GgmlType::F32,
    GgmlType::F16,
    GgmlType::BF16,
    GgmlType::Q4_0,
    GgmlType::Q4_1,
    GgmlType::Q5_0,
    GgmlType::Q5_1,
    GgmlType::Q8_0,
    GgmlType::Q4K,
    GgmlType::Q6K,
];

/// Binary16 of 0.5, 2, -1 and 0.25.
const HALF: [u8; 2] = [0x00, 0x38];
const TWO: [u8; 2] = [0x00, 0x40];
const MINUS_ONE: [u8; 2] = [0x00, 0xbc];
const QUARTER: [u8; 2] = [0x00, 0x34];

fn expand(encoding: GgmlType, block: &[u8]) -> Vec<f32> {
    let mut weights = vec![f32::NAN; encoding.block_weights().max(block.len() / encoding.block_bytes())];
    dequantize(encoding, block, &mut weights);
    weights
}

#[test]
fn plain_floats() {
    let values = [1.5f32, -0.0, f32::MIN_POSITIVE, 3e38];
    let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    assert_eq!(expand(GgmlType::F32, &bytes), values);
    // 1, -2, the largest and the smallest binary16.
    let halves = [0x3c00u16, 0xc000, 0x7bff, 0x0001].map(u16::to_le_bytes).concat();
    assert_eq!(expand(GgmlType::F16, &halves), [1.0, -2.0, 65504.0, 5.960_464_5e-8]);
    let brains = [0x3f80u16, 0xc040].map(u16::to_le_bytes).concat();
    assert_eq!(expand(GgmlType::BF16, &brains), [1.0, -3.0]);
}

#[test]
fn four_bit_blocks() {
    // Byte j holds q = j for weight j and q = 15 - j for weight j + 16.
    let nibbles: Vec<u8> = (0..16).map(|j| j | ((15 - j) << 4)).collect();
    let weights = expand(GgmlType::Q4_0, &[&HALF[..], &nibbles].concat());
    let expected: Vec<f32> = (0..16).chain((0..16).rev()).map(|q| (q as f32 - 8.0) * 0.5).collect();
    assert_eq!(weights, expected);
    let weights = expand(GgmlType::Q4_1, &[&HALF[..], &MINUS_ONE, &nibbles].concat());
    let expected: Vec<f32> = (0..16).chain((0..16).rev()).map(|q| q as f32 * 0.5 - 1.0).collect();
    assert_eq!(weights, expected);
}

#[test]
fn five_bit_blocks() {
    let nibbles: Vec<u8> = (0..16).map(|j| j | ((15 - j) << 4)).collect();
    // Fifth bits of weights 0, 3, 16 and 31.
    let fifth = 0b1000_0000_0000_0001_0000_0000_0000_1001u32.to_le_bytes();
    let q: Vec<f32> = (0..16u32)
        .chain((0..16).rev())
        .zip(0..32)
        .map(|(low, at)| (low + if [0, 3, 16, 31].contains(&at) { 16 } else { 0 }) as f32)
        .collect();
    let weights = expand(GgmlType::Q5_0, &[&HALF[..], &fifth, &nibbles].concat());
    assert_eq!(weights, q.iter().map(|q| (q - 16.0) * 0.5).collect::<Vec<_>>());
    let weights = expand(GgmlType::Q5_1, &[&TWO[..], &MINUS_ONE, &fifth, &nibbles].concat());
    assert_eq!(weights, q.iter().map(|q| q * 2.0 - 1.0).collect::<Vec<_>>());
}

#[test]
fn eight_bit_blocks() {
    let bytes: Vec<u8> = (0..32).map(|j| (j * 8) as u8).collect();
    let weights = expand(GgmlType::Q8_0, &[&QUARTER[..], &bytes].concat());
    let expected: Vec<f32> = (0..32i32)
        .map(|j| if j < 16 { 8 * j } else { 8 * j - 256 } as f32 * 0.25)
        .collect();
    assert_eq!(weights, expected);
}

#[test]
fn super_blocks_of_four_bits() {
    // Scales 1 ..= 8 with an upper bit pair in 4 and 7; minima 63, 40, 3, 9 and, over nibbles and spare bits, 21, 34, 50, 7.
    let scales = [1u8, 2, 3, 4, 0x35, 6, 7, 0x28];
    let minima = [63u8, 40, 3, 9, 21, 34, 50, 7];
    let mut packed = [0u8; 12];
    for group in 0..4 {
        packed[group] = scales[group] | ((scales[group + 4] >> 4) << 6);
        packed[group + 4] = minima[group] | ((minima[group + 4] >> 4) << 6);
        packed[group + 8] = (scales[group + 4] & 15) | ((minima[group + 4] & 15) << 4);
    }
    let quants: Vec<u8> = (0..256u32).map(|at| ((at * 7 + at / 32) % 16) as u8).collect();
    let mut nibbles = Vec::new();
    for pair in quants.chunks(64) {
        nibbles.extend((0..32).map(|j| pair[j] | (pair[j + 32] << 4)));
    }
    let weights = expand(GgmlType::Q4K, &[&HALF[..], &QUARTER, &packed, &nibbles].concat());
    for (at, weight) in weights.iter().enumerate() {
        let group = at / 32;
        let expected = 0.5 * f32::from(scales[group]) * f32::from(quants[at]) - 0.25 * f32::from(minima[group]);
        assert_eq!(*weight, expected, "weight {at}");
    }
}

#[test]
fn super_blocks_of_six_bits() {
    let quants: Vec<u8> = (0..256u32).map(|at| ((at * 13 + at / 16) % 64) as u8).collect();
    let scales: Vec<i8> = (0..16).map(|group| group * 5 - 40).collect();
    let (mut low, mut high) = (Vec::new(), Vec::new());
    for half in quants.chunks(128) {
        low.extend((0..64).map(|j| (half[j] & 15) | ((half[j + 64] & 15) << 4)));
        high.extend((0..32).map(|j| (0..4).fold(0, |byte, run| byte | ((half[32 * run + j] >> 4) << (2 * run)))));
    }
    let scale_bytes: Vec<u8> = scales.iter().map(|scale| *scale as u8).collect();
    let weights = expand(GgmlType::Q6K, &[&low[..], &high, &scale_bytes, &HALF].concat());
    for (at, weight) in weights.iter().enumerate() {
        let expected = 0.5 * f32::from(scales[at / 16]) * (f32::from(quants[at]) - 32.0);
        assert_eq!(*weight, expected, "weight {at}");
    }
}

#[test]
fn numbers_of_ggml_and_sizes() {
    for encoding in ALL {
        assert_eq!(GgmlType::from_id(encoding.id()), Ok(encoding));
        assert_eq!(
            encoding.row_bytes(512),
            Ok(512 / encoding.block_weights() * encoding.block_bytes())
        );
        assert!(encoding.matrix_bytes(usize::MAX, 512).is_err());
    }
    assert_eq!(
        GgmlType::from_id(13),
        Err(QuantError::UnsupportedType { id: 13, name: "Q5_K" })
    );
    assert!(GgmlType::from_id(4).is_err());
    assert!(matches!(
        GgmlType::Q4K.row_bytes(128),
        Err(QuantError::RaggedRow { .. })
    ));
    assert!(StoredMatrix::new(GgmlType::Q8_0, 2, 32, vec![0; 67]).is_err());
    assert!(StoredMatrix::new(GgmlType::F32, 2, 0, vec![]).is_err());
}

/// `sum(weights * x)` in binary64.
fn plain_dot(weights: &[f32], x: &[f32]) -> (f64, f64) {
    weights.iter().zip(x).fold((0.0, 0.0), |(sum, size), (w, x)| {
        let product = f64::from(*w) * f64::from(*x);
        (sum + product, size + product.abs())
    })
}

proptest! {
    #[test]
    fn a_dot_product_is_that_of_the_expanded_weights(which in 0..ALL.len(), blocks in 1usize..9, extra in 0usize..40, seed: u64) {
        let encoding = ALL[which];
        // The plain floats may have any length.
        let columns = match encoding.block_weights() {
            1 => 32 * blocks + extra,
            block => block * blocks,
        };
        let mut rng = Xoshiro256::from_seed(seed);
        let row = random_matrix(encoding, 1, columns, &mut rng);
        let x: Vec<f32> = (0..columns).map(|_| signed(&mut rng)).collect();
        let mut weights = vec![0.0; columns];
        dequantize(encoding, &row, &mut weights);
        let (expected, size) = plain_dot(&weights, &x);
        let mut found = [f32::NAN];
        dot_rows(encoding, &row, &x, &mut found);
        let found = f64::from(found[0]);
        prop_assert!((found - expected).abs() <= 1e-6 * size, "{encoding:?}: {found} instead of {expected}");
    }

    #[test]
    fn stacked_products_are_those_of_each_row_on_any_number_of_threads(
        rows in prop::collection::vec(1usize..90, 1..4), threads in 1usize..4, seed: u64,
    ) {
        const COLUMNS: usize = 256;
        let mut rng = Xoshiro256::from_seed(seed);
        let x: Vec<f32> = (0..COLUMNS).map(|_| signed(&mut rng)).collect();
        let matrices: Vec<StoredMatrix> = rows
            .iter()
            .zip([GgmlType::Q4K, GgmlType::Q8_0, GgmlType::F16])
            .map(|(rows, encoding)| {
                let bytes = random_matrix(encoding, *rows, COLUMNS, &mut rng);
                StoredMatrix::new(encoding, *rows, COLUMNS, bytes).unwrap()
            })
            .collect();
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let found = pool.install(|| matrix_vector(&matrices, &x));
        let mut expected = Vec::new();
        for matrix in &matrices {
            for row in 0..matrix.rows() {
                let mut weights = vec![0.0; COLUMNS];
                matrix.expand_row(row, &mut weights).unwrap();
                expected.push(plain_dot(&weights, &x));
            }
            prop_assert!(matrix.expand_row(matrix.rows(), &mut [0.0; COLUMNS]).is_err());
        }
        prop_assert_eq!(found.len(), expected.len());
        for (found, (expected, size)) in found.iter().zip(expected) {
            prop_assert!((f64::from(*found) - expected).abs() <= 1e-6 * size);
        }
        let alone = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
        prop_assert_eq!(alone.install(|| matrix_vector(&matrices, &x)), found);
    }
}
