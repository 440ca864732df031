from __future__ import annotations

import threading

import pytest

from livefill.stats import KEPT, Stats


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_two_ticks_one_second_apart_are_one_frame_per_second(clock: Clock) -> None:
    stats = Stats(clock=clock)
    stats.tick()
    assert stats.summary().fps == 0
    clock.now += 1
    stats.tick()
    assert stats.summary().fps == pytest.approx(1)


def test_a_steady_stream_has_its_rate_and_a_stalled_one_sinks_to_nothing(clock: Clock) -> None:
    stats = Stats(window=5, clock=clock)
    for _ in range(300):
        clock.now += 1 / 30
        stats.tick()
    assert stats.summary().fps == pytest.approx(30)
    clock.now += 1
    assert 20 < stats.summary().fps < 30
    clock.now += 5
    assert stats.summary().fps == 0


def test_ages_are_milliseconds_from_capture_to_sink(clock: Clock) -> None:
    stats = Stats(clock=clock)
    for age in range(1, 101):
        stats.tick(clock.now - age / 1000)
    summary = stats.summary()
    assert summary.age_p50 == pytest.approx(50.5)
    assert summary.age_p95 == pytest.approx(95, abs=0.5)
    assert summary.age_p99 == pytest.approx(99, abs=0.5)


def test_frames_without_a_capture_time_have_no_age(clock: Clock) -> None:
    stats = Stats(clock=clock)
    stats.tick()
    assert stats.summary().age_p99 == 0


def test_stages_are_timed_even_when_they_fail() -> None:
    stats = Stats()
    with stats.stage("observe"):
        pass
    with pytest.raises(ValueError, match="broken"), stats.stage("fill"):
        raise ValueError("broken")
    stages = stats.summary().stages
    assert list(stages) == ["observe", "fill"]
    assert all(0 <= mean < 1000 for mean in stages.values())


def test_totals_are_reported_as_their_owners_set_them() -> None:
    stats = Stats()
    stats.dropped, stats.duplicated = 3, 4
    assert (stats.summary().dropped, stats.summary().duplicated) == (3, 4)


def test_memory_is_bounded_and_threads_may_share(clock: Clock) -> None:
    stats = Stats(clock=clock)

    def work() -> None:
        for _ in range(KEPT):
            with stats.stage("observe"):
                stats.tick(clock.now - 1)
            stats.summary()

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(stats._ticks) == len(stats._ages) == len(stats._stages["observe"]) == KEPT
