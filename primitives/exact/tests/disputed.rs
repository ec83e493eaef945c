//! What a device reveals of a step that is asked for, and what can be shown against it.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod models;
mod numbers;
mod runs;

use weft_exact::{
    merkle::{self, Digest},
    opening::{
        Fraud, NotRevealed, Opener, Opening, Operand, Refuted, Revealed, StepReveal, operators, reveal::check_tiles,
        reveal::prove_operator, step_root, steps,
    },
    program::{Kept, Op, Program},
    reference::{Memory, Reference},
    trace::{Committed, Trace},
};

use runs::{Run, at, encoder, greedy, random};

fn of(run: &Run) -> Committed {
    let write = |layer, kind, head, position, bytes: &mut Vec<u8>| run.memory.bytes(layer, kind, head, position, bytes);
    Committed::of_all(run.program(), run.trace.positions(), write)
}

fn reveal(run: &Run, position: usize) -> StepReveal {
    let kept = |layer, kind, head| {
        let mut bytes = Vec::new();
        run.memory.bytes(layer, kind, head, position, &mut bytes);
        bytes
    };
    StepReveal::of(
        run.program(),
        &run.trace,
        position,
        &run.records[position],
        &of(run),
        kept,
    )
    .unwrap()
}

fn runs() -> [&'static Run; 3] {
    [greedy(), random(), encoder()]
}

#[test]
fn every_step_is_revealed_and_leads_to_its_root() {
    for run in runs() {
        for position in 0..steps(run.program(), &run.trace) {
            let unknown = Trace {
                kept: [0; 32],
                ..run.trace.clone()
            };
            let revealed = reveal(run, position).check(run.program(), &unknown, position);
            let root = step_root(&run.trace, position, &run.roots(position));
            let kept = run.trace.kept;
            assert_eq!(revealed, Ok(Revealed { kept, root }));
        }
    }
}

#[test]
fn no_other_step_can_be_revealed_in_its_place() {
    for run in runs() {
        let (program, trace) = (run.program(), &run.trace);
        let good = reveal(run, 7);
        assert_eq!(good.check(program, trace, 6), Err(NotRevealed::Cells));
        assert_eq!(reveal(run, 6).check(program, trace, 7), Err(NotRevealed::Cells));
        let steps = steps(program, trace);
        assert!(matches!(good.check(program, trace, steps), Err(NotRevealed::NoTile(_))));
        let mut fewer = good.clone();
        fewer.operators.pop();
        assert!(matches!(
            fewer.check(program, trace, 7),
            Err(NotRevealed::Operators { .. })
        ));
        for part in 0..good.parts.len() {
            let mut other = good.clone();
            other.parts[part][3] ^= 1;
            assert_eq!(other.check(program, trace, 7), Err(NotRevealed::Cells));
            let mut longer = good.clone();
            longer.parts[part].push(0);
            assert_eq!(longer.check(program, trace, 7), Err(NotRevealed::Parts));
        }
        let mut without = good.clone();
        without.parts.clear();
        assert_eq!(without.check(program, trace, 7), Err(NotRevealed::Parts));
        let mut other = good.clone();
        other.sections[0][0] ^= 1;
        assert_ne!(other.check(program, trace, 7), good.check(program, trace, 7));
        other.sections.pop();
        assert_eq!(other.check(program, trace, 7), Err(NotRevealed::Section));
        let mut more = good.clone();
        more.cell_siblings.push([0; 32]);
        assert_eq!(more.check(program, trace, 7), Err(NotRevealed::Cells));
        // Of the operators those whose results are kept are bound to it; the others are for openings.
        for (index, (layer, op)) in operators(program, trace, 7).into_iter().enumerate() {
            let mut other = good.clone();
            other.operators[index] = [9; 32];
            let last = layer + 1 == program.config().layers && op == Op::DownNorm;
            let checked = other.check(program, trace, 7);
            if matches!(op, Op::Key | Op::Value) || last {
                assert_eq!(checked, Err(NotRevealed::Kept { layer, op }));
            } else {
                assert_ne!(checked.unwrap(), good.check(program, trace, 7).unwrap());
            }
        }
    }
    // The step after the layers keeps nothing.
    let run = encoder();
    let end = run.trace.positions();
    let mut with_parts = reveal(run, end);
    with_parts.parts = reveal(run, 0).parts;
    assert_eq!(
        with_parts.check(run.program(), &run.trace, end),
        Err(NotRevealed::Parts)
    );
}

#[test]
fn the_tiles_of_an_operator_are_those_that_it_was_revealed_with() {
    for run in runs() {
        let (program, trace) = (run.program(), &run.trace);
        let revealed = reveal(run, 7);
        let root = revealed.check(program, trace, 7).unwrap().root;
        for (index, (layer, op)) in operators(program, trace, 7).into_iter().enumerate() {
            let tiles = run.records[7].leaves(layer, op);
            let siblings = prove_operator(&revealed.operators, index).unwrap();
            let check =
                |at, tiles: &[Digest], siblings: &[Digest]| check_tiles(program, trace, 7, &root, at, tiles, siblings);
            assert_eq!(check(index, &tiles, &siblings), Ok(revealed.operators[index]));
            let mut other = tiles.clone();
            other[0][0] ^= 1;
            assert!(check(index, &other, &siblings).is_err());
            assert!(check(index, &tiles[1..], &siblings).is_err());
            assert!(check(index + 1, &tiles, &siblings).is_err());
            assert!(check(index, &tiles, &siblings[1..]).is_err());
        }
    }
}

/// A device's digest of the tile is another than that of what it computes to.
#[test]
fn a_tile_that_computes_to_something_else_is_refuted_by_its_digest() {
    for (run, position) in [(greedy(), 25), (random(), 10), (encoder(), 200), (encoder(), 258)] {
        let opener = run.opener();
        for address in run.addresses(position) {
            let opening = opener.open(&run.records[position], address, position).unwrap();
            let right = merkle::leaf(&opening.output.tiles[0]);
            let refuting = opening.clone().without_output();
            let (checked, fraud) = refuting.refute(&[1; 32]).unwrap();
            assert_eq!((checked, fraud), (opening.check().unwrap(), Fraud::Tile));
            assert_eq!(refuting.refute(&right), Err(Refuted::Right));
            assert!(matches!(opening.refute(&[1; 32]), Err(Refuted::Output(_))));
            // What it reads has to be what the device committed to.
            if let Some(Operand::Output(tiles)) = refuting.operands.first() {
                let mut other = refuting.clone();
                let mut wrong = tiles.clone();
                wrong.tiles[0][0] ^= 1;
                other.operands[0] = Operand::Output(wrong);
                assert!(matches!(other.refute(&[1; 32]), Err(Refuted::Operand { .. })));
            }
        }
    }
}

#[test]
fn another_token_and_another_result_are_refuted_by_the_digest_of_what_was_right() {
    let run = greedy();
    let right = run.tokens[26];
    let (trace, tokens) = run.with_token(26, (right + 1) % 50);
    let opener = Opener::new(&run.model, &trace, &tokens, &run.memory).unwrap();
    let opening = opener.open(&run.records[25], at(0, Op::Token, 0), 25).unwrap();
    let digest = merkle::leaf(&opening.output.tiles[0]);
    assert_eq!(opening.without_output().refute(&digest).unwrap().1, Fraud::Token);

    let run = encoder();
    let trace = Trace {
        result: [3; 32],
        ..run.trace.clone()
    };
    let opener = Opener::new(&run.model, &trace, &run.tokens, &run.memory).unwrap();
    let opening = opener.open(&run.records[258], at(0, Op::Unit, 0), 258).unwrap();
    let digest = merkle::leaf(&opening.output.tiles[0]);
    assert_eq!(opening.without_output().refute(&digest).unwrap().1, Fraud::Result);
}

/// The first cell in which two runs differ is where the first of them was led astray: what comes before can be read from either.
#[test]
fn the_first_cell_that_differs_is_where_they_part() {
    let run = greedy();
    let mut tokens = run.tokens.clone();
    tokens[21] = (tokens[21] + 1) % 50;
    let mut memory = Memory::default();
    for token in &tokens[..run.trace.positions()] {
        Reference::new(&run.model)
            .advance(&mut memory, *token, weft_exact::program::Choice::Given)
            .unwrap();
    }
    let write = |layer, kind, head, position, bytes: &mut Vec<u8>| memory.bytes(layer, kind, head, position, bytes);
    let other = Committed::of_all(run.program(), run.trace.positions(), write);
    let same = of(run);
    let parts = same
        .cells
        .iter()
        .zip(&other.cells)
        .position(|(one, other)| one != other);
    assert_eq!(parts, Some(21));
    let sections = same
        .sections
        .iter()
        .zip(&other.sections)
        .position(|(one, other)| one != other);
    assert_eq!(sections, Some(1));
}

#[test]
fn cells_and_sections_have_the_same_bytes() {
    for run in runs() {
        let program: &Program = run.program();
        let (committed, positions) = (of(run), run.trace.positions());
        assert_eq!(committed.roots(), (run.trace.cells, run.trace.kept));
        let cell = weft_exact::trace::cells_of_position(program);
        assert_eq!(committed.cells.len(), positions * cell);
        assert_eq!(committed.sections.len(), positions.div_ceil(16) * cell);
        for position in [0, 15, 16, positions - 1] {
            let bytes = |layer, kind: Kept, head| {
                let mut bytes = Vec::new();
                run.memory.bytes(layer, kind, head, position, &mut bytes);
                bytes
            };
            for (nth, parts) in weft_exact::trace::parts(program, bytes).iter().enumerate() {
                assert_eq!(committed.cells[position * cell + nth], weft_exact::trace::cell(parts));
            }
        }
    }
}

#[cfg(feature = "codec")]
mod scale {
    use codec::{Decode, Encode};

    use super::*;

    #[test]
    fn openings_and_reveals_are_read_back() {
        for (run, position) in [(greedy(), 25), (random(), 10), (encoder(), 200), (encoder(), 258)] {
            let bytes = reveal(run, position).encode();
            assert_eq!(StepReveal::decode(&mut &bytes[..]), Ok(reveal(run, position)));
            for address in run.addresses(position) {
                let opening = run.open(address, position);
                let bytes = opening.encode();
                assert_eq!(Opening::decode(&mut &bytes[..]).as_ref(), Ok(&opening));
                // Lengths and kinds take no more than a judge allows for the header.
                assert!(bytes.len() < opening.size() + 512);
                for cut in [0, 1, bytes.len() / 2, bytes.len() - 1] {
                    assert!(Opening::decode(&mut &bytes[..cut]).is_err());
                }
            }
        }
    }
}
