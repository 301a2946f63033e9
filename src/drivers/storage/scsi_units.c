/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERROR_DOMAIN VIR_FROM_STORAGE
#define LOG_SOURCE "storage.scsi"
#include "drivers/storage/scsi_units.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "drivers/storage/device.h"
#include "drivers/storage/tool.h"

#define SCSI_ID "/lib/udev/scsi_id"
#define MAX_ATTRIBUTE 4096
#define MAX_DEVICES 65536
#define SECTOR 512
/* What the kernel calls disks, write-once media, CD drives, optical memory. */
#define TYPE_DISK 0
#define TYPE_ROM 5

const char *scsi_sys = "/sys";

char *scsi_attribute(const char *folder, const char *name)
{
    g_autofree char *path = g_build_filename(folder, name, NULL), *text = NULL;
    if (file_read_optional(path, MAX_ATTRIBUTE, &text, NULL) <= 0) {
        virResetLastError();
        return NULL;
    }
    return g_strstrip(g_steal_pointer(&text));
}

int scsi_host_number(const char *name)
{
    guint64 number;
    const char *digits = g_str_has_prefix(name, "scsi_host") ? name + strlen("scsi_host") : g_str_has_prefix(name, "host") ? name + strlen("host") : "";
    return g_ascii_string_to_unsigned(digits, 10, 0, G_MAXINT, &number, NULL) ? (int) number : -1;
}

int scsi_find_host(const char *class, const char *name, const char *value)
{
    g_autofree char *folder = g_build_filename(scsi_sys, "class", class, NULL);
    g_auto(GStrv) hosts = file_list_dir(folder, MAX_DEVICES);
    for (char **host = hosts; host && *host; host++) {
        g_autofree char *path = g_build_filename(folder, *host, NULL), *is = scsi_attribute(path, name);
        if (is && g_ascii_strcasecmp(is, value) == 0 && scsi_host_number(*host) >= 0)
            return scsi_host_number(*host);
    }
    virResetLastError();
    return -1;
}

int scsi_units_rescan(guint host)
{
    g_autofree char *path = g_strdup_printf("%s/class/scsi_host/host%u/scan", scsi_sys, host);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    int rc = fd < 0 ? -1 : file_write_all(fd, "- - -", 5);
    int saved = errno;
    if (fd >= 0)
        close(fd);
    return rc == 0 ? 0 : FAIL_ERRNO(saved, "cannot have SCSI host %u look for its units", host);
}

/* What names a unit wherever it is connected; the caller frees. */
static char *key_of(const char *device, const char *path)
{
    if (access(SCSI_ID, X_OK) == 0) {
        g_autofree char *id = tool_output(TOOL(SCSI_ID, "--replace-whitespace", "--whitelisted", "--device", device), TOOL_MS);
        if (id && *g_strstrip(id))
            return g_steal_pointer(&id);
        virResetLastError();
    }
    return g_strdup(path);
}

/* The block device of a unit that is a disk or drive; NULL if it is something else. The caller frees. */
static char *block_of(const char *unit)
{
    g_autofree char *type = scsi_attribute(unit, "type"), *folder = g_build_filename(unit, "block", NULL);
    guint64 kind;
    if (!type || !g_ascii_string_to_unsigned(type, 10, 0, 31, &kind, NULL) || (kind != TYPE_DISK && kind != TYPE_ROM))
        return NULL;
    g_auto(GStrv) names = file_list_dir(folder, MAX_DEVICES);
    if (!names)
        virResetLastError();
    return names && names[0] ? g_strdup(names[0]) : NULL;
}

static guint64 add_unit(const StoragePoolDef *pool_def, StorageScan *scan, const char *unit, guint bus, guint target, guint64 lun)
{
    g_autofree char *block = block_of(unit), *device = block ? g_strdup_printf("/dev/%s", block) : NULL;
    g_autofree char *folder = block ? g_build_filename(unit, "block", block, NULL) : NULL, *sectors = folder ? scsi_attribute(folder, "size") : NULL;
    guint64 n = 0;
    if (!sectors || !g_ascii_string_to_unsigned(sectors, 10, 0, G_MAXINT64 / SECTOR, &n, NULL))
        return 0;
    StorageVolDef *def = xml_struct_new(&STORAGE_VOL_DEF_DESC);
    def->type = STORAGE_VOL_TYPE_BLOCK;
    def->name = g_strdup_printf("unit:%u:%u:%" G_GUINT64_FORMAT, bus, target, lun);
    def->target.path = device_stable_path(pool_def->target.path, device);
    def->key = key_of(device, def->target.path);
    def->has_capacity = def->has_allocation = true;
    def->capacity = def->allocation = n * SECTOR;
    storage_scan_add(scan, def);
    return n * SECTOR;
}

int scsi_units_scan(StoragePool *pool, const StoragePoolDef *def, guint host, StorageScan *scan)
{
    g_autofree char *folder = g_build_filename(scsi_sys, "bus", "scsi", "devices", NULL);
    g_auto(GStrv) names = file_list_dir(folder, MAX_DEVICES);
    guint64 total = 0;
    for (char **name = names; name && *name; name++) {
        unsigned int of, bus, target;
        unsigned long long lun;
        int end = 0;
        if (sscanf(*name, "%u:%u:%u:%llu%n", &of, &bus, &target, &lun, &end) != 4 || (*name)[end] || of != host)
            continue;
        g_autofree char *unit = g_build_filename(folder, *name, NULL);
        total += add_unit(def, scan, unit, bus, target, lun);
    }
    if (names)
        storage_pool_set_sizes(pool, total, total, 0);
    return names ? 0 : -1;
}

/* ---- what a host's units aren't for ---- */

int scsi_vol_plan(StoragePool *pool, const StoragePoolDef *pool_def, StorageVolDef *def)
{
    return FAIL(VIR_ERR_NO_SUPPORT, "volumes of pool '%s' are made where its storage is kept", pool_def->name);
}

int scsi_vol_delete(StoragePool *pool, StorageVol *vol, const StorageVolDef *def, unsigned int flags)
{
    return FAIL(VIR_ERR_NO_SUPPORT, "volume '%s' is deleted where its storage is kept", def->name);
}

int scsi_pool_delete(StoragePool *pool, const StoragePoolDef *def, unsigned int flags)
{
    return FAIL(VIR_ERR_NO_SUPPORT, "pool '%s' is deleted where its storage is kept", def->name);
}
