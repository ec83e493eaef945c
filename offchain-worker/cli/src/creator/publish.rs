//! Sealing and publishing a model.

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

use serde_json::json;
use sha2::{Digest, Sha256};
use weft_chain::market::NewAsset;
use weft_primitives::Ppm;
use weft_vault::{ContentKey, seal_to_path};

use crate::{
    amount::{parse_percent, percent},
    blocks::Blocks,
    engine::{self, Source},
    failure::Failure,
    manifest::{FileEntry, Manifest},
    models,
    node::{IdentityArgs, NodeArgs},
    output,
    progress::Progress,
};

/// Seal a model and publish it.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The model: a name of `weft models ls`, a GGUF file, or a directory with safetensors and tokenizer, or with an exact
    /// model.
    #[arg(long)]
    model: String,
    /// Name shown to people.
    #[arg(long)]
    name: String,
    /// Your share of every job's price after the treasury's cut.
    #[arg(long, value_parser = parse_percent, default_value = "5%")]
    royalty: Ppm,
    #[command(flatten)]
    identity: IdentityArgs,
    #[command(flatten)]
    node: NodeArgs,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

impl Args {
    /// Runs the command.
    pub async fn run(self) -> Result<(), Failure> {
        let path = models::resolve(&self.model)?;
        // Before anything is sealed or paid: what cannot be loaded here cannot be run by providers either.
        let source = look_at(&path)?;
        let (home, creator) = self.identity.open()?;
        let client = self.node.connect().await?;
        let blocks = Blocks::open(&home)?;

        let key = ContentKey::generate().map_err(|error| Failure::Local(error.to_string()))?;
        let sealed_path = home.dir().join(format!("sealing-{}.part", std::process::id()));
        let sealed = seal(&source, &key, &sealed_path);
        let stored = match sealed {
            Ok(files) => blocks.put_path(&sealed_path).await.map(|content| (files, content)),
            Err(failure) => Err(failure),
        };
        // Ciphertext that is in the store by now, or of no use.
        let _ = std::fs::remove_file(&sealed_path);
        let (files, (content, size_bytes)) = stored?;
        // The key is on disk before anybody can pay for what it opens.
        home.keep_content_key(&content.to_string(), &key)?;

        let manifest = Manifest::new(self.name.clone(), source.kind, files, content);
        let bytes = manifest.to_bytes().map_err(|error| Failure::Local(error.to_string()))?;
        let manifest = blocks.put(bytes).await?;
        let asset = NewAsset {
            kind: source.kind,
            name: self.name.clone(),
            manifest,
            content,
            size_bytes,
            key_commitment: key.commitment().0,
            royalty: self.royalty,
            exact_root: source.exact_root,
        };
        let id = client.market().publish(&creator, asset).await?;
        if self.json {
            return output::json(&json!({
                "asset": id,
                "name": self.name,
                "creator": creator.account(),
                "manifest": manifest,
                "content": content,
                "size_bytes": size_bytes,
                "royalty": self.royalty,
                "exact_root": source.exact_root.map(|root| format!("0x{}", hex::encode(root))),
            }));
        }
        let exact_root = source.exact_root.map(|root| ("exact root", hex::encode(root)));
        let lines = [
            ("asset", id.to_string()),
            ("name", self.name),
            ("manifest", manifest.to_string()),
            ("sealed file", format!("{content} ({size_bytes} bytes)")),
            ("royalty", percent(self.royalty)),
        ];
        let next = ("next", "serve it to providers with `weft creator serve`".to_owned());
        output::pairs(lines.into_iter().chain(exact_root).chain([next]))
    }
}

fn look_at(path: &Path) -> Result<Source, Failure> {
    let progress = Progress::spinner("checking that the model runs");
    match engine::check(path) {
        Ok(source) => {
            progress.done("it does");
            Ok(source)
        }
        Err(failure) => {
            progress.abandon();
            Err(failure)
        }
    }
}

/// Seals the files, one after the other, into one sealed file.
fn seal(source: &Source, key: &ContentKey, to: &Path) -> Result<Vec<FileEntry>, Failure> {
    let failed = |path: &Path, error: io::Error| Failure::local(format_args!("cannot read {}", path.display()), error);
    let mut total = 0u64;
    let mut opened = Vec::new();
    for (name, path) in &source.files {
        let file = File::open(path).map_err(|error| failed(path, error))?;
        let bytes = file.metadata().map_err(|error| failed(path, error))?.len();
        total = total.saturating_add(bytes);
        opened.push((name.clone(), file));
    }
    let progress = Progress::bytes("sealing", Some(total));
    let mut plaintext = Hashed::new(opened);
    let sealed = seal_to_path(&mut plaintext, to, key, Some(total), |done| progress.set(done, None));
    match sealed {
        Ok(_) => {
            progress.done("sealed");
            Ok(plaintext.entries)
        }
        Err(error) => {
            progress.abandon();
            Err(Failure::Local(error.to_string()))
        }
    }
}

/// Files read one after the other, each measured and hashed on the way.
struct Hashed {
    files: std::vec::IntoIter<(String, File)>,
    now: Option<(String, File, Sha256, u64)>,
    entries: Vec<FileEntry>,
}

impl Hashed {
    fn new(files: Vec<(String, File)>) -> Self {
        Self {
            files: files.into_iter(),
            now: None,
            entries: Vec::new(),
        }
    }
}

impl Read for Hashed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        loop {
            let Some((_, file, hash, bytes)) = &mut self.now else {
                let Some((name, file)) = self.files.next() else {
                    return Ok(0);
                };
                self.now = Some((name, file, Sha256::new(), 0));
                continue;
            };
            let read = file.read(buffer)?;
            if read > 0 {
                hash.update(buffer.get(..read).unwrap_or_default());
                *bytes = bytes.saturating_add(read as u64);
                return Ok(read);
            }
            if let Some((name, _, hash, bytes)) = self.now.take() {
                self.entries.push(FileEntry {
                    name,
                    bytes,
                    sha256: hex::encode(hash.finalize()),
                });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::Manifest;
    use weft_primitives::{AssetKind, ContentCodec, ContentId};

    #[test]
    fn what_is_sealed_is_what_the_manifest_describes() {
        let dir = tempfile::tempdir().unwrap();
        let contents: [&[u8]; 3] = [b"one", b"", &[7; 300_000]];
        let files = contents
            .iter()
            .enumerate()
            .map(|(i, bytes)| {
                let path = dir.path().join(i.to_string());
                std::fs::write(&path, bytes).unwrap();
                (i.to_string(), path)
            })
            .collect();
        let source = Source {
            kind: AssetKind::EmbeddingModel,
            files,
            exact_root: None,
        };
        let key = ContentKey::from_bytes([1; 32]);
        let sealed = dir.path().join("sealed");
        let entries = seal(&source, &key, &sealed).unwrap();
        let content = ContentId {
            codec: ContentCodec::DagPb,
            sha256: [0; 32],
        };
        let manifest = Manifest::new("m".into(), source.kind, entries, content);
        let opened = weft_vault::open_to_vec(File::open(&sealed).unwrap(), &key, None, 1 << 20).unwrap();
        assert_eq!(manifest.total_bytes(), Some(opened.len() as u64));
        let split: Vec<_> = manifest
            .split(&opened)
            .unwrap()
            .into_iter()
            .map(|(_, bytes)| bytes)
            .collect();
        assert_eq!(split, contents);
    }
}
