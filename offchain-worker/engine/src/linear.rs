//! Linear layers: the one place where the two ways of multiplying with weights meet.

use std::sync::Arc;

use burn::tensor::{Tensor, TensorData};

use crate::device::OpenDevice;
use crate::model_error::ModelError;
use crate::stored::{StoredMatrix, product};

/// How a model keeps its weights.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WeightFormat {
    /// On the CPU in their stored blocks, on wgpu as `f32` tensors: what is fastest.
    #[default]
    Fastest,
    /// As `f32` tensors of Burn on every device: the general path, for comparison.
    Float32,
}

/// `y = x W^T + b` for vectors in rows. The weights may be several matrices laid one under another, whose products
/// with the same vectors are one operation.
pub(crate) struct Linear {
    weights: Weights,
    bias: Option<Tensor<2>>,
    device: OpenDevice,
}

#[expect(
    clippy::large_enum_variant,
    reason = "a model has a few hundred of them and never moves one"
)]
enum Weights {
    /// The general path: `[rows, columns]` on the device.
    Dense(Tensor<2>),
    /// Stored blocks on the host.
    Stored(Arc<[StoredMatrix]>),
}

impl Linear {
    /// A layer of `matrices` laid one under another, which must have equal columns.
    pub(crate) fn new(
        matrices: Arc<[StoredMatrix]>,
        bias: Option<Vec<f32>>,
        device: &OpenDevice,
        format: WeightFormat,
    ) -> Self {
        let rows: usize = matrices.iter().map(StoredMatrix::rows).sum();
        let bias = bias.map(|bias| {
            let count = bias.len();
            Tensor::from_data(TensorData::new(bias, [1, count]), &device.tensors)
        });
        let weights = if device.is_host() && format == WeightFormat::Fastest {
            Weights::Stored(matrices)
        } else {
            let columns = matrices.first().map_or(0, StoredMatrix::columns);
            let mut weights = Vec::with_capacity(rows * columns);
            for matrix in matrices.iter() {
                weights.extend(matrix.expand());
            }
            Weights::Dense(Tensor::from_data(
                TensorData::new(weights, [rows, columns]),
                &device.tensors,
            ))
        };
        Self {
            weights,
            bias,
            device: device.clone(),
        }
    }

    /// `x` `[vectors, columns]` to `[vectors, rows]`.
    pub(crate) fn forward(&self, x: Tensor<2>) -> Result<Tensor<2>, ModelError> {
        let y = match &self.weights {
            Weights::Dense(weights) => x.matmul(weights.clone().transpose()),
            Weights::Stored(matrices) => product(matrices, x, &self.device.tensors)?,
        };
        Ok(match &self.bias {
            Some(bias) => y.add(bias.clone()),
            None => y,
        })
    }
}
