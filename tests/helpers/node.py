"""Programs for Node.js and Python that tests try the service with: locked, and installed below `.build`."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

PACKAGES = ("package.json", "package-lock.json", ".npmrc", "requirements.lock")


class Workplace:
    """
    A folder below `.build` for the packages of a folder of tests.

    Args:
        here: The folder of tests, which has their locks.

    Attributes:
        here: The folder of tests.
        folder: Where they are installed and run.
    """

    def __init__(self, here: Path) -> None:
        self.here = here
        self.folder = here.parents[1] / ".build" / here.name

    def run(self, *command: str, **environment: str) -> None:
        """Run a program there; ends this one when it fails."""
        print("$", *command, flush=True)
        done = subprocess.run(command, cwd=self.folder, env={**os.environ, **environment}, check=False)
        if done.returncode:
            sys.exit(f"{command[0]} failed with exit code {done.returncode}")

    def install(self) -> None:
        """Install the locked packages, those of Python in the folder `python`, unless they are there already."""
        wanted = "".join((self.here / name).read_text(encoding="utf-8") for name in PACKAGES)
        noted = self.folder / "installed"
        if noted.exists() and noted.read_text(encoding="utf-8") == wanted:
            return
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        for name in PACKAGES:
            shutil.copy(self.here / name, self.folder)
        self.run("npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error")
        self.run(sys.executable, "-m", "pip", "install", "--quiet", "--target", "python", "-r", "requirements.lock")
        noted.write_text(wanted, encoding="utf-8")
