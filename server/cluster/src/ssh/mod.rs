//! SSH: what OpenSSH keeps on this machine and Hoist reads as it does, the way to a host, and the connection there.

mod auth;
pub mod config;
mod host_key;
pub mod known_hosts;
mod link;
mod reach;

pub(crate) use link::open;
