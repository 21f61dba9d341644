"""What all tests share: the settings of hypothesis, how many run side by side, and how their programs are started."""

import asyncio
import gc
import logging
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest
from forked import fork_exec, forking
from hypothesis import HealthCheck, settings

from wisp.local.virtual_time import VirtualTime, virtual_time

settings.register_profile("thorough", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("quick", settings.get_profile("thorough"), max_examples=50)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))

# Without bytecode on the disk, every worker and every program that a test starts would compile all of wisp again.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# aiohttp reads the system's certificates when it is imported, which takes 50 ms in each process. No test uses TLS.
os.environ["SSL_CERT_FILE"] = os.devnull

# In asyncio's debug mode (PYTHONASYNCIODEBUG=1) this is logged of what is slow, which depends on the machine.
logging.getLogger("asyncio").addFilter(lambda record: not str(record.msg).startswith("Executing %s took"))

# Under nohup and in the background of a shell these are ignored, also by the programs that tests start.
for number, handler in ((signal.SIGINT, signal.default_int_handler), (getattr(signal, "SIGHUP", None), signal.SIG_DFL)):
    if number is not None and signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, handler)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Half as many again as there are cores: much of the time tests wait, for a browser or another program."""
    return (os.cpu_count() or 2) * 3 // 2


def pytest_collection_finish() -> None:
    """Take what has been imported and collected out of the garbage collector's way: it lives as long as the process.

    What tests leave behind is collected more rarely than Python would: that took a tenth of the CPU time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


@pytest.fixture(scope="session", autouse=True)
def forked_programs() -> Iterator[None]:
    """Fork the Python programs that tests start, if the system can."""
    with forking():
        yield


@pytest.fixture
def real_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """Start the programs of this test in a new interpreter, for example because it looks at what they import."""
    monkeypatch.setattr(subprocess, "_fork_exec", fork_exec, raising=False)


@pytest.fixture
async def time() -> AsyncIterator[VirtualTime]:
    """The time of the test's event loop, which stands still while anything runs."""
    with virtual_time() as time:
        yield time


@pytest.fixture
def timers() -> Callable[[], list[str]]:
    """Return what names the functions of a bot that timers of the event loop will call."""

    def pending() -> list[str]:
        handles: list[Any] = asyncio.get_running_loop()._scheduled  # type: ignore[attr-defined]
        functions = [getattr(one._callback, "func", one._callback) for one in handles if not one.cancelled()]
        names = [f"{function.__module__}.{function.__qualname__}" for function in functions]
        return sorted(name for name in names if name.startswith("wisp.") and not name.startswith("wisp.sandbox"))

    return pending
