//! Landlock (landlock(7)): which files this process can reach, whatever its user could; no TCP
//! connections of its own, and no signals or abstract sockets to other processes.

use std::path::Path;

use landlock::{
    ABI, Access, AccessFs, AccessNet, BitFlags, LandlockStatus, PathBeneath, PathFd, Ruleset,
    RulesetAttr, RulesetCreated, RulesetCreatedAttr, Scope,
};

use super::reach::Reach;

/// What is restricted, where the kernel can: all that this version has. Older ones leave some of it
/// out.
const WANTED: ABI = ABI::V6;

/// Rules that are not in force yet.
#[derive(Debug)]
pub(super) struct Rules(RulesetCreated);

impl Rules {
    /// Makes rules of what is reached; directories that are not there any more are left out.
    ///
    /// # Errors
    /// The kernel has Landlock, but refuses the rules.
    pub(super) fn of(reach: &Reach) -> Result<Self, String> {
        let read_files: BitFlags<AccessFs> = AccessFs::ReadFile.into();
        let sets = [
            (&reach.read, read_files | AccessFs::ReadDir),
            (&reach.config, read_files),
            (&reach.write, AccessFs::WriteFile | AccessFs::MakeReg),
            (&reach.remove, AccessFs::RemoveFile.into()),
        ];
        let made = || {
            let mut rules = Ruleset::default()
                .handle_access(AccessFs::from_all(WANTED))?
                .handle_access(AccessNet::from_all(WANTED))?
                .scope(Scope::from_all(WANTED))?
                .create()?;
            for (path, access) in sets
                .iter()
                .flat_map(|(paths, access)| paths.iter().map(move |path| (path, *access)))
            {
                let Ok(opened) = PathFd::new(path) else { continue };
                rules = rules.add_rule(PathBeneath::new(opened, of_file(path, access)))?;
            }
            Ok(rules)
        };
        made().map(Self).map_err(|error: landlock::RulesetError| error.to_string())
    }

    /// Puts the rules in force, for this thread and those that it starts; which version of Landlock
    /// does it.
    ///
    /// # Errors
    /// There is no Landlock here.
    pub(super) fn enforce(self) -> Result<i32, String> {
        let status = self.0.restrict_self().map_err(|error| error.to_string())?;
        match status.landlock {
            LandlockStatus::Available { effective_abi, kernel_abi } => {
                Ok(kernel_abi.unwrap_or(effective_abi as i32))
            }
            LandlockStatus::NotEnabled => {
                Err("the kernel has it, but it is not enabled (boot with lsm=landlock,...)".into())
            }
            LandlockStatus::NotImplemented => {
                Err("the kernel has none, or a container's seccomp profile refuses it".into())
            }
        }
    }
}

/// Of what can be done below a directory, what can be done with a file if that is what is there.
fn of_file(path: &Path, access: BitFlags<AccessFs>) -> BitFlags<AccessFs> {
    if path.is_dir() { access } else { access & AccessFs::from_file(WANTED) }
}

#[cfg(test)]
mod tests {
    use std::fs::{self, File, OpenOptions};
    use std::io::{self, ErrorKind};
    use std::net::{TcpListener, TcpStream};
    use std::thread;

    use crate::sandbox::reach::Needs;

    use super::*;

    fn is_refused<T>(result: io::Result<T>) -> bool {
        result.is_err_and(|error| error.kind() == ErrorKind::PermissionDenied)
    }

    /// Does something on a thread of its own that can reach this and no more.
    fn within(reach: &Reach, what: impl FnOnce() + Send + 'static) {
        within_version(reach, 1, what);
    }

    /// The same, if the kernel has this version.
    fn within_version(reach: &Reach, version: i32, what: impl FnOnce() + Send + 'static) {
        let rules = Rules::of(reach).unwrap();
        let body = move || {
            if rules.enforce().unwrap() >= version {
                what();
            }
        };
        thread::spawn(body).join().unwrap();
    }

    #[test]
    fn what_is_served_is_read_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["vhosts", "sites", "other"] {
            fs::create_dir(dir.path().join(name)).unwrap();
            fs::write(dir.path().join(name).join("file"), "text").unwrap();
        }
        let at = |path: &str| dir.path().join(path);
        let (vhosts, read) = (at("vhosts"), [at("sites")]);
        let needs = Needs { entries: vec![&vhosts], read: &read, ..Needs::default() };
        let (served, other) = ([at("vhosts/file"), at("sites/file")], at("other/file"));
        within(&Reach::of(&needs).unwrap(), move || {
            for file in &served {
                assert_eq!(fs::read(file).unwrap(), b"text");
                assert!(fs::read_dir(file.parent().unwrap()).unwrap().count() == 1);
                assert!(is_refused(OpenOptions::new().append(true).open(file)));
                assert!(is_refused(File::create(file.with_extension("new"))));
                assert!(is_refused(fs::remove_file(file)));
            }
            assert!(is_refused(File::open(&other)));
            assert!(is_refused(fs::read_dir(other.parent().unwrap())));
            assert!(is_refused(File::open("/etc/passwd")));
        });
    }

    #[test]
    fn a_log_is_written_and_made_anew_but_not_read() {
        let dir = tempfile::tempdir().unwrap();
        let log = dir.path().join("log");
        fs::write(&log, "").unwrap();
        let reach = Reach::of(&Needs { log: Some(&log), ..Needs::default() }).unwrap();
        within(&reach, move || {
            OpenOptions::new().append(true).open(&log).unwrap();
            let new = log.with_extension("new");
            OpenOptions::new().append(true).create_new(true).open(new).unwrap();
            assert!(is_refused(File::open(&log)));
            assert!(is_refused(fs::remove_file(&log)));
        });
    }

    #[test]
    fn a_socket_is_removed_where_one_was_made() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("socket");
        fs::write(&path, "").unwrap();
        let reach = Reach::of(&Needs { removed: vec![&path], ..Needs::default() }).unwrap();
        within(&reach, move || {
            assert!(is_refused(File::open(&path)));
            fs::remove_file(&path).unwrap();
        });
    }

    #[test]
    fn there_are_no_tcp_connections_of_its_own() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        within_version(&Reach::default(), 4, move || {
            assert!(is_refused(TcpStream::connect(address)));
            assert!(is_refused(TcpListener::bind("127.0.0.1:0")));
        });
    }
}
