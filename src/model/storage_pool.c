/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERROR_DOMAIN VIR_FROM_STORAGE
#include "model/storage.h"
#include "base/error.h"
#include <string.h>

/* What a source has; and shifted by MAY: what it may have. What it may not have means nothing and is dropped. */
enum { HOST = 1, DEVICE = 2, FOLDER = 4, ADAPTER = 8, NAME = 16, INITIATOR = 32, AUTH = 64, PROTOCOL = 128,
       NAME_IS_POOLS = 256 /* a source without name has the pool's */ };
#define MAY(what) ((what) << 16)

/* What makes two pools the same storage. */
typedef enum { BY_NOTHING, BY_TARGET, BY_DEVICE, BY_EXPORT, BY_TARGET_HOST, BY_ADAPTER, BY_NAME, BY_TYPE } Identity;

#define FORMAT(name) (1u << STORAGE_POOL_FORMAT_##name)
#define FS_FORMATS (FORMAT(AUTO) | FORMAT(EXT2) | FORMAT(EXT3) | FORMAT(EXT4) | FORMAT(UFS) | FORMAT(ISO9660) | \
    FORMAT(UDF) | FORMAT(GFS) | FORMAT(GFS2) | FORMAT(VFAT) | FORMAT(HFS_) | FORMAT(XFS) | FORMAT(OCFS2) | FORMAT(VMFS))
#define DISK_FORMATS (FORMAT(UNKNOWN) | FORMAT(DOS) | FORMAT(DVH) | FORMAT(GPT) | FORMAT(MAC) | FORMAT(BSD) | \
    FORMAT(PC98) | FORMAT(SUN) | FORMAT(LVM2))

typedef struct {
    guint needs;
    StoragePoolFormat format;      /* where none is given; UNSET: the type has none, and what is given means nothing */
    guint32 formats;
    const char *target;            /* "": must be given; NULL: there is none; else what the source's name is put behind */
    StorageVolType vol_type;
    Identity identity;
} PoolFacts;

G_STATIC_ASSERT(STORAGE_POOL_FORMAT_LAST <= 32);

static const PoolFacts facts[STORAGE_POOL_TYPE_LAST] = {
    [STORAGE_POOL_TYPE_DIR] = { 0, 0, 0, "", STORAGE_VOL_TYPE_FILE, BY_TARGET },
    [STORAGE_POOL_TYPE_FS] = { DEVICE, STORAGE_POOL_FORMAT_AUTO, FS_FORMATS, "", STORAGE_VOL_TYPE_FILE, BY_DEVICE },
    [STORAGE_POOL_TYPE_NETFS] = { HOST | FOLDER | MAY(PROTOCOL), STORAGE_POOL_FORMAT_AUTO,
        FORMAT(AUTO) | FORMAT(NFS) | FORMAT(GLUSTERFS) | FORMAT(CIFS), "", STORAGE_VOL_TYPE_FILE, BY_EXPORT },
    [STORAGE_POOL_TYPE_LOGICAL] = { NAME | NAME_IS_POOLS | MAY(DEVICE), STORAGE_POOL_FORMAT_LVM2,
        FORMAT(UNKNOWN) | FORMAT(LVM2), "/dev/", STORAGE_VOL_TYPE_BLOCK, BY_DEVICE },
    [STORAGE_POOL_TYPE_DISK] = { DEVICE, STORAGE_POOL_FORMAT_UNKNOWN, DISK_FORMATS, "", STORAGE_VOL_TYPE_BLOCK,
        BY_DEVICE },
    [STORAGE_POOL_TYPE_ISCSI] = { HOST | DEVICE | MAY(INITIATOR | AUTH), 0, 0, "", STORAGE_VOL_TYPE_BLOCK, BY_TARGET_HOST },
    [STORAGE_POOL_TYPE_ISCSI_DIRECT] = { HOST | DEVICE | INITIATOR | MAY(AUTH), 0, 0, NULL,
        STORAGE_VOL_TYPE_NETWORK, BY_TARGET_HOST },
    [STORAGE_POOL_TYPE_SCSI] = { ADAPTER, 0, 0, "", STORAGE_VOL_TYPE_BLOCK, BY_ADAPTER },
    [STORAGE_POOL_TYPE_MPATH] = { 0, 0, 0, "", STORAGE_VOL_TYPE_BLOCK, BY_TYPE },
    [STORAGE_POOL_TYPE_RBD] = { HOST | NAME | MAY(AUTH), 0, 0, NULL, STORAGE_VOL_TYPE_NETWORK, BY_NOTHING },
    [STORAGE_POOL_TYPE_SHEEPDOG] = { HOST | NAME, 0, 0, NULL, STORAGE_VOL_TYPE_NETWORK, BY_NOTHING },
    [STORAGE_POOL_TYPE_GLUSTER] = { HOST | NAME | MAY(FOLDER), 0, 0, NULL, STORAGE_VOL_TYPE_NETWORK, BY_NOTHING },
    [STORAGE_POOL_TYPE_ZFS] = { NAME | NAME_IS_POOLS | MAY(DEVICE), 0, 0, "/dev/zvol/", STORAGE_VOL_TYPE_BLOCK, BY_DEVICE },
    [STORAGE_POOL_TYPE_VSTORAGE] = { NAME | NAME_IS_POOLS, 0, 0, "", STORAGE_VOL_TYPE_FILE, BY_NAME },
};

static int fail_missing(const StoragePoolDef *def, const char *path, const char *what)
{
    return FAIL(VIR_ERR_XML_ERROR, "pool.%s: a pool of type '%s' needs %s", path, storage_pool_type_to_string(def->type), what);
}

bool wwn_is_valid(const char *text)
{
    return strlen(text) == WWN_DIGITS && strspn(text, "0123456789abcdefABCDEF") == WWN_DIGITS;
}

static int check_wwn(const char *path, const char *wwn)
{
    if (!wwn || wwn_is_valid(wwn))
        return 0;
    return FAIL(VIR_ERR_INTERNAL_ERROR, "pool.source.adapter.%s: '%s' is not a world wide name: %d hexadecimal digits", path, wwn, WWN_DIGITS);
}

static int check_adapter(const StoragePoolDef *def, StorageAdapter *adapter)
{
    if (!adapter->type)
        adapter->type = STORAGE_ADAPTER_TYPE_SCSI_HOST;
    if (adapter->type == STORAGE_ADAPTER_TYPE_FC_HOST) {
        if (!adapter->wwnn || !adapter->wwpn)
            return fail_missing(def, "source.adapter", "'wwnn' and 'wwpn' of its virtual host");
        if (check_wwn("wwnn", adapter->wwnn) < 0 || check_wwn("wwpn", adapter->wwpn) < 0 || check_wwn("parent_wwnn", adapter->parent_wwnn) < 0 ||
            check_wwn("parent_wwpn", adapter->parent_wwpn) < 0 || check_wwn("parent_fabric_wwn", adapter->parent_fabric_wwn) < 0)
            return -1;
        return !adapter->parent_wwnn == !adapter->parent_wwpn ? 0
            : fail_missing(def, "source.adapter", "both 'parent_wwnn' and 'parent_wwpn' if one of them is given");
    }
    if (adapter->name && adapter->parentaddr)
        return FAIL(VIR_ERR_XML_ERROR, "pool.source.adapter: the host is given twice, as 'name' and as 'parentaddr'");
    if (!adapter->name && !adapter->parentaddr)
        return fail_missing(def, "source.adapter", "'name' or 'parentaddr'");
    if (adapter->parentaddr && (!adapter->parentaddr->address || !adapter->parentaddr->has_unique_id))
        return fail_missing(def, "source.adapter.parentaddr", "an address and 'unique_id'");
    return 0;
}

/* What means nothing for the type goes, so that nobody takes it for a promise. */
static void drop_meaningless(StoragePoolSource *source, guint facts_bits)
{
    guint may = facts_bits | facts_bits >> 16;
    while (!(may & HOST) && source->n_hosts)
        xml_struct_free(&STORAGE_POOL_HOST_DESC, source->hosts[--source->n_hosts]);
    while (!(may & DEVICE) && source->n_devices)
        xml_struct_free(&STORAGE_POOL_DEVICE_DESC, source->devices[--source->n_devices]);
    if (!(may & FOLDER))
        g_clear_pointer(&source->dir, g_free);
    if (!(may & ADAPTER))
        xml_struct_free(&STORAGE_ADAPTER_DESC, g_steal_pointer(&source->adapter));
    if (!(may & NAME))
        g_clear_pointer(&source->name, g_free);
    if (!(may & INITIATOR))
        g_clear_pointer(&source->initiator_iqn, g_free);
    if (!(may & AUTH))
        xml_struct_free(&STORAGE_POOL_AUTH_DESC, g_steal_pointer(&source->auth));
    if (!(may & PROTOCOL))
        source->protocol_version = 0;
}

static int check_source(const StoragePoolDef *def, guint needs)
{
    const StoragePoolSource *source = &def->source;
    for (guint i = 0; i < source->n_hosts; i++) {
        if (!source->hosts[i]->name)
            return fail_missing(def, "source.host", "a name for each server");
    }
    if ((needs & HOST) && !source->n_hosts)
        return fail_missing(def, "source.host", "a server");
    if ((needs & DEVICE) && !source->n_devices)
        return fail_missing(def, "source.device", "a device");
    if ((needs & FOLDER) && !source->dir)
        return fail_missing(def, "source.dir", "a directory");
    if ((needs & ADAPTER) && !source->adapter)
        return fail_missing(def, "source.adapter", "an adapter");
    if ((needs & NAME) && !source->name)
        return fail_missing(def, "source.name", "a name");
    if ((needs & INITIATOR) && !source->initiator_iqn)
        return fail_missing(def, "source.initiator", "an initiator");
    if (source->auth && !source->auth->secret.has_uuid && !source->auth->secret.usage)
        return fail_missing(def, "source.auth.secret", "UUID or usage of the secret");
    return source->adapter ? check_adapter(def, source->adapter) : 0;
}

void storage_permissions_complete(StoragePermissions **permissions)
{
    StoragePermissions *p = *permissions;
    if (!p)
        return;
    p->has_owner = p->has_owner && p->owner >= 0;
    p->has_group = p->has_group && p->group >= 0;
    if (p->has_mode || p->has_owner || p->has_group || p->label)
        return;
    xml_struct_free(&STORAGE_PERMISSIONS_DESC, p);
    *permissions = NULL;
}

static int complete_target(StoragePoolDef *def, const char *target)
{
    if (!target) {
        xml_struct_clear(&STORAGE_POOL_TARGET_DESC, &def->target);
    } else if (*target) {
        g_free(def->target.path);
        def->target.path = g_strconcat(target, def->source.name, NULL);
    } else if (!def->target.path) {
        return fail_missing(def, "target.path", "a target path");
    } else {
        size_t len = strlen(def->target.path);
        while (len > 1 && def->target.path[len - 1] == '/')
            def->target.path[--len] = '\0';
    }
    storage_permissions_complete(&def->target.permissions);
    return 0;
}

int storage_pool_complete(StoragePoolDef *def)
{
    const PoolFacts *f = &facts[def->type];
    if (!def->name)
        def->name = g_strdup(def->source.name);
    if (!def->name)
        return fail_missing(def, "name", "a name");
    drop_meaningless(&def->source, f->needs);
    if (!def->source.name && (f->needs & NAME_IS_POOLS))
        def->source.name = g_strdup(def->name);
    if (check_source(def, f->needs) < 0)
        return -1;
    if (!f->format || !def->source.format)
        def->source.format = f->format;
    if (f->format && !(f->formats & 1u << def->source.format))
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "pool.source.format: a pool of type '%s' can't have format '%s'",
                    storage_pool_type_to_string(def->type), storage_pool_format_to_string(def->source.format));
    if (def->cow && def->type != STORAGE_POOL_TYPE_DIR && def->type != STORAGE_POOL_TYPE_FS)
        return FAIL(VIR_ERR_NO_SUPPORT, "pool.features.cow: only pools of type 'dir' and 'fs' have it");
    def->capacity = def->allocation = def->available = 0;
    return complete_target(def, f->target);
}

/* ---- the same storage ---- */

static bool share_device(const StoragePoolSource *a, const StoragePoolSource *b)
{
    for (guint i = 0; i < a->n_devices; i++) {
        for (guint k = 0; k < b->n_devices; k++) {
            if (strcmp(a->devices[i]->path, b->devices[k]->path) == 0)
                return true;
        }
    }
    return false;
}

/* A definition without port means any. */
static bool same_host(const StoragePoolSource *a, const StoragePoolSource *b)
{
    const StoragePoolHost *x = a->hosts[0], *y = b->hosts[0];
    return a->n_hosts == 1 && b->n_hosts == 1 && strcmp(x->name, y->name) == 0 && (!x->port || x->port == y->port);
}

/* "host3" is the old name of "scsi_host3". */
static const char *host_number(const char *name)
{
    return g_str_has_prefix(name, "scsi_") ? name + strlen("scsi_") : name;
}

static bool same_adapter(const StorageAdapter *a, const StorageAdapter *b)
{
    if (a->type != b->type)
        return false;
    if (a->type == STORAGE_ADAPTER_TYPE_FC_HOST)
        return strcmp(a->wwnn, b->wwnn) == 0 && strcmp(a->wwpn, b->wwpn) == 0 && g_strcmp0(a->parent, b->parent) == 0;
    if (a->name && b->name)
        return strcmp(host_number(a->name), host_number(b->name)) == 0;
    return a->parentaddr && b->parentaddr && xml_equal(&STORAGE_ADAPTER_PARENT_DESC, a->parentaddr, b->parentaddr);
}

bool storage_pool_same_source(const StoragePoolDef *def, const StoragePoolDef *old)
{
    const StoragePoolSource *a = &def->source, *b = &old->source;
    Identity identity = facts[def->type].identity;
    if (identity == BY_DEVICE && facts[old->type].identity == BY_DEVICE)
        return share_device(a, b);
    if (def->type != old->type)
        return false;
    switch (identity) {
    case BY_TARGET: return strcmp(def->target.path, old->target.path) == 0;
    case BY_EXPORT: return same_host(a, b) && strcmp(a->dir, b->dir) == 0;
    case BY_TARGET_HOST:
        return same_host(a, b) && share_device(a, b) && g_strcmp0(a->initiator_iqn, b->initiator_iqn) == 0;
    case BY_ADAPTER: return same_adapter(a->adapter, b->adapter);
    case BY_NAME: return strcmp(a->name, b->name) == 0;
    case BY_TYPE: return true;
    default: return false;
    }
}

/* ---- documents ---- */

StoragePoolSource *storage_pool_source_parse(const char *xml)
{
    g_autoptr(XmlDiagnostics) diag = xml_diagnostics_new();
    StoragePoolSource *source = NULL;
    xmlDoc *doc = xml_document_parse(xml, strlen(xml), "(storage_source_specification)", ERROR_DOMAIN);
    if (!doc)
        return NULL;
    xmlNode *node = xmlDocGetRootElement(doc);
    if (strcmp((const char *) node->name, "source") != 0)
        error_report(ERROR_DOMAIN, VIR_ERR_XML_ERROR, "root element <source> is expected, not <%s>", (const char *) node->name);
    else if (!(source = xml_parse_node(&STORAGE_POOL_SOURCE_DESC, node, "source", 0, diag)))
        xml_diagnostics_report(diag, ERROR_DOMAIN);
    xmlFreeDoc(doc);
    return source;
}

char *storage_pool_sources_format(StoragePoolSource *const *sources, guint n)
{
    GString *text = g_string_new("<sources>\n");
    for (guint i = 0; i < n; i++) {
        g_autofree char *one = xml_format(&STORAGE_POOL_SOURCE_DESC, sources[i], "source", NULL, 1, 0);
        g_string_append(text, one);
    }
    g_string_append(text, "</sources>\n");
    return g_string_free(text, FALSE);
}

char *storage_pool_sources_finish(GPtrArray *sources)
{
    char *text = storage_pool_sources_format((StoragePoolSource *const *) sources->pdata, sources->len);
    for (guint i = 0; i < sources->len; i++)
        xml_struct_free(&STORAGE_POOL_SOURCE_DESC, sources->pdata[i]);
    g_ptr_array_unref(sources);
    return text;
}

static void add_formats(GString *text, const char *element, const char *name, const XmlEnum *words, guint32 formats,
                        int default_format)
{
    if (!formats)
        return;
    g_string_append_printf(text, "    <%s>\n      <defaultFormat type='%s'/>\n      <enum name='%s'>\n", element,
                           xml_enum_text(words, default_format), name);
    for (guint i = 1; i <= words->n; i++) {
        if (formats >> i & 1)
            g_string_append_printf(text, "        <value>%s</value>\n", xml_enum_text(words, (int) i));
    }
    g_string_append_printf(text, "      </enum>\n    </%s>\n", element);
}

char *storage_pool_capabilities(const void *const supported[STORAGE_POOL_TYPE_LAST])
{
    GString *text = g_string_new("<storagepoolCapabilities>\n");
    for (int type = 1; type < STORAGE_POOL_TYPE_LAST; type++) {
        StorageVolFormat first;
        guint32 formats = storage_vol_formats(type, &first);
        g_string_append_printf(text, "  <pool type='%s' supported='%s'>\n", storage_pool_type_to_string(type),
                               supported[type] ? "yes" : "no");
        add_formats(text, "poolOptions", "sourceFormatType", &STORAGE_POOL_FORMAT_ENUM, facts[type].formats,
                    facts[type].format);
        add_formats(text, "volOptions", "targetFormatType", &STORAGE_VOL_FORMAT_ENUM, formats, first);
        g_string_append(text, "  </pool>\n");
    }
    g_string_append(text, "</storagepoolCapabilities>\n");
    return g_string_free(text, FALSE);
}

StorageVolType storage_pool_vol_type(StoragePoolType type)
{
    return facts[type].vol_type;
}

const char *storage_pool_vol_base(const StoragePoolDef *def)
{
    return def->target.path ?: def->source.name ?: def->name;
}
