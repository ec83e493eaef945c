//! The directory of an identity, and the secrets in it.
//!
//! ```text
//! account.key   phrase of the account that holds the money
//! device.seed   phrase of the device's account, which signs for a provider's work
//! device.key    X25519 key of the device
//! user.key      X25519 key to which answers and bought keys are wrapped
//! custodian.key X25519 key to which shares of others' keys are dealt
//! custodian-keys/ those that were made later, by number
//! keys/         content keys of what was published or bought here, by the CID of the sealed file
//! publishing/   keys of publications that are not on the chain yet, and how far they are
//! store/        content-addressed blocks
//! jobs/         answers of a provider that are not committed yet
//! kept/         what a provider needs to answer for those that can still be challenged
//! asked/        what was asked in exact jobs that are not over, to show it if an answer is to something else
//! holdings      what in the store is kept for what; holdings-ipfs: what in an IPFS daemon
//! hot-models    which models' files are kept, in the order of their last use
//! hold          present while the provider was paused by hand
//! ```
//!
//! Secrets are readable by their owner alone and are written whole or not at all.

use std::{
    fs::{self, OpenOptions},
    io::{ErrorKind, Write},
    path::{Path, PathBuf},
};

use weft_chain::Signer;
use weft_vault::{ContentKey, CustodianKeys, DeviceKeys, UserKeys};

use crate::failure::Failure;

/// See the module.
#[derive(Clone, Debug)]
pub struct Home {
    dir: PathBuf,
}

impl Home {
    /// Opens `dir`, or `~/.weft`, making it if needed.
    pub fn open(dir: Option<PathBuf>) -> Result<Self, Failure> {
        let dir = match dir {
            Some(dir) => dir,
            None => std::env::home_dir()
                .ok_or_else(|| Failure::Usage("there is no home directory here: give one with --home".into()))?
                .join(".weft"),
        };
        fs::create_dir_all(&dir)
            .map_err(|error| Failure::local(format_args!("cannot make {}", dir.display()), error))?;
        Ok(Self { dir })
    }

    /// The directory.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Where it is kept how far publications are. Secret: keys are in it.
    pub fn publishing_dir(&self) -> PathBuf {
        self.dir.join("publishing")
    }

    /// Where blocks are kept.
    pub fn store_dir(&self) -> PathBuf {
        self.dir.join("store")
    }

    /// Where it is kept what in the store is kept for what.
    pub fn holdings_file(&self) -> PathBuf {
        self.dir.join("holdings")
    }

    /// The same of an IPFS daemon.
    pub fn ipfs_holdings_file(&self) -> PathBuf {
        self.dir.join("holdings-ipfs")
    }

    /// Where it is kept which models' files stay in the store.
    pub fn hot_models_file(&self) -> PathBuf {
        self.dir.join("hot-models")
    }

    /// Where answers wait for their commit.
    pub fn jobs_dir(&self) -> PathBuf {
        self.dir.join("jobs")
    }

    /// Where answers are kept that can still be challenged.
    pub fn kept_dir(&self) -> PathBuf {
        self.dir.join("kept")
    }

    /// Where it is kept what was asked in exact jobs. Private: prompts are in it.
    pub fn asked_dir(&self) -> PathBuf {
        self.dir.join("asked")
    }

    /// Where it is kept why models are not ready.
    pub fn not_ready_dir(&self) -> PathBuf {
        self.dir.join("not-ready")
    }

    /// The file that says that the provider was paused by hand.
    pub fn hold_file(&self) -> PathBuf {
        self.dir.join("hold")
    }

    /// The file of the account's phrase.
    pub fn account_file(&self) -> PathBuf {
        self.dir.join("account.key")
    }

    /// The account made by `weft keys new`.
    pub fn account(&self) -> Result<Signer, Failure> {
        match read_signer(&self.account_file())? {
            Some(signer) => Ok(signer),
            None => Err(Failure::NotFound(format!(
                "there is no account in {}: make one with `weft keys new`, or give one with --account",
                self.dir.display()
            ))),
        }
    }

    /// Makes an account. Returns its phrase. An account that is there is never overwritten.
    pub fn make_account(&self, secret: Option<&str>) -> Result<Signer, Failure> {
        let path = self.account_file();
        let (signer, phrase) = match secret {
            Some(secret) => (
                Signer::from_secret(secret).map_err(|error| Failure::Usage(error.to_string()))?,
                secret.to_owned(),
            ),
            None => Signer::generate().map_err(|error| Failure::Local(error.to_string()))?,
        };
        if write_new_secret(&path, &phrase)? {
            Ok(signer)
        } else {
            Err(Failure::Usage(format!(
                "{} is there already: use another --home, or move it away",
                path.display()
            )))
        }
    }

    /// The device's account, made at the first call.
    pub fn device_account(&self) -> Result<Signer, Failure> {
        let path = self.dir.join("device.seed");
        if let Some(signer) = read_signer(&path)? {
            return Ok(signer);
        }
        let (signer, phrase) = Signer::generate().map_err(|error| Failure::Local(error.to_string()))?;
        if write_new_secret(&path, &phrase)? {
            return Ok(signer);
        }
        // Another process was faster.
        read_signer(&path)?.ok_or_else(|| Failure::Local(format!("{} vanished: try again", path.display())))
    }

    /// The device's X25519 keys, made at the first call.
    pub fn device_keys(&self) -> Result<DeviceKeys, Failure> {
        DeviceKeys::load_or_create(&self.dir.join("device.key")).map_err(|error| Failure::Local(error.to_string()))
    }

    /// The X25519 keys to which answers are wrapped, made at the first call.
    pub fn user_keys(&self) -> Result<UserKeys, Failure> {
        UserKeys::load_or_create(&self.dir.join("user.key")).map_err(|error| Failure::Local(error.to_string()))
    }

    /// The first X25519 keys of a custodian, made at the first call.
    pub fn custodian_keys(&self) -> Result<CustodianKeys, Failure> {
        CustodianKeys::load_or_create(&self.dir.join("custodian.key"))
            .map_err(|error| Failure::Local(error.to_string()))
    }

    /// Where the keys of a custodian are that were made later.
    pub fn later_custodian_keys_dir(&self) -> PathBuf {
        self.dir.join("custodian-keys")
    }

    /// Keeps the content key of a sealed file.
    pub fn keep_content_key(&self, content: &str, key: &ContentKey) -> Result<(), Failure> {
        let path = self.content_key_file(content);
        if write_new_secret(&path, &hex::encode(key.expose()))? || self.content_key(content)?.is_some() {
            return Ok(());
        }
        Err(Failure::Local(format!("{} vanished: try again", path.display())))
    }

    /// The content key of a sealed file, if it was published or bought from here.
    pub fn content_key(&self, content: &str) -> Result<Option<ContentKey>, Failure> {
        let path = self.content_key_file(content);
        let Some(text) = read_secret(&path)? else {
            return Ok(None);
        };
        let mut bytes = [0u8; 32];
        hex::decode_to_slice(text.trim(), &mut bytes).map_err(|error| {
            Failure::local(
                format_args!("{} is damaged: restore it from a copy", path.display()),
                error,
            )
        })?;
        Ok(Some(ContentKey::from_bytes(bytes)))
    }

    /// Remembers whether the key of a sealed file is for holders of licences only, and not for providers. The chain says so, too, but
    /// only while custodians keep the key.
    pub fn keep_for_licences_only(&self, content: &str, only: bool) -> Result<(), Failure> {
        let path = self.for_licences_only_file(content);
        let done = match only {
            true => fs::create_dir_all(self.dir.join("keys")).and_then(|()| fs::write(&path, b"")),
            false => match fs::remove_file(&path) {
                Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
                done => done,
            },
        };
        done.map_err(|error| Failure::local(format_args!("cannot change {}", path.display()), error))
    }

    /// Whether it is.
    pub fn is_for_licences_only(&self, content: &str) -> bool {
        self.for_licences_only_file(content).exists()
    }

    fn for_licences_only_file(&self, content: &str) -> PathBuf {
        self.dir.join("keys").join(format!("{content}.licences-only"))
    }

    fn content_key_file(&self, content: &str) -> PathBuf {
        self.dir.join("keys").join(format!("{content}.key"))
    }
}

fn read_signer(path: &Path) -> Result<Option<Signer>, Failure> {
    let Some(phrase) = read_secret(path)? else {
        return Ok(None);
    };
    Signer::from_secret(phrase.trim()).map(Some).map_err(|error| {
        Failure::local(
            format_args!("{} is damaged: restore it from a copy", path.display()),
            error,
        )
    })
}

/// The text of a secret's file; `None` if there is none.
pub fn read_secret(path: &Path) -> Result<Option<String>, Failure> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Failure::local(format_args!("cannot read {}", path.display()), error)),
    }
}

/// Writes a secret to a file that must not be there yet: first to a file beside it, then under its name. Returns
/// whether it was written; `false` if there is one already.
pub fn write_new_secret(path: &Path, text: &str) -> Result<bool, Failure> {
    let failed = |error| Failure::local(format_args!("cannot write {}", path.display()), error);
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).map_err(failed)?;
    }
    let part = path.with_extension(format!("part{}", std::process::id()));
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options.open(&part).and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.write_all(b"\n")?;
        file.sync_all()
    });
    // A hard link, unlike a rename, fails if the name is taken.
    let linked = written.and_then(|()| fs::hard_link(&part, path));
    let removed = fs::remove_file(&part);
    match linked {
        Ok(()) => removed.map(|()| true).map_err(failed),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(failed(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_written_once_and_for_their_owner_alone() {
        let dir = tempfile::tempdir().unwrap();
        let home = Home::open(Some(dir.path().join("new"))).unwrap();
        assert!(matches!(home.account(), Err(Failure::NotFound(_))));
        let made = home.make_account(None).unwrap();
        assert_eq!(home.account().unwrap().account(), made.account());
        assert!(matches!(home.make_account(Some("//Alice")), Err(Failure::Usage(_))));
        assert_eq!(home.account().unwrap().account(), made.account());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = fs::metadata(home.account_file()).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        assert_eq!(
            fs::read_dir(home.dir()).unwrap().count(),
            1,
            "nothing is left beside it"
        );
    }

    #[test]
    fn device_and_content_keys_are_found_again() {
        let dir = tempfile::tempdir().unwrap();
        let home = Home::open(Some(dir.path().to_owned())).unwrap();
        assert_eq!(
            home.device_account().unwrap().account(),
            home.device_account().unwrap().account()
        );
        assert!(home.content_key("bafy").unwrap().is_none());
        home.keep_content_key("bafy", &ContentKey::from_bytes([7; 32])).unwrap();
        assert_eq!(home.content_key("bafy").unwrap().unwrap().expose(), &[7; 32]);
    }

    #[test]
    fn it_is_remembered_for_whom_a_key_is() {
        let dir = tempfile::tempdir().unwrap();
        let home = Home::open(Some(dir.path().to_owned())).unwrap();
        assert!(!home.is_for_licences_only("bafy"));
        for only in [true, true, false, false, true] {
            home.keep_for_licences_only("bafy", only).unwrap();
            assert_eq!(home.is_for_licences_only("bafy"), only);
        }
        assert!(!home.is_for_licences_only("bafz"));
    }

    #[test]
    fn a_damaged_secret_is_an_error_that_names_the_file() {
        let dir = tempfile::tempdir().unwrap();
        let home = Home::open(Some(dir.path().to_owned())).unwrap();
        fs::write(home.account_file(), "no phrase").unwrap();
        assert!(home.account().unwrap_err().to_string().contains("account.key"));
    }
}
