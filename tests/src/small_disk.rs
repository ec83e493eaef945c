//! A disk that is too small: a file system in memory that only the programs started on it can see, and that is gone with
//! the last of them. Needs leave to mount (`unshare`, as root or in a user namespace).

use std::{
    env,
    io::{self, Write},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use crate::{error::HarnessError, process::Process};

/// Set by `make test` on a machine that allows mounts: a test may then not do without.
const REQUIRED: &str = "WEFT_TESTS_REQUIRE_SMALL_DISK";
/// Ways to a mount of one's own: as root, and as anybody where the kernel allows user namespaces.
const WAYS: [&[&str]; 2] = [&["--mount"], &["--user", "--map-root-user", "--mount"]];
/// Mounts a disk of `$2` bytes at `$1`, fills it if `$3` says so, and becomes the rest of the arguments.
const MOUNT: &str = r#"
mount -t tmpfs -o "size=$2" tmpfs "$1" || exit 1
[ "$3" != full ] || cat /dev/zero >"$1/filler" 2>/dev/null
shift 3
exec "$@"
"#;

/// See the module.
#[derive(Clone, Debug)]
pub struct SmallDisk {
    at: PathBuf,
    bytes: u64,
    full: bool,
    way: &'static [&'static str],
}

impl SmallDisk {
    /// A disk of `bytes` bytes to be mounted at the folder `at`, filled to the last one beforehand if `full`. `None`
    /// where mounting is not allowed, with a line that says why; an error where it has to be.
    pub fn new(at: &Path, bytes: u64, full: bool) -> Result<Option<Self>, HarnessError> {
        let mut refusals = Vec::new();
        for way in WAYS {
            match mount(way, at) {
                Ok(()) => {
                    return Ok(Some(Self {
                        at: at.to_owned(),
                        bytes,
                        full,
                        way,
                    }));
                }
                Err(why) => refusals.push(format!("unshare {}: {why}", way.join(" "))),
            }
        }
        let why = refusals.join("; ");
        if env::var_os(REQUIRED).is_some() {
            return Err(HarnessError::answer(
                REQUIRED,
                format_args!("set, and nobody may mount: {why}"),
            ));
        }
        // Not by a macro, whose words are kept back when a test passes.
        let said = format!("SKIPPED: a test of a full disk: this machine lets nobody mount a small one ({why})");
        writeln!(io::stderr(), "{said}").map_err(HarnessError::io("write to the standard error"))?;
        Ok(None)
    }

    /// The command, on this disk.
    pub fn command(&self, command: &Command) -> Command {
        let mut on_disk = Command::new("unshare");
        on_disk.args(self.way).args(["sh", "-c", MOUNT, "sh"]).arg(&self.at);
        on_disk.arg(self.bytes.to_string());
        on_disk.arg(if self.full { "full" } else { "empty" });
        on_disk.arg(command.get_program()).args(command.get_args());
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => on_disk.env(name, value),
                None => on_disk.env_remove(name),
            };
        }
        on_disk
    }

    /// Gives the disk that `process` was started on room for `bytes` bytes.
    pub fn grow(&self, process: &Process, bytes: u64) -> Result<(), HarnessError> {
        let target = process.id().to_string();
        let mut command = Command::new("nsenter");
        command.args(["--target", &target, "--mount"]);
        if self.way.contains(&"--user") {
            command.args(["--user", "--preserve-credentials"]);
        }
        let status = command
            .args(["mount", "-o", &format!("remount,size={bytes}")])
            .arg(&self.at)
            .status()
            .map_err(HarnessError::io("start nsenter"))?;
        match status.success() {
            true => Ok(()),
            false => Err(HarnessError::answer("nsenter mount", status)),
        }
    }
}

/// Tries a way; the error says why it is none.
fn mount(way: &[&str], at: &Path) -> Result<(), String> {
    let tried = Command::new("unshare")
        .args(way)
        .args(["mount", "-t", "tmpfs", "tmpfs"])
        .arg(at)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| error.to_string())?;
    match tried.status.success() {
        true => Ok(()),
        false => Err(String::from_utf8_lossy(&tried.stderr).trim().to_owned()),
    }
}
