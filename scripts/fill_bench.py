"""Fill every clip of a benchmark the way a user would: calibrate on its clean start, then fill the covered rest.

usage: python scripts/fill_bench.py OUT [--bench DIR] [--which occluded|clean] [--offline] [--jobs N]

A benchmark is a folder of clips, each with calibrate.mp4, occluded.mp4 and clean.mp4. OUT gets CLIP.mp4 for each. The
tables in docs/results.md are made from it with the benchmark's scorer.
"""

from __future__ import annotations

import argparse
import os
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from time import perf_counter

BENCH = Path(__file__).parents[2] / "shared" / "data" / "bench"


def fill(clip: Path, which: str, out: Path, offline: bool) -> str:
    """Fill one clip and return a line about it."""
    from livefill.app import calibrate, fill_file
    from livefill.capture import FileSource

    with FileSource(clip / "calibrate.mp4") as source:
        profile, kept = calibrate(source, clip.name)
    start = perf_counter()
    frames = fill_file(clip / f"{which}.mp4", out / f"{clip.name}.mp4", profile, offline=offline).frames
    return f"{clip.name}: {len(kept)} references, {frames} frames at {frames / (perf_counter() - start):.1f} fps"


def main() -> None:
    """Fill all clips, some at a time."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--bench", type=Path, default=BENCH)
    parser.add_argument("--which", choices=("occluded", "clean"), default="occluded")
    parser.add_argument("--offline", action="store_true", help="as `livefill file --offline`")
    parser.add_argument("--jobs", type=int, default=max(1, (os.cpu_count() or 2)))
    options = parser.parse_args()
    if not options.bench.is_dir():
        sys.exit(f"there is no benchmark at {options.bench}: name one with --bench")
    options.out.mkdir(parents=True, exist_ok=True)
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    clips = sorted(path for path in options.bench.iterdir() if (path / "calibrate.mp4").exists())
    with ProcessPoolExecutor(options.jobs) as pool:
        for job in [pool.submit(fill, clip, options.which, options.out, options.offline) for clip in clips]:
            sys.stdout.write(job.result() + "\n")


if __name__ == "__main__":
    main()
