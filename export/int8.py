"""Quantise a generator's file to int8 (QDQ, weights per channel), calibrated on synthetic people.

    python -m export.int8 [engines/fast.onnx] [--clips CLIPS] [--out engines/fast-int8.onnx]

CLIPS is what `training.clips.record` makes; without it the bundled demo is looked at, whose person does not exist. Only
convolutions are quantised: the rest of the network takes no time. The file has the inputs, outputs and state of the one
it is made from, and its contract says `precision` int8. None is shipped: docs/results.md says why.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

from export.generator import SEEN
from livefill.backends.engines import PREFIX
from livefill.backends.network import Network
from livefill.backends.onnx import OnnxNetwork
from livefill.capture import FileSource
from livefill.demo import demo_clip, demo_profile
from livefill.filler import Filler
from livefill.tracking.observing import ObserverTracker
from livefill.types import Tensor
from training.clips.dataset import recordings
from training.clips.record import Recorder

__all__ = ["demo_recording", "main", "quantise", "seen"]

FRAMES = 120  # that are looked at, at most
Recording = Mapping[str, NDArray[np.uint8]]


def seen(clips: Iterable[Recording], network: Network, bank: Network) -> Iterator[dict[str, Tensor]]:
    """Give what the network is handed with every frame of the clips, its state among it."""
    references = int(bank.contract["references"])
    for clip in clips:
        chosen = np.arange(references) % len(clip["bank_crop"])
        told = {name: _whole(clip[f"bank_{name}"][chosen]) for name in ("crop", "drawing")}
        remembered, stream = bank.run(told), network.stream()
        for number in range(len(clip["mask"])):
            pictures = {name: _whole(clip[name][number : number + 1]) for name in SEEN[:4]}
            inputs = {**pictures, **remembered}
            yield {**inputs, **stream.state()}
            stream.run(inputs)


def _whole(pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
    return np.asarray(pictures / np.float32(255), np.float32)


def demo_recording(size: int) -> Recording:
    """Return what a generator of this size is handed during the bundled demo."""
    profile, recorder = demo_profile(), Recorder(size)
    tracker, filler = ObserverTracker(profile), Filler(profile, recorder)
    with FileSource(demo_clip()) as source:
        for frame in source:
            filler.fill(frame, tracker.track(frame))
    clip = {name: np.stack([step[name] for step in recorder.steps]) for name in SEEN[:4]}
    return clip | {f"bank_{name}": np.stack([one[name] for one in recorder.bank]) for name in ("crop", "drawing")}


class _Reader(CalibrationDataReader):  # type: ignore[misc]
    def __init__(self, frames: Iterator[dict[str, Tensor]]) -> None:
        self._frames = frames

    def get_next(self) -> dict[str, Tensor] | None:
        return next(self._frames, None)


def quantise(source: Path, out: Path, frames: Iterator[dict[str, Tensor]]) -> None:
    """Write `source` in int8; the range of each activation is the one that `frames` have."""
    with tempfile.TemporaryDirectory() as folder:
        plain, draft = Path(folder) / "plain.onnx", Path(folder) / "int8.onnx"
        quant_pre_process(str(source), str(plain), skip_symbolic_shape=True)
        quantize_static(
            str(plain),
            str(draft),
            _Reader(frames),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=["Conv"],
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
        )
        network = onnx.load(draft)
    said = {entry.key: entry.value for entry in onnx.load(source, load_external_data=False).metadata_props}
    onnx.helper.set_model_props(network, said | {f"{PREFIX}precision": "int8"})
    out.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(network, out)


def main() -> None:
    """Quantise from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=Path, nargs="?", default=Path("engines/fast.onnx"))
    parser.add_argument("--clips", type=Path, help="recordings of synthetic people")
    parser.add_argument("--out", type=Path, help="by default NAME-int8.onnx beside it")
    parser.add_argument("--frames", type=int, default=FRAMES)
    options = parser.parse_args()
    source: Path = options.source
    out = options.out or source.with_name(f"{source.stem}-int8.onnx")
    network = OnnxNetwork(source, "generator", keys=("size", "states"))
    bank = OnnxNetwork(source.with_name(f"{source.stem}-bank.onnx"), "bank", keys=("references",))
    if options.clips is None:
        clips: Iterator[Recording] = iter([demo_recording(int(network.contract["size"]))])
    else:
        clips = (dict(np.load(path)) for path in recordings(options.clips))
    quantise(source, out, islice(seen(clips, network, bank), options.frames))
    print(f"{out}: {out.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
