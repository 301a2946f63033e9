/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Network filters and their bindings: lists. */
#include <stdlib.h>

#include "tools/virsh/virsh.h"

static int compare_filters(const void *a, const void *b)
{
    return g_ascii_strcasecmp(virNWFilterGetName(*(virNWFilterPtr *)a), virNWFilterGetName(*(virNWFilterPtr *)b));
}

bool cmd_nwfilter_list(Shell *shell, const Cmd *cmd)
{
    g_autoptr(VirshRows) rows = virsh_rows_new("UUID", "Name", NULL);
    virNWFilterPtr *filters = NULL;
    int count = virConnectListAllNWFilters(virsh_conn(shell), &filters, 0);

    if (count < 0)
        return shell_error(shell, "Failed to list network filters");
    qsort(filters, count, sizeof(*filters), compare_filters);
    for (int i = 0; i < count; i++) {
        VirshRecord *record = virsh_rows_add(rows);

        virsh_record_text(record, "UUID", "uuid", virsh_nwfilter_uuid(filters[i]));
        virsh_record_text(record, "Name", "name", virNWFilterGetName(filters[i]));
        virNWFilterFree(filters[i]);
    }
    free(filters);
    return virsh_rows_print(shell, cmd, rows);
}

static int compare_bindings(const void *a, const void *b)
{
    return g_ascii_strcasecmp(virNWFilterBindingGetPortDev(*(virNWFilterBindingPtr *)a),
                              virNWFilterBindingGetPortDev(*(virNWFilterBindingPtr *)b));
}

bool cmd_nwfilter_binding_list(Shell *shell, const Cmd *cmd)
{
    g_autoptr(VirshRows) rows = virsh_rows_new("Port Dev", "Filter", NULL);
    virNWFilterBindingPtr *bindings = NULL;
    int count = virConnectListAllNWFilterBindings(virsh_conn(shell), &bindings, 0);

    if (count < 0)
        return shell_error(shell, "Failed to list network filter bindings");
    qsort(bindings, count, sizeof(*bindings), compare_bindings);
    for (int i = 0; i < count; i++) {
        VirshRecord *record = virsh_rows_add(rows);

        virsh_record_text(record, "Port Dev", "port_dev", virNWFilterBindingGetPortDev(bindings[i]));
        virsh_record_text(record, "Filter", "filter", virNWFilterBindingGetFilterName(bindings[i]));
        virNWFilterBindingFree(bindings[i]);
    }
    free(bindings);
    return virsh_rows_print(shell, cmd, rows);
}
