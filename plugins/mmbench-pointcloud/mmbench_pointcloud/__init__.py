"""Zero-shot 3D classification for mmbench. Here are the hooks: they import nothing heavy."""

from __future__ import annotations

from mmbench.api import DatasetSpec, SuiteSpec, TaskSpec, hookimpl

#: The version of mmbench's contracts that this plugin is written for.
MMBENCH_API_VERSION = 1

_HINT = "pip install h5py trimesh"


@hookimpl
def mmbench_datasets() -> list[DatasetSpec]:
    """The readers; each has the folder of its name under the data root."""
    named = {
        "modelnet40": ("modelnet:ModelNet40", "ModelNet40: 12,311 CAD models of 40 classes"),
        "scanobjectnn": ("scanobjectnn:ScanObjectNN", "ScanObjectNN: scanned things of 15 classes"),
        "objaverse_lvis": (
            "objaverse_lvis:ObjaverseLvis",
            "Objaverse-LVIS: 46,832 models of 1,156 classes",
        ),
    }
    return [
        DatasetSpec(name, f"mmbench_pointcloud.{path}", summary, hint=_HINT)
        for name, (path, summary) in named.items()
    ]


_TASKS: dict[str, tuple[str, str, dict[str, object]]] = {
    "modelnet40-zeroshot": (
        "ModelNet40ZeroShot",
        "ModelNet40: 2,468 point clouds are named, one of 40 classes",
        {"points": 8192},
    ),
    "scanobjectnn-zeroshot": (
        "ScanObjectNNZeroShot",
        "ScanObjectNN: scanned point clouds are named, one of 15 classes",
        {"split": "openshape"},
    ),
    "objaverse-lvis-zeroshot": (
        "ObjaverseLvisZeroShot",
        "Objaverse-LVIS: 46,832 point clouds are named, one of 1,156 classes",
        {"split": "all", "underscores": "keep"},
    ),
}


@hookimpl
def mmbench_tasks() -> list[TaskSpec]:
    """One task a dataset."""
    return [
        TaskSpec(
            name,
            f"mmbench_pointcloud.tasks:{path}",
            summary,
            "zero-shot",
            options,
            hint=_HINT,
            published="mmbench_pointcloud:published.toml",
        )
        for name, (path, summary, options) in _TASKS.items()
    ]


@hookimpl
def mmbench_suites() -> list[SuiteSpec]:
    """The tasks on which ULIP and its relatives are compared, and the same on samples."""
    named = {
        "pointcloud-zeroshot": "ModelNet40, ScanObjectNN and Objaverse-LVIS, zero-shot",
        "pointcloud-zeroshot-sample": "The tasks of pointcloud-zeroshot on generated samples",
    }
    return [
        SuiteSpec(name, f"mmbench_pointcloud:suites/{name}.toml", said)
        for name, said in named.items()
    ]
