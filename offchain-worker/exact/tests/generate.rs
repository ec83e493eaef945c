//! Batches of requests: the same tokens and the same trace root from every engine, alone and together.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

// Of its helpers not all are needed here.
#[allow(dead_code)]
mod models;

use std::num::NonZeroUsize;

use models::{Numbers, kinds, model};
use weft_exact::{
    merkle,
    program::{Choice, Family},
    reference::NoStep,
    trace::Trace,
};
use weft_exact_engine::{
    Engine,
    cpu::CpuEngine,
    engine::Failure,
    generate::{Answer, Batch, End, Request, embed, generate, random_choice, root_of_all},
    kernel::ALL,
    referee::Referee,
};

const ROOT: merkle::Digest = [9; 32];

fn requests() -> Vec<Request> {
    let request = |seed, length, choice, most| Request {
        prompt: Numbers(seed).tokens(length, 90),
        choice,
        most,
        ends: vec![7],
    };
    vec![
        request(1, 20, Choice::Greedy, 12),
        request(2, 1, random_choice(1.0, 0.9, 4).unwrap(), 30),
        request(3, 33, random_choice(0.5, 1.0, 5).unwrap(), 3),
        request(4, 17, random_choice(2.0, 0.5, 6).unwrap(), 16),
    ]
}

#[test]
fn alone_and_together_and_everywhere_the_same() {
    let model = model(kinds(Family::Llama)[1], 77);
    let mut reference = Referee::new(model.clone());
    let expected: Vec<Answer> = requests()
        .into_iter()
        .flat_map(|request| generate(&mut reference, ROOT, vec![request], |_, _| {}).unwrap())
        .collect();
    assert!(expected.iter().any(|answer| answer.tokens.len() > 3));
    for kernel in ALL.into_iter().filter(|kernel| kernel.is_there()) {
        for threads in [1, 2] {
            let mut engine = CpuEngine::new(&model, kernel, NonZeroUsize::new(threads).unwrap()).unwrap();
            let mut seen = vec![Vec::new(); 4];
            let together = generate(&mut engine, ROOT, requests(), |index, token| seen[index].push(token)).unwrap();
            assert_eq!(together, expected, "{kernel}");
            assert_eq!(
                seen,
                expected.iter().map(|answer| answer.tokens.clone()).collect::<Vec<_>>()
            );
            let roots = |answers: &[Answer]| answers.iter().map(|answer| answer.trace.root()).collect::<Vec<_>>();
            assert_eq!(roots(&together), roots(&expected));
        }
    }
}

#[test]
fn requests_come_and_go() {
    let model = model(kinds(Family::Llama)[0], 78);
    let mut engine = CpuEngine::new(&model, weft_exact_engine::kernel::Kernel::best(), NonZeroUsize::MIN).unwrap();
    let alone: Vec<Answer> = requests()
        .into_iter()
        .flat_map(|request| generate(&mut engine, ROOT, vec![request], |_, _| {}).unwrap())
        .collect();
    let mut batch = Batch::new(&mut engine, ROOT);
    let mut tickets = Vec::new();
    for request in requests() {
        tickets.push(batch.start(request).unwrap());
        batch.step().unwrap();
    }
    let cut = batch.start(requests().remove(0)).unwrap();
    batch.step().unwrap();
    batch.call_off(cut);
    assert_eq!(batch.finish(cut).unwrap().unwrap().end, End::CalledOff);
    assert_eq!(batch.finish(cut).unwrap(), None);
    while batch.is_busy() {
        batch.step().unwrap();
    }
    for (ticket, alone) in tickets.into_iter().zip(alone) {
        assert_eq!(batch.finish(ticket).unwrap(), Some(alone));
    }
}

#[test]
fn the_root_binds_tokens_choice_and_model() {
    let model = model(kinds(Family::Llama)[0], 79);
    let mut engine = Referee::new(model);
    let request = requests().remove(0);
    let trace = generate(&mut engine, ROOT, vec![request.clone()], |_, _| {})
        .unwrap()
        .remove(0)
        .trace;
    let others = [
        Trace {
            model: [1; 32],
            ..trace.clone()
        },
        Trace {
            choice: random_choice(1.0, 1.0, 1).unwrap(),
            ..trace.clone()
        },
        Trace {
            given: trace.given - 1,
            ..trace.clone()
        },
        Trace {
            cells: [0; 32],
            kept: [0; 32],
            ..trace.clone()
        },
    ];
    assert!(others.iter().all(|other| other.root() != trace.root()));
    let mut longer = request;
    longer.most -= 1;
    let shorter = generate(&mut engine, ROOT, vec![longer], |_, _| {})
        .unwrap()
        .remove(0)
        .trace;
    assert_ne!(shorter.root(), trace.root());
}

#[test]
fn the_end_of_the_context_ends_an_answer() {
    let model = model(kinds(Family::Llama)[0], 80);
    let mut engine = CpuEngine::new(&model, weft_exact_engine::kernel::Kernel::best(), NonZeroUsize::MIN).unwrap();
    let request = |length| Request {
        prompt: vec![3; length],
        choice: Choice::Greedy,
        most: 50,
        ends: vec![],
    };
    let answer = generate(&mut engine, ROOT, vec![request(595)], |_, _| {})
        .unwrap()
        .remove(0);
    assert_eq!((answer.end, answer.tokens.len()), (End::ContextFull, 6));
    assert_eq!(answer.trace.positions(), 600);
    assert_eq!(
        generate(&mut engine, ROOT, vec![request(601)], |_, _| {}),
        Err(Failure::NoStep(NoStep::ContextFull))
    );
    assert_eq!(
        generate(&mut engine, ROOT, vec![request(0)], |_, _| {}),
        Err(Failure::NoStep(NoStep::Empty))
    );
    assert_eq!((random_choice(-1.0, 0.5, 0), random_choice(1.0, 1.5, 0)), (None, None));
    assert_eq!(random_choice(0.0, 0.5, 0), Some(Choice::Greedy));
}

#[test]
fn embeddings_have_one_root_for_all_texts() {
    let model = model(kinds(Family::Bert)[0], 81);
    let texts: Vec<Vec<u32>> = [5, 40, 16]
        .iter()
        .map(|length| Numbers(*length).tokens(*length as usize, 90))
        .collect();
    let texts: Vec<&[u32]> = texts.iter().map(Vec::as_slice).collect();
    let mut reference = Referee::new(model.clone());
    let mut engine = CpuEngine::new(&model, weft_exact_engine::kernel::Kernel::best(), NonZeroUsize::MIN).unwrap();
    let expected = embed(&mut reference, ROOT, &texts).unwrap();
    let made = embed(&mut engine, ROOT, &texts).unwrap();
    assert_eq!(made, expected);
    let traces: Vec<Trace> = made.iter().map(|embedding| embedding.trace.clone()).collect();
    assert_eq!(root_of_all(&traces[..1]), traces[0].root());
    let mut swapped = traces.clone();
    swapped.swap(0, 1);
    assert_ne!(root_of_all(&traces), root_of_all(&swapped));
    for embedding in &made {
        let length: f32 = embedding.vector.iter().map(|x| x * x).sum();
        assert!((length - 1.0).abs() < 1e-3, "{length}");
    }
    let _ = engine.name();
}
