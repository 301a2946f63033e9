/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Large pages of mounts that qemu.conf names. QEMU makes its files there, without a name as soon as they are open.
 */
#define ERROR_DOMAIN VIR_FROM_QEMU
#include <linux/magic.h>
#include <sys/vfs.h>
#include "base/error.h"
#include "base/file.h"
#include "drivers/qemu/command_priv.h"

/* Folder of ours in a mount; QEMU's user needs not write to its root. */
#define FOLDER "libvirt/qemu"

/* Size of the pages of a mount, in KiB; 0: it is none. */
static guint64 pages_of(const char *mount)
{
    struct statfs fs;

    return statfs(mount, &fs) == 0 && fs.f_type == HUGETLBFS_MAGIC ? (guint64)fs.f_bsize / 1024 : 0;
}

int qemu_pages_folder(const QemuCommand *cmd, guint64 kib, char **folder)
{
    char **mounts = cmd->conf->hugetlbfs_mount;
    g_autofree char *listed = NULL;

    if (!mounts || !mounts[0])
        return 0;
    for (char **mount = mounts; *mount; mount++) {
        guint64 have = **mount ? pages_of(*mount) : 0;

        if (have == 0 || (kib && have != kib))
            continue;
        *folder = g_build_filename(*mount, FOLDER, NULL);
        return cmd->options->dry_run ? 0 : file_mkdirs(*folder, 0700, cmd->options->uid, cmd->options->gid);
    }
    listed = g_strjoinv("', '", mounts);
    if (!*listed)
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "domain '%s' shall have large pages, which hugetlbfs_mount = \"\" in qemu.conf forbids",
                    cmd->def->name);
    if (kib)
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "domain '%s' shall have pages of %" G_GUINT64_FORMAT " KiB, but hugetlbfs_mount in qemu.conf names "
                    "no mount of such ones ('%s'); 'mount -t hugetlbfs -o pagesize=%" G_GUINT64_FORMAT "K none FOLDER' makes one, or "
                    "take the line out of qemu.conf: no mount is needed then", cmd->def->name, kib, listed, kib);
    return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "domain '%s' shall have large pages, but hugetlbfs is mounted at none of those that hugetlbfs_mount in "
                "qemu.conf names ('%s')", cmd->def->name, listed);
}
