//! Exact models from files of float models.

use std::fs::File;
use std::io;
use std::path::Path;

use weft_exact_engine::convert::{self, BertOptions, Calibration, Format, LlamaOptions, Progress};
use weft_exact_engine::files::{self, Manifest, Origin};

use super::open::ExactError;
use super::text::TOKENIZER;
use super::{metadata_file, source};
use crate::bert::ModelFiles;
use crate::device::Device;
use crate::engine_error::EngineError;
use crate::gguf::Gguf;
use crate::kind::ModelKind;
use crate::model_error::ModelError;
use crate::tokenizer::TextTokenizer;

/// Sequences that a model writes for its own calibration.
const WRITTEN: usize = 16;
/// Tokens of each.
const WRITTEN_LENGTH: usize = 256;
/// Tokens of a sequence of a text that is given for calibration.
const GIVEN_LENGTH: usize = 512;
/// Most tokens of such a text: more no longer change much, but cost time.
const MOST_GIVEN: usize = 1 << 15;

/// The file with the weights of an embedding model.
const WEIGHTS: &str = "model.safetensors";

/// How a model is converted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConvertOptions {
    /// How weights are stored.
    pub weights: Format,
    /// What the rounding of a text model's weights is fitted to; embedding models are rounded to the nearest.
    pub fitting: Fitting,
    /// Where all random numbers start.
    pub seed: u64,
}

impl Default for ConvertOptions {
    fn default() -> Self {
        Self {
            weights: Format::ROWS,
            fitting: Fitting::Written,
            seed: 0,
        }
    }
}

/// What the rounding of weights is fitted to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Fitting {
    /// Text that the float model writes.
    #[default]
    Written,
    /// This text.
    Given(String),
    /// Nothing: each weight becomes the nearest.
    None,
}

/// Converts the model that `model` leads to, and writes the exact one into the directory `out` with all that is needed to use it.
/// The same file and options give the same bytes on every machine.
pub fn convert(
    model: &Path,
    out: &Path,
    options: &ConvertOptions,
    device: Device,
    progress: &mut (dyn FnMut(Progress) + Send),
) -> Result<Manifest, ExactError> {
    let opened = device.open().map_err(EngineError::from)?;
    match ModelKind::detect(model).map_err(EngineError::from)? {
        ModelKind::Text(file) => opened.run(|| text(&file, out, options, progress)),
        ModelKind::Embedding(dir) => opened.run(|| embedding(&dir, out, options, progress)),
        ModelKind::Image(_) => Err(ExactError::Engine(EngineError::Model(
            ModelError::UnsupportedArchitecture {
                found: "image classifier".to_owned(),
                supported: "exact models are made of text and embedding models",
            },
        ))),
    }
}

fn text(
    file: &Path,
    out: &Path,
    options: &ConvertOptions,
    progress: &mut (dyn FnMut(Progress) + Send),
) -> Result<Manifest, ExactError> {
    let gguf = Gguf::open(file).map_err(EngineError::from)?;
    let float = source::llama(&gguf).map_err(EngineError::from)?;
    let context = float.context;
    let tokenizer = TextTokenizer::from_metadata(gguf.metadata()).map_err(EngineError::from)?;
    let (calibration, origin) = match &options.fitting {
        Fitting::None => (Calibration::None, ("nearest", "")),
        Fitting::Written => {
            let start = tokenizer.begin().unwrap_or(0);
            let written = Calibration::Written {
                starts: vec![start; WRITTEN],
                length: WRITTEN_LENGTH.min(context),
            };
            (written, ("gptq", "generated"))
        }
        Fitting::Given(text) => {
            let mut tokens = tokenizer.encode(text).map_err(EngineError::from)?;
            tokens.truncate(MOST_GIVEN);
            let sequences = tokens
                .chunks(GIVEN_LENGTH.min(context).max(1))
                .map(<[u32]>::to_vec)
                .collect();
            (Calibration::Given(sequences), ("gptq", "given"))
        }
    };
    let how = LlamaOptions {
        seed: options.seed,
        weights: options.weights,
        // The head decides between tokens: it is not made coarser with the rest.
        head: Format {
            bits: Format::ROWS.bits,
            ..options.weights
        },
        calibration,
        ..LlamaOptions::default()
    };
    let made = convert::llama(float, &how, progress)?;
    let origin = Origin {
        source: name_of(file),
        source_digest: digest(file)?,
        seed: options.seed,
        rounding: origin.0.to_owned(),
        calibration_tokens: made.calibration.iter().map(|sequence| sequence.len() as u64).sum(),
        calibration: origin.1.to_owned(),
    };
    let manifest = Manifest::of(&made.model, origin);
    files::write_file(out, TOKENIZER, &metadata_file::of(gguf.metadata()))?;
    files::write(out, &made.model, &manifest)?;
    Ok(manifest)
}

fn embedding(
    dir: &Path,
    out: &Path,
    options: &ConvertOptions,
    progress: &mut (dyn FnMut(Progress) + Send),
) -> Result<Manifest, ExactError> {
    let files_read = ModelFiles::read(dir).map_err(EngineError::from)?;
    let float = source::bert(&files_read).map_err(EngineError::from)?;
    let how = BertOptions {
        weights: options.weights,
        ..BertOptions::default()
    };
    let model = convert::bert(&float, &how, progress)?;
    let origin = Origin {
        source: WEIGHTS.to_owned(),
        source_digest: digest(&dir.join(WEIGHTS))?,
        rounding: "nearest".to_owned(),
        ..Origin::default()
    };
    let manifest = Manifest::of(&model, origin);
    for (name, bytes) in files_read.iter().filter(|(name, _)| *name != WEIGHTS) {
        files::write_file(out, name, bytes)?;
    }
    files::write(out, &model, &manifest)?;
    Ok(manifest)
}

fn name_of(file: &Path) -> String {
    file.file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default()
}

/// blake2b-256 of a file, in hexadecimal digits.
fn digest(file: &Path) -> Result<String, ExactError> {
    let failed = |error: io::Error| {
        EngineError::from(ModelError::File {
            name: file.display().to_string(),
            problem: error.to_string(),
        })
    };
    let mut state = blake2b_simd::Params::new().hash_length(32).to_state();
    io::copy(&mut File::open(file).map_err(failed)?, &mut state).map_err(failed)?;
    Ok(state.finalize().to_hex().to_string())
}
