"""Train the generator without one of its parts after another, with the same time for each, and print the table.

    python -m training.ablate RUNS --clips CLIPS --exam HELD_OUT --minutes 30

RUNS gets one folder for each row; what is done already is kept, so it may be stopped and started again. Any further
option is handed to training.train, whose exam it is: held-out people, scored at the network's own size.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from training.train import PARTS

__all__ = ["main", "result", "rows", "table"]

COLUMNS = ("psnr", "ssim", "lpips", "flicker")


def rows(parts: Sequence[str] = PARTS) -> dict[str, tuple[str, ...]]:
    """Return what each row does without."""
    return {"everything": (), **{f"without {part}": (part,) for part in parts}}


def result(run: Path) -> dict[str, float] | None:
    """Return the last exam of a run that has come to its end."""
    if not (run / "done").exists():
        return None
    lines = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    return next(line for line in reversed(lines) if "psnr" in line)


def table(results: dict[str, dict[str, float]]) -> str:
    """Return a table in Markdown."""
    shown = [column for column in COLUMNS if all(column in line for line in results.values())]
    head = ["| | batches | " + " | ".join(shown) + " |", "|---|---|" + "---|" * len(shown)]
    body = [
        f"| {name} | {int(line['step'])} | " + " | ".join(f"{line[column]:.4g}" for column in shown) + " |"
        for name, line in results.items()
    ]
    return "\n".join([*head, *body])


def main() -> None:
    """Train every row that is not there yet, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", type=Path)
    parser.add_argument("--clips", type=Path, required=True)
    parser.add_argument("--exam", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=30, help="for each row")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS, help="what the rows do without")
    options, rest = parser.parse_known_args()
    found: dict[str, dict[str, float]] = {}
    for name, without in rows(options.parts).items():
        run = options.runs / name.replace(" ", "-")
        if (told := result(run)) is None:
            command = [sys.executable, "-m", "training.train", str(run), "--clips", str(options.clips)]
            command += ["--exam", str(options.exam), "--minutes", str(options.minutes), "--every", "100000"]
            # Stopped in its midst it would go on with a part of the time: a row is trained in one go.
            for old in run.glob("*.pt"):
                old.unlink()
            subprocess.run([*command, *rest, *(["--without", *without] if without else [])], check=True)
            (run / "done").touch()
            told = result(run)
        assert told is not None
        found[name] = told
        print(table(found), flush=True)


if __name__ == "__main__":
    main()
