"""DCA without a graph: the same precision and recall, outliers and components as with one."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from mmbench.metrics.dca import DCAParameters, dca
from mmbench.metrics.dca_shortcut import harmonic_score, shared_components

ORACLES = Path(__file__).parents[1] / "oracles"
CASES = json.loads((ORACLES / "dca.json").read_text("utf-8"))


def groups(seed, n=60, width=5, apart=6.0):
    rng = np.random.default_rng(seed)
    centres = apart * rng.standard_normal((3, width))
    which = rng.integers(0, 3, n)
    r = centres[which] + rng.standard_normal((n, width))
    e = centres[which * (which < 2)] + rng.standard_normal((n, width))
    return r, np.concatenate([e, 40 + apart * rng.standard_normal((5, width))])


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("mcs", [5, 10])
def test_it_is_dca_of_the_same_points(seed, mcs):
    r, e = groups(seed)
    whole = dca(r, e, DCAParameters(rays=30, min_cluster_size=mcs, max_points=None))
    short = shared_components(r, e, min_cluster_size=mcs)
    assert (short.precision, short.recall) == (whole.precision, whole.recall)
    assert short.r_outliers.sum() == whole.r_outliers
    assert short.e_outliers.sum() == whole.e_outliers
    assert (short.components, short.clusters) == (len(whole.components), whole.clusters)
    assert short.fundamental == sum(each.fundamental for each in whole.components)


PLAIN = [
    case
    for case, figures in CASES.items()
    if "output" in figures and not {"B", "eps", "eta_c", "eta_q"} & set(figures["params"])
]


@pytest.mark.parametrize("case", PLAIN)
def test_it_is_the_original_without_thresholds_and_filter(case):
    with np.load(ORACLES / "dca.npz") as stored:
        r, e = stored[f"{case}_R"], stored[f"{case}_E"]
    wanted = CASES[case]["output"]
    found = shared_components(r, e, min_cluster_size=CASES[case]["params"].get("mcs", 10))
    assert found.precision == pytest.approx(wanted["precision"], abs=1e-12)
    assert found.recall == pytest.approx(wanted["recall"], abs=1e-12)
    assert found.r_outliers.sum() == wanted["num_R_outliers"]
    assert found.e_outliers.sum() == wanted["num_E_outliers"]
    assert (found.components, found.fundamental) == (wanted["num_comp"], wanted["num_fundcomp"])


def test_copies_are_one_cloud_and_far_clouds_share_nothing():
    r, _ = groups(0)
    same = shared_components(r, r.copy())
    assert (same.precision, same.recall, same.duplicates) == (1.0, 1.0, len(r))
    apart = shared_components(r, r + 1e4)
    assert (apart.precision, apart.recall, apart.fundamental) == (0.0, 0.0, 0)


def test_the_harmonic_score():
    assert harmonic_score(1.0, 1.0, 0.5) == pytest.approx(0.75)
    assert harmonic_score(1.0, 0.0, 0.5) == 0.0


@pytest.mark.parametrize(
    ("r", "e", "message"),
    [
        (np.ones((4, 2)), np.ones((4, 3)), "2 dimensions and E 3"),
        (np.ones((4, 2)), np.ones((4, 2)), "equal"),
        (np.ones((4, 2)), np.full((4, 2), np.nan), "NaN"),
    ],
)
def test_what_has_no_components_is_refused(r, e, message):
    with pytest.raises(ValueError, match=message):
        shared_components(r, e)
    with pytest.raises(ValueError, match="at least 2"):
        shared_components(np.eye(4), np.eye(4), min_cluster_size=1)
