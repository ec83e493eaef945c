//! One tile, from what it reads: what the judge computes.

use alloc::vec::Vec;

use crate::{
    activation::{gelu, swiglu},
    attention::{BLOCK, combine, exponents, mix},
    fixed::{Fixed, saturate},
    hadamard::quantise_transformed,
    linear::{Matrix, Shape},
    norm::{layer_norm, rms_norm},
    piece::Piece,
    pool::{mean, pool, unit},
    program::{ANGLE_BLOCK, Address, Family, Kept, Op, POOLED, Part, Program, Source, Step},
    quantise::{Quantised, Width, quantise},
    rotary::turn,
    sampling::{BUCKETS, CHUNK, best, draw, highest, masses, token},
};

/// The operands are not what the tile reads: another kind, or another size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WrongOperands;

/// Computes a tile from what [`Program::sources`] lists for it.
pub fn compute(program: &Program, at: &Address, step: &Step, operands: &[Piece]) -> Result<Piece, WrongOperands> {
    tile(program, at, step, operands).ok_or(WrongOperands)
}

fn tile(program: &Program, at: &Address, step: &Step, operands: &[Piece]) -> Option<Piece> {
    // Everything after this takes the sizes for granted: strangers choose the operands.
    let sources = program.sources(at, step)?;
    let drawn = operands.iter().find_map(|piece| match piece {
        Piece::Draw(draw) => Some(draw.chunk as usize),
        _ => None,
    });
    let all_fit = sources.len() == operands.len()
        && sources
            .iter()
            .zip(operands)
            .all(|(source, piece)| fits(program, source, step, drawn, piece));
    if !all_fit {
        return None;
    }
    let c = program.config();
    let llama = c.family == Family::Llama;
    // Of Llama the norm's gain is in the weights that follow.
    let input = |x: &[Fixed], width: Width| {
        Piece::Quantised(if llama {
            rms_norm(x, c.epsilon, width)
        } else {
            quantise(x, width)
        })
    };
    Some(match (at.op, operands) {
        (Op::Embed, [Piece::Rows(table)]) if llama => {
            let row = step.token as usize % program.rows_per_tile(Part::Embedding);
            Piece::Fixed(table.row(row)?)
        }
        (Op::Embed, [Piece::Rows(table), Piece::Rows(positions)]) => {
            let token = table.row(step.token as usize % program.rows_per_tile(Part::Embedding))?;
            let position = positions.row(step.position % program.rows_per_tile(Part::Positions))?;
            Piece::Fixed(add(&token, &position))
        }
        (Op::EmbedNorm | Op::OutputNorm | Op::DownNorm, [Piece::Fixed(x), Piece::Gains(gain, bias)]) => {
            Piece::Fixed(layer_norm(x, gain, bias, c.epsilon))
        }
        (Op::AttentionInput, [Piece::Fixed(x)]) => input(x, c.precision.query_key_value),
        (Op::FeedInput, [Piece::Fixed(x)]) => input(x, c.precision.up),
        (Op::HeadInput, [Piece::Fixed(x)]) => input(x, c.precision.head),
        (Op::OutputInput, [Piece::Fixed(x)]) => Piece::Quantised(quantise(x, c.precision.output)),
        (Op::DownInput, [Piece::Fixed(x)]) => Piece::Quantised(quantise(x, c.precision.down)),
        (Op::QueryKeyValue | Op::Head, [Piece::Quantised(x), Piece::Rows(rows)]) => Piece::Fixed(rows.forward(x)),
        (Op::Up, [Piece::Quantised(x), Piece::Rows(rows)]) => {
            let y = rows.forward(x);
            Piece::Fixed(if llama {
                y.chunks_exact(2)
                    .filter_map(|pair| Some(swiglu(*pair.first()?, *pair.get(1)?)))
                    .collect()
            } else {
                y.into_iter().map(gelu).collect()
            })
        }
        (Op::Output | Op::Down, [Piece::Quantised(x), Piece::Rows(rows), Piece::Fixed(residual)]) => {
            Piece::Fixed(add(residual, &rows.forward(x)))
        }
        (Op::Query | Op::Key, [Piece::Fixed(x), Piece::Angles(angles)]) if llama => {
            let angles = angles.chunks_exact(c.head_width / 2).nth(step.position % ANGLE_BLOCK)?;
            Piece::Quantised(quantise_transformed(&turn(x, angles), c.head_width))
        }
        (Op::Query | Op::Key, [Piece::Fixed(x)]) if !llama => Piece::Quantised(quantise_transformed(x, c.head_width)),
        (Op::Value, [Piece::Fixed(x)]) => Piece::Quantised(quantise(x, Width::Narrow)),
        (Op::Exponents, [Piece::Quantised(query), Piece::Heads(keys)]) => {
            Piece::Fixed(exponents(query, keys, c.to_log2))
        }
        (Op::Peak, [Piece::Fixed(x)]) => Piece::Fixed(alloc::vec![x.iter().copied().max()?]),
        (Op::Mix, [Piece::Fixed(x), Piece::Fixed(peak), Piece::Heads(values)]) => {
            Piece::Mixed(alloc::vec![mix(x, *peak.first()?, values)])
        }
        (Op::Combine, [Piece::Mixed(blocks)]) => Piece::Fixed(combine(blocks)),
        (Op::Best, [Piece::Fixed(logits)]) => Piece::Best(alloc::vec![best(logits, (at.tile * CHUNK) as u32)?]),
        (Op::Masses, [Piece::Fixed(logits), Piece::Best(bests)]) => Piece::Masses(alloc::vec![masses(
            logits,
            highest(bests)?.logit,
            step.choice.random()?
        )]),
        (Op::Draw, [Piece::Masses(chunks)]) => Piece::Draw(draw(chunks, step.choice.random()?, step.position as u64)?),
        (Op::Token, [Piece::Best(bests)]) => Piece::Token(highest(bests)?.token),
        (Op::Token, [Piece::Best(bests), Piece::Draw(draw), Piece::Fixed(logits)]) => {
            let first = draw.chunk.checked_mul(CHUNK as u32)?;
            Piece::Token(token(
                logits,
                first,
                highest(bests)?.logit,
                step.choice.random()?,
                draw,
            )?)
        }
        (Op::Pool, [Piece::Elements(rows)]) => Piece::Sums(alloc::vec![pool(rows)]),
        (Op::Mean, [Piece::Sums(blocks)]) => Piece::Fixed(mean(blocks, step.visible as u32)),
        (Op::Unit, [Piece::Fixed(x)]) => Piece::Fixed(unit(x)),
        _ => return None,
    })
}

/// Whether a piece is of the kind and of the size that a source gives. `drawn` is the chunk to which a draw led, if there is
/// one.
fn fits(program: &Program, source: &Source, step: &Step, drawn: Option<usize>, piece: &Piece) -> bool {
    let c = program.config();
    let quantised = |x: &Quantised, count: usize, width: Width| {
        x.values.len() == count && x.fine.len() == if width == Width::Wide { count } else { 0 }
    };
    let head = |x: &Quantised| quantised(x, c.head_width, Width::Narrow);
    // Elements of a tile of a pool.
    let pooled = |chunk: usize| c.width.saturating_sub(chunk * POOLED).min(POOLED);
    match (source, piece) {
        (Source::Weights { part, tile, .. }, piece) => {
            let per_tile = program.rows_per_tile(*part);
            let rows = program
                .rows(*part)
                .saturating_sub(tile.saturating_mul(per_tile))
                .min(per_tile);
            match (piece, program.shape(*part)) {
                (Piece::Rows(matrix), Some(shape)) => has(matrix, shape, rows),
                (Piece::Angles(angles), None) => *part == Part::Angles && angles.len() == rows * (c.head_width / 2),
                (Piece::Gains(gain, bias), None) => {
                    *part != Part::Angles && gain.len() == c.width && bias.len() == c.width
                }
                _ => false,
            }
        }
        (
            Source::Kept {
                kind: Kept::Hidden,
                head,
                positions,
                ..
            },
            Piece::Elements(rows),
        ) => rows.len() == positions.len() && rows.iter().all(|row| row.len() == pooled(*head)),
        (
            Source::Kept {
                kind: Kept::Key | Kept::Value,
                positions,
                ..
            },
            Piece::Heads(heads),
        ) => heads.len() == positions.len() && heads.iter().all(head),
        (Source::Drawn, Piece::Fixed(x)) => {
            drawn.is_some_and(|chunk| chunk < program.chunks() && x.len() == (c.vocabulary - chunk * CHUNK).min(CHUNK))
        }
        (
            Source::Output {
                elements: Some(elements),
                ..
            },
            Piece::Fixed(x),
        ) => x.len() == elements.len(),
        (
            Source::Output {
                op,
                tiles,
                elements: None,
                ..
            },
            piece,
        ) => match (op, piece) {
            (Op::Embed | Op::EmbedNorm | Op::Output | Op::OutputNorm, Piece::Fixed(x)) => x.len() == c.width,
            (Op::Down | Op::DownNorm | Op::Mean, Piece::Fixed(x)) => x.len() == c.width,
            (Op::Up, Piece::Fixed(x)) => x.len() == c.inner,
            (Op::Combine, Piece::Fixed(x)) => x.len() == tiles.len() * c.head_width,
            (Op::Exponents, Piece::Fixed(x)) => {
                let blocks = program.blocks(step).max(1);
                let of_tile = |tile: usize| step.visible.saturating_sub(tile % blocks * BLOCK).min(BLOCK);
                x.len() == tiles.clone().map(of_tile).sum()
            }
            (Op::Peak, Piece::Fixed(x)) => x.len() == tiles.len(),
            (Op::Query, Piece::Quantised(x)) => head(x),
            (Op::AttentionInput, Piece::Quantised(x)) => quantised(x, c.width, c.precision.query_key_value),
            (Op::OutputInput, Piece::Quantised(x)) => quantised(x, c.heads * c.head_width, c.precision.output),
            (Op::FeedInput, Piece::Quantised(x)) => quantised(x, c.width, c.precision.up),
            (Op::DownInput, Piece::Quantised(x)) => quantised(x, c.inner, c.precision.down),
            (Op::HeadInput, Piece::Quantised(x)) => quantised(x, c.width, c.precision.head),
            (Op::Mix, Piece::Mixed(blocks)) => {
                blocks.len() == tiles.len() && blocks.iter().all(|block| block.sums.len() == c.head_width)
            }
            (Op::Best, Piece::Best(chunks)) => chunks.len() == tiles.len(),
            (Op::Masses, Piece::Masses(chunks)) => {
                chunks.len() == tiles.len() && chunks.iter().all(|masses| masses.len() == BUCKETS)
            }
            (Op::Draw, Piece::Draw(_)) => true,
            (Op::Pool, Piece::Sums(blocks)) => {
                let chunk = tiles.start / program.blocks(step).max(1);
                blocks.len() == tiles.len() && blocks.iter().all(|sums| sums.len() == pooled(chunk))
            }
            _ => false,
        },
        _ => false,
    }
}

/// Whether a matrix has as many rows as `rows`, all of one shape.
fn has(matrix: &Matrix, shape: Shape, rows: usize) -> bool {
    matrix.columns == shape.columns
        && matrix.bits == shape.bits
        && matrix.group == shape.group
        && matrix.weights.len() == rows * shape.columns
        && matrix.group_scales.len() == rows * (shape.columns / shape.group)
        && matrix.row_scales.len() == rows
        && matrix.bias.len() == if shape.bias { rows } else { 0 }
}

fn add(x: &[Fixed], y: &[Fixed]) -> Vec<Fixed> {
    x.iter()
        .zip(y)
        .map(|(x, y)| saturate(i64::from(*x) + i64::from(*y)))
        .collect()
}
