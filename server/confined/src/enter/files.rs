//! Landlock: which files can be opened, and how. It holds for every process that is started from here on.

use std::path::{Path, PathBuf};

use landlock::{
    ABI, Access, AccessFs, AccessNet, CompatLevel, Compatible, LandlockStatus, RestrictionStatus, Ruleset, RulesetAttr,
    RulesetCreatedAttr, RulesetError, RulesetStatus, Scope, path_beneath_rules,
};

use crate::protections::{LEAST_LANDLOCK, Protections};
use crate::spec::Spec;

/// What dynamic linking, time zones, names of users and types of files take. None of it is anybody's own.
const SYSTEM: [&str; 28] = [
    "/bin",
    "/etc/alternatives",
    "/etc/group",
    "/etc/host.conf",
    "/etc/hosts",
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/localtime",
    "/etc/magic",
    "/etc/mime.types",
    "/etc/nsswitch.conf",
    "/etc/os-release",
    "/etc/passwd",
    "/etc/protocols",
    "/etc/services",
    "/etc/ssl/certs",
    "/etc/ssl/openssl.cnf",
    "/etc/timezone",
    "/lib",
    "/lib32",
    "/lib64",
    "/nix/store",
    "/proc/cpuinfo",
    "/proc/meminfo",
    "/sbin",
    "/sys/devices/system/cpu",
    "/usr",
];

const DEVICES_READ: [&str; 3] = ["/dev/random", "/dev/urandom", "/dev/zero"];
const DEVICES: [&str; 2] = ["/dev/full", "/dev/null"];

/// Confines this process; says what was granted.
pub(super) fn restrict(spec: &Spec, granted: &mut Protections) {
    match try_restrict(spec, granted) {
        Ok(status) => {
            granted.landlock = match status.landlock {
                LandlockStatus::Available { effective_abi, .. } => effective_abi as u32,
                _ => 0,
            };
            granted.files = status.ruleset != RulesetStatus::NotEnforced && granted.landlock >= LEAST_LANDLOCK;
            granted.no_new_privileges = status.no_new_privs;
            granted.signals = granted.landlock >= ABI::V6 as u32;
        }
        Err(error) => granted.notes.push(format!("Landlock: {error}")),
    }
}

fn try_restrict(spec: &Spec, granted: &Protections) -> Result<RestrictionStatus, RulesetError> {
    let newest = ABI::V6;
    let mut ruleset = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(newest))?
        .scope(Scope::from_all(newest))?;
    if !granted.own_network {
        ruleset = ruleset.handle_access(AccessNet::from_all(newest))?;
    }
    let read = AccessFs::from_read(newest);
    let all = AccessFs::from_all(newest);
    let look = AccessFs::ReadFile | AccessFs::ReadDir;
    let device = AccessFs::ReadFile | AccessFs::WriteFile;
    let own: PathBuf = format!("/proc/{}", std::process::id()).into();
    let mut write = vec![spec.write.as_path()];
    write.extend(spec.also_write.iter().map(PathBuf::as_path));
    if granted.own_mounts {
        write.push(Path::new("/dev/shm"));
    }
    ruleset
        .create()?
        .add_rules(path_beneath_rules(SYSTEM, read))?
        .add_rules(path_beneath_rules(&spec.read, read))?
        .add_rules(path_beneath_rules([own], look))?
        .add_rules(path_beneath_rules(DEVICES_READ, AccessFs::ReadFile))?
        .add_rules(path_beneath_rules(DEVICES, device))?
        .add_rules(path_beneath_rules(write, all))?
        .restrict_self()
}
