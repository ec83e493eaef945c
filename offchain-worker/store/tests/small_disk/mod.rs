//! A disk that is too small: a file system in memory, which only the process that runs the test on it can see.

use std::{
    env,
    io::{self, Write},
    path::Path,
    process::{Command, Output},
};

/// Where the disk is mounted, for the run of the test's program that is on it.
const DISK: &str = "WEFT_TEST_SMALL_DISK";
/// Set by `make test` on a machine that allows mounts: a test may then not do without.
const REQUIRED: &str = "WEFT_TESTS_REQUIRE_SMALL_DISK";
/// Ways to a mount of one's own: as root, and as anybody where the kernel allows user namespaces.
const WAYS: [&[&str]; 2] = [&["--mount"], &["--user", "--map-root-user", "--mount"]];

/// Runs `body` with the path of an empty disk of `mib` MiB. It runs in another process, in which nothing but `test`, the
/// full name of the test that calls this, is run again. Where nobody may mount a disk, the test skips and says why.
pub fn on_small_disk(test: &str, mib: u32, body: impl FnOnce(&Path)) {
    if let Some(disk) = env::var_os(DISK) {
        return body(Path::new(&disk));
    }
    let dir = tempfile::tempdir().unwrap();
    let mut refusals = Vec::new();
    let way = WAYS.into_iter().find(|way| {
        let tried = unshare(way, dir.path(), 1, Command::new("true"));
        let mounted = tried.as_ref().is_ok_and(|tried| tried.status.success());
        if !mounted {
            let why = tried.map_or_else(|error| error.to_string(), |tried| said(&tried));
            refusals.push(format!("unshare {}: {}", way.join(" "), why.trim()));
        }
        mounted
    });
    let Some(way) = way else {
        let why = refusals.join("; ");
        assert!(
            env::var_os(REQUIRED).is_none(),
            "{REQUIRED} is set, and nobody may mount: {why}"
        );
        // Not by a macro, whose words are kept back when a test passes.
        let said = writeln!(
            io::stderr(),
            "SKIPPED: {test}: this machine lets nobody mount a small disk ({why})"
        );
        return assert!(said.is_ok());
    };
    let mut again = Command::new(env::current_exe().unwrap());
    again.args(["--exact", test, "--nocapture"]).env(DISK, dir.path());
    let run = unshare(way, dir.path(), mib, again).unwrap();
    let out = String::from_utf8_lossy(&run.stdout);
    assert!(run.status.success(), "{out}{}", said(&run));
    assert!(out.contains("1 passed"), "`{test}` is not the name of the test: {out}");
}

/// Runs a command with a disk mounted at `at`.
fn unshare(way: &[&str], at: &Path, mib: u32, command: Command) -> io::Result<Output> {
    let mut on_disk = Command::new("unshare");
    on_disk
        .args(way)
        .args([
            "sh",
            "-c",
            r#"mount -t tmpfs -o "size=$1m" tmpfs "$2" && shift 2 && exec "$@""#,
            "sh",
        ])
        .arg(mib.to_string())
        .arg(at)
        .arg(command.get_program())
        .args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => on_disk.env(name, value),
            None => on_disk.env_remove(name),
        };
    }
    on_disk.output()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}
