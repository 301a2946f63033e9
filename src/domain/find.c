/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERROR_DOMAIN api_error_domain
#include "domain/find.h"
#include "base/mac.h"
#include "domain/api.h"

const char *disk_path(const DomainDisk *disk)
{
    const StorageSource *s = &disk->source;
    return s->file ? s->file : s->dev ? s->dev : s->dir ? s->dir : s->path;
}

DomainDisk *find_disk(const DomainDef *def, const char *name)
{
    for (guint i = 0; i < def->devices.n_disks; i++) {
        DomainDisk *disk = def->devices.disks[i];
        if (g_strcmp0(disk->target.dev, name) == 0 || g_strcmp0(disk_path(disk), name) == 0)
            return disk;
    }
    return FAIL_NULL(VIR_ERR_INVALID_ARG, "disk '%s' was not found in domain '%s'", name, def->name);
}

DomainInterface *find_interface(const DomainDef *def, const char *name)
{
    DomainInterface *found = NULL;
    guint8 mac[6];
    gboolean is_mac = mac_parse(name, mac);
    for (guint i = 0; i < def->devices.n_interfaces; i++) {
        DomainInterface *net = def->devices.interfaces[i];
        if (g_strcmp0(net->target.dev, name) == 0)
            return net;
        if (!is_mac || memcmp(mac, net->mac, sizeof(mac)) != 0)
            continue;
        if (found)
            return FAIL_NULL(VIR_ERR_INVALID_ARG, "several interfaces of domain '%s' have the address %s; name the target",
                             def->name, name);
        found = net;
    }
    if (!found) /* with any driver the definition says so */
        error_report(VIR_FROM_DOMAIN, VIR_ERR_INVALID_ARG, "'%s' is not a known interface of domain '%s'", name, def->name);
    return found;
}

int find_iothread(const DomainDef *def, guint id)
{
    for (guint i = 0; i < def->n_iothreadids; i++) {
        if (def->iothreadids[i]->id == id)
            return (int) i;
    }
    return -1;
}
