"""C-MCR on point clouds, from suites to records: published heads, and a chain of two connectors.

All towers are tiny, with weights drawn from a seed, and are made by the tests of the plugins that
bring them; so this needs those plugins, and the repository that they lie in.
"""

from __future__ import annotations

import importlib
import json
import os
import shutil
import subprocess
import sys
import tomllib
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from mmbench.api import Context, DataSource, Text
from mmbench_pointcloud.classes import MODELNET40
from mmbench_pointcloud.modelnet import ModelNet40

if TYPE_CHECKING:
    from collections.abc import Callable

    Command = Callable[..., subprocess.CompletedProcess[str]]

pytestmark = pytest.mark.slow

PLUGINS = Path(__file__).parents[2]
#: Of a connector whose first base is one.
CHAIN = "c-mcr(c-mcr(clip, clap; text), ulip; image)"
WRITERS = {"openclip": "tiny_clip", "clap": "tiny_clap", "ulip": "tiny_ulip"}


@pytest.fixture(scope="module")
def towers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """Options of a tiny CLIP, CLAP and ULIP, each with a space of its own."""
    pytest.importorskip("mmbench_cmcr")
    made = {}
    for plugin, module in WRITERS.items():
        pytest.importorskip(f"mmbench_{plugin}")
        folder = PLUGINS / f"mmbench-{plugin}" / "tests"
        if not (folder / f"{module}.py").is_file():
            pytest.skip(
                f"the tests of mmbench-{plugin}, which make a tiny one, are not beside this"
            )
        with pytest.MonkeyPatch.context() as patch:
            patch.syspath_prepend(str(folder))
            writer = importlib.import_module(module)
        write = writer.write_ulip if plugin == "ulip" else writer.write_tiny
        made[plugin] = write(tmp_path_factory.mktemp(plugin))
    return made


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a sample of ModelNet40: four shapes of 10,000 points."""
    root = tmp_path_factory.mktemp("connected")
    folder = root / "data" / "modelnet40"
    folder.mkdir(parents=True)
    ModelNet40(layout="txt").write_sample(folder, items=4, seed=0)
    return root


@pytest.fixture(scope="module")
def mmbench(home: Path) -> Command:
    """Start the installed command with all plugins, and read no hub."""
    script = shutil.which("mmbench", path=str(Path(sys.executable).parent))
    assert script, "mmbench is not installed beside this Python"
    environment = {
        **os.environ,
        "MMBENCH_CACHE": str(home / "cache"),
        "OMP_NUM_THREADS": "1",
        "HF_HUB_CACHE": str(home / "hub"),
        "TORCH_HOME": str(home / "torch"),
    }

    def start(*arguments: object) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [script, *map(str, arguments)], cwd=home, env=environment, capture_output=True,
            text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        assert "Traceback" not in done.stdout + done.stderr
        return done

    return start


def toml(value: object) -> str:
    """A value as a suite file writes it."""
    if isinstance(value, dict):
        return f"{{ {', '.join(f'{key} = {toml(each)}' for key, each in value.items())} }}"
    return json.dumps(str(value) if isinstance(value, Path) else value)


def entry(kind: str, name: str, label: str = "", **options: object) -> list[str]:
    """The lines of an entry of a suite file."""
    called = [f'label = "{label}"'] if label else []
    return [f"[[{kind}]]", f'name = "{name}"', *called, f"options = {toml(options)}"]


def suite_entry() -> dict[str, Any]:
    """The options of c-mcr in the suite."""
    text = resources.files("mmbench_pointcloud").joinpath("suites/pointcloud-zeroshot.toml")
    entries = tomllib.loads(text.read_text("utf-8"))["representation"]
    (options,) = (each["options"] for each in entries if each["name"] == "c-mcr")
    return dict(options)


def connected(options: dict[str, Any], widths: dict[str, int]) -> Any:
    """The suite's connector with heads that were drawn: one step on vectors of nothing."""
    from mmbench_cmcr.connector import CMCR

    corpora = {"shared_corpus": ("d/c/image",), "first_memory": ("d/c/text",),
               "second_memory": ("d/c/pointcloud",)}  # fmt: skip
    made = CMCR(**{**options, "checkpoint": ""}, **corpora, epochs=1)
    rng = np.random.default_rng(0)
    made.fit_vectors(
        {
            f"{base} {slot} d/c/{slot}": rng.normal(size=(64, widths[base])).astype(np.float32)
            for base, slot in (("first", "image"), ("second", "image"), ("first", "text"),
                               ("second", "pointcloud"))
        },
        Context(),
    )  # fmt: skip
    return made


def test_what_the_suite_lacks_is_named_thing_by_thing(mmbench: Command, towers: Any) -> None:
    """CLIP's weights, ULIP's and the heads: a line each, with where to get them."""
    plan = mmbench("run", "pointcloud-zeroshot", "--data-root", "data", "--dry-run", "--json")
    cells = json.loads(plan.stdout)["cells"]
    (cell,) = (
        each for each in cells
        if (each["representation"], each["task"]) == ("c-mcr(clip, ulip; image)",
                                                      "modelnet40-zeroshot")
    )  # fmt: skip
    assert cell["state"] == "skipped"
    first, *things = cell["reason"].splitlines()
    assert first.endswith("what it needs is not all here")
    assert len(things) == 3
    for thing, name, where in zip(
        things,
        ("vit_base_patch32_clip_224.openai", "pointbert_ULIP-2.pt", "ulip_clip.pt"),
        ("hf download timm/", "hf download SFXX/ulip", "github.com/MCR-PEFT/C-MCR"),
        strict=True,
    ):
        assert name in thing
        assert where in thing


@pytest.fixture(scope="module")
def heads(home: Path, towers: Any) -> Any:
    """The suite's connector of a tiny CLIP and ULIP, its heads in a file as published."""
    pytest.importorskip("torch")
    options = suite_entry() | {
        "first_options": towers["openclip"],
        "second_options": towers["ulip"] | {"start": "first"},
    }
    made = connected(options, {"first": 24, "second": 24})
    made.write_checkpoint(home / "ulip_clip.pt")
    return made, options | {"checkpoint": home / "ulip_clip.pt"}


@pytest.fixture(scope="module")
def records(home: Path, mmbench: Command, towers: Any, heads: Any) -> list[dict[str, Any]]:
    """One run: the suite's connector with those heads, and a chain that is trained."""
    training = {"epochs": 2, "batch": 8, "tau1": 0.1}
    inner = {
        "first": "clip", "first_options": towers["openclip"], "second": "clap",
        "second_options": towers["clap"], "shared": "text", "first_leaf": "image",
        "second_leaf": "audio", "shared_corpus": ["numbers/valid/text"],
        "first_memory": ["numbers/train-first/image"],
        "second_memory": ["numbers/train-second/audio"], **training,
    }  # fmt: skip
    outer = {
        "first": "c-mcr", "first_options": inner, "second": "ulip",
        "second_options": towers["ulip"], "shared": "image", "first_leaf": "text",
        "second_leaf": "pointcloud", "more_slots": ["audio"], "projector": "mlp-half",
        "shared_corpus": ["numbers/valid/image"], "first_memory": ["numbers/train-first/text"],
        "second_memory": ["numbers/train-second/pointcloud"], **training,
    }  # fmt: skip
    retrieval = "numbers-retrieval-image-text"
    suite = [
        'name = "connected"', "seeds = [0]", *entry("representation", "c-mcr", **heads[1]),
        *entry("representation", "c-mcr", CHAIN, **outer),
        *entry("task", "modelnet40-zeroshot", points=256, templates=["a {}", "{}."]),
        *entry("task", retrieval, "sounds", query="pointcloud", gallery="audio"),
    ]  # fmt: skip
    (home / "connected.toml").write_text("\n".join(suite) + "\n", "utf-8")
    mmbench(
        "run", "connected.toml", "--data-root", "data", "--device", "cpu", "--offline", "--jobs",
        "1", "--limit", "16", "--resamples", "50",
    )  # fmt: skip
    paths = (home / "results" / "connected" / "records").glob("*.json")
    found = [json.loads(path.read_text("utf-8")) for path in paths]
    return [each for each in found if each["source"] == "measured"]


def only(records: list[dict[str, Any]], representation: str, task: str) -> dict[str, Any]:
    """The record of a cell."""
    (found,) = (
        each for each in records
        if (each["representation"]["label"], each["task"]["label"]) == (representation, task)
    )  # fmt: skip
    return found


def test_heads_in_the_published_layout(
    home: Path, towers: Any, heads: Any, records: list[dict[str, Any]]
) -> None:
    """What the run scores is what CLIP, ULIP and the heads give, put together by hand."""
    import torch

    from mmbench_openclip.representation import OpenCLIP
    from mmbench_ulip.representation import ULIP

    connector, options = heads
    held = torch.load(options["checkpoint"], weights_only=True)
    assert {name.partition(".net.")[0] for name in held} == {"Head_A", "Head_B"}
    record = only(records, "c-mcr(clip, ulip; image)", "modelnet40-zeroshot")
    assert (record["status"], record["items_used"]) == ("ok", 4)

    clip, ulip = OpenCLIP(**options["first_options"]), ULIP(**options["second_options"])
    for each in (clip, ulip):
        each.load(Context())
    source = DataSource(home / "data" / "modelnet40", lambda path: path.name)
    clouds = ModelNet40(points=256).collections(source)["test"]
    said = [f.format(name.replace("_", " ")) for name in MODELNET40 for f in ("a {}", "{}.")]
    texts = np.asarray(clip.encode({"text": [Text(each) for each in said]}))
    shapes = np.asarray(
        ulip.encode({"pointcloud": [clouds.load(row, "pointcloud") for row in range(4)]})
    )
    prompts = connector.project("first", "text", texts).reshape(40, 2, -1).mean(axis=1)
    prompts /= np.linalg.norm(prompts, axis=1, keepdims=True)
    scores = connector.project("second", "pointcloud", shapes) @ prompts.T
    true = np.array([MODELNET40.index(each) for each in clouds.columns["label"]])
    rank = (scores > scores[np.arange(4), true][:, None]).sum(axis=1)
    assert len(np.unique(np.round(scores, 5))) > 80  # so that a rank means something
    for k in (1, 3, 5):
        assert record["metrics"][f"top-{k}"]["value"] == pytest.approx((rank < k).mean())


def test_a_chain_of_two_connectors_joins_four_modalities(records: list[dict[str, Any]]) -> None:
    """Sounds meet point clouds over texts and pictures, and no two of them were seen in pairs."""
    for task, items in (("sounds", 16), ("modelnet40-zeroshot", 4)):
        record = only(records, CHAIN, task)
        assert (record["status"], record["items_used"]) == ("ok", items)
        made = record["representation"]
        assert set(made["bases"]) == {"first", "first/first", "first/second", "second"}
        assert made["bases"]["first"]["state"] != made["state"]
    ranks = only(records, CHAIN, "sounds")["metrics"]["pointcloud→audio median rank"]["value"]
    assert 1 <= ranks <= 16
    # The suite's own connector brings no sounds.
    assert only(records, "c-mcr(clip, ulip; image)", "sounds")["status"] == "skipped"
