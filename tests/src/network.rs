//! A whole network on loopback: a chain of one validator, a creator, providers, users.

use std::{path::Path, time::Duration};

use serde_json::{Value, json};

use crate::{
    error::HarnessError,
    identity::Identity,
    node::{Node, free_port},
    process::{Process, tail, wait_for},
};

/// Time for the creator to grant a key, the device to fetch 100 MB over loopback and load them, and the chain to list
/// the offer, on a busy machine with two cores.
const LISTED_WITHIN: Duration = Duration::from_secs(90);
/// A worker finishes what it sends to the chain before it ends.
const END_WITHIN: Duration = Duration::from_secs(30);

/// What providers ask for a token, in WEFT.
pub const ASK: &str = "0.001";
/// The same in the smallest unit.
pub const ASK_UNITS: u128 = 1_000_000_000;

/// The arguments of a user's `weft run`, for twice the price that [`ASK`] needs: what is not used comes back.
pub fn order(asset: u64, prompt: &str, max_tokens: u32) -> Vec<String> {
    let thousandths = 2 * max_tokens;
    vec![
        "run".to_owned(),
        format!("--asset={asset}"),
        format!("--prompt={prompt}"),
        format!("--max-tokens={max_tokens}"),
        format!("--max-price={}.{:03}", thousandths / 1000, thousandths % 1000),
    ]
}

/// A job whose input is released and whose result is awaited.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunningJob {
    /// Its number.
    pub job: u64,
    /// Address of its provider.
    pub provider: String,
    /// Last block for the result.
    pub until: u64,
}

/// The chain, and the folder in which everybody's files are.
pub struct Network {
    folder: std::path::PathBuf,
    /// The validator.
    pub node: Node,
}

impl Network {
    /// Starts a new chain; everything is kept below `folder`.
    pub fn start(folder: &Path) -> Result<Self, HarnessError> {
        Ok(Self {
            folder: folder.to_owned(),
            node: Node::start(&folder.join("validator"))?,
        })
    }

    /// Somebody with a development account, whose files are in the network's folder.
    pub fn identity(&self, name: &str, secret: &str) -> Result<Identity, HarnessError> {
        Identity::new(name, secret, &self.folder, self.node.url())
    }

    /// The chain's answer about a job.
    pub fn job(&self, job: u64) -> Result<Value, HarnessError> {
        self.node.rpc().call("weft_job", json!([job]))
    }

    /// The job of a user that runs now, if one does. Tests post one at a time, and fewer than a page.
    pub fn running_job(&self, user: &str) -> Result<Option<RunningJob>, HarnessError> {
        let page = self.node.rpc().call("weft_jobsByUser", json!([user, 0, 100]))?;
        let jobs = page["items"]
            .as_array()
            .ok_or_else(|| HarnessError::answer("weft_jobsByUser", &page))?;
        Ok(jobs
            .iter()
            .find(|job| job["state"]["phase"] == "running")
            .and_then(|job| {
                let state = &job["state"];
                Some(RunningJob {
                    job: job["id"].as_u64()?,
                    provider: state["provider"].as_str()?.to_owned(),
                    until: state["until"].as_u64()?,
                })
            }))
    }

    /// All offers on a model. Tests have few.
    pub fn offers(&self, model: u64) -> Result<Vec<Value>, HarnessError> {
        let page = self.node.rpc().call("weft_offersForModel", json!([model, 0, 100]))?;
        page["items"]
            .as_array()
            .cloned()
            .ok_or_else(|| HarnessError::answer("weft_offersForModel", &page))
    }

    /// Waits until `look` finds something in what the chain says about a job.
    pub fn wait_for_job<T>(
        &self,
        job: u64,
        what: &str,
        within: Duration,
        mut look: impl FnMut(&Value) -> Option<T>,
    ) -> Result<T, HarnessError> {
        let late = wait_for(what, within, || Ok(look(&self.job(job)?)));
        late.map_err(|error| {
            with_log(error, || {
                self.job(job).map_or_else(|e| e.to_string(), |job| job.to_string())
            })
        })
    }
}

/// A model's creator, who serves its blocks and grants its key.
pub struct Creator {
    /// Who it is.
    pub who: Identity,
    server: Process,
}

impl Creator {
    /// Starts to serve what `who` publishes.
    pub fn serve(who: Identity) -> Result<Self, HarnessError> {
        let listen = format!("127.0.0.1:{}", free_port()?);
        let server = who.start("creator", &["creator", "serve", "--listen", &listen])?;
        Ok(Self { who, server })
    }

    /// The serving process.
    pub fn server(&mut self) -> &mut Process {
        &mut self.server
    }
}

/// A compute provider with one device.
pub struct Provider {
    /// The owner, with the device in the same home.
    pub who: Identity,
    port: u16,
    worker: Option<Process>,
}

impl Provider {
    /// Registers `who` with stake, and gives the device what it needs for fees. Does not start the device.
    pub fn register(who: Identity) -> Result<Self, HarnessError> {
        let port = free_port()?;
        let endpoint = format!("http://127.0.0.1:{port}");
        who.ask(&["provider", "register", "--endpoint", &endpoint, "--bond", "100"])?;
        Ok(Self {
            who,
            port,
            worker: None,
        })
    }

    /// Offers a model for `ask` WEFT a token.
    pub fn offer(&self, asset: u64, ask: &str) -> Result<(), HarnessError> {
        self.who
            .act(&["provider", "offer", "--asset", &asset.to_string(), "--ask", ask])
    }

    /// Starts the device.
    pub fn start(&mut self) -> Result<(), HarnessError> {
        let listen = format!("127.0.0.1:{}", self.port);
        let args = ["provider", "run", "--listen", &listen, "--device", "cpu"];
        self.worker = Some(self.who.start("provider", &args)?);
        Ok(())
    }

    /// Starts the device so that it lies about exact answers (`weft provider run --misbehave`).
    pub fn start_lying(&mut self, mode: &str) -> Result<(), HarnessError> {
        let listen = format!("127.0.0.1:{}", self.port);
        let args = [
            "provider",
            "run",
            "--listen",
            &listen,
            "--device",
            "cpu",
            "--misbehave",
            mode,
        ];
        self.worker = Some(self.who.start_testing("provider", &args)?);
        Ok(())
    }

    /// Ends the device in order: it pauses itself on the chain first.
    pub fn stop(&mut self) -> Result<(), HarnessError> {
        match self.worker.take() {
            Some(mut worker) => worker.terminate(END_WITHIN).map(drop),
            None => Ok(()),
        }
    }

    /// Kills the device at once, as a power cut would.
    pub fn kill(&mut self) {
        self.worker = None;
    }

    /// The running device, if it runs.
    pub fn worker(&mut self) -> Option<&mut Process> {
        self.worker.as_mut()
    }

    /// The owner's address as the chain shows it.
    pub fn address(&self) -> Result<String, HarnessError> {
        address(&self.who)
    }

    /// Waits until the creator of `asset` has granted its key.
    pub fn wait_until_keyed(&mut self, network: &Network, asset: u64) -> Result<(), HarnessError> {
        self.wait_for_offer(network, asset, "keyed")
    }

    /// Waits until the chain would give it a job on `asset`.
    pub fn wait_until_listed(&mut self, network: &Network, asset: u64) -> Result<(), HarnessError> {
        self.wait_for_offer(network, asset, "listed")
    }

    fn wait_for_offer(&mut self, network: &Network, asset: u64, state: &str) -> Result<(), HarnessError> {
        let me = self.address()?;
        let worker = &mut self.worker;
        let what = format!("the offer of {} to be {state}", self.who.name());
        let listed = wait_for(&what, LISTED_WITHIN, || {
            if let Some(worker) = worker.as_mut() {
                worker.check()?;
            }
            let offers = network.offers(asset)?;
            Ok(offers
                .iter()
                .any(|offer| offer["provider"] == me.as_str() && offer[state] == true)
                .then_some(()))
        });
        let log = || {
            worker
                .as_ref()
                .map_or_else(String::new, |worker| tail(worker.log(), 30))
        };
        listed.map_err(|error| with_log(error, log))
    }
}

/// Somebody's address as the chain shows it.
pub fn address(who: &Identity) -> Result<String, HarnessError> {
    let purse = who.ask(&["balance"])?;
    match purse["account"].as_str() {
        Some(address) => Ok(address.to_owned()),
        None => Err(HarnessError::answer("weft balance", &purse)),
    }
}

fn with_log(error: HarnessError, log: impl FnOnce() -> String) -> HarnessError {
    match error {
        HarnessError::TooLate { what, within, .. } => HarnessError::TooLate {
            what,
            within,
            log: log(),
        },
        other => other,
    }
}
