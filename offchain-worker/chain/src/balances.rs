//! Native tokens.

use weft_primitives::Balance;

use crate::{
    account::{AccountId, Signer},
    client::Client,
    error::ChainError,
    runtime,
    tx::Until,
};

/// What an account has, in the smallest unit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Purse {
    /// Can be spent, but for the least balance an account keeps.
    pub free: Balance,
    /// Held: stake, deposits, escrow.
    pub held: Balance,
}

/// Reads and calls about native tokens.
pub struct Balances<'a> {
    pub(crate) client: &'a Client,
}

impl Balances<'_> {
    /// What an account has; nothing if it never got anything.
    pub async fn of(&self, account: AccountId) -> Result<Purse, ChainError> {
        self.client
            .read("tell a balance", |view| async move {
                let found = view
                    .storage()
                    .try_fetch(runtime::storage().system().account(), (account,))
                    .await?;
                Ok(match found {
                    Some(value) => {
                        let data = value.decode()?.data;
                        Purse {
                            free: data.free,
                            held: data.reserved,
                        }
                    }
                    None => Purse::default(),
                })
            })
            .await
    }

    /// Sends tokens; the sender's account is kept alive. Waits for `until`.
    pub async fn transfer(
        &self,
        from: &Signer,
        to: AccountId,
        amount: Balance,
        until: Until,
    ) -> Result<(), ChainError> {
        let call = runtime::transactions()
            .balances()
            .transfer_keep_alive(subxt::utils::MultiAddress::Id(to), amount);
        self.client.submit(from, &call, until).await.map(drop)
    }
}
