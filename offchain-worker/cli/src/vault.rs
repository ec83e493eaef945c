//! `weft vault`: sealing and opening of files with keys in files, without a chain.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde_json::json;
use weft_vault::{ContentKey, KeyCommitment, open_to_path, seal_path_to_path};

use crate::{
    failure::Failure,
    home::{read_secret, write_new_secret},
    output,
    progress::Progress,
};

/// See the variants.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Seal a file under a key: a fresh one, which is written to --key-out, or one that you have.
    Encrypt {
        /// The file.
        #[arg(long = "in", value_name = "FILE")]
        input: PathBuf,
        /// Where the sealed file goes.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        /// Make a fresh key and keep it here, for its owner alone. Whoever loses it loses the file.
        #[arg(long, value_name = "FILE", required_unless_present = "key", conflicts_with = "key")]
        key_out: Option<PathBuf>,
        /// Seal under the key in this file.
        #[arg(long, value_name = "FILE")]
        key: Option<PathBuf>,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Open a sealed file.
    Decrypt {
        /// The sealed file.
        #[arg(long = "in", value_name = "FILE")]
        input: PathBuf,
        /// Where the plaintext goes; only its owner can read it.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        /// The key.
        #[arg(long, value_name = "FILE")]
        key: PathBuf,
        /// The key's commitment, as it is on chain: a file sealed under any other key is refused.
        #[arg(long, value_name = "HEX", value_parser = commitment)]
        commitment: Option<[u8; 32]>,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
}

impl Command {
    /// Runs the command.
    pub fn run(self) -> Result<(), Failure> {
        match self {
            Self::Encrypt {
                input,
                out,
                key_out: Some(path),
                json,
                ..
            } => {
                size_of(&input)?;
                let key = fresh_key(&path)?;
                encrypt(&input, &out, &key, &path, json).inspect_err(|_| {
                    // The key of nothing.
                    let _ = fs::remove_file(&path);
                })
            }
            Self::Encrypt {
                input,
                out,
                key: Some(path),
                json,
                ..
            } => encrypt(&input, &out, &read_key(&path)?, &path, json),
            Self::Encrypt { .. } => Err(Failure::Usage("give --key-out or --key".to_owned())),
            Self::Decrypt {
                input,
                out,
                key,
                commitment,
                json,
            } => decrypt(&input, &out, &read_key(&key)?, commitment.map(KeyCommitment), json),
        }
    }
}

fn encrypt(input: &Path, out: &Path, key: &ContentKey, key_file: &Path, json: bool) -> Result<(), Failure> {
    let progress = Progress::bytes("sealing", Some(size_of(input)?));
    let sealed = match seal_path_to_path(input, out, key, |done| progress.set(done, None)) {
        Ok(sealed) => sealed,
        Err(error) => {
            progress.abandon();
            return Err(Failure::Local(error.to_string()));
        }
    };
    progress.done(&format!("{} bytes in {}", sealed.sealed_len, out.display()));
    let commitment = format!("0x{}", sealed.commitment);
    if json {
        return output::json(&json!({
            "out": out,
            "bytes": sealed.plaintext_len,
            "sealed_bytes": sealed.sealed_len,
            "commitment": commitment,
            "key": key_file,
        }));
    }
    output::pairs([
        ("sealed bytes", sealed.sealed_len.to_string()),
        ("commitment", commitment),
        (
            "key in",
            format!("{} (keep a copy: nobody can restore it)", key_file.display()),
        ),
    ])
}

fn decrypt(
    input: &Path,
    out: &Path,
    key: &ContentKey,
    promised: Option<KeyCommitment>,
    json: bool,
) -> Result<(), Failure> {
    let progress = Progress::bytes("opening", Some(size_of(input)?));
    let sealed = fs::File::open(input).map_err(|error| unreadable(input, error))?;
    let opened = open_to_path(sealed, out, key, promised.as_ref(), |done| progress.set(done, None));
    let bytes = opened.map_err(|error| {
        progress.abandon();
        Failure::Local(error.to_string())
    })?;
    progress.done(&format!("{bytes} bytes in {}", out.display()));
    let commitment = format!("0x{}", key.commitment());
    if json {
        return output::json(&json!({ "out": out, "bytes": bytes, "commitment": commitment }));
    }
    output::pairs([("bytes", bytes.to_string()), ("commitment", commitment)])
}

/// A new key, on the disk before anything depends on it.
fn fresh_key(path: &Path) -> Result<ContentKey, Failure> {
    let key = ContentKey::generate().map_err(|error| Failure::Local(error.to_string()))?;
    match write_new_secret(path, &hex::encode(key.expose()))? {
        true => Ok(key),
        false => Err(Failure::Usage(format!(
            "{} is there already and is not overwritten: give another --key-out, or seal under it with --key",
            path.display()
        ))),
    }
}

fn read_key(path: &Path) -> Result<ContentKey, Failure> {
    let text = read_secret(path)?
        .ok_or_else(|| Failure::NotFound(format!("there is no key file {}: give another --key", path.display())))?;
    let mut bytes = [0; 32];
    hex::decode_to_slice(text.trim(), &mut bytes).map_err(|error| {
        Failure::local(
            format_args!("{} holds no key of 64 hexadecimal digits", path.display()),
            error,
        )
    })?;
    Ok(ContentKey::from_bytes(bytes))
}

fn size_of(path: &Path) -> Result<u64, Failure> {
    match fs::metadata(path) {
        Ok(metadata) if metadata.is_dir() => Err(Failure::Usage(format!(
            "{} is a directory: pack it first (tar)",
            path.display()
        ))),
        Ok(metadata) => Ok(metadata.len()),
        Err(error) => Err(unreadable(path, error)),
    }
}

fn unreadable(path: &Path, error: std::io::Error) -> Failure {
    match error.kind() {
        std::io::ErrorKind::NotFound => Failure::NotFound(format!("there is no file {}", path.display())),
        _ => Failure::local(format_args!("cannot read {}", path.display()), error),
    }
}

/// Reads a commitment on the command line. For clap.
fn commitment(text: &str) -> Result<[u8; 32], String> {
    let mut bytes = [0; 32];
    hex::decode_to_slice(text.trim_start_matches("0x"), &mut bytes)
        .map_err(|_| "a commitment is 64 hexadecimal digits, as `weft vault encrypt` prints it".to_owned())?;
    Ok(bytes)
}
