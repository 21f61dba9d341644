"""What all tests share: a property test does not fail because the machine is busy, and how many run side by side."""

import os

from hypothesis import HealthCheck, settings

settings.register_profile("wisp", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("wisp")


def pytest_xdist_auto_num_workers() -> int:
    """Half as many again as there are cores: much of the time tests wait, for a browser or another program."""
    return (os.cpu_count() or 2) * 3 // 2
