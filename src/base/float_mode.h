/* SPDX-License-Identifier: Apache-2.0
 * Numbers next to zero.  Weights that decay reach denormal numbers, with which many processors compute a hundred times
 * slower: while a plan runs they count as zero, as they do in the peers. */
#ifndef CNI_FLOAT_MODE_H
#define CNI_FLOAT_MODE_H

#include <stdint.h>

/** Denormal operands and results are zero from here on, in this thread.  Answers the mode before. */
static inline uint64_t cni_flush_denormals(void)
{
#if defined __x86_64__
    enum { FLUSH_TO_ZERO = 1 << 15, ZERO_OPERANDS = 1 << 6 };
    const unsigned before = __builtin_ia32_stmxcsr();
    if ((before & (FLUSH_TO_ZERO | ZERO_OPERANDS)) != (FLUSH_TO_ZERO | ZERO_OPERANDS))
        __builtin_ia32_ldmxcsr(before | FLUSH_TO_ZERO | ZERO_OPERANDS);
    return before;
#elif defined __aarch64__
    uint64_t before;
    __asm__ volatile("mrs %0, fpcr" : "=r"(before));
    if (!(before >> 24 & 1)) __asm__ volatile("msr fpcr, %0" ::"r"(before | UINT64_C(1) << 24));
    return before;
#else
    return 0;
#endif
}

/** The mode is what it was; flags that were raised since stay. */
static inline void cni_restore_denormals(uint64_t before)
{
#if defined __x86_64__
    enum { FLUSH_TO_ZERO = 1 << 15, ZERO_OPERANDS = 1 << 6 };
    const unsigned now = __builtin_ia32_stmxcsr(), mode = FLUSH_TO_ZERO | ZERO_OPERANDS;
    if ((now ^ (unsigned)before) & mode) __builtin_ia32_ldmxcsr((now & ~mode) | ((unsigned)before & mode));
#elif defined __aarch64__
    uint64_t now;
    __asm__ volatile("mrs %0, fpcr" : "=r"(now));
    if ((now ^ before) >> 24 & 1) __asm__ volatile("msr fpcr, %0" ::"r"(now ^ UINT64_C(1) << 24));
#else
    (void)before;
#endif
}

#endif
