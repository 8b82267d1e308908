"""``mmbench doctor``: versions, devices, plugins, data, and how to mend what is broken."""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Any

import click

from mmbench import __version__
from mmbench.cli.main import COMMANDS, registry

if TYPE_CHECKING:
    from mmbench.loading import PluginInfo

__all__ = ["doctor"]

LIBRARIES = (
    "numpy", "scipy", "scikit-learn", "pandas", "pyarrow", "pluggy", "click", "rich",
    "torch", "torchvision", "torchaudio", "open_clip_torch", "laion-clap", "transformers",
)  # fmt: skip
#: Seconds that a library has to be imported.
_TO_IMPORT = 120.0
EXAMPLES = """\b
Examples:
  mmbench doctor
  mmbench doctor --json
"""


@click.command(epilog=EXAMPLES)
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")
def doctor(as_json: bool) -> int:
    """Say what is installed, what is broken, and how to mend it. Exit code 1 if anything is."""
    from mmbench.runner.environment import installed_version

    versions = {name: found for name in LIBRARIES if (found := installed_version(name))}
    problems = [*_plugin_problems(), *_import_problems(versions), *_folder_problems()]
    facts = {
        "mmbench": __version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "cores": os.cpu_count(),
        "libraries": versions,
        "devices": _devices(),
        "folders": _folders(),
        "plugins": [
            f"{plugin.distribution} {plugin.version} ({plugin.entry_point})"
            for plugin in registry().plugins
        ],
        "problems": problems,
    }
    if as_json:
        click.echo(json.dumps(facts, indent=1))
    else:
        _print(facts)
    return 1 if problems else 0


def _plugin_problems() -> list[dict[str, str]]:
    """What was left out, what can't be imported, and what makes every command slow."""
    return [*_left_out(), *_classes_that_do_not_import(), *_hidden_commands(), *_heavy_modules()]


def _finding(plugin: PluginInfo, what: str, mend: str, part: str = "") -> dict[str, str]:
    """A problem of a plugin, or of the part of it that is named."""
    where = f"plugin {plugin.distribution} (entry point {plugin.entry_point})"
    return {
        "where": f"{where}, {part}" if part else where,
        "what": what,
        "mend": mend,
        "distribution": plugin.distribution,
        "entry_point": plugin.entry_point,
    }


def _left_out() -> list[dict[str, str]]:
    """Plugins and specs that were left out."""
    return [_finding(p.plugin, p.what, p.mend) for p in registry().problems]


def _classes_that_do_not_import() -> list[dict[str, str]]:
    from mmbench.api.errors import MmbenchError
    from mmbench.registry import load_object

    known = registry()
    found = []
    for group in ("representations", "tasks", "datasets", "commands"):
        for name, entry in getattr(known, group).items():
            for path in filter(None, (entry.spec.path, getattr(entry.spec, "builder", ""))):
                try:
                    load_object(path, entry)
                except MmbenchError as error:
                    again = f"pip install -U {entry.plugin.distribution}"
                    mend = getattr(entry.spec, "hint", "") or again
                    found.append(_finding(entry.plugin, error.what, mend, f"{group} {name}"))
    return found


def _hidden_commands() -> list[dict[str, str]]:
    """Commands of plugins that have the name of one of ours, which is what is called then."""
    return [
        _finding(
            entry.plugin,
            f"its command {name!r} has the name of one of mmbench's own, and can't be called",
            f"rename it, or pip uninstall {entry.plugin.distribution}",
        )
        for name, entry in registry().commands.items()
        if name in COMMANDS
    ]


def _heavy_modules() -> list[dict[str, str]]:
    """Plugins whose hooks take long to import: all commands wait for them."""
    from mmbench.import_cost import BUDGET_MS, import_costs

    modules = {plugin.module.partition(":")[0]: plugin for plugin in registry().plugins}
    found = []
    for module, cost in import_costs(modules).items():
        if cost.light:
            continue
        took = f"importing {module} takes {cost.milliseconds:.0f} ms"
        brings = f" and imports {', '.join(cost.heavy)}" if cost.heavy else ""
        what = f"{took}{brings}; every command waits for it (allowed: {BUDGET_MS:.0f} ms)"
        mend = f"import heavy packages inside the functions that use them, not in {module}"
        found.append(_finding(modules[module], what, mend))
    return found


def _import_problems(versions: dict[str, str]) -> list[dict[str, str]]:
    """Libraries that are installed and don't import, the known fault named."""
    found = []
    for name in ("pyarrow", "pandas", "torch", "torchvision"):
        if name not in versions and find_spec(name) is None:
            continue
        where = f"{name} {versions.get(name, '')}".strip()
        try:
            done = subprocess.run(  # noqa: S603 - our own interpreter and a fixed word
                [sys.executable, "-W", "ignore", "-c", f"import {name}"],
                capture_output=True, text=True, check=False, timeout=_TO_IMPORT,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            what = f"import {name} took longer than {_TO_IMPORT:g} s"
            mend = "look for what else this machine does, or for a slow disk; then ask again"
            found.append({"where": where, "what": what, "mend": mend})
            continue
        if done.returncode == 0:
            continue
        last = (done.stderr.strip().splitlines() or ["it ended without a word"])[-1]
        mend = f"pip install --force-reinstall {name}"
        if "torchvision::nms" in done.stderr:
            mend = (
                "torch and torchvision are builds of different kinds (one for the CPU, one for "
                "CUDA): install both from one place, pip install torch==2.14.1 torchvision==0.29.1"
            )
        elif "NumPy" in last or "numpy" in last:
            mend = "pip install -c constraints.txt numpy pyarrow pandas (the tested set)"
        found.append({"where": where, "what": last, "mend": mend})
    return found


def _folders() -> dict[str, str]:
    from mmbench.runner.folders import cache_root, data_root

    return {"cache": str(cache_root()), "data": str(data_root())}


def _folder_problems() -> list[dict[str, str]]:
    """A store that can't be written to, or a disk that is nearly full."""
    cache = Path(_folders()["cache"])
    place = cache
    while not place.exists():
        place = place.parent
    choose = "set MMBENCH_CACHE (or --cache, run by run) to"
    try:
        with TemporaryFile(dir=place):  # permissions alone don't tell: /proc, read-only mounts
            pass
    except OSError as error:
        what = f"the store can't be written to: {error.strerror or error}"
        mend = f"{choose} a folder that you may write to"
        return [{"where": str(cache), "what": what, "mend": mend}]
    if shutil.disk_usage(place).free < 2**30:
        mend = f"`mmbench cache prune`, or {choose} another disk"
        return [{"where": str(cache), "what": "less than 1 GB is free", "mend": mend}]
    return []


def _devices() -> list[str]:
    """What `--device` takes here, GPUs with their names."""
    from mmbench.runner.devices import available_devices

    return [
        f"{device} ({_gpu_name(device)})" if device.startswith("cuda") else device
        for device in available_devices()
    ]


def _gpu_name(device: str) -> str:
    import torch

    return str(torch.cuda.get_device_name(device))


def _print(facts: dict[str, Any]) -> None:
    for name in ("mmbench", "python", "platform", "cores"):
        click.echo(f"{name:<10} {facts[name]}")
    click.echo(f"{'libraries':<10} " + ", ".join(f"{n} {v}" for n, v in facts["libraries"].items()))
    click.echo(f"{'devices':<10} {', '.join(facts['devices'])}")
    for name, place in facts["folders"].items():
        click.echo(f"{name:<10} {place}")
    for plugin in facts["plugins"]:
        click.echo(f"{'plugin':<10} {plugin}")
    if not facts["problems"]:
        click.echo(click.style("Nothing is broken.", fg="green"))
    for problem in facts["problems"]:
        click.echo(click.style(f"{problem['where']}: {problem['what']}", fg="red"))
        click.echo(f"  {problem['mend']}")
