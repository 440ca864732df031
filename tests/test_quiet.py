"""What native libraries print is kept from the terminal, and what livefill prints is not."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

CODE = """
import os, sys
from livefill.quiet import quiet_native_stderr
quiet_native_stderr()
os.write(2, b"native chatter\\n")
print("a sentence: \\u00e4", file=sys.stderr)
"""


def run(code: str = CODE, **environment: str) -> bytes:
    settings = {**os.environ, "PYTHONIOENCODING": "utf-8", **environment}
    return subprocess.run([sys.executable, "-c", code], env=settings, capture_output=True, check=True).stderr


def test_only_what_python_says_is_shown() -> None:
    assert run().decode().splitlines() == ["a sentence: ä"]


def test_all_of_it_is_shown_on_request() -> None:
    shown = run(LIVEFILL_VERBOSE="1").decode()
    assert "native chatter" in shown
    assert "a sentence" in shown


def test_a_traceback_is_still_shown() -> None:
    code = "from livefill.quiet import quiet_native_stderr; quiet_native_stderr(); 1 / 0"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "ZeroDivisionError" in done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="needs a shell that closes descriptors")
def test_started_without_a_stderr_it_does_nothing() -> None:
    code = "from livefill.quiet import quiet_native_stderr; quiet_native_stderr(); print('done')"
    done = subprocess.run(
        ["sh", "-c", 'exec "$0" -c "$1" 2>&-', sys.executable, code], stdout=subprocess.PIPE, text=True, check=False
    )
    assert done.stdout == "done\n"
