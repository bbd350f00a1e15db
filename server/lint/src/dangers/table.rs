//! The rows.

use super::DangerKind::{
    Code, Deserialisation, Import, Network, Program, Reading, Redirect, Reflection, Removal, Shell, Sql, Template,
    TemporaryName, Writing,
};
use super::Input::{Argument, Both, Command, Document, Nothing, Page, Text, Url};
use super::Policy::{Ask, Free, Refuse, Unasked};
use super::{DangerKind, Input, Policy};

/// Names of which the same is to be said: every member of every owner.
pub(super) struct Group {
    pub kind: DangerKind,
    pub policy: Policy,
    pub input: Input,
    /// Modules and classes, separated by spaces; `()` after what is called to make an instance.
    pub owners: &'static str,
    /// `*` for all of them.
    pub members: &'static str,
}

const fn group(kind: DangerKind, policy: Policy, input: Input, owners: &'static str, members: &'static str) -> Group {
    Group { kind, policy, input, owners, members }
}

pub(super) const GROUPS: &[Group] = &[
    // Text as code.
    group(Code, Refuse, Argument(0, "source"), "builtins", "eval exec"),
    group(Code, Ask, Argument(0, "source"), "builtins", "compile"),
    group(Code, Unasked, Nothing, "builtins", "breakpoint"),
    group(Code, Unasked, Nothing, "types", "FunctionType CodeType LambdaType"),
    group(Code, Unasked, Nothing, "code codeop bdb pdb", "*"),
    group(Code, Ask, Nothing, "rlcompleter.Completer()", "complete attr_matches"),
    group(Code, Unasked, Nothing, "IPython", "embed start_ipython"),
    group(Code, Unasked, Text(0, "stmt"), "timeit", "timeit repeat Timer main"),
    group(Code, Unasked, Text(0, "statement"), "cProfile profile", "run runctx"),
    group(Code, Unasked, Nothing, "cProfile.Profile() profile.Profile() trace.Trace()", "run runctx"),
    group(Code, Unasked, Nothing, "doctest", "run_docstring_examples testsource debug debug_src script_from_examples"),
    group(Code, Refuse, Nothing, "test.support", "run_code"),
    group(Code, Refuse, Nothing, "test.support.script_helper", "assert_python_ok run_python_until_end spawn_python"),
    group(Code, Refuse, Nothing, "concurrent.interpreters _interpreters _xxsubinterpreters", "*"),
    group(Code, Ask, Argument(0, "expr"), "pandas numexpr", "eval evaluate"),
    group(Code, Ask, Argument(0, "s"), "sympy", "sympify parse_expr"),
    // Text for a shell.
    group(Shell, Refuse, Argument(0, "cmd"), "os posix nt", "system popen"),
    group(Shell, Refuse, Argument(0, "cmd"), "subprocess commands", "getoutput getstatusoutput"),
    group(Shell, Refuse, Argument(0, "cmd"), "asyncio asyncio.subprocess", "create_subprocess_shell"),
    group(Shell, Refuse, Nothing, "asyncio.AbstractEventLoop", "subprocess_shell"),
    group(Shell, Refuse, Argument(0, "cmd"), "pexpect", "run runu spawn spawnu"),
    // Other programs.
    group(Program, Unasked, Command, "subprocess", "run call check_call check_output Popen"),
    group(Program, Unasked, Argument(0, "program"), "asyncio asyncio.subprocess", "create_subprocess_exec"),
    group(Program, Unasked, Nothing, "asyncio.AbstractEventLoop", "subprocess_exec"),
    group(
        Program,
        Unasked,
        Argument(0, "path"),
        "os posix nt",
        "startfile execl execle execlp execlpe execv execve execvp execvpe posix_spawn posix_spawnp",
    ),
    group(
        Program,
        Unasked,
        Argument(1, "file"),
        "os posix nt",
        "spawnl spawnle spawnlp spawnlpe spawnv spawnve spawnvp spawnvpe",
    ),
    group(Program, Unasked, Nothing, "os posix nt", "fork forkpty kill killpg"),
    group(Program, Ask, Nothing, "os posix nt", "_exit abort register_at_fork"),
    group(Program, Unasked, Nothing, "pty", "spawn fork"),
    group(Program, Unasked, Nothing, "ctypes _ctypes cffi _posixsubprocess", "*"),
    group(Program, Ask, Nothing, "winreg _winapi msvcrt", "*"),
    group(Program, Ask, Nothing, "multiprocessing", "Process Pool Manager set_executable"),
    group(
        Program,
        Ask,
        Nothing,
        "multiprocessing.context multiprocessing.process multiprocessing.pool multiprocessing.get_context() \
         multiprocessing.managers",
        "Process BaseProcess SpawnProcess ForkProcess Pool BaseManager SyncManager Manager",
    ),
    group(Program, Ask, Nothing, "concurrent.futures concurrent.futures.process", "ProcessPoolExecutor"),
    group(Network, Unasked, Nothing, "webbrowser", "open open_new open_new_tab get register"),
    group(Program, Unasked, Nothing, "antigravity this idlelib turtledemo", "*"),
    group(Program, Unasked, Nothing, "ensurepip venv pip distutils.spawn", "*"),
    group(Program, Unasked, Nothing, "sh plumbum", "*"),
    group(Program, Unasked, Nothing, "psutil", "Popen"),
    // Data that runs code.
    group(
        Deserialisation,
        Refuse,
        Argument(0, "file"),
        "pickle cPickle _pickle dill cloudpickle marshal joblib",
        "load loads Unpickler _Unpickler",
    ),
    group(Deserialisation, Refuse, Argument(0, "f"), "torch", "load"),
    group(Deserialisation, Refuse, Argument(0, "filename"), "shelve", "open Shelf DbfilenameShelf BsdDbShelf"),
    group(Deserialisation, Refuse, Argument(0, "filepath_or_buffer"), "pandas pandas.io.pickle", "read_pickle"),
    group(Deserialisation, Refuse, Argument(0, "string"), "jsonpickle jsonpickle.unpickler", "decode loads Unpickler"),
    group(
        Deserialisation,
        Refuse,
        Nothing,
        "multiprocessing.reduction multiprocessing.reduction.ForkingPickler",
        "loads",
    ),
    group(Deserialisation, Refuse, Document, "yaml ruamel.yaml", "load load_all"),
    group(Deserialisation, Refuse, Argument(0, "stream"), "yaml", "unsafe_load unsafe_load_all"),
    group(Deserialisation, Ask, Argument(0, "stream"), "yaml", "full_load full_load_all"),
    group(Deserialisation, Ask, Nothing, "copyreg", "pickle constructor add_extension"),
    group(Deserialisation, Ask, Nothing, "logging.config", "listen dictConfig fileConfig"),
    group(Deserialisation, Ask, Nothing, "xmlrpc.client", "loads"),
    // The network.
    group(Network, Unasked, Url(0, "url"), "urllib.request", "urlopen urlretrieve"),
    group(
        Network,
        Unasked,
        Nothing,
        "urllib.request",
        "Request build_opener install_opener URLopener FancyURLopener OpenerDirector",
    ),
    group(Network, Unasked, Url(1, "url"), "requests httpx", "request"),
    group(Network, Unasked, Url(0, "url"), "requests httpx", "get post put patch delete head options stream"),
    group(
        Network,
        Unasked,
        Url(0, "url"),
        "requests.Session() requests.session() httpx.Client() httpx.AsyncClient()",
        "get post put patch delete head options stream",
    ),
    group(Network, Unasked, Url(0, "url"), "aiohttp.ClientSession()", "get post put patch delete head options"),
    group(Network, Unasked, Nothing, "requests", "Session session"),
    group(Network, Unasked, Nothing, "httpx", "Client AsyncClient"),
    group(
        Network,
        Unasked,
        Nothing,
        "socket _socket",
        "socket SocketType create_connection create_server fromfd socketpair fromshare getaddrinfo gethostbyname \
         gethostbyname_ex gethostbyaddr getnameinfo getfqdn",
    ),
    group(Network, Unasked, Nothing, "ssl", "wrap_socket get_server_certificate SSLSocket"),
    group(
        Network,
        Unasked,
        Nothing,
        "asyncio asyncio.streams asyncio.AbstractEventLoop",
        "open_connection start_server open_unix_connection start_unix_server create_connection create_server \
         create_datagram_endpoint sock_connect getaddrinfo",
    ),
    group(
        Network,
        Unasked,
        Nothing,
        "http.client http.server socketserver ftplib smtplib poplib imaplib nntplib telnetlib xmlrpc.server smtpd \
         asyncore asynchat wsgiref.simple_server urllib3 websockets websocket paramiko pycurl aiosmtplib aioftp scapy \
         twisted.internet boto3 telnetlib3 dns.resolver pyftpdlib zmq pika",
        "*",
    ),
    group(Network, Unasked, Nothing, "xmlrpc.client", "ServerProxy Server Transport SafeTransport"),
    group(Network, Unasked, Nothing, "aiohttp", "ClientSession request TCPConnector"),
    group(Network, Unasked, Nothing, "logging.handlers", "SocketHandler DatagramHandler HTTPHandler SMTPHandler"),
    group(Network, Unasked, Nothing, "multiprocessing.connection", "Client Listener"),
    // Files.
    group(Reading, Free, Argument(0, "path"), "os", "listdir scandir"),
    group(
        Reading,
        Free,
        Argument(0, "path"),
        "starlette.responses fastapi.responses fastapi starlette",
        "FileResponse",
    ),
    group(Reading, Free, Argument(0, "path_or_file"), "flask flask.helpers quart", "send_file"),
    // Whether it writes is in its mode.
    group(Reading, Free, Argument(0, "file"), "builtins io _io _pyio codecs gzip bz2 lzma aiofiles", "open"),
    group(Reading, Free, Argument(0, "file"), "io _io _pyio", "FileIO"),
    group(Writing, Ask, Argument(0, "path"), "os posix nt", "open"),
    group(Writing, Ask, Nothing, "dbm", "open"),
    group(Writing, Unasked, Both((0, "src"), (1, "dst")), "shutil", "copy copy2 copyfile copytree move"),
    group(Writing, Unasked, Both((0, "src"), (1, "dst")), "os posix nt", "rename renames replace"),
    group(Writing, Ask, Both((0, "src"), (1, "dst")), "os posix nt", "symlink link"),
    group(Writing, Free, Argument(0, "path"), "os posix nt", "mkdir makedirs"),
    group(Writing, Ask, Argument(0, "path"), "os posix nt", "chmod chown lchmod lchown fchmod fchown mkfifo mknod"),
    group(Writing, Ask, Nothing, "os posix nt", "setuid setgid seteuid setegid chroot umask putenv unsetenv"),
    group(Writing, Unasked, Both((0, "filename"), (1, "extract_dir")), "shutil", "unpack_archive"),
    group(
        Writing,
        Unasked,
        Argument(0, "path"),
        "zipfile.ZipFile() zipfile.PyZipFile() tarfile.open() tarfile.TarFile() tarfile.TarFile.open() py7zr.SevenZipFile()",
        "extractall extract",
    ),
    group(Writing, Ask, Nothing, "shutil", "make_archive chown"),
    group(Writing, Unasked, Nothing, "pathlib.Path() pathlib.PosixPath()", "write_text write_bytes"),
    group(Writing, Ask, Nothing, "pathlib.Path() pathlib.PosixPath()", "rename replace symlink_to hardlink_to chmod"),
    group(Removal, Unasked, Argument(0, "path"), "shutil", "rmtree"),
    group(Removal, Unasked, Argument(0, "path"), "os posix nt", "remove unlink rmdir removedirs"),
    group(Removal, Unasked, Nothing, "os posix nt", "truncate ftruncate"),
    group(Removal, Unasked, Nothing, "pathlib.Path() pathlib.PosixPath()", "unlink rmdir"),
    group(TemporaryName, Refuse, Nothing, "tempfile", "mktemp"),
    group(TemporaryName, Refuse, Nothing, "os", "tmpnam tempnam"),
    // Imports.
    group(Import, Refuse, Nothing, "builtins", "__import__"),
    group(Import, Unasked, Nothing, "importlib", "import_module __import__"),
    group(Import, Ask, Nothing, "importlib", "reload"),
    group(Import, Unasked, Nothing, "importlib.util importlib.machinery importlib._bootstrap imp zipimport runpy", "*"),
    group(Import, Unasked, Nothing, "pkgutil", "resolve_name"),
    group(Import, Ask, Nothing, "pkgutil", "get_loader find_loader walk_packages"),
    group(Import, Ask, Nothing, "pydoc", "locate safeimport resolve render_doc"),
    group(Import, Ask, Nothing, "site", "addsitedir main execsitecustomize"),
    group(Import, Ask, Nothing, "sys", "path_hooks meta_path path_importer_cache"),
    // The program itself.
    group(Reflection, Ask, Nothing, "sys", "settrace setprofile _getframe _current_frames addaudithook breakpointhook"),
    group(Reflection, Ask, Nothing, "sys", "modules excepthook displayhook unraisablehook"),
    group(Reflection, Ask, Nothing, "threading", "settrace setprofile settrace_all_threads setprofile_all_threads"),
    group(Reflection, Ask, Nothing, "sys.monitoring", "*"),
    group(Reflection, Ask, Nothing, "gc", "get_objects get_referrers get_referents callbacks"),
    group(Reflection, Ask, Nothing, "inspect", "currentframe getattr_static getmembers_static"),
    group(Reflection, Ask, Nothing, "atexit", "register _run_exitfuncs"),
    group(Reflection, Ask, Nothing, "signal _signal", "signal setitimer alarm pthread_kill raise_signal siginterrupt"),
    group(Reflection, Ask, Nothing, "faulthandler", "_sigsegv _sigabrt"),
    group(Reflection, Ask, Nothing, "builtins", "__loader__ __spec__"),
    group(Reflection, Ask, Nothing, "resource", "setrlimit prlimit"),
    // Databases and templates, where data from outside is the danger.
    group(Sql, Free, Argument(0, "sql"), "django.db.models.expressions django.db.models", "RawSQL"),
    group(Template, Free, Argument(0, "source"), "flask flask.templating quart", "render_template_string"),
    group(
        Template,
        Free,
        Argument(0, "source"),
        "jinja2 jinja2.environment django.template django.template.base mako.template",
        "Template",
    ),
    group(Template, Free, Argument(0, "s"), "django.utils.safestring", "mark_safe"),
    group(Template, Free, Argument(0, "s"), "markupsafe flask jinja2", "Markup"),
    group(Template, Free, Page(0, "content"), "django.http django.http.response", "HttpResponse"),
    group(Template, Free, Page(0, "content"), "starlette.responses fastapi.responses", "HTMLResponse"),
    group(Template, Free, Page(0, "response"), "flask flask.helpers", "make_response Response"),
    // Where a browser goes next.
    group(Redirect, Free, Url(0, "location"), "flask flask.helpers quart werkzeug.utils", "redirect"),
    group(Redirect, Free, Url(0, "to"), "django.shortcuts", "redirect"),
    group(
        Redirect,
        Free,
        Url(0, "redirect_to"),
        "django.http django.http.response",
        "HttpResponseRedirect HttpResponsePermanentRedirect",
    ),
    group(Redirect, Free, Url(0, "url"), "starlette.responses fastapi.responses fastapi starlette", "RedirectResponse"),
    group(Redirect, Free, Url(0, "location"), "aiohttp.web", "HTTPFound HTTPSeeOther HTTPTemporaryRedirect"),
];

/// Methods that mean it, whatever they are called on.
pub(super) const METHODS: &[Group] = &[
    group(Removal, Unasked, Nothing, "", "unlink rmdir rmtree"),
    group(Writing, Unasked, Nothing, "", "write_text write_bytes"),
    group(Writing, Ask, Nothing, "", "extractall"),
    group(
        Code,
        Ask,
        Nothing,
        "",
        "runsource runcode interact load_module exec_module load_extension enable_load_extension",
    ),
    group(Program, Ask, Nothing, "", "exec_command"),
];

/// Attributes that lead from any object to the whole program.
pub(super) const ATTRIBUTES: &str = "__subclasses__ __globals__ __builtins__ __code__ __getattribute__ __loader__ f_globals \
     f_locals f_builtins f_code f_back gi_frame cr_frame ag_frame tb_frame func_globals func_code co_code";
