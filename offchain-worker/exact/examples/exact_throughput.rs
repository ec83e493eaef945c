//! How fast an exact model runs here: DIRECTORY THREADS [KERNEL]. Prints one JSON object; `scripts/bench.sh` pairs it with peers.

use std::{num::NonZeroUsize, path::Path, time::Instant};

use serde_json::json;
use weft_exact::{
    fixed::Fixed,
    merkle::Digest,
    program::{Choice, Family, Program},
    sampling::choose,
};
use weft_exact_engine::{
    Encoded, Engine, Slot, Work,
    cpu::CpuEngine,
    engine::Failure,
    files,
    generate::{Request, generate},
    kernel::Kernel,
};

/// Tokens of the prompt, and of the answer.
const PROMPT: usize = 512;
const ANSWER: usize = 128;
const STREAMS: usize = 8;
/// How often whole answers are timed.
const ROUNDS: usize = 4;

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

fn main() -> Outcome<()> {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, dir, threads, rest @ ..] = &arguments[..] else {
        return Err("usage: exact_throughput DIRECTORY THREADS [KERNEL]".into());
    };
    let kernel = rest.first().map_or(Ok(Kernel::best()), |name| name.parse())?;
    let started = Instant::now();
    let (model, manifest) = files::read(Path::new(dir))?;
    let read = started.elapsed();
    let threads: NonZeroUsize = threads.parse()?;
    let mut engine = CpuEngine::new(&model, kernel, threads)?;
    let ready = started.elapsed();
    drop(model);
    let mut figures = match manifest.config.family {
        Family::Llama => text(&mut engine, manifest.model_root)?,
        Family::Bert => embeddings(&mut engine)?,
    };
    figures["engine"] = json!(engine.name());
    figures["read_s"] = json!(read.as_secs_f64());
    figures["ready_s"] = json!(ready.as_secs_f64());
    println!("{figures}");
    Ok(())
}

/// Tokens of ordinary frequency, the same in every run.
fn tokens(count: usize, vocabulary: usize) -> Vec<u32> {
    (0..count)
        .map(|at| (1_000 + at * 7_919 % (vocabulary / 2)) as u32)
        .collect()
}

fn text(engine: &mut CpuEngine, root: Digest) -> Outcome<serde_json::Value> {
    let vocabulary = engine.program().config().vocabulary;
    let prompt = tokens(PROMPT, vocabulary);
    // Once to warm up.
    let slot = engine.open();
    engine.advance(&[Work {
        slot,
        tokens: &prompt[..64],
        logits: true,
    }])?;
    engine.close(slot);

    let slot = engine.open();
    let started = Instant::now();
    let mut logits = engine.advance(&[Work {
        slot,
        tokens: &prompt,
        logits: true,
    }])?;
    let prefill = started.elapsed().as_secs_f64();
    let started = Instant::now();
    for _ in 0..ANSWER {
        let token = choose(logits[0].as_deref().unwrap_or_default(), None, 0).unwrap_or(0);
        logits = engine.advance(&[Work {
            slot,
            tokens: &[token],
            logits: true,
        }])?;
    }
    let decode = started.elapsed().as_secs_f64();
    engine.close(slot);

    // Whole answers with a trace and without, in turn.
    let mut seconds = [f64::INFINITY; 2];
    for round in 0..2 * ROUNDS {
        let request = Request {
            prompt: prompt.clone(),
            choice: Choice::Greedy,
            most: ANSWER,
            ends: Vec::new(),
        };
        let started = Instant::now();
        match round % 2 {
            0 => generate(engine, root, vec![request], |_, _| {})?,
            _ => generate(&mut Untraced(engine), root, vec![request], |_, _| {})?,
        };
        seconds[round % 2] = started.elapsed().as_secs_f64().min(seconds[round % 2]);
    }

    // As other programs measure it: from a short beginning.
    let slot = engine.open();
    let mut logits = engine.advance(&[Work {
        slot,
        tokens: &prompt[..16],
        logits: true,
    }])?;
    let started = Instant::now();
    for _ in 0..ANSWER {
        let token = choose(logits[0].as_deref().unwrap_or_default(), None, 0).unwrap_or(0);
        logits = engine.advance(&[Work {
            slot,
            tokens: &[token],
            logits: true,
        }])?;
    }
    let short = started.elapsed().as_secs_f64();
    engine.close(slot);

    let slots: Vec<_> = (0..STREAMS).map(|_| engine.open()).collect();
    for slot in &slots {
        engine.advance(&[Work {
            slot: *slot,
            tokens: &prompt[..16],
            logits: true,
        }])?;
    }
    let started = Instant::now();
    for token in &prompt[..ANSWER / 2] {
        let token = [*token];
        let batch: Vec<Work<'_>> = slots
            .iter()
            .map(|slot| Work {
                slot: *slot,
                tokens: &token,
                logits: true,
            })
            .collect();
        for logits in engine.advance(&batch)? {
            choose(&logits.unwrap_or_default(), None, 0);
        }
    }
    let streams = started.elapsed().as_secs_f64();
    slots.into_iter().for_each(|slot| engine.close(slot));
    let (alone, together) = (ANSWER as f64 / short, (STREAMS * ANSWER / 2) as f64 / streams);
    Ok(json!({
        "prefill_tokens_per_s": PROMPT as f64 / prefill,
        "tokens_per_s": alone,
        "tokens_per_s_after_prompt": ANSWER as f64 / decode,
        "streams_tokens_per_s": together,
        "streams_ratio": together / alone,
        "trace_share": seconds[0] / seconds[1] - 1.0,
    }))
}

/// An engine that shows nothing of what positions keep, so that nothing is committed to.
struct Untraced<'a>(&'a mut CpuEngine);

impl Engine for Untraced<'_> {
    fn program(&self) -> &Program {
        self.0.program()
    }

    fn name(&self) -> String {
        self.0.name()
    }

    fn open(&mut self) -> Slot {
        self.0.open()
    }

    fn close(&mut self, slot: Slot) {
        self.0.close(slot);
    }

    fn position(&self, slot: Slot) -> usize {
        self.0.position(slot)
    }

    fn advance(&mut self, batch: &[Work<'_>]) -> Result<Vec<Option<Vec<Fixed>>>, Failure> {
        self.0.advance(batch)
    }

    fn group(&mut self, _: Slot, _: usize) -> Result<Vec<Vec<u8>>, Failure> {
        Ok(Vec::new())
    }

    fn cells(&mut self, _: Slot, _: usize, _: usize) -> Result<Vec<Digest>, Failure> {
        Ok(Vec::new())
    }

    fn encode(&mut self, texts: &[&[u32]]) -> Result<Vec<Encoded>, Failure> {
        self.0.encode(texts)
    }
}

fn embeddings(engine: &mut CpuEngine) -> Outcome<serde_json::Value> {
    let vocabulary = engine.program().config().vocabulary;
    let mut figures = json!({});
    for length in [32, 128] {
        let texts: Vec<Vec<u32>> = (0..8)
            .map(|at| tokens(length + at, vocabulary)[at..].to_vec())
            .collect();
        let texts: Vec<&[u32]> = texts.iter().map(Vec::as_slice).collect();
        engine.encode(&texts)?;
        let (started, mut made) = (Instant::now(), 0);
        while started.elapsed().as_secs_f64() < 2.0 {
            made += engine.encode(&texts)?.len();
        }
        figures[format!("sentences_per_s_{length}")] = json!(made as f64 / started.elapsed().as_secs_f64());
    }
    Ok(figures)
}
