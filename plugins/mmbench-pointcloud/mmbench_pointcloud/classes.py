"""Names of the classes, as files spell them and in the order of their numbers."""

from __future__ import annotations

__all__ = ["MODELNET40", "SCANOBJECTNN"]

_MODELNET40 = """
    airplane bathtub bed bench bookshelf bottle bowl car chair cone cup curtain desk door dresser
    flower_pot glass_box guitar keyboard lamp laptop mantel monitor night_stand person piano plant
    radio range_hood sink sofa stairs stool table tent toilet tv_stand vase wardrobe xbox
"""
_SCANOBJECTNN = """
    bag bin box cabinet chair desk display door shelf table bed pillow sink sofa toilet
"""

#: In alphabetical order, which is the order of ``modelnet40_shape_names.txt`` and of all numbers.
MODELNET40 = tuple(_MODELNET40.split())
#: In the fixed order of ScanObjectNN's numbers.
SCANOBJECTNN = tuple(_SCANOBJECTNN.split())
