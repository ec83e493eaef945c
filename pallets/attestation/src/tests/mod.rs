//! One file for each subject.

mod attesting;
mod ending;
mod governing;
mod samples;
mod standing;
mod try_state;
