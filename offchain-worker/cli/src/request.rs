//! What travels sealed between user and device: the request, and the answer.

use serde::{Deserialize, Serialize};

/// Most bytes of a request's or an answer's JSON.
pub const MAX_BYTES: usize = 1 << 20;
/// Most messages of a chat, and most texts to embed.
const MAX_ITEMS: usize = 256;

/// What a user asks of a model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "task")]
pub enum Request {
    /// Continue a chat.
    Chat {
        /// The conversation so far.
        messages: Vec<Message>,
        /// Most tokens to generate.
        max_tokens: u32,
        /// How to choose tokens; greedily without it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        sampling: Option<Sampling>,
    },
    /// Embed texts.
    Embed {
        /// The texts.
        texts: Vec<String>,
    },
}

/// One message of a chat.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// `system`, `user` or `assistant`.
    pub role: String,
    /// What was said.
    pub content: String,
}

/// How to choose among likely tokens.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sampling {
    /// Flattens (above 1) or sharpens (below 1) the distribution.
    pub temperature: f32,
    /// Only the likeliest tokens that together have this probability.
    pub top_p: f32,
    /// Start of the random numbers: the same seed gives the same answer.
    pub seed: u64,
}

/// What a device answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "task")]
pub enum Answer {
    /// To [`Request::Chat`].
    Chat {
        /// What the model said.
        text: String,
        /// Tokens generated and charged.
        tokens: u32,
        /// Tokens of the prompt.
        prompt_tokens: u32,
        /// Generated tokens per second on the device.
        tokens_per_s: f64,
        /// What computed it.
        device: String,
    },
    /// To [`Request::Embed`].
    Embed {
        /// One vector a text.
        embeddings: Vec<Vec<f32>>,
        /// Tokens embedded and charged.
        tokens: u32,
        /// What computed it.
        device: String,
    },
}

/// Why a request or answer is not usable.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidMessage {
    /// Not JSON of the known form.
    #[error("it cannot be read ({0})")]
    Malformed(String),
    /// It asks for nothing, or for too much.
    #[error("it is empty or has more than {MAX_ITEMS} parts")]
    Size,
    /// Numbers that make no sense.
    #[error("its sampling parameters make no sense")]
    Sampling,
    /// A role that chats do not have.
    #[error("it has a message of unknown role")]
    Role,
}

impl Request {
    /// A chat of one user message, chosen greedily.
    pub fn prompt(text: String, max_tokens: u32, sampling: Option<Sampling>) -> Self {
        Self::Chat {
            messages: vec![Message {
                role: "user".into(),
                content: text,
            }],
            max_tokens,
            sampling,
        }
    }

    /// Reads a request from a stranger.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, InvalidMessage> {
        let request: Self =
            serde_json::from_slice(bytes).map_err(|error| InvalidMessage::Malformed(error.to_string()))?;
        let items = match &request {
            Self::Chat { messages, sampling, .. } => {
                if messages
                    .iter()
                    .any(|message| !["system", "user", "assistant"].contains(&message.role.as_str()))
                {
                    return Err(InvalidMessage::Role);
                }
                let sensible = |sampling: &Sampling| {
                    sampling.temperature.is_finite()
                        && sampling.temperature >= 0.0
                        && sampling.top_p > 0.0
                        && sampling.top_p <= 1.0
                };
                if !sampling.as_ref().is_none_or(sensible) {
                    return Err(InvalidMessage::Sampling);
                }
                messages.len()
            }
            Self::Embed { texts } => texts.len(),
        };
        if items == 0 || items > MAX_ITEMS {
            return Err(InvalidMessage::Size);
        }
        Ok(request)
    }
}

impl Answer {
    /// Reads an answer from a stranger.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, InvalidMessage> {
        serde_json::from_slice(bytes).map_err(|error| InvalidMessage::Malformed(error.to_string()))
    }

    /// Tokens to charge.
    pub fn tokens(&self) -> u32 {
        match self {
            Self::Chat { tokens, .. } | Self::Embed { tokens, .. } => *tokens,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn prompts_arrive_as_they_were_sent(text in ".{0,200}", max_tokens: u32, seed: u64) {
            let sampling = Some(Sampling { temperature: 0.7, top_p: 0.9, seed });
            let request = Request::prompt(text, max_tokens, sampling);
            let bytes = serde_json::to_vec(&request).unwrap();
            prop_assert_eq!(Request::from_bytes(&bytes), Ok(request));
        }

        #[test]
        fn no_bytes_from_strangers_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = Request::from_bytes(&bytes);
            let _ = Answer::from_bytes(&bytes);
        }
    }

    #[test]
    fn each_defect_has_its_own_error() {
        let read = |json: &str| Request::from_bytes(json.as_bytes()).unwrap_err();
        assert!(matches!(read("{}"), InvalidMessage::Malformed(_)));
        assert_eq!(read(r#"{"task":"embed","texts":[]}"#), InvalidMessage::Size);
        assert_eq!(
            read(r#"{"task":"chat","messages":[{"role":"root","content":""}],"max_tokens":1}"#),
            InvalidMessage::Role
        );
        assert_eq!(
            read(
                r#"{"task":"chat","messages":[{"role":"user","content":""}],"max_tokens":1,"sampling":{"temperature":-1,"top_p":1,"seed":0}}"#
            ),
            InvalidMessage::Sampling
        );
    }
}
