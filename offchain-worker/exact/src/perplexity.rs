//! How well a model foretells a text.

use weft_exact::fixed::{Fixed, ONE};

use crate::engine::{Engine, Failure, Slot, Work};

/// Windows that are computed side by side.
const TOGETHER: usize = 16;

/// The perplexity of a text in windows of `window` tokens, each foretold from those before it in its window; every window but
/// the first begins with the last token of the one before. `None` if there are fewer than two tokens.
///
/// `progress` is told how many tokens are done, and of how many.
pub fn perplexity(
    engine: &mut dyn Engine,
    tokens: &[u32],
    window: usize,
    mut progress: impl FnMut(usize, usize),
) -> Result<Option<f64>, Failure> {
    let window = window.clamp(1, engine.program().config().context);
    let starts: Vec<usize> = (0..tokens.len().saturating_sub(1)).step_by(window).collect();
    let (mut sum, mut count) = (0.0, 0usize);
    for starts in starts.chunks(TOGETHER) {
        let slots: Vec<Slot> = starts.iter().map(|_| engine.open()).collect();
        let windows = starts
            .iter()
            .map(|start| &tokens[*start..tokens.len().min(start + window + 1)]);
        let windows: Vec<(Slot, &[u32])> = slots.iter().copied().zip(windows).collect();
        let mut run = || -> Result<(), Failure> {
            for at in 0..window {
                let some = windows.iter().filter(|(_, window)| at + 1 < window.len());
                let work: Vec<Work<'_>> = some
                    .clone()
                    .map(|(slot, window)| Work {
                        slot: *slot,
                        tokens: &window[at..=at],
                        logits: true,
                    })
                    .collect();
                if work.is_empty() {
                    break;
                }
                for (logits, (_, window)) in engine.advance(&work)?.into_iter().zip(some) {
                    sum += surprise(&logits.unwrap_or_default(), window[at + 1]);
                    count += 1;
                }
                progress(count, tokens.len() - 1);
            }
            Ok(())
        };
        let result = run();
        slots.into_iter().for_each(|slot| engine.close(slot));
        result?;
    }
    Ok((count > 0).then(|| (sum / count as f64).exp()))
}

/// `-ln` of the probability that a softmax of the logits gives a token.
fn surprise(logits: &[Fixed], token: u32) -> f64 {
    let most = logits.iter().copied().max().unwrap_or(0);
    let distance = |logit: Fixed| (f64::from(logit) - f64::from(most)) / f64::from(ONE);
    let total: f64 = logits.iter().map(|logit| distance(*logit).exp()).sum();
    total.ln()
        - logits
            .get(token as usize)
            .map_or(f64::NEG_INFINITY, |logit| distance(*logit))
}
