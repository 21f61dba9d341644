"""Fork Python programs from a process that has imported hikari, since importing it takes half a second.

About a hundred programs are started by the tests. Inside `forking()` on Linux, `subprocess` starts those that are
`[sys.executable, FILE | -c CODE | -m MODULE, ...]` (or a console script beside `sys.executable`) as follows:

1. The test process sends the arguments, the environment, the directory and the three standard streams to a server,
   which is this file run as a program. It has imported the libraries, but nothing of wisp.
2. The server forks a process that forks the program and ends, which makes the program a child of the test process
   ("child subreaper" in prctl(2)): its pid, its signals and its exit code are real.
3. The program replaces what it has inherited and runs as `__main__`. It ends as every interpreter ends.

It differs from a program that is started only in what is imported, and in the seed of `hash()`, which all programs of
a server share. A test for which this matters uses the fixture `real_start`.

Everything else is started: programs on other systems, other programs, and those with options of the interpreter such
as `-W`, with other variables of the interpreter or of the locale than the test process (except those that it reads
later, such as PYTHONPATH), or with unusual arguments of `subprocess.Popen`.
"""

import builtins
import ctypes
import gc
import importlib.machinery
import io
import linecache
import marshal
import os
import runpy
import site
import socket
import subprocess
import sys
import threading
import time
import types
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

LIBRARIES = ["hikari", "hikari.impl", "lightbulb", "aiohttp", "aiosqlite", "msgspec", "pytest"]
PR_SET_CHILD_SUBREAPER = 36  # <linux/prctl.h>
REQUEST_SIZE = 1 << 20
USUAL = (True, False, -1, None, None, None, -1, None)
"""Of Popen: restore_signals, start_new_session, process_group, group, extra_groups, user, umask, preexec_fn."""

fork_exec: Any = getattr(subprocess, "_fork_exec", None)
"""What `subprocess` starts every program with, but not on Windows."""

Request = tuple[list[str], dict[bytes, bytes], str]
"""The arguments after those of the interpreter, the environment and the working directory."""


# ---- the test process ----


def can_adopt() -> bool:
    """Make this process the parent of programs that lose theirs, and return whether that succeeded."""
    return sys.platform == "linux" and ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0


@contextmanager
def forking(libraries: Sequence[str] = LIBRARIES) -> Iterator[None]:
    """Let `subprocess` fork Python programs from one that has imported the libraries, if the system can."""
    if not can_adopt():
        yield
        return
    before: Any = subprocess._fork_exec  # type: ignore[attr-defined]
    server: Server | None = None
    lock = threading.Lock()

    def fork_or_start(args: Any, executables: Any, close_fds: Any, keep: Any, cwd: Any, env: Any, *others: Any) -> int:
        nonlocal server
        arguments = python_arguments(args, executables, str(cwd or os.getcwd()))
        environ = dict(os.environb) if env is None else dict(pair.split(b"=", 1) for pair in env)
        streams, unusual = others[:6], others[8:16] != USUAL or not close_fds or len(keep) > 1
        if arguments is None or unusual or settings_of(environ) != settings_of(dict(os.environb)):
            return fork_exec(args, executables, close_fds, keep, cwd, env, *others)
        fds = [given if given >= 0 else own for own, given in enumerate((streams[0], streams[3], streams[5]))]
        with lock:
            server = server or Server(libraries)
            return server.fork((arguments, environ, os.path.abspath(cwd or "")), fds)

    subprocess._fork_exec = fork_or_start  # type: ignore[attr-defined]
    try:
        yield
    finally:
        subprocess._fork_exec = before  # type: ignore[attr-defined]
        if server is not None:
            server.close()


def python_arguments(args: Sequence[Any], executables: Sequence[bytes], directory: str) -> list[str] | None:
    """Return the arguments of a command that only runs a Python program, without the interpreter, or None."""
    program, *arguments = [os.fsdecode(arg) for arg in args]
    if [os.fsdecode(path) for path in executables] != [program]:
        return None
    if is_console_script(program):
        return [program, *arguments]
    if program != sys.executable or not arguments:
        return None
    if arguments[0] in ("-c", "-m"):
        return arguments if len(arguments) > 1 else None
    return arguments if arguments[0].endswith(".py") and Path(directory, arguments[0]).is_file() else None


def is_console_script(program: str) -> bool:
    """Return whether this is a Python program that pip has installed beside the interpreter."""
    here = os.path.dirname(sys.executable)
    if os.path.dirname(program) != here or program == sys.executable:
        return False
    with open(program, "rb") as file:
        return file.readline().startswith(b"#!" + os.fsencode(here) + b"/python")


def settings_of(environ: dict[bytes, bytes]) -> dict[bytes, bytes]:
    """Return the variables that the interpreter has read before it runs a program."""
    read, later = (b"PYTHON", b"LC_", b"LANG"), (b"PYTHONPATH", b"PYTHONASYNCIODEBUG")
    return {name: value for name, value in environ.items() if name.startswith(read) and name not in later}


class Server:
    """The process that forks programs, seen from the test process."""

    def __init__(self, libraries: Sequence[str]) -> None:
        self._connection, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, __file__, str(theirs.fileno()), ",".join(libraries), *sys.path],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
                pass_fds=[theirs.fileno()],
            )

    def fork(self, request: Request, fds: list[int]) -> int:
        """Return the pid of the program."""
        socket.send_fds(self._connection, [marshal.dumps(request)], fds)
        pid, ended = self._connection.recv(16), self._connection.recv(16)
        if not ended:
            raise OSError("the server that forks programs has ended")
        return int(pid)

    def close(self) -> None:
        self._connection.close()
        self._process.wait()


# ---- the server ----


def serve(connection: socket.socket) -> tuple[Request, list[int]]:
    """Fork a process for each request, and return there. Exit when the test process has ended."""
    while True:
        message, fds, _, _ = socket.recv_fds(connection, REQUEST_SIZE, 3)
        if not message:
            sys.exit()
        between = os.fork()
        if not between:
            pid = os.fork()
            if not pid:
                connection.close()
                return marshal.loads(message), fds
            connection.send(b"%d" % pid)
            os._exit(0)
        _, status = os.waitpid(between, 0)
        if status:
            sys.exit("a program could not be forked")
        connection.send(b"ended")  # and so the test process is the parent of the program
        for fd in fds:
            os.close(fd)


# ---- the program ----


def run(request: Request, fds: list[int], search: list[str]) -> None:
    """Make this process what the interpreter is when it begins with a program, and run that."""
    arguments, environ, directory = request
    for number, fd in enumerate(fds):
        os.dup2(fd, number)
        os.close(fd)
    os.chdir(directory)
    os.environ.clear()
    os.environb.update(environ)
    time.tzset()
    for name in ("stdin", "stdout", "stderr"):
        stream = reopened(getattr(sys, name))
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)
    sys.path_importer_cache.clear()
    sys.path[:] = [*filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep)), *search]
    site.removeduppaths()
    sys.orig_argv = [sys.executable, *arguments]
    main = sys.modules["__main__"] = types.ModuleType("__main__")
    main.__dict__.update(__builtins__=builtins, __annotations__={}, __loader__=importlib.machinery.BuiltinImporter)
    try:
        execute(arguments, main)
    except SystemExit:
        raise
    except BaseException as error:
        # Print it without the frames of this file, and raise it again: the interpreter ends a program with SIGINT
        # after a KeyboardInterrupt, and with 1 after every other error.
        traceback = error.__traceback__
        while traceback is not None and traceback.tb_frame.f_code.co_filename == __file__:
            traceback = traceback.tb_next
        sys.excepthook(type(error), error.with_traceback(traceback), traceback)
        sys.excepthook = lambda *_: None
        raise


def reopened(old: Any) -> Any:
    """Return a standard stream as the interpreter opens it."""
    buffered = hasattr(old.buffer, "raw")  # not with PYTHONUNBUFFERED
    binary = open(old.fileno(), f"{old.mode}b", buffering=-1 if buffered else 0, closefd=False)  # noqa: SIM115
    getattr(binary, "raw", binary).name = old.name
    by_line = old.line_buffering or (buffered and binary.isatty())
    new = io.TextIOWrapper(binary, old.encoding, old.errors, "\n", by_line, old.write_through)
    new.mode = old.mode
    return new


def execute(arguments: list[str], main: types.ModuleType) -> None:
    """Run a file, the code after `-c` or the module after `-m`."""
    kind, *others = arguments
    if kind == "-m":
        sys.argv = ["-m", *others[1:]]
        sys.path.insert(0, os.getcwd())
        runpy._run_module_as_main(others[0])  # type: ignore[attr-defined]
        return
    if kind == "-c":
        sys.argv = ["-c", *others[1:]]
        sys.path.insert(0, "")
        source, name = others[0].encode(), "<string>"
        if sys.version_info >= (3, 13):  # the first that shows these lines in tracebacks
            linecache.cache[name] = (len(source), None, others[0].splitlines(keepends=True), name)
    else:
        sys.argv = arguments
        sys.path.insert(0, os.path.dirname(os.path.realpath(kind)))
        source, name = Path(kind).read_bytes(), os.path.join(os.getcwd(), kind)
        loader = importlib.machinery.SourceFileLoader("__main__", name)
        main.__dict__.update(__file__=name, __cached__=None, __loader__=loader)
    exec(compile(source, name, "exec", dont_inherit=True), main.__dict__)


if __name__ == "__main__":
    search = sys.path[1:]
    sys.path += sys.argv[3:]  # where the test process finds the libraries
    for library in sys.argv[2].split(","):
        __import__(library)
    gc.collect()
    gc.freeze()  # as in conftest.py; and what is not collected stays shared between the processes
    run(*serve(socket.socket(fileno=int(sys.argv[1]))), search)
