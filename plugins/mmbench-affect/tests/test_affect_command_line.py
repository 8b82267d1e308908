"""From a folder to records through the installed command: samples, damage, real data."""

from __future__ import annotations

import os
import pickle
import shutil
from typing import TYPE_CHECKING, Any

import pytest

from mmbench.testing import CommandLine, measured_records
from mmbench_affect import mmbench_datasets

if TYPE_CHECKING:
    from pathlib import Path

    Record = dict[str, Any]

RUN = ("run", "--resamples", "20", "--offline")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def mmbench(home: Path) -> CommandLine:
    return CommandLine(home, plugins=("affect",))


def records_of(folder: Path) -> dict[tuple[str, str], Record]:
    """The measured records in a results folder, by representation and task."""
    return {
        (each["representation"]["label"], each["task"]["label"]): each
        for each in measured_records(folder)
    }


@pytest.fixture(scope="module")
def samples(home: Path, mmbench: CommandLine) -> Path:
    for name in ("cmu-mosi", "mosi-utterance"):
        mmbench("data", "sample", name, "--root", "samples", "--items", 40)
    return home / "samples"


def test_a_sample_is_checked_and_what_was_cleaned_is_said(
    samples: Path, mmbench: CommandLine
) -> None:
    said = mmbench("data", "check", "cmu-mosi", "--root", samples).stdout
    assert "cmu-mosi: all items decode" in said
    assert "cmu-mosi: variant mult: 25 train, 5 valid, 10 test" in said
    assert "cmu-mosi: test: 2 audio values of -inf in 1 utterances become 0" in said
    status = mmbench("data", "status", "cmu-mosi", "--root", samples).stdout
    assert "found variant mult: mosi_data.pkl\n" in status


def test_the_tasks_run_on_samples(home: Path, samples: Path, mmbench: CommandLine) -> None:
    tasks = ("cmu-mosi-missing", "cmu-mosi-robustness", "cmu-mosi-noise", "mosi-utterance-dca")
    chosen = [word for name in tasks for word in ("-t", name)]
    mmbench(
        *RUN, "-r", "pooled", *chosen, "--data-root", samples, "--results", "made", "--jobs", 1,
        "-o", "rates=[0.0, 0.5]", "-o", "points=20", "-o", "quality_points=10", "-o", "rays=10",
        "-o", "min_cluster_size=3",
    )  # fmt: skip
    found = records_of(home / "made")
    assert {(name, each["status"]) for (_, name), each in found.items()} == {
        (name, "ok") for name in tasks
    }
    assert {each["provenance"] for each in found.values()} == {"generated"}
    missing, frames = (found["pooled", name] for name in tasks[:2])
    assert missing["parameters"]["variant"] == "mult"
    assert missing["parameters"]["items_by_split"] == {"train": 25, "valid": 5, "test": 10}
    notes = ["cmu-mosi, variant mult: 25 train, 5 valid, 10 test utterances"] + [
        f"{split}: 2 audio values of -inf in 1 utterances became 0" for split in ("train", "test")
    ]
    assert set(notes) <= set(missing["notes"])
    assert missing["metrics"]["complete mae"]["value"] < missing["metrics"]["audio mae"]["value"]
    areas = [frames["metrics"][name]["value"] for name in ("0 mae", "0.5 mae", "area mae")]
    assert areas[2] == pytest.approx((areas[0] + areas[1]) / 2)
    board = (home / "made" / "adhoc" / "leaderboard.md").read_text("utf-8")
    headers = [line for line in board.splitlines() if line.startswith("| #") and "0.5 mae" in line]
    assert len(headers) == 2
    header = headers[0]
    assert header.index("area mae") < header.index("| 0 mae") < header.index("0.5 mae")


class Trap:
    def __init__(self, place: Path) -> None:
        self.place = place

    def __reduce__(self) -> Any:
        return os.system, (f"touch {self.place}",)


def test_bad_input_is_one_message_each(home: Path, samples: Path, mmbench: CommandLine) -> None:
    place = home / "bad" / "cmu-mosi"
    place.mkdir(parents=True)
    run = (*RUN, "-r", "pooled", "-t", "cmu-mosi-missing", "--data-root", place.parent)
    made = home / "made by the trap"
    (place / "mosi_data.pkl").write_bytes(pickle.dumps({"train": Trap(made)}))
    said = mmbench(*run, "--results", "trap", code=1)
    assert (
        "names posix.system, which is no array or plain value: refused" in said.stderr + said.stdout
    )
    assert not made.exists()
    said = mmbench("data", "check", "cmu-mosi", "--root", place.parent, code=1)
    assert "nothing was run" in said.stderr
    (place / "mosi_data.pkl").unlink()
    (place / "mosi_train_a.dt").write_bytes(b"x")
    said = mmbench("data", "status", "cmu-mosi", "--root", place.parent, code=1)
    assert "put mosi_data.pkl here" in said.stdout
    asked = (
        *RUN,
        "-r",
        "pooled",
        "-t",
        "mosi-utterance-noise",
        "--data-root",
        samples,
        "--dry-run",
    )
    said = mmbench(*asked, "-o", "degradation=frames", code=2)
    assert "is one Array, without frames" in said.stderr
    said = mmbench(*asked, "-o", "rates=[0.5, 0.1]", code=2)
    assert "rates must rise" in said.stderr


def suite_of(home: Path, name: str, task: str, **options: tuple[str, ...]) -> Path:
    """A suite of one task, once for each value of an option; one run is quicker than many."""
    ((option, values),) = options.items()
    lines = [f'name = "{name}"', "[[representation]]", 'name = "pooled"']
    for value in values:
        lines += ["[[task]]", f'name = "{task}"', f'label = "{value}"']
        lines += [f'options = {{ {option} = "{value}" }}']
    place = home / f"{name}.toml"
    place.write_text("\n".join(lines), encoding="utf-8")
    return place


@pytest.mark.slow
def test_every_dataset_has_a_sample_and_every_task_runs(home: Path, mmbench: CommandLine) -> None:
    for dataset in mmbench_datasets():
        mmbench("data", "sample", dataset.name, "--root", "all", "--items", 40)
        assert "all items decode" in mmbench("data", "check", dataset.name, "--root", "all").stdout
    tasks = (
        "cmu-mosei-missing",
        "youtube-sentiment-missing",
        "mmmo-sentiment-missing",
        "cmu-mosei-dca",
    )
    chosen = [word for name in tasks for word in ("-t", name)]
    mmbench(
        *RUN, "-r", "pooled", "-r", "random", *chosen, "--data-root", "all", "--results", "all-made"
    )
    assert {each["status"] for each in records_of(home / "all-made").values()} == {"ok"}
    variants = ("mmsa", "mult-noalign", "mmsa-unaligned", "csd", "csd-unaligned")
    suite = suite_of(home, "variants", "cmu-mosei-missing", variant=variants)
    mmbench(*RUN, suite, "--data-root", "all", "--results", "variants-made")
    found = records_of(home / "variants-made")
    assert {
        (label, each["status"], each["parameters"]["variant"]) for (_, label), each in found.items()
    } == {(variant, "ok", variant) for variant in variants}


@pytest.mark.slow
def test_real_utterances_are_read_as_well_as_others_read_them(
    home: Path, mmbench: CommandLine, shared: Path
) -> None:
    place = home / "real" / "mosi-utterance"
    place.mkdir(parents=True)
    shutil.copy(shared / "data" / "mosi" / "mosi_utterance_joined.npz", place)
    suite = suite_of(home, "splits", "mosi-utterance-missing", split=("repo", "official"))
    mmbench(*RUN, suite, "--data-root", place.parent, "--results", "real-results")
    found = records_of(home / "real-results")
    record = found["pooled", "repo"]
    assert (record["items_used"], record["provenance"]) == (751, "real")
    values = {name: each["value"] for name, each in record["metrics"].items()}
    assert values["text acc2_non0"] == pytest.approx(0.765, abs=0.02)  # 75.7 % is known of it
    assert values["complete mae"] < values["text mae"] < 1.0 < values["audio mae"]
    record = found["pooled", "official"]
    assert record["metrics"]["text mae"]["value"] == pytest.approx(0.75, abs=0.01)  # the leak
    assert any("inflated" in leak for each in record["data"] for leak in each["leaks"])
    assert any("inflated" in note for note in record["notes"])
