//! A network with a creator, providers and a user, and how scenes are played on it.

use std::{
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use weft_tests::{
    error::HarnessError,
    identity::{Asking, Identity},
    network::{ASK, Creator, Network, Provider, address, order},
    process::wait_for,
    settlement::{Receipt, Settlement},
};

pub type Result<T> = std::result::Result<T, HarnessError>;

/// A few blocks and a few seconds of computing.
pub const SOON: Duration = Duration::from_secs(60);
const LONG_PROMPT: &str = "Write a story about a lighthouse keeper who finds a letter in a bottle.";

/// What providers ask for a token, in WEFT, in the order in which a stage has them: each the dearer, by more than a price
/// level, so that it is known who gets a job. All are within what [`order`] pays.
const ASKS: [&str; 2] = [ASK, "0.0015"];

/// See the module.
pub struct Stage {
    pub network: Network,
    pub creator: Creator,
    pub providers: Vec<Provider>,
    pub user: Identity,
    /// The user's address.
    pub user_address: String,
    /// The numbers of the published models.
    pub models: Vec<u64>,
    /// Where they came from, in the same order: names of the catalogue, or paths.
    pub sources: Vec<String>,
    _folder: tempfile::TempDir,
}

/// Something that happens on a stage, and its title.
pub type Scene = (&'static str, fn(&mut Stage) -> Result<()>);

/// Sets a stage with these models and these providers' accounts, and plays the scenes on it.
pub fn play(models: &[&str], owners: &[&str], scenes: &[Scene]) {
    let began = Instant::now();
    let mut stage = Stage::set(models, owners).unwrap_or_else(|error| panic!("setting the stage: {error}"));
    eprintln!("{:6.1} s  the stage is set", began.elapsed().as_secs_f64());
    for (title, scene) in scenes {
        if let Err(error) = scene(&mut stage) {
            let logs: Vec<String> = stage
                .providers
                .iter_mut()
                .filter_map(|provider| provider.worker().map(|worker| worker.log_tail()))
                .collect();
            panic!("{title}: {error}\n{}", logs.join("\n"));
        }
        eprintln!("{:6.1} s  {title}", began.elapsed().as_secs_f64());
    }
}

impl Stage {
    fn set(models: &[&str], owners: &[&str]) -> Result<Self> {
        let folder = tempfile::tempdir().map_err(HarnessError::io("make a folder"))?;
        let network = Network::start(folder.path())?;
        let who = network.identity("creator", "//Eve")?;
        let (published, registered) = thread::scope(|scope| {
            let register = |owner: &str| {
                let name = format!("provider-{}", owner.trim_start_matches('/'));
                Provider::register(network.identity(&name, owner)?)
            };
            let registering: Vec<_> = owners
                .iter()
                .map(|owner| scope.spawn(move || register(owner)))
                .collect();
            let published: Result<Vec<u64>> = models.iter().map(|model| publish(&who, model)).collect();
            let registered: Result<Vec<Provider>> = registering
                .into_iter()
                .map(|thread| thread.join().expect("registering does not panic"))
                .collect();
            (published, registered)
        });
        let sources = models.iter().map(|model| (*model).to_owned()).collect();
        let (models, mut providers) = (published?, registered?);
        let creator = Creator::serve(who)?;
        for (provider, ask) in providers.iter_mut().zip(ASKS) {
            for model in &models {
                provider.offer(*model, ask)?;
            }
            // A device that runs when a key arrives pauses until it has the model too, and jobs would be refused then.
            for model in &models {
                provider.wait_until_keyed(&network, *model)?;
            }
            provider.start()?;
        }
        for provider in &mut providers {
            for model in &models {
                provider.wait_until_listed(&network, *model)?;
            }
        }
        let user = network.identity("user", "//Dave")?;
        let user_address = address(&user)?;
        Ok(Self {
            network,
            creator,
            providers,
            user,
            user_address,
            models,
            sources,
            _folder: folder,
        })
    }

    /// Starts a long job and waits until the device may be at it.
    pub fn begin_long_job(&self, name: &str, patience: &str) -> Result<(u64, Asking)> {
        let mut args = order(self.models[0], LONG_PROMPT, 150);
        args.push(format!("--patience={patience}"));
        let asking = self.user.ask_beside(name, &args)?;
        let running = wait_for("a job that runs", SOON, || self.network.running_job(&self.user_address))?;
        Ok((running.job, asking))
    }

    pub fn wait_until_ended(&self, job: u64) -> Result<Receipt> {
        let ended = |view: &Value| (view["state"]["state"] == "ended").then(|| view.clone());
        Receipt::read(&self.network.wait_for_job(job, "the end of the job", SOON, ended)?)
    }

    /// How a job changed everybody's balances, as the chain's storage has them.
    pub fn settlement(&self, receipt: &Receipt) -> Result<Settlement> {
        let provider = receipt.provider.as_deref().unwrap_or_default();
        let view = self.network.node.rpc().call("weft_provider", json!([provider]))?;
        let device = view["device"].as_str().unwrap_or_default();
        Settlement::read(self.network.node.rpc(), receipt, device, &address(&self.creator.who)?)
    }

    /// What is held from the user now, read from their own point of view.
    pub fn held(&self) -> Result<String> {
        let purse = self.user.ask(&["balance"])?;
        Ok(purse["held"].as_str().unwrap_or("?").to_owned())
    }

    /// Nobody ended who should not have.
    pub fn all_are_alive(&mut self) -> Result<()> {
        self.creator.server().check()?;
        self.providers
            .iter_mut()
            .try_for_each(|provider| provider.worker().expect("the scene left the device running").check())
    }
}

fn publish(who: &Identity, model: &str) -> Result<u64> {
    // Of a path its last part: names are short.
    let name = model.rsplit('/').next().unwrap_or(model);
    let published = who.ask(&[
        "creator",
        "publish",
        "--model",
        model,
        "--name",
        name,
        "--royalty",
        "5%",
    ])?;
    published["asset"]
        .as_u64()
        .ok_or_else(|| HarnessError::answer("weft creator publish", &published))
}
