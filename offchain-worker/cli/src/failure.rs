//! How a command fails: one sentence on stderr, and a stable exit code.

use std::{io, process::ExitCode};

use weft_chain::ChainError;

/// Documented in `weft --help`; scripts rely on them.
pub mod code {
    /// Anything else.
    pub const OTHER: u8 = 1;
    /// The command line makes no sense (also what `clap` exits with).
    pub const USAGE: u8 = 2;
    /// What was asked for does not exist.
    pub const NOT_FOUND: u8 = 3;
    /// The chain refused, or the job ended without an answer.
    pub const REFUSED: u8 = 4;
    /// Node, provider or peer cannot be reached.
    pub const NETWORK: u8 = 5;
    /// A local file, key, or model.
    pub const LOCAL: u8 = 6;
}

/// Why a command failed. Every message is one sentence that says what to do.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The command line makes no sense.
    #[error("{0}")]
    Usage(String),
    /// What was asked for does not exist.
    #[error("{0}")]
    NotFound(String),
    /// The job ended without an answer, or something like it.
    #[error("{0}")]
    Refused(String),
    /// A provider or peer cannot be reached.
    #[error("{0}")]
    Network(String),
    /// A local file, key, or model.
    #[error("{0}")]
    Local(String),
    /// The chain.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// Something failed after something that stays done, and how to go on.
    #[error("{failure}; {advice}")]
    After {
        /// What failed.
        failure: Box<Failure>,
        /// What stays done, and how to go on.
        advice: String,
    },
    /// Whoever reads our output went away: nothing to report.
    #[error("the output was closed")]
    OutputClosed,
}

impl Failure {
    /// A local failure: what was tried, and the cause.
    pub fn local(what: impl std::fmt::Display, cause: impl std::fmt::Display) -> Self {
        Self::Local(format!("{what}: {cause}"))
    }

    /// The same failure, with what stays done and how to go on.
    pub fn and(self, advice: String) -> Self {
        Self::After {
            failure: Box::new(self),
            advice,
        }
    }

    /// The exit code.
    pub fn code(&self) -> u8 {
        match self {
            Self::Usage(_) => code::USAGE,
            Self::NotFound(_) => code::NOT_FOUND,
            Self::Refused(_) => code::REFUSED,
            Self::Network(_) => code::NETWORK,
            Self::Local(_) => code::LOCAL,
            Self::Chain(error) => match error {
                ChainError::Rejected { .. } | ChainError::Refused(_) | ChainError::CannotPayFee { .. } => code::REFUSED,
                ChainError::Unreachable { .. }
                | ChainError::NoAnswer { .. }
                | ChainError::NotIncluded { .. }
                | ChainError::Incompatible(_)
                | ChainError::OtherChain { .. } => code::NETWORK,
                ChainError::Unreadable { .. } => code::OTHER,
            },
            Self::After { failure, .. } => failure.code(),
            Self::OutputClosed => 0,
        }
    }

    /// Prints the sentence and turns into the exit code.
    pub fn report(self) -> ExitCode {
        let code = self.code();
        if code != 0 {
            eprintln!("error: {self}");
        }
        ExitCode::from(code)
    }
}

/// Of writing to the standard output.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::OutputClosed,
            _ => Self::local("cannot write the output", error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exit_codes_are_as_documented() {
        let rejected = ChainError::Rejected {
            pallet: "Jobs".into(),
            error: "NoProvider".into(),
            advice: "try later".into(),
        };
        let away = ChainError::Unreachable {
            url: "ws://127.0.0.1:1".into(),
            reason: "refused".into(),
        };
        for (failure, expected) in [
            (Failure::Usage(String::new()), 2),
            (Failure::NotFound(String::new()), 3),
            (Failure::Chain(rejected), 4),
            (Failure::Chain(away), 5),
            (Failure::Local(String::new()), 6),
            (Failure::Network(String::new()).and("go on".into()), 5),
            (Failure::from(io::Error::from(io::ErrorKind::BrokenPipe)), 0),
        ] {
            assert_eq!(failure.code(), expected, "{failure:?}");
        }
    }
}
