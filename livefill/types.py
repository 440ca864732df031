"""The words of livefill: what flows between the stages, and the seams between them.

Images are RGB uint8 (H, W, 3), C-contiguous. Masks are 1 where something must be filled, 0 where the pixel is kept.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from livefill.pyramid import Pyramid

RGB: TypeAlias = NDArray[np.uint8]  # (H, W, 3)
Mask: TypeAlias = NDArray[np.float32]  # (H, W), 0..1
Points: TypeAlias = NDArray[np.float32]  # (468, 2), pixels of the frame, x then y
Affine: TypeAlias = NDArray[np.float32]  # (2, 3), takes (x, y, 1) to (x, y)
Tensor: TypeAlias = NDArray[Any]
Inputs: TypeAlias = Mapping[str, Any]  # tensors by name, and the bank
Outputs: TypeAlias = Mapping[str, Tensor]
State: TypeAlias = Any  # opaque: only the session that made it may look inside
Bank: TypeAlias = Any  # opaque as well: what a session remembers of a profile's references


@dataclass(frozen=True)
class Frame:
    """One picture of the stream."""

    seq: int  # counts the frames of the source; a gap means that frames were dropped
    time: float  # seconds: monotonic at capture for a camera, presentation time for a file
    image: RGB

    @cached_property
    def pyramid(self) -> Pyramid[RGB]:
        """The picture and its halves, from which all who look at this frame cut their crops."""
        from livefill.pyramid import Pyramid  # with OpenCV, which not everybody who passes frames on has to load

        return Pyramid(self.image)


@dataclass(frozen=True, slots=True)
class Track:
    """What was observed in one frame."""

    landmarks: Points  # MediaPipe's 468-point topology
    occluder: Mask  # size of the frame; 1 where the head is covered
    score: float  # 0..1, how well the landmarks explain the visible face


@dataclass(frozen=True, slots=True)
class Patch:
    """What has to be pasted into one frame."""

    image: RGB  # (h, w, 3)
    alpha: Mask  # (h, w)
    to_frame: Affine  # patch pixels to frame pixels


class Source(Protocol):
    """Gives frames. A live source gives the newest unseen frame, a file gives every frame."""

    def read(self) -> Frame:
        """Return the next frame; raise `EndOfStream` after the last, `SourceError` when it cannot go on."""
        ...

    def close(self) -> None:
        """Release the device. Safe to call twice."""
        ...


class Tracker(Protocol):
    """Finds the face and what covers it."""

    @property
    def stranger(self) -> bool:
        """Whether the last frame showed a face, but not that of whom is looked for; False where none can tell."""
        ...

    def track(self, frame: Frame) -> Track | None:
        """Return what is seen in `frame`, or None where there is no face to fill."""
        ...

    def close(self) -> None:
        """Release what the tracker holds. Safe to call twice."""
        ...


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """What a session expects and gives: read from the model, never typed twice."""

    name: str  # shown to the user
    backend: str  # the runtime that executes it
    device: str  # where it runs
    size: int  # side of the square crop in pixels
    face_share: float = 0.44  # of the crop that the face takes
    references: int = 0  # how many of a profile's references it wants to remember
    sure: bool = False  # whether its `trust` is 1 everywhere, always
    reason: str = ""  # why this backend, where nobody asked for one
    warning: str = ""  # what the user should know of it in any case, a sentence


class Session(Protocol):
    """Weights (or a rule) that turn one crop into its fill; holds nothing of any stream."""

    spec: ModelSpec

    def remember(self, references: Sequence[Inputs]) -> Bank:
        """Encode a profile's references once: each a `crop` of the uncovered face, and its `drawing`."""
        ...

    def initial_state(self) -> State:
        """Return the state before the first frame."""
        ...

    def step(self, inputs: Inputs, state: State) -> tuple[Outputs, State]:
        """Fill one crop: `crop`, `expected`, `mask`, `drawing` and the profile's `bank` give `fill` and `trust`.

        Images are float32 (size, size, 3), 0..1; masks and trust are float32 (size, size); the drawing of the landmarks
        is float32 (size, size, 2). `trust` is 1 where the expected picture's own detail may be shown.
        """
        ...


class Sink(Protocol):
    """Takes frames."""

    def write(self, frame: Frame) -> None:
        """Show or store one frame; raise `SinkError` when it cannot."""
        ...

    def close(self) -> None:
        """Finish and release. Safe to call twice."""
        ...
