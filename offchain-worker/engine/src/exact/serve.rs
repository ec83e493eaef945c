//! Continuous batching: one thread keeps a text model going for whoever asks. Who asks joins the batch when the next step begins, and
//! leaves it with an answer that does not depend on the others.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};

use weft_exact::merkle::Digest;
use weft_exact_engine::Engine;
use weft_exact_engine::engine::Failure;
use weft_exact_engine::generate::Batch;

use weft_disputes::ShownSketch;

use super::evidence::Published;
use super::open::ExactError;
use super::prompts::Prompts;
use super::text::{Answering, ExactGeneration, ExactText, request};
use crate::generate::GenerationParams;
use crate::prompt::{Prompt, PromptEncoder};

/// An exact text model that answers several at once. Its thread ends when the last handle is gone.
#[derive(Clone)]
pub struct ExactServer {
    asks: mpsc::Sender<Ask>,
    device: String,
    root: Digest,
    published: Published,
    prompts: Prompts,
}

struct Ask {
    prompt: Prompt,
    params: GenerationParams,
    called_off: Arc<AtomicBool>,
    reply: mpsc::Sender<Result<ExactGeneration, ExactError>>,
}

/// Someone who waits.
struct Waiting {
    answer: Answering,
    called_off: Arc<AtomicBool>,
    reply: mpsc::Sender<Result<ExactGeneration, ExactError>>,
}

impl ExactServer {
    /// Starts the thread.
    pub fn start(model: ExactText) -> Result<Self, ExactError> {
        let (device, root, published) = (model.device(), model.root(), model.published());
        let (asks, asked) = mpsc::channel();
        let (encoder, mut engine, _) = model.into_parts();
        let encoder = Arc::new(encoder);
        let prompts = Prompts::of_text(encoder.clone());
        std::thread::Builder::new()
            .name("exact-batch".to_owned())
            .spawn(move || while serve(&encoder, &mut *engine, root, &asked).is_continue() {})
            .map_err(|error| Failure::Device(format!("cannot start a thread: {error}")))?;
        Ok(Self {
            asks,
            device,
            root,
            published,
            prompts,
        })
    }

    /// What makes tokens of what is asked.
    pub fn prompts(&self) -> &Prompts {
        &self.prompts
    }

    /// What commits to the model.
    pub fn root(&self) -> Digest {
        self.root
    }

    /// What an answer's trace is made of.
    pub fn evidence(&self, answer: &ExactGeneration) -> Vec<ShownSketch> {
        self.published
            .evidence(&[(&answer.trace, &answer.all_tokens, &answer.cells)])
    }

    /// What computes, such as `cpu:2:amx`.
    pub fn device(&self) -> &str {
        &self.device
    }

    /// Answers a prompt, and waits for it. Once `called_off` is set the answer ends with what there is.
    pub fn answer(
        &self,
        prompt: Prompt,
        params: GenerationParams,
        called_off: Arc<AtomicBool>,
    ) -> Result<ExactGeneration, ExactError> {
        let (reply, answer) = mpsc::channel();
        let gone = || {
            ExactError::from(Failure::Device(
                "its thread has ended: start the program again".to_owned(),
            ))
        };
        self.asks
            .send(Ask {
                prompt,
                params,
                called_off,
                reply,
            })
            .map_err(|_| gone())?;
        answer.recv().map_err(|_| gone())?
    }
}

/// Keeps a batch going until nobody can ask any more (`Break`), or the device fails (`Continue`: with a new batch).
fn serve(
    encoder: &PromptEncoder,
    engine: &mut dyn Engine,
    root: Digest,
    asked: &mpsc::Receiver<Ask>,
) -> ControlFlow<()> {
    let context = engine.program().config().context;
    let mut batch = Batch::new(engine, root);
    let mut waiting: Vec<Waiting> = Vec::new();
    loop {
        let mut next = match waiting.is_empty() {
            true => match asked.recv() {
                Ok(ask) => Some(ask),
                Err(_) => return ControlFlow::Break(()),
            },
            false => asked.try_recv().ok(),
        };
        while let Some(Ask {
            prompt,
            params,
            called_off,
            reply,
        }) = next
        {
            let begun = request(encoder, &prompt, &params, context)
                .and_then(|request| Ok(Answering::start(&mut batch, request)?));
            match begun {
                Ok(answer) => waiting.push(Waiting {
                    answer,
                    called_off,
                    reply,
                }),
                // Whoever does not wait any more misses nothing.
                Err(error) => drop(reply.send(Err(error))),
            }
            next = asked.try_recv().ok();
        }
        if waiting.is_empty() {
            continue;
        }
        match batch.step() {
            Ok(events) => {
                for event in &events {
                    let own = waiting.iter_mut().find(|waiting| waiting.answer.ticket == event.ticket);
                    let Some(own) = own else { continue };
                    // Nothing is shown token by token.
                    let _ = own
                        .answer
                        .push(encoder.tokenizer(), event, |_| ControlFlow::Continue(()));
                }
            }
            Err(failure) => {
                for waiting in waiting {
                    drop(waiting.reply.send(Err(failure.clone().into())));
                }
                return ControlFlow::Continue(());
            }
        }
        for waiting in waiting
            .iter()
            .filter(|waiting| waiting.called_off.load(Ordering::Relaxed))
        {
            batch.call_off(waiting.answer.ticket);
        }
        let (ended, others): (Vec<Waiting>, Vec<Waiting>) = waiting
            .into_iter()
            .partition(|waiting| batch.has_ended(waiting.answer.ticket));
        waiting = others;
        for Waiting { answer, reply, .. } in ended {
            // It has ended, so that there is an answer.
            if let Some(made) = answer.finish(&mut batch).transpose() {
                drop(reply.send(made));
            }
        }
    }
}
