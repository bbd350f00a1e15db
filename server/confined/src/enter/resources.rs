//! Limits of resources, and capabilities.

use std::io;

use rustix::io::Errno;
use rustix::process::{Resource, Rlimit, getrlimit, getuid, setrlimit};
use rustix::thread::{
    CapabilitySet, CapabilitySets, capabilities, capability_is_in_bounding_set, clear_ambient_capability_set,
    remove_capability_from_bounding_set, set_capabilities,
};

use crate::spec::Spec;

/// Files that are open at a time, in one process.
const OPEN_FILES: u64 = 1024;
/// Bytes that can be reserved, in one process: interpreters reserve far more than they use.
const ADDRESSES: u64 = 64 << 30;

/// Of every process that is started from here on.
pub(super) fn limit(spec: &Spec) -> io::Result<()> {
    lower(Resource::Core, 0)?;
    lower(Resource::Fsize, spec.file)?;
    lower(Resource::Nofile, OPEN_FILES)?;
    lower(Resource::Data, spec.data)?;
    lower(Resource::As, ADDRESSES)?;
    lower(Resource::Cpu, spec.cpu)?;
    lower(Resource::Memlock, 1 << 20)?;
    lower(Resource::Msgqueue, 0)?;
    lower(Resource::Nproc, spec.processes)
}

/// Both the limit and the limit on raising it; neither is raised.
fn lower(resource: Resource, to: u64) -> io::Result<()> {
    let least = |limit: Option<u64>| Some(limit.map_or(to, |limit| limit.min(to)));
    let now = getrlimit(resource);
    Ok(setrlimit(resource, Rlimit { current: least(now.current), maximum: least(now.maximum) })?)
}

/// Gives up all capabilities, also those that root would regain with the next program. Whether that has succeeded.
pub(super) fn drop_capabilities(notes: &mut Vec<String>) -> bool {
    let _ = clear_ambient_capability_set();
    for number in 0..64 {
        let one = CapabilitySet::from_bits_retain(1 << number);
        // Who has none may not remove any from the set of what could be gained; no_new_privs sees to that.
        if let Err(Errno::INVAL) = remove_capability_from_bounding_set(one) {
            // The kernel knows no more.
            break;
        }
    }
    let none = CapabilitySets {
        effective: CapabilitySet::empty(),
        permitted: CapabilitySet::empty(),
        inheritable: CapabilitySet::empty(),
    };
    if let Err(error) = set_capabilities(None, none) {
        notes.push(format!("capabilities: {error}"));
        return false;
    }
    let dropped = capabilities(None).is_ok_and(|it| it == none);
    // Only root would have them back.
    let is_root = getuid().is_root();
    let regains = is_root
        && (0..40).any(|it| capability_is_in_bounding_set(CapabilitySet::from_bits_retain(1 << it)).unwrap_or(false));
    if regains {
        notes.push("root would regain its capabilities with the next program".to_owned());
    }
    dropped && !regains
}
