//! A test editor: an LSP client that runs the real server process and speaks to it over stdio.
//!
//! It does what a person's editor does (holds buffers, applies edits with version checks, answers questions, lets the
//! server go) and what none does: it keeps every message, checks the whole session against the protocol when it ends,
//! and fails the test if the server panicked, did not exit, or left a request unanswered. A failed test prints the
//! session.

mod capabilities;
mod changes;
mod documents;
mod session;

use std::io::{BufReader, Read};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::PATIENCE;
use crate::buffer::Encoding;
use crate::conformance;
use crate::wire::{read_message, transcript, write_message};
use crate::workspace::{Home, Workspace, file_uri};

pub use session::{Message, Published, Question, Session};

/// How a [`Client`] is started.
pub struct Builder<'a> {
    workspace: &'a Workspace,
    home: Option<&'a Home>,
    folders: bool,
    parent: u32,
    capabilities: Value,
    initialization_options: Value,
    settings: Value,
}

impl<'a> Builder<'a> {
    /// Runs as the user whose folders these are, rather than as one without settings.
    pub fn home(mut self, home: &'a Home) -> Self {
        self.home = Some(home);
        self
    }

    /// Offers these position encodings, most wanted first.
    pub fn encodings(mut self, encodings: &[Encoding]) -> Self {
        let names: Vec<_> = encodings.iter().map(|encoding| encoding.name()).collect();
        self.capabilities["general"]["positionEncodings"] = json!(names);
        self
    }

    /// Changes what the editor declares, given as a path `/textDocument/hover` and the new value.
    ///
    /// # Panics
    /// When the parent of the path does not exist.
    pub fn capability(mut self, path: &str, value: Value) -> Self {
        let (parent, name) = path.rsplit_once('/').expect("a path starts with a slash");
        let parent = self.capabilities.pointer_mut(parent).expect("the parent exists");
        parent[name] = value;
        self
    }

    /// Opens a file without a folder.
    pub fn without_folder(mut self) -> Self {
        self.folders = false;
        self
    }

    /// Names another process than this one as the editor.
    pub fn parent(mut self, process: u32) -> Self {
        self.parent = process;
        self
    }

    /// `initializationOptions`.
    pub fn initialization_options(mut self, options: Value) -> Self {
        self.initialization_options = options;
        self
    }

    /// The user's settings in the editor, e.g. `{"tantu": {"codeLens": false}}`.
    pub fn settings(mut self, settings: Value) -> Self {
        self.settings = settings;
        self
    }

    /// Starts the server and initializes the session.
    ///
    /// # Panics
    /// When the server is not built or does not initialize.
    pub fn start(self) -> Client {
        let own_home = self.home.is_none().then(Home::new);
        let home = self.home.or(own_home.as_ref()).expect("one of the two is there");
        let mut process = Command::new(crate::server_binary())
            .args(["lsp", "--stdio"])
            .current_dir(self.workspace.root())
            .env_clear()
            .envs(home.environment())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the server starts");
        let mut input = process.stdin.take().expect("it is piped");
        let output = process.stdout.take().expect("it is piped");
        let mut errors = process.stderr.take().expect("it is piped");

        let (outbox, unsent) = channel();
        let shared =
            Arc::new(Shared { session: Mutex::new(Session::new(outbox, self.settings)), changed: Condvar::new() });
        // A thread of its own, so that a full pipe never stops the reader, whose reading may be what empties it.
        std::thread::spawn(move || unsent.iter().try_for_each(|message| write_message(&mut input, &message)));
        let reader = std::thread::spawn({
            let shared = Arc::clone(&shared);
            move || shared.read(output)
        });
        let errors = std::thread::spawn(move || {
            let mut text = Vec::new();
            let _ = errors.read_to_end(&mut text);
            String::from_utf8_lossy(&text).into_owned()
        });

        let root = self.workspace.root().to_path_buf();
        let mut client = Client {
            shared,
            process,
            threads: Some((reader, errors)),
            next_id: AtomicI64::new(1),
            root,
            server: Value::Null,
            _home: own_home,
        };
        let uri = file_uri(&client.root);
        let folders = json!([{ "uri": uri, "name": "workspace" }]);
        client.server = client.request(
            "initialize",
            json!({
                "processId": self.parent,
                "clientInfo": { "name": "tests" },
                "rootUri": if self.folders { json!(uri) } else { Value::Null },
                "workspaceFolders": if self.folders { folders } else { Value::Null },
                "capabilities": self.capabilities,
                "initializationOptions": self.initialization_options,
            }),
        );
        client.session().encoding = Encoding::negotiated(&client.server["capabilities"]);
        let operations = &client.server["capabilities"]["workspace"]["fileOperations"];
        client.session().hears_of_renames = !operations["didRename"].is_null();
        client.notify("initialized", json!({}));
        client
    }
}

/// A running session. Dropping it ends the session properly and checks it.
pub struct Client {
    shared: Arc<Shared>,
    process: Child,
    /// Reader of the server's output, and of its errors; `None` once the session was ended.
    threads: Option<(JoinHandle<()>, JoinHandle<String>)>,
    next_id: AtomicI64,
    root: std::path::PathBuf,
    /// The answer to `initialize`.
    pub server: Value,
    _home: Option<Home>,
}

struct Shared {
    session: Mutex<Session>,
    changed: Condvar,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Session> {
        // A poisoned lock means that a test's predicate panicked; the session itself is still whole.
        self.session.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn read(&self, output: impl Read) {
        let mut output = BufReader::new(output);
        while let Ok(Some(message)) = read_message(&mut output) {
            self.lock().receive(message);
            self.changed.notify_all();
        }
        self.lock().ended = true;
        self.changed.notify_all();
    }

    /// Waits until `predicate` holds; `None` after `patience`, or when the server has gone and it can no longer hold.
    fn wait<T>(&self, patience: Duration, mut predicate: impl FnMut(&mut Session) -> Option<T>) -> Option<T> {
        let end = Instant::now() + patience;
        let mut session = self.lock();
        loop {
            if let Some(found) = predicate(&mut session) {
                return Some(found);
            }
            let left = end.checked_duration_since(Instant::now()).filter(|_| !session.ended)?;
            session = match self.changed.wait_timeout(session, left) {
                Ok((session, _)) => session,
                Err(poisoned) => poisoned.into_inner().0,
            };
        }
    }
}

impl Client {
    /// A server in this workspace with an editor that supports everything, in UTF-16.
    pub fn builder(workspace: &Workspace) -> Builder<'_> {
        Builder {
            workspace,
            home: None,
            folders: true,
            parent: std::process::id(),
            capabilities: capabilities::editor(&["utf-16"]),
            initialization_options: Value::Null,
            settings: Value::Null,
        }
    }

    /// A session with the defaults of [`Client::builder`].
    pub fn start(workspace: &Workspace) -> Client {
        Client::builder(workspace).start()
    }

    /// Waits until the first index has ended: before, results may be partial.
    #[track_caller]
    pub fn indexed(self) -> Client {
        self.wait_for("the end of the index", |session| {
            session.progress.iter().find(|(_, value)| value["kind"] == "end").map(drop)
        });
        self
    }

    /// What is known of the session now. Do not hold it across another call: it is a lock.
    pub fn session(&self) -> MutexGuard<'_, Session> {
        self.shared.lock()
    }

    /// Waits until `look` finds something in the session.
    ///
    /// # Panics
    /// After [`PATIENCE`], or when the server has gone.
    #[track_caller]
    pub fn wait_for<T>(&self, what: &str, mut look: impl FnMut(&Session) -> Option<T>) -> T {
        match self.shared.wait(PATIENCE, |session| look(session)) {
            Some(found) => found,
            None => panic!("waited in vain for {what}"),
        }
    }

    /// Sends a notification.
    pub fn notify(&self, method: &str, params: Value) {
        self.session().notify(method, params);
    }

    /// Sends a request and returns its result.
    ///
    /// # Panics
    /// When the answer is an error or does not come.
    #[track_caller]
    pub fn request(&self, method: &str, params: Value) -> Value {
        match self.try_request(method, params) {
            Ok(result) => result,
            Err(error) => panic!("{method} failed: {error}"),
        }
    }

    /// Sends a request and returns its result or its error object.
    ///
    /// # Panics
    /// When no answer comes.
    #[track_caller]
    pub fn try_request(&self, method: &str, params: Value) -> Result<Value, Value> {
        let id = self.send_request(method, params);
        self.answer(id)
    }

    /// Sends a request and returns its id without waiting.
    pub fn send_request(&self, method: &str, params: Value) -> i64 {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let mut session = self.session();
        session.waiting.insert(id);
        match params {
            Value::Null => session.send(json!({ "id": id, "method": method })),
            params => session.send(json!({ "id": id, "method": method, "params": params })),
        }
        id
    }

    /// Waits for the answer to a request sent before.
    ///
    /// # Panics
    /// When it does not come.
    #[track_caller]
    pub fn answer(&self, id: i64) -> Result<Value, Value> {
        match self.shared.wait(PATIENCE, |session| session.answers.remove(&id)) {
            Some(answer) => answer,
            None => panic!("request {id} was not answered"),
        }
    }

    /// Cancels a request. It must still be answered.
    pub fn cancel(&self, id: i64) {
        self.notify("$/cancelRequest", json!({ "id": id }));
    }

    /// Lets the person answer the open question, or else the next one, with the action of this title.
    pub fn choose(&self, title: &str) {
        self.session().choose(Some(title));
    }

    /// Lets the person dismiss the open question, or else the next one.
    pub fn dismiss(&self) {
        self.session().choose(None);
    }

    /// Waits until the server asks something that has not been answered.
    #[track_caller]
    pub fn question(&self) -> Question {
        self.wait_for("a question", |session| session.open_questions.front().cloned())
    }

    /// Waits until a message was shown that contains `part`, and returns it whole.
    #[track_caller]
    pub fn message(&self, part: &str) -> Message {
        self.wait_for(&format!("a message with {part:?}"), |session| {
            session.messages.iter().find(|message| message.text.contains(part)).cloned()
        })
    }

    /// Closes the server's input without a word, as a crashed editor does, and waits until the server has gone.
    ///
    /// # Panics
    /// When it stays.
    #[track_caller]
    pub fn crash(mut self) -> ExitStatus {
        self.session().hang_up();
        let status = self.exited();
        self.finish();
        status
    }

    /// Kills the server in the middle of whatever it does, as the system does when there is no memory left.
    pub fn kill(mut self) {
        self.process.kill().expect("the process is ours");
        self.process.wait().expect("the process is ours");
        self.finish();
    }

    /// Waits until the server ends by itself.
    ///
    /// # Panics
    /// When it stays.
    #[track_caller]
    pub fn wait_for_exit(mut self) -> ExitStatus {
        let status = self.exited();
        self.finish();
        status
    }

    /// Ends the session as the protocol asks, checks all of it, and returns what the server wrote to its standard error.
    ///
    /// # Panics
    /// When something in it was wrong.
    pub fn finished(mut self) -> String {
        self.end()
    }

    #[track_caller]
    fn exited(&mut self) -> ExitStatus {
        const GRACE: Duration = Duration::from_secs(10);
        let end = Instant::now() + GRACE;
        while Instant::now() < end {
            if let Some(status) = self.process.try_wait().expect("the process is ours") {
                return status;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("the server is still there {GRACE:?} after the session ended");
    }

    /// Joins the readers and returns what the server wrote to its standard error.
    fn finish(&mut self) -> String {
        self.session().hang_up();
        let Some((reader, errors)) = self.threads.take() else { return String::new() };
        reader.join().expect("the reader does not panic");
        errors.join().expect("the reader does not panic")
    }

    fn end(&mut self) -> String {
        self.request("shutdown", Value::Null);
        let unanswered = self.shared.wait(Duration::from_secs(5), |session| session.waiting.is_empty().then_some(()));
        let waiting: Vec<_> = self.session().waiting.iter().copied().collect();
        assert!(unanswered.is_some(), "requests {waiting:?} were never answered");
        self.notify("exit", Value::Null);
        let status = self.exited();
        let errors = self.finish();
        assert!(status.success(), "the server exited with {status}:\n{errors}");
        assert!(!errors.contains("panicked at"), "the server panicked:\n{errors}");
        conformance::assert_conforming(&self.session().log);
        errors
    }

    fn report(&mut self) {
        // It may have ended already; then there is nothing to kill.
        let _ = self.process.kill();
        let _ = self.process.wait();
        let errors = self.finish();
        eprintln!("the session:\n{}", transcript(&self.session().log));
        eprintln!("the server's errors:\n{errors}");
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        if self.threads.is_none() {
            return;
        }
        if std::thread::panicking() {
            return self.report();
        }
        let ended = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| self.end()));
        if let Err(panic) = ended {
            if self.threads.is_some() {
                self.report();
            } else {
                eprintln!("the session:\n{}", transcript(&self.session().log));
            }
            std::panic::resume_unwind(panic);
        }
    }
}
