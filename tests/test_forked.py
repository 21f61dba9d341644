"""Programs that tests fork do the same as programs that are started."""

import os
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from forked import can_adopt, fork_exec, forking, python_arguments

pytestmark = pytest.mark.skipif(not can_adopt(), reason="prctl is of Linux")

FACTS = '''
"""Print what a program can know of how it was started."""
import atexit, gc, os, signal, sys, threading, time, warnings

print(__name__, __doc__, __package__, __spec__ and __spec__.origin, type(__loader__), sorted(globals()))
print(globals().get("__file__"), sys.modules["__main__"].__dict__ is globals())
print(sys.argv, sys.orig_argv[1:], sys.path, sys.flags, sys.warnoptions, len(sys.meta_path))
print([one for one in warnings.filters if not one[2].__module__.startswith("aiohttp")])
print(os.getcwd(), sorted(os.environ.items()), time.tzname)
for stream in (sys.stdin, sys.stdout, sys.stderr):
    print(stream, stream.errors, stream.line_buffering, stream.write_through, stream.buffer)
print(sys.stdout is sys.__stdout__, sys.excepthook is sys.__excepthook__, sys.stdin.read())
print({number: signal.getsignal(number) for number in signal.valid_signals()})
print(signal.pthread_sigmask(signal.SIG_BLOCK, []), os.getppid(), os.getpgrp(), os.getsid(0), os.umask(0))
print(threading.enumerate()[0].name, len(threading.enumerate()), sys.getrecursionlimit(), gc.get_threshold())
print(sorted(os.listdir("/proc/self/fd")))
warnings.warn("a warning")
'''

ENDINGS = {
    "an exception": """
        def inner():
            raise ValueError("oh no")
        try:
            inner()
        except ValueError:
            raise KeyError("again")
    """,
    "an error of syntax": "print('never')\nif:\n",
    "an exit": "import sys\nsys.exit(3)",
    "an exit with a text": "import sys\nsys.exit('this is why')",
    "an exit at once": "import os\nprint('lost')\nos._exit(5)",
    "an interrupt": """
        import atexit, os, signal, sys
        atexit.register(print, "at exit")
        print("before", sys.argv)
        os.kill(os.getpid(), signal.SIGINT)
    """,
    "an interrupt of asyncio": """
        import asyncio, os, signal
        async def main():
            os.kill(os.getpid(), signal.SIGINT)
            await asyncio.sleep(60)
        asyncio.run(main())
    """,
    "a signal": "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)",
    "a closed pipe": "import os\nread, write = os.pipe()\nos.close(read)\nos.write(write, b'x')",
    "threads and what comes at exit": """
        import atexit, threading, time
        def last():
            time.sleep(0.05)
            print("thread")
        class Kept:
            def __del__(self):
                print("deleted")
        kept = Kept()
        atexit.register(print, "at exit")
        threading.Thread(target=last).start()
        print("main")
    """,
    "an exception that is hooked": "import sys\nsys.excepthook = lambda *error: print(error[:2])\n1 / 0",
    "no input": "print(input('? '))",
    "processes": """
        import multiprocessing
        def double(number):
            return 2 * number
        if __name__ == "__main__":
            with multiprocessing.get_context("spawn").Pool(1) as pool:
                print(pool.map(double, [1, 2]))
    """,
    "a fork": "import os, sys\nprint('once', flush=True)\nos.waitpid(os.fork() or sys.exit(), 0)\nprint('twice')",
}


@contextmanager
def server(unbuffered: str = "") -> Iterator[None]:
    """Fork from a server of our own, since how it was started decides how its programs buffer their output."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONUNBUFFERED", unbuffered)
        patch.setenv("OF_THE_SERVER", "not in the environment of its programs")
        with forking(["json"]):
            yield


@pytest.fixture(scope="module", autouse=True)
def buffered() -> Iterator[None]:
    with server():
        yield


def run(directory: Path, *arguments: str) -> tuple[int, str, str]:
    """Return the exit code and the output of a program."""
    environ = os.environ | {"PYTHONPATH": f"a:b:{directory}", "TZ": "Asia/Tokyo"}
    del environ["OF_THE_SERVER"]
    ran = subprocess.run(
        [sys.executable, *arguments],
        cwd=directory,
        env=environ,
        input="",
        capture_output=True,
        text=True,
        check=False,
    )
    return ran.returncode, ran.stdout, ran.stderr


def run_both(directory: Path, text: str, *arguments: str) -> tuple[tuple[int, str, str], tuple[int, str, str]]:
    """Return what a program does that is forked, and what it does that is started."""
    (directory / "program.py").write_text(textwrap.dedent(text), encoding="utf-8")
    forked = run(directory, *arguments)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(subprocess, "_fork_exec", fork_exec)
        return forked, run(directory, *arguments)


@pytest.mark.parametrize(
    "arguments",
    [
        ["program.py", "-m", "more"],
        ["./program.py"],
        ["-m", "program", "-c"],
        ["-c", FACTS, "more"],
        ["-m", "missing"],
        ["-m", "json.tool", "--help"],
    ],
    ids=lambda arguments: arguments[0],
)
def test_a_forked_program_begins_as_one_that_is_started(tmp_path: Path, arguments: list[str]) -> None:
    forked, started = run_both(tmp_path, FACTS, *arguments)
    assert forked == started
    assert len(started[1] + started[2]) > 40


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_forked_program_ends_as_one_that_is_started(tmp_path: Path, ending: str) -> None:
    forked, started = run_both(tmp_path, ENDINGS[ending], "program.py")
    assert forked == started


@pytest.mark.parametrize("ending", ["an exception", "an exit at once"])
def test_a_forked_module_ends_as_one_that_is_started_its_output_unbuffered(tmp_path: Path, ending: str) -> None:
    with server(unbuffered="1"):
        forked, started = run_both(tmp_path, ENDINGS[ending], "-m", "program")
    assert forked == started
    assert ("lost" in started[1]) == (ending == "an exit at once")


def test_a_forked_program_has_the_terminal_of_one_that_is_started(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(
        "import sys\nfor one in (sys.stdin, sys.stdout):\n    print(one, one.line_buffering)"
    )
    shown: list[bytes] = []
    for start in (subprocess._fork_exec, fork_exec):  # type: ignore[attr-defined]
        keyboard, terminal = os.openpty()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(subprocess, "_fork_exec", start)
            subprocess.run([sys.executable, tmp_path / "program.py"], stdin=terminal, stdout=terminal, check=True)
        shown.append(os.read(keyboard, 1000))
        os.close(keyboard)
        os.close(terminal)
    assert shown[0] == shown[1]
    assert b"True" in shown[0]


def test_a_forked_program_has_the_libraries_and_nothing_else_of_ours(tmp_path: Path) -> None:
    forked, started = run_both(tmp_path, "import sys; print({'json', 'wisp', 'forked'} & {*sys.modules})", "program.py")
    assert (forked[1], started[1]) == ("{'json'}\n", "set()\n")


@pytest.mark.parametrize(
    "command",
    [
        [sys.executable],
        [sys.executable, "-W", "error", "-c", "pass"],
        [sys.executable, "-m"],
        [sys.executable, "missing.py"],
        [sys.executable, "."],
        ["/bin/echo", "-c", "pass"],
    ],
    ids=" ".join,
)
def test_other_commands_are_started(command: list[str], tmp_path: Path) -> None:
    assert python_arguments(command, [os.fsencode(command[0])], str(tmp_path)) is None


@pytest.mark.parametrize(
    ("unusual", "is_forked"),
    [
        ({}, True),
        ({"env": {"PYTHONHASHSEED": "0"}}, False),
        ({"env": {"LC_ALL": "C"}}, False),
        ({"start_new_session": True}, False),
        ({"close_fds": False}, False),
        ({"pass_fds": [1]}, False),
        ({"umask": 0}, False),
    ],
    ids=str,
)
def test_programs_that_are_to_begin_differently_are_started(unusual: dict[str, Any], is_forked: bool) -> None:
    options = unusual | {"env": os.environ | unusual.get("env", {})}
    command = [sys.executable, "-c", "import sys; print('json' in sys.modules)"]
    assert subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, **options).stdout == f"{is_forked}\n"
