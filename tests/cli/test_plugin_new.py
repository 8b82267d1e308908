from __future__ import annotations

import os
import shlex
import sys
from importlib.metadata import EntryPoint

import pytest

from mmbench.api import Dataset, Representation, Task
from mmbench.registry import load_registry

KINDS = {
    "representation": ("representation",),
    "task": ("task",),
    "task with a dataset": ("task", "--dataset"),
}


def registry_of(folder, name):
    """The built-in plugin and the one in this folder, found without installing it."""
    points = [
        EntryPoint("builtin", "mmbench.builtin.plugin", "mmbench"),
        EntryPoint(name, f"mmbench_{name.replace('-', '_')}", "mmbench"),
    ]
    sys.path.insert(0, str(folder))
    try:
        registry = load_registry(points)
        for group, kind in (
            ("representations", Representation), ("tasks", Task), ("datasets", Dataset)
        ):  # fmt: skip
            if name in getattr(registry, group):
                registry.configure(group, name, {}, kind)
    finally:
        sys.path.remove(str(folder))
    return registry


@pytest.mark.parametrize("arguments", KINDS.values(), ids=KINDS)
def test_what_is_written_is_a_plugin_under_its_name(call, tmp_path, monkeypatch, arguments):
    kind, *flags = arguments
    name = f"fresh-{len(flags)}-{kind}"  # modules are imported once a process
    said = call("plugin", "new", kind, name, *flags, "--into", tmp_path / "here")
    assert (said.code, said.err) == (0, "")
    folder = tmp_path / "here" / f"mmbench-{name}"
    assert said.out.startswith(f"wrote {folder}{os.sep}\n")
    for line in said.out.split("Next:")[0].splitlines()[1:]:
        assert (folder / line.strip()).is_file()

    monkeypatch.delenv("MMBENCH_LOAD_PLUGINS")
    registry = registry_of(folder, name)

    assert registry.problems == []
    entry = getattr(registry, f"{kind}s")[name]
    assert entry.spec.joins == ("quickstart",)
    assert (name in registry.datasets) == bool(flags)
    assert registry.configure(f"{kind}s", name, {}, object).object.info.name == name
    tests = (folder / "tests" / "test_conformance.py").read_text()
    assert f'@parametrize_with_checks("{name}")' in tests


@pytest.mark.parametrize(
    ("arguments", "commands"),
    [
        (("representation", "mine"), ["mmbench run quickstart -r mine"]),
        (("task", "mine"), ["mmbench run quickstart -t mine"]),
        (
            ("task", "mine", "--dataset"),
            [
                "mmbench data sample mine --root data --items 64",
                "mmbench run quickstart -t mine --data-root data",
            ],
        ),
    ],
)
def test_it_ends_with_the_commands_to_type(call, tmp_path, arguments, commands):
    into = tmp_path / "a folder"
    said = call("plugin", "new", *arguments, "--into", into)
    lines = [line.strip() for line in said.out.split("Next:\n")[1].splitlines()]
    assert shlex.split(lines[0]) == ["cd", str(into / "mmbench-mine")]
    assert lines[1:-1] == [
        'pip install -e ".[test]"', "pytest", "mmbench plugin check mine", *commands,
    ]  # fmt: skip
    readme = (into / "mmbench-mine" / "README.md").read_text()
    assert all(f"$ {line}\n" in readme for line in lines[1:-1])


def test_flags_fill_the_files(call, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    said = call(
        "plugin", "new", "representation", "mmbench-glow", "--author", "Ann Onym",
        "--licence", "MIT", "--description", "How much a picture glows.",
    )  # fmt: skip
    assert said.code == 0
    folder = tmp_path / "mmbench-glow"
    assert 'name = "mmbench-glow"' in (folder / "pyproject.toml").read_text()
    assert 'license = "MIT"' in (folder / "pyproject.toml").read_text()
    assert "Ann Onym" in (folder / "LICENSE").read_text()
    assert '"How much a picture glows",' in (folder / "mmbench_glow" / "__init__.py").read_text()
    assert (folder / "README.md").read_text().splitlines()[2] == "How much a picture glows."


def test_without_flags_the_authors_are_the_plugins(call, tmp_path):
    call("plugin", "new", "task", "glow", "--into", tmp_path)
    text = (tmp_path / "mmbench-glow" / "pyproject.toml").read_text()
    assert 'authors = [{ name = "The authors of mmbench-glow" }]' in text
    assert 'license = "Apache-2.0"' in text


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("representation", "Mean_Colour"), "'mean-colour' would do"),
        (("representation", "cca"), "is the name of a representation of mmbench\n"),
        (("representation", "quickstart"), "is the name of a suite of mmbench\n"),
        (("task", "cca"), "is the name of a representation of mmbench\n"),
        (("task", "class"), "'class-task' would do"),
        (("task", "mine", "--description", "a\nb"), r"--description: holds '\n'"),
        (("task", "mine", "--description", "."), "--description: is empty"),
        (("task", "mine", "--author", ""), "--author: is empty"),
        (("task", "mine", "--licence", "GPL"), "'GPL' is not one of"),
        (("representation", "mine", "--dataset"), "No such option"),
        (("dataset", "mine"), "No such command 'dataset'"),
        (("task",), "Missing argument 'NAME'"),
    ],
)
def test_what_cannot_be_is_misuse_and_writes_nothing(call, tmp_path, arguments, said):
    kind, *rest = arguments
    result = call("plugin", "new", kind, *rest, *(["--into", tmp_path] if rest else []))
    assert (result.code, result.out) == (2, "")
    assert said in result.err
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_overwritten(call, tmp_path):
    assert call("plugin", "new", "task", "mine", "--into", tmp_path).code == 0
    file = tmp_path / "mmbench-mine" / "mmbench_mine" / "task.py"
    file.write_text("my work")
    again = call("plugin", "new", "representation", "mine", "--into", tmp_path)
    assert (again.code, again.out) == (2, "")
    assert f"{tmp_path / 'mmbench-mine'}: is there already" in again.err
    assert file.read_text() == "my work"
    assert [path.name for path in tmp_path.iterdir()] == ["mmbench-mine"]


def test_a_file_is_no_folder(call, tmp_path):
    (tmp_path / "file").write_text("")
    said = call("plugin", "new", "task", "mine", "--into", tmp_path / "file")
    assert said.code == 2
    assert "is no folder" in said.err


def test_help_names_both_subcommands_without_importing_them(call, monkeypatch):
    for module in ("scaffolding", "conformance"):
        monkeypatch.setitem(sys.modules, f"mmbench.cli.{module}", None)  # importing it raises
    said = call("plugin", "--help")
    assert said.code == 0
    rows = [line.split(maxsplit=1) for line in said.out.split("Commands:")[1].splitlines()]
    assert [row[0] for row in rows if row][:2] == ["new", "check"]
