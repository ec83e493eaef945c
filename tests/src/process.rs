//! A program that runs beside the test, writes to a log file, and is gone when its owner is.

use std::{
    fs::{self, File},
    io,
    os::unix::process::ExitStatusExt,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

use crate::error::HarnessError;

/// How often something that is waited for is looked at.
pub const POLL: Duration = Duration::from_millis(100);

/// A running program. Dropping it kills it at once, as a power cut would.
pub struct Process {
    name: String,
    log: PathBuf,
    child: Child,
}

impl Process {
    /// Starts `command`; both its outputs are appended to `log`.
    pub fn start(name: &str, command: Command, log: PathBuf) -> Result<Self, HarnessError> {
        let out = append(&log)?;
        Self::spawn(name, command, log, out)
    }

    /// Starts `command`; what it prints goes to the new file `out`, what it reports is appended to `log`.
    pub fn start_printing(name: &str, command: Command, out: &Path, log: PathBuf) -> Result<Self, HarnessError> {
        let out = File::create(out).map_err(HarnessError::io(format!("write {}", out.display())))?;
        Self::spawn(name, command, log, out)
    }

    fn spawn(name: &str, mut command: Command, log: PathBuf, out: File) -> Result<Self, HarnessError> {
        let err = append(&log)?;
        let child = command
            .stdin(Stdio::null())
            .stdout(out)
            .stderr(err)
            .spawn()
            .map_err(HarnessError::io(format!("start {name}")))?;
        Ok(Self {
            name: name.to_owned(),
            log,
            child,
        })
    }

    /// What it is called in messages.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Its log file.
    pub fn log(&self) -> &Path {
        &self.log
    }

    /// The last lines of its log.
    pub fn log_tail(&self) -> String {
        tail(&self.log, 30)
    }

    /// An error if it has ended.
    pub fn check(&mut self) -> Result<(), HarnessError> {
        match self.child.try_wait() {
            Ok(None) => Ok(()),
            Ok(Some(status)) => Err(self.ended(status)),
            Err(error) => Err(HarnessError::io(format!("look after {}", self.name))(error)),
        }
    }

    fn ended(&self, status: ExitStatus) -> HarnessError {
        let how = match (status.code(), status.signal()) {
            (Some(code), _) => format!("exit code {code}"),
            (None, Some(signal)) => format!("signal {signal}"),
            (None, None) => "unknown status".to_owned(),
        };
        HarnessError::Ended {
            name: self.name.clone(),
            status: how,
            log: self.log_tail(),
        }
    }

    /// Waits until it ends by itself.
    pub fn wait(&mut self, within: Duration) -> Result<ExitStatus, HarnessError> {
        let since = Instant::now();
        loop {
            match self.child.try_wait() {
                Ok(Some(status)) => return Ok(status),
                Ok(None) if since.elapsed() < within => thread::sleep(POLL),
                Ok(None) => break,
                Err(error) => return Err(HarnessError::io(format!("wait for {}", self.name))(error)),
            }
        }
        Err(HarnessError::TooLate {
            what: format!("the end of {}", self.name),
            within,
            log: self.log_tail(),
        })
    }

    /// Kills it with SIGKILL: it gets no chance to clean up.
    pub fn kill(&mut self) {
        // Both fail only if it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Asks it with SIGTERM to end, and waits until it has.
    pub fn terminate(&mut self, within: Duration) -> Result<ExitStatus, HarnessError> {
        self.signal("TERM")?;
        self.wait(within)
    }

    /// Stops it in its tracks with SIGSTOP: its sockets stay open and nothing answers.
    pub fn freeze(&self) -> Result<(), HarnessError> {
        self.signal("STOP")
    }

    /// Lets it go on with SIGCONT.
    pub fn thaw(&self) -> Result<(), HarnessError> {
        self.signal("CONT")
    }

    fn signal(&self, signal: &str) -> Result<(), HarnessError> {
        let status = Command::new("kill")
            .arg(format!("-{signal}"))
            .arg(self.child.id().to_string())
            .status()
            .map_err(HarnessError::io(format!("send SIG{signal} to {}", self.name)))?;
        if status.success() {
            Ok(())
        } else {
            let source = io::Error::other(format!("kill: {status}"));
            Err(HarnessError::io(format!("send SIG{signal} to {}", self.name))(source))
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

fn append(log: &Path) -> Result<File, HarnessError> {
    let file = File::options().create(true).append(true).open(log);
    file.map_err(HarnessError::io(format!("write {}", log.display())))
}

/// The last lines of a file, for messages.
pub fn tail(path: &Path, lines: usize) -> String {
    let text = fs::read(path)
        .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
        .unwrap_or_default();
    let lines: Vec<&str> = text.lines().rev().take(lines).collect();
    let tail: Vec<&str> = lines.into_iter().rev().collect();
    format!("--- {}\n{}", path.display(), tail.join("\n"))
}

/// Calls `look` until it finds something. Errors of `look` end the wait.
pub fn wait_for<T>(
    what: &str,
    within: Duration,
    mut look: impl FnMut() -> Result<Option<T>, HarnessError>,
) -> Result<T, HarnessError> {
    let since = Instant::now();
    loop {
        if let Some(found) = look()? {
            return Ok(found);
        }
        if since.elapsed() >= within {
            return Err(HarnessError::TooLate {
                what: what.to_owned(),
                within,
                log: String::new(),
            });
        }
        thread::sleep(POLL);
    }
}
