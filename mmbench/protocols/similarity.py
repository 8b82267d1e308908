"""Similarity of paired vectors, and of a vector with the cells of its dense map: never N x N."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["pair_similarity", "similarity_maps", "turned"]

_CHUNK = 64


def similarity_maps(maps: Any, vectors: Any, *, similarity: str = "cosine") -> NDArray[np.float32]:
    """Similarity of each item's vector with each cell of its dense map.

    Args:
        maps: [N, h, w, D]. A cell of zeros has cosine 0 with everything.
        vectors: [N, D].
        similarity: ``cosine`` or ``dot``.

    Returns:
        [N, h, w].

    Raises:
        ValueError: NaN or infinity, shapes that do not fit, or vectors or cells all alike.
    """
    import numpy as np

    from mmbench.metrics.vectors import as_array, finite_rows, to_numpy, unit_rows

    prepare = unit_rows if similarity == "cosine" else finite_rows
    sounds = to_numpy(prepare(vectors, name="sound vectors"))
    dense = to_numpy(as_array(maps))
    if dense.ndim != 4 or dense.shape[0] != len(sounds) or dense.shape[3] != sounds.shape[1]:
        raise ValueError(
            f"dense maps {dense.shape} and sound vectors {sounds.shape} must be [N, h, w, D] "
            "and [N, D]"
        )
    out = np.empty(dense.shape[:3], dtype=np.float32)
    varied = False
    for start in range(0, len(dense), _CHUNK):
        part = slice(start, start + _CHUNK)
        cells = dense[part].astype(np.float64).reshape(len(out[part]), -1, dense.shape[3])
        if not np.isfinite(cells).all():
            raise ValueError(f"dense maps of items {start}.. hold NaN or infinity")
        varied = varied or bool((cells != dense[0, 0, 0].astype(np.float64)).any())
        products = (cells @ sounds[part, :, None].astype(np.float64))[..., 0]
        if similarity == "cosine":
            lengths = np.sqrt((cells * cells).sum(axis=2))
            products = np.divide(products, lengths, out=np.zeros_like(products), where=lengths > 0)
        out[part] = products.reshape(out[part].shape)
    if not varied and out.size > 1:
        raise ValueError("every cell of every dense map is the same (a constant embedding)")
    return out


def pair_similarity(
    items: Any, vectors: Any, rows: NDArray[np.int64], *, similarity: str = "cosine"
) -> NDArray[np.float64]:
    """Similarity of ``items`` [M, D] with row ``rows`` [M] of ``vectors`` [N, D], each by itself.

    Returns:
        [M]; equal vectors get equal values wherever they stand.

    Raises:
        ValueError: NaN, zero (cosine) or constant embeddings, shapes that do not fit.
    """
    import numpy as np

    from mmbench.metrics.vectors import finite_rows, of_one_space, to_numpy, unit_rows

    prepare = unit_rows if similarity == "cosine" else finite_rows
    names = "image vectors", "sound vectors"
    first, second = (prepare(x, name=n) for x, n in zip((items, vectors), names, strict=True))
    first, second = map(to_numpy, of_one_space(first, second, *names))
    out = np.empty(len(first))
    for start in range(0, len(first), 4096):
        part = slice(start, start + 4096)
        out[part] = (first[part].astype(np.float64) * second[rows[part]]).sum(axis=1)
    return out


def turned(vectors: NDArray[np.float32], cosines: NDArray[np.float32]) -> NDArray[np.float32]:
    """Vectors [N, h, w, 2] whose cosines with ``vectors`` [N, 2] are ``cosines`` [N, h, w]."""
    import numpy as np

    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    x, y = unit[:, 0, None, None], unit[:, 1, None, None]
    sine = np.sqrt(np.maximum(1.0 - cosines.astype(np.float64) ** 2, 0.0))
    cells = np.stack([x * cosines - y * sine, y * cosines + x * sine], axis=3)
    found: NDArray[np.float32] = cells.astype(np.float32)
    return found
