from __future__ import annotations

import json

import pytest
from faulty_plugin import faulty_plugin

__all__ = ["faulty_plugin"]

GROUPS = ("representations", "tasks", "datasets", "suites", "plugins")
NAMES = {
    "representations": {"random", "cca", "cca-image-text", "cca-audio-text", "arrays"},
    "tasks": {"numbers-retrieval-image-text", "numbers-localization"},
    "datasets": {"numbers"},
    "suites": {"quickstart"},
}
BROKEN = """
    from mmbench.api import RepresentationSpec, hookimpl

    @hookimpl
    def mmbench_representations():
        return [RepresentationSpec("hollow", "no_such_module:Model", hint="pip install it")]
"""


@pytest.mark.parametrize("group", GROUPS)
def test_list_one_group(call, group):
    said = call("list", group)
    assert (said.code, said.err) == (0, "")
    first, *lines = said.out.splitlines()
    assert first == group
    shown = {line.split()[0] for line in lines}
    assert shown >= NAMES.get(group, {"mmbench"})
    assert all(line.startswith("  ") and line == line.rstrip() for line in lines)


def test_list_all_groups(call):
    said = call("list")
    heads = [line for line in said.out.splitlines() if not line.startswith(" ")]
    assert heads == list(GROUPS)


@pytest.mark.parametrize("group", GROUPS)
def test_list_as_json_says_the_same(call, group):
    rows = json.loads(call("list", group, "--json").out)
    assert set(rows) == {group}
    lines = call("list", group).out.splitlines()[1:]
    assert [line.split()[0] for line in lines] == [
        row.get("name", row.get("distribution")) for row in rows[group]
    ]
    assert all(row["distribution"] == "mmbench" for row in rows[group])


def test_list_tasks_by_protocol(call):
    rows = json.loads(call("list", "tasks", "--json").out)["tasks"]
    protocols = {row["name"]: row["protocol"] for row in rows}
    assert protocols["numbers-localization"] == "localization"
    assert protocols["numbers-retrieval-image-text"] == "retrieval"


def test_list_says_that_a_plugin_is_broken(start, site):
    said = start("list", "plugins", plugins=site("broken-thing", "1 / 0"))
    assert said.code == 0
    assert said.err == "1 plugin problem: `mmbench doctor` names it.\n"
    assert "broken-thing" not in said.out


@pytest.mark.parametrize("name", ["cca-image-text", "random", "arrays"])
def test_show_a_representation(call, name):
    said = call("show", name)
    assert (said.code, said.err) == (0, "")
    assert said.out.startswith(f"{name} (representation)\n")
    assert "options:" in said.out
    assert "from: mmbench" in said.out


def test_show_presets_defaults_and_required_options(call):
    assert "first: 'image' (preset; takes" in call("show", "cca-image-text").out
    assert "folder: required (takes str)" in call("show", "arrays").out
    assert "similarity: 'cosine' (takes 'cosine' | 'dot')" in call("show", "arrays").out


def test_show_a_thing_that_needs_an_option_says_so(call):
    said = call("show", "arrays")
    assert said.code == 0
    assert "needs: " in said.out
    assert "folder" in said.out.split("needs: ")[1]


def test_show_a_task_with_its_metrics(call):
    said = call("show", "numbers-retrieval-image-text")
    assert said.out.startswith("numbers-retrieval-image-text (task)\n")
    for word in ("metrics:", "image→text R@1", "protocol: retrieval", "query: 'image' (preset"):
        assert word in said.out


def test_show_a_representation_that_takes_whatever_it_meets(call):
    lines = call("show", "random").out.splitlines()
    assert "  takes: any stream" in lines
    assert "  gives: any subset of its streams, once it is bound to them" in lines


def test_show_a_dataset_with_its_collections_and_streams(call):
    said = call("show", "numbers").out
    assert "  options: none\n" in said
    assert (
        "    test:\n      items: 400\n"
        "      streams: image (Image), audio (Audio, generated), text (Text, generated)"
    ) in said
    facts = json.loads(call("show", "numbers", "--json").out)["datasets"]
    assert facts["collections"]["test"]["items"] == 400
    assert facts["options"] == {}


def test_show_a_dataset_that_is_not_there(call, faulty_plugin, monkeypatch):
    monkeypatch.setenv("MMBENCH_LOAD_PLUGINS", "faulty")
    said = call("show", "faulty-absent")
    assert said.code == 0
    assert "collections: not on this machine: `mmbench data status faulty-absent`" in said.out


def test_show_a_dataset_and_a_suite(call):
    assert call("show", "numbers").out.startswith("numbers (dataset)\n")
    said = call("show", "quickstart")
    assert said.out.startswith("quickstart (suite)\n")
    assert "numbers-retrieval-image-text" in said.out


def test_everything_listed_can_be_shown(call):
    listed = json.loads(call("list", "--json").out)
    for group in GROUPS[:-1]:
        for row in listed[group]:
            said = call("show", row["name"], "--json")
            assert said.code == 0, (row["name"], said.err)
            facts = json.loads(said.out)[group]
            assert facts["summary"] == row["summary"]
            if group in {"representations", "tasks"}:
                assert isinstance(facts["options"], dict)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("cca-image-txt", "cca-image-text"), ("quikstart", "quickstart"), ("nummbers", "numbers")],
)
def test_show_an_unknown_name_gives_the_nearest(call, typed, meant):
    said = call("show", typed)
    assert (said.code, said.out) == (2, "")
    assert f"nothing installed is called {typed!r}" in said.err
    assert "did you mean" in said.err
    assert meant in said.err


def test_show_a_class_that_cannot_be_imported(start, site):
    said = start("show", "hollow", plugins=site("hollow-dist", BROKEN))
    assert (said.code, said.out) == (1, "")
    for word in ("no_such_module", "hollow-dist 1.2", "pip install it"):
        assert word in said.err


def test_show_a_suite_says_who_joined_it(start, site):
    source = """
        from mmbench.api import RepresentationSpec, TaskSpec, hookimpl

        @hookimpl
        def mmbench_representations():
            return [RepresentationSpec("guest", "nowhere:Model", joins=("quickstart",))]

        @hookimpl
        def mmbench_tasks():
            return [TaskSpec("guest-task", "nowhere:Task", joins=("quickstart",))]
    """
    plugins = site("guests-dist", source)
    shown = json.loads(start("show", "quickstart", "--json", plugins=plugins).out)["suites"]
    own, joined = shown["representations"][:4], shown["representations"][4:]
    assert own == ["random", "cca", "cca-image-text", "cca-audio-text"]
    assert "guest (joined, from guests-dist)" in joined  # beside what else is installed here
    assert all(" (joined, from " in each for each in joined)
    assert shown["tasks"][-1] == "guest-task (joined, from guests-dist)"
    said = start("run", "quickstart", "-r", "guest", "--dry-run", "--json", plugins=plugins)
    plan = json.loads(said.out)
    assert {"name": "guest", "distribution": "guests-dist"} in plan["joined"]
    assert {cell["state"] for cell in plan["cells"]} == {"broken"}
