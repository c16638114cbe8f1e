/* SPDX-License-Identifier: Apache-2.0
 * The limit of one core: a loop of fused multiply-adds on 24 (10) sums in registers, and nothing else. */
#ifndef PEAK_H
#define PEAK_H

#include <string.h>
#include <time.h>

static inline double seconds_now(clockid_t of)
{
    struct timespec t;
    clock_gettime(of, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

#if defined(__x86_64__)
#include <immintrin.h>

#define PEAK_10(F) F(0) F(1) F(2) F(3) F(4) F(5) F(6) F(7) F(8) F(9)
#define PEAK_24(F)                                                                                                     \
    PEAK_10(F)                                                                                                         \
    F(10) F(11) F(12) F(13) F(14) F(15) F(16) F(17) F(18) F(19) F(20) F(21) F(22) F(23)
#define PEAK_SUM_512(i) __m512 sum_##i = _mm512_setzero_ps();
#define PEAK_SUM_256(i) __m256 sum_##i = _mm256_setzero_ps();
#define PEAK_ADD(i)     __asm__("vfmadd231ps %1, %1, %0" : "+v"(sum_##i) : "v"(x));
#define PEAK_USE(i)     __asm__ volatile("" ::"v"(sum_##i));

__attribute__((target("avx512f"))) static inline void peak_512(long times)
{
    __m512 x = _mm512_setzero_ps();
    PEAK_24(PEAK_SUM_512)
    for (long i = 0; i < times; i++) {
        PEAK_24(PEAK_ADD)
    }
    PEAK_24(PEAK_USE)
}

__attribute__((target("avx2,fma"))) static inline void peak_256(long times)
{
    __m256 x = _mm256_setzero_ps();
    PEAK_10(PEAK_SUM_256)
    for (long i = 0; i < times; i++) {
        PEAK_10(PEAK_ADD)
    }
    PEAK_10(PEAK_USE)
}

/** GFLOP/s, the best of a few short runs; `kernels` is the name of the instruction set. */
static inline double peak_rate(const char *kernels, clockid_t of)
{
    const long times = 100000;
    int wide = !strcmp(kernels, "avx512");
    double best = 0;
    for (int i = 0; i < 10; i++) {
        double start = seconds_now(of);
        if (wide)
            peak_512(times);
        else
            peak_256(times);
        double rate = 2.0 * (double)times * (wide ? 24 * 16 : 10 * 8) / (seconds_now(of) - start) * 1e-9;
        if (rate > best) best = rate;
    }
    return best;
}
#else
static inline double peak_rate(const char *kernels, clockid_t of)
{
    (void)kernels, (void)of;
    return 0; /* not known: no ratios */
}
#endif

#endif
