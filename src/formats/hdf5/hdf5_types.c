/* SPDX-License-Identifier: Apache-2.0
 * Dataspaces, datatypes, and the way from what is stored to a C number. */
#include "formats/hdf5/hdf5_internal.h"

#include <float.h>
#include <math.h>
#include <string.h>

/* ---- Dataspace (IV.A.2.b) ---- */

void cni_h5_read_dataspace(cni_h5_cursor *cursor, cni_h5_info *info)
{
    enum { NULL_SPACE = 2 };
    const unsigned version = cni_h5_u8(cursor), rank = cni_h5_u8(cursor), flags = cni_h5_u8(cursor);
    const unsigned kind = cni_h5_u8(cursor); /* of version 2; reserved before */
    if (version == 1) cni_h5_skip(cursor, 4);
    if (cursor->status) return;
    if (version != 1 && version != 2) {
        cni_h5_cursor_fail(cursor, CN_ERR_UNSUPPORTED, "dataspace version %u; 1 and 2 are supported", version);
        return;
    }
    if (rank > CNI_H5_MAX_RANK || (version == 2 && kind > NULL_SPACE) || flags > 3) {
        cni_h5_cursor_fail(cursor, CN_ERR_FORMAT, "dataspace of rank %u, kind %u, flags %u", rank, kind, flags);
        return;
    }
    info->rank = rank;
    info->count = version == 2 && kind == NULL_SPACE ? 0 : 1;
    for (unsigned i = 0; i < rank; i++) {
        info->dims[i] = cni_h5_length(cursor);
        if (__builtin_mul_overflow(info->count, info->dims[i], &info->count))
            cni_h5_cursor_fail(cursor, CN_ERR_FORMAT, "dataspace of more than 2^64 elements");
    }
}

/* ---- Datatype (IV.A.2.d) ---- */

/* Where sign, exponent and fraction lie in a real number, and the exponent's bias. */
typedef struct real_format {
    const char *name;
    uint8_t size, sign, exponent_at, exponent_bits, fraction_bits;
    uint32_t bias;
} real_format;

static const real_format real_formats[] = {
    {"float32", 4, 31, 23, 8, 23, 127},
    {"float64", 8, 63, 52, 11, 52, 1023},
    {"float16", 2, 15, 10, 5, 10, 15},
    {"bfloat16", 2, 15, 7, 8, 7, 127},
};

static void read_integer(cni_h5_cursor *cursor, uint32_t bits, cni_h5_type *type)
{
    static const char *const names[2][9] = {{[1] = "uint8", [2] = "uint16", [4] = "uint32", [8] = "uint64"},
                                            {[1] = "int8", [2] = "int16", [4] = "int32", [8] = "int64"}};
    const unsigned offset = cni_h5_u16(cursor), precision = cni_h5_u16(cursor);
    type->is_signed = bits & 8;
    type->big_endian = bits & 1;
    type->name = "integer of an odd size";
    if (offset || type->size > 8 || precision != 8 * type->size || !names[0][type->size]) return;
    type->name = names[type->is_signed][type->size];
    type->class = CNI_H5_INTEGER;
}

static void read_real(cni_h5_cursor *cursor, uint32_t bits, cni_h5_type *type)
{
    const unsigned offset = cni_h5_u16(cursor), precision = cni_h5_u16(cursor);
    real_format found = {.size = (uint8_t)type->size, .sign = (uint8_t)(bits >> 8)};
    found.exponent_at = cni_h5_u8(cursor);
    found.exponent_bits = cni_h5_u8(cursor);
    const unsigned fraction_at = cni_h5_u8(cursor);
    found.fraction_bits = cni_h5_u8(cursor);
    found.bias = cni_h5_u32(cursor);
    type->big_endian = bits & 1;
    type->name = "real number that is not IEEE";
    const bool implied_one = (bits >> 4 & 3) == 2, vax = bits & 0x40;
    if (offset || precision != 8 * type->size || fraction_at || !implied_one || vax) return;
    for (uint8_t i = 0; i < sizeof real_formats / sizeof *real_formats; i++) {
        const real_format *known = &real_formats[i];
        if (known->size != type->size || known->sign != found.sign || known->exponent_at != found.exponent_at ||
            known->exponent_bits != found.exponent_bits || known->fraction_bits != found.fraction_bits ||
            known->bias != found.bias)
            continue;
        type->class = CNI_H5_REAL;
        type->real_format = i;
        type->name = known->name;
    }
}

/* h5py's booleans: base type of one byte, then the names (padded to 8 bytes before version 3), then the values. */
static void read_enumeration(cni_h5_cursor *cursor, unsigned version, uint32_t bits, cni_h5_type *type)
{
    type->name = "enumeration";
    cni_h5_skip(cursor, 8 + 4); /* base type: 8 bytes of head, offset and precision */
    if ((bits & 0xffff) != 2 || type->size != 1) return;
    const unsigned char *first = cni_h5_take(cursor, version < 3 ? 8 : 6);
    const unsigned char *second = cni_h5_take(cursor, version < 3 ? 8 : 5);
    const unsigned char *values = cni_h5_take(cursor, 2);
    if (cursor->status || memcmp(first, "FALSE", 6) || memcmp(second, "TRUE", 5) || values[0] != 0 || values[1] != 1)
        return;
    type->class = CNI_H5_BOOL;
    type->name = "bool";
}

static void read_variable(const cni_h5 *file, uint32_t bits, cni_h5_type *type)
{
    type->name = "list of variable length";
    if ((bits & 15) != 1 || type->size != 8 + file->offset_size) return;
    type->class = CNI_H5_TEXT_VARIABLE;
    type->name = "text";
}

static void read_type(cni_h5_cursor *cursor, cni_h5_type *type)
{
    enum {
        INTEGER,
        REAL,
        TIME,
        TEXT,
        BITS,
        OPAQUE,
        COMPOUND,
        REFERENCE,
        ENUMERATION,
        VARIABLE,
        ARRAY,
        COMPLEX,
        CLASSES
    };
    static const char *const names[CLASSES] = {
        [TIME] = "time",         [TEXT] = "text",           [BITS] = "bit field", [OPAQUE] = "opaque",
        [COMPOUND] = "compound", [REFERENCE] = "reference", [ARRAY] = "array",    [COMPLEX] = "complex number",
    };
    const unsigned head = cni_h5_u8(cursor), class = head & 15, version = head >> 4;
    const uint32_t bits = (uint32_t)cni_h5_u(cursor, 3);
    *type = (cni_h5_type){.class = CNI_H5_OTHER, .size = cni_h5_u32(cursor)};
    if (cursor->status) return;
    if (version < 1 || version > 5 || class >= CLASSES || !type->size) {
        cni_h5_cursor_fail(cursor, CN_ERR_FORMAT, "datatype of version %u, class %u, %u bytes", version, class,
                           type->size);
        return;
    }
    type->name = names[class];
    if (class == INTEGER) read_integer(cursor, bits, type);
    if (class == REAL) read_real(cursor, bits, type);
    if (class == ENUMERATION) read_enumeration(cursor, version, bits, type);
    if (class == VARIABLE) read_variable(cursor->file, bits, type);
    if (class == OPAQUE) type->class = CNI_H5_OPAQUE;
    if (class != TEXT) return;
    type->class = CNI_H5_TEXT;
    type->padding = bits & 15;
    if (type->padding > 2) cni_h5_cursor_fail(cursor, CN_ERR_FORMAT, "text of unknown padding %u", type->padding);
}

/* A shared message (IV.A.2, "Shared Message"): versions 1 to 3; type 2 (or any, in version 1) is an object header. */
cn_status cni_h5_read_type_message(cni_h5 *file, cni_h5_cursor *cursor, bool shared, cni_h5_type *type)
{
    if (!shared) {
        read_type(cursor, type);
        return cursor->status;
    }
    const unsigned version = cni_h5_u8(cursor), kind = cni_h5_u8(cursor);
    cni_h5_skip(cursor, version == 1 ? 6 : 0);
    const uint64_t address = cni_h5_address(cursor);
    if (version < 1 || version > 3 || (version == 3 && kind != 2))
        return cni_h5_cursor_fail(cursor, CN_ERR_UNSUPPORTED, "shared datatype of version %u, kind %u", version, kind);
    CN_TRY(cursor->status);
    cni_h5_object *object = NULL;
    CN_TRY(cni_h5_object_at(file, address, "a committed datatype", 0, &object, cursor->error));
    const cni_h5_message *message = cni_h5_message_of(object, CNI_H5_MSG_DATATYPE);
    if (!message || message->flags & CNI_H5_FLAG_SHARED)
        return cni_h5_cursor_fail(cursor, CN_ERR_FORMAT, "shared datatype does not lead to a datatype");
    cni_h5_cursor there = cni_h5_message_cursor(object, message, "datatype", cursor->error);
    read_type(&there, type);
    return there.status;
}

/* ---- Numbers ---- */

static uint64_t load(const cni_h5_type *type, const unsigned char *p)
{
    uint64_t value = 0;
    for (uint32_t i = 0; i < type->size; i++) value = value << 8 | p[type->big_endian ? i : type->size - 1 - i];
    return value;
}

/* Sign, exponent, fraction -> double.  Every format's numbers are doubles, so nothing is rounded. */
static double load_real(const cni_h5_type *type, const unsigned char *p)
{
    const real_format *f = &real_formats[type->real_format];
    const uint64_t bits = load(type, p);
    double value;
    if (f->size == 8) {
        memcpy(&value, &bits, sizeof value);
        return value;
    }
    const int exponent = (int)(bits >> f->exponent_at & ((1u << f->exponent_bits) - 1));
    const uint64_t fraction = bits & ((UINT64_C(1) << f->fraction_bits) - 1);
    const int scale = (exponent ? exponent : 1) - (int)f->bias - f->fraction_bits;
    const uint64_t mantissa = fraction | (exponent ? UINT64_C(1) << f->fraction_bits : 0);
    if (exponent == (1 << f->exponent_bits) - 1)
        value = fraction ? (double)NAN : (double)INFINITY;
    else
        value = ldexp((double)mantissa, scale);
    return bits >> f->sign & 1 ? -value : value;
}

/* An integer as sign and magnitude, so that every type fits. */
typedef struct integer {
    uint64_t magnitude;
    bool negative;
} integer;

static integer load_integer(const cni_h5_type *type, const unsigned char *p)
{
    const uint64_t bits = load(type, p), sign = UINT64_C(1) << (8 * type->size - 1);
    if (!type->is_signed || !(bits & sign)) return (integer){bits, false};
    return (integer){sign - (bits & (sign - 1)), true};
}

/* The targets: size, and for integers the largest magnitudes on both sides. */
static const struct {
    size_t size;
    bool real;
    uint64_t most, least;
} targets[] = {
    [CNI_H5_F32] = {4, true, 0, 0},
    [CNI_H5_F64] = {8, true, 0, 0},
    [CNI_H5_I32] = {4, false, INT32_MAX, UINT64_C(1) << 31},
    [CNI_H5_I64] = {8, false, INT64_MAX, UINT64_C(1) << 63},
    [CNI_H5_U32] = {4, false, UINT32_MAX, 0},
    [CNI_H5_U8] = {1, false, UINT8_MAX, 0},
};

size_t cni_h5_number_size(cni_h5_number number)
{
    return targets[number].size;
}

bool cni_h5_convertible(const cni_h5_type *type, cni_h5_number as)
{
    return type->class == CNI_H5_INTEGER || type->class == CNI_H5_BOOL ||
           (type->class == CNI_H5_REAL && targets[as].real);
}

static void store_real(double value, cni_h5_number as, unsigned char *out)
{
    const float narrow = (float)value;
    if (as == CNI_H5_F32)
        memcpy(out, &narrow, sizeof narrow);
    else
        memcpy(out, &value, sizeof value);
}

static bool store_integer(integer value, cni_h5_number as, unsigned char *out)
{
    if (value.magnitude > (value.negative ? targets[as].least : targets[as].most)) return false;
    const uint64_t bits = value.negative ? UINT64_C(0) - value.magnitude : value.magnitude;
    const uint32_t bits32 = (uint32_t)bits;
    if (targets[as].size == 8)
        memcpy(out, &bits, 8);
    else if (targets[as].size == 4)
        memcpy(out, &bits32, 4);
    else
        *out = (unsigned char)bits;
    return true;
}

/* float(integer), rounded once */
static void store_rounded(integer value, cni_h5_number as, unsigned char *out)
{
    const float narrow = (float)value.magnitude;
    const double wide = (double)value.magnitude;
    store_real(as == CNI_H5_F32 ? (double)(value.negative ? -narrow : narrow) : value.negative ? -wide : wide, as, out);
}

bool cni_h5_plain(const cni_h5_type *type, cni_h5_number as)
{
    const uint16_t one = 1;
    unsigned char first;
    memcpy(&first, &one, 1);
    if (type->big_endian == (first == 1)) return false;
    return type->class == CNI_H5_REAL && targets[as].real && type->size == targets[as].size;
}

bool cni_h5_convert(const cni_h5_type *type, const unsigned char *from, size_t count, cni_h5_number as, void *out)
{
    unsigned char *to = out;
    const size_t step = targets[as].size;
    if (cni_h5_plain(type, as)) {
        if (count) memcpy(to, from, count * step);
        return true;
    }
    for (size_t i = 0; i < count; i++, from += type->size, to += step) {
        if (type->class == CNI_H5_REAL)
            store_real(load_real(type, from), as, to);
        else if (targets[as].real)
            store_rounded(load_integer(type, from), as, to);
        else if (!store_integer(load_integer(type, from), as, to))
            return false;
    }
    return true;
}
