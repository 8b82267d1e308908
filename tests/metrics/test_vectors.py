"""Embedding matrices: what is refused, and what unit length means at extreme scales."""

from __future__ import annotations

import numpy as np
import pytest

from mmbench.metrics.vectors import finite_rows, of_one_space, unit_rows


def test_rows_get_length_one_at_any_scale():
    x = np.array([[3.0, 4.0], [3e-44, 4e-44], [3e38, 1e38]], dtype=np.float32)
    unit = unit_rows(x)
    assert unit.dtype == np.float32
    np.testing.assert_allclose(unit[0], [0.6, 0.8], rtol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(unit, axis=1), 1, rtol=1e-6)


def test_rows_are_taken_in_the_order_asked_for():
    x = np.array([[2.0, 0.0], [0.0, 5.0], [1.0, 1.0]])
    np.testing.assert_array_equal(unit_rows(x, order=[1, 0]), [[0.0, 1.0], [1.0, 0.0]])
    np.testing.assert_array_equal(finite_rows(x, order=[2, 0]), [[1.0, 1.0], [2.0, 0.0]])


@pytest.mark.parametrize(
    ("given", "expected"),
    [("float16", "float32"), ("int64", "float32"), ("float32", "float32"), ("float64", "float64")],
)
def test_precision_follows_the_input(given, expected):
    x = np.array([[1, 2], [3, 1]], dtype=given)
    assert unit_rows(x).dtype == expected
    assert finite_rows(x).dtype == expected
    assert unit_rows(x, double=True).dtype == np.float64


@pytest.mark.parametrize("prepare", [unit_rows, finite_rows])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_broken_rows_are_counted_and_named(prepare, value):
    x = np.arange(1, 41, dtype=float).reshape(10, 4)
    x[[3, 7], 1] = value
    with pytest.raises(ValueError, match=r"audio: 2 of 10 rows \(first: row 3\) with NaN or inf"):
        prepare(x, name="audio")


def test_a_broken_row_far_down_a_large_matrix_is_found():
    x = np.ones((5000, 512), dtype=np.float32)
    x[:, 0] = np.arange(5000)
    x[4321, 5] = np.nan
    with pytest.raises(ValueError, match="first: row 4321"):
        unit_rows(x)


def test_rows_of_length_zero_have_no_direction():
    with pytest.raises(ValueError, match=r"v: 1 of 3 rows \(first: row 2\) of length zero"):
        unit_rows([[1, 0], [0, 1], [0, 0]], name="v")


@pytest.mark.parametrize("prepare", [unit_rows, finite_rows])
def test_constant_embeddings_are_refused(prepare):
    with pytest.raises(ValueError, match="all 3 rows are equal"):
        prepare(np.full((3, 4), 0.5))
    assert prepare(np.full((1, 4), 0.5)).shape == (1, 4)
    assert prepare(np.full((3, 4), 0.5), allow_constant=True).shape == (3, 4)


def test_one_direction_at_many_lengths_is_constant_too():
    rng = np.random.default_rng(0)
    x = np.outer(rng.uniform(0.1, 9, 50), rng.standard_normal(64)).astype(np.float32)
    with pytest.raises(ValueError, match="all 50 rows are equal"):
        unit_rows(x)
    x[7, 3] += 0.01
    assert unit_rows(x).shape == (50, 64)


@pytest.mark.parametrize("x", [np.float64(3), np.ones(3), np.ones((2, 2, 2)), np.ones((0, 3))])
def test_only_matrices_with_items_pass(x):
    with pytest.raises(ValueError, match=r"q: expected a matrix \[items, dimensions\], got shape"):
        unit_rows(x, name="q")


def test_only_real_numbers_pass():
    with pytest.raises(ValueError, match="expected real numbers, got complex128"):
        unit_rows(np.ones((2, 2), dtype=complex))


def test_two_sides_get_the_higher_precision():
    a, b = of_one_space(np.ones((2, 3), np.float32), np.ones((4, 3)), "a", "b")
    assert (a.dtype, b.dtype) == (np.float64, np.float64)
    with pytest.raises(ValueError, match="a have 3 dimensions and b 2"):
        of_one_space(np.ones((2, 3)), np.ones((2, 2)), "a", "b")


def test_torch_on_the_cpu_becomes_numpy_and_mixed_libraries_are_refused():
    torch = pytest.importorskip("torch")
    x = torch.tensor([[3.0, 4.0], [1.0, 0.0]], requires_grad=True)
    np.testing.assert_allclose(unit_rows(x)[0], [0.6, 0.8], rtol=1e-6)
    half = torch.tensor([[3.0, 4.0], [1.0, 0.0]], dtype=torch.bfloat16)
    np.testing.assert_allclose(unit_rows(half)[0], [0.6, 0.8], rtol=1e-6)
    with pytest.raises(ValueError, match="move them to one device of one array library"):
        of_one_space(np.ones((2, 2)), torch.ones(2, 2), "a", "b")
