//! Openings: every tile of a step opens and checks, nothing else does, and none is larger than a judge takes.

mod models;
mod numbers;
mod runs;

use std::{collections::BTreeMap, sync::OnceLock};

use models::{PLAIN, WIDE, bert, llama};
use proptest::prelude::*;
use runs::{RANDOM, Run, at, committed, encoder, greedy, random, run_bert, run_llama};
use weft_exact::{
    fixed::Scale,
    linear::{Bits, Shape},
    merkle::{self, Digest},
    norm::EPSILON_PLACES,
    opening::{
        self, Checked, Flaw, InCell, Layout, Leaves, NoOpening, NoTile, Opener, Opening, Operand, Past, Proved,
        Refuted, Tiles, multiproof, open, operators, size, step, step_root, steps,
    },
    piece::Piece,
    program::{Address, Choice, Config, Family, Kept, Op, Program, Shapes, Source, Unsound},
    quantise::Width,
    reference::{Memory, Record, Reference},
    sampling::Random,
    trace::{Trace, group},
};

impl Run {
    /// Opens and checks every tile of a step; how many there were of each operator.
    fn check_step(&self, position: usize) -> BTreeMap<Op, usize> {
        let mut counts = BTreeMap::new();
        let opener = self.opener();
        for address in self.addresses(position) {
            *counts.entry(address.op).or_default() += 1;
            let opening = opener
                .open(&self.records[position], address, position)
                .expect("there is such a tile");
            let checked = Checked {
                model_root: self.model.root(),
                trace_root: self.trace.root(),
                step_root: step_root(&self.trace, position, &self.roots(position)),
                position,
                address,
            };
            assert_eq!(opening.check(), Ok(checked), "{address:?} of {position}");
            let most = size(self.program(), &self.trace, address, position).expect("there is such a tile");
            let exact = !matches!(address.op, Op::Embed | Op::Token);
            assert!(
                if exact {
                    opening.size() == most
                } else {
                    opening.size() <= most
                },
                "{address:?} of {position}"
            );
            let again = open(
                &self.model,
                &self.trace,
                &self.tokens,
                &self.memory,
                &self.records[position],
                address,
                position,
            );
            assert!(address.tile > 0 || again.as_ref() == Ok(&opening));
        }
        counts
    }
}

#[test]
fn every_tile_of_a_causal_model_opens_and_checks() {
    let run = greedy();
    // In the middle, the last that chooses nothing, the first that chooses, and the last.
    for (position, chooses) in [(0, false), (9, false), (18, false), (19, true), (38, true)] {
        let counts = run.check_step(position);
        assert_eq!(
            (counts[&Op::Exponents], counts.get(&Op::Token).copied()),
            (8, chooses.then_some(1))
        );
        assert_eq!(counts.len(), if chooses { 20 } else { 16 });
    }
    let run = random();
    for (position, operators) in [(0, 16), (4, 22), (18, 22)] {
        assert_eq!(run.check_step(position).len(), operators);
    }
}

#[test]
fn a_draw_among_several_chunks_opens_and_checks() {
    let config = Config {
        vocabulary: 8_300,
        ..llama(PLAIN)
    };
    // Hot enough that the second chunk is drawn from now and then.
    let hot = Choice::Random(Random {
        to_log2: Scale::new(1, 20),
        top_p: 65_536,
        seed: 5,
    });
    let run = run_llama(config, hot, 1, 3);
    let opener = run.opener();
    for position in 0..2 {
        for address in [
            at(0, Op::Best, 0),
            at(0, Op::Best, 1),
            at(0, Op::Masses, 1),
            at(0, Op::Draw, 0),
            at(0, Op::Token, 0),
        ] {
            let opening = opener
                .open(&run.records[position], address, position)
                .expect("there is such a tile");
            assert!(opening.check().is_ok(), "{address:?}");
            assert!(opening.size() <= size(run.program(), &run.trace, address, position).unwrap());
        }
    }
    // Another chunk than the one that was drawn.
    let opening = run.open(at(0, Op::Token, 0), 0);
    let Operand::Output(draw) = &opening.operands[1] else {
        panic!("it is an output")
    };
    let drawn = u32::from_le_bytes(draw.tiles[0][..4].try_into().unwrap());
    for chunk in [1 - drawn, 2, u32::MAX] {
        let mut bytes = draw.tiles[0].clone();
        bytes[..4].copy_from_slice(&chunk.to_le_bytes());
        let forged = forge_operand(&run, &opening, 1, 0, &bytes);
        let flaw = match forged.check() {
            Err(Refuted::Operand {
                index: 2,
                source: Source::Drawn,
                flaw,
            }) => flaw,
            other => panic!("{other:?}"),
        };
        assert_eq!(matches!(flaw, Flaw::Nowhere), chunk > 1, "{flaw:?}");
    }
}

#[test]
fn every_tile_of_a_model_that_looks_both_ways_opens_and_checks() {
    let run = encoder();
    assert_eq!(steps(run.program(), &run.trace), 259);
    for position in [0, 128, 257] {
        let counts = run.check_step(position);
        assert_eq!((counts[&Op::Mix], counts.len()), (2 * 3 * 2, 19));
    }
    let counts = run.check_step(258);
    assert_eq!(counts, BTreeMap::from([(Op::Pool, 4), (Op::Mean, 2), (Op::Unit, 1)]));
    let run = run_bert(bert(WIDE), 9);
    for position in [0, 8, 9] {
        run.check_step(position);
    }
}

#[test]
fn a_trace_that_made_nothing_opens() {
    let run = run_llama(llama(PLAIN), Choice::Greedy, 3, 3);
    assert_eq!(run.trace.positions(), 3);
    // What the last step would have chosen is not in the trace.
    assert_eq!(run.check_step(2)[&Op::Token], 1);
    assert_eq!(run.check_step(1).get(&Op::Token), None);
}

#[test]
fn leaves_of_tokens_follow_one_another() {
    // The tokens at 255 and 256 are in different leaves.
    let config = Config {
        context: 300,
        ..llama(PLAIN)
    };
    let run = run_llama(config, Choice::Greedy, 250, 258);
    let opener = run.opener();
    for (position, leaves) in [(254, 1), (255, 2), (256, 1)] {
        let opening = opener
            .open(&run.records[position], at(0, Op::Token, 0), position)
            .unwrap();
        assert_eq!(opening.tokens.as_ref().map(|tokens| tokens.leaves.len()), Some(leaves));
        assert!(opening.check().is_ok());
        let embed = opener
            .open(&run.records[position], at(0, Op::Embed, 0), position)
            .unwrap();
        assert_eq!(embed.tokens.as_ref().map(|tokens| tokens.leaves.len()), Some(1));
        assert!(embed.check().is_ok());
    }
    // Two blocks of positions, the second of one group.
    assert_eq!(run.check_step(256)[&Op::Exponents], 2 * 4 * 2);
}

#[test]
fn the_step_root_is_that_of_the_record() {
    let run = random();
    for position in [0, 10] {
        let step = step(run.program(), &run.trace, position, run.tokens[position]).unwrap();
        let roots = run.records[position].operators(run.program(), &step);
        let all: Vec<(usize, Op)> = roots.iter().map(|(layer, op, _)| (*layer, *op)).collect();
        assert_eq!(operators(run.program(), &run.trace, position), all);
        let leaves: Vec<Digest> = roots.iter().map(|(_, _, root)| merkle::leaf(root)).collect();
        let mut bytes = run.trace.root().to_vec();
        bytes.extend(run.trace.kept);
        bytes.extend((position as u64).to_le_bytes());
        bytes.extend(merkle::root(&leaves));
        let wanted = merkle::hash(b"weft step 2", &bytes);
        assert_eq!(run.open(at(1, Op::Peak, 2), position).step_root, wanted);
    }
}

#[test]
fn the_same_step_of_another_trace_has_another_root() {
    // The first tokens are the same, and so is all that the steps at them compute; only what follows differs.
    let (short, long) = (
        run_llama(llama(PLAIN), Choice::Greedy, 3, 3),
        run_llama(llama(PLAIN), Choice::Greedy, 3, 5),
    );
    assert_eq!(short.records[1], long.records[1]);
    let address = at(1, Op::Down, 0);
    let (one, other) = (short.open(address, 1), long.open(address, 1));
    assert_ne!(one.step_root, other.step_root);
    let mut mixed = one.clone();
    mixed.step_root = other.step_root;
    assert!(matches!(mixed.check(), Err(Refuted::Operand { flaw: Flaw::Root, .. })));
}

// What is not there.

#[test]
fn tiles_that_are_not_there_are_named() {
    let (run, encoder) = (greedy(), encoder());
    let no_tile = |run: &Run, address: Address, position: usize| {
        let record = &run.records[position.min(run.records.len() - 1)];
        let opened = run.opener().open(record, address, position);
        // By a stranger, who says that it is there.
        let mut opening = run.open(at(0, Op::Embed, 0), 0);
        (opening.address, opening.position) = (address, position);
        let checked = opening.check();
        match (opened, checked) {
            (Err(NoOpening::NoTile(opened)), Err(Refuted::NoTile(checked))) if opened == checked => {
                assert_eq!(size(run.program(), &run.trace, address, position), Err(opened));
                opened
            }
            other => panic!("{other:?}"),
        }
    };
    let embed = at(0, Op::Embed, 0);
    assert_eq!(
        no_tile(run, embed, 39),
        NoTile::Step {
            position: 39,
            steps: 39
        }
    );
    assert_eq!(
        no_tile(run, embed, usize::MAX),
        NoTile::Step {
            position: usize::MAX,
            steps: 39
        }
    );
    assert_eq!(
        no_tile(encoder, at(0, Op::Unit, 0), 259),
        NoTile::Step {
            position: 259,
            steps: 259
        }
    );
    assert_eq!(no_tile(run, at(0, Op::Token, 0), 18), NoTile::Operator(Op::Token));
    assert_eq!(no_tile(run, at(0, Op::Draw, 0), 30), NoTile::Operator(Op::Draw));
    assert_eq!(no_tile(run, at(0, Op::Unit, 0), 30), NoTile::Operator(Op::Unit));
    // The end of a model that looks both ways is a step of its own.
    assert_eq!(no_tile(encoder, at(0, Op::Pool, 0), 257), NoTile::Operator(Op::Pool));
    assert_eq!(no_tile(encoder, at(0, Op::Down, 0), 258), NoTile::Operator(Op::Down));
    assert_eq!(no_tile(run, at(2, Op::Up, 0), 3), NoTile::Layer(Op::Up, 2));
    assert_eq!(no_tile(run, at(1, Op::Embed, 0), 3), NoTile::Layer(Op::Embed, 1));
    assert_eq!(
        no_tile(run, at(usize::MAX, Op::Up, 0), 3),
        NoTile::Layer(Op::Up, usize::MAX)
    );
    assert_eq!(
        no_tile(run, at(0, Op::Peak, 4), 3),
        NoTile::Tile {
            op: Op::Peak,
            tile: 4,
            tiles: 4
        }
    );
    let tile = usize::MAX;
    assert_eq!(
        no_tile(run, at(0, Op::Down, tile), 3),
        NoTile::Tile {
            op: Op::Down,
            tile,
            tiles: 1
        }
    );
    assert_eq!(
        NoTile::Tile {
            op: Op::Peak,
            tile: 4,
            tiles: 4
        }
        .to_string(),
        "there is no tile 4 of peak: it has 4"
    );
}

#[test]
fn data_that_are_not_the_traces_are_named() {
    let (run, other) = (greedy(), random());
    let address = at(0, Op::Embed, 0);
    let open = |model, trace: &Trace, tokens: &[u32], memory, record| {
        open(model, trace, tokens, memory, record, address, 0)
            .map(drop)
            .unwrap_err()
    };
    let record = &run.records[0];
    assert_eq!(
        open(&other.model, &run.trace, &run.tokens, &run.memory, record),
        NoOpening::Model
    );
    assert_eq!(
        open(&run.model, &run.trace, &run.tokens[1..], &run.memory, record),
        NoOpening::Tokens
    );
    assert_eq!(
        open(&run.model, &run.trace, &run.tokens, &other.memory, record),
        NoOpening::Memory
    );
    assert_eq!(
        open(&run.model, &run.trace, &run.tokens, &run.memory, &Record::default()),
        NoOpening::Record(address)
    );
    // A step that chose has more operators, and fewer are missing.
    let opener = run.opener();
    let missing = opener.open(record, address, 30).unwrap_err();
    assert_eq!(missing, NoOpening::Record(at(0, Op::HeadInput, 0)));
    assert!(missing.to_string().contains("no tile 0 of head-input"), "{missing}");
}

#[test]
fn headers_that_are_no_runs_are_refused() {
    let run = greedy();
    let refused = |run: &Run, change: &dyn Fn(&mut Trace)| {
        let mut opening = run.open(at(0, Op::Embed, 0), 0);
        change(&mut opening.trace);
        let Trace { given, count, .. } = opening.trace;
        let header = NoTile::Header { given, count };
        assert_eq!(opening.check(), Err(Refuted::NoTile(header)));
        let opened = Opener::new(&run.model, &opening.trace, &run.tokens, &run.memory).map(drop);
        assert_eq!(opened, Err(NoOpening::NoTile(header)));
    };
    refused(run, &|trace| trace.given = 0);
    refused(run, &|trace| trace.given = 41);
    refused(run, &|trace| trace.count = 0);
    refused(run, &|trace| trace.count = u32::MAX);
    refused(run, &|trace| (trace.given, trace.count) = (u32::MAX, u32::MAX));
    // One more than the context; the last token made is at no position.
    refused(run, &|trace| trace.count = 42);
    // Tokens cannot be made without a choice.
    refused(run, &|trace| trace.choice = Choice::Given);
    refused(encoder(), &|trace| trace.count += 1);
    refused(encoder(), &|trace| trace.choice = Choice::Greedy);
}

// Tampering.

/// With some of the digests of the step's operators changed, and proofs that fit them.
fn with_step(run: &Run, opening: &Opening, roots: &[Digest]) -> Opening {
    let mut forged = opening.clone();
    let program = run.program();
    let all = operators(program, &opening.trace, opening.position);
    let step = step(
        program,
        &opening.trace,
        opening.position,
        run.tokens.get(opening.position).copied().unwrap_or(0),
    );
    let leaves: Vec<Digest> = roots.iter().map(|root| merkle::leaf(root)).collect();
    let siblings = |layer, op| {
        let at = all.iter().position(|other| *other == (layer, op)).expect("it is there") as u64;
        multiproof::prove(&leaves, &[at]).expect("it is there")
    };
    forged.step_root = step_root(&opening.trace, opening.position, roots);
    forged.output.step_siblings = siblings(opening.address.layer, opening.address.op);
    let sources = program
        .sources(&opening.address, &step.expect("it is there"))
        .expect("it is there");
    for (source, operand) in sources.iter().zip(&mut forged.operands) {
        match (source, operand) {
            (Source::Output { layer, op, .. }, Operand::Output(tiles)) => tiles.step_siblings = siblings(*layer, *op),
            (_, Operand::Output(tiles)) => tiles.step_siblings = siblings(0, Op::Head),
            (Source::Kept { layer, kind, .. }, Operand::Kept(Past { own: Some(own), .. })) => {
                own.step_siblings = siblings(*layer, if *kind == Kept::Key { Op::Key } else { Op::Value });
            }
            _ => {}
        }
    }
    forged
}

/// The digests of the step's operators, where a tile has other bytes, and those of the operator's tiles.
fn changed(run: &Run, position: usize, address: Address, bytes: &[u8]) -> (Vec<Digest>, Vec<Digest>) {
    let mut tiles = run.records[position].leaves(address.layer, address.op);
    tiles[address.tile] = merkle::leaf(bytes);
    let mut roots = run.roots(position);
    let all = operators(run.program(), &run.trace, position);
    let operator = all
        .iter()
        .position(|other| *other == (address.layer, address.op))
        .expect("it is there");
    roots[operator] = merkle::root(&tiles);
    (roots, tiles)
}

/// By a device that got its own result wrong, and commits to it.
fn forge_output(run: &Run, opening: &Opening, bytes: &[u8]) -> Opening {
    let (roots, tiles) = changed(run, opening.position, opening.address, bytes);
    let mut forged = with_step(run, opening, &roots);
    forged.output.tiles = vec![bytes.to_vec()];
    forged.output.siblings = multiproof::prove(&tiles, &[opening.address.tile as u64]).expect("it is there");
    forged
}

/// By a device that got an operand wrong, and commits to it.
fn forge_operand(run: &Run, opening: &Opening, index: usize, tile: usize, bytes: &[u8]) -> Opening {
    let program = run.program();
    let token = run.tokens.get(opening.position).copied().unwrap_or(0);
    let step = step(program, &opening.trace, opening.position, token).expect("it is there");
    let sources = program.sources(&opening.address, &step).expect("it is there");
    let Source::Output {
        layer,
        op,
        tiles: places,
        ..
    } = &sources[index]
    else {
        panic!("it is no output")
    };
    let address = at(*layer, *op, places.start + tile);
    let (roots, tiles) = changed(run, opening.position, address, bytes);
    let mut forged = with_step(run, opening, &roots);
    let Operand::Output(operand) = &mut forged.operands[index] else {
        panic!("it is no output")
    };
    operand.tiles[tile] = bytes.to_vec();
    let places: Vec<u64> = places.clone().map(|tile| tile as u64).collect();
    operand.siblings = multiproof::prove(&tiles, &places).expect("it is there");
    forged
}

/// Of each operator of these steps the last tile.
fn some_of_each() -> Vec<(&'static Run, Opening)> {
    let mut some = Vec::new();
    for (run, positions) in [(greedy(), &[25][..]), (random(), &[10]), (encoder(), &[200, 258])] {
        let opener = run.opener();
        for position in positions {
            let mut last = BTreeMap::new();
            last.extend(
                run.addresses(*position)
                    .into_iter()
                    .map(|address| ((address.layer, address.op), address)),
            );
            let opened = last.into_values().map(|address| {
                opener
                    .open(&run.records[*position], address, *position)
                    .expect("it is there")
            });
            some.extend(opened.map(|opening| (run, opening)));
        }
    }
    some
}

#[test]
fn a_wrong_result_is_refuted_though_all_proofs_are_right() {
    for (run, opening) in some_of_each() {
        let bytes = &opening.output.tiles[0];
        assert!(forge_output(run, &opening, bytes).check().is_ok());
        for byte in [0, bytes.len() / 2, bytes.len() - 1] {
            let mut wrong = bytes.clone();
            wrong[byte] ^= 1;
            let forged = forge_output(run, &opening, &wrong);
            assert_ne!(forged.step_root, opening.step_root);
            assert_eq!(forged.check(), Err(Refuted::Computed { byte }), "{:?}", opening.address);
        }
        assert_eq!(
            Refuted::Computed { byte: 3 }.to_string(),
            "the tile computes to something else: byte 3 differs"
        );
        // Of another size: it cannot even be read.
        let flaw = Flaw::Size {
            leaf: 0,
            found: bytes.len() - 1,
            wanted: bytes.len(),
        };
        assert_eq!(
            forge_output(run, &opening, &bytes[1..]).check(),
            Err(Refuted::Output(flaw))
        );
    }
}

#[test]
fn a_wrong_operand_of_the_step_is_seen_though_all_proofs_are_right() {
    let mut seen = 0;
    for (run, opening) in some_of_each() {
        for (index, operand) in opening.operands.iter().enumerate() {
            // What a draw leads to is another test's.
            let Operand::Output(tiles) = operand else { continue };
            if opening.address.op == Op::Token && index == 2 {
                continue;
            }
            let mut wrong = tiles.tiles[0].clone();
            wrong.iter_mut().for_each(|byte| *byte = 0x80);
            let checked = forge_operand(run, &opening, index, 0, &wrong).check();
            // Numbers out of range are named; the others give another result.
            let named = match checked {
                Err(Refuted::Operand {
                    index: 2,
                    source: Source::Drawn,
                    flaw: Flaw::Nowhere,
                }) => index == 1,
                Err(Refuted::Operand {
                    index: at,
                    flaw: Flaw::Range,
                    ..
                }) => at == index,
                Err(Refuted::Computed { .. } | Refuted::Incomputable) => true,
                // A lower bound of all may change nothing.
                Ok(_) => matches!(opening.address.op, Op::Peak | Op::Best | Op::Token | Op::Masses),
                _ => false,
            };
            assert!(named, "{checked:?} of {:?}", opening.address);
            seen += 1;
        }
    }
    assert!(seen > 60);
}

#[test]
fn a_proof_for_another_tile_is_refuted() {
    for (run, opening) in some_of_each() {
        let Address { layer, op, tile } = opening.address;
        let position = opening.position;
        // Its own operands and result, said to be of another layer, tile or position.
        let others = [
            (at(layer ^ 1, op, tile), position),
            (at(layer, op, tile.wrapping_sub(1)), position),
            (opening.address, position - 1),
            (opening.address, position + 1),
        ];
        for (address, position) in others {
            let mut moved = opening.clone();
            (moved.address, moved.position) = (address, position);
            let checked = moved.check();
            assert!(checked.is_err(), "{:?} as {address:?} of {position}", opening.address);
        }
        if tile > 0 {
            let other = run.open(at(layer, op, tile - 1), position);
            let mut mixed = opening.clone();
            mixed.output.siblings.clone_from(&other.output.siblings);
            assert_eq!(mixed.check().is_ok(), other.output.siblings == opening.output.siblings);
            let mut mixed = opening.clone();
            mixed.output = other.output;
            let flaw = match mixed.check() {
                Err(Refuted::Output(flaw)) => flaw,
                checked => panic!("{checked:?} of {:?}", opening.address),
            };
            assert!(matches!(flaw, Flaw::Root | Flaw::Size { .. } | Flaw::Siblings { .. }));
        }
    }
}

/// Every byte string, list of digests and list of leaves of an opening, for tests that change them.
enum Slot<'a> {
    Bytes(&'a mut Vec<u8>),
    Siblings(&'a mut Vec<Digest>),
    Digest(&'a mut Digest),
    Leaves(&'a mut Vec<Vec<u8>>),
    Proved(&'a mut Vec<Proved>),
    Token(&'a mut Vec<u32>),
}

fn of_leaves<'a>(leaves: &'a mut Leaves) -> Vec<Slot<'a>> {
    vec![Slot::Leaves(&mut leaves.leaves), Slot::Siblings(&mut leaves.siblings)]
}

fn of_past<'a>(past: &'a mut Past, whole: bool) -> Vec<Slot<'a>> {
    let mut slots = vec![
        Slot::Siblings(&mut past.section_siblings),
        Slot::Siblings(&mut past.cell_siblings),
    ];
    if whole {
        slots.extend([&mut past.complete, &mut past.recent].map(Slot::Proved));
    } else {
        slots.extend(past.complete.iter_mut().chain(&mut past.recent).flat_map(of_proved));
    }
    slots.extend(past.own.iter_mut().flat_map(of_tiles));
    slots
}

fn of_proved<'a>(proved: &'a mut Proved) -> Vec<Slot<'a>> {
    vec![Slot::Bytes(&mut proved.bytes), Slot::Siblings(&mut proved.siblings)]
}

fn in_cell<'a>(kept: &'a mut InCell) -> Vec<Slot<'a>> {
    let mut slots = of_proved(&mut kept.part);
    slots.push(Slot::Siblings(&mut kept.cell_siblings));
    slots
}

fn of_tiles<'a>(tiles: &'a mut Tiles) -> Vec<Slot<'a>> {
    vec![
        Slot::Leaves(&mut tiles.tiles),
        Slot::Siblings(&mut tiles.siblings),
        Slot::Siblings(&mut tiles.step_siblings),
    ]
}

/// `whole` leaves, or each of them.
fn slots(opening: &mut Opening, whole: bool) -> Vec<Slot<'_>> {
    let mut slots = vec![
        Slot::Digest(&mut opening.weights),
        Slot::Digest(&mut opening.step_root),
        Slot::Digest(&mut opening.trace.model),
        Slot::Digest(&mut opening.trace.tokens),
        Slot::Digest(&mut opening.trace.cells),
        Slot::Digest(&mut opening.trace.kept),
    ];
    for operand in &mut opening.operands {
        slots.extend(match operand {
            Operand::Output(tiles) => of_tiles(tiles),
            Operand::Kept(past) => of_past(past, whole),
            Operand::Weights(leaves) => of_leaves(leaves),
        });
    }
    slots.extend(of_tiles(&mut opening.output));
    slots.extend(opening.kept.iter_mut().flat_map(in_cell));
    if let Some(tokens) = &mut opening.tokens {
        slots.push(Slot::Siblings(&mut tokens.siblings));
        slots.extend(tokens.leaves.iter_mut().map(Slot::Token));
    }
    if whole {
        return slots;
    }
    let split = |slot| match slot {
        Slot::Leaves(leaves) => leaves.iter_mut().map(Slot::Bytes).collect(),
        slot => vec![slot],
    };
    slots.into_iter().flat_map(split).collect()
}

#[test]
fn no_leaf_and_no_sibling_can_be_left_out_or_added() {
    for (_, opening) in some_of_each() {
        for at in 0..slots(&mut opening.clone(), true).len() {
            for way in 0..4 {
                let mut bent = opening.clone();
                match &mut slots(&mut bent, true)[at] {
                    Slot::Siblings(siblings) => match way {
                        0 => drop(siblings.pop()),
                        1 if !siblings.is_empty() => drop(siblings.remove(0)),
                        2 => siblings.push([0; 32]),
                        _ => siblings.clear(),
                    },
                    Slot::Leaves(leaves) => match way {
                        0 => drop(leaves.pop()),
                        1 => drop(leaves.remove(0)),
                        2 => leaves.push(leaves[0].clone()),
                        _ => leaves.clear(),
                    },
                    Slot::Proved(leaves) if leaves.is_empty() => {}
                    Slot::Proved(leaves) => match way {
                        0 => drop(leaves.pop()),
                        1 => drop(leaves.remove(0)),
                        2 => leaves.push(leaves[0].clone()),
                        _ => leaves.clear(),
                    },
                    Slot::Token(tokens) => match way {
                        0 => drop(tokens.pop()),
                        1 => drop(tokens.remove(0)),
                        2 => tokens.push(0),
                        _ => tokens.clear(),
                    },
                    Slot::Bytes(_) | Slot::Digest(_) => {}
                }
                assert_eq!(bent.check().is_ok(), bent == opening, "{:?}", opening.address);
            }
        }
        let mut fewer = opening.clone();
        fewer.operands.pop();
        let wanted = opening.operands.len();
        assert_eq!(
            fewer.check(),
            Err(Refuted::Operands {
                found: wanted - 1,
                wanted
            })
        );
        let mut more = opening.clone();
        more.operands.push(opening.operands[0].clone());
        assert_eq!(
            more.check(),
            Err(Refuted::Operands {
                found: wanted + 1,
                wanted
            })
        );
        // Of another kind, though of the same bytes.
        let mut other = opening.clone();
        let leaves = |tiles: Vec<Vec<u8>>, siblings| Leaves {
            leaves: tiles,
            siblings,
        };
        other.operands[0] = match other.operands[0].clone() {
            Operand::Output(tiles) => Operand::Weights(leaves(tiles.tiles, tiles.siblings)),
            Operand::Kept(_) => Operand::Weights(leaves(vec![], vec![])),
            Operand::Weights(_) => Operand::Kept(Past::default()),
        };
        assert!(matches!(
            other.check(),
            Err(Refuted::Operand {
                index: 0,
                flaw: Flaw::Kind,
                ..
            })
        ));
        // What is not asked for.
        let mut other = opening.clone();
        other.kept = if opening.kept.is_some() {
            None
        } else {
            Some(InCell {
                part: Proved {
                    bytes: vec![],
                    siblings: vec![],
                },
                cell_siblings: vec![],
            })
        };
        let flaw = if opening.kept.is_some() {
            Flaw::Absent
        } else {
            Flaw::Needless
        };
        assert_eq!(other.check(), Err(Refuted::Kept(flaw)));
        let mut other = opening.clone();
        other.tokens = if opening.tokens.is_some() {
            None
        } else {
            Some(opening::Tokens {
                leaves: vec![],
                siblings: vec![],
            })
        };
        let flaw = if opening.tokens.is_some() {
            Flaw::Absent
        } else {
            Flaw::Needless
        };
        assert_eq!(other.check(), Err(Refuted::Tokens(flaw)));
    }
}

#[test]
fn a_changed_byte_is_named() {
    let run = greedy();
    let change = |address: Address, change: &dyn Fn(&mut Opening)| {
        let mut opening = run.open(address, 25);
        change(&mut opening);
        opening.check().unwrap_err()
    };
    let root = |index| move |refuted: &Refuted| matches!(refuted, Refuted::Operand { index: i, flaw: Flaw::Root, .. } if *i == index);
    let output = |opening: &mut Opening, index: usize| match &mut opening.operands[index] {
        Operand::Output(tiles) => *tiles.tiles[0].last_mut().unwrap() ^= 1,
        Operand::Kept(past) => past.complete[0].bytes[5] ^= 1,
        Operand::Weights(leaves) => leaves.leaves[0][5] ^= 1,
    };
    for index in 0..3 {
        let refuted = change(at(1, Op::Down, 0), &|opening| output(opening, index));
        assert!(root(index)(&refuted), "{refuted:?}");
        let refuted = change(at(1, Op::Mix, 2), &|opening| output(opening, index));
        assert!(root(index)(&refuted), "{refuted:?}");
    }
    let refuted = change(at(1, Op::Down, 0), &|opening| output(opening, 1));
    assert_eq!(
        refuted.to_string(),
        "the proof of operand 1 (tile 0 of the weights of down in layer 1): the siblings lead to another root"
    );
    let refuted = change(at(1, Op::Mix, 2), &|opening| output(opening, 2));
    assert_eq!(
        refuted.to_string(),
        "the proof of operand 2 (values of head 1 in layer 1 at positions 0 to 25): the siblings lead to another root"
    );
    let refuted = change(at(0, Op::Embed, 0), &|opening| {
        opening.tokens.as_mut().unwrap().leaves[0][3] ^= 1
    });
    assert_eq!(refuted, Refuted::Tokens(Flaw::Root));
    let refuted = change(at(0, Op::Embed, 0), &|opening| opening.output.tiles[0][0] ^= 1);
    assert_eq!(refuted, Refuted::Output(Flaw::Root));
    let refuted = change(at(0, Op::Key, 1), &|opening| {
        opening.kept.as_mut().unwrap().part.bytes[0] ^= 1
    });
    assert_eq!(refuted, Refuted::Kept(Flaw::Root));
    let refuted = change(at(0, Op::Key, 1), &|opening| opening.config.epsilon += 1);
    assert_eq!(refuted, Refuted::Model);
    let refuted = change(at(0, Op::Key, 1), &|opening| opening.weights[3] ^= 1);
    assert_eq!(refuted, Refuted::Model);
    let refuted = change(at(0, Op::Key, 1), &|opening| opening.config.layers = 0);
    assert_eq!(refuted, Refuted::Config(Unsound::Size("layers")));
    assert_eq!(
        refuted.to_string(),
        "the configuration is no program: layers is zero, or more than 512"
    );
    let refuted = change(at(0, Op::Key, 1), &|opening| opening.config.context = usize::MAX);
    assert_eq!(refuted, Refuted::Config(Unsound::Size("context")));
}

#[test]
fn numbers_out_of_range_are_named() {
    let run = greedy();
    // The scale of a quantised input, whose mantissa has no highest bit.
    let opening = run.open(at(0, Op::Up, 0), 25);
    let Operand::Output(input) = &opening.operands[0] else {
        panic!("it is an output")
    };
    let mut bytes = input.tiles[0].clone();
    bytes[1] &= 0x7f;
    let refuted = forge_operand(run, &opening, 0, 0, &bytes).check().unwrap_err();
    assert!(
        matches!(
            refuted,
            Refuted::Operand {
                index: 0,
                flaw: Flaw::Range,
                ..
            }
        ),
        "{refuted:?}"
    );
}

/// A memory that differs in one position of one head.
fn other_memory(run: &Run, (layer, kind, head, position): (usize, Kept, usize, usize)) -> (Trace, Memory) {
    let config = run.program().config();
    let mut memory = Memory::default();
    for at_layer in 0..config.layers {
        for at_kind in [Kept::Key, Kept::Value] {
            for at_head in 0..config.kv_heads {
                for (at, x) in run.memory.heads(at_layer, at_kind, at_head).iter().enumerate() {
                    let mut x = x.clone();
                    if (at_layer, at_kind, at_head, at) == (layer, kind, head, position) {
                        x.values[3] ^= 1;
                    }
                    memory.push(at_layer, at_kind, at_head, x);
                }
            }
        }
    }
    let (cells, kept) = committed(&run.model, &memory, run.trace.positions());
    (
        Trace {
            cells,
            kept,
            ..run.trace.clone()
        },
        memory,
    )
}

#[test]
fn a_trace_that_kept_something_else_is_refuted() {
    let run = greedy();
    for (op, kind) in [(Op::Key, Kept::Key), (Op::Value, Kept::Value)] {
        let (trace, memory) = other_memory(run, (1, kind, 1, 25));
        let opener = Opener::new(&run.model, &trace, &run.tokens, &memory).unwrap();
        let check = |address, position: usize| opener.open(&run.records[position], address, position).unwrap().check();
        assert_eq!(check(at(1, op, 1), 25), Err(Refuted::OtherKept { byte: 7 }));
        // Other heads, layers and positions are as they were.
        for (address, position) in [
            (at(1, op, 0), 25),
            (at(0, op, 1), 25),
            (at(1, op, 1), 24),
            (at(1, op, 1), 26),
        ] {
            assert!(check(address, position).is_ok());
        }
        // Who reads it gets another result.
        let reads = if kind == Kept::Key { Op::Exponents } else { Op::Mix };
        assert!(check(at(1, reads, 1), 25).is_ok());
        // The step itself reads what it gave, later ones of its group the cell, and those after it the section.
        assert!(check(at(1, reads, 2), 25).is_ok());
        assert!(matches!(check(at(1, reads, 2), 30), Err(Refuted::Computed { .. })));
        assert!(matches!(check(at(1, reads, 2), 33), Err(Refuted::Computed { .. })));
        assert!(check(at(1, reads, 2), 24).is_ok());
    }
}

#[test]
fn other_last_hidden_states_are_refuted() {
    // Of a position, a device commits to the hidden state of another text.
    let run = encoder();
    let mut text = run.tokens.clone();
    text[7] = 69;
    let mut memory = Memory::default();
    let (records, _) = Reference::new(&run.model).encode(&mut memory, &text).unwrap();
    assert_ne!(
        records[100].leaves(1, Op::DownNorm),
        run.records[100].leaves(1, Op::DownNorm)
    );
    let (cells, kept) = committed(&run.model, &memory, 258);
    let trace = Trace {
        cells,
        kept,
        ..run.trace.clone()
    };
    let opener = Opener::new(&run.model, &trace, &run.tokens, &memory).unwrap();
    let check = |address| opener.open(&run.records[100], address, 100).unwrap().check();
    assert!(matches!(check(at(1, Op::DownNorm, 0)), Err(Refuted::OtherKept { .. })));
    assert!(check(at(0, Op::DownNorm, 0)).is_ok());
}

#[test]
fn another_token_is_refuted() {
    let run = greedy();
    let token = run.tokens[26];
    let (trace, tokens) = run.with_token(26, (token + 1) % 50);
    let opener = Opener::new(&run.model, &trace, &tokens, &run.memory).unwrap();
    let check = |address, position: usize| opener.open(&run.records[position], address, position).unwrap().check();
    // The step before chose another, and the step itself began with another.
    let refuted = check(at(0, Op::Token, 0), 25).unwrap_err();
    assert_eq!(
        refuted,
        Refuted::OtherToken {
            chosen: token,
            committed: (token + 1) % 50
        }
    );
    assert!(matches!(check(at(0, Op::Embed, 0), 26), Err(Refuted::Computed { .. })));
    assert!(check(at(0, Op::Token, 0), 24).is_ok());
    assert!(check(at(0, Op::Embed, 0), 25).is_ok());
    // One that the model does not have.
    let (trace, tokens) = run.with_token(26, 50);
    let opener = Opener::new(&run.model, &trace, &tokens, &run.memory).unwrap();
    let no_token = NoTile::Token(50);
    assert_eq!(
        opener.open(&run.records[26], at(0, Op::Embed, 0), 26),
        Err(NoOpening::NoTile(no_token))
    );
    let mut opening = run.open(at(0, Op::Embed, 0), 26);
    (opening.trace, opening.tokens.as_mut().unwrap().leaves) = (trace, vec![tokens]);
    assert_eq!(opening.check(), Err(Refuted::NoTile(no_token)));
}

#[test]
fn another_result_is_refuted() {
    let run = encoder();
    let mut opening = run.open(at(0, Op::Unit, 0), 258);
    opening.trace.result[0] ^= 1;
    // The step's root is of the trace with the other result; so is one that is made for this trace.
    assert!(matches!(
        opening.check(),
        Err(Refuted::Operand { flaw: Flaw::Root, .. })
    ));
    let opening = with_step(run, &opening, &run.roots(258));
    assert_eq!(opening.check(), Err(Refuted::OtherResult));
}

#[test]
fn another_choice_draws_another_number() {
    let run = random();
    let Choice::Random(random) = run.trace.choice else {
        panic!("it is random")
    };
    let mut refuted = 0;
    for position in 4..19 {
        let mut opening = run.open(at(0, Op::Draw, 0), position);
        opening.trace.choice = Choice::Random(Random {
            seed: random.seed + 1,
            ..random
        });
        assert!(matches!(
            opening.check(),
            Err(Refuted::Operand { flaw: Flaw::Root, .. })
        ));
        let opening = with_step(run, &opening, &run.roots(position));
        refuted += usize::from(matches!(opening.check(), Err(Refuted::Computed { .. })));
    }
    assert!(refuted > 10);
}

// Whatever strangers send.

fn openings() -> &'static [Opening] {
    static OPENINGS: OnceLock<Vec<Opening>> = OnceLock::new();
    OPENINGS.get_or_init(|| some_of_each().into_iter().map(|(_, opening)| opening).collect())
}

/// Changes one of the numbers.
fn bend_number(opening: &mut Opening, which: usize, bits: u64) {
    let size = |old: usize| match bits % 4 {
        0 => old.wrapping_add(1),
        1 => old.wrapping_sub(1),
        2 => old ^ (1 << (bits >> 58)),
        _ => bits as usize,
    };
    let config = &mut opening.config;
    let number = match which % 24 {
        0 => &mut opening.position,
        1 => &mut opening.address.layer,
        2 => &mut opening.address.tile,
        3 => &mut config.width,
        4 => &mut config.layers,
        5 => &mut config.heads,
        6 => &mut config.kv_heads,
        7 => &mut config.head_width,
        8 => &mut config.inner,
        9 => &mut config.vocabulary,
        10 => &mut config.context,
        11 => &mut config.shapes.up.group,
        12 => &mut config.shapes.down.columns,
        13 => return opening.trace.given = size(opening.trace.given as usize) as u32,
        14 => return opening.trace.count = size(opening.trace.count as usize) as u32,
        15 => return config.epsilon = bits,
        16 => return config.to_log2.shift ^= bits as i16,
        17 => {
            config.precision.down = if config.precision.down == Width::Wide {
                Width::Narrow
            } else {
                Width::Wide
            };
            return;
        }
        18 => return config.shapes.head.bits = if bits & 1 == 0 { Bits::Four } else { Bits::Eight },
        19 => {
            config.family = if config.family == Family::Bert {
                Family::Llama
            } else {
                Family::Bert
            };
            return;
        }
        20 => {
            let scale = Scale {
                mantissa: bits as u16,
                shift: (bits >> 16) as i16,
            };
            opening.trace.choice = Choice::Random(Random {
                to_log2: scale,
                top_p: (bits >> 32) as u32,
                seed: bits,
            });
            return;
        }
        21 => return opening.trace.choice = [Choice::Given, Choice::Greedy][bits as usize % 2],
        22 => return config.shapes.up.bias ^= true,
        _ => {
            let all = [
                Op::Embed,
                Op::Key,
                Op::Mix,
                Op::Up,
                Op::Down,
                Op::Head,
                Op::Token,
                Op::Draw,
                Op::Pool,
                Op::Unit,
            ];
            opening.address.op = all[bits as usize % all.len()];
            return;
        }
    };
    *number = size(*number);
}

/// As if all roots were as the opening says: whatever numbers it has, all but the leaves fits.
fn with_fitting_model(mut opening: Opening) -> Opening {
    opening.trace.model = weft_exact::model::root_of(&opening.config, &opening.weights);
    opening
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn a_flipped_bit_is_never_accepted(which in any::<usize>(), slot in any::<usize>(), byte in any::<usize>(), bit in 0u32..8) {
        let opening = &openings()[which % openings().len()];
        let mut bent = opening.clone();
        {
            let mut slots = slots(&mut bent, false);
            let slot = slot % slots.len();
            match &mut slots[slot] {
                Slot::Bytes(bytes) => {
                    let at = byte % bytes.len();
                    bytes[at] ^= 1 << bit;
                }
                Slot::Siblings(siblings) if siblings.is_empty() => return Ok(()),
                Slot::Siblings(siblings) => {
                    let at = byte % siblings.len();
                    siblings[at][byte / 64 % 32] ^= 1 << bit;
                }
                Slot::Digest(digest) => digest[byte % 32] ^= 1 << bit,
                Slot::Token(tokens) => {
                    let at = byte % tokens.len();
                    tokens[at] ^= 1 << (bit * 4);
                }
                Slot::Leaves(_) | Slot::Proved(_) => {}
            }
        }
        prop_assert!(bent.check().is_err(), "{:?}", opening.address);
    }

    #[test]
    fn a_changed_number_is_never_accepted(which in any::<usize>(), numbers in prop::collection::vec(any::<(usize, u64)>(), 1..4)) {
        let opening = &openings()[which % openings().len()];
        let mut bent = opening.clone();
        numbers.iter().for_each(|(which, bits)| bend_number(&mut bent, *which, *bits));
        prop_assume!(bent != *opening);
        prop_assert!(bent.check().is_err(), "{:?}", opening.address);
        // Also with a trace that names such a model: whatever sizes it has, nothing panics.
        let fitting = with_fitting_model(bent);
        prop_assert!(fitting == *opening || fitting.check().is_err(), "{:?}", opening.address);
    }

    #[test]
    fn bytes_of_the_right_size_are_read_back(which in any::<usize>(), seed in 1u64..) {
        let opening = &openings()[which % openings().len()];
        let program = Program::new(opening.config).unwrap();
        let trace = &opening.trace;
        let step = step(&program, trace, opening.position, 0).unwrap();
        let layout = Layout::output(&program, opening.address.op, opening.address.tile, &step);
        let bytes = &opening.output.tiles[0];
        prop_assert_eq!(layout.bytes(), bytes.len());
        prop_assert_eq!(layout.decode(bytes).map(|piece| piece.bytes()), Some(bytes.clone()));
        prop_assert_eq!(layout.decode(&bytes[1..]), None);
        // Numbers in range are read back, whatever they are.
        let mut numbers = numbers::Numbers(seed);
        let random: Vec<u8> = bytes.iter().map(|_| (numbers.next() >> 56) as u8).collect();
        if let Some(piece) = layout.decode(&random) {
            prop_assert_eq!(piece.bytes(), random);
        }
    }
}

#[test]
fn every_leaf_is_read_back() {
    for run in [greedy(), random(), encoder()] {
        let program = run.program();
        for (layer, part) in program.all_parts() {
            for tile in 0..program.weight_tiles(part) {
                let piece = run.model.tile(layer, part, tile).unwrap();
                let layout = Layout::weights(program, part, tile);
                assert_eq!(layout.decode(&piece.bytes()), Some(piece), "{part:?} {tile}");
            }
        }
        for (layer, kind, head) in group(program) {
            let mut bytes = Vec::new();
            (0..3).for_each(|position| run.memory.bytes(layer, kind, head, position, &mut bytes));
            let piece = Layout::kept(program, kind, head, 3).decode(&bytes);
            assert!(matches!(
                (kind, &piece),
                (Kept::Hidden, Some(Piece::Elements(_))) | (_, Some(Piece::Heads(_)))
            ));
            assert_eq!(piece.map(|piece| piece.bytes()), Some(bytes));
        }
    }
}

// How large openings are.

fn sized(family: Family, sizes: [usize; 8], group: usize, width: Width) -> Config {
    let [hidden, layers, heads, kv_heads, head_width, inner, vocabulary, context] = sizes;
    let bias = family == Family::Bert;
    let shape = |columns| Shape {
        columns,
        group,
        bits: Bits::Eight,
        bias,
    };
    let bare = |columns| Shape {
        bias: false,
        ..shape(columns)
    };
    Config {
        family,
        width: hidden,
        layers,
        heads,
        kv_heads,
        head_width,
        inner,
        vocabulary,
        context,
        epsilon: 1 << (EPSILON_PLACES - 17),
        to_log2: models::to_log2(head_width),
        precision: models::precision(width),
        shapes: Shapes {
            embedding: bare(hidden),
            query_key_value: shape(hidden),
            output: shape(heads * head_width),
            up: shape(hidden),
            down: shape(inner),
            head: bare(hidden),
        },
    }
}

/// The largest opening of each operator, of the first, the second and the last layer.
fn largest(config: Config, positions: usize) -> BTreeMap<Op, usize> {
    let program = Program::new(config).expect("the sizes go together");
    let bert = config.family == Family::Bert;
    let count = if bert { positions } else { positions + 1 } as u32;
    let trace = Trace {
        model: [0; 32],
        given: if bert { count } else { 1 },
        count,
        tokens: [0; 32],
        choice: if bert { Choice::Given } else { RANDOM },
        cells: [0; 32],
        kept: [0; 32],
        result: [0; 32],
    };
    let mut most = BTreeMap::new();
    for position in if bert {
        vec![positions - 1, positions]
    } else {
        vec![positions - 1]
    } {
        let step = step(&program, &trace, position, 0).expect("there is such a step");
        for (layer, op) in operators(&program, &trace, position) {
            if layer > 1 && layer + 1 < config.layers {
                continue;
            }
            // All are alike but for the last ones.
            let tiles = program.tiles(op, &step);
            for tile in (0..tiles).step_by(tiles.div_ceil(40)).chain([tiles - 1]) {
                let bytes = size(&program, &trace, at(layer, op, tile), position).expect("there is such a tile");
                let largest: &mut usize = most.entry(op).or_default();
                *largest = bytes.max(*largest);
            }
        }
    }
    most
}

const MOST: usize = 96 * 1_024;

#[test]
fn no_opening_of_a_real_model_is_larger_than_a_judge_takes() {
    let smol = [576, 30, 9, 3, 64, 1_536, 49_152, 8_192];
    let llama = [2_048, 16, 32, 8, 64, 8_192, 128_256, 8_192];
    let mini = [384, 6, 12, 12, 32, 1_536, 30_522, 512];
    let large = [1_024, 24, 16, 16, 64, 4_096, 30_522, 512];
    for (family, sizes, positions) in [
        (Family::Llama, smol, 512),
        (Family::Llama, smol, 8_192),
        (Family::Llama, llama, 8_192),
        (Family::Bert, mini, 512),
        (Family::Bert, large, 512),
    ] {
        for width in [Width::Narrow, Width::Wide] {
            let most = largest(sized(family, sizes, 32, width), positions);
            println!(
                "{family:?} of {} elements, {width:?}, {positions} positions: {most:?}",
                sizes[0]
            );
            assert_eq!(most.len(), 22);
            let over: Vec<_> = most.iter().filter(|(_, bytes)| **bytes > MOST).collect();
            assert!(
                over.is_empty(),
                "{family:?} of {} elements, {positions} positions: {over:?}",
                sizes[0]
            );
        }
    }
}

#[cfg(feature = "serde")]
mod json {
    use super::*;

    #[test]
    fn openings_are_written_and_read_back() {
        for opening in openings() {
            let text = serde_json::to_string(opening).unwrap();
            let read: Opening = serde_json::from_str(&text).unwrap();
            assert_eq!(&read, opening);
            assert!(read.check().is_ok());
        }
    }

    #[test]
    fn every_operator_is_written_by_its_name() {
        let programs = [(greedy(), 0), (random(), 10), (encoder(), 0), (encoder(), 258)];
        let mut names = BTreeMap::new();
        for (run, position) in programs {
            for (_, op) in operators(run.program(), &run.trace, position) {
                assert_eq!(serde_json::to_string(&op).unwrap(), format!("\"{}\"", op.name()));
                assert_eq!(serde_json::from_str::<Op>(&format!("\"{}\"", op.name())).unwrap(), op);
                names.insert(op, ());
            }
        }
        assert_eq!(names.len(), 28);
    }

    #[test]
    fn the_form_is_readable() {
        let opening = random().open(at(1, Op::Mix, 2), 10);
        let value = serde_json::to_value(&opening).unwrap();
        assert_eq!(
            value["address"],
            serde_json::json!({ "layer": 1, "op": "mix", "tile": 2 })
        );
        assert_eq!(
            (&value["position"], &value["config"]["family"]),
            (&10.into(), &"llama".into())
        );
        assert_eq!(value["config"]["shapes"]["up"]["bits"], "four");
        assert_eq!(value["trace"]["choice"]["random"]["seed"], 77);
        let root = value["step_root"].as_str().unwrap();
        assert!(
            root.len() == 64
                && root
                    .bytes()
                    .all(|digit| digit.is_ascii_digit() || digit.is_ascii_lowercase())
        );
        let tile = value["operands"][0]["output"]["tiles"][0].as_str().unwrap();
        assert_eq!(tile.len(), 2 * 4 * 11);
        assert_eq!(value["operands"][2]["kept"]["complete"].as_array().unwrap().len(), 0);
        assert_eq!(value["tokens"]["leaves"][0].as_array().unwrap().len(), 20);
        assert!(value["kept"].is_null());
    }

    #[test]
    fn what_is_no_opening_is_not_read() {
        let text = serde_json::to_string(&greedy().open(at(0, Op::Key, 1), 3)).unwrap();
        let root = text.split("\"step_root\":\"").nth(1).unwrap()[..64].to_owned();
        for (from, to) in [
            ("\"op\":\"key\"", "\"op\":\"keys\"".to_owned()),
            ("\"op\":\"key\"", "\"op\":\"Key\"".to_owned()),
            ("\"op\":\"key\"", "\"op\":3".to_owned()),
            ("\"tile\":1", "\"tile\":-1".to_owned()),
            ("\"tile\":1", "\"tile\":1.5".to_owned()),
            ("\"tile\":1", "\"tile\":1,\"more\":1".to_owned()),
            ("\"position\":3", "\"position\":3,\"more\":1".to_owned()),
            ("\"position\":3,", String::new()),
            ("\"family\":\"llama\"", "\"family\":\"gpt\"".to_owned()),
            (&root, root[1..].to_owned()),
            (&root, root[2..].to_owned()),
            (&root, format!("{root}00")),
            (&root, format!("{}g", &root[1..])),
            (&root, format!("{}A", &root[1..])),
            (&root, format!("0x{}", &root[2..])),
        ] {
            assert!(text.contains(from), "{from}");
            let other = text.replacen(from, &to, 1);
            assert!(serde_json::from_str::<Opening>(&other).is_err(), "{from} as {to}");
        }
        let error = serde_json::from_str::<Opening>(&text.replacen(&root, &root[2..], 1)).unwrap_err();
        assert!(error.to_string().contains("31 bytes"), "{error}");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4_000))]

        #[test]
        fn no_changed_text_is_accepted(
            which in any::<usize>(), changes in prop::collection::vec((any::<usize>(), 0usize..128), 1..3), early in any::<bool>(),
        ) {
            let opening = &openings()[which % openings().len()];
            let mut text = serde_json::to_vec(opening).unwrap();
            // The numbers are among the first.
            let length = if early { 1_600.min(text.len()) } else { text.len() };
            let characters = b"0123456789abcdef-,:{}[]\" ";
            for (at, character) in changes {
                let at = at % length;
                text[at] = match characters.get(character) {
                    Some(character) => *character,
                    None => text[at] ^ (1 << (character % 8)),
                };
            }
            if let Ok(bent) = serde_json::from_slice::<Opening>(&text) {
                prop_assert!(bent == *opening || bent.check().is_err(), "{:?}", opening.address);
                // This undoes a change of the model's root.
                let fitting = with_fitting_model(bent);
                prop_assert!(fitting == *opening || fitting.check().is_err(), "{:?}", opening.address);
            }
        }
    }
}
