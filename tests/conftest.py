"""What all tests share: a property test does not fail because the machine is busy, and how many run side by side."""

import os
import signal

from hypothesis import HealthCheck, settings

settings.register_profile("wisp", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("wisp")

# Under nohup and in the background of a shell these are ignored, also by the programs that tests start.
for number, handler in ((signal.SIGINT, signal.default_int_handler), (getattr(signal, "SIGHUP", None), signal.SIG_DFL)):
    if number is not None and signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, handler)


def pytest_xdist_auto_num_workers() -> int:
    """Half as many again as there are cores: much of the time tests wait, for a browser or another program."""
    return (os.cpu_count() or 2) * 3 // 2
