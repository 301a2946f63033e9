/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Pools of type "scsi": what is connected to a SCSI host, which may be a virtual port of a Fibre Channel host that lives as long as the
 * pool runs.
 */
#define ERROR_DOMAIN VIR_FROM_STORAGE
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/error.h"
#include "base/file.h"
#include "base/loop.h"
#include "drivers/storage/block_vol.h"
#include "drivers/storage/device.h"
#include "drivers/storage/scsi_units.h"
#include "drivers/storage/storage_driver.h"

#define MAX_HOSTS 4096
#define APPEAR_MS 10000
#define LOOK_AGAIN_US 20000

/* ---- which host ---- */

/* The host with a number of its own on a PCI function. */
static int host_at(const StorageAdapterParent *parent)
{
    const PciAddress *a = parent->address;
    g_autofree char *pci = g_strdup_printf("/%04x:%02x:%02x.%x/", a->domain, a->bus, a->slot, a->function);
    g_autofree char *wanted = g_strdup_printf("%u", parent->unique_id), *folder = g_build_filename(scsi_sys, "class", "scsi_host", NULL);
    g_auto(GStrv) hosts = file_list_dir(folder, MAX_HOSTS);
    for (char **host = hosts; host && *host; host++) {
        g_autofree char *path = g_build_filename(folder, *host, NULL), *real = realpath(path, NULL), *id = scsi_attribute(path, "unique_id");
        if (real && strstr(real, pci) && g_strcmp0(id, wanted) == 0)
            return scsi_host_number(*host);
    }
    return FAIL(VIR_ERR_XML_ERROR, "there is no SCSI host with unique_id %u at PCI address %s", parent->unique_id, pci);
}

/* World wide names are 16 hexadecimal digits; the kernel writes 0x before them. */
static char *kernel_wwn(const char *name)
{
    gboolean fine = strlen(name) == 16;
    for (const char *c = name; *c; c++)
        fine = fine && g_ascii_isxdigit(*c);
    return fine ? g_strconcat("0x", name, NULL) : FAIL_NULL(VIR_ERR_XML_ERROR, "pool.source.adapter: '%s' is no world wide name: it has 16 "
                                                            "hexadecimal digits", name);
}

/* The host that virtual ports of the pool are on, by name, port or fabric. */
static int parent_host(const StorageAdapter *adapter)
{
    if (adapter->parent)
        return scsi_host_number(adapter->parent) >= 0 ? scsi_host_number(adapter->parent)
            : FAIL(VIR_ERR_XML_ERROR, "pool.source.adapter: '%s' is no SCSI host", adapter->parent);
    const char *name = adapter->parent_wwpn ? "port_name" : "fabric_name", *value = adapter->parent_wwpn ? adapter->parent_wwpn : adapter->parent_fabric_wwn;
    if (!value)
        return FAIL(VIR_ERR_XML_ERROR, "pool.source.adapter: there is no such virtual port, and no parent that could make it");
    g_autofree char *wwn = kernel_wwn(value);
    int host = wwn ? scsi_find_host("fc_host", name, wwn) : -1;
    return host >= 0 || !wwn ? host : FAIL(VIR_ERR_XML_ERROR, "there is no Fibre Channel host with %s %s", name, wwn);
}

/* @action: vport_create or vport_delete. */
static int change_port(const StorageAdapter *adapter, const char *action)
{
    int host = parent_host(adapter);
    g_autofree char *path = g_strdup_printf("%s/class/fc_host/host%d/%s", scsi_sys, host, action);
    g_autofree char *names = g_strdup_printf("%s:%s", adapter->wwpn, adapter->wwnn);
    int fd = host < 0 ? -1 : open(path, O_WRONLY | O_CLOEXEC);
    if (host < 0)
        return -1;
    int rc = fd < 0 ? -1 : file_write_all(fd, names, strlen(names)), saved = errno;
    if (fd >= 0)
        close(fd);
    return rc == 0 ? 0 : FAIL_ERRNO(saved, "cannot write '%s' to '%s'", names, path);
}

/* Number of the pool's host; -1 with an error. */
static int find_host(const StorageAdapter *adapter)
{
    if (adapter->type == STORAGE_ADAPTER_TYPE_FC_HOST) {
        g_autofree char *port = kernel_wwn(adapter->wwpn), *node = kernel_wwn(adapter->wwnn);
        if (!port || !node)
            return -1;
        int host = scsi_find_host("fc_host", "port_name", port);
        return host >= 0 ? host : FAIL(VIR_ERR_XML_ERROR, "there is no Fibre Channel host with port name %s", port);
    }
    if (adapter->parentaddr)
        return host_at(adapter->parentaddr);
    int host = scsi_host_number(adapter->name);
    g_autofree char *path = g_strdup_printf("%s/class/scsi_host/host%d", scsi_sys, host);
    return host >= 0 && g_file_test(path, G_FILE_TEST_EXISTS) ? host : FAIL(VIR_ERR_XML_ERROR, "there is no SCSI host '%s'", adapter->name);
}

/* ---- the pool ---- */

static int wait_for_host(const StorageAdapter *adapter)
{
    gint64 deadline = loop_now_ms() + APPEAR_MS;
    int host;
    while ((host = find_host(adapter)) < 0 && loop_now_ms() < deadline)
        g_usleep(LOOK_AGAIN_US);
    if (host >= 0)
        virResetLastError();
    return host;
}

static int pool_start(StoragePool *pool, const StoragePoolDef *def)
{
    const StorageAdapter *adapter = def->source.adapter;
    int host = find_host(adapter);
    if (host < 0 && adapter->type == STORAGE_ADAPTER_TYPE_FC_HOST && (adapter->parent || adapter->parent_wwpn || adapter->parent_fabric_wwn)) {
        virResetLastError();
        host = change_port(adapter, "vport_create") < 0 ? -1 : wait_for_host(adapter);
    }
    return host < 0 ? -1 : 0;
}

static int pool_refresh(StoragePool *pool, const StoragePoolDef *def, StorageScan *scan)
{
    int host = find_host(def->source.adapter);
    if (host < 0 || scsi_units_rescan((guint) host) < 0)
        return -1;
    device_settle();
    return scsi_units_scan(pool, def, (guint) host, scan);
}

/* A port that the pool has made goes with it; 'managed' says so, since a start doesn't leave a note. */
static int pool_stop(StoragePool *pool, const StoragePoolDef *def)
{
    const StorageAdapter *adapter = def->source.adapter;
    if (adapter->type != STORAGE_ADAPTER_TYPE_FC_HOST || adapter->managed != TRISTATE_YES)
        return 0;
    if (find_host(adapter) < 0) {
        virResetLastError();
        return 0;
    }
    return change_port(adapter, "vport_delete");
}

const StorageBackend storage_scsi_backend = {
    BLOCK_VOL_FUNCTIONS,
    .pool_start = pool_start,
    .pool_refresh = pool_refresh,
    .pool_stop = pool_stop,
    .pool_delete = scsi_pool_delete,
    .vol_plan = scsi_vol_plan,
    .vol_delete = scsi_vol_delete,
};
