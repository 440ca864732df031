"""Label pictures of faces: a teacher's 468 landmarks, as it gives them while it follows a face.

The teacher is MediaPipe's face mesh (Kartynnik et al. 2019). Its answer depends on the crop that it cuts: from a fresh
search it differs by 0.015 eye distances (0.03 at the forehead) from what it says when it follows the same face, where
the crop comes from its own last answer. So each picture is shown until the answer settles, which comes to 0.0045 of
what it says in a video. It also leans to one side, by 0.012: so the mirror image is a picture of its own, with its own
answer.

    python -m training.faces.labels FOLDER OUT.npz
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from livefill.geometry import eye_distance
from livefill.landmarker import FaceMesh
from livefill.types import RGB
from training.faces.pictures import read_picture

__all__ = ["POINTS", "find_mirror_pairs", "label", "mirror_pairs", "mirrored", "settled"]

Floats = NDArray[np.float32]
POINTS = 468
EYES = (33, 263)  # the outer corners, whose distance is the unit
STILL = 0.003  # eye distances between two answers that count as the same
LOOKS = 16  # at one picture, at most
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


def settled(image: RGB, find: Callable[[RGB], Floats | None]) -> Floats | None:
    """Show a picture to a teacher that follows faces until its answer (468, 3) in pixels moves no more.

    None where it finds no face, or never settles.
    """
    last = None
    for _ in range(LOOKS):
        points = find(image)
        if points is not None and last is not None and _apart(points, last) < STILL:
            return points
        last = points
    return None


def label(folder: Path, out: Path) -> tuple[int, float]:
    """Label the pictures (*.jpg, *.png) of `folder` into `out`; return how many, and how far the teacher leans.

    `out` holds `names` (n,), `points` (n, 468, 3) in pixels, and `mirrored` (n, 468, 3), those of the mirror images, in
    their own pixels; pictures without a face are left out. What it holds already is kept. The lean is the mean distance
    between the answer and the mirror image's, in eye distances, of the pictures that are new.
    """
    names, points, others, lean = [], [], [], []
    if out.exists():
        with np.load(out) as stored:
            names = [str(name) for name in stored["names"]]
            points, others = list(stored["points"]), list(stored["mirrored"])
    known = set(names)
    with FaceMesh(confidence=0.3) as plain, FaceMesh(confidence=0.3) as turned:
        for path in sorted(path for path in folder.iterdir() if path.suffix in (".jpg", ".png")):
            if path.name in known:
                continue
            rgb = read_picture(path)
            one = settled(rgb, _first(plain))
            other = settled(np.ascontiguousarray(rgb[:, ::-1]), _first(turned))
            if one is not None and other is not None:
                names.append(path.name)
                points.append(one)
                others.append(other)
                lean.append(_apart(mirrored(other, rgb.shape[1]), one))
                if len(names) % 200 == 0:
                    print(f"{len(names)} labelled", flush=True)
    found = [np.array(each, np.float32).reshape(-1, POINTS, 3) for each in (points, others)]
    out.parent.mkdir(parents=True, exist_ok=True)
    np.savez(out, names=np.array(names, str), points=found[0], mirrored=found[1])
    return len(names), float(np.mean(lean)) if lean else float("nan")


def _first(mesh: FaceMesh) -> Callable[[RGB], Floats | None]:
    return lambda image: next(iter(mesh.find(image)), None)


def _apart(a: Floats, b: Floats) -> float:
    """Return the mean distance of two faces' landmarks in the picture, in eye distances of the second."""
    return float(np.linalg.norm(a[:, :2] - b[:, :2], axis=1).mean()) / eye_distance(b[:, :2])


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
    options = parser.parse_args()
    count, lean = label(options.folder, options.out)
    print(f"{count} faces; the teacher leans by {lean:.4f} eye distances")


if __name__ == "__main__":
    main()
