//! Giving up what a process may do beyond its user, once the interfaces are open.
//!
//! Promises: after it, the process has the user's ids and groups, no capability, and no way back, or there is an error:
//! it looks whether that is so. Refuses: to do half of it quietly.

use std::fs;

use rustix::process::{Gid, Uid};
use rustix::thread::{
    set_no_new_privs, set_thread_groups, set_thread_res_gid, set_thread_res_uid, set_thread_uid,
};

use crate::Error;

/// Makes this process one of an ordinary user, as `tcpdump -Z` does: takes the user's ids and groups, and gives up the
/// right to gain new ones (`no_new_privs`, which the programs it starts inherit). Linux only.
///
/// `user` is a name in `/etc/passwd`, or two numbers, `UID:GID`. To be called when the captures are open, before the
/// first thread is started: it changes the calling thread and those that it starts.
///
/// # Errors
/// There is no such user, or the process may not become it: only root may.
#[cfg_attr(docsrs, doc(cfg(target_os = "linux")))]
pub fn give_up_privileges(user: &str) -> Result<(), Error> {
    let failed = |message: String| Error::Privileges { user: user.to_owned(), message };
    let Ids { user: id, group, groups } = Ids::of(user).map_err(failed)?;
    let step = |what: &str, result: rustix::io::Result<()>| {
        result.map_err(|error| failed(format!("{what}: {}", std::io::Error::from(error))))
    };
    // In this order: once the user is another, the rest is not allowed any more.
    step("setting the groups", set_thread_groups(&groups))?;
    step("setting the group", set_thread_res_gid(group, group, group))?;
    step("setting the user", set_thread_res_uid(id, id, id))?;
    step("forbidding new privileges", set_no_new_privs(true))?;
    let status = fs::read_to_string("/proc/thread-self/status").map_err(|error| failed(error.to_string()))?;
    if !is_ordinary(&status, id, group) || (!id.is_root() && set_thread_uid(Uid::ROOT).is_ok()) {
        return Err(failed("they were not given up".to_owned()));
    }
    Ok(())
}

/// What a user is to the system.
#[derive(Debug, PartialEq, Eq)]
struct Ids {
    user: Uid,
    group: Gid,
    groups: Vec<Gid>,
}

impl Ids {
    fn of(user: &str) -> Result<Self, String> {
        if let Some((user, group)) = user.split_once(':') {
            let number = |text: &str| text.parse::<u32>().ok().filter(|&id| id != u32::MAX);
            let (user, group) = number(user)
                .zip(number(group))
                .ok_or("give a name, or two numbers with a colon between them")?;
            let group = Gid::from_raw(group);
            return Ok(Self { user: Uid::from_raw(user), group, groups: vec![group] });
        }
        let read = |path| fs::read_to_string(path).map_err(|error| format!("{path}: {error}"));
        Self::find(user, &read("/etc/passwd")?, &read("/etc/group")?)
            .ok_or_else(|| "there is no such user in /etc/passwd".to_owned())
    }

    /// Looks a name up in the texts of `/etc/passwd` and `/etc/group`.
    fn find(name: &str, passwd: &str, group: &str) -> Option<Self> {
        let user = passwd
            .lines()
            .map(|line| line.split(':').collect::<Vec<_>>())
            .find(|line| line.first() == Some(&name))?;
        let (id, own) = (user.get(2)?.parse().ok()?, user.get(3)?.parse().ok()?);
        let mut groups = vec![Gid::from_raw(own)];
        for line in group.lines() {
            let fields: Vec<_> = line.split(':').collect();
            let [_, _, number, members] = fields.as_slice() else { continue };
            if members.split(',').any(|member| member == name)
                && let Ok(number) = number.parse()
                && number != own
            {
                groups.push(Gid::from_raw(number));
            }
        }
        Some(Self { user: Uid::from_raw(id), group: Gid::from_raw(own), groups })
    }
}

/// Whether a process with this status in `/proc` has nothing but the user's rights: the ids four times over, and, unless
/// the user is root, no capability.
fn is_ordinary(status: &str, user: Uid, group: Gid) -> bool {
    let field = |name: &str| status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
    let all = |name: &str, id: u32| {
        let mut ids = field(name).split_whitespace().peekable();
        ids.peek().is_some() && ids.all(|found| found.parse() == Ok(id))
    };
    let no_capability = ["CapPrm:", "CapEff:", "CapAmb:"]
        .iter()
        .all(|set| field(set).trim().chars().all(|digit| digit == '0'));
    all("Uid:", user.as_raw()) && all("Gid:", group.as_raw()) && (user.is_root() || no_capability)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWD: &str = "root:x:0:0:root:/root:/bin/sh\nada:x:1000:100:Ada:/home/ada:/bin/sh\nbad:x:y:z\n";
    const GROUP: &str = "root:x:0:\nusers:x:100:ada\nwheel:x:10:ada,bob\nodd\nnext:x:20:adam,bob\n";

    #[test]
    fn a_user_has_an_id_a_group_and_the_groups_that_list_it() {
        let gid = Gid::from_raw;
        let ada = Ids::find("ada", PASSWD, GROUP).unwrap();
        assert_eq!(ada, Ids { user: Uid::from_raw(1000), group: gid(100), groups: vec![gid(100), gid(10)] });
        assert_eq!(Ids::find("bad", PASSWD, GROUP), None);
        assert_eq!(Ids::find("ad", PASSWD, GROUP), None);
        assert_eq!(Ids::of("5:6").unwrap().groups, [gid(6)]);
        assert!(Ids::of("5:").is_err() && Ids::of("4294967295:1").is_err());
        assert!(Ids::of("no-such-user-as-this").is_err());
    }

    #[test]
    fn what_is_left_of_privileges_is_seen() {
        let (user, group) = (Uid::from_raw(5), Gid::from_raw(6));
        let status = |uids: &str, caps: &str| {
            format!(
                "Name:\tx\nUid:\t{uids}\nGid:\t6\t6\t6\t6\nCapPrm:\t{caps}\nCapEff:\t0000\nCapAmb:\t0000\n"
            )
        };
        assert!(is_ordinary(&status("5\t5\t5\t5", "0000"), user, group));
        assert!(!is_ordinary(&status("5\t5\t0\t5", "0000"), user, group));
        assert!(!is_ordinary(&status("5\t5\t5\t5", "2000"), user, group));
        assert!(!is_ordinary("", user, group));
    }
}
