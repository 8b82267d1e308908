from __future__ import annotations

import json
from importlib.metadata import version
from pathlib import Path

import pytest

from mmbench import __version__
from mmbench.cli import doctor as doctor_module


def test_a_healthy_installation(start):
    said = start("doctor")
    assert (said.code, said.err) == (0, "")
    for word in (f"mmbench    {__version__}", f"numpy {version('numpy')}", "Nothing is broken."):
        assert word in said.out
    assert f"plugin     mmbench {__version__} (builtin)" in said.out


def test_a_broken_plugin_is_named_with_its_mend(start, site):
    site("good-one", "from mmbench.api import hookimpl\n@hookimpl\ndef mmbench_tasks(): return []")
    site("broken-one", "raise ImportError('no module named frobnicate')")
    plugins = site("old-one", "MMBENCH_API_VERSION = 99")
    said = start("doctor", plugins=plugins)
    assert said.code == 1
    assert "plugin     good-one 1.2 (good-one-entry)" in said.out
    assert "plugin broken-one (entry point broken-one-entry): ImportError: no module" in said.out
    assert "pip install -U broken-one" in said.out
    assert "plugin old-one (entry point old-one-entry): was written for API version 99" in said.out
    facts = json.loads(start("doctor", "--json", plugins=plugins).out)
    assert len(facts["problems"]) == 2
    assert all(problem["mend"] for problem in facts["problems"])


def test_a_class_that_cannot_be_imported_is_named(start, site):
    plugins = site(
        "hollow",
        """
        from mmbench.api import TaskSpec, hookimpl

        @hookimpl
        def mmbench_tasks():
            return [TaskSpec("hollow-task", "nowhere_at_all:Task", hint="pip install nowhere")]
        """,
    )
    said = start("doctor", plugins=plugins)
    assert said.code == 1
    assert "tasks hollow-task: can't import nowhere_at_all:Task" in said.out
    assert "pip install nowhere" in said.out


def test_a_library_built_for_another_numpy_is_named(start, site):
    plugins = site("good-one", "from mmbench.api import hookimpl")
    (plugins / "pyarrow.py").write_text(
        "raise ImportError('numpy.core.multiarray failed to import')"
    )
    said = start("doctor", plugins=plugins)
    assert said.code == 1
    assert "pyarrow" in said.out.split("numpy.core.multiarray failed to import")[0]
    assert "constraints.txt numpy pyarrow pandas" in said.out


def test_torch_and_torchvision_of_different_builds(monkeypatch, tmp_path):
    (tmp_path / "torchvision.py").write_text(
        "raise RuntimeError('operator torchvision::nms does not exist')"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    (problem,) = doctor_module._import_problems({"torchvision": "0.1"})
    assert problem["where"] == "torchvision 0.1"
    assert "install both from one place" in problem["mend"]


def test_a_library_that_dies_without_a_word(monkeypatch, tmp_path):
    (tmp_path / "pandas.py").write_text("import os; os._exit(139)")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    (problem,) = doctor_module._import_problems({"pandas": "3"})
    assert problem["what"] == "it ended without a word"
    assert problem["mend"] == "pip install --force-reinstall pandas"


def test_a_library_that_does_not_come_is_a_finding(monkeypatch, tmp_path):
    (tmp_path / "torchvision.py").write_text("import time; time.sleep(60)")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr(doctor_module, "find_spec", lambda name: None)
    monkeypatch.setattr(doctor_module, "_TO_IMPORT", 0.5)
    (problem,) = doctor_module._import_problems({"torchvision": "0.1"})
    assert problem["where"] == "torchvision 0.1"
    assert problem["what"] == "import torchvision took longer than 0.5 s"


def test_a_store_that_cannot_be_written_and_a_full_disk(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("MMBENCH_CACHE", str(tmp_path / "not" / "yet"))
    assert doctor_module._folder_problems() == []
    assert [path.name for path in tmp_path.iterdir()] == ["file"]  # it leaves nothing behind
    monkeypatch.setenv("MMBENCH_CACHE", str(tmp_path / "file" / "inside"))
    (problem,) = doctor_module._folder_problems()
    assert problem["where"] == str(tmp_path / "file" / "inside")
    assert problem["what"] == "the store can't be written to: Not a directory"
    assert "MMBENCH_CACHE (or --cache" in problem["mend"]

    class Usage:
        free = 10

    monkeypatch.setenv("MMBENCH_CACHE", str(tmp_path))
    monkeypatch.setattr(doctor_module.shutil, "disk_usage", lambda _place: Usage)
    (problem,) = doctor_module._folder_problems()
    assert "less than 1 GB" in problem["what"]
    assert "mmbench cache prune" in problem["mend"]


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="there is no /proc here")
def test_a_home_that_nobody_can_write_to_is_not_a_full_disk(monkeypatch):
    """Root may write anywhere by its permissions, and /proc has 0 bytes free."""
    monkeypatch.delenv("MMBENCH_CACHE")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("HOME", "/proc/nohome")
    (problem,) = doctor_module._folder_problems()
    assert problem["where"].startswith("/proc/nohome/")
    assert "can't be written to" in problem["what"]


def test_a_torch_that_does_not_import_is_a_finding(start, site):
    plugins = site("good-one", "from mmbench.api import hookimpl")
    (plugins / "torch.py").write_text("raise OSError('libcudart.so.13: cannot open')")
    facts = json.loads(start("doctor", "--json", plugins=plugins).out)
    assert facts["devices"] == ["cpu"]
    assert any("libcudart" in p["what"] and "torch" in p["where"] for p in facts["problems"])


def test_a_plugins_command_that_is_none(start, site):
    plugins = site(
        "odd",
        """
        from mmbench.api import CommandSpec, hookimpl

        @hookimpl
        def mmbench_commands():
            return [CommandSpec("greet", "json:dumps", "No command")]
        """,
    )
    said = start("greet", plugins=plugins)
    assert (said.code, said.out) == (1, "")
    assert "odd 1.2 (entry point odd-entry): json:dumps is no click command" in said.err
    assert "@click.command()" in said.err
    assert start("--help", plugins=plugins).code == 0


def test_a_class_that_prints_does_not_spoil_the_json(start, site):
    plugins = site(
        "loud",
        """
        from mmbench.api import TaskSpec, hookimpl

        print("good morning")

        @hookimpl
        def mmbench_tasks():
            return [TaskSpec("loud-task", "loud_classes:Task")]
        """,
    )
    (plugins / "loud_classes.py").write_text("print('good evening')\nclass Task: pass\n")
    said = start("doctor", "--json", plugins=plugins)
    assert json.loads(said.out)["problems"] == []
    assert said.err.split("\n")[:2] == ["good morning", "good evening"]
