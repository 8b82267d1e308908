"""The built-in plugin: light to import, and every path it names exists."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module

import pytest

from mmbench.api import Dataset, Representation, Task
from mmbench.builtin import plugin
from mmbench.options import resolve_options


def test_importing_it_imports_nothing_heavy():
    script = (
        "import sys, mmbench.builtin.plugin as p\n"
        "p.mmbench_representations(), p.mmbench_datasets(), p.mmbench_tasks(), p.mmbench_suites()\n"
        "heavy = {'numpy', 'scipy', 'sklearn', 'pandas', 'pyarrow', 'torch'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    subprocess.run(
        [sys.executable, "-c", script], check=True, env={"PYTHONPATH": ":".join(sys.path)}
    )


SPECS = [
    *((spec, Representation) for spec in plugin.mmbench_representations()),
    *((spec, Dataset) for spec in plugin.mmbench_datasets()),
    *((spec, Task) for spec in plugin.mmbench_tasks()),
]


@pytest.mark.parametrize(("spec", "base"), SPECS, ids=lambda value: getattr(value, "name", ""))
def test_specs_name_classes_whose_options_fit(spec, base):
    module, _, name = spec.path.partition(":")
    cls = getattr(import_module(module), name)
    assert issubclass(cls, base)
    given = {"folder": "somewhere"} if spec.name == "arrays" else {}
    built = cls(**resolve_options(cls, spec.options, given, where=spec.name))
    assert spec.name.startswith(built.info.name)  # presets of a task share its name
    assert spec.summary


def test_names_are_unique():
    for specs in (
        plugin.mmbench_representations(),
        plugin.mmbench_datasets(),
        plugin.mmbench_tasks(),
        plugin.mmbench_suites(),
    ):
        names = [spec.name for spec in specs]
        assert names
        assert len(set(names)) == len(names)
