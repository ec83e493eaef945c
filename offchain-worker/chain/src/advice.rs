//! What to do about a refusal of the runtime.

use subxt::error::{DispatchError, TokenError};

/// One sentence of what to do, for the errors a user of this build can run into; `None` for others.
pub fn on(pallet: &str, error: &str) -> Option<&'static str> {
    Some(match (pallet, error) {
        ("Jobs", "DeadlinePassed") => "the deadline for this has passed; the job is re-assigned or refunded by itself",
        ("Jobs", "NotYetDue") => "the deadline has not passed yet; wait for it",
        ("Jobs", "InputAlreadyReleased") => {
            "the input was already released to the provider, so the job runs and cannot be taken back"
        }
        ("Jobs", "InputNotReleased") => "the user has not released the input yet; wait for it",
        ("Jobs", "NoProvider") => "nobody offers this model now; run a provider for it or try again later",
        ("Jobs", "PriceBelowAsk") => {
            "every provider of this model asks for more; raise --max-price or lower --max-tokens"
        }
        ("Jobs", "UnknownModel") => "there is no such model, or it is retired; see `weft asset ls`",
        ("Jobs", "ModelIsNotExact") => {
            "this model is not exact; leave out --exact, or choose one for which `weft asset show` shows an exact root"
        }
        ("Jobs", "TierNeedsExact") => "only exact answers can be challenged; add --exact, or leave --challenges out",
        ("Jobs", "AlreadyCommitted") => "there is a result already; see `weft job show`",
        ("Jobs", "Disputed") => "disputes about the result go on; see `weft dispute ls`",
        ("Jobs", "StakeMissing") => {
            "the provider's stake is below the minimum, so that nothing answers for the result; run `weft provider bond`"
        }
        ("Disputes", "NotFound") => "there is no such dispute, or it has ended; see `weft dispute ls`",
        ("Disputes", "NothingToChallenge") => "the job has no result that can still be challenged; see `weft job show`",
        ("Disputes", "TooLate") => "the window for it has passed",
        ("Disputes", "NotYetDue") => "the deadline has not passed yet; wait for it",
        ("Disputes", "OwnResult") => "providers do not challenge what is their own; use another --account",
        ("Disputes", "PrivateJob") => "only who posted the job may challenge its result; use that --account",
        ("Disputes", "BondNotCovered") => "the account does not hold the bond; send it some WEFT",
        ("Disputes", "NotYourTurn") => "it is the turn of somebody else; see `weft dispute show`",
        ("Disputes", "NotNow") => "another move is awaited, or none; see `weft dispute show`",
        ("Disputes", "Moot") => {
            "the job was refuted in another dispute, so that this one is over, too; its bond comes back"
        }
        ("Disputes", "PromptNotCommitted") => {
            "the job does not commit to its prompt; its computation can be challenged all the same"
        }
        ("Disputes", "NotShown") => "the answer is as it was asked for, or this is another job's prompt",
        ("Disputes", "NothingToAppeal") => "nobody was silent in this dispute, or an appeal was made already",
        ("Jobs", "TraceRootMissing") => "the job is exact and its result has no trace root; upgrade weft on the device",
        ("Jobs", "UnexpectedTraceRoot") => {
            "the job is not exact and its result has a trace root; upgrade weft on the device"
        }
        ("Jobs", "NotFound") => "there is no such job; see `weft job ls`",
        ("Jobs", "AlreadyEnded") => "the job has ended; see its receipt with `weft job show`",
        ("Jobs", "NotYours") => "the job belongs to another account; use the one that posted it",
        ("Jobs", "NotAssignedToYou") => "the job is assigned to another device now; nothing is left to do here",
        ("Jobs", "EscrowNotCovered") => {
            "the account does not hold the maximum price; send it WEFT or lower --max-price"
        }
        ("Jobs", "TooManyTokens") => "the chain allows fewer tokens a job; lower --max-tokens",
        ("Jobs", "StaleDeviceKey") => "the job was re-assigned meanwhile; wrap the input for the device it has now",
        ("Jobs", "NoTokens") => "a job must allow at least one token; raise --max-tokens",
        ("Providers", "NotFound") => "this account is not registered as a provider; run `weft provider register` first",
        ("Providers", "AlreadyRegistered") => "this account is registered already; see `weft provider status`",
        ("Providers", "OwnerIsDevice") => "this account is the device of a provider; let another account be the owner",
        ("Providers", "DeviceInUse") => "the device works for another owner; use another --home for this one",
        ("Providers", "InvalidConsent") => {
            "the device's consent is for another owner or chain; register from the device's --home"
        }
        ("Providers", "CapacityBelowBusy") => {
            "more jobs are running than the new capacity; pause and wait for them to end"
        }
        ("Providers", "Busy") => "jobs are running; pause and wait for them to end",
        ("Providers", "StakeRemains") => "stake is bonded or on its way out; unbond and withdraw it first",
        ("Providers", "InsufficientStake") => "less than this is bonded; see `weft provider status`",
        ("Providers", "StakeNeeded") => {
            "jobs are running, for which the minimum stake has to stay; pause and wait for them to end"
        }
        ("Providers", "TooManyUnbonding") => {
            "too many portions are on their way out; withdraw those that are due, or wait"
        }
        ("Providers", "NothingDue") => "nothing that was unbonded is due yet; wait for the unbonding period to pass",
        ("Providers", "UnknownModel") => "there is no such model, or it is retired; see `weft asset ls`",
        ("Providers", "TooManyOffers") => "the chain allows no more offers a provider; withdraw one first",
        ("Providers", "NotOffered") => "this model is not offered; make an offer with `weft provider offer`",
        ("Providers", "AlreadyPaused") => "the provider takes no jobs already",
        ("Providers", "AlreadyAvailable") => "the provider takes jobs already",
        ("Market", "NotFound") => "there is no such asset; see `weft asset ls`",
        ("Market", "NotOwner") => "the work belongs to another account; use the one that owns it",
        ("Jobs", "NoLicence") => "this model needs a licence; buy one with `weft market buy`",
        ("Jobs", "LicenceRanOut") => "your licence has run out; buy more with `weft market buy`",
        ("Market", "UnknownTariff") => "the work has no such tariff any more; see `weft market show`",
        ("Market", "PriceNotCovered") => "the account does not hold the price; send it some, or choose another tariff",
        ("Market", "NotPaid") => "only who paid for a work rates it; buy a licence, or name a completed job of yours",
        ("Market", "OwnWork") => {
            "the work is your own; its owner needs no licence, and neither rates it nor vouches for it"
        }
        ("Market", "UnknownCurrency") => {
            "prices cannot be asked or paid in this token (any more); see `weft balance` for those that are accepted"
        }
        ("Market", "NotReported") => "this account has no undecided report against the asset; see `weft market show`",
        ("Market", "NoEndpoint") => "no endpoint is set for this account",
        ("Market", "NotRated") => "this account has not rated the work",
        ("Market", "NotOffered") => "the work is not offered to this account; ask its owner for `weft market transfer`",
        ("Market", "TooEarly") => "it is too early for that; see docs/market.md for how long it takes",
        ("Assets", "BalanceLow" | "NoAccount") => "the account does not hold so much of this token",
        ("Assets", "Unknown") => "there is no such token; see `weft balance` for those that are accepted",
        ("Custody", "TooFewCustodians") => {
            "fewer custodians are available than asked for; lower --custodians, or wait for more; see `weft custodian ls`"
        }
        ("Custody", "FeeNotCovered") => "the account cannot pay the custodians' fees; send it some WEFT",
        ("Custody", "OnDuty") => {
            "this custodian is on duty; run `weft custodian pause`, keep running, and wait to be replaced"
        }
        ("Custody", "NotCustodian") => "this account is no custodian; run `weft custodian register`",
        ("Custody", "AlreadyRegistered") => "this account is a custodian already; see `weft custodian status`",
        ("Custody", "ZeroAmount") => "an amount of zero does nothing; give another",
        ("Custody", "InsufficientStake") => "there is not so much stake; see `weft custodian status`",
        ("Custody", "StakeNeeded") => {
            "while this custodian is on duty the minimum stake has to stay; take out less, or run `weft custodian pause` and wait to be replaced"
        }
        ("Custody", "UnusableKey") => "nothing can be wrapped for this encryption key; make a new one",
        ("Custody", "NoKey") => {
            "this account has no key of this asset from custodians, so no deposit is held for it; is it the provider's owner account?"
        }
        ("Custody", "NotInForce") => "the licence was revoked or has run out, so no key is released for it",
        ("Custody", "AlreadyEntrusted") => "the key is in custody already; see `weft market show`",
        ("Pins", "NoPiecesRoot") => {
            "the asset was published without a root over its pieces; publish a version with a newer weft"
        }
        ("Market", "AlreadyRetired") => "the asset is retired; nothing new can be begun on it",
        ("Market", "InvalidName") => {
            "the name is empty, too long, or has characters that cannot be shown; give another --name"
        }
        ("Market", "RoyaltyTooHigh") => "the chain allows less royalty; lower --royalty",
        ("Market", "OnlyModelsAreExact") => "only models can be exact; publish this asset without an exact root",
        ("Market", "UnknownProvider") => "that account is not registered as a provider",
        ("Market", "StaleEncryptionKey") => "the provider has changed its key; wrap for the new one",
        ("Market", "NotGranted") => "the provider has no key of this asset",
        ("Market" | "Providers", "InvalidEndpoint") => {
            "the endpoint is not a URL in plain characters; write it like http://host:port"
        }
        ("Balances", "InsufficientBalance") => "the account does not hold enough WEFT; send it some",
        ("Balances", "ExistentialDeposit" | "Expendability") => {
            "this would leave less than the least balance an account may hold; send less"
        }
        _ => return None,
    })
}

/// One sentence of what to do about an error that no pallet owns.
pub(crate) fn on_runtime_error(error: &DispatchError) -> String {
    match error {
        DispatchError::Token(TokenError::FundsUnavailable | TokenError::NotExpendable | TokenError::Frozen) => {
            "the account does not hold enough free WEFT; send it some".into()
        }
        DispatchError::Token(TokenError::BelowMinimum | TokenError::CannotCreate) => {
            "the receiving account would hold less than the least balance an account may hold; send more".into()
        }
        DispatchError::BadOrigin | DispatchError::RootNotAllowed => {
            "this account may not do that; use another --account".into()
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_custodian_or_provider_can_run_into_has_advice() {
        for error in [
            "NotCustodian",
            "AlreadyRegistered",
            "ZeroAmount",
            "InsufficientStake",
            "StakeNeeded",
            "OnDuty",
            "UnusableKey",
            "NoKey",
        ] {
            assert!(on("Custody", error).is_some(), "{error}");
        }
    }
}
