"""Make OpenCV work on a machine without a desktop.

MediaPipe pulls opencv-contrib-python, which is linked with libGL and GLib; a server or a container has neither. There
the build of the same version without windows takes its place.
"""

from __future__ import annotations

import importlib.metadata
import subprocess
import sys

WINDOWED, HEADLESS = "opencv-contrib-python", "opencv-contrib-python-headless"


def main() -> None:
    """Leave exactly one OpenCV that can be imported."""
    failure = subprocess.run([sys.executable, "-c", "import cv2"], capture_output=True, text=True, check=False)
    if failure.returncode == 0:
        return
    reason = failure.stderr.strip().splitlines()[-1]
    version = importlib.metadata.version(WINDOWED)
    sys.stdout.write(f"OpenCV cannot be loaded ({reason}): installing the build without windows instead.\n")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    # Both write into one folder: what is left of either must go before the other can be whole.
    subprocess.run([*pip, "uninstall", "--yes", WINDOWED, HEADLESS], check=True)
    subprocess.run([*pip, "install", "--no-deps", f"{HEADLESS}=={version}"], check=True)
    subprocess.run([sys.executable, "-c", "import cv2"], check=True)


if __name__ == "__main__":
    main()
