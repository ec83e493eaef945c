use super::*;
use proptest::prelude::*;

const MANIFEST: &str = r#"{"form":"weft/space/1","title":"T","category":"other","version":"1","licence":"MIT",
"entry":{"web":"index.html"},"capabilities":[]}"#;

fn files(more: &[(&str, &[u8])]) -> BTreeMap<String, Vec<u8>> {
    [
        (manifest::FILE, MANIFEST.as_bytes()),
        ("index.html", b"<!doctype html>"),
    ]
    .iter()
    .chain(more)
    .map(|(path, bytes)| ((*path).to_owned(), bytes.to_vec()))
    .collect()
}

/// An archive with what our writer would never write.
fn hostile(entries: &[(&str, EntryType, &str)]) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    for (path, bytes) in files(&[]) {
        append(&mut archive, &path, EntryType::Regular, "", &bytes);
    }
    for (path, kind, link) in entries {
        append(&mut archive, path, *kind, link, b"");
    }
    archive.into_inner().unwrap()
}

fn append(archive: &mut tar::Builder<Vec<u8>>, path: &str, kind: EntryType, link: &str, bytes: &[u8]) {
    let mut header = Header::new_ustar();
    // Past the checks of the crate, which refuses such paths itself.
    header.as_old_mut().name[..path.len()].copy_from_slice(path.as_bytes());
    header.as_old_mut().linkname[..link.len()].copy_from_slice(link.as_bytes());
    header.set_entry_type(kind);
    header.set_mode(0o644);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header.set_size(bytes.len() as u64);
    header.set_cksum();
    archive.append(&header, bytes).unwrap();
}

proptest! {
    #[test]
    fn bundles_survive_packing(
        names in proptest::collection::btree_map("[a-z]{1,8}(/[a-z0-9_-]{1,8}){0,3}\\.[a-z]{2,4}", proptest::collection::vec(any::<u8>(), 0..2000), 0..8),
    ) {
        let more: Vec<_> = names.iter().map(|(path, bytes)| (path.as_str(), bytes.as_slice())).collect();
        let Ok(bundle) = Bundle::new(files(&more)) else {
            // A folder with the name of a file.
            return Ok(());
        };
        let bytes = bundle.to_bytes().unwrap();
        prop_assert_eq!(bytes.len() as u64, packed_bytes(&bundle.files));
        prop_assert_eq!(Bundle::from_bytes(&bytes), Ok(bundle));
    }

    #[test]
    fn no_bytes_from_strangers_panic(bytes in proptest::collection::vec(any::<u8>(), 0..2048)) {
        let _ = Bundle::from_bytes(&bytes);
    }

    #[test]
    fn no_change_goes_unnoticed(at in 0usize..4096, to: u8) {
        let bundle = Bundle::new(files(&[])).unwrap();
        let (mut bytes, name) = bundle.packed().unwrap();
        let at = at % bytes.len();
        prop_assume!(bytes[at] != to);
        bytes[at] = to;
        prop_assert!(name_of(&bytes).unwrap() != name);
        // What is a bundle all the same has other files.
        if let Ok(other) = Bundle::from_bytes(&bytes) {
            prop_assert_ne!(other, bundle);
        }
    }

    #[test]
    fn no_path_leads_out(path in "[./\\\\a-z:~ \u{0}-\u{1f}]{0,20}") {
        if check_path(&path).is_ok() {
            let joined = Path::new("/home/spaces/x").join(&path);
            prop_assert!(joined.starts_with("/home/spaces/x"));
            prop_assert!(joined.components().all(|part| part != std::path::Component::ParentDir));
        }
    }
}

#[test]
fn the_same_folder_has_the_same_name() {
    let make = |order: &[&str]| {
        let dir = tempfile::tempdir().unwrap();
        for (path, bytes) in files(&[("a/b.txt", b"b"), ("c.js", b"c")]) {
            let file = dir.path().join(&path);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, bytes).unwrap();
        }
        for path in order {
            fs::write(dir.path().join(path), "left out").unwrap();
        }
        Bundle::from_dir(dir.path()).unwrap().packed().unwrap()
    };
    let (bytes, name) = make(&[]);
    assert_eq!(make(&[".hidden", "train.py", "index.html~"]), (bytes.clone(), name));
    // As another implementation names it: `ipfs add --cid-version=1 --raw-leaves` of a file of one chunk is that raw block.
    let block = weft_store::Block::raw(bytes.into()).unwrap();
    assert_eq!(to_content_id(block.cid()).unwrap(), name);
}

#[test]
fn archives_that_could_do_harm_are_refused() {
    for path in [
        "../out",
        "/etc/passwd",
        "a/../../b",
        "a//b",
        "./a",
        ".hidden",
        "C:\\a",
        "a\x1b[2J",
        "",
    ] {
        let refused = Bundle::from_bytes(&hostile(&[(path, EntryType::Regular, "")]));
        assert!(matches!(refused, Err(InvalidBundle::Path(_))), "{path}: {refused:?}");
    }
    for kind in [
        EntryType::Symlink,
        EntryType::Link,
        EntryType::Char,
        EntryType::Fifo,
        EntryType::Directory,
        EntryType::XHeader,
        EntryType::GNULongName,
    ] {
        let refused = Bundle::from_bytes(&hostile(&[("link", kind, "/etc/passwd")]));
        assert_eq!(refused, Err(InvalidBundle::NotAFile("link".into())), "{kind:?}");
    }
    // Twice, of which the second would win; and out of order.
    for path in ["index.html", "a.txt"] {
        let refused = Bundle::from_bytes(&hostile(&[(path, EntryType::Regular, "")]));
        assert!(refused.is_err(), "{path}");
    }
    let mut longer = Bundle::new(files(&[])).unwrap().to_bytes().unwrap();
    longer.extend([0; 512]);
    assert_eq!(Bundle::from_bytes(&longer), Err(InvalidBundle::NotCanonical));
    longer.truncate(longer.len() - 1400);
    assert!(Bundle::from_bytes(&longer).is_err());
}

#[test]
fn what_is_too_large_is_refused() {
    let many: Vec<_> = (0..MAX_FILES).map(|nth| format!("{nth}.txt")).collect();
    let more: Vec<_> = many.iter().map(|path| (path.as_str(), &b""[..])).collect();
    assert_eq!(Bundle::new(files(&more)), Err(InvalidBundle::Size));
    let large = vec![0; MAX_BYTES as usize];
    assert_eq!(Bundle::new(files(&[("large.bin", &large)])), Err(InvalidBundle::Size));
    assert_eq!(
        Bundle::from_bytes(&vec![0; MAX_BYTES as usize + 1]),
        Err(InvalidBundle::Size)
    );
    // A header that promises more than there is.
    let mut bytes = Bundle::new(files(&[])).unwrap().to_bytes().unwrap();
    let mut header = Header::from_byte_slice(&bytes[..512]).clone();
    header.set_size(u64::MAX >> 4);
    header.set_cksum();
    bytes[..512].copy_from_slice(header.as_bytes());
    assert!(matches!(Bundle::from_bytes(&bytes), Err(InvalidBundle::Archive(_))));
}

#[test]
fn names_that_clash_on_some_systems_are_refused() {
    for pair in [["A.txt", "a.txt"], ["a", "a/b.txt"]] {
        let more: Vec<_> = pair.iter().map(|path| (*path, &b""[..])).collect();
        assert!(matches!(Bundle::new(files(&more)), Err(InvalidBundle::Path(_))));
    }
}

#[test]
fn a_bundle_has_what_its_manifest_names() {
    let mut without = files(&[]);
    without.remove("index.html");
    assert_eq!(Bundle::new(without), Err(InvalidBundle::Absent("index.html".into())));
    assert_eq!(Bundle::new(BTreeMap::new()), Err(InvalidManifest::Missing.into()));
    let mut bundled = files(&[]);
    let manifest = MANIFEST.replace(
        r#""capabilities":[]"#,
        r#""capabilities":[],"calls":[{"kind":"image_model","name":"m","bundled":"model"}]"#,
    );
    bundled.insert(manifest::FILE.into(), manifest.into_bytes());
    assert_eq!(Bundle::new(bundled.clone()), Err(InvalidBundle::Absent("model".into())));
    bundled.insert("model/config.json".into(), b"{}".to_vec());
    let bundle = Bundle::new(bundled).unwrap();
    assert_eq!(bundle.folder("model"), [("config.json".to_owned(), b"{}".to_vec())]);
}

#[test]
fn unpacking_gives_the_folder_and_leaves_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let bundle = Bundle::new(files(&[("a/b/c.txt", b"c")])).unwrap();
    let to = dir.path().join("bafy");
    for _ in 0..2 {
        bundle.unpack(&to).unwrap();
        assert_eq!(Bundle::from_dir(&to).unwrap(), bundle);
    }
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
}
