"""The libraries whose bots run on the sandbox; `python tests/libraries.py FOLDER` installs each by itself."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

BOTS = Path(__file__).parent / "bots"


@dataclass(frozen=True)
class Library:
    """A library in an environment of its own, since some exclude each other, and the bot that is written with it."""

    name: str
    bot: Path
    requirements: tuple[str, ...]
    has_examples: bool = False
    """Whether its source distribution has examples."""

    @property
    def is_python(self) -> bool:
        return self.bot.suffix == ".py"

    def install(self, folder: Path) -> None:
        """Make its environment in `folder`. Raises CalledProcessError if that fails."""
        here = folder / self.name
        if not self.is_python:
            npm = ["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", here]
            subprocess.run([*npm, *self.requirements], check=True)
            return
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", here], check=True)
        pip = [sys.executable, "-m", "pip", "--python", _python(here), "install", "--quiet", "--no-compile"]
        subprocess.run([*pip, *self.requirements], check=True)
        if self.has_examples:
            self._unpack_source(here)

    def _unpack_source(self, here: Path) -> None:
        package = self.requirements[0]
        source = ["download", "--quiet", "--no-deps", "--no-binary", package, "--dest", here / "source", package]
        subprocess.run([sys.executable, "-m", "pip", *source], check=True)
        (archive,) = (here / "source").glob("*.tar.gz")
        shutil.unpack_archive(archive, here / "source")

    def examples(self, folder: Path) -> Path:
        """Return where its examples are."""
        (examples,) = (folder / self.name / "source").glob("*/examples")
        return examples

    def command(self, folder: Path | None) -> list[str | Path] | None:
        """Return the command that runs the bot, with what is installed in `folder`.

        Without a folder it is run by this interpreter; None if the library is not installed here.
        """
        if folder is None:
            is_here = self.is_python and all(map(_is_installed, self.requirements))
            return [sys.executable, self.bot] if is_here else None
        return [self.interpreter(folder), self.bot]

    def interpreter(self, folder: Path) -> str | Path:
        """Return the program that runs what is written with this library, as installed in `folder`."""
        return _python(folder / self.name) if self.is_python else "node"

    def environment(self, folder: Path | None) -> dict[str, str]:
        """Return the variables with which the bot finds its library."""
        return {} if self.is_python or folder is None else {"NODE_PATH": str(folder / self.name / "node_modules")}


LIBRARIES = [
    Library("hikari", BOTS / "with_hikari.py", ("hikari",), has_examples=True),
    Library("lightbulb", BOTS / "with_lightbulb.py", ("hikari-lightbulb",)),
    Library("arc", BOTS / "with_arc.py", ("hikari-arc",), has_examples=True),
    Library("miru", BOTS / "with_miru.py", ("hikari-miru", "hikari-arc"), has_examples=True),
    Library("crescent", BOTS / "with_crescent.py", ("hikari-crescent",)),
    Library("discord_py", BOTS / "with_discord_py.py", ("discord.py",)),
    Library("discord_py_speed", BOTS / "with_discord_py.py", ("discord.py[speed]",)),
    Library("disnake", BOTS / "with_disnake.py", ("disnake",)),
    # it imports pkg_resources, which setuptools 82 has no more, and requires neither
    Library("nextcord", BOTS / "with_nextcord.py", ("nextcord", "setuptools<82")),
    Library("py_cord", BOTS / "with_py_cord.py", ("py-cord",)),
    Library("interactions_py", BOTS / "with_interactions_py.py", ("discord-py-interactions",)),
    Library("discord_js", BOTS / "with_discord_js.cjs", ("discord.js",)),
]


def _python(environment: Path) -> Path:
    return environment / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def _is_installed(requirement: str) -> bool:
    """Return whether this package is installed here; False for one with extras or versions, which cannot be seen."""
    return any(metadata.distributions(name=requirement))


if __name__ == "__main__":
    with ThreadPoolExecutor(max_workers=4) as pool:
        list(pool.map(Library.install, LIBRARIES, [Path(sys.argv[1]).resolve()] * len(LIBRARIES)))
