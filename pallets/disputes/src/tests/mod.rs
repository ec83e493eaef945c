//! One file a subject. Each test ends with a check of every invariant ([`test`](crate::mock::test)).

mod appeals;
mod games;
mod opening;
mod several;
