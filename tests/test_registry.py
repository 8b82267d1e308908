"""The registry: each kind of broken plugin is named and left out, and the others stay."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import textwrap
from dataclasses import dataclass
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from mmbench.api import (
    Dataset,
    PluginError,
    Representation,
    RepresentationSpec,
    Task,
    TaskSpec,
    UsageError,
)
from mmbench.loading import NAME_RULE
from mmbench.registry import LOAD_PLUGINS, load_object, load_registry

GOOD = """
    from mmbench.api import RepresentationSpec, hookimpl

    @hookimpl
    def mmbench_representations():
        return [RepresentationSpec("{name}", "{module}_classes:Thing", "a thing")]
"""
CLASSES = """
    from mmbench.api import Representation

    class Thing(Representation):
        info = None

        def __init__(self, *, dim: int = 3) -> None:
            if dim < 0:
                raise ArithmeticError("less than nothing")
            if dim == 0:
                raise SystemExit(3)
            self.dim = dim

    class Abstract(Representation):
        pass

    class Other:
        pass
"""
BROKEN = {
    "missing import": ("import a_module_that_nobody_has", "ModuleNotFoundError"),
    "raises": ("1 / 0", "ZeroDivisionError"),
    "syntax error": ("def", "SyntaxError"),
    "exits": ("import sys; sys.exit(3)", "SystemExit: 3"),
    "panics": ("class PanicException(BaseException): pass\nraise PanicException('rust')", "rust"),
    "later version": ("MMBENCH_API_VERSION = 99", "API version 99"),
    "no hook": ("def mmbench_representations(): return []", "implements no hook"),
    "unknown hook": (
        "from mmbench.api import hookimpl\n@hookimpl\ndef mmbench_models(): return []",
        "unknown hook 'mmbench_models'",
    ),
    "unknown argument": (
        "from mmbench.api import hookimpl\n@hookimpl\ndef mmbench_tasks(config): return []",
        "config",
    ),
    "unknown hook and argument": (
        """
        from mmbench.api import hookimpl
        @hookimpl
        def mmbench_aaa(): return []
        @hookimpl
        def mmbench_tasks(config): return []
        """,
        "unknown hook 'mmbench_aaa'",
    ),
    "hook raises": (
        "from mmbench.api import hookimpl\n@hookimpl\ndef mmbench_tasks(): raise OSError('no')",
        "OSError: no",
    ),
    "no list": (
        "from mmbench.api import hookimpl\n@hookimpl\ndef mmbench_tasks(): return 3",
        "mmbench_tasks() returned 3, no list of specs",
    ),
    "no return": (
        "from mmbench.api import hookimpl\n@hookimpl\ndef mmbench_tasks(): []",
        "mmbench_tasks() returned None, no list of specs",
    ),
    "a string": (
        "from mmbench.api import hookimpl\n@hookimpl\ndef mmbench_tasks(): return 'clip'",
        "mmbench_tasks() returned 'clip', no list of specs",
    ),
    "a version in words": ("MMBENCH_API_VERSION = 'one'", "names 'one' as its API version"),
    "version 0": ("MMBENCH_API_VERSION = 0", "names 0 as its API version"),
    "version True": ("MMBENCH_API_VERSION = True", "names True as its API version"),
    "an error without words": (
        "class Odd(Exception):\n    def __str__(self): return 1 / 0\nraise Odd",
        "Odd",
    ),
}
BAD_SPECS = {
    "a string": ("'clip'", "returned 'clip' where a RepresentationSpec"),
    "another hook's": ("TaskSpec('t', 'm:C')", "where a RepresentationSpec was expected"),
    "no name": ("RepresentationSpec('', 'm:C')", "incomplete"),
    "no class": ("RepresentationSpec('x', 'module')", "incomplete"),
    "name is no string": ("RepresentationSpec(3, 'm:C')", "incomplete"),
    "options": ("RepresentationSpec('x', 'm:C', options=None)", "not a mapping"),
    "summary": ("RepresentationSpec('x', 'm:C', None)", "the summary of its Repr"),
    "hint": ("RepresentationSpec('x', 'm:C', hint=3)", "the hint of its Repr"),
    "a class that raises": (
        "Raising('x', 'm:C')",
        "raises ZeroDivisionError",
    ),
}
BAD_NAMES = [
    "[bold]x[/]", "\x1b[31mred", "two\nlines", "right\u202eleft", "a b", "a/b", "../up", "-o", ".x",
    "x" * 101, "naïve", "x\n",
]  # fmt: skip


@dataclass
class FakeDistribution:
    name: str
    version: str = "1.2"


class DamagedDistribution:
    @property
    def name(self):
        raise KeyError("Name")

    version = None


def entry_point(name, value, dist):
    point = EntryPoint(name, value, "mmbench")
    vars(point)["dist"] = dist
    return point


@pytest.fixture
def plugin(tmp_path, monkeypatch):
    """Write a plugin module and give its entry point, of a distribution of its own."""
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delenv(LOAD_PLUGINS, raising=False)

    def write(name, source, dist=None):
        module = f"plug_{tmp_path.name}_{name}".replace("-", "_")
        source = textwrap.dedent(source).replace("{name}", name).replace("{module}", module)
        (tmp_path / f"{module}.py").write_text(source)
        (tmp_path / f"{module}_classes.py").write_text(textwrap.dedent(CLASSES))
        return entry_point(name, module, dist or FakeDistribution(f"dist-{name}"))

    return write


@pytest.mark.parametrize(("source", "said"), BROKEN.values(), ids=BROKEN)
def test_a_broken_plugin_is_named_and_the_others_stay(plugin, source, said):
    points = [plugin("aa", GOOD), plugin("broken", source), plugin("zz", GOOD)]
    registry = load_registry(points)
    assert list(registry.representations) == ["aa", "zz"]
    assert [each.distribution for each in registry.plugins] == ["dist-aa", "dist-zz"]
    (problem,) = registry.problems
    assert (problem.plugin.distribution, problem.plugin.version) == ("dist-broken", "1.2")
    assert problem.plugin.entry_point == "broken"
    assert said in problem.what
    assert "dist-broken" in problem.mend


@pytest.mark.parametrize(("spec", "said"), BAD_SPECS.values(), ids=BAD_SPECS)
def test_a_bad_spec_is_left_out_and_the_plugins_other_specs_stay(plugin, spec, said):
    source = f"""
        from mmbench.api import RepresentationSpec, TaskSpec, hookimpl

        class Raising(RepresentationSpec):
            def __getattribute__(self, name):
                return 1 / 0

        @hookimpl
        def mmbench_representations():
            return [RepresentationSpec("before", "m:C"), {spec}, RepresentationSpec("after", "m:C")]
    """
    registry = load_registry([plugin("one", source)])
    assert list(registry.representations) == ["before", "after"]
    (problem,) = registry.problems
    assert said in problem.what


def test_a_name_that_is_taken_stays_with_the_first(plugin):
    source = GOOD.replace("{name}", "clip")
    points = [plugin("later", source), plugin("early", source), plugin("other", GOOD)]
    registry = load_registry(points)
    assert registry.representations["clip"].plugin.distribution == "dist-early"
    assert "other" in registry.representations
    (problem,) = registry.problems
    assert problem.plugin.distribution == "dist-later"
    assert "'clip' has the name of one of dist-early's" in problem.what
    assert load_registry(points[::-1]).representations == registry.representations


def test_nobody_takes_a_builtin_name(plugin):
    builtin = entry_point("builtin", "mmbench.builtin.plugin", FakeDistribution("mmbench"))
    thief = plugin("thief", GOOD.replace("{name}", "random"), FakeDistribution("aaa"))
    registry = load_registry([thief, builtin])
    assert registry.representations["random"].plugin.distribution == "mmbench"
    assert [problem.plugin.distribution for problem in registry.problems] == ["aaa"]


def test_names_of_other_groups_do_not_collide(plugin):
    both = """
        from mmbench.api import RepresentationSpec, TaskSpec, hookimpl

        @hookimpl
        def mmbench_representations():
            return [RepresentationSpec("numbers", "m:C")]

        @hookimpl
        def mmbench_tasks():
            return [TaskSpec("numbers", "m:C")]
    """
    registry = load_registry([plugin("both", both)])
    assert registry.problems == []
    assert "numbers" in registry.representations
    assert "numbers" in registry.tasks


@pytest.mark.parametrize("dist", [None, DamagedDistribution()])
def test_damaged_metadata_hurts_nobody(plugin, dist):
    point = plugin("odd", GOOD)
    vars(point)["dist"] = dist
    registry = load_registry([point, plugin("good", GOOD)])
    assert registry.problems == []
    assert registry.representations["odd"].plugin.distribution == "?"
    assert "good" in registry.representations


def test_an_entry_point_that_names_no_module_is_a_problem(plugin):
    points = [entry_point("x", "not a module!", FakeDistribution("odd")), plugin("good", GOOD)]
    registry = load_registry(points)
    assert list(registry.representations) == ["good"]
    assert [problem.plugin.distribution for problem in registry.problems] == ["odd"]


def test_ctrl_c_at_import_is_the_users(plugin):
    with pytest.raises(KeyboardInterrupt):
        load_registry([plugin("stopped", "raise KeyboardInterrupt")])


@pytest.mark.parametrize(
    ("wanted", "loaded"),
    [
        (None, ["builtin", "aa", "bb"]),
        ("", ["builtin"]),
        ("bb", ["builtin", "bb"]),
        (" aa , bb ", ["builtin", "aa", "bb"]),
        ("unknown", ["builtin"]),
    ],
)
def test_what_is_loaded_can_be_limited(plugin, monkeypatch, wanted, loaded):
    if wanted is not None:
        monkeypatch.setenv(LOAD_PLUGINS, wanted)
    builtin = entry_point("builtin", "mmbench.builtin.plugin", FakeDistribution("mmbench"))
    points = [plugin("bb", GOOD), plugin("aa", GOOD), builtin]
    assert [each.entry_point for each in load_registry(points).plugins] == loaded


def test_a_class_is_built_with_its_options(plugin):
    registry = load_registry([plugin("thing", GOOD)])
    configured = registry.configure("representations", "thing", {"dim": 5}, Representation)
    assert configured.object.dim == 5
    assert configured.options == {"dim": 5}
    assert configured.entry.plugin.distribution == "dist-thing"


@pytest.mark.parametrize(
    ("options", "error", "said"),
    [
        ({"dim": -1}, PluginError, "its constructor raised ArithmeticError: less than nothing"),
        ({"dim": 0}, PluginError, "its constructor raised SystemExit: 3"),
        ({"dims": 1}, UsageError, "representation thing: has no option 'dims'"),
        ({"dim": "x"}, UsageError, "it takes int"),
    ],
)
def test_a_constructor_that_fails_is_named(plugin, options, error, said):
    registry = load_registry([plugin("thing", GOOD)])
    with pytest.raises(error, match=said):
        registry.configure("representations", "thing", options, Representation)


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("{module}_classes:Gone", "AttributeError"),
        ("a_module_that_nobody_has:Thing", "ModuleNotFoundError"),
        ("{module}_exits:Thing", "SystemExit"),
        ("{module}_classes:Other", "is not a Representation"),
        ("{module}_classes:Abstract", "TypeError"),
    ],
)
def test_a_class_that_cannot_be_had_is_named(plugin, tmp_path, path, said):
    point = plugin("thing", GOOD.replace("{module}_classes:Thing", path))
    (tmp_path / f"{point.value}_exits.py").write_text("raise SystemExit(1)")
    registry = load_registry([point])
    assert registry.problems == []  # listing imports no class
    with pytest.raises(PluginError, match=said):
        registry.configure("representations", "thing", {}, Representation)


def test_an_import_error_shows_the_specs_hint(plugin):
    source = GOOD.replace('"a thing"', '"a thing", hint="pip install the-weights"')
    registry = load_registry([plugin("thing", source.replace("_classes:", "_gone:"))])
    entry = registry.find("representations", "thing")
    with pytest.raises(PluginError, match="pip install the-weights") as caught:
        load_object(entry.spec.path, entry)
    assert caught.value.where == "dist-thing 1.2 (entry point thing)"


def test_an_unknown_name_is_answered_with_the_nearest():
    point = entry_point("builtin", "mmbench.builtin.plugin", FakeDistribution("mmbench"))
    registry = load_registry([point])
    assert registry.problems == []
    with pytest.raises(UsageError, match=r"no representation called 'randm'\n.*random"):
        registry.find("representations", "randm")
    with pytest.raises(UsageError, match="no task called 'zzz'"):
        registry.configure("tasks", "zzz", {}, Task)


def test_every_builtin_spec_is_named_once_and_complete():
    point = entry_point("builtin", "mmbench.builtin.plugin", FakeDistribution("mmbench"))
    registry = load_registry([point])
    for group, kind in (("tasks", Task), ("datasets", Dataset)):
        for name, entry in getattr(registry, group).items():
            assert entry.spec.summary, name
            assert isinstance(registry.configure(group, name, {}, kind).object, kind)
    assert all(entry.spec.protocol for entry in registry.tasks.values())


def test_listing_imports_nothing_heavy():
    code = (
        "import sys; from mmbench.registry import load_registry; load_registry();"
        "print([m for m in ('numpy', 'pandas', 'pyarrow', 'sklearn', 'scipy', 'torch')"
        " if m in sys.modules])"
    )
    environment = {**os.environ, LOAD_PLUGINS: ""}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment
    )
    assert done.stdout.strip() == "[]"


def test_specs_are_plain_data():
    assert RepresentationSpec("a", "m:C") == RepresentationSpec("a", "m:C")
    assert TaskSpec("a", "m:C", options={"k": 1}).options == {"k": 1}


JOINING = """
    from mmbench.api import RepresentationSpec, SuiteSpec, TaskSpec, hookimpl

    @hookimpl
    def mmbench_representations():
        return [RepresentationSpec("{name}", "m:C", joins={joins})]

    @hookimpl
    def mmbench_tasks():
        return [TaskSpec("{name}", "m:C", joins={joins})]

    @hookimpl
    def mmbench_suites():
        return [SuiteSpec("{name}-suite", "m:s.toml")]
"""


def test_an_entry_may_join_any_suite_that_is_there(plugin):
    # Of a plugin that is loaded before it, after it, and its own.
    source = JOINING.replace("{joins}", "('aa-suite', 'bb-suite', 'zz-suite')")
    none = JOINING.replace("{joins}", "()")
    registry = load_registry([plugin("aa", none), plugin("bb", source), plugin("zz", none)])
    assert registry.problems == []
    assert registry.tasks["bb"].spec.joins == ("aa-suite", "bb-suite", "zz-suite")


@pytest.mark.parametrize("joins", ["'quickstart'", "['quickstart']", "('quickstart', 3)", "None"])
def test_an_entry_that_joins_nonsense_joins_nothing_and_stays(plugin, joins):
    registry = load_registry([plugin("odd", JOINING.replace("{joins}", joins))])
    assert [problem.plugin.distribution for problem in registry.problems] == ["dist-odd"] * 2
    assert "RepresentationSpec 'odd' joins" in registry.problems[0].what
    assert "not a tuple of names" in registry.problems[0].what
    assert 'joins=("quickstart",)' in registry.problems[0].mend
    assert registry.representations["odd"].spec.joins == registry.tasks["odd"].spec.joins == ()


def test_an_entry_that_joins_for_nonsense_joins_nothing_and_stays(plugin):
    joins = "('odd-suite',), joins_for='numbers-localization'"
    source = JOINING.replace("joins={joins}", f"joins={joins}", 1).replace("{joins}", "()")
    registry = load_registry([plugin("odd", source)])
    (problem,) = registry.problems
    assert "RepresentationSpec 'odd' joins for 'numbers-localization', not a tuple" in problem.what
    assert problem.mend.startswith('write joins_for=("')
    spec = registry.representations["odd"].spec
    assert spec.joins == spec.joins_for == ()


def test_an_entry_that_joins_an_unknown_suite_is_a_problem_and_stays(plugin):
    source = JOINING.replace("{joins}", "('odd-siute',)")
    registry = load_registry([plugin("odd", source)])
    assert set(registry.representations) == set(registry.tasks) == {"odd"}
    first, second = registry.problems
    assert "RepresentationSpec 'odd' joins the suite 'odd-siute', which is not" in first.what
    assert "TaskSpec 'odd'" in second.what
    assert first.mend == "did you mean odd-suite?"


@pytest.mark.parametrize("name", BAD_NAMES)
def test_a_name_that_cannot_be_typed_is_refused_and_shown_escaped(plugin, name):
    source = f"""
        from mmbench.api import RepresentationSpec, hookimpl

        @hookimpl
        def mmbench_representations():
            return [RepresentationSpec({name!r}, "m:C")]
    """
    registry = load_registry([plugin("one", source)])
    assert registry.representations == {}
    (problem,) = registry.problems
    assert "has a name that can't be used" in problem.what
    assert problem.what.isprintable()
    assert ascii(name)[1:40] in ascii(problem.what).replace("\\\\", "\\")
    assert NAME_RULE in problem.mend


def test_what_a_spec_says_of_itself_fits_a_line(plugin):
    source = GOOD.replace(
        '"a thing"', r'"a\n  thing \x1b[31m \u202e[bold]", hint="pip\x07 install"'
    )
    registry = load_registry([plugin("one", source)])
    spec = registry.representations["one"].spec
    assert spec.summary == r"a thing \x1b[31m \u202e[bold]"
    assert spec.hint == r"pip\x07 install"
    assert spec.path.endswith("_classes:Thing")


def test_a_metadata_name_fits_a_line(plugin):
    point = plugin("odd", GOOD, FakeDistribution("di\x1b[31mst", "1\n2"))
    registry = load_registry([point])
    assert registry.plugins[0].distribution == r"di\x1b[31mst"
    assert registry.plugins[0].version == "1 2"


def test_of_two_that_take_one_name_the_faultless_keeps_it(plugin):
    first = """
        from mmbench.api import RepresentationSpec, hookimpl

        @hookimpl
        def mmbench_representations():
            return [RepresentationSpec(name, "m:C") for name in ("zz", "a b")]
    """
    points = [plugin("aa", first), plugin("zz", GOOD)]
    registry = load_registry(points)
    assert registry.representations["zz"].plugin.distribution == "dist-zz"
    assert [each.distribution for each in registry.plugins] == ["dist-aa", "dist-zz"]
    assert {problem.plugin.distribution for problem in registry.problems} == {"dist-aa"}


def test_what_a_plugin_prints_does_not_reach_our_output(plugin, capsys):
    source = GOOD.replace("@hookimpl", "print('imported')\n\n    @hookimpl")
    point = plugin("loud", source.replace("        return", "        print('asked'); return"))
    registry = load_registry([point])
    (Path(sys.path[0]) / f"{point.value}_classes.py").write_text(
        f"print('the class'){textwrap.dedent(CLASSES)}".replace(
            "if dim < 0", "print('built')\n        if dim < 0"
        )
    )
    registry.configure("representations", "loud", {}, Representation)
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.split("\n") == ["imported", "asked", "the class", "built", ""]


@pytest.mark.parametrize(
    ("source", "mend"),
    [
        ("import a_module_that_nobody_has.part", "brings the module 'a_module_that_nobody_has'"),
        ("from mmbench.api import Reprsentation", "pip install -U mmbench dist-one, or"),
        ("import mmbench.nowhere", "pip install -U mmbench dist-one, or"),
        ("import {module}.nowhere", "pip install -U dist-one, or"),
    ],
)
def test_an_import_error_is_mended_where_it_comes_from(plugin, source, mend):
    (problem,) = load_registry([plugin("one", source)]).problems
    assert mend in problem.mend
    assert problem.mend.endswith("pip uninstall dist-one")


def test_an_object_may_be_a_plugin(plugin):
    source = """
        from mmbench.api import RepresentationSpec, hookimpl

        class Plugin:
            @hookimpl
            def mmbench_representations(self):
                return [RepresentationSpec("bound", "m:C")]

            @hookimpl(specname="mmbench_tasks")
            def any_name(self):
                return []

        plugin = Plugin()
    """
    point = plugin("one", source)
    registry = load_registry([entry_point("one", f"{point.value}:plugin", FakeDistribution("one"))])
    assert registry.problems == []
    assert list(registry.representations) == ["bound"]


@pytest.mark.parametrize("damage", [b"[mmbench]\nno equals sign\n", b"[mmbench]\n\xff = x\n"])
def test_a_distribution_whose_entry_points_cannot_be_read_hides_no_other(
    plugin, tmp_path, monkeypatch, damage
):
    for name, points in (("good", None), ("damaged", damage)):
        info = tmp_path / f"{name}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n\nText")
        value = plugin("good", GOOD).value
        (info / "entry_points.txt").write_bytes(points or f"[mmbench]\ngood = {value}\n".encode())
    monkeypatch.setenv(LOAD_PLUGINS, "good")
    registry = load_registry()
    assert "good" in registry.representations
    assert "random" in registry.representations
    (problem,) = registry.problems
    assert (problem.plugin.distribution, problem.plugin.version) == ("damaged", "1.0")
    assert problem.what.startswith("its entry points can't be read: ")
    assert problem.mend == "pip install --force-reinstall damaged, or pip uninstall damaged"


def test_garbage_is_collected_again_afterwards(plugin):
    load_registry([plugin("broken", "import gc\nassert not gc.isenabled()\n1 / 0")])
    assert gc.isenabled()
    gc.disable()
    try:
        load_registry([])
        assert not gc.isenabled()
    finally:
        gc.enable()
