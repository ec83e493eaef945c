//! Devices that are there and that are not.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::process::Command;

use weft_engine::{Device, DeviceError};

/// Set in the child process that is to find no Vulkan driver.
const CHILD: &str = "WEFT_ENGINE_TEST_WITHOUT_DRIVER";

#[test]
fn wgpu_is_found_and_named() {
    if std::env::var_os(CHILD).is_some() {
        return;
    }
    let name = Device::Wgpu.probe().unwrap();
    assert!(!name.is_empty());
    assert_eq!(Device::Wgpu.probe().unwrap(), name);
}

#[test]
fn a_machine_without_an_adapter_is_an_error_and_not_a_panic() {
    if std::env::var_os(CHILD).is_some() {
        let error = Device::Wgpu.probe().unwrap_err();
        assert!(matches!(error, DeviceError::NoAdapter { .. }));
        // Asking again gives the same answer.
        assert_eq!(Device::Wgpu.probe().unwrap_err(), error);
        println!("refused: {error}");
        return;
    }
    let child = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "a_machine_without_an_adapter_is_an_error_and_not_a_panic",
            "--nocapture",
        ])
        .env(CHILD, "1")
        .env("VK_DRIVER_FILES", "/nonexistent")
        .env("VK_ICD_FILENAMES", "/nonexistent")
        .env("LIBGL_DRIVERS_PATH", "/nonexistent")
        .output()
        .unwrap();
    let output = String::from_utf8_lossy(&child.stdout);
    assert!(
        child.status.success(),
        "{output}{}",
        String::from_utf8_lossy(&child.stderr)
    );
    assert!(output.contains("refused: no GPU is usable through wgpu"), "{output}");
}
