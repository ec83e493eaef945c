//! The record of a cache: a line for each file with its CID and its bytes, least
//! recently used first.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::Path,
};

use cid::Cid;
use tempfile::NamedTempFile;

use crate::block::parse_cid;

/// The files of a record; none if there is no record.
pub fn read(path: &Path) -> io::Result<Vec<(Cid, u64)>> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(e),
    };
    text.lines()
        .map(|line| {
            let parsed = line
                .split_once(' ')
                .and_then(|(cid, bytes)| Some((parse_cid(cid).ok()?, bytes.parse().ok()?)));
            parsed.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, format!("it is damaged at `{line}`")))
        })
        .collect()
}

/// Writes a record anew, whole or not at all.
pub fn write(path: &Path, files: &[(Cid, u64)]) -> io::Result<()> {
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let mut part = NamedTempFile::new_in(directory)?;
    for (cid, bytes) in files {
        writeln!(part, "{cid} {bytes}")?;
    }
    part.as_file().sync_all()?;
    part.persist(path).map_err(|e| e.error)?;
    if cfg!(unix) {
        File::open(directory)?.sync_all()?;
    }
    Ok(())
}
