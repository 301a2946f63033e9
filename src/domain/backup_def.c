/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Definitions of backups that come from clients: what is missing is filled in, what can't be is refused.
 */
#define ERROR_DOMAIN api_error_domain
#include "domain/api_moments.h"
#include "model/domainbackup_def.h"

#define INVALID(...) FAIL(VIR_ERR_XML_INVALID_SCHEMA, "domainbackup: " __VA_ARGS__)

static int check_server(const DomainBackupDef *def)
{
    const DomainBackupServer *server = def->server;
    gboolean pull = def->mode == DOMAIN_BACKUP_MODE_PULL;
    if (!server)
        return pull ? INVALID("a pull backup must have a <server>") : 0;
    if (!pull)
        return INVALID("a push backup has no <server>");
    if (server->transport == DOMAIN_BACKUP_TRANSPORT_UNIX)
        return server->socket && g_path_is_absolute(server->socket) && !server->name && !server->has_port ? 0
            : INVALID("a <server> with transport='unix' has the absolute path of its socket, and no name or port");
    if (!server->name || server->socket)
        return INVALID("a <server> with transport='tcp' has a name (an address to listen on), and no socket");
    if (!server->has_port)
        return FAIL(VIR_ERR_OPERATION_UNSUPPORTED, "the <server> of a pull backup must have a port: none is chosen");
    return 0;
}

static int check_image(const DomainBackupDisk *part, const DomainBackupImage *image)
{
    const char *path = part->type == DOMAIN_DISK_TYPE_BLOCK ? image->dev : image->file;
    if ((image->dev && image->file) || !path || !g_path_is_absolute(path))
        return INVALID("disk '%s': the image needs the absolute path of a %s", part->name,
                       part->type == DOMAIN_DISK_TYPE_BLOCK ? "device (dev)" : "file (file)");
    return 0;
}

static int check_disk(const DomainBackupDef *def, const DomainBackupDisk *part)
{
    gboolean pull = def->mode == DOMAIN_BACKUP_MODE_PULL;
    const DomainBackupImage *image = pull ? part->scratch : part->target;
    if (strchr(part->name, '/'))
        return INVALID("disk '%s': its target (vda) is its name here", part->name);
    if (part->backup == DOMAIN_BACKUP_PART_NO)
        return 0;
    if (part->type ? part->type != DOMAIN_DISK_TYPE_FILE && part->type != DOMAIN_DISK_TYPE_BLOCK : !pull)
        return INVALID("disk '%s': the type must be 'file' or 'block'", part->name);
    if (pull ? part->target != NULL : part->scratch || part->exportname || part->exportbitmap)
        return INVALID("disk '%s': %s", part->name, pull ? "a pull backup has <scratch>, not <target>"
                       : "<scratch> and names of exports are for pull backups");
    if (pull && part->format && part->format != STORAGE_FORMAT_QCOW2)
        return INVALID("disk '%s': the scratch file of a pull backup is of format qcow2", part->name);
    if (part->backupmode == DOMAIN_BACKUP_SCOPE_FULL && part->incremental)
        return INVALID("disk '%s': a full backup isn't one since the checkpoint '%s'", part->name, part->incremental);
    return image ? check_image(part, image) : 0;
}

int backup_check(const DomainBackupDef *def)
{
    if (check_server(def) < 0)
        return -1;
    if (def->has_disks && def->disks.n_disks == 0)
        return INVALID("<disks> must have a <disk>; without it all take part");
    for (guint i = 0; i < def->disks.n_disks; i++) {
        if (check_disk(def, def->disks.disks[i]) < 0)
            return -1;
    }
    return 0;
}

/* Which part of the disk: since a checkpoint, which must be there, or all. */
static int settle_scope(const DomainBackupDef *def, const Access *a, DomainBackupDisk *part)
{
    const char *since = def->incremental && *def->incremental ? def->incremental : NULL;
    if (!part->incremental && part->backupmode != DOMAIN_BACKUP_SCOPE_FULL)
        part->incremental = g_strdup(since);
    if (part->backupmode == DOMAIN_BACKUP_SCOPE_INCREMENTAL && !part->incremental)
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "disk '%s': an incremental backup must say since which checkpoint (incremental)",
                    part->name);
    part->backupmode = part->incremental ? DOMAIN_BACKUP_SCOPE_INCREMENTAL : DOMAIN_BACKUP_SCOPE_FULL;
    if (part->incremental && !moments_find(a->state->checkpoints, part->incremental))
        return FAIL(VIR_ERR_NO_DOMAIN_CHECKPOINT, "domain '%s' has no checkpoint '%s' since which disk '%s' could be backed up",
                    API_NAME(a), part->incremental, part->name);
    return 0;
}

static int settle_image(const DomainBackupDef *def, const DomainDisk *disk, DomainBackupDisk *part, const char *suffix)
{
    gboolean pull = def->mode == DOMAIN_BACKUP_MODE_PULL;
    DomainBackupImage **image = pull ? &part->scratch : &part->target;
    if (!part->type)
        part->type = DOMAIN_DISK_TYPE_FILE;
    if (!part->format)
        part->format = STORAGE_FORMAT_QCOW2;
    if (pull && !part->exportname)
        part->exportname = g_strdup(part->name);
    if (*image)
        return 0;
    if (part->type == DOMAIN_DISK_TYPE_BLOCK)
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "disk '%s': the device for the backup must be named", part->name);
    char *file = disk_invent_file(disk, suffix);
    if (!file)
        return -1;
    *image = xml_struct_new(&DOMAIN_BACKUP_IMAGE_DESC);
    (*image)->file = file;
    return 0;
}

static int settle_disk(const DomainBackupDef *def, const Access *a, const DomainDisk *disk, DomainBackupDisk *part,
                       const char *suffix)
{
    part->index = 0;
    if (part->backup == DOMAIN_BACKUP_PART_NO)
        return 0;
    if (disk_is_empty(disk))
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "disk '%s' has no medium that could be backed up", part->name);
    return settle_scope(def, a, part) < 0 ? -1 : settle_image(def, disk, part, suffix);
}

int backup_align(DomainBackupDef *def, const Access *a)
{
    const DomainDef *domain = shared_def_get(a->state->live);
    g_autofree char *suffix = def->incremental && *def->incremental ? g_strdup(def->incremental)
        : g_strdup_printf("%" G_GINT64_FORMAT, g_get_real_time() / G_USEC_PER_SEC);
    g_autoptr(GHashTable) named = g_hash_table_new(NULL, NULL);
    guint chosen = 0;
    for (guint i = 0; i < def->disks.n_disks; i++)
        g_hash_table_add(named, def->disks.disks[i]);
    if (disks_align(domain, &DOMAIN_BACKUP_DISK_DESC, (void ***) &def->disks.disks, &def->disks.n_disks) < 0)
        return -1;
    for (guint i = 0; i < def->disks.n_disks; i++) {
        DomainBackupDisk *part = def->disks.disks[i];
        const DomainDisk *disk = domain->devices.disks[i];
        gboolean wanted = def->has_disks ? g_hash_table_contains(named, part) : !disk_is_empty(disk);
        if (!part->backup)
            part->backup = wanted ? DOMAIN_BACKUP_PART_YES : DOMAIN_BACKUP_PART_NO;
        if (settle_disk(def, a, disk, part, suffix) < 0)
            return -1;
        chosen += part->backup == DOMAIN_BACKUP_PART_YES;
    }
    def->has_disks = true;
    return chosen ? 0 : FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "no disk of domain '%s' takes part in the backup", API_NAME(a));
}
