//! Image classifiers: small convolutional networks over grey images, on Burn.
//!
//! A model is a directory with `config.json`, which lists the layers (see [`ImageConfig`]), and `model.safetensors`, which has
//! `NAME.weight` and `NAME.bias` in `f32` for each layer with a name: `[filters, inputs, kernel, kernel]` for a convolution,
//! `[outputs, inputs]` for a linear layer, as PyTorch orders them.

mod config;
#[cfg(test)]
mod tests;

pub(crate) use config::is_classifier;
pub use config::{ImageConfig, ImageInput};

use std::path::Path;

use burn::tensor::activation::relu;
use burn::tensor::module::{conv2d, max_pool2d};
use burn::tensor::ops::{ConvOptions, MaxPoolOptions};
use burn::tensor::{Tensor, TensorData};
use safetensors::SafeTensors;
use safetensors::tensor::Dtype;
use thiserror::Error;

use crate::bert::ModelFiles;
use crate::device::{Device, OpenDevice};
use crate::engine_error::EngineError;
use crate::model_error::ModelError;
use config::Layer;

/// Numbers, or multiplications, of a layer computed at once, which bounds memory.
const BATCH_WORK: usize = 1 << 26;
/// Most images computed at once.
const MAX_BATCH: usize = 64;

/// Why an image cannot be classified.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum ImageError {
    /// Too few pixels, or too many.
    #[error("an image has {found} pixels where this model takes {width} x {height}, a byte each: scale it to that")]
    WrongSize {
        /// Pixels given.
        found: usize,
        /// Pixels of a row.
        width: usize,
        /// Rows.
        height: usize,
    },
    /// The weights are so large that sums overflow.
    #[error("the model gives no finite numbers: its weights are unsound")]
    NotFinite,
}

/// An image classifier, ready to run.
pub struct Classifier {
    config: ImageConfig,
    device: OpenDevice,
    layers: Vec<Ready>,
    batch: usize,
}

/// A layer with its weights on the device.
enum Ready {
    Conv {
        weight: Tensor<4>,
        bias: Tensor<1>,
        padding: usize,
    },
    Relu,
    MaxPool {
        size: usize,
    },
    Flatten,
    Linear {
        /// `[inputs, outputs]`.
        weight: Tensor<2>,
        bias: Tensor<2>,
    },
}

/// What passes from layer to layer.
enum Between {
    Images(Tensor<4>),
    Vectors(Tensor<2>),
}

impl Classifier {
    /// Loads a model directory: `config.json` and `model.safetensors`.
    pub fn open(path: &Path, device: Device) -> Result<Self, EngineError> {
        Self::from_files(&ModelFiles::read(path)?, device)
    }

    /// Loads files that are in memory already.
    pub fn from_files(files: &ModelFiles, device: Device) -> Result<Self, EngineError> {
        let device = device.open()?;
        let config = ImageConfig::from_files(files)?;
        let plan = config.plan()?;
        let weights = Weights::parse(files.require("model.safetensors")?)?;
        weights.check_names(&plan.layers)?;
        let layers = plan
            .layers
            .iter()
            .map(|layer| weights.ready(layer, &device))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            config,
            device,
            layers,
            batch: (BATCH_WORK / plan.largest.max(1)).clamp(1, MAX_BATCH),
        })
    }

    /// What the images and the classes are.
    pub fn config(&self) -> &ImageConfig {
        &self.config
    }

    /// For each image the probability of each label, in the order of the labels. A pixel is a byte, 0 black and 255 white,
    /// row by row from the top.
    pub fn classify<T: AsRef<[u8]>>(&self, images: &[T]) -> Result<Vec<Vec<f32>>, EngineError> {
        let logits = self.logits(images)?;
        Ok(logits.iter().map(|logits| softmax(logits)).collect())
    }

    /// What [`Self::classify`] makes probabilities of.
    pub fn logits<T: AsRef<[u8]>>(&self, images: &[T]) -> Result<Vec<Vec<f32>>, EngineError> {
        let (width, height) = (self.config.input.width, self.config.input.height);
        let pixels = width * height;
        if let Some(found) = images
            .iter()
            .map(|image| image.as_ref().len())
            .find(|found| *found != pixels)
        {
            return Err(ImageError::WrongSize { found, width, height }.into());
        }
        let mut logits = Vec::with_capacity(images.len());
        for images in images.chunks(self.batch) {
            let scaled: Vec<f32> = images
                .iter()
                .flat_map(|image| image.as_ref())
                .map(|pixel| self.scale(*pixel))
                .collect();
            let count = images.len();
            let computed = self.device.run(|| self.forward(scaled, count))?;
            if !computed.iter().all(|logit| logit.is_finite()) {
                return Err(ImageError::NotFinite.into());
            }
            logits.extend(computed.chunks_exact(self.config.labels.len()).map(<[f32]>::to_vec));
        }
        Ok(logits)
    }

    fn scale(&self, pixel: u8) -> f32 {
        let input = &self.config.input;
        (f32::from(pixel) / 255.0 - input.mean) / input.deviation
    }

    fn forward(&self, scaled: Vec<f32>, count: usize) -> Result<Vec<f32>, ModelError> {
        let shape = [count, 1, self.config.input.height, self.config.input.width];
        let images = Tensor::from_data(TensorData::new(scaled, shape), &self.device.tensors);
        let mut x = Between::Images(images);
        for layer in &self.layers {
            x = layer.forward(x, count);
        }
        Ok(x.vectors(count).try_into_vec_as::<f32>()?)
    }
}

impl Between {
    fn vectors(self, count: usize) -> Tensor<2> {
        match self {
            Self::Vectors(vectors) => vectors,
            Self::Images(images) => {
                let [_, channels, height, width] = images.dims();
                images.reshape([count, channels * height * width])
            }
        }
    }
}

impl Ready {
    /// The plan has made sure that the layers fit each other: vectors never come to a layer for images.
    fn forward(&self, x: Between, count: usize) -> Between {
        match (self, x) {
            (Self::Conv { weight, bias, padding }, Between::Images(images)) => {
                let options = ConvOptions::new([1, 1], [*padding; 2], [1, 1], 1);
                Between::Images(conv2d(images, weight.clone(), Some(bias.clone()), options))
            }
            (Self::MaxPool { size }, Between::Images(images)) => {
                Between::Images(max_pool2d(images, MaxPoolOptions::new([*size; 2])))
            }
            (Self::Relu, Between::Images(images)) => Between::Images(relu(images)),
            (Self::Relu, Between::Vectors(vectors)) => Between::Vectors(relu(vectors)),
            (Self::Linear { weight, bias }, x) => {
                Between::Vectors(x.vectors(count).matmul(weight.clone()).add(bias.clone()))
            }
            (Self::Flatten | Self::Conv { .. } | Self::MaxPool { .. }, x) => Between::Vectors(x.vectors(count)),
        }
    }
}

/// The tensors of a safetensors file, with shapes and types checked. The format's own library checks the file: lengths,
/// overlaps, UTF-8, JSON.
struct Weights<'a> {
    tensors: SafeTensors<'a>,
}

impl<'a> Weights<'a> {
    fn parse(bytes: &'a [u8]) -> Result<Self, ModelError> {
        Ok(Self {
            tensors: SafeTensors::deserialize(bytes)?,
        })
    }

    /// That there are no others: ignoring one would compute something else than was trained.
    fn check_names(&self, layers: &[Layer]) -> Result<(), ModelError> {
        for name in self.tensors.names() {
            let of = name.strip_suffix(".weight").or_else(|| name.strip_suffix(".bias"));
            if !layers.iter().any(|layer| layer.name().is_some() && layer.name() == of) {
                return Err(ModelError::UnexpectedTensor { name: name.to_owned() });
            }
        }
        Ok(())
    }

    fn values<const N: usize>(&self, name: &str, shape: [usize; N]) -> Result<TensorData, ModelError> {
        let view = self.tensors.tensor(name)?;
        if view.dtype() != Dtype::F32 {
            return Err(ModelError::UnsupportedFeature {
                feature: format!("the encoding {:?} of tensor `{name}`", view.dtype()),
            });
        }
        if view.shape() != shape {
            return Err(ModelError::Shape {
                name: name.to_owned(),
                found: view.shape().to_vec(),
                expected: shape.to_vec(),
            });
        }
        let (numbers, _) = view.data().as_chunks::<4>();
        let values: Vec<f32> = numbers.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
        if !values.iter().all(|value| value.is_finite()) {
            return Err(ModelError::Configuration {
                problem: format!("tensor `{name}` holds what is no number"),
            });
        }
        Ok(TensorData::new(values, shape))
    }

    fn ready(&self, layer: &Layer, device: &OpenDevice) -> Result<Ready, ModelError> {
        let device = &device.tensors;
        Ok(match layer {
            Layer::Conv {
                name,
                inputs,
                filters,
                kernel,
                padding,
            } => {
                let weight = self.values(&format!("{name}.weight"), [*filters, *inputs, *kernel, *kernel])?;
                let bias = self.values(&format!("{name}.bias"), [*filters])?;
                Ready::Conv {
                    weight: Tensor::from_data(weight, device),
                    bias: Tensor::from_data(bias, device),
                    padding: *padding,
                }
            }
            Layer::Linear { name, inputs, outputs } => {
                let weight = self.values(&format!("{name}.weight"), [*outputs, *inputs])?;
                let bias = self.values(&format!("{name}.bias"), [*outputs])?;
                let bias = Tensor::<1>::from_data(bias, device);
                Ready::Linear {
                    weight: Tensor::<2>::from_data(weight, device).transpose(),
                    bias: bias.reshape([1, *outputs]),
                }
            }
            Layer::Relu => Ready::Relu,
            Layer::MaxPool { size } => Ready::MaxPool { size: *size },
            Layer::Flatten => Ready::Flatten,
        })
    }
}

/// Finite logits as probabilities.
fn softmax(logits: &[f32]) -> Vec<f32> {
    let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let powers: Vec<f64> = logits.iter().map(|logit| f64::from(logit - largest).exp()).collect();
    let sum: f64 = powers.iter().sum();
    powers.iter().map(|power| (power / sum) as f32).collect()
}
