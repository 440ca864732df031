"""Write engines/manifest.json: what ships, and what was measured with it.

python -m export.manifest [--scores live.json oracle.json]

The scores are what `training.evaluate --json` writes; without them those of files that have not changed are kept.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from pathlib import Path
from typing import Any

import onnx

from livefill.backends.engines import PREFIX

__all__ = ["describe", "main", "write"]

SAID = ("kind", "name", "contract", "commit", "steps")


def describe(path: Path) -> dict[str, Any]:
    """Return what a file is: its digest, its size, and what it says about itself."""
    props = {entry.key.removeprefix(PREFIX): entry.value for entry in onnx.load(path).metadata_props}
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return {"sha256": digest, "bytes": path.stat().st_size, **{key: props[key] for key in SAID if key in props}}


def write(folder: Path, scores: dict[str, dict[str, float]] | None = None, *, name: str = "") -> None:
    """Describe every network of a folder; `scores` are of the generator of that `name`, by mode."""
    target = folder / "manifest.json"
    before = json.loads(target.read_text()) if target.exists() else {}
    entries = {}
    for path in sorted(folder.glob("*.onnx")):
        entry = describe(path)
        old = before.get(path.name, {})
        if path.stem == name and scores is not None:
            entry["scores"] = scores
        elif old.get("sha256") == entry["sha256"] and "scores" in old:
            entry["scores"] = old["scores"]
        entries[path.name] = entry
    target.write_text(json.dumps(entries, indent=1) + "\n")


def main() -> None:
    """Write the manifest."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=Path("engines"))
    parser.add_argument("--scores", type=Path, nargs="*", default=[], help="live.json, oracle.json")
    options = parser.parse_args()
    told = {path.stem: json.loads(path.read_text()) for path in options.scores}
    models = {one["model"] for one in told.values()} or {""}
    if len(models) > 1:
        parser.error(f"these are scores of {' and '.join(sorted(models))}: give those of one at a time")
    rounded = {mode: {key: round(value, 4) for key, value in one["mean"].items()} for mode, one in told.items()}
    write(options.folder, rounded or None, name=models.pop())


if __name__ == "__main__":
    main()
