//! Hostile programs, confined: each has its outcome, and leaves the host as it was.
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

use std::fs;
use std::io::ErrorKind;
use std::net::TcpListener;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::{SocketAddr, UnixDatagram, UnixListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::time::Duration;

use confined::{Confinement, End, Spec};

const ATTACKS: &str = include_str!("attacks.md");
const TOKEN: &str = "correct horse battery staple";

const PRELUDE: &str = r#"
import ctypes, fcntl, mmap, os, resource, signal, socket, subprocess, sys, time
SECRET, READABLE, PRIVATE = os.environ["SECRET"], os.environ["READABLE"], os.environ["PRIVATE"]
SOCKET, ABSTRACT = os.environ["SOCKET"], "\0" + os.environ["ABSTRACT"]
PORT, VICTIM, PARENT = (int(os.environ[it]) for it in ("PORT", "VICTIM", "PARENT"))
def attempt(what):
    try:
        print("done", repr(what()), flush=True)
    except (OSError, MemoryError) as error:
        print("denied", error, flush=True)
def call(*arguments):
    libc = ctypes.CDLL(None, use_errno=True)
    result = libc.syscall(*(ctypes.c_long(it) if isinstance(it, int) else it for it in arguments))
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result
"#;

struct Attack {
    name: &'static str,
    outcome: &'static str,
    code: &'static str,
}

fn attacks() -> Vec<Attack> {
    let sections = ATTACKS.split("\n## ").skip(1).map(|section| {
        let (name, rest) = section.split_once('\n').unwrap();
        let (outcome, code) = rest.split_once('\n').unwrap();
        assert!(["denied", "harmless", "ended"].contains(&outcome), "{name}: {outcome}");
        Attack { name, outcome, code }
    });
    sections.collect()
}

/// Whatever hostile code might reach, and how it was.
struct Host {
    folder: tempfile::TempDir,
    tcp: TcpListener,
    path: UnixListener,
    abstract_one: UnixListener,
    datagrams: [UnixDatagram; 2],
    abstract_name: String,
    victim: Child,
    before: Vec<String>,
}

impl Host {
    fn new() -> Self {
        // Not where everybody may write: that is where private folders are, too.
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir(at("home")).unwrap();
        fs::write(at("home/secret"), TOKEN).unwrap();
        fs::create_dir(at("readable")).unwrap();
        fs::write(at("readable/file"), "readable").unwrap();
        let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
        tcp.set_nonblocking(true).unwrap();
        // Paths of sockets are short.
        let short = PathBuf::from(format!("/tmp/tantu-attack-{}", std::process::id()));
        let _ = fs::remove_file(&short);
        let _ = fs::remove_file(format!("{}.datagram", short.display()));
        let path = UnixListener::bind(&short).unwrap();
        path.set_nonblocking(true).unwrap();
        let abstract_name = format!("tantu-attack-{}", std::process::id());
        let abstract_one = UnixListener::bind_addr(&SocketAddr::from_abstract_name(&abstract_name).unwrap()).unwrap();
        abstract_one.set_nonblocking(true).unwrap();
        let name = SocketAddr::from_abstract_name(format!("{abstract_name}.datagram")).unwrap();
        let datagrams = [
            UnixDatagram::bind(format!("{}.datagram", short.display())).unwrap(),
            UnixDatagram::bind_addr(&name).unwrap(),
        ];
        datagrams.iter().for_each(|it| it.set_nonblocking(true).unwrap());
        let victim = Command::new("sleep").arg("1000").stdin(Stdio::null()).spawn().unwrap();
        let mut host = Host { folder, tcp, path, abstract_one, datagrams, abstract_name, victim, before: Vec::new() };
        std::thread::sleep(Duration::from_millis(50));
        host.before = host.state();
        host
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn socket(&self) -> PathBuf {
        format!("/tmp/tantu-attack-{}", std::process::id()).into()
    }

    /// Everything that must not change.
    fn state(&self) -> Vec<String> {
        let mut state = Vec::new();
        for name in ["home", "home/secret", "readable", "readable/file"] {
            let it = fs::metadata(self.at(name)).unwrap();
            let text = fs::read_to_string(self.at(name)).unwrap_or_default();
            let times = (it.mtime(), it.mtime_nsec(), it.ctime(), it.ctime_nsec(), it.nlink());
            state.push(format!("{name} {:o} {} {} {times:?} {text}", it.mode(), it.uid(), it.len()));
        }
        let victim = self.victim.id();
        let stat = fs::read_to_string(format!("/proc/{victim}/stat")).unwrap();
        let stat: Vec<&str> = stat.rsplit_once(") ").unwrap().1.split(' ').collect();
        // State (asleep), group, session, priority, nice.
        state.push(format!("{:?}", [stat[0], stat[2], stat[3], stat[15], stat[16]]));
        state.push(fs::read_to_string(format!("/proc/{victim}/limits")).unwrap());
        let status = fs::read_to_string(format!("/proc/{victim}/status")).unwrap();
        state.extend(status.lines().filter(|it| it.starts_with("Cpus_allowed:")).map(str::to_owned));
        state.push(format!("{}", Path::new("/dev/shm/tantu-attack").exists()));
        state
    }

    /// What has reached one of the servers.
    fn visitors(&self) -> Vec<&'static str> {
        let mut found = Vec::new();
        let none = |kind: ErrorKind| kind == ErrorKind::WouldBlock;
        if !self.tcp.accept().is_err_and(|it| none(it.kind())) {
            found.push("TCP");
        }
        for (listener, name) in [(&self.path, "path"), (&self.abstract_one, "abstract")] {
            if !listener.accept().is_err_and(|it| none(it.kind())) {
                found.push(name);
            }
        }
        for it in &self.datagrams {
            if !it.recv(&mut [0; 8]).is_err_and(|it| none(it.kind())) {
                found.push("datagram");
            }
        }
        found
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        let _ = self.victim.kill();
        let _ = self.victim.wait();
        let _ = fs::remove_file(self.socket());
        let _ = fs::remove_file(format!("{}.datagram", self.socket().display()));
    }
}

/// Processes that belong to the session of one that has ended.
fn left(private: &Path) -> Vec<String> {
    let private = private.to_string_lossy().into_owned();
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        let environment = fs::read(entry.path().join("environ")).unwrap_or_default();
        if String::from_utf8_lossy(&environment).contains(&private) {
            found.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    found
}

/// Which interpreter, and what it reads.
fn python() -> (PathBuf, Vec<PathBuf>) {
    let code = "import os, sys; print(os.path.realpath(sys.executable)); print(os.path.realpath(sys.base_prefix))";
    let output = Command::new("python3").args(["-c", code]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let (program, prefix) = text.trim().split_once('\n').unwrap();
    (program.into(), vec![prefix.into()])
}

/// One at a time: whatever is orphaned in this process is waited for, whoever has started it.
static ALONE: Mutex<()> = Mutex::new(());

fn suffer(without_namespaces: bool) {
    let _alone = ALONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    // As a warden is: what is orphaned comes here.
    rustix::process::set_child_subreaper(Some(rustix::process::getpid())).unwrap();
    // A descriptor that an editor has left open: not closed with the next program.
    let host = Host::new();
    let leak = fs::File::open(host.at("home/secret")).unwrap();
    rustix::io::fcntl_setfd(&leak, rustix::io::FdFlags::empty()).unwrap();
    let (program, mut read) = python();
    read.push(host.at("readable"));
    let mut wrong = Vec::new();
    let all = attacks();
    assert!(all.len() >= 40, "{}", all.len());
    for (number, attack) in all.iter().enumerate() {
        let private = host.at(&format!("private-{without_namespaces}-{number}"));
        fs::create_dir_all(private.join("shm")).unwrap();
        let variables = [
            ("SECRET", host.at("home/secret").to_string_lossy().into_owned()),
            ("READABLE", host.at("readable/file").to_string_lossy().into_owned()),
            ("PRIVATE", private.to_string_lossy().into_owned()),
            ("PORT", host.tcp.local_addr().unwrap().port().to_string()),
            ("SOCKET", host.socket().to_string_lossy().into_owned()),
            ("ABSTRACT", host.abstract_name.clone()),
            ("VICTIM", host.victim.id().to_string()),
            ("PARENT", std::process::id().to_string()),
        ];
        let spec = Spec {
            program: Some(program.clone()),
            arguments: vec!["-S".into(), "-c".into(), format!("{PRELUDE}\n{}", attack.code)],
            folder: private.clone(),
            environment: variables.map(|(name, value)| (name.to_owned(), value)).to_vec(),
            read: read.clone(),
            shared_memory: private.join("shm"),
            write: private.clone(),
            also_write: Vec::new(),
            data: 2 << 30,
            file: 64 << 20,
            cpu: 60,
            processes: 4096,
            without_namespaces,
        };
        let group = Mutex::new(None);
        let ended = Confinement {
            program: Path::new(env!("CARGO_BIN_EXE_confined")),
            spec: &spec,
            told: b"",
            wall: Duration::from_secs(4),
            output: 100_000,
            memory: 512 << 20,
            before: (0, 0),
            disk: 64 << 20,
            group: &group,
        }
        .run()
        .unwrap();
        let said = format!("{}{}", ended.stdout, ended.stderr);
        let is_right = match attack.outcome {
            "ended" => !matches!(ended.end, End::Exited(_)),
            outcome => ended.end == End::Exited(0) && ended.stdout.starts_with(outcome),
        };
        let mut say = |what: String| wrong.push(format!("{}: {what}", attack.name));
        if !is_right {
            say(format!("{:?}: {}", ended.end, said.chars().take(600).collect::<String>()));
        }
        if said.contains(TOKEN) {
            say("has read the secret".to_owned());
        }
        assert_eq!(ended.granted.lack(), None);
        assert!(!without_namespaces || !(ended.granted.own_network || ended.granted.own_mounts));
        let state = host.state();
        for (before, after) in host.before.iter().zip(&state).filter(|(before, after)| before != after) {
            say(format!("has changed the host: {before} → {after}"));
        }
        for visitor in host.visitors() {
            say(format!("has reached a server: {visitor}"));
        }
        for process in left(&private) {
            say(format!("process {process} lives on"));
        }
        assert!(Command::new("rm").arg("-rf").arg(&private).status().unwrap().success());
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn hostile_code_reaches_nothing_with_namespaces_where_they_are_granted() {
    suffer(false);
}

#[test]
fn hostile_code_reaches_nothing_without_namespaces() {
    suffer(true);
}
