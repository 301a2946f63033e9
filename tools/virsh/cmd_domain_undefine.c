/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * undefine, with the state that hangs on a definition: managed save image, metadata of snapshots and checkpoints,
 * firmware variables, TPM state, and the volumes of its disks. The volumes are found before the domain is undefined,
 * and deleted after it.
 */
#include <stdlib.h>
#include <string.h>

#include "tools/virsh/virsh.h"

static void volumes_free(gpointer data)
{
    virStorageVolFree(data);
}

/* Adds the volume of a disk; false after an error printed. A disk that is no volume of a pool can't be deleted. */
static bool add_volume(Shell *shell, GPtrArray *volumes, xmlDocPtr doc, xmlNodePtr disk, bool asked)
{
    g_autofree char *target = virsh_xpath_string(doc, disk, "string(target/@dev)");
    g_autofree char *pool_name = virsh_xpath_string(doc, disk, "source/@pool");
    g_autofree char *volume_name = virsh_xpath_string(doc, disk, "source/@volume");
    g_autofree char *path = virsh_xpath_string(doc, disk, "source/@file | source/@dev");
    g_autoptr(virStoragePool) pool = NULL;
    virStorageVolPtr volume = NULL;

    if (pool_name && volume_name) {
        pool = virStoragePoolLookupByName(virsh_conn(shell), pool_name);
        volume = pool ? virStorageVolLookupByName(pool, volume_name) : NULL;
    } else if (path) {
        volume = virStorageVolLookupByPath(virsh_conn(shell), path);
    } else {
        return asked ? shell_error(shell, "Disk '%s' has no source that could be deleted", target) : true;
    }
    if (!volume) {
        client_error_forget();
        shell_print(shell, "Storage volume '%s'(%s) is not managed by libvirt. Remove it manually.\n", target,
                    path ? path : volume_name);
        return true;
    }
    g_ptr_array_add(volumes, volume);
    return true;
}

/* Takes the disk out of the list of those asked for, by target or source. */
static bool take_asked(GPtrArray *asked, xmlDocPtr doc, xmlNodePtr disk)
{
    g_autofree char *target = virsh_xpath_string(doc, disk, "string(target/@dev)");
    g_autofree char *path = virsh_xpath_string(doc, disk, "string(source/@file | source/@dev)");

    for (guint i = 0; i < asked->len; i++) {
        if (g_str_equal(asked->pdata[i], target) || g_str_equal(asked->pdata[i], path)) {
            g_ptr_array_remove_index(asked, i);
            return true;
        }
    }
    return false;
}

static GPtrArray *find_volumes(Shell *shell, const Cmd *cmd, virDomainPtr domain)
{
    g_autoptr(GPtrArray) volumes = g_ptr_array_new_with_free_func(volumes_free);
    g_autoptr(GPtrArray) asked = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GPtrArray) disks = NULL;
    g_autofree char *xml = NULL;
    g_autoptr(xmlDoc) doc = NULL;
    bool all = cmd_has(cmd, "remove-all-storage");
    const char *text = NULL;

    if (cmd_string(shell, cmd, "storage", &text) < 0)
        return NULL;
    if (!text && !all)
        return g_steal_pointer(&volumes);
    if (virDomainIsActive(domain) == 1) {
        shell_error(shell, "Storage volume deletion is supported only on stopped domains");
        return NULL;
    }
    if (text) {
        g_auto(GStrv) words = virsh_list(text);
        for (char **word = words; *word; word++)
            g_ptr_array_add(asked, g_strdup(*word));
    }
    xml = virDomainGetXMLDesc(domain, VIR_DOMAIN_XML_INACTIVE);
    doc = xml ? virsh_parse_xml(shell, xml) : NULL;
    disks = doc ? virsh_xpath_nodes(doc, NULL, "/domain/devices/disk") : NULL;
    for (guint i = 0; disks && i < disks->len; i++) {
        bool wanted = take_asked(asked, doc, disks->pdata[i]);
        if ((wanted || all) && !add_volume(shell, volumes, doc, disks->pdata[i], wanted))
            return NULL;
    }
    if (asked->len) {
        shell_error(shell, "Volume '%s' was not found in domain's definition.", (char *)asked->pdata[0]);
        return NULL;
    }
    return disks ? g_steal_pointer(&volumes) : NULL;
}

static bool delete_volumes(Shell *shell, const Cmd *cmd, GPtrArray *volumes)
{
    unsigned int flags = cmd_has(cmd, "delete-storage-volume-snapshots") ? VIR_STORAGE_VOL_DELETE_WITH_SNAPSHOTS : 0;
    bool done = true;

    for (guint i = 0; i < volumes->len; i++) {
        virStorageVolPtr volume = volumes->pdata[i];
        g_autofree char *path = virStorageVolGetPath(volume);

        if (cmd_has(cmd, "wipe-storage")) {
            shell_print_extra(shell, "Wiping volume '%s'... ", path);
            fflush(stdout);
            if (virStorageVolWipe(volume, 0) < 0) {
                done = shell_error(shell, "Failed! Volume not removed.");
                continue;
            }
            shell_print_extra(shell, "Done.\n");
        }
        if (virStorageVolDelete(volume, flags) < 0)
            done = shell_error(shell, "Failed to remove storage volume '%s': %s", path, client_error_text());
        else
            shell_print_extra(shell, "Volume '%s' removed.\n", path);
    }
    return done;
}

/* Why it was refused, and which options would help. */
static bool refuse(Shell *shell, virDomainPtr domain)
{
    g_autofree char *why = g_strdup(client_error_text());

    shell_error(shell, "Failed to undefine domain '%s'", virDomainGetName(domain));
    shell_error(shell, "%s", why);
    if (virDomainHasManagedSaveImage(domain, 0) > 0)
        shell_error(shell, "it has a managed save image: add --managed-save to remove it");
    if (virDomainSnapshotNum(domain, VIR_DOMAIN_SNAPSHOT_LIST_METADATA) > 0)
        shell_error(shell, "it has snapshots: add --snapshots-metadata to forget them");
    if (virDomainListAllCheckpoints(domain, NULL, 0) > 0)
        shell_error(shell, "it has checkpoints: add --checkpoints-metadata to forget them");
    client_error_forget();
    return false;
}

bool cmd_undefine(Shell *shell, const Cmd *cmd)
{
    static const VirshFlag table[] = {
        {"managed-save", VIR_DOMAIN_UNDEFINE_MANAGED_SAVE},
        {"snapshots-metadata", VIR_DOMAIN_UNDEFINE_SNAPSHOTS_METADATA},
        {"checkpoints-metadata", VIR_DOMAIN_UNDEFINE_CHECKPOINTS_METADATA},
        {"nvram", VIR_DOMAIN_UNDEFINE_NVRAM},
        {"keep-nvram", VIR_DOMAIN_UNDEFINE_KEEP_NVRAM},
        {"tpm", VIR_DOMAIN_UNDEFINE_TPM},
        {"keep-tpm", VIR_DOMAIN_UNDEFINE_KEEP_TPM},
        {NULL, 0},
    };
    unsigned int flags = virsh_flags(cmd, table);
    g_autoptr(virDomain) domain = NULL;
    g_autoptr(GPtrArray) volumes = NULL;

    if (!cmd_exclusive(shell, cmd, "nvram", "keep-nvram") || !cmd_exclusive(shell, cmd, "tpm", "keep-tpm") ||
        !cmd_exclusive(shell, cmd, "storage", "remove-all-storage"))
        return false;
    domain = virsh_domain(shell, cmd);
    volumes = domain ? find_volumes(shell, cmd, domain) : NULL;
    if (!volumes)
        return false;
    if ((flags ? virDomainUndefineFlags(domain, flags) : virDomainUndefine(domain)) < 0)
        return refuse(shell, domain);
    shell_print_extra(shell, "Domain '%s' has been undefined\n", virDomainGetName(domain));
    return delete_volumes(shell, cmd, volumes);
}
