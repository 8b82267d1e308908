"""Many plugins: `mmbench list` with two hundred fabricated distributions beside the same with five.

Each distribution has its metadata and brings a representation and a task. Its hooks are in the
package itself, as the author's guide and `mmbench plugin new` lay them out, or in a module alone.
A package whose hooks are in a module inside it is imported in two steps: it is shown too, beyond
the bound. Pairs are run in turn, so that the ratio holds when the machine's speed drifts.

    python benchmarks/perf/many_plugins.py --repeats 25
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HOOKS = '''"""The hooks of a fabricated plugin."""

from mmbench.api import RepresentationSpec, TaskSpec, hookimpl

MMBENCH_API_VERSION = 1


@hookimpl
def mmbench_representations():
    return [RepresentationSpec("{name}-model", "{package}.model:Model", "A model, fabricated")]


@hookimpl
def mmbench_tasks():
    path = "{package}.task:Task"
    return [TaskSpec("{name}-task", path, "A task, fabricated", protocol="retrieval")]
'''
#: Where the hooks are: in the package, in a module that is all there is, in a module of a package.
LAYOUTS = ("package", "module", "nested")
METADATA = """Metadata-Version: 2.4
Name: mmbench-{name}
Version: 1.0
Summary: A fabricated plugin
License-Expression: Apache-2.0
Requires-Python: >=3.11
Requires-Dist: mmbench
Requires-Dist: torch>=2.4
Description-Content-Type: text/markdown

"""


def fabricate(site: Path, count: int, layout: str = "package") -> Path:
    """Write so many installed distributions into a folder, their hooks laid out in one way."""
    for number in range(count):
        name = f"made-{number:03d}"
        package = f"mmbench_made_{number:03d}"
        hooks = HOOKS.format(name=name, package=package)
        module = f"{package}.plugin" if layout == "nested" else package
        if layout == "module":
            site.mkdir(parents=True, exist_ok=True)
            (site / f"{package}.py").write_text(hooks)
        else:
            (site / package).mkdir(parents=True)
            if layout == "nested":
                (site / package / "plugin.py").write_text(hooks)
                hooks = '"""A fabricated plugin."""\n'
            (site / package / "__init__.py").write_text(hooks)
            for heavy in ("model", "task"):  # listing must not touch these
                (site / package / f"{heavy}.py").write_text("import torch\n")
        info = site / f"{package}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(METADATA.format(name=name) + "It measures things.\n\n" * 100)
        (info / "entry_points.txt").write_text(f"[mmbench]\n{name} = {module}\n")
    return site


def seconds(command: list[str], site: Path) -> float:
    """Wall time of a whole process that sees the plugins."""
    environment = {**os.environ, "PYTHONPATH": str(site)}
    for name in ("PYTHONDONTWRITEBYTECODE", "MMBENCH_LOAD_PLUGINS"):
        environment.pop(name, None)
    start = time.perf_counter()
    subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def compare(name: str, command: list[str], few: Path, many: Path, repeats: int) -> None:
    """Print the medians, and the median of the paired ratios."""
    seconds(command, few), seconds(command, many)  # compiles them
    pairs = [(seconds(command, few), seconds(command, many)) for _ in range(repeats)]
    ratio = statistics.median(long / short for short, long in pairs)
    short, long = (statistics.median(each) * 1e3 for each in zip(*pairs, strict=True))
    print(f"{name:<10} few {short:5.0f} ms   many {long:5.0f} ms   ratio {ratio:5.2f}")


def main() -> None:
    """Print the ratio; the bound is 1.5."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=25)
    parser.add_argument("--few", type=int, default=5)
    parser.add_argument("--many", type=int, default=200)
    options = parser.parse_args()
    ours = shutil.which("mmbench")
    if ours is None:
        sys.exit("mmbench is not on PATH: install it first")
    print(
        f"{options.few} and {options.many} plugins, medians of {options.repeats} pairs; bound 1.5"
    )
    with tempfile.TemporaryDirectory() as folder:
        for layout in LAYOUTS:
            few, many = (
                fabricate(Path(folder) / layout / str(n), n, layout)
                for n in (options.few, options.many)
            )
            compare(layout, [ours, "list"], few, many, options.repeats)


if __name__ == "__main__":
    main()
