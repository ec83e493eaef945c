//! A one-validator development chain.

use std::{
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

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

/// `weft-node --dev` with a database that outlives the process, so that it can be stopped and started again.
pub struct Node {
    folder: PathBuf,
    port: u16,
    rpc: Rpc,
    process: Option<Process>,
}

impl Node {
    /// Starts a new chain in `folder` and waits until it has made a block.
    pub fn start(folder: &Path) -> Result<Self, HarnessError> {
        fs::create_dir_all(folder).map_err(HarnessError::io(format!("create {}", folder.display())))?;
        let port = free_port()?;
        let mut node = Self {
            folder: folder.to_owned(),
            port,
            rpc: Rpc::new(port)?,
            process: None,
        };
        node.start_again()?;
        Ok(node)
    }

    /// Starts it again on the same port and database, after [`Node::stop`] or [`Node::kill`]; waits for a new block.
    pub fn start_again(&mut self) -> Result<(), HarnessError> {
        let mut command = Command::new(executables::weft_node()?);
        command
            .args(["--dev", "--no-prometheus", "--no-telemetry", "--port", "0"])
            .args(["--rpc-port", &self.port.to_string()])
            .arg("--base-path")
            .arg(self.folder.join("chain"));
        let mut process = Process::start("weft-node", command, self.log())?;
        let mut first = None;
        let ready = wait_for("a block of the development chain", READY_WITHIN, || {
            process.check()?;
            // Not answering yet is what is waited out here.
            let Ok(height) = self.rpc.best_block() else {
                return Ok(None);
            };
            Ok((height > *first.get_or_insert(height)).then_some(()))
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
