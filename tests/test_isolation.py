"""Ten kinds of broken plugin, installed beside a good one: every command works as without them."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import unicodedata
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise

import installing
import pytest

#: What starts the command line as the installed script does.
MAIN = "from mmbench.cli.main import main; main()"
RUN = ("run", "a-good-suite", "--results", "results", "--cache", "cache", "--resamples", "100")
#: Commands in their order: later ones read what `run` wrote.
COMMANDS = [
    ("--help",),
    ("--version",),
    ("list",),
    ("list", "--json"),
    ("list", "plugins"),
    ("list", "representations", "--json"),
    ("show", "a-good"),
    ("show", "a-good-task", "--json"),
    ("show", "a-good-dataset"),
    ("show", "a-good-suite"),
    ("show", "random"),
    ("show", "quickstar"),
    ("a-good-command",),
    ("no-such-command",),
    ("run", "quickstart", "--dry-run", "--results", "results", "--cache", "cache"),
    RUN,
    (*RUN, "--json"),
    ("leaderboard", "results/a-good-suite"),
    ("score", "results/a-good-suite", "--cache", "cache"),
    ("data", "status"),
    ("data", "check", "a-good-dataset"),
    ("cache", "size", "--cache", "cache"),
    ("cache", "verify", "--cache", "cache"),
    ("plugin", "--help"),
]
#: Distribution to what doctor says is wrong with it, and how to mend it.
SAID = {
    "dependency": (
        "ModuleNotFoundError: No module named 'frobnicated_models'",
        "install what brings the module 'frobnicated_models'",
    ),
    "duplicate": (
        "its RepresentationSpec 'a-good' has the name of one of mmbench-good's",
        "rename it, or pip uninstall mmbench-broken-duplicate or pip uninstall mmbench-good",
    ),
    "exit": ("SystemExit: run me as a script", "pip install -U mmbench-broken-exit"),
    "future": ("was written for API version 99", "pip install -U mmbench, or pip uninstall"),
    "heavy": (" and imports pandas", "import heavy packages inside the functions that use them"),
    "hook": ("RuntimeError: the list of tasks is not", "pip install -U mmbench-broken-hook"),
    "import": ("ImportError: cannot import name", "pip install -U mmbench mmbench-broken-import"),
    "name": (r"'\x1b[31mred' has a name that can't be used", "rename it: up to 100 letters"),
    "return": ("mmbench_representations() returned {", "pip install -U mmbench-broken-return"),
    "version": ("names 'one' as its API version", "set MMBENCH_API_VERSION = 1 in"),
}


@dataclass
class Said:
    """What a command said and how it ended."""

    code: int
    out: str
    err: str


def call(site, cwd, *arguments):
    done = subprocess.run(
        [sys.executable, "-c", MAIN, *arguments], cwd=cwd, env=installing.environment(site),
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    here = str(site.parent)
    out, err = (text.replace(here, "HERE") for text in (done.stdout, done.stderr))
    return Said(done.returncode, out, err)


@pytest.fixture(scope="module")
def _clean():
    with pytest.MonkeyPatch.context() as patch:
        for name in ("MMBENCH_LOAD_PLUGINS", "FORCE_COLOR", "NO_COLOR", "COLUMNS"):
            patch.delenv(name, raising=False)
        yield


@pytest.fixture(scope="module")
def broken_site(tmp_path_factory, _clean):
    site = tmp_path_factory.mktemp("broken") / "site"
    return installing.install(site, *installing.BROKEN, "mmbench-good")


@pytest.fixture(scope="module")
def said(tmp_path_factory, broken_site) -> dict[tuple[str, ...], tuple[Said, Said]]:
    """What each command says beside the good plugin alone, and with the ten beside it."""
    # Its path is as long as the other's: tables cut both in the same place.
    good_site = installing.install(tmp_path_factory.mktemp("intact") / "site", "mmbench-good")

    def all_commands(site):
        cwd = site.parent / "work"
        cwd.mkdir()
        return [call(site, cwd, *command) for command in COMMANDS]

    with ThreadPoolExecutor(2) as pool:
        pairs = zip(*pool.map(all_commands, (good_site, broken_site)), strict=True)
    return dict(zip(COMMANDS, pairs, strict=True))


@pytest.fixture(scope="module")
def doctor(broken_site):
    return {
        "text": call(broken_site, broken_site, "doctor"),
        "json": call(broken_site, broken_site, "doctor", "--json"),
    }


def as_lines(text):
    """Lines without what a broken plugin that still works brings, column widths and times."""
    lines = [" ".join(line.split()) for line in text.splitlines()]
    lines = [re.sub(r"\d+\.\d+ s\b|\d+(\.\d+)? (kB|MB)\b", "-", line) for line in lines]
    return sorted(re.sub(r"^\[\d+/", "[", line) for line in lines if "broken-" not in line)


def control_characters(text):
    return {char for char in text if unicodedata.category(char)[0] == "C"} - {"\n"}


def without_broken(rows):
    """JSON of `list`, without the rows of the broken distributions."""
    return {
        group: [row for row in each if not row["distribution"].startswith("mmbench-broken-")]
        for group, each in rows.items()
    }


def test_there_are_ten_kinds():
    assert sorted(f"mmbench-broken-{kind}" for kind in SAID) == list(installing.BROKEN)


@pytest.mark.slow
@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_works_as_without_them(said, command):
    good, broken = said[command]
    assert broken.code == good.code
    assert good.code == (2 if command[-1] in {"no-such-command", "quickstar"} else 0), good.err
    if command[0] == "list" and "--json" in command:
        assert without_broken(json.loads(broken.out)) == json.loads(good.out)
    else:
        assert as_lines(broken.out) == as_lines(good.out)
    problems = re.compile(r"^\d+ plugin problems: `mmbench doctor` names them\.$", re.MULTILINE)
    assert len(problems.findall(broken.err)) == (command[0] == "list")
    assert as_lines(problems.sub("", broken.err)) in (as_lines(good.err), ["", *as_lines(good.err)])


@pytest.mark.slow
def test_the_good_plugin_measures_what_it_should(said):
    good, broken = said[RUN]
    for each in (good, broken):
        assert re.search(r"^1 +a-good +95\.0 ", each.out, re.MULTILINE)


@pytest.mark.slow
@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_no_command_prints_a_control_character(said, command):
    assert control_characters(said[command][1].out + said[command][1].err) == set()


@pytest.mark.parametrize("kind", SAID)
def test_doctor_names_it_with_reason_and_mend(doctor, kind):
    what, mend = SAID[kind]
    assert doctor["json"].code == doctor["text"].code == 1
    found = [
        problem
        for problem in json.loads(doctor["json"].out)["problems"]
        if problem["distribution"] == f"mmbench-broken-{kind}"
    ]
    assert {problem["entry_point"] for problem in found} == {f"broken-{kind}"}
    assert any(what in problem["what"] and mend in problem["mend"] for problem in found)
    head = f"plugin mmbench-broken-{kind} (entry point broken-{kind})"
    lines = doctor["text"].out.splitlines()
    assert any(
        line.startswith(head) and what in line and mend in after for line, after in pairwise(lines)
    )


def test_doctor_blames_nobody_else(doctor):
    problems = json.loads(doctor["json"].out)["problems"]
    strangers = {problem.get("distribution", problem["where"]) for problem in problems}
    assert strangers == set(installing.BROKEN)
    assert control_characters(doctor["text"].out) == set()


def test_the_command_that_hides_behind_ours_is_named(doctor):
    assert "its command 'list' has the name of one of mmbench's own" in doctor["text"].out
