"""The network's mask, made exact: its edge to the edge in the picture, and nothing where all is as expected."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from livefill.evidence import LEAN, Colours
from livefill.types import RGB, Mask
from livefill.zones import Zones, disc

__all__ = ["hinted", "reconcile", "sharpen"]

Total = Callable[[NDArray[Any]], NDArray[Any]]

RADIUS = 2  # pixels of the mask around which it and the picture are compared
EDGE = 60.0  # squared levels below which a change of brightness is no edge
STEEP = 4.0  # how much steeper the mask's edge becomes
AS_EXPECTED, STRANGE = 8.0, 18.0  # levels of surprise: up to here it is as expected, from here on it is not
MOSTLY = 0.3  # share of a piece, where it is over the face, that the network has to believe in
SURE = 0.6  # and of a whole piece that only begins to come over the face
CERTAIN = 0.85  # the network's belief, on average, in a piece before a turned face
SPECK = 0.004  # share of the face: smaller pieces are nothing
EDGE_OF_FACE, TURNED, NEAR = 0.06, 6.0, 0.05  # eye distances; how that grows with the turn, from where on
AWAY = 0.06  # eye distances of turn from which on evidence does not lean any more, and every piece must be certain
REACH = 13  # pixels of a square around what the network believes in which a thing goes on
RIM = 7  # pixels of a square around what is covered in which its rim lies
UNLIKE, OTHER = 4.0, 8.0  # levels of surprise there, from which on it is in doubt, and without doubt not as expected
HELD = 0.015  # eye distances of turn up to which a neck lies where the reference has it; at twice that it does not
HINT = 0.1  # what the network has to say for anything to be looked at
UNUSUAL, ALIEN = 14.0, 26.0  # levels of surprise that bound a thing that comes in, and that it has over the face
LITTLE = 0.06  # share of the face that it has reached: of more, the network would say more than a hint
HALF = 0.5  # of it there, that is covered by the evidence; or that the network believes in, where it needs no such help
FEW = 5  # pixels of it beside the face, and so many beyond doubt over it
BORDER = 0.08  # eye distances around the face in which the network is believed


def sharpen(mask: Mask, picture: RGB) -> Mask:
    """Return the mask (m, m), 0..1, at the size of the picture (n, n, 3), its edge where that has one, and steeper.

    A guided filter (He et al. 2013) on the picture's luma, its coefficients found at the mask's size (He, Sun 2015).
    """
    if not mask.any():
        return np.zeros(picture.shape[:2], np.float32)
    side = (2 * RADIUS + 1, 2 * RADIUS + 1)
    fine = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    luma = cv2.resize(fine, mask.shape[::-1], interpolation=cv2.INTER_AREA).astype(np.float32)
    mean, average = cv2.blur(luma, side), cv2.blur(mask, side)
    spread = cv2.blur(luma * luma, side) - mean * mean + EDGE
    slope = (cv2.blur(luma * mask, side) - mean * average) / spread
    both = cv2.merge([cv2.blur(slope, side), cv2.blur(average - slope * mean, side)])
    slope, offset = cv2.split(cv2.resize(both, picture.shape[1::-1], interpolation=cv2.INTER_LINEAR))
    return np.asarray(np.clip((slope * fine + offset - 0.5) * STEEP + 0.5, 0, 1), np.float32)


def hinted(mask: Mask, before: Mask | None = None) -> NDArray[np.bool_]:
    """Return where anything is worth a look: the network says at least a little, or it was covered `before`."""
    return mask > HINT if before is None else (mask > HINT) | (before > 0.5)


def reconcile(
    mask: Mask,
    surprise: NDArray[np.float32],
    zones: Zones,
    *,
    odds: NDArray[np.float32],
    colours: Colours | None = None,
    turned: float = 0.0,
    before: Mask | None = None,
    lean: float = LEAN,
) -> Mask:
    """Return the network's mask (n, n) where it agrees with what the comparison with the reference says.

    `surprise` (n, n) is how far each pixel is from what the reference leads us to expect; `zones` are the face's;
    `odds` (n, n) is the evidence, weighed (`evidence.Evidence`), `colours` what they say (`evidence.colour_odds`).
    Beside the face a neck that looks as in the reference is a neck, and what has the colour of the thing before the
    face a part of it; so is, right beside the thing, what does not quite look as in the reference.
    Over the face the evidence decides, with a `lean` towards covered, in log-odds.
    What does not reach well over the face does not matter; what comes over its outline and is strange beyond doubt, or
    by the evidence, needs no more than a hint: of the network's, or that it was there `before`, in the last frame.
    The further the head is `turned` from the reference, in eye distances, the less its outline is to be trusted, and
    from `AWAY` on the network must be certain: there evidence does not lean.
    """
    hint = hinted(mask, before)
    if not hint.any():
        return np.zeros_like(mask)
    unit, face = zones.unit, zones.face
    strange = np.asarray(cv2.GaussianBlur(surprise, (0, 0), 0.8), np.float32)
    around = np.asarray(cv2.dilate(face, disc(2 * BORDER * unit)), np.uint8)
    beside = np.clip((strange - AS_EXPECTED) / (STRANGE - AS_EXPECTED), 0, 1)
    colours = colours or Colours(np.zeros_like(mask), np.zeros_like(mask))
    # Turned, a face is not what the reference leads us to expect: evidence need not lean towards that as well.
    lean *= float(np.clip((AWAY - turned) / (AWAY - NEAR), 0, 1))
    over = np.asarray(1 / (1 + np.exp(-(odds + np.float32(lean)))), np.float32)
    # Beside the face the network is believed, and where it is silent, what is strange and has the thing's colour.
    alike = 0.0 if turned > NEAR else 1.0  # turned, more is strange than what is before the face
    joined = alike * cv2.dilate(mask, np.ones((REACH, REACH), np.uint8)) * np.clip(colours.news, 0, 1)
    elsewhere = np.maximum(mask * np.maximum(beside, around), over * beside * joined)
    kept = np.where(face > 0, over, elsewhere).astype(np.float32)
    kept = np.maximum(kept, (1 - face) * _rim(kept, over, strange, colours, turned))
    doubtful = EDGE_OF_FACE + TURNED * max(0.0, turned - NEAR)
    core = np.asarray(cv2.erode(face, disc(2 * doubtful * unit)), np.uint8)
    # Turned, the outline itself looks strange.
    entering = np.zeros(mask.shape, np.bool_)
    if turned < 2 * HELD:
        entering = _entering(mask, hint, over, strange, face, core) & (around > 0)
        kept = np.maximum(kept, entering)
    believed, certain = mask > 0.5, mask / CERTAIN
    # A turned face may itself be taken for a thing: the network must be certain of what lies at its outline, and turned
    # further of everything.
    within = certain if turned > AWAY else believed / MOSTLY
    whole = certain if turned > NEAR else believed / SURE
    pieces = _pieces(kept > 0.5, within, whole, strange, face, core, SPECK * float(face.sum()), entering)
    return np.asarray(kept * cv2.dilate(pieces.astype(np.float32), np.ones((5, 5), np.uint8)), np.float32)


def _entering(
    mask: Mask,
    hint: NDArray[np.bool_],
    over: Mask,
    strange: NDArray[np.float32],
    face: NDArray[np.uint8],
    core: NDArray[np.uint8],
) -> NDArray[np.bool_]:
    """Return the pieces that come into the face's `core` for which a hint will do.

    They look strange beyond doubt, or the evidence says that they are `over` it; and they reach beyond the outline, or
    the network is sure of more of them beside the face. A hand that just comes into the picture, or goes, is skin among
    skin, of which the network sees too little to be sure: for a frame or two it would stand there. Where the network
    sees it, it sees its edge better.
    """
    labels, total = _components(strange > UNUSUAL, connectivity=4)
    inside = total(face)
    keep = (inside >= SPECK * float(face.sum())) & (total(1 - face) >= FEW)
    keep &= (total(core) >= FEW) | (total(mask > 0.5) > inside)
    doubtless = (total(face * strange) > ALIEN * inside) | (total(face * (over > 0.5)) > HALF * inside)
    keep &= (total(hint) > 0) & doubtless
    keep &= (inside < LITTLE * float(face.sum())) & (total(face * (mask > 0.5)) < HALF * inside)
    keep[0] = False
    return np.asarray(keep[labels])


def _rim(kept: Mask, over: Mask, strange: NDArray[np.float32], colours: Colours, turned: float) -> Mask:
    """Return the belief that a pixel beside the face is the rim of the thing that is `kept`.

    A hand before a neck has the neck's colour, and little surprises there: but right beside the hand, little will do.
    Where the thing's own colour was expected, as a white mask's before a window, nothing can be told.
    """
    same = np.clip(colours.odds - colours.news, 0, 1)
    held = float(np.clip(2 - turned / HELD, 0, 1))
    near = cv2.dilate((kept > 0.5).astype(np.uint8), np.ones((RIM, RIM), np.uint8))
    unlike = np.clip((strange - UNLIKE) / (OTHER - UNLIKE), 0, 1)
    return np.asarray(held * (1 - same) * near * over * unlike, np.float32)


def _pieces(
    covered: NDArray[np.bool_],
    within: NDArray[Any],
    whole: NDArray[Any],
    strange: NDArray[np.float32],
    face: NDArray[np.uint8],
    core: NDArray[np.uint8],
    least: float,
    entering: NDArray[np.bool_],
) -> NDArray[np.bool_]:
    """Return the pieces that cover `least` pixels of the face's `core`, are believed and look strange.

    What only begins to come over the `face`'s outline has to be believed as a whole, and look strange beyond doubt; of
    what is `entering` that is known.
    `within` it and as a `whole` they are believed where that share of what is needed is more than 1 on average.
    """
    labels, total = _components(covered, connectivity=8)
    inside, over = total(core), total(face)
    keep = (inside >= least) & (total(core * within) > inside) & (total(core * strange) > AS_EXPECTED * inside)
    sure = total(whole) > total(np.ones_like(whole))
    keep |= (over >= least) & sure & (total(face * strange) > STRANGE * over)
    keep |= total(face * entering) > 0
    keep[0] = False
    return np.asarray(keep[labels])


def _components(where: NDArray[np.bool_], *, connectivity: int) -> tuple[NDArray[np.int32], Total]:
    """Return the connected components, numbered from 1, and what sums values (n, n) over each; 0 is all the rest.

    Of the rest nothing is summed: it is most of the picture.
    """
    count, labels = cv2.connectedComponents(where.astype(np.uint8), connectivity=connectivity)
    places = np.flatnonzero(labels)
    numbers = labels.ravel()[places]

    def total(values: NDArray[Any]) -> NDArray[Any]:
        return np.bincount(numbers, weights=values.ravel()[places], minlength=count)

    return np.asarray(labels, np.int32), total
