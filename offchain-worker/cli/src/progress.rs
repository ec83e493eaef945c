//! Progress of long work on stderr: a bar on a terminal, a plain line now and then elsewhere.

use std::{
    io::{IsTerminal, stderr},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressStyle};

/// Time between two plain lines.
const EVERY: Duration = Duration::from_secs(5);

/// Progress of one piece of work. Clones share it.
#[derive(Clone)]
pub struct Progress {
    shown: Shown,
    label: Arc<str>,
}

#[derive(Clone)]
enum Shown {
    Bar(ProgressBar),
    Lines(Arc<Mutex<Plain>>),
}

struct Plain {
    total: Option<u64>,
    last: Instant,
}

impl Progress {
    /// Of work measured in bytes; `total` is `None` if not known yet.
    pub fn bytes(label: &str, total: Option<u64>) -> Self {
        if !stderr().is_terminal() {
            return Self::lines(label, total);
        }
        let bar = match total {
            Some(total) => ProgressBar::new(total),
            None => ProgressBar::no_length(),
        };
        Self::bar(
            label,
            bar,
            "{msg} [{bar:30}] {bytes}/{total_bytes} {bytes_per_sec} {eta}",
        )
    }

    /// Of work measured in steps of its own.
    pub fn steps(label: &str, total: usize) -> Self {
        let total = u64::try_from(total).unwrap_or(u64::MAX);
        if !stderr().is_terminal() {
            return Self::lines(label, Some(total));
        }
        Self::bar(label, ProgressBar::new(total), "{msg} [{bar:30}] {pos}/{len} {eta}")
    }

    /// Of work that cannot be measured.
    pub fn spinner(label: &str) -> Self {
        if !stderr().is_terminal() {
            return Self::lines(label, None);
        }
        let progress = Self::bar(label, ProgressBar::new_spinner(), "{spinner} {msg} {elapsed}");
        if let Shown::Bar(bar) = &progress.shown {
            bar.enable_steady_tick(Duration::from_millis(200));
        }
        progress
    }

    fn bar(label: &str, bar: ProgressBar, template: &str) -> Self {
        // A template that does not parse would only cost the style.
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style.progress_chars("=> "));
        }
        bar.set_message(label.to_owned());
        Self {
            shown: Shown::Bar(bar),
            label: label.into(),
        }
    }

    fn lines(label: &str, total: Option<u64>) -> Self {
        eprintln!("{label} ...");
        let plain = Plain {
            total,
            last: Instant::now(),
        };
        Self {
            shown: Shown::Lines(Arc::new(Mutex::new(plain))),
            label: label.into(),
        }
    }

    /// So much is done, of so much if that is known by now.
    pub fn set(&self, done: u64, total: Option<u64>) {
        match &self.shown {
            Shown::Bar(bar) => {
                if let Some(total) = total {
                    bar.set_length(total);
                }
                bar.set_position(done);
            }
            Shown::Lines(plain) => {
                let mut plain = plain.lock().unwrap_or_else(PoisonError::into_inner);
                plain.total = total.or(plain.total);
                if plain.last.elapsed() < EVERY {
                    return;
                }
                plain.last = Instant::now();
                match plain.total.filter(|total| *total > 0) {
                    Some(total) => eprintln!("{} ... {}%", self.label, u128::from(done) * 100 / u128::from(total)),
                    None => eprintln!("{} ... {} MiB", self.label, done >> 20),
                }
            }
        }
    }

    /// Done; the last line says so.
    pub fn done(&self, message: &str) {
        if let Shown::Bar(bar) = &self.shown {
            bar.finish_and_clear();
        }
        eprintln!("{}: {message}", self.label);
    }

    /// Given up; the error is reported elsewhere.
    pub fn abandon(&self) {
        if let Shown::Bar(bar) = &self.shown {
            bar.finish_and_clear();
        }
    }
}
