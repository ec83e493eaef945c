//! Where the programs under test are.

use std::{env, path::PathBuf};

use crate::error::HarnessError;

/// The `weft-node` executable: `$WEFT_NODE_BIN`, or the one in the build directory this program lies in.
pub fn weft_node() -> Result<PathBuf, HarnessError> {
    find("weft-node", "WEFT_NODE_BIN")
}

/// The `weft` executable: `$WEFT_BIN`, or the one in the build directory this program lies in.
pub fn weft() -> Result<PathBuf, HarnessError> {
    find("weft", "WEFT_BIN")
}

/// The `weft` executable that can misbehave: `$WEFT_TESTING_BIN`, or the one in the build directory this program lies in.
pub fn weft_testing() -> Result<PathBuf, HarnessError> {
    find("weft-testing", "WEFT_TESTING_BIN")
}

fn find(name: &str, variable: &'static str) -> Result<PathBuf, HarnessError> {
    let path = match env::var_os(variable) {
        Some(path) => PathBuf::from(path),
        None => {
            let this = env::current_exe().map_err(HarnessError::io("find this program's own file"))?;
            // Programs lie in the build directory itself, tests in its folder `deps`.
            let folder = this.parent().map(|folder| match folder.file_name() {
                Some(name) if name == "deps" => folder.parent().unwrap_or(folder),
                _ => folder,
            });
            folder.map(|folder| folder.join(name)).unwrap_or_default()
        }
    };
    if path.is_file() {
        Ok(path)
    } else {
        Err(HarnessError::NoExecutable { path, variable })
    }
}
