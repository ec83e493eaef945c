//! How talking to an IPFS daemon fails.

use std::time::Duration;

use cid::Cid;
use ipfs_api_backend_hyper::Error;

/// Why an [`super::IpfsStore`] could not do what it was asked for.
#[derive(Debug, thiserror::Error)]
pub enum IpfsError {
    /// The address is not one of an API on this machine.
    #[error(
        "{api} is not the address of an IPFS daemon's API ({reason}); give one such as http://127.0.0.1:5001, and reach another machine's through a tunnel (ssh -L 5001:127.0.0.1:5001 HOST)"
    )]
    Address {
        /// What was given.
        api: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// Nobody listens.
    #[error(
        "no IPFS daemon answers at {api} ({reason}); start one with `ipfs daemon`, or give its address with --api. What a daemon confirmed before is kept: repeat, and only the rest is sent"
    )]
    Unreachable {
        /// Where.
        api: String,
        /// What the system said.
        reason: String,
    },
    /// It went away while it was asked.
    #[error(
        "the IPFS daemon at {api} went away in the middle of a call ({reason}); what it had confirmed is kept: start it again with `ipfs daemon` and repeat, then only the rest is sent"
    )]
    CutOff {
        /// Where.
        api: String,
        /// What broke.
        reason: String,
    },
    /// It does not answer.
    #[error(
        "the IPFS daemon at {api} did not answer within {} s; look at its log, then repeat: only what is missing is sent", .after.as_secs()
    )]
    Timeout {
        /// Where.
        api: String,
        /// How long it had.
        after: Duration,
    },
    /// No peer gave it.
    #[error(
        "no peer of the IPFS network gave {cid} within {} s; try again later, or fetch it from somebody who has it", .after.as_secs()
    )]
    NoProvider {
        /// What was looked for.
        cid: Cid,
        /// For how long.
        after: Duration,
    },
    /// Its disk is full.
    #[error(
        "the disk of the IPFS daemon is full ({0}); free some space (`ipfs repo gc`) and repeat: what it has is kept"
    )]
    DiskFull(String),
    /// What was to be pinned is not whole there.
    #[error("{root} cannot be pinned: the IPFS daemon lacks blocks of it; add it again, or fetch it first")]
    Incomplete {
        /// The root.
        root: Cid,
    },
    /// It names the block otherwise.
    #[error("the IPFS daemon calls block {ours} {theirs}: it is damaged or no IPFS daemon; nothing was relied on")]
    OtherCid {
        /// By its bytes.
        ours: Box<Cid>,
        /// By the daemon.
        theirs: String,
    },
    /// It refused.
    #[error("the IPFS daemon at {api} refused: {message}")]
    Refused {
        /// Where.
        api: String,
        /// What it said.
        message: String,
    },
    /// Something else answers there.
    #[error("what answers at {api} is no IPFS daemon ({reason}); give the address of one with --api")]
    NotIpfs {
        /// Where.
        api: String,
        /// What it said.
        reason: String,
    },
}

/// Longest part of a daemon's words that is repeated.
const MAX_MESSAGE_CHARS: usize = 300;

impl IpfsError {
    /// Of an error of the API's client.
    pub(super) fn of(api: &str, error: Error) -> Self {
        let api = api.to_owned();
        match error {
            Error::Client(error) => {
                let reason = innermost(&error);
                if error.is_connect() {
                    Self::Unreachable { api, reason }
                } else if error.is_parse() {
                    Self::NotIpfs { api, reason }
                } else {
                    Self::CutOff { api, reason }
                }
            }
            Error::Api(error) => Self::of_message(api, &error.message),
            other => Self::NotIpfs {
                api,
                reason: shortened(&other.to_string()),
            },
        }
    }

    fn of_message(api: String, message: &str) -> Self {
        let message = shortened(message);
        if ["no space left", "quota exceeded", "storage limit"]
            .iter()
            .any(|sign| message.contains(sign))
        {
            Self::DiskFull(message)
        } else {
            Self::Refused { api, message }
        }
    }

    /// Whether the daemon said that it does not have a block, or a pin. It says so
    /// in words only.
    pub(super) fn says(&self, signs: &[&str]) -> bool {
        match self {
            Self::Refused { message, .. } => signs.iter().any(|sign| message.contains(sign)),
            _ => false,
        }
    }
}

fn shortened(message: &str) -> String {
    message.trim().chars().take(MAX_MESSAGE_CHARS).collect()
}

/// The innermost cause says most ("connection refused").
fn innermost(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}
