/* SPDX-License-Identifier: Apache-2.0
 * Names of what is compiled more than once: portable sources for float and double, vector sources per instruction set.
 */
#ifndef CNI_KERNEL_NAMES_H
#define CNI_KERNEL_NAMES_H

#define CNI_JOIN_(a, b) a##_##b
#define CNI_JOIN(a, b)  CNI_JOIN_(a, b)

/* Portable sources: CNI_FOR_REAL(cni_unary) is cni_unary_f32 or cni_unary_f64. */
#define CNI_FOR_REAL(name) CNI_JOIN(name, CNI_REAL_NAME)

/* Vector sources: CNI_FOR_ISA(cni_unary) is cni_unary_avx2, cni_unary_avx512 or cni_unary_neon. */
#define CNI_FOR_ISA(name) CNI_JOIN(name, CNI_ISA_NAME)

/* Declares what a family or a part of it offers: void name_portable(table *), name_double and the overlays. */
#define CNI_DECLARE_PORTABLE(name, table)                                                                              \
    void name##_f32(table *);                                                                                          \
    void name##_f64(table *)
#define CNI_DECLARE_OVERLAYS(name, table)                                                                              \
    void name##_avx2(table *);                                                                                         \
    void name##_avx512(table *);                                                                                       \
    void name##_neon(table *)

#endif
