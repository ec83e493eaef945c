//! A Kubo daemon of the test's own: a private repository, no peers, random ports of this machine.

use std::{
    env, fs,
    io::{self, Write},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::OnceLock,
    thread,
    time::{Duration, Instant},
};

use tempfile::TempDir;
use weft_store::{IpfsConfig, IpfsStore};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../scripts/kubo.sh");
/// What the script exits with where Kubo cannot be built: there is no Go, or nowhere to fetch it from.
const CANNOT_BE_BUILT: i32 = 3;
/// Set by `make test`, which builds Kubo first: a test may then not do without.
const REQUIRED: &str = "WEFT_TESTS_REQUIRE_KUBO";

/// The program, built at the first call on a machine; `None` where it cannot be.
fn program() -> Option<&'static Path> {
    static PROGRAM: OnceLock<Option<PathBuf>> = OnceLock::new();
    PROGRAM
        .get_or_init(|| {
            let output = Command::new(SCRIPT).stderr(Stdio::inherit()).output().unwrap();
            if output.status.code() == Some(CANNOT_BE_BUILT) {
                assert!(
                    env::var_os(REQUIRED).is_none(),
                    "{REQUIRED} is set, and Kubo cannot be built"
                );
                return None;
            }
            assert!(output.status.success(), "scripts/kubo.sh failed");
            Some(String::from_utf8(output.stdout).unwrap().trim().into())
        })
        .as_deref()
}

pub struct Kubo {
    program: &'static Path,
    repo: TempDir,
    daemon: Option<Child>,
}

impl Kubo {
    /// A running daemon; `None`, and a line that says so, where there is no Kubo.
    pub fn start() -> Option<Self> {
        let Some(program) = program() else {
            // Not by a macro, whose words are kept back when a test passes.
            let said = writeln!(
                io::stderr(),
                "SKIPPED: a test of the IPFS backend: Kubo cannot be built here, `scripts/kubo.sh` says why"
            );
            assert!(said.is_ok());
            return None;
        };
        let mut kubo = Self {
            program,
            repo: tempfile::tempdir().unwrap(),
            daemon: None,
        };
        kubo.run(&["init", "--profile=test"], b"");
        kubo.run(&["bootstrap", "rm", "--all"], b"");
        kubo.run(&["config", "Routing.Type", "none"], b"");
        kubo.restart();
        Some(kubo)
    }

    /// Starts the daemon, which must not be running, and waits until it answers.
    pub fn restart(&mut self) {
        assert!(self.daemon.is_none());
        let _ = fs::remove_file(self.repo.path().join("api"));
        let log = fs::File::create(self.repo.path().join("daemon.log")).unwrap();
        let mut command = self.command(&["daemon", "--offline"]);
        command
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log);
        self.daemon = Some(command.spawn().unwrap());
        let deadline = Instant::now() + Duration::from_secs(60);
        while !self.log().contains("Daemon is ready") {
            assert!(Instant::now() < deadline, "Kubo does not start:\n{}", self.log());
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// Ends the daemon as a crash would.
    pub fn kill(&mut self) {
        if let Some(mut daemon) = self.daemon.take() {
            daemon.kill().unwrap();
            daemon.wait().unwrap();
        }
    }

    /// The id of the daemon's process.
    pub fn pid(&self) -> u32 {
        self.daemon.as_ref().unwrap().id()
    }

    /// Where its API is. It changes with every start.
    pub fn api(&self) -> String {
        let address = fs::read_to_string(self.repo.path().join("api")).unwrap();
        let port = address.trim().rsplit('/').next().unwrap();
        format!("http://127.0.0.1:{port}")
    }

    pub fn store(&self) -> IpfsStore {
        self.store_with(IpfsConfig::default())
    }

    pub fn store_with(&self, config: IpfsConfig) -> IpfsStore {
        IpfsStore::new(&IpfsConfig {
            api: self.api(),
            ..config
        })
        .unwrap()
    }

    /// The root of these bytes, as Kubo adds them. They are not pinned.
    pub fn add(&self, content: &[u8], more: &[&str]) -> String {
        let add = ["add", "-Q", "--pin=false", "--cid-version=1", "--raw-leaves"];
        let output = self.run(&[&add[..], more].concat(), content);
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// Runs the command line program to its success, through the daemon if it runs.
    pub fn run(&self, args: &[&str], input: &[u8]) -> Output {
        let mut command = self.command(args);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let output = thread::scope(|scope| {
            scope.spawn(move || stdin.write_all(input));
            child.wait_with_output().unwrap()
        });
        assert!(
            output.status.success(),
            "ipfs {args:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        output
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(self.program);
        command
            .args(args)
            .env("IPFS_PATH", self.repo.path())
            .env("IPFS_TELEMETRY", "off");
        command
    }

    fn log(&self) -> String {
        fs::read_to_string(self.repo.path().join("daemon.log")).unwrap_or_default()
    }
}

impl Drop for Kubo {
    fn drop(&mut self) {
        self.kill();
    }
}
