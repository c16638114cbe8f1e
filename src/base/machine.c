/* SPDX-License-Identifier: Apache-2.0
 * What the process may use of its machine: affinity and the limits of control groups. */
#include "base/machine.h"

#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MOST_CORES = 1024 };

/* ---- how many cores ---- */

static int affinity_cores(void)
{
    for (int most = 1024; most <= 1 << 16; most *= 2) { /* the kernel refuses a mask smaller than its own */
        cpu_set_t *set = CPU_ALLOC(most);
        if (!set) break;
        size_t size = CPU_ALLOC_SIZE(most);
        int count = sched_getaffinity(0, size, set) ? 0 : CPU_COUNT_S(size, set);
        CPU_FREE(set);
        if (count > 0) return count;
    }
    return 1;
}

int cni_quota_cores(const char *cpu_max)
{
    long long quota, period;
    if (sscanf(cpu_max, "%lld %lld", &quota, &period) != 2 || quota <= 0 || period <= 0) return 0; /* "max 100000" */
    long long cores = quota / period + (quota % period > 0);
    return cores > MOST_CORES ? MOST_CORES : (int)cores;
}

static bool read_line(const char *path, char *line, int size)
{
    FILE *file = fopen(path, "re");
    if (!file) return false;
    bool good = fgets(line, size, file) != NULL;
    fclose(file);
    return good;
}

/* cgroup v1; a container sees its own group at the root. */
static int old_group_cores(void)
{
    char quota[32], period[32], line[80];
    if (!read_line("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", quota, sizeof quota)) return 0; /* -1: no limit */
    if (!read_line("/sys/fs/cgroup/cpu/cpu.cfs_period_us", period, sizeof period)) return 0;
    snprintf(line, sizeof line, "%s %s", quota, period);
    return cni_quota_cores(line);
}

/* The tightest cpu.max from the process' own group up to the root. */
static int group_cores(void)
{
    char group[512], path[600], line[64];
    if (!read_line("/proc/self/cgroup", group, sizeof group) || strncmp(group, "0::/", 4) != 0)
        return old_group_cores();
    group[strcspn(group, "\n")] = 0;
    char *name = group + 3;
    int least = 0;
    for (;;) {
        snprintf(path, sizeof path, "/sys/fs/cgroup%s/cpu.max", name);
        int cores = read_line(path, line, sizeof line) ? cni_quota_cores(line) : 0;
        if (cores && (!least || cores < least)) least = cores;
        char *slash = strrchr(name, '/');
        if (!slash) return least;
        *slash = 0;
    }
}

int cni_usable_cores(void)
{
    int cores = affinity_cores(), quota = group_cores();
    return quota && quota < cores ? quota : cores;
}

/* ---- how much memory ---- */

/* A number of bytes; SIZE_MAX for "max", for what is not there, and for what is no limit. */
static size_t read_bytes(const char *root, const char *group, const char *file)
{
    char path[800], line[64], *end;
    snprintf(path, sizeof path, "%s%s/%s", root, group, file);
    if (!read_line(path, line, sizeof line)) return SIZE_MAX;
    const unsigned long long bytes = strtoull(line, &end, 10);
    return end == line || bytes >= SIZE_MAX / 4 ? SIZE_MAX : (size_t)bytes;
}

/* What this process holds itself: its own part of what the group holds is not others'. */
static size_t own_bytes(void)
{
    char line[128];
    size_t pages = 0, resident = 0;
    const long size = sysconf(_SC_PAGESIZE);
    if (!read_line("/proc/self/statm", line, sizeof line) || sscanf(line, "%zu %zu", &pages, &resident) != 2) return 0;
    return size > 0 ? resident * (size_t)size : 0;
}

/* Caches of files count as held and are given back when there is need: no more than half of the limit is taken off. */
static size_t left_of(size_t limit, size_t held)
{
    const size_t own = own_bytes();
    if (limit == SIZE_MAX || held == SIZE_MAX || held <= own) return limit;
    const size_t others = held - own;
    return others < limit / 2 ? limit - others : limit - limit / 2;
}

size_t cni_group_memory(const char *root, const char *group)
{
    char name[512];
    size_t least = SIZE_MAX;
    snprintf(name, sizeof name, "%s", group);
    for (;;) {
        size_t limit = read_bytes(root, name, "memory.max"), held = read_bytes(root, name, "memory.current");
        if (limit == SIZE_MAX) { /* cgroup v1 */
            limit = read_bytes(root, name, "memory.limit_in_bytes");
            held = read_bytes(root, name, "memory.usage_in_bytes");
        }
        const size_t left = left_of(limit, held);
        if (left < least) least = left;
        char *slash = strrchr(name, '/');
        if (!slash) return least;
        *slash = 0;
    }
}

/* The lines of /proc/self/cgroup are "0::/a/b" (v2) and "4:memory:/a/b" (v1). */
static size_t groups_memory(void)
{
    char line[512];
    size_t least = SIZE_MAX;
    FILE *file = fopen("/proc/self/cgroup", "re");
    while (file && fgets(line, sizeof line, file)) {
        line[strcspn(line, "\n")] = 0;
        const char *old = strstr(line, ":memory:/"), *root = old ? "/sys/fs/cgroup/memory" : "/sys/fs/cgroup";
        const char *group = old ? old + strlen(":memory:") : strncmp(line, "0::/", 4) == 0 ? line + 3 : NULL;
        if (!group) continue;
        const size_t left = cni_group_memory(root, strcmp(group, "/") ? group : "");
        if (left < least) least = left;
    }
    if (file) fclose(file);
    return least;
}

size_t cni_usable_memory(void)
{
    const long pages = sysconf(_SC_PHYS_PAGES), size = sysconf(_SC_PAGESIZE);
    const size_t machine = pages > 0 && size > 0 ? (size_t)pages * (size_t)size : SIZE_MAX / 2, left = groups_memory();
    return left < machine ? left : machine;
}
