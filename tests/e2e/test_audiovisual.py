"""The audio-visual suite with CLIP's and CLAP's own code: from files in the official layouts,
through the true readers and tiny checkpoints, to records and a leaderboard."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from installing import environment, install

pytest.importorskip("mmbench_audiovisual")
pytest.importorskip("mmbench_openclip")
pytest.importorskip("mmbench_clap")

PLUGINS = Path(__file__).resolve().parents[2] / "plugins"
SUITE = "audiovisual-zeroshot-sample"
DATASETS = ("ave", "flickr_soundnet", "vggss", "music", "esc50")
#: In a process of its own: it imports torch and transformers.
WRITE_TINY = """
import json, sys
from pathlib import Path
sys.path[:0] = sys.argv[2:]
import tiny_clap, tiny_clip
folder = Path(sys.argv[1])
clip = tiny_clip.write_tiny(folder, config={**tiny_clip.CONFIG, "embed_dim": 512})
print(json.dumps({"clip": clip, "clap": tiny_clap.write_tiny(folder)}))
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def mmbench(home: Path):
    """Start the installed command, with our plugins and a pair of CLIP and CLAP."""
    script = shutil.which("mmbench", path=str(Path(sys.executable).parent))
    assert script, "mmbench is not installed beside this Python"
    extra = {
        "MMBENCH_LOAD_PLUGINS": "audiovisual,openclip,clap,pair",
        "MMBENCH_CACHE": str(home / "cache"),
        "HF_HUB_CACHE": str(home / "hub"),
        "OMP_NUM_THREADS": "1",
    }
    variables = environment(install(home / "site", "mmbench-pair"), **extra)

    def start(*arguments: object, code: int = 0) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [script, *map(str, arguments)],
            cwd=home, env=variables, capture_output=True, text=True, check=False, timeout=280,
        )  # fmt: skip
        assert done.returncode == code, done.stderr
        assert "Traceback" not in done.stdout + done.stderr
        return done

    return start


@pytest.fixture(scope="module")
def options(home: Path) -> list[str]:
    """``-o`` of tiny CLIP and CLAP, alone and as a pair."""
    folder = home / "weights"
    folder.mkdir()
    tests = [str(PLUGINS / name / "tests") for name in ("mmbench-openclip", "mmbench-clap")]
    done = subprocess.run(
        [sys.executable, "-c", WRITE_TINY, folder, *tests],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    made = json.loads(done.stdout)
    made["clap"] = {name: made["clap"][name] for name in ("checkpoint", "amodel", "text_model")}
    made["pair"] = {**made["clip"], **made["clap"]}
    made["clap"] |= {"backend": "transformers", "chunks": "middle"}
    return [
        word
        for label, chosen in made.items()
        for name, value in chosen.items()
        for word in ("-o", f"{label}.{name}={value}")
    ]


@pytest.mark.slow
def test_samples_become_a_leaderboard(home: Path, mmbench, options: list[str]) -> None:
    for name in DATASETS:
        items = 16 if name == "music" else 4  # fewer are of one video, and of one sound
        mmbench("data", "sample", name, "--root", "samples", "--items", items)
    checked = mmbench("data", "check", "ave", "--data-root", "samples", "--json")
    assert json.loads(checked.stdout) == []
    names = ("random", "clip", "clap", "pair")
    chosen = [word for name in names for word in ("-r", name)]
    suite = ("run", SUITE, *chosen, *options, "--data-root", "samples", "--resamples", 50)
    said = json.loads(mmbench(*suite, "--offline", "--json").stdout)
    cells: dict[tuple[str, str], dict[str, Any]] = {
        (cell["representation"], cell["task"]): cell for cell in said["cells"]
    }
    ended = {
        name: [cell["status"] for (label, _), cell in cells.items() if label == name]
        for name in names
    }
    assert ended["random"] == ended["pair"] == ["ok"] * 10
    assert ended["clip"] == ["skipped"] * 10  # none of the tasks is of pictures and texts
    assert sorted(ended["clap"]) == ["ok"] + ["skipped"] * 9
    assert cells["clap", "esc50-zeroshot"]["status"] == "ok"
    assert "takes no image" in cells["clap", "vggss-localization"]["reason"]
    # The pair names sounds by CLAP alone.
    figures = [cells[name, "esc50-zeroshot"]["metrics"] for name in ("clap", "pair")]
    assert figures[0] == figures[1]

    again = json.loads(mmbench(*suite, "--offline", "--json").stdout)
    assert (again["counters"]["encodes"], again["counters"]["cached"]) == (0, 21)
    board = json.loads((home / "results" / SUITE / "leaderboard.json").read_text("utf-8"))
    tables = {table["title"]: [row["name"] for row in table["rows"]] for table in board["tables"]}
    assert len(tables) == 10
    assert all({"random", "pair"} <= set(rows) for rows in tables.values())
