"""Stands in for modules of the standard library that need an operating system or a C library.

Most code that imports one uses it in one of a hundred functions. So they import, as they do where the
code will run, and refuse when they are used: then that test is not runnable, and the others are. Code
that asks whether a module can be imported takes the way that it takes there.
"""

import importlib.abc
import importlib.machinery
import os
import sys

from . import linux, refusals

# Functions and types that refuse.
_REFUSING = {
    "_bz2": "BZ2Compressor BZ2Decompressor",
    "_multiprocessing": "SemLock sem_unlink",
    "_lzma": "LZMACompressor LZMADecompressor _decode_filter_properties _encode_filter_properties",
    "_ssl": "MemoryBIO SSLSession RAND_add RAND_bytes RAND_status nid2obj",
    "fcntl": "fcntl flock ioctl lockf",
    "mmap": "mmap",
    "pty": "fork master_open openpty slave_open spawn",
    "resource": "getrlimit getrusage prlimit setrlimit",
    "syslog": "LOG_MASK LOG_UPTO closelog openlog setlogmask syslog",
    "termios": """
        tcdrain tcflow tcflush tcgetattr tcgetwinsize tcsendbreak tcsetattr tcsetwinsize
    """,
}
# Those that are nothing without a terminal: there is no line to edit.
_READLINE = """
    add_history append_history_file clear_history get_begidx get_completer get_completer_delims
    get_completion_type get_current_history_length get_endidx get_history_item get_history_length
    get_line_buffer insert_text parse_and_bind read_history_file read_init_file redisplay
    remove_history_item replace_history_item set_auto_history set_completer set_completer_delims
    set_completion_display_matches_hook set_history_length set_pre_input_hook set_startup_hook
    write_history_file
"""
_CTYPES_DATA = """
    c_bool c_buffer c_byte c_char c_char_p c_double c_float c_int c_int16 c_int32 c_int64 c_int8 c_long
    c_longdouble c_longlong c_short c_size_t c_ssize_t c_time_t c_ubyte c_uint c_uint16 c_uint32
    c_uint64 c_uint8 c_ulong c_ulonglong c_ushort c_void_p c_voidp c_wchar c_wchar_p py_object
"""
_CTYPES_CALLS = """
    ARRAY PYFUNCTYPE SetPointerType addressof alignment byref cast create_string_buffer
    create_unicode_buffer get_errno memmove memset pointer resize set_errno sizeof string_at wstring_at
"""


class Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Asked after the workspace and its environment, and before the standard library."""

    def find_spec(self, name, path=None, target=None):
        if name not in MAKERS:
            return None
        spec = importlib.machinery.ModuleSpec(name, self, origin="stand-in", is_package=name == "ctypes")
        return spec

    def exec_module(self, module):
        MAKERS[module.__name__](module)


def _function(module, name):
    def function(*_arguments, **_named):
        refusals.refuse(f"{module.__name__.lstrip('_')}.{name}")

    function.__name__ = function.__qualname__ = name
    function.__module__ = module.__name__
    return function


def _type(module, name, bases=(), metaclass=type):
    """A type that can be inherited from and named in annotations, and of which there is no value."""

    def refuse(cls, *_arguments, **_named):
        refusals.refuse(f"{module.__name__.lstrip('_')}.{name}")

    return metaclass(name, bases, {"__new__": refuse, "__module__": module.__name__})


def _plain(module):
    name = module.__name__
    for pair in linux.CONSTANTS.get(name, "").split():
        constant, _, value = pair.partition("=")
        setattr(module, constant, int(value))
    for it in _REFUSING[name].split():
        is_type = it.strip("_")[0].isupper() and not it.startswith(("LOG_", "RAND_")) or it == "mmap"
        setattr(module, it, (_type if is_type else _function)(module, it))


def _lzma(module):
    _plain(module)
    module.LZMAError = type("LZMAError", (Exception,), {"__module__": "lzma"})
    module.is_check_supported = lambda check: check in (0, 1, 4, 10)


# Those that the module `ssl` itself asks for while it is imported.
_PURPOSES = {
    "1.3.6.1.5.5.7.3.1": (129, "serverAuth", "TLS Web Server Authentication", "1.3.6.1.5.5.7.3.1"),
    "1.3.6.1.5.5.7.3.2": (130, "clientAuth", "TLS Web Client Authentication", "1.3.6.1.5.5.7.3.2"),
}


class _Context:
    """What is set up for connections, of which there will be none: clients that never connect have one."""

    def __new__(cls, protocol=None, *_arguments, **_named):
        refusals.note_absence("ssl")
        self = object.__new__(cls)
        is_client = protocol == 16
        self.__dict__["_set"] = {
            "_host_flags": 4, "check_hostname": is_client, "keylog_filename": None, "maximum_version": -1,
            "minimum_version": 771, "num_tickets": 2, "options": 0x82520050, "post_handshake_auth": False,
            "protocol": protocol, "security_level": 2, "sni_callback": None, "verify_flags": 0x8000,
            "verify_mode": 2 if is_client else 0, "_msg_callback": None,
        }
        return self

    def load_cert_chain(self, certfile, keyfile=None, password=None):
        for file in (certfile, keyfile):
            if file is not None:
                open(file).close()

    def load_verify_locations(self, cafile=None, capath=None, cadata=None):
        if cafile is not None:
            open(cafile).close()


def _setting(name):
    def get(self):
        return self.__dict__["_set"][name]

    def set_(self, value):
        settings = self.__dict__["_set"]
        if name == "check_hostname" and value and settings["verify_mode"] == 0:
            settings["verify_mode"] = 2
        if name == "verify_mode" and value == 0 and settings["check_hostname"]:
            raise ValueError("Cannot set verify_mode to CERT_NONE when check_hostname is enabled.")
        settings[name] = value

    return property(get, set_)


def _context(module):
    for name in (
        "_host_flags", "_msg_callback", "check_hostname", "keylog_filename", "maximum_version",
        "minimum_version", "num_tickets", "options", "post_handshake_auth", "protocol", "security_level",
        "sni_callback", "verify_flags", "verify_mode",
    ):
        setattr(_Context, name, _setting(name))
    for name in ("_set_alpn_protocols", "set_ciphers", "set_default_verify_paths", "set_ecdh_curve"):
        setattr(_Context, name, lambda self, *_: None)
    for name in ("_wrap_bio", "_wrap_socket", "cert_store_stats", "get_ca_certs", "get_ciphers", "session_stats"):
        setattr(_Context, name, _function(module, name))
    return _Context


def _ssl(module):
    _plain(module)
    module._SSLContext = _context(module)

    def error(name, *bases):
        kind = type(name, bases, {"__module__": "ssl"})
        setattr(module, name, kind)
        return kind

    base = error("SSLError", OSError)
    for name in (
        "SSLEOFError", "SSLSyscallError", "SSLWantReadError", "SSLWantWriteError", "SSLZeroReturnError",
    ):
        error(name, base)
    error("SSLCertVerificationError", base, ValueError)
    module.OPENSSL_VERSION = "OpenSSL 3.0.0"
    module.OPENSSL_VERSION_INFO = module._OPENSSL_API_VERSION = (3, 0, 0, 0, 0)
    module._DEFAULT_CIPHERS = "@SECLEVEL=2:ECDH+AESGCM"
    module.get_default_verify_paths = lambda: ("SSL_CERT_FILE", "/etc/ssl/cert.pem", "SSL_CERT_DIR", "/etc/ssl")
    module.txt2obj = lambda text, name=False: _PURPOSES.get(text) or refusals.refuse("ssl.txt2obj")
    module._test_decode_cert = _function(module, "_test_decode_cert")
    module.Certificate = _type(module, "Certificate")


def _multiprocessing(module):
    _plain(module)
    module.SemLock.SEM_VALUE_MAX = 2**31 - 1
    module.flags = {}


def _mmap(module):
    _plain(module)
    module.error = OSError


def _resource(module):
    _plain(module)
    module.error = OSError
    module.getpagesize = lambda: 4096


def _termios(module):
    _plain(module)
    module.error = type("error", (Exception,), {"__module__": "termios"})


def _readline(module):
    module.backend = "readline"
    for name in _READLINE.split():
        setattr(module, name, lambda *_: refusals.note_absence("readline"))


class _DataType(type):
    def __mul__(cls, length):
        return _DataType(f"{cls.__name__}_Array_{length}", (cls,), {"_length_": length})

    __rmul__ = __mul__


def _ctypes(module):
    data = {}
    for name in ("Array", "Structure", "Union", "_CFuncPtr", "_Pointer", "_SimpleCData"):
        data[name] = _type(module, name, metaclass=_DataType)
    for name in _CTYPES_DATA.split():
        data[name] = _type(module, name, (data["_SimpleCData"],), _DataType)
    for name in ("BigEndianStructure", "LittleEndianStructure"):
        data[name] = data["Structure"]
    for name in ("BigEndianUnion", "LittleEndianUnion"):
        data[name] = data["Union"]
    for name, value in data.items():
        setattr(module, name, value)
    for name in _CTYPES_CALLS.split():
        setattr(module, name, _function(module, name))
    module.POINTER = lambda kind: _DataType(f"LP_{getattr(kind, '__name__', kind)}", (data["_Pointer"],), {})
    module.CFUNCTYPE = lambda *_, **__: _DataType("CFunctionType", (data["_CFuncPtr"],), {})
    module.ArgumentError = type("ArgumentError", (Exception,), {"__module__": "ctypes"})
    module.DEFAULT_MODE = module.RTLD_LOCAL = 0
    module.RTLD_GLOBAL = 256
    for name in ("CDLL", "LibraryLoader", "PyDLL"):
        setattr(module, name, _type(module, name))
    loader = type("LibraryLoader", (), {"__getattr__": lambda _, name: refusals.refuse(f"ctypes.{name}")})
    module.cdll, module.pydll, module.pythonapi = loader(), loader(), loader()
    module.__path__ = []
    module.__version__ = "1.1.0"


def _ctypes_util(module):
    # Who finds no library often gets on without it.
    module.find_library = lambda name: refusals.note_absence("ctypes")


def _ctypes_wintypes(module):
    import ctypes

    for name in "BOOL BYTE DWORD HANDLE HMODULE LONG LPCWSTR LPDWORD LPVOID LPWSTR SHORT UINT ULONG WORD".split():
        setattr(module, name, ctypes.c_long)


_PASSWD = ("pw_name", "pw_passwd", "pw_uid", "pw_gid", "pw_gecos", "pw_dir", "pw_shell")
_GROUP = ("gr_name", "gr_passwd", "gr_gid", "gr_mem")


def _database(module, prefix, fields, values):
    """One user and one group, whose numbers are those that `os` tells."""
    import collections

    kind = collections.namedtuple(f"struct_{module.__name__}", fields)
    entry = kind(*values)
    number_of = "uid" if prefix == "getpw" else "gid"

    def by_number(number):
        if number != 0:
            raise KeyError(f"{prefix}{number_of}(): {number_of} not found: {number}")
        return entry

    def by_name(name):
        if name != entry[0]:
            raise KeyError(f"{prefix}nam(): name not found: {name!r}")
        return entry

    setattr(module, kind.__name__, kind)
    setattr(module, prefix + number_of, by_number)
    setattr(module, prefix + "nam", by_name)
    setattr(module, prefix + "all", lambda: [entry])


def _pwd(module):
    _database(module, "getpw", _PASSWD, (USER, "x", 0, 0, USER, HOME, "/bin/sh"))


def _grp(module):
    _database(module, "getgr", _GROUP, (USER, "x", 0, [USER]))


USER = "user"
HOME = "/home/user"

MAKERS = {
    "_bz2": _plain, "_lzma": _lzma, "_multiprocessing": _multiprocessing, "_ssl": _ssl, "ctypes": _ctypes, "ctypes.util": _ctypes_util,
    "ctypes.wintypes": _ctypes_wintypes, "fcntl": _plain, "grp": _grp, "mmap": _mmap, "pty": _plain, "pwd": _pwd,
    "readline": _readline, "resource": _resource, "syslog": _plain, "termios": _termios,
}


def install():
    """Done once, before the snapshot is taken, and before the standard library is frozen."""
    sys.meta_path.append(Finder())
    # What an ordinary process knows of itself; pytest's `tmp_path` checks that its directory is ours.
    for name in ("getegid", "geteuid", "getgid", "getuid"):
        setattr(os, name, lambda: 0)
    os.getgroups = lambda: [0]
    os.getppid = lambda: 1
    os.umask = lambda mask: 0o022
    os.getlogin = lambda: USER
    os.waitstatus_to_exitcode = lambda status: (status >> 8) if status & 0x7F == 0 else -(status & 0x7F)
