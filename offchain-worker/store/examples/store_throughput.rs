//! How fast the embedded store puts and gets a file, and how fast a file is put while it is sealed.
//!
//! ```text
//! store_throughput put DIR FILE        a file into the store in DIR
//! store_throughput get DIR CID         and out of it, to nowhere
//! store_throughput seal MIB            sealing alone, to nowhere
//! store_throughput hash MIB            cutting and hashing alone
//! store_throughput keep DIR MIB        keeping alone, of blocks that are hashed before
//! store_throughput one-pass DIR MIB    all three at once
//! ```
//!
//! Each does its thing once and prints one line of JSON; gigabytes are 10^9 bytes.

use std::{
    env,
    error::Error,
    fs::{self, File},
    io::{self, Read, Write},
    path::Path,
    sync::Arc,
    time::Instant,
};

use futures::{StreamExt, TryStreamExt, stream};
use tokio::runtime::Runtime;
use weft_store::ContentStoreExt;
use weft_store::{
    Block, Bytes, Cid, ContentStore, EmbeddedStore, FileReader, FileWriter, StoreConfig, StoreError, parse_cid,
    unixfs::CHUNK_BYTES,
};
use weft_vault::{ContentKey, seal_file};

type Outcome = Result<(), Box<dyn Error>>;

fn main() -> Outcome {
    let args: Vec<String> = env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let runtime = Runtime::new()?;
    match args.as_slice() {
        ["put", dir, file] => put(&runtime, dir, Path::new(file)),
        ["get", dir, cid] => get(&runtime, dir, cid),
        ["seal", mib] => seal(mib.parse()?),
        ["hash", mib] => hash(&runtime, mib.parse()?),
        ["keep", dir, mib] => keep(&runtime, dir, mib.parse()?),
        ["one-pass", dir, mib] => one_pass(&runtime, dir, mib.parse()?),
        _ => Err("usage: store_throughput put DIR FILE | get DIR CID | seal MIB | hash MIB | keep DIR MIB | one-pass DIR MIB".into()),
    }
}

fn open(dir: &str) -> Result<EmbeddedStore, StoreError> {
    EmbeddedStore::open(Path::new(dir), StoreConfig::default())
}

fn put(runtime: &Runtime, dir: &str, file: &Path) -> Outcome {
    let store = open(dir)?;
    let input = File::open(file)?;
    let bytes = input.metadata()?.len();
    let start = Instant::now();
    let cid = runtime.block_on(store.put_reader(input))?;
    print(bytes, start, Some(cid))
}

fn get(runtime: &Runtime, dir: &str, cid: &str) -> Outcome {
    let store = open(dir)?;
    let cid = parse_cid(cid)?;
    let start = Instant::now();
    let mut reader = FileReader::new(Arc::new(store), runtime.handle().clone(), &cid);
    let mut sink = File::create("/dev/null")?;
    let mut piece = vec![0; 1 << 20];
    let mut bytes = 0;
    loop {
        let read = reader.read(&mut piece)?;
        if read == 0 {
            return print(bytes, start, Some(cid));
        }
        sink.write_all(&piece[..read])?;
        bytes += read as u64;
    }
}

fn seal(mib: u64) -> Outcome {
    let (key, start) = (ContentKey::generate()?, Instant::now());
    let sealed = seal_file(Input::new(mib), io::sink(), &key, Some(mib << 20), |_| ())?;
    print(sealed.plaintext_len, start, None)
}

fn hash(runtime: &Runtime, mib: u64) -> Outcome {
    let mut writer = FileWriter::new(Arc::new(Nowhere), runtime.handle().clone());
    let start = Instant::now();
    let bytes = io::copy(&mut Input::new(mib), &mut writer)?;
    let cid = writer.finish()?;
    print(bytes, start, Some(cid))
}

fn keep(runtime: &Runtime, dir: &str, mib: u64) -> Outcome {
    let store = open(dir)?;
    let mut input = Input::new(mib);
    let mut batches = Vec::new();
    loop {
        let mut batch = Vec::new();
        for _ in 0..64 {
            let mut chunk = Vec::with_capacity(CHUNK_BYTES);
            (&mut input).take(CHUNK_BYTES as u64).read_to_end(&mut chunk)?;
            if !chunk.is_empty() {
                batch.push(Block::raw(Bytes::from(chunk))?);
            }
        }
        if batch.is_empty() {
            break;
        }
        batches.push(batch);
    }
    let start = Instant::now();
    let puts = stream::iter(batches)
        .map(|batch| store.put_blocks(batch))
        .buffer_unordered(2);
    runtime.block_on(puts.try_collect::<()>())?;
    print(mib << 20, start, None)
}

fn one_pass(runtime: &Runtime, dir: &str, mib: u64) -> Outcome {
    let store = Arc::new(open(dir)?);
    let key = ContentKey::generate()?;
    let start = Instant::now();
    let mut writer = FileWriter::new(store, runtime.handle().clone());
    let sealed = seal_file(Input::new(mib), &mut writer, &key, Some(mib << 20), |_| ())?;
    let cid = writer.finish()?;
    print(sealed.plaintext_len, start, Some(cid))
}

fn print(bytes: u64, start: Instant, cid: Option<Cid>) -> Outcome {
    let seconds = start.elapsed().as_secs_f64();
    let gb_per_s = bytes as f64 / seconds / 1e9;
    let cid = cid.map_or_else(String::new, |cid| format!(",\"cid\":\"{cid}\""));
    // Of this process alone, where the kernel tells it.
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let peak_kb: u64 = peak
        .and_then(|text| text.trim().trim_end_matches(" kB").parse().ok())
        .unwrap_or(0);
    writeln!(
        io::stdout(),
        "{{\"bytes\":{bytes},\"seconds\":{seconds:.3},\"gb_per_s\":{gb_per_s:.3},\"peak_mb\":{}{cid}}}",
        peak_kb / 1024
    )?;
    Ok(())
}

/// So many MiB, no chunk of them like another: equal ones would be kept once.
struct Input {
    chunk: Vec<u8>,
    at: usize,
    left: u64,
    count: u64,
}

impl Input {
    fn new(mib: u64) -> Self {
        Self {
            chunk: (0..CHUNK_BYTES as u32)
                .map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8)
                .collect(),
            at: 0,
            left: mib << 20,
            count: 0,
        }
    }
}

impl Read for Input {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if self.at == 0 {
            self.count += 1;
            self.chunk[..8].copy_from_slice(&self.count.to_le_bytes());
        }
        let rest = &self.chunk[self.at..];
        let n = buf
            .len()
            .min(rest.len())
            .min(usize::try_from(self.left).unwrap_or(usize::MAX));
        buf[..n].copy_from_slice(&rest[..n]);
        self.at = (self.at + n) % CHUNK_BYTES;
        self.left -= n as u64;
        Ok(n)
    }
}

/// Keeps nothing.
struct Nowhere;

#[async_trait::async_trait]
impl ContentStore for Nowhere {
    async fn put_block(&self, _: Block) -> Result<(), StoreError> {
        Ok(())
    }

    async fn get_block(&self, cid: &Cid) -> Result<Bytes, StoreError> {
        Err(StoreError::NotFound(*cid))
    }

    async fn has(&self, _: &Cid) -> Result<bool, StoreError> {
        Ok(false)
    }

    async fn pin(&self, _: &Cid) -> Result<(), StoreError> {
        Ok(())
    }

    async fn unpin(&self, _: &Cid) -> Result<bool, StoreError> {
        Ok(false)
    }

    async fn pins(&self) -> Result<Vec<Cid>, StoreError> {
        Ok(Vec::new())
    }

    async fn size_bytes(&self) -> Result<u64, StoreError> {
        Ok(0)
    }
}
