/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What becomes of each disk (and the memory) in snapshots and checkpoints.
 */
#define ERROR_DOMAIN api_error_domain
#include "domain/api_moments.h"
#include <sys/stat.h>

static const char *source_path(const DomainDisk *disk)
{
    return disk->source.file ? disk->source.file : disk->source.dev;
}

gboolean disk_is_empty(const DomainDisk *disk)
{
    return !source_path(disk) && !disk->source.name && !disk->source.volume;
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

int disks_align(const DomainDef *domain, const XmlDesc *desc, void ***parts, guint *n)
{
    g_autoptr(GHashTable) given = g_hash_table_new(NULL, NULL);
    for (guint i = 0; i < *n; i++) {
        const DomainDisk *disk = find_disk(domain, PART_NAME((*parts)[i]));
        if (!disk)
            return -1;
        if (!g_hash_table_insert(given, (gpointer) disk, (*parts)[i]))
            return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "disk '%s' is named twice", disk->target.dev);
    }
    g_clear_pointer(parts, g_free); /* they are in the table, and go back one by one */
    *n = 0;
    for (guint i = 0; i < domain->devices.n_disks; i++) {
        const DomainDisk *disk = domain->devices.disks[i];
        void *part = g_hash_table_lookup(given, disk);
        if (!part)
            part = xml_struct_new(desc);
        g_free(PART_NAME(part));
        PART_NAME(part) = g_strdup(disk->target.dev);
        XML_LIST_APPEND(*parts, *n, part);
    }
    return 0;
}

char *disk_invent_file(const DomainDisk *disk, const char *suffix)
{
    struct stat st;
    const char *old = disk->source.type == DOMAIN_DISK_TYPE_FILE ? disk->source.file : NULL;
    if (!old || stat(old, &st) < 0 || !S_ISREG(st.st_mode))
        return FAIL_NULL(VIR_ERR_CONFIG_UNSUPPORTED, "the image of disk '%s' is no regular file, so no name of a new one can be "
                         "made of it; name one in the XML", disk->target.dev);
    return g_strdup_printf("%s.%s", old, suffix);
}

/* ---- snapshots ---- */

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

int snapshot_check_memory(DomainSnapshotDef *def)
{
    DomainDiskSnapshot *memory = &def->memory.snapshot;
    if (*memory == DOMAIN_DISK_SNAPSHOT_UNSET && def->memory.file)
        *memory = DOMAIN_DISK_SNAPSHOT_EXTERNAL;
    if (*memory == DOMAIN_DISK_SNAPSHOT_MANUAL)
        return FAIL(VIR_ERR_XML_ERROR, "memory can't be kept manually: snapshot='no' leaves it out");
    if (*memory == DOMAIN_DISK_SNAPSHOT_EXTERNAL && !def->memory.file)
        return FAIL(VIR_ERR_XML_ERROR, "external memory snapshots require a filename");
    if (*memory != DOMAIN_DISK_SNAPSHOT_EXTERNAL && def->memory.file)
        return FAIL(VIR_ERR_XML_ERROR, "a file ('%s') for the memory makes sense for external snapshots of it only",
                    def->memory.file);
    if (def->memory.file && !g_path_is_absolute(def->memory.file))
        return FAIL(VIR_ERR_XML_ERROR, "the path '%s' of the memory's file must be absolute", def->memory.file);
    return 0;
}

/* A name for the new image: the old one with the snapshot's name for a suffix. */
static int name_image(const DomainSnapshotDef *def, const DomainDisk *disk, DomainSnapshotDisk *part)
{
    g_autofree char *longer = disk_invent_file(disk, def->name);
    if (!longer)
        return -1;
    const char *old = disk->source.file, *slash = strrchr(old, '/'), *dot = strrchr(old, '.');
    int keep = (int) (dot && dot > slash ? dot - old : (gssize) strlen(old));
    part->source.type = DOMAIN_DISK_TYPE_FILE;
    part->source.file = g_strdup_printf("%.*s.%s", keep, old, def->name);
    if (strcmp(part->source.file, old) == 0)
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "the external snapshot of disk '%s' would be its own image '%s'",
                    disk->target.dev, old);
    return 0;
}

static int settle_disk(const DomainSnapshotDef *def, const DomainDisk *disk, DomainSnapshotDisk *part,
                       DomainDiskSnapshot usual, gboolean strict)
{
    DomainDiskSnapshot own = disk->snapshot ? disk->snapshot : disk_is_empty(disk) || disk->readonly
                           ? DOMAIN_DISK_SNAPSHOT_NO : usual;
    gboolean given = part->source.file || part->source.dev || part->source.name;
    gboolean odd = part->snapshot == DOMAIN_DISK_SNAPSHOT_NO || (strict && part->snapshot == DOMAIN_DISK_SNAPSHOT_EXTERNAL);
    if (odd && part->snapshot != own && usual == DOMAIN_DISK_SNAPSHOT_INTERNAL)
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "disk '%s' must use snapshot mode 'internal'", part->name);
    if (part->snapshot == DOMAIN_DISK_SNAPSHOT_UNSET)
        part->snapshot = own;
    if (def->state == DOMAIN_SNAPSHOT_STATE_DISK_SNAPSHOT && part->snapshot == DOMAIN_DISK_SNAPSHOT_INTERNAL)
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "disk '%s' must use snapshot mode 'external'", part->name);
    if (part->snapshot == DOMAIN_DISK_SNAPSHOT_EXTERNAL)
        return given ? 0 : name_image(def, disk, part);
    return given ? FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "the new image for disk '%s' requires snapshot mode 'external'", part->name)
                 : 0;
}

int snapshot_align(DomainSnapshotDef *def, gboolean strict)
{
    gboolean off = def->state == DOMAIN_SNAPSHOT_STATE_SHUTOFF || def->state == DOMAIN_SNAPSHOT_STATE_DISK_SNAPSHOT;
    DomainDiskSnapshot *memory = &def->memory.snapshot;
    if (*memory == DOMAIN_DISK_SNAPSHOT_UNSET)
        *memory = off ? DOMAIN_DISK_SNAPSHOT_NO : DOMAIN_DISK_SNAPSHOT_INTERNAL;
    gboolean external = def->state == DOMAIN_SNAPSHOT_STATE_DISK_SNAPSHOT || *memory == DOMAIN_DISK_SNAPSHOT_EXTERNAL;
    def->has_disks = def->domain->devices.n_disks > 0;
    if (disks_align(def->domain, &DOMAIN_SNAPSHOT_DISK_DESC, (void ***) &def->disks.disks, &def->disks.n_disks) < 0)
        return -1;
    for (guint i = 0; i < def->disks.n_disks; i++) {
        if (settle_disk(def, def->domain->devices.disks[i], def->disks.disks[i],
                        external ? DOMAIN_DISK_SNAPSHOT_EXTERNAL : DOMAIN_DISK_SNAPSHOT_INTERNAL, strict) < 0)
            return -1;
    }
    return 0;
}

/* ---- checkpoints ---- */

static int settle_checkpoint(const DomainCheckpointDef *def, const DomainDisk *disk, DomainCheckpointDisk *part,
                             gboolean named)
{
    gboolean fit = !disk || (!disk_is_empty(disk) && !disk->readonly);
    if (part->checkpoint == DOMAIN_CHECKPOINT_KIND_UNSET)
        part->checkpoint = named && (fit || def->has_disks) ? DOMAIN_CHECKPOINT_KIND_BITMAP : DOMAIN_CHECKPOINT_KIND_NO;
    if (part->checkpoint == DOMAIN_CHECKPOINT_KIND_BITMAP && !fit)
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "disk '%s' is empty or readonly: it doesn't change", part->name);
    if (part->checkpoint == DOMAIN_CHECKPOINT_KIND_NO && part->bitmap)
        return FAIL(VIR_ERR_XML_INVALID_SCHEMA, "disk '%s' takes no part in the checkpoint, so it has no bitmap '%s'",
                    part->name, part->bitmap);
    if (part->checkpoint == DOMAIN_CHECKPOINT_KIND_BITMAP && !part->bitmap)
        part->bitmap = g_strdup(def->name);
    part->has_size = false;
    return 0;
}

int checkpoint_align(DomainCheckpointDef *def)
{
    g_autoptr(GHashTable) named = g_hash_table_new(NULL, NULL);
    if (def->has_disks && def->disks.n_disks == 0)
        return FAIL(VIR_ERR_XML_INVALID_SCHEMA, "<disks> of a checkpoint must have a <disk>; without it all take part");
    for (guint i = 0; i < def->disks.n_disks; i++)
        g_hash_table_add(named, def->disks.disks[i]);
    if (def->domain && disks_align(def->domain, &DOMAIN_CHECKPOINT_DISK_DESC, (void ***) &def->disks.disks,
                                   &def->disks.n_disks) < 0)
        return -1;
    for (guint i = 0; i < def->disks.n_disks; i++) {
        DomainCheckpointDisk *part = def->disks.disks[i];
        if (settle_checkpoint(def, def->domain ? def->domain->devices.disks[i] : NULL, part,
                              !def->has_disks || g_hash_table_contains(named, part)) < 0)
            return -1;
    }
    def->has_disks = def->disks.n_disks > 0;
    return 0;
}
