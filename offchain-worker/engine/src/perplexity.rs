//! How well a float model foretells a text.

use crate::engine_error::EngineError;
use crate::generate::TextModel;

/// Tokens whose logits are held at a time: 25 MB at a vocabulary of 50,000.
const AT_ONCE: usize = 128;

impl TextModel {
    /// The perplexity of a text in windows of `window` tokens, each foretold from those before it in its window; every
    /// window but the first begins with the last token of the one before. `None` if there are fewer than two tokens.
    ///
    /// `progress` is told how many tokens are done, and of how many.
    pub fn perplexity(
        &mut self,
        text: &str,
        window: usize,
        mut progress: impl FnMut(usize, usize),
    ) -> Result<Option<f64>, EngineError> {
        let tokens = self.tokenizer().encode(text)?;
        let window = window.clamp(1, self.config().context);
        let (mut sum, mut count) = (0.0, 0usize);
        for start in (0..tokens.len().saturating_sub(1)).step_by(window) {
            let end = tokens.len().min(start + window + 1);
            self.model_mut().reset();
            for from in (start..end - 1).step_by(AT_ONCE) {
                let to = (end - 1).min(from + AT_ONCE);
                let logits = self.model_mut().advance_all(&tokens[from..to])?;
                for (logits, next) in logits.iter().zip(&tokens[from + 1..=to]) {
                    sum += surprise(logits, *next);
                    count += 1;
                }
                progress(count, tokens.len() - 1);
            }
        }
        Ok((count > 0).then(|| (sum / count as f64).exp()))
    }
}

/// `-ln` of the probability that a softmax of the logits gives a token.
fn surprise(logits: &[f32], token: u32) -> f64 {
    let most = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let distance = |logit: f32| f64::from(logit - most);
    let total: f64 = logits.iter().map(|logit| distance(*logit).exp()).sum();
    total.ln()
        - logits
            .get(token as usize)
            .map_or(f64::NEG_INFINITY, |logit| distance(*logit))
}
