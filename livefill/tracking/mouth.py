"""What a mouth does that is hidden in part, by what is seen of it and around it.

A corner of the lips, a cheek and the chin tell much of how the rest is held, and the profile's pictures say how this
person holds them together: those that look like what is seen say where what is hidden lies. It is a search for the
nearest examples in texture, as landmarks beside an occluder are a poor witness: it draws them with it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from livefill.geometry import apply, crop_transform, inner, pose_shape
from livefill.profile import Profile, Reference
from livefill.pyramid import cut
from livefill.registration import FACE_SHARE, FINE, MOBILE, SIDE, Head, Seen, below_nose, steepness, texture_of

__all__ = ["Mouths"]

Floats = NDArray[np.float32]
LOOSE = 0.05  # how unlikely it is that a head is turned from one picture to another
RISE = 4.0  # pixels of the head's grid over which the part that moves by itself begins, below the nose
RIM = 5  # pixels beside what covers the face that may still show it
MOST = 4.0  # that one pixel may say against a picture: it may show something else
DOUBT = 8.0  # of such squares by which two pictures must differ for one to be e times as likely
FADE = 0.5  # of what frames before said that is kept


@dataclass(frozen=True, slots=True)
class Mouths:
    """How mouth and jaw of one reference are held in the other pictures of the same person."""

    textures: Floats  # (n, k): what the k pixels of the head's grid below the nose show
    below: NDArray[np.bool_]  # (SIDE, SIDE), which pixels those are
    moves: Floats  # (n, 468, 2): by what landmarks differ from the rigid face's, in half sides of the grid
    usual: Floats  # (n,) how often the face is held so

    @classmethod
    def of(cls, head: Head, profile: Profile, index: int) -> Mouths:
        """Compare the profile's reference of this index, made ready as `head`, with all other pictures."""
        reference = profile.references[index]
        landmarks = head.landmarks[:, :2] * np.float32(SIDE / 2)
        places = head.solid[:, :2] * np.float32(SIDE / 2)
        below = (below_nose(places, landmarks).reshape(SIDE, SIDE) > 0) & (head.weight > 0)
        part = np.clip(below_nose(landmarks, landmarks) / RISE + 0.5, 0, 1).astype(np.float32)
        still = np.asarray(inner(reference.points) * (1 - part) + 1e-4, np.float32)
        held = [_held(head, reference, picture, still) for picture in profile.pictures]
        moves = np.stack([moved * part[:, None] for _, moved in held])
        moves[index] = 0  # it is held as it is
        return cls(np.stack([texture[below] for texture, _ in held]), below, moves, profile.usual)

    def weigh(self, seen: Seen | None, before: Floats | None) -> Floats:
        """Return what speaks against each picture (n,), in squares; `before` is what this said of the frame before.

        Where too little is `seen` of the head to say anything, what was said fades.
        """
        said = np.zeros(len(self.usual), np.float32)
        if seen is not None:
            bare = cv2.erode(seen.bare, np.ones((RIM, RIM), np.uint8))[self.below]
            said = np.minimum(np.square(self.textures - seen.texture[self.below]), MOST) @ bare
        return said if before is None else np.asarray(said + FADE * (before - said), np.float32)

    def move(self, said: Floats) -> Floats:
        """Return by what landmarks (468, 2) are expected to differ from the rigid face's, in half sides of the grid.

        Where nothing is seen of it, the face is held as it mostly is.
        """
        return np.asarray(np.tensordot(self._odds(said), self.moves, 1), np.float32)

    def on(self, head: Head, said: Floats) -> Head:
        """Return the head with its mouth as that is thought to be held: what is seen of it then tells of the pose."""
        texture, weight = head.texture.copy(), head.weight.copy()
        texture[self.below] = self._odds(said) @ self.textures
        weight[self.below] = np.minimum(weight[self.below] / MOBILE, 1)
        return replace(head, texture=texture, slopes=steepness(texture), weight=weight)

    def _odds(self, said: Floats) -> Floats:
        odds = self.usual * np.exp((said.min() - said) / DOUBT)
        return np.asarray(odds / odds.sum(), np.float32)


def _held(head: Head, reference: Reference, picture: Reference, still: Floats) -> tuple[Floats, Floats]:
    """Return a picture's texture on the head's grid, and its landmarks' difference from the rigid face."""
    side = round(FINE * SIDE)  # as soft as the crops with which it is compared
    to_crop = crop_transform(picture.points, side, face_share=FACE_SHARE)
    in_crop = apply(to_crop, picture.points)
    laid = pose_shape(reference.points, reference.depth, in_crop, still, stiffness=LOOSE)
    camera = head.inverse @ laid
    places = np.asarray(head.solid @ camera, np.float32).reshape(SIDE, SIDE, 2)
    texture = texture_of(cut(picture.image, to_crop, side), places, np.ones((SIDE, SIDE), np.float32))
    return texture, np.asarray((in_crop - laid) @ np.linalg.inv(camera[:2]), np.float32)
