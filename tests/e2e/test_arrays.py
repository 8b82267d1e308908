"""Bring your own embeddings: a folder of vectors, scored as by hand."""

from __future__ import annotations

import json

import numpy as np
import pytest

from mmbench.api import DataSource
from mmbench.builtin.numbers.dataset import Numbers

TASK = "numbers-retrieval-image-text"


@pytest.fixture(scope="module")
def vectors():
    """Ids of the test numbers, and image and text vectors that half know each other."""
    source = DataSource(root=None, hash_file=lambda _path: "")
    ids = list(Numbers().collections(source)["test"].ids)
    rng = np.random.default_rng(11)
    image = rng.standard_normal((len(ids), 24)).astype(np.float32)
    text = (image + 1.3 * rng.standard_normal(image.shape)).astype(np.float32)
    return ids, image, text


def _ranks(query, gallery):
    """Rank of each query's own partner by cosine, 1 = first; float64, the naive way."""
    query = query / np.linalg.norm(query.astype(np.float64), axis=1, keepdims=True)
    gallery = gallery / np.linalg.norm(gallery.astype(np.float64), axis=1, keepdims=True)
    scores = query @ gallery.T
    return 1 + (scores > np.diag(scores)[:, None]).sum(axis=1)


def _write(folder, ids, order, **streams):
    folder.mkdir()
    (folder / "ids.txt").write_text("".join(f"{ids[row]}\n" for row in order))
    for name, array in streams.items():
        np.save(folder / f"{name}.npy", array[order])


def test_a_folder_of_vectors_scores_as_by_hand(mmbench, tmp_path, vectors):
    ids, image, text = vectors
    order = np.random.default_rng(1).permutation(len(ids))  # the files' order is their own
    _write(tmp_path / "mine", ids, order, image=image, text=text)
    run = ("run", "-r", "arrays", "-t", TASK, "-o", "folder=mine", "--resamples", "50", "--json")
    (cell,) = json.loads(mmbench(*run, cwd=tmp_path))["cells"]
    assert cell["status"] == "ok"
    for name, ranks in (
        ("image→text", _ranks(image, text)),
        ("text→image", _ranks(text, image)),
    ):
        expected = {f"R@{k}": (ranks <= k).mean() for k in (1, 5, 10)}
        expected |= {"MRR": (1 / ranks).mean(), "median rank": np.median(ranks)}
        assert 0.1 < expected["R@1"] < 0.95
        for metric, value in expected.items():
            assert cell["metrics"][f"{name} {metric}"] == pytest.approx(value, abs=1e-12), metric


def test_items_without_vectors_are_listed_and_lower_the_coverage(mmbench, tmp_path, vectors):
    ids, image, text = vectors
    _write(tmp_path / "mine", ids, np.arange(len(ids) - 7), image=image, text=text)
    run = ("run", "-r", "arrays", "-t", TASK, "-o", "folder=mine", "--resamples", "50")
    shown = mmbench(*run, cwd=tmp_path)
    (path,) = (tmp_path / "results" / "adhoc" / "records").glob("*.json")
    record = json.loads(path.read_text())
    assert (record["items_used"], record["items_total"]) == (len(ids) - 7, len(ids))
    pairs = next(part for part in record["data"] if part["name"] == "pairs")
    assert {item["id"] for item in pairs["dropped"]} == set(ids[-7:])
    assert f"{len(ids) - 7}/{len(ids)} items" in shown


def test_vectors_that_no_task_can_use_are_skipped_with_the_reason(mmbench, tmp_path, vectors):
    ids, image, _ = vectors
    _write(tmp_path / "mine", ids, np.arange(len(ids)), odour=image)
    run = ("run", "-r", "arrays", "-t", TASK, "-o", "folder=mine", "--json")
    (cell,) = json.loads(mmbench(*run, cwd=tmp_path))["cells"]
    assert cell["status"] == "skipped"
    assert "image.npy" in cell["reason"]


def test_the_file_that_a_task_lacks_is_named(mmbench, tmp_path, vectors):
    ids, image, _ = vectors
    _write(tmp_path / "mine", ids, np.arange(len(ids)), image=image)
    run = ("run", "-r", "arrays", "-t", TASK, "-o", "folder=mine", "--json")
    (cell,) = json.loads(mmbench(*run, cwd=tmp_path))["cells"]
    assert cell["status"] == "skipped"
    assert "arrays takes no text" in cell["reason"]
    assert "add text.npy to mine" in cell["reason"]
