"""A camera for tests: what stands in for cv2.VideoCapture."""

from __future__ import annotations

import queue
import threading

import cv2
import numpy as np

SHAPE = (48, 64, 3)


class FakeCapture:
    """Stands in for cv2.VideoCapture: gives what the test hands it, and blocks meanwhile, as a camera does."""

    def __init__(self, *first: np.ndarray | None, opened: bool = True) -> None:
        self.pictures: queue.Queue[np.ndarray | None] = queue.Queue()
        for picture in first:
            self.pictures.put(picture)
        self.opened = opened
        self.settings: list[tuple[int, float]] = []
        self.released = threading.Event()

    def isOpened(self) -> bool:
        return self.opened

    def read(self) -> tuple[bool, np.ndarray | None]:
        picture = self.pictures.get(timeout=5)
        return picture is not None, picture

    def set(self, key: int, value: float) -> bool:
        self.settings.append((key, value))
        return True

    def get(self, key: int) -> float:
        return {cv2.CAP_PROP_FPS: 25.0, cv2.CAP_PROP_FRAME_HEIGHT: float(SHAPE[0])}.get(key, 0.0)

    def release(self) -> None:
        self.released.set()


def picture(blue: int) -> np.ndarray:
    image = np.zeros(SHAPE, np.uint8)
    image[..., 0] = blue
    return image
