"""What the stream costs: time per stage, age of the frames, frame rate, drops. Cheap, bounded, safe between threads."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

__all__ = ["Stats", "Summary"]

KEPT = 600  # samples per series: twenty seconds at 30 fps


@dataclass(frozen=True, slots=True)
class Summary:
    """The last seconds of a stream in numbers."""

    fps: float  # frames that reached the sink, per second
    age_p50: float  # milliseconds from capture to sink; 0 while unknown
    age_p95: float
    age_p99: float
    stages: Mapping[str, float]  # mean milliseconds per stage, in the order of first use
    dropped: int  # frames that were captured but never shown
    duplicated: int  # frames that were shown again because no new one was there


class Stats:
    """Collects while the stream runs; `summary()` may be called from any thread.

    `dropped` and `duplicated` are totals that their owners (mailboxes, paced sink) count: assign them.
    """

    def __init__(self, *, window: float = 5.0, clock: Callable[[], float] = time.monotonic) -> None:
        self.dropped = 0
        self.duplicated = 0
        self._window = window  # seconds that fps looks back
        self._clock = clock
        self._lock = threading.Lock()
        self._stages: dict[str, deque[float]] = {}
        self._ages: deque[float] = deque(maxlen=KEPT)
        self._ticks: deque[float] = deque(maxlen=KEPT)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time one stage of one frame."""
        start = time.perf_counter()
        try:
            yield
        finally:
            taken = time.perf_counter() - start
            with self._lock:
                self._stages.setdefault(name, deque(maxlen=KEPT)).append(taken)

    def tick(self, captured: float | None = None) -> None:
        """Count a frame that reached the sink; `captured` is the clock's reading when it was taken, if it is live."""
        now = self._clock()
        with self._lock:
            self._ticks.append(now)
            if captured is not None:
                self._ages.append(now - captured)

    def summary(self) -> Summary:
        """Return the numbers of now."""
        with self._lock:
            ages = np.array(self._ages) * 1000
            stages = {name: 1000 * sum(times) / len(times) for name, times in self._stages.items()}
            fps = self._fps(self._clock())
        p50, p95, p99 = np.percentile(ages, (50, 95, 99)).tolist() if len(ages) else (0.0, 0.0, 0.0)
        return Summary(fps, p50, p95, p99, stages, self.dropped, self.duplicated)

    def _fps(self, now: float) -> float:
        # Intervals, not frames: two ticks one second apart are 1 fps. The silence since the last tick counts as an
        # interval as soon as it is longer than the others, so a stalled stream sinks towards 0.
        recent = [tick for tick in self._ticks if tick >= now - self._window]
        if len(recent) < 2:
            return 0.0
        span, intervals = recent[-1] - recent[0], len(recent) - 1
        silence = now - recent[-1]
        if silence * intervals > span:
            span += silence
        return intervals / span if span > 0 else 0.0
