//! What an image classifier is made of, from the `config.json` beside its weights.

use serde::Deserialize;

use crate::bert::ModelFiles;
use crate::model_error::ModelError;

/// The form of the file that this engine reads.
const FORM: &str = "weft/image-classifier/1";
/// How every form of it begins.
const ANY_FORM: &str = "weft/image-classifier/";
/// Most bytes of the file.
const MAX_BYTES: usize = 64 << 10;
/// Most pixels of a side.
const MAX_SIDE: usize = 1024;
/// Most layers.
const MAX_LAYERS: usize = 64;
/// Most classes.
const MAX_LABELS: usize = 1000;
/// Most numbers between two layers, for one image.
const MAX_ACTIVATIONS: usize = 1 << 22;
/// Most multiplications of one layer, for one image. They bound its memory, too.
const MAX_PRODUCTS: usize = 1 << 28;

/// The part of `config.json` that the computation needs.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImageConfig {
    /// Always the same text.
    form: String,
    /// The images.
    pub input: ImageInput,
    /// Layers, from the image to one number a label.
    layers: Vec<LayerEntry>,
    /// What the classes are called.
    pub labels: Vec<String>,
}

/// Grey images, and how their pixels are scaled: `(pixel / 255 - mean) / deviation`.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImageInput {
    /// Pixels of a row.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// Mean of what the model was trained on, black being 0 and white 1.
    pub mean: f32,
    /// Its standard deviation.
    pub deviation: f32,
}

/// A layer as it stands in the file. One struct for all types: serde buffers what stands beside a tag, and numbers do not
/// survive that where any crate of the build asks for `serde_json/arbitrary_precision`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct LayerEntry {
    #[serde(rename = "type")]
    kind: String,
    name: Option<String>,
    filters: Option<usize>,
    kernel: Option<usize>,
    padding: Option<usize>,
    size: Option<usize>,
    outputs: Option<usize>,
}

/// A layer with the sizes that follow from what is before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Layer {
    /// `[filters, inputs, kernel, kernel]`, moved by one pixel at a time.
    Conv {
        name: String,
        inputs: usize,
        filters: usize,
        kernel: usize,
        padding: usize,
    },
    Relu,
    /// The largest of each square of `size` by `size`; what is left at the edges is dropped.
    MaxPool {
        size: usize,
    },
    Flatten,
    /// `[outputs, inputs]`.
    Linear {
        name: String,
        inputs: usize,
        outputs: usize,
    },
}

/// What lies between two layers.
#[derive(Clone, Copy)]
enum Shape {
    Image {
        channels: usize,
        height: usize,
        width: usize,
    },
    Vector(usize),
}

/// All layers, and what they take.
pub(super) struct Plan {
    pub(super) layers: Vec<Layer>,
    /// The most multiplications, or numbers, of any layer for one image.
    pub(super) largest: usize,
}

fn malformed(problem: impl Into<String>) -> ModelError {
    ModelError::Configuration {
        problem: problem.into(),
    }
}

/// Whether `config.json` says that it is of an image classifier, of this form or another.
pub(crate) fn is_classifier(config: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct Form {
        form: Option<String>,
    }
    serde_json::from_slice(config).is_ok_and(|config: Form| config.form.is_some_and(|form| form.starts_with(ANY_FORM)))
}

impl ImageConfig {
    /// Reads and checks `config.json`.
    pub fn from_files(files: &ModelFiles) -> Result<Self, ModelError> {
        let bytes = files.require("config.json")?;
        if bytes.len() > MAX_BYTES {
            return Err(malformed("`config.json` is longer than 64 KiB"));
        }
        let config: Self = serde_json::from_slice(bytes).map_err(|error| ModelError::File {
            name: "config.json".to_owned(),
            problem: error.to_string(),
        })?;
        if config.form != FORM {
            return Err(ModelError::UnsupportedArchitecture {
                found: config.form,
                supported: "`weft/image-classifier/1` is",
            });
        }
        let input = config.input;
        if ![input.width, input.height]
            .iter()
            .all(|side| (1..=MAX_SIDE).contains(side))
        {
            return Err(malformed(format!("images have 1 to {MAX_SIDE} pixels a side")));
        }
        if !(input.mean.is_finite() && input.deviation.is_finite() && input.deviation > 0.0) {
            return Err(malformed("`mean` is a number, and `deviation` one above 0"));
        }
        if !(2..=MAX_LABELS).contains(&config.labels.len()) {
            return Err(malformed(format!("there are 2 to {MAX_LABELS} labels")));
        }
        config.plan()?;
        Ok(config)
    }

    /// The layers with their sizes.
    pub(super) fn plan(&self) -> Result<Plan, ModelError> {
        if self.layers.is_empty() || self.layers.len() > MAX_LAYERS {
            return Err(malformed(format!("there are 1 to {MAX_LAYERS} layers")));
        }
        let mut shape = Shape::Image {
            channels: 1,
            height: self.input.height,
            width: self.input.width,
        };
        let mut largest = shape.count();
        let mut layers = Vec::with_capacity(self.layers.len());
        for (nth, entry) in self.layers.iter().enumerate() {
            let wrong = |problem: &str| malformed(format!("layer {nth}, `{}`: {problem}", entry.kind));
            let (layer, next) = entry.follow(shape).map_err(wrong)?;
            let products = layer.products(next);
            if next.count() > MAX_ACTIVATIONS || products > MAX_PRODUCTS {
                return Err(wrong("it is too large"));
            }
            if layers
                .iter()
                .any(|earlier: &Layer| earlier.name().is_some() && earlier.name() == layer.name())
            {
                return Err(wrong("another layer has its name"));
            }
            largest = largest.max(next.count()).max(products);
            layers.push(layer);
            shape = next;
        }
        match shape {
            Shape::Vector(count) if count == self.labels.len() => Ok(Plan { layers, largest }),
            Shape::Vector(count) => Err(malformed(format!(
                "the last layer gives {count} numbers for {} labels",
                self.labels.len()
            ))),
            Shape::Image { .. } => Err(malformed(
                "the last layer gives an image: end with `flatten` and `linear`",
            )),
        }
    }
}

impl LayerEntry {
    /// The layer after something of shape `before`, and the shape after it. Sizes are small enough not to overflow: each is
    /// checked against a bound before it is multiplied.
    fn follow(&self, before: Shape) -> Result<(Layer, Shape), &'static str> {
        let bounded = |size: Option<usize>, most: usize| size.filter(|size| (1..=most).contains(size));
        let name = || match &self.name {
            Some(name) if !name.is_empty() => Ok(name.clone()),
            _ => Err("it needs a `name`"),
        };
        match (self.kind.as_str(), before) {
            (
                "conv2d",
                Shape::Image {
                    channels,
                    height,
                    width,
                },
            ) => {
                let filters = bounded(self.filters, MAX_SIDE).ok_or("it needs `filters`, at most 1024")?;
                let kernel = bounded(self.kernel, 31).ok_or("it needs a `kernel` of at most 31")?;
                let padding = self.padding.unwrap_or(0);
                if padding >= kernel {
                    return Err("its `padding` is not below its `kernel`");
                }
                let side = |side: usize| {
                    (side + 2 * padding)
                        .checked_sub(kernel - 1)
                        .filter(|side| *side > 0)
                        .ok_or("its `kernel` is larger than the image")
                };
                let next = Shape::Image {
                    channels: filters,
                    height: side(height)?,
                    width: side(width)?,
                };
                let layer = Layer::Conv {
                    name: name()?,
                    inputs: channels,
                    filters,
                    kernel,
                    padding,
                };
                Ok((layer, next))
            }
            ("relu", shape) => Ok((Layer::Relu, shape)),
            (
                "max_pool",
                Shape::Image {
                    channels,
                    height,
                    width,
                },
            ) => {
                let size = bounded(self.size, height.min(width)).ok_or("it needs a `size` that fits the image")?;
                let next = Shape::Image {
                    channels,
                    height: height / size,
                    width: width / size,
                };
                Ok((Layer::MaxPool { size }, next))
            }
            ("flatten", shape) => Ok((Layer::Flatten, Shape::Vector(shape.count()))),
            ("linear", Shape::Vector(inputs)) => {
                let outputs = bounded(self.outputs, 1 << 16).ok_or("it needs `outputs`, at most 65,536")?;
                let layer = Layer::Linear {
                    name: name()?,
                    inputs,
                    outputs,
                };
                Ok((layer, Shape::Vector(outputs)))
            }
            ("conv2d" | "max_pool", Shape::Vector(_)) => Err("it comes after `flatten`"),
            ("linear", Shape::Image { .. }) => Err("it needs a `flatten` before it"),
            _ => Err("no layer of this type is known"),
        }
    }
}

impl Layer {
    /// The name of its weights.
    pub(super) fn name(&self) -> Option<&str> {
        match self {
            Self::Conv { name, .. } | Self::Linear { name, .. } => Some(name),
            Self::Relu | Self::MaxPool { .. } | Self::Flatten => None,
        }
    }

    /// Multiplications for one image.
    fn products(&self, after: Shape) -> usize {
        match self {
            Self::Conv { inputs, kernel, .. } => [*inputs, *kernel, *kernel]
                .iter()
                .fold(after.count(), |product, size| product.saturating_mul(*size)),
            Self::Linear { inputs, outputs, .. } => inputs.saturating_mul(*outputs),
            Self::Relu | Self::MaxPool { .. } | Self::Flatten => 0,
        }
    }
}

impl Shape {
    fn count(self) -> usize {
        match self {
            Self::Image {
                channels,
                height,
                width,
            } => channels.saturating_mul(height).saturating_mul(width),
            Self::Vector(count) => count,
        }
    }
}
