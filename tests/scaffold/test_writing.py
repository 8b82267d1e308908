from __future__ import annotations

import ast
import csv
import sys
import tomllib
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest

import mmbench.scaffold
from mmbench.api import DataError, UsageError
from mmbench.scaffold import writing
from mmbench.scaffold.naming import LONGEST
from mmbench.scaffold.writing import (
    LICENCES,
    LONGEST_DESCRIPTION,
    Blueprint,
    check_line,
    render,
    write_package,
)

TEMPLATES = Path(mmbench.scaffold.__file__).parent / "templates"
PLAIN = Blueprint("representation", "mean-colour", "Ann O'Nym", "MIT", "A try", 2031)
BLUEPRINTS = {
    "representation": PLAIN,
    "task": replace(PLAIN, kind="task"),
    "dataset": replace(PLAIN, kind="task", dataset=True),
    "longest": replace(PLAIN, name="w" * LONGEST, description="x" * LONGEST_DESCRIPTION),
}


@pytest.mark.parametrize("blueprint", BLUEPRINTS.values(), ids=BLUEPRINTS)
def test_every_file_is_filled_in_and_parses(blueprint):
    files = render(blueprint)
    package = blueprint.package
    assert {
        "pyproject.toml", "README.md", "LICENSE", ".gitignore", ".github/workflows/ci.yml",
        f"{package}/__init__.py", f"{package}/py.typed",
        f"{package}/{blueprint.kind}.py", "tests/test_conformance.py",
    } <= set(files)  # fmt: skip
    assert (f"{package}/dataset.py" in files) == blueprint.dataset
    for name, text in files.items():
        assert "$" not in text.replace("${{ matrix.python }}", "").replace("\n$ ", "\n"), name
        assert text.endswith("\n") or name.endswith("py.typed")
        assert not any(line != line.rstrip() for line in text.splitlines()), name
        if name.endswith(".py"):
            ast.parse(text)
    project = tomllib.loads(files["pyproject.toml"])["project"]
    assert project["name"] == blueprint.distribution
    assert project["entry-points"]["mmbench"] == {blueprint.name: package}
    assert project["description"] == blueprint.description
    assert project["authors"] == [{"name": "Ann O'Nym"}]


def test_no_line_of_a_file_is_too_long():
    for blueprint in BLUEPRINTS.values():
        for name, text in render(blueprint).items():
            long = [line for line in text.splitlines() if len(line) > 100]
            assert not (long and name.endswith(".py")), (name, long)


def test_a_second_name_of_the_class_is_made_of_the_first():
    assert '"mean-colour-fine"' in render(PLAIN)[f"{PLAIN.package}/__init__.py"]


def test_the_reader_takes_captions_as_they_are(tmp_path, monkeypatch):
    blueprint = BLUEPRINTS["dataset"]
    module = ModuleType("reader")
    monkeypatch.setitem(sys.modules, "reader", module)
    exec(render(blueprint)[f"{blueprint.package}/dataset.py"], vars(module))
    caption = 'two\nlines, a "word" and\u2028one more'
    path = tmp_path / "items.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([module.COLUMNS, ["a", "test", "x", caption]])
    assert [item.caption for item in module._read_list(path)] == [caption]
    with path.open("a", encoding="utf-8") as file:
        file.write("b,test,x\n")
    with pytest.raises(DataError, match=r"items\.csv, line 4"):
        module._read_list(path)
    path.write_text(path.read_text(encoding="utf-8") + 'c,test,x,"cut off', encoding="utf-8")
    with pytest.raises(DataError, match="can't be read: unexpected end"):
        module._read_list(path)


def test_every_template_is_used(monkeypatch):
    used = set()
    monkeypatch.setattr(writing, "_filled", lambda template, _values: used.add(f"{template}.tmpl"))
    for blueprint in BLUEPRINTS.values():
        for licence in LICENCES:
            render(replace(blueprint, licence=licence))
    there = {path.relative_to(TEMPLATES).as_posix() for path in TEMPLATES.rglob("*.*")}
    assert used == there


@pytest.mark.parametrize(
    ("licence", "first"), [("MIT", "MIT License"), ("Apache-2.0", "Apache License")]
)
def test_the_licence_is_the_one_asked_for(licence, first):
    files = render(replace(PLAIN, licence=licence))
    assert files["LICENSE"].strip().startswith(first)
    assert "2031 Ann O'Nym" in files["LICENSE"]
    assert tomllib.loads(files["pyproject.toml"])["project"]["license"] == licence
    assert f"\n{licence}. See" in files["README.md"]


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "is empty"),
        ("  ", "is empty"),
        ("a\nb", r"holds '\\n'"),
        ("\x1b[31mred", r"holds '\\x1b'"),
        ('say "x"', "holds '\"'"),
        ("back\\slash", r"holds '\\\\'"),
        ("x" * 21, "is 21 columns wide; 20 will fit"),
        ("名" * 11, "is 22 columns wide"),
        ("\ud800", r"holds '\\ud800'"),
    ],
)
def test_a_line_that_would_need_escaping_is_refused(text, what):
    with pytest.raises(UsageError, match=what) as caught:
        check_line(text, "--author", longest=20)
    assert caught.value.where == "--author"


def test_other_lines_pass():
    assert check_line(" Zoë d'Été, 名 $5 ", "--author", longest=20) == "Zoë d'Été, 名 $5"


def test_a_package_is_written_as_rendered(tmp_path):
    files = render(PLAIN)
    write_package(tmp_path / "deep" / "er" / "package", files)
    folder = tmp_path / "deep" / "er" / "package"
    written = {
        path.relative_to(folder).as_posix(): path.read_bytes().decode("utf-8")
        for path in folder.rglob("*")
        if path.is_file()
    }
    assert written == files
    assert [path.name for path in folder.parent.iterdir()] == ["package"]
    ours, usual = folder.stat().st_mode, folder.parent.stat().st_mode
    assert ours == usual  # no folder that only its owner may read


@pytest.mark.parametrize("there", ["folder", "file", "dangling link"])
def test_what_is_there_is_left_as_it_is(tmp_path, there):
    place = tmp_path / "package"
    if there == "folder":
        place.mkdir()
    elif there == "file":
        place.write_text("mine")
    else:
        place.symlink_to(tmp_path / "nowhere")
    with pytest.raises(UsageError, match="is there already") as caught:
        write_package(place, render(PLAIN))
    assert caught.value.where == str(place)
    assert [path.name for path in tmp_path.iterdir()] == ["package"]
    assert there != "folder" or not list(place.iterdir())


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_a_failure_leaves_nothing_half_written(tmp_path, monkeypatch, error):
    write_text, written = Path.write_text, []

    def failing(path, *args, **kwargs):
        if len(written) == 5:
            raise error
        written.append(path)
        return write_text(path, *args, **kwargs)

    monkeypatch.setattr(Path, "write_text", failing)
    expected = UsageError if isinstance(error, OSError) else KeyboardInterrupt
    with pytest.raises(expected):
        write_package(tmp_path / "package", render(PLAIN))
    assert len(written) == 5
    assert list(tmp_path.iterdir()) == []
