"""The installation shows how far it is, and everything that pip says if it fails."""

import io
from pathlib import Path

import pytest

from api.installing import Progress, count_packages, install

LOCK = """\
colorama==0.4.6 ; sys_platform == 'win32' \\
    --hash=sha256:aa
httptools==0.8.0 \\
    --hash=sha256:bb \\
    --hash=sha256:cc
# a comment
uvloop==0.22.1 \\
    --hash=sha256:dd
"""
PIP_SAYS = (
    "Ignoring colorama: markers \"sys_platform == 'win32'\" don't match your environment\n",
    "Collecting httptools==0.8.0 (from -r requirements.lock (line 3))\n",
    "  Using cached httptools-0.8.0.whl (500 kB)\n",
    "Collecting uvloop==0.22.1 (from -r requirements.lock (line 7))\n",
    "Installing collected packages: uvloop, httptools\n",
)


def shown(*, is_terminal: bool) -> str:
    """What is shown of an installation of two packages."""
    stream = io.StringIO()
    progress = Progress(count_packages(LOCK.splitlines()), stream, is_terminal=is_terminal)
    for line in PIP_SAYS:
        progress.read(line)
    progress.end()
    return stream.getvalue()


def test_a_terminal_shows_each_package_in_one_line() -> None:
    """Packages of other systems are not counted, and nothing stays of the line."""
    assert shown(is_terminal=True).split("\r\x1b[K") == [
        "",
        "  1 of 2 packages: httptools",
        "  2 of 2 packages: uvloop",
        "  Unpacking them; this takes half a minute",
        "",
    ]


def test_a_log_stays_short() -> None:
    """Two packages within ten seconds are no news; the longest step is."""
    assert shown(is_terminal=False) == "  Unpacking them; this takes half a minute\n"


@pytest.mark.parametrize("name", ["requirements.lock", "tests/requirements.lock", "api/requirements.lock"])
def test_the_packages_of_a_lock_are_counted(name: str) -> None:
    """By a second route: each has an exact version."""
    text = (Path(__file__).parents[2] / name).read_text(encoding="utf-8")

    assert count_packages(text.splitlines()) == sum("==" in line.split(";")[0] for line in text.splitlines())


def test_a_failure_tells_all_that_pip_said(tmp_path: Path) -> None:
    """Whoever has to mend it needs the reason."""
    lock = tmp_path / "wrong.lock"
    lock.write_text(f"absent @ file://{tmp_path}/absent-1.0-py3-none-any.whl --hash=sha256:{'0' * 64}\n")
    stream = io.StringIO()

    code = install(lock, stream)

    assert code != 0
    assert "absent-1.0-py3-none-any.whl" in stream.getvalue()
