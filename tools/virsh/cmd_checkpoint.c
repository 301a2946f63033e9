/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Checkpoints of domains, and backups. What snapshots have as well is in cmd_moment.c. */
#include <stdlib.h>
#include <string.h>

#include "tools/virsh/moment.h"

MOMENT_FUNCTIONS(Checkpoint)

static const MomentKind checkpoints = {
    "checkpoint", "domaincheckpoint", VIR_ERR_NO_DOMAIN_CHECKPOINT, VIR_DOMAIN_CHECKPOINT_LIST_DESCENDANTS,
    false, MOMENT_CALLS,
};

bool cmd_checkpoint_list(Shell *shell, const Cmd *cmd)
{
    g_autoptr(virDomain) domain = virsh_domain(shell, cmd);
    g_autoptr(virDomainCheckpoint) from = NULL;
    const char *name = NULL;

    if (!domain || cmd_string(shell, cmd, "from", &name) < 0)
        return false;
    if (cmd_has(cmd, "descendants") && !name)
        return shell_error(shell, "--descendants requires --from");
    if (name && !(from = virDomainCheckpointLookupByName(domain, name, 0)))
        return false;
    return moment_list(shell, cmd, &checkpoints, domain, from);
}

bool cmd_checkpoint_info(Shell *shell, const Cmd *cmd)
{
    g_autoptr(virDomainCheckpoint) checkpoint = virsh_checkpoint(shell, cmd);
    g_autoptr(VirshRecord) record = virsh_record_new();

    if (!checkpoint)
        return false;
    virsh_record_text(record, "Name", "name", virDomainCheckpointGetName(checkpoint));
    virsh_record_text(record, "Domain", "domain", virDomainGetName(virDomainCheckpointGetDomain(checkpoint)));
    return moment_family(&checkpoints, checkpoint, record) && virsh_record_print(shell, cmd, record, 15);
}

bool cmd_checkpoint_parent(Shell *shell, const Cmd *cmd)
{
    g_autoptr(virDomainCheckpoint) checkpoint = virsh_checkpoint(shell, cmd);

    return checkpoint && moment_print_parent(shell, cmd, &checkpoints, checkpoint);
}

bool cmd_checkpoint_delete(Shell *shell, const Cmd *cmd)
{
    g_autoptr(virDomainCheckpoint) checkpoint = virsh_checkpoint(shell, cmd);

    if (!checkpoint)
        return false;
    if (virDomainCheckpointDelete(checkpoint, cmd_flags(cmd)) < 0)
        return shell_error(shell, "Failed to delete checkpoint %s", virDomainCheckpointGetName(checkpoint));
    shell_print_extra(shell, cmd_has(cmd, "children-only") ? "Domain checkpoint %s children deleted\n"
                                                           : "Domain checkpoint %s deleted\n",
                      virDomainCheckpointGetName(checkpoint));
    return true;
}

bool cmd_checkpoint_create(Shell *shell, const Cmd *cmd)
{
    g_autoptr(virDomain) domain = NULL;
    g_autofree char *xml = NULL;

    if (cmd_has(cmd, "redefine-validate") && !cmd_has(cmd, "redefine"))
        return shell_error(shell, "Option --redefine is required by option --redefine-validate");
    domain = virsh_domain(shell, cmd);
    xml = domain ? moment_file(shell, cmd, &checkpoints) : NULL;
    return xml && moment_create(shell, cmd, &checkpoints, domain, xml, cmd_get(cmd, "xmlfile"));
}

/* DISK[,checkpoint=TYPE][,bitmap=NAME] */
static bool disk_xml(Shell *shell, GString *xml, const char *text)
{
    static const char *const keys[] = {"checkpoint", "bitmap"};
    const char *values[G_N_ELEMENTS(keys)] = {NULL};
    g_auto(GStrv) words = moment_spec(text);
    g_autofree char *head = g_markup_printf_escaped("    <disk name='%s'", words[0]);

    if (!moment_disk_values(shell, words, keys, values, G_N_ELEMENTS(keys), text))
        return false;
    g_string_append(xml, head);
    for (size_t i = 0; i < G_N_ELEMENTS(keys); i++) {
        g_autofree char *attribute = values[i] ? g_markup_printf_escaped(" %s='%s'", keys[i], values[i]) : NULL;
        g_string_append(xml, attribute ? attribute : "");
    }
    g_string_append(xml, "/>\n");
    return true;
}

bool cmd_checkpoint_create_as(Shell *shell, const Cmd *cmd)
{
    g_autoptr(virDomain) domain = virsh_domain(shell, cmd);
    g_autoptr(GString) xml = g_string_new(NULL);

    if (!domain || !moment_begin_xml(shell, cmd, &checkpoints, xml))
        return false;
    return moment_create_as(shell, cmd, &checkpoints, domain, xml, disk_xml);
}

/* --- edit --- */

static char *edit_get(Shell *shell, void *data)
{
    return virDomainCheckpointGetXMLDesc(data, VIR_DOMAIN_CHECKPOINT_XML_SECURE);
}

static bool edit_set(Shell *shell, void *data, const char *xml)
{
    const char *old = virDomainCheckpointGetName(data);
    g_autoptr(xmlDoc) doc = virsh_parse_xml(shell, xml);
    g_autofree char *name = doc ? virsh_xpath_string(doc, NULL, "string(/domaincheckpoint/name)") : NULL;
    g_autoptr(virDomainCheckpoint) made = NULL;

    if (!doc)
        return false;
    if (!g_str_equal(name, old))
        return shell_error(shell, "cannot rename checkpoint %s to %s", old, name);
    made = virDomainCheckpointCreateXML(virDomainCheckpointGetDomain(data), xml, VIR_DOMAIN_CHECKPOINT_CREATE_REDEFINE);
    return made != NULL;
}

bool cmd_checkpoint_edit(Shell *shell, const Cmd *cmd)
{
    g_autoptr(virDomainCheckpoint) checkpoint = virsh_checkpoint(shell, cmd);
    g_autofree char *what = NULL;
    VirshEdit edit = {NULL, edit_get, edit_set, NULL, checkpoint};

    if (!checkpoint)
        return false;
    edit.what = what = g_strdup_printf("Checkpoint %s XML configuration", virDomainCheckpointGetName(checkpoint));
    return virsh_edit(shell, &edit);
}

/* --- backup --- */

bool cmd_backup_begin(Shell *shell, const Cmd *cmd)
{
    g_autoptr(virDomain) domain = virsh_domain(shell, cmd);
    g_autofree char *backup = NULL, *checkpoint = NULL;

    if (!domain)
        return false;
    backup = cmd_has(cmd, "backupxml") ? virsh_read_option(shell, cmd, "backupxml") : g_strdup("<domainbackup/>");
    if (!backup || (cmd_has(cmd, "checkpointxml") && !(checkpoint = virsh_read_option(shell, cmd, "checkpointxml"))))
        return false;
    if (virDomainBackupBegin(domain, backup, checkpoint, cmd_flags(cmd)) < 0)
        return false;
    shell_print_extra(shell, "Backup started\n");
    return true;
}
