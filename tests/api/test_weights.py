"""Files of weights: what is read of them, what is refused, and what does not fit."""

from __future__ import annotations

import os
import pickle
from argparse import Namespace
from typing import TYPE_CHECKING, Any

import pytest

from mmbench.api import DataError
from mmbench.api import weights as weights_module
from mmbench.api.weights import Misfit, fingerprint, listed, load_weights, read_weights

if TYPE_CHECKING:
    from pathlib import Path


def test_a_file_is_hashed_once_and_again_when_it_changes(tmp_path: Path) -> None:
    path = tmp_path / "weights.pt"
    path.write_bytes(b"weights")
    weights_module._hash.cache_clear()
    before = [fingerprint(path) for _ in range(3)]
    assert before == ["873ac3c6df553eaa62331fd4ff9b521a"] * 3
    assert weights_module._hash.cache_info().misses == 1
    path.write_bytes(b"weighed")
    os.utime(path, ns=(0, 10**18))
    assert fingerprint(path) != before[0]


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ([], ""),
        (["a"], "lacks a"),
        (["a", "b", "c", "d"], "lacks a, b, c, d"),
        (["a", "b", "c", "d", "e", "f"], "lacks a, b, c, d and 2 more"),
    ],
)
def test_long_lists_of_names_are_cut(names: list[str], said: str) -> None:
    assert listed("lacks", names) == said


def test_a_misfit_is_said_in_parts() -> None:
    assert not Misfit((), (), ())
    assert str(Misfit(("a",), (), ("b is [1], not [2]",))) == (
        "the model has no a; other shapes: b is [1], not [2]"
    )


class Harmful:
    """Prints when it is unpickled."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return print, ("run",)


@pytest.fixture(name="torch")
def _torch() -> Any:
    return pytest.importorskip("torch", reason="torch is not installed")


def state(torch: Any) -> dict[str, Any]:
    """Two tensors by name."""
    return {"a": torch.arange(6.0).reshape(2, 3), "b": torch.ones(2)}


def test_a_state_dict_plain_nested_and_wrapped(torch: Any, tmp_path: Path) -> None:
    wrapped = {f"module.{name}": value for name, value in state(torch).items()}
    for held in (state(torch), {"state_dict": state(torch), "epoch": 3}, wrapped):
        torch.save(held, tmp_path / "held.pt")
        found = read_weights(tmp_path / "held.pt")
        assert list(found) == ["a", "b"]
        assert all(torch.equal(found[name], state(torch)[name]) for name in found)


def test_only_whole_wrappers_are_taken_off(torch: Any, tmp_path: Path) -> None:
    torch.save({"module.a": torch.ones(1), "b": torch.ones(1)}, tmp_path / "w")
    assert list(read_weights(tmp_path / "w")) == ["module.a", "b"]
    torch.save({"module.model.a": torch.ones(1)}, tmp_path / "w")
    assert list(read_weights(tmp_path / "w", wrappers=("module.", "model."))) == ["a"]


def test_safetensors(torch: Any, tmp_path: Path) -> None:
    torch_files = pytest.importorskip("safetensors.torch", reason="no safetensors")
    torch_files.save_file(state(torch), tmp_path / "w.safetensors")
    assert set(read_weights(tmp_path / "w.safetensors")) == {"a", "b"}
    (tmp_path / "w.safetensors").write_bytes(b"x" * 20)
    with pytest.raises(DataError, match="is no safetensors file"):
        read_weights(tmp_path / "w.safetensors")


def test_numpys_numbers_and_named_classes_may_stand_beside(torch: Any, tmp_path: Path) -> None:
    import numpy as np

    held = {"state_dict": state(torch), "best": np.float64(0.5), "args": Namespace(lr=0.1)}
    torch.save(held, tmp_path / "w.pt")
    assert list(read_weights(tmp_path / "w.pt", plain=[Namespace])) == ["a", "b"]
    with pytest.raises(DataError, match=r"is refused: it wants to run argparse\.Namespace"):
        read_weights(tmp_path / "w.pt")


def test_code_is_refused_and_not_run(
    torch: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    torch.save({"a": Harmful()}, tmp_path / "zip.pt")
    (tmp_path / "old.pt").write_bytes(pickle.dumps(Harmful(), protocol=2))
    for name in ("zip.pt", "old.pt"):
        with pytest.raises(DataError, match=rf"{name}: is refused.*more than weights"):
            read_weights(tmp_path / name)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("held", "said"),
    [
        ([1, 2], "holds no weights but a list"),
        ({}, "holds no weights, but nothing"),
        ({"epoch": 3, "loss": 0.5}, "holds no weights, but epoch, loss"),
    ],
)
def test_what_is_no_state_dict_is_said(torch: Any, tmp_path: Path, held: object, said: str) -> None:
    torch.save(held, tmp_path / "w.pt")
    with pytest.raises(DataError) as raised:
        read_weights(tmp_path / "w.pt", fix="Try this")
    assert said in str(raised.value)
    assert "Try this" in str(raised.value)


@pytest.mark.parametrize("left", [0, 40, 400])
def test_half_a_file_is_said(torch: Any, tmp_path: Path, left: int) -> None:
    torch.save(state(torch), tmp_path / "w.pt")
    (tmp_path / "w.pt").write_bytes((tmp_path / "w.pt").read_bytes()[:left])
    with pytest.raises(DataError, match=r"w.pt: (can't be read|is refused)"):
        read_weights(tmp_path / "w.pt")


def test_every_tensor_finds_its_place_or_is_named(torch: Any) -> None:
    module = torch.nn.Linear(3, 2)
    held = {"weight": torch.ones(2, 3), "bias": torch.zeros(2)}
    load_weights(module, held, where="f", fix="-")
    assert module.weight.tolist() == [[1.0] * 3] * 2

    wrong = {"weight": torch.ones(2, 4), "scale": torch.ones(1)}
    with pytest.raises(DataError) as raised:
        load_weights(module, wrong, where="f", fix=lambda misfit: f"see {misfit.lacking}")
    for part in ("no scale", "lacks bias", "weight is [2, 4], not [2, 3]", "see ('bias',)"):
        assert part in str(raised.value)


def test_what_may_lack_keeps_its_value(torch: Any) -> None:
    module = torch.nn.Linear(3, 2)
    bias = module.bias.detach().clone()
    held = {"weight": torch.ones(2, 3)}
    load_weights(module, held, where="f", fix="-", optional=lambda name: name == "bias")
    assert torch.equal(module.bias, bias)
