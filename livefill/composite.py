"""Paste: a patch into the frame, at the camera's own resolution."""

from __future__ import annotations

import cv2
import numpy as np

from livefill import geometry
from livefill.types import Frame, Mask, Patch

__all__ = ["feather", "mark", "paste", "reach"]

BADGE = "synthesised"


def paste(frame: Frame, patch: Patch | None) -> Frame:
    """Return the frame with the patch blended in; without a patch, the frame itself."""
    if patch is None:
        return frame
    image, alpha, left, top = _placed(patch, frame.image.shape[1::-1])
    if not alpha.size:
        return frame
    window = np.s_[top : top + alpha.shape[0], left : left + alpha.shape[1]]
    out = frame.image.copy()
    out[window] = cv2.blendLinear(image, out[window], alpha, 1 - alpha)
    return Frame(frame.seq, frame.time, out)


def mark(frame: Frame) -> Frame:
    """Return the frame with a word in its corner that says that a part of it is synthesised."""
    out = frame.image.copy()
    scale = max(out.shape[0] / 900, 0.4)
    (width, height), below = cv2.getTextSize(BADGE, cv2.FONT_HERSHEY_SIMPLEX, scale, 1)
    gap = max(2, round(10 * scale))
    left, bottom = out.shape[1] - width - 2 * gap, out.shape[0] - below - gap
    corner = out[bottom - height - gap : bottom + below, left - gap : left + width + gap]
    corner //= 2
    cv2.putText(out, BADGE, (left, bottom - gap // 2), cv2.FONT_HERSHEY_SIMPLEX, scale, (235, 235, 235), 1, cv2.LINE_AA)
    return Frame(frame.seq, frame.time, out)


def _placed(patch: Patch, size: tuple[int, ...]) -> tuple[np.ndarray, Mask, int, int]:  # type: ignore[type-arg]
    """Return the patch on the frame's pixel grid, cut to the frame: image, alpha, left, top."""
    width, height = size
    across, skewed, left, slanted, down, top = patch.to_frame.ravel().tolist()
    turned = max(abs(across - 1), abs(down - 1), abs(skewed), abs(slanted))
    if turned < 1e-6 and max(abs(left - round(left)), abs(top - round(top))) < 1e-4:
        left, top = round(left), round(top)
        image, alpha = patch.image, patch.alpha
    else:
        left = top = 0
        # Beyond its edge the image goes on, so that a half-covered pixel there is not blended with black.
        image = np.asarray(
            cv2.warpAffine(patch.image, patch.to_frame, (width, height), borderMode=cv2.BORDER_REPLICATE), np.uint8
        )
        alpha = np.asarray(cv2.warpAffine(patch.alpha, patch.to_frame, (width, height)), np.float32)
    x0, y0 = max(0, -left), max(0, -top)
    x1, y1 = min(alpha.shape[1], width - left), min(alpha.shape[0], height - top)
    window = np.s_[y0 : max(y0, y1), x0 : max(x0, x1)]
    return np.ascontiguousarray(image[window]), np.ascontiguousarray(alpha[window]), left + x0, top + y0


def feather(mask: Mask, *, grow: float, soft: float) -> Mask:
    """Turn a mask into an alpha: grown by `grow` pixels, so that no rim is left, then falling over `soft` pixels."""
    # The edge is soft: on a large face it is worked out on a smaller picture, where wide kernels are cheap.
    step = max(1, int(soft / 5))
    height, width = mask.shape
    small = _shrunk(mask, step) if step > 1 else mask
    away = cv2.distanceTransform((small <= 0.4).astype(np.uint8), cv2.DIST_L2, 3)
    middle, fall = _edge(grow, soft, step)
    rise = np.clip((middle - away * step) / fall + 0.5, 0, 1)
    return geometry.grow(np.asarray(rise * rise * (3 - 2 * rise), np.float32), (0, 0, width, height), step)


def _shrunk(mask: Mask, step: int) -> Mask:
    """Return the means of whole squares of `step` pixels, the last beyond the end: broken ones take thrice as long."""
    height, width = mask.shape
    whole = cv2.copyMakeBorder(mask, 0, -height % step, 0, -width % step, cv2.BORDER_REPLICATE)
    size = (whole.shape[1] // step, whole.shape[0] // step)
    return np.asarray(cv2.resize(whole, size, interpolation=cv2.INTER_AREA), np.float32)


def reach(*, grow: float, soft: float) -> float:
    """Return how many pixels beyond a mask `feather` reaches at most."""
    step = max(1, int(soft / 5))
    middle, fall = _edge(grow, soft, step)
    return middle + fall / 2 + 2 * (step - 1)  # a smaller picture's pixels reach further


def _edge(grow: float, soft: float, step: int) -> tuple[float, float]:
    """Return how far from the mask the edge's middle lies, and how wide it is, in pixels.

    It falls as a step blurred by a Gaussian of a third of `soft`, and as steeply, but at a fraction of the cost.
    """
    return max(grow + soft / 2, float(step)), max(1.25 * soft, 1.9 * step)
