from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from faulty_plugin import environment, faulty_plugin

from mmbench.cli.main import run_cli

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["faulty_plugin"]

pytestmark = pytest.mark.usefixtures("faulty_plugin")

SUITE = """\
name = "mine"

[[representation]]
name = "steady"

[[representation]]
name = "learnt"

[[task]]
name = "pairs"

[[task]]
name = "crops"
"""


MISFIT = """
[[representation]]
name = "learnt"
[[task]]
name = "pairs"
[task.fit_on]
dataset = "nowhere"
train = "x"
"""
MAIN = "from mmbench.cli.main import main; main()"


@dataclass
class Said:
    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        return json.loads(self.out)


@pytest.fixture
def mmbench(tmp_path, monkeypatch, capfd):
    """Run the command line in this process, its results and store in a temporary folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MMBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("MMBENCH_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("MMBENCH_LOAD_PLUGINS", "faulty")

    def call(*arguments: str) -> Said:
        capfd.readouterr()
        code = run_cli(["run", *arguments, "--resamples", "50"])
        captured = capfd.readouterr()
        return Said(code, captured.out, captured.err)

    return call


@pytest.fixture
def suite(tmp_path) -> Path:
    path = tmp_path / "mine.toml"
    path.write_text(SUITE, encoding="utf-8")
    return path


def write(path: Path, text: str) -> str:
    path.write_text(text, encoding="utf-8")
    return str(path)


def statuses(said: Said) -> dict[tuple[str, str], str]:
    return {(c["representation"], c["task"]): c["status"] for c in said.json["cells"]}


def scores(folder: Path) -> dict[str, bytes]:
    names = ("md", "csv", "json", "parquet")
    return {name: (folder / f"leaderboard.{name}").read_bytes() for name in names}


def test_a_run_ends_with_leaderboards(mmbench, suite, tmp_path) -> None:
    said = mmbench(str(suite))

    assert said.code == 0
    results = tmp_path / "results" / "mine"
    assert "left→right R@1" in (results / "leaderboard.md").read_text()
    assert all(scores(results).values())
    assert (results / "cost.csv").exists()
    assert "pairs" in said.out
    assert "steady" in said.out
    assert "3 ok (0 kept from before), 0 failed, 1 skipped; 1 fit, 72 items encoded" in said.err
    assert "learnt must be trained, and crops names no training data" in said.err
    assert "\x1b[" not in said.out + said.err  # no terminal, no animation


def test_a_second_run_does_nothing(mmbench, suite, tmp_path) -> None:
    first = mmbench(str(suite), "--json")
    assert (first.code, first.json["counters"]) == (
        0, {"cached": 0, "encodes": 72, "fits": 1, "reused": 0, "scores": 3}
    )  # fmt: skip
    before = scores(tmp_path / "results" / "mine")

    again = mmbench(str(suite), "--json")

    assert again.json["counters"] == {
        "cached": 3, "encodes": 0, "fits": 0, "reused": 0, "scores": 0
    }  # fmt: skip
    assert scores(tmp_path / "results" / "mine") == before
    assert first.json["cells"] == again.json["cells"]

    elsewhere = mmbench(str(suite), "--json", "--results", "elsewhere")  # vectors: from the store
    assert elsewhere.json["counters"] == {
        "cached": 0, "encodes": 0, "fits": 0, "reused": 72, "scores": 3
    }  # fmt: skip
    assert scores(tmp_path / "elsewhere" / "mine") == before


def test_no_suite_is_needed(mmbench, tmp_path) -> None:
    said = mmbench("-r", "steady", "-t", "pairs", "-t", "drawn", "-o", "items=7", "--json")

    assert said.code == 0
    assert said.json["suite"] == "adhoc"
    assert statuses(said) == {("steady", "pairs"): "ok", ("steady", "drawn"): "ok"}
    assert (tmp_path / "results" / "adhoc" / "leaderboard.md").exists()


def test_a_dry_run_says_the_plan_and_touches_nothing(mmbench, suite, tmp_path) -> None:
    said = mmbench(str(suite), "--dry-run")

    assert said.code == 0
    assert "names no training data" in re.sub(r"\s+", " ", said.out)
    assert "4 cells, 0 done, 3 to do, 1 skipped" in re.sub(r"\s+", " ", said.out)
    assert not (tmp_path / "results").exists()
    plan = mmbench(str(suite), "--dry-run", "--json").json
    assert plan["counters"] == {"encodes": 72, "fits": 1, "reused": 0, "scores": 3}
    assert [cell["state"] for cell in plan["cells"]] == ["planned"] * 3 + ["skipped"]


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        ([], "nothing to run"),
        (["-r", "steady"], "nothing to run"),
        (["qickstart"], "did you mean quickstart"),
        (["nowhere.toml"], "can't read the suite"),
        (["-r", "staedy", "-t", "pairs"], "'staedy'\n  did you mean steady"),
        (["-r", "steady", "-t", "pears"], "did you mean pairs"),
        (["mine.toml", "-r", "leanrt"], "did you mean learnt"),
        (["mine.toml", "-o", "sclae=2"], "did you mean scale"),
        (["mine.toml", "-o", "scale"], "not of the form key=value"),
        (["mine.toml", "-o", "scale=big"], "option 'scale' is 'big'"),
        (["mine.toml", "--seeds", "a"], "not a list of whole numbers"),
        (["mine.toml", "--seeds", "0,-1"], "from 0 up"),
        (["mine.toml", "--batch-size", "0"], "neither 'auto' nor a whole number"),
        (["mine.toml", "--limit", "0"], "0"),
        (["mine.toml", "--precision", "fp8"], "fp8"),
        (["mine.toml", "--nope"], "--nope"),
    ],
)  # fmt: skip
def test_misuse_is_exit_2_and_one_message(mmbench, suite, tmp_path, arguments, what) -> None:
    said = mmbench(*arguments)

    assert said.code == 2
    assert what in said.err
    assert "Traceback" not in said.err
    assert said.out == ""
    assert not (tmp_path / "results").exists()


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("name = ", "bad.toml: is not valid TOML"),
        ('[[task]]\nname = "pairs"', "bad.toml: names no representations"),
        ('[[representation]]\nname = "steady"', "bad.toml: names no tasks"),
        ('[[task]]\nname = "pears"\n[[representation]]\nname = "steady"',
         "bad.toml, line 2: there is no task called 'pears'"),
        ('[[task]]\nname = "pairs"\n[[representation]]\n\nname = "staedy"',
         "bad.toml, line 5: there is no representation called 'staedy'"),
        ('[[task]]\nname = "pairs"\noptions = { itmes = 3 }\n[[representation]]\nname = "steady"',
         "has no option 'itmes'"),
        (MISFIT, "there is no dataset called 'nowhere'"),
        ('[[task]]\nname = "pairs"\nseeds = [1]\n[[representation]]\nname = "steady"',
         "bad.toml, line 3: unknown key 'seeds'"),
    ],
)  # fmt: skip
def test_a_bad_suite_is_exit_2_and_names_the_place(mmbench, tmp_path, text, what) -> None:
    said = mmbench(write(tmp_path / "bad.toml", text))

    assert said.code == 2
    assert what in said.err
    assert "bad.toml" in said.err
    assert "Traceback" not in said.err


def test_what_is_optional_and_not_there_is_skipped(mmbench, tmp_path) -> None:
    text = SUITE + '[[representation]]\nname = "not-installed"\noptional = true\n'
    said = mmbench(write(tmp_path / "mine.toml", text), "-t", "pairs")

    assert said.code == 0
    assert "not-installed is optional and not installed" in said.err
    assert "2 ok" in said.err
    assert "2 skipped" not in said.err


def test_data_that_is_not_there_is_skipped_with_what_was_looked_for(mmbench, tmp_path) -> None:
    said = mmbench("-r", "steady", "-t", "absent", "-t", "pairs")

    assert said.code == 0
    assert f"looked for {tmp_path}/data/faulty-absent/list.csv" in said.err
    assert "get it from https://example.org/absent" in said.err


def test_a_fault_is_exit_1_and_the_rest_is_done(mmbench, tmp_path) -> None:
    text = """
[[representation]]
name = "faulty"
label = "killed"
options = { fault = "kill" }
[[representation]]
name = "faulty"
label = "raises"
options = { fault = "raise" }
[[representation]]
name = "faulty"
label = "prints"
options = { fault = "print" }
[[representation]]
name = "unimportable"
[[task]]
name = "pairs"
"""
    path = write(tmp_path / "mixed.toml", text)
    said = mmbench(path)

    assert said.code == 1
    assert "the worker was killed by SIGKILL (out of memory?)" in said.err
    # what a plugin says is shown as it is, though rich might take it for markup
    assert "encode() raised KeyError: 'broken encode [/red] on purpose'" in said.err
    assert "can't import mmbench_faulty.nowhere:Nothing" in said.err
    assert "1 ok (0 kept from before), 3 failed, 0 skipped" in said.err
    assert "the plugin prints this" not in said.out + said.err
    assert "prints" in said.out
    log = tmp_path / "results" / "mixed" / "logs" / "prints.log"
    assert "the plugin prints this" in log.read_text()

    again = mmbench(path, "--json")
    assert again.code == 1
    assert again.json["counters"]["cached"] == 1
    assert again.json["counters"]["encodes"] == 0
    assert sorted(set(statuses(again).values())) == ["failed", "ok"]
    healed = mmbench(path, "--json", "-o", "fault=none", "-r", "killed", "-r", "raises")
    assert healed.code == 0


def test_fail_fast_is_exit_1_and_says_what_was_not_run(mmbench) -> None:
    said = mmbench("-r", "unimportable", "-r", "steady", "-t", "pairs", "--fail-fast")

    assert said.code == 1
    assert "1 failed, 0 skipped, 1 not run" in said.err


def lacking(folder) -> list[tuple[str, bool]]:
    """The items that the failed record lists, and whether its log names each with its reason."""
    paths = (folder / "results" / "adhoc" / "records").glob("*.json")
    found = [json.loads(path.read_text("utf-8")) for path in paths]
    (record,) = (each for each in found if each["status"] == "failed")
    (entry,) = (each for each in record["data"] if each["name"] == "pairs")
    assert (record["items_used"], record["items_total"], entry["used"]) == (7, 12, 7)
    lines = [line.strip() for line in record["error"]["log"].splitlines()]
    return [
        (each["id"], f"pairs[{each['id']}]: {each['reason']}" in lines) for each in entry["dropped"]
    ]


def test_strict_fails_a_cell_that_lacks_items_and_names_them(mmbench, tmp_path) -> None:
    broken = [f"test-{row:03d}" for row in range(1, 6)]
    one = ("-r", "steady", "-t", "pairs", "-o", f"broken={json.dumps(broken)}")
    strict = mmbench(*one, "--strict")
    assert strict.code == 1
    assert "5 of 12 items can't be used: pairs[test-001]:" in strict.err
    assert "pairs[test-003]:" in strict.err
    assert "pairs[test-004]:" not in strict.err
    assert "; and 2 more, all in the failed record" in strict.err
    assert "Traceback" not in strict.err
    assert lacking(tmp_path) == [(item, True) for item in broken]
    (log,) = (tmp_path / "results" / "adhoc" / "logs").glob("*.log")
    assert all(f"pairs[{item}]: " in log.read_text("utf-8") for item in broken)

    lenient = mmbench(*one)
    assert lenient.code == 0
    assert "5 items of 12 dropped from pairs" in lenient.err
    again = mmbench(*one, "--strict")  # the record that is there now is not what was asked for
    assert again.code == 1
    assert "5 of 12 items can't be used" in again.err
    assert lacking(tmp_path) == [(item, True) for item in broken]
    assert mmbench(*one, "--json").json["counters"]["cached"] == 1  # and it is still there
    assert mmbench("-r", "steady", "-t", "pairs", "--strict").code == 0


def test_a_limit_marks_records_and_leaves_the_leaderboard_alone(mmbench, tmp_path) -> None:
    one = ("-r", "steady", "-t", "pairs")
    results = tmp_path / "results" / "adhoc"
    alone = mmbench(*one, "--limit", "3")
    assert re.search(r"partial  steady on pairs: .* over 3 items", alone.out)
    assert "No cell" not in alone.out
    assert alone.code == 0
    assert "on no leaderboard" in alone.err
    assert not (results / "leaderboard.md").exists()
    (path,) = (results / "records").glob("*.json")
    record = json.loads(path.read_text())
    assert (record["partial"], record["items_used"]) == (True, 3)

    assert mmbench(*one, "--json").json["counters"]["cached"] == 0
    before = scores(results)
    mmbench(*one, "--limit", "3")

    assert scores(results) == before
    assert len(list((results / "records").glob("*.json"))) == 2


def test_seeds_make_one_cell_where_nothing_is_seeded(mmbench, tmp_path) -> None:
    said = mmbench("-r", "steady", "-r", "seeded", "-t", "pairs", "--seeds", "0,1,2", "--json")

    seeds = {}
    for cell in said.json["cells"]:
        seeds.setdefault(cell["representation"], []).append(cell["seed"])
    assert seeds == {"steady": [None], "seeded": [0, 1, 2]}
    board = json.loads((tmp_path / "results" / "adhoc" / "leaderboard.json").read_text())
    rows = {row["name"]: row["seeds"] for row in board["tables"][0]["rows"]}
    assert (rows["steady"], rows["seeded"]) == (1, 3)


def shards(tmp_path: Path) -> list[Path]:
    found = (tmp_path / "cache" / "vectors").glob("??/*/*.npy")
    return sorted(path for path in found if not path.name.endswith(".keys.npy"))


def test_damage_is_found_mended_and_said(mmbench, suite, tmp_path) -> None:
    mmbench(str(suite))
    results = tmp_path / "results" / "mine"
    before = scores(results)
    (record,) = (results / "records").glob("steady--pairs--*.json")
    os.truncate(record, record.stat().st_size // 2)
    for shard in shards(tmp_path):
        os.truncate(shard, shard.stat().st_size - 8)

    said = mmbench(str(suite))

    assert said.code == 0
    damaged = [line for line in said.err.splitlines() if line.startswith("damaged")]
    assert any(record.name in line for line in damaged)
    assert any("/vectors/" in line for line in damaged)
    assert "24 items encoded" in said.err
    assert scores(results) == before
    (state,) = (tmp_path / "cache" / "artifacts" / "states").iterdir()
    state.write_bytes(b"nothing")
    (record,) = (results / "records").glob("learnt--pairs--*.json")
    record.write_text(record.read_text().replace("ok", "OK"))
    third = mmbench(str(suite), "--json")
    assert "a trained state" in third.err
    assert third.json["counters"]["fits"] == 1
    assert scores(results) == before
    quiet = mmbench(str(suite))
    assert "damaged" not in quiet.err


def test_a_flipped_byte_of_per_item_scores_is_damage_too(mmbench, tmp_path) -> None:
    one = ("-r", "steady", "-t", "pairs")
    mmbench(*one)
    (items,) = (tmp_path / "results" / "adhoc" / "records").glob("*.parquet")
    content = bytearray(items.read_bytes())
    content[len(content) // 2] ^= 4
    items.write_bytes(bytes(content))

    said = mmbench(*one)

    assert said.code == 0
    assert items.name in said.err
    assert "1 ok (0 kept from before)" in said.err


@pytest.mark.parametrize("option", ["--results", "--cache"])
def test_a_folder_that_cannot_be_written_to_is_one_message(
    mmbench, suite, tmp_path, option
) -> None:
    (tmp_path / "file").write_text("")
    said = mmbench(str(suite), option, "file/inside")

    assert said.code == 1
    assert said.err.count("Error:") == 1
    assert str(tmp_path / "file") in said.err
    assert "Traceback" not in said.err
    assert option in said.err or "MMBENCH_CACHE" in said.err


@pytest.fixture
def tiny_disk(tmp_path):
    """A disk of half a megabyte."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", str(place)]
    try:
        done = subprocess.run(mount, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip("there is no mount command here")
    if done.returncode:
        pytest.skip(f"a small disk can't be mounted here: {done.stderr.strip()}")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def fill_up(place: Path) -> None:
    with suppress(OSError), (place / "filler").open("wb", buffering=0) as file:
        while file.write(b"x" * 4096):
            pass


@pytest.mark.parametrize("what", ["store", "results"])
def test_a_full_disk_is_said_and_what_is_finished_is_kept(
    mmbench, suite, tmp_path, tiny_disk, what
) -> None:
    option = "--cache" if what == "store" else "--results"
    arguments = [str(suite), option, str(tiny_disk), "-t", "pairs"]
    assert mmbench(*arguments, "-r", "steady").code == 0
    kept = {path: path.read_bytes() for path in tmp_path.rglob("steady--*.json")}
    assert kept
    fill_up(tiny_disk)

    said = mmbench(*arguments)

    assert said.code == 1
    assert "the disk is full" in said.err
    assert "Traceback (most" not in said.err
    assert {path: path.read_bytes() for path in kept} == kept
    (tiny_disk / "filler").unlink()
    after = mmbench(*arguments, "--json")
    assert after.code == 0
    assert after.json["counters"]["cached"] == 1


def test_the_device_is_the_user_s_and_must_be_there(mmbench, suite, tmp_path) -> None:
    one = (str(suite), "-r", "steady", "--batch-size", "5", "--jobs", "1")
    refused = mmbench(*one, "--device", "cpu:3")
    assert refused.code == 2
    assert "no device 'cpu:3'" in refused.err
    assert not (tmp_path / "results").exists()

    assert mmbench(*one, "--device", "cpu").code == 0

    (record,) = (tmp_path / "results" / "mine" / "records").glob("steady--pairs--*.json")
    assert json.loads(record.read_text())["cost"]["device"] == "cpu"


def test_a_timeout_fails_the_cell(mmbench) -> None:
    said = mmbench("-r", "faulty", "-t", "pairs", "-o", "fault=hang", "--timeout", "0.5")

    assert said.code == 1
    assert "encode took longer than 0.5 s (--timeout)" in said.err


def test_a_process_of_its_own_says_the_same(suite, tmp_path) -> None:
    """The installed command, in a pipe, offline: nothing but JSON on standard output."""
    command = [sys.executable, "-c", MAIN, "run", str(suite), "--json", "--offline"]
    command += ["--results", str(tmp_path / "r"), "--cache", str(tmp_path / "c")]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=120, check=False,
        env=environment(tmp_path / "site"), cwd=tmp_path,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["ok"] == 3
    assert done.stderr == ""


def test_help_has_an_example(mmbench, capfd) -> None:
    assert run_cli(["run", "--help"]) == 0

    assert "mmbench run quickstart" in capfd.readouterr().out


def test_an_interrupt_that_an_import_swallows_is_still_one(monkeypatch, capfd) -> None:
    """A Ctrl-C inside `import pandas` came out as an AttributeError, and was called a bug."""

    def half_imported(**_: Any) -> None:
        try:
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(5)
        except KeyboardInterrupt:
            raise AttributeError("partially initialized module") from None

    # A job in the background inherits that interrupts are ignored: here they are not.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    monkeypatch.setattr("mmbench.cli.main.cli.main", half_imported)
    try:
        assert run_cli(["run"]) == 130
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, before)

    said = capfd.readouterr().err
    assert "Interrupted." in said
    assert "bug" not in said


def test_an_error_without_an_interrupt_is_still_a_bug(monkeypatch, capfd) -> None:
    def broken(**_: Any) -> None:
        raise AttributeError("partially initialized module")

    monkeypatch.setattr("mmbench.cli.main.cli.main", broken)

    assert run_cli(["run"]) == 1
    assert "this is a bug: AttributeError" in capfd.readouterr().err
