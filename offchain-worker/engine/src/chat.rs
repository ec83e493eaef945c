//! Chat templates: a conversation to the text that a model was trained to continue.
//!
//! Templates come inside model files, from strangers: each runs with an instruction budget and an output limit, sees
//! no files and no clock, and any failure is an error of the model, not of the program.
//! The dialect is that of Hugging Face `transformers` (Jinja with Python's string methods, trimmed blocks).

use std::io::{self, Write};

use minijinja::{Environment, ErrorKind, context};
use serde::Serialize;
use thiserror::Error;

/// Instructions a template may execute. SmolLM2's takes about 20 a message; the largest published ones some thousands.
const FUEL: u64 = 1_000_000;
/// Longest template, in bytes. The longest published ones have about 20,000.
const MAX_TEMPLATE_BYTES: usize = 256 * 1024;
/// Room for what a template adds to the messages, in bytes.
const MAX_ADDED_BYTES: usize = 256 * 1024;
/// Nested calls and includes.
const MAX_RECURSION: usize = 64;

/// One turn of a conversation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Message {
    /// Who speaks: `system`, `user` or `assistant`; what is allowed is up to the template.
    pub role: String,
    /// What is said.
    pub content: String,
}

impl Message {
    /// What a user says.
    pub fn user(content: impl Into<String>) -> Self {
        Self {
            role: "user".to_owned(),
            content: content.into(),
        }
    }
}

/// Why a conversation cannot be rendered.
#[derive(Debug, Error)]
pub enum ChatError {
    /// The template is no valid template.
    #[error("the model's chat template does not compile: {message}")]
    Compile {
        /// What the template engine said.
        message: String,
    },
    /// The template is larger than any honest one.
    #[error("the model's chat template has {bytes} bytes; at most {limit} are allowed")]
    TemplateTooLarge {
        /// Its size.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
    /// The template failed on this conversation, or refused it.
    #[error("the model's chat template rejects this conversation: {message}")]
    Render {
        /// What the template engine or the template said.
        message: String,
    },
    /// The template ran for too long.
    #[error("the model's chat template did not finish within {limit} instructions")]
    OutOfFuel {
        /// The limit.
        limit: u64,
    },
    /// The template wrote too much.
    #[error("the model's chat template wrote more than {limit} bytes")]
    OutputTooLarge {
        /// The limit.
        limit: usize,
    },
}

/// A compiled chat template with the special tokens it may use.
#[derive(Debug)]
pub struct ChatTemplate {
    environment: Environment<'static>,
    bos_token: String,
    eos_token: String,
}

const NAME: &str = "chat";

impl ChatTemplate {
    /// Compiles `source`. `bos_token` and `eos_token` are the texts that the template sees under these names.
    pub fn new(source: &str, bos_token: &str, eos_token: &str) -> Result<Self, ChatError> {
        if source.len() > MAX_TEMPLATE_BYTES {
            return Err(ChatError::TemplateTooLarge {
                bytes: source.len(),
                limit: MAX_TEMPLATE_BYTES,
            });
        }
        let mut environment = Environment::new();
        environment.set_fuel(Some(FUEL));
        environment.set_recursion_limit(MAX_RECURSION);
        environment.set_trim_blocks(true);
        environment.set_lstrip_blocks(true);
        environment.set_unknown_method_callback(minijinja_contrib::pycompat::unknown_method_callback);
        environment.add_function(
            "raise_exception",
            |message: String| -> Result<String, minijinja::Error> {
                Err(minijinja::Error::new(ErrorKind::InvalidOperation, message))
            },
        );
        environment
            .add_template_owned(NAME, source.to_owned())
            .map_err(|error| ChatError::Compile { message: chain(&error) })?;
        Ok(Self {
            environment,
            bos_token: bos_token.to_owned(),
            eos_token: eos_token.to_owned(),
        })
    }

    /// The text of `messages`. With `add_generation_prompt` it ends where the assistant is to speak.
    pub fn render(&self, messages: &[Message], add_generation_prompt: bool) -> Result<String, ChatError> {
        let spoken: usize = messages
            .iter()
            .map(|message| message.role.len() + message.content.len())
            .sum();
        let limit = spoken.saturating_mul(2).saturating_add(MAX_ADDED_BYTES);
        let mut output = Limited {
            bytes: Vec::new(),
            limit,
            exceeded: false,
        };
        let template = self
            .environment
            .get_template(NAME)
            .map_err(|error| ChatError::Compile { message: chain(&error) })?;
        let rendered = template.render_captured_to(
            context! {
                messages,
                add_generation_prompt,
                bos_token => self.bos_token,
                eos_token => self.eos_token,
            },
            &mut output,
        );
        match rendered {
            _ if output.exceeded => Err(ChatError::OutputTooLarge { limit }),
            Err(error) if error.kind() == ErrorKind::OutOfFuel => Err(ChatError::OutOfFuel { limit: FUEL }),
            Err(error) => Err(ChatError::Render { message: chain(&error) }),
            // Templates and values are text, so their concatenation is UTF-8.
            Ok(_) => Ok(String::from_utf8_lossy(&output.bytes).into_owned()),
        }
    }
}

/// An error with its causes on one line.
fn chain(error: &minijinja::Error) -> String {
    let mut message = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        message.push_str(": ");
        message.push_str(&cause.to_string());
        source = cause.source();
    }
    message
}

/// A buffer that refuses to grow beyond a limit.
struct Limited {
    bytes: Vec<u8>,
    limit: usize,
    exceeded: bool,
}

impl Write for Limited {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        if self.bytes.len().saturating_add(buffer.len()) > self.limit {
            self.exceeded = true;
            return Err(io::Error::other("output limit"));
        }
        self.bytes.extend_from_slice(buffer);
        Ok(buffer.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Trims, loops and the generation prompt, as in published templates.
    const TEMPLATE: &str = "{%- if messages[0]['role'] != 'system' -%}\n{{ bos_token }}\n{%- endif %}\n\
        {% for message in messages %}\n<{{ message.role.upper() }}>{{ message['content'] | trim }}{{ eos_token }}\n{% endfor %}\n\
        {% if add_generation_prompt %}<ASSISTANT>{% endif %}";

    #[test]
    fn renders_turns_and_the_generation_prompt() {
        let template = ChatTemplate::new(TEMPLATE, "<s>", "</s>").unwrap();
        let messages = [Message::user("  What is 1+1? ")];
        let text = template.render(&messages, true).unwrap();
        assert_eq!(text, "<s><USER>What is 1+1?</s>\n<ASSISTANT>");
        assert_eq!(
            template.render(&messages, false).unwrap(),
            "<s><USER>What is 1+1?</s>\n"
        );
    }

    #[test]
    fn content_is_data_and_not_template() {
        let template = ChatTemplate::new("{{ messages[0].content }}", "", "").unwrap();
        let sly = "{{ 7 * 7 }} <b>&</b>";
        assert_eq!(template.render(&[Message::user(sly)], false).unwrap(), sly);
    }

    #[test]
    fn an_endless_template_runs_out_of_fuel() {
        let source = "{% for a in range(9999) %}{% for b in range(9999) %}{% set c = a * b %}{% endfor %}{% endfor %}";
        let error = ChatTemplate::new(source, "", "").unwrap().render(&[], true);
        assert!(matches!(error, Err(ChatError::OutOfFuel { .. })), "{error:?}");
    }

    #[test]
    fn a_template_that_floods_is_stopped() {
        let source = "{% for a in range(9999) %}{{ 'x' * 90000 }}{% endfor %}";
        let error = ChatTemplate::new(source, "", "").unwrap().render(&[], true);
        assert!(matches!(error, Err(ChatError::OutputTooLarge { .. })), "{error:?}");
    }

    #[test]
    fn a_refusal_carries_the_template_s_words() {
        let source = "{{ raise_exception('roles must alternate') }}";
        let error = ChatTemplate::new(source, "", "")
            .unwrap()
            .render(&[Message::user("x")], true)
            .unwrap_err();
        assert!(error.to_string().contains("roles must alternate"), "{error}");
    }

    #[test]
    fn a_broken_template_is_an_error() {
        let error = ChatTemplate::new("{% for %}", "", "").unwrap_err();
        assert!(matches!(error, ChatError::Compile { .. }));
        let large = "x".repeat(MAX_TEMPLATE_BYTES + 1);
        let error = ChatTemplate::new(&large, "", "").unwrap_err();
        assert!(matches!(error, ChatError::TemplateTooLarge { .. }));
    }
}
