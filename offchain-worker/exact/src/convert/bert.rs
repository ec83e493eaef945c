//! Encoders of the BERT family.

use weft_exact::{
    attention::MAX_CONTEXT,
    fixed::{Fixed, PLACES},
    model::Model,
    piece::Piece,
    program::{Config, Family, Precision, Program, Shapes},
    quantise::Width,
};

use super::{
    ConvertError, Format, Progress, Stage, epsilon_of, fixed,
    llama::shape_of,
    rounding::{Rounding, matrix},
    source::{FloatBert, FloatLinear, FloatNorm},
    to_log2,
};

/// How an encoder is converted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BertOptions {
    /// How weights are stored.
    pub weights: Format,
    /// How the tables of tokens and positions are stored.
    pub embedding: Format,
    /// How finely inputs of products are quantised.
    pub precision: Precision,
}

impl Default for BertOptions {
    fn default() -> Self {
        Self {
            weights: Format::ROWS,
            embedding: Format::ROWS,
            precision: Precision {
                query_key_value: Width::Wide,
                output: Width::Narrow,
                up: Width::Narrow,
                down: Width::Narrow,
                head: Width::Narrow,
            },
        }
    }
}

/// Converts an encoder, rounding to the nearest.
///
/// # Errors
/// If tensors do not have the sizes that `source` says, or the integers could overflow.
pub fn bert(
    source: &FloatBert,
    options: &BertOptions,
    progress: &mut dyn FnMut(Progress),
) -> Result<Model, ConvertError> {
    let (width, inner) = (source.width, source.inner);
    let shape = |columns, bias| shape_of(options.weights, columns, bias);
    let head_width = width.checked_div(source.heads).unwrap_or(0);
    let config = Config {
        family: Family::Bert,
        width,
        layers: source.layers.len(),
        heads: source.heads,
        kv_heads: source.heads,
        head_width,
        inner,
        vocabulary: source.vocabulary,
        context: source.context.min(MAX_CONTEXT),
        epsilon: epsilon_of(source.epsilon)?,
        to_log2: to_log2(head_width),
        precision: options.precision,
        shapes: Shapes {
            embedding: shape_of(options.embedding, width, false),
            query_key_value: shape(width, true),
            output: shape(width, true),
            up: shape(width, true),
            down: shape(inner, true),
            // Encoders have none; the program wants its shape nevertheless.
            head: shape(width, false),
        },
    };
    // Before anything is computed: no size is zero, and none so large that a product of two overflows.
    Program::new(config).map_err(weft_exact::model::NoModel::Config)?;
    source.check()?;
    let table = |rows: &[f32]| Piece::Rows(matrix(rows, width, options.embedding, Vec::new(), Rounding::Nearest));
    let linear = |linears: &[&FloatLinear], columns: usize| {
        let weights: Vec<f32> = linears.iter().flat_map(|linear| &linear.weights).copied().collect();
        let bias = linears.iter().flat_map(|linear| fixeds(&linear.bias)).collect();
        Piece::Rows(matrix(&weights, columns, options.weights, bias, Rounding::Nearest))
    };
    let norm = |norm: &FloatNorm| Piece::Gains(fixeds(&norm.gain).collect(), fixeds(&norm.bias).collect());
    let common = source.segment.iter().cycle();
    let positions: Vec<f32> = source.positions.iter().zip(common).map(|(a, b)| a + b).collect();
    let mut parts = vec![
        table(&source.embedding),
        table(&positions[..config.context * width]),
        norm(&source.embedding_norm),
    ];
    for (at, layer) in source.layers.iter().enumerate() {
        progress(Progress {
            stage: Stage::Rounding,
            done: at,
            total: config.layers,
        });
        parts.extend([
            linear(&[&layer.query, &layer.key, &layer.value], width),
            linear(&[&layer.output], width),
            norm(&layer.output_norm),
            linear(&[&layer.up], width),
            linear(&[&layer.down], inner),
            norm(&layer.down_norm),
        ]);
    }
    progress(Progress {
        stage: Stage::Rounding,
        done: config.layers,
        total: config.layers,
    });
    Ok(Model::new(config, parts)?)
}

fn fixeds(values: &[f32]) -> impl Iterator<Item = Fixed> {
    values.iter().map(|x| fixed(f64::from(*x), PLACES))
}
