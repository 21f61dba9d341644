"""The command line: `wisp sandbox bot.py` runs a bot on a local Discord, `wisp check bot.py` looks for problems."""

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
In a chat in the terminal and on its page, time is real, except during `:advance 2h`. With --run, with --json, and from
the first piped line on, time stands still as in a test: it only passes as far as an answer needs it, or by `:advance`.
If standard input ends without a line, the bot and its page run in real time until a signal.
"""
"""What `wisp sandbox --help` says about time."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the `wisp` command with these arguments (by default those of the process), and return its exit code.

    0 is success, 1 a bot that does not load, start or answer, 2 an invalid command line. Results are printed to stdout,
    all other text to stderr.
    """
    try:
        options = _options(arguments)
    except SystemExit as stop:  # argparse has printed the error, or the help
        return stop.code if isinstance(stop.code, int) else 2
    output = sys.stdout
    try:
        # what the bot's file prints must not get between lines of JSON
        with redirect_stdout(sys.stderr) if options.json else nullcontext():
            if options.command == "check":
                return check(options.file, as_json=options.json, output=output)
            if options.serve:
                return serve(output, options.patience)
            return sandbox(
                options.file,
                lines=options.run,
                as_json=options.json,
                keep=options.keep,
                open_browser=options.open,
                output=output,
            )
    except StartError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return program.INTERRUPTED


def sandbox(
    file: str, *, lines: Sequence[str], as_json: bool, keep: str | None, open_browser: bool, output: TextIO
) -> int:
    """Run the bot in a file on a local Discord with these lines, or, if there are none, with a chat."""
    from .local.chat import chat
    from .local.virtual_time import new_event_loop

    bot = load(file)
    chatting = chat(bot, lines=lines, as_json=as_json, keep=keep, open_browser=open_browser, output=output)
    return program.run(chatting, bot.shutdown_left, loop_factory=new_event_loop)


def serve(output: TextIO, patience: float | None) -> int:
    """Run a local Discord for a bot of any library until a signal. See `wisp.local.chat.serve`."""
    from .local.chat import PATIENCE, serve

    return program.run(serve(output, patience=PATIENCE if patience is None else patience))


def check(file: str, *, as_json: bool, output: TextIO) -> int:
    """Print the problems of the bot in a file and of its settings, and return 1 if one is not just a warning."""
    problems = _problems(file)
    warnings = sum(problem.is_warning for problem in problems)
    errors = len(problems) - warnings
    if as_json:
        print(json.dumps([_as_dict(problem) for problem in problems], indent=2), file=output)
    else:
        for problem in problems:
            print(f"warning: {problem}" if problem.is_warning else problem, file=sys.stderr)
        print(f"{file}: {_counted(errors, 'problem')}, {_counted(warnings, 'warning')}", file=output)
    return 1 if errors else 0


def _problems(file: str) -> list[Problem]:
    """Return the problems of a bot and its settings; if its file cannot be loaded, the reason."""
    from .checks import service_problems

    try:
        bot = load(file)
    except CheckError as error:
        return [*error.problems]
    try:
        bot.settings()
    except CheckError as error:
        return [*error.problems, *bot.check()]
    found = bot.check()
    if bot.modules.list() and not service_problems(bot.services):  # the setup of modules needs the services
        from .local.runner import module_problems, with_modules_of
        from .local.virtual_time import new_event_loop

        can_start = all(problem.is_warning for problem in found)
        startable = bot if can_start else with_modules_of(bot)
        found += program.run(module_problems(startable), loop_factory=new_event_loop)
    return found


def load(file: str) -> Bot:
    """Import a Python file under its own name, with its directory on `sys.path`, and return its bot.

    Raises CheckError if the file is missing, cannot be imported, or does not have exactly one bot.
    """
    from .bot import Bot

    path = Path(file).resolve()
    if not path.is_file():
        found = "a directory" if path.is_dir() else "no such file"
        raise _unloadable(file, f"expected a Python file with a bot in it, found {found}", "Check the path.")
    if path.suffix != ".py":
        raise _unloadable(file, "expected a file whose name ends in .py", "Rename the file, or check the path.")
    bots = _bots(vars(_imported(file, path)), Bot)
    if not bots:
        raise _unloadable(
            file, "expected one wisp.Bot, found none", "Create it at the file's top level: bot = wisp.Bot()"
        )
    if len(bots) > 1:
        names = " and ".join(bots)
        raise _unloadable(file, f"expected one wisp.Bot, found {names}", "Keep each bot in its own file.")
    return next(iter(bots.values()))


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Parse a command line. Raises SystemExit if it is invalid, or asks for help."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.command == "sandbox":
        if options.serve and (options.file or options.run or options.keep):
            parser.error("--serve runs without a bot: omit bot.py, --run and --keep")
        if options.patience is not None and not options.serve:
            parser.error("--patience is for --serve: the time of a wisp bot stands still while it answers")
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
        "--serve", action="store_true", help="run without a bot: print where a bot of any library connects, read stdin"
    )
    local.add_argument(
        "--run", action="append", default=[], metavar="LINE", help='enter this line, then exit: --run "/hello"'
    )
    local.add_argument("--json", action="store_true", help="print the result of each line as a JSON object")
    local.add_argument(
        "--patience",
        type=_seconds,
        metavar="SECONDS",
        help="with --serve: how long a line waits for a response that the bot has deferred (10)",
    )
    local.add_argument("--keep", metavar="PATH", help="keep the bot's data in this database file")
    local.add_argument(
        "--no-open", dest="open", action="store_false", help="print the address of the page, but do not open a browser"
    )

    checked = commands.add_parser("check", help="look for problems of a bot without connecting")
    checked.add_argument("file", metavar="bot.py")
    checked.add_argument("--json", action="store_true", help="print the problems as a JSON array")
    return parser


def _seconds(typed: str) -> float:
    seconds = float(typed)
    if not 0 < seconds <= 900:
        raise argparse.ArgumentTypeError(f"expected more than 0 and at most 900 s, got {typed}")
    return seconds


def _imported(file: str, path: Path) -> ModuleType:
    taken = sys.modules.get(path.stem)
    if taken is not None and getattr(taken, "__file__", None) != str(path):
        raise _unloadable(file, f"another module is named {path.stem!r}", "Rename the file.")
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
    """Return the bots in the namespace of a module, each under its first name."""
    bots: dict[str, Bot] = {}
    for name, value in names.items():
        if isinstance(value, kind) and not any(value is bot for bot in bots.values()):
            bots[name] = value
    return bots


def _unimportable(path: Path, error: BaseException) -> CheckError:
    """Return the error of an import as a problem at the line of the user's code that led to it."""
    reason = "".join(traceback.format_exception_only(error)).strip().rpartition("\n")[2]
    file, line = str(path), None
    if isinstance(error, SyntaxError) and error.filename:
        file, line = error.filename, error.lineno
    else:
        for frame in traceback.extract_tb(error.__traceback__):
            if Path(frame.filename).is_relative_to(path.parent) and "site-packages" not in frame.filename:
                file, line = frame.filename, frame.lineno
    fix = "Fix this line."
    if isinstance(error, ModuleNotFoundError):
        fix = "Install its package, or correct its name."
    return CheckError([Problem("import", f"the bot's file cannot be imported: {reason}", fix, file=file, line=line)])


def _unloadable(file: str, message: str, fix: str) -> CheckError:
    return CheckError([Problem("bot file", message, fix, file=file)])


def _as_dict(problem: Problem) -> dict[str, str | int | bool | None]:
    return {
        "file": problem.file,
        "line": problem.line,
        "where": problem.where,
        "message": problem.message,
        "fix": problem.fix,
        "is_warning": problem.is_warning,
    }


def _counted(number: int, noun: str) -> str:
    return f"{number or 'no'} {noun}{'' if number == 1 else 's'}"
