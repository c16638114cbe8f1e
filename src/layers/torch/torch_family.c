/* SPDX-License-Identifier: Apache-2.0
 * The family of PyTorch's modules. */
#include "layers/torch/torch.h"

#define ROW(kind_) &kind_.layer.kind,
static const cni_kind *const kinds[] = {CNI_TORCH_KINDS(ROW)};

const cni_family cni_torch_layers = {
    .what = "module", .module = "torch.nn", .kinds = kinds, .count = sizeof kinds / sizeof *kinds};
