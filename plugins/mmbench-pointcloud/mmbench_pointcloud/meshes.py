"""Meshes: OFF files, and points sampled on their surface by area.

``trimesh`` reads and samples them. What it lets pass is looked for first: a file that is cut off
reads as a smaller mesh.
"""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from mmbench.api import DataError, ItemError
from mmbench_pointcloud.files import read_text, shown

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from mmbench_pointcloud.collection import Points
    from mmbench_pointcloud.preparation import Preparation

__all__ = ["LEAST_SAMPLED", "MeshCloud", "load_mesh"]

#: Points that are sampled at least, as the text files of ModelNet40 have them.
LEAST_SAMPLED = 10_000
#: ``OFF`` and perhaps, glued to it, the counts: ``OFF3514 3546 0``.
_HEADER = re.compile(r"(?:C|N|ST|4|n)*OFF\s*(.*)", re.IGNORECASE)


@dataclass(frozen=True)
class MeshCloud:
    """Points on the surface of an OFF file's mesh."""

    path: Path
    seed: int
    count: int

    @property
    def place(self) -> str:
        """Names how the surface is sampled; the version of trimesh does part of it."""
        return f"off {self.count} by area, seed {self.seed}, trimesh {version('trimesh')}"

    @property
    def where(self) -> str:
        """The file."""
        return shown(self.path)

    def load(self, preparation: Preparation) -> Points:
        """Read the mesh, and sample it.

        Raises:
            ItemError: It is no mesh with a surface.
        """
        import numpy as np
        from trimesh.sample import sample_surface

        mesh = load_mesh(self.path)
        points, _ = sample_surface(mesh, self.count, seed=self.seed)
        return np.ascontiguousarray(points, dtype=np.float32), None


def load_mesh(path: Path) -> Any:
    """A mesh (``trimesh.Trimesh``) as the file has it: no vertices merged, none removed.

    Raises:
        ItemError: It is not there or empty, is cut off, is no OFF, or has no surface; names the
            line.
    """
    import numpy as np

    if not path.is_file():
        raise ItemError("the mesh is not there", where=shown(path))
    if not path.stat().st_size:
        raise ItemError("the mesh is empty: a file of 0 bytes", where=shown(path))
    try:
        text = read_text(path)
    except DataError as error:
        raise ItemError(error.what, where=error.where, fix=error.fix) from error
    lines = _lines(text)
    corners, faces, body = _counts(lines, path)
    if len(body) < corners + faces:
        last = f"{shown(path)}:{lines[-1][0]}"
        what = f"the mesh is cut off: {len(body)} of {corners} + {faces} lines are there"
        raise ItemError(what, where=last)
    mesh = _parsed(text, path, body, corners, faces)
    whole = all(_is_whole(line) for _, line in body[corners : corners + faces])
    if not whole or mesh.vertices.shape != (corners, 3) or len(mesh.faces) < faces:
        raise _bad_line(path, body, corners, faces)
    if not np.isfinite(mesh.vertices).all():
        row = int(np.flatnonzero(~np.isfinite(mesh.vertices).all(axis=1))[0])
        raise ItemError("the mesh holds NaN or infinity", where=f"{shown(path)}:{body[row][0]}")
    if not 0 < mesh.area < np.inf:
        raise ItemError("the mesh has no surface: its area is 0", where=shown(path))
    return mesh


def _lines(text: str) -> list[tuple[int, str]]:
    """The lines that say something, without comments, with their numbers."""
    parts = ((number, line.split("#", 1)[0]) for number, line in enumerate(text.splitlines(), 1))
    return [(number, line) for number, line in parts if line and not line.isspace()]


def _counts(
    lines: Sequence[tuple[int, str]], path: Path
) -> tuple[int, int, Sequence[tuple[int, str]]]:
    """How many corners and faces the header says, and the lines below it.

    Raises:
        ItemError: It says none.
    """
    number, first = lines[0] if lines else (1, "")
    header = _HEADER.fullmatch(first.strip())
    if header is None:
        what = f"is no OFF file: begins with {first.strip()[:40]!r}"
        raise ItemError(what, where=f"{shown(path)}:{number}")
    said, body = header[1], lines[1:]
    if not said:
        if not body:
            raise ItemError("the mesh is cut off: no counts", where=f"{shown(path)}:{number}")
        (number, said), body = body[0], body[1:]
    words = said.split()
    if len(words) not in (2, 3) or not all(word.isdecimal() for word in words):
        what = f"{said.strip()[:40]!r} are no counts of corners, faces and edges"
        raise ItemError(what, where=f"{shown(path)}:{number}")
    corners, faces = int(words[0]), int(words[1])
    if not corners or not faces:
        what = f"the mesh has {corners} corners and {faces} faces: no surface"
        raise ItemError(what, where=f"{shown(path)}:{number}")
    return corners, faces, body


def _parsed(
    text: str, path: Path, body: Sequence[tuple[int, str]], corners: int, faces: int
) -> Any:
    """What trimesh makes of it.

    Raises:
        ItemError: It raises; names the line.
    """
    import trimesh

    try:
        return trimesh.load_mesh(io.BytesIO(text.encode()), file_type="off", process=False)
    except Exception as error:  # it raises all kinds of things at damaged files
        raise _bad_line(path, body, corners, faces) from error


def _bad_line(path: Path, body: Sequence[tuple[int, str]], corners: int, faces: int) -> ItemError:
    """The first line that is no corner, or no face of the corners that there are."""
    for row, (number, line) in enumerate(body[: corners + faces]):
        words = line.split()
        if row < corners:
            good = len(words) >= 3 and all(_is_number(word) for word in words)
            what = "corner: x y z"
        else:
            sides = int(words[0]) if words[0].isdecimal() else 0
            own = words[1 : 1 + sides]
            good = sides >= 3 and len(own) == sides
            good = good and all(word.isdecimal() and int(word) < corners for word in own)
            what = f"face: a count, and that many of the corners 0 to {corners - 1}"
        if not good:
            return ItemError(f"{line.strip()[:60]!r} is no {what}", where=f"{shown(path)}:{number}")
    return ItemError("can't be read as a mesh of triangles", where=shown(path))


def _is_whole(face: str) -> bool:
    """Whether a face has as many corners as it says; trimesh takes those of the next line."""
    sides, *corners = face.split()
    return sides.isdecimal() and 3 <= int(sides) <= len(corners)


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True
