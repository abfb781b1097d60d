//! A link with nothing else on it: two virtual interfaces, one of them in a network namespace of its own.

use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::shell::Program;

/// Gone when dropped.
pub(super) struct Link {
    namespace: String,
    near: String,
    far: String,
    folder: PathBuf,
}

impl Link {
    pub(super) fn make() -> Result<Self> {
        // Names of interfaces have 15 characters at most.
        let number = std::process::id();
        let folder = std::env::temp_dir().join(format!("egret-loss-{number}"));
        std::fs::create_dir(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        let link = Self {
            namespace: format!("egret-loss-{number}"),
            near: format!("egret{number}a"),
            far: format!("egret{number}b"),
            folder,
        };
        let Self { namespace, near, far, .. } = &link;
        let ip = |words: String| Program::new("ip", &words).run().context("needs Linux, root, and iproute2");
        ip(format!("netns add {namespace}"))?;
        ip(format!("link add {near} type veth peer name {far} netns {namespace}"))?;
        // Without IPv6 no interface says anything of itself.
        ip(format!("netns exec {namespace} sysctl --quiet net.ipv6.conf.{far}.disable_ipv6=1"))?;
        std::fs::write(format!("/proc/sys/net/ipv6/conf/{near}/disable_ipv6"), "1")?;
        ip(format!("link set {near} mtu 65535 up"))?;
        ip(format!("-netns {namespace} link set {far} mtu 65535 up"))?;
        Ok(link)
    }

    pub(super) fn namespace(&self) -> &str {
        &self.namespace
    }

    /// Where packets are sent.
    pub(super) fn near_end(&self) -> &str {
        &self.near
    }

    /// Where they are captured, in the namespace.
    pub(super) fn far_end(&self) -> &str {
        &self.far
    }

    /// A file that is gone with the link.
    pub(super) fn scratch(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        // The other end goes with it.
        Program::new("ip", &format!("link delete {}", self.near)).succeeds();
        Program::new("ip", &format!("netns delete {}", self.namespace)).succeeds();
        std::fs::remove_dir_all(&self.folder).ok();
    }
}
