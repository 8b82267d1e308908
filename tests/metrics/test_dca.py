"""DCA against the original's figures, naive forms of its phases, and its own invariances."""

from __future__ import annotations

import json
import logging
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmbench.metrics import dca_graph
from mmbench.metrics.dca import NO_INTERVAL, DCAParameters, GivenEdges, dca
from mmbench.metrics.dca_graph import exact_graph, filter_by_coverage, given_graph, ray_graph

ORACLES = Path(__file__).parents[1] / "oracles"
FIGURES = json.loads((ORACLES / "dca.json").read_text("utf-8"))
SCORED = [case for case, figures in FIGURES.items() if "output" in figures]
many = settings(deadline=None)
seeds = st.integers(0, 10_000)


@pytest.fixture(scope="module")
def arrays():
    with np.load(ORACLES / "dca.npz") as stored:
        return dict(stored)


def options(figures):
    given = figures["params"]
    return DCAParameters(
        sphere_coverage=given.get("B", 1.0),
        min_cluster_size=given.get("mcs", 10),
        cluster_selection_epsilon=given.get("eps", 0.0),
    )


def edges_of(arrays, case):
    hits = arrays.get(f"{case}_sig")
    rays = None if hits is None else FIGURES[case]["params"]["T"]
    return GivenEdges(arrays[f"{case}_edges"], hits, rays)


def same_partition(a, b):
    joint = np.unique(np.stack([a, b]), axis=1).shape[1]
    return joint == len(np.unique(a)) == len(np.unique(b))


def clusters(seed, r_size, e_size, width=2, spread=8.0):
    rng = np.random.default_rng(seed)
    centres = spread * rng.normal(size=(3, width))
    r = centres[rng.integers(0, 3, r_size)] + rng.normal(size=(r_size, width))
    e = centres[rng.integers(0, 3, e_size)] + rng.normal(size=(e_size, width))
    return r, e


# --- the original's figures -----------------------------------------------------------------------


@pytest.mark.parametrize("case", SCORED)
def test_the_original_is_reproduced(arrays, case):
    figures = FIGURES[case]
    expected = figures["output"]
    result = dca(
        arrays[f"{case}_R"],
        arrays[f"{case}_E"],
        options(figures),
        edges=edges_of(arrays, case),
    )
    assert len(arrays[f"{case}_edges"]) == figures["n_edges"]
    assert result.precision == pytest.approx(expected["precision"], abs=1e-12)
    assert result.recall == pytest.approx(expected["recall"], abs=1e-12)
    assert result.network_quality == pytest.approx(expected["network_quality"], abs=1e-12)
    assert result.network_consistency == pytest.approx(expected["network_consistency"], abs=1e-12)
    assert result.harmonic_score == pytest.approx(figures["gmc_dca_score"], abs=1e-12)
    fundamental = [c for c in result.components if c.fundamental]
    counts = {
        "num_R": result.r_points,
        "num_E": result.e_points,
        "first_trivial_component_idx": result.clusters,
        "num_R_points_in_fundcomp": sum(c.r_points for c in fundamental),
        "num_E_points_in_fundcomp": sum(c.e_points for c in fundamental),
        "num_RE_edges": result.cross_edges,
        "num_total_edges": result.edges,
        "num_R_outliers": result.r_outliers,
        "num_E_outliers": result.e_outliers,
        "num_fundcomp": len(fundamental),
        "num_comp": len(result.components),
        "num_outliercomp": result.r_outliers + result.e_outliers,
    }
    assert counts == {name: expected[name] for name in counts}
    assert same_partition(result.labels, arrays[f"{case}_labels"])

    def judged(rows):  # components of one size may come in either order
        return sorted(tuple(round(value, 9) for value in row) for row in rows)

    theirs = [expected[str(i)] for i in range(expected["num_comp"])]
    assert judged(
        (c.r_points, c.e_points, c.consistency, c.quality) for c in result.components
    ) == (
        judged((c["num_R"], c["num_E"], c["comp_consistency"], c["comp_quality"]) for c in theirs)
    )


@pytest.mark.parametrize("case", [case for case in SCORED if "B" in FIGURES[case]["params"]])
def test_the_originals_filter_is_reproduced(arrays, case):
    points = np.concatenate([arrays[f"{case}_R"], arrays[f"{case}_E"]]).astype(np.float64)
    given = edges_of(arrays, case)
    graph = given_graph(points, given.edges, given.hits, given.rays)
    kept = filter_by_coverage(graph, FIGURES[case]["params"]["B"], len(points))
    theirs = arrays[f"{case}_filtered_edges"]
    assert len(kept.edges) == FIGURES[case]["n_filtered_edges"] == len(theirs)
    assert {tuple(edge) for edge in kept.edges.tolist()} == {
        tuple(sorted(edge)) for edge in theirs.tolist()
    }


def test_a_filtered_graph_that_falls_apart_is_refused_as_in_the_original(arrays):
    case = "sphere8d_rays_B0.9"
    assert "not connected" in FIGURES["sphere8d_rays_B0.7"]["error"]
    with pytest.raises(ValueError, match=r"falls into 3 parts.*raise sphere_coverage"):
        dca(
            arrays[f"{case}_R"],
            arrays[f"{case}_E"],
            DCAParameters(sphere_coverage=0.7),
            edges=edges_of(arrays, case),
        )


@pytest.mark.parametrize("rays", [1_000, 10_000])
def test_rays_find_the_exact_edges_of_the_official_example(arrays, rays):
    expected = FIGURES[f"first_example_rays_T{rays}"]
    points = np.concatenate([arrays["first_example_R"], arrays["first_example_E"]])
    found = ray_graph(points.astype(np.float64), rays=rays, seed=0)
    assert len(found.edges) == expected["edges_found"]
    assert np.array_equal(found.edges, np.unique(arrays["first_example_edges"], axis=0))
    result = dca(arrays["first_example_R"], arrays["first_example_E"], DCAParameters(rays=rays))
    assert result.harmonic_score == pytest.approx(FIGURES["first_example"]["gmc_dca_score"])


@pytest.mark.parametrize("case", ["first_example", "gauss2d_missing_mode", "gauss3d_mcs5"])
def test_qhull_gives_the_stored_edges(arrays, case):
    points = np.concatenate([arrays[f"{case}_R"], arrays[f"{case}_E"]]).astype(np.float64)
    assert np.array_equal(exact_graph(points).edges, np.unique(arrays[f"{case}_edges"], axis=0))


def test_every_case_of_the_oracle_is_looked_at():
    without_scores = set(FIGURES) - set(SCORED)
    assert without_scores == {
        "first_example_rays_T1000",
        "first_example_rays_T10000",
        "sphere8d_rays_B0.7",
    }


# --- graphs ---------------------------------------------------------------------------------------


def naive_rays(points, rays, seed):
    """Hits of each edge by the rule as it is written, one ray at a time."""
    directions = np.random.default_rng(seed).standard_normal((rays, points.shape[1]))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    hits = {}
    for i, x in enumerate(points):
        for m in directions:
            best, which = np.inf, None
            for j, other in enumerate(points):
                ahead = m @ (other - x)
                if j != i and ahead > 0:
                    t = ((other - x) ** 2).sum() / (2 * ahead)
                    if t < best:
                        best, which = t, j
            if which is not None:
                edge = (min(i, which), max(i, which))
                hits[edge] = hits.get(edge, 0) + 1
    return hits


@many
@given(seeds, st.integers(2, 7), st.integers(1, 4))
def test_rays_follow_the_written_rule(seed, count, width):
    points = np.random.default_rng(seed).normal(size=(count, width))
    graph = ray_graph(points, rays=4, seed=seed)
    found = {tuple(e): h for e, h in zip(graph.edges.tolist(), graph.hits.tolist(), strict=True)}
    assert found == naive_rays(points, 4, seed)
    assert graph.rays == 4


@many
@given(seeds, st.integers(5, 64), st.integers(2, 3))
def test_rays_find_no_edge_that_is_not_delaunay(seed, count, width):
    points = np.random.default_rng(seed).normal(size=(count, width))
    exact = {tuple(edge) for edge in exact_graph(points).edges.tolist()}
    graph = ray_graph(points, rays=32, seed=seed)
    assert {tuple(edge) for edge in graph.edges.tolist()} <= exact
    ends = points[graph.edges]
    assert graph.lengths == pytest.approx(np.linalg.norm(ends[:, 0] - ends[:, 1], axis=1))


def test_scratch_blocks_change_nothing(monkeypatch):
    points = np.random.default_rng(0).normal(size=(30, 3))
    whole = ray_graph(points, rays=100, seed=1)
    monkeypatch.setattr(dca_graph, "_PROJECTIONS", 90)
    monkeypatch.setattr(dca_graph, "_RAYS_AT_ONCE", 2)
    blocked = ray_graph(points, rays=100, seed=1)
    assert np.array_equal(whole.edges, blocked.edges)
    assert np.array_equal(whole.hits, blocked.hits)


def test_rays_are_repeatable_and_seeded():
    points = np.random.default_rng(0).normal(size=(40, 5))
    first, again, other = (ray_graph(points, rays=20, seed=seed) for seed in (1, 1, 2))
    assert np.array_equal(first.hits, again.hits)
    assert not np.array_equal(first.edges, other.edges)


def test_points_on_a_line_are_joined_in_order():
    points = np.array([[3.0], [1.0], [2.0], [0.0]])
    expected = [[0, 2], [1, 2], [1, 3]]
    assert exact_graph(points).edges.tolist() == expected
    assert ray_graph(points, rays=20, seed=0).edges.tolist() == expected


def naive_filter(graph, coverage, count):
    kept = set()
    for point in range(count):
        mine = [k for k, edge in enumerate(graph.edges.tolist()) if point in edge]
        covered = 0.0
        for k in sorted(mine, key=lambda k: graph.lengths[k]):
            if covered >= coverage:
                break
            kept.add(k)
            covered += graph.hits[k] / (2 * graph.rays)
    return graph.edges[sorted(kept)]


@many
@given(seeds, st.integers(2, 40), st.sampled_from([0.05, 0.3, 0.5, 0.7, 0.99]))
def test_the_filter_follows_the_written_rule(seed, count, coverage):
    points = np.random.default_rng(seed).normal(size=(count, 2))
    graph = ray_graph(points, rays=16, seed=seed)
    kept = filter_by_coverage(graph, coverage, count)
    assert np.array_equal(kept.edges, naive_filter(graph, coverage, count))
    assert len(kept.hits) == len(kept.lengths) == len(kept.edges)
    assert filter_by_coverage(graph, 1.0, count) is graph


# --- scores ---------------------------------------------------------------------------------------


@st.composite
def cases(draw):
    """Small sets with ties (points on a coarse grid, repeated) in a good part of them."""
    seed, width = draw(seeds), draw(st.integers(1, 3))
    r, e = clusters(seed, draw(st.integers(1, 64)), draw(st.integers(1, 64)), width)
    if draw(st.booleans()):
        r, e = np.round(r), np.round(e)
    chosen = DCAParameters(rays=8, min_cluster_size=draw(st.integers(2, 12)), seed=seed)
    return r, e, chosen


@many
@given(cases())
def test_scores_keep_their_bounds_and_add_up(case):
    r, e, chosen = case
    if np.ptp(np.concatenate([r, e]), axis=0).max() == 0:
        return
    result = dca(r, e, chosen)
    for value in (result.precision, result.recall, result.network_quality, result.harmonic_score):
        assert 0.0 <= value <= 1.0
    assert sum(c.r_points for c in result.components) == len(r)
    assert sum(c.e_points for c in result.components) == len(e)
    sizes = [c.r_points + c.e_points for c in result.components]
    assert sizes == sorted(sizes, reverse=True)
    assert np.bincount(result.labels).tolist() == sizes
    assert sum(size >= chosen.min_cluster_size for size in sizes) == result.clusters
    assert all(size == 1 for size in sizes[result.clusters :])
    assert result.network_consistency == pytest.approx(1 - abs(len(r) - len(e)) / (len(r) + len(e)))


@many
@given(seeds, st.integers(1, 64), st.integers(1, 64), st.integers(1, 3))
def test_swapping_r_and_e_swaps_precision_and_recall(seed, r_size, e_size, width):
    r, e = clusters(seed, r_size, e_size, width)
    chosen = DCAParameters(rays=8, min_cluster_size=4, seed=seed)
    one, other = dca(r, e, chosen), dca(e, r, chosen)
    assert (one.precision, one.recall) == (other.recall, other.precision)
    assert one.network_quality == pytest.approx(other.network_quality, abs=1e-12)
    assert (one.r_outliers, one.e_outliers) == (other.e_outliers, other.r_outliers)


@many
@given(seeds, st.integers(1, 64), st.integers(1, 64), st.randoms(use_true_random=False))
def test_neither_order_nor_place_nor_scale_matters(seed, r_size, e_size, random):
    r, e = clusters(seed, r_size, e_size)
    order_r, order_e = list(range(r_size)), list(range(e_size))
    random.shuffle(order_r)
    random.shuffle(order_e)
    chosen = DCAParameters(rays=8, min_cluster_size=4, seed=seed)
    plain = dca(r, e, chosen)
    moved = dca(4.0 * r[order_r] + 1.0, 4.0 * e[order_e] + 1.0, chosen)
    assert moved.metrics() == pytest.approx(plain.metrics(), abs=1e-12)
    order = [*order_r, *(len(r) + np.array(order_e)).tolist()]
    assert same_partition(plain.labels[order], moved.labels)


def test_distillation_of_points_equals_that_of_their_graph(arrays):
    """The minimum spanning tree lies in the Delaunay graph."""
    for case in ("gauss2d_missing_mode", "gauss3d_mcs5"):
        r, e = arrays[f"{case}_R"], arrays[f"{case}_E"]
        edges = arrays[f"{case}_edges"]
        # One hit an edge and many rays: the coverage is never reached, so no edge is filtered out.
        every = GivenEdges(edges, np.ones(len(edges), dtype=int), 10**6)
        chosen = DCAParameters(min_cluster_size=5)
        plain = dca(r, e, chosen, edges=GivenEdges(edges))
        through = dca(r, e, replace(chosen, sphere_coverage=0.999), edges=every)
        assert same_partition(plain.labels, through.labels)
        assert plain.metrics() == through.metrics()


def test_clusters_by_themselves_are_scored_by_hand():
    """Two tight pairs of clusters: R and E share one, and each has one of its own."""
    rng = np.random.default_rng(0)
    shared, only_r, only_e = np.array([0.0, 0.0]), np.array([50.0, 0.0]), np.array([0.0, 50.0])
    r = np.concatenate([shared + rng.normal(size=(30, 2)), only_r + rng.normal(size=(10, 2))])
    e = np.concatenate([shared + rng.normal(size=(30, 2)), only_e + rng.normal(size=(20, 2))])
    result = dca(r, e, DCAParameters(graph="exact"))
    assert result.precision == pytest.approx(30 / 50)
    assert result.recall == pytest.approx(30 / 40)
    assert result.clusters == len(result.components) == 3
    parts = (result.precision, result.recall, result.network_quality)
    assert result.harmonic_score == pytest.approx(3 / sum(1 / part for part in parts))
    assert [c.fundamental for c in result.components] == [True, False, False]


def test_thresholds_are_strict():
    r, e = clusters(3, 60, 60)
    plain = dca(r, e)
    best = max(c.quality for c in plain.components)
    assert dca(r, e, DCAParameters(eta_quality=best)).precision == 0.0
    best = max(c.consistency for c in plain.components)
    if best < 1.0:
        assert dca(r, e, DCAParameters(eta_consistency=best)).recall == 0.0
    assert plain.precision > 0


def test_identical_sets_are_aligned_and_their_copies_counted():
    r, _ = clusters(1, 80, 1, width=8)
    result = dca(r, r)
    assert (result.precision, result.recall) == (1.0, 1.0)
    assert 0.4 < result.network_quality < 0.7
    assert result.duplicates == 80


def test_a_collapsed_e_is_not_aligned():
    r, _ = clusters(1, 80, 1, width=8)
    result = dca(r, np.tile(r[:1] + 100.0, (80, 1)))
    assert result.precision == result.recall == result.harmonic_score == 0.0
    assert result.duplicates == 79


def test_large_inputs_are_subsampled_in_proportion_and_it_is_recorded():
    r, e = clusters(0, 300, 100)
    chosen = DCAParameters(rays=16, max_points=100, seed=5)
    result = dca(r, e, chosen)
    assert (result.r_points, result.e_points) == (75, 25)
    assert (result.r_given, result.e_given) == (300, 100)
    recorded = result.provenance()
    assert {"r_points": 75, "e_given": 100, "graph": "rays"}.items() <= recorded.items()
    assert asdict(chosen).items() <= recorded.items()
    assert json.loads(json.dumps(recorded)) == recorded
    assert np.array_equal(dca(r, e, chosen).labels, result.labels)
    assert dca(r, e, replace(chosen, max_points=None)).r_points == 300
    lone = dca(r[:1], np.concatenate([r, e]), replace(chosen, max_points=20))
    assert (lone.r_points, lone.e_points) == (1, 19)


def test_too_few_points_for_two_clusters_are_all_outliers():
    result = dca(np.array([[0.0, 1.0]]), np.array([[1.0, 0.0]]))
    assert (result.r_outliers, result.e_outliers) == (1, 1)
    assert result.harmonic_score == 0.0
    assert result.notes() == [
        "DCA: 100% of the 2 points are outliers; min_cluster_size=10 may not suit this data"
    ]


def test_what_a_reader_should_know_is_said_in_notes_and_not_logged(caplog):
    r, e = clusters(0, 30, 30)
    with caplog.at_level(logging.DEBUG):
        assert dca(r, e).notes() == []
        copied = dca(np.concatenate([r, r[:3]]), e).notes()
        alone = dca(r[:4], e[:4])
    assert copied == ["DCA: 3 of 63 points are copies of others and were moved apart a little"]
    assert alone.notes()
    assert caplog.records == []


def test_figures_have_names_and_no_interval():
    metrics = dca(*clusters(0, 30, 30)).metrics()
    assert set(metrics) == {
        "dca_precision",
        "dca_recall",
        "dca_network_quality",
        "dca_network_consistency",
        "dca_harmonic",
        "dca_r_outliers",
        "dca_e_outliers",
        "dca_components",
        "dca_fundamental_components",
    }
    assert all(isinstance(value, float) for value in metrics.values())
    assert NO_INTERVAL


R, E = clusters(0, 20, 20)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: dca(R, E[:, :1]), "R has 2 dimensions and E 1"),
        (lambda: dca(R, E * np.nan), "E: .*NaN"),
        (lambda: dca(R[:0], E), "R: .*shape"),
        (lambda: dca(R[:, 0], E), "R: .*shape"),
        (lambda: dca(np.ones((5, 2)), np.ones((5, 2))), "all 10 points of R and E are equal"),
        (lambda: dca(R, E, DCAParameters(rays=0)), "rays must be at least 1"),
        (lambda: dca(R, E, DCAParameters(sphere_coverage=0.0)), "sphere coverage must lie"),
        (lambda: dca(R, E, DCAParameters(sphere_coverage=1.5)), "sphere coverage must lie"),
        (lambda: dca(R, E, DCAParameters(min_cluster_size=1)), "min_cluster_size"),
        (lambda: dca(R, E, DCAParameters(cluster_selection_epsilon=-1.0)), "epsilon"),
        (lambda: dca(R, E, DCAParameters(eta_quality=1.0)), "eta_quality"),
        (lambda: dca(R, E, DCAParameters(graph="knn")), "'rays' or 'exact', got 'knn'"),
        (lambda: dca(R, E, DCAParameters(max_points=1)), "max_points"),
        (
            lambda: dca(R, E, DCAParameters(graph="exact", sphere_coverage=0.5)),
            "needs a graph found by rays",
        ),
        (lambda: dca(R[:1], E[:1], DCAParameters(graph="exact")), "use graph='rays'"),
        (lambda: dca(R, E, edges=GivenEdges([[0, 1, 2]])), r"\[m, 2\] expected"),
        (lambda: dca(R, E, edges=GivenEdges([[0.0, 1.0]])), "whole numbers"),
        (lambda: dca(R, E, edges=GivenEdges([[0, 40]])), r"0\.\.39"),
        (lambda: dca(R, E, edges=GivenEdges([[3, 3]])), "to itself"),
        (lambda: dca(R, E, edges=GivenEdges([[0, 1], [1, 0]])), "given twice"),
        (lambda: dca(R, E, edges=GivenEdges([[0, 1]], [3])), "give both or neither"),
        (lambda: dca(R, E, edges=GivenEdges([[0, 1]], [3, 4], 10)), "1 counts expected"),
    ],
)
def test_bad_input_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
