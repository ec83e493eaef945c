//! Reading a model's tensors by name, with their shapes checked.

use std::collections::HashSet;
use std::sync::Arc;

use burn::tensor::{Tensor, TensorData};

use super::LlamaConfig;
use crate::device::OpenDevice;
use crate::gguf::Gguf;
use crate::linear::{Linear, WeightFormat};
use crate::model_error::ModelError;
use crate::stored::StoredMatrix;

/// Factors of rotary frequencies that some files (Llama 3.1 and later) bring.
const FREQUENCY_DIVISORS: &str = "rope_freqs.weight";

/// Reads tensors and keeps account of them, so that none is silently left out of the computation.
pub(super) struct Loader<'a> {
    gguf: &'a Gguf,
    device: &'a OpenDevice,
    format: WeightFormat,
    used: HashSet<String>,
}

impl<'a> Loader<'a> {
    pub(super) fn new(gguf: &'a Gguf, device: &'a OpenDevice, format: WeightFormat) -> Self {
        Self {
            gguf,
            device,
            format,
            used: HashSet::new(),
        }
    }

    /// Rows of a matrix whose height the file alone knows.
    pub(super) fn rows_of(&self, name: &str) -> Result<usize, ModelError> {
        Ok(self.gguf.tensor(name)?.rows())
    }

    fn stored(
        &mut self,
        name: &str,
        expected: Vec<usize>,
        rows: usize,
        columns: usize,
    ) -> Result<StoredMatrix, ModelError> {
        let tensor = self.gguf.tensor(name)?;
        let mut found = tensor.dimensions.clone();
        found.reverse();
        if found != expected {
            return Err(ModelError::Shape {
                name: name.to_owned(),
                found,
                expected,
            });
        }
        self.used.insert(name.to_owned());
        let bytes = self.gguf.bytes_of(tensor).to_vec();
        Ok(StoredMatrix::new(tensor.encoding, rows, columns, bytes)?)
    }

    /// Matrices of (name, rows, columns).
    pub(super) fn matrices(&mut self, parts: &[(&str, usize, usize)]) -> Result<Arc<[StoredMatrix]>, ModelError> {
        parts
            .iter()
            .map(|(name, rows, columns)| self.stored(name, vec![*rows, *columns], *rows, *columns))
            .collect()
    }

    /// A layer of the matrices (name, rows, columns) laid one under another.
    pub(super) fn linear(&mut self, parts: &[(&str, usize, usize)]) -> Result<Linear, ModelError> {
        let matrices = self.matrices(parts)?;
        Ok(Linear::new(matrices, None, self.device, self.format))
    }

    /// A vector of `length` elements as a row `[1, length]`.
    pub(super) fn vector(&mut self, name: &str, length: usize) -> Result<Tensor<2>, ModelError> {
        let values = self.stored(name, vec![length], 1, length)?.expand();
        let values = TensorData::new(values, [1, length]);
        Ok(Tensor::from_data(values, &self.device.tensors))
    }

    /// What each rotary frequency is divided by; ones where the file does not say.
    pub(super) fn frequency_divisors(&mut self, config: &LlamaConfig) -> Result<Vec<f32>, ModelError> {
        let pairs = config.rope_width / 2;
        if !self.gguf.has_tensor(FREQUENCY_DIVISORS) {
            return Ok(vec![1.0; pairs]);
        }
        let divisors = self.stored(FREQUENCY_DIVISORS, vec![pairs], 1, pairs)?;
        Ok(divisors.expand())
    }

    /// Checks that every tensor of the file was used.
    pub(super) fn finish(self) -> Result<(), ModelError> {
        match self
            .gguf
            .tensors()
            .iter()
            .find(|tensor| !self.used.contains(&tensor.name))
        {
            Some(tensor) => Err(ModelError::UnexpectedTensor {
                name: tensor.name.clone(),
            }),
            None => Ok(()),
        }
    }
}
