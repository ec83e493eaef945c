use super::*;
use crate::{blocks::Wants, manifest, peers::Peers, store::place::Place};
use std::{fs, io::Read};
use weft_store::ContentStoreExt;
use weft_vault::open_to_vec;

#[path = "../../../store/tests/kubo/mod.rs"]
#[allow(dead_code, reason = "not all of it is needed here")]
mod kubo;

/// So many windows, and a bit.
const WINDOWS: usize = 2;

struct Scene {
    dir: tempfile::TempDir,
    home: Home,
    runtime: tokio::runtime::Runtime,
}

impl Scene {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        Self {
            home: Home::open(Some(dir.path().join("home"))).unwrap(),
            dir,
            runtime: tokio::runtime::Runtime::new().unwrap(),
        }
    }

    fn files(&self, contents: &[Vec<u8>]) -> Vec<(String, PathBuf)> {
        let file = |(i, bytes): (usize, &Vec<u8>)| {
            let path = self.dir.path().join(i.to_string());
            fs::write(&path, bytes).unwrap();
            (i.to_string(), path)
        };
        contents.iter().enumerate().map(file).collect()
    }

    fn publish(&self, files: &[(String, PathBuf)]) -> SealedFiles {
        let blocks = self.blocks();
        let sealed = seal_and_store(&self.home, &blocks, "m", AssetKind::Dataset, files, &[]);
        self.runtime.block_on(sealed).unwrap()
    }

    fn blocks(&self) -> Blocks {
        Blocks::open(&self.home).unwrap()
    }

    /// Seals until `bytes` were let through, as a process does that is killed then.
    fn cut(&self, files: &[(String, PathBuf)], bytes: usize) -> (Vec<u8>, [u8; 32]) {
        let (opened, total) = opened(files).unwrap();
        let mut attempt = Attempt::open(&self.home, files, total).unwrap();
        let (key, header) = (attempt.key(), attempt.header());
        let mut windows = Windows::new(Plaintext::new(opened), &mut attempt).take(bytes as u64);
        let mut sealed = Vec::new();
        let outcome = stream::seal(&mut windows, &mut sealed, &key, &header, &mut |_| ());
        assert!(matches!(outcome, Err(SealError::LengthChanged { .. })));
        (sealed, *key.expose())
    }

    fn open(&self, sealed: &SealedFiles, commitment: &ContentKey) -> Vec<u8> {
        let blocks = self.blocks();
        let reader = self.runtime.block_on(async { blocks.reader(sealed.content).unwrap() });
        open_to_vec(reader, &sealed.key, Some(&commitment.commitment()), 1 << 30)
            .unwrap()
            .to_vec()
    }
}

fn content(len: usize, seed: u32) -> Vec<u8> {
    (0..len as u32)
        .map(|i| ((i ^ seed).wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect()
}

#[test]
fn what_is_sealed_is_what_the_manifest_describes_and_no_sealed_copy_is_left() {
    let scene = Scene::new();
    let contents = [b"one".to_vec(), Vec::new(), vec![7; 300_000]];
    let sealed = scene.publish(&scene.files(&contents));
    let opened = scene.open(&sealed, &sealed.key);
    let blocks = scene.blocks();
    let bytes = scene.runtime.block_on(blocks.get(sealed.manifest)).unwrap();
    let manifest = Manifest::from_bytes(&bytes, &sealed.content).unwrap();
    assert!(bytes.len() < manifest::MAX_BYTES);
    assert_eq!(manifest.total_bytes(), Some(opened.len() as u64));
    let split = manifest.split(&opened).unwrap();
    assert!(split.into_iter().map(|(_, bytes)| bytes.to_vec()).eq(contents));
    // The size and the pieces are the sealed file's.
    let file = scene.runtime.block_on(async {
        let reader = blocks.reader(sealed.content).unwrap();
        tokio::task::spawn_blocking(move || crate::pieces::leaves(reader))
            .await
            .unwrap()
            .unwrap()
    });
    assert_eq!(weft_merkle::root(&file), sealed.pieces_root);
    let cid = crate::blocks::to_cid(&sealed.content).unwrap();
    assert_eq!(
        scene.runtime.block_on(blocks.place().file_size(&cid)).unwrap(),
        sealed.size_bytes
    );
    let kept = scene.home.content_key(&sealed.content.to_string()).unwrap().unwrap();
    assert_eq!(kept.expose(), sealed.key.expose());
    let left: Vec<_> = fs::read_dir(scene.home.dir())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .filter(|name| name.to_string_lossy().contains("part") || name.to_string_lossy().contains("sealing"))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn a_publication_that_was_cut_goes_on_under_its_key() {
    let scene = Scene::new();
    let files = scene.files(&[content(WINDOWS * attempt::WINDOW_BYTES + 5_000, 1), b"more".to_vec()]);
    let (before, key) = scene.cut(&files, attempt::WINDOW_BYTES + 3_000_000);
    let sealed = scene.publish(&files);
    assert_eq!(sealed.key.expose(), &key);
    let blocks = scene.blocks();
    let whole: Vec<u8> = scene.runtime.block_on(async {
        let mut reader = blocks.reader(sealed.content).unwrap();
        tokio::task::spawn_blocking(move || {
            let mut bytes = Vec::new();
            reader.read_to_end(&mut bytes).map(|_| bytes)
        })
        .await
        .unwrap()
        .unwrap()
    });
    // The last chunk of what was cut was sealed as a last one.
    let whole_chunks = attempt::WINDOW_BYTES;
    assert!(
        whole[..whole_chunks] == before[..whole_chunks],
        "the same bytes, which the store has"
    );
    drop(blocks);
    // Not on the chain yet: once more, and nothing new is there.
    let again = scene.publish(&files);
    assert_eq!((again.content, again.manifest), (sealed.content, sealed.manifest));
    // On the chain: the next one is another one.
    let blocks = scene.blocks();
    scene.runtime.block_on(again.published(&blocks, 3, None)).unwrap();
    assert_eq!(blocks.holders().unwrap(), [Holder::Asset(3)]);
    drop(blocks);
    let other = scene.publish(&files);
    assert_ne!(other.key.expose(), &key);
    assert_ne!(other.content, sealed.content);
}

#[test]
fn files_that_changed_since_the_cut_are_sealed_under_another_key() {
    let len = WINDOWS * attempt::WINDOW_BYTES + 5_000;
    // In what was sealed, at its very end, and in length.
    let changes: [fn(&mut Vec<u8>); 3] = [
        |content| content[0] ^= 1,
        |content| content[2 * attempt::WINDOW_BYTES - 1] ^= 1,
        |content| content.push(0),
    ];
    for change in changes {
        let scene = Scene::new();
        let mut content = content(len, 2);
        let files = scene.files(std::slice::from_ref(&content));
        let (_, key) = scene.cut(&files, attempt::WINDOW_BYTES + 3_000_000);
        change(&mut content);
        scene.files(std::slice::from_ref(&content));
        let sealed = scene.publish(&files);
        assert_ne!(sealed.key.expose(), &key);
        assert!(scene.open(&sealed, &sealed.key) == content);
    }
    // What was never let through may change.
    let scene = Scene::new();
    let mut content = content(len, 2);
    let files = scene.files(std::slice::from_ref(&content));
    let (_, key) = scene.cut(&files, attempt::WINDOW_BYTES - 1);
    *content.last_mut().unwrap() ^= 1;
    scene.files(std::slice::from_ref(&content));
    let sealed = scene.publish(&files);
    assert_eq!(sealed.key.expose(), &key);
    assert!(scene.open(&sealed, &sealed.key) == content);
}

#[test]
fn a_record_that_was_cut_off_or_damaged_never_lets_a_key_seal_twice() {
    let scene = Scene::new();
    let files = scene.files(&[content(3 * attempt::WINDOW_BYTES, 3)]);
    let (_, key) = scene.cut(&files, attempt::WINDOW_BYTES + 10);
    let record = fs::read_dir(scene.home.publishing_dir()).unwrap().next().unwrap();
    let record = record.unwrap().path();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(fs::metadata(&record).unwrap().permissions().mode() & 0o777, 0o600);
    }
    let text = fs::read_to_string(&record).unwrap();
    assert_eq!(text.lines().count(), 3, "a key, and two windows");
    let total = 3 * attempt::WINDOW_BYTES as u64;
    let reopened = |text: &str| {
        fs::write(&record, text).unwrap();
        Attempt::open(&scene.home, &files, total).unwrap()
    };
    // A torn line stands for nothing.
    let torn = &text[..text.len() - 10];
    assert_eq!(reopened(torn).key().expose(), &key);
    assert_eq!(fs::read_to_string(&record).unwrap().lines().count(), 2);
    for damaged in ["", "\n", "weft/publishing/2 a b 1\n", &text.replacen(' ', "  ", 1)] {
        assert_ne!(reopened(damaged).key().expose(), &key, "{damaged}");
    }
    // Of other files, or of so many bytes no more.
    fs::write(&record, &text).unwrap();
    assert_ne!(Attempt::open(&scene.home, &files, 1).unwrap().key().expose(), &key);
    // One at a time.
    let one = Attempt::open(&scene.home, &files, total).unwrap();
    assert!(Attempt::open(&scene.home, &files, total).is_err());
    drop(one);
}

#[test]
fn what_was_kept_before_the_cut_is_not_written_again() {
    let scene = Scene::new();
    let files = scene.files(&[content(attempt::WINDOW_BYTES, 4)]);
    let sealed = scene.publish(&files);
    let size = || scene.runtime.block_on(scene.blocks().place().size_bytes()).unwrap();
    let used = size();
    let again = scene.publish(&files);
    assert_eq!(again.content, sealed.content);
    assert_eq!(size(), used);
}

/// Set for the process that seals so many MiB and tells how much memory that took.
const MEASURED: &str = "WEFT_TEST_SEALED_MIB";

#[cfg(target_os = "linux")]
#[test]
fn memory_does_not_grow_with_what_is_sealed() {
    if let Ok(mib) = std::env::var(MEASURED) {
        let scene = Scene::new();
        let path = scene.dir.path().join("zeros");
        // Without blocks on the disk; sealed, no two are the same.
        File::create(&path)
            .unwrap()
            .set_len(mib.parse::<u64>().unwrap() << 20)
            .unwrap();
        scene.publish(&[("zeros".to_owned(), path)]);
        let status = fs::read_to_string("/proc/self/status").unwrap();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        println!("\npeak {}", peak.split_whitespace().next().unwrap());
        return;
    }
    let peak_kib = |mib: u32| {
        let mut child = std::process::Command::new(std::env::current_exe().unwrap());
        child.args([
            "--exact",
            "sealing::tests::memory_does_not_grow_with_what_is_sealed",
            "--nocapture",
        ]);
        let run = child.env(MEASURED, mib.to_string()).output().unwrap();
        let out = String::from_utf8_lossy(&run.stdout).into_owned();
        let peak = out
            .lines()
            .find_map(|line| line.strip_prefix("peak ")?.parse::<u64>().ok());
        peak.unwrap_or_else(|| panic!("{out}{}", String::from_utf8_lossy(&run.stderr)))
    };
    let (some, more) = (peak_kib(96), peak_kib(384));
    assert!(
        more < some + (48 << 10),
        "{some} KiB for 96 MiB, {more} KiB for 384 MiB"
    );
}

#[test]
fn the_sealed_file_lands_in_kubo_under_the_same_cid() {
    let Some(kubo) = kubo::Kubo::start() else { return };
    let scene = Scene::new();
    let files = scene.files(&[content(3_000_000, 5)]);
    let there = Blocks::at(&scene.home, Place::Ipfs(kubo.store()));
    let publish = seal_and_store(&scene.home, &there, "m", AssetKind::Dataset, &files, &[]);
    let sealed = scene.runtime.block_on(publish).unwrap();
    // The same attempt, so that it is the same sealed file.
    let here = scene.publish(&files);
    assert_eq!((sealed.content, sealed.manifest), (here.content, here.manifest));
    let cat = |id: ContentId| kubo.run(&["cat", &id.to_string()], b"").stdout;
    let cid = |id: ContentId| crate::blocks::to_cid(&id).unwrap();
    let bytes = cat(sealed.content);
    assert_eq!(bytes.len() as u64, sealed.size_bytes);
    assert_eq!(kubo.add(&bytes, &["--only-hash"]), sealed.content.to_string());
    assert!(
        open_to_vec(bytes.as_slice(), &sealed.key, None, 1 << 24)
            .unwrap()
            .to_vec()
            == content(3_000_000, 5)
    );
    assert!(Manifest::from_bytes(&cat(sealed.manifest), &sealed.content).is_ok());
    // It is pinned until nobody needs it.
    let pins = || scene.runtime.block_on(there.place().pins()).unwrap();
    assert!(pins().contains(&cid(sealed.content)) && pins().contains(&cid(sealed.manifest)));
    let ended = scene.runtime.block_on(async {
        sealed.published(&there, 3, None).await.unwrap();
        there.release(&[Holder::Asset(3)].into()).await.unwrap()
    });
    assert_eq!(ended.removed, crate::store::place::Removed::Pins(2));
    assert!(!pins().contains(&cid(sealed.content)));
}

#[test]
fn a_tokenizer_is_kept_unsealed_and_handed_over_with_the_manifest() {
    let scene = Scene::new();
    // The second is longer than a block, the third is no tokenizer.
    let contents = [b"words".to_vec(), content(3_000_000, 9), b"weights".to_vec()];
    let files = scene.files(&contents);
    let blocks = scene.blocks();
    let publish = seal_and_store(
        &scene.home,
        &blocks,
        "m",
        AssetKind::TextModel,
        &files,
        &["0", "1", "no such"],
    );
    let sealed = scene.runtime.block_on(publish).unwrap();
    let bytes = scene.runtime.block_on(blocks.get(sealed.manifest)).unwrap();
    let manifest = Manifest::from_bytes(&bytes, &sealed.content).unwrap();
    let named: Vec<_> = manifest
        .tokenizer
        .iter()
        .map(|file| (file.name.as_str(), file.bytes))
        .collect();
    assert_eq!(named, [("0", 5), ("1", 3_000_000)]);
    scene.runtime.block_on(async {
        sealed.published(&blocks, 3, None).await.unwrap();
        assert_eq!(blocks.holders().unwrap(), [Holder::Asset(3)]);
        // Whoever asks gets them from a peer, into memory.
        let served = blocks
            .serve("127.0.0.1:0".parse().unwrap(), Wants::nothing())
            .await
            .unwrap();
        let peers = Peers::new([format!("http://{}", served.address())]).unwrap();
        for (file, content) in manifest.tokenizer.iter().zip(&contents) {
            let got = peers.file(file.content, file.bytes).await.unwrap();
            assert!(got == *content && manifest.is_as_sealed(file, &got));
            assert!(peers.file(file.content, file.bytes - 1).await.is_err(), "it is bounded");
        }
        served.stop().await;
        blocks.release(&[Holder::Asset(3)].into()).await.unwrap();
        for file in &manifest.tokenizer {
            assert!(blocks.get(file.content).await.is_err(), "it goes with the asset");
        }
    });
}
