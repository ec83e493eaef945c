//! Notes and reviews: texts that the chain names by their content, and that those who wrote them serve.
//!
//! They are strangers' words from strangers' machines. What is fetched is one block of a bounded size that is checked
//! against its CID, within a bounded time; what is shown has no character that a terminal would obey.

use std::{collections::BTreeMap, time::Duration};

use serde::Serialize;
use tokio::task::JoinSet;
use weft_chain::{AccountId, Client};
use weft_primitives::{ContentCodec, ContentId};

use crate::{failure::Failure, peers::Peers};

/// Most bytes of a note, a review, or what explains a report.
pub const MAX_TEXT_BYTES: usize = 16 << 10;
/// A few round trips; whoever takes longer is as good as away.
const FETCHED_WITHIN: Duration = Duration::from_secs(5);
/// So many at a time, so that those who are away cost the time of one.
const AT_A_TIME: usize = 16;

/// What became of a text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum Text {
    /// It is here.
    Fetched {
        /// As it was written.
        text: String,
    },
    /// Its writer does not say where they serve it, or does not serve it there.
    NotServed,
    /// It is too long, or no text.
    Unreadable,
    /// It was not asked for.
    NotFetched,
}

/// The texts that were asked for, by writer and name.
pub type Texts = BTreeMap<(AccountId, ContentId), Text>;

/// Fetches texts from those who wrote them.
pub async fn fetch(
    client: &Client,
    wanted: impl IntoIterator<Item = (AccountId, ContentId)>,
) -> Result<Texts, Failure> {
    let mut texts: Texts = wanted.into_iter().map(|named| (named, Text::NotServed)).collect();
    let named: Vec<_> = texts.keys().copied().collect();
    let mut endpoints = BTreeMap::new();
    for some in named.chunks(AT_A_TIME) {
        let mut fetching = JoinSet::new();
        for (writer, id) in some.iter().copied() {
            let endpoint = match endpoints.get(&writer) {
                Some(known) => Option::clone(known),
                None => {
                    let found = client.market().endpoint(writer).await?;
                    endpoints.insert(writer, found.clone());
                    found
                }
            };
            let Some(endpoint) = endpoint else {
                continue;
            };
            let peers = Peers::new([endpoint])?;
            fetching.spawn(async move { ((writer, id), read(&peers, id).await) });
        }
        while let Some(read) = fetching.join_next().await {
            let (named, text) = read.map_err(|panic| Failure::local("fetching a text failed", panic))?;
            texts.insert(named, text);
        }
    }
    Ok(texts)
}

async fn read(peers: &Peers, id: ContentId) -> Text {
    // A text is one block; a tree of them would be a file.
    if id.codec != ContentCodec::Raw {
        return Text::Unreadable;
    }
    match tokio::time::timeout(FETCHED_WITHIN, peers.get(id)).await {
        Ok(Ok(bytes)) => readable(&bytes),
        Ok(Err(failure)) => {
            tracing::debug!(%id, %failure, "not served");
            Text::NotServed
        }
        Err(_) => Text::NotServed,
    }
}

fn readable(bytes: &[u8]) -> Text {
    match std::str::from_utf8(bytes) {
        Ok(text) if bytes.len() <= MAX_TEXT_BYTES => Text::Fetched { text: text.to_owned() },
        _ => Text::Unreadable,
    }
}

/// Lines for a terminal: what would move the cursor, colour, or turn the direction of writing is spelt out.
pub fn printable(text: &str) -> Vec<String> {
    let obeyed = |letter: char| {
        letter.is_control()
            || matches!(letter, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    let line = |line: &str| -> String {
        line.chars()
            .flat_map(|letter| match obeyed(letter) {
                true => letter.escape_default().collect::<Vec<_>>(),
                false => vec![letter],
            })
            .collect()
    };
    text.lines().map(line).collect()
}

impl Text {
    /// Lines for a terminal; `id` stands for a text that is not here.
    pub fn lines(&self, id: ContentId) -> Vec<String> {
        match self {
            Self::Fetched { text } => printable(text),
            Self::NotServed => vec![format!("not served: {id}")],
            Self::Unreadable => vec![format!("no text, or a too long one: {id}")],
            Self::NotFetched => vec![id.to_string()],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        blocks::{Blocks, Wants},
        home::Home,
    };

    #[test]
    fn what_a_terminal_would_obey_is_spelt_out() {
        let said = "fine\n\u{1b}[2J\u{7}gone\r\u{202e}txt\u{9b}1m";
        assert_eq!(
            printable(said),
            ["fine", "\\u{1b}[2J\\u{7}gone\\r\\u{202e}txt\\u{9b}1m"]
        );
        assert_eq!(printable("Größe 1 ≤ 2"), ["Größe 1 ≤ 2"]);
    }

    #[test]
    fn what_is_long_or_no_text_is_not_shown() {
        assert_eq!(
            readable(b"good"),
            Text::Fetched {
                text: "good".to_owned()
            }
        );
        assert_eq!(readable(b"\xff"), Text::Unreadable);
        assert_eq!(readable(&vec![b'a'; MAX_TEXT_BYTES + 1]), Text::Unreadable);
        let json = serde_json::to_value(Text::NotServed).unwrap();
        assert_eq!(json, serde_json::json!({ "state": "not_served" }));
    }

    #[tokio::test]
    async fn what_is_served_is_read_unless_it_is_too_long() {
        let dir = tempfile::tempdir().unwrap();
        let home = Home::open(Some(dir.path().to_owned())).unwrap();
        let blocks = Blocks::open(&home).unwrap();
        let short = blocks.put(b"fine".to_vec()).await.unwrap();
        let long = blocks.put(vec![b'a'; MAX_TEXT_BYTES + 1]).await.unwrap();
        let served = blocks.serve("127.0.0.1:0".parse().unwrap(), Wants::nothing()).await;
        let served = served.unwrap();
        let peers = Peers::new([format!("http://{}", served.address())]).unwrap();
        assert_eq!(
            read(&peers, short).await,
            Text::Fetched {
                text: "fine".to_owned()
            }
        );
        assert_eq!(read(&peers, long).await, Text::Unreadable);
        let absent = ContentId {
            sha256: [7; 32],
            ..short
        };
        assert_eq!(read(&peers, absent).await, Text::NotServed);
        served.stop().await;
    }

    #[tokio::test]
    async fn nobody_who_serves_it_is_no_failure() {
        let id = ContentId {
            codec: ContentCodec::Raw,
            sha256: [7; 32],
        };
        let nobody = Peers::new(["http://127.0.0.1:1".to_owned()]).unwrap();
        assert_eq!(read(&nobody, id).await, Text::NotServed);
        let tree = ContentId {
            codec: ContentCodec::DagPb,
            ..id
        };
        assert_eq!(read(&nobody, tree).await, Text::Unreadable);
    }
}
