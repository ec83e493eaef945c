//! Decisions, sent with the key of `sudo`.

use serde_json::{Value, json};
use weft_chain::{AccountId, governance::Decision};
use weft_primitives::{
    AssetId,
    space::{Grievance, SpaceId},
};

use super::{Shared, Verdict};
use crate::{failure::Failure, output, space::named};

/// Resolves a report of an asset.
pub async fn asset_report(shared: Shared, asset: AssetId, verdict: Verdict) -> Result<(), Failure> {
    let (reporter, upheld) = (verdict.reporter, verdict.upheld.uphold);
    let decision = Decision::AssetReport {
        asset,
        reporter,
        upheld,
    };
    let told = json!({ "asset": asset, "reporter": reporter, "upheld": upheld });
    let said = format!("asset {asset}: the report by {reporter} is {}", ended(upheld));
    send(shared, decision, told, &said).await
}

/// Resolves a report of a Space.
pub async fn space_report(shared: Shared, space: SpaceId, verdict: Verdict) -> Result<(), Failure> {
    let (reporter, upheld) = (verdict.reporter, verdict.upheld.uphold);
    let decision = Decision::SpaceReport {
        space,
        reporter,
        upheld,
    };
    let told = json!({ "space": space, "reporter": reporter, "upheld": upheld });
    let said = format!("Space {space}: the report by {reporter} is {}", ended(upheld));
    send(shared, decision, told, &said).await
}

/// Takes a Space down.
pub async fn take_down(shared: Shared, space: SpaceId, why: Grievance) -> Result<(), Failure> {
    let told = json!({ "space": space, "why": why });
    let said = format!("Space {space}: taken down, {}", named(&why));
    send(shared, Decision::TakeDown { space, why }, told, &said).await
}

/// Puts a Space back.
pub async fn restore(shared: Shared, space: SpaceId) -> Result<(), Failure> {
    let told = json!({ "space": space });
    let said = format!("Space {space}: put back");
    send(shared, Decision::Restore { space }, told, &said).await
}

/// Features a Space, or does so no more.
pub async fn feature(shared: Shared, space: SpaceId, featured: bool) -> Result<(), Failure> {
    let told = json!({ "space": space, "featured": featured });
    let said = match featured {
        true => format!("Space {space}: featured"),
        false => format!("Space {space}: featured no more"),
    };
    send(shared, Decision::Feature { space, featured }, told, &said).await
}

fn ended(upheld: bool) -> &'static str {
    match upheld {
        true => "upheld",
        false => "rejected",
    }
}

async fn send(shared: Shared, decision: Decision, told: Value, said: &str) -> Result<(), Failure> {
    let (_, signer) = shared.identity.open()?;
    let client = shared.node.connect().await?;
    check(client.governance().sudo_key().await?, signer.account())?;
    client.governance().decide(&signer, decision).await?;
    if shared.json {
        return output::json(&told);
    }
    output::line(said)
}

/// Whether this account may decide.
fn check(key: Option<AccountId>, signer: AccountId) -> Result<(), Failure> {
    match key {
        Some(key) if key == signer => Ok(()),
        Some(key) => Err(Failure::Refused(format!(
            "{signer} does not govern this chain: use --account with the key of {key}, which has sudo"
        ))),
        None => Err(Failure::Refused(
            "this chain has no sudo key: propose the call to whoever governs it".into(),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_key_of_sudo_decides() {
        let (key, other) = (AccountId([1; 32]), AccountId([2; 32]));
        assert!(check(Some(key), key).is_ok());
        let refused = check(Some(key), other).unwrap_err();
        assert_eq!(refused.code(), 4);
        assert!(refused.to_string().contains(&key.to_string()), "{refused}");
        assert!(check(None, other).unwrap_err().to_string().contains("no sudo key"));
    }
}
