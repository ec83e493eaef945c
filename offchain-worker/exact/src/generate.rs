//! Text, token by token, of several requests at once, with what commits to it.
//!
//! A request joins the batch when it starts and leaves it when it ends: the others go on meanwhile, and none of them gets other
//! tokens for it.

use weft_exact::{
    fixed::Fixed,
    merkle::{self, Digest},
    pool::UNIT_PLACES,
    program::Choice,
    reference::NoStep,
    sampling::choose,
    trace::{LEAF_POSITIONS, Trace, token_leaves},
};

use crate::engine::{Engine, Failure, Slot, Work};

/// Tokens of a prompt that are taken in at a time, so that those which have begun to answer do not wait for long.
const MOST_AT_ONCE: usize = 512;

/// What is asked for.
#[derive(Clone, Debug)]
pub struct Request {
    /// Tokens to continue; at least one.
    pub prompt: Vec<u32>,
    /// How tokens are chosen: greedily or at random.
    pub choice: Choice,
    /// Most tokens to make; at least one.
    pub most: usize,
    /// Tokens that end an answer.
    pub ends: Vec<u32>,
}

/// Why an answer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// One of [`Request::ends`] was chosen.
    EndToken,
    /// As many as wanted were made.
    Most,
    /// The model's context is full.
    ContextFull,
    /// It was called off.
    CalledOff,
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Tokens made, with the one that ended it.
    pub tokens: Vec<u32>,
    /// Why it ended.
    pub end: End,
    /// What commits to it.
    pub trace: Trace,
    /// The cells of its positions, which the trace commits to.
    pub cells: Vec<Digest>,
}

/// One of the requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(usize);

/// A token that was just made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event {
    /// Whose.
    pub ticket: Ticket,
    /// The token.
    pub token: u32,
    /// Whether it was the last one.
    pub end: Option<End>,
}

struct Running {
    ticket: Ticket,
    slot: Slot,
    request: Request,
    /// Given and made.
    tokens: Vec<u32>,
    /// The cells of the positions so far.
    cells: Vec<Digest>,
    /// As many of them.
    positions: usize,
    end: Option<End>,
}

/// Requests that an engine works on together.
pub struct Batch<'a> {
    engine: &'a mut dyn Engine,
    model: Digest,
    running: Vec<Running>,
    issued: usize,
}

impl<'a> Batch<'a> {
    /// With an engine whose model has a root.
    pub fn new(engine: &'a mut dyn Engine, model: Digest) -> Self {
        Self {
            engine,
            model,
            running: Vec::new(),
            issued: 0,
        }
    }

    /// Adds a request; it starts with the next step.
    pub fn start(&mut self, request: Request) -> Result<Ticket, Failure> {
        let config = self.engine.program().config();
        if request.prompt.is_empty() {
            return Err(NoStep::Empty.into());
        }
        if request.prompt.len() > config.context {
            return Err(NoStep::ContextFull.into());
        }
        if let Some(token) = request
            .prompt
            .iter()
            .find(|token| **token as usize >= config.vocabulary)
        {
            return Err(NoStep::UnknownToken(*token).into());
        }
        let ticket = Ticket(self.issued);
        self.issued += 1;
        self.running.push(Running {
            ticket,
            slot: self.engine.open(),
            tokens: request.prompt.clone(),
            request,
            cells: Vec::new(),
            positions: 0,
            end: None,
        });
        Ok(ticket)
    }

    /// Whether a request still makes tokens.
    pub fn is_busy(&self) -> bool {
        self.running.iter().any(|running| running.end.is_none())
    }

    /// Takes every request further: prompts by some tokens, answers by one, which are given back.
    pub fn step(&mut self) -> Result<Vec<Event>, Failure> {
        let engine = &mut *self.engine;
        let work = self
            .running
            .iter()
            .filter(|running| running.end.is_none())
            .map(|running| {
                let from = engine.position(running.slot);
                let to = running.tokens.len().min(from + MOST_AT_ONCE);
                Work {
                    slot: running.slot,
                    tokens: &running.tokens[from..to],
                    logits: to == running.tokens.len(),
                }
            });
        let work: Vec<Work<'_>> = work.collect();
        let logits = engine.advance(&work)?;
        let context = engine.program().config().context;
        let mut events = Vec::new();
        for (running, logits) in self
            .running
            .iter_mut()
            .filter(|running| running.end.is_none())
            .zip(logits)
        {
            let Some(logits) = logits else { continue };
            let position = running.tokens.len() - 1;
            // A vocabulary is not empty.
            let token = choose(&logits, running.request.choice.random(), position as u64).unwrap_or(0);
            running.tokens.push(token);
            let made = running.tokens.len() - running.request.prompt.len();
            running.end = if running.request.ends.contains(&token) {
                Some(End::EndToken)
            } else if made >= running.request.most {
                Some(End::Most)
            } else if running.tokens.len() > context {
                Some(End::ContextFull)
            } else {
                None
            };
            events.push(Event {
                ticket: running.ticket,
                token,
                end: running.end,
            });
        }
        for running in &mut self.running {
            let position = self.engine.position(running.slot);
            running.commit(self.engine, position / LEAF_POSITIONS * LEAF_POSITIONS)?;
        }
        Ok(events)
    }

    /// Ends a request before its time.
    pub fn call_off(&mut self, ticket: Ticket) {
        let found = self.running.iter_mut().find(|running| running.ticket == ticket);
        if let Some(running) = found
            && running.end.is_none()
        {
            running.end = Some(End::CalledOff);
        }
    }

    /// Whether a request has ended and waits to be finished.
    pub fn has_ended(&self, ticket: Ticket) -> bool {
        self.running
            .iter()
            .any(|running| running.ticket == ticket && running.end.is_some())
    }

    /// The answer to a request that has ended; `None` if it has not, or is not there.
    pub fn finish(&mut self, ticket: Ticket) -> Result<Option<Answer>, Failure> {
        let Some(at) = self
            .running
            .iter()
            .position(|running| running.ticket == ticket && running.end.is_some())
        else {
            return Ok(None);
        };
        let mut running = self.running.remove(at);
        let positions = self.engine.position(running.slot);
        let committed = running.commit(self.engine, positions);
        self.engine.close(running.slot);
        committed?;
        let given = running.request.prompt.len();
        let trace = Trace {
            model: self.model,
            given: given as u32,
            count: running.tokens.len() as u32,
            tokens: merkle::root(&token_leaves(&running.tokens)),
            choice: running.request.choice,
            cells: merkle::root(&running.cells),
            kept: [0; 32],
            result: [0; 32],
        };
        Ok(Some(Answer {
            tokens: running.tokens.split_off(given),
            end: running.end.unwrap_or(End::CalledOff),
            trace,
            cells: running.cells,
        }))
    }
}

impl Drop for Batch<'_> {
    fn drop(&mut self) {
        self.running.iter().for_each(|running| self.engine.close(running.slot));
    }
}

impl Running {
    /// Commits to what is kept up to a position.
    fn commit(&mut self, engine: &mut dyn Engine, end: usize) -> Result<(), Failure> {
        if self.positions < end {
            self.cells.extend(engine.cells(self.slot, self.positions, end)?);
            self.positions = end;
        }
        Ok(())
    }
}

/// All requests at once; answers in their order.
pub fn generate(
    engine: &mut dyn Engine,
    model: Digest,
    requests: Vec<Request>,
    mut on_token: impl FnMut(usize, u32),
) -> Result<Vec<Answer>, Failure> {
    let mut batch = Batch::new(engine, model);
    let tickets = requests
        .into_iter()
        .map(|request| batch.start(request))
        .collect::<Result<Vec<_>, _>>()?;
    while batch.is_busy() {
        for event in batch.step()? {
            if let Some(index) = tickets.iter().position(|ticket| *ticket == event.ticket) {
                on_token(index, event.token);
            }
        }
    }
    let mut answers = Vec::new();
    for ticket in tickets {
        answers.extend(batch.finish(ticket)?);
    }
    Ok(answers)
}

/// A text's embedding and what commits to it.
#[derive(Clone, Debug, PartialEq)]
pub struct Embedding {
    /// Of length 1.
    pub vector: Vec<f32>,
    /// Its trace.
    pub trace: Trace,
    /// The cells that the trace commits to.
    pub cells: Vec<Digest>,
}

/// Embeddings of texts; at most [`weft_exact::program::Config::context`] tokens each.
pub fn embed(engine: &mut dyn Engine, model: Digest, texts: &[&[u32]]) -> Result<Vec<Embedding>, Failure> {
    let encoded = engine.encode(texts)?;
    let embedding = |(tokens, encoded): (&&[u32], crate::engine::Encoded)| {
        let unit: Vec<u8> = encoded.unit.iter().flat_map(|x| x.to_le_bytes()).collect();
        Embedding {
            vector: encoded
                .unit
                .iter()
                .map(|x| (f64::from(*x) / f64::from(1 << UNIT_PLACES)) as f32)
                .collect(),
            trace: Trace {
                model,
                given: tokens.len() as u32,
                count: tokens.len() as u32,
                tokens: merkle::root(&token_leaves(tokens)),
                choice: Choice::Given,
                cells: merkle::root(&encoded.cells),
                kept: [0; 32],
                result: merkle::hash(b"weft result", &unit),
            },
            cells: encoded.cells,
        }
    };
    Ok(texts.iter().zip(encoded).map(embedding).collect())
}

/// One root over the traces of several texts: their roots are leaves of a tree.
pub fn root_of_all(traces: &[Trace]) -> Digest {
    let roots: Vec<Digest> = traces.iter().map(|trace| merkle::leaf(&trace.root())).collect();
    match traces {
        [single] => single.root(),
        _ => merkle::root(&roots),
    }
}

/// How random choice is asked for in floats; `None` where a number is out of range. A temperature of 0 is greedy.
pub fn random_choice(temperature: f32, top_p: f32, seed: u64) -> Option<Choice> {
    if !(0.0..=100.0).contains(&temperature) || !(0.0..=1.0).contains(&top_p) {
        return None;
    }
    if temperature == 0.0 {
        return Some(Choice::Greedy);
    }
    let factor = std::f64::consts::LOG2_E / f64::from(temperature.max(0.001));
    Some(Choice::Random(weft_exact::sampling::Random {
        to_log2: weft_exact::fixed::Scale::new((factor * 2f64.powi(40)) as u64, 40),
        top_p: (f64::from(top_p) * 65_536.0).round() as u32,
        seed,
    }))
}

/// Logits as floats, for measures of quality.
pub fn floats(logits: &[Fixed]) -> Vec<f32> {
    logits.iter().map(|x| *x as f32 / 65_536.0).collect()
}
