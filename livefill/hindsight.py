"""Observe a recording in both directions of time: what comes after a frame says as much about it as what came before.

Every frame is observed twice, once after the frames before it and once after those that follow, played backwards. Where
an occluder draws the landmarks with it, it draws them another way each time, so the mean of both is nearer to the
truth; and a mean over the frames around, as many before as after, steadies without lag. A camera cannot wait for that,
a file can. Only a window of it is held in memory, so it may be of any length.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import cv2
import numpy as np
from numpy.typing import NDArray

from livefill.capture import BaseSource
from livefill.errors import ConfigError, EndOfStream
from livefill.geometry import Box
from livefill.types import Frame, Mask, Points, Track, Tracker

__all__ = ["Branching", "Hindsight"]

CHUNK, BEYOND = 30, 15  # frames that are settled at a time, and that are looked at beyond them, to come back from
SPREAD = 0.083  # seconds: standard deviation of the weights of the frames around
REACH = 3.0  # of these deviations that count at all
FOLLOW = 0.02  # face widths by which a landmark must be off that mean to count as one that moves
APART = 0.15  # face widths between what both directions say, from which on they mean different faces
JUMP = 0.5  # face widths that a face moves from one frame to the next where the picture was cut


@runtime_checkable
class Branching(Tracker, Protocol):
    """A tracker that can follow two ways from the same past."""

    def branch(self) -> Tracker:
        """Return another tracker that remembers what this one does; from here on neither knows of the other."""
        ...


@dataclass(frozen=True, slots=True)
class _Seen:
    """A `Track` that takes little memory."""

    landmarks: Points
    mask: NDArray[np.uint8]  # 0..255, of the box
    box: Box
    score: float

    @classmethod
    def of(cls, track: Track) -> _Seen:
        mask = np.rint(track.occluder * np.float32(255)).astype(np.uint8)
        x, y, width, height = cv2.boundingRect(mask)
        box = (x, y, x + width, y + height)
        return cls(track.landmarks, mask[y : y + height, x : x + width].copy(), box, track.score)

    def occluder(self, shape: tuple[int, ...]) -> Mask:
        """Return the mask of the whole frame."""
        left, top, right, bottom = self.box
        out = np.zeros(shape[:2], np.float32)
        out[top:bottom, left:right] = self.mask / np.float32(255)
        return out

    @property
    def width(self) -> float:
        """Of the face, in pixels."""
        return max(1.0, float(np.ptp(self.landmarks[:, 0])))


@dataclass(frozen=True, slots=True)
class _Look:
    """What one direction says of one frame."""

    seen: _Seen | None
    stranger: bool


class Hindsight(BaseSource):
    """Source and tracker in one: reads ahead in a recording, and knows of each frame what both directions say.

    Frames must be asked for in the order in which they were read.
    """

    def __init__(self, inner: BaseSource) -> None:
        """Read from `inner`, and close it in the end; a tracker must be told to `of` before anything is read."""
        self._inner = inner
        self.size, self.rate, self.frames = inner.size, inner.rate, inner.frames
        self._tracker: Branching | None = None
        self._ended = False
        self._pending: list[tuple[Frame, _Look]] = []  # read, observed forwards, not settled
        self._before: list[tuple[float, _Seen | None]] = []  # the last that were settled, before they were steadied
        self._ready: deque[tuple[Frame, _Look]] = deque()  # settled
        self._given: deque[tuple[int, _Look]] = deque()  # handed out as a frame, not yet as a track
        self._stranger = False

    def of(self, tracker: Tracker) -> Hindsight:
        """Observe with `tracker`, and return this; raise `ConfigError` where it cannot go back in time."""
        if not isinstance(tracker, Branching):
            tracker.close()
            raise ConfigError("only livefill's own tracker looks ahead: leave out --offline, or --tracker")
        self._tracker = tracker
        return self

    def read(self) -> Frame:
        """Return the next frame, and know what is in it; raise as the source does."""
        if not self._ready:
            self._advance()
        frame, look = self._ready.popleft()
        self._given.append((frame.seq, look))
        return frame

    @property
    def stranger(self) -> bool:
        """Whether a face was in the last frame that was asked for, but not the profile's person's."""
        return self._stranger

    def track(self, frame: Frame) -> Track | None:
        """Return what is seen in a frame that was read here."""
        while self._given:
            seq, look = self._given.popleft()
            if seq == frame.seq:
                self._stranger, seen = look.stranger, look.seen
                if seen is None:
                    return None
                return Track(seen.landmarks, seen.occluder(frame.image.shape), seen.score)
        raise ValueError(f"frame {frame.seq} was not read here, or a later one was asked for already")

    def close(self) -> None:
        """Close source and tracker."""
        self._inner.close()
        if self._tracker is not None:
            self._tracker.close()

    def _advance(self) -> None:
        """Read on, look back from there, and settle the frames for which that is enough."""
        assert self._tracker is not None, "no tracker was told"
        while not self._ended and len(self._pending) < CHUNK + BEYOND:
            try:
                frame = self._inner.read()
            except EndOfStream:
                self._ended = True
            else:
                self._pending.append((frame, _look(self._tracker, frame)))
        if not self._pending:
            raise EndOfStream
        frames = [frame for frame, _ in self._pending]
        ways = zip((look for _, look in self._pending), _backwards(self._tracker.branch(), frames), strict=True)
        both = [_agreed(forwards, backwards) for forwards, backwards in ways]
        count = len(frames) if self._ended else CHUNK
        around = [*self._before, *((frame.time, look.seen) for frame, look in zip(frames, both, strict=True))]
        first = len(self._before)
        for index in range(count):
            look = _Look(_steadied(around, first + index), both[index].stranger)
            self._ready.append((frames[index], look))
        self._before = [one for one in around[: first + count] if one[0] > frames[count - 1].time - REACH * SPREAD]
        del self._pending[:count]


def _look(tracker: Tracker, frame: Frame) -> _Look:
    track = tracker.track(frame)
    return _Look(None if track is None else _Seen.of(track), tracker.stranger)


def _backwards(tracker: Tracker, frames: Sequence[Frame]) -> list[_Look]:
    """Observe frames from the last to the first; to the tracker time goes on, and all moves back as it came."""
    last = frames[-1].time
    step = last - frames[-2].time if len(frames) > 1 else 1 / 30
    looks = [_look(tracker, Frame(frame.seq, 2 * last + step - frame.time, frame.image)) for frame in reversed(frames)]
    return looks[::-1]


def _agreed(forwards: _Look, backwards: _Look) -> _Look:
    one, other = forwards.seen, backwards.seen
    if one is None or other is None:
        found = one or other
        return _Look(found, found is None and (forwards.stranger or backwards.stranger))
    if _apart(one, other) > APART:
        return forwards if one.score >= other.score else backwards
    return _Look(_mean(one, other), False)


def _apart(one: _Seen, other: _Seen) -> float:
    """Return how far two faces are from each other, in face widths."""
    return float(np.linalg.norm(one.landmarks - other.landmarks, axis=1).mean()) / one.width


def _mean(one: _Seen, other: _Seen) -> _Seen:
    boxes = [seen.box for seen in (one, other) if seen.mask.size]
    if boxes:
        lows, highs = np.min(boxes, 0), np.max(boxes, 0)
        left, top, right, bottom = int(lows[0]), int(lows[1]), int(highs[2]), int(highs[3])
    else:
        left, top, right, bottom = one.box
    total = np.zeros((bottom - top, right - left), np.uint16)
    for seen in (one, other):
        x, y, end, foot = seen.box
        total[y - top : foot - top, x - left : end - left] += seen.mask
    landmarks = np.asarray((one.landmarks + other.landmarks) / 2, np.float32)
    mask = ((total + 1) // 2).astype(np.uint8)
    return _Seen(landmarks, mask, (left, top, right, bottom), (one.score + other.score) / 2)


def _steadied(around: Sequence[tuple[float, _Seen | None]], index: int) -> _Seen | None:
    """Return what is seen in a frame with its landmarks steadied by the frames around, as many before as after."""
    now, seen = around[index]
    if seen is None:
        return None
    mean, total = seen.landmarks.astype(np.float64), 1.0
    previous = [seen, seen]
    for distance in range(1, min(index, len(around) - 1 - index) + 1):
        pair = [around[index - distance], around[index + distance]]
        ages = [abs(time - now) for time, _ in pair]
        if max(ages) > REACH * SPREAD:
            break
        found = [one for _, one in pair if one is not None]
        if len(found) < 2 or any(_jumped(one, last) for one, last in zip(found, previous, strict=True)):
            break
        weight = float(np.exp(-0.5 * (sum(ages) / 2 / SPREAD) ** 2))
        mean += weight * (found[0].landmarks + found[1].landmarks)
        total, previous = total + 2 * weight, found
    mean /= total
    off = seen.landmarks - mean
    far = (np.linalg.norm(off, axis=1, keepdims=True) / (FOLLOW * seen.width)) ** 2
    landmarks = np.asarray(mean + off * far / (1 + far), np.float32)
    return _Seen(landmarks, seen.mask, seen.box, seen.score)


def _jumped(one: _Seen, last: _Seen) -> bool:
    return float(np.linalg.norm(one.landmarks.mean(0) - last.landmarks.mean(0))) > JUMP * last.width
