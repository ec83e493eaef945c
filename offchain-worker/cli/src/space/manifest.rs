//! `space.json`: what a Space is, what it may do, and which models it calls.

use serde::{Deserialize, Serialize};
use weft_primitives::{AssetId, AssetKind, asset::is_name, space::Category};

use super::bundle::{self, InvalidPath};

/// Name of the file in a bundle.
pub const FILE: &str = "space.json";
/// Most bytes of it.
pub const MAX_BYTES: usize = 64 << 10;

const FORM: &str = "weft/space/1";
/// As long as the chain takes titles, versions and the like.
const MAX_TITLE_BYTES: usize = 64;
const MAX_VERSION_BYTES: usize = 32;
const MAX_TEXT_BYTES: usize = 16 << 10;

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SpaceManifest {
    /// Always the same text.
    form: String,
    /// What people call it.
    pub title: String,
    /// One sentence about it.
    #[serde(default)]
    pub summary: String,
    /// Where it stands in the store.
    pub category: Category,
    /// What its author calls this release.
    pub version: String,
    /// Under which licence it is given, as an SPDX expression.
    pub licence: String,
    /// What is new in this release.
    #[serde(default)]
    pub notes: String,
    /// Where it begins.
    pub entry: Entry,
    /// What its pages may ask of the host. Whatever is not here is refused.
    pub capabilities: Vec<Capability>,
    /// The models behind the capabilities, one of a kind.
    #[serde(default)]
    pub calls: Vec<Call>,
    /// Bounds that its author sets, within those of the host.
    #[serde(default)]
    pub limits: Limits,
}

/// Where a Space begins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// The page that is opened.
    pub web: String,
}

/// What a page may ask of the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Capability {
    /// Continue a chat.
    Chat,
    /// Embed texts.
    Embed,
    /// Search the text files of the folder that the user names.
    Search,
    /// Say what images show.
    Classify,
}

impl Capability {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Chat, Self::Embed, Self::Search, Self::Classify];

    /// The kind of model that it needs.
    pub fn needs(self) -> AssetKind {
        match self {
            Self::Chat => AssetKind::TextModel,
            Self::Embed | Self::Search => AssetKind::EmbeddingModel,
            Self::Classify => AssetKind::ImageModel,
        }
    }

    /// As in the manifest.
    pub fn name(self) -> &'static str {
        match self {
            Self::Chat => "chat",
            Self::Embed => "embed",
            Self::Search => "search",
            Self::Classify => "classify",
        }
    }
}

/// A model that a Space calls.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Call {
    /// What it is.
    pub kind: AssetKind,
    /// What people call it.
    pub name: String,
    /// Its number on the chain, for jobs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asset: Option<AssetId>,
    /// Without the chain: its name in `weft models ls`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Without the chain: its folder in the bundle.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bundled: Option<String>,
}

/// Bounds of what a Space asks for. What is left out is the host's bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Most tokens of an answer.
    pub max_tokens: u32,
    /// Most files of the user's folder that are indexed.
    pub max_files: u32,
    /// Most bytes of such a file.
    pub max_file_bytes: u64,
}

/// The host's bounds.
pub const HOST: Limits = Limits {
    max_tokens: 2048,
    max_files: 5000,
    max_file_bytes: 2 << 20,
};

impl Default for Limits {
    fn default() -> Self {
        HOST
    }
}

/// Why a `space.json` is not usable.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidManifest {
    /// None there.
    #[error("there is no {FILE}: a Space is a folder with one")]
    Missing,
    /// Not JSON of the known form.
    #[error("{FILE} cannot be read: {0}")]
    Malformed(String),
    /// Of a later weft.
    #[error("{FILE} has the form `{0}`, which this build does not know: upgrade weft")]
    Form(String),
    /// A field that cannot stand.
    #[error("{FILE}: {field} {problem}")]
    Field {
        /// Which.
        field: &'static str,
        /// What is wrong with it.
        problem: String,
    },
    /// A path that leads out, or is none.
    #[error("{FILE}: {0}")]
    Path(#[from] InvalidPath),
}

impl SpaceManifest {
    /// Reads and checks a `space.json` from a stranger.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, InvalidManifest> {
        #[derive(Deserialize)]
        struct Form {
            form: String,
        }
        if bytes.len() > MAX_BYTES {
            return Err(InvalidManifest::Malformed("it is longer than 64 KiB".into()));
        }
        let malformed = |error: serde_json::Error| InvalidManifest::Malformed(error.to_string());
        // First of all: a later form may have other fields.
        let Form { form } = serde_json::from_slice(bytes).map_err(malformed)?;
        if form != FORM {
            return Err(InvalidManifest::Form(form));
        }
        let manifest: Self = serde_json::from_slice(bytes).map_err(malformed)?;
        manifest.check()?;
        Ok(manifest)
    }

    fn check(&self) -> Result<(), InvalidManifest> {
        let wrong = |field, problem: &str| {
            Err(InvalidManifest::Field {
                field,
                problem: problem.to_owned(),
            })
        };
        if self.title.len() > MAX_TITLE_BYTES || !is_name(self.title.as_bytes()) {
            return wrong("title", "is a line of 1 to 64 bytes");
        }
        if self.version.len() > MAX_VERSION_BYTES || !is_name(self.version.as_bytes()) {
            return wrong("version", "is a line of 1 to 32 bytes");
        }
        if !is_licence(&self.licence) {
            return wrong(
                "licence",
                "is an SPDX expression such as `Apache-2.0` or `MIT OR Apache-2.0`",
            );
        }
        if self.summary.len() > MAX_TEXT_BYTES || self.notes.len() > MAX_TEXT_BYTES {
            return wrong("summary", "and notes are at most 16 KiB");
        }
        bundle::check_path(&self.entry.web)?;
        if !self.entry.web.ends_with(".html") {
            return wrong("entry.web", "is an .html file");
        }
        if has_twice(&self.capabilities) {
            return wrong("capabilities", "names one twice");
        }
        let kinds: Vec<_> = self.calls.iter().map(|call| call.kind).collect();
        if has_twice(&kinds) {
            return wrong("calls", "names two models of a kind");
        }
        for call in &self.calls {
            if !call.kind.runs_jobs() {
                return wrong("calls", "names what is no model");
            }
            if call.name.len() > MAX_TITLE_BYTES || !is_name(call.name.as_bytes()) {
                return wrong("calls", "has a name that is not a line of 1 to 64 bytes");
            }
            if let Some(folder) = &call.bundled {
                bundle::check_path(folder)?;
            }
        }
        for capability in &self.capabilities {
            if !kinds.contains(&capability.needs()) {
                let kind = kind_name(capability.needs());
                return Err(InvalidManifest::Field {
                    field: "calls",
                    problem: format!("names no {kind} model, which `{}` needs", capability.name()),
                });
            }
        }
        Ok(())
    }

    /// Whether its pages may ask for this.
    pub fn may(&self, capability: Capability) -> bool {
        self.capabilities.contains(&capability)
    }

    /// Its bounds within the host's.
    pub fn limits(&self) -> Limits {
        Limits {
            max_tokens: self.limits.max_tokens.clamp(1, HOST.max_tokens),
            max_files: self.limits.max_files.clamp(1, HOST.max_files),
            max_file_bytes: self.limits.max_file_bytes.clamp(1, HOST.max_file_bytes),
        }
    }
}

/// As on the command line.
pub fn kind_name(kind: AssetKind) -> &'static str {
    match kind {
        AssetKind::TextModel => "text",
        AssetKind::EmbeddingModel => "embedding",
        AssetKind::ImageModel => "image",
        AssetKind::Dataset => "dataset",
    }
}

/// Reads a kind of model on the command line.
pub fn parse_kind(text: &str) -> Result<AssetKind, String> {
    [AssetKind::TextModel, AssetKind::EmbeddingModel, AssetKind::ImageModel]
        .into_iter()
        .find(|kind| kind_name(*kind) == text)
        .ok_or_else(|| format!("`{text}` is no kind of model: use text, embedding or image"))
}

/// Letters, digits and what SPDX expressions are joined with (<https://spdx.github.io/spdx-spec/>).
fn is_licence(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-.+ ():".contains(&byte);
    (1..=128).contains(&text.len()) && text.bytes().all(plain) && text.trim() == text
}

fn has_twice<T: PartialEq>(items: &[T]) -> bool {
    items
        .iter()
        .enumerate()
        .any(|(nth, item)| items.iter().take(nth).any(|earlier| earlier == item))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    fn sound() -> Value {
        json!({
            "form": FORM,
            "title": "Übersetzer",
            "category": "chat",
            "version": "1.0.0",
            "licence": "MIT OR Apache-2.0",
            "entry": { "web": "index.html" },
            "capabilities": ["chat"],
            "calls": [{ "kind": "text_model", "name": "SmolLM2", "model": "smollm2" }],
        })
    }

    fn read(manifest: &Value) -> Result<SpaceManifest, InvalidManifest> {
        SpaceManifest::from_bytes(&serde_json::to_vec(manifest).unwrap())
    }

    proptest! {
        #[test]
        fn no_bytes_from_strangers_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = SpaceManifest::from_bytes(&bytes);
        }

        #[test]
        fn no_limits_exceed_the_hosts(max_tokens: u32, max_files: u32, max_file_bytes: u64) {
            let mut manifest = sound();
            manifest["limits"] = json!({
                "max_tokens": max_tokens, "max_files": max_files, "max_file_bytes": max_file_bytes,
            });
            let limits = read(&manifest).unwrap().limits();
            prop_assert!(limits.max_tokens <= HOST.max_tokens && limits.max_tokens > 0);
            prop_assert!(limits.max_files <= HOST.max_files && limits.max_files > 0);
            prop_assert!(limits.max_file_bytes <= HOST.max_file_bytes && limits.max_file_bytes > 0);
        }
    }

    #[test]
    fn a_sound_manifest_is_read() {
        let manifest = read(&sound()).unwrap();
        assert!(manifest.may(Capability::Chat) && !manifest.may(Capability::Embed));
        let [call] = &manifest.calls[..] else {
            panic!("it calls one model")
        };
        assert_eq!(
            (call.kind, call.model.as_deref()),
            (AssetKind::TextModel, Some("smollm2"))
        );
        assert_eq!(manifest.limits(), HOST);
    }

    #[test]
    fn each_defect_is_named() {
        let with = |pointer: &str, value: Value| {
            let mut manifest = sound();
            *manifest.pointer_mut(pointer).unwrap() = value;
            read(&manifest).unwrap_err()
        };
        let field = |error: InvalidManifest| match error {
            InvalidManifest::Field { field, .. } => field,
            other => panic!("another error: {other}"),
        };
        assert_eq!(
            with("/form", json!("weft/space/2")),
            InvalidManifest::Form("weft/space/2".into())
        );
        assert_eq!(field(with("/title", json!(" "))), "title");
        assert_eq!(field(with("/title", json!("a\u{1b}[2J"))), "title");
        assert_eq!(field(with("/title", json!("x".repeat(65)))), "title");
        assert_eq!(field(with("/version", json!(""))), "version");
        assert_eq!(field(with("/licence", json!("<script>"))), "licence");
        assert_eq!(field(with("/entry/web", json!("run.exe"))), "entry.web");
        assert!(matches!(
            with("/entry/web", json!("../index.html")),
            InvalidManifest::Path(_)
        ));
        assert_eq!(field(with("/capabilities", json!(["chat", "chat"]))), "capabilities");
        assert_eq!(field(with("/capabilities", json!(["classify"]))), "calls");
        assert_eq!(field(with("/calls/0/kind", json!("dataset"))), "calls");
        assert!(matches!(
            with("/capabilities", json!(["root"])),
            InvalidManifest::Malformed(_)
        ));
        assert!(matches!(
            with("/calls/0", json!({ "kind": "text_model" })),
            InvalidManifest::Malformed(_)
        ));
        let mut more = sound();
        more["scripts"] = json!("https://example.org/x.js");
        assert!(matches!(read(&more), Err(InvalidManifest::Malformed(_))));
        let mut bundled = sound();
        bundled["calls"][0]["bundled"] = json!("/etc");
        assert!(matches!(read(&bundled), Err(InvalidManifest::Path(_))));
    }

    #[test]
    fn kinds_are_read_as_they_are_written() {
        for kind in [AssetKind::TextModel, AssetKind::EmbeddingModel, AssetKind::ImageModel] {
            assert_eq!(parse_kind(kind_name(kind)), Ok(kind));
        }
        assert!(parse_kind("dataset").is_err());
    }
}
