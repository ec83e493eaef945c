//! What all layers share about the positions of one block of tokens.

use burn::tensor::{Device as TensorDevice, Tensor, TensorData};

use super::rotary::{Rotary, Rotation};
use crate::device::OpenDevice;

/// Stands for minus infinity in masks: `exp` of it is 0 all the same, and unlike infinity every GPU handles it.
const HIDDEN: f32 = -1e30;

/// Positions `start .. start + tokens` on their way through the layers.
pub(super) struct Positions {
    pub(super) rotation: Rotation,
    /// The tokens cut into parts whose attention is computed at once: several on the CPU, for its threads.
    pub(super) parts: Vec<Part>,
}

/// Neighbouring tokens of a block.
pub(super) struct Part {
    /// The first of them, counted from the block's first.
    pub(super) first: usize,
    pub(super) tokens: usize,
    /// `[1, tokens, 1, seen]`: 0 where a token may look, [`HIDDEN`] where a position lies after it. A single token may look
    /// everywhere.
    pub(super) mask: Option<Tensor<4>>,
}

impl Positions {
    pub(super) fn new(rotary: &Rotary, start: usize, tokens: usize, device: &OpenDevice) -> Self {
        let part_tokens = device.share(tokens);
        let parts = (0..tokens)
            .step_by(part_tokens)
            .map(|first| {
                let tokens = part_tokens.min(tokens - first);
                let mask = (tokens > 1).then(|| causal_mask(start + first, tokens, &device.tensors));
                Part { first, tokens, mask }
            })
            .collect();
        Self {
            rotation: rotary.at(start, tokens, &device.tensors),
            parts,
        }
    }
}

fn causal_mask(start: usize, tokens: usize, device: &TensorDevice) -> Tensor<4> {
    let seen = start + tokens;
    let mut mask = vec![0.0; tokens * seen];
    for (token, row) in mask.chunks_exact_mut(seen).enumerate() {
        row[start + token + 1..].fill(HIDDEN);
    }
    Tensor::from_data(TensorData::new(mask, [1, tokens, 1, seen]), device)
}
