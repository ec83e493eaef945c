//! A result that can still be challenged, and what is known of it.

use weft_chain::{
    AccountId, Client,
    jobs::{Job, JobState},
    market::Asset,
};
use weft_primitives::JobId;
use weft_vault::UserKeys;

use super::evidence::Evidence;
use crate::{answer, asset, failure::Failure, peers::Peers};

/// A result that is not paid yet.
pub struct Disputable {
    /// Its job.
    pub job: Job,
    /// The model.
    pub asset: Asset,
    /// The model's root.
    pub exact_root: [u8; 32],
    /// What the provider committed to.
    pub trace_root: [u8; 32],
}

impl Disputable {
    /// The result of a job.
    pub async fn of(client: &Client, id: JobId) -> Result<Self, Failure> {
        let job = client.jobs().job(id).await?;
        let job = job.ok_or_else(|| Failure::NotFound(format!("there is no job {id}: see `weft job ls`")))?;
        let refused = |why: &str| Failure::Refused(format!("the result of job {id} cannot be challenged: {why}"));
        let JobState::Living(living) = &job.state else {
            return Err(refused("the job has ended"));
        };
        let Some(proposed) = &living.proposed else {
            return Err(refused("there is none yet"));
        };
        let trace_root = proposed
            .trace_root
            .ok_or_else(|| refused("nothing commits to how it was computed"))?;
        let asset = asset::existing(client, job.model).await?;
        let exact_root = asset.exact_root.ok_or_else(|| refused("its model is not exact"))?;
        Ok(Self {
            job,
            asset,
            exact_root,
            trace_root,
        })
    }

    /// What the provider has shown of it: within the answer to who posted the job, or for everybody. `None` if that is not to be had, or
    /// is not what it committed to: then it can be demanded on chain.
    pub async fn evidence(&self, client: &Client, own: AccountId, keys: &UserKeys) -> Option<Evidence> {
        let found = match self.job.user == own {
            true => self.own_evidence(client, keys).await,
            false => self.open_evidence(client).await,
        };
        let checked = found.and_then(|evidence| {
            let checked = evidence.check(&self.exact_root, &self.trace_root);
            checked.map_err(|error| Failure::Refused(format!("what the provider shows is worth nothing: {error}")))?;
            Ok(evidence)
        });
        checked
            .inspect_err(|failure| tracing::warn!(job = self.job.id, %failure, "no evidence"))
            .ok()
    }

    async fn own_evidence(&self, client: &Client, keys: &UserKeys) -> Result<Evidence, Failure> {
        let fetched = answer::fetch_all(client, keys, &self.job).await?;
        let missing = || Failure::NotFound("it is not within the answer".into());
        Evidence::from_text(fetched.evidence.as_deref().ok_or_else(missing)?)
            .map_err(|error| Failure::Refused(error.to_string()))
    }

    async fn open_evidence(&self, client: &Client) -> Result<Evidence, Failure> {
        let JobState::Living(living) = &self.job.state else {
            return Err(Failure::NotFound("the job has ended".into()));
        };
        let place = living.proposed.as_ref().and_then(|proposed| proposed.evidence);
        let place = place.ok_or_else(|| Failure::NotFound("the provider says nowhere where it is".into()))?;
        let provider = client.providers().provider(living.provider).await?;
        let url = provider.map(|provider| String::from_utf8_lossy(&provider.endpoint).into_owned());
        let bytes = Peers::new(url)?.get(place).await?;
        Evidence::from_bytes(&bytes).map_err(|error| Failure::Refused(error.to_string()))
    }
}
