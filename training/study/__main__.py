"""Train every method with as many batches of the same data, score it on every mask setting, and write the tables.

    python -m training.study RUNS --clips CLIPS --batches 4000 --out tables.md [--strips DIR]

CLIPS is what `training.study.data` makes. RUNS gets one folder for each method; what is done already is kept, so it
may be stopped and started again.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor, as_completed
from itertools import product
from pathlib import Path

import cv2
import numpy as np
import torch
from rich.progress import Progress

from livefill.sheet import write_picture
from livefill.types import RGB
from training.clips.dataset import recordings
from training.study.data import LANDMARKS
from training.study.masks import SETTINGS
from training.study.methods import CONFIG, TRAINED, Method, folder_of, methods, multiplications
from training.study.report import table
from training.study.score import Row, load_clip, score

__all__ = ["main"]

Scores = dict[str, dict[str, dict[str, Row]]]  # by setting and landmarks, method, clip
SHOWN = (2, 8, 14)  # frames of a strip
IMPOSSIBLE = 1e5  # frames a second of what only hands a picture on


def train(method: Method, run: Path, options: argparse.Namespace) -> None:
    """Train a method that is not there yet; one that was stopped goes on."""
    if (run / "done").exists():
        return
    command = [
        sys.executable, "-m", "training.train", str(run), "--network", method.network, "--config", str(CONFIG),
        "--width", str(options.width), "--clips", str(options.clips / "train"), "--exam", str(options.clips / "test"),
        "--batches", str(options.batches), "--every", "500", "--rate", str(options.rate), "--seed", "1",
        "--threads", str(options.threads), "--workers", str(options.workers),
    ]  # fmt: skip
    run.mkdir(parents=True, exist_ok=True)
    with (run / "train.log").open("a") as log:
        subprocess.run([*command, *(["--without", *method.without] if method.without else [])], check=True, stdout=log)
    (run / "done").touch()


def measure(options: argparse.Namespace, progress: Progress) -> tuple[Scores, dict[str, dict[str, Row]]]:
    """Score what is not scored yet; return measures by clip, and those of all clips of a setting."""
    kept = options.runs / "scores.json"
    stored = json.loads(kept.read_text()) if kept.exists() else {"rows": {}, "pooled": {}}
    rows, pooled = stored["rows"], stored["pooled"]
    found, tests = methods(options.runs, width=options.width), recordings(options.clips / "test")
    task = progress.add_task("scoring", total=len(SETTINGS) * len(LANDMARKS) * len(found))
    with ProcessPoolExecutor(options.jobs, initializer=torch.set_num_threads, initargs=(1,)) as pool:
        jobs = {}
        for setting, landmarks, name in product(SETTINGS, LANDMARKS, found):
            paths = [one for one in tests if one.name.startswith(f"{setting}_{landmarks}_")]
            group = f"{setting} {landmarks}"
            if paths and name not in rows.setdefault(group, {}):
                jobs[pool.submit(score_method, options.runs, options.width, name, paths)] = group, name
            else:
                progress.advance(task)
        for job in as_completed(jobs):
            group, name = jobs[job]
            rows[group][name], pooled.setdefault(group, {})[name] = job.result()
            kept.write_text(json.dumps({"rows": rows, "pooled": pooled}))
            progress.advance(task)
    return rows, pooled


def score_method(runs: Path, width: int, name: str, paths: list[Path]) -> tuple[dict[str, Row], Row]:
    """Score one method on the clips of one group."""
    return score(methods(runs, width=width)[name][1], paths)


def costs(options: argparse.Namespace, pooled: dict[str, dict[str, Row]]) -> str:
    """Return the table of what each method costs; frames a second on one core.

    What the warped reference costs is in the recordings, so no number is given for it.
    """
    clip = load_clip(recordings(options.clips / "test")[0])
    lines = ["| | online | weights | GMAC a frame | frames a second | batches |", "|---|---|---|---|---|---|"]
    for name, (method, _) in methods(options.runs, width=options.width).items():
        speed = np.mean([group[name]["fps"] for group in pooled.values() if name in group])
        weights = macs = batches = ""
        shown = f"{speed:.0f}" if speed < IMPOSSIBLE else ""
        if method.network:
            count, products = multiplications(method, clip, width=options.width)
            weights, macs = f"{count / 1e6:.2f} M", f"{products / 1e9:.2f}"
            log = (options.runs / folder_of(method) / "log.jsonl").read_text().splitlines()
            batches = str(int(json.loads(log[-1])["step"]))
        lines.append(f"| {name} | {'yes' if method.online else 'no'} | {weights} | {macs} | {shown} | {batches} |")
    return "\n".join(lines)


def strips(options: argparse.Namespace) -> None:
    """Write a picture for each setting, a row a frame: hidden, filled by each method, true."""
    options.strips.mkdir(parents=True, exist_ok=True)
    found = methods(options.runs, width=options.width)
    for setting in SETTINGS:
        paths = [one for one in recordings(options.clips / "test") if one.name.startswith(f"{setting}_oracle_")]
        if not paths:
            continue
        clip = load_clip(paths[0])
        hidden = np.where(clip["mask"][..., None] > 127, np.uint8(128), clip["truth"])
        columns = [hidden, *(fill(clip).frames for _, fill in found.values()), clip["truth"]]
        frames = [number for number in SHOWN if number < len(hidden)]
        sheet: list[list[RGB]] = [[np.ascontiguousarray(column[number]) for column in columns] for number in frames]
        write_picture(options.strips / f"{setting}.jpg", sheet)


def main() -> None:
    """Train, score, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", type=Path)
    parser.add_argument("--clips", type=Path, required=True)
    parser.add_argument("--batches", type=int, default=4000, help="to train each method with")
    parser.add_argument("--width", type=int, default=16, help="channels of LGTSM and CombCN; 64 in the papers")
    parser.add_argument("--rate", type=float, default=1e-3)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2, help="processes that score")
    parser.add_argument("--only", nargs="*", help="methods to train, by name")
    parser.add_argument("--out", type=Path, help="where the tables are written to")
    parser.add_argument("--strips", type=Path, help="where pictures are written to")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    options.runs.mkdir(parents=True, exist_ok=True)
    chosen = [method for method in TRAINED if not options.only or method.name in options.only]
    with Progress() as progress:
        task = progress.add_task("training", total=len(chosen))
        for method in chosen:
            progress.update(task, description=f"training {method.name}")
            train(method, options.runs / folder_of(method), options)
            progress.advance(task)
        rows, pooled = measure(options, progress)
    order = list(methods(options.runs, width=options.width))
    groups = [
        f"### {group}\n\n{table({name: found[name] for name in order if name in found}, pooled[group])}"
        for group, found in rows.items()
        if found
    ]
    text = "\n\n".join([costs(options, pooled), *groups])
    print(text)
    if options.out is not None:
        options.out.write_text(text + "\n", encoding="utf-8")
    if options.strips is not None:
        strips(options)


if __name__ == "__main__":
    main()
