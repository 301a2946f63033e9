/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Snapshots, as far as one call does it: XML, parent, revert, delete, create from a file. */
#include <stdlib.h>

#include "tools/virsh/virsh.h"

/* The snapshot that --snapshotname or --current names. */
static virDomainSnapshotPtr chosen(Shell *shell, const Cmd *cmd, virDomainPtr domain)
{
    const char *name = NULL;

    if (cmd_string(shell, cmd, "snapshotname", &name) < 0 || !cmd_exclusive(shell, cmd, "snapshotname", "current"))
        return NULL;
    if (name)
        return virsh_snapshot(shell, domain, name);
    if (cmd_may_have(cmd, "current"))
        return virDomainSnapshotCurrent(domain, 0);
    shell_error(shell, "--snapshotname or --current is required");
    return NULL;
}

bool cmd_snapshot_dumpxml(Shell *shell, const Cmd *cmd)
{
    g_autoptr(virDomain) domain = virsh_domain(shell, cmd);
    g_autoptr(virDomainSnapshot) snapshot = domain ? chosen(shell, cmd, domain) : NULL;
    unsigned int flags = cmd_has(cmd, "security-info") ? VIR_DOMAIN_SNAPSHOT_XML_SECURE : 0;

    return snapshot && virsh_print_xml(shell, cmd, virDomainSnapshotGetXMLDesc(snapshot, flags));
}

bool cmd_snapshot_parent(Shell *shell, const Cmd *cmd)
{
    g_autoptr(virDomain) domain = virsh_domain(shell, cmd);
    g_autoptr(virDomainSnapshot) snapshot = domain ? chosen(shell, cmd, domain) : NULL;
    g_autoptr(virDomainSnapshot) parent = snapshot ? virDomainSnapshotGetParent(snapshot, 0) : NULL;

    if (parent) {
        shell_print(shell, "%s\n", virDomainSnapshotGetName(parent));
        return true;
    }
    if (snapshot && client_error_code() == VIR_ERR_NO_DOMAIN_SNAPSHOT) {
        client_error_forget();
        shell_error(shell, "snapshot '%s' has no parent", virDomainSnapshotGetName(snapshot));
    }
    return false;
}

bool cmd_snapshot_revert(Shell *shell, const Cmd *cmd)
{
    static const VirshFlag table[] = {
        {"running", VIR_DOMAIN_SNAPSHOT_REVERT_RUNNING},
        {"paused", VIR_DOMAIN_SNAPSHOT_REVERT_PAUSED},
        {"force", VIR_DOMAIN_SNAPSHOT_REVERT_FORCE},
        {"reset-nvram", VIR_DOMAIN_SNAPSHOT_REVERT_RESET_NVRAM},
        {NULL, 0},
    };
    g_autoptr(virDomain) domain = virsh_domain(shell, cmd);
    g_autoptr(virDomainSnapshot) snapshot = domain ? chosen(shell, cmd, domain) : NULL;

    if (!snapshot || virDomainRevertToSnapshot(snapshot, virsh_flags(cmd, table)) < 0)
        return false;
    shell_print_extra(shell, "Domain snapshot %s reverted\n", virDomainSnapshotGetName(snapshot));
    return true;
}

bool cmd_snapshot_delete(Shell *shell, const Cmd *cmd)
{
    static const VirshFlag table[] = {
        {"children", VIR_DOMAIN_SNAPSHOT_DELETE_CHILDREN},
        {"children-only", VIR_DOMAIN_SNAPSHOT_DELETE_CHILDREN_ONLY},
        {"metadata", VIR_DOMAIN_SNAPSHOT_DELETE_METADATA_ONLY},
        {NULL, 0},
    };
    g_autoptr(virDomain) domain = virsh_domain(shell, cmd);
    g_autoptr(virDomainSnapshot) snapshot = domain ? chosen(shell, cmd, domain) : NULL;

    if (!snapshot)
        return false;
    if (virDomainSnapshotDelete(snapshot, virsh_flags(cmd, table)) < 0)
        return shell_error(shell, "Failed to delete snapshot %s", virDomainSnapshotGetName(snapshot));
    shell_print_extra(shell, cmd_has(cmd, "children-only") ? "Domain snapshot %s children deleted\n"
                                                           : "Domain snapshot %s deleted\n",
                      virDomainSnapshotGetName(snapshot));
    return true;
}
