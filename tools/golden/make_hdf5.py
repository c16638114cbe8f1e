# SPDX-License-Identifier: Apache-2.0
"""Small HDF5 files by h5py, in the oldest and the newest layout, and one of everything that Cornu's reader refuses.

Numbers follow a rule that tests/formats/test_hdf5_golden.c repeats: element i is (7 i) mod 11 - 5 (unsigned types: (7 i) mod 11).
"""
import os

import h5py
import numpy as np

from common import OUT

FOLDER = os.path.join(OUT, "hdf5")
TYPES = ["<f4", ">f4", "<f8", ">f8", "<f2", ">f2", "<i1", "<i2", ">i2", "<i4", ">i4", "<i8", ">i8", "<u1", "<u2", ">u2", "<u4", "<u8"]


def values(shape, dtype="<f4"):
    i = np.arange(int(np.prod(shape)))
    return (7 * i % 11 - (0 if np.dtype(dtype).kind == "u" else 5)).astype(dtype).reshape(shape)


def low_level(file, name, array, layout=None, chunk=None, early=False):
    create = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    create.set_obj_track_times(False)
    if layout is not None:
        create.set_layout(layout)
    if chunk:
        create.set_chunk(chunk)
    if early:
        create.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
    space = h5py.h5s.create_simple(array.shape)
    dataset = h5py.h5d.create(file.id, name.encode(), h5py.h5t.py_create(array.dtype), space, create)
    dataset.write(h5py.h5s.ALL, h5py.h5s.ALL, array)


def fill(file, newest):
    types = file.create_group("types")
    for dtype in TYPES:
        types.create_dataset(dtype.replace("<", "le_").replace(">", "be_"), data=values((2, 3), dtype))
    types.create_dataset("bool", data=values((2, 3)) > 0)
    types.create_dataset("opaque", data=np.frombuffer(b"\x80\x3f\x00\x40", "V2"))  # how Keras keeps bfloat16

    chunks = file.create_group("chunks")
    x = values((7, 5))
    chunks.create_dataset("plain", data=x, chunks=(3, 2))
    chunks.create_dataset("gzip", data=x, chunks=(3, 2), compression="gzip")
    chunks.create_dataset("shuffle", data=x, chunks=(3, 2), shuffle=True)
    chunks.create_dataset("fletcher32", data=values((7, 5), "<i1"), chunks=(3, 1), fletcher32=True)  # an odd number of bytes
    chunks.create_dataset("all", data=x, chunks=(3, 2), compression="gzip", shuffle=True, fletcher32=True)
    chunks.create_dataset("single", data=x, chunks=(7, 5), compression="gzip")
    chunks.create_dataset("single_plain", data=x, chunks=(7, 5))
    chunks.create_dataset("rank4", data=values((2, 3, 4, 5)), chunks=(1, 2, 3, 4), compression="gzip")
    holes = chunks.create_dataset("holes", shape=(6, 6), chunks=(2, 2), dtype="<f4", fillvalue=2.5)
    holes[2:4, 4:6] = 1
    if newest:
        chunks.create_dataset("paged", data=values((1100,), "<i1"), chunks=(1,))  # more chunks than a page of the index has
    low_level(file, "compact", values((2, 3)), layout=h5py.h5d.COMPACT)
    low_level(file, "implicit", x, chunk=(3, 2), early=True)
    file.create_dataset("scalar", data=np.float32(-5))
    file.create_dataset("never_written", shape=(2, 2), dtype="<i4", fillvalue=-3)
    if not newest:  # there its header would hold the time of day
        file["named_type"] = np.dtype("<f4")
        file.create_dataset("of_named_type", data=x, dtype=file["named_type"])
    file.create_dataset("texts", data=["a", "", "d\u00e9nse"], dtype=h5py.string_dtype())

    attributes = file.create_group("attributes").attrs
    attributes["fixed"] = np.array([b"abc", b"de", b""], "S5")
    attributes["fixed_scalar"] = np.bytes_(b"tensorflow")
    attributes["ascii"] = np.array("jax", dtype=h5py.string_dtype("ascii"))
    attributes["utf8"] = "d\u00e9nse"
    attributes["list"] = ["conv2d", "", "dense"]
    attributes["empty"] = []
    attributes["real"] = 1.5
    attributes["integers"] = np.array([-1, 2], ">i2")
    attributes["true"] = True
    attributes["long"] = "x" * 5000
    many = file.create_group("many")
    for i in range(40):
        many.create_dataset(f"member_{i}", data=np.int8(i))


def refused(file):
    file["soft"] = h5py.SoftLink("/types")
    file["external"] = h5py.ExternalLink("other.h5", "/types")
    space = h5py.h5s.create_simple((3,))
    create = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    create.set_obj_track_times(False)
    create.set_virtual(space, b"other.h5", b"x", space)
    h5py.h5d.create(file.id, b"virtual", h5py.h5t.IEEE_F32LE, space, create)
    file.create_dataset("stored_outside", shape=(3,), dtype="<f4", external=[("other.bin", 0, 12)])
    file.create_dataset("compound", data=np.zeros(2, [("a", "<f4"), ("b", "<i4")]))
    file.create_dataset("complex", data=np.zeros(2, "<c8"))
    file.create_dataset("enumeration", data=np.zeros(2, "<i1"), dtype=h5py.enum_dtype({"RED": 0, "BLUE": 1}, "i1"))
    file.create_dataset("reference", data=file.ref, dtype=h5py.ref_dtype)
    file.create_dataset("lzf", data=values((4, 4)), chunks=(2, 2), compression="lzf")
    file.create_dataset("longdouble", data=np.zeros(2, np.longdouble))
    file.create_group("group/inner")
    file["group/again"] = file["group/inner"]
    file["group/circle"] = file["/"]
    file.create_dataset("bomb", shape=(1 << 28,), dtype="<f4", chunks=(1 << 20,))
    file.create_dataset("rank9", data=values((1,) * 9))


os.makedirs(FOLDER, exist_ok=True)
with h5py.File(os.path.join(FOLDER, "earliest.h5"), "w", userblock_size=512) as f:
    fill(f, newest=False)
with h5py.File(os.path.join(FOLDER, "latest.h5"), "w", libver="latest") as f:
    fill(f, newest=True)
with h5py.File(os.path.join(FOLDER, "v110.h5"), "w", libver=("v110", "v110")) as f:
    fill(f, newest=True)
with h5py.File(os.path.join(FOLDER, "refused.h5"), "w") as f:
    refused(f)
with h5py.File(os.path.join(FOLDER, "unlimited.h5"), "w", libver="latest") as f:
    f.create_dataset("one", data=values((7, 5)), chunks=(3, 2), maxshape=(None, 5))
    f.create_dataset("two", data=values((7, 5)), chunks=(3, 2), maxshape=(None, None))
