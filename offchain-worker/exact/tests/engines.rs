//! The processor's engine against the reference: the same bits whatever the kernel, the threads or the batch.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod models;

use std::num::NonZeroUsize;

use models::{Numbers, kinds, model, model_of, wide_heads};
use weft_exact::{program::Family, reference::NoStep, trace::LEAF_POSITIONS};
use weft_exact_engine::{
    Engine, Slot, Work,
    cpu::CpuEngine,
    engine::Failure,
    kernel::{ALL, Kernel},
    referee::Referee,
};

/// Every kernel of this machine, on one and on two threads.
fn engines(model: &weft_exact::model::Model) -> Vec<Box<dyn Engine>> {
    let there = ALL.into_iter().filter(|kernel| kernel.is_there());
    let both = there.flat_map(|kernel| [(kernel, 1), (kernel, 2)]);
    both.map(|(kernel, threads)| {
        let threads = NonZeroUsize::new(threads).unwrap();
        Box::new(CpuEngine::new(model, kernel, threads).unwrap()) as Box<dyn Engine>
    })
    .collect()
}

fn kept(engine: &mut dyn Engine, slot: Slot) -> Vec<Vec<Vec<u8>>> {
    let positions = engine.position(slot);
    (0..positions)
        .step_by(LEAF_POSITIONS)
        .map(|first| engine.group(slot, first).unwrap())
        .collect()
}

#[test]
fn text_models_give_the_reference_s_bits() {
    for (at, kind) in kinds(Family::Llama).into_iter().enumerate() {
        let model = model(kind, 0x5eed + at as u64);
        let vocabulary = model.program().config().vocabulary;
        // Over the end of a block of 256 positions in one kind, to keep the reference's time short.
        let long = if at == 1 { 270 } else { 33 };
        let prompt = Numbers(3).tokens(long, vocabulary);
        let others = [
            Numbers(5).tokens(40, vocabulary),
            Numbers(6).tokens(1, vocabulary),
            Numbers(7).tokens(17, vocabulary),
        ];

        let mut reference = Referee::new(model.clone());
        let slot = reference.open();
        let mut expected = vec![
            reference
                .advance(&[Work {
                    slot,
                    tokens: &prompt,
                    logits: true,
                }])
                .unwrap()
                .remove(0)
                .unwrap(),
        ];
        for token in [4, 9, 2] {
            expected.push(
                reference
                    .advance(&[Work {
                        slot,
                        tokens: &[token],
                        logits: true,
                    }])
                    .unwrap()
                    .remove(0)
                    .unwrap(),
            );
        }
        let expected_kept = kept(&mut reference, slot);

        for mut engine in engines(&model) {
            let name = engine.name();
            // Alone, the prompt cut in two.
            let slot = engine.open();
            let (head, tail) = prompt.split_at(prompt.len() / 3);
            assert_eq!(
                engine
                    .advance(&[Work {
                        slot,
                        tokens: head,
                        logits: false
                    }])
                    .unwrap(),
                [None]
            );
            let logits = engine
                .advance(&[Work {
                    slot,
                    tokens: tail,
                    logits: true,
                }])
                .unwrap();
            assert_eq!(logits[0].as_ref(), Some(&expected[0]), "{name}, {kind:?}");
            for (token, expected) in [4, 9, 2].iter().zip(&expected[1..]) {
                let logits = engine
                    .advance(&[Work {
                        slot,
                        tokens: &[*token],
                        logits: true,
                    }])
                    .unwrap();
                assert_eq!(logits[0].as_ref(), Some(expected), "{name}, {kind:?}");
            }
            assert_eq!(kept(&mut *engine, slot), expected_kept, "{name}, {kind:?}");
            // With three others, which are at other positions.
            let slots: Vec<Slot> = (0..4).map(|_| engine.open()).collect();
            let mut batch: Vec<Work<'_>> = others
                .iter()
                .zip(&slots)
                .map(|(tokens, slot)| Work {
                    slot: *slot,
                    tokens,
                    logits: false,
                })
                .collect();
            batch.insert(
                1,
                Work {
                    slot: slots[3],
                    tokens: &prompt,
                    logits: true,
                },
            );
            let logits = engine.advance(&batch).unwrap();
            assert_eq!(
                logits.iter().flatten().collect::<Vec<_>>(),
                [&expected[0]],
                "{name}, {kind:?}"
            );
            for (token, expected) in [4u32, 9, 2].iter().zip(&expected[1..]) {
                let token = [*token];
                let batch: Vec<Work<'_>> = slots
                    .iter()
                    .map(|slot| Work {
                        slot: *slot,
                        tokens: &token,
                        logits: *slot == slots[3],
                    })
                    .collect();
                let logits = engine.advance(&batch).unwrap();
                assert_eq!(logits[3].as_ref(), Some(expected), "{name}, {kind:?}");
            }
            assert_eq!(kept(&mut *engine, slots[3]), expected_kept, "{name}, {kind:?}");
        }
    }
}

#[test]
fn embedding_models_give_the_reference_s_bits() {
    for (at, kind) in kinds(Family::Bert).into_iter().enumerate() {
        let model = model(kind, 0xb0b + at as u64);
        let vocabulary = model.program().config().vocabulary;
        let lengths: &[usize] = if at == 0 { &[3, 280, 1, 64] } else { &[3, 20, 1, 64] };
        let texts: Vec<Vec<u32>> = lengths
            .iter()
            .map(|length| Numbers(11 + *length as u64).tokens(*length, vocabulary))
            .collect();
        let texts: Vec<&[u32]> = texts.iter().map(Vec::as_slice).collect();
        let expected = Referee::new(model.clone()).encode(&texts).unwrap();
        for mut engine in engines(&model) {
            let name = engine.name();
            assert_eq!(engine.encode(&texts).unwrap(), expected, "{name}, {kind:?}");
            for (text, expected) in texts.iter().zip(&expected) {
                assert_eq!(&engine.encode(&[text]).unwrap()[0], expected, "{name}, {kind:?}");
            }
        }
    }
}

#[test]
fn long_texts_and_wide_heads_give_the_reference_s_bits() {
    // Three blocks of positions, and more rows than go through the layers together, twice.
    let long = model(kinds(Family::Llama)[1], 21);
    let wide = model_of(wide_heads(kinds(Family::Llama)[1]), 22);
    for (model, length) in [(&long, 560), (&wide, 270)] {
        let tokens = Numbers(31).tokens(length, model.program().config().vocabulary);
        let (first, rest) = tokens.split_at(length - 2);
        let run = |engine: &mut dyn Engine| {
            let slot = engine.open();
            let mut all = Vec::new();
            for tokens in [first, &rest[..1], &rest[1..]] {
                let logits = true;
                all.extend(engine.advance(&[Work { slot, tokens, logits }]).unwrap());
            }
            (all, kept(engine, slot))
        };
        let expected = run(&mut Referee::new(model.clone()));
        for mut engine in engines(model) {
            assert!(run(&mut *engine) == expected, "{} at {length}", engine.name());
        }
    }
    let wide = model_of(wide_heads(kinds(Family::Bert)[0]), 23);
    let text = Numbers(5).tokens(70, 90);
    let expected = Referee::new(wide.clone()).encode(&[&text]).unwrap();
    for mut engine in engines(&wide) {
        assert_eq!(engine.encode(&[&text]).unwrap(), expected, "{}", engine.name());
    }
}

#[test]
fn what_cannot_be_computed_changes_nothing() {
    let text = model(kinds(Family::Llama)[0], 1);
    let one = NonZeroUsize::MIN;
    let mut engines: Vec<Box<dyn Engine>> = vec![
        Box::new(Referee::new(text.clone())),
        Box::new(CpuEngine::new(&text, Kernel::best(), one).unwrap()),
    ];
    for engine in &mut engines {
        let (a, b) = (engine.open(), engine.open());
        let long = vec![1; 601];
        let work = |slot, tokens| Work {
            slot,
            tokens,
            logits: true,
        };
        assert_eq!(engine.advance(&[work(a, &long)]), Err(NoStep::ContextFull.into()));
        assert_eq!(
            engine.advance(&[work(a, &[1]), work(b, &[90])]),
            Err(NoStep::UnknownToken(90).into())
        );
        assert_eq!(engine.advance(&[work(a, &[])]), Err(NoStep::Empty.into()));
        assert_eq!(engine.advance(&[work(a, &[1]), work(a, &[2])]), Err(Failure::Slot(a)));
        engine.close(b);
        assert_eq!(engine.advance(&[work(a, &[1]), work(b, &[2])]), Err(Failure::Slot(b)));
        assert_eq!(engine.position(a), 0);
        assert_eq!(engine.encode(&[&[1]]), Err(Failure::WrongFamily));
        assert_eq!(engine.advance(&[]), Ok(vec![]));
    }
    let bert = model(kinds(Family::Bert)[0], 1);
    let mut engines: Vec<Box<dyn Engine>> = vec![
        Box::new(Referee::new(bert.clone())),
        Box::new(CpuEngine::new(&bert, Kernel::best(), one).unwrap()),
    ];
    for engine in &mut engines {
        let slot = engine.open();
        assert_eq!(
            engine.advance(&[Work {
                slot,
                tokens: &[1],
                logits: true
            }]),
            Err(Failure::WrongFamily)
        );
        assert_eq!(engine.encode(&[&[1], &[]]), Err(NoStep::Empty.into()));
        assert_eq!(engine.encode(&[&vec![1; 601]]), Err(NoStep::ContextFull.into()));
        assert_eq!(engine.encode(&[&[90]]), Err(NoStep::UnknownToken(90).into()));
    }
}
