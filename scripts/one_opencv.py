"""Make OpenCV work on a machine without a desktop.

opencv-python, and the opencv-contrib-python that MediaPipe pulls, are linked with libGL and GLib; a server or a
container has neither. There the build of the same version without windows takes their place.
"""

from __future__ import annotations

import importlib.metadata
import subprocess
import sys

WINDOWED, HEADLESS = "opencv-python", "opencv-python-headless"
ALL = (WINDOWED, HEADLESS, "opencv-contrib-python", "opencv-contrib-python-headless")


def main() -> None:
    """Leave an OpenCV that can be imported: what is there, where it can be, or else exactly one, without windows.

    Two of one version get along, which is what MediaPipe makes of it; nothing is looked up where nothing is amiss.
    """
    failure = subprocess.run([sys.executable, "-c", "import cv2"], capture_output=True, text=True, check=False)
    if failure.returncode == 0:
        return
    reason = failure.stderr.strip().splitlines()[-1]
    version = importlib.metadata.version(WINDOWED)
    sys.stdout.write(f"OpenCV cannot be loaded ({reason}): installing the build without windows instead.\n")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    # All write into one folder: what is left of any must go before another can be whole.
    subprocess.run([*pip, "uninstall", "--yes", *ALL], check=True)
    subprocess.run([*pip, "install", "--no-deps", f"{HEADLESS}=={version}"], check=True)
    subprocess.run([sys.executable, "-c", "import cv2"], check=True)


if __name__ == "__main__":
    main()
