"""What was mistyped in settings: found before anything is opened, so that it is said before what a machine lacks."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from livefill.app import check_mask, check_other, is_picture
from livefill.backends import check_session
from livefill.capture import check_source
from livefill.config import Settings
from livefill.errors import ConfigError
from livefill.profile import load_profile, profile_path
from livefill.sinks import check_sink

__all__ = ["check_settings"]


def check_settings(settings: Settings, keys: Collection[str] | None = None) -> None:
    """Raise a `LivefillError` that says what cannot be meant by all settings, or by those of some `keys`."""
    for read, check in CHECKS:
        if keys is None or not read.isdisjoint(keys):
            check(settings)


def _sink(settings: Settings) -> None:
    check_sink(settings.sink)


def _camera(settings: Settings) -> None:
    check_source(settings.camera)


def _own_input(settings: Settings) -> None:
    kind, _, target = settings.sink.partition(":")
    if kind == "file" and target:
        check_other(Path(target).expanduser(), Path(settings.camera).expanduser())


def _profile(settings: Settings) -> None:
    if settings.profile is not None and not profile_path(settings.profile).exists():
        load_profile(settings.profile)  # says what to do


def _mask(settings: Settings) -> None:
    if settings.mask is None:
        return
    if not is_picture(settings.mask):
        raise ConfigError(f"the mask {settings.mask} must be a picture; a video of masks is for `livefill file`")
    check_mask(settings.mask)


def _session(settings: Settings) -> None:
    check_session(settings.backend, settings.model)


CHECKS = (  # and which settings each of them reads
    ({"sink"}, _sink),
    ({"camera"}, _camera),
    ({"camera", "sink"}, _own_input),
    ({"profile"}, _profile),
    ({"mask"}, _mask),
    ({"backend", "model"}, _session),
)
