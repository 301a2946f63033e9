/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Pools of type "rbd": images in a pool of a Ceph cluster. A module of its own, since librbd is large and may be missing.
 */
#define ERROR_DOMAIN VIR_FROM_STORAGE
#define LOG_SOURCE "storage.rbd"
#include <errno.h>
#include <rados/librados.h>
#include <rbd/librbd.h>
#include <stdio.h>
#include <string.h>
#include "base/error.h"
#include "base/json.h"
#include "base/log.h"
#include "drivers/storage/remote.h"
#include "storage/content.h"
#include "storage/file_name.h"

/* Seconds until a cluster that doesn't answer is given up. */
#define PATIENCE "20"
/* What the cluster is asked about or to do at once: no more than it does in a moment. */
#define STRETCH ((guint64) 256 << 20)
/* Longer than a cluster waits for a client that was killed with an image open (osd_client_watch_timeout, 30 s): so long who wants to change the
 * image waits as well. */
#define STALL_MS 45000
#define NAME_BYTES 255
#define MAX_VOLUMES 1000000
#define MAX_LIST_TRIES 5
/* From it copies are made. */
#define SNAPSHOT "libvirt"

typedef struct Rbd {
    StorageConnection base;
    rados_t cluster;
    rados_ioctx_t io;
} Rbd;

/* librados gives errors as negative numbers. */
#define RBD_FAIL(rc, ...) FAIL_ERRNO(note_silence(rc), __VA_ARGS__)

static int note_silence(int rc)
{
    if (rc == -ETIMEDOUT)
        storage_silent();
    return -rc;
}

/* ---- the cluster ---- */

static void rbd_end(StorageConnection *connection)
{
    Rbd *rbd = (Rbd *) connection;
    if (rbd->io)
        rados_ioctx_destroy(rbd->io);
    if (rbd->cluster)
        rados_shutdown(rbd->cluster);
    g_free(rbd);
}

static void rbd_unref(Rbd *rbd) { storage_connection_unref((StorageConnection *) rbd); }
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Rbd, rbd_unref)

/* A reference to the pool's connection; NULL with an error. */
static Rbd *rbd_of(StoragePool *pool) { return (Rbd *) storage_pool_connection(pool); }

static int set_option(Rbd *rbd, const char *name, const char *value)
{
    int rc = rados_conf_set(rbd->cluster, name, value);
    return rc == 0 ? 0 : RBD_FAIL(rc, "the Ceph client doesn't take the setting '%s'", name);
}

static int set_key(Rbd *rbd, const StoragePoolDef *def)
{
    size_t size;
    guint8 *value = remote_secret(def, STORAGE_AUTH_SECRET_TYPE_CEPH, &size);
    if (!value)
        return -1;
    char *encoded = g_base64_encode(value, size);
    secret_value_free(value, size);
    int rc = set_option(rbd, "key", encoded);
    explicit_bzero(encoded, strlen(encoded));
    g_free(encoded);
    return rc < 0 || set_option(rbd, "auth_supported", "cephx") < 0 ? -1 : 0;
}

static int set_monitors(Rbd *rbd, const StoragePoolDef *def)
{
    g_autoptr(GString) hosts = g_string_new(NULL);
    for (guint i = 0; i < def->source.n_hosts; i++) {
        const StoragePoolHost *host = def->source.hosts[i];
        gboolean bare6 = strchr(host->name, ':') && *host->name != '[';
        g_string_append_printf(hosts, "%s%s%s%s", i ? "," : "", bare6 ? "[" : "", host->name, bare6 ? "]" : "");
        if (host->port)
            g_string_append_printf(hosts, ":%u", host->port);
    }
    return set_option(rbd, "mon_host", hosts->str);
}

static int configure(Rbd *rbd, const StoragePoolDef *def)
{
    if (set_monitors(rbd, def) < 0 || set_option(rbd, "client_mount_timeout", PATIENCE) < 0 ||
        set_option(rbd, "rados_mon_op_timeout", PATIENCE) < 0 || set_option(rbd, "rados_osd_op_timeout", PATIENCE) < 0)
        return -1;
    if (def->source.auth ? set_key(rbd, def) < 0 : set_option(rbd, "auth_supported", "none") < 0)
        return -1;
    for (guint i = 0; i < def->n_config_options; i++) {
        if (set_option(rbd, def->config_options[i]->name, def->config_options[i]->value) < 0)
            return -1;
    }
    return 0;
}

static int connect_cluster(Rbd *rbd, const StoragePoolDef *def)
{
    int rc = rados_create(&rbd->cluster, def->source.auth ? def->source.auth->username : NULL);
    if (rc < 0)
        return RBD_FAIL(rc, "cannot make a client of Ceph for pool '%s'", def->name);
    if (configure(rbd, def) < 0)
        return -1;
    if ((rc = rados_connect(rbd->cluster)) < 0)
        return RBD_FAIL(rc, "pool '%s': the Ceph cluster at '%s' is not responding, or refuses us", def->name, def->source.hosts[0]->name);
    if ((rc = rados_ioctx_create(rbd->cluster, def->source.name, &rbd->io)) < 0)
        return RBD_FAIL(rc, "cannot open pool '%s' of the Ceph cluster", def->source.name);
    return 0;
}

/* ---- images ---- */

/* An image that the caller closes; NULL with an error. */
static rbd_image_t open_image(const Rbd *rbd, const char *name, gboolean write)
{
    rbd_image_t image = NULL;
    int rc = write ? rbd_open(rbd->io, name, &image, NULL) : rbd_open_read_only(rbd->io, name, &image, NULL);
    if (rc < 0)
        error_report_errno(ERROR_DOMAIN, note_silence(rc), "cannot open volume '%s'", name);
    return rc < 0 ? NULL : image;
}

/* Called by threads of librbd's, of what would be left half done if it was given up. */
static int tell_progress(uint64_t done, uint64_t total, void *call)
{
    StorageCall *before = storage_act_for(call);
    storage_answered();
    storage_act_for(before);
    return 0;
}

static int remove_image(const Rbd *rbd, const char *name)
{
    return rbd_remove_with_progress(rbd->io, name, tell_progress, storage_present_call());
}

static int resize_image(rbd_image_t image, guint64 size, gboolean may_shrink)
{
    return rbd_resize2(image, size, may_shrink, tell_progress, storage_present_call());
}

static int remove_snapshot(rbd_image_t image, const char *name)
{
    int is_protected = 0, rc = rbd_snap_is_protected(image, name, &is_protected);
    if (rc == 0 && is_protected)
        rc = rbd_snap_unprotect(image, name);
    return rc == 0 ? rbd_snap_remove(image, name) : rc;
}

/* Remove an image that got no name of its own, and the snapshot that was taken to clone it. 0 or an error of librbd's. */
static int remove_unfinished(const Rbd *rbd, const char *name)
{
    rbd_linked_image_spec_t parent = { 0 };
    rbd_snap_spec_t snapshot = { 0 };
    rbd_image_t image = NULL;
    gboolean is_clone = FALSE;
    if (rbd_open_read_only(rbd->io, name, &image, NULL) == 0) {
        is_clone = rbd_get_parent(image, &parent, &snapshot) == 0;
        rbd_close(image);
    }
    int rc = remove_image(rbd, name);
    if (rc == 0 && is_clone && parent.pool_id == rados_ioctx_get_id(rbd->io) && g_str_has_prefix(snapshot.name, SNAPSHOT "-") &&
        rbd_open(rbd->io, parent.image_name, &image, NULL) == 0) {
        remove_snapshot(image, snapshot.name);
        rbd_close(image);
    }
    if (is_clone) {
        rbd_linked_image_spec_cleanup(&parent);
        rbd_snap_spec_cleanup(&snapshot);
    }
    return rc;
}

/* ---- the pool ---- */

static int pool_start(StoragePool *pool, const StoragePoolDef *def)
{
    Rbd *rbd = g_new0(Rbd, 1);
    rbd->base = (StorageConnection) { 1, rbd_end };
    if (connect_cluster(rbd, def) < 0) {
        rbd_unref(rbd);
        return -1;
    }
    storage_pool_set_connection(pool, &rbd->base);
    return 0;
}

static int pool_stop(StoragePool *pool, const StoragePoolDef *def)
{
    storage_pool_set_connection(pool, NULL);
    return 0;
}

static int pool_sizes(StoragePool *pool, const Rbd *rbd, const StoragePoolDef *def)
{
    struct rados_cluster_stat_t cluster;
    struct rados_pool_stat_t used;
    int rc = rados_cluster_stat(rbd->cluster, &cluster);
    if (rc == 0)
        rc = rados_ioctx_pool_stat(rbd->io, &used);
    if (rc < 0)
        return RBD_FAIL(rc, "cannot tell how much room pool '%s' has", def->name);
    storage_pool_set_sizes(pool, cluster.kb * 1024, used.num_bytes, cluster.kb_avail * 1024);
    return 0;
}

/* Somebody has it open; for a while that is also believed of who was killed. */
static gboolean is_open(const Rbd *rbd, const char *name)
{
    rbd_image_watcher_t watchers[4];
    size_t n = G_N_ELEMENTS(watchers);
    rbd_image_t image;
    if (rbd_open_read_only(rbd->io, name, &image, NULL) < 0)
        return TRUE;
    int rc = rbd_watchers_list(image, watchers, &n);
    if (rc == 0)
        rbd_watchers_list_cleanup(watchers, n);
    rbd_close(image);
    return rc < 0 || n > 0;
}

/* What a killed daemon has left goes, some day. */
static void add_name(const Rbd *rbd, StorageScan *scan, const StoragePoolDef *def, const char *name)
{
    g_autofree char *path = g_strdup_printf("%s/%s", def->source.name, name);
    if (file_name_may_be_volume(name))
        storage_scan_add_name(scan, name, path, path);
    else if (file_name_is_left(name) && !is_open(rbd, name) && remove_unfinished(rbd, name) == 0)
        LOG_INFO("pool '%s': removed '%s', which was not finished", def->name, name);
}

static int pool_refresh(StoragePool *pool, const StoragePoolDef *def, StorageScan *scan)
{
    g_autoptr(Rbd) rbd = rbd_of(pool);
    if (!rbd)
        return -1;
    size_t n = 256;
    rbd_image_spec_t *images = NULL;
    int rc = -ERANGE;
    for (guint i = 0; rc == -ERANGE && n <= MAX_VOLUMES && i < MAX_LIST_TRIES; i++) { /* it says how many there are */
        images = g_renew(rbd_image_spec_t, images, n);
        rc = rbd_list2(rbd->io, images, &n);
    }
    for (size_t i = 0; rc >= 0 && i < n; i++)
        add_name(rbd, scan, def, images[i].name);
    if (rc >= 0)
        rbd_image_spec_list_cleanup(images, n);
    g_free(images);
    return rc < 0 ? RBD_FAIL(rc, "cannot list the images of pool '%s'", def->name) : pool_sizes(pool, rbd, def);
}

/* ---- volumes ---- */

static int vol_plan(StoragePool *pool, const StoragePoolDef *pool_def, StorageVolDef *def)
{
    gboolean fine = *def->name && strlen(def->name) <= NAME_BYTES && !strpbrk(def->name, "/@");
    if (!fine || !file_name_may_be_volume(def->name))
        return FAIL(VIR_ERR_INVALID_ARG, "an image of Ceph can't have that name: it has at most %d bytes, no '/', '@' or control characters, and "
                    "is none of those under which we make images", NAME_BYTES);
    if (def->target.format != STORAGE_VOL_FORMAT_RAW)
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "volume '%s': only raw volumes are supported in a pool of Ceph", def->name);
    if (def->target.encryption)
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "volume '%s': encrypted volumes can't be made in a pool of Ceph", def->name);
    g_free(def->target.path);
    g_free(def->key);
    def->target.path = g_strdup_printf("%s/%s", pool_def->source.name, def->name);
    def->key = g_strdup(def->target.path);
    return 0;
}

static int add_extent(uint64_t offset, size_t length, int exists, void *opaque)
{
    if (exists)
        *(guint64 *) opaque += length;
    return 0;
}

/* Asking which objects there are is quick only where the cluster keeps a map of them. */
static guint64 allocation_of(rbd_image_t image, const StoragePoolDef *pool_def, guint64 size)
{
    uint64_t features = 0;
    guint64 allocated = 0;
    if (pool_def->refresh_allocation == STORAGE_VOL_ALLOCATION_SOURCE_CAPACITY || rbd_get_features(image, &features) < 0 ||
        !(features & RBD_FEATURE_FAST_DIFF) || rbd_diff_iterate2(image, NULL, 0, size, 0, 1, add_extent, &allocated) < 0)
        return size;
    return MIN(allocated, size);
}

static int vol_refresh(StoragePool *pool, StorageVol *vol, StorageVolDef *def, StorageStamp *stamp)
{
    rbd_image_info_t info;
    g_autoptr(Rbd) rbd = rbd_of(pool);
    rbd_image_t image = rbd ? open_image(rbd, storage_vol_name(vol), FALSE) : NULL;
    if (!image)
        return -1;
    int rc = rbd_stat(image, &info, sizeof(info));
    if (rc == 0) {
        def->type = STORAGE_VOL_TYPE_NETWORK;
        def->target.format = STORAGE_VOL_FORMAT_RAW;
        def->capacity = info.size;
        def->physical = def->allocation = allocation_of(image, storage_vol_pool_def(vol), info.size);
        def->has_capacity = def->has_allocation = def->has_physical = true;
    }
    rbd_close(image);
    return rc < 0 ? RBD_FAIL(rc, "cannot look at volume '%s'", storage_vol_name(vol)) : 0;
}

/* ---- content ---- */

typedef struct RbdContent {
    StorageContent base;
    Rbd *rbd;               /* reference */
    rbd_image_t image;
    char *name;
    StoragePoolDef *pool;   /* owned */
    guint64 object;         /* bytes of each of the image's objects */
    gboolean fast;          /* the cluster keeps a map of them */
} RbdContent;

static gssize rbd_content_read(StorageContent *content, guint64 at, void *buffer, gsize n)
{
    RbdContent *self = (RbdContent *) content;
    ssize_t got = rbd_read(self->image, at, n, buffer);
    return got < 0 ? RBD_FAIL((int) got, "cannot read volume '%s'", self->name) : got;
}

static gssize rbd_content_write(StorageContent *content, guint64 at, const void *buffer, gsize n)
{
    RbdContent *self = (RbdContent *) content;
    ssize_t put = rbd_write(self->image, at, n, buffer);
    return put > 0 ? put : RBD_FAIL(put < 0 ? (int) put : -EIO, "cannot write volume '%s'", self->name);
}

/* Unlike what is discarded, which a cluster may keep where it is less than an object. */
static int rbd_content_zero(StorageContent *content, guint64 at, guint64 length)
{
    RbdContent *self = (RbdContent *) content;
    for (guint64 end = at + length; at < end; at += MIN(end - at, STRETCH)) {
        ssize_t rc = rbd_write_zeroes(self->image, at, (size_t) MIN(end - at, STRETCH), 0, 0);
        if (rc < 0)
            return RBD_FAIL((int) rc, "cannot make a hole in volume '%s'", self->name);
        storage_answered();
    }
    return 0;
}

static int rbd_content_flush(StorageContent *content)
{
    RbdContent *self = (RbdContent *) content;
    int rc = rbd_flush(self->image);
    return rc < 0 ? RBD_FAIL(rc, "cannot write volume '%s'", self->name) : 0;
}

static int rbd_content_discard(StorageContent *content)
{
    RbdContent *self = (RbdContent *) content;
    for (guint64 at = 0; at < content->size; at += STRETCH) {
        ssize_t rc = rbd_discard(self->image, at, MIN(content->size - at, STRETCH));
        if (rc < 0)
            return RBD_FAIL((int) rc, "cannot give back what volume '%s' takes", self->name);
        if (storage_progress(at, content->size) < 0)
            return -1;
    }
    return rbd_content_flush(content);
}

/* The first stretch of data or hole from @at on. */
typedef struct Stretch {
    guint64 at, end;        /* @end: not known yet, 0 */
    gboolean is_data;
} Stretch;

#define STRETCH_ENDS (-9000)    /* no error of librbd's */

/* Called in the order of the image. */
static int look_at_stretch(uint64_t offset, size_t length, int exists, void *opaque)
{
    Stretch *stretch = opaque;
    if (!exists || offset + length <= stretch->at)
        return 0;
    if (!stretch->end && offset > stretch->at) {
        stretch->end = offset;
        return STRETCH_ENDS;
    }
    if (stretch->end && offset > stretch->end)
        return STRETCH_ENDS;
    stretch->is_data = TRUE;
    stretch->end = offset + length;
    return 0;
}

/* Whole objects are asked for: librbd is not to be trusted with less where there are parents. */
static int rbd_content_extent(StorageContent *content, guint64 at, guint64 *length, gboolean *is_data)
{
    RbdContent *self = (RbdContent *) content;
    Stretch stretch = { .at = at };
    guint64 first = at - at % self->object, end = MIN(first + MAX(STRETCH, self->object), content->size);
    int rc = rbd_diff_iterate2(self->image, NULL, first, end - first, 1, self->fast, look_at_stretch, &stretch);
    if (rc < 0 && rc != STRETCH_ENDS)
        return RBD_FAIL(rc, "cannot ask which parts of volume '%s' hold data", self->name);
    *is_data = stretch.is_data;
    *length = MIN(*length, MIN(stretch.end ? stretch.end : end, end) - at);
    return 0;
}

static json_object *json_servers(const StoragePoolDef *def)
{
    json_object *servers = json_object_new_array();
    for (guint i = 0; i < def->source.n_hosts; i++) {
        g_autofree char *port = g_strdup_printf("%u", def->source.hosts[i]->port ? def->source.hosts[i]->port : 6789);
        json_object_array_add(servers, json_make(JSON_STR("host", def->source.hosts[i]->name), JSON_STR("port", port)));
    }
    return servers;
}

static char *rbd_content_describe(StorageContent *content, const char *key, guint8 **secret, gsize *secret_size)
{
    RbdContent *self = (RbdContent *) content;
    const StoragePoolAuth *auth = self->pool->source.auth;
    if (auth && secret && !(*secret = remote_secret(self->pool, STORAGE_AUTH_SECRET_TYPE_CEPH, secret_size)))
        return NULL;
    json_object *modes = json_object_new_array();
    json_object_array_add(modes, json_object_new_string(auth ? "cephx" : "none"));
    g_autoptr(json_object) node = json_make(JSON_STR("driver", "rbd"), JSON_STR("pool", self->pool->source.name), JSON_STR("image", self->name),
                                            JSON_VALUE("server", json_servers(self->pool)), JSON_VALUE("auth-client-required", modes),
                                            JSON_STR("user", auth ? auth->username : NULL), JSON_STR("key-secret", auth ? key : NULL));
    return g_strdup(json_text(node));
}

static void rbd_content_close(StorageContent *content)
{
    RbdContent *self = (RbdContent *) content;
    if (self->image)
        rbd_close(self->image);
    rbd_unref(self->rbd);
    xml_struct_free(&STORAGE_POOL_DEF_DESC, self->pool);
    g_free(self->name);
}

static const StorageContentOps rbd_content_ops = {
    .read = rbd_content_read, .write = rbd_content_write, .zero = rbd_content_zero, .discard = rbd_content_discard,
    .extent = rbd_content_extent, .flush = rbd_content_flush, .describe = rbd_content_describe, .close = rbd_content_close,
};

static int look_at_image(RbdContent *self)
{
    rbd_image_info_t info;
    uint64_t features = 0, flags = 0;
    int rc = rbd_stat(self->image, &info, sizeof(info));
    if (rc == 0 && (rc = rbd_get_features(self->image, &features)) == 0)
        rc = rbd_get_flags(self->image, &flags);
    if (rc < 0)
        return RBD_FAIL(rc, "cannot look at volume '%s'", self->name);
    self->base.size = info.size;
    self->object = info.obj_size;
    self->fast = (features & RBD_FEATURE_FAST_DIFF) && !(flags & RBD_FLAG_FAST_DIFF_INVALID);
    return self->object ? 0 : FAIL(VIR_ERR_OPERATION_FAILED, "volume '%s' says that its objects have no bytes", self->name);
}

/* Of the image @name. NULL with an error. */
static StorageContent *content_of(Rbd *rbd, const StoragePoolDef *def, const char *name, gboolean write)
{
    RbdContent *self = CONTENT_NEW(RbdContent, &rbd_content_ops, 0);
    self->rbd = (Rbd *) storage_connection_ref(&rbd->base);
    self->name = g_strdup(name);
    self->pool = xml_struct_copy(&STORAGE_POOL_DEF_DESC, def);
    self->image = open_image(rbd, self->name, write);
    if (self->image && look_at_image(self) == 0)
        return &self->base;
    content_unref(&self->base);
    return NULL;
}

static StorageContent *vol_open(StoragePool *pool, StorageVol *vol, const StorageVolDef *def, gboolean write)
{
    g_autoptr(Rbd) rbd = rbd_of(pool);
    return rbd ? content_of(rbd, storage_vol_pool_def(vol), storage_vol_name(vol), write) : NULL;
}

/* ---- making ---- */

static int fail_exists(const char *name)
{
    return FAIL(VIR_ERR_STORAGE_VOL_EXIST, "there is an image '%s' in the Ceph pool already; 'virsh pool-refresh' shows it", name);
}

static int create_image(const Rbd *rbd, const char *name, const StorageVolDef *def)
{
    rbd_image_options_t options;
    rbd_image_options_create(&options);
    int rc = rbd_create4(rbd->io, name, def->capacity, options);
    rbd_image_options_destroy(options);
    if (rc == -EEXIST)
        return fail_exists(def->name);
    return rc < 0 ? RBD_FAIL(rc, "cannot make volume '%s'", def->name) : 0;
}

/* Clone an image of the same pool: from a snapshot, which must be of its present content. */
static int clone_image(const Rbd *rbd, rbd_image_t parent, const char *parent_name, const char *name)
{
    g_autofree char *uuid = g_uuid_string_random(), *snapshot = g_strdup_printf("%s-%s", SNAPSHOT, uuid);
    rbd_image_options_t options;
    int rc = rbd_snap_create(parent, snapshot);
    if (rc < 0)
        return RBD_FAIL(rc, "cannot take a snapshot of volume '%s'", parent_name);
    rbd_image_options_create(&options);
    if ((rc = rbd_snap_protect(parent, snapshot)) == 0)
        rc = rbd_clone3(rbd->io, parent_name, snapshot, rbd->io, name, options);
    rbd_image_options_destroy(options);
    if (rc == 0)
        return 0;
    remove_snapshot(parent, snapshot);
    return RBD_FAIL(rc, "cannot clone volume '%s'", parent_name);
}

static int grow(const Rbd *rbd, const char *name, StorageVolDef *def)
{
    guint64 size = 0;
    rbd_image_t image = open_image(rbd, name, TRUE);
    if (!image)
        return -1;
    int rc = rbd_get_size(image, &size);
    if (rc == 0 && size < def->capacity)
        rc = resize_image(image, def->capacity, FALSE);
    def->capacity = MAX(def->capacity, size);
    rbd_close(image);
    return rc < 0 ? RBD_FAIL(rc, "cannot give volume '%s' %" G_GUINT64_FORMAT " bytes", def->name, def->capacity) : 0;
}

static int make_clone(const Rbd *rbd, const char *name, StorageVolDef *def, StorageVol *from)
{
    rbd_image_t parent = open_image(rbd, storage_vol_name(from), TRUE);
    if (!parent)
        return -1;
    int rc = clone_image(rbd, parent, storage_vol_name(from), name);
    rbd_close(parent);
    return rc < 0 ? -1 : grow(rbd, name, def);
}

static int make_copy(Rbd *rbd, const char *name, StorageVol *vol, StorageVolDef *def, StorageVol *from)
{
    StorageVolDef *source = storage_vol_copy_def(from);
    def->capacity = MAX(def->capacity, source->capacity);
    xml_struct_free(&STORAGE_VOL_DEF_DESC, source);
    if (create_image(rbd, name, def) < 0)
        return -1;
    g_autoptr(StorageContent) content = content_of(rbd, storage_vol_pool_def(vol), name, TRUE);
    if (!content)
        return -1;
    content->is_zero = TRUE;
    return storage_vol_fill(vol, def, content, from);
}

/* An image has another name until it is complete. */
static int make_from(Rbd *rbd, StoragePool *pool, StorageVol *vol, StorageVolDef *def, StorageVol *from)
{
    g_autoptr(FileName) name = file_name_begin();
    int rc = storage_vol_pool(from) == pool ? make_clone(rbd, name, def, from) : make_copy(rbd, name, vol, def, from);
    if (rc == 0 && (rc = rbd_rename(rbd->io, name, def->name)) < 0)
        rc = rc == -EEXIST ? fail_exists(def->name) : RBD_FAIL(rc, "cannot give volume '%s' its name", def->name);
    if (rc < 0)
        remove_unfinished(rbd, name);
    return rc;
}

static int vol_create(StoragePool *pool, StorageVol *vol, StorageVolDef *def, StorageVol *from, unsigned int flags)
{
    g_autoptr(Rbd) rbd = rbd_of(pool);
    if (!rbd || (from ? make_from(rbd, pool, vol, def, from) : create_image(rbd, def->name, def)) < 0)
        return -1;
    return pool_sizes(pool, rbd, storage_vol_pool_def(vol));
}

/* ---- changing ---- */

static int vol_resize(StoragePool *pool, StorageVol *vol, StorageVolDef *def, guint64 capacity, unsigned int flags)
{
    g_autoptr(Rbd) rbd = rbd_of(pool);
    rbd_image_t image = rbd ? open_image(rbd, def->name, TRUE) : NULL;
    if (!image)
        return -1;
    int rc = resize_image(image, capacity, (flags & VIR_STORAGE_VOL_RESIZE_SHRINK) != 0);
    rbd_close(image);
    return rc < 0 ? RBD_FAIL(rc, "cannot resize volume '%s'", def->name) : 0;
}

static int vol_wipe(StoragePool *pool, StorageVol *vol, const StorageVolDef *def, unsigned int algorithm)
{
    g_autoptr(StorageContent) content = vol_open(pool, vol, def, TRUE);
    return content ? storage_content_wipe(content, algorithm, def->name) : -1;
}

static int remove_snapshots(rbd_image_t image, const char *name)
{
    rbd_snap_info_t snaps[256];
    int max = G_N_ELEMENTS(snaps), n = rbd_snap_list(image, snaps, &max), rc = 0;
    if (n < 0)
        return RBD_FAIL(n, "cannot list the snapshots of volume '%s'", name);
    for (int i = 0; i < n && rc == 0; i++) {
        rc = remove_snapshot(image, snaps[i].name);
        if (rc == -EBUSY)
            error_report(ERROR_DOMAIN, VIR_ERR_OPERATION_INVALID, "volumes were cloned from snapshot '%s' of volume '%s': delete them before, or 'rbd flatten' them",
                         snaps[i].name, name);
        else if (rc < 0)
            error_report_errno(ERROR_DOMAIN, -rc, "cannot remove snapshot '%s' of volume '%s'", snaps[i].name, name);
    }
    rbd_snap_list_end(snaps);
    return rc < 0 ? -1 : 0;
}

static int vol_delete(StoragePool *pool, StorageVol *vol, const StorageVolDef *def, unsigned int flags)
{
    g_autoptr(Rbd) rbd = rbd_of(pool);
    if (!rbd)
        return -1;
    if ((flags & VIR_STORAGE_VOL_DELETE_ZEROED) && vol_wipe(pool, vol, def, VIR_STORAGE_VOL_WIPE_ALG_ZERO) < 0)
        return -1;
    if (flags & VIR_STORAGE_VOL_DELETE_WITH_SNAPSHOTS) {
        rbd_image_t image = open_image(rbd, def->name, TRUE);
        int rc = image ? remove_snapshots(image, def->name) : -1;
        if (image)
            rbd_close(image);
        if (rc < 0)
            return -1;
    }
    int rc = remove_image(rbd, def->name);
    if (rc == -ENOTEMPTY)
        return FAIL(VIR_ERR_OPERATION_INVALID, "volume '%s' has snapshots, which go with it only if that is asked for "
                    "(virsh vol-delete --delete-snapshots)", def->name);
    if (rc == -EBUSY)
        return FAIL(VIR_ERR_OPERATION_INVALID, "volume '%s' is in use, or was within the last 30 seconds by a host that has failed", def->name);
    return rc < 0 && rc != -ENOENT ? RBD_FAIL(rc, "cannot delete volume '%s'", def->name) : pool_sizes(pool, rbd, storage_vol_pool_def(vol));
}

const StorageBackend storage_rbd_backend = {
    .vol_delete_flags = VIR_STORAGE_VOL_DELETE_ZEROED | VIR_STORAGE_VOL_DELETE_WITH_SNAPSHOTS,
    .vol_resize_flags = VIR_STORAGE_VOL_RESIZE_SHRINK | VIR_STORAGE_VOL_RESIZE_DELTA,
    .wipe_algorithms = CONTENT_WIPE_ALGORITHMS,
    .vol_clash = VIR_ERR_STORAGE_VOL_EXIST,
    .stall_ms = STALL_MS,
    .pool_start = pool_start,
    .pool_refresh = pool_refresh,
    .pool_stop = pool_stop,
    .pool_delete = remote_pool_delete,
    .vol_plan = vol_plan,
    .vol_create = vol_create,
    .vol_delete = vol_delete,
    .vol_resize = vol_resize,
    .vol_wipe = vol_wipe,
    .vol_refresh = vol_refresh,
    .vol_open = vol_open,
};
