"""From a folder to records through the installed command: samples, damaged folders, real data."""

from __future__ import annotations

import csv
import json
import os
import sys
import tomllib
from importlib import resources
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import soundfile

from mmbench.testing import CommandLine, measured_records
from mmbench_audiovisual import mmbench_datasets, mmbench_tasks
from mmbench_audiovisual.sample_media import save_mp4
from mmbench_audiovisual.vggss import read_scenes

if TYPE_CHECKING:
    from pathlib import Path

    Record = dict[str, Any]

TASKS = [task.name for task in mmbench_tasks()]
RUN = ("run", "-r", "random", "--resamples", "50", "--offline")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def mmbench(home: Path) -> CommandLine:
    return CommandLine(home, plugins=("audiovisual",))


def records_of(folder: Path) -> dict[str, Record]:
    """The measured records in a results folder, by task."""
    return {each["task"]["label"]: each for each in measured_records(folder)}


def dropped(record: Record, collection: str) -> dict[str, str]:
    (entry,) = (each for each in record["data"] if each["name"] == collection)
    return {each["id"]: each["reason"] for each in entry["dropped"]}


@pytest.fixture(scope="module")
def samples(home: Path, mmbench: CommandLine) -> Path:
    for dataset in mmbench_datasets():
        items = 16 if dataset.name == "music" else 8  # of two videos: one has one sound of 10 s
        mmbench("data", "sample", dataset.name, "--root", "samples", "--items", items)
    return home / "samples"


@pytest.fixture(scope="module")
def sampled(home: Path, samples: Path, mmbench: CommandLine) -> dict[str, Record]:
    """Every task on its sample, by one run."""
    chosen = [word for name in TASKS for word in ("-t", name)]
    mmbench(*RUN, *chosen, "--data-root", samples, "--results", "sampled")
    return records_of(home / "sampled")


@pytest.mark.parametrize("name", TASKS)
def test_a_task_runs_on_its_sample(sampled: dict[str, Record], name: str) -> None:
    record = sampled[name]
    assert record["status"] == "ok"
    assert record["provenance"] == "generated"
    assert 0 < record["items_used"] == record["items_total"]
    for metric in record["task"]["metrics"]:
        value = record["metrics"][metric["name"]]
        assert value["value"] is not None or value["no_interval"]


def test_records_say_how_it_was_done(sampled: dict[str, Record]) -> None:
    ave, vggss = sampled["ave-retrieval"], sampled["vggss-localization"]
    said = {name: ave["task"]["options"][name] for name in ("frame", "clip", "split")}
    assert said == {"frame": "event-centre", "clip": "full", "split": "test"}
    (entry,) = (each for each in ave["data"] if each["name"] == "pairs")
    assert "8 video ids are in train and test, 10 in train and valid" in entry["leaks"][0]
    wanted = {"clip": "centre", "clip_seconds": 3.0, "short": "tile", "framing": "whole"}
    assert wanted.items() <= vggss["task"]["options"].items()
    assert vggss["parameters"]["preset"] == "ezvsl"
    assert {"all ones", "centre square", "random maps", "ceiling"} == set(vggss["references"])
    assert sampled["ex-vggss"]["items_total"] == 8 + 8
    assert "recordings a fold" in sampled["esc50-zeroshot"]["notes"][0]


@pytest.mark.parametrize("task", ["vggss-localization", "music-solo-localization-boxes"])
def test_what_was_localized_is_drawn(
    home: Path, samples: Path, sampled: object, mmbench: CommandLine, task: str
) -> None:
    drawn = home / "drawn" / task
    asked = ("audiovisual", "overlays", "sampled/adhoc", "--out", drawn, "--data-root", samples)
    said = mmbench(*asked, "-t", task, "--items", 5)
    assert f"random on {task}, seed 0: 5 pictures in " in said.stdout
    assert len(list(drawn.glob("00*.png"))) == 5
    assert (drawn / "sheet.png").stat().st_size > 10_000
    several = mmbench(*asked, code=2)
    assert "6 finished cells match: random on flickr-soundnet-localization, " in several.stderr
    assert "name one with -r and -t" in several.stderr


def test_generated_data_stands_beside_no_published_figure(home: Path, sampled: object) -> None:
    assert not list((home / "sampled").glob("*/records/FNAC*"))
    assert "FNAC" not in (home / "sampled" / "adhoc" / "leaderboard.md").read_text("utf-8")


def test_the_sample_suite_runs_the_tasks_of_the_suite(
    home: Path, samples: Path, mmbench: CommandLine
) -> None:
    suites = {
        name: tomllib.loads(
            resources.files("mmbench_audiovisual").joinpath(f"suites/{name}.toml").read_text()
        )
        for name in ("audiovisual-zeroshot", "audiovisual-zeroshot-sample")
    }
    real, made_up = suites.values()
    assert real["task"] == made_up["task"]
    mmbench(
        "run", "audiovisual-zeroshot-sample", "--data-root", samples, "--resamples", "50",
        "--results", "suite",
    )  # fmt: skip
    found = records_of(home / "suite")
    assert set(found) == {each["name"] for each in real["task"]}
    assert {each["status"] for each in found.values()} == {"ok"}
    plan = mmbench("run", "audiovisual-zeroshot", "--data-root", "nowhere", "--dry-run", "--json")
    cells = json.loads(plan.stdout)["cells"]
    assert {cell["state"] for cell in cells} == {"skipped"}
    assert any("mmbench data sample vggss" in cell["reason"] for cell in cells)


def test_published_figures_without_data(home: Path, mmbench: CommandLine) -> None:
    chosen = [word for name in TASKS for word in ("-t", name)]
    mmbench(*RUN, *chosen, "--data-root", "nowhere", "--results", "figures")
    board = json.loads((home / "figures" / "adhoc" / "leaderboard.json").read_text("utf-8"))
    rows = {(t["title"], r["name"]): r for t in board["tables"] for r in t["rows"]}
    assert len(rows) == 37
    assert {(row["kind"], row["rank"]) for row in rows.values()} == {("published", None)}
    for name in ("WAV2CLIP", "AudioCLIP"):
        assert rows["esc50-zeroshot", name]["notes"][0].startswith("published, verified: Wang")
    again = mmbench("leaderboard", "figures/adhoc", "--json")
    assert json.loads(again.stdout)["tables"] == board["tables"]


def halve(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


@pytest.fixture(scope="module")
def damaged(home: Path, mmbench: CommandLine) -> tuple[Path, dict[str, str]]:
    """A fifth of VGG-SS's and AVE's items broken, and why each is."""
    root = home / "damaged"
    for name in ("vggss", "ave"):
        mmbench("data", "sample", name, "--root", root, "--items", 40)
    frames, audio = root / "vggss" / "frames", root / "vggss" / "audio"
    ids = list(read_scenes(root / "vggss" / "metadata" / "vggss.json"))
    halve(frames / f"{ids[0]}.jpg")
    (audio / f"{ids[1]}.wav").write_bytes(b"")
    soundfile.write(audio / f"{ids[2]}.wav", np.zeros(1), 16_000)
    (frames / f"{ids[3]}.jpg").unlink()
    badly = os.fsdecode(os.fsencode(audio) + b"/\xff" + os.fsencode(f"{ids[4]}.wav"))
    (audio / f"{ids[4]}.wav").rename(badly)
    halve(audio / f"{ids[5]}.wav")
    (frames / f"{ids[6]}.jpg").write_text("<html>404</html>")
    soundfile.write(audio / f"{ids[7]}.wav", np.zeros(16_000), 1)
    soundfile.write(audio / f"{ids[8]}.wav", np.zeros((22_050, 2)) + 0.1, 22_050)  # is none
    said = (
        "truncated", "is empty: a file of 0 bytes", "too short: 1 samples", "is not there",
        "is not there", "is cut off", "can't be decoded", "said to be 1 Hz",
    )  # fmt: skip
    wanted = dict(zip(ids, said, strict=False))
    videos = sorted((root / "ave" / "AVE").glob("*.mp4"))
    halve(videos[0])
    save_mp4(videos[1], [np.zeros((48, 64, 3), dtype=np.uint8)] * 40, 4, None, 16_000)
    videos[2].unlink()
    wanted |= {
        videos[0].stem: "video", videos[1].stem: "no audio track", videos[2].stem: "is not there"
    }  # fmt: skip
    return root, wanted


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="names are bytes on Linux alone")
def test_a_damaged_folder_gives_figures_over_the_rest(
    home: Path, damaged: tuple[Path, dict[str, str]], mmbench: CommandLine
) -> None:
    root, wanted = damaged
    boxes = "vggss-localization-boxes"
    tasks = ("vggss-retrieval", "vggss-localization", boxes, "ave-retrieval")
    chosen = [word for name in tasks for word in ("-t", name)]
    options = ("-o", "ave-retrieval.split=all", "--data-root", root, "--results", "over")
    done = mmbench(*RUN, *chosen, *options)
    found = records_of(home / "over")
    for name, collection in zip(tasks, ("pairs", "scenes", "scenes", "pairs"), strict=True):
        record = found[name]
        lost = dropped(record, collection)
        items = {item.split("#")[0] for item in lost}
        ours = {item for item in wanted if (len(item) > 11) == name.startswith("vggss")}
        assert items == ours
        assert all(wanted[item.split("#")[0]] in reason for item, reason in lost.items())
        assert (record["items_total"], record["items_used"]) == (40, 40 - len(lost))
        assert record["metrics"][record["task"]["primary"]]["n"] == 40 - len(lost)
    # A frame with all its crops is one loss, and told once.
    (crops,) = (each for each in found[boxes]["data"] if each["name"] == "crops")
    assert crops["dropped"] == []
    a_frame = crops["items"] // 40
    assert crops["used"] == 32 * a_frame
    assert all(
        f"; and its {a_frame} crops" in why for why in dropped(found[boxes], "scenes").values()
    )
    assert "8 items of 40 dropped from pairs" in done.stderr
    strict = mmbench(*RUN, *chosen, *options[:4], "--results", "strict", "--strict", code=1)
    assert "8 of 40 items can't be used: pairs[" in strict.stderr
    assert "4 failed" in strict.stderr
    for name, record in records_of(home / "strict").items():
        assert record["status"] == "failed"
        assert record["data"] == found[name]["data"]  # the whole list, as without --strict


def link(place: Path, target: Path) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    place.symlink_to(target)


@pytest.fixture(scope="module")
def real(home: Path, assets: Path) -> Path:
    """Real pictures and sounds in the datasets' layouts."""
    root = home / "real"
    mini = assets / "vggss_mini"
    for name in ("frames", "audio"):
        link(root / "vggss" / name, mini / name)
    for name in ("vggss.json", "vggss_test.csv"):
        link(root / "vggss" / "metadata" / name, mini / name)
    ids = list(read_scenes(mini / "vggss.json"))
    pairs = zip(ids, ids[1:] + ids[:1], strict=True)
    lines = ["video,audio,label", *(f"{image},{audio},non-sounding" for image, audio in pairs)]
    silent = root / "vggss" / "metadata" / "vggss_test_plus_silent.csv"
    silent.write_text("\r\n".join(lines), "utf-8")
    with (assets / "av_pairs" / "pairs.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["kind"] == "pair"]
    there = [row for row in rows if (assets / row["image"]).is_file()]
    for row in there:
        link(root / "flickr_soundnet" / "frames" / f"{row['id']}.jpg", assets / row["image"])
        link(root / "flickr_soundnet" / "audio" / f"{row['id']}.wav", assets / row["audio"])
    lists = root / "flickr_soundnet" / "metadata"
    lists.mkdir()
    (lists / "test_flickr_5k.txt").write_text("\n".join(row["id"] for row in there), "utf-8")
    (root / "esc50").symlink_to(assets / "esc10")
    for name in ("Annotations.txt", "trainSet.txt", "valSet.txt", "testSet.txt"):
        link(root / "ave" / name, assets / "ave" / name)
    tests = (assets / "ave" / "testSet.txt").read_text("utf-8").splitlines()
    clips = sorted((assets / "av_pairs" / "vggsound_clips" / "video").glob("*.mp4"))
    for line, clip in zip(tests, clips, strict=False):
        link(root / "ave" / "AVE" / f"{line.split('&')[1]}.mp4", clip)
    return root


@pytest.mark.slow
def test_real_pictures_and_sounds(home: Path, real: Path, mmbench: CommandLine) -> None:
    names = (
        "vggss-retrieval", "vggss-localization", "vggss-localization-boxes", "ex-vggss",
        "flickr-soundnet-retrieval", "esc10-zeroshot", "ave-retrieval",
    )  # fmt: skip
    chosen = [word for name in names for word in ("-t", name)]
    mmbench(*RUN, *chosen, "--data-root", real, "--results", "seen")
    found = records_of(home / "seen")
    assert {name: found[name]["status"] for name in names} == dict.fromkeys(names, "ok")
    assert {each["provenance"] for each in found.values()} == {"real"}
    used = {name: (found[name]["items_used"], found[name]["items_total"]) for name in names}
    assert used == {
        "vggss-retrieval": (18, 18),
        "vggss-localization": (18, 18),
        "vggss-localization-boxes": (18, 18),
        "ex-vggss": (36, 36),
        "flickr-soundnet-retrieval": (26, 26),
        "esc10-zeroshot": (80, 80),
        "ave-retrieval": (2, 402),
    }
    lost = dropped(found["ave-retrieval"], "pairs")
    assert len(lost) == 400
    assert all("the video is not there" in reason for reason in lost.values())
    # Beside them stands what papers published, with what they did otherwise.
    board = json.loads((home / "seen" / "adhoc" / "leaderboard.json").read_text("utf-8"))
    table = next(each for each in board["tables"] if each["title"] == "vggss-localization")
    kinds = [row["kind"] for row in table["rows"]]
    assert kinds.count("published") == 9
    heard = next(row for row in table["rows"] if row["name"].endswith(", heard"))
    assert "measured with split = heard" in heard["notes"]
    assert all(row["rank"] is None for row in table["rows"] if row["kind"] == "published")
