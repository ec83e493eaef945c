//! How fast files are sealed and opened on all cores, from memory to nowhere.
//!
//! `vault_throughput [MEBIBYTES] [ROUNDS]` prints the best of the rounds as one
//! line of JSON; gigabytes are 10^9 bytes.

use std::{
    env,
    error::Error,
    io::{self, Read, Write},
    time::Instant,
};

use weft_vault::{CHUNK_BYTES, ContentKey, open_file, seal_file};

/// Gives one buffer over and over, so that the reader costs one copy and no more.
struct Repeat<'a> {
    pattern: &'a [u8],
    left: usize,
}

impl Read for Repeat<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = buf.len().min(self.left).min(self.pattern.len());
        buf[..n].copy_from_slice(&self.pattern[..n]);
        self.left -= n;
        Ok(n)
    }
}

/// Seconds that `run` takes at its best.
fn best_of<E>(rounds: usize, mut run: impl FnMut() -> Result<(), E>) -> Result<f64, E> {
    let mut best = f64::INFINITY;
    for _ in 0..rounds {
        let start = Instant::now();
        run()?;
        best = best.min(start.elapsed().as_secs_f64());
    }
    Ok(best)
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut numbers = env::args().skip(1).map(|a| a.parse::<usize>());
    let mebibytes = numbers.next().unwrap_or(Ok(512))?;
    let rounds = numbers.next().unwrap_or(Ok(5))?.max(1);
    let len = mebibytes << 20;
    let key = ContentKey::generate()?;
    let pattern = vec![0xa5; CHUNK_BYTES as usize];

    let seal_s = best_of(rounds, || {
        let input = Repeat {
            pattern: &pattern,
            left: len,
        };
        seal_file(input, io::sink(), &key, Some(len as u64), |_| ()).map(drop)
    })?;

    // With room for all of it, or the growing of the vector would be measured too.
    let mut sealed = Vec::with_capacity(len + (len >> 10) + 4096);
    let input = Repeat {
        pattern: &pattern,
        left: len,
    };
    seal_file(input, &mut sealed, &key, Some(len as u64), |_| ())?;
    let open_s = best_of(rounds, || {
        open_file(sealed.as_slice(), io::sink(), &key, None, |_| ()).map(drop)
    })?;

    let gb_per_s = |seconds: f64| len as f64 / seconds / 1e9;
    let cores = std::thread::available_parallelism()?;
    writeln!(
        io::stdout(),
        "{{\"bytes\":{len},\"cores\":{cores},\"seal_gb_per_s\":{:.3},\"open_gb_per_s\":{:.3}}}",
        gb_per_s(seal_s),
        gb_per_s(open_s),
    )?;
    Ok(())
}
