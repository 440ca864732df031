"""The files that the demo is made of."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np

import livefill
from training.demo_clip import _encode

ASSETS = Path(livefill.__file__).parent / "assets"


def test_encoded_frames_keep_their_colours_and_order(tmp_path: Path) -> None:
    colours = [(200, 60, 40), (40, 180, 60), (50, 60, 190)]
    _encode(tmp_path / "a.mp4", (np.full((720, 960, 3), colour, np.uint8) for colour in colours), crf=20)
    with av.open(str(tmp_path / "a.mp4")) as clip:
        decoded = [frame.to_ndarray(format="rgb24").mean((0, 1)) for frame in clip.decode(video=0)]
    np.testing.assert_allclose(decoded, colours, atol=6)


def test_bundled_clips_are_small_and_of_one_size() -> None:
    for name, frames in (("demo_calibrate.mp4", 36), ("demo.mp4", 120)):
        assert (ASSETS / name).stat().st_size < 1_200_000
        with av.open(str(ASSETS / name)) as clip:
            video = clip.streams.video[0]
            assert (video.width, video.height, video.average_rate, video.frames) == (960, 720, 30, frames)
            assert not clip.streams.audio
