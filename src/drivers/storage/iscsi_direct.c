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
#include "base/json.h"
#include "drivers/storage/remote.h"
#include "storage/content.h"

/* Seconds until a server that doesn't answer is given up. */
#define PATIENCE_S 20
/* So often the kernel asks for a connection again, after 1, 2, 4 … seconds: 15 s in all. */
#define CONNECT_TRIES 3
#define PORT 3260
#define MAX_UNITS 16384
#define MAX_TARGETS 4096
/* Bytes in one command. */
#define CHUNK ((guint32) 1 << 20)
/* Bytes that a server makes zeros of, or forgets, at once. */
#define STRETCH ((guint64) 64 << 20)
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
    gboolean thin;          /* it knows what holds data, and the rest reads as zeros */
    gboolean forgets;       /* it can be told that data is not needed */
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
        *size = (UnitSize) { answer->returned_lba + 1, answer->block_length, answer->lbpme && answer->lbprz, answer->lbpme };
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

/* ---- content ---- */

typedef struct Unit {
    StorageContent base;
    Session *session;
    gboolean is_dead;       /* the server has not answered */
    guint lun;
    UnitSize size;
    char *name;
    StoragePoolDef *pool;   /* owned */
} Unit;

/* The end of a command, which is freed: whether it was done. *@refused (NULL: not wanted): the unit can't do such things. */
static gboolean finish(Unit *unit, struct scsi_task *task, gboolean *refused)
{
    gboolean done = is_good(task);
    if (refused)
        *refused = task && !done && task->status == SCSI_STATUS_CHECK_CONDITION && task->sense.key == SCSI_SENSE_ILLEGAL_REQUEST;
    if (task)
        scsi_free_scsi_task(task);
    unit->is_dead |= silent;
    return done;
}

/* Threads change from one use to the next: what is silent is this one's server now. */
static int begin(Unit *unit)
{
    silent = unit->is_dead;
    return silent ? fail_session(unit->session, "cannot use the session", unit->name) : 0;
}

static gssize unit_read(StorageContent *content, guint64 at, void *buffer, gsize n)
{
    Unit *unit = (Unit *) content;
    const guint32 block = unit->size.block, skip = (guint32) (at % block);
    const guint32 bytes = (guint32) MIN((skip + n + block - 1) / block, MAX(CHUNK / block, 1)) * block;
    if (begin(unit) < 0)
        return -1;
    struct scsi_task *task = iscsi_read16_sync(unit->session, (int) unit->lun, at / block, bytes, (int) block, 0, 0, 0, 0, 0);
    gsize got = is_good(task) && task->datain.size > 0 ? (gsize) task->datain.size : 0;
    n = MIN(n, got - MIN(got, skip));
    if (n)
        memcpy(buffer, task->datain.data + skip, n);
    finish(unit, task, NULL);
    return n ? (gssize) n : fail_session(unit->session, "cannot read a part", unit->name);
}

static int write_blocks(Unit *unit, guint64 at, const void *data, guint32 bytes)
{
    struct scsi_task *task = iscsi_write16_sync(unit->session, (int) unit->lun, at / unit->size.block, (guint8 *) data, bytes,
                                                (int) unit->size.block, 0, 0, 0, 0, 0);
    return finish(unit, task, NULL) ? 0 : fail_session(unit->session, "cannot write a part", unit->name);
}

/* A part of a block: the rest of it stays as it is. */
static gssize write_part(Unit *unit, guint64 at, const void *data, gsize n)
{
    const guint32 block = unit->size.block, skip = (guint32) (at % block);
    g_autofree guint8 *whole = g_malloc(block);
    gssize got = content_read_all(&unit->base, at - skip, whole, block);
    if (got != (gssize) block)
        return got < 0 ? -1 : FAIL(VIR_ERR_OPERATION_FAILED, "volume '%s' is shorter than it says", unit->name);
    n = MIN(n, block - skip);
    memcpy(whole + skip, data, n);
    return write_blocks(unit, at - skip, whole, block) < 0 ? -1 : (gssize) n;
}

static gssize unit_write(StorageContent *content, guint64 at, const void *buffer, gsize n)
{
    Unit *unit = (Unit *) content;
    const guint32 block = unit->size.block;
    if (begin(unit) < 0)
        return -1;
    if (at % block || n < block)
        return write_part(unit, at, buffer, n);
    guint32 bytes = (guint32) MIN(n / block, MAX(CHUNK / block, 1)) * block;
    return write_blocks(unit, at, buffer, bytes) < 0 ? -1 : (gssize) bytes;
}

static int write_zeros(Unit *unit, guint64 at, guint64 end)
{
    g_autofree guint8 *zeros = g_malloc0(CHUNK);
    while (at < end) {
        gssize done = unit_write(&unit->base, at, zeros, (gsize) MIN(end - at, CHUNK));
        if (done < 0)
            return -1;
        at += (guint64) done;
        storage_answered();
    }
    return 0;
}

/* Whole blocks by the unit itself, as far as it can: up to where that is. */
static int zero_by_unit(Unit *unit, guint64 *at, guint64 end)
{
    const guint32 block = unit->size.block;
    g_autofree guint8 *zeros = g_malloc0(block);
    gboolean refused = FALSE;
    while (*at < end && !refused) {
        guint64 blocks = MIN(end - *at, MAX(STRETCH, block)) / block;
        struct scsi_task *task = iscsi_writesame16_sync(unit->session, (int) unit->lun, *at / block, zeros, block, (guint32) blocks, 0,
                                                        unit->size.thin, 0, 0);
        if (finish(unit, task, &refused))
            *at += blocks * block;
        else if (!refused)
            return fail_session(unit->session, "cannot make zeros of a part", unit->name);
        storage_answered();
    }
    return 0;
}

static int unit_zero(StorageContent *content, guint64 at, guint64 length)
{
    Unit *unit = (Unit *) content;
    const guint32 block = unit->size.block;
    const guint64 end = at + length, first = (at + block - 1) / block * block, last = end / block * block;
    if (begin(unit) < 0)
        return -1;
    if (first >= last)
        return write_zeros(unit, at, end);
    guint64 done = first;
    return write_zeros(unit, at, first) < 0 || zero_by_unit(unit, &done, last) < 0 || write_zeros(unit, done, end) < 0 ? -1 : 0;
}

static int unit_discard(StorageContent *content)
{
    Unit *unit = (Unit *) content;
    const guint64 step = MAX(STRETCH / unit->size.block, 1);
    if (begin(unit) < 0)
        return -1;
    if (!unit->size.forgets)
        return FAIL(VIR_ERR_NO_SUPPORT, "its server can't be told that data is not needed: another algorithm overwrites it");
    for (guint64 at = 0; at < unit->size.blocks; at += step) {
        struct unmap_list range = { .lba = at, .num = (guint32) MIN(step, unit->size.blocks - at) };
        struct scsi_task *task = iscsi_unmap_sync(unit->session, (int) unit->lun, 0, 0, &range, 1);
        if (!finish(unit, task, NULL))
            return fail_session(unit->session, "cannot give back a part", unit->name);
        if (storage_progress(at * unit->size.block, content->size) < 0)
            return -1;
    }
    return 0;
}

/* Units that don't say what holds data are data throughout. */
static int unit_extent(StorageContent *content, guint64 at, guint64 *length, gboolean *is_data)
{
    Unit *unit = (Unit *) content;
    const guint32 block = unit->size.block;
    if (begin(unit) < 0)
        return -1;
    if (!unit->size.thin)
        return 0;
    struct scsi_task *task = iscsi_get_lba_status_sync(unit->session, (int) unit->lun, at / block, 8 + 16);
    struct scsi_get_lba_status *status = is_good(task) ? scsi_datain_unmarshall(task) : NULL;
    const struct scsi_lba_status_descriptor *first = status && status->num_descriptors ? &status->descriptors[0] : NULL;
    if (first && first->lba == at / block && first->num_blocks) {
        *is_data = first->provisioning == SCSI_PROVISIONING_TYPE_MAPPED;
        *length = MIN(*length, (guint64) first->num_blocks * block - at % block);
    }
    gboolean refused = FALSE;
    if (finish(unit, task, &refused))
        return 0;
    unit->size.thin = FALSE;
    return refused ? 0 : fail_session(unit->session, "cannot ask which parts hold data", unit->name);
}

static int unit_flush(StorageContent *content)
{
    Unit *unit = (Unit *) content;
    gboolean refused; /* it may have no cache */
    if (begin(unit) < 0)
        return -1;
    return finish(unit, iscsi_synchronizecache16_sync(unit->session, (int) unit->lun, 0, 0, 0, 0), &refused) || refused ? 0
        : fail_session(unit->session, "cannot bring onto the disk what was written", unit->name);
}

static char *unit_describe(StorageContent *content, const char *key, guint8 **secret, gsize *secret_size)
{
    Unit *unit = (Unit *) content;
    const StoragePoolSource *source = &unit->pool->source;
    if (source->auth && secret && !(*secret = remote_secret(unit->pool, STORAGE_AUTH_SECRET_TYPE_ISCSI, secret_size)))
        return NULL;
    g_autofree char *portal = portal_of(source);
    g_autoptr(json_object) node = json_make(JSON_STR("driver", "iscsi"), JSON_STR("transport", "tcp"), JSON_STR("portal", portal),
                                            JSON_STR("target", source->devices[0]->path), JSON_UINT("lun", unit->lun),
                                            JSON_STR("initiator-name", source->initiator_iqn),
                                            JSON_STR("user", source->auth ? source->auth->username : NULL),
                                            JSON_STR("password-secret", source->auth ? key : NULL));
    return g_strdup(json_text(node));
}

static void unit_close(StorageContent *content)
{
    Unit *unit = (Unit *) content;
    silent = unit->is_dead;
    session_close(unit->session);
    xml_struct_free(&STORAGE_POOL_DEF_DESC, unit->pool);
    g_free(unit->name);
}

static StorageContent *vol_open(StoragePool *pool, StorageVol *vol, const StorageVolDef *def, gboolean write)
{
    static const StorageContentOps ops = {
        .read = unit_read, .write = unit_write, .zero = unit_zero, .discard = unit_discard, .extent = unit_extent, .flush = unit_flush,
        .describe = unit_describe, .close = unit_close,
    };
    guint lun;
    UnitSize size;
    Session *session = lun_of(vol, &lun) < 0 ? NULL : session_open(storage_vol_pool_def(vol));
    if (!session || unit_size(session, lun, &size) < 0) {
        session_close(session);
        return NULL;
    }
    Unit *unit = CONTENT_NEW(Unit, &ops, size.blocks * size.block);
    unit->session = session;
    unit->lun = lun;
    unit->size = size;
    unit->name = g_strdup(storage_vol_name(vol));
    unit->pool = xml_struct_copy(&STORAGE_POOL_DEF_DESC, storage_vol_pool_def(vol));
    return &unit->base;
}

static int vol_wipe(StoragePool *pool, StorageVol *vol, const StorageVolDef *def, unsigned int algorithm)
{
    g_autoptr(StorageContent) content = vol_open(pool, vol, def, TRUE);
    return content ? storage_content_wipe(content, algorithm, storage_vol_name(vol)) : -1;
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
    .wipe_algorithms = CONTENT_WIPE_ALGORITHMS,
    .vol_clash = VIR_ERR_STORAGE_VOL_EXIST,
    .find_sources = find_sources,
    .pool_start = pool_start,
    .pool_refresh = pool_refresh,
    .pool_delete = remote_pool_delete,
    .vol_plan = vol_plan,
    .vol_delete = vol_delete,
    .vol_wipe = vol_wipe,
    .vol_refresh = vol_refresh,
    .vol_open = vol_open,
};
