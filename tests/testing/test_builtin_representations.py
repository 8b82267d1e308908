"""The built-in representations and datasets pass the kit."""

from __future__ import annotations

import numpy as np
import pytest
from builtin_runs import BUILTINS, assert_conforms

from mmbench.testing.representations import COUNT

FOLDERS = ["arrays"]


@pytest.fixture
def folder(tmp_path):
    """Vectors of the ids that the kit looks up."""
    rng = np.random.default_rng(0)
    folder = tmp_path / "arrays"
    folder.mkdir()
    (folder / "ids.txt").write_text("".join(f"kit-{row}\n" for row in range(COUNT)))
    for name in ("image", "audio", "text", "image+audio"):
        np.save(folder / f"{name}.npy", rng.normal(size=(COUNT, 8)).astype(np.float32))
    np.save(folder / "image.dense.npy", rng.normal(size=(COUNT, 2, 3, 8)).astype(np.float32))
    return folder


def test_there_are_builtins():
    assert BUILTINS.problems == []
    assert len(BUILTINS.representations) >= 5
    assert list(BUILTINS.datasets) == ["numbers"]


@pytest.mark.parametrize("name", [name for name in BUILTINS.representations if name not in FOLDERS])
def test_a_representation_passes(name, tmp_path):
    assert_conforms("representations", name, tmp_path)


def test_arrays_passes_with_a_folder(folder, tmp_path):
    assert_conforms("representations", "arrays", tmp_path, {"folder": str(folder)})


@pytest.mark.parametrize("name", BUILTINS.datasets)
def test_a_dataset_passes(name, tmp_path):
    assert_conforms("datasets", name, tmp_path)
