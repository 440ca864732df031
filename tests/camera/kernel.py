"""Runs code in a small kernel that has a webcam (vivid) and a v4l2loopback, as an ordinary process."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

__all__ = ["NEEDS", "inside"]

ROOT = Path(__file__).parents[2]
RUNNER = ROOT.parent / "shared/tools/vcam-kernel/run"
NEEDS = [
    pytest.mark.e2e,
    pytest.mark.skipif(not RUNNER.exists(), reason=f"needs the kernel of {RUNNER}"),
    pytest.mark.skipif(not shutil.which("busybox"), reason="needs busybox inside the kernel"),
]


def inside(share: Path, code: str, *, limit: int = 60, **settings: str) -> dict[str, Any]:
    """Run `code` in the kernel and return what it left in `result`."""
    job, answer = share / "job.py", share / "answer.json"
    head = "import json\nimport numpy as np\nfrom pathlib import Path\n"
    tail = f"\nPath({str(answer)!r}).write_text(json.dumps(result))\n"
    job.write_text(head + code + tail)
    tools = share / "tools"
    tools.mkdir()
    (tools / "insmod").symlink_to(shutil.which("busybox") or "")  # bare machines have no kmod
    environment = {**os.environ, "PATH": f"{os.environ['PATH']}:{tools}", "LIMIT": str(limit), **settings}
    command = [str(RUNNER), str(share), "env", f"PYTHONPATH={ROOT}:{ROOT / 'tests'}", sys.executable, str(job)]
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=limit + 30, check=False
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    answered: dict[str, Any] = json.loads(answer.read_text())
    return answered
