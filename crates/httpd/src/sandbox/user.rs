//! Who the daemon is once its sockets are open: the user of `--user`, and the capabilities that are
//! left.
//!
//! Names are looked up in `/etc/passwd` and `/etc/group` and nowhere else: what the C library would
//! ask besides (nsswitch.conf(5)) it loads at run time, which a static program can't. Numbers work
//! whatever these files say.

use std::fmt;
use std::fs;
use std::io::{self, ErrorKind};

use nix::errno::Errno;
use nix::unistd::{Gid, Uid, getresgid, getresuid, setgroups, setresgid, setresuid};
use rustix::thread::{CapabilitySet, CapabilitySets, capabilities, set_capabilities};

use crate::config::User;

/// A user, as the kernel knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Account {
    name: String,
    uid: Uid,
    gid: Gid,
    /// All groups, that of the user among them.
    groups: Vec<Gid>,
}

impl Account {
    /// Looks a user up.
    ///
    /// # Errors
    /// There is none of that name, or the files can't be read.
    pub(super) fn of(user: &User) -> Result<Self, String> {
        let read = |path: &str| match fs::read(path) {
            Ok(text) => Ok(String::from_utf8_lossy(&text).into_owned()),
            // A container need not have them.
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(String::new()),
            Err(error) => Err(format!("{path}: {error}")),
        };
        Self::find(user, &read("/etc/passwd")?, &read("/etc/group")?)
    }

    /// Finds a user in what passwd(5) and group(5) describe.
    fn find(user: &User, passwd: &str, group: &str) -> Result<Self, String> {
        let number = |text: &str| text.parse::<u32>().ok().filter(|number| *number != u32::MAX);
        let entry = passwd.lines().find_map(|line| {
            let mut fields = line.split(':');
            let (name, uid) = (fields.next()?, number(fields.nth(1)?)?);
            let gid = number(fields.next()?)?;
            (name == user.name || number(&user.name) == Some(uid)).then_some((name, uid, gid))
        });
        let (name, uid, gid) = match (entry, number(&user.name)) {
            (Some((name, uid, gid)), _) => (name, uid, Some(gid)),
            (None, Some(uid)) => (&*user.name, uid, None),
            (None, None) => {
                return Err(format!(
                    "there is no user {} in /etc/passwd (make it, or write numbers, UID:GID)",
                    user.name
                ));
            }
        };
        let groups = || {
            group.lines().filter_map(|line| {
                let mut fields = line.split(':');
                let (name, gid) = (fields.next()?, number(fields.nth(1)?)?);
                Some((name, gid, fields.next().unwrap_or_default()))
            })
        };
        let gid = match &user.group {
            Some(wanted) => {
                let found = groups().find(|(name, ..)| name == wanted).map(|(_, gid, _)| gid);
                found.or_else(|| number(wanted)).ok_or_else(|| {
                    format!(
                        "there is no group {wanted} in /etc/group (make it, or write its number)"
                    )
                })?
            }
            None => gid.ok_or_else(|| {
                format!("{uid} is not in /etc/passwd: name its group too, {uid}:GID")
            })?,
        };
        let is_member = |members: &str| members.split(',').any(|member| member == name);
        let others = groups().filter(|(_, _, members)| is_member(members)).map(|(_, gid, _)| gid);
        let mut all: Vec<_> = std::iter::once(gid).chain(others).collect();
        all.sort_unstable();
        all.dedup();
        let groups = all.into_iter().map(Gid::from_raw).collect();
        Ok(Self { name: name.to_owned(), uid: Uid::from_raw(uid), gid: Gid::from_raw(gid), groups })
    }

    /// Makes this process run as this user and no other, for good.
    ///
    /// # Errors
    /// It is another user already and not root, or the kernel refuses.
    pub(super) fn take_on(&self) -> Result<(), String> {
        let system = |what: &'static str| move |error: Errno| format!("{what}: {error}");
        if !Uid::effective().is_root() {
            if self.is_current()? {
                return Ok(());
            }
            return Err(format!(
                "only root can become {self}, and httpd was started as user {} (start it as root, or \
                 as {} and without --user)",
                Uid::effective(),
                self.name
            ));
        }
        setgroups(&self.groups).map_err(system("can't set the groups"))?;
        setresgid(self.gid, self.gid, self.gid).map_err(system("can't set the group"))?;
        setresuid(self.uid, self.uid, self.uid).map_err(system("can't set the user"))?;
        if !self.is_current()? {
            return Err(format!("the system did not make httpd {self}"));
        }
        let root = Uid::from_raw(0);
        if !self.uid.is_root() && setresuid(root, root, root).is_ok() {
            return Err(format!("httpd could go back from {self} to root"));
        }
        Ok(())
    }

    /// Whether this process is this user and group, whichever of them is looked at.
    fn is_current(&self) -> Result<bool, String> {
        let user = getresuid().map_err(|error| error.to_string())?;
        let group = getresgid().map_err(|error| error.to_string())?;
        let users = [user.real, user.effective, user.saved];
        let groups = [group.real, group.effective, group.saved];
        Ok(users.iter().all(|uid| *uid == self.uid) && groups.iter().all(|gid| *gid == self.gid))
    }
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, uid, gid, .. } = self;
        write!(f, "{name} (uid {uid}, gid {gid})")
    }
}

/// Gives up all capabilities (capabilities(7)). Root keeps those by which it reads webroots and
/// writes logs of others, and locks the buffers of rings. How many are left.
///
/// # Errors
/// As capset(2).
pub(super) fn give_up_capabilities() -> io::Result<u32> {
    let kept = if Uid::effective().is_root() {
        CapabilitySet::DAC_OVERRIDE | CapabilitySet::DAC_READ_SEARCH | CapabilitySet::IPC_LOCK
    } else {
        CapabilitySet::empty()
    };
    // What is not permitted can't be kept: a container may have taken it.
    let kept = kept & capabilities(None)?.permitted;
    let inheritable = CapabilitySet::empty();
    set_capabilities(None, CapabilitySets { effective: kept, permitted: kept, inheritable })?;
    Ok(kept.bits().count_ones())
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWD: &str = "root:x:0:0:root:/root:/bin/bash\n\
                          broken line\n\
                          web:x:998:997::/nonexistent:/usr/sbin/nologin\n\
                          +nis::::::\n";
    const GROUP: &str = "root:x:0:\nweb:x:997:\nadm:x:4:syslog,web\nssl:x:110:web\nwww:x:33:\n";

    /// The account of a user, as `name uid gid groups`, or the error.
    fn found(user: &str) -> String {
        match Account::find(&user.parse().unwrap(), PASSWD, GROUP) {
            Ok(account) => {
                let groups: Vec<_> = account.groups.iter().map(ToString::to_string).collect();
                let Account { name, uid, gid, .. } = account;
                format!("{name} {uid} {gid} {}", groups.join(","))
            }
            Err(error) => error,
        }
    }

    #[test]
    fn users_and_groups_are_found_by_name_and_by_number() {
        for (user, expected) in [
            ("web", "web 998 997 4,110,997"),
            ("998", "web 998 997 4,110,997"),
            ("web:www", "web 998 33 4,33,110"),
            ("web:12", "web 998 12 4,12,110"),
            ("1234:5678", "1234 1234 5678 5678"),
            ("root", "root 0 0 0"),
        ] {
            assert_eq!(found(user), expected);
        }
    }

    #[test]
    fn what_is_not_there_is_told_with_what_to_do() {
        for (user, expected) in [
            ("wbe", "there is no user wbe in /etc/passwd (make it, or write numbers, UID:GID)"),
            ("1234", "1234 is not in /etc/passwd: name its group too, 1234:GID"),
            ("web:wwv", "there is no group wwv in /etc/group (make it, or write its number)"),
            ("4294967295:1", "there is no user 4294967295 in /etc/passwd"),
        ] {
            let error = found(user);
            assert!(error.starts_with(expected), "{error}");
        }
    }
}
