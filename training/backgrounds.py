"""Pictures without a face: rooms, shelves, bricks, plants, text, lights out of focus, plain texture.

Everything is drawn from random numbers in a few milliseconds, so that training may put a new one behind every person
and show others as what is not a face. A picture is a scene (what it shows) seen by a camera (slant, blur, light).
"""

from __future__ import annotations

import colorsys
from collections.abc import Callable
from functools import partial

import cv2
import numpy as np
from numpy.typing import NDArray

from livefill.types import RGB

__all__ = ["SCENES", "background"]

Random = np.random.Generator
Levels = NDArray[np.uint8]  # (h, w)
Size = tuple[int, int]  # width, height
Box = tuple[int, int, int, int]  # left, top, width, height; may reach beyond the picture
Colours = list[tuple[int, int, int]]
Scene = Callable[[Size, Random], RGB]
Thing = Callable[[RGB, Box, Random], None]  # draws itself into a box of the picture
LETTERS = list("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.,;:()/" + 12 * " ")


def background(size: Size, random: Random, *, scene: str | None = None) -> RGB:
    """Return a picture (h, w, 3) of `size` (w, h): of a random one of SCENES, or of the one named."""
    draw = SCENES[scene or ("room" if random.random() < 0.2 else str(random.choice(list(SCENES))))]
    return _seen(draw(size, random), random)


def _seen(picture: RGB, random: Random) -> RGB:
    """Return the scene at a slant, out of focus, in uneven light, with the grain of a sensor."""
    height, width = picture.shape[:2]
    if random.random() < 0.5:
        corners = np.array([(0, 0), (width, 0), (width, height), (0, height)])
        slant = corners * 1.2 - (0.1 * width, 0.1 * height) + random.normal(0, 0.1, (4, 2)) * (width, height)
        there = cv2.getPerspectiveTransform(corners.astype(np.float32), slant.astype(np.float32))
        picture = np.asarray(cv2.warpPerspective(picture, there, (width, height), borderMode=cv2.BORDER_REFLECT))
    if random.random() < 0.65:
        reach = random.uniform(0.5, 2) if random.random() < 0.5 else random.uniform(0.005, 0.05) * width
        picture = np.asarray(cv2.stackBlur(picture, (2 * round(reach) + 1,) * 2), np.uint8)
    coarse = random.uniform(0.7, 1.15, (*random.integers(2, 5, 2), 1)) * random.normal(1, 0.05, 3)
    light = cv2.resize(coarse.astype(np.float32), (width, height), interpolation=cv2.INTER_LINEAR)
    lit = cv2.multiply(picture, light, scale=float(random.uniform(0.5, 1.3)), dtype=cv2.CV_8U)
    amount = int(random.integers(1, 7))
    grain = random.integers(-amount, amount + 1, (height, width), np.int8)
    return np.asarray(cv2.add(lit, cv2.merge([grain] * 3), dtype=cv2.CV_8U), np.uint8)


def _palette(random: Random, count: int, hue: float | None = None, dark: float = 0.1, bright: float = 1) -> Colours:
    """Return colours that go together: hues near one another, mostly pale and the warm or bluish ones of rooms."""
    middle = float(random.choice([0.08, 0.1, 0.6, random.uniform()])) if hue is None else hue
    pale = float(random.beta(1, 3.5) if hue is None else random.beta(2, 2))
    result = []
    for _ in range(count):
        turned = middle + random.normal(0, 0.04) + (0.5 if hue is None and random.random() < 0.1 else 0)
        rgb = colorsys.hsv_to_rgb(turned % 1, min(1, pale * random.uniform(0.4, 1.6)), random.uniform(dark, bright))
        result.append((int(255 * rgb[0]), int(255 * rgb[1]), int(255 * rgb[2])))
    return result


def _noise(size: Size, random: Random, cells: Size = (3, 3), octaves: int = 4, fade: float = 0.5) -> Levels:
    """Return levels 0..255 of value noise: grids of random numbers, each twice as fine and `fade` times as strong."""
    total = np.zeros((2, 2), np.float32)
    for octave in range(octaves):
        grid = [min(max(2, cell * 2**octave), side) for cell, side in zip(cells, size, strict=True)]
        finer = fade**octave * random.random(grid[::-1], np.float32)
        total = finer + cv2.resize(total, grid, interpolation=cv2.INTER_CUBIC)
    levels = (total - total.min()) * (255 / np.ptp(total))
    return np.asarray(cv2.resize(levels.astype(np.uint8), size, interpolation=cv2.INTER_CUBIC), np.uint8)


def _coloured(levels: Levels, colours: Colours) -> RGB:
    """Return levels as a picture whose colours blend from the first to the last."""
    at = np.linspace(0, 255, len(colours))
    table = np.stack([np.interp(np.arange(256), at, channel) for channel in zip(*colours, strict=True)], 1)
    return np.asarray(cv2.applyColorMap(levels, table.astype(np.uint8)[:, None]), np.uint8)


def _texture(size: Size, random: Random) -> RGB:
    """Cloth, marble, wood, clouds: noise of any coarseness and direction."""
    across, down = (2 ** random.uniform(0.5, 6, 2)).astype(int).tolist()
    noise = _noise(size, random, cells=(across, down), fade=float(random.uniform(0.4, 0.9)))
    return _coloured(noise, _palette(random, int(random.integers(2, 5))))


def _plain(size: Size, random: Random) -> RGB:
    """A wall: one colour, faintly uneven."""
    (colour,), share = _palette(random, 1, dark=0.3), random.uniform(0.8, 0.99)
    darker = (int(share * colour[0]), int(share * colour[1]), int(share * colour[2]))
    return _coloured(_noise(size, random, octaves=3, fade=0.8), [darker, colour])


def _books(picture: RGB, box: Box, random: Random) -> None:
    left, top, width, height = box
    board, *colours = [colour for count in (3, 7, 3) for colour in _palette(random, count)]
    cv2.rectangle(picture, box, colours[0], -1)
    tall = height / int(random.integers(1, 6))
    for floor in np.arange(top + tall, top + height + 1, tall).astype(int).tolist():
        x = left
        while x < left + width:
            wide, up = max(2, int(tall * random.uniform(0.06, 0.3))), int(tall * random.uniform(0.5, 0.9))
            if random.random() < 0.85:
                colour, band = (colours[i] for i in random.integers(1, len(colours), 2))
                cv2.rectangle(picture, (x, floor - up, wide, up), colour, -1)
                cv2.rectangle(picture, (x, floor - int(0.8 * up), wide, max(1, wide // 4)), band, -1)
                cv2.line(picture, (x, floor - up), (x, floor), colours[0], 1)
            x += wide
        cv2.rectangle(picture, (left, floor - int(0.05 * tall), width, max(2, int(0.05 * tall))), board, -1)


def _window(picture: RGB, box: Box, random: Random) -> None:
    left, top, width, height = box
    (frame,), thick = _palette(random, 1, dark=0.5), max(2, width // 25)
    _paste(picture, box, _street, random)
    for x in np.linspace(left, left + width, int(random.integers(2, 5))):
        cv2.line(picture, (int(x), top), (int(x), top + height), frame, thick)
    for y in np.linspace(top, top + height, int(random.choice([2, 3, 16]))):  # 16: blinds
        cv2.line(picture, (left, int(y)), (left + width, int(y)), frame, thick)


def _hanging(picture: RGB, box: Box, random: Random) -> None:
    _paste(picture, box, (_texture, _leaves, _stripes)[int(random.integers(3))], random)
    cv2.rectangle(picture, box, _palette(random, 1)[0], max(1, box[2] // 20))


def _lamp(picture: RGB, box: Box, random: Random) -> None:
    left, top, width, height = box
    x, foot = left + width // 2, top + 2 * height // 5
    down, across = np.ogrid[: picture.shape[0], : picture.shape[1]]
    far = ((across - x) ** 2 + (down - foot) ** 2).astype(np.float32)
    glow = 100 * np.exp(-far / (1.5 * width) ** 2)
    cv2.add(picture, cv2.merge([glow, 0.85 * glow, 0.6 * glow]), dst=picture, dtype=cv2.CV_8U)
    cv2.line(picture, (x, top), (x, top + height), _palette(random, 1)[0], max(1, width // 20))
    shade = np.array([(x - width // 4, top), (x + width // 4, top), (left + width, foot), (left, foot)])
    cv2.fillConvexPoly(picture, shade, _palette(random, 1, hue=0.12, dark=0.85)[0], cv2.LINE_AA)


def _plant(picture: RGB, box: Box, random: Random) -> None:
    left, top, width, height = box
    x, rim, wide = left + width // 2, top + 3 * height // 4, width // 5
    pot = np.array([(x - wide, rim), (x + wide, rim), (x + wide // 2, top + height), (x - wide // 2, top + height)])
    cv2.fillConvexPoly(picture, pot, _palette(random, 1)[0], cv2.LINE_AA)
    greens = sorted(_palette(random, 9, hue=float(random.uniform(0.2, 0.4)), bright=0.75), key=sum)  # deepest first
    long, slim, count = random.uniform(0.1, 0.4) * width, random.uniform(0.1, 0.5), int(random.integers(20, 70))
    for leaf in range(count):
        middle = random.normal((x, (top + rim) / 2), (width / 6, height / 7))
        away = np.degrees(np.arctan2(middle[1] - rim, middle[0] - x)) + random.normal(0, 25)
        axes = (1 + int(long * random.uniform(0.4, 1)), 1 + int(long * slim * random.uniform(0.4, 1)))
        at, colour = (int(middle[0]), int(middle[1])), greens[min(8, 6 * leaf // count + int(random.integers(4)))]
        cv2.ellipse(picture, at, axes, float(away), 0, 360, colour, -1, cv2.LINE_AA)


def _writing(picture: RGB, box: Box, random: Random) -> None:
    left, top, width, height = box
    ink, other, paper = sorted(_palette(random, 3), key=sum)[:: int(random.choice([-1, 1]))]
    cv2.rectangle(picture, box, paper, -1)
    font, y, tall = int(random.integers(8)), top, max(6.0, float(height * random.uniform(0.03, 0.25)))
    while y < top + height:
        line = float(tall * random.uniform(0.8, 1.2))
        y += int(line * random.uniform(1.1, 1.9))
        text = "".join(random.choice(LETTERS, int(random.uniform(0.2, 1) * 1.6 * width / line)))
        colour, thick = (ink if random.random() < 0.8 else other), max(1, int(line / 12))
        cv2.putText(picture, text, (left + int(tall / 2), y), font, line / 30, colour, thick, cv2.LINE_AA)


def _paste(picture: RGB, box: Box, scene: Scene, random: Random) -> None:
    """Draw a scene into the box, as far as that lies in the picture."""
    left, top, right, bottom = max(0, box[0]), max(0, box[1]), box[0] + box[2], box[1] + box[3]
    inside = picture[top : max(top, bottom), left : max(left, right)]
    if min(inside.shape[:2]) > 3:
        inside[...] = scene(inside.shape[1::-1], random)


def _room(size: Size, random: Random) -> RGB:
    """Wall, floor, perhaps a corner, and some of what stands and hangs in rooms."""
    width, height = size
    picture, floor = _plain(size, random), int(height * random.uniform(0.6, 1.2))
    if random.random() < 0.4:  # the other wall of a corner
        x = int(width * random.uniform(0.1, 0.9))
        picture[:, x:] = cv2.convertScaleAbs(picture[:, x:], alpha=float(random.uniform(0.7, 0.95)))
    _paste(picture, (0, floor, width, height), _texture, random)
    cv2.line(picture, (0, floor), (width, floor), _palette(random, 1)[0], max(1, height // 60))
    for kind in random.integers(0, len(THINGS), int(random.integers(1, 5))):
        wide, tall = (int(side * random.uniform(0.15, 0.7)) for side in size)
        stands = THINGS[kind] in (_books, _plant, _lamp) and random.random() < 0.7
        bottom = floor + 0.1 * height * random.random() if stands else random.uniform(tall / 2, height)
        left = random.uniform(-0.3 * wide, width - 0.7 * wide)
        THINGS[kind](picture, (int(left), int(bottom) - tall, wide, tall), random)
    return picture


def _full_of(thing: Thing, size: Size, random: Random) -> RGB:
    """Return the picture that is filled by one thing."""
    picture, (width, height) = _plain(size, random), (int(side * random.uniform(0.9, 1.5)) for side in size)
    thing(picture, ((size[0] - width) // 2, (size[1] - height) // 2, width, height), random)
    return picture


def _bricks(size: Size, random: Random) -> RGB:
    """Bricks, tiles or boards, each a little different."""
    width, height = size
    joint, *colours = _palette(random, 4, dark=0.3)
    tall = float(random.uniform(0.05, 0.25)) * height
    wide, gap = tall * float(random.choice([1, 2, 2.5, 8])), max(1, int(tall * random.uniform(0.03, 0.15)))
    picture, shift = np.full((height, width, 3), joint, np.uint8), float(random.choice([0, 0.5, 0.31]))
    for row in range(int(height / tall) + 1):
        for column in range(-1, int(width / wide) + 2):
            corner = (int((column + row * shift % 1) * wide), int(row * tall))
            colour = np.array(colours[int(random.integers(3))]) * random.uniform(0.8, 1.1)
            cv2.rectangle(picture, (*corner, int(wide) - gap, int(tall) - gap), colour.tolist(), -1)
    worn = _coloured(_noise(size, random, cells=(16, 16), octaves=3, fade=0.9), [(150,) * 3, (255,) * 3])
    cv2.multiply(picture, worn, picture, 1 / 220)
    return picture


def _stripes(size: Size, random: Random) -> RGB:
    """Folds of cloth, blinds, wallpaper: waves in one or two directions, sharp or soft, straight or bent."""
    bend = _noise(size, random, cells=(2, 1), octaves=2).astype(np.float32) * np.float32(random.uniform(0, 8) / 255)
    turn = random.normal(0, 0.05) if random.random() < 0.5 else random.uniform(0, np.pi)
    often = 2 * np.pi / (size[0] * random.uniform(0.02, 0.25)) * np.array([np.cos(turn), np.sin(turn)])
    x, y = np.arange(size[0]), np.arange(size[1])[:, None]
    wave = np.sin((x * often[0] + y * often[1]).astype(np.float32) + bend)
    if random.random() < 0.3:
        wave += np.sin((y * often[0] - x * often[1]).astype(np.float32))
    levels = cv2.convertScaleAbs(np.clip(wave * np.float32(random.uniform(0.5, 6)), -1, 1) + 1, alpha=127.5)
    return _coloured(np.asarray(levels, np.uint8), _palette(random, int(random.integers(2, 4))))


def _bokeh(size: Size, random: Random) -> RGB:
    """Lights far out of focus before something dark."""
    picture = _coloured(_noise(size, random, octaves=2), _palette(random, 3, dark=0, bright=0.45))
    usual, colours = random.uniform(0.02, 0.1) * size[0], _palette(random, 4, dark=0.4) + _palette(random, 4, dark=0.4)
    for _ in range(int(random.integers(15, 60))):
        radius = max(2, int(usual * random.uniform(0.5, 1.3)))
        x, y = (int(side * random.random()) for side in size)
        part = picture[max(0, y - radius) : y + radius + 1, max(0, x - radius) : x + radius + 1]
        spot = np.zeros_like(part)
        colour = np.array(colours[int(random.integers(8))]) * random.uniform(0.2, 0.8)
        cv2.circle(spot, (min(x, radius), min(y, radius)), radius, colour.tolist(), -1, cv2.LINE_AA)
        cv2.add(part, spot, part)
    return picture


def _leaves(size: Size, random: Random) -> RGB:
    """Shapes that cover one another, many small and few large ("dead leaves"), some in the colours of skin and hair."""
    colours = _palette(random, 12, hue=float(random.normal(0.06, 0.015)) if random.random() < 0.35 else None)
    picture = _coloured(_noise(size, random), colours[:3])
    for radius in np.sort(random.pareto(1.5, int(random.integers(20, 120))) + 1)[::-1]:
        reach = min(0.03 * float(radius), 0.5) * max(size)
        centre, colour = (random.random(2) * size).astype(int), colours[int(random.integers(12))]
        if random.random() < 0.5:
            axes = (1 + int(reach), 1 + int(reach * random.uniform(0.2, 1)))
            cv2.ellipse(picture, centre.tolist(), axes, random.uniform(0, 180), 0, 360, colour, -1, cv2.LINE_AA)
        else:
            corners = centre + random.normal(0, reach, (int(random.integers(3, 7)), 2))
            cv2.fillPoly(picture, [corners.astype(np.int32)], colour, cv2.LINE_AA)
    return picture


def _street(size: Size, random: Random) -> RGB:
    """Sky, hills or houses with windows, and the ground before them."""
    width, height = size
    sky = [(130, 180, 240), (235, 240, 250)] if random.random() < 0.7 else _palette(random, 2, dark=0.4)
    picture, ground = _coloured(_noise(size, random, cells=(2, 4)), sky), int(height * random.uniform(0.5, 1))
    for near in np.linspace(0.3, 1, int(random.integers(1, 4))):
        colour, pane = _palette(random, 2, dark=0.15, bright=1 - 0.6 * near)
        if random.random() < 0.4:
            hill = np.interp(np.linspace(0, 8, 40), np.arange(9), height * random.uniform(0.1, 0.5) * random.random(9))
            line = [*zip(np.linspace(0, width, 40), ground - hill, strict=True), (width, height), (0, height)]
            cv2.fillPoly(picture, [np.array(line, np.int32)], colour, cv2.LINE_AA)
            continue
        x = -int(0.2 * width * random.random())
        while x < width:
            wide, roof = 4 + int(width * random.uniform(0.1, 0.4)), int(ground * random.uniform(0.05, 0.8))
            cv2.rectangle(picture, (x, roof, wide, height), (np.array(colour) * random.uniform(0.7, 1.3)).tolist(), -1)
            step = max(6, int(width * near * random.uniform(0.04, 0.12)))
            for column in range(x + step // 2, x + wide - step // 2, step):
                for row in range(roof + step // 2, ground - step // 2, step):
                    cv2.rectangle(picture, (column, row, step // 2, step * 2 // 3), pane, -1)
            x += wide + int(random.uniform(0, 0.1) * width)
    _paste(picture, (0, ground, width, height), _texture, random)
    return picture


THINGS: tuple[Thing, ...] = (_books, _window, _hanging, _lamp, _plant, _writing)
SCENES: dict[str, Scene] = {"room": _room, "wall": _plain, "street": _street, "texture": _texture, "leaves": _leaves}
SCENES |= {"bricks": _bricks, "stripes": _stripes, "bokeh": _bokeh, "shelves": partial(_full_of, _books)}
SCENES |= {"window": partial(_full_of, _window), "plant": partial(_full_of, _plant)}
SCENES["text"] = partial(_full_of, _writing)
