from __future__ import annotations

from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from mmbench.runner.keys import digest_rows, key_of

KEYS = st.lists(st.one_of(st.none(), st.text("ab", max_size=3)), min_size=1, max_size=64)


def test_equal_parts_equal_key_in_every_process() -> None:
    assert key_of("a", {"y": 1, "x": (2, 3)}) == key_of("a", {"x": [2, 3], "y": 1})
    assert key_of("a", 1) == "484c670ce4753ed75a3cc908af49224a"


def test_different_parts_different_keys() -> None:
    parts = [(1,), (1.0,), ("1",), (True,), (None,), ([1],), (1, None), ({"a": 1},), ({"b": 1},)]

    assert len({key_of(*part) for part in parts}) == len(parts)


def test_sets_paths_and_numpy_scalars_are_plain() -> None:
    assert key_of(frozenset({"b", "a"})) == key_of(["a", "b"])
    assert key_of(np.int64(3), np.float64(0.5)) == key_of(3, 0.5)
    assert key_of(Path("x")) == key_of("x")


@given(KEYS, st.data())
def test_rows_are_equal_where_all_their_keys_are(first, data) -> None:
    second = data.draw(
        st.lists(st.text("ab", max_size=2), min_size=len(first), max_size=len(first))
    )
    digests, present = digest_rows([first, second])

    assert digests.shape == (len(first), 2)
    assert present.tolist() == [key is not None for key in first]
    rows = [d.tobytes() for d in digests]
    for i in range(len(first)):
        for j in range(i):
            if present[i] and present[j]:
                same = (first[i], second[i]) == (first[j], second[j])
                assert (rows[i] == rows[j]) == same


def test_streams_are_told_apart() -> None:
    swapped = digest_rows([["a"], ["b"]])[0], digest_rows([["b"], ["a"]])[0]
    assert (swapped[0] != swapped[1]).any()
    assert (digest_rows([["ab"], [""]])[0] != digest_rows([["a"], ["b"]])[0]).any()


def test_no_rows_and_no_streams() -> None:
    for columns in ([], [[]], [[], []]):
        digests, present = digest_rows(columns)
        assert digests.shape == (0, 2)
        assert present.shape == (0,)
