/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Pools of a test node. All types are alike: a pool has 100 GiB, and its volumes exist in memory only. What is written to a
 * volume is kept in an anonymous file that is made at the first use; the node bounds what all of them may hold.
 */
#define ERROR_DOMAIN VIR_FROM_TEST
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <unistd.h>
#include "base/error.h"
#include "base/random.h"
#include "domain/host.h"
#include "drivers/test/test_node.h"
#include "storage/host.h"

#define POOL_CAPACITY (100ULL << 30)
/* Content that a volume can have: its first bytes, up to this many. The rest is a hole that can't be written to. */
#define VOLUME_CONTENT (64ULL << 20)
/* Content of all volumes of a node, and how many have any. */
#define NODE_CONTENT (256ULL << 20)
#define NODE_FILES 256
#define WIPE_CHUNK (64 * 1024)

/* What the volumes of a node hold. */
typedef struct Contents {
    gint refs;         /* the node, and each content */
    GMutex lock;
    guint64 bytes;     /* reserved */
    guint files;
} Contents;

/* What a volume holds; its backend's data. */
typedef struct Content {
    Contents *all;
    int fd;
    guint64 reserved;
} Content;

static Contents *contents_new(void)
{
    Contents *all = g_new0(Contents, 1);
    all->refs = 1;
    g_mutex_init(&all->lock);
    return all;
}

static void contents_unref(Contents *all)
{
    if (!g_atomic_int_dec_and_test(&all->refs))
        return;
    g_mutex_clear(&all->lock);
    g_free(all);
}

/* Reserve @bytes, and room for a descriptor if @file. */
static int contents_take(Contents *all, guint64 bytes, gboolean file)
{
    g_mutex_lock(&all->lock);
    gboolean enough = bytes <= NODE_CONTENT - all->bytes && all->files + file <= NODE_FILES;
    if (enough) {
        all->bytes += bytes;
        all->files += file;
    }
    g_mutex_unlock(&all->lock);
    return enough ? 0 : FAIL(VIR_ERR_OPERATION_FAILED, "a test node's volumes can hold %llu bytes in %d volumes at most: "
                             "delete volumes that were written to", NODE_CONTENT, NODE_FILES);
}

static void contents_give(Contents *all, guint64 bytes, gboolean file)
{
    g_mutex_lock(&all->lock);
    all->bytes -= bytes;
    all->files -= file;
    g_mutex_unlock(&all->lock);
}

static void content_free(void *opaque)
{
    Content *content = opaque;
    close(content->fd);
    contents_give(content->all, content->reserved, TRUE);
    contents_unref(content->all);
    g_free(content);
}

static GMutex content_lock; /* guards whether volumes have content, and how much is reserved */

static int content_make(StoragePool *pool, StorageVol *vol, guint64 capacity)
{
    Contents *all = storage_host_priv(storage_pool_host(pool));
    if (contents_take(all, 0, TRUE) < 0)
        return -1;
    int fd = memfd_create("volume", MFD_CLOEXEC);
    if (fd < 0 || ftruncate(fd, (off_t) MIN(capacity, G_MAXINT64)) < 0) {
        int saved = errno;
        if (fd >= 0)
            close(fd);
        contents_give(all, 0, TRUE);
        return FAIL_ERRNO(saved, "cannot make room for the content of volume '%s'", storage_vol_name(vol));
    }
    Content *content = g_new0(Content, 1);
    content->all = all;
    g_atomic_int_inc(&all->refs);
    content->fd = fd;
    storage_vol_set_priv(vol, content, content_free);
    return 0;
}

/* The content of a volume, with room for writing @bytes at its start; NULL with an error. */
static Content *content_of(StoragePool *pool, StorageVol *vol, guint64 capacity, guint64 bytes)
{
    Content *content = NULL;
    g_mutex_lock(&content_lock);
    if (storage_vol_priv(vol) || content_make(pool, vol, capacity) == 0)
        content = storage_vol_priv(vol);
    if (content && bytes > content->reserved) {
        if (contents_take(content->all, bytes - content->reserved, FALSE) < 0)
            content = NULL;
        else
            content->reserved = bytes;
    }
    g_mutex_unlock(&content_lock);
    return content;
}

static gboolean has_content(StorageVol *vol)
{
    g_mutex_lock(&content_lock);
    gboolean has = storage_vol_priv(vol) != NULL;
    g_mutex_unlock(&content_lock);
    return has;
}

/* ---- pools ---- */

static void new_pool(StoragePool *pool)
{
    storage_pool_set_sizes(pool, POOL_CAPACITY, 0, POOL_CAPACITY);
}

/* ---- volumes ---- */

static int vol_plan(StoragePool *pool, const StoragePoolDef *pool_def, StorageVolDef *def)
{
    if (!def->target.path)
        def->target.path = g_strdup_printf("%s/%s", storage_pool_vol_base(pool_def), def->name);
    if (!def->key)
        def->key = g_strdup(def->target.path);
    return 0;
}

static int fail_no_room(const StoragePool *pool, const StorageVol *vol)
{
    return FAIL(VIR_ERR_INTERNAL_ERROR, "storage pool '%s' has not enough room for volume '%s'", storage_pool_name(pool),
                storage_vol_name(vol));
}

/* Only what holds data is copied, so that holes stay. */
static int copy_content(int from, int to, off_t end)
{
    off_t data = 0;
    while (data < end && (data = lseek(from, data, SEEK_DATA)) >= 0) {
        off_t hole = MIN(lseek(from, data, SEEK_HOLE), end);
        if (lseek(to, data, SEEK_SET) < 0)
            return FAIL_ERRNO(errno, "cannot copy the content of a volume");
        while (data < hole) {
            ssize_t n = sendfile(to, from, &data, (size_t) (hole - data));
            if (n <= 0)
                return FAIL_ERRNO(n < 0 ? errno : EIO, "cannot copy the content of a volume");
        }
    }
    return 0;
}

static int vol_create(StoragePool *pool, StorageVol *vol, StorageVolDef *def, StorageVol *from, unsigned int flags)
{
    if (!storage_pool_take(pool, def->allocation))
        return fail_no_room(pool, vol);
    if (!from || !has_content(from))
        return 0;
    guint64 bytes = MIN(def->capacity, VOLUME_CONTENT);
    Content *content = content_of(pool, vol, def->capacity, bytes);
    const Content *source = storage_vol_priv(from);
    if (content && copy_content(source->fd, content->fd, (off_t) bytes) == 0)
        return 0;
    storage_pool_give(pool, def->allocation);
    return -1;
}

static int vol_delete(StoragePool *pool, StorageVol *vol, const StorageVolDef *def, unsigned int flags)
{
    storage_pool_give(pool, def->allocation);
    return 0;
}

static int vol_resize(StoragePool *pool, StorageVol *vol, StorageVolDef *def, guint64 capacity, unsigned int flags)
{
    guint64 allocation = flags & VIR_STORAGE_VOL_RESIZE_ALLOCATE ? capacity : MIN(def->allocation, capacity);
    if (allocation > def->allocation && !storage_pool_take(pool, allocation - def->allocation))
        return FAIL(VIR_ERR_OPERATION_FAILED, "storage pool '%s' has not enough room left for volume '%s'",
                    storage_pool_name(pool), storage_vol_name(vol));
    const Content *content = storage_vol_priv(vol);
    if (content && ftruncate(content->fd, (off_t) MIN(capacity, G_MAXINT64)) < 0) {
        int saved = errno;
        if (allocation > def->allocation)
            storage_pool_give(pool, allocation - def->allocation);
        return FAIL_ERRNO(saved, "cannot resize the content of volume '%s'", storage_vol_name(vol));
    }
    if (allocation < def->allocation)
        storage_pool_give(pool, def->allocation - allocation);
    def->allocation = allocation;
    return 0;
}

/* Random bytes wherever there is data. */
static int overwrite(int fd)
{
    guint8 junk[WIPE_CHUNK];
    off_t at = 0, end;
    while ((at = lseek(fd, at, SEEK_DATA)) >= 0 && (end = lseek(fd, at, SEEK_HOLE)) >= 0) {
        while (at < end) {
            size_t n = MIN((size_t) (end - at), sizeof(junk));
            random_bytes(junk, n);
            ssize_t done = pwrite(fd, junk, n, at);
            if (done <= 0)
                return FAIL_ERRNO(done < 0 ? errno : EIO, "cannot overwrite the content of a volume");
            at += done;
        }
    }
    return 0;
}

static int vol_wipe(StoragePool *pool, StorageVol *vol, const StorageVolDef *def, unsigned int algorithm)
{
    const Content *content = storage_vol_priv(vol);
    if (!content)
        return 0; /* it has never held but zeros */
    if (algorithm != VIR_STORAGE_VOL_WIPE_ALG_ZERO && algorithm != VIR_STORAGE_VOL_WIPE_ALG_TRIM)
        return overwrite(content->fd);
    off_t size = lseek(content->fd, 0, SEEK_END);
    if (ftruncate(content->fd, 0) < 0 || ftruncate(content->fd, size) < 0)
        return FAIL_ERRNO(errno, "cannot wipe volume '%s'", storage_vol_name(vol));
    return 0;
}

static StorageContent *vol_open(StoragePool *pool, StorageVol *vol, const StorageVolDef *def, gboolean write)
{
    guint64 size = write ? MIN(def->capacity, VOLUME_CONTENT) : def->capacity;
    Content *content = content_of(pool, vol, def->capacity, write ? size : 0);
    int fd = content ? dup(content->fd) : -1;
    if (content && fd < 0)
        error_report_errno(ERROR_DOMAIN, errno, "cannot open volume '%s'", storage_vol_name(vol));
    return fd < 0 ? NULL : content_new_fd(fd, size);
}

/* ---- discovery: a host that always offers the same ---- */

static StoragePoolSource *logical_source(const char *device, const char *name)
{
    StoragePoolSource *source = xml_struct_new(&STORAGE_POOL_SOURCE_DESC);
    StoragePoolDevice *dev = xml_struct_new(&STORAGE_POOL_DEVICE_DESC);
    dev->path = g_strdup(device);
    XML_LIST_APPEND(source->devices, source->n_devices, dev);
    source->name = g_strdup(name);
    source->format = STORAGE_POOL_FORMAT_LVM2;
    return source;
}

static StoragePoolSource *netfs_source(const char *host)
{
    StoragePoolSource *source = xml_struct_new(&STORAGE_POOL_SOURCE_DESC);
    StoragePoolHost *server = xml_struct_new(&STORAGE_POOL_HOST_DESC);
    server->name = g_strdup(host);
    XML_LIST_APPEND(source->hosts, source->n_hosts, server);
    source->dir = g_strdup("/testshare");
    source->format = STORAGE_POOL_FORMAT_NFS;
    return source;
}

static char *find_sources(PoolHost *host, StoragePoolType type, const StoragePoolSource *wanted)
{
    StoragePoolSource *found[2];
    guint n = 0;
    if (type == STORAGE_POOL_TYPE_LOGICAL) {
        found[n++] = logical_source("/dev/sda20", "testvg1");
        found[n++] = logical_source("/dev/sda21", "testvg2");
    } else if (type == STORAGE_POOL_TYPE_NETFS) {
        if (!wanted || !wanted->n_hosts || !wanted->hosts[0]->name)
            return FAIL_NULL(VIR_ERR_INVALID_ARG, "a search for shares needs a server: <source><host name='…'/></source>");
        found[n++] = netfs_source(wanted->hosts[0]->name);
    } else if (type == STORAGE_POOL_TYPE_DIR) { /* the code is the reference's */
        return FAIL_NULL(VIR_ERR_INTERNAL_ERROR, "pools of type 'dir' have no source that could be searched for");
    } else {
        return FAIL_NULL(VIR_ERR_NO_SUPPORT, "sources of pools of type '%s' can't be searched for",
                         storage_pool_type_to_string(type));
    }
    char *text = storage_pool_sources_format(found, n);
    while (n)
        xml_struct_free(&STORAGE_POOL_SOURCE_DESC, found[--n]);
    return text;
}

static const StorageBackend backend = {
    .build_flags = VIR_STORAGE_POOL_BUILD_OVERWRITE | VIR_STORAGE_POOL_BUILD_NO_OVERWRITE,
    .vol_resize_flags = VIR_STORAGE_VOL_RESIZE_ALLOCATE | VIR_STORAGE_VOL_RESIZE_DELTA | VIR_STORAGE_VOL_RESIZE_SHRINK,
    .wipe_algorithms = (2u << VIR_STORAGE_VOL_WIPE_ALG_TRIM) - 1,
    .vol_clash = VIR_ERR_OPERATION_FAILED,
    .find_sources = find_sources,
    .vol_plan = vol_plan,
    .vol_create = vol_create,
    .vol_delete = vol_delete,
    .vol_resize = vol_resize,
    .vol_wipe = vol_wipe,
    .vol_open = vol_open,
};

/* ---- the node ---- */

static void start(TestNode *node)
{
    static const StorageDriverSetup setup = {
        .backends = { [1 ... STORAGE_POOL_TYPE_LAST - 1] = &backend },
        .pool_new = new_pool,
    };
    node->tables.pools = storage_host_pools(storage_host_new(&setup, contents_new(), host_bus(node->host)));
    managed_table_set_error_domain(node->tables.pools, VIR_FROM_TEST);
}

static void stop(TestNode *node)
{
    PoolHost *host = managed_table_priv(node->tables.pools);
    Contents *all = storage_host_priv(host);
    storage_host_free(host);
    contents_unref(all);
}

static int add_default(virConnectPtr conn)
{
    return storage_host_add_pool(managed_table_priv(conn->tables->pools),
                                 "<pool type='dir'><name>default-pool</name>"
                                 "<uuid>dfe224cb-28fb-8dd0-c4b2-64eb3f0f4566</uuid>"
                                 "<target><path>/default-pool</path></target></pool>", TRUE, NULL);
}

static int add_volumes(PoolHost *host, xmlNode *pool, const char *name)
{
    for (xmlNode *node = pool->children; node; node = node->next) {
        if (node->type != XML_ELEMENT_NODE || strcmp((const char *) node->name, "volume") != 0)
            continue;
        xmlBuffer *text = xmlBufferCreate();
        xmlNodeDump(text, node->doc, node, 0, 0);
        int rc = storage_host_add_vol(host, name, (const char *) xmlBufferContent(text));
        xmlBufferFree(text);
        if (rc < 0)
            return -1;
    }
    return 0;
}

static int add(virConnectPtr conn, const char *xml)
{
    PoolHost *host = managed_table_priv(conn->tables->pools);
    g_autofree char *name = NULL;
    if (storage_host_add_pool(host, xml, TRUE, &name) < 0)
        return -1;
    xmlDoc *doc = xml_document_parse(xml, strlen(xml), "(storage_pool_definition)", ERROR_DOMAIN);
    int rc = doc ? add_volumes(host, xmlDocGetRootElement(doc), name) : -1;
    xmlFreeDoc(doc);
    return rc;
}

const TestKind test_storage_kind = {
    .element = "pool",
    .start = start,
    .stop = stop,
    .add_default = add_default,
    .add = add,
};
