//! JSON-RPC calls to a node, one at a time.

use std::time::Duration;

use serde_json::{Value, json};

use crate::error::HarnessError;

/// No call that tests make takes a node longer than this, unless it is frozen.
const CALL_LIMIT: Duration = Duration::from_secs(10);

/// A client of one node's RPC over HTTP.
pub struct Rpc {
    url: String,
    client: reqwest::Client,
    runtime: tokio::runtime::Runtime,
}

impl Rpc {
    /// A client for `http://127.0.0.1:port`. Does not connect yet.
    pub fn new(port: u16) -> Result<Self, HarnessError> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(HarnessError::io("start a tokio runtime"))?;
        let client = reqwest::Client::builder()
            .timeout(CALL_LIMIT)
            .build()
            .map_err(|error| HarnessError::Rpc {
                method: "(setting up)".to_owned(),
                message: error.to_string(),
            })?;
        Ok(Self {
            url: format!("http://127.0.0.1:{port}"),
            client,
            runtime,
        })
    }

    /// Calls `method` and returns its result.
    pub fn call(&self, method: &str, params: Value) -> Result<Value, HarnessError> {
        let failed = |message: String| HarnessError::Rpc {
            method: method.to_owned(),
            message,
        };
        let request = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        let answer: Value = self
            .runtime
            .block_on(async { self.client.post(&self.url).json(&request).send().await?.json().await })
            .map_err(|error: reqwest::Error| failed(error.to_string()))?;
        match (answer.get("result"), answer.get("error")) {
            (_, Some(error)) => Err(failed(error.to_string())),
            (Some(result), None) => Ok(result.clone()),
            (None, None) => Err(failed(format!("neither result nor error in {answer}"))),
        }
    }

    /// Height of the best block.
    pub fn best_block(&self) -> Result<u32, HarnessError> {
        self.height(json!([]))
    }

    /// Height of the last finalised block.
    pub fn finalized_block(&self) -> Result<u32, HarnessError> {
        let hash = self.call("chain_getFinalizedHead", json!([]))?;
        self.height(json!([hash]))
    }

    /// Hash of the block at a height, if there is one.
    pub fn block_hash(&self, height: u32) -> Result<Option<String>, HarnessError> {
        let hash = self.call("chain_getBlockHash", json!([height]))?;
        Ok(hash.as_str().map(str::to_owned))
    }

    fn height(&self, at: Value) -> Result<u32, HarnessError> {
        let header = self.call("chain_getHeader", at)?;
        let number = header["number"].as_str().unwrap_or_default();
        u32::from_str_radix(number.trim_start_matches("0x"), 16)
            .map_err(|_| HarnessError::answer("chain_getHeader", format!("no block number in {header}")))
    }
}
