/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Control groups of the kernel, in their first form (a tree for each controller) and their second (one tree). A group is named by
 * its path, "/machine/qemu-1-web.libvirt-qemu"; nothing about it is remembered, so whoever knows the path finds it again.
 */
#pragma once
#include <glib.h>
#include <sys/types.h>

typedef enum { CGROUP_CPU, CGROUP_CPUSET, CGROUP_MEMORY, CGROUP_IO, CGROUP_LAST } CgroupController;

/** Where the host's trees are. */
typedef struct CgroupHost {
    char *tree[CGROUP_LAST];         /* NULL: the controller can't be had */
    gboolean unified[CGROUP_LAST];   /* it is in the one tree of the second form */
} CgroupHost;

/** Read what there is, from the text of /proc/self/mounts. */
CgroupHost *cgroup_host_parse(const char *mounts);
/** The same of this host. NULL with an error if it can't be read. */
CgroupHost *cgroup_host_read(void);
void cgroup_host_free(CgroupHost *host);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(CgroupHost, cgroup_host_free)

/** "memory". */
const char *cgroup_controller_name(CgroupController controller);
/** The path of the partition that a document calls @partition ("/machine/gold" is the folder "/machine/gold.partition"); NULL: the one
 * for all machines. NULL with VIR_ERR_XML_ERROR if it can't be a path. Caller frees. */
char *cgroup_partition(const char *partition);

/* 0, or -1 with an error, all of these. VIR_ERR_OPERATION_INVALID: the host hasn't this controller. */

/** Make the group in the controller's tree, if it isn't there, and put process @pid (0: none) with all its threads into it. The group
 * that it is in must be there, but for "/machine". */
int cgroup_enter(const CgroupHost *host, CgroupController controller, const char *path, pid_t pid);
/** Make the group @sub in it for threads alone, and put thread @tid into it; one that is gone needs nothing. */
int cgroup_enter_thread(const CgroupHost *host, CgroupController controller, const char *path, const char *sub, pid_t tid);
/** Set a value of the group, or of @sub in it if that isn't NULL. */
int cgroup_set(const CgroupHost *host, CgroupController controller, const char *path, const char *sub, const char *file,
               const char *fmt, ...) G_GNUC_PRINTF(6, 7);
/** Whether the group has this file: kernels differ. */
gboolean cgroup_has(const CgroupHost *host, CgroupController controller, const char *path, const char *file);

/** Remove the group with those in it from all trees, so far as it is there. Nobody may be in it any more; what stays is logged. */
void cgroup_remove(const CgroupHost *host, const char *path);
