/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * list: two calls for any number of domains, one for the domains and one for all their states. Only --title and
 * --managed-save need a call per domain.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/virsh/virsh.h"

typedef struct {
    virDomainPtr domain;
    unsigned int id; /* (unsigned int)-1: not running */
    const char *name;
    char uuid[VIR_UUID_STRING_BUFLEN];
    int state, reason;
} ListItem;

static void item_clear(gpointer data)
{
    ListItem *item = data;

    virDomainFree(item->domain);
}

static unsigned int list_flags(const Cmd *cmd)
{
    static const VirshFlag filters[] = {
        {"all", VIR_CONNECT_LIST_DOMAINS_ACTIVE | VIR_CONNECT_LIST_DOMAINS_INACTIVE},
        {"persistent", VIR_CONNECT_LIST_DOMAINS_PERSISTENT},
        {"transient", VIR_CONNECT_LIST_DOMAINS_TRANSIENT},
        {"with-managed-save", VIR_CONNECT_LIST_DOMAINS_MANAGEDSAVE},
        {"without-managed-save", VIR_CONNECT_LIST_DOMAINS_NO_MANAGEDSAVE},
        {"autostart", VIR_CONNECT_LIST_DOMAINS_AUTOSTART},
        {"no-autostart", VIR_CONNECT_LIST_DOMAINS_NO_AUTOSTART},
        {"with-snapshot", VIR_CONNECT_LIST_DOMAINS_HAS_SNAPSHOT},
        {"without-snapshot", VIR_CONNECT_LIST_DOMAINS_NO_SNAPSHOT},
        {"with-checkpoint", VIR_CONNECT_LIST_DOMAINS_HAS_CHECKPOINT},
        {"without-checkpoint", VIR_CONNECT_LIST_DOMAINS_NO_CHECKPOINT},
        {NULL, 0},
    };
    static const VirshFlag states[] = {
        {"state-running", VIR_CONNECT_LIST_DOMAINS_RUNNING},
        {"state-paused", VIR_CONNECT_LIST_DOMAINS_PAUSED},
        {"state-shutoff", VIR_CONNECT_LIST_DOMAINS_SHUTOFF},
        {"state-other", VIR_CONNECT_LIST_DOMAINS_OTHER},
        {NULL, 0},
    };
    unsigned int flags = virsh_flags(cmd, filters), state = virsh_flags(cmd, states);

    if (cmd_has(cmd, "all"))
        return flags | state;
    if (cmd_has(cmd, "inactive"))
        return flags | state | VIR_CONNECT_LIST_DOMAINS_INACTIVE;
    return flags | state | (state ? 0 : VIR_CONNECT_LIST_DOMAINS_ACTIVE);
}

static void take_state(ListItem *item, virDomainStatsRecordPtr record)
{
    virTypedParamsGetInt(record->params, record->nparams, VIR_DOMAIN_STATS_STATE_STATE, &item->state);
    virTypedParamsGetInt(record->params, record->nparams, VIR_DOMAIN_STATS_STATE_REASON, &item->reason);
}

/* States by one call; false if the driver has no such call. */
static bool bulk_states(GArray *items, virDomainPtr *domains)
{
    g_autoptr(GHashTable) by_uuid = NULL;
    virDomainStatsRecordPtr *records = NULL;
    int count = virDomainListGetStats(domains, VIR_DOMAIN_STATS_STATE, &records, 0);

    if (count < 0) {
        client_error_forget();
        return false;
    }
    by_uuid = g_hash_table_new(g_str_hash, g_str_equal);
    for (guint i = 0; i < items->len; i++) {
        ListItem *item = &g_array_index(items, ListItem, i);
        g_hash_table_insert(by_uuid, item->uuid, item);
    }
    for (int i = 0; i < count; i++) {
        char uuid[VIR_UUID_STRING_BUFLEN];
        ListItem *item = NULL;

        if (virDomainGetUUIDString(records[i]->dom, uuid) == 0)
            item = g_hash_table_lookup(by_uuid, uuid);
        if (item)
            take_state(item, records[i]);
    }
    virDomainStatsRecordListFree(records);
    return true;
}

static void single_states(GArray *items)
{
    for (guint i = 0; i < items->len; i++) {
        ListItem *item = &g_array_index(items, ListItem, i);

        if (virDomainGetState(item->domain, &item->state, &item->reason, 0) < 0)
            client_error_forget(); /* it vanished meanwhile */
    }
}

static int compare_items(gconstpointer a, gconstpointer b)
{
    const ListItem *first = a, *second = b;
    bool first_off = first->id == (unsigned int)-1, second_off = second->id == (unsigned int)-1;

    if (first_off != second_off)
        return first_off - second_off;
    if (!first_off)
        return first->id < second->id ? -1 : first->id > second->id;
    return g_ascii_strcasecmp(first->name, second->name);
}

static GArray *collect(Shell *shell, const Cmd *cmd)
{
    virDomainPtr *domains = NULL;
    GArray *items;
    int count = virConnectListAllDomains(virsh_conn(shell), &domains, list_flags(cmd));

    if (count < 0) {
        shell_error(shell, "Failed to list domains");
        return NULL;
    }
    items = g_array_sized_new(FALSE, TRUE, sizeof(ListItem), count);
    g_array_set_clear_func(items, item_clear);
    for (int i = 0; i < count; i++) {
        ListItem item = {.domain = domains[i]};

        item.id = virDomainGetID(domains[i]);
        item.name = virDomainGetName(domains[i]);
        if (virDomainGetUUIDString(domains[i], item.uuid) < 0)
            item.uuid[0] = '\0';
        g_array_append_val(items, item);
    }
    if (count && !bulk_states(items, domains))
        single_states(items);
    g_array_sort(items, compare_items);
    client_error_forget();
    free(domains);
    return items;
}

static bool is_saved(const ListItem *item)
{
    bool saved = item->state == VIR_DOMAIN_SHUTOFF && virDomainHasManagedSaveImage(item->domain, 0) > 0;

    client_error_forget();
    return saved;
}

static char *item_title(const ListItem *item)
{
    char *title = virDomainGetMetadata(item->domain, VIR_DOMAIN_METADATA_TITLE, NULL, 0);

    client_error_forget(); /* no title is an error in the API */
    return title;
}

static bool print_json(Shell *shell, const Cmd *cmd, GArray *items)
{
    json_object *list = json_object_new_array();

    for (guint i = 0; i < items->len; i++) {
        const ListItem *item = &g_array_index(items, ListItem, i);
        json_object *one = json_object_new_object();

        if (item->id == (unsigned int)-1)
            shell_json_null(one, "id");
        else
            shell_json_uint(one, "id", item->id);
        shell_json_string(one, "name", item->name);
        shell_json_string(one, "uuid", item->uuid);
        shell_json_string(one, "state", virsh_domain_state(item->state));
        shell_json_string(one, "reason", virsh_domain_reason(item->state, item->reason));
        if (cmd_has(cmd, "managed-save"))
            shell_json_bool(one, "managed_save", is_saved(item));
        if (cmd_has(cmd, "title")) {
            g_autofree char *title = item_title(item);
            shell_json_string(one, "title", title);
        }
        json_object_array_add(list, one);
    }
    return shell_json_print(shell, list);
}

static void print_table(Shell *shell, const Cmd *cmd, GArray *items)
{
    bool title = cmd_has(cmd, "title");
    g_autoptr(ShellTable) table =
        title ? shell_table_new("Id", "Name", "State", "Title", NULL) : shell_table_new("Id", "Name", "State", NULL);

    for (guint i = 0; i < items->len; i++) {
        const ListItem *item = &g_array_index(items, ListItem, i);
        g_autofree char *id = item->id == (unsigned int)-1 ? g_strdup("-") : g_strdup_printf("%u", item->id);
        g_autofree char *text = title ? item_title(item) : NULL;
        bool saved = cmd_has(cmd, "managed-save") && is_saved(item);
        const char *cells[] = {id, item->name, saved ? "saved" : virsh_domain_state(item->state), text ? text : ""};

        shell_table_rowv(table, cells);
    }
    shell_table_print(shell, table);
}

static bool print_words(Shell *shell, const Cmd *cmd, GArray *items)
{
    for (guint i = 0; i < items->len; i++) {
        const ListItem *item = &g_array_index(items, ListItem, i);
        g_autoptr(GString) line = g_string_new(NULL);

        if (cmd_has(cmd, "id") && item->id == (unsigned int)-1 && (cmd_has(cmd, "uuid") || cmd_has(cmd, "name")))
            g_string_append(line, "- ");
        else if (cmd_has(cmd, "id") && item->id == (unsigned int)-1)
            continue; /* a domain without an ID has nothing to show */
        else if (cmd_has(cmd, "id"))
            g_string_append_printf(line, "%u ", item->id);
        if (cmd_has(cmd, "uuid"))
            g_string_append_printf(line, "%s ", item->uuid);
        if (cmd_has(cmd, "name"))
            g_string_append_printf(line, "%s ", item->name);
        g_string_truncate(line, line->len - 1);
        shell_print(shell, "%s\n", line->str);
    }
    return true;
}

/* There is a daemon, and it doesn't know who asks: polkit isn't there, or says no. */
static bool may_not_look(int code)
{
    return code == VIR_ERR_AUTH_UNAVAILABLE || code == VIR_ERR_AUTH_FAILED || code == VIR_ERR_AUTH_CANCELLED;
}

/* Somebody who sees an empty list at a terminal may have asked the wrong daemon. Only the system's is looked at, which
 * asking doesn't start. */
static void hint_elsewhere(Shell *shell)
{
    static const char system[] = "qemu:///system";
    g_autofree char *uri = virConnectGetURI(virsh_conn(shell));
    virConnectPtr other = NULL;
    bool refused = false;
    int count = 0;

    if (shell->quiet || !isatty(STDERR_FILENO) || !uri || !g_str_has_suffix(uri, "/session"))
        return;
    other = virConnectOpenReadOnly(system);
    if (other) {
        count = virConnectListAllDomains(other, NULL, 0);
        virConnectClose(other);
    } else {
        refused = may_not_look(client_error_code());
    }
    client_error_forget();
    if (count > 0)
        fprintf(stderr, "hint: nothing at %s, but %d domain%s at %s: virsh -c %s list --all\n", uri, count,
                count == 1 ? "" : "s", system, system);
    else if (refused)
        fprintf(stderr, "hint: nothing at %s; %s may have domains, but doesn't let you look: virsh -r -c %s list --all tells why\n",
                uri, system, system);
}

bool cmd_list(Shell *shell, const Cmd *cmd)
{
    g_autoptr(GArray) items = NULL;
    bool words = cmd_has(cmd, "uuid") || cmd_has(cmd, "name") || cmd_has(cmd, "id");

    if (!cmd_exclusive(shell, cmd, "table", "name") || !cmd_exclusive(shell, cmd, "table", "uuid") ||
        !cmd_exclusive(shell, cmd, "table", "id"))
        return false;
    items = collect(shell, cmd);
    if (!items)
        return false;
    if (shell_json(cmd))
        return print_json(shell, cmd, items);
    if (words)
        return print_words(shell, cmd, items);
    print_table(shell, cmd, items);
    if (!items->len)
        hint_elsewhere(shell);
    return true;
}
