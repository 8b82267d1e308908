"""The sets of prompts that papers on zero-shot 3D classification use, by name."""

from __future__ import annotations

from typing import Literal

__all__ = ["PROMPTS", "PromptSet", "templates_of"]

PromptSet = Literal["modelnet40_64", "uni3d_49", "name"]

_FEW = ("nice", "cool", "weird", "small", "large", "clean", "dirty")
_SEEN = ("low resolution", "cropped", "close-up", "jpeg corrupted", "blurry", "pixelated")


def _depicted(noun: str, *, pixelated: bool) -> list[str]:
    """Prompts that speak of a picture or a model, from ``a good photo`` to black and white ones.

    The last one has no full stop in any of the published lists.
    """
    said = [f"a {how} {noun} of {which} {{}}." for how in ("good", "bad") for which in ("a", "the")]
    said += [f"a {noun} of {which} {how} {{}}." for how in _FEW for which in ("a", "the")]
    said += [
        f"a {how} {noun} of {which} {{}}." for how in ("bright", "dark") for which in ("a", "the")
    ]
    said += [f"a {noun} of {which} hard to see {{}}." for which in ("a", "the")]
    said += [
        f"a {how} {noun} of {which} {{}}."
        for how in (_SEEN if pixelated else _SEEN[:-1])
        for which in ("a", "the")
    ]
    said += [f"a black and white {noun} of the {{}}.", f"a black and white {noun} of a {{}}"]
    return said


def _made_of(*kinds: str) -> list[str]:
    return [
        f"{which} {kind} {{}}."
        for kind in kinds
        for which in ("an" if kind[0] in "aeiou" else "a", "the")
    ]


def _ulip() -> tuple[str, ...]:
    return (
        "a point cloud model of {}.",
        *(f"There is {which} {{}} in the scene." for which in ("a", "the")),
        *(f"a photo of {which} {{}} in the scene." for which in ("a", "the", "one")),
        *(f"itap of {which} {{}}." for which in ("a", "my", "the")),
        *(f"a photo of {which} {{}}." for which in ("a", "my", "the", "one", "many")),
        *_depicted("photo", pixelated=True),
        *_made_of("plastic", "toy", "plushie", "cartoon", "embroidered"),
        *(f"a painting of {which} {{}}." for which in ("the", "a")),
    )


def _uni3d() -> tuple[str, ...]:
    return (
        "a point cloud model of {}.",
        *(f"a 3D object of {which} {{}} in the scene." for which in ("a", "the", "one")),
        *(f"a 3D object of {which} {{}}." for which in ("a", "my", "the", "one", "many")),
        *_depicted("3D object", pixelated=False),
        *_made_of("plastic", "metal"),
    )


#: ``modelnet40_64``: 64, of ULIP (commit f194ddb), OpenShape and Uni3D. ``uni3d_49``: Uni3D's
#: ``3D_48prompt``, which has 49. ``name``: the class's name alone.
PROMPTS: dict[PromptSet, tuple[str, ...]] = {
    "modelnet40_64": _ulip(),
    "uni3d_49": _uni3d(),
    "name": ("{}",),
}


def templates_of(prompts: PromptSet, templates: tuple[str, ...]) -> tuple[str, ...]:
    """The templates of one's own, if there are any, else those of the set."""
    return templates or PROMPTS[prompts]
