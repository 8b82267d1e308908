"""Start-up: `mmbench --help` and `mmbench list` beside the imports that any such tool needs.

Pairs are run in turn, so that the ratio holds when the machine's speed drifts.

    python benchmarks/perf/startup.py --repeats 15
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import subprocess
import sys
import time

PEER = [sys.executable, "-c", "import click, pluggy, rich.console"]
OTHERS = (["lm_eval", "--help"], ["inspect", "--help"], ["mteb", "--help"])


def seconds(command: list[str]) -> float:
    """Wall time of a whole process."""
    start = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - start


def compare(name: str, command: list[str], repeats: int) -> float:
    """Median of the paired ratios of `command` to the peer."""
    seconds(PEER), seconds(command)
    pairs = [(seconds(PEER), seconds(command)) for _ in range(repeats)]
    ratio = statistics.median(ours / peer for peer, ours in pairs)
    ours = statistics.median(ours for _, ours in pairs)
    peer = statistics.median(peer for peer, _ in pairs)
    print(f"{name:<24} {ours * 1e3:7.0f} ms   peer {peer * 1e3:5.0f} ms   ratio {ratio:5.2f}")
    return ratio


def main() -> None:
    """Print the ratios; the bound is 2."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=15)
    repeats = parser.parse_args().repeats
    ours = shutil.which("mmbench")
    if ours is None:
        sys.exit("mmbench is not on PATH: install it first")
    print(f"peer: {' '.join(PEER[1:])}; medians of {repeats} pairs; bound 2")
    for words in (["--help"], ["list"]):
        compare(f"mmbench {' '.join(words)}", [ours, *words], repeats)
    for command in OTHERS:
        if shutil.which(command[0]):
            compare(" ".join(command), command, min(repeats, 5))
        else:
            print(f"{' '.join(command):<24} not installed")


if __name__ == "__main__":
    main()
