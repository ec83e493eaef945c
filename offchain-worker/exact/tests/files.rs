//! Models on disk and in memory: what is written is read, and nothing else is.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

// Of its helpers only the models are needed here.
#[allow(dead_code)]
mod models;

use models::{kinds, model};
use weft_exact::program::Family;
use weft_exact_engine::files::{self, FilesError, MANIFEST, Manifest, Origin, WEIGHTS};

#[test]
fn a_model_is_the_same_from_its_directory_and_from_memory() {
    for family in [Family::Llama, Family::Bert] {
        for kind in kinds(family) {
            let dir = tempfile::tempdir().unwrap();
            let written = model(kind, 0x5eed);
            let manifest = Manifest::of(&written, Origin::default());
            files::write(dir.path(), &written, &manifest).unwrap();
            let file = |name: &str| std::fs::read(dir.path().join(name)).unwrap();
            let (there, from_directory) = files::read(dir.path()).unwrap();
            let (here, from_memory) = files::from_bytes(&file(MANIFEST), &file(WEIGHTS)).unwrap();
            assert_eq!((&from_directory, &from_memory), (&manifest, &manifest));
            assert_eq!((there.root(), here.root()), (written.root(), written.root()));
        }
    }
}

#[test]
fn damaged_files_are_refused_from_memory_too() {
    let dir = tempfile::tempdir().unwrap();
    let written = model(kinds(Family::Bert)[0], 7);
    files::write(dir.path(), &written, &Manifest::of(&written, Origin::default())).unwrap();
    let file = |name: &str| std::fs::read(dir.path().join(name)).unwrap();
    let (manifest, weights) = (file(MANIFEST), file(WEIGHTS));

    let short = files::from_bytes(&manifest, &weights[..weights.len() / 2]);
    assert!(matches!(short, Err(FilesError::Length { .. })));
    let mut changed = weights.clone();
    *changed.last_mut().unwrap() ^= 1;
    let error = files::from_bytes(&manifest, &changed).err().unwrap();
    assert!(matches!(error, FilesError::Root { .. }), "{error}");
    assert!(error.to_string().starts_with(WEIGHTS), "{error}");
    let error = files::from_bytes(b"{}", &weights).err().unwrap();
    assert!(matches!(error, FilesError::Manifest { .. }), "{error}");
    assert!(error.to_string().starts_with(MANIFEST), "{error}");
    let long = vec![b' '; (1 << 20) + 1];
    assert!(matches!(
        files::from_bytes(&long, &weights),
        Err(FilesError::Length { .. })
    ));
}
