//! What travels sealed between user and device: the request, and the answer.

use serde::{Deserialize, Serialize};

/// Most bytes of a request's or an answer's JSON.
pub const MAX_BYTES: usize = 1 << 20;
/// Most messages of a chat, and most texts to embed.
const MAX_ITEMS: usize = 256;

/// What a user asks of a model. In JSON the field `task` says which.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case", tag = "task")]
pub enum Request {
    /// Continue a chat.
    Chat(Chat),
    /// Embed texts.
    Embed(Embed),
    /// Say what images show.
    Classify(Classify),
}

/// A chat to continue.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Chat {
    /// The conversation so far.
    pub messages: Vec<Message>,
    /// Most tokens to generate.
    pub max_tokens: u32,
    /// How to choose tokens; greedily without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sampling: Option<Sampling>,
    /// With which the job commits to the prompt, 32 bytes in hexadecimal digits; without it the job does not.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "salt")]
    pub salt: Option<[u8; 32]>,
}

/// Texts to embed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Embed {
    /// The texts.
    pub texts: Vec<String>,
    /// With which the job commits to the texts, 32 bytes in hexadecimal digits; without it the job does not.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "salt")]
    pub salt: Option<[u8; 32]>,
}

/// Images to classify.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Classify {
    /// Pixels of each image in the model's size, a byte each, 0 black and 255 white, row by row from the top.
    pub images: Vec<Vec<u8>>,
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

/// What a device answers. In JSON the field `task` says which.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case", tag = "task")]
pub enum Answer {
    /// To [`Request::Chat`].
    Chat(Said),
    /// To [`Request::Embed`].
    Embed(Embedded),
    /// To [`Request::Classify`].
    Classify(Classified),
}

/// What the model said.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Said {
    /// Its text.
    pub text: String,
    /// Tokens generated and charged.
    pub tokens: u32,
    /// Tokens of the prompt.
    pub prompt_tokens: u32,
    /// Generated tokens per second on the device.
    pub tokens_per_s: f64,
    /// What computed it.
    pub device: String,
    /// Of an exact job, what its trace is made of (`crate::dispute::evidence`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<String>,
}

/// The embedded texts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Embedded {
    /// One vector a text.
    pub embeddings: Vec<Vec<f32>>,
    /// Tokens embedded and charged.
    pub tokens: u32,
    /// What computed it.
    pub device: String,
    /// Of an exact job, what its traces are made of (`crate::dispute::evidence`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<String>,
}

/// What images show.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Classified {
    /// What the classes are called.
    pub labels: Vec<String>,
    /// For each image the probability of each label.
    pub probabilities: Vec<Vec<f32>>,
    /// Images classified, each charged as one token.
    pub tokens: u32,
    /// What computed it.
    pub device: String,
}

impl Classified {
    /// The likeliest label of each image, and its probability.
    pub fn best(&self) -> impl Iterator<Item = (&str, f32)> {
        self.probabilities.iter().filter_map(|probabilities| {
            let best = self
                .labels
                .iter()
                .zip(probabilities)
                .max_by(|(_, a), (_, b)| a.total_cmp(b));
            best.map(|(label, probability)| (label.as_str(), *probability))
        })
    }
}

/// 32 bytes in JSON: hexadecimal digits.
mod salt {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(salt: &Option<[u8; 32]>, serializer: S) -> Result<S::Ok, S::Error> {
        match salt {
            Some(salt) => serializer.serialize_str(&hex::encode(salt)),
            None => serializer.serialize_none(),
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<[u8; 32]>, D::Error> {
        let Some(digits) = Option::<String>::deserialize(deserializer)? else {
            return Ok(None);
        };
        let mut salt = [0; 32];
        hex::decode_to_slice(digits, &mut salt)
            .map_err(|_| D::Error::custom("a salt is 32 bytes in hexadecimal digits"))?;
        Ok(Some(salt))
    }
}

/// The field that says what the others are. Read on its own, as serde buffers what stands beside a tag, and floats do not
/// survive that where any crate of the build asks for `serde_json/arbitrary_precision`.
#[derive(Deserialize)]
struct Task {
    task: String,
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

impl From<serde_json::Error> for InvalidMessage {
    fn from(error: serde_json::Error) -> Self {
        Self::Malformed(error.to_string())
    }
}

impl Request {
    /// A chat of one user message.
    pub fn prompt(text: String, max_tokens: u32, sampling: Option<Sampling>) -> Self {
        Self::Chat(Chat {
            messages: vec![Message {
                role: "user".into(),
                content: text,
            }],
            max_tokens,
            sampling,
            salt: None,
        })
    }

    /// Sets the salt with which the job commits to what is asked. Images are not committed to.
    pub fn set_salt(&mut self, salt: [u8; 32]) {
        match self {
            Self::Chat(chat) => chat.salt = Some(salt),
            Self::Embed(embed) => embed.salt = Some(salt),
            Self::Classify(_) => {}
        }
    }

    /// Reads a request from a stranger.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, InvalidMessage> {
        let Task { task } = serde_json::from_slice(bytes)?;
        let (request, items) = match task.as_str() {
            "chat" => {
                let chat: Chat = serde_json::from_slice(bytes)?;
                chat.check()?;
                let items = chat.messages.len();
                (Self::Chat(chat), items)
            }
            "embed" => {
                let embed: Embed = serde_json::from_slice(bytes)?;
                let items = embed.texts.len();
                (Self::Embed(embed), items)
            }
            "classify" => {
                let classify: Classify = serde_json::from_slice(bytes)?;
                let items = classify.images.len();
                (Self::Classify(classify), items)
            }
            other => return Err(InvalidMessage::Malformed(format!("no task is called `{other}`"))),
        };
        if items == 0 || items > MAX_ITEMS {
            return Err(InvalidMessage::Size);
        }
        Ok(request)
    }
}

impl Chat {
    fn check(&self) -> Result<(), InvalidMessage> {
        let known = |message: &Message| ["system", "user", "assistant"].contains(&message.role.as_str());
        if !self.messages.iter().all(known) {
            return Err(InvalidMessage::Role);
        }
        if !self.sampling.is_none_or(Sampling::is_sensible) {
            return Err(InvalidMessage::Sampling);
        }
        Ok(())
    }
}

impl Sampling {
    /// Whether the numbers make sense.
    pub fn is_sensible(self) -> bool {
        self.temperature.is_finite() && self.temperature >= 0.0 && self.top_p > 0.0 && self.top_p <= 1.0
    }
}

impl Answer {
    /// Reads an answer from a stranger.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, InvalidMessage> {
        let Task { task } = serde_json::from_slice(bytes)?;
        match task.as_str() {
            "chat" => Ok(Self::Chat(serde_json::from_slice(bytes)?)),
            "embed" => Ok(Self::Embed(serde_json::from_slice(bytes)?)),
            "classify" => Ok(Self::Classify(serde_json::from_slice(bytes)?)),
            other => Err(InvalidMessage::Malformed(format!("no task is called `{other}`"))),
        }
    }

    /// Takes what an exact answer's trace is made of out of the answer.
    pub fn take_evidence(&mut self) -> Option<String> {
        match self {
            Self::Chat(said) => said.evidence.take(),
            Self::Embed(embedded) => embedded.evidence.take(),
            Self::Classify(_) => None,
        }
    }

    /// Adds it.
    pub fn with_evidence(mut self, evidence: Option<String>) -> Self {
        match &mut self {
            Self::Chat(said) => said.evidence = evidence,
            Self::Embed(embedded) => embedded.evidence = evidence,
            Self::Classify(_) => {}
        }
        self
    }

    /// Tokens to charge.
    pub fn tokens(&self) -> u32 {
        match self {
            Self::Chat(said) => said.tokens,
            Self::Embed(embedded) => embedded.tokens,
            Self::Classify(classified) => classified.tokens,
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
        fn a_salt_arrives_as_it_was_sent(text in ".{0,50}", salt: [u8; 32]) {
            let chat = Request::prompt(text.clone(), 3, None);
            let embed = Request::Embed(Embed { texts: vec![text], salt: None });
            for mut request in [chat, embed] {
                let unsalted = serde_json::to_string(&request).unwrap();
                prop_assert!(!unsalted.contains("\"salt\""));
                request.set_salt(salt);
                let bytes = serde_json::to_vec(&request).unwrap();
                prop_assert_eq!(Request::from_bytes(&bytes), Ok(request));
            }
        }

        #[test]
        fn answers_arrive_as_they_were_sent(text in ".{0,200}", tokens: u32, speed: u16, vector: [i16; 4]) {
            let said = Said { text, tokens, prompt_tokens: 1, tokens_per_s: f64::from(speed) / 16.0, device: "cpu".into(), evidence: None };
            let embeddings = vec![vector.iter().map(|x| f32::from(*x) / 32_768.0).collect()];
            let embedded = Embedded { embeddings, tokens, device: "cpu".into(), evidence: Some("00".into()) };
            let classified = Classified {
                labels: vec!["a".into(), "b".into()],
                probabilities: vec![vec![0.25, 0.75]],
                tokens,
                device: "cpu".into(),
            };
            for answer in [Answer::Chat(said), Answer::Embed(embedded), Answer::Classify(classified)] {
                let bytes = serde_json::to_vec(&answer).unwrap();
                prop_assert_eq!(Answer::from_bytes(&bytes), Ok(answer));
            }
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
        assert!(matches!(read(r#"{"task":"sing"}"#), InvalidMessage::Malformed(_)));
        assert_eq!(read(r#"{"task":"embed","texts":[]}"#), InvalidMessage::Size);
        for salt in ["\"00\"", "\"salt\"", "7"] {
            let salted = format!(r#"{{"task":"embed","texts":["a"],"salt":{salt}}}"#);
            assert!(matches!(read(&salted), InvalidMessage::Malformed(_)), "{salt}");
        }
        assert_eq!(read(r#"{"task":"classify","images":[]}"#), InvalidMessage::Size);
        assert!(matches!(
            read(r#"{"task":"classify","images":[[256]]}"#),
            InvalidMessage::Malformed(_)
        ));
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
