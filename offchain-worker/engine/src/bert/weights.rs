//! Reading an encoder's tensors from a safetensors file, with their shapes checked.

use std::sync::Arc;

use burn::tensor::{Tensor, TensorData};
use safetensors::tensor::{Dtype, TensorView};
use safetensors::{SafeTensorError, SafeTensors};

use crate::device::OpenDevice;
use crate::linear::{Linear, WeightFormat};
use crate::model_error::ModelError;
use crate::quant::{GgmlType, dequantize};
use crate::stored::StoredMatrix;

/// Checkpoints saved from a model with a head carry this before every name.
const PREFIX: &str = "bert.";

pub(super) struct Loader<'a> {
    tensors: SafeTensors<'a>,
    device: &'a OpenDevice,
    format: WeightFormat,
}

impl<'a> Loader<'a> {
    /// Parses the header of a safetensors file. The format's own library checks it: lengths, overlaps, UTF-8, JSON.
    pub(super) fn new(bytes: &'a [u8], device: &'a OpenDevice, format: WeightFormat) -> Result<Self, ModelError> {
        Ok(Self {
            tensors: SafeTensors::deserialize(bytes)?,
            device,
            format,
        })
    }

    fn tensor(&self, name: &str, expected: &[usize]) -> Result<(TensorView<'_>, GgmlType), ModelError> {
        let view = match self.tensors.tensor(name) {
            Err(SafeTensorError::TensorNotFound(_)) => self.tensors.tensor(&format!("{PREFIX}{name}"))?,
            found => found?,
        };
        if view.shape() != expected {
            return Err(ModelError::Shape {
                name: name.to_owned(),
                found: view.shape().to_vec(),
                expected: expected.to_vec(),
            });
        }
        let encoding = match view.dtype() {
            Dtype::F32 => GgmlType::F32,
            Dtype::F16 => GgmlType::F16,
            Dtype::BF16 => GgmlType::BF16,
            other => {
                return Err(ModelError::UnsupportedFeature {
                    feature: format!("the encoding {other:?} of tensor `{name}`"),
                });
            }
        };
        Ok((view, encoding))
    }

    /// All elements of a tensor of shape `expected`.
    pub(super) fn values(&self, name: &str, expected: &[usize]) -> Result<Vec<f32>, ModelError> {
        let (view, encoding) = self.tensor(name, expected)?;
        let mut values = vec![0.0; expected.iter().product()];
        dequantize(encoding, view.data(), &mut values);
        Ok(values)
    }

    /// A vector as a row `[1, length]`.
    pub(super) fn row(&self, name: &str, length: usize) -> Result<Tensor<2>, ModelError> {
        let values = TensorData::new(self.values(name, &[length])?, [1, length]);
        Ok(Tensor::from_data(values, &self.device.tensors))
    }

    /// The layers `names`, each of `rows` outputs with a bias, as one.
    pub(super) fn linear(&self, names: &[&str], rows: usize, columns: usize) -> Result<Linear, ModelError> {
        let mut matrices = Vec::with_capacity(names.len());
        let mut bias = Vec::with_capacity(names.len() * rows);
        for name in names {
            let (view, encoding) = self.tensor(&format!("{name}.weight"), &[rows, columns])?;
            let bytes = view.data().to_vec();
            matrices.push(StoredMatrix::new(encoding, rows, columns, bytes)?);
            bias.extend(self.values(&format!("{name}.bias"), &[rows])?);
        }
        let matrices: Arc<[StoredMatrix]> = matrices.into();
        Ok(Linear::new(matrices, Some(bias), self.device, self.format))
    }
}
