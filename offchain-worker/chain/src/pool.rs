//! What a node's transaction pool answers, by the error codes of its `author_submitExtrinsic` method
//! (sc-rpc-api, `author::error`).

/// An answer, as far as it matters to the submitter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// The pool has it, or had it a moment ago.
    Taken,
    /// The nonce is used: by this very extrinsic if it is in a block already, else by another.
    NonceUsed,
    /// The account cannot pay the fee.
    CannotPay,
    /// Any other refusal, in the node's words.
    Refused(String),
}

const INVALID: i32 = 1010;
const TEMPORARILY_BANNED: i32 = 1012;
const ALREADY_IMPORTED: i32 = 1013;
const TOO_LOW_PRIORITY: i32 = 1014;

/// Reads an error answer: JSON-RPC code, message and data.
pub(crate) fn read(code: i32, message: &str, data: &str) -> Answer {
    let says = |words: &str| message.contains(words) || data.contains(words);
    match code {
        // Banned: it was in the pool before, and either in a block since or found invalid then; the search decides.
        ALREADY_IMPORTED | TEMPORARILY_BANNED => Answer::Taken,
        TOO_LOW_PRIORITY => Answer::NonceUsed,
        INVALID if says("outdated") || says("Stale") => Answer::NonceUsed,
        INVALID if says("Inability to pay") || says("Payment") => Answer::CannotPay,
        _ => Answer::Refused(format!(
            "{message}{}{}",
            if data.is_empty() { "" } else { ": " },
            data.trim_matches('"')
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repeated_hand_in_is_no_error() {
        assert_eq!(read(1013, "Transaction Already Imported", ""), Answer::Taken);
        assert_eq!(read(1012, "Transaction is temporarily banned", ""), Answer::Taken);
    }

    #[test]
    fn a_used_nonce_is_told_from_an_empty_purse() {
        let invalid = |data| read(1010, "Invalid Transaction", data);
        assert_eq!(invalid("\"Transaction is outdated\""), Answer::NonceUsed);
        assert_eq!(
            invalid("\"Inability to pay some fees (e.g. account balance too low)\""),
            Answer::CannotPay
        );
        assert_eq!(
            invalid("\"Transaction has a bad signature\""),
            Answer::Refused("Invalid Transaction: Transaction has a bad signature".into())
        );
        assert_eq!(read(1014, "Priority is too low", ""), Answer::NonceUsed);
        assert_eq!(
            read(-32603, "Internal error", ""),
            Answer::Refused("Internal error".into())
        );
    }
}
