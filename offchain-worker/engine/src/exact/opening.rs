//! Openings of exact answers: one tile of one step, with what proves it.

use std::path::Path;

use weft_exact::merkle::Digest;
use weft_exact::model::Model;
use weft_exact::opening::Opening;
use weft_exact::program::Family;
use weft_exact::trace::Trace;
use weft_exact_engine::Engine;
use weft_exact_engine::files;
use weft_exact_engine::generate::{embed, generate};
use weft_exact_engine::opening::{Question, opening};

use super::embedding::tokenizer;
use super::open::{ExactError, KernelChoice, engine};
use super::text::{encoder, request};
use crate::device::Device;
use crate::engine_error::EngineError;
use crate::generate::GenerationParams;
use crate::prompt::Prompt;

/// Answers a text anew, as a user's message or, if `raw`, as it stands, and opens one tile of the answer. An embedding model
/// embeds the text instead.
pub fn open_answer(
    dir: &Path,
    text: &str,
    raw: bool,
    params: &GenerationParams,
    question: &Question<'_>,
    device: Device,
    kernel: KernelChoice,
) -> Result<Opening, ExactError> {
    let (model, manifest) = files::read(dir)?;
    let mut engine: Box<dyn Engine> = engine(&model, device, kernel)?;
    let (trace, tokens) = match manifest.config.family {
        Family::Llama => {
            let prompt = if raw {
                Prompt::Raw(text.to_owned())
            } else {
                Prompt::user(text)
            };
            answer(dir, &mut *engine, &model, &prompt, params, manifest.model_root)?
        }
        Family::Bert => {
            let ids = tokenizer(dir, manifest.config.context)?
                .encode(text)
                .map_err(EngineError::from)?
                .ids;
            let mut embeddings = embed(&mut *engine, manifest.model_root, &[&ids])?;
            let Some(embedding) = embeddings.pop() else {
                return Err(EngineError::EmptyPrompt.into());
            };
            (embedding.trace, ids)
        }
    };
    Ok(opening(&mut *engine, &model, &trace, &tokens, question)?)
}

fn answer(
    dir: &Path,
    engine: &mut dyn Engine,
    model: &Model,
    prompt: &Prompt,
    params: &GenerationParams,
    root: Digest,
) -> Result<(Trace, Vec<u32>), ExactError> {
    let request = request(&encoder(dir)?, prompt, params, model.program().config().context)?;
    let mut tokens = request.prompt.clone();
    let Some(answer) = generate(engine, root, vec![request], |_, _| ())?.pop() else {
        return Err(EngineError::EmptyPrompt.into());
    };
    tokens.extend(answer.tokens);
    Ok((answer.trace, tokens))
}
