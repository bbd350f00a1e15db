//! seccomp: which system calls there are. What is on no list does not exist (`ENOSYS`); what is refused in particular, or with
//! these arguments, is not permitted (`EPERM`), which Python says as `PermissionError`.

use std::collections::BTreeMap;

use libc::*;
use rustix::process::Pid;
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen as Width, SeccompCmpOp as Is, SeccompCondition as If, SeccompFilter,
    SeccompRule, TargetArch, apply_filter,
};

use crate::protections::Protections;

/// What ordinary programs use.
const ALLOWED: &[c_long] = &[
    SYS_accept,
    SYS_accept4,
    SYS_bind,
    SYS_brk,
    SYS_capget,
    SYS_chdir,
    SYS_clock_getres,
    SYS_clock_gettime,
    SYS_clock_nanosleep,
    SYS_clone,
    SYS_close,
    SYS_close_range,
    SYS_connect,
    SYS_copy_file_range,
    SYS_dup,
    SYS_dup3,
    SYS_epoll_create1,
    SYS_epoll_ctl,
    SYS_epoll_pwait,
    SYS_epoll_pwait2,
    SYS_eventfd2,
    SYS_execve,
    SYS_execveat,
    SYS_exit,
    SYS_exit_group,
    SYS_faccessat,
    SYS_faccessat2,
    SYS_fadvise64,
    SYS_fallocate,
    SYS_fchdir,
    SYS_fchmod,
    SYS_fchmodat,
    SYS_fchmodat2,
    SYS_fchown,
    SYS_fchownat,
    SYS_fcntl,
    SYS_fdatasync,
    SYS_fgetxattr,
    SYS_flistxattr,
    SYS_flock,
    SYS_fremovexattr,
    SYS_fsetxattr,
    SYS_fstat,
    SYS_fstatfs,
    SYS_fsync,
    SYS_ftruncate,
    SYS_futex,
    SYS_futex_waitv,
    SYS_get_mempolicy,
    SYS_get_robust_list,
    SYS_getcpu,
    SYS_getcwd,
    SYS_getdents64,
    SYS_getegid,
    SYS_geteuid,
    SYS_getgid,
    SYS_getgroups,
    SYS_getitimer,
    SYS_getpeername,
    SYS_getpgid,
    SYS_getpid,
    SYS_getppid,
    SYS_getpriority,
    SYS_getrandom,
    SYS_getresgid,
    SYS_getresuid,
    SYS_getrusage,
    SYS_getsid,
    SYS_getsockname,
    SYS_getsockopt,
    SYS_gettid,
    SYS_gettimeofday,
    SYS_getuid,
    SYS_getxattr,
    SYS_ioctl,
    SYS_ioprio_get,
    SYS_kill,
    SYS_lgetxattr,
    SYS_linkat,
    SYS_listen,
    SYS_listxattr,
    SYS_llistxattr,
    SYS_lremovexattr,
    SYS_lseek,
    SYS_lsetxattr,
    SYS_madvise,
    SYS_membarrier,
    SYS_memfd_create,
    SYS_mincore,
    SYS_mkdirat,
    SYS_mknodat,
    SYS_mlock,
    SYS_mlock2,
    SYS_mlockall,
    SYS_mmap,
    SYS_mprotect,
    SYS_mremap,
    SYS_msync,
    SYS_munlock,
    SYS_munlockall,
    SYS_munmap,
    SYS_nanosleep,
    SYS_newfstatat,
    SYS_openat,
    SYS_openat2,
    SYS_pidfd_open,
    SYS_pidfd_send_signal,
    SYS_pipe2,
    SYS_pkey_alloc,
    SYS_pkey_free,
    SYS_pkey_mprotect,
    SYS_ppoll,
    SYS_prctl,
    SYS_pread64,
    SYS_preadv,
    SYS_preadv2,
    SYS_prlimit64,
    SYS_pselect6,
    SYS_pwrite64,
    SYS_pwritev,
    SYS_pwritev2,
    SYS_read,
    SYS_readahead,
    SYS_readlinkat,
    SYS_readv,
    SYS_recvfrom,
    SYS_recvmmsg,
    SYS_recvmsg,
    SYS_removexattr,
    SYS_renameat,
    SYS_renameat2,
    SYS_restart_syscall,
    SYS_rseq,
    SYS_rt_sigaction,
    SYS_rt_sigpending,
    SYS_rt_sigprocmask,
    SYS_rt_sigqueueinfo,
    SYS_rt_sigreturn,
    SYS_rt_sigsuspend,
    SYS_rt_sigtimedwait,
    SYS_rt_tgsigqueueinfo,
    SYS_sched_get_priority_max,
    SYS_sched_get_priority_min,
    SYS_sched_getaffinity,
    SYS_sched_getattr,
    SYS_sched_getparam,
    SYS_sched_getscheduler,
    SYS_sched_rr_get_interval,
    SYS_sched_setaffinity,
    SYS_sched_yield,
    // The second filter refuses it, once that is installed.
    SYS_seccomp,
    SYS_sendfile,
    SYS_sendmmsg,
    SYS_sendmsg,
    SYS_sendto,
    SYS_set_robust_list,
    SYS_set_tid_address,
    SYS_setitimer,
    SYS_setpriority,
    SYS_setsockopt,
    SYS_setxattr,
    SYS_shutdown,
    SYS_sigaltstack,
    SYS_signalfd4,
    SYS_socket,
    SYS_socketpair,
    SYS_splice,
    SYS_statfs,
    SYS_statx,
    SYS_symlinkat,
    SYS_sync_file_range,
    SYS_sysinfo,
    SYS_tee,
    SYS_tgkill,
    SYS_timer_create,
    SYS_timer_delete,
    SYS_timer_getoverrun,
    SYS_timer_gettime,
    SYS_timer_settime,
    SYS_timerfd_create,
    SYS_timerfd_gettime,
    SYS_timerfd_settime,
    SYS_times,
    SYS_tkill,
    SYS_truncate,
    SYS_umask,
    SYS_uname,
    SYS_unlinkat,
    SYS_utimensat,
    SYS_wait4,
    SYS_waitid,
    SYS_write,
    SYS_writev,
];

/// The older calls, which newer architectures do not have.
#[cfg(target_arch = "x86_64")]
const ALLOWED_OLDER: &[c_long] = &[
    SYS_access,
    SYS_alarm,
    SYS_arch_prctl,
    SYS_chmod,
    SYS_chown,
    SYS_creat,
    SYS_dup2,
    SYS_epoll_create,
    SYS_epoll_wait,
    SYS_eventfd,
    SYS_fork,
    SYS_futimesat,
    SYS_getdents,
    SYS_getpgrp,
    SYS_getrlimit,
    SYS_lchown,
    SYS_link,
    SYS_lstat,
    SYS_mkdir,
    SYS_mknod,
    SYS_open,
    SYS_pause,
    SYS_pipe,
    SYS_poll,
    SYS_readlink,
    SYS_rename,
    SYS_rmdir,
    SYS_select,
    SYS_setrlimit,
    SYS_signalfd,
    SYS_stat,
    SYS_symlink,
    SYS_time,
    SYS_unlink,
    SYS_utime,
    SYS_utimes,
    SYS_vfork,
];
#[cfg(not(target_arch = "x86_64"))]
const ALLOWED_OLDER: &[c_long] = &[];

/// Not permitted, whatever the arguments. Most would be refused for want of capabilities, too.
const REFUSED: &[c_long] = &[
    // Other processes.
    SYS_ptrace,
    SYS_process_vm_readv,
    SYS_process_vm_writev,
    SYS_kcmp,
    SYS_pidfd_getfd,
    SYS_process_madvise,
    SYS_process_mrelease,
    SYS_migrate_pages,
    SYS_move_pages,
    SYS_ioprio_set,
    SYS_sched_setattr,
    SYS_sched_setparam,
    SYS_sched_setscheduler,
    // Who can be in no other group is ended with this one.
    SYS_setsid,
    SYS_setpgid,
    // Mounts and namespaces.
    SYS_mount,
    SYS_umount2,
    SYS_pivot_root,
    SYS_chroot,
    SYS_unshare,
    SYS_setns,
    SYS_fsopen,
    SYS_fsconfig,
    SYS_fsmount,
    SYS_fspick,
    SYS_move_mount,
    SYS_open_tree,
    SYS_mount_setattr,
    SYS_open_by_handle_at,
    SYS_name_to_handle_at,
    SYS_swapon,
    SYS_swapoff,
    SYS_quotactl,
    // The kernel itself.
    SYS_bpf,
    SYS_perf_event_open,
    SYS_userfaultfd,
    SYS_io_uring_setup,
    SYS_io_uring_enter,
    SYS_io_uring_register,
    SYS_init_module,
    SYS_finit_module,
    SYS_delete_module,
    SYS_kexec_load,
    SYS_reboot,
    SYS_syslog,
    SYS_acct,
    SYS_settimeofday,
    SYS_clock_settime,
    SYS_clock_adjtime,
    SYS_adjtimex,
    SYS_sethostname,
    SYS_setdomainname,
    SYS_seccomp,
    SYS_personality,
    SYS_vhangup,
    // Keys, queues and memory that others share; names of files that others write.
    SYS_add_key,
    SYS_request_key,
    SYS_keyctl,
    SYS_mq_open,
    SYS_mq_unlink,
    SYS_msgget,
    SYS_semget,
    SYS_shmget,
    SYS_shmat,
    SYS_fanotify_init,
    SYS_fanotify_mark,
    SYS_inotify_init1,
    SYS_inotify_add_watch,
    // Other users and rights.
    SYS_setuid,
    SYS_setgid,
    SYS_setreuid,
    SYS_setregid,
    SYS_setresuid,
    SYS_setresgid,
    SYS_setfsuid,
    SYS_setfsgid,
    SYS_setgroups,
    SYS_capset,
];

#[cfg(target_arch = "x86_64")]
const REFUSED_OLDER: &[c_long] =
    &[SYS_iopl, SYS_ioperm, SYS_modify_ldt, SYS_inotify_init, SYS_uselib, SYS_ustat, SYS_kexec_file_load];
#[cfg(not(target_arch = "x86_64"))]
const REFUSED_OLDER: &[c_long] = &[];

/// Landlock does not look at these, so what it lets be read would have its mode, owner or time changed.
const METADATA: &[c_long] = &[
    SYS_fchmod,
    SYS_fchmodat,
    SYS_fchmodat2,
    SYS_fchown,
    SYS_fchownat,
    SYS_fremovexattr,
    SYS_fsetxattr,
    SYS_lremovexattr,
    SYS_lsetxattr,
    SYS_removexattr,
    SYS_setxattr,
    SYS_utimensat,
];
#[cfg(target_arch = "x86_64")]
const METADATA_OLDER: &[c_long] = &[SYS_chmod, SYS_chown, SYS_futimesat, SYS_lchown, SYS_utime, SYS_utimes];
#[cfg(not(target_arch = "x86_64"))]
const METADATA_OLDER: &[c_long] = &[];

type Rules = BTreeMap<c_long, Vec<SeccompRule>>;

/// Installs the filter for this process and all that it starts. `own` is this process.
///
/// # Errors
/// In words, when the kernel has no filters or this architecture is not known.
pub(super) fn install(granted: &Protections, own: Pid) -> Result<(), String> {
    let allowed = filter(
        ALLOWED.iter().chain(ALLOWED_OLDER).map(|&call| (call, Vec::new())).collect(),
        SeccompAction::Errno(ENOSYS as u32),
        SeccompAction::Allow,
    )?;
    let refused = filter(refused(granted, own)?, SeccompAction::Allow, SeccompAction::Errno(EPERM as u32))?;
    // Of two that refuse, the one that was installed last has the say.
    for program in [&allowed, &refused] {
        apply_filter(program).map_err(|error| format!("seccomp: {error}"))?;
    }
    Ok(())
}

fn filter(rules: Rules, otherwise: SeccompAction, then: SeccompAction) -> Result<BpfProgram, String> {
    let arch = TargetArch::try_from(std::env::consts::ARCH).map_err(|error| format!("seccomp: {error}"))?;
    let filter = SeccompFilter::new(rules, otherwise, then, arch);
    filter.and_then(TryInto::try_into).map_err(|error| format!("seccomp: {error}"))
}

fn refused(granted: &Protections, own: Pid) -> Result<Rules, String> {
    let mut rules: Rules = REFUSED.iter().chain(REFUSED_OLDER).map(|&call| (call, Vec::new())).collect();
    if !granted.own_mounts {
        rules.extend(METADATA.iter().chain(METADATA_OLDER).map(|&call| (call, Vec::new())));
    }
    let rule = |conditions: &[(u8, Is, u64)]| {
        let conditions = conditions.iter().map(|(index, is, value)| If::new(*index, Width::Dword, is.clone(), *value));
        SeccompRule::new(conditions.collect::<Result<_, _>>()?)
    };
    let mut refuse = |call: c_long, cases: &[&[(u8, Is, u64)]]| {
        let cases: Result<Vec<_>, _> = cases.iter().map(|it| rule(it)).collect();
        rules.insert(call, cases.map_err(|error: seccompiler::BackendError| format!("seccomp: {error}"))?);
        Ok::<(), String>(())
    };
    // Limits and priorities of others.
    refuse(SYS_prlimit64, &[&[(0, Is::Ne, 0)]])?;
    refuse(SYS_setpriority, &[&[(0, Is::Ne, PRIO_PROCESS as u64)], &[(1, Is::Ne, 0)]])?;
    refuse(SYS_sched_setaffinity, &[&[(0, Is::Ne, 0)]])?;
    // Typing into a terminal, and taking one over.
    let terminal = [TIOCSTI, TIOCLINUX, TIOCCONS, TIOCSCTTY].map(|request| [(1, Is::Eq, request)]);
    refuse(SYS_ioctl, &terminal.each_ref().map(|it| &it[..]))?;
    let namespaces =
        [CLONE_NEWUSER, CLONE_NEWNS, CLONE_NEWPID, CLONE_NEWNET, CLONE_NEWIPC, CLONE_NEWUTS, CLONE_NEWCGROUP]
            .map(|flag| flag as u32 as u64)
            .map(|flag| [(0, Is::MaskedEq(flag), flag)]);
    refuse(SYS_clone, &namespaces.each_ref().map(|it| &it[..]))?;
    // Datagrams could be sent, and the pair connected, to whatever socket has a path, as docker's and D-Bus's.
    let kind = |kind: i32| [(1, Is::MaskedEq(0xf), kind as u64)];
    refuse(SYS_socketpair, &[&[(0, Is::Ne, AF_UNIX as u64)], &kind(SOCK_DGRAM), &kind(SOCK_RAW)])?;
    if granted.own_network {
        // Only TCP and UDP: sockets with paths lead out of the network, to whoever listens there.
        let kinds = [kind(SOCK_RAW), kind(SOCK_RDM), kind(SOCK_SEQPACKET), kind(SOCK_DCCP), kind(10)];
        let family = [(0, Is::Ne, AF_INET as u64), (0, Is::Ne, AF_INET6 as u64)];
        let mut cases: Vec<&[(u8, Is, u64)]> = vec![&family];
        cases.extend(kinds.iter().map(|it| &it[..]));
        refuse(SYS_socket, &cases)?;
    } else {
        rules.insert(SYS_socket, Vec::new());
    }
    if !granted.signals {
        let own = own.as_raw_nonzero().get() as u64;
        let mut refuse = |call: c_long, conditions: &[(u8, Is, u64)]| {
            let case = rule(conditions).map_err(|error: seccompiler::BackendError| format!("seccomp: {error}"))?;
            rules.insert(call, vec![case]);
            Ok::<(), String>(())
        };
        // 0 is the own group.
        refuse(SYS_kill, &[(0, Is::Ne, 0), (0, Is::Ne, own)])?;
        refuse(SYS_tgkill, &[(0, Is::Ne, own)])?;
        for call in [SYS_tkill, SYS_rt_sigqueueinfo, SYS_rt_tgsigqueueinfo, SYS_pidfd_send_signal] {
            rules.insert(call, Vec::new());
        }
    }
    // Its flags lie in memory, where no filter looks: without it, the C library takes `clone`.
    Ok(rules)
}
