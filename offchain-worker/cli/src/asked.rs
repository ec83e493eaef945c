//! What was asked in exact jobs, on disk: the tokens and what the jobs commit to, so that an answer to something else can be shown to be
//! one for as long as it can be challenged.
//!
//! One file a job. Files are written beside their name and renamed, so that what has its name is whole. They tell prompts: only their owner
//! may read them.

use std::{
    fs,
    io::{ErrorKind, Write},
    path::PathBuf,
    time::Duration,
};

use codec::{Decode, DecodeAll, Encode};
use weft_chain::{Client, jobs::JobState};
use weft_disputes::{Prompt, PromptFault, Shown, ShownSketch};
use weft_engine::exact::{Asked, among, commitment};
use weft_primitives::JobId;

use crate::failure::Failure;

/// After this time a job that the chain does not know is not about to appear.
const FORGOTTEN: Duration = Duration::from_secs(24 * 60 * 60);

/// See the module.
#[derive(Clone, Debug)]
pub struct AskedJobs {
    dir: PathBuf,
}

/// What was asked in a job.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct AskedJob {
    /// The job.
    pub job: JobId,
    /// The chain, by its genesis hash: a home directory may meet more than one.
    pub genesis: [u8; 32],
    /// Its texts, in their order.
    texts: Vec<(Vec<u32>, Prompt)>,
}

impl AskedJob {
    /// Of a job that commits to these.
    pub fn new(genesis: [u8; 32], job: JobId, asked: &[Asked]) -> Self {
        let texts = asked.iter().map(|asked| (asked.tokens.clone(), asked.prompt.clone()));
        Self {
            job,
            genesis,
            texts: texts.collect(),
        }
    }

    fn asked(&self) -> Vec<Asked> {
        let asked = self.texts.iter().map(|(tokens, prompt)| Asked {
            tokens: tokens.clone(),
            prompt: prompt.clone(),
        });
        asked.collect()
    }

    /// What a job commits to in which this was asked.
    pub fn commitment(&self) -> Option<[u8; 32]> {
        commitment(&self.asked())
    }

    /// What shows that an answer is not to this, or not as it was asked for; `None` if it is. All that is shown of the answer was held to
    /// its trace before.
    pub fn fault(&self, shown: &ShownSketch) -> Option<PromptFault> {
        let asked = self.asked();
        let (place, count) = match &shown.claimed.among {
            Some(among) => (usize::try_from(among.place).ok()?, usize::try_from(among.count).ok()?),
            None => (0, 1),
        };
        let other_texts = count != asked.len();
        let place = if other_texts { 0 } else { place };
        let (tokens, prompt) = self.texts.get(place)?;
        let claim = &shown.claimed.claim;
        let context = u32::try_from(claim.config.context).unwrap_or(u32::MAX);
        let found = match other_texts {
            true => Some(Shown::Header),
            false => prompt.doubt(tokens, &claim.trace, &shown.sketch.tokens, context),
        };
        Some(PromptFault {
            claimed: shown.claimed.clone(),
            prompt: prompt.clone(),
            among: among(&asked, place),
            shown: found?,
        })
    }
}

impl AskedJobs {
    /// Opens the directory, making it if needed.
    pub fn open(dir: PathBuf) -> Result<Self, Failure> {
        let made = || {
            fs::create_dir_all(&dir)?;
            #[cfg(unix)]
            fs::set_permissions(&dir, std::os::unix::fs::PermissionsExt::from_mode(0o700))?;
            Ok::<_, std::io::Error>(())
        };
        made().map_err(|error| Failure::local(format_args!("cannot make {}", dir.display()), error))?;
        Ok(Self { dir })
    }

    fn file(&self, genesis: &[u8; 32], job: JobId) -> PathBuf {
        self.dir.join(format!("{}-{job}", chain(genesis)))
    }

    /// Keeps what was asked. It is on disk when this returns.
    pub fn keep(&self, asked: &AskedJob) -> Result<(), Failure> {
        let path = self.file(&asked.genesis, asked.job);
        let part = path.with_extension("part");
        let write = || {
            let mut file = fs::File::create(&part)?;
            file.write_all(&asked.encode())?;
            file.sync_all()?;
            fs::rename(&part, &path)?;
            if cfg!(unix) {
                fs::File::open(&self.dir)?.sync_all()?;
            }
            Ok::<_, std::io::Error>(())
        };
        write().map_err(|error| Failure::local(format_args!("cannot write {}", path.display()), error))
    }

    /// What was asked in a job, if that is kept. What is damaged is as good as not kept.
    pub fn of(&self, genesis: &[u8; 32], job: JobId) -> Result<Option<AskedJob>, Failure> {
        let path = self.file(genesis, job);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Failure::local(format_args!("cannot read {}", path.display()), error)),
        };
        match AskedJob::decode_all(&mut bytes.as_slice()) {
            Ok(asked) if asked.genesis == *genesis && asked.job == job => Ok(Some(asked)),
            _ => {
                tracing::warn!(file = %path.display(), "this is not what was asked in a job: it is not used");
                Ok(None)
            }
        }
    }

    /// The jobs of a chain of which it is kept what was asked, in no order.
    fn jobs(&self, genesis: &[u8; 32]) -> Result<Vec<JobId>, Failure> {
        let failed = |error| Failure::local(format_args!("cannot read {}", self.dir.display()), error);
        let chain = chain(genesis);
        let mut jobs = Vec::new();
        for file in fs::read_dir(&self.dir).map_err(failed)? {
            let name = file.map_err(failed)?.file_name();
            let name = name.to_string_lossy();
            let job: Option<JobId> = name
                .strip_prefix(&chain)
                .and_then(|name| name.strip_prefix('-')?.parse().ok());
            jobs.extend(job);
        }
        Ok(jobs)
    }

    /// Drops what was asked in jobs whose end is final, and in those of which the chain has not heard for long.
    pub async fn drop_ended(&self, client: &Client) -> Result<(), Failure> {
        let genesis = client.genesis_hash();
        for job in self.jobs(&genesis)? {
            let path = self.file(&genesis, job);
            let is_over = match client.jobs().job_finalised(job).await? {
                Some(known) => matches!(known.state, JobState::Ended(_)),
                // It may have been posted a moment ago, or its receipt is gone.
                None => {
                    let age = fs::metadata(&path).and_then(|file| file.modified());
                    age.is_ok_and(|written| written.elapsed().is_ok_and(|age| age > FORGOTTEN))
                }
            };
            if is_over
                && let Err(error) = fs::remove_file(&path)
                && error.kind() != ErrorKind::NotFound
            {
                return Err(Failure::local(format_args!("cannot remove {}", path.display()), error));
            }
        }
        Ok(())
    }
}

/// The chain's part of a file's name.
fn chain(genesis: &[u8; 32]) -> String {
    hex::encode(genesis).chars().take(16).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use weft_disputes::{Among, Claim, Claimed, Unasked, play::Sketch};
    use weft_engine::exact::Digest;

    fn asked(texts: &[&[u32]]) -> AskedJob {
        let texts = texts.iter().zip(0u8..).map(|(tokens, place)| Asked {
            tokens: tokens.to_vec(),
            prompt: Prompt::of([place; 32], tokens, choice(), 0, Vec::new()),
        });
        AskedJob::new([7; 32], 3, &texts.collect::<Vec<_>>())
    }

    /// The choice of models that make no tokens.
    fn choice() -> weft_engine::exact::Choice {
        weft_engine::exact::Choice::Given
    }

    /// An honest answer to these.
    fn answer(texts: &[&[u32]]) -> Vec<ShownSketch> {
        let trace = |tokens: &[u32]| {
            let prompt = Prompt::of([0; 32], tokens, choice(), 0, Vec::new());
            weft_engine::exact::Trace {
                model: [1; 32],
                given: prompt.given,
                count: prompt.given,
                tokens: prompt.tokens,
                choice: choice(),
                cells: [2; 32],
                kept: [0; 32],
                result: [3; 32],
            }
        };
        let traces: Vec<_> = texts.iter().map(|tokens| trace(tokens)).collect();
        let roots: Vec<Digest> = traces.iter().map(|trace| trace.root()).collect();
        let of = |(place, trace): (usize, &weft_engine::exact::Trace)| ShownSketch {
            claimed: Claimed {
                claim: Claim {
                    config: weft_engine::exact::Config {
                        context: 100,
                        ..config()
                    },
                    weights: [4; 32],
                    trace: trace.clone(),
                },
                among: Among::of(&roots, place),
            },
            sketch: Sketch {
                tokens: texts[place].to_vec(),
                cells: Vec::new(),
                result: trace.result,
            },
        };
        traces.iter().enumerate().map(of).collect()
    }

    /// Of no model: nothing of it matters here but the context.
    fn config() -> weft_engine::exact::Config {
        weft_engine::exact::Config::decode(&mut &[0; 4_096][..]).unwrap()
    }

    fn judged(asked: &AskedJob, shown: &ShownSketch) -> Option<Unasked> {
        let commitment = asked.commitment().unwrap();
        asked.fault(shown).map(|fault| fault.judge(&commitment).unwrap())
    }

    proptest! {
        #[test]
        fn an_honest_answer_has_no_fault_and_another_one_is_shown(
            texts in prop::collection::vec(prop::collection::vec(1u32..90, 1..60), 1..4),
            place in any::<prop::sample::Index>(),
            at in any::<prop::sample::Index>(),
        ) {
            let all: Vec<&[u32]> = texts.iter().map(Vec::as_slice).collect();
            let asked = asked(&all);
            for shown in answer(&all) {
                prop_assert_eq!(judged(&asked, &shown), None);
            }
            let mut other = texts.clone();
            let place = place.index(other.len());
            let at = at.index(other[place].len());
            other[place][at] += 1;
            let other: Vec<&[u32]> = other.iter().map(Vec::as_slice).collect();
            for (shown, of) in answer(&other).iter().zip(0..) {
                prop_assert_eq!(judged(&asked, shown), (of == place).then_some(Unasked::Tokens));
            }
            let more = [&all[..], &[&[1, 2]]].concat();
            for shown in answer(&more) {
                prop_assert_eq!(judged(&asked, &shown), Some(Unasked::Texts));
            }
        }
    }

    #[test]
    fn what_was_asked_is_kept_by_chain_and_job() {
        let dir = tempfile::tempdir().unwrap();
        let kept = AskedJobs::open(dir.path().join("asked")).unwrap();
        let asked = asked(&[&[1, 2], &[3]]);
        kept.keep(&asked).unwrap();
        assert_eq!(kept.of(&[7; 32], 3).unwrap(), Some(asked));
        assert_eq!(kept.of(&[7; 32], 4).unwrap(), None);
        assert_eq!(kept.of(&[8; 32], 3).unwrap(), None);
        assert_eq!(kept.jobs(&[7; 32]).unwrap(), [3]);
        fs::write(kept.file(&[7; 32], 3), b"?").unwrap();
        assert_eq!(kept.of(&[7; 32], 3).unwrap(), None);
    }
}
