//! Which protections the kernel has granted.

use serde::{Deserialize, Serialize};

/// What holds for a process that was confined, as the kernel has answered.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Protections {
    /// The version of Landlock's interface that is in force; 0 without Landlock.
    pub landlock: u32,
    /// Files, also their truncation, are confined to what was listed.
    pub files: bool,
    pub no_new_privileges: bool,
    /// No capability is left, and none can be gained.
    pub no_capabilities: bool,
    pub system_calls: bool,
    /// The kernel keeps signals inside. Else the filter of system calls lets a process signal only itself.
    pub signals: bool,
    /// A network of its own, with nothing but loopback. Else there are no sockets at all.
    pub own_network: bool,
    /// Everything but its own folder is mounted read-only, so that modes and times of its own files can be changed. Else these
    /// calls are refused.
    pub own_mounts: bool,
    /// A control group that is killed as a whole.
    pub control_group: bool,
    /// Why something of the above is missing.
    pub notes: Vec<String>,
}

/// The first version of Landlock that keeps files from being truncated.
pub(crate) const LEAST_LANDLOCK: u32 = 3;

impl Protections {
    /// What is missing for code to count as confined, in words; `None` when nothing is.
    pub fn lack(&self) -> Option<String> {
        let needs = [
            (self.files && self.landlock >= LEAST_LANDLOCK, "Landlock of Linux 6.2 or later"),
            (self.no_new_privileges, "no_new_privs"),
            (self.no_capabilities, "giving up capabilities"),
            (self.system_calls, "seccomp filters"),
        ];
        let missing: Vec<&str> = needs.iter().filter(|(granted, _)| !granted).map(|(_, what)| *what).collect();
        (!missing.is_empty()).then(|| format!("the kernel does not grant {}", missing.join(", ")))
    }

    /// One line for each protection, for people.
    pub fn lines(&self) -> Vec<String> {
        let mut lines = vec![match self.lack() {
            None => "all that is needed is granted".to_owned(),
            Some(lack) => format!("NOT CONFINED: {lack}"),
        }];
        let mut say = |granted: bool, yes: &str, no: &str| lines.push(if granted { yes } else { no }.to_owned());
        let files = format!("files: only what is listed (Landlock, version {} of its interface)", self.landlock);
        say(self.files, &files, "files: NOT restricted");
        say(
            self.system_calls && self.no_new_privileges,
            "system calls: only those of ordinary programs (seccomp, no_new_privs)",
            "system calls: NOT restricted",
        );
        say(self.no_capabilities, "capabilities: none", "capabilities: NOT given up");
        say(self.signals, "signals: only to its own processes", "signals: a process reaches only itself");
        say(
            self.own_network,
            "network: none but a loopback of its own",
            "network: none, no sockets either; tests that need loopback are not runnable here",
        );
        say(
            self.own_mounts,
            "modes and times of files: only in its own folder (all else is mounted read-only)",
            "modes and times of files: cannot be changed; tests that do so are not runnable here",
        );
        say(self.control_group, "processes: a control group", "processes: a process group that none can leave");
        lines.extend(self.notes.iter().map(|note| format!("({note})")));
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> Protections {
        Protections {
            landlock: 4,
            files: true,
            no_new_privileges: true,
            no_capabilities: true,
            system_calls: true,
            ..Protections::default()
        }
    }

    #[test]
    fn what_is_needed_is_named_when_it_is_missing() {
        assert_eq!(all().lack(), None);
        assert!(Protections::default().lack().unwrap().contains("Landlock"));
        assert!(Protections { landlock: 2, ..all() }.lack().unwrap().contains("Landlock of Linux 6.2"));
        assert_eq!(
            Protections { system_calls: false, ..all() }.lack().unwrap(),
            "the kernel does not grant seccomp filters"
        );
        assert!(Protections { no_capabilities: false, ..all() }.lack().is_some());
        assert!(Protections { no_new_privileges: false, ..all() }.lines()[0].starts_with("NOT CONFINED"));
    }
}
