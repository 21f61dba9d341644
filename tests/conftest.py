"""What all tests share: a property test does not fail because the machine is busy."""

from hypothesis import HealthCheck, settings

settings.register_profile("wisp", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("wisp")
