//! Models of the Llama family.

use rayon::prelude::*;
use weft_exact::{
    attention::MAX_CONTEXT,
    linear::{Matrix, Shape},
    model::{Model, NoModel},
    piece::Piece,
    program::{Config, Family, Precision, Program, Shapes},
    quantise::Width,
    rotary::{ANGLE_PLACES, Angle},
};

use super::{
    Cache, ConvertError, Folded, Format, Inputs, Progress, Span, Stage, epsilon_of, fixed,
    forward::record,
    gptq::Factor,
    random::Random,
    rotation::Rotation,
    rounding::{Rounding, matrix},
    source::{FloatLlama, angles},
    to_log2, writing,
};

/// Tokens that go through a layer together while its inputs are measured.
const BATCH: usize = 1_024;

/// What random numbers are for.
const ROTATION: u64 = 1;
const WRITING: u64 = 2;

/// How a Llama is converted.
#[derive(Clone, Debug, PartialEq)]
pub struct LlamaOptions {
    /// Where all random numbers start.
    pub seed: u64,
    /// Whether the residual stream is turned. Without it large elements cost much of the precision.
    pub rotate: bool,
    /// How the layers' weights are stored.
    pub weights: Format,
    /// How the head's weights are stored.
    pub head: Format,
    /// How the table of tokens is stored.
    pub embedding: Format,
    /// How finely inputs of products are quantised.
    pub precision: Precision,
    /// What the rounding of weights is fitted to.
    pub calibration: Calibration,
}

impl Default for LlamaOptions {
    fn default() -> Self {
        Self {
            seed: 0,
            rotate: true,
            weights: Format::ROWS,
            head: Format::ROWS,
            embedding: Format::ROWS,
            precision: Precision {
                query_key_value: Width::Wide,
                output: Width::Wide,
                up: Width::Wide,
                down: Width::Wide,
                head: Width::Wide,
            },
            calibration: Calibration::Written {
                starts: vec![0; 16],
                length: 256,
            },
        }
    }
}

/// What the rounding of weights is fitted to.
#[derive(Clone, Debug, PartialEq)]
pub enum Calibration {
    /// Nothing: each weight becomes the nearest.
    None,
    /// Text that the float model writes, at temperature 1.
    Written {
        /// First tokens, one for each sequence.
        starts: Vec<u32>,
        /// Tokens of each sequence.
        length: usize,
    },
    /// These sequences of tokens.
    Given(Vec<Vec<u32>>),
}

/// A converted model.
#[derive(Debug)]
pub struct Rounded {
    /// The model.
    pub model: Model,
    /// The text that its rounding was fitted to; none if it was rounded to the nearest.
    pub calibration: Vec<Vec<u32>>,
}

/// Converts a model of the Llama family. `progress` is told how far it is. Runs on the current rayon pool, whose size changes nothing
/// but the time.
///
/// # Errors
/// If tensors do not have the sizes that `source` says, a token of the calibration is unknown, or the integers could overflow.
pub fn llama(
    source: FloatLlama,
    options: &LlamaOptions,
    progress: &mut dyn FnMut(Progress),
) -> Result<Rounded, ConvertError> {
    let config = config_of(&source, options)?;
    // Before anything is computed: no size is zero, and none so large that a product of two overflows.
    Program::new(config).map_err(NoModel::Config)?;
    check(&options.calibration, &config)?;
    let rotation = options
        .rotate
        .then(|| Rotation::random(config.width, &mut Random::new(options.seed, ROTATION)));
    let folded = Folded::of(source, rotation.as_ref(), progress)?;
    let calibration = match &options.calibration {
        Calibration::None => Vec::new(),
        Calibration::Given(sequences) => sequences.clone(),
        Calibration::Written { starts, length } => writing::write(
            &folded,
            starts,
            *length,
            &mut Random::new(options.seed, WRITING),
            progress,
        ),
    };
    let parts = round(folded, &config, options, &calibration, progress);
    Ok(Rounded {
        model: Model::new(config, parts)?,
        calibration,
    })
}

fn config_of(source: &FloatLlama, options: &LlamaOptions) -> Result<Config, ConvertError> {
    let FloatLlama {
        width,
        heads,
        kv_heads,
        head_width,
        inner,
        vocabulary,
        context,
        ..
    } = *source;
    let shape = |columns| shape_of(options.weights, columns, false);
    Ok(Config {
        family: Family::Llama,
        width,
        layers: source.layers.len(),
        heads,
        kv_heads,
        head_width,
        inner,
        vocabulary,
        context: context.min(MAX_CONTEXT),
        epsilon: epsilon_of(source.epsilon)?,
        to_log2: to_log2(head_width),
        precision: options.precision,
        shapes: Shapes {
            embedding: shape_of(options.embedding, width, false),
            query_key_value: shape(width),
            output: shape(heads.saturating_mul(head_width)),
            up: shape(width),
            down: shape(inner),
            head: shape_of(options.head, width, false),
        },
    })
}

/// The shape of rows of a format.
pub(super) fn shape_of(format: Format, columns: usize, bias: bool) -> Shape {
    Shape {
        columns,
        group: format.group_of(columns),
        bits: format.bits,
        bias,
    }
}

fn check(calibration: &Calibration, config: &Config) -> Result<(), ConvertError> {
    let fits = |length: usize| (1..=config.context).contains(&length);
    let (fit, tokens): (bool, Vec<u32>) = match calibration {
        Calibration::None => return Ok(()),
        Calibration::Written { starts, length } => (!starts.is_empty() && fits(*length), starts.clone()),
        Calibration::Given(sequences) => (
            !sequences.is_empty() && sequences.iter().all(|sequence| fits(sequence.len())),
            sequences.concat(),
        ),
    };
    if !fit {
        return Err(ConvertError::Calibration {
            context: config.context,
        });
    }
    match tokens.into_iter().find(|token| *token as usize >= config.vocabulary) {
        Some(token) => Err(ConvertError::Token {
            token,
            vocabulary: config.vocabulary,
        }),
        None => Ok(()),
    }
}

/// All parts, in the program's order. Layer by layer: what the float model makes of the calibration text so far is kept, and no
/// layer's inputs longer than until its weights are rounded.
fn round(
    mut folded: Folded,
    config: &Config,
    options: &LlamaOptions,
    calibration: &[Vec<u32>],
    progress: &mut dyn FnMut(Progress),
) -> Vec<Piece> {
    let total = config.layers + 1;
    let embedding = matrix(
        &folded.embedding,
        config.width,
        options.embedding,
        Vec::new(),
        Rounding::Nearest,
    );
    let mut parts = vec![
        Piece::Rows(embedding),
        Piece::Angles(angles_of(&folded.frequencies, config.context)),
    ];
    let batches = batches(calibration);
    let mut hidden: Vec<Vec<f32>> = batches.iter().map(|batch| folded.embed(&batch.tokens)).collect();
    folded.embedding = Vec::new();
    for done in 0..config.layers {
        progress(Progress {
            stage: Stage::Rounding,
            done,
            total,
        });
        let layer = std::mem::take(&mut folded.layers[done]);
        let inputs = (!batches.is_empty()).then(|| {
            let mut inputs = Inputs::new(&folded);
            for (x, batch) in hidden.iter_mut().zip(&batches) {
                let mut cache = Cache::new(&folded, batch.spans.len());
                folded.layer(&layer, x, &batch.spans, &mut cache, Some(&mut inputs));
            }
            inputs
        });
        let rounded = |weights: &[f32], columns: usize, gram: Option<&Vec<f64>>| {
            Piece::Rows(fitted(weights, columns, options.weights, gram))
        };
        let of = inputs.as_ref();
        parts.extend([
            rounded(
                &layer.query_key_value,
                config.width,
                of.map(|inputs| &inputs.query_key_value),
            ),
            rounded(
                &layer.output,
                config.heads * config.head_width,
                of.map(|inputs| &inputs.output),
            ),
            rounded(&layer.up, config.width, of.map(|inputs| &inputs.up)),
            rounded(&layer.down, config.inner, of.map(|inputs| &inputs.down)),
        ]);
    }
    progress(Progress {
        stage: Stage::Rounding,
        done: config.layers,
        total,
    });
    let inputs = (!batches.is_empty()).then(|| {
        let mut sums = vec![0.0; config.width * config.width];
        hidden
            .iter()
            .for_each(|x| record(&folded.normed(x), config.width, &mut sums));
        sums
    });
    parts.push(Piece::Rows(fitted(
        &folded.head,
        config.width,
        options.head,
        inputs.as_ref(),
    )));
    progress(Progress {
        stage: Stage::Rounding,
        done: total,
        total,
    });
    parts
}

fn fitted(weights: &[f32], columns: usize, format: Format, gram: Option<&Vec<f64>>) -> Matrix {
    let factor = gram.and_then(|gram| Factor::new(gram, columns));
    let rounding = factor.as_ref().map_or(Rounding::Nearest, Rounding::Fitted);
    matrix(weights, columns, format, Vec::new(), rounding)
}

/// Sequences that are computed together.
struct Batch {
    tokens: Vec<u32>,
    spans: Vec<Span>,
}

fn batches(sequences: &[Vec<u32>]) -> Vec<Batch> {
    let mut batches: Vec<Batch> = Vec::new();
    for sequence in sequences {
        let fits = |batch: &&mut Batch| batch.tokens.len() + sequence.len() <= BATCH;
        let span = |at| Span {
            sequence: at,
            first: 0,
            count: sequence.len(),
        };
        match batches.last_mut().filter(fits) {
            Some(batch) => {
                batch.spans.push(span(batch.spans.len()));
                batch.tokens.extend(sequence);
            }
            None => batches.push(Batch {
                tokens: sequence.clone(),
                spans: vec![span(0)],
            }),
        }
    }
    batches
}

/// For each position, for each pair of a head.
fn angles_of(frequencies: &[f64], context: usize) -> Vec<Angle> {
    let at = |position: usize| {
        angles(frequencies, position).map(|(sine, cosine)| Angle {
            cosine: fixed(cosine, ANGLE_PLACES),
            sine: fixed(sine, ANGLE_PLACES),
        })
    };
    (0..context).into_par_iter().flat_map_iter(at).collect()
}
