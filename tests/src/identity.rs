//! Somebody who uses `weft`: a home directory, an account, and the node they talk to.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
    time::Duration,
};

use serde_json::Value;

use crate::{error::HarnessError, executables, process::Process, small_disk::SmallDisk};

/// See the module.
#[derive(Clone, Debug)]
pub struct Identity {
    name: String,
    folder: PathBuf,
    secret: String,
    node: String,
    disk: Option<SmallDisk>,
}

/// How a command that should fail did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failed {
    /// Exit code.
    pub code: i32,
    /// What it said on stderr.
    pub stderr: String,
}

impl Identity {
    /// Somebody with the development account `secret` (`//Alice`), whose files are in `folder/name`.
    pub fn new(name: &str, secret: &str, folder: &Path, node: String) -> Result<Self, HarnessError> {
        let folder = folder.join(name);
        fs::create_dir_all(&folder).map_err(HarnessError::io(format!("create {}", folder.display())))?;
        Ok(Self {
            name: name.to_owned(),
            folder,
            secret: secret.to_owned(),
            node,
            disk: None,
        })
    }

    /// The same somebody, whose commands each find a small disk at `folder` of their home.
    pub fn on_small_disk(mut self, folder: &str, bytes: u64, full: bool) -> Result<Option<Self>, HarnessError> {
        let at = self.home().join(folder);
        fs::create_dir_all(&at).map_err(HarnessError::io(format!("create {}", at.display())))?;
        self.disk = SmallDisk::new(&at, bytes, full)?;
        Ok(self.disk.is_some().then_some(self))
    }

    /// The small disk, if there is one.
    pub fn disk(&self) -> Option<&SmallDisk> {
        self.disk.as_ref()
    }

    /// What they are called in messages.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The development account's secret, which commands also accept as an address.
    pub fn secret(&self) -> &str {
        &self.secret
    }

    /// The home directory given to `weft`.
    pub fn home(&self) -> PathBuf {
        self.folder.join("home")
    }

    /// `weft` with `args`, as this identity.
    pub fn command(&self, args: &[impl AsRef<str>]) -> Result<Command, HarnessError> {
        self.command_of(&executables::weft()?, args)
    }

    fn command_of(&self, executable: &Path, args: &[impl AsRef<str>]) -> Result<Command, HarnessError> {
        let mut command = Command::new(executable);
        command
            .args(args.iter().map(AsRef::as_ref))
            .env("WEFT_HOME", self.home())
            .env("WEFT_ACCOUNT", &self.secret)
            .env("WEFT_NODE", &self.node);
        Ok(match &self.disk {
            Some(disk) => disk.command(&command),
            None => command,
        })
    }

    /// Runs `weft ARGS --json` and returns what it prints.
    pub fn ask(&self, args: &[impl AsRef<str>]) -> Result<Value, HarnessError> {
        let answer = self.run(args, &["--json"])?;
        serde_json::from_slice(&answer).map_err(|error| HarnessError::answer(line(args), error))
    }

    /// Runs `weft ARGS` and returns what it prints, for commands that always print JSON or text.
    pub fn text(&self, args: &[impl AsRef<str>]) -> Result<String, HarnessError> {
        Ok(text(&self.run(args, &[])?))
    }

    /// Runs `weft ARGS`, which should succeed.
    pub fn act(&self, args: &[impl AsRef<str>]) -> Result<(), HarnessError> {
        self.run(args, &[]).map(drop)
    }

    /// Runs `weft ARGS`, which should fail, and says how it did.
    pub fn fail(&self, args: &[impl AsRef<str>]) -> Result<Failed, HarnessError> {
        let output = self.output(args, &[])?;
        match output.status.code() {
            Some(code) if code != 0 => Ok(Failed {
                code,
                stderr: text(&output.stderr),
            }),
            _ => {
                let problem = format!("{} where a refusal was due: {}", output.status, text(&output.stdout));
                Err(HarnessError::answer(line(args), problem))
            }
        }
    }

    fn run(&self, args: &[impl AsRef<str>], more: &[&str]) -> Result<Vec<u8>, HarnessError> {
        let output = self.output(args, more)?;
        if output.status.success() {
            return Ok(output.stdout);
        }
        Err(HarnessError::Command {
            command: line(args),
            status: output.status.to_string(),
            stderr: text(&output.stderr),
        })
    }

    fn output(&self, args: &[impl AsRef<str>], more: &[&str]) -> Result<Output, HarnessError> {
        let output = self.command(args)?.args(more).output();
        output.map_err(HarnessError::io(format!("run {}", line(args))))
    }

    /// Starts `weft ARGS --json` beside the test. Its files are `ROLE.json` and `ROLE.log` in the identity's folder.
    pub fn ask_beside(&self, role: &str, args: &[impl AsRef<str>]) -> Result<Asking, HarnessError> {
        let printed = self.folder.join(format!("{role}.json"));
        let log = self.folder.join(format!("{role}.log"));
        let name = format!("{} ({role})", self.name);
        let mut command = self.command(args)?;
        command.arg("--json");
        let process = Process::start_printing(&name, command, &printed, log)?;
        Ok(Asking {
            command: line(args),
            printed,
            process,
        })
    }

    /// Starts the `weft` that can misbehave beside the test, as [`start`](Self::start) does.
    pub fn start_testing(&self, role: &str, args: &[impl AsRef<str>]) -> Result<Process, HarnessError> {
        let name = format!("{} ({role}, misbehaving)", self.name);
        let command = self.command_of(&executables::weft_testing()?, args)?;
        Process::start(&name, command, self.folder.join(format!("{role}.log")))
    }

    /// Starts `weft ARGS` beside the test. Its log is `ROLE.log` in the identity's folder.
    pub fn start(&self, role: &str, args: &[impl AsRef<str>]) -> Result<Process, HarnessError> {
        let name = format!("{} ({role})", self.name);
        Process::start(&name, self.command(args)?, self.folder.join(format!("{role}.log")))
    }
}

/// A command whose answer is awaited.
pub struct Asking {
    command: String,
    printed: PathBuf,
    process: Process,
}

impl Asking {
    /// The running command.
    pub fn process(&mut self) -> &mut Process {
        &mut self.process
    }

    /// Waits for its end and returns what it printed.
    pub fn answer(mut self, within: Duration) -> Result<Value, HarnessError> {
        let status = self.process.wait(within)?;
        if !status.success() {
            return Err(HarnessError::Command {
                command: self.command,
                status: status.to_string(),
                stderr: self.process.log_tail(),
            });
        }
        let printed = fs::read(&self.printed).map_err(HarnessError::io(format!("read {}", self.printed.display())))?;
        serde_json::from_slice(&printed).map_err(|error| HarnessError::answer(self.command, error))
    }
}

fn line(args: &[impl AsRef<str>]) -> String {
    let args: Vec<&str> = args.iter().map(AsRef::as_ref).collect();
    format!("weft {}", args.join(" "))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).trim().to_owned()
}
