//! A job's receipt, and whether the money moved as it says, to the unit.

use serde_json::Value;

use crate::{
    address::public_key,
    error::HarnessError,
    purse::{Purse, pallet_account},
    rpc::Rpc,
};

/// The treasury's identity on chain.
const TREASURY: &[u8; 8] = b"weft/tsy";

/// What a receipt says of the money, in the smallest unit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Split {
    /// To the provider.
    pub provider: u128,
    /// To the creator of the model.
    pub royalty: u128,
    /// To the treasury.
    pub treasury: u128,
    /// Back to the user.
    pub refund: u128,
}

impl Split {
    /// What was paid for the work.
    pub fn price(&self) -> u128 {
        self.provider + self.royalty + self.treasury
    }

    /// What was held for the job.
    pub fn escrow(&self) -> u128 {
        self.price() + self.refund
    }
}

/// An ended job, as the node's RPC shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// Number of the job.
    pub job: u64,
    /// Who posted it.
    pub user: String,
    /// Why it ended, such as `completed`.
    pub reason: String,
    /// Who held it when it ended.
    pub provider: Option<String>,
    /// CID of the sealed answer.
    pub output: Option<String>,
    /// Tokens charged.
    pub used_tokens: u64,
    /// Who got what.
    pub split: Split,
    /// How many providers it was given to.
    pub attempts: u64,
    /// Block in which it ended.
    pub ended_at: u32,
}

impl Receipt {
    /// Reads the answer of `weft_job`, or the `receipt` of `weft run --json`.
    pub fn read(view: &Value) -> Result<Self, HarnessError> {
        let state = &view["state"];
        let unlike = |field: &str| HarnessError::answer("weft_job", format!("no {field} of an ended job in {view}"));
        let text = |field: &str| state[field].as_str().map(str::to_owned);
        let amount = |part: &str| {
            let digits = state["split"][part].as_str().ok_or_else(|| unlike(part))?;
            digits.parse::<u128>().map_err(|_| unlike(part))
        };
        Ok(Self {
            job: view["id"].as_u64().ok_or_else(|| unlike("id"))?,
            user: view["user"].as_str().map(str::to_owned).ok_or_else(|| unlike("user"))?,
            reason: text("reason").ok_or_else(|| unlike("reason"))?,
            provider: text("provider"),
            output: text("output"),
            used_tokens: state["used_tokens"].as_u64().ok_or_else(|| unlike("used_tokens"))?,
            split: Split {
                provider: amount("provider")?,
                royalty: amount("royalty")?,
                treasury: amount("treasury")?,
                refund: amount("refund")?,
            },
            attempts: view["attempts"].as_u64().ok_or_else(|| unlike("attempts"))?,
            ended_at: state["ended_at"]
                .as_u64()
                .and_then(|at| at.try_into().ok())
                .ok_or_else(|| unlike("ended_at"))?,
        })
    }
}

/// An account's purse around the block in which a job ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// After the block before it.
    pub before: Purse,
    /// After it.
    pub after: Purse,
}

impl Change {
    fn read(rpc: &Rpc, account: &[u8; 32], block: u32) -> Result<Self, HarnessError> {
        let before = block
            .checked_sub(1)
            .ok_or_else(|| HarnessError::answer("weft_job", "ended in block 0"))?;
        Ok(Self {
            before: Purse::of(rpc, account, before)?,
            after: Purse::of(rpc, account, block)?,
        })
    }

    /// What it gained, held funds included; what it lost, if negative.
    pub fn gain(&self) -> i128 {
        difference(self.after.total(), self.before.total())
    }
}

fn difference(after: u128, before: u128) -> i128 {
    // Balances are far below 2^127: the whole issuance is.
    after as i128 - before as i128
}

/// How the money moved in the block in which a job ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Settlement {
    /// The provider's owner account.
    pub provider: Change,
    /// The device. A commit that succeeds is free, so nothing should change for it.
    pub device: Change,
    /// The creator of the model.
    pub creator: Change,
    /// The treasury, which gets its cut, and the fee if there were one.
    pub treasury: Change,
    /// The user.
    pub user: Change,
}

impl Settlement {
    /// Reads the balances around the end of a completed job. The accounts must take part in nothing else in that block.
    pub fn read(rpc: &Rpc, receipt: &Receipt, device: &str, creator: &str) -> Result<Self, HarnessError> {
        let provider = receipt.provider.as_deref().unwrap_or_default();
        let change = |account: [u8; 32]| Change::read(rpc, &account, receipt.ended_at);
        Ok(Self {
            provider: change(public_key(provider)?)?,
            device: change(public_key(device)?)?,
            creator: change(public_key(creator)?)?,
            treasury: change(pallet_account(TREASURY))?,
            user: change(public_key(&receipt.user)?)?,
        })
    }

    /// The fee that the device paid.
    pub fn fee(&self) -> i128 {
        -self.device.gain()
    }

    /// Everything in which the balances differ from what the receipt says; empty if they agree to the unit.
    pub fn differences(&self, split: &Split) -> Vec<String> {
        let of = |amount: u128| difference(amount, 0);
        let checks = [
            ("the provider's gain", self.provider.gain(), of(split.provider)),
            ("the creator's gain", self.creator.gain(), of(split.royalty)),
            (
                "the treasury's gain less the fee",
                self.treasury.gain() - self.fee(),
                of(split.treasury),
            ),
            ("the user's released escrow", -held(&self.user), of(split.escrow())),
            (
                "the user's refund",
                difference(self.user.after.free, self.user.before.free),
                of(split.refund),
            ),
            ("all gains and losses together", self.total(), 0),
        ];
        checks
            .iter()
            .filter(|(_, found, expected)| found != expected)
            .map(|(what, found, expected)| format!("{what} is {found} where the receipt says {expected}"))
            .collect()
    }

    fn total(&self) -> i128 {
        [self.provider, self.device, self.creator, self.treasury, self.user]
            .iter()
            .map(Change::gain)
            .sum()
    }
}

fn held(change: &Change) -> i128 {
    difference(change.after.held, change.before.held)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn change(before: (u128, u128), after: (u128, u128)) -> Change {
        let purse = |(free, held)| Purse { free, held };
        Change {
            before: purse(before),
            after: purse(after),
        }
    }

    fn sound() -> (Settlement, Split) {
        let split = Split {
            provider: 90,
            royalty: 6,
            treasury: 4,
            refund: 50,
        };
        let settlement = Settlement {
            provider: change((1000, 100), (1090, 100)),
            device: change((500, 0), (493, 0)),
            creator: change((0, 20), (6, 20)),
            treasury: change((10_000, 0), (10_011, 0)),
            user: change((300, 150), (350, 0)),
        };
        (settlement, split)
    }

    #[test]
    fn balances_that_agree_have_no_differences() {
        let (settlement, split) = sound();
        assert_eq!(settlement.fee(), 7);
        assert_eq!(split.price(), 100);
        assert_eq!(settlement.differences(&split), [] as [String; 0]);
    }

    #[test]
    fn one_unit_astray_is_found_wherever_it_is() {
        let (settlement, split) = sound();
        let mut astray = [settlement; 5];
        astray[0].provider.after.free += 1;
        astray[1].creator.after.free -= 1;
        astray[2].treasury.after.free += 1;
        astray[3].user.after.free -= 1;
        astray[4].user.after.held += 1;
        for settlement in astray {
            assert!(!settlement.differences(&split).is_empty(), "{settlement:?}");
        }
        // Paid to the wrong one: the sum is right, the parts are not.
        let mut swapped = settlement;
        swapped.provider.after.free -= 1;
        swapped.creator.after.free += 1;
        assert_eq!(swapped.differences(&split).len(), 2);
    }

    #[test]
    fn a_receipt_is_read_and_a_living_job_is_not() {
        let view = json!({
            "id": 3, "user": "5F", "model": 0, "posted_at": 7, "attempts": 2,
            "state": {
                "state": "ended", "reason": "completed", "provider": "5G", "output": "bafk", "result_hash": "0x00",
                "output_key": "0x00", "used_tokens": 12, "ended_at": 9,
                "split": { "provider": "90", "royalty": "6", "treasury": "4", "refund": "50" },
            },
        });
        let receipt = Receipt::read(&view).unwrap();
        assert_eq!((receipt.job, receipt.attempts, receipt.ended_at), (3, 2, 9));
        assert_eq!(receipt.split, sound().1);
        let living =
            json!({ "id": 3, "user": "5F", "attempts": 1, "state": { "state": "living", "phase": "running" } });
        assert!(Receipt::read(&living).is_err());
    }
}
