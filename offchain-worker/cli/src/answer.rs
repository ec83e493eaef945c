//! The answer of a job: fetch it, take out its key, open it, check it against what was committed on the chain.

use std::time::{Duration, Instant};

use weft_chain::{
    Client,
    jobs::{Job, JobState, result_hash},
};
use weft_vault::{Context, UserKeys, WrappedKey, open_message, wrap::unwrap_key};

use crate::{failure::Failure, job::reason, output, peers::Peers, request::Answer};

/// How long a provider may take to serve an answer that is committed.
const PATIENCE: Duration = Duration::from_secs(30);
/// Time between two tries.
const AGAIN: Duration = Duration::from_millis(500);

/// The checked answer of a completed job.
pub async fn fetch(client: &Client, keys: &UserKeys, job: &Job) -> Result<Answer, Failure> {
    let JobState::Ended(ended) = &job.state else {
        return Err(Failure::NotFound(format!(
            "job {} has no answer yet: wait for it",
            job.id
        )));
    };
    let (Some(output), Some(hash), Some(wrapped), Some(provider)) =
        (ended.output, ended.result_hash, ended.output_key, ended.provider)
    else {
        return Err(Failure::Refused(format!(
            "job {} ended without answer: {}",
            job.id,
            reason(ended.reason)
        )));
    };
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
    Answer::from_bytes(&plaintext).map_err(|error| bad(&error))
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
