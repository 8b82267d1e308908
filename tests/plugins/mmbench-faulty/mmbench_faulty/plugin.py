"""The entry point: light specs, as of any other plugin."""

from __future__ import annotations

from mmbench.api import DatasetSpec, RepresentationSpec, TaskSpec, hookimpl

MMBENCH_API_VERSION = 1

_HERE = "mmbench_faulty"


@hookimpl
def mmbench_representations() -> list[RepresentationSpec]:
    """One that works, one of each kind, and one with a choice of faults."""
    path = f"{_HERE}.representations"
    return [
        RepresentationSpec("steady", f"{path}:Steady", "Works"),
        RepresentationSpec("gridded", f"{path}:Gridded", "Has dense maps"),
        RepresentationSpec("seeded", f"{path}:Seeded", "Works, and depends on the seed"),
        RepresentationSpec("learnt", f"{path}:Learnt", "Is trained"),
        RepresentationSpec("looked-up", f"{path}:LookedUp", "Vectors by item id"),
        RepresentationSpec("fused", f"{path}:Fused", "A subset's vector from its single slots"),
        RepresentationSpec("faulty", f"{path}:Faulty", "Fails as it is told to"),
        RepresentationSpec("joined", f"{_HERE}.connectors:Joined", "A connector"),
        RepresentationSpec(
            "ring", f"{_HERE}.connectors:Joined", "Is its own base", options={"first": "ring"}
        ),
        RepresentationSpec("unimportable", f"{_HERE}.nowhere:Nothing", "Can't be imported"),
    ]


@hookimpl
def mmbench_datasets() -> list[DatasetSpec]:
    """Pairs of vectors, and data that is not there."""
    return [
        DatasetSpec("faulty-pairs", f"{_HERE}.world:Pairs", "Pairs of vectors"),
        DatasetSpec("faulty-absent", f"{_HERE}.world:Absent", "Is never there"),
    ]


@hookimpl
def mmbench_tasks() -> list[TaskSpec]:
    """Retrieval that works, and one with a choice of faults."""
    path = f"{_HERE}.tasks"
    return [
        TaskSpec("pairs", f"{path}:PairsRetrieval", protocol="retrieval"),
        TaskSpec("absent", f"{path}:AbsentTask", protocol="retrieval"),
        TaskSpec("sparse", f"{path}:SparseTask", protocol="probe"),
        TaskSpec("crops", f"{path}:CropsTask", protocol="probe"),
        TaskSpec("drawn", f"{path}:DrawnTask", protocol="probe"),
        TaskSpec("faulty-task", f"{path}:FaultyTask", protocol="probe"),
    ]
