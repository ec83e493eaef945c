//! What can keep a network of real processes from doing what a test wants.

use std::{io, path::PathBuf, time::Duration};

/// See the variants.
#[derive(Debug, thiserror::Error)]
pub enum HarnessError {
    /// An executable is not there.
    #[error("{path} does not exist: run `make build`, or set {variable} to where the executable is", path = path.display())]
    NoExecutable {
        /// Where it was looked for.
        path: PathBuf,
        /// The environment variable that says where it is.
        variable: &'static str,
    },
    /// The operating system refused.
    #[error("could not {what}: {source}")]
    Io {
        /// What was tried.
        what: String,
        /// Why not.
        source: io::Error,
    },
    /// Something did not happen in time.
    #[error("{what} did not happen within {} s\n{log}", within.as_secs())]
    TooLate {
        /// What was waited for.
        what: String,
        /// How long.
        within: Duration,
        /// The end of the log that may say why.
        log: String,
    },
    /// A process that should run has ended.
    #[error("{name} ended by itself ({status})\n{log}")]
    Ended {
        /// Which.
        name: String,
        /// How.
        status: String,
        /// The end of its log.
        log: String,
    },
    /// A command failed.
    #[error("`{command}` failed ({status}): {stderr}")]
    Command {
        /// The command line.
        command: String,
        /// Its exit status.
        status: String,
        /// What it said.
        stderr: String,
    },
    /// An answer is not what its format says.
    #[error("unexpected answer to `{to}`: {problem}")]
    Answer {
        /// What was asked.
        to: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The node refused a call.
    #[error("{method} failed: {message}")]
    Rpc {
        /// The method.
        method: String,
        /// What the node, or the connection, said.
        message: String,
    },
}

impl HarnessError {
    /// Wraps what the operating system said.
    pub fn io(what: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let what = what.into();
        move |source| Self::Io { what, source }
    }

    /// An answer `to` something, and what is wrong with it.
    pub fn answer(to: impl Into<String>, problem: impl ToString) -> Self {
        Self::Answer {
            to: to.into(),
            problem: problem.to_string(),
        }
    }
}
