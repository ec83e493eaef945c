//! Real networks on loopback, on good and bad days. Each test has one of its own; the scenes of a test share it, because
//! setting it up takes longer than any of them. Most of the time is waiting, so the tests run beside each other.

mod clients;
mod currencies;
mod disputes;
mod entrusting;
mod exact;
mod finality;
mod full_disk;
mod handover;
mod holdings;
mod images;
mod jobs;
mod market;
mod outages;
mod raw_chain;
mod spaces;
mod stage;
mod validators;
