//! Writes the worker's copy of the chain's metadata anew. Run it through `make metadata`.

use std::{fs, process::ExitCode};

use weft_tests::{error::HarnessError, metadata, node::Node};

fn main() -> ExitCode {
    match write() {
        Ok(line) => {
            println!("{line}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn write() -> Result<String, HarnessError> {
    let folder = tempfile::tempdir().map_err(HarnessError::io("make a folder"))?;
    let node = Node::start(folder.path())?;
    let bytes = metadata::of(node.rpc())?;
    let path = metadata::checked_in();
    if fs::read(&path).is_ok_and(|old| old == bytes) {
        return Ok(format!("{}: unchanged", path.display()));
    }
    fs::write(&path, &bytes).map_err(HarnessError::io(format!("write {}", path.display())))?;
    Ok(format!("{}: {} bytes written", path.display(), bytes.len()))
}
