//! A disk that is too small: a file system in memory that only the programs started on it can see, and that is gone with
//! the last of them. Needs leave to mount (`unshare`, as root or in a user namespace).

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use crate::{error::HarnessError, process::Process};

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
    /// where mounting is not allowed.
    pub fn new(at: &Path, bytes: u64, full: bool) -> Option<Self> {
        let way = WAYS.into_iter().find(|way| may_mount(way, at))?;
        Some(Self {
            at: at.to_owned(),
            bytes,
            full,
            way,
        })
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

fn may_mount(way: &[&str], at: &Path) -> bool {
    let tried = Command::new("unshare")
        .args(way)
        .args(["mount", "-t", "tmpfs", "tmpfs"])
        .arg(at)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    tried.is_ok_and(|status| status.success())
}
