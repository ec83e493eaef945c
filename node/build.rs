use substrate_build_script_utils::{generate_cargo_keys, rerun_if_git_head_changed};

fn main() {
    // The version string names the commit, so that a validator's bug report says what ran.
    generate_cargo_keys();
    rerun_if_git_head_changed();
}
