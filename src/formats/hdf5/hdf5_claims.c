/* SPDX-License-Identifier: Apache-2.0
 * Claims: an ordered tree of disjoint ranges of the file.
 *
 * Every structure and every block of data is claimed before it is read.  So nothing is read twice, no two structures
 * overlap, no walk runs in circles, and what was read from an address is found again.  The tree is Andersson's (AA):
 * its depth is at most 2 log2(n), whatever the order in which a hostile file makes us insert. */
#include "formats/hdf5/hdf5_internal.h"

cni_h5_claim *cni_h5_claim_at(const cni_h5 *file, size_t begin)
{
    cni_h5_claim *node = file->claims;
    while (node && node->begin != begin) node = begin < node->begin ? node->left : node->right;
    return node;
}

/* Turns a left child on the same level into a right one. */
static cni_h5_claim *skew(cni_h5_claim *node)
{
    cni_h5_claim *left = node->left;
    if (!left || left->level != node->level) return node;
    node->left = left->right;
    left->right = node;
    return left;
}

/* Lifts the middle of three on the same level. */
static cni_h5_claim *split(cni_h5_claim *node)
{
    cni_h5_claim *right = node->right;
    if (!right || !right->right || right->right->level != node->level) return node;
    node->right = right->left;
    right->left = node;
    right->level++;
    return right;
}

static cni_h5_claim *insert(cni_h5_claim *node, cni_h5_claim *claim)
{
    if (!node) return claim;
    if (claim->begin < node->begin)
        node->left = insert(node->left, claim);
    else
        node->right = insert(node->right, claim);
    return split(skew(node));
}

static const cni_h5_claim *overlapping(const cni_h5_claim *node, size_t begin, size_t end)
{
    while (node) {
        if (end <= node->begin)
            node = node->left;
        else if (begin >= node->end)
            node = node->right;
        else
            return node;
    }
    return NULL;
}

cn_status cni_h5_claim_bytes(cni_h5 *file, uint64_t begin, uint64_t size, const char *what, void *owner,
                             cni_error *error)
{
    cni_h5_cursor range = cni_h5_read_at(file, begin, size, what, error);
    if (range.status || !size) return range.status;
    const cni_h5_claim *other = overlapping(file->claims, range.at, range.end);
    if (other)
        return cni_h5_fail(file, error, CN_ERR_FORMAT, begin, "%s of %zu bytes overlaps the %s at 0x%zx", what,
                           range.end - range.at, other->what, other->begin + file->base);
    cni_h5_claim *claim = CNI_NEW(file->arena, cni_h5_claim);
    if (!claim) return cni_no_memory(error, "the list of what the file holds");
    *claim = (cni_h5_claim){.level = 1, .begin = range.at, .end = range.end, .what = what, .owner = owner};
    file->claims = insert(file->claims, claim);
    return CN_OK;
}
