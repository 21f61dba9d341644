"""The command line: `wisp sandbox bot.py` runs a bot on a local Discord, `wisp check bot.py` looks for mistakes."""

from __future__ import annotations

import argparse
import importlib.util
import json
import sys
import traceback
from collections.abc import Mapping, Sequence
from contextlib import nullcontext, redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from . import __version__, program
from .errors import CheckError, Problem, StartError

if TYPE_CHECKING:
    from types import ModuleType

    from .bot import Bot


TIME = """\
Time is real for a chat at a terminal and on its page, except during `:advance 2h`. With --run, with --json, and from
the first line of a pipe on, time is as in a test: it stands still, and passes only as far as an answer needs it, or by
`:advance`. If standard input ends without a line, the page stays, in real time, until a signal.
"""
"""What `wisp sandbox --help` says of the time."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the `wisp` command with these arguments (those of the process by default); gives its exit code.

    0 is success, 1 a bot that does not load, start or answer, 2 a command line that cannot be read.
    Results are printed to stdout, everything meant for a human besides to stderr.
    """
    try:
        options = _options(arguments)
    except SystemExit as stop:  # argparse has said what is wrong, or printed the help that was asked for
        return stop.code if isinstance(stop.code, int) else 2
    output = sys.stdout
    try:
        # What a bot's file prints has no place between lines of JSON.
        with redirect_stdout(sys.stderr) if options.json else nullcontext():
            if options.command == "check":
                return check(options.file, as_json=options.json, output=output)
            if options.serve:
                return serve(output)
            return sandbox(
                options.file,
                lines=options.run,
                as_json=options.json,
                keep=options.keep,
                opens=options.open,
                output=output,
            )
    except StartError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return program.INTERRUPTED


def sandbox(file: str, *, lines: Sequence[str], as_json: bool, keep: str | None, opens: bool, output: TextIO) -> int:
    """Run the bot of a file on a local Discord: these lines, or a chat in terminal and browser without any."""
    from .local.chat import chat
    from .local.virtual_time import new_event_loop

    bot = load(file)
    chatting = chat(bot, lines=lines, as_json=as_json, keep=keep, opens=opens, output=output)
    return program.run(chatting, bot.grace_left, loop_factory=new_event_loop)


def serve(output: TextIO) -> int:
    """A local Discord for a bot of any library, until it is stopped: see `wisp.local.chat.serve`."""
    from .local.chat import serve

    return program.run(serve(output))


def check(file: str, *, as_json: bool, output: TextIO) -> int:
    """Print what is wrong in the bot of a file and its settings: 1 where there are mistakes; remarks alone are 0."""
    mistakes = _problems(file)
    if as_json:
        print(json.dumps([_described(mistake) for mistake in mistakes], indent=2), file=output)
    else:
        for mistake in mistakes:
            print(f"remark: {mistake}" if mistake.is_warning else mistake, file=sys.stderr)
    wrong = sum(not mistake.is_warning for mistake in mistakes)
    if not as_json:
        print(f"{file}: {_counted(wrong, 'mistake')}, {_counted(len(mistakes) - wrong, 'remark')}", file=output)
    return 1 if wrong else 0


def _problems(file: str) -> list[Problem]:
    """What is wrong in a bot's settings and in the bot, or else what keeps its file from being read."""
    from .bot import service_problems

    try:
        bot = load(file)
    except CheckError as error:
        return [*error.problems]
    try:
        bot.settings()
    except CheckError as error:
        return [*error.problems, *bot.check()]
    found = bot.check()
    if bot.modules.list() and not service_problems(bot.services):  # modules are set up with the services
        from .local.runner import module_problems, with_modules_of
        from .local.virtual_time import new_event_loop

        is_whole = all(mistake.is_warning for mistake in found)
        whole = bot if is_whole else with_modules_of(bot)
        found += program.run(module_problems(whole), loop_factory=new_event_loop)
    return found


def load(file: str) -> Bot:
    """The bot of a Python file, which is imported under its own name with its directory on `sys.path`.

    Raises Mistakes where the file is missing, does not import, or holds no bot or more than one.
    """
    from .bot import Bot

    path = Path(file).resolve()
    if not path.is_file():
        came = "a directory" if path.is_dir() else "no such file"
        raise _unloadable(file, f"expected a Python file with a bot in it, found {came}", "Check the path.")
    if path.suffix != ".py":
        raise _unloadable(file, "expected a file whose name ends in .py", "Rename it, or name the right one.")
    found = _bots(vars(_imported(file, path)), Bot)
    if not found:
        raise _unloadable(
            file, "expected one wisp.Bot, found none", "Make it at the file's top level: bot = wisp.Bot()"
        )
    if len(found) > 1:
        names = " and ".join(found)
        raise _unloadable(file, f"expected one wisp.Bot, found {names}", "Keep each bot in its own file.")
    return next(iter(found.values()))


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    """What a command line says. Raises SystemExit where it cannot be read, or asked for help."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.command == "sandbox":
        if options.serve and (options.file or options.run or options.keep):
            parser.error("--serve runs no bot: leave out bot.py, --run and --keep")
        if not options.serve and not options.file:
            parser.error("expected a bot's file, as in: wisp sandbox bot.py (or --serve, for a bot of another library)")
    return options


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="wisp", description="Discord bots: run them locally, check them.")
    parser.add_argument("--version", action="version", version=f"wisp {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    local = commands.add_parser(
        "sandbox", help="run a bot on a local Discord, without a token or a network", epilog=TIME
    )
    local.add_argument("file", metavar="bot.py", nargs="?")
    local.add_argument(
        "--serve", action="store_true", help="no bot: print where a bot of any library connects, take lines from stdin"
    )
    local.add_argument(
        "--run", action="append", default=[], metavar="LINE", help='type this line and exit: --run "/hello"'
    )
    local.add_argument("--json", action="store_true", help="print what each line got as a JSON object")
    local.add_argument("--keep", metavar="PATH", help="keep the bot's data in this database file")
    local.add_argument(
        "--no-open", dest="open", action="store_false", help="print the page's address, and open no browser"
    )

    checked = commands.add_parser("check", help="look for a bot's mistakes without connecting")
    checked.add_argument("file", metavar="bot.py")
    checked.add_argument("--json", action="store_true", help="print the mistakes as a JSON array")
    return parser


def _imported(file: str, path: Path) -> ModuleType:
    taken = sys.modules.get(path.stem)
    if taken is not None and getattr(taken, "__file__", None) != str(path):
        raise _unloadable(file, f"its name is taken: {path.stem!r} is another module", "Rename the file.")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None  # neither is None for a .py file
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    if str(path.parent) not in sys.path:
        sys.path.insert(0, str(path.parent))
    sys.modules[path.stem] = module
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        del sys.modules[path.stem]
        if isinstance(error, CheckError):
            raise
        raise _unimportable(path, error) from error
    return module


def _bots(names: Mapping[str, object], kind: type[Bot]) -> dict[str, Bot]:
    """The bots among a module's names, each under the first name that it has there."""
    bots: dict[str, Bot] = {}
    for name, value in names.items():
        if isinstance(value, kind) and not any(value is bot for bot in bots.values()):
            bots[name] = value
    return bots


def _unimportable(path: Path, error: BaseException) -> CheckError:
    """What an import failed with, placed at the user's own line that led to it."""
    came = "".join(traceback.format_exception_only(error)).strip().rpartition("\n")[2]
    file, line = str(path), None
    if isinstance(error, SyntaxError) and error.filename:
        file, line = error.filename, error.lineno
    else:
        for frame in traceback.extract_tb(error.__traceback__):
            if Path(frame.filename).is_relative_to(path.parent) and "site-packages" not in frame.filename:
                file, line = frame.filename, frame.lineno
    fix = "Mend this line."
    if isinstance(error, ModuleNotFoundError):
        fix = "Install the package that brings it, or mend its name."
    return CheckError([Problem("import", f"the bot's file does not import: {came}", fix, file=file, line=line)])


def _unloadable(file: str, problem: str, fix: str) -> CheckError:
    return CheckError([Problem("bot file", problem, fix, file=file)])


def _described(mistake: Problem) -> dict[str, str | int | bool | None]:
    return {
        "file": mistake.file,
        "line": mistake.line,
        "where": mistake.where,
        "problem": mistake.message,
        "fix": mistake.fix,
        "remark": mistake.is_warning,
    }


def _counted(number: int, noun: str) -> str:
    return f"{number or 'no'} {noun}{'' if number == 1 else 's'}"
