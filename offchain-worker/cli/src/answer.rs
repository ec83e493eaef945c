//! The answer of a job: fetch it, take out its key, open it, check it against what was committed on the chain.

use std::time::{Duration, Instant};

use weft_chain::{
    AccountId, Client,
    jobs::{Job, JobState, result_hash},
};
use weft_primitives::{ContentId, device::WrappedKey as VaultKey};
use weft_vault::{Context, UserKeys, WrappedKey, open_message, wrap::unwrap_key};

use crate::{failure::Failure, job::reason, output, peers::Peers, request::Answer};

/// How long a provider may take to serve an answer that is committed.
const PATIENCE: Duration = Duration::from_secs(30);
/// Time between two tries.
const AGAIN: Duration = Duration::from_millis(500);

/// An answer with what goes with it.
pub struct Fetched {
    /// The answer itself.
    pub answer: Answer,
    /// What its trace is made of, as it came: nothing of it is checked yet.
    pub evidence: Option<String>,
}

/// What was committed to.
struct Promised {
    output: ContentId,
    hash: [u8; 32],
    wrapped: VaultKey,
    provider: AccountId,
}

/// What a job's provider has committed to, whether it is paid for or may still be challenged.
fn promised(job: &Job) -> Result<Promised, Failure> {
    match &job.state {
        JobState::Living(living) => match &living.proposed {
            Some(proposed) => Ok(Promised {
                output: proposed.output,
                hash: proposed.result_hash,
                wrapped: proposed.output_key,
                provider: living.provider,
            }),
            None => Err(Failure::NotFound(format!(
                "job {} has no answer yet: wait for it",
                job.id
            ))),
        },
        JobState::Ended(ended) => match (ended.output, ended.result_hash, ended.output_key, ended.provider) {
            (Some(output), Some(hash), Some(wrapped), Some(provider)) => Ok(Promised {
                output,
                hash,
                wrapped,
                provider,
            }),
            _ => Err(Failure::Refused(format!(
                "job {} ended without answer: {}",
                job.id,
                reason(ended.reason)
            ))),
        },
    }
}

/// The checked answer of a job that has one.
pub async fn fetch(client: &Client, keys: &UserKeys, job: &Job) -> Result<Answer, Failure> {
    Ok(fetch_all(client, keys, job).await?.answer)
}

/// The same, with what its trace is made of.
pub async fn fetch_all(client: &Client, keys: &UserKeys, job: &Job) -> Result<Fetched, Failure> {
    let Promised {
        output,
        hash,
        wrapped,
        provider,
    } = promised(job)?;
    let endpoint = client.providers().provider(provider).await?;
    let endpoint = endpoint.map(|provider| String::from_utf8_lossy(&provider.endpoint).into_owned());
    let peers = Peers::new(endpoint)?;
    let started = Instant::now();
    let sealed = loop {
        match peers.get(output).await {
            Ok(sealed) => break sealed,
            Err(failure) if started.elapsed() > PATIENCE => return Err(failure),
            Err(_) => tokio::time::sleep(AGAIN).await,
        }
    };
    let genesis = client.genesis_hash();
    let context = Context::JobOutput {
        job: job.id,
        ciphertext: output.to_cid_bytes(),
    };
    let bad = |what: &dyn std::fmt::Display| {
        Failure::Refused(format!(
            "job {}: the provider's answer is not what it promised: {what}; keep the receipt as evidence",
            job.id
        ))
    };
    let key = unwrap_key(&WrappedKey(wrapped), keys, &genesis, &context).map_err(|error| bad(&error))?;
    let plaintext = open_message(&sealed, &key, None).map_err(|error| bad(&error))?;
    if result_hash(&genesis, job.id, key.expose(), &plaintext) != hash {
        return Err(bad(&"it does not hash to the committed result"));
    }
    let mut answer = Answer::from_bytes(&plaintext).map_err(|error| bad(&error))?;
    let evidence = answer.take_evidence();
    Ok(Fetched { answer, evidence })
}

/// Prints an answer for people.
pub fn print(answer: &Answer) -> Result<(), Failure> {
    match answer {
        Answer::Chat(said) => output::line(&said.text),
        Answer::Embed(embedded) => {
            for embedding in &embedded.embeddings {
                let numbers: Vec<_> = embedding.iter().map(|number| format!("{number:.6}")).collect();
                output::line(numbers.join(" "))?;
            }
            Ok(())
        }
        Answer::Classify(classified) => {
            for (label, probability) in classified.best() {
                output::line(format_args!("{label}  {:.1} %", probability * 100.0))?;
            }
            Ok(())
        }
    }
}
