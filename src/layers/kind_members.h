/* SPDX-License-Identifier: Apache-2.0
 * How objects are filled in, shared by the files that read, copy and write them (kind*.c). */
#ifndef CNI_KIND_MEMBERS_H
#define CNI_KIND_MEMBERS_H

#include "layers/kind.h"

enum { CNI_MAX_INTS = 8, CNI_MAX_REALS = 16 };

/* One argument being read: where it goes and how to speak of it. */
typedef struct cni_slot {
    const cni_maker *maker;
    const cni_kind *kind;
    const cni_field *field;
    cni_object *object;
    void *member;
    const char *where; /* "Conv2D \"stem\"" */
} cni_slot;

/** Bytes of a member in the struct of arguments. */
size_t cni_member_size(cni_field_type type);

/** Fills in one member from a value, or from the field's default. */
cn_status cni_member_read(const cni_slot *s, const cni_value *v);
cn_status cni_member_default(const cni_slot *s);

/** Equal as Keras text. */
bool cni_values_same(const cni_value *a, const cni_value *b);

/** An object with nothing filled in yet; the slot of one of its fields; rules across arguments and the seed, at last.
 */
cn_status cni_object_new(const cni_maker *maker, const cni_kind *kind, cni_object **out);
cni_slot cni_slot_of(const cni_maker *maker, const cni_kind *kind, cni_object *object, size_t index, const char *where);
cn_status cni_object_finish(const cni_maker *maker, cni_object *object, const char *where);

/** The field of a key, or of an old key; NULL if there is none. */
const cni_field *cni_kind_field(const cni_kind *kind, const char *key);

#endif
