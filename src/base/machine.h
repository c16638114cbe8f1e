/* SPDX-License-Identifier: Apache-2.0
 * What the process may use of its machine. */
#ifndef CNI_MACHINE_H
#define CNI_MACHINE_H

#include <stddef.h>

/** Cores that this process may use: its affinity mask, cut by the processor quota of its control group. */
int cni_usable_cores(void);

/** Cores that a line of cgroup's cpu.max stands for ("150000 100000" is 2), 0 when it sets no limit. */
int cni_quota_cores(const char *cpu_max);

/** Bytes that this process may still come to use: what the machine has, and of each control group that it is in, the
 *  limit less what others in the group hold already. */
size_t cni_usable_memory(void);

/** The same for files of control groups below `root` (/sys/fs/cgroup), the process' own group called `group` ("/a/b"):
 *  for tests.  SIZE_MAX: no limit. */
size_t cni_group_memory(const char *root, const char *group);

#endif
