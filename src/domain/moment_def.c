/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Definitions of snapshots and checkpoints that come from clients: what is missing is filled in, what can't be is refused.
 */
#define ERROR_DOMAIN api_error_domain
#include "domain/api_moments.h"
#include "base/file.h"
#include <sys/stat.h>

#define NAME(kind, def) G_STRUCT_MEMBER(char *, def, (kind)->name)
#define PARENT(kind, def) G_STRUCT_MEMBER(DomainMomentParent *, def, (kind)->parent)
#define DOMAIN(kind, def) G_STRUCT_MEMBER(DomainDef *, def, (kind)->domain)

static int check_name(const MomentKind *kind, const Access *a, const char *name)
{
    if (kind == &MOMENT_CHECKPOINT && strchr(name, '/')) /* as in the grammar of checkpoints */
        return FAIL(VIR_ERR_XML_INVALID_SCHEMA, "the name '%s' of a %s can't have a '/'", name, kind->word);
    if (!host_paths(a->obj->host))
        return 0;
    if (strchr(name, '/') || name[0] == '.')
        return FAIL(VIR_ERR_XML_ERROR, "the name '%s' of a %s can't have a '/' nor begin with '.'", name, kind->word);
    return file_name_check(kind->word, name);
}

int moment_fill(const MomentKind *kind, const Access *a, void *def)
{
    MomentSet *set = moments_of(kind, a->state);
    gint64 now = g_get_real_time() / G_USEC_PER_SEC;
    g_autoptr(SharedDef) domain = domain_current_def(a->obj, a->state);
    if (!domain)
        return -1;
    G_STRUCT_MEMBER(bool, def, kind->has_time) = true;
    G_STRUCT_MEMBER(gint64, def, kind->time) = now;
    if (!NAME(kind, def))
        NAME(kind, def) = g_strdup_printf("%" G_GINT64_FORMAT, now);
    if (moments_find(set, NAME(kind, def)))
        return FAIL(VIR_ERR_OPERATION_FAILED, "domain '%s' has a %s '%s' already", API_NAME(a), kind->word,
                    NAME(kind, def));
    xml_struct_free(&DOMAIN_MOMENT_PARENT_DESC, PARENT(kind, def));
    PARENT(kind, def) = NULL;
    if (set && set->current) {
        PARENT(kind, def) = xml_struct_new(&DOMAIN_MOMENT_PARENT_DESC);
        PARENT(kind, def)->name = g_strdup(set->current);
    }
    domain_def_free(DOMAIN(kind, def));
    DOMAIN(kind, def) = shared_def_copy(domain);
    return moments_check_room(kind, a->state) < 0 ? -1 : check_name(kind, a, NAME(kind, def));
}

static int check_parent(const MomentKind *kind, const Access *a, const void *def)
{
    MomentSet *set = moments_of(kind, a->state);
    const DomainMomentParent *parent = PARENT(kind, def);
    const char *name = NAME(kind, def);
    if (!parent)
        return 0;
    if (strcmp(parent->name, name) == 0)
        return FAIL(VIR_ERR_INVALID_ARG, "%s '%s' can't be its own parent", kind->word, name);
    if (!moments_find(set, parent->name))
        return FAIL(VIR_ERR_INVALID_ARG, "the parent '%s' of %s '%s' is not there", parent->name, kind->word, name);
    if (moments_descends(set, parent->name, name))
        return FAIL(VIR_ERR_INVALID_ARG, "the parent '%s' of %s '%s' comes after it", parent->name, kind->word, name);
    return 0;
}

int moment_check_whole(const MomentKind *kind, const Access *a, void *def, const char *xml)
{
    if (!NAME(kind, def))
        return FAIL(VIR_ERR_XML_ERROR, "a redefined %s must have a name", kind->word);
    const char *name = NAME(kind, def);
    const Moment *old = moments_find(moments_of(kind, a->state), name);
    if (!G_STRUCT_MEMBER(bool, def, kind->has_time))
        return FAIL(VIR_ERR_INTERNAL_ERROR, "the redefined %s '%s' lacks its creationTime", kind->word, name);
    if (!DOMAIN(kind, def) && old && DOMAIN(kind, definition_get(old->def)))
        DOMAIN(kind, def) = domain_def_copy(DOMAIN(kind, definition_get(old->def)));
    if (!DOMAIN(kind, def) && kind == &MOMENT_SNAPSHOT)
        return FAIL(VIR_ERR_INTERNAL_ERROR, "the redefined %s '%s' lacks its domain", kind->word, name);
    if (DOMAIN(kind, def) && definition_complete(a->obj->host, DOMAIN(kind, def), xml) < 0)
        return -1;
    return check_name(kind, a, name);
}

int moment_check_again(const MomentKind *kind, const Access *a, void *def, const char *xml)
{
    if (moment_check_whole(kind, a, def, xml) < 0)
        return -1;
    const DomainDef *domain = DOMAIN(kind, def);
    if (domain && memcmp(domain->uuid, a->obj->entry.uuid, VIR_UUID_BUFLEN) != 0)
        return FAIL(VIR_ERR_INVALID_ARG, "the redefined %s '%s' is of another domain: its UUID differs", kind->word,
                    NAME(kind, def));
    return check_parent(kind, a, def);
}

/* ---- disks ---- */

static const char *source_path(const DomainDisk *disk)
{
    return disk->source.file ? disk->source.file : disk->source.dev;
}

/* The disk that a client means by target or path. NULL with an error. */
static const DomainDisk *find_disk(const DomainDef *domain, const char *name)
{
    for (guint i = 0; i < domain->devices.n_disks; i++) {
        const DomainDisk *disk = domain->devices.disks[i];
        if (g_strcmp0(disk->target.dev, name) == 0 || g_strcmp0(source_path(disk), name) == 0)
            return disk;
    }
    return FAIL_NULL(VIR_ERR_CONFIG_UNSUPPORTED, "domain '%s' has no disk '%s'", domain->name, name);
}

gboolean snapshot_is_external(const DomainSnapshotDef *def)
{
    if (def->memory.snapshot == DOMAIN_DISK_SNAPSHOT_EXTERNAL)
        return TRUE;
    for (guint i = 0; i < def->disks.n_disks; i++) {
        if (def->disks.disks[i]->snapshot == DOMAIN_DISK_SNAPSHOT_EXTERNAL)
            return TRUE;
    }
    return FALSE;
}

/* A name for the new image: the old one with the snapshot's name for a suffix. */
static int invent_file(const DomainSnapshotDef *def, const DomainDisk *disk, DomainSnapshotDisk *part)
{
    struct stat st;
    const char *old = disk->source.type == DOMAIN_DISK_TYPE_FILE ? disk->source.file : NULL;
    if (!old || stat(old, &st) < 0 || !S_ISREG(st.st_mode))
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "the image of disk '%s' is no regular file, so no name can be made of it for "
                    "an external snapshot; name one in the snapshot's XML", disk->target.dev);
    const char *slash = strrchr(old, '/'), *dot = strrchr(old, '.');
    int keep = (int) (dot && dot > slash ? dot - old : (gssize) strlen(old));
    part->source.type = DOMAIN_DISK_TYPE_FILE;
    part->source.file = g_strdup_printf("%.*s.%s", keep, old, def->name);
    if (strcmp(part->source.file, old) == 0)
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "the external snapshot of disk '%s' would be its own image '%s'",
                    disk->target.dev, old);
    return 0;
}

static int settle_disk(const DomainSnapshotDef *def, const DomainDisk *disk, DomainSnapshotDisk *part,
                       DomainDiskSnapshot usual)
{
    g_free(part->name);
    part->name = g_strdup(disk->target.dev);
    gboolean empty = !source_path(disk) && !disk->source.name && !disk->source.volume;
    if (part->snapshot == DOMAIN_DISK_SNAPSHOT_UNSET)
        part->snapshot = disk->snapshot ? disk->snapshot : empty || disk->readonly ? DOMAIN_DISK_SNAPSHOT_NO : usual;
    if (def->state == DOMAIN_SNAPSHOT_STATE_DISK_SNAPSHOT && part->snapshot == DOMAIN_DISK_SNAPSHOT_INTERNAL)
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "disk '%s' must use snapshot mode 'external'", part->name);
    if (part->snapshot != DOMAIN_DISK_SNAPSHOT_EXTERNAL || part->source.file || part->source.dev || part->source.name)
        return 0;
    return invent_file(def, disk, part);
}

/* Has each disk of the domain one part, in the domain's order. */
static int order_disks(DomainSnapshotDef *def, DomainDiskSnapshot usual)
{
    g_autoptr(GHashTable) given = g_hash_table_new(NULL, NULL);
    for (guint i = 0; i < def->disks.n_disks; i++) {
        const DomainDisk *disk = find_disk(def->domain, def->disks.disks[i]->name);
        if (!disk)
            return -1;
        if (!g_hash_table_insert(given, (gpointer) disk, def->disks.disks[i]))
            return FAIL(VIR_ERR_XML_ERROR, "disk '%s' is named twice", disk->target.dev);
    }
    DomainSnapshotDisk **old = def->disks.disks;
    def->disks.disks = NULL;
    def->disks.n_disks = 0;
    g_free(old); /* the parts are in the table, and go back one by one */
    for (guint i = 0; i < def->domain->devices.n_disks; i++) {
        DomainSnapshotDisk *part = g_hash_table_lookup(given, def->domain->devices.disks[i]);
        if (!part)
            part = xml_struct_new(&DOMAIN_SNAPSHOT_DISK_DESC);
        XML_LIST_APPEND(def->disks.disks, def->disks.n_disks, part);
    }
    for (guint i = 0; i < def->disks.n_disks; i++) {
        if (settle_disk(def, def->domain->devices.disks[i], def->disks.disks[i], usual) < 0)
            return -1;
    }
    return 0;
}

int snapshot_align(DomainSnapshotDef *def, gboolean disk_only)
{
    gboolean off = def->state == DOMAIN_SNAPSHOT_STATE_SHUTOFF;
    if (disk_only)
        def->state = DOMAIN_SNAPSHOT_STATE_DISK_SNAPSHOT;
    gboolean no_memory = off || def->state == DOMAIN_SNAPSHOT_STATE_DISK_SNAPSHOT;
    DomainDiskSnapshot *memory = &def->memory.snapshot;
    if (*memory == DOMAIN_DISK_SNAPSHOT_UNSET)
        *memory = def->memory.file ? DOMAIN_DISK_SNAPSHOT_EXTERNAL : no_memory ? DOMAIN_DISK_SNAPSHOT_NO
                                                                            : DOMAIN_DISK_SNAPSHOT_INTERNAL;
    if (*memory == DOMAIN_DISK_SNAPSHOT_EXTERNAL && !def->memory.file)
        return FAIL(VIR_ERR_XML_ERROR, "external memory snapshots require a filename");
    if (*memory != DOMAIN_DISK_SNAPSHOT_EXTERNAL && def->memory.file)
        return FAIL(VIR_ERR_XML_ERROR, "a file ('%s') for the memory makes sense for external snapshots of it only",
                    def->memory.file);
    gboolean external = def->state == DOMAIN_SNAPSHOT_STATE_DISK_SNAPSHOT || *memory == DOMAIN_DISK_SNAPSHOT_EXTERNAL;
    def->has_disks = def->domain->devices.n_disks > 0;
    if (order_disks(def, external ? DOMAIN_DISK_SNAPSHOT_EXTERNAL : DOMAIN_DISK_SNAPSHOT_INTERNAL) < 0)
        return -1;
    if (no_memory && *memory != DOMAIN_DISK_SNAPSHOT_NO)
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "there is no memory to be kept in the snapshot '%s'", def->name);
    return 0;
}

int checkpoint_align(DomainCheckpointDef *def)
{
    gboolean all = !def->has_disks;
    for (guint i = 0; i < def->disks.n_disks; i++) {
        const DomainDisk *disk = def->domain ? find_disk(def->domain, def->disks.disks[i]->name) : NULL;
        if (def->domain && !disk)
            return -1;
        for (guint j = 0; j < i; j++) {
            if (disk && strcmp(def->disks.disks[j]->name, disk->target.dev) == 0)
                return FAIL(VIR_ERR_XML_ERROR, "disk '%s' is named twice", disk->target.dev);
        }
        if (disk) {
            g_free(def->disks.disks[i]->name);
            def->disks.disks[i]->name = g_strdup(disk->target.dev);
        }
    }
    for (guint i = 0; all && def->domain && i < def->domain->devices.n_disks; i++) {
        DomainCheckpointDisk *part = xml_struct_new(&DOMAIN_CHECKPOINT_DISK_DESC);
        part->name = g_strdup(def->domain->devices.disks[i]->target.dev);
        XML_LIST_APPEND(def->disks.disks, def->disks.n_disks, part);
    }
    for (guint i = 0; i < def->disks.n_disks; i++) {
        DomainCheckpointDisk *part = def->disks.disks[i];
        part->has_size = false;
        if (part->checkpoint == DOMAIN_CHECKPOINT_KIND_UNSET)
            part->checkpoint = DOMAIN_CHECKPOINT_KIND_BITMAP;
        if (part->checkpoint == DOMAIN_CHECKPOINT_KIND_NO && part->bitmap)
            return FAIL(VIR_ERR_XML_INVALID_SCHEMA, "disk '%s' takes no part in the checkpoint, so it has no bitmap '%s'",
                        part->name, part->bitmap);
        if (part->checkpoint == DOMAIN_CHECKPOINT_KIND_BITMAP && !part->bitmap)
            part->bitmap = g_strdup(def->name);
    }
    def->has_disks = def->disks.n_disks > 0;
    return 0;
}
