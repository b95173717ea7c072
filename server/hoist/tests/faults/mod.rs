//! What the rounds of faults are made of: chance, the way through a proxy, and the processes that may be killed.
#![allow(
    dead_code,
    unreachable_pub,
    reason = "shared by several test binaries, each of which needs a part"
)]

pub mod machine;
pub mod proxy;

use std::path::{Path, PathBuf};

use proxy::Proxy;

/// The host of the rig that the tests of faults speak to.
pub const HOST: &str = "hoist-faults";

/// The rig's folder.
pub fn rig() -> PathBuf {
    std::env::var_os("HOIST_TEST_DIR")
        .expect("the rig's folder")
        .into()
}

/// A way to [`HOST`] which a HOME knows from now on as if it were the only one.
pub fn way_from(home: &Path) -> Proxy {
    let theirs = std::env::var_os("HOIST_TEST_HOME").map(PathBuf::from);
    let theirs = theirs.expect("the home of the rig");
    let config = std::fs::read_to_string(theirs.join(".ssh/config")).expect("the rig's hosts");
    let mut blocks = config.split("Host ");
    let block = blocks.find(|block| block.starts_with("hoist-faults\n"));
    let block = block.expect("this rig is older than its tests");
    let word = |key: &str| -> String {
        let line = block.lines().find_map(|line| line.trim().strip_prefix(key));
        line.expect(key).trim().to_owned()
    };
    let proxy = Proxy::to(word("Port ").parse().expect("a port"));
    let ssh = home.join(".ssh");
    std::fs::create_dir(&ssh).expect("made");
    let (key, user, port) = (word("IdentityFile "), word("User "), proxy.port);
    let config = format!(
        "Host {HOST}\n  HostName 127.0.0.1\n  Port {port}\n  User {user}\n  IdentityFile {key}\n"
    );
    std::fs::write(ssh.join("config"), config).expect("written");
    let host_key = rig().join("sshd/host_ed25519.pub");
    let host_key = std::fs::read_to_string(host_key).expect("a key");
    let known = format!("[127.0.0.1]:{port} {host_key}");
    std::fs::write(ssh.join("known_hosts"), known).expect("written");
    proxy
}

/// The home of the account over there.
pub fn account() -> PathBuf {
    let account = rig().join("homes/bash");
    if account.exists() {
        return account;
    }
    std::env::var_os("HOME").expect("a home").into()
}

/// Numbers that look like chance and come again with the same seed (SplitMix64).
pub struct Chance(pub u64);

impl Chance {
    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub fn below(&mut self, end: u64) -> u64 {
        self.number() % end.max(1)
    }

    pub fn one_of<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len() as u64) as usize]
    }

    pub fn bytes(&mut self, count: usize) -> Vec<u8> {
        std::iter::repeat_with(|| self.number() as u8)
            .take(count)
            .collect()
    }
}
