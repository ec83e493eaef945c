//! The formulas of a transformer as a textbook has them, in binary64 and one vector at a time.

use super::GgufWriter;

/// A tensor of a file of `f32` tensors, widened.
pub fn values_of(file: &GgufWriter, name: &str) -> Vec<f64> {
    let entry = file.tensors.iter().find(|entry| entry.name == name);
    let values = entry.unwrap().bytes.as_chunks::<4>().0.iter();
    values.map(|bytes| f64::from(f32::from_le_bytes(*bytes))).collect()
}

pub fn times(matrix: &[f64], x: &[f64]) -> Vec<f64> {
    matrix
        .chunks(x.len())
        .map(|row| row.iter().zip(x).map(|(w, x)| w * x).sum())
        .collect()
}

pub fn norm(x: &[f64], gain: &[f64]) -> Vec<f64> {
    let mean = x.iter().map(|x| x * x).sum::<f64>() / x.len() as f64;
    let root = (mean + f64::from(1e-5f32)).sqrt();
    x.iter().zip(gain).map(|(x, g)| x / root * g).collect()
}

/// Rotates neighbouring pairs of each head of `width` by the angles of `position` (base 10,000).
pub fn rotate(x: &[f64], width: usize, position: f64) -> Vec<f64> {
    let mut rotated = Vec::new();
    for head in x.chunks(width) {
        for (pair, element) in head.chunks(2).enumerate() {
            let angle = position * 10_000f64.powf(-2.0 * pair as f64 / width as f64);
            rotated.push(element[0] * angle.cos() - element[1] * angle.sin());
            rotated.push(element[0] * angle.sin() + element[1] * angle.cos());
        }
    }
    rotated
}
