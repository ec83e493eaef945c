//! Disputes about exact answers.

use codec::{DecodeAll, Encode};
use subxt::{config::substrate::H256, utils::Static};
use weft_disputes::{Claim, Claimed, Game, Move, PromptFault, ShownSketch, Side, view::DisputeStanding};
use weft_primitives::{
    JobId,
    page::{MAX_PAGE, Page},
};

use crate::{
    account::{AccountId, Signer},
    client::Client,
    error::ChainError,
    runtime,
    tx::Until,
};

/// A dispute that has not ended, as the chain shows it.
pub type Dispute = weft_disputes::view::DisputeView<AccountId, u32>;
/// Number of a dispute.
pub type DisputeId = u64;

/// What is over, and who lost what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ending {
    /// Who has won; `None` if the job was refuted in another dispute.
    pub winner: Option<Side>,
    /// Why, in one word of the chain's.
    pub verdict: String,
    /// What the other lost, in the smallest unit.
    pub lost: u128,
    /// What of it the winner got.
    pub reward: u128,
    /// In which block.
    pub block: u32,
}

/// What a dispute has come to: what its provider has shown so far, and how it ended if it has.
#[derive(Clone, Debug, Default)]
pub struct Transcript {
    /// Its sketch, if that was demanded.
    pub shown: Option<ShownSketch>,
    /// What it has revealed, in order.
    pub revealed: Vec<Move>,
    /// The end.
    pub ending: Option<Ending>,
}

/// The game that a dispute has come to; `None` while a sketch is awaited.
pub fn game(dispute: &Dispute) -> Option<Game> {
    let claim = Claim::decode_all(&mut dispute.claim.as_deref()?).ok()?;
    Some(Game {
        claim,
        stage: dispute.stage?,
    })
}

/// Whether a move of this side is awaited.
pub fn is_turn(dispute: &Dispute, side: Side) -> bool {
    dispute.standing == DisputeStanding::Open && dispute.turn == side
}

/// Reads and calls about disputes.
pub struct Disputes<'a> {
    pub(crate) client: &'a Client,
}

fn bytes(of: &impl Encode) -> runtime::runtime_types::bounded_collections::bounded_vec::BoundedVec<u8> {
    runtime::runtime_types::bounded_collections::bounded_vec::BoundedVec(of.encode())
}

impl Disputes<'_> {
    /// One dispute; `None` if it has ended, or there is none.
    pub async fn dispute(&self, dispute: DisputeId) -> Result<Option<Dispute>, ChainError> {
        self.client
            .read("show a dispute", |view| async move {
                let call = runtime::runtime_apis().disputes_api().dispute(dispute);
                let found = view.runtime_apis().call(call).await?;
                Ok(found.map(|Static(dispute)| dispute))
            })
            .await
    }

    /// A page of those that have not ended, from number `from`.
    pub async fn disputes(&self, from: DisputeId) -> Result<Page<Dispute>, ChainError> {
        self.client
            .read("list disputes", |view| async move {
                let call = runtime::runtime_apis().disputes_api().disputes(from, MAX_PAGE);
                let page = view.runtime_apis().call(call).await?;
                Ok(Page {
                    items: page.items.into_iter().map(|Static(dispute)| dispute).collect(),
                    next: page.next,
                })
            })
            .await
    }

    /// All that have not ended.
    pub async fn all(&self) -> Result<Vec<Dispute>, ChainError> {
        let (mut all, mut from) = (Vec::new(), Some(0));
        while let Some(start) = from {
            let page = self.disputes(start).await?;
            all.extend(page.items);
            from = page.next;
        }
        Ok(all)
    }

    /// Those about a job that have not ended.
    pub async fn of_job(&self, job: JobId) -> Result<Vec<Dispute>, ChainError> {
        self.client
            .read("list a job's disputes", |view| async move {
                let call = runtime::runtime_apis().disputes_api().disputes_of(job);
                let all = view.runtime_apis().call(call).await?;
                Ok(all.into_iter().map(|Static(dispute)| dispute).collect())
            })
            .await
    }

    /// Challenges a result: what is claimed of it, and the position of the first step that is wrong.
    pub async fn challenge(
        &self,
        who: &Signer,
        job: JobId,
        claimed: &Claimed,
        position: u32,
    ) -> Result<DisputeId, ChainError> {
        let call = runtime::transactions()
            .disputes()
            .challenge(job, bytes(claimed), position);
        let included = self.client.submit(who, &call, Until::InBlock).await?;
        Ok(included
            .event::<runtime::disputes::events::Challenged>("a challenge")?
            .dispute)
    }

    /// Challenges a result of which nothing was shown.
    pub async fn demand(&self, who: &Signer, job: JobId, text: u32) -> Result<DisputeId, ChainError> {
        let call = runtime::transactions().disputes().demand(job, text);
        let included = self.client.submit(who, &call, Until::InBlock).await?;
        Ok(included
            .event::<runtime::disputes::events::Challenged>("a challenge")?
            .dispute)
    }

    /// Shows that a result is not to what its job commits to. It needs no bond, and is judged at once.
    pub async fn fault(&self, who: &Signer, job: JobId, fault: &PromptFault) -> Result<DisputeId, ChainError> {
        let call = runtime::transactions().disputes().fault(job, bytes(fault));
        let included = self.client.submit(who, &call, Until::InBlock).await?;
        Ok(included
            .event::<runtime::disputes::events::Challenged>("a challenge")?
            .dispute)
    }

    /// Shows what was demanded.
    pub async fn show_sketch(&self, who: &Signer, dispute: DisputeId, shown: &ShownSketch) -> Result<(), ChainError> {
        let call = runtime::transactions().disputes().show_sketch(dispute, bytes(shown));
        self.client.submit(who, &call, Until::InBlock).await.map(drop)
    }

    /// Makes a move, by the call that is for it.
    pub async fn play(&self, who: &Signer, dispute: DisputeId, made: &Move) -> Result<(), ChainError> {
        let calls = runtime::transactions().disputes();
        let done = match made {
            Move::Open(_) | Move::Refute(_) => {
                let call = calls.judge(dispute, bytes(made));
                self.client.submit(who, &call, Until::InBlock).await
            }
            Move::RevealStep(_) | Move::RevealTiles { .. } | Move::RevealLeaves(_) | Move::ShowLeaf(_) => {
                let call = calls.reveal(dispute, bytes(made));
                self.client.submit(who, &call, Until::InBlock).await
            }
            Move::NamePosition(_)
            | Move::NameOperator(_)
            | Move::NameSection(_)
            | Move::NameTile { .. }
            | Move::NameLeaf { .. } => {
                let call = calls.name_place(dispute, bytes(made));
                self.client.submit(who, &call, Until::InBlock).await
            }
        };
        done.map(drop)
    }

    /// Gives up.
    pub async fn concede(&self, who: &Signer, dispute: DisputeId) -> Result<(), ChainError> {
        let call = runtime::transactions().disputes().concede(dispute);
        self.client.submit(who, &call, Until::InBlock).await.map(drop)
    }

    /// Asks governance to let a dispute go on in which one was silent.
    pub async fn appeal(&self, who: &Signer, dispute: DisputeId) -> Result<(), ChainError> {
        let call = runtime::transactions().disputes().appeal(dispute);
        self.client.submit(who, &call, Until::InBlock).await.map(drop)
    }

    /// Notes that a dispute is overdue or moot.
    pub async fn expire(&self, who: &Signer, dispute: DisputeId) -> Result<(), ChainError> {
        let call = runtime::transactions().disputes().expire(dispute);
        self.client.submit(who, &call, Until::InBlock).await.map(drop)
    }

    /// What the blocks from `since` on tell of a dispute. It is read from the best chain as it is now, so that nothing of a branch that
    /// was left stays.
    pub async fn transcript(&self, dispute: DisputeId, since: u32) -> Result<Transcript, ChainError> {
        let best = self.client.best().await?.number;
        let mut transcript = Transcript::default();
        for number in since..=best {
            let found = self
                .client
                .retry("show a block's events", || async move {
                    let hash: Option<H256> = self
                        .client
                        .rpc()
                        .chain_get_block_hash(Some(number.into()))
                        .await
                        .map_err(subxt::Error::from)?;
                    let Some(hash) = hash else { return Ok(Vec::new()) };
                    let view = self.client.view_at(hash).await.map_err(subxt::Error::from)?;
                    let events = view.events().fetch().await.map_err(subxt::Error::from)?;
                    let mut found = Vec::new();
                    for event in events.iter() {
                        let event = event.map_err(subxt::Error::from)?;
                        if event.pallet_name() == "Disputes" {
                            found.push((event.event_name().to_owned(), event.field_bytes().to_vec()));
                        }
                    }
                    Ok(found)
                })
                .await?;
            for (name, fields) in found {
                transcript.take_in(dispute, number, &name, &fields);
            }
            if transcript.ending.is_some() {
                break;
            }
        }
        Ok(transcript)
    }
}

impl Transcript {
    /// Takes in an event of the pallet, if it is about the dispute. What cannot be read was not checked by this chain's rules.
    fn take_in(&mut self, of: DisputeId, block: u32, name: &str, fields: &[u8]) {
        use codec::Decode;
        let mut fields = fields;
        let Ok(dispute) = DisputeId::decode(&mut fields) else {
            return;
        };
        if dispute != of {
            return;
        }
        match name {
            "SketchShown" => {
                let shown = Vec::<u8>::decode(&mut fields).ok();
                self.shown = shown.and_then(|bytes| ShownSketch::decode_all(&mut &bytes[..]).ok());
            }
            "Revealed" => {
                let revealed = Vec::<u8>::decode(&mut fields).ok();
                let made = revealed.and_then(|bytes| Move::decode_all(&mut &bytes[..]).ok());
                self.revealed.extend(made);
            }
            "Ended" => {
                let ended = <(JobId, VerdictOnChain, Side, u128, u128)>::decode(&mut fields);
                if let Ok((_, verdict, winner, lost, reward)) = ended {
                    self.ending = Some(Ending {
                        winner: Some(winner),
                        verdict: verdict.words(),
                        lost,
                        reward,
                        block,
                    });
                }
            }
            "Moot" => {
                self.ending = Some(Ending {
                    winner: None,
                    verdict: "moot".to_owned(),
                    lost: 0,
                    reward: 0,
                    block,
                });
            }
            _ => {}
        }
    }
}

/// How a dispute ended, as the pallet encodes it.
#[derive(Clone, Copy, Debug, codec::Decode)]
enum VerdictOnChain {
    Right,
    Lied(weft_disputes::Fraud),
    Unasked(weft_disputes::Unasked),
    Silent(Side),
    Conceded,
}

impl VerdictOnChain {
    fn words(self) -> String {
        match self {
            Self::Right => "nothing is wrong with what was named".to_owned(),
            Self::Lied(fraud) => format!("the provider lied: {}", fraud_words(fraud)),
            Self::Unasked(unasked) => format!("the answer is not what was asked for: {}", unasked_words(unasked)),
            Self::Silent(Side::Provider) => "the provider was silent".to_owned(),
            Self::Silent(Side::Challenger) => "the challenger was silent".to_owned(),
            Self::Conceded => "the challenger gave up".to_owned(),
        }
    }
}

fn unasked_words(unasked: weft_disputes::Unasked) -> &'static str {
    use weft_disputes::Unasked;
    match unasked {
        Unasked::Given => "it begins with more or fewer tokens than were given",
        Unasked::Tokens => "it begins with other tokens",
        Unasked::Choice => "its tokens were chosen otherwise",
        Unasked::TooLong => "it is too long",
        Unasked::TooShort => "it was broken off",
        Unasked::Texts => "it is to more or fewer texts",
    }
}

fn fraud_words(fraud: weft_disputes::Fraud) -> &'static str {
    use weft_disputes::Fraud;
    match fraud {
        Fraud::Tile => "a tile is wrong",
        Fraud::Token => "another token was chosen",
        Fraud::Result => "the result is another",
    }
}
