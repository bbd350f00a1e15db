//! Namespaces, where they are granted: everything mounted read-only but the private folder, and a network with nothing but
//! loopback. None of it is needed to be confined; it lets more tests run.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use rustix::mount::{MountFlags, MountPropagationFlags, mount_bind, mount_change, mount_remount};
use rustix::net::netlink::SocketAddrNetlink;
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, recv, sendto, socket_with};
use rustix::process::{getgid, getuid};
use rustix::thread::UnshareFlags;

use crate::protections::Protections;
use crate::spec::Spec;

/// Where programs expect shared memory.
const SHARED_MEMORY: &str = "/dev/shm";

/// Enters what is granted; says what was.
pub(super) fn enter(spec: &Spec, granted: &mut Protections) {
    if let Err(error) = user() {
        granted.notes.push(format!("no user namespace: {error}"));
        return;
    }
    match unshare(UnshareFlags::NEWNET | UnshareFlags::NEWIPC).and_then(|()| raise_loopback()) {
        Ok(()) => granted.own_network = true,
        Err(error) => granted.notes.push(format!("no network namespace: {error}")),
    }
    match unshare(UnshareFlags::NEWNS).and_then(|()| make_read_only(spec)) {
        Ok(()) => granted.own_mounts = true,
        Err(error) => granted.notes.push(format!("no mounts of its own: {error}")),
    }
}

/// A user namespace in which this user is who it was.
fn user() -> io::Result<()> {
    let (uid, gid) = (getuid().as_raw(), getgid().as_raw());
    unshare(UnshareFlags::NEWUSER)?;
    // Asked for by the kernel of who may not map other groups.
    fs::write("/proc/self/setgroups", "deny")?;
    fs::write("/proc/self/uid_map", format!("{uid} {uid} 1"))?;
    fs::write("/proc/self/gid_map", format!("{gid} {gid} 1"))
}

fn unshare(flags: UnshareFlags) -> io::Result<()> {
    // Only `FILES` is unsafe, and only with several threads; this process has one.
    #[expect(deprecated)]
    Ok(rustix::thread::unshare(flags)?)
}

/// Makes all that is mounted read-only, except the folder to write in.
fn make_read_only(spec: &Spec) -> io::Result<()> {
    mount_change("/", MountPropagationFlags::PRIVATE | MountPropagationFlags::REC)?;
    mount_bind(&spec.write, &spec.write)?;
    mount_bind(&spec.shared_memory, SHARED_MEMORY)?;
    let mut kept = vec![spec.write.as_path(), Path::new(SHARED_MEMORY)];
    for folder in &spec.also_write {
        mount_bind(folder, folder)?;
        kept.push(folder);
    }
    let table = fs::read_to_string("/proc/self/mountinfo")?;
    for (place, flags) in table.lines().filter_map(mount) {
        if kept.contains(&place.as_path()) || flags.contains(MountFlags::RDONLY) {
            continue;
        }
        match mount_remount(&place, flags | MountFlags::BIND | MountFlags::RDONLY, "") {
            // Something else is mounted over it, or it lies below what this user may not enter: no path leads there.
            Ok(()) | Err(rustix::io::Errno::NOENT | rustix::io::Errno::ACCESS) => {}
            Err(error) => return Err(io::Error::other(format!("{}: {error}", place.display()))),
        }
    }
    Ok(())
}

/// The place and the flags of a line of `mountinfo`. Those flags are kept, for they may not be taken away.
fn mount(line: &str) -> Option<(PathBuf, MountFlags)> {
    let mut words = line.split(' ').skip(4);
    let place = unescaped(words.next()?);
    let known = [
        ("ro", MountFlags::RDONLY),
        ("nosuid", MountFlags::NOSUID),
        ("nodev", MountFlags::NODEV),
        ("noexec", MountFlags::NOEXEC),
        ("noatime", MountFlags::NOATIME),
        ("nodiratime", MountFlags::NODIRATIME),
        ("relatime", MountFlags::RELATIME),
    ];
    let options = words.next()?;
    let flags = options.split(',').filter_map(|it| known.iter().find(|(name, _)| *name == it)).map(|(_, flag)| *flag);
    Some((place, flags.fold(MountFlags::empty(), |all, it| all | it)))
}

/// Spaces, tabs, line ends and backslashes are written in octal.
fn unescaped(text: &str) -> PathBuf {
    let pairs = [("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")];
    pairs.iter().fold(text.to_owned(), |text, (from, to)| text.replace(from, to)).into()
}

/// Switches the loopback device of a new network on, which has no other.
fn raise_loopback() -> io::Result<()> {
    const RTM_NEWLINK: u16 = 16;
    const REQUEST_AND_ACKNOWLEDGE: u16 = 1 | 4;
    const LOOPBACK: i32 = 1;
    const UP: u32 = 1;
    const LENGTH: u32 = 32;
    let mut message = Vec::with_capacity(LENGTH as usize);
    message.extend(LENGTH.to_ne_bytes());
    message.extend(RTM_NEWLINK.to_ne_bytes());
    message.extend(REQUEST_AND_ACKNOWLEDGE.to_ne_bytes());
    message.extend(1_u32.to_ne_bytes()); // which message this is
    message.extend(0_u32.to_ne_bytes()); // from whom
    message.extend([0; 4]); // family, and the type of device
    message.extend(LOOPBACK.to_ne_bytes());
    message.extend(UP.to_ne_bytes());
    message.extend(UP.to_ne_bytes()); // which of the flags to change
    let socket = socket_with(AddressFamily::NETLINK, SocketType::RAW, SocketFlags::CLOEXEC, None)?;
    sendto(&socket, &message, SendFlags::empty(), &SocketAddrNetlink::new(0, 0))?;
    let mut answer = [0; 256];
    let (_, length) = recv(&socket, &mut answer, RecvFlags::empty())?;
    // The answer's head is as long as ours up to here; then comes the error, negative.
    match answer[..length].get(16..20).map(|it| i32::from_ne_bytes([it[0], it[1], it[2], it[3]])) {
        Some(0) => Ok(()),
        Some(error) => Err(io::Error::from_raw_os_error(-error)),
        None => Err(io::Error::other("no answer")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mounts_are_read_with_the_flags_that_must_stay() {
        let line =
            "36 35 98:0 /mnt1 /mnt\\040two\\134x rw,nosuid,relatime shared:1 - ext3 /dev/root rw,errors=continue";
        let (place, flags) = mount(line).unwrap();
        assert_eq!(place, Path::new("/mnt two\\x"));
        assert_eq!(flags, MountFlags::NOSUID | MountFlags::RELATIME);
        assert!(mount("36 35 98:0 / / ro - ext3").unwrap().1.contains(MountFlags::RDONLY));
        assert_eq!(mount("36 35"), None);
    }
}
