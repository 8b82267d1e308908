"""The quickstart, cold and warm: seconds, and what the second run still had to do.

python benchmarks/perf/quickstart.py
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path


def run(command: str, folder: Path) -> tuple[float, dict[str, int]]:
    """Wall seconds and counters of one run."""
    words = [command, "run", "quickstart", "--json"]
    words += ["--results", str(folder / "results"), "--cache", str(folder / "cache")]
    start = time.perf_counter()
    done = subprocess.run(words, check=True, capture_output=True, text=True)
    return time.perf_counter() - start, json.loads(done.stdout)["counters"]


def main() -> None:
    """Print the figures; the bounds are 90 s cold, and 3 s, no fits, no encodes warm."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--warm", type=int, default=5, help="warm runs")
    repeats = parser.parse_args().warm
    command = shutil.which("mmbench")
    if command is None:
        sys.exit("mmbench is not on PATH: install it first")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        seconds, counters = run(command, folder)
        print(f"cold   {seconds:6.1f} s   {counters}   (bound 90 s)")
        warm = [run(command, folder) for _ in range(repeats)]
        middle = sorted(seconds for seconds, _ in warm)[repeats // 2]
        print(f"warm   {middle:6.1f} s   {warm[-1][1]}   (bound 3 s; median of {repeats})")


if __name__ == "__main__":
    main()
