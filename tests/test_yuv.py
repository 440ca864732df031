"""Pictures and their planes: right colours in every space, and there and back nothing changes."""

from __future__ import annotations

import av
import cv2
import numpy as np
import pytest
from av.video.reformatter import ColorRange, Colorspace
from hypothesis import given, settings
from hypothesis import strategies as st

from livefill.yuv import BT601, BT709, SHARES, from_rgb, to_rgb

SEEDS = st.integers(0, 2**32 - 1)


def picture(seed: int, height: int = 48, width: int = 64) -> np.ndarray:
    """Return a picture of colours that change slowly, and of brightness that does not."""
    random = np.random.default_rng(seed)
    few = random.integers(0, 256, (height // 16, width // 16, 3), np.uint8)
    smooth = cv2.resize(few, (width, height), interpolation=cv2.INTER_CUBIC).astype(int)
    return np.clip(smooth + random.integers(-20, 21, (height, width, 1)), 0, 255).astype(np.uint8)


@settings(max_examples=30, deadline=None)
@given(SEEDS, st.sampled_from(sorted(SHARES)))
def test_there_and_back_hardly_anything_changes(seed: int, space: int) -> None:
    planar = from_rgb(picture(seed), space)
    again = from_rgb(to_rgb(planar, space), space)
    away = np.abs(again.astype(int) - planar)
    # What is darker than black or of more colour than there is in RGB cannot come back.
    assert away.mean() < 0.5
    assert np.percentile(away, 98) <= 2


@settings(max_examples=30, deadline=None)
@given(SEEDS, st.sampled_from(sorted(SHARES)))
def test_colours_come_back_but_for_a_rounding(seed: int, space: int) -> None:
    block = np.full((8, 8, 3), np.random.default_rng(seed).integers(0, 256, 3), np.uint8)
    assert np.abs(to_rgb(from_rgb(block, space), space).astype(int) - block).max() <= 2


@pytest.mark.parametrize("space", [BT601, BT709])
def test_primary_colours_are_those_of_the_standard(space: int) -> None:
    red, blue = SHARES[space]
    image = np.zeros((2, 8, 3), np.uint8)
    image[:, 2:4, 0] = image[:, 4:6, 2] = image[:, 6:8] = 255  # black, red, blue, white
    luma, u, v = from_rgb(image, space, halved=False)
    assert luma[0, ::2].tolist() == [16, round(16 + 219 * red), round(16 + 219 * blue), 235]
    assert (u[0, 4], v[0, 2]) == (240, 240)  # all that there can be of blue, and of red
    assert u[0, [0, 6]].tolist() == v[0, [0, 6]].tolist() == [128, 128]


@pytest.mark.parametrize("full", [False, True], ids=["limited", "full"])
@pytest.mark.parametrize("space", [BT601, BT709])
def test_it_is_what_ffmpeg_reads(space: int, full: bool) -> None:
    smooth = np.linspace(20, 230, 64)[None, :, None] + np.linspace(-20, 20, 48)[:, None, None] * [1, -1, 0.5]
    frame = av.VideoFrame.from_ndarray(smooth.clip(0, 255).astype(np.uint8), "rgb24").reformat(
        format="yuv420p",
        dst_colorspace=Colorspace.ITU709 if space == BT709 else Colorspace.ITU601,
        dst_color_range=ColorRange.JPEG if full else ColorRange.MPEG,
    )
    assert np.abs(to_rgb(frame.to_ndarray(), space, full=full) - smooth.clip(0, 255)).mean() < 2


def test_a_colour_is_the_mean_of_its_four_pixels() -> None:
    image = np.zeros((2, 2, 3), np.uint8)
    image[0, 0] = 255, 0, 0
    whole, halved = from_rgb(image, halved=False), from_rgb(image)
    assert halved[:2].tolist() == whole[0].tolist()
    assert np.allclose(halved[2], whole[1:].mean((1, 2)), atol=1)
