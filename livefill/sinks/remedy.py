"""How to get a virtual camera, by `platform.system()`: said by the sink that finds none and by `doctor`."""

from __future__ import annotations

LOAD = "sudo modprobe v4l2loopback exclusive_caps=1 card_label=livefill video_nr=10 max_buffers=4"
GET_ONE = {
    "Linux": (
        "Get one for good with `livefill setup-camera --apply`, or until the next start of the machine with "
        f"`sudo apt install v4l2loopback-dkms linux-headers-$(uname -r) && {LOAD}`."
    ),
    "Windows": "Install OBS Studio (https://obsproject.com), start it once, and close it again.",
    "Darwin": (
        "Install OBS 30 or newer (https://obsproject.com), press Start Virtual Camera once and allow its extension in "
        "System Settings > General > Login Items & Extensions, press Stop, and close OBS. Restart if it stays missing."
    ),
}
NO_ONE = "This system has none that livefill knows; write to `file:OUT.mp4` or `window` instead."
WITHOUT = "Without one, `--sink window` shows what livefill does; so do `none` with the panel, and `file:NAME.mp4`."
VIDEO_GROUP = "Run `sudo usermod -aG video $USER`, then log out and in again."
PIPEWIRE = (
    "Get them with `sudo apt install pipewire-bin gstreamer1.0-tools gstreamer1.0-plugins-base gstreamer1.0-pipewire` "
    "(Fedora: `sudo dnf install pipewire-utils gstreamer1 pipewire-gstreamer gstreamer1-plugins-base`; Arch: `sudo "
    "pacman -S pipewire gst-plugin-pipewire gst-plugins-base gstreamer`)."
)
