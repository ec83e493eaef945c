//! `weft store add` and `get`.

use std::{
    fs::File,
    io::{self, Read, Write},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use serde_json::json;
use tokio::runtime::Handle;
use weft_store::{Cid, ContentStoreExt, DirectWriter, FileReader, StoreError};

use super::place::{Place, failure};
use crate::{blocks::Blocks, failure::Failure, output, progress::Progress};

/// Bytes that are written out at once.
const PIECE_BYTES: usize = 1 << 20;

/// Keeps a file.
pub async fn add(blocks: &Blocks, path: &Path, pin: bool, json: bool) -> Result<(), Failure> {
    let (input, total) = open(path)?;
    let progress = Progress::bytes("storing", total);
    let read = Arc::new(AtomicU64::new(0));
    let counted = Counted {
        input,
        read: Arc::clone(&read),
        progress: progress.clone(),
        total,
    };
    let store: &dyn weft_store::ContentStore = &**blocks.place();
    let stored = async {
        let cid = store.put_reader(counted).await.map_err(failure)?;
        if pin {
            blocks.pin_by_hand(&cid).await?;
        }
        Ok(cid)
    };
    let cid = stored.await.inspect_err(|_: &Failure| progress.abandon())?;
    let bytes = read.load(Ordering::Relaxed);
    progress.done(&format!("{bytes} bytes"));
    if json {
        return output::json(&json!({ "cid": cid.to_string(), "bytes": bytes, "pinned": pin }));
    }
    output::pairs([("cid", cid.to_string()), ("bytes", bytes.to_string())])
}

/// What is to be read, and how long it is if that is known.
fn open(path: &Path) -> Result<(Box<dyn Read + Send>, Option<u64>), Failure> {
    if path == Path::new("-") {
        return Ok((Box::new(io::stdin()), None));
    }
    let failed = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => Failure::NotFound(format!("there is no file {}", path.display())),
        _ => Failure::local(format_args!("cannot read {}", path.display()), error),
    };
    let file = File::open(path).map_err(failed)?;
    let metadata = file.metadata().map_err(failed)?;
    if metadata.is_dir() {
        return Err(Failure::Usage(format!(
            "{} is a directory: add its files one by one, or pack it first (tar)",
            path.display()
        )));
    }
    let len = metadata.is_file().then_some(metadata.len());
    Ok((Box::new(file), len))
}

/// Shows how far a reader is.
struct Counted {
    input: Box<dyn Read + Send>,
    read: Arc<AtomicU64>,
    progress: Progress,
    total: Option<u64>,
}

impl Read for Counted {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let read = self.input.read(buf)?;
        let sum = self.read.fetch_add(read as u64, Ordering::Relaxed) + read as u64;
        self.progress.set(sum, self.total);
        Ok(read)
    }
}

/// Writes out a file.
pub async fn get(place: &Place, cid: &Cid, out: Option<&Path>, json: bool) -> Result<(), Failure> {
    let total = place.shared().file_size(cid).await.map_err(failure)?;
    let reader = FileReader::new(place.shared(), Handle::current(), cid);
    let Some(out) = out else {
        // What is piped on needs no bar.
        let copied = blocking(move || {
            let mut stdout = io::stdout().lock();
            copy(reader, &mut stdout, &mut |_| ()).and_then(|bytes| stdout.flush().map(|()| bytes))
        });
        return copied.await?.map(drop).map_err(|error| told(error, None));
    };
    let progress = Progress::bytes("writing", Some(total));
    let shown = progress.clone();
    let to = out.to_owned();
    let written = blocking(move || {
        let part = super::archive::part_beside(&to);
        let mut file = DirectWriter::create(&part.path)?;
        let bytes = copy(reader, &mut file, &mut |bytes| shown.set(bytes, None))?;
        file.finish()?;
        part.finish(&to)?;
        Ok(bytes)
    });
    match written.await? {
        Ok(bytes) => {
            progress.done(&format!("{bytes} bytes in {}", out.display()));
            match json {
                true => output::json(&json!({ "cid": cid.to_string(), "bytes": bytes, "out": out })),
                false => Ok(()),
            }
        }
        Err(error) => {
            progress.abandon();
            Err(told(error, Some(out)))
        }
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Failure> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|panic| Failure::local("writing failed", panic))
}

fn copy(mut reader: impl Read, writer: &mut impl Write, progress: &mut dyn FnMut(u64)) -> io::Result<u64> {
    let mut piece = vec![0; PIECE_BYTES];
    let mut sum = 0;
    loop {
        let read = reader.read(&mut piece)?;
        let Some(piece) = piece.get(..read).filter(|piece| !piece.is_empty()) else {
            return Ok(sum);
        };
        writer.write_all(piece)?;
        sum += read as u64;
        progress(sum);
    }
}

/// The store's own error if it is one, else that of the file written to.
fn told(error: io::Error, out: Option<&Path>) -> Failure {
    match error.downcast::<StoreError>() {
        Ok(error) => failure(error),
        Err(error) => match out {
            Some(out) => Failure::local(format_args!("cannot write {}", out.display()), error),
            None => error.into(),
        },
    }
}
