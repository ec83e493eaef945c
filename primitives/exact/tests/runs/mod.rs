//! What small models made, with all that there is to be opened.
// Each test uses a part of it.
#![allow(dead_code)]

use std::sync::OnceLock;

use weft_exact::{
    fixed::Scale,
    merkle::{self, Digest},
    model::Model,
    opening::{Opener, Opening, operators, step},
    program::{Address, Choice, Config, Op, Program},
    reference::{Memory, Record, Reference},
    sampling::Random,
    trace::{Committed, Trace, token_leaves},
};

use crate::models::{FOUR, PLAIN, bert, llama, model};

pub const RANDOM: Choice = Choice::Random(Random {
    to_log2: Scale {
        mantissa: 47_274,
        shift: 15,
    },
    top_p: 60_000,
    seed: 77,
});

/// A model, and what it made.
pub struct Run {
    pub model: Model,
    pub trace: Trace,
    pub tokens: Vec<u32>,
    pub memory: Memory,
    /// Of each step; of BERT the last is that of the operators after the layers.
    pub records: Vec<Record>,
}

/// The roots over cells and sections.
pub fn committed(model: &Model, memory: &Memory, positions: usize) -> (Digest, Digest) {
    let write = |layer, kind, head, position, bytes: &mut Vec<u8>| memory.bytes(layer, kind, head, position, bytes);
    Committed::of_all(model.program(), positions, write).roots()
}

pub fn tokens_root(tokens: &[u32]) -> Digest {
    merkle::root(&token_leaves(tokens))
}

/// As an engine runs a request: the head only where a token is chosen.
pub fn run_llama(config: Config, choice: Choice, given: usize, count: usize) -> Run {
    let model = model(config);
    let mut memory = Memory::default();
    let mut tokens: Vec<u32> = (0..given).map(|at| (at * 17 % config.vocabulary) as u32).collect();
    let mut records = Vec::new();
    let positions = if count == given { count } else { count - 1 };
    for position in 0..positions {
        let choice = if position + 1 >= given { choice } else { Choice::Given };
        let record = Reference::new(&model)
            .advance(&mut memory, tokens[position], choice)
            .expect("there is room");
        if tokens.len() < count && position + 1 == tokens.len() {
            tokens.push(record.token().expect("it chose one"));
        }
        records.push(record);
    }
    let (cells, kept) = committed(&model, &memory, positions);
    let trace = Trace {
        model: model.root(),
        given: given as u32,
        count: count as u32,
        tokens: tokens_root(&tokens),
        choice,
        cells,
        kept,
        result: [0; 32],
    };
    Run {
        model,
        trace,
        tokens,
        memory,
        records,
    }
}

pub fn run_bert(config: Config, count: usize) -> Run {
    let model = model(config);
    let mut memory = Memory::default();
    let tokens: Vec<u32> = (0..count).map(|at| (at * 31 % config.vocabulary) as u32).collect();
    let (mut records, end) = Reference::new(&model)
        .encode(&mut memory, &tokens)
        .expect("there is room");
    let unit = end.tile(0, Op::Unit, 0).expect("it has a direction").bytes();
    records.push(end);
    let (cells, kept) = committed(&model, &memory, count);
    let trace = Trace {
        model: model.root(),
        given: count as u32,
        count: count as u32,
        tokens: tokens_root(&tokens),
        choice: Choice::Given,
        cells,
        kept,
        result: merkle::hash(b"weft result", &unit),
    };
    Run {
        model,
        trace,
        tokens,
        memory,
        records,
    }
}

pub fn greedy() -> &'static Run {
    static RUN: OnceLock<Run> = OnceLock::new();
    RUN.get_or_init(|| run_llama(llama(PLAIN), Choice::Greedy, 20, 40))
}

pub fn random() -> &'static Run {
    static RUN: OnceLock<Run> = OnceLock::new();
    RUN.get_or_init(|| run_llama(llama(FOUR), RANDOM, 5, 20))
}

/// Of more than one block of positions.
pub fn encoder() -> &'static Run {
    static RUN: OnceLock<Run> = OnceLock::new();
    RUN.get_or_init(|| run_bert(bert(PLAIN), 258))
}

pub fn at(layer: usize, op: Op, tile: usize) -> Address {
    Address { layer, op, tile }
}

impl Run {
    pub fn program(&self) -> &Program {
        self.model.program()
    }

    pub fn opener(&self) -> Opener<'_> {
        Opener::new(&self.model, &self.trace, &self.tokens, &self.memory).expect("they are those of the trace")
    }

    pub fn open(&self, address: Address, position: usize) -> Opening {
        self.opener()
            .open(&self.records[position], address, position)
            .expect("there is such a tile")
    }

    /// With another token, and a trace that says so.
    pub fn with_token(&self, position: usize, token: u32) -> (Trace, Vec<u32>) {
        let mut tokens = self.tokens.clone();
        tokens[position] = token;
        (
            Trace {
                tokens: tokens_root(&tokens),
                ..self.trace.clone()
            },
            tokens,
        )
    }

    pub fn roots(&self, position: usize) -> Vec<Digest> {
        let record = &self.records[position];
        let all = operators(self.program(), &self.trace, position);
        all.into_iter()
            .map(|(layer, op)| merkle::root(&record.leaves(layer, op)))
            .collect()
    }

    /// All tiles of a step.
    pub fn addresses(&self, position: usize) -> Vec<Address> {
        let program = self.program();
        let step = step(program, &self.trace, position, 0).expect("there is such a step");
        let all = operators(program, &self.trace, position).into_iter();
        all.flat_map(|(layer, op)| (0..program.tiles(op, &step)).map(move |tile| at(layer, op, tile)))
            .collect()
    }
}
