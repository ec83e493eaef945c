//! Tokenizers of sentence-embedding models, from the files beside their weights.

use tokenizers::models::bpe::Vocab;
use tokenizers::models::wordpiece::WordPiece;
use tokenizers::normalizers::BertNormalizer;
use tokenizers::pre_tokenizers::bert::BertPreTokenizer;
use tokenizers::processors::bert::BertProcessing;
use tokenizers::{Tokenizer, TruncationDirection, TruncationParams, TruncationStrategy};

use super::TokenizerError;

/// A text as a sentence encoder takes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenizedText {
    /// Token ids, with the tokens that begin and end a sequence.
    pub ids: Vec<u32>,
    /// Segment of each token (all zero for a single text).
    pub type_ids: Vec<u32>,
}

/// The tokenizer of a sentence-embedding model: no padding, cut to the model's longest sequence.
pub struct SentenceTokenizer {
    inner: Tokenizer,
}

impl SentenceTokenizer {
    /// From the bytes of a `tokenizer.json`. Its own padding and truncation give way to `max_tokens`, the longest
    /// sequence in tokens with the special ones counted.
    pub fn from_json(json: &[u8], max_tokens: usize) -> Result<Self, TokenizerError> {
        let inner = Tokenizer::from_bytes(json).map_err(TokenizerError::library)?;
        Self::limited(inner, max_tokens)
    }

    /// From the text of a BERT `vocab.txt`: one WordPiece token a line. `lowercase` is `do_lower_case` of the model's
    /// `tokenizer_config.json`.
    pub fn from_vocabulary(vocabulary: &str, lowercase: bool, max_tokens: usize) -> Result<Self, TokenizerError> {
        let ids: Vocab = vocabulary
            .lines()
            .map(|line| line.trim_end_matches('\r').to_owned())
            .zip(0u32..)
            .collect();
        let id_of = |token: &str| {
            ids.get(token)
                .copied()
                .ok_or_else(|| TokenizerError::malformed(format!("the vocabulary lacks `{token}`")))
        };
        let (begin, end) = (id_of("[CLS]")?, id_of("[SEP]")?);
        id_of("[UNK]")?;
        let model = WordPiece::builder()
            .vocab(ids)
            .unk_token("[UNK]".to_owned())
            .build()
            .map_err(TokenizerError::library)?;
        let mut inner = Tokenizer::new(model);
        inner
            .with_normalizer(Some(BertNormalizer::new(true, true, None, lowercase)))
            .with_pre_tokenizer(Some(BertPreTokenizer))
            .with_post_processor(Some(BertProcessing::new(
                ("[SEP]".to_owned(), end),
                ("[CLS]".to_owned(), begin),
            )));
        Self::limited(inner, max_tokens)
    }

    fn limited(mut inner: Tokenizer, max_tokens: usize) -> Result<Self, TokenizerError> {
        inner.with_padding(None);
        inner
            .with_truncation(Some(TruncationParams {
                direction: TruncationDirection::Right,
                max_length: max_tokens,
                strategy: TruncationStrategy::LongestFirst,
                stride: 0,
            }))
            .map_err(TokenizerError::library)?;
        Ok(Self { inner })
    }

    /// Ids of `text`, cut to the longest sequence.
    pub fn encode(&self, text: &str) -> Result<TokenizedText, TokenizerError> {
        let encoding = self.inner.encode_fast(text, true).map_err(TokenizerError::library)?;
        Ok(TokenizedText {
            ids: encoding.get_ids().to_vec(),
            type_ids: encoding.get_type_ids().to_vec(),
        })
    }
}
