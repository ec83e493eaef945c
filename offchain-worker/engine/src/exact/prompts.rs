//! What is asked of an exact model, as a job commits to it: tokens, how they are chosen, how many are made and what ends an answer.
//!
//! It takes the model's tokenizer alone, so that whoever posts a job can make it without the model. It is made here for engines as well:
//! an answer that was computed as it was asked for is never at fault.

use std::sync::Arc;

use weft_disputes::{Among, MAX_ENDS, Prompt as Committed};
use weft_exact::merkle::{self, Digest};
use weft_exact::program::Choice;

use super::open::ExactError;
use super::text::{TOKENIZER, choice, encoder_of};
use crate::bert::{BertConfig, ModelFiles, max_tokens};
use crate::embed::sentence_tokenizer;
use crate::engine_error::EngineError;
use crate::generate::GenerationParams;
use crate::prompt::{Prompt, PromptEncoder};
use crate::tokenizer::SentenceTokenizer;

/// The files of an embedding model that its tokenizer is made of, where they are there.
pub const SENTENCE_TOKENIZER: [&str; 5] = [
    "tokenizer.json",
    "vocab.txt",
    "tokenizer_config.json",
    "sentence_bert_config.json",
    "config.json",
];

/// One text that is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// Its tokens.
    pub tokens: Vec<u32>,
    /// What is committed to.
    pub prompt: Committed,
}

/// Makes tokens of what is asked, without the model.
#[derive(Clone)]
pub struct Prompts(Tokenizer);

#[derive(Clone)]
enum Tokenizer {
    Text(Arc<PromptEncoder>),
    Sentences(Arc<SentenceTokenizer>),
}

impl Prompts {
    /// Of a text model's tokenizer, or of an embedding model's.
    ///
    /// # Errors
    /// If neither is there, or it is unsound.
    pub fn from_files(files: &ModelFiles) -> Result<Self, ExactError> {
        if let Some(tokenizer) = files.get(TOKENIZER) {
            return Ok(Self(Tokenizer::Text(Arc::new(encoder_of(tokenizer.to_vec())?))));
        }
        // A model's context is its configuration's, as conversion takes it.
        let context = BertConfig::from_files(files)
            .map_err(EngineError::from)?
            .max_position_embeddings;
        let longest = max_tokens(files, context).map_err(EngineError::from)?;
        Ok(Self(Tokenizer::Sentences(Arc::new(sentence_tokenizer(
            files, longest,
        )?))))
    }

    pub(super) fn of_text(encoder: Arc<PromptEncoder>) -> Self {
        Self(Tokenizer::Text(encoder))
    }

    pub(super) fn of_sentences(tokenizer: Arc<SentenceTokenizer>) -> Self {
        Self(Tokenizer::Sentences(tokenizer))
    }

    /// A chat. The salt is drawn at random for each job.
    ///
    /// # Errors
    /// If the model is none of text, or could not answer it.
    pub fn of_chat(&self, prompt: &Prompt, params: &GenerationParams, salt: [u8; 32]) -> Result<Asked, ExactError> {
        let Tokenizer::Text(encoder) = &self.0 else {
            return Err(ExactError::OtherTask);
        };
        let Generated {
            tokens,
            choice,
            most,
            ends,
        } = Generated::of(encoder, prompt, params)?;
        if ends.len() > MAX_ENDS {
            return Err(ExactError::ManyEnds { ends: ends.len() });
        }
        let most = u32::try_from(most).unwrap_or(u32::MAX);
        Ok(Asked {
            prompt: Committed::of(salt, &tokens, choice, most, ends),
            tokens,
        })
    }

    /// Texts to embed, each with a salt of its own that follows from the job's.
    ///
    /// # Errors
    /// If the model is none of embeddings, or a text cannot be made tokens of.
    pub fn of_texts<T: AsRef<str>>(&self, texts: &[T], salt: [u8; 32]) -> Result<Vec<Asked>, ExactError> {
        let Tokenizer::Sentences(tokenizer) = &self.0 else {
            return Err(ExactError::OtherTask);
        };
        let asked = texts.iter().zip(0u32..).map(|(text, place)| {
            let tokens = tokenizer.encode(text.as_ref()).map_err(EngineError::from)?.ids;
            Ok(Asked {
                prompt: Committed::of(salt_of(&salt, place), &tokens, Choice::Given, 0, Vec::new()),
                tokens,
            })
        });
        asked.collect()
    }
}

/// The salt of one text among a job's.
fn salt_of(salt: &[u8; 32], place: u32) -> [u8; 32] {
    merkle::hash(b"weft prompt salt 1", &[&salt[..], &place.to_le_bytes()].concat())
}

/// What a job commits to that asks for these; `None` if it asks for nothing.
pub fn commitment(asked: &[Asked]) -> Option<Digest> {
    let all: Vec<Digest> = asked.iter().map(|asked| asked.prompt.commitment()).collect();
    match all.as_slice() {
        [] => None,
        [single] => Some(*single),
        several => Some(merkle::root(
            &several.iter().map(|digest| merkle::leaf(digest)).collect::<Vec<_>>(),
        )),
    }
}

/// The place of one among those that a job asks for; `None` if it is the only one.
pub fn among(asked: &[Asked], place: usize) -> Option<Among> {
    let all: Vec<Digest> = asked.iter().map(|asked| asked.prompt.commitment()).collect();
    Among::of(&all, place)
}

/// What an engine is to do for a prompt.
pub(super) struct Generated {
    /// Tokens to continue.
    pub(super) tokens: Vec<u32>,
    /// How tokens are chosen.
    pub(super) choice: Choice,
    /// Most tokens to make.
    pub(super) most: usize,
    /// Tokens that end an answer.
    pub(super) ends: Vec<u32>,
}

impl Generated {
    pub(super) fn of(encoder: &PromptEncoder, prompt: &Prompt, params: &GenerationParams) -> Result<Self, ExactError> {
        Ok(Self {
            tokens: encoder.tokens(prompt)?,
            choice: choice(&params.sampling)?,
            most: params.max_tokens.max(1),
            ends: encoder.tokenizer().ends().to_vec(),
        })
    }
}
