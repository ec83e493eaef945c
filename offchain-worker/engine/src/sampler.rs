//! Choosing the next token from logits: a pure function of logits, parameters and a random generator's state.

use thiserror::Error;

/// How the next token is chosen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Sampling {
    /// Always the most likely token (of equals the one with the lowest id).
    Greedy,
    /// Drawn at random from the likeliest tokens.
    Random(RandomSampling),
}

/// Parameters of random choice. The filters apply in the order top-k, temperature, top-p.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RandomSampling {
    /// Divides the logits; above 0. Below 1 sharpens, above 1 flattens.
    pub temperature: f32,
    /// The smallest set of likeliest tokens whose probability reaches this share is kept; in (0, 1], 1 keeps all.
    pub top_p: f32,
    /// At most so many of the likeliest tokens are kept; 0 keeps all.
    pub top_k: usize,
    /// Seed of the generator: the same seed, logits and parameters give the same tokens.
    pub seed: u64,
}

impl Default for RandomSampling {
    fn default() -> Self {
        Self {
            temperature: 0.8,
            top_p: 0.95,
            top_k: 40,
            seed: 0,
        }
    }
}

/// Why no token can be chosen.
#[derive(Debug, Error, PartialEq)]
pub enum SamplerError {
    /// A parameter outside its range.
    #[error("{parameter} is {value}, but must be {allowed}")]
    BadParameter {
        /// The parameter.
        parameter: &'static str,
        /// Its value.
        value: f32,
        /// What it may be.
        allowed: &'static str,
    },
    /// The logits hold no number to choose by.
    #[error("the model computed no usable logits (its weights may be damaged)")]
    NoCandidates,
}

impl Sampling {
    /// Checks the parameters.
    pub fn validate(&self) -> Result<(), SamplerError> {
        let Self::Random(random) = self else {
            return Ok(());
        };
        if !(random.temperature.is_finite() && random.temperature > 0.0) {
            return Err(SamplerError::BadParameter {
                parameter: "temperature",
                value: random.temperature,
                allowed: "a finite number above 0 (use greedy sampling for 0)",
            });
        }
        if !(random.top_p > 0.0 && random.top_p <= 1.0) {
            return Err(SamplerError::BadParameter {
                parameter: "top_p",
                value: random.top_p,
                allowed: "above 0 and at most 1",
            });
        }
        Ok(())
    }

    /// The generator to begin a generation with.
    pub fn rng(&self) -> Xoshiro256 {
        match self {
            Self::Greedy => Xoshiro256::from_seed(0),
            Self::Random(random) => Xoshiro256::from_seed(random.seed),
        }
    }

    /// The next token. Logits that are NaN are never chosen. Greedy choice leaves `rng` as it is; random choice draws once.
    pub fn next_token(&self, logits: &[f32], rng: &mut Xoshiro256) -> Result<u32, SamplerError> {
        match self {
            Self::Greedy => greedy(logits),
            Self::Random(random) => random.next_token(logits, rng),
        }
    }
}

fn greedy(logits: &[f32]) -> Result<u32, SamplerError> {
    let mut best: Option<(u32, f32)> = None;
    for (token, logit) in (0u32..).zip(logits) {
        if logit.is_nan() {
            continue;
        }
        if best.is_none_or(|(_, highest)| *logit > highest) {
            best = Some((token, *logit));
        }
    }
    best.map(|(token, _)| token).ok_or(SamplerError::NoCandidates)
}

impl RandomSampling {
    fn next_token(&self, logits: &[f32], rng: &mut Xoshiro256) -> Result<u32, SamplerError> {
        let mut candidates: Vec<(u32, f32)> = (0u32..)
            .zip(logits.iter().copied())
            .filter(|(_, logit)| !logit.is_nan() && *logit > f32::NEG_INFINITY)
            .collect();
        let likeliest_first = |a: &(u32, f32), b: &(u32, f32)| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0));
        if self.top_k > 0 && self.top_k < candidates.len() {
            candidates.select_nth_unstable_by(self.top_k - 1, likeliest_first);
            candidates.truncate(self.top_k);
        }
        candidates.sort_unstable_by(likeliest_first);
        let highest = candidates
            .first()
            .map(|(_, logit)| f64::from(*logit))
            .ok_or(SamplerError::NoCandidates)?;
        let temperature = f64::from(self.temperature);
        // Unnormalised: of an infinite highest logit the difference is NaN, and that candidate takes all.
        let weights: Vec<f64> = candidates
            .iter()
            .map(|(_, logit)| match (f64::from(*logit) - highest) / temperature {
                difference if difference.is_nan() => 1.0,
                difference => difference.exp(),
            })
            .collect();
        let total: f64 = weights.iter().sum();
        let mut kept = 0.0;
        let mut nucleus = weights.len();
        for (index, weight) in weights.iter().enumerate() {
            kept += weight;
            if kept >= total * f64::from(self.top_p) {
                nucleus = index + 1;
                break;
            }
        }
        let mut left = rng.next_unit() * kept;
        let chosen = weights
            .iter()
            .take(nucleus)
            .position(|weight| {
                left -= weight;
                left < 0.0
            })
            // Rounding may leave a sliver above the last weight.
            .unwrap_or(nucleus - 1);
        candidates
            .get(chosen)
            .map(|(token, _)| *token)
            .ok_or(SamplerError::NoCandidates)
    }
}

/// xoshiro256** seeded through SplitMix64: small, fast, and the same on every machine.
///
/// Source: D. Blackman and S. Vigna, "Scrambled linear pseudorandom number generators", 2021. Not for secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Xoshiro256 {
    state: [u64; 4],
}

impl Xoshiro256 {
    /// The generator whose state is the first four outputs of SplitMix64 from `seed`.
    pub fn from_seed(seed: u64) -> Self {
        let mut counter = seed;
        let state = std::array::from_fn(|_| {
            counter = counter.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut mixed = counter;
            mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            mixed ^ (mixed >> 31)
        });
        Self { state }
    }

    /// The next 64 bits.
    pub fn next_u64(&mut self) -> u64 {
        let [a, b, c, d] = &mut self.state;
        let output = b.wrapping_mul(5).rotate_left(7).wrapping_mul(9);
        let shifted = *b << 17;
        *c ^= *a;
        *d ^= *b;
        *b ^= *c;
        *a ^= *d;
        *c ^= shifted;
        *d = d.rotate_left(45);
        output
    }

    /// The next number in [0, 1), with 53 random bits.
    pub fn next_unit(&mut self) -> f64 {
        (self.next_u64() >> 11) as f64 * (1.0 / (1u64 << 53) as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn random(temperature: f32, top_p: f32, top_k: usize, seed: u64) -> Sampling {
        Sampling::Random(RandomSampling {
            temperature,
            top_p,
            top_k,
            seed,
        })
    }

    #[test]
    fn splitmix_and_xoshiro_match_their_published_outputs() {
        // SplitMix64 from 0 (the state) and xoshiro256** from {1, 2, 3, 4} (the outputs).
        assert_eq!(
            Xoshiro256::from_seed(0).state,
            [
                0xe220_a839_7b1d_cdaf,
                0x6e78_9e6a_a1b9_65f4,
                0x06c4_5d18_8009_454f,
                0xf88b_b8a8_724c_81ec
            ]
        );
        let mut rng = Xoshiro256 { state: [1, 2, 3, 4] };
        let outputs: Vec<u64> = (0..5).map(|_| rng.next_u64()).collect();
        assert_eq!(
            outputs,
            [11520, 0, 1509978240, 1215971899390074240, 1216172134540287360]
        );
    }

    #[test]
    fn greedy_takes_the_first_of_equals_and_never_nan() {
        let mut rng = Xoshiro256::from_seed(0);
        let logits = [f32::NAN, 1.0, 3.0, 3.0, f32::NEG_INFINITY];
        assert_eq!(Sampling::Greedy.next_token(&logits, &mut rng), Ok(2));
        assert_eq!(
            Sampling::Greedy.next_token(&[f32::NAN], &mut rng),
            Err(SamplerError::NoCandidates)
        );
        assert_eq!(
            Sampling::Greedy.next_token(&[], &mut rng),
            Err(SamplerError::NoCandidates)
        );
    }

    #[test]
    fn frequencies_follow_the_softmax() {
        // Probabilities 1/2, 1/3, 1/6.
        let logits = [3f32.ln(), 2f32.ln(), 0.0];
        let sampling = random(1.0, 1.0, 0, 9);
        let mut rng = sampling.rng();
        let mut counts = [0u32; 3];
        const DRAWS: u32 = 60_000;
        for _ in 0..DRAWS {
            counts[sampling.next_token(&logits, &mut rng).unwrap() as usize] += 1;
        }
        for (count, expected) in counts.iter().zip([0.5, 1.0 / 3.0, 1.0 / 6.0]) {
            let share = f64::from(*count) / f64::from(DRAWS);
            // Five standard deviations are 0.0102 at most.
            assert!((share - expected).abs() < 0.0102, "{counts:?}");
        }
    }

    #[test]
    fn top_p_keeps_the_smallest_sufficient_set() {
        let logits = [3f32.ln(), 2f32.ln(), 0.0];
        for (top_p, allowed) in [(0.49, 1), (0.51, 2), (0.83, 2), (0.84, 3)] {
            let mut seen = std::collections::BTreeSet::new();
            for seed in 0..400 {
                let sampling = random(1.0, top_p, 0, seed);
                seen.insert(sampling.next_token(&logits, &mut sampling.rng()).unwrap());
            }
            assert_eq!(seen, (0..allowed).collect(), "top_p {top_p}");
        }
    }

    #[test]
    fn parameters_outside_their_range_are_refused() {
        for sampling in [
            random(0.0, 1.0, 0, 0),
            random(f32::NAN, 1.0, 0, 0),
            random(-1.0, 1.0, 0, 0),
            random(1.0, 0.0, 0, 0),
            random(1.0, 1.1, 0, 0),
            random(1.0, f32::NAN, 0, 0),
        ] {
            assert!(sampling.validate().is_err(), "{sampling:?}");
        }
        assert_eq!(random(0.7, 0.9, 40, 1).validate(), Ok(()));
    }

    proptest! {
        #[test]
        fn random_choice_is_a_function_of_its_inputs_and_stays_in_top_k(
            logits in prop::collection::vec(prop_oneof![9 => -50f32..50.0, 1 => Just(f32::NAN), 1 => Just(f32::INFINITY)], 1..60),
            seed: u64, top_k in 0usize..10, temperature in 0.01f32..4.0, top_p in 0.01f32..=1.0,
        ) {
            let sampling = random(temperature, top_p, top_k, seed);
            let first = sampling.next_token(&logits, &mut sampling.rng());
            prop_assert_eq!(&first, &sampling.next_token(&logits, &mut sampling.rng()));
            match first {
                Ok(token) => {
                    let chosen = logits[token as usize];
                    prop_assert!(!chosen.is_nan());
                    let better = logits.iter().filter(|logit| **logit > chosen).count();
                    prop_assert!(top_k == 0 || better < top_k);
                }
                Err(_) => prop_assert!(logits.iter().all(|logit| logit.is_nan())),
            }
        }

        #[test]
        fn a_low_temperature_is_greedy(best in 0u32..40, seed: u64) {
            let mut logits = vec![0.0f32; 40];
            logits[best as usize] = 1.0;
            let sampling = random(0.01, 1.0, 0, seed);
            prop_assert_eq!(sampling.next_token(&logits, &mut sampling.rng()), Ok(best));
        }
    }
}
