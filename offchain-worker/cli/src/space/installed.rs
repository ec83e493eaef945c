//! The Spaces of a home directory.
//!
//! ```text
//! spaces/CID/         the files of a Space, unpacked
//! spaces/CID.json     where it came from
//! ```
//!
//! The CID is that of the bundle. A Space is checked against it each time it is started: what was changed on disk does not run.

use std::{
    collections::BTreeMap,
    fs,
    io::ErrorKind,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use weft_primitives::{
    AssetId, AssetKind, ContentId,
    space::{ReleaseNumber, SpaceId},
};

use super::bundle::{self, Bundle};
use crate::{failure::Failure, home::Home};

/// Most bytes of a record.
const MAX_RECORD_BYTES: u64 = 64 << 10;

/// Where an installed Space came from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Its title.
    pub title: String,
    /// What its author calls this release.
    pub version: String,
    /// The bundle.
    pub bundle: ContentId,
    /// What the chain says of it, if it came from there.
    #[serde(default)]
    pub listed: Option<Listed>,
}

/// What the chain says of an installed Space.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listed {
    /// Its number.
    pub space: SpaceId,
    /// The release.
    pub release: ReleaseNumber,
    /// The models that it calls.
    pub assets: BTreeMap<AssetKind, AssetId>,
}

impl Record {
    fn space(&self) -> Option<SpaceId> {
        self.listed.as_ref().map(|listed| listed.space)
    }

    fn release(&self) -> Option<ReleaseNumber> {
        self.listed.as_ref().map(|listed| listed.release)
    }
}

/// An installed Space, checked.
pub struct Installed {
    /// Where it came from.
    pub record: Record,
    /// Its files.
    pub bundle: Bundle,
    /// Where they are.
    pub dir: PathBuf,
}

/// The folder of a home directory that holds Spaces.
pub struct Shelf {
    dir: PathBuf,
}

impl Shelf {
    /// Opens it, making it if needed.
    pub fn open(home: &Home) -> Result<Self, Failure> {
        let dir = home.dir().join("spaces");
        fs::create_dir_all(&dir)
            .map_err(|error| Failure::local(format_args!("cannot make {}", dir.display()), error))?;
        Ok(Self { dir })
    }

    /// Where caches of folders are kept that Spaces search.
    pub fn indexes(&self) -> PathBuf {
        self.dir.join("indexes")
    }

    /// Puts a bundle here that is known to be `name`: checks that, byte for byte, and unpacks it.
    pub fn install(&self, bytes: &[u8], name: ContentId, listed: Option<Listed>) -> Result<Installed, Failure> {
        let found = bundle::name_of(bytes)?;
        if found != name {
            return Err(Failure::Refused(format!(
                "the bundle is not what was asked for: it is {found}, and not {name}; get it from somebody else"
            )));
        }
        let bundle = Bundle::from_bytes(bytes)
            .map_err(|error| Failure::Refused(format!("the bundle {name} cannot be installed: {error}")))?;
        let record = Record {
            title: bundle.manifest().title.clone(),
            version: bundle.manifest().version.clone(),
            bundle: name,
            listed,
        };
        let dir = self.folder(&name);
        bundle.unpack(&dir)?;
        self.keep(&record)?;
        Ok(Installed { record, bundle, dir })
    }

    /// What is installed, by title and version.
    pub fn records(&self) -> Result<Vec<Record>, Failure> {
        let failed = |error| Failure::local(format_args!("cannot read {}", self.dir.display()), error);
        let mut records = Vec::new();
        for entry in fs::read_dir(&self.dir).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            if path.extension().is_some_and(|ending| ending == "json")
                && let Some(record) = read_record(&path)?
            {
                records.push(record);
            }
        }
        records.sort_by(|a, b| (&a.title, &a.version, a.release()).cmp(&(&b.title, &b.version, b.release())));
        Ok(records)
    }

    /// The Space that is called so, checked: see [`Self::record`].
    pub fn find(&self, name: &str) -> Result<Installed, Failure> {
        self.opened(self.record(name)?)
    }

    /// The Space that is called so: by its CID, its number on the chain, or its title in any case. Of several releases of one
    /// Space, the latest.
    pub fn record(&self, name: &str) -> Result<Record, Failure> {
        let fits = |record: &Record| {
            record.bundle.to_string() == name
                || record.space().is_some_and(|space| space.to_string() == name)
                || record.title.to_lowercase() == name.to_lowercase()
        };
        let mut found: Vec<_> = self.records()?.into_iter().filter(fits).collect();
        found.sort_by_key(Record::release);
        let Some(record) = found.pop() else {
            return Err(Failure::NotFound(format!(
                "no Space `{name}` is installed, and there is no such folder: see `weft space ls` and `weft space find`"
            )));
        };
        let is_same = |other: &Record| other.space().is_some() && other.space() == record.space();
        if !found.iter().all(is_same) {
            let names: Vec<_> = found
                .iter()
                .chain([&record])
                .map(|record| record.bundle.to_string())
                .collect();
            return Err(Failure::Usage(format!(
                "several Spaces are called `{name}`: name one by its CID ({})",
                names.join(", ")
            )));
        }
        Ok(record)
    }

    /// Takes a Space away, changed or not.
    pub fn remove(&self, record: &Record) -> Result<(), Failure> {
        let (file, dir) = (self.record_file(&record.bundle), self.folder(&record.bundle));
        let failed = |path: &Path, error| Failure::local(format_args!("cannot remove {}", path.display()), error);
        fs::remove_file(&file).map_err(|error| failed(&file, error))?;
        match fs::remove_dir_all(&dir) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(failed(&dir, error)),
            _ => Ok(()),
        }
    }

    fn opened(&self, record: Record) -> Result<Installed, Failure> {
        let dir = self.folder(&record.bundle);
        let again = |why: &dyn std::fmt::Display| {
            Failure::Local(format!(
                "{} was changed since it was installed ({why}): install it again",
                dir.display()
            ))
        };
        let bundle = Bundle::from_unpacked(&dir).map_err(|failure| again(&failure))?;
        let (_, name) = bundle.packed()?;
        if name != record.bundle {
            return Err(again(&format_args!("it is {name} now")));
        }
        Ok(Installed { record, bundle, dir })
    }

    fn folder(&self, name: &ContentId) -> PathBuf {
        self.dir.join(name.to_string())
    }

    fn record_file(&self, name: &ContentId) -> PathBuf {
        self.dir.join(format!("{name}.json"))
    }

    fn keep(&self, record: &Record) -> Result<(), Failure> {
        let path = self.record_file(&record.bundle);
        let text = serde_json::to_vec(record).map_err(|error| Failure::local("cannot write JSON", error))?;
        let part = path.with_extension(format!("part{}", std::process::id()));
        let written = fs::write(&part, text).and_then(|()| fs::rename(&part, &path));
        written.map_err(|error| Failure::local(format_args!("cannot write {}", path.display()), error))
    }
}

/// A record; `None` for what is damaged, as if it were not there.
fn read_record(path: &Path) -> Result<Option<Record>, Failure> {
    let failed = |error| Failure::local(format_args!("cannot read {}", path.display()), error);
    if fs::metadata(path).map_err(failed)?.len() > MAX_RECORD_BYTES {
        return Ok(None);
    }
    match fs::read(path) {
        Ok(bytes) => Ok(serde_json::from_slice(&bytes).ok()),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bundle(title: &str, body: &str) -> Bundle {
        let manifest = format!(
            r#"{{"form":"weft/space/1","title":"{title}","category":"other","version":"1","licence":"MIT",
            "entry":{{"web":"index.html"}},"capabilities":[]}}"#
        );
        let files = [
            ("space.json", manifest.as_str()),
            ("index.html", body),
            ("tool.py", "pass"),
        ];
        let files: BTreeMap<_, _> = files
            .map(|(path, text)| (path.to_owned(), text.as_bytes().to_vec()))
            .into();
        Bundle::new(files).unwrap()
    }

    fn listed(space: SpaceId, release: ReleaseNumber) -> Option<Listed> {
        Some(Listed {
            space,
            release,
            assets: [(AssetKind::TextModel, 3)].into(),
        })
    }

    fn shelf() -> (tempfile::TempDir, Shelf) {
        let dir = tempfile::tempdir().unwrap();
        let shelf = Shelf::open(&Home::open(Some(dir.path().to_owned())).unwrap()).unwrap();
        (dir, shelf)
    }

    #[test]
    fn a_space_is_found_by_cid_number_and_title() {
        let (_dir, shelf) = shelf();
        let (bytes, name) = bundle("Chat", "1").packed().unwrap();
        shelf.install(&bytes, name, listed(7, 2)).unwrap();
        // Again is no other.
        shelf.install(&bytes, name, listed(7, 2)).unwrap();
        for called in [name.to_string().as_str(), "7", "chat", "CHAT"] {
            let found = shelf.find(called).unwrap();
            assert_eq!(
                (found.record.bundle, found.record.release()),
                (name, Some(2)),
                "{called}"
            );
            assert_eq!(found.bundle.file("index.html"), Some(&b"1"[..]));
        }
        assert!(matches!(shelf.find("8"), Err(Failure::NotFound(_))));
        shelf.remove(&shelf.record("7").unwrap()).unwrap();
        assert!(shelf.records().unwrap().is_empty());
    }

    #[test]
    fn the_latest_release_runs_and_namesakes_are_told_apart() {
        let (_dir, shelf) = shelf();
        for (body, from) in [("1", listed(7, 1)), ("0", listed(7, 0))] {
            let (bytes, name) = bundle("Chat", body).packed().unwrap();
            shelf.install(&bytes, name, from).unwrap();
        }
        assert_eq!(shelf.find("chat").unwrap().record.release(), Some(1));
        let (bytes, name) = bundle("chat", "another").packed().unwrap();
        shelf.install(&bytes, name, None).unwrap();
        assert!(matches!(shelf.find("Chat"), Err(Failure::Usage(said)) if said.contains(&name.to_string())));
        assert_eq!(shelf.find("7").unwrap().record.release(), Some(1));
    }

    #[test]
    fn a_bundle_whose_bytes_are_not_its_cid_is_refused() {
        let (dir, shelf) = shelf();
        let (bytes, _) = bundle("Chat", "1").packed().unwrap();
        let (_, other) = bundle("Chat", "2").packed().unwrap();
        let refused = shelf.install(&bytes, other, None);
        assert!(matches!(refused, Err(Failure::Refused(said)) if said.contains(&other.to_string())));
        let name = bundle::name_of(b"no archive").unwrap();
        assert!(matches!(
            shelf.install(b"no archive", name, None),
            Err(Failure::Refused(_))
        ));
        assert_eq!(fs::read_dir(dir.path().join("spaces")).unwrap().count(), 0);
    }

    #[test]
    fn what_was_changed_on_disk_does_not_run() {
        let (_dir, shelf) = shelf();
        let (bytes, name) = bundle("Chat", "1").packed().unwrap();
        let installed = shelf.install(&bytes, name, None).unwrap();
        for (file, text) in [("index.html", "<script>"), ("more.js", "")] {
            fs::write(installed.dir.join(file), text).unwrap();
            assert!(matches!(shelf.find("chat"), Err(Failure::Local(said)) if said.contains("install it again")));
            shelf.install(&bytes, name, None).unwrap();
        }
        fs::remove_file(installed.dir.join("tool.py")).unwrap();
        assert!(shelf.find("chat").is_err());
    }
}
