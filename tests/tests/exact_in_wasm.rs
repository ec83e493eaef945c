//! The chain will compute tiles in wasm: `weft-exact` builds for it, gives the bits there that it gives here, and is quick. Times are
//! printed and not asserted; docs/benchmarks.md records them.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    path::{Path, PathBuf},
    process::Command,
    time::Instant,
};

use wasmtime::{Engine, Instance, Module, Store, TypedFunc};
use weft_exact_tiles::{Case, cases};

/// Builds the tiles for wasm, in a build directory of their own.
fn wasm() -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("wasm");
    let status = Command::new(env!("CARGO"))
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .args([
            "rustc",
            "--quiet",
            "--release",
            "--locked",
            "--lib",
            "--crate-type",
            "cdylib",
        ])
        .args([
            "--package",
            "weft-exact-tiles",
            "--target",
            "wasm32v1-none",
            "--target-dir",
        ])
        .arg(&target)
        // Flags for this machine's processor are none of wasm's.
        .env_remove("RUSTFLAGS")
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .status()
        .unwrap();
    assert!(status.success(), "weft-exact does not build for wasm32v1-none");
    target.join("wasm32v1-none/release/weft_exact_tiles.wasm")
}

/// The first bytes of a digest of what a case gives.
fn digest(case: &Case) -> u64 {
    let bytes = case.compute().unwrap().bytes();
    u64::from_le_bytes(weft_exact::merkle::leaf(&bytes)[..8].try_into().unwrap())
}

#[test]
fn every_operator_s_tile_has_the_same_bits_in_wasm() {
    let engine = Engine::default();
    let module = Module::from_file(&engine, wasm()).unwrap();
    let mut store = Store::new(&engine, ());
    let instance = Instance::new(&mut store, &module, &[]).unwrap();
    let count: TypedFunc<(), u32> = instance.get_typed_func(&mut store, "count").unwrap();
    let prepare: TypedFunc<u32, u32> = instance.get_typed_func(&mut store, "prepare").unwrap();
    let compute: TypedFunc<u32, u32> = instance.get_typed_func(&mut store, "compute").unwrap();
    let digest_of: TypedFunc<u32, u64> = instance.get_typed_func(&mut store, "digest").unwrap();

    let cases = cases();
    assert_eq!(count.call(&mut store, ()).unwrap() as usize, cases.len());
    // All operators of both families, of three models, and of one of them with weights in groups and of four bits.
    assert_eq!(cases.len(), 5 * 22);
    let mut times = Vec::new();
    for (index, case) in cases.iter().enumerate() {
        let prepared = prepare.call(&mut store, index as u32).unwrap();
        assert_ne!(prepared, 0);
        let mut best = f64::INFINITY;
        let mut made = 0;
        for _ in 0..3 {
            let started = Instant::now();
            made = compute.call(&mut store, prepared).unwrap();
            best = best.min(started.elapsed().as_secs_f64());
        }
        assert_ne!(made, 0, "{} of {}", case.at.op.name(), case.model);
        let found = digest_of.call(&mut store, made).unwrap();
        assert_eq!(found, digest(case), "{} of {}", case.at.op.name(), case.model);
        times.push((best, case));
    }
    times.sort_by(|a, b| b.0.total_cmp(&a.0));
    let print = |(seconds, case): &(f64, &Case)| {
        println!("{:16} {:16} {:.3} ms", case.model, case.at.op.name(), 1e3 * seconds);
    };
    times.iter().take(8).for_each(print);
    // Of the other forms of weights the slowest each.
    for model in ["SmolLM2, groups", "SmolLM2, 4 bits"] {
        times
            .iter()
            .find(|(_, case)| case.model == model)
            .into_iter()
            .for_each(print);
    }
}
