//! The way from `tantu mcp` to the server that an editor runs on the same workspace: a socket that only the user can open.
//!
//! One connection is one question: a line of JSON there, lines of JSON back until there is an answer. Who closes it wants no answer
//! any longer. The file's name holds the workspace's folder and the process, so that two editors are no trouble, and one that was
//! left behind is known by nobody answering.

use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::mpsc;

use crate::Toolbox;
use crate::toolbox::Card;
use crate::tools::{Answer, Ask};

/// A question or an answer is no longer; a patch may be large.
const LONGEST: u64 = 64 << 20;

/// Questions at the same time; further ones wait.
const MOST: usize = 8;

/// How long the other side may take to say anything at first.
const SOON: Duration = Duration::from_secs(5);

#[derive(Deserialize, Serialize)]
struct Question {
    /// Of the program: another one may mean something else.
    version: String,
    #[serde(flatten)]
    what: What,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
enum What {
    Ask(Ask),
    Cards,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Reply {
    Say(String),
    Answer(Box<Answer>),
    Cards(Vec<(String, String, String)>),
    Failed(String),
    OtherVersion,
}

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The folder for sockets: `tantu` in the user's runtime directory, or one in the temporary directory that is the user's alone.
///
/// # Errors
/// When it cannot be made, or belongs to somebody else.
pub fn directory() -> io::Result<PathBuf> {
    let user = rustix::process::geteuid().as_raw();
    let runtime =
        std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|path| path.is_absolute() && path.is_dir());
    let folder = match runtime {
        Some(runtime) => runtime.join("tantu"),
        None => std::env::temp_dir().join(format!("tantu-{user}")),
    };
    match fs::DirBuilder::new().mode(0o700).create(&folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    let metadata = fs::symlink_metadata(&folder)?;
    if !metadata.is_dir() || metadata.uid() != user || metadata.mode() & 0o077 != 0 {
        let what = format!("{} is not a folder that only you can open; remove it", folder.display());
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, what));
    }
    Ok(folder)
}

/// How the sockets of a workspace folder begin.
fn prefix(root: &Path) -> String {
    let hash = blake3::hash(root.as_os_str().as_encoded_bytes()).to_hex();
    format!("{}-", &hash[..16])
}

/// A socket that is open; dropped, it is closed and its file removed.
pub struct Listening {
    path: PathBuf,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.task.abort();
        // Whoever finds it sees that nobody answers.
        let _ = fs::remove_file(&self.path);
    }
}

/// Answers questions about the workspace folder `root` from now on. Needs a runtime.
///
/// # Errors
/// When the socket cannot be made.
pub fn listen(root: &Path, toolbox: Arc<Toolbox>) -> io::Result<Listening> {
    listen_in(&directory()?, root, toolbox)
}

fn listen_in(folder: &Path, root: &Path, toolbox: Arc<Toolbox>) -> io::Result<Listening> {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let path = folder.join(format!("{}{}-{number}.sock", prefix(root), std::process::id()));
    // Of a process with the same number that is no more.
    let _ = fs::remove_file(&path);
    let listener = UnixListener::bind(&path)?;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600))?;
    let room = Arc::new(tokio::sync::Semaphore::new(MOST));
    let task = tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (toolbox, room) = (toolbox.clone(), room.clone());
            tokio::spawn(async move {
                if is_own(&stream)
                    && let Ok(_permit) = room.acquire().await
                    && let Err(error) = serve(stream, &toolbox).await
                {
                    tracing::debug!("a question of an agent: {error}");
                }
            });
        }
    });
    Ok(Listening { path, task })
}

/// Whether the other end belongs to the same user.
fn is_own(stream: &UnixStream) -> bool {
    stream.peer_cred().is_ok_and(|peer| peer.uid() == rustix::process::geteuid().as_raw())
}

async fn serve(stream: UnixStream, toolbox: &Toolbox) -> io::Result<()> {
    let (reading, mut writing) = stream.into_split();
    let mut reading = BufReader::new(reading);
    let line = tokio::time::timeout(SOON, read_line(&mut reading)).await??;
    let reply = match serde_json::from_str::<Question>(&line) {
        Ok(question) if question.version != VERSION => Reply::OtherVersion,
        Err(_) => Reply::OtherVersion,
        Ok(Question { what: What::Cards, .. }) => {
            Reply::Cards(toolbox.cards().into_iter().map(|it| (it.uri, it.title, it.markdown)).collect())
        }
        Ok(Question { what: What::Ask(ask), .. }) => {
            let (sender, mut said) = mpsc::unbounded_channel();
            let say = move |what: String| {
                let _ = sender.send(what);
            };
            let answering = toolbox.answer(ask, &say);
            tokio::pin!(answering);
            let mut rest = [0];
            loop {
                tokio::select! {
                    answer = &mut answering => break match answer {
                        Ok(answer) => Reply::Answer(Box::new(answer)),
                        Err(why) => Reply::Failed(why),
                    },
                    Some(what) = said.recv() => write_line(&mut writing, &Reply::Say(what)).await?,
                    // The other side has closed the connection: what is being done is dropped.
                    _ = reading.read(&mut rest) => return Ok(()),
                }
            }
        }
    };
    write_line(&mut writing, &reply).await
}

async fn write_line(stream: &mut (impl AsyncWriteExt + Unpin), value: &impl Serialize) -> io::Result<()> {
    let mut line = serde_json::to_vec(value)?;
    line.push(b'\n');
    stream.write_all(&line).await?;
    stream.flush().await
}

async fn read_line(stream: &mut BufReader<impl AsyncRead + Unpin>) -> io::Result<String> {
    let mut line = String::new();
    let mut limited = stream.take(LONGEST);
    if limited.read_line(&mut line).await? == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(line)
}

/// Asks the server that an editor runs on the workspace folder `root`; `None` where there is none, or it is another version.
pub(crate) async fn ask(
    root: &Path,
    ask: &Ask,
    say: &(dyn Fn(String) + Send + Sync),
) -> Option<Result<Answer, String>> {
    let reply = exchange(&directory().ok()?, root, What::Ask(ask.clone()), say).await?;
    match reply {
        Reply::Answer(answer) => Some(Ok(*answer)),
        Reply::Failed(why) => Some(Err(why)),
        _ => None,
    }
}

/// The cards of the workspace that an editor has open.
pub(crate) async fn cards(root: &Path) -> Option<Vec<Card>> {
    match exchange(&directory().ok()?, root, What::Cards, &|_| {}).await? {
        Reply::Cards(cards) => {
            Some(cards.into_iter().map(|(uri, title, markdown)| Card { uri, title, markdown }).collect())
        }
        _ => None,
    }
}

/// Whether an editor's server answers for the workspace folder.
pub(crate) async fn is_served(root: &Path) -> bool {
    match directory() {
        Ok(folder) => connect(&folder, root).await.is_some(),
        Err(_) => false,
    }
}

async fn exchange(folder: &Path, root: &Path, what: What, say: &(dyn Fn(String) + Send + Sync)) -> Option<Reply> {
    let stream = connect(folder, root).await?;
    let (reading, mut writing) = stream.into_split();
    write_line(&mut writing, &Question { version: VERSION.to_owned(), what }).await.ok()?;
    let mut reading = BufReader::new(reading);
    loop {
        let line = read_line(&mut reading).await.ok()?;
        match serde_json::from_str(&line).ok()? {
            Reply::Say(what) => say(what),
            reply => return Some(reply),
        }
    }
}

/// The socket that was made last and answers. Those that nobody answers at were left behind, and are removed.
async fn connect(folder: &Path, root: &Path) -> Option<UnixStream> {
    let prefix = prefix(root);
    let entries = fs::read_dir(folder).ok()?;
    let names = |entry: &fs::DirEntry| entry.file_name().to_str().is_some_and(|name| name.starts_with(&prefix));
    let mut found: Vec<_> = entries.filter_map(Result::ok).filter(names).collect();
    found.sort_by_key(|entry| std::cmp::Reverse(entry.metadata().and_then(|it| it.modified()).ok()));
    for entry in found {
        match UnixStream::connect(entry.path()).await {
            Ok(stream) if is_own(&stream) => return Some(stream),
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
                tracing::debug!("{} was left behind", entry.path().display());
                let _ = fs::remove_file(entry.path());
            }
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alone::Alone;
    use crate::testing::services;
    use crate::tools::ExploreInput;

    #[tokio::test(flavor = "multi_thread")]
    async fn a_question_goes_to_the_server_that_is_there() {
        let (workspace, runtime) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let root = workspace.path().canonicalize().unwrap();
        fs::write(root.join("a.py"), "def total():\n    return 1\n").unwrap();
        let alone = Alone::start(root.clone(), services()).unwrap();
        let folder = runtime.path();
        // A socket that somebody has left behind, newer than the other.
        let listening = listen_in(folder, &root, alone.toolbox.clone()).unwrap();
        std::thread::sleep(Duration::from_millis(30));
        let left = folder.join(format!("{}0-0.sock", prefix(&root)));
        drop(std::os::unix::net::UnixListener::bind(&left).unwrap());
        assert_eq!(fs::metadata(&listening.path).unwrap().mode() & 0o777, 0o600);
        let query = ExploreInput { query: "total".to_owned(), budget: None };
        let reply = exchange(folder, &root, What::Ask(Ask::Explore(query.clone())), &|_| {}).await;
        let Some(Reply::Answer(answer)) = reply else { panic!("there is an answer") };
        assert!(answer.text.contains("def total()"), "{}", answer.text);
        assert!(!left.exists(), "what was left behind is removed");
        assert!(exchange(folder, Path::new("/elsewhere"), What::Cards, &|_| {}).await.is_none());
        // A question that is none, and one of another version.
        let mut stream = UnixStream::connect(&listening.path).await.unwrap();
        stream.write_all(b"{}\n").await.unwrap();
        let mut said = String::new();
        stream.read_to_string(&mut said).await.unwrap();
        assert_eq!(said, "\"other-version\"\n");
        let path = listening.path.clone();
        drop(listening);
        assert!(!path.exists());
        assert!(exchange(folder, &root, What::Ask(Ask::Explore(query)), &|_| {}).await.is_none());
    }
}
