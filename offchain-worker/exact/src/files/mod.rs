//! Models on disk.
//!
//! An exact model is a directory: `exact.json`, the [`Manifest`], says what the model is; `model.safetensors` holds its parts;
//! beside them lie the tokenizer's files, of which this crate knows nothing. The model's root is part of the manifest and is
//! checked whenever a model is read, so that what has been read is what the manifest names.

mod error;
mod hex;
mod manifest;
mod tensors;

use std::{
    fs::File,
    io::{Read, Write},
    path::Path,
};

use rayon::prelude::*;
use weft_exact::{
    merkle::{self, Digest},
    model::Model,
    piece::Piece,
};

pub use error::{FilesError, Problem};
pub use manifest::{FORMAT, Manifest, Origin};

/// The manifest's name.
pub const MANIFEST: &str = "exact.json";

/// The name of the file with the parts.
pub const WEIGHTS: &str = "model.safetensors";

/// A manifest takes a kilobyte or two; what is longer is none.
const MAX_MANIFEST_BYTES: u64 = 1 << 20;

/// Writes a model and its manifest into `dir`, which is made if there is none. Each file appears whole or not at all, the manifest
/// last; what other files lie there stays.
pub fn write(dir: &Path, model: &Model, manifest: &Manifest) -> Result<(), FilesError> {
    if manifest.config != *model.program().config() {
        return Err(FilesError::OtherModel);
    }
    std::fs::create_dir_all(dir).map_err(|error| FilesError::io(dir, error))?;
    let path = dir.join(WEIGHTS);
    let started = temporary(&path);
    let io = |error| FilesError::io(&path, error);
    // The format's library makes files that their owner alone may read; this one is to be as readable as any other.
    let permissions = File::create(&started)
        .and_then(|file| file.metadata())
        .map_err(io)?
        .permissions();
    tensors::write(&started, model)?;
    std::fs::set_permissions(&started, permissions).map_err(io)?;
    finish(&started, &path)?;
    write_file(dir, MANIFEST, manifest.to_json().as_bytes())
}

/// Writes one more file of a model, such as a tokenizer's: it appears whole or not at all.
pub fn write_file(dir: &Path, name: &str, bytes: &[u8]) -> Result<(), FilesError> {
    let path = dir.join(name);
    let io = |error| FilesError::io(&path, error);
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent).map_err(io)?;
    }
    let started = temporary(&path);
    File::create(&started)
        .and_then(|mut file| file.write_all(bytes))
        .map_err(io)?;
    finish(&started, &path)
}

/// Reads a manifest alone: what a directory says that it holds, unchecked.
pub fn read_manifest(dir: &Path) -> Result<Manifest, FilesError> {
    let path = dir.join(MANIFEST);
    let bytes = read_whole(&path, 0..=MAX_MANIFEST_BYTES)?;
    parse(&path, &bytes)
}

/// Reads a model, and checks that it is the one whose root the manifest names.
pub fn read(dir: &Path) -> Result<(Model, Manifest), FilesError> {
    let manifest = read_manifest(dir)?;
    let path = dir.join(WEIGHTS);
    let expected = expected(&manifest)?;
    // Whatever the file says about itself, nothing larger is allocated than what the manifest's sizes make it.
    let bytes = read_whole(&path, tensors::file_bytes(&expected))?;
    let parts = tensors::parts(&path, &manifest.config, &expected, &bytes)?;
    drop(bytes);
    checked(&path, manifest, parts)
}

/// The model of two files that are in memory, checked as by [`read`]. Errors name the files as they are called in a model's
/// directory.
pub fn from_bytes(manifest: &[u8], weights: &[u8]) -> Result<(Model, Manifest), FilesError> {
    let path = Path::new(MANIFEST);
    check_length(path, manifest.len() as u64, &(0..=MAX_MANIFEST_BYTES))?;
    let manifest = parse(path, manifest)?;
    let path = Path::new(WEIGHTS);
    let expected = expected(&manifest)?;
    check_length(path, weights.len() as u64, &tensors::file_bytes(&expected))?;
    let parts = tensors::parts(path, &manifest.config, &expected, weights)?;
    checked(path, manifest, parts)
}

fn parse(path: &Path, bytes: &[u8]) -> Result<Manifest, FilesError> {
    Manifest::from_json(bytes).map_err(|problem| FilesError::Manifest {
        path: path.to_owned(),
        problem,
    })
}

/// The tensors that the model of a manifest has.
fn expected(manifest: &Manifest) -> Result<Vec<tensors::Expected>, FilesError> {
    tensors::expected(&manifest.config).map_err(|why| FilesError::NoModel(why.into()))
}

/// The model that parts from the file `path` make, if it is the one whose root the manifest names.
fn checked(path: &Path, manifest: Manifest, parts: Vec<Piece>) -> Result<(Model, Manifest), FilesError> {
    let model = Model::new(manifest.config, parts).map_err(|why| FilesError::NoModel(why.into()))?;
    let found = merkle::root(&leaves(&model));
    if found != manifest.weight_root || manifest.model_root != weft_exact::model::root_of(&manifest.config, &found) {
        return Err(FilesError::Root {
            path: path.to_owned(),
            found,
            named: manifest.weight_root,
        });
    }
    Ok((model, manifest))
}

/// What [`Model::leaves`] gives, by all threads of the current rayon pool.
pub fn leaves(model: &Model) -> Vec<Digest> {
    let program = model.program();
    let parts = program.all_parts();
    let tiles = parts
        .iter()
        .flat_map(|(layer, part)| (0..program.weight_tiles(*part)).map(|tile| (*layer, *part, tile)));
    let tiles: Vec<_> = tiles.collect();
    // Every tile that is listed exists; one that did not would change the root, which is what a root is for.
    let leaf = |(layer, part, tile)| {
        model
            .tile(layer, part, tile)
            .map_or_else(Digest::default, |piece| merkle::leaf(&piece.bytes()))
    };
    tiles.into_par_iter().map(leaf).collect()
}

fn temporary(path: &Path) -> std::path::PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".part");
    name.into()
}

/// The written file, on disk, in its place.
fn finish(started: &Path, path: &Path) -> Result<(), FilesError> {
    let done = File::open(started)
        .and_then(|file| file.sync_all())
        .and_then(|()| std::fs::rename(started, path));
    done.map_err(|error| FilesError::io(path, error))
}

fn check_length(path: &Path, length: u64, range: &std::ops::RangeInclusive<u64>) -> Result<(), FilesError> {
    if range.contains(&length) {
        return Ok(());
    }
    Err(FilesError::Length {
        path: path.to_owned(),
        length,
        least: *range.start(),
        most: *range.end(),
    })
}

/// A file whose length is in `range`.
fn read_whole(path: &Path, range: std::ops::RangeInclusive<u64>) -> Result<Vec<u8>, FilesError> {
    let io = |error| FilesError::io(path, error);
    let file = File::open(path).map_err(io)?;
    let length = file.metadata().map_err(io)?.len();
    check_length(path, length, &range)?;
    let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or(0));
    // A file may grow while it is read.
    file.take(*range.end()).read_to_end(&mut bytes).map_err(io)?;
    Ok(bytes)
}
