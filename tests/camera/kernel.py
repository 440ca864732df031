"""Runs code in a small kernel that has a webcam (vivid) and a v4l2loopback, as an ordinary process.

The kernel is built by `tests/camera/machine/build.sh`, once; a ready one beside the repository is taken as well.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tarfile
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import pytest

__all__ = ["KERNEL", "NEEDS", "boot", "inside"]

ROOT = Path(__file__).parents[2]
MACHINE = Path(__file__).parent / "machine"
READY = ROOT.parent / "shared/tools/vcam-kernel/kernel.tar.xz"
KERNEL = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "livefill/camera-kernel"
ARGUMENTS = (
    "mem=4G ncpus=2 seccomp=on root=none rootfstype=hostfs hostfs=/ rootflags=/ ro quiet con=null con0=fd:0,fd:1"
)
PARAMETERS = {
    "vivid": "n_devs=1 node_types=0x1 num_inputs=1 input_types=0 vid_cap_nr=0",
    "v4l2loopback": "exclusive_caps={caps} card_label=livefill video_nr=10 max_buffers=4",
}
NOISE = re.compile("setup_one_line failed|Using a channel type which|reboot: Power down")
NEEDS = [
    pytest.mark.e2e,
    pytest.mark.skipif(
        not (KERNEL / "linux").exists() and not READY.exists(),
        reason="needs a kernel: run tests/camera/machine/build.sh",
    ),
    pytest.mark.skipif(not shutil.which("busybox"), reason="needs busybox inside the kernel"),
]


@cache
def kernel() -> Path:
    """Return the folder with `linux` and `modules/`; a ready kernel is unpacked into it when there is none."""
    if not (KERNEL / "linux").exists():
        KERNEL.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=KERNEL.parent) as folder, tarfile.open(READY) as packed:
            packed.extractall(folder, filter="data")
            modules = Path(folder) / "mods"
            (modules / "order").write_text((modules / "video.order").read_text().replace(".ko", ""))
            modules.rename(Path(folder) / "modules")
            shutil.copytree(folder, KERNEL, dirs_exist_ok=True)
    return KERNEL


def boot(share: Path, command: list[str], *, limit: int, caps: int = 1, drivers: bool = True) -> tuple[int, str]:
    """Run `command` as root in the kernel; return its exit status, 124 after `limit` seconds, and all that it said.

    The machine's files can be read there, and written only within `share`. /dev/video0 is the webcam, /dev/video10 the
    v4l2loopback, with `caps` for its exclusive_caps; without `drivers` neither is there.
    """
    folder = kernel()
    lines = [f"export PATH={shlex.quote(os.environ['PATH'])} HOME={shlex.quote(str(Path.home()))} SHARE={share}"]
    for module in (folder / "modules/order").read_text().split() if drivers else ():
        lines.append(f"busybox insmod {folder}/modules/{module}.ko {PARAMETERS.get(module, '').format(caps=caps)}")
    lines += [f"cd {ROOT}", f"{shlex.join(command)} </dev/null", f"echo $? >{share}/.status"]
    (share / ".job").write_text("\n".join(lines))
    (share / ".status").unlink(missing_ok=True)
    machine = [str(folder / "linux"), *ARGUMENTS.split(), f"init={MACHINE / 'init.sh'}", f"livefill.share={share}"]
    with subprocess.Popen(
        machine, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True
    ) as process:
        try:
            said, _ = process.communicate(timeout=limit)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, 9)  # its processors and its programs are processes of this group
            said, _ = process.communicate()
    text = "\n".join(line for line in said.decode(errors="replace").splitlines() if not NOISE.search(line))
    if not (share / ".status").exists():
        return 124, text
    return int((share / ".status").read_text()), text


def inside(share: Path, code: str, *, limit: int = 60, caps: int = 1, drivers: bool = True) -> dict[str, Any]:
    """Run `code` in the kernel and return what it left in `result`; it is told of KERNEL and PARAMETERS."""
    job, answer = share / "job.py", share / "answer.json"
    head = "import json\nimport numpy as np\nfrom pathlib import Path\n"
    head += f"KERNEL, PARAMETERS = Path({str(KERNEL)!r}), {PARAMETERS!r}\n"
    tail = f"\nPath({str(answer)!r}).write_text(json.dumps(result))\n"
    job.write_text(head + code + tail)
    command = ["env", f"PYTHONPATH={ROOT}:{ROOT / 'tests'}", sys.executable, str(job)]
    status, said = boot(share, command, limit=limit, caps=caps, drivers=drivers)
    assert status == 0, f"status {status} within {limit} s: {said[-6000:]}"
    answered: dict[str, Any] = json.loads(answer.read_text())
    return answered
