/* SPDX-License-Identifier: Apache-2.0
 * The limits that hold unless the user raises them. */
#include "formats/limits.h"

#define KIB UINT64_C(1024)
#define MIB (1024 * KIB)
#define GIB (1024 * MIB)

const cni_limits cni_default_limits = {
    .memory = 4 * GIB,
    .file_bytes = 8 * GIB,
    .free_expansion = 64 * MIB,
    .expansion = 100,
    .zip_entries = 4096, /* a .keras has 3 */
    .zip_name_bytes = 512,
    .zip_directory_bytes = 16 * MIB,
    .json_bytes = 64 * MIB,
    .json_depth = 100, /* as protobuf */
    .json_values = 4000000,
    .json_string_bytes = MIB,
    .dimension = INT32_MAX,
    .elements = GIB,
    .npy_header_bytes = 10000, /* NumPy's own */
    .h5_objects = 200000,
    .h5_depth = 64,
    .h5_btree_depth = 32,
    .h5_continuations = 1024,
    .h5_attribute_bytes = 16 * MIB,
    .h5_name_bytes = 255,
    .image_side = 32768,
    .image_pixels = 64 * MIB, /* Pillow warns at 89 million */
    .image_bytes = 512 * MIB,
    .png_chunks = 1000, /* these four as libpng, libspng and the fuzz targets of libjpeg-turbo */
    .png_chunk_bytes = 8000000,
    .jpeg_scans = 100,
    .jpeg_markers = 1000,
};
