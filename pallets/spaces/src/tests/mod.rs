//! One file for each group of calls.

mod listing;
mod moderation;
mod publication;
mod ratings;
mod sales;
mod sequences;
mod transfer;
mod try_state;
