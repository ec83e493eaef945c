//! Reads chunks in order, works on them on all cores, writes them in order.
//!
//! Two batches of chunks exist: while the cores work on one, the calling thread
//! writes out the other and refills it. So memory does not grow with the input,
//! and neither the disk nor the cores wait for each other.

use std::io::{self, Read, Write};

use rayon::iter::{IntoParallelRefMutIterator, ParallelIterator};
use zeroize::Zeroize;

/// Upper bound of the bytes of one batch, whatever the number of cores.
const BATCH_BYTES_MAX: usize = 64 << 20;
/// Bytes of a batch for every core: enough that a late core costs little.
const BATCH_BYTES_PER_CORE: usize = 2 << 20;

/// One chunk on its way.
pub(crate) struct Chunk<E> {
    /// Position in the input, from 0.
    pub index: u64,
    /// Nothing follows it.
    pub last: bool,
    /// The bytes, transformed in place.
    pub data: Vec<u8>,
    outcome: Result<(), E>,
}

impl<E> Chunk<E> {
    pub fn new(index: u64, last: bool, data: Vec<u8>) -> Self {
        Self {
            index,
            last,
            data,
            outcome: Ok(()),
        }
    }
}

// Plaintext passes through these buffers.
impl<E> Drop for Chunk<E> {
    fn drop(&mut self) {
        self.data.zeroize();
    }
}

/// How the chunks are cut and what may be added to each.
#[derive(Clone, Copy)]
pub(crate) struct Shape {
    /// Bytes read a chunk.
    pub chunk_bytes: usize,
    /// Bytes by which the work may lengthen a chunk, so that it never moves.
    pub growth_bytes: usize,
}

impl Shape {
    fn chunks_per_batch(self) -> usize {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let batch_bytes = cores.saturating_mul(BATCH_BYTES_PER_CORE).min(BATCH_BYTES_MAX);
        batch_bytes.div_ceil(self.chunk_bytes.max(1)).max(1)
    }

    /// Most bytes that are read and not yet written at any moment.
    pub fn max_in_flight_bytes(self) -> usize {
        let chunk = self.chunk_bytes.saturating_add(self.growth_bytes);
        // The extra byte is the one read ahead to know the last chunk.
        chunk
            .saturating_mul(self.chunks_per_batch())
            .saturating_mul(2)
            .saturating_add(1)
    }
}

/// Why the pipeline stopped.
pub(crate) enum Stopped<E> {
    Read(io::Error),
    Write(io::Error),
    /// The work on this chunk failed; it is the first such chunk, and all
    /// before it are written.
    Work(E),
}

/// Runs the pipeline to the end of `reader`. There is always at least one
/// chunk: an empty input is one empty last chunk. `written` sees every chunk
/// after it was written.
pub(crate) fn run<E: Send>(
    reader: &mut dyn Read,
    writer: &mut dyn Write,
    shape: Shape,
    work: &(dyn Fn(&mut Chunk<E>) -> Result<(), E> + Sync),
    written: &mut dyn FnMut(&Chunk<E>),
) -> Result<(), Stopped<E>> {
    let mut source = Source {
        reader,
        shape,
        // Asked once: it reads files of the kernel.
        chunks_per_batch: shape.chunks_per_batch(),
        ahead: None,
        next_index: 0,
        ended: false,
    };
    let mut busy = Batch::new();
    let mut idle = Batch::new();
    busy.fill(&mut source).map_err(Stopped::Read)?;
    while busy.used > 0 {
        if source.ended && busy.used == 1 {
            // A message, or the tail of a file: not worth waking the pool.
            busy.work(work);
            idle.drain(writer, written)?;
        } else {
            rayon::in_place_scope(|scope| {
                scope.spawn(|_| busy.work_on_all_cores(work));
                idle.drain(writer, written)?;
                idle.fill(&mut source).map_err(Stopped::Read)
            })?;
        }
        std::mem::swap(&mut busy, &mut idle);
    }
    idle.drain(writer, written)
}

struct Source<'a> {
    reader: &'a mut dyn Read,
    shape: Shape,
    chunks_per_batch: usize,
    /// A byte of the next chunk: reading it is how we know there is one.
    ahead: Option<u8>,
    next_index: u64,
    ended: bool,
}

impl Source<'_> {
    fn read_into<E>(&mut self, chunk: &mut Chunk<E>) -> io::Result<()> {
        chunk.data.resize(self.shape.chunk_bytes, 0);
        let mut filled = 0;
        if let (Some(byte), Some(first)) = (self.ahead.take(), chunk.data.first_mut()) {
            *first = byte;
            filled = 1;
        }
        let rest = chunk.data.get_mut(filled..).unwrap_or_default();
        filled += read_full(self.reader, rest)?;
        let full = filled == chunk.data.len();
        chunk.data.truncate(filled);
        if full {
            let mut byte = [0];
            if read_full(self.reader, &mut byte)? == 1 {
                self.ahead = Some(byte[0]);
            }
        }
        self.ended = self.ahead.is_none();
        chunk.last = self.ended;
        chunk.index = self.next_index;
        self.next_index += 1;
        Ok(())
    }
}

/// Reads until `buffer` is full or the input ends; returns the bytes read.
fn read_full(reader: &mut dyn Read, mut buffer: &mut [u8]) -> io::Result<usize> {
    let mut total = 0;
    while !buffer.is_empty() {
        match reader.read(buffer) {
            Ok(0) => break,
            Ok(n) => {
                total += n;
                buffer = buffer
                    .get_mut(n..)
                    .ok_or_else(|| io::Error::other("the reader says it read more than it was given room for"))?;
            }
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(total)
}

struct Batch<E> {
    chunks: Vec<Chunk<E>>,
    used: usize,
}

impl<E: Send> Batch<E> {
    fn new() -> Self {
        Self {
            chunks: Vec::new(),
            used: 0,
        }
    }

    fn fill(&mut self, source: &mut Source<'_>) -> io::Result<()> {
        self.used = 0;
        while !source.ended && self.used < source.chunks_per_batch {
            if self.chunks.len() == self.used {
                let shape = source.shape;
                let data = Vec::with_capacity(shape.chunk_bytes + shape.growth_bytes);
                self.chunks.push(Chunk::new(0, false, data));
            }
            if let Some(chunk) = self.chunks.get_mut(self.used) {
                source.read_into(chunk)?;
            }
            self.used += 1;
        }
        Ok(())
    }

    fn filled_mut(&mut self) -> &mut [Chunk<E>] {
        self.chunks.get_mut(..self.used).unwrap_or_default()
    }

    fn work(&mut self, work: &(dyn Fn(&mut Chunk<E>) -> Result<(), E> + Sync)) {
        for chunk in self.filled_mut() {
            chunk.outcome = work(chunk);
        }
    }

    fn work_on_all_cores(&mut self, work: &(dyn Fn(&mut Chunk<E>) -> Result<(), E> + Sync)) {
        self.filled_mut()
            .par_iter_mut()
            .for_each(|chunk| chunk.outcome = work(chunk));
    }

    fn drain(&mut self, writer: &mut dyn Write, written: &mut dyn FnMut(&Chunk<E>)) -> Result<(), Stopped<E>> {
        for chunk in self.filled_mut() {
            std::mem::replace(&mut chunk.outcome, Ok(())).map_err(Stopped::Work)?;
            writer.write_all(&chunk.data).map_err(Stopped::Write)?;
            written(chunk);
        }
        self.used = 0;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use proptest::prelude::*;

    use super::*;

    /// Hands out its bytes in pieces of odd sizes, with an interruption before each.
    struct Dribble {
        bytes: Cursor<Vec<u8>>,
        piece: usize,
        interrupt: bool,
    }

    impl Read for Dribble {
        fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
            self.interrupt = !self.interrupt;
            if self.interrupt {
                return Err(io::ErrorKind::Interrupted.into());
            }
            let n = buf.len().min(self.piece);
            self.bytes.read(&mut buf[..n])
        }
    }

    const SHAPE: Shape = Shape {
        chunk_bytes: 7,
        growth_bytes: 1,
    };

    proptest! {
        #[test]
        fn chunks_keep_their_order_and_only_the_last_is_last(
            bytes in proptest::collection::vec(any::<u8>(), 0..100),
            piece in 1usize..20,
        ) {
            let mut reader = Dribble { bytes: Cursor::new(bytes.clone()), piece, interrupt: false };
            let mut out = Vec::new();
            let mut seen = Vec::new();
            let result = run::<()>(&mut reader, &mut out, SHAPE, &|_| Ok(()), &mut |c| {
                seen.push((c.index, c.last, c.data.len()));
            });
            prop_assert!(result.is_ok());
            prop_assert_eq!(&out, &bytes);
            let chunks = bytes.len().div_ceil(7).max(1);
            prop_assert_eq!(seen.len(), chunks);
            for (i, (index, last, len)) in seen.iter().enumerate() {
                prop_assert_eq!(*index, i as u64);
                prop_assert_eq!(*last, i + 1 == chunks);
                prop_assert!(*last || *len == 7);
            }
        }
    }

    #[test]
    fn the_first_failing_chunk_is_reported_and_all_before_it_are_written() {
        let input = vec![9u8; 7 * 1000];
        let mut out = Vec::new();
        let result = run::<u64>(
            &mut input.as_slice(),
            &mut out,
            SHAPE,
            &|c| if c.index >= 613 { Err(c.index) } else { Ok(()) },
            &mut |_| (),
        );
        assert!(matches!(result, Err(Stopped::Work(613))));
        assert_eq!(out.len(), 7 * 613);
    }

    #[test]
    fn a_reader_that_lies_about_its_length_is_an_error() {
        struct Liar;
        impl Read for Liar {
            fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
                Ok(buf.len() + 1)
            }
        }
        let result = run::<()>(&mut Liar, &mut Vec::new(), SHAPE, &|_| Ok(()), &mut |_| ());
        assert!(matches!(result, Err(Stopped::Read(_))));
    }
}
