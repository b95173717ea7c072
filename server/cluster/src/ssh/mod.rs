//! What OpenSSH keeps on this machine and Hoist reads as it does: the configuration of hosts and the keys of known hosts.

pub mod config;
pub mod known_hosts;
