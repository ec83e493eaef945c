//! Byte-level BPE from a GGUF file's metadata.

use std::collections::HashSet;

use tokenizers::models::bpe::{BPE, Vocab};
use tokenizers::pre_tokenizers::PreTokenizerWrapper;
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::pre_tokenizers::digits::Digits;
use tokenizers::pre_tokenizers::sequence::Sequence;
use tokenizers::pre_tokenizers::split::{Split, SplitPattern};
use tokenizers::{AddedToken, SplitDelimiterBehavior, Tokenizer};

use super::TokenizerError;
use super::byte_level::{TokenStream, byte_of};
use crate::gguf::{Metadata, optional};

/// `tokenizer.ggml.token_type` of tokens that are matched whole in text and yield none ("control").
const CONTROL: i64 = 3;
/// ... of tokens that are matched whole and yield their own text ("user defined").
const USER_DEFINED: i64 = 4;

const SUPPORTED_PRE_TOKENIZERS: &str = "`default`, `gpt-2`, `smollm`, `llama-bpe`";

/// The tokenizer of a text-generation model.
pub struct TextTokenizer {
    inner: Tokenizer,
    /// Bytes that each token stands for; none for control tokens.
    token_bytes: Vec<Box<[u8]>>,
    control: HashSet<u32>,
    bos: Option<u32>,
    end: Vec<u32>,
    adds_bos: bool,
    bos_text: String,
    eos_text: String,
}

impl TextTokenizer {
    /// Builds the tokenizer that `tokenizer.ggml.*` describes.
    pub fn from_metadata(metadata: &Metadata) -> Result<Self, TokenizerError> {
        let model = metadata.text("tokenizer.ggml.model")?;
        if model != "gpt2" {
            return Err(TokenizerError::UnsupportedModel {
                model: model.to_owned(),
            });
        }
        let tokens = metadata.texts("tokenizer.ggml.tokens")?;
        let types = metadata.integers("tokenizer.ggml.token_type")?;
        if types.len() != tokens.len() {
            return Err(TokenizerError::malformed(format!(
                "{} tokens, but {} token types",
                tokens.len(),
                types.len()
            )));
        }
        let pre = optional(metadata.text("tokenizer.ggml.pre"))?.unwrap_or("default");
        let mut inner = Tokenizer::new(bpe(tokens, metadata.texts("tokenizer.ggml.merges")?)?);
        inner.with_pre_tokenizer(Some(pre_tokenizer(pre)?));

        let mut token_bytes = Vec::with_capacity(tokens.len());
        let mut control = HashSet::new();
        let mut added = Vec::new();
        for (id, (token, kind)) in (0u32..).zip(tokens.iter().zip(types)) {
            match *kind {
                CONTROL => {
                    control.insert(id);
                    token_bytes.push(Box::default());
                }
                USER_DEFINED => token_bytes.push(token.as_bytes().into()),
                _ => token_bytes.push(bytes_of(token)),
            }
            if matches!(*kind, CONTROL | USER_DEFINED) && !token.is_empty() {
                let token = AddedToken::from(token.clone(), *kind == CONTROL);
                added.push(token.normalized(false));
            }
        }
        inner.add_special_tokens(&added);

        let special = |key: &str| -> Result<Option<u32>, TokenizerError> {
            let Some(id) = optional(metadata.u32(key))? else {
                return Ok(None);
            };
            if id as usize >= tokens.len() {
                return Err(TokenizerError::malformed(format!(
                    "`{key}` is {id}, but there are only {} tokens",
                    tokens.len()
                )));
            }
            Ok(Some(id))
        };
        let bos = special("tokenizer.ggml.bos_token_id")?;
        let eos = special("tokenizer.ggml.eos_token_id")?;
        let mut end: Vec<u32> = eos.into_iter().collect();
        end.extend(special("tokenizer.ggml.eot_token_id")?);
        end.extend(special("tokenizer.ggml.eom_token_id")?);
        let text_of = |id: Option<u32>| id.and_then(|id| tokens.get(id as usize)).cloned().unwrap_or_default();
        Ok(Self {
            inner,
            token_bytes,
            control,
            bos,
            end,
            adds_bos: optional(metadata.bool("tokenizer.ggml.add_bos_token"))?.unwrap_or(false),
            bos_text: text_of(bos),
            eos_text: text_of(eos),
        })
    }

    /// Number of tokens.
    pub fn vocabulary_size(&self) -> usize {
        self.token_bytes.len()
    }

    /// The token that begins a text, if the tokenizer has one.
    pub fn begin(&self) -> Option<u32> {
        self.bos
    }

    /// Text of the token that begins a sequence; empty where the model has none. Chat templates use it.
    pub fn bos_text(&self) -> &str {
        &self.bos_text
    }

    /// Text of the token that ends a sequence; empty where the model has none. Chat templates use it.
    pub fn eos_text(&self) -> &str {
        &self.eos_text
    }

    /// Tokens that end a generation.
    pub fn ends(&self) -> &[u32] {
        &self.end
    }

    /// Whether `token` ends a generation.
    pub fn is_end(&self, token: u32) -> bool {
        self.end.contains(&token)
    }

    /// Ids of `text`. Control tokens written out in it (such as `<|im_end|>`) are matched, as in the reference
    /// implementations; where the model wants a begin token and the text does not start with it, it is put in front.
    pub fn encode(&self, text: &str) -> Result<Vec<u32>, TokenizerError> {
        let encoding = self.inner.encode_fast(text, false).map_err(TokenizerError::library)?;
        let mut ids = encoding.get_ids().to_vec();
        if let Some(bos) = self.bos
            && self.adds_bos
            && ids.first() != Some(&bos)
        {
            ids.insert(0, bos);
        }
        Ok(ids)
    }

    /// Bytes that `token` adds to the text: none for control tokens and for ids outside the vocabulary.
    pub fn bytes(&self, token: u32) -> &[u8] {
        self.token_bytes.get(token as usize).map_or(&[], |bytes| bytes)
    }

    /// Whether `token` is a control token, which is no part of the text.
    pub fn is_control(&self, token: u32) -> bool {
        self.control.contains(&token)
    }

    /// Text of `tokens`, the lossy way for what is not UTF-8.
    pub fn decode(&self, tokens: &[u32]) -> String {
        let mut stream = TokenStream::new();
        let mut text: String = tokens.iter().map(|token| stream.push(self.bytes(*token))).collect();
        text.push_str(&stream.finish());
        text
    }
}

fn bpe(tokens: &[String], merges: &[String]) -> Result<BPE, TokenizerError> {
    let ids =
        u32::try_from(tokens.len()).map_err(|_| TokenizerError::malformed("more tokens than 32 bits can number"))?;
    let vocabulary: Vocab = tokens.iter().cloned().zip(0..ids).collect();
    if vocabulary.len() != tokens.len() {
        return Err(TokenizerError::malformed("a token occurs twice"));
    }
    let merges = merges
        .iter()
        .map(|merge| {
            merge
                .split_once(' ')
                .map(|(left, right)| (left.to_owned(), right.to_owned()))
                .ok_or_else(|| TokenizerError::malformed(format!("the merge `{merge}` is not a pair")))
        })
        .collect::<Result<Vec<_>, _>>()?;
    BPE::builder()
        .vocab_and_merges(vocabulary, merges)
        .build()
        .map_err(TokenizerError::library)
}

/// How text is cut into words before merging. `smollm` cuts at every digit, then as GPT-2; `llama-bpe` is the
/// expression of Llama 3.
fn pre_tokenizer(name: &str) -> Result<PreTokenizerWrapper, TokenizerError> {
    let gpt2 = ByteLevel::new(false, true, true);
    let steps: Vec<PreTokenizerWrapper> = match name {
        "default" | "gpt-2" => vec![gpt2.into()],
        "smollm" => vec![Digits::new(true).into(), gpt2.into()],
        "llama-bpe" => {
            const LLAMA3: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
            let split = Split::new(
                SplitPattern::Regex(LLAMA3.to_owned()),
                SplitDelimiterBehavior::Isolated,
                false,
            )
            .map_err(TokenizerError::library)?;
            vec![split.into(), ByteLevel::new(false, true, false).into()]
        }
        _ => {
            return Err(TokenizerError::UnsupportedPreTokenizer {
                name: name.to_owned(),
                supported: SUPPORTED_PRE_TOKENIZERS,
            });
        }
    };
    Ok(Sequence::new(steps).into())
}

/// Bytes of a token written in the byte alphabet; a token that is not (seen in some conversions) is its own UTF-8.
fn bytes_of(token: &str) -> Box<[u8]> {
    token
        .chars()
        .map(byte_of)
        .collect::<Option<Vec<u8>>>()
        .unwrap_or_else(|| token.as_bytes().to_vec())
        .into()
}
