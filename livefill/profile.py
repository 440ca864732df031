"""A profile: pictures of one person, of which some are the references, kept in one private file on this machine."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from functools import cached_property
from pathlib import Path
from typing import IO

import cv2
import numpy as np
from numpy.typing import NDArray

from livefill.alignment import Features
from livefill.bias import Bias
from livefill.config import home
from livefill.errors import ProfileError
from livefill.geometry import Field, apply, face_hull, grid, grow, invert, similarity
from livefill.private import write_private
from livefill.types import RGB, Affine, Mask, Points
from livefill.warp import Warp

__all__ = ["Profile", "Reference", "delete_profile", "list_profiles", "load_profile", "profile_path", "save_profile"]

FORMAT = 1
STEP = 6  # pixels between two nodes of a view's warp, at least
NODES = 40  # and as many nodes across a face are enough: the warp is smooth
# What the file calls the pictures and their landmarks; profiles of before have no expressions.
KINDS = {"references": ("image", "points"), "expressions": ("expression", "shape")}
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True)
class Reference:
    """One uncovered picture of the person, with its landmarks."""

    image: RGB
    points: Points
    depth: NDArray[np.float32]  # (468,) of the landmarks, pixels, away from the camera
    coarse: bool = False  # whether its warp is

    @cached_property
    def warp(self) -> Warp:
        """The mesh that lays this picture onto another pose."""
        return Warp.of(self.points, coarse=self.coarse)

    @cached_property
    def features(self) -> Features:
        """What the head is recognised by when its landmarks cannot be found."""
        head = np.zeros(self.image.shape[:2], np.uint8)
        hull = face_hull(self.points)
        grown = hull + 0.25 * (hull - hull.mean(0))
        cv2.fillPoly(head, [np.rint(grown).astype(np.int32)], (255,))
        return Features(self.image, head)

    def look(
        self, points: Points, to_view: Affine, size: tuple[int, int], frame_size: tuple[int, int], *, step: int
    ) -> Field:
        """Return where in this reference to look for every `step`-th pixel of a view (rows, columns, 2), for `show`.

        It is a view of a frame whose landmarks are `points`; `to_view` takes the frame to it. Its `size` and the
        frame's are (width, height) in pixels. Places are shares of the reference's sides, so that they hold for the
        same reference `shrunk` as well.
        """
        shape = (-(-size[1] // step), -(-size[0] // step))
        still = np.zeros((2, 3), np.float32)
        still[0, 0] = self.image.shape[1] / frame_size[0]
        still[1, 1] = self.image.shape[0] / frame_size[1]
        found = self.warp.lookup(points, apply(invert(to_view), grid(shape, step)), still=still)
        return np.asarray((found + np.float32(0.5)) * (1 / self._sides), np.float32)

    def show(self, look: Field, size: tuple[int, int], *, step: int = 1, interpolation: int = cv2.INTER_LINEAR) -> RGB:
        """Return this reference as a view of `size` (width, height) shows it, `look` being where to look for it.

        Between every `step`-th pixel the places are interpolated.
        """
        places = look * self._sides - np.float32(0.5)
        places = grow(np.asarray(places, np.float32), (0, 0, *size), step)
        image = cv2.remap(self._four, places, None, interpolation, borderMode=cv2.BORDER_REPLICATE)  # type: ignore[call-overload]
        return np.asarray(cv2.cvtColor(image, cv2.COLOR_RGBA2RGB), np.uint8)

    def view(self, points: Points, to_view: Affine, size: tuple[int, int], frame_size: tuple[int, int]) -> RGB:
        """Return this reference as it would look in a view of a frame whose landmarks are `points`; see `look`."""
        face = float(np.ptp(points[:, 0])) * float(np.hypot(to_view[0, 0], to_view[1, 0]))
        step = max(STEP, int(face / NODES))
        return self.show(self.look(points, to_view, size, frame_size, step=step), size, step=step)

    @cached_property
    def _four(self) -> NDArray[np.uint8]:
        """The picture with a fourth channel: OpenCV reads those in half the time (5.0; in older ones a little less)."""
        return np.asarray(cv2.cvtColor(self.image, cv2.COLOR_RGB2RGBA), np.uint8)

    @property
    def _sides(self) -> NDArray[np.float32]:
        return np.array(self.image.shape[1::-1], np.float32)

    def shrunk(self, face_width: float, *, coarse: bool = False) -> Reference:
        """Return this reference, its warp `coarse` or not, its face no more than `face_width` pixels wide."""
        factor = face_width / max(float(np.ptp(self.points[:, 0])), 1.0)
        if factor >= 1:
            return replace(self, coarse=coarse) if coarse != self.coarse else self
        height, width = self.image.shape[:2]
        size = (max(2, round(width * factor)), max(2, round(height * factor)))
        scale = np.array([size[0] / width, size[1] / height], np.float32)
        small = cv2.resize(self.image, size, interpolation=cv2.INTER_AREA)
        return Reference(np.asarray(small, np.uint8), (self.points + 0.5) * scale - 0.5, self.depth * scale[0], coarse)


@dataclass(frozen=True)
class Profile:
    """One person's bank of references; the first is the best."""

    name: str
    references: tuple[Reference, ...]
    created: str = field(default_factory=lambda: datetime.now(timezone.utc).isoformat(timespec="seconds"))
    expressions: tuple[Reference, ...] = ()  # more pictures, in which mouth and eyes are held otherwise
    shares: tuple[float, ...] = ()  # of the time that the face is held as in each picture; nothing where not known
    bias: Bias | None = None  # of the observer's landmarks, where a better witness was there

    @property
    def pictures(self) -> tuple[Reference, ...]:
        """All of them: the references, then the other expressions."""
        return self.references + self.expressions

    @property
    def usual(self) -> NDArray[np.float32]:
        """How often the face is held as in each picture (n,); they add up to 1."""
        shares = np.array(self.shares or [1.0] * len(self.pictures), np.float32)
        return np.asarray(shares / shares.sum(), np.float32)

    def prepare(self) -> None:
        """Work out the pictures' meshes, for which the first frame that is filled with one would wait."""
        for picture in self.pictures:
            _ = picture.warp

    def nearest(self, points: Points, visible: Mask | None = None, *, current: int | None = None) -> int:
        """Return the index of the reference whose pose and expression are nearest to `points`.

        `visible` (468,) weights the landmarks; `current` is kept unless another is clearly nearer, so that the fill
        does not flicker between two.
        """
        if len(self.references) == 1:
            return 0
        weights = np.ones(len(points), np.float32) if visible is None else visible + np.float32(0.02)
        gaps = []
        seen, weight = points[::2], weights[::2]
        for reference in self.references:
            moved = apply(similarity(reference.points[::2], seen, weight), reference.points[::2])
            gaps.append(float(np.sqrt((weight * ((moved - seen) ** 2).sum(1)).sum() / weight.sum())))
        best = int(np.argmin(gaps))
        if current is not None and gaps[best] > 0.6 * gaps[current]:
            return current
        return best


def profiles_folder() -> Path:
    """Where profiles live."""
    return home() / "profiles"


def profile_path(name: str) -> Path:
    """Return the file of a profile; the name may not leave the folder."""
    if not NAME.fullmatch(name):
        raise ProfileError(f"{name!r} is no name for a profile: use letters, digits, dots, dashes and underscores")
    return profiles_folder() / f"{name}.npz"


def save_profile(profile: Profile) -> Path:
    """Write a profile so that only its owner can read it, whole or not at all."""
    path = profile_path(profile.name)
    arrays: dict[str, NDArray[np.generic]] = {
        "format": np.array(FORMAT),
        "created": np.array(profile.created),
        "shares": np.array(profile.shares, np.float32),
    }
    for kind, (image, points) in KINDS.items():
        for i, one in enumerate(getattr(profile, kind)):
            packed, picture = cv2.imencode(".png", cv2.cvtColor(one.image, cv2.COLOR_RGB2BGR))
            if not packed:
                raise ProfileError(f"a picture of profile {profile.name!r} cannot be packed as PNG")
            arrays[f"{image}{i}"] = np.asarray(picture)
            arrays[f"{points}{i}"] = np.column_stack([one.points, one.depth]).astype(np.float32)
    if profile.bias is not None:
        arrays |= {"bias": profile.bias.fields, "reach": np.array(profile.bias.reach)}
    try:
        write_private(path, lambda file: np.savez(file, **arrays))
    except OSError as error:
        raise ProfileError(f"cannot write {path}: {error.strerror}") from error
    return path


def load_profile(name: str = "default") -> Profile:
    """Read a profile; raises `ProfileError` with what to do."""
    with _opened(name) as file:
        try:
            return _read(file, name)
        except ProfileError:
            raise
        except Exception as error:  # zipfile, NumPy and OpenCV raise whatever comes to their minds
            raise ProfileError(
                f"profile {name!r} cannot be read: {profile_path(name)} is damaged, or no profile. "
                f"Make it anew with: livefill calibrate --profile {name}"
            ) from error


def _opened(name: str) -> IO[bytes]:
    path = profile_path(name)
    try:
        return path.open("rb")
    except (FileNotFoundError, NotADirectoryError) as error:
        make = f"Make one with: livefill calibrate --profile {name}"
        others = list_profiles()
        there = f" (or name one that there is with --profile: {', '.join(others)})" if others else ""
        raise ProfileError(f"there is no profile {name!r}. {make}{there}") from error
    except PermissionError as error:
        mend = f"Its owner mends that with: chmod u+r {shlex.quote(str(path))}"
        raise ProfileError(f"profile {name!r} cannot be read: you have no permission. {mend}") from error
    except OSError as error:
        raise ProfileError(f"profile {name!r} cannot be read: {path}: {error.strerror}") from error


def _read(raw: IO[bytes], name: str) -> Profile:
    again = f"Make it anew with: livefill calibrate --profile {name}"
    with np.load(raw, allow_pickle=False) as file:
        version = int(file["format"])
        if version != FORMAT:
            raise ProfileError(f"profile {name!r} has format {version}, this livefill reads {FORMAT}. {again}")
        pictures = {}
        for kind, (image, points) in KINDS.items():
            count = sum(key.startswith(image) for key in file.files)
            pictures[kind] = tuple(_unpack(file[f"{image}{i}"], file[f"{points}{i}"]) for i in range(count))
        if not pictures["references"]:
            raise ProfileError(f"profile {name!r} holds no reference. {again}")
        shares = np.asarray(file["shares"] if "shares" in file.files else [], np.float32)
        if len(shares) and not (shares.shape == (sum(map(len, pictures.values())),) and _are_shares(shares)):
            raise ValueError("what it says of its pictures does not fit them")
        bias = Bias.read(file["bias"], float(file["reach"])) if "bias" in file.files else None
        return Profile(name, created=str(file["created"]), shares=tuple(shares.tolist()), bias=bias, **pictures)


def _are_shares(numbers: NDArray[np.float32]) -> bool:
    return bool(np.isfinite(numbers).all() and (numbers >= 0).all() and numbers.sum() > 0)


def _unpack(packed: NDArray[np.uint8], points: NDArray[np.float32]) -> Reference:
    image = cv2.imdecode(packed, cv2.IMREAD_COLOR)
    if image is None or points.shape != (468, 3) or not np.isfinite(points).all() or np.ptp(points[:, 0]) < 1:
        raise ValueError("a picture in it is damaged")
    return Reference(
        np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), np.uint8), points[:, :2].copy(), points[:, 2].copy()
    )


def list_profiles() -> list[str]:
    """Return the names of all profiles; a file of the folder that has no name for one is none."""
    return sorted(path.stem for path in profiles_folder().glob("*.npz") if NAME.fullmatch(path.stem))


def delete_profile(name: str) -> None:
    """Remove a profile for good."""
    path = profile_path(name)
    if not path.exists():
        raise ProfileError(f"there is no profile {name!r}. `livefill profiles` lists them")
    path.unlink()
