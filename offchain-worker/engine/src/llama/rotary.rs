//! Rotary position embedding.
//!
//! GGUF stores the query and key rows of `llama` models so that the two elements of a rotated pair are neighbours
//! (elements `2i` and `2i + 1`), as in the original paper and unlike Hugging Face checkpoints, where they are half a
//! head apart. Nothing is permuted here: pairs of neighbours are rotated as they lie.

use burn::tensor::{Device as TensorDevice, Tensor, TensorData};

use super::LlamaConfig;

/// Angular frequencies of a model.
pub(super) struct Rotary {
    /// One for each pair of a head; zero for pairs that are not rotated.
    frequencies: Vec<f64>,
}

impl Rotary {
    pub(super) fn new(config: &LlamaConfig, divisors: Vec<f32>) -> Self {
        let rotated = config.rope_width as f64;
        let base = f64::from(config.rope_base);
        let scale = f64::from(config.rope_scale);
        let mut frequencies: Vec<f64> = (0u32..)
            .zip(divisors)
            .map(|(pair, divisor)| base.powf(-f64::from(2 * pair) / rotated) / f64::from(divisor) / scale)
            .collect();
        frequencies.resize(config.head_width / 2, 0.0);
        Self { frequencies }
    }

    /// The rotation of `count` positions from `start` on.
    pub(super) fn at(&self, start: usize, count: usize, device: &TensorDevice) -> Rotation {
        let angles = || {
            (start..start + count).flat_map(|position| {
                self.frequencies
                    .iter()
                    .map(move |frequency| position as f64 * frequency)
            })
        };
        let shape = [count, 1, self.frequencies.len(), 1];
        let tensor = |values: Vec<f32>| Tensor::from_data(TensorData::new(values, shape), device);
        Rotation {
            cos: tensor(angles().map(|angle| angle.cos() as f32).collect()),
            sin: tensor(angles().map(|angle| angle.sin() as f32).collect()),
        }
    }
}

/// Cosines and sines, `[positions, 1, pairs, 1]`.
pub(super) struct Rotation {
    cos: Tensor<4>,
    sin: Tensor<4>,
}

impl Rotation {
    /// Rotates `x` `[positions, heads, head width]`.
    pub(super) fn apply(&self, x: Tensor<3>) -> Tensor<3> {
        let [positions, heads, width] = x.dims();
        let pairs = x.reshape([positions, heads, width / 2, 2]);
        let even = pairs.clone().narrow(3, 0, 1);
        let odd = pairs.narrow(3, 1, 1);
        let (cos, sin) = (self.cos.clone(), self.sin.clone());
        let rotated_even = even.clone().mul(cos.clone()) - odd.clone().mul(sin.clone());
        let rotated_odd = even.mul(sin) + odd.mul(cos);
        Tensor::cat(vec![rotated_even, rotated_odd], 3).reshape([positions, heads, width])
    }
}
