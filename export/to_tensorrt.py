"""Compile a network's file for GPUs ahead of time, on a machine that need not have one (TensorRT for RTX).

python -m export.to_tensorrt engines/fast-half.onnx [--capability 8.9 12.0] [--out engines]
"""

from __future__ import annotations

import argparse
from pathlib import Path

from livefill.backends.plan import build
from livefill.backends.tensorrt import load_library

__all__ = ["main"]


def _capability(text: str) -> tuple[int, int]:
    major, _, minor = text.partition(".")
    return int(major), int(minor)


def main() -> None:
    """Compile from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("network", type=Path)
    parser.add_argument("--capability", type=_capability, nargs="+", default=[(8, 9)], help="of the GPUs, such as 8.9")
    parser.add_argument("--out", type=Path, default=Path("engines"))
    options = parser.parse_args()
    path = options.out / f"{options.network.stem}.engine"
    path.write_bytes(build(load_library(), options.network, capabilities=options.capability))
    print(f"{path}: {path.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
