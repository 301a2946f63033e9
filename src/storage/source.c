/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERROR_DOMAIN VIR_FROM_STORAGE
#include "storage/source.h"
#include <string.h>
#include "base/error.h"
#include "core/node.h"
#include "storage/vol.h"

static void add_hosts(StorageSource *source, const StoragePoolSource *pool, guint32 default_port)
{
    for (guint i = 0; i < pool->n_hosts; i++) {
        StorageHost *host = xml_struct_new(&STORAGE_HOST_DESC);
        host->name = g_strdup(pool->hosts[i]->name);
        host->port = pool->hosts[i]->port ? pool->hosts[i]->port : default_port;
        XML_LIST_APPEND(source->hosts, source->n_hosts, host);
    }
}

static void add_auth(StorageSource *source, const StoragePoolAuth *pool)
{
    if (!pool || source->auth)
        return;
    source->auth = xml_struct_new(&STORAGE_AUTH_DESC);
    source->auth->username = g_strdup(pool->username);
    xml_struct_copy_into(&SECRET_REF_DESC, &source->auth->secret, &pool->secret);
    source->auth->secret.type = pool->type == STORAGE_POOL_AUTH_TYPE_CEPH ? STORAGE_AUTH_SECRET_TYPE_CEPH : STORAGE_AUTH_SECRET_TYPE_ISCSI;
}

static void be_network(StorageSource *source, const StoragePoolDef *pool, StorageProtocol protocol, guint32 default_port, char *name)
{
    source->type = DOMAIN_DISK_TYPE_NETWORK;
    source->protocol = protocol;
    source->name = name;
    add_hosts(source, &pool->source, default_port);
    add_auth(source, pool->source.auth);
}

#define ISCSI_PORT 3260

/* The number of a unit stands behind the last colon of its volume's name. */
static void be_iscsi(StorageSource *source, const StoragePoolDef *pool, const StorageVolDef *vol)
{
    const char *lun = strrchr(vol->name, ':');
    be_network(source, pool, STORAGE_PROTOCOL_ISCSI, ISCSI_PORT,
               g_strdup_printf("%s/%s", pool->source.n_devices ? pool->source.devices[0]->path : "", lun ? lun + 1 : "0"));
    if (pool->source.initiator_iqn && !source->initiator_iqn)
        source->initiator_iqn = g_strdup(pool->source.initiator_iqn);
}

/* The folder of a gluster volume that is the pool, as part of a name. */
static char *gluster_name(const StoragePoolDef *pool, const StorageVolDef *vol)
{
    g_autofree char *dir = g_strdup(pool->source.dir ? pool->source.dir : "");
    for (size_t len = strlen(dir); len && dir[len - 1] == '/';)
        dir[--len] = '\0';
    const char *inside = dir + strspn(dir, "/");
    return *inside ? g_strdup_printf("%s/%s/%s", pool->source.name, inside, vol->name) : g_strdup_printf("%s/%s", pool->source.name, vol->name);
}

static int be_remote(StorageSource *source, const StoragePoolDef *pool, const StorageVolDef *vol)
{
    switch (pool->type) {
    case STORAGE_POOL_TYPE_RBD:
        be_network(source, pool, STORAGE_PROTOCOL_RBD, 0, g_strdup_printf("%s/%s", pool->source.name, vol->name));
        return 0;
    case STORAGE_POOL_TYPE_GLUSTER:
        be_network(source, pool, STORAGE_PROTOCOL_GLUSTER, 0, gluster_name(pool, vol));
        return 0;
    case STORAGE_POOL_TYPE_SHEEPDOG:
        be_network(source, pool, STORAGE_PROTOCOL_SHEEPDOG, 0, g_strdup(vol->name));
        return 0;
    case STORAGE_POOL_TYPE_ISCSI: case STORAGE_POOL_TYPE_ISCSI_DIRECT:
        be_iscsi(source, pool, vol);
        return 0;
    default:
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "a guest can't have the volume '%s' of pool '%s': it is on a server of type '%s'", vol->name,
                    pool->name, storage_pool_type_to_string(pool->type));
    }
}

static int fill(StorageSource *source, const StoragePoolDef *pool, const StorageVolDef *vol)
{
    gboolean direct = source->mode == DOMAIN_DISK_SOURCE_MODE_DIRECT;
    if (source->mode && pool->type != STORAGE_POOL_TYPE_ISCSI && pool->type != STORAGE_POOL_TYPE_ISCSI_DIRECT)
        return FAIL(VIR_ERR_XML_ERROR, "disk source mode is only for volumes of iSCSI pools: leave out mode='%s' at the volume '%s'",
                    domain_disk_source_mode_to_string(source->mode), vol->name);
    source->mode = DOMAIN_DISK_SOURCE_MODE_UNSET;
    if (vol->type == STORAGE_VOL_TYPE_NETDIR)
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "a guest can't have the volume '%s' of pool '%s': it is a directory on a server", vol->name, pool->name);
    if (vol->type == STORAGE_VOL_TYPE_NETWORK || direct)
        return be_remote(source, pool, vol);
    if (vol->type == STORAGE_VOL_TYPE_BLOCK) {
        source->type = DOMAIN_DISK_TYPE_BLOCK;
        source->dev = g_strdup(vol->target.path);
    } else if (vol->type == STORAGE_VOL_TYPE_DIR) {
        source->type = DOMAIN_DISK_TYPE_DIR;
        source->dir = g_strdup(vol->target.path);
    } else {
        source->type = DOMAIN_DISK_TYPE_FILE;
        source->file = g_strdup(vol->target.path);
    }
    return 0;
}

static StorageFormat format_of(const StorageVolDef *vol)
{
    gboolean is_image = vol->type == STORAGE_VOL_TYPE_FILE || vol->type == STORAGE_VOL_TYPE_NETWORK;
    const char *text = is_image ? storage_vol_format_to_string(vol->target.format) : NULL;
    StorageFormat format = text ? storage_format_from_string(text) : STORAGE_FORMAT_UNSET;
    return vol->type == STORAGE_VOL_TYPE_DIR ? STORAGE_FORMAT_UNSET : format && format != STORAGE_FORMAT_ISO ? format : STORAGE_FORMAT_RAW;
}

int storage_source_resolve(StorageSource *source, StorageFormat *format)
{
    ManagedTable *pools = node_get()->tables.pools;
    g_auto(VolJob) job = { NULL };
    if (!pools)
        return FAIL(VIR_ERR_NO_SUPPORT, "volume '%s' can't be had: no storage pools are kept here", source->volume);
    if (vol_job_begin(&job, managed_table_priv(pools), source->pool, source->volume, VOL_LOOK) < 0 || vol_job_refresh(&job) < 0) {
        if (error_code() == VIR_ERR_OPERATION_INVALID)
            error_context("volume '%s' can't be had ('virsh pool-start %s' starts its pool)", source->volume, source->pool);
        return -1;
    }
    if (job.making)
        return FAIL(VIR_ERR_OPERATION_INVALID, "volume '%s' of pool '%s' is still being made", source->volume, source->pool);
    const StorageVolDef *vol = vol_job_def(&job);
    if (fill(source, storage_pool_def(job.state), vol) < 0)
        return -1;
    if (!*format)
        *format = format_of(vol);
    g_clear_pointer(&source->pool, g_free);
    g_clear_pointer(&source->volume, g_free);
    return 0;
}
