"""What the code inside the kernel begins with: a run, readers, and drivers to load."""

from __future__ import annotations

__all__ = ["HEAD"]

HEAD = """
import os, re, signal, subprocess, sys, time
share = Path(os.environ["SHARE"])
environment = {**os.environ, "LIVEFILL_HOME": str(share / "home")}
RUN = [sys.executable, "-m", "livefill", "run", "--camera", "/dev/video0", "--sink", "virtualcam:/dev/video10",
       "--backend", "onnx", "--size", "640x360"]  # what comes later in a command counts

class Run:
    def __init__(self, *options):
        self.log = (share / f"log{time.monotonic()}").open("w+")
        self.process = subprocess.Popen([*RUN, *options], stderr=self.log, env=environment)

    def said(self):
        return Path(self.log.name).read_text()

    def wait_for(self, words, seconds=20):
        end = time.monotonic() + seconds
        while words not in self.said() and time.monotonic() < end:
            time.sleep(0.05)
        assert words in self.said(), (words, self.said())

    def camera_is_on(self, device="/dev/video0"):
        return any(target(fd) == device for fd in Path(f"/proc/{self.process.pid}/fd").iterdir())

    def cpu(self):
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def stop(self):
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(10)

def target(fd):
    try:
        return os.readlink(fd)
    except FileNotFoundError:  # closed since it was listed: the run goes on meanwhile
        return None

def read(count):
    done = subprocess.run(["v4l2-ctl", "-d", "/dev/video10", "--stream-mmap", f"--stream-count={count}"],
                          capture_output=True, text=True, timeout=30)
    return [float(rate) for rate in re.findall(r"([0-9.]+) fps", done.stdout + done.stderr)], done.returncode

def endless_reader():
    command = ["v4l2-ctl", "-d", "/dev/video10", "--stream-mmap", "--stream-count=0"]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

def wait_until(true, seconds):
    start = time.monotonic()
    while not true() and time.monotonic() < start + seconds:
        time.sleep(0.05)
    return time.monotonic() - start

def remove(module):
    return subprocess.run(["busybox", "rmmod", module], capture_output=True).returncode == 0

def load(module, *options):
    parameters = options or PARAMETERS[module].format(caps=1).split()
    command = ["busybox", "insmod", KERNEL / f"modules/{module}.ko", *parameters]
    return subprocess.run(command, capture_output=True).returncode == 0

def load_loopback_as_webcam(buffers=4):
    # /dev/video11, a second loopback, which somebody will feed as if it were a webcam
    assert remove("v4l2loopback")
    two = ["devices=2", "video_nr=10,11", "card_label=livefill,webcam", "exclusive_caps=1,1", f"max_buffers={buffers}"]
    assert load("v4l2loopback", *two)
"""
