//! Privileges are given up for good: a program of its own, for there is no way back. Skipped where it is not root's.
#![cfg(target_os = "linux")]

use std::fs;
use std::process::Command;

use egret_capture::{Error, give_up_privileges};

#[test]
fn they_are_given_up_for_good() {
    let status = |name: &str| {
        let status = fs::read_to_string("/proc/thread-self/status").unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        line.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let unknown = give_up_privileges("no-such-user-as-this").unwrap_err();
    assert!(matches!(unknown, Error::Privileges { .. }), "{unknown}");
    if status("Uid:") != "0 0 0 0" {
        let refused = give_up_privileges("12345:12346").unwrap_err();
        assert!(refused.to_string().contains("only root"), "{refused}");
        println!("skipped: only root has privileges to give up");
        return;
    }
    give_up_privileges("12345:12346").unwrap();
    assert_eq!(status("Uid:"), "12345 12345 12345 12345");
    assert_eq!(status("Gid:"), "12346 12346 12346 12346");
    assert_eq!(status("Groups:"), "12346");
    assert_eq!(status("CapEff:").trim_matches('0'), "");
    assert_eq!(status("NoNewPrivs:"), "1");
    assert!(give_up_privileges("0:0").is_err());
    assert!(fs::read("/proc/1/environ").is_err());
    let id = Command::new("id").arg("-u").output().unwrap();
    assert_eq!(id.stdout, b"12345\n");
}
