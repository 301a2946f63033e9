/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Domains: their network addresses, by those who know them. */
#include <stdlib.h>

#include "tools/virsh/virsh.h"

static const VirshName sources[] = {
    {VIR_DOMAIN_INTERFACE_ADDRESSES_SRC_LEASE, "lease"},
    {VIR_DOMAIN_INTERFACE_ADDRESSES_SRC_AGENT, "agent"},
    {VIR_DOMAIN_INTERFACE_ADDRESSES_SRC_ARP, "arp"},
    {0, NULL},
};

/* --- one source --- */

static void address_rows(Shell *shell, const Cmd *cmd, virDomainInterfacePtr interface, json_object *list)
{
    const char *mac = interface->hwaddr && *interface->hwaddr ? interface->hwaddr : "N/A";

    if (!interface->naddrs && !shell_json(cmd))
        shell_print(shell, " %-10s %-17s    %-12s %s\n", interface->name, mac, "N/A", "N/A");
    for (unsigned int i = 0; i < interface->naddrs; i++) {
        const char *kind = interface->addrs[i].type == VIR_IP_ADDR_TYPE_IPV6 ? "ipv6" : "ipv4";
        bool shown = i == 0 || cmd_has(cmd, "full");
        json_object *one;

        if (!shell_json(cmd)) {
            shell_print(shell, " %-10s %-17s    %-12s %s/%u\n", shown ? interface->name : "-", shown ? mac : "-", kind,
                        interface->addrs[i].addr, interface->addrs[i].prefix);
            continue;
        }
        one = json_object_new_object();
        shell_json_string(one, "interface", interface->name);
        shell_json_string(one, "mac", interface->hwaddr);
        shell_json_string(one, "family", kind);
        shell_json_string(one, "address", interface->addrs[i].addr);
        shell_json_uint(one, "prefix", interface->addrs[i].prefix);
        json_object_array_add(list, one);
    }
}

static bool addresses_of(Shell *shell, const Cmd *cmd, virDomainPtr domain, const char *name, int source)
{
    virDomainInterfacePtr *interfaces = NULL;
    int count = virDomainInterfaceAddresses(domain, &interfaces, source, 0);
    json_object *list;

    if (count < 0)
        return shell_error(shell, "Failed to query for interfaces addresses");
    if (!shell_json(cmd)) {
        g_autofree char *dashes = g_strnfill(79, '-');
        shell_print_extra(shell, " %-10s %-20s %-8s     %s\n%s\n", "Name", "MAC address", "Protocol", "Address",
                          dashes);
    }
    list = json_object_new_array();
    for (int i = 0; i < count; i++) {
        if (!name || g_str_equal(name, interfaces[i]->name))
            address_rows(shell, cmd, interfaces[i], list);
        virDomainInterfaceFree(interfaces[i]);
    }
    free(interfaces);
    if (shell_json(cmd))
        return shell_json_print(shell, list);
    json_object_put(list);
    return true;
}

/* --- all sources --- */

/* An address and who knows it. They name interfaces each in their own way, so the MAC address tells them apart. */
typedef struct {
    char *name, *mac, *address;
    bool ipv6;
    unsigned int prefix;
    GString *sources;
} Known;

static void known_clear(gpointer data)
{
    Known *known = data;

    g_free(known->name);
    g_free(known->mac);
    g_free(known->address);
    g_string_free(known->sources, TRUE);
}

static void merge_address(GArray *all, const virDomainInterface *interface, const virDomainIPAddress *address,
                          const char *source)
{
    const char *mac = interface->hwaddr ? interface->hwaddr : "";
    Known made;

    for (guint i = 0; i < all->len; i++) {
        Known *known = &g_array_index(all, Known, i);

        if (g_ascii_strcasecmp(known->mac, mac) == 0 && g_str_equal(known->address, address->addr)) {
            g_string_append_printf(known->sources, ",%s", source);
            return;
        }
    }
    made = (Known){g_strdup(interface->name), g_strdup(mac), g_strdup(address->addr),
                   address->type == VIR_IP_ADDR_TYPE_IPV6, address->prefix, g_string_new(source)};
    g_array_append_val(all, made);
}

/* What one source knows; false, with its error pending, if it can't be asked. */
static bool merge_source(GArray *all, virDomainPtr domain, const char *name, const VirshName *source)
{
    virDomainInterfacePtr *interfaces = NULL;
    int count = virDomainInterfaceAddresses(domain, &interfaces, source->value, 0);

    for (int i = 0; i < count; i++) {
        for (unsigned int k = 0; k < interfaces[i]->naddrs; k++) {
            if (!name || g_str_equal(name, interfaces[i]->name))
                merge_address(all, interfaces[i], &interfaces[i]->addrs[k], source->name);
        }
        virDomainInterfaceFree(interfaces[i]);
    }
    free(interfaces);
    return count >= 0;
}

static bool addresses_of_all(Shell *shell, const Cmd *cmd, virDomainPtr domain, const char *name)
{
    g_autoptr(GArray) all = g_array_new(FALSE, FALSE, sizeof(Known));
    g_autoptr(VirshRows) rows = virsh_rows_new("Name", "MAC address", "Protocol", "Address", "Source", NULL);
    bool any = false;

    g_array_set_clear_func(all, known_clear);
    for (const VirshName *source = sources; source->name; source++) {
        if (merge_source(all, domain, name, source))
            any = true;
    }
    if (!any) /* the last one's error is as good as the others' */
        return shell_error(shell, "Failed to query for interfaces addresses");
    client_error_forget();
    for (guint i = 0; i < all->len; i++) {
        const Known *known = &g_array_index(all, Known, i);
        VirshRecord *record = virsh_rows_add(rows);

        virsh_record_text(record, "Name", "interface", known->name);
        virsh_record_text(record, "MAC address", "mac", *known->mac ? known->mac : NULL);
        virsh_record_text(record, "Protocol", "family", known->ipv6 ? "ipv6" : "ipv4");
        virsh_record_both(record, "Address", g_strdup_printf("%s/%u", known->address, known->prefix), "address",
                          json_object_new_string(known->address));
        virsh_record_uint(record, NULL, "prefix", known->prefix);
        virsh_record_text(record, "Source", "source", known->sources->str);
    }
    return virsh_rows_print(shell, cmd, rows);
}

bool cmd_domifaddr(Shell *shell, const Cmd *cmd)
{
    g_autoptr(virDomain) domain = virsh_domain(shell, cmd);
    const char *name = NULL, *source = NULL;
    int value = VIR_DOMAIN_INTERFACE_ADDRESSES_SRC_LEASE;

    if (!domain || cmd_string(shell, cmd, "interface", &name) < 0 || cmd_string(shell, cmd, "source", &source) < 0)
        return false;
    if (g_strcmp0(source, "all") == 0)
        return addresses_of_all(shell, cmd, domain, name);
    if (source && !virsh_value(sources, source, &value))
        return shell_error(shell, "Unknown data source '%s'", source);
    return addresses_of(shell, cmd, domain, name, value);
}
