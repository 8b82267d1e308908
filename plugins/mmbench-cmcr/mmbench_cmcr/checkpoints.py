"""Checkpoints of heads, in the layouts of ``clap_clip.pt``, ``ulip_clip.pt`` and ``ex_clap.pt``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from mmbench.api import DataError, DataMissing
from mmbench.api.weights import listed
from mmbench.api.weights import read_checkpoint as read_file
from mmbench_cmcr.layouts import PUBLISHED, Layout
from mmbench_cmcr.projectors import build_projector

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from mmbench_cmcr.layouts import Projector, Space
    from mmbench_cmcr.projectors import Head

    Tensors = Mapping[str, torch.Tensor]

__all__ = ["heads_of", "named_state", "read_checkpoint", "read_heads", "write_checkpoint"]

#: A name that tells an architecture, the surest first: Ex-MCR's heads hold MLPs.
_MARKS: dict[str, Projector] = {
    "Head1.weight": "ex-mcr",
    "net1.0.weight": "mlp",
    "net.0.weight": "mlp-half",
}
#: The first and the last linear map of each.
_ENDS: dict[Projector, tuple[str, str]] = {
    "mlp": ("net1.0.weight", "net2.0.weight"),
    "mlp-half": ("net.0.weight", "net.0.weight"),
    "ex-mcr": ("Head1.weight", "Head2.mlp2.net2.0.weight"),
}


def named_state(heads: Mapping[Space, Head], layout: Layout) -> dict[str, torch.Tensor]:
    """The tensors of heads, on the CPU, by their names in a checkpoint."""
    return {
        f"{layout.prefix(space)}{name}": value.detach().cpu().contiguous()
        for space in layout.spaces
        for name, value in heads[space].state_dict().items()
    }


def write_checkpoint(path: Path, state: Tensors) -> None:
    """Write tensors as the published files hold them: a plain state dict, by ``torch.save``."""
    new = path.with_name(f"{path.name}.new")
    torch.save({name: value.clone() for name, value in state.items()}, new)
    new.replace(path)


def read_checkpoint(path: Path) -> dict[str, torch.Tensor]:
    """The tensors of a file, by name. Nothing in it is executed.

    Raises:
        DataMissing: There is no such file.
        DataError: It is broken, or holds something else than tensors.
    """
    if not path.is_file():
        raise DataMissing(
            "there is no such checkpoint", where=str(path.absolute()),
            fix="clap_clip.pt and ulip_clip.pt are the authors': see the folder checkpoints of "
            "github.com/MCR-PEFT/C-MCR. Put the file there, or name it: -o checkpoint=PATH. "
            "mmbench downloads nothing by itself.",
        )  # fmt: skip
    raw = read_file(path)
    if not isinstance(raw, dict) or not all(isinstance(v, torch.Tensor) for v in raw.values()):
        raise DataError(
            "holds something else than tensors by name", where=str(path),
            fix="it should be a plain state dict, as torch.save(model.state_dict()) writes it",
        )  # fmt: skip
    for name, value in raw.items():
        if value.is_floating_point() and not bool(torch.isfinite(value).all()):
            raise DataError(f"{name} has a value that is NaN or infinite", where=str(path))
    return raw


def read_heads(
    path: Path, layout: Layout, widths: Mapping[str, int] | None = None
) -> dict[Space, Head]:
    """The heads of a checkpoint, in evaluation mode.

    Args:
        path: The file.
        layout: What it should hold.
        widths: Of the spaces, where known.

    Raises:
        DataMissing: There is no such file.
        DataError: It is broken, of another architecture, or of the other order of heads.
    """
    return heads_of(read_checkpoint(path), layout, widths, where=str(path))


def heads_of(
    state: Tensors, layout: Layout, widths: Mapping[str, int] | None = None, *, where: str
) -> dict[Space, Head]:
    """Heads, in evaluation mode, of their tensors; every tensor must find its place.

    Raises:
        DataError: They are of another architecture, or of the other order of heads.
    """
    _check_architecture(state, layout, where)
    first, last = _ENDS[layout.projector]
    dims = {state[layout.prefix(space) + last].shape[0] for space in layout.spaces}
    found: dict[str, int] = {
        space: int(state[layout.prefix(space) + first].shape[1]) for space in layout.spaces
    }
    if len(dims) > 1:
        raise DataError(f"its heads end in {sorted(dims)} numbers", where=where)
    _check_widths(found, widths or found, layout, where)
    heads: dict[Space, Head] = {}
    for space in layout.spaces:
        head = build_projector(layout.projector, found[space], next(iter(dims)), seed=0)
        prefix = layout.prefix(space)
        wanted = head.state_dict()
        own = {name: state[prefix + name] for name in wanted}
        wrong = [
            f"{prefix}{name} is {list(own[name].shape)}, not {list(wanted[name].shape)}"
            for name in wanted
            if own[name].shape != wanted[name].shape
        ]
        if wrong:
            raise DataError(listed("has other shapes:", wrong), where=where)
        head.load_state_dict(own, strict=True)
        heads[space] = head.eval()
    return heads


def _check_architecture(state: Tensors, layout: Layout, where: str) -> None:
    """See that the names are those of the layout.

    Raises:
        DataError: Says which architecture it is, or which names lack and are too many.
    """
    ends = {"mlp": _mlp_names(("net1", "net2")), "mlp-half": _mlp_names(("net",)),
            "ex-mcr": ("Head1.weight", "Head1.bias",
                       *_mlp_names(("mlp1.net1", "mlp1.net2", "mlp2.net1", "mlp2.net2"),
                                   "Head2."))}  # fmt: skip
    wanted = [layout.prefix(s) + name for s in layout.spaces for name in ends[layout.projector]]
    missing = [name for name in wanted if name not in state]
    extra = [name for name in state if name not in set(wanted)]
    if not missing and not extra:
        return
    other = next(
        (kind for end, kind in _MARKS.items() if any(f".{n}".endswith(f".{end}") for n in state)),
        None,
    )
    if other is not None and other != layout.projector:
        raise DataError(
            f"has the heads of {PUBLISHED[other]} ({other}), not of {layout.projector}",
            where=where, fix=f"-o projector={other}",
        )  # fmt: skip
    said = [listed("lacks", missing)] if missing else []
    said += [f"{listed('has', extra)}, for which there is no place"] if extra else []
    heads = "one head" if layout.frozen else "two heads"
    raise DataError(
        f"is no checkpoint of {heads} ({layout.projector}): it {' and '.join(said)}", where=where,
        fix=f"it should have the names of {PUBLISHED[layout.projector]}; "
        "-o projector=... and -o frozen=... say which heads it has",
    )  # fmt: skip


def _check_widths(
    found: Mapping[str, int], wanted: Mapping[str, int], layout: Layout, where: str
) -> None:
    """See that each head takes the vectors of its space.

    Raises:
        DataError: It does not; says so where the other order of heads would fit.
    """
    wrong = [space for space in layout.spaces if found[space] != wanted[space]]
    if not wrong:
        return
    space = wrong[0]
    what = (
        f"{layout.prefix(space).rstrip('.') or 'the head'} takes vectors of {found[space]} numbers,"
        f" and the {space} space has {wanted[space]}"
    )
    fix = "take the checkpoint of these two spaces"
    if len(found) == 2 and found["first"] == wanted["second"] != wanted["first"] == found["second"]:
        now = "second" if layout.spaces[0] == "first" else "first"
        fix = f"its heads are in the other order: -o head_a={now}"
    raise DataError(what, where=where, fix=fix)


def _mlp_names(nets: tuple[str, ...], prefix: str = "") -> tuple[str, ...]:
    """The names of these blocks of Linear and BatchNorm."""
    ends = ("0.weight", "0.bias", "1.weight", "1.bias", "1.running_mean", "1.running_var",
            "1.num_batches_tracked")  # fmt: skip
    return tuple(f"{prefix}{net}.{end}" for net in nets for end in ends)
