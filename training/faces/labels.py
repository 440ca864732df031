"""Label pictures of faces: a teacher's 468 landmarks, quieter than one look gives them.

The teacher is MediaPipe's face mesh (Kartynnik et al. 2019). Its answers tremble when the picture is turned or moved a
little, and lean to one side; so each picture is seen several times, also in the mirror, and the answers are averaged.
Mean distance between two independent answers to one picture, in eye distances: 0.0065 from single looks, 0.0047 with
the mirror image, 0.0025 with four views and their mirror images.

    python -m training.faces.labels FOLDER OUT.npz
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from livefill.landmarker import FaceMesh
from livefill.types import RGB

__all__ = ["POINTS", "find_mirror_pairs", "label", "look", "mirror_pairs", "mirrored"]

Floats = NDArray[np.float32]
POINTS = 468
EYES = (33, 263)  # the outer corners, whose distance is the unit
TURN, SCALE, SHIFT = 8.0, (0.92, 1.06), 0.02  # degrees, factors and widths by which a further view differs at most
PAIRS = """
3-248 7-249 20-250 21-251 22-252 23-253 24-254 25-255 26-256 27-257 28-258 29-259 30-260 31-261 32-262 33-263 34-264
35-265 36-266 37-267 38-268 39-269 40-270 41-271 42-272 43-273 44-274 45-275 46-276 47-277 48-278 49-279 50-280
51-281 52-282 53-283 54-284 55-285 56-286 57-287 58-288 59-289 60-290 61-291 62-292 63-293 64-294 65-295 66-296
67-297 68-298 69-299 70-300 71-301 72-302 73-303 74-304 75-305 76-306 77-307 78-308 79-309 80-310 81-311 82-312
83-313 84-314 85-315 86-316 87-317 88-318 89-319 90-320 91-321 92-322 93-323 95-324 96-325 97-326 98-327 99-328
100-329 101-330 102-331 103-332 104-333 105-334 106-335 107-336 108-337 109-338 110-339 111-340 112-341 113-342
114-343 115-344 116-345 117-346 118-347 119-348 120-349 121-350 122-351 123-352 124-353 125-354 126-355 127-356
128-357 129-358 130-359 131-360 132-361 133-362 134-363 135-364 136-365 137-366 138-367 139-368 140-369 141-370
142-371 143-372 144-373 145-374 146-375 147-376 148-377 149-378 150-379 153-380 154-381 155-382 156-383 157-384
158-385 159-386 160-387 161-388 162-389 163-390 165-391 166-392 167-393 169-394 170-395 171-396 172-397 173-398
174-399 176-400 177-401 178-402 179-403 180-404 181-405 182-406 183-407 184-408 185-409 186-410 187-411 188-412
189-413 190-414 191-415 192-416 193-417 194-418 196-419 198-420 201-421 202-422 203-423 204-424 205-425 206-426
207-427 208-428 209-429 210-430 211-431 212-432 213-433 214-434 215-435 216-436 217-437 218-438 219-439 220-440
221-441 222-442 223-443 224-444 225-445 226-446 227-447 228-448 229-449 230-450 231-451 232-452 233-453 234-454
235-455 236-456 237-457 238-458 239-459 240-460 241-461 242-462 243-463 244-464 245-465 246-466 247-467
"""


def mirror_pairs() -> NDArray[np.int64]:
    """Return for each of the 468 points the one on the other side of the face; 28 lie in the middle, their own."""
    pairs: NDArray[np.int64] = np.arange(POINTS)
    for pair in PAIRS.split():
        right, left = map(int, pair.split("-"))
        pairs[right], pairs[left] = left, right
    return pairs


def find_mirror_pairs(shapes: Floats) -> NDArray[np.int64]:
    """Return what `mirror_pairs` holds, found in the landmarks (n, 468, 3) of many faces.

    The faces are laid over one another (Procrustes); in their mean, a point's partner is whatever lies nearest to its
    mirror image. The mirror's normal is the common direction of all lines from point to partner.
    """
    mean = _mean_shape(shapes)
    normal = mean[EYES[1]] - mean[EYES[0]]
    for _ in range(10):
        normal = normal / np.linalg.norm(normal)
        image = mean - 2 * np.outer(mean @ normal, normal)
        pairs = np.linalg.norm(image[:, None] - mean[None], axis=-1).argmin(1)
        normal = np.linalg.svd(mean[pairs] - mean)[2][0]
    return pairs


def mirrored(points: Floats, width: float) -> Floats:
    """Return the landmarks (..., 468, 3) that the mirror image of a picture `width` pixels wide has."""
    result = points[..., mirror_pairs(), :].copy()
    result[..., 0] = width - result[..., 0]
    return result


def look(image: RGB, find: Callable[[RGB], Floats | None], *, views: int = 1, seed: int = 0) -> Floats | None:
    """Return the landmarks (looks, 468, 3) in pixels from `views` of the picture and their mirror images.

    None unless most looks find the face. The first view is the picture itself, the others are turned, scaled and moved
    a little; all answers are taken back to the picture.
    """
    height, width = image.shape[:2]
    random, answers = np.random.default_rng(seed), []
    for view in range(views):
        there = _somewhere(random, width, height) if view else np.eye(2, 3)
        seen = image if not view else _warped(image, there)
        plain, other = find(seen), find(np.ascontiguousarray(seen[:, ::-1]))
        found = [plain, None if other is None else mirrored(other, width)]
        answers += [_taken_back(points, there) for points in found if points is not None]
    return np.array(answers) if len(answers) > views else None


def label(folder: Path, out: Path, *, views: int = 4) -> tuple[int, float]:
    """Label the pictures (*.jpg, *.png) of `folder` into `out`; return how many, and how far looks lie from their mean.

    `out` holds `names` (n,), `points` (n, 468, 3) in pixels, and `spread` (n,), that mean distance in eye distances.
    Pictures without a face are left out.
    """
    names, points, spread = [], [], []
    with FaceMesh(video=False, confidence=0.3) as mesh:
        for path in sorted(path for path in folder.iterdir() if path.suffix in (".jpg", ".png")):
            image = cv2.imread(str(path))
            if image is None:
                raise ValueError(f"{path} is no picture")
            rgb = np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), np.uint8)
            looks = look(rgb, lambda seen: next(iter(mesh.find(seen)), None), views=views)
            if looks is not None:
                names.append(path.name)
                points.append(looks.mean(0))
                spread.append(_spread(looks))
                if len(names) % 200 == 0:
                    print(f"{len(names)} labelled", flush=True)
    found = np.array(points, np.float32).reshape(-1, POINTS, 3)
    out.parent.mkdir(parents=True, exist_ok=True)
    np.savez(out, names=np.array(names), points=found, spread=np.array(spread, np.float32))
    return len(names), float(np.mean(spread)) if spread else float("nan")


def _spread(looks: Floats) -> float:
    """Return the mean distance of the looks from their mean, in eye distances."""
    mean = looks.mean(0)
    eyes = np.linalg.norm(mean[EYES[0], :2] - mean[EYES[1], :2])
    return float(np.linalg.norm(looks[..., :2] - mean[..., :2], axis=-1).mean() / eyes)


def _somewhere(random: np.random.Generator, width: int, height: int) -> NDArray[np.float64]:
    """Return a small turn, change of size and shift about the middle (2, 3)."""
    turn, scale = random.uniform(-TURN, TURN), random.uniform(*SCALE)
    there = np.asarray(cv2.getRotationMatrix2D((width / 2, height / 2), turn, scale), np.float64)
    there[:, 2] += random.uniform(-SHIFT, SHIFT, 2) * width
    return there


def _warped(image: RGB, there: NDArray[np.float64]) -> RGB:
    size = image.shape[1::-1]
    moved = cv2.warpAffine(image, there, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(moved, np.uint8)


def _taken_back(points: Floats, there: NDArray[np.float64]) -> Floats:
    """Return points (468, 3) of the warped picture where they are in the picture; depth only changes its scale."""
    flat = (points[:, :2] - there[:, 2]) @ np.linalg.inv(there[:, :2]).T
    depth = points[:, 2:] / np.sqrt(np.linalg.det(there[:, :2]))
    return np.asarray(np.concatenate([flat, depth], 1), np.float32)


def _mean_shape(shapes: Floats) -> NDArray[np.float64]:
    """Return the mean (468, 3) of the shapes, each centred, of size 1 and turned onto the first."""
    centred = (shapes - shapes.mean(1, keepdims=True)).astype(np.float64)
    centred /= np.linalg.norm(centred, axis=(1, 2), keepdims=True)
    u, _, v = np.linalg.svd(centred.transpose(0, 2, 1) @ centred[0])
    u[..., -1] *= np.linalg.det(u @ v)[:, None]
    return np.asarray((centred @ u @ v).mean(0))


def main() -> None:
    """Label a folder."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("out", type=Path, help="the .npz to write")
    parser.add_argument("--views", type=int, default=4, help="looks at each picture, each also at its mirror image")
    options = parser.parse_args()
    count, spread = label(options.folder, options.out, views=options.views)
    print(f"{count} faces; the looks lie {spread:.4f} eye distances from their mean")


if __name__ == "__main__":
    main()
