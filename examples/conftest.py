"""Lets `pytest examples` import the package of the bot in modules/, as `python examples/modules/bot.py` does."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parent / "modules"))
