/* SPDX-License-Identifier: Apache-2.0
 * JSON, as Python's json module reads and writes it, to and from trees of values. */
#ifndef CNI_JSON_H
#define CNI_JSON_H

#include "base/value.h"
#include "formats/bytes.h"
#include "formats/limits.h"

/** Reads one JSON text (RFC 8259) and the tokens NaN, Infinity, -Infinity.  Refused, with line and column: duplicate
 *  keys, malformed UTF-8, lone surrogates, zero bytes in strings, whole numbers beyond 64 bits, reals beyond a double,
 *  trailing data, and what passes the limits. */
cn_status cni_json_read(cni_arena *arena, cni_bytes text, const cni_limits *limits, cni_value **out, cni_error *error);

/** The bytes of json.dumps(value), or of json.dumps(value, indent=4) where `indent` is 4.  The text is 0-terminated
 * too. A CNI_CALL or malformed UTF-8 is an error. */
cn_status cni_json_write(cni_arena *arena, const cni_value *value, int indent, cni_bytes *out, cni_error *error);

#endif
