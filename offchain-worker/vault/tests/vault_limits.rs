//! Memory, disks and paths: what happens at the edges of the machine.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    cell::Cell,
    fs,
    io::{self, Cursor, Read, Write},
    path::Path,
};

use weft_vault::{
    CHUNK_BYTES, ContentKey, OpenError, SealError, open_file, open_to_path, seal_file, seal_path_to_path, seal_to_path,
    stream::max_in_flight_bytes,
};

const MIB: usize = 1 << 20;

fn key() -> ContentKey {
    ContentKey::from_bytes([0x5e; 32])
}

/// Bytes that were read and not yet written, and the most there ever were.
#[derive(Default)]
struct InFlight {
    now: Cell<i64>,
    peak: Cell<i64>,
}

impl InFlight {
    fn add(&self, n: i64) {
        self.now.set(self.now.get() + n);
        self.peak.set(self.peak.get().max(self.now.get()));
    }
}

struct Zeros<'a> {
    left: usize,
    in_flight: &'a InFlight,
}

impl Read for Zeros<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = buf.len().min(self.left);
        buf[..n].fill(0);
        self.left -= n;
        self.in_flight.add(n as i64);
        Ok(n)
    }
}

struct Counted<'a, W> {
    inner: W,
    in_flight: &'a InFlight,
}

impl<W: Write> Write for Counted<'_, W> {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        let n = self.inner.write(data)?;
        self.in_flight.add(-(n as i64));
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

struct CountedReader<'a, R> {
    inner: R,
    in_flight: &'a InFlight,
}

impl<R: Read> Read for CountedReader<'_, R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buf)?;
        self.in_flight.add(n as i64);
        Ok(n)
    }
}

#[test]
fn memory_does_not_grow_with_the_file() {
    let bound = max_in_flight_bytes(CHUNK_BYTES);
    // The file has to be longer than what may be in flight, or this shows nothing.
    let len = (256 * MIB).max(4 * bound);
    let in_flight = InFlight::default();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("sealed");
    let zeros = Zeros {
        left: len,
        in_flight: &in_flight,
    };
    let sink = Counted {
        inner: fs::File::create(&path).unwrap(),
        in_flight: &in_flight,
    };
    let sealed = seal_file(zeros, sink, &key(), Some(len as u64), |_| ()).unwrap();
    assert_eq!(sealed.plaintext_len, len as u64);
    let peak = in_flight.peak.get() as usize;
    assert!(peak <= bound, "{peak} bytes in flight while sealing, {bound} allowed");

    let in_flight = InFlight::default();
    let reader = CountedReader {
        inner: fs::File::open(&path).unwrap(),
        in_flight: &in_flight,
    };
    let sink = Counted {
        inner: io::sink(),
        in_flight: &in_flight,
    };
    assert_eq!(open_file(reader, sink, &key(), None, |_| ()).unwrap(), len as u64);
    // The header and the tags are read and never written.
    let kept_back = sealed.sealed_len as usize - len;
    let peak = in_flight.peak.get() as usize;
    assert!(
        peak <= bound + kept_back,
        "{peak} bytes in flight while opening, {bound} allowed"
    );
}

/// A disk with room for `left` bytes.
struct Disk {
    left: usize,
}

impl Write for Disk {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        if self.left == 0 {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let n = data.len().min(self.left);
        self.left -= n;
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_full_disk_is_called_so() {
    let plain = vec![1u8; 5 * MIB];
    let mut sealed = Vec::new();
    seal_file(plain.as_slice(), &mut sealed, &key(), None, |_| ()).unwrap();
    for left in [0, 10, 100, MIB, 5 * MIB - 1] {
        let error = seal_file(plain.as_slice(), Disk { left }, &key(), None, |_| ()).unwrap_err();
        assert!(matches!(error, SealError::DiskFull(_)), "{error}");
        assert!(error.to_string().contains("free some space"));
        let error = open_file(sealed.as_slice(), Disk { left }, &key(), None, |_| ()).unwrap_err();
        assert!(matches!(error, OpenError::DiskFull(_)), "{error}");
        assert!(error.to_string().contains("free some space"));
    }
    let room = Disk { left: sealed.len() };
    assert!(seal_file(plain.as_slice(), room, &key(), None, |_| ()).is_ok());
}

#[test]
fn an_unreadable_input_is_called_so() {
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("the cable is out"))
        }
    }
    let error = seal_file(Broken, io::sink(), &key(), None, |_| ()).unwrap_err();
    assert!(matches!(error, SealError::Read(_)));
    assert!(error.to_string().contains("the cable is out"));
    assert!(matches!(
        open_file(Broken, io::sink(), &key(), None, |_| ()),
        Err(OpenError::Read(_))
    ));
    // Cut off in the middle of the file, after the header and some chunks.
    let mut sealed = Vec::new();
    seal_file(vec![1u8; 40 * MIB].as_slice(), &mut sealed, &key(), None, |_| ()).unwrap();
    let cut = Cursor::new(sealed[..30 * MIB].to_vec()).chain(Broken);
    assert!(matches!(
        open_file(cut, io::sink(), &key(), None, |_| ()),
        Err(OpenError::Read(_))
    ));
}

fn names_in(dir: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(dir)
        .unwrap()
        .map(|e| e.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn files_are_sealed_and_opened_in_place() {
    let dir = tempfile::tempdir().unwrap();
    let (plain, sealed, opened) = (
        dir.path().join("plain"),
        dir.path().join("sealed"),
        dir.path().join("opened"),
    );
    let content: Vec<u8> = (0..3 * MIB + 5).map(|i| (i / 7) as u8).collect();
    fs::write(&plain, &content).unwrap();
    fs::write(&opened, b"an older version").unwrap();
    let made = seal_path_to_path(&plain, &sealed, &key(), |_| ()).unwrap();
    assert_eq!(fs::metadata(&sealed).unwrap().len(), made.sealed_len);
    let input = fs::File::open(&sealed).unwrap();
    let len = open_to_path(input, &opened, &key(), Some(&made.commitment), |_| ()).unwrap();
    assert_eq!(len, content.len() as u64);
    assert!(fs::read(&opened).unwrap() == content);
    assert_eq!(names_in(dir.path()), ["opened", "plain", "sealed"]);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = fs::metadata(&opened).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600);
    }
}

#[test]
fn a_failed_opening_leaves_no_file_behind() {
    let dir = tempfile::tempdir().unwrap();
    let mut sealed = Vec::new();
    seal_file(vec![8u8; 20 * MIB].as_slice(), &mut sealed, &key(), None, |_| ()).unwrap();
    let at = sealed.len() - 1;
    sealed[at] ^= 1;
    let target = dir.path().join("model");
    let result = open_to_path(sealed.as_slice(), &target, &key(), None, |_| ());
    assert!(matches!(result, Err(OpenError::Corrupt { chunk: 19 })));
    assert!(names_in(dir.path()).is_empty());

    // And what was there before stays as it was.
    fs::write(&target, b"the good one").unwrap();
    let result = open_to_path(&sealed[..10 * MIB], &target, &key(), None, |_| ());
    assert!(result.is_err());
    assert_eq!(fs::read(&target).unwrap(), b"the good one");
    assert_eq!(names_in(dir.path()), ["model"]);
}

#[test]
fn a_failed_sealing_leaves_no_file_behind() {
    let dir = tempfile::tempdir().unwrap();
    let target = dir.path().join("sealed");
    let result = seal_to_path(&b"five!"[..], &target, &key(), Some(6), |_| ());
    assert!(matches!(
        result,
        Err(SealError::LengthChanged { declared: 6, actual: 5 })
    ));
    assert!(names_in(dir.path()).is_empty());
    let missing = dir.path().join("no such directory").join("sealed");
    let result = seal_to_path(&b"five!"[..], &missing, &key(), None, |_| ());
    assert!(matches!(result, Err(SealError::Write(_))));
    let result = seal_path_to_path(&missing, &target, &key(), |_| ());
    assert!(matches!(result, Err(SealError::Read(_))));
}
