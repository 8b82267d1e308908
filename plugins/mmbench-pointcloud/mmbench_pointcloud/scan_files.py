"""Which files hold ScanObjectNN's test sets: its reader and the writer of its sample share them."""

from __future__ import annotations

__all__ = ["PACKED", "VARIANTS"]

#: OpenShape's table of all clouds.
PACKED = "xyz_label.npy"
#: Variants by the file of their test set.
VARIANTS = {
    "obj-only": "main_split_nobg/test_objectdataset.h5",
    "obj-bg": "main_split/test_objectdataset.h5",
    "pb-t50-rs": "main_split/test_objectdataset_augmentedrot_scale75.h5",
}
