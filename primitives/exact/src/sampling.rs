//! The choice of a token from logits: the highest, or at random with temperature and top-p.
//!
//! Logits are cut into chunks of [`CHUNK`], so that no step needs them all: each chunk gives its highest logit, then its masses
//! by bucket of probability; a random number leads to a chunk, and there to a token.

use alloc::{vec, vec::Vec};

use crate::{
    attention::{POWER_PLACES, power},
    fixed::{Fixed, PLACES, Scale},
    merkle::hash,
};

/// Logits of a chunk.
pub const CHUNK: usize = 8_192;

/// Buckets of probability, each an eighth of an octave: [`BUCKETS`] / 8 octaves below the likeliest token the rest is never drawn.
pub const BUCKETS: usize = 128;

/// Binary places of an exponent within a bucket.
const BUCKET_PLACES: u32 = PLACES - 3;

/// How to draw at random.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(deny_unknown_fields)
)]
#[cfg_attr(
    feature = "codec",
    derive(codec::Encode, codec::Decode, codec::DecodeWithMemTracking)
)]
pub struct Random {
    /// `log2(e) / temperature`.
    pub to_log2: Scale,
    /// Of all mass, the part from which is drawn, with 16 binary places: at most 65,536.
    pub top_p: u32,
    /// Start of the random numbers.
    pub seed: u64,
}

/// The highest of some logits, the first of equals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Best {
    /// The logit.
    pub logit: Fixed,
    /// Its token.
    pub token: u32,
}

/// Where a random number leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Draw {
    /// The chunk.
    pub chunk: u32,
    /// The last bucket from which is drawn.
    pub last_bucket: u32,
    /// The mass to be passed within the chunk.
    pub rest: u64,
}

/// The highest logit of a chunk whose first token is `first`; `None` if it is empty.
pub fn best(logits: &[Fixed], first: u32) -> Option<Best> {
    let candidates = logits
        .iter()
        .zip(first..)
        .map(|(logit, token)| Best { logit: *logit, token });
    candidates.reduce(|best, next| if next.logit > best.logit { next } else { best })
}

/// The highest of the chunks' best; `None` if there is none.
pub fn highest(chunks: &[Best]) -> Option<Best> {
    chunks
        .iter()
        .copied()
        .reduce(|best, next| if next.logit > best.logit { next } else { best })
}

/// Exponent of two below the peak, with 16 binary places.
fn below(logit: Fixed, peak: Fixed, to_log2: Scale) -> u32 {
    let distance = i64::from(peak)
        .saturating_sub(i64::from(logit))
        .clamp(0, i64::from(i32::MAX)) as i32;
    // Fixed has the places already.
    to_log2.apply(distance, 0).max(0) as u32
}

/// The bucket and the mass of a logit; `None` where nothing is drawn.
fn mass(logit: Fixed, peak: Fixed, to_log2: Scale) -> Option<(usize, u64)> {
    let exponent = below(logit, peak, to_log2);
    let bucket = (exponent >> BUCKET_PLACES) as usize;
    (bucket < BUCKETS).then(|| (bucket, u64::from(power(exponent & 0xffff)) >> (exponent >> PLACES)))
}

/// The masses of a chunk by bucket, with [`POWER_PLACES`].
pub fn masses(logits: &[Fixed], peak: Fixed, random: &Random) -> Vec<u64> {
    let mut masses = vec![0u64; BUCKETS];
    for (bucket, mass) in logits.iter().filter_map(|logit| mass(*logit, peak, random.to_log2)) {
        if let Some(sum) = masses.get_mut(bucket) {
            *sum = sum.saturating_add(mass);
        }
    }
    masses
}

/// The random number of a step: uniform over 64 bits.
fn uniform(seed: u64, step: u64) -> u64 {
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    bytes[8..].copy_from_slice(&step.to_le_bytes());
    let digest = hash(b"weft sample", &bytes);
    let mut first = [0; 8];
    first.copy_from_slice(&digest[..8]);
    u64::from_le_bytes(first)
}

fn add_up<'a>(masses: impl IntoIterator<Item = &'a u64>) -> u64 {
    masses.into_iter().fold(0, |sum, mass| sum.saturating_add(*mass))
}

/// From the masses of all chunks and the random number of a step: whole buckets, the likeliest first, until they hold
/// `top_p` of all mass; then the chunk where the random part of theirs is passed.
pub fn draw(chunks: &[Vec<u64>], random: &Random, step: u64) -> Option<Draw> {
    // Masses of a vocabulary are below 2^48; only what strangers send saturates.
    let bucket = |at: usize| add_up(chunks.iter().filter_map(|chunk| chunk.get(at)));
    let buckets: Vec<u64> = (0..BUCKETS).map(bucket).collect();
    let total = add_up(&buckets);
    let wanted = (u128::from(total) * u128::from(random.top_p.min(1 << PLACES))).div_ceil(1 << PLACES) as u64;
    let mut kept = 0u64;
    let last_bucket = buckets.iter().position(|mass| {
        kept = kept.saturating_add(*mass);
        kept >= wanted && kept > 0
    })?;
    let mut rest = ((u128::from(uniform(random.seed, step)) * u128::from(kept)) >> 64) as u64;
    for (chunk, masses) in chunks.iter().enumerate() {
        let mass = add_up(masses.iter().take(last_bucket + 1));
        if rest < mass {
            return Some(Draw {
                chunk: u32::try_from(chunk).ok()?,
                last_bucket: last_bucket as u32,
                rest,
            });
        }
        rest -= mass;
    }
    None
}

/// The token of a chunk at which a draw ends; `first` is the chunk's first token.
pub fn token(logits: &[Fixed], first: u32, peak: Fixed, random: &Random, draw: &Draw) -> Option<u32> {
    let mut rest = draw.rest;
    for (logit, token) in logits.iter().zip(first..) {
        if let Some((bucket, mass)) = mass(*logit, peak, random.to_log2)
            && bucket <= draw.last_bucket as usize
        {
            if rest < mass {
                return Some(token);
            }
            rest -= mass;
        }
    }
    None
}

/// The token that follows logits of a whole vocabulary; greedy without `random`. `None` if there are none.
pub fn choose(logits: &[Fixed], random: Option<&Random>, step: u64) -> Option<u32> {
    let chunks = || logits.chunks(CHUNK).zip((0u32..).step_by(CHUNK));
    let bests: Vec<Best> = chunks().filter_map(|(chunk, first)| best(chunk, first)).collect();
    let peak = highest(&bests)?;
    let Some(random) = random else {
        return Some(peak.token);
    };
    let masses: Vec<Vec<u64>> = chunks().map(|(chunk, _)| masses(chunk, peak.logit, random)).collect();
    let draw = draw(&masses, random, step)?;
    let (chunk, first) = chunks().nth(draw.chunk as usize)?;
    token(chunk, first, peak.logit, random, &draw)
}

/// Mass of the likeliest token, for callers that read masses.
pub const WHOLE: u64 = 1 << POWER_PLACES;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::fixed::ONE;

    fn random(temperature: f64, top_p: f64, seed: u64) -> Random {
        Random {
            to_log2: Scale::new((core::f64::consts::LOG2_E / temperature * 2f64.powi(40)) as u64, 40),
            top_p: (top_p * 65_536.0) as u32,
            seed,
        }
    }

    #[test]
    fn draws_have_the_distribution_of_a_softmax() {
        // Over three chunks, most of it far below.
        let mut logits = vec![-100 * ONE; 2 * CHUNK + 10];
        let places = [(3, 2.0), (CHUNK, 1.0), (CHUNK + 7, 0.0), (2 * CHUNK + 9, 1.5)];
        for (at, logit) in places {
            logits[at] = (logit * f64::from(ONE)) as Fixed;
        }
        let sampling = random(0.7, 1.0, 11);
        let total: f64 = places.iter().map(|(_, logit)| (logit / 0.7f64).exp()).sum();
        let draws = 20_000u32;
        let tokens: Vec<usize> = (0..draws)
            .map(|step| choose(&logits, Some(&sampling), u64::from(step)).unwrap() as usize)
            .collect();
        for (at, logit) in places {
            let expected = (logit / 0.7f64).exp() / total;
            let seen = tokens.iter().filter(|token| **token == at).count() as f64 / f64::from(draws);
            // Five standard deviations.
            assert!(
                (seen - expected).abs() < 5.0 * (expected / f64::from(draws)).sqrt(),
                "{at}: {seen} {expected}"
            );
        }
        // The nucleus of the two likeliest holds 0.77 of the mass.
        let nucleus = random(0.7, 0.7, 11);
        assert!(
            (0..2_000).all(|step| [3, 2 * CHUNK as u32 + 9].contains(&choose(&logits, Some(&nucleus), step).unwrap()))
        );
    }

    proptest! {
        #[test]
        fn whatever_the_logits_one_is_chosen(
            logits in prop::collection::vec(any::<i32>(), 1..50), small in 0u32..24, temperature in 0.01..100.0, top_p in 0.0..1.0,
            seed in any::<u64>(), step in any::<u64>(),
        ) {
            let logits: Vec<Fixed> = logits.iter().map(|x| x >> small).collect();
            let sampling = random(temperature, top_p, seed);
            let token = choose(&logits, Some(&sampling), step).unwrap();
            prop_assert!((token as usize) < logits.len());
            prop_assert_eq!(Some(token), choose(&logits, Some(&sampling), step));
            let greedy = choose(&logits, None, step).unwrap() as usize;
            prop_assert_eq!(logits[greedy], *logits.iter().max().unwrap());
            prop_assert!(!logits[..greedy].contains(&logits[greedy]));
            // So narrow a nucleus is the likeliest bucket alone.
            let narrow = choose(&logits, Some(&random(1.0, 0.0, seed)), step).unwrap() as usize;
            prop_assert!(below(logits[narrow], logits[greedy], random(1.0, 0.0, 0).to_log2) < 1 << BUCKET_PLACES);
        }
    }

    #[test]
    fn nothing_is_chosen_of_nothing() {
        assert_eq!(choose(&[], None, 0), None);
        assert_eq!(choose(&[], Some(&random(1.0, 1.0, 0)), 0), None);
        assert_eq!(draw(&[], &random(1.0, 1.0, 0), 0), None);
        let beyond = Draw {
            chunk: 0,
            last_bucket: 0,
            rest: u64::MAX,
        };
        assert_eq!(token(&[0], 0, 0, &random(1.0, 1.0, 0), &beyond), None);
    }
}
