//! What a model is to continue, and how it becomes tokens.

use crate::chat::{ChatTemplate, Message};
use crate::engine_error::EngineError;
use crate::gguf::{Metadata, optional};
use crate::tokenizer::TextTokenizer;

/// What the model is to continue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Prompt {
    /// A conversation, put through the model's own chat template.
    Chat(Vec<Message>),
    /// Plain text, continued as it stands.
    Raw(String),
}

impl Prompt {
    /// One message of a user.
    pub fn user(text: impl Into<String>) -> Self {
        Self::Chat(vec![Message::user(text)])
    }
}

/// A text model's tokenizer and chat template.
pub(crate) struct PromptEncoder {
    tokenizer: TextTokenizer,
    template: Option<ChatTemplate>,
}

impl PromptEncoder {
    /// Those that a GGUF file describes.
    pub(crate) fn from_metadata(metadata: &Metadata) -> Result<Self, EngineError> {
        let tokenizer = TextTokenizer::from_metadata(metadata)?;
        let template = optional(metadata.text("tokenizer.chat_template"))?
            .map(|source| ChatTemplate::new(source, tokenizer.bos_text(), tokenizer.eos_text()))
            .transpose()?;
        Ok(Self { tokenizer, template })
    }

    pub(crate) fn tokenizer(&self) -> &TextTokenizer {
        &self.tokenizer
    }

    /// Token ids of `prompt`, at least one.
    pub(crate) fn tokens(&self, prompt: &Prompt) -> Result<Vec<u32>, EngineError> {
        let tokens = match prompt {
            Prompt::Raw(text) => self.tokenizer.encode(text)?,
            Prompt::Chat(messages) => {
                let template = self.template.as_ref().ok_or(EngineError::NoChatTemplate)?;
                self.tokenizer.encode(&template.render(messages, true)?)?
            }
        };
        if tokens.is_empty() {
            return Err(EngineError::EmptyPrompt);
        }
        Ok(tokens)
    }
}
