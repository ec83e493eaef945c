//! `weft store export` and `import`.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use serde_json::json;
use weft_store::{
    Cid, ContentStoreExt, DagLimits, StoreError,
    car::{CarError, export_car, import_car},
};

use super::place::{Place, failure};
use crate::{blocks::Blocks, failure::Failure, output, progress::Progress};

/// A file that appears under its name only when it is whole.
pub struct Part {
    /// Where it is written.
    pub path: PathBuf,
}

/// A new one in the directory of `path`.
pub fn part_beside(path: &Path) -> Part {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    Part {
        path: path.with_file_name(format!(".{name}.part{}", std::process::id())),
    }
}

impl Part {
    /// Gives it its name, once all of it is on the disk.
    pub fn finish(self, to: &Path) -> io::Result<()> {
        fs::rename(&self.path, to)
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        // Not there any more once it has its name.
        let _ = fs::remove_file(&self.path);
    }
}

/// Writes an archive.
pub async fn export(place: &Place, cids: &[Cid], out: &Path, json: bool) -> Result<(), Failure> {
    let failed = |error| Failure::local(format_args!("cannot write {}", out.display()), error);
    let store = place.shared();
    let mut total = Some(0u64);
    for cid in cids {
        let bytes = store.file_size(cid).await.map_err(failure)?;
        total = total.and_then(|sum| sum.checked_add(bytes));
    }
    let part = part_beside(out);
    let file = tokio::fs::File::create(&part.path).await.map_err(failed)?;
    let progress = Progress::bytes("exporting", total);
    let exported = export_car(&*store, cids, file, &mut |written| progress.set(written.bytes, None)).await;
    let exported = match exported {
        Ok(exported) => exported,
        Err(error) => {
            progress.abandon();
            return Err(of_archive(error));
        }
    };
    let written = File::open(&part.path).and_then(|file| file.sync_all());
    written.and_then(|()| part.finish(out)).map_err(failed)?;
    progress.done(&format!("{} blocks in {}", exported.blocks, out.display()));
    if json {
        let roots: Vec<_> = cids.iter().map(Cid::to_string).collect();
        return output::json(&json!({
            "roots": roots, "blocks": exported.blocks, "bytes": exported.bytes, "out": out,
        }));
    }
    output::pairs([
        ("blocks", exported.blocks.to_string()),
        ("bytes", exported.bytes.to_string()),
    ])
}

/// Reads an archive.
pub async fn import(blocks: &Blocks, path: &Path, pin: bool, json: bool) -> Result<(), Failure> {
    let failed = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => Failure::NotFound(format!("there is no file {}", path.display())),
        _ => Failure::local(format_args!("cannot read {}", path.display()), error),
    };
    let file = tokio::fs::File::open(path).await.map_err(failed)?;
    let total = file.metadata().await.map_err(failed)?.len();
    let store = blocks.place().shared();
    let progress = Progress::bytes("importing", Some(total));
    let imported = match import_car(&*store, file, &mut |read| progress.set(read, None)).await {
        Ok(imported) => imported,
        Err(error) => {
            progress.abandon();
            return Err(of_archive(error));
        }
    };
    progress.done(&format!("{} blocks", imported.blocks));
    for root in &imported.roots {
        match store.missing(root, DagLimits::default()).await {
            Ok(missing) if missing.is_empty() => {}
            // A directory, say: kept and pinned, if not understood.
            Err(StoreError::Dag(_)) => {}
            Ok(missing) => {
                return Err(Failure::Local(format!(
                    "the archive does not hold all of {root} ({} blocks are missing that can be told); export it again, or import the rest. What was in it is kept, and not pinned",
                    missing.len()
                )));
            }
            Err(error) => return Err(failure(error)),
        }
        if pin {
            blocks.pin_by_hand(root).await?;
        }
    }
    let roots: Vec<_> = imported.roots.iter().map(Cid::to_string).collect();
    if json {
        return output::json(&json!({
            "roots": roots, "blocks": imported.blocks, "bytes": imported.bytes, "pinned": pin,
        }));
    }
    let roots = roots.into_iter().map(|root| ("root", root));
    output::pairs(roots.chain([
        ("blocks", imported.blocks.to_string()),
        ("bytes", imported.bytes.to_string()),
    ]))
}

fn of_archive(error: CarError) -> Failure {
    match error {
        CarError::Store(error) => failure(*error),
        CarError::Roots => Failure::Usage(error.to_string()),
        other => Failure::Local(other.to_string()),
    }
}
