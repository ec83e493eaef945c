//! A validator: of a development chain, alone, or of a local chain, with others.

use std::{
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use serde_json::{Value, json};

use crate::{
    error::HarnessError,
    executables,
    process::{Process, wait_for},
    rpc::Rpc,
};

/// A cold start on a busy machine with two cores, compiling the runtime's wasm included.
const READY_WITHIN: Duration = Duration::from_secs(60);
/// A node flushes its database when it is asked to end.
const END_WITHIN: Duration = Duration::from_secs(30);

/// A port that nobody listens on now.
pub fn free_port() -> Result<u16, HarnessError> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).map_err(HarnessError::io("bind to a free port"))?;
    Ok(listener
        .local_addr()
        .map_err(HarnessError::io("read a free port's number"))?
        .port())
}

/// `weft-node` with a database that outlives the process, so that it can be stopped and started again.
pub struct Node {
    folder: PathBuf,
    /// The RPC's port.
    port: u16,
    /// What decides which chain it makes, and with whom.
    role: Vec<String>,
    rpc: Rpc,
    process: Option<Process>,
}

impl Node {
    /// Starts a new development chain in `folder` and waits until it has made a block.
    pub fn start(folder: &Path) -> Result<Self, HarnessError> {
        let mut node = Self::new(folder, vec!["--dev".to_owned(), "--port=0".to_owned()])?;
        node.start_again()?;
        Ok(node)
    }

    /// Starts a validator of the local chain, with the keys of `account` (`alice`, `bob`), and waits until it answers: it
    /// makes no block before it has met another. It is to look for `peer`.
    pub fn start_validator(folder: &Path, account: &str, peer: Option<&Self>) -> Result<Self, HarnessError> {
        let mut role = vec![
            "--chain=local".to_owned(),
            format!("--{account}"),
            // Only of interest on loopback, where it must find no other test's chain.
            "--no-mdns".to_owned(),
            // Its first start makes its network identity; a validator of a real network brings one.
            "--unsafe-force-node-key-generation".to_owned(),
            format!("--port={}", free_port()?),
        ];
        if let Some(peer) = peer {
            role.push(format!("--bootnodes={}", peer.peer_address()?));
        }
        let mut node = Self::new(folder, role)?;
        node.start_and_wait_for_answer()?;
        Ok(node)
    }

    fn new(folder: &Path, role: Vec<String>) -> Result<Self, HarnessError> {
        fs::create_dir_all(folder).map_err(HarnessError::io(format!("create {}", folder.display())))?;
        let port = free_port()?;
        Ok(Self {
            folder: folder.to_owned(),
            port,
            role,
            rpc: Rpc::new(port)?,
            process: None,
        })
    }

    /// Where others reach it: an address of one of the ports it listens on, and its identity.
    pub fn peer_address(&self) -> Result<String, HarnessError> {
        let addresses = self.rpc.call("system_localListenAddresses", json!([]))?;
        let local = addresses.as_array().into_iter().flatten().filter_map(Value::as_str);
        local
            .filter(|address| address.starts_with("/ip4/127.0.0.1/tcp/") && !address.contains("/ws"))
            .map(str::to_owned)
            .next()
            .ok_or_else(|| HarnessError::answer("system_localListenAddresses", &addresses))
    }

    /// Starts it again on the same port and database, after [`Node::stop`] or [`Node::kill`]; waits for a new block.
    pub fn start_again(&mut self) -> Result<(), HarnessError> {
        let mut first = None;
        self.start_until("a new block", |rpc| {
            let Ok(height) = rpc.best_block() else {
                return false;
            };
            height > *first.get_or_insert(height)
        })
    }

    /// Starts it, or starts it again, and waits until its RPC answers.
    pub fn start_and_wait_for_answer(&mut self) -> Result<(), HarnessError> {
        self.start_until("an answer of the node", |rpc| rpc.best_block().is_ok())
    }

    /// Not answering yet is what `ready` waits out.
    fn start_until(&mut self, what: &str, mut ready: impl FnMut(&Rpc) -> bool) -> Result<(), HarnessError> {
        let mut command = Command::new(executables::weft_node()?);
        command
            .args(&self.role)
            .args(["--no-prometheus", "--no-telemetry"])
            .args(["--rpc-port", &self.port.to_string()])
            .arg("--base-path")
            .arg(self.folder.join("chain"));
        let mut process = Process::start("weft-node", command, self.log())?;
        let ready = wait_for(what, READY_WITHIN, || {
            process.check()?;
            Ok(ready(&self.rpc).then_some(()))
        });
        if let Err(HarnessError::TooLate { what, within, .. }) = ready {
            return Err(HarnessError::TooLate {
                what,
                within,
                log: process.log_tail(),
            });
        }
        self.process = Some(process);
        ready
    }

    /// Ends it in order.
    pub fn stop(&mut self) -> Result<(), HarnessError> {
        match self.process.take() {
            Some(mut process) => process.terminate(END_WITHIN).map(drop),
            None => Ok(()),
        }
    }

    /// Kills it at once.
    pub fn kill(&mut self) {
        self.process = None;
    }

    /// The running process, if it runs.
    pub fn process(&mut self) -> Option<&mut Process> {
        self.process.as_mut()
    }

    /// Address of the RPC for workers.
    pub fn url(&self) -> String {
        format!("ws://127.0.0.1:{}", self.port)
    }

    /// A client of the RPC.
    pub fn rpc(&self) -> &Rpc {
        &self.rpc
    }

    /// The log file.
    pub fn log(&self) -> PathBuf {
        self.folder.join("node.log")
    }
}
