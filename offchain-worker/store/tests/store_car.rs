//! Archives: they come back, and what is wrong with them is found where it is.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use bytes::Bytes;
use futures::TryStreamExt;
use proptest::prelude::*;
use tokio::runtime::Runtime;
use weft_store::{
    Block, Cid, ContentStore, ContentStoreExt, EmbeddedStore, StoreConfig, StoreError,
    car::{CarError, Imported, export_car, import_car},
    unixfs::CHUNK_BYTES,
};

struct Store {
    store: EmbeddedStore,
    _dir: tempfile::TempDir,
}

fn store() -> Store {
    let dir = tempfile::tempdir().unwrap();
    let store = EmbeddedStore::open(dir.path(), StoreConfig::default()).unwrap();
    Store { store, _dir: dir }
}

fn content(len: usize) -> Vec<u8> {
    (0..len as u32)
        .map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect()
}

async fn export(store: &EmbeddedStore, roots: &[Cid]) -> Result<Vec<u8>, CarError> {
    let mut car = Vec::new();
    let exported = export_car(store, roots, &mut car, &mut |_| ()).await?;
    assert_eq!(exported.bytes, car.len() as u64);
    Ok(car)
}

async fn import(store: &EmbeddedStore, car: &[u8]) -> Result<Imported, CarError> {
    import_car(store, car, &mut |_| ()).await
}

async fn read_all(store: &EmbeddedStore, cid: &Cid) -> Vec<u8> {
    let pieces: Vec<Bytes> = store.read_file(cid).try_collect().await.unwrap();
    pieces.concat()
}

#[test]
fn files_come_back_from_archives() {
    let runtime = Runtime::new().unwrap();
    let sizes = prop_oneof![0..3usize, CHUNK_BYTES - 1..CHUNK_BYTES + 2, 0..5 * CHUNK_BYTES];
    let here = store();
    proptest!(ProptestConfig::with_cases(16), |(lens in proptest::collection::vec(sizes, 1..4))| {
        runtime.block_on(async {
            let mut roots = Vec::new();
            for len in &lens {
                roots.push(here.store.put_file(content(*len).as_slice()).await.unwrap());
            }
            let car = export(&here.store, &roots).await.unwrap();
            let there = store();
            let imported = import(&there.store, &car).await.unwrap();
            prop_assert_eq!(&imported.roots, &roots);
            prop_assert_eq!(imported.bytes, there.store.size_bytes().await.unwrap());
            for (root, len) in roots.iter().zip(&lens) {
                prop_assert!(read_all(&there.store, root).await == content(*len));
            }
            Ok(())
        })?;
    });
}

#[test]
fn damage_is_found_or_harmless() {
    let runtime = Runtime::new().unwrap();
    let here = store();
    let (root, car) = runtime.block_on(async {
        let root = here
            .store
            .put_file(content(CHUNK_BYTES + 500).as_slice())
            .await
            .unwrap();
        (root, export(&here.store, &[root]).await.unwrap())
    });
    proptest!(ProptestConfig::with_cases(64), |(at in any::<prop::sample::Index>(), near_start: bool, bit in 0u8..8)| {
        let mut damaged = car.clone();
        let at = at.index(if near_start { 400 } else { car.len() });
        damaged[at] ^= 1 << bit;
        runtime.block_on(async {
            let there = store();
            match import(&there.store, &damaged).await {
                // Only a root in the header can be another one unnoticed: it names no block of the archive.
                Ok(imported) => prop_assert!(imported.roots != [root]),
                Err(error) => prop_assert!(error.to_string().contains("byte") || matches!(error, CarError::Version(_))),
            }
            Ok(())
        })?;
    });
}

#[tokio::test]
async fn a_cut_archive_says_where_it_ends_and_goes_on_when_it_is_whole() {
    let here = store();
    let root = here.store.put_file(content(4 * CHUNK_BYTES).as_slice()).await.unwrap();
    let car = export(&here.store, &[root]).await.unwrap();
    let there = store();
    let cut = &car[..car.len() - 100];
    let error = import(&there.store, cut).await.unwrap_err();
    assert!(
        matches!(&error, CarError::Malformed { offset, .. } if *offset == cut.len() as u64),
        "{error}"
    );
    assert!(import(&there.store, &car[..3]).await.is_err());
    assert!(import(&there.store, b"").await.is_err());
    let imported = import(&there.store, &car).await.unwrap();
    assert_eq!(imported.blocks, 5);
    assert!(read_all(&there.store, &root).await == content(4 * CHUNK_BYTES));
}

/// An archive with this section after a sound header.
fn with_section(section: &[u8]) -> (Vec<u8>, u64) {
    let root = *Block::raw(Bytes::from_static(b"r")).unwrap().cid();
    let mut car = vec![0x3a, 0xa2, 0x65];
    car.extend_from_slice(b"roots\x81\xd8\x2a\x58\x25\x00");
    car.extend_from_slice(&root.to_bytes());
    car.extend_from_slice(b"\x67version\x01");
    let offset = car.len() as u64;
    car.push(section.len() as u8);
    car.extend_from_slice(section);
    (car, offset)
}

#[tokio::test]
async fn what_has_no_place_in_an_archive_is_refused_with_its_offset() {
    let there = store();
    let right = Block::raw(Bytes::from_static(b"right")).unwrap();
    let section = |cid: &[u8], data: &[u8]| with_section(&[cid, data].concat());

    let (car, _) = section(&right.cid().to_bytes(), b"right");
    assert_eq!(import(&there.store, &car).await.unwrap().blocks, 1);

    let (car, at) = section(&right.cid().to_bytes(), b"wrong");
    let error = import(&there.store, &car).await.unwrap_err();
    assert!(matches!(error, CarError::WrongContent { offset, cid } if offset == at && cid == *right.cid()));

    // Version 0, and a codec that is not used here.
    let v0: Cid = "QmdfTbBqBPQ7VNxZEYEj14VmRuZBkqFbiwReogJgS1zR1n".parse().unwrap();
    let cbor = Cid::new_v1(0x71, *right.cid().hash());
    for foreign in [v0, cbor] {
        let (car, at) = section(&foreign.to_bytes(), b"right");
        let error = import(&there.store, &car).await.unwrap_err();
        assert!(matches!(error, CarError::Cid { offset, .. } if offset == at), "{error}");
    }

    let (mut car, at) = section(b"no cid at all", b"");
    assert!(matches!(
        import(&there.store, &car).await,
        Err(CarError::Malformed { offset, .. }) if offset == at
    ));
    // A length of four gigabytes is not believed.
    car.truncate(at as usize);
    car.extend_from_slice(&[0xff, 0xff, 0xff, 0xff, 0x0f]);
    assert!(matches!(
        import(&there.store, &car).await,
        Err(CarError::Malformed { offset, .. }) if offset == at
    ));
    car.truncate(at as usize);
    car.push(0);
    assert!(matches!(
        import(&there.store, &car).await,
        Err(CarError::Malformed { offset, .. }) if offset == at
    ));
    let error = import(&there.store, b"this is no archive at all").await.unwrap_err();
    assert!(matches!(error, CarError::Malformed { .. }), "{error}");
}

#[tokio::test]
async fn shared_blocks_are_written_once_and_missing_ones_are_named() {
    let here = store();
    let root = here
        .store
        .put_file(vec![7u8; 6 * CHUNK_BYTES].as_slice())
        .await
        .unwrap();
    let car = export(&here.store, &[root, root]).await.unwrap();
    assert!(car.len() < 2 * CHUNK_BYTES);
    let absent = *Block::raw(Bytes::from_static(b"elsewhere")).unwrap().cid();
    assert!(matches!(
        export(&here.store, &[absent]).await,
        Err(CarError::Store(error)) if matches!(*error, StoreError::NotFound(c) if c == absent)
    ));
    assert!(matches!(export(&here.store, &[]).await, Err(CarError::Roots)));
}

#[tokio::test]
async fn an_archive_that_does_not_fit_is_an_error() {
    let here = store();
    let root = here.store.put_file(content(4 * CHUNK_BYTES).as_slice()).await.unwrap();
    let car = export(&here.store, &[root]).await.unwrap();
    let dir = tempfile::tempdir().unwrap();
    let config = StoreConfig {
        max_bytes: Some(2 * CHUNK_BYTES as u64),
    };
    let small = EmbeddedStore::open(dir.path(), config).unwrap();
    assert!(matches!(
        import(&small, &car).await,
        Err(CarError::Store(error)) if matches!(*error, StoreError::Full { .. })
    ));
}
