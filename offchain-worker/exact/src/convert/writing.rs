//! Text that a model writes itself, for its own calibration: none has to be shipped, and none that a model is judged by can have
//! been seen.

use rayon::prelude::*;

use super::{Cache, Folded, Progress, Span, Stage, curves::masses, random::Random};

/// Writes as many sequences as there are tokens in `starts`, each of `length` tokens of which the first is given, the others drawn
/// by their probabilities. Ends of a text do not end a sequence.
pub fn write(
    model: &Folded,
    starts: &[u32],
    length: usize,
    random: &mut Random,
    progress: &mut dyn FnMut(Progress),
) -> Vec<Vec<u32>> {
    let mut sequences: Vec<Vec<u32>> = starts.iter().map(|start| vec![*start]).collect();
    let mut caches: Vec<Cache> = model.layers.iter().map(|_| Cache::new(model, starts.len())).collect();
    for position in 0..length.saturating_sub(1) {
        progress(Progress {
            stage: Stage::Writing,
            done: position,
            total: length,
        });
        let last: Vec<u32> = sequences
            .iter()
            .filter_map(|sequence| sequence.last().copied())
            .collect();
        let spans: Vec<Span> = (0..last.len())
            .map(|sequence| Span {
                sequence,
                first: position,
                count: 1,
            })
            .collect();
        let mut x = model.embed(&last);
        for (layer, cache) in model.layers.iter().zip(&mut caches) {
            model.layer(layer, &mut x, &spans, cache, None);
        }
        let mut logits = model.logits(&x);
        let shares: Vec<f64> = sequences.iter().map(|_| random.uniform()).collect();
        let drawn: Vec<u32> = logits
            .par_chunks_mut(model.vocabulary())
            .zip(shares)
            .map(|(logits, share)| draw(logits, share))
            .collect();
        sequences
            .iter_mut()
            .zip(drawn)
            .for_each(|(sequence, token)| sequence.push(token));
    }
    progress(Progress {
        stage: Stage::Writing,
        done: length,
        total: length,
    });
    sequences
}

/// The token at which the sum of probabilities passes `share`.
fn draw(logits: &mut [f32], share: f64) -> u32 {
    let mut left = share * masses(logits);
    let passes = |mass: &f32| {
        left -= f64::from(*mass);
        left < 0.0
    };
    let token = logits.iter().position(passes).unwrap_or(0);
    u32::try_from(token).unwrap_or(0)
}
