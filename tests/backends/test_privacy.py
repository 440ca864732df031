"""No library that runs the networks talks to anybody."""

from __future__ import annotations

import subprocess
import sys

WATCHED = """
import sys
seen = []
def note(event, args):
    # Where a library lies is asked of the system's own index.
    if event.split(".")[0] in {names} and not (event == "subprocess.Popen" and "ldconfig" in str(args[0])):
        seen.append(event)
sys.addaudithook(note)
{code}
print(sorted(set(seen)))
"""
NAMES = ("socket", "urllib", "http", "subprocess", "ftplib", "smtplib")


def events(code: str) -> str:
    program = WATCHED.format(names=NAMES, code=code)
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.strip()


def test_the_watch_sees_who_talks() -> None:
    said = events("import socket\ntry:\n    socket.create_connection(('127.0.0.1', 9), 1)\nexcept OSError:\n    pass")
    assert "socket.connect" in said


def test_the_watch_sees_who_starts_a_program() -> None:
    assert "subprocess.Popen" in events("import subprocess, sys; subprocess.run([sys.executable, '-c', ''])")


def test_opening_and_running_the_networks_asks_nobody() -> None:
    code = (
        "from livefill.backends.runtimes import choose, open_network\n"
        "from livefill.backends import open_session\n"
        "choose(); open_session('auto'); open_network('observer', runtime='auto')"
    )
    assert events(code) == "[]"
