"""What the page is told about the run, a few times a second."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import msgspec

from livefill.live import Live
from livefill.profile import list_profiles

__all__ = ["encode_error", "encode_status"]

TONES = {
    "filling": "good",
    "nothing to fill": "good",
    "off": "idle",
    "paused": "idle",
    "calibrating": "busy",
    "starting": "busy",
}


def encode_status(live: Live, *, watchers: list[str], config: Path | None) -> str:
    """Return the state of a run as JSON."""
    now, shown = live.stats.summary(), live.shown
    height, width = shown.after.image.shape[:2] if shown is not None else (0, 0)
    settings: dict[str, Any] = asdict(live.settings)
    settings["mask"] = None if live.settings.mask is None else str(live.settings.mask)
    return _text(
        {
            "kind": "status",
            "state": live.state,
            "tone": next((tone for start, tone in TONES.items() if live.state.startswith(start)), "warn"),
            "paused": live.paused,
            "calibrating": live.calibrating,
            "pending": None if live.pending is None else len(live.pending.pictures),
            "recording": None if live.recording is None else str(live.recording),
            "fps": round(now.fps, 1),
            "age_p50": round(now.age_p50, 1),
            "age_p95": round(now.age_p95, 1),
            "dropped": now.dropped,
            "duplicated": now.duplicated,
            # Capture is left out: with a camera it is the wait for the next frame, not work.
            "stages": {name: round(ms, 2) for name, ms in now.stages.items() if name != "capture"},
            "device": live.device,
            "sink": live.sink_label,
            "watched": None if live.sink is None else live.sink.watched,
            "watchers": watchers,
            "profiles": list_profiles(),
            "settings": settings,
            "config": None if config is None else str(config),
            "says": list(live.said),
            "frame": [width, height],
        }
    )


def encode_error(text: str) -> str:
    """Return as JSON why something was refused."""
    return _text({"kind": "error", "text": text})


def _text(thing: object) -> str:
    try:
        return msgspec.json.encode(thing).decode()
    except UnicodeEncodeError:  # a path that is not UTF-8 is in it
        return json.dumps(thing)
