/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Pools of type "iscsi-direct": logical units of a target, without any device of this host. A session lives as long as a call: nothing is
 * held open at the server by a daemon that only looks.
 */
#define ERROR_DOMAIN VIR_FROM_STORAGE
#include <iscsi/iscsi.h>
#include <iscsi/scsi-lowlevel.h>
#include <string.h>
#include "base/error.h"
#include "drivers/storage/remote.h"

/* Seconds until a server that doesn't answer is given up. */
#define PATIENCE_S 20
/* So often the kernel asks for a connection again, after 1, 2, 4 … seconds: 15 s in all. */
#define CONNECT_TRIES 3
#define PORT 3260
#define MAX_UNITS 16384
#define MAX_TARGETS 4096
/* Bytes in one command that wipes. */
#define CHUNK ((guint32) 1 << 20)
#define MAX_BLOCK 65536
#define UNIT_PREFIX "unit:0:0:"

typedef struct iscsi_context Session;

/* Of the session of this thread: the server has not answered in time, or has hung up. */
static _Thread_local gboolean silent;

/* Whether a command (NULL: it could not be sent) was answered as it should. */
static gboolean is_good(const struct scsi_task *task)
{
    silent |= !task || task->status == SCSI_STATUS_TIMEOUT || task->status == SCSI_STATUS_ERROR || task->status == SCSI_STATUS_CANCELLED;
    return task && task->status == SCSI_STATUS_GOOD;
}

static int fail_session(Session *session, const char *what, const char *whose)
{
    if (silent)
        storage_silent();
    return FAIL(silent ? VIR_ERR_OPERATION_TIMEOUT : VIR_ERR_OPERATION_FAILED, "%s of '%s': %s", what, whose, iscsi_get_error(session));
}

/* ---- sessions ---- */

/* The caller frees. */
static char *portal_of(const StoragePoolSource *source)
{
    const StoragePoolHost *host = source->hosts[0];
    gboolean bare6 = strchr(host->name, ':') && *host->name != '[';
    return g_strdup_printf("%s%s%s:%u", bare6 ? "[" : "", host->name, bare6 ? "]" : "", host->port ? host->port : PORT);
}

static int set_chap(Session *session, const StoragePoolDef *def)
{
    size_t size;
    guint8 *value = remote_secret(def, STORAGE_AUTH_SECRET_TYPE_ISCSI, &size);
    if (!value)
        return -1;
    char *password = g_strndup((const char *) value, size);
    secret_value_free(value, size);
    int rc = iscsi_set_initiator_username_pwd(session, def->source.auth->username, password);
    explicit_bzero(password, strlen(password));
    g_free(password);
    return rc == 0 ? 0 : fail_session(session, "cannot use the password", def->name);
}

static void session_close(Session *session)
{
    if (!session)
        return;
    if (!silent)
        iscsi_logout_sync(session);
    iscsi_destroy_context(session);
}

/* NULL with an error. */
static Session *session_new(const char *initiator)
{
    Session *session = iscsi_create_context(initiator);
    if (!session)
        return FAIL_NULL(VIR_ERR_INTERNAL_ERROR, "cannot make an iSCSI session");
    silent = FALSE;
    iscsi_set_timeout(session, PATIENCE_S);
    iscsi_set_tcp_syncnt(session, CONNECT_TRIES);
    iscsi_set_noautoreconnect(session, 1);
    return session;
}

/* A session with the pool's target; NULL with an error. */
static Session *session_open(const StoragePoolDef *def)
{
    g_autofree char *portal = portal_of(&def->source);
    Session *session = session_new(def->source.initiator_iqn);
    if (!session)
        return NULL;
    if (iscsi_set_targetname(session, def->source.devices[0]->path) < 0 || iscsi_set_session_type(session, ISCSI_SESSION_NORMAL) < 0)
        fail_session(session, "cannot use the target", def->name);
    else if (def->source.auth && set_chap(session, def) < 0)
        ;
    else if ((silent = iscsi_connect_sync(session, portal) < 0))
        fail_session(session, "cannot reach the target", def->name);
    else if (iscsi_login_sync(session) < 0)
        fail_session(session, "cannot log in to the target", def->name);
    else
        return session;
    iscsi_destroy_context(session);
    return NULL;
}

/* ---- units ---- */

typedef struct {
    guint64 blocks;
    guint32 block;
} UnitSize;

/* A unit that was just connected says so once instead of answering. */
static int unit_ready(Session *session, guint lun)
{
    for (guint i = 0; i < 3; i++) {
        struct scsi_task *task = iscsi_testunitready_sync(session, (int) lun);
        gboolean ready = is_good(task);
        gboolean again = task && task->status == SCSI_STATUS_CHECK_CONDITION && task->sense.key == SCSI_SENSE_UNIT_ATTENTION;
        if (task)
            scsi_free_scsi_task(task);
        if (ready)
            return 0;
        if (!again)
            break;
    }
    return -1;
}

static int unit_size(Session *session, guint lun, UnitSize *size)
{
    struct scsi_task *task = unit_ready(session, lun) < 0 ? NULL : iscsi_readcapacity16_sync(session, (int) lun);
    struct scsi_readcapacity16 *answer = task && is_good(task) ? scsi_datain_unmarshall(task) : NULL;
    if (answer)
        *size = (UnitSize) { answer->returned_lba + 1, answer->block_length };
    if (task)
        scsi_free_scsi_task(task);
    g_autofree char *unit = answer ? NULL : g_strdup_printf("logical unit %u", lun);
    if (!answer)
        return fail_session(session, "cannot get the size", unit);
    return size->blocks && size->block && size->block <= MAX_BLOCK && size->blocks <= G_MAXINT64 / size->block ? 0
        : FAIL(VIR_ERR_OPERATION_FAILED, "logical unit %u says that it has %" G_GUINT64_FORMAT " blocks of %u bytes", lun, size->blocks, size->block);
}

static void set_size(StorageVolDef *def, const UnitSize *size)
{
    def->type = STORAGE_VOL_TYPE_NETWORK;
    def->capacity = def->allocation = def->physical = size->blocks * size->block;
    def->has_capacity = def->has_allocation = def->has_physical = true;
}

static StorageVolDef *unit_def(const StoragePoolDef *pool, guint lun, const UnitSize *size)
{
    StorageVolDef *def = xml_struct_new(&STORAGE_VOL_DEF_DESC);
    def->name = g_strdup_printf(UNIT_PREFIX "%u", lun);
    def->target.path = g_strdup_printf("ip-%s-iscsi-%s-lun-%u", pool->source.hosts[0]->name, pool->source.devices[0]->path, lun);
    def->key = g_strdup(def->target.path);
    set_size(def, size);
    return def;
}

static int scan_units(Session *session, const StoragePoolDef *def, StorageScan *scan, guint64 *total)
{
    struct scsi_task *task = iscsi_reportluns_sync(session, 0, 16 + 8 * 64);
    gint64 full = is_good(task) ? scsi_datain_getfullsize(task) : 0;
    if (task && full > task->datain.size && full <= 8 + 8 * MAX_UNITS) {
        scsi_free_scsi_task(task);
        task = iscsi_reportluns_sync(session, 0, (int) full);
    }
    struct scsi_reportluns_list *list = is_good(task) ? scsi_datain_unmarshall(task) : NULL;
    int rc = list ? 0 : fail_session(session, "cannot list the logical units", def->name);
    for (guint i = 0; list && rc == 0 && i < MIN(list->num, MAX_UNITS); i++) {
        UnitSize size;
        guint lun = list->luns[i];
        rc = unit_size(session, lun, &size);
        if (rc < 0 && !silent) { /* the target's controller, and what isn't ready, is no volume */
            rc = 0;
            virResetLastError();
            continue;
        }
        if (rc < 0)
            break;
        storage_answered();
        *total += size.blocks * size.block;
        storage_scan_add(scan, unit_def(def, lun, &size));
    }
    if (task)
        scsi_free_scsi_task(task);
    return rc;
}

/* ---- the pool ---- */

static int pool_start(StoragePool *pool, const StoragePoolDef *def)
{
    if (def->source.n_hosts != 1 || def->source.n_devices != 1)
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "pool '%s' is one target of one server: it has one <host> and one <device>", def->name);
    Session *session = session_open(def);
    if (!session)
        return -1;
    session_close(session);
    return 0;
}

static int pool_refresh(StoragePool *pool, const StoragePoolDef *def, StorageScan *scan)
{
    Session *session = session_open(def);
    guint64 total = 0;
    int rc = session ? scan_units(session, def, scan, &total) : -1;
    session_close(session);
    if (rc == 0)
        storage_pool_set_sizes(pool, total, total, 0);
    return rc;
}

/* ---- volumes ---- */

static int vol_plan(StoragePool *pool, const StoragePoolDef *pool_def, StorageVolDef *def)
{
    return FAIL(VIR_ERR_NO_SUPPORT, "volumes of pool '%s' are made by its server", pool_def->name);
}

static int lun_of(const StorageVol *vol, guint *lun)
{
    guint64 number;
    const char *name = storage_vol_name(vol);
    if (!g_str_has_prefix(name, UNIT_PREFIX) || !g_ascii_string_to_unsigned(name + strlen(UNIT_PREFIX), 10, 0, 65535, &number, NULL))
        return FAIL(VIR_ERR_INTERNAL_ERROR, "'%s' is no logical unit", name);
    *lun = (guint) number;
    return 0;
}

static int vol_refresh(StoragePool *pool, StorageVol *vol, StorageVolDef *def, StorageStamp *stamp)
{
    guint lun;
    UnitSize size;
    Session *session = lun_of(vol, &lun) < 0 ? NULL : session_open(storage_vol_pool_def(vol));
    int rc = session ? unit_size(session, lun, &size) : -1;
    session_close(session);
    if (rc == 0)
        set_size(def, &size);
    return rc;
}

static int wipe(Session *session, guint lun, const char *name)
{
    UnitSize size;
    if (unit_size(session, lun, &size) < 0)
        return -1;
    g_autofree guint8 *zeros = g_malloc0(CHUNK);
    guint64 step = CHUNK / size.block;
    for (guint64 at = 0; at < size.blocks; at += step) {
        guint32 bytes = (guint32) (MIN(step, size.blocks - at) * size.block);
        struct scsi_task *task = iscsi_write16_sync(session, (int) lun, at, zeros, bytes, (int) size.block, 0, 0, 0, 0, 0);
        gboolean done = is_good(task);
        if (task)
            scsi_free_scsi_task(task);
        if (!done)
            return fail_session(session, "cannot overwrite a part", name);
        if (storage_progress(at * size.block, size.blocks * size.block) < 0)
            return -1;
    }
    struct scsi_task *task = iscsi_synchronizecache16_sync(session, (int) lun, 0, 0, 0, 0);
    gboolean done = is_good(task) || (task && task->sense.key == SCSI_SENSE_ILLEGAL_REQUEST); /* it may have no cache */
    if (task)
        scsi_free_scsi_task(task);
    return done ? 0 : fail_session(session, "cannot bring zeros onto the disk", name);
}

static int vol_wipe(StoragePool *pool, StorageVol *vol, const StorageVolDef *def, unsigned int algorithm)
{
    guint lun;
    Session *session = lun_of(vol, &lun) < 0 ? NULL : session_open(storage_vol_pool_def(vol));
    int rc = session ? wipe(session, lun, storage_vol_name(vol)) : -1;
    session_close(session);
    return rc;
}

static int vol_delete(StoragePool *pool, StorageVol *vol, const StorageVolDef *def, unsigned int flags)
{
    return FAIL(VIR_ERR_NO_SUPPORT, "volume '%s' is a logical unit of a server, where it is to be deleted", def->name);
}

/* ---- discovery ---- */

static void add_targets(const StoragePoolSource *wanted, const struct iscsi_discovery_address *address, GPtrArray *found)
{
    for (; address && found->len < MAX_TARGETS; address = address->next) {
        StoragePoolSource *source = xml_struct_copy(&STORAGE_POOL_SOURCE_DESC, wanted);
        while (source->n_devices)
            xml_struct_free(&STORAGE_POOL_DEVICE_DESC, source->devices[--source->n_devices]);
        StoragePoolDevice *target = xml_struct_new(&STORAGE_POOL_DEVICE_DESC);
        target->path = g_utf8_make_valid(address->target_name, -1);
        XML_LIST_APPEND(source->devices, source->n_devices, target);
        g_ptr_array_add(found, source);
    }
}

static char *find_sources(PoolHost *host, StoragePoolType type, const StoragePoolSource *wanted)
{
    if (!wanted || wanted->n_hosts != 1 || !wanted->hosts[0]->name || !wanted->initiator_iqn)
        return FAIL_NULL(VIR_ERR_INVALID_ARG, "to find targets one server and the name of this initiator are needed: "
                         "<source><host name='…'/><initiator><iqn name='…'/></initiator></source>");
    g_autofree char *portal = portal_of(wanted);
    Session *session = session_new(wanted->initiator_iqn);
    char *answer = NULL;
    if (!session)
        return NULL;
    if (iscsi_set_session_type(session, ISCSI_SESSION_DISCOVERY) < 0 || iscsi_connect_sync(session, portal) < 0 || iscsi_login_sync(session) < 0) {
        fail_session(session, "cannot ask for the targets", wanted->hosts[0]->name);
    } else {
        struct iscsi_discovery_address *addresses = iscsi_discovery_sync(session);
        GPtrArray *found = g_ptr_array_new();
        add_targets(wanted, addresses, found);
        answer = storage_pool_sources_finish(found);
        if (addresses)
            iscsi_free_discovery_data(session, addresses);
        iscsi_logout_sync(session);
    }
    iscsi_destroy_context(session);
    return answer;
}

const StorageBackend storage_iscsi_direct_backend = {
    .wipe_algorithms = 1u << VIR_STORAGE_VOL_WIPE_ALG_ZERO,
    .vol_clash = VIR_ERR_STORAGE_VOL_EXIST,
    .find_sources = find_sources,
    .pool_start = pool_start,
    .pool_refresh = pool_refresh,
    .pool_delete = remote_pool_delete,
    .vol_plan = vol_plan,
    .vol_delete = vol_delete,
    .vol_wipe = vol_wipe,
    .vol_refresh = vol_refresh,
};
