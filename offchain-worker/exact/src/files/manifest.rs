//! The manifest of a model: what it is, and how it was made.

use serde::{Deserialize, Serialize};
use weft_exact::{
    fixed::Scale,
    linear::{Bits, Shape},
    merkle::{self, Digest},
    model::{Model, root_of},
    program::{Config, Family, Precision, Shapes},
    quantise::Width,
};

use super::{hex, leaves};

/// Version of the files that this crate reads and writes.
pub const FORMAT: u32 = 1;

/// What a model's directory says about it.
#[derive(Clone, Debug, PartialEq)]
pub struct Manifest {
    /// Sizes, and what the arithmetic leaves open.
    pub config: Config,
    /// Root of the tree over the weights' tiles: [`merkle::root`] of [`Model::leaves`].
    pub weight_root: Digest,
    /// What commits to configuration and weights: [`Model::root`].
    pub model_root: Digest,
    /// How the model was made.
    pub origin: Origin,
}

/// How a model was made: with the same source, options and converter the same one comes out.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Origin {
    /// Name of the file with the float weights, without its directory.
    pub source: String,
    /// Its blake2b-256, in hexadecimal digits.
    pub source_digest: String,
    /// Where all random numbers started.
    pub seed: u64,
    /// How the weights were rounded: `nearest` or `gptq`.
    pub rounding: String,
    /// Tokens that the rounding was fitted to; none for `nearest`.
    pub calibration_tokens: u64,
    /// Where they came from: `given`, `generated` by the model itself, or empty.
    pub calibration: String,
}

impl Manifest {
    /// Of a model; computes its roots.
    pub fn of(model: &Model, origin: Origin) -> Self {
        let config = *model.program().config();
        let weight_root = merkle::root(&leaves(model));
        Self {
            config,
            weight_root,
            model_root: root_of(&config, &weight_root),
            origin,
        }
    }

    /// As JSON.
    pub fn to_json(&self) -> String {
        let json = Json {
            format: FORMAT,
            config: self.config.into(),
            weight_root: hex::encode(&self.weight_root),
            model_root: hex::encode(&self.model_root),
            origin: self.origin.clone(),
        };
        // Plain numbers and texts: nothing of it can fail, and an empty manifest would be refused by whoever reads it.
        let mut text = serde_json::to_string_pretty(&json).unwrap_or_default();
        text.push('\n');
        text
    }

    /// The reverse of [`Self::to_json`]; else what is wrong.
    pub(super) fn from_json(bytes: &[u8]) -> Result<Self, String> {
        let version: Version = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
        if version.format != FORMAT {
            return Err(format!(
                "it is of format {}, and this program knows {FORMAT}",
                version.format
            ));
        }
        let json: Json = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
        let digest =
            |name: &str, text: &str| hex::decode(text).ok_or_else(|| format!("`{name}` is no digest of 64 digits"));
        let weight_root = digest("weight-root", &json.weight_root)?;
        let model_root = digest("model-root", &json.model_root)?;
        Ok(Self {
            config: json.config.into(),
            weight_root,
            model_root,
            origin: json.origin,
        })
    }
}

/// Read before all else, so that another version is named and not taken for damage.
#[derive(Deserialize)]
struct Version {
    format: u32,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Json {
    format: u32,
    config: JsonConfig,
    weight_root: String,
    model_root: String,
    origin: Origin,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct JsonConfig {
    family: JsonFamily,
    width: usize,
    layers: usize,
    heads: usize,
    kv_heads: usize,
    head_width: usize,
    inner: usize,
    vocabulary: usize,
    context: usize,
    /// With 40 binary places.
    epsilon: u64,
    to_log2: JsonScale,
    precision: JsonPrecision,
    shapes: JsonShapes,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum JsonFamily {
    Llama,
    Bert,
}

/// `mantissa / 2^shift`.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct JsonScale {
    mantissa: u16,
    shift: i16,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct JsonPrecision {
    query_key_value: JsonWidth,
    output: JsonWidth,
    up: JsonWidth,
    down: JsonWidth,
    head: JsonWidth,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum JsonWidth {
    Narrow,
    Wide,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct JsonShapes {
    embedding: JsonShape,
    query_key_value: JsonShape,
    output: JsonShape,
    up: JsonShape,
    down: JsonShape,
    head: JsonShape,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct JsonShape {
    columns: usize,
    group: usize,
    bits: JsonBits,
    bias: bool,
}

#[derive(Serialize, Deserialize)]
enum JsonBits {
    #[serde(rename = "4")]
    Four,
    #[serde(rename = "8")]
    Eight,
}

impl From<Config> for JsonConfig {
    fn from(config: Config) -> Self {
        let (p, s) = (config.precision, config.shapes);
        Self {
            family: match config.family {
                Family::Llama => JsonFamily::Llama,
                Family::Bert => JsonFamily::Bert,
            },
            width: config.width,
            layers: config.layers,
            heads: config.heads,
            kv_heads: config.kv_heads,
            head_width: config.head_width,
            inner: config.inner,
            vocabulary: config.vocabulary,
            context: config.context,
            epsilon: config.epsilon,
            to_log2: JsonScale {
                mantissa: config.to_log2.mantissa,
                shift: config.to_log2.shift,
            },
            precision: JsonPrecision {
                query_key_value: p.query_key_value.into(),
                output: p.output.into(),
                up: p.up.into(),
                down: p.down.into(),
                head: p.head.into(),
            },
            shapes: JsonShapes {
                embedding: s.embedding.into(),
                query_key_value: s.query_key_value.into(),
                output: s.output.into(),
                up: s.up.into(),
                down: s.down.into(),
                head: s.head.into(),
            },
        }
    }
}

impl From<JsonConfig> for Config {
    fn from(json: JsonConfig) -> Self {
        let (p, s) = (json.precision, json.shapes);
        Self {
            family: match json.family {
                JsonFamily::Llama => Family::Llama,
                JsonFamily::Bert => Family::Bert,
            },
            width: json.width,
            layers: json.layers,
            heads: json.heads,
            kv_heads: json.kv_heads,
            head_width: json.head_width,
            inner: json.inner,
            vocabulary: json.vocabulary,
            context: json.context,
            epsilon: json.epsilon,
            to_log2: Scale {
                mantissa: json.to_log2.mantissa,
                shift: json.to_log2.shift,
            },
            precision: Precision {
                query_key_value: p.query_key_value.into(),
                output: p.output.into(),
                up: p.up.into(),
                down: p.down.into(),
                head: p.head.into(),
            },
            shapes: Shapes {
                embedding: s.embedding.into(),
                query_key_value: s.query_key_value.into(),
                output: s.output.into(),
                up: s.up.into(),
                down: s.down.into(),
                head: s.head.into(),
            },
        }
    }
}

impl From<Width> for JsonWidth {
    fn from(width: Width) -> Self {
        match width {
            Width::Narrow => Self::Narrow,
            Width::Wide => Self::Wide,
        }
    }
}

impl From<JsonWidth> for Width {
    fn from(width: JsonWidth) -> Self {
        match width {
            JsonWidth::Narrow => Self::Narrow,
            JsonWidth::Wide => Self::Wide,
        }
    }
}

impl From<Shape> for JsonShape {
    fn from(shape: Shape) -> Self {
        let bits = match shape.bits {
            Bits::Four => JsonBits::Four,
            Bits::Eight => JsonBits::Eight,
        };
        Self {
            columns: shape.columns,
            group: shape.group,
            bits,
            bias: shape.bias,
        }
    }
}

impl From<JsonShape> for Shape {
    fn from(shape: JsonShape) -> Self {
        let bits = match shape.bits {
            JsonBits::Four => Bits::Four,
            JsonBits::Eight => Bits::Eight,
        };
        Self {
            columns: shape.columns,
            group: shape.group,
            bits,
            bias: shape.bias,
        }
    }
}
