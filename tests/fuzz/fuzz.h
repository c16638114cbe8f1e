/* SPDX-License-Identifier: Apache-2.0
 * What a fuzzer defines; replay.c calls the same on files. */
#ifndef FUZZ_H
#define FUZZ_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
