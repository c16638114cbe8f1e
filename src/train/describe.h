/* SPDX-License-Identifier: Apache-2.0
 * What the tables of kinds say, for people: `cornu help NAME` and docs/reference.md.  Nothing is told here that does
 * not stand in a row. */
#ifndef CNI_DESCRIBE_H
#define CNI_DESCRIBE_H

#include "base/text.h"
#include "layers/kind.h"

/** A family as people look it up. */
typedef struct cni_group {
    const char *name; /* "layers" */
    const cni_family *family;
    const char *help;
    const char *usage; /* how a Keras text of this family is given in C; NULL: there is a macro with arguments */
} cni_group;

extern const cni_group cni_groups[];
extern const size_t cni_group_count;

/** Whether the kind stands in this group as its own: activations also know the layers that can stand for them. */
bool cni_group_owns(const cni_group *group, const cni_kind *kind);
/** What a field takes: "int, required, at least 1". */
void cni_describe_field(cni_text *out, const cni_group *group, const cni_kind *kind, const cni_field *field);
/** Whether the field is an argument that somebody may give. */
bool cni_field_is_argument(const cni_field *field);
/** The field's name in C where it is another (no_bias), and what is peculiar about it; "" otherwise. */
void cni_describe_member(cni_text *out, const cni_group *group, const cni_kind *kind, const cni_field *field);
/** "dtype='float32'": the arguments that are taken at one value only. */
void cni_describe_fixed(cni_text *out, const cni_kind *kind);
/** The examples, in Keras' text and in C. */
void cni_describe_keras(cni_text *out, const cni_group *group, const cni_kind *kind);
void cni_describe_c(cni_text *out, const cni_group *group, const cni_kind *kind);
/** What cannot be done with a layer yet; "" when all can. */
void cni_describe_limits(cni_text *out, const cni_group *group, const cni_kind *kind);

#endif
