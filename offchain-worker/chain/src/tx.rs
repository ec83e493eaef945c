//! Submission: sign once, hand in, and follow that one extrinsic until it is in a block.
//!
//! What is looked for is the signed bytes themselves, in the bodies of the blocks since they were signed. That makes a
//! lost connection harmless: handing the same bytes in again cannot make the call happen twice (they carry a nonce), and
//! a new extrinsic is signed only once the old one can no longer be included, because its era has passed or its nonce
//! was used by another.

use std::{collections::BTreeSet, time::Duration};

use subxt::{
    config::DefaultExtrinsicParamsBuilder,
    error::DispatchError,
    events::{DecodeAsEvent, Events, Phase},
    transactions::Payload,
    utils::H256,
};
use tokio::time::{Instant, sleep};

use crate::{
    account::{AccountId, Signer},
    advice,
    blocks::BlockStamp,
    client::{Client, Failure, stamp},
    error::ChainError,
    pool::{self, Answer},
    runtime::Config,
};

/// When a submission counts as done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// In a block of the best chain: seconds, but a reorganisation could undo it.
    InBlock,
    /// In a finalised block.
    Finalised,
}

/// How many blocks after its birth an extrinsic is valid; a power of two, as eras are.
const LIFETIME_BLOCKS: u64 = 64;
/// If finality lags by more than this, eras start at the best block instead of the finalised one.
const MAX_FINALITY_LAG: u64 = 16;
/// Blocks below the best one that are looked at again, in case of a reorganisation.
const REORG_DEPTH: u64 = 8;
/// How often a new extrinsic is signed when others use up the nonce.
const MAX_SIGNATURES: u32 = 4;
/// Time between two looks at the chain.
const LOOK_AGAIN: Duration = Duration::from_millis(400);
/// Time after which the bytes are handed in again: a node that restarted has forgotten its pool.
const HAND_IN_AGAIN: Duration = Duration::from_secs(15);

/// An extrinsic that was executed with success.
pub(crate) struct Included {
    /// The block it is in.
    pub block: BlockStamp,
    /// What became of the calls in a batch, in their order. Empty if it was none.
    pub items: Vec<Result<(), ChainError>>,
    index: u32,
    events: Events<Config>,
}

impl Included {
    /// The first event of this kind that the extrinsic caused.
    pub fn event<E: DecodeAsEvent>(&self, what: &'static str) -> Result<E, ChainError> {
        self.events
            .iter()
            .filter_map(Result::ok)
            .filter(|event| event.phase() == Phase::ApplyExtrinsic(self.index))
            .find_map(|event| event.decode_fields_as::<E>())
            .ok_or_else(|| ChainError::Unreadable {
                what,
                reason: "the event it should have caused is missing".into(),
            })?
            .map_err(|error| ChainError::Unreadable {
                what,
                reason: error.to_string(),
            })
    }
}

struct Signed {
    account: AccountId,
    bytes: Vec<u8>,
    /// The last block in which it cannot be yet.
    birth: u64,
    /// The last block in which it can be.
    death: u64,
}

/// How the pursuit of one signed extrinsic ended, short of an error.
enum Pursued {
    Included(Included),
    /// It can no longer be included.
    Void,
}

impl Client {
    /// Signs `call`, submits it and waits. Submissions of one account through clones of one client queue up.
    pub(crate) async fn submit<C: Payload + Sync>(
        &self,
        signer: &Signer,
        call: &C,
        until: Until,
    ) -> Result<Included, ChainError> {
        let lock = self.signing_lock(signer.account());
        let _turn = lock.lock().await;
        let started = Instant::now();
        for _ in 0..MAX_SIGNATURES {
            let signed = self.sign(signer, call).await?;
            match self.pursue(&signed, until, started).await? {
                Pursued::Included(included) => {
                    tracing::debug!(account = %signed.account, block = included.block.number, "included");
                    return Ok(included);
                }
                Pursued::Void => {
                    tracing::debug!(account = %signed.account, "the nonce was used by another, signing again")
                }
            }
        }
        Err(ChainError::NotIncluded {
            waited: started.elapsed(),
        })
    }

    async fn sign<C: Payload + Sync>(&self, signer: &Signer, call: &C) -> Result<Signed, ChainError> {
        let account = signer.account();
        self.retry("prepare a transaction", || async {
            let best = self.view_best().await?;
            let finalised = self.view_finalised().await?;
            let lag = best.block_number().saturating_sub(finalised.block_number());
            let from = if lag <= MAX_FINALITY_LAG { &finalised } else { &best };
            let nonce = self
                .rpc()
                .system_account_next_index(&account)
                .await
                .map_err(subxt::Error::from)?;
            let params = DefaultExtrinsicParamsBuilder::<Config>::new()
                .nonce(nonce)
                .mortal_from_unchecked(LIFETIME_BLOCKS, from.block_number(), from.block_hash())
                .build();
            let bytes = best
                .transactions()
                .create_signable_offline(call, params)
                .and_then(|mut signable| signable.sign(signer.pair()))
                .map_err(subxt::Error::from)?
                .into_encoded();
            Ok(Signed {
                account,
                bytes,
                birth: from.block_number(),
                death: from.block_number().saturating_add(LIFETIME_BLOCKS),
            })
        })
        .await
    }

    async fn pursue(&self, signed: &Signed, until: Until, started: Instant) -> Result<Pursued, ChainError> {
        let mut handed_in: Option<Instant> = None;
        let mut nonce_used = false;
        let mut search = Search::from(signed.birth);
        loop {
            if handed_in.is_none_or(|at| at.elapsed() > HAND_IN_AGAIN) && !nonce_used {
                match self.hand_in(signed).await? {
                    Answer::Taken => {}
                    Answer::NonceUsed => nonce_used = true,
                    Answer::CannotPay => {
                        return Err(ChainError::CannotPayFee {
                            account: signed.account,
                        });
                    }
                    Answer::Refused(why) => return Err(ChainError::Refused(why)),
                }
                handed_in = Some(Instant::now());
            }
            let (best, found) = self.search(&mut search, &signed.bytes).await?;
            if let Some((block, index)) = found {
                if until == Until::InBlock || self.is_final(block).await? {
                    return Ok(Pursued::Included(self.outcome(block, index).await?));
                }
            } else if nonce_used || best > signed.death {
                return Ok(Pursued::Void);
            }
            if started.elapsed() > self.limits().inclusion {
                return Err(ChainError::NotIncluded {
                    waited: started.elapsed(),
                });
            }
            sleep(LOOK_AGAIN).await;
        }
    }

    async fn hand_in(&self, signed: &Signed) -> Result<Answer, ChainError> {
        self.retry("take a transaction", || async {
            match self.rpc().author_submit_extrinsic(&signed.bytes).await {
                Ok(_) => Ok(Answer::Taken),
                Err(subxt::rpcs::Error::User(error)) => {
                    let data = error.data.as_ref().map(|data| data.get()).unwrap_or_default();
                    Ok(pool::read(error.code, &error.message, data))
                }
                Err(error) => Err(Failure::from(subxt::Error::from(error))),
            }
        })
        .await
    }

    /// Looks for the extrinsic in the blocks not looked at yet. Returns the height of the best block, and the block and
    /// position where it was found.
    async fn search(&self, search: &mut Search, bytes: &[u8]) -> Result<(u64, Option<(H256, u32)>), ChainError> {
        let best = self
            .retry("tell its best block", || async {
                Ok(self.view_best().await?.block_number())
            })
            .await?;
        let mut number = search.next;
        while number <= best {
            let known = &search.looked_at;
            let looked = self
                .retry("show a block", || async {
                    let hash = self
                        .rpc()
                        .chain_get_block_hash(Some(number.into()))
                        .await
                        .map_err(subxt::Error::from)?;
                    let Some(hash) = hash.filter(|hash| !known.contains(hash)) else {
                        return Ok(None);
                    };
                    let block = self
                        .rpc()
                        .chain_get_block(Some(hash))
                        .await
                        .map_err(subxt::Error::from)?;
                    Ok(block.map(|block| (hash, block.block.extrinsics.iter().position(|found| found.0 == bytes))))
                })
                .await?;
            if let Some((hash, position)) = looked {
                if let Some(index) = position.and_then(|index| u32::try_from(index).ok()) {
                    return Ok((best, Some((hash, index))));
                }
                search.looked_at.insert(hash);
            }
            number = number.saturating_add(1);
        }
        search.next = search.next.max(best.saturating_sub(REORG_DEPTH));
        Ok((best, None))
    }

    async fn is_final(&self, block: H256) -> Result<bool, ChainError> {
        self.retry("tell whether a block is final", || async {
            let (block, finalised) = (
                self.view_at(block).await.map_err(subxt::Error::from)?,
                self.view_finalised().await?,
            );
            if finalised.block_number() < block.block_number() {
                return Ok(false);
            }
            let canonical = self
                .rpc()
                .chain_get_block_hash(Some(block.block_number().into()))
                .await
                .map_err(subxt::Error::from)?;
            Ok(canonical == Some(block.block_hash()))
        })
        .await
    }

    async fn outcome(&self, block: H256, index: u32) -> Result<Included, ChainError> {
        self.retry("tell how a transaction ended", || async {
            let view = self.view_at(block).await.map_err(subxt::Error::from)?;
            let events = view.events().fetch().await.map_err(subxt::Error::from)?;
            let mut items = Vec::new();
            for event in events.iter() {
                let event = event.map_err(subxt::Error::from)?;
                let ours = event.phase() == Phase::ApplyExtrinsic(index);
                if ours && event.pallet_name() == "System" && event.event_name() == "ExtrinsicFailed" {
                    let error =
                        DispatchError::decode_from(event.field_bytes(), view.metadata()).map_err(subxt::Error::from)?;
                    return Err(Failure::Final(rejected(&error)));
                }
                // The extrinsic itself succeeds whatever becomes of the call in it.
                if ours
                    && event.pallet_name() == "Sudo"
                    && event.event_name() == "Sudid"
                    && let Some(error) = refused_within(event.field_bytes())
                {
                    let error = DispatchError::decode_from(error, view.metadata()).map_err(subxt::Error::from)?;
                    return Err(Failure::Final(rejected(&error)));
                }
                // Nor does a batch fail with what is in it.
                if ours && event.pallet_name() == "Utility" {
                    match event.event_name() {
                        "ItemCompleted" => items.push(Ok(())),
                        "ItemFailed" => {
                            let error = DispatchError::decode_from(event.field_bytes(), view.metadata())
                                .map_err(subxt::Error::from)?;
                            items.push(Err(rejected(&error)));
                        }
                        _ => {}
                    }
                }
            }
            Ok(Included {
                block: stamp(&view),
                items,
                index,
                events,
            })
        })
        .await
    }
}

/// Where to look next, and what has been looked at.
struct Search {
    next: u64,
    looked_at: BTreeSet<H256>,
}

impl Search {
    fn from(birth: u64) -> Self {
        Self {
            next: birth.saturating_add(1),
            looked_at: BTreeSet::new(),
        }
    }
}

/// Of a `DispatchResult` in SCALE: the error, if it is one.
fn refused_within(result: &[u8]) -> Option<&[u8]> {
    match result.split_first() {
        Some((1, error)) => Some(error),
        _ => None,
    }
}

fn rejected(error: &DispatchError) -> ChainError {
    let DispatchError::Module(module) = error else {
        return ChainError::Rejected {
            pallet: "Runtime".into(),
            error: error.to_string(),
            advice: advice::on_runtime_error(error),
        };
    };
    match module.details() {
        Ok(details) => ChainError::Rejected {
            pallet: details.pallet.name().to_owned(),
            error: details.variant.name.clone(),
            advice: advice::on(details.pallet.name(), &details.variant.name)
                .map_or_else(|| details.variant.docs.join(" ").trim().to_owned(), str::to_owned),
        },
        Err(_) => ChainError::Rejected {
            pallet: format!("pallet {}", module.pallet_index()),
            error: format!("error {}", module.error_index()),
            advice: "the chain knows an error that this build does not; upgrade weft".into(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_result_within_an_event_is_told_apart() {
        assert_eq!(refused_within(&[0]), None);
        assert_eq!(refused_within(&[]), None);
        assert_eq!(refused_within(&[1, 2]), Some(&[2u8][..]));
    }
}
