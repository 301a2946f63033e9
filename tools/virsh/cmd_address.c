/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Domains: their network addresses, by those who know them. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/virsh/virsh.h"

static const VirshName sources[] = {
    {VIR_DOMAIN_INTERFACE_ADDRESSES_SRC_LEASE, "lease"},
    {VIR_DOMAIN_INTERFACE_ADDRESSES_SRC_AGENT, "agent"},
    {VIR_DOMAIN_INTERFACE_ADDRESSES_SRC_ARP, "arp"},
    {0, NULL},
};

/* --- one source --- */

static void print_heading(Shell *shell)
{
    g_autofree char *dashes = g_strnfill(79, '-');

    shell_print_extra(shell, " %-10s %-20s %-8s     %s\n%s\n", "Name", "MAC address", "Protocol", "Address", dashes);
}

static const char *family(bool ipv6)
{
    return ipv6 ? "ipv6" : "ipv4";
}

static json_object *address_json(const char *name, const char *mac, bool ipv6, const char *address, unsigned int prefix)
{
    json_object *one = json_object_new_object();

    shell_json_string(one, "interface", name);
    shell_json_string(one, "mac", mac);
    shell_json_string(one, "family", family(ipv6));
    shell_json_string(one, "address", address);
    shell_json_uint(one, "prefix", prefix);
    return one;
}

static void address_rows(Shell *shell, const Cmd *cmd, virDomainInterfacePtr interface, json_object *list)
{
    const char *mac = interface->hwaddr && *interface->hwaddr ? interface->hwaddr : "N/A";

    if (!interface->naddrs && !shell_json(cmd))
        shell_print(shell, " %-10s %-17s    %-12s %s\n", interface->name, mac, "N/A", "N/A");
    for (unsigned int i = 0; i < interface->naddrs; i++) {
        const virDomainIPAddress *address = &interface->addrs[i];
        bool ipv6 = address->type == VIR_IP_ADDR_TYPE_IPV6, shown = i == 0 || cmd_has(cmd, "full");

        if (shell_json(cmd))
            json_object_array_add(list, address_json(interface->name, interface->hwaddr, ipv6, address->addr, address->prefix));
        else
            shell_print(shell, " %-10s %-17s    %-12s %s/%u\n", shown ? interface->name : "-", shown ? mac : "-", family(ipv6),
                        address->addr, address->prefix);
    }
}

static bool addresses_of(Shell *shell, const Cmd *cmd, virDomainPtr domain, const char *name, int source)
{
    virDomainInterfacePtr *interfaces = NULL;
    int count = virDomainInterfaceAddresses(domain, &interfaces, source, 0);
    json_object *list;

    if (count < 0)
        return shell_error(shell, "Failed to query for interfaces addresses");
    if (!shell_json(cmd))
        print_heading(shell);
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
static bool merge_source(GArray *all, virDomainPtr domain, const VirshName *source)
{
    virDomainInterfacePtr *interfaces = NULL;
    int count = virDomainInterfaceAddresses(domain, &interfaces, source->value, 0);

    for (int i = 0; i < count; i++) {
        for (unsigned int k = 0; k < interfaces[i]->naddrs; k++)
            merge_address(all, interfaces[i], &interfaces[i]->addrs[k], source->name);
        virDomainInterfaceFree(interfaces[i]);
    }
    free(interfaces);
    return count >= 0;
}

static GArray *known_new(void)
{
    GArray *all = g_array_new(FALSE, FALSE, sizeof(Known));

    g_array_set_clear_func(all, known_clear);
    return all;
}

static bool addresses_of_all(Shell *shell, const Cmd *cmd, virDomainPtr domain, const char *name)
{
    g_autoptr(GArray) all = known_new();
    g_autoptr(VirshRows) rows = virsh_rows_new("Name", "MAC address", "Protocol", "Address", "Source", NULL);
    bool any = false;

    for (const VirshName *source = sources; source->name; source++) {
        if (merge_source(all, domain, source))
            any = true;
    }
    if (!any) /* the last one's error is as good as the others' */
        return shell_error(shell, "Failed to query for interfaces addresses");
    client_error_forget();
    for (guint i = 0; i < all->len; i++) {
        const Known *known = &g_array_index(all, Known, i);
        VirshRecord *record;

        if (name && !g_str_equal(name, known->name))
            continue;
        record = virsh_rows_add(rows);
        virsh_record_text(record, "Name", "interface", known->name);
        virsh_record_text(record, "MAC address", "mac", *known->mac ? known->mac : NULL);
        virsh_record_text(record, "Protocol", "family", family(known->ipv6));
        virsh_record_both(record, "Address", g_strdup_printf("%s/%u", known->address, known->prefix), "address",
                          json_object_new_string(known->address));
        virsh_record_uint(record, NULL, "prefix", known->prefix);
        virsh_record_text(record, "Source", "source", known->sources->str);
    }
    return virsh_rows_print(shell, cmd, rows);
}

/* --- the guest's address, whoever knows it --- */

/* Names of the domain's interfaces on the host by their MAC addresses, in small letters. */
static GHashTable *own_interfaces(xmlDocPtr doc)
{
    GHashTable *own = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    g_autoptr(GPtrArray) nodes = virsh_xpath_nodes(doc, NULL, "/domain/devices/interface");

    for (guint i = 0; nodes && i < nodes->len; i++) {
        g_autofree char *mac = virsh_xpath_string(doc, nodes->pdata[i], "string(mac/@address)");

        g_hash_table_insert(own, g_ascii_strdown(mac, -1), virsh_xpath_string(doc, nodes->pdata[i], "string(target/@dev)"));
    }
    return own;
}

/* Whether somebody else can reach the guest by an address. */
static bool leads_anywhere(const char *address)
{
    return !g_str_has_prefix(address, "127.") && !g_str_equal(address, "::1") && g_ascii_strncasecmp(address, "fe80:", 5) != 0;
}

/* Leave what is on the guest's own interfaces (bridges and tunnels inside it have addresses, too), by their names on the host. */
static void keep_own(GArray *all, GHashTable *own, const char *wanted)
{
    for (guint i = all->len; i-- > 0;) {
        Known *known = &g_array_index(all, Known, i);
        g_autofree char *mac = g_ascii_strdown(known->mac, -1);
        const char *name = g_hash_table_lookup(own, mac);
        bool ours = g_hash_table_size(own) == 0 || g_hash_table_contains(own, mac);

        if (name && *name) {
            g_free(known->name);
            known->name = g_strdup(name);
        }
        if (!ours || !leads_anywhere(known->address) ||
            (wanted && !g_str_equal(wanted, known->name) && g_ascii_strcasecmp(wanted, mac) != 0))
            g_array_remove_index(all, i);
    }
}

/* NULL, with the error pending, if the domain can't be asked. */
static GArray *known_of(virDomainPtr domain, xmlDocPtr doc, const char *wanted)
{
    static const char agent[] = "string(/domain/devices/channel/target[@name='org.qemu.guest_agent.0']/@state)";
    g_autoptr(GHashTable) own = own_interfaces(doc);
    g_autoptr(GArray) all = known_new();
    g_autofree char *state = NULL;

    if (!merge_source(all, domain, &sources[0])) /* by leases every driver that knows addresses can tell some */
        return NULL;
    state = virsh_xpath_string(doc, NULL, agent);
    for (const VirshName *source = &sources[1]; source->name; source++) {
        if (source->value == VIR_DOMAIN_INTERFACE_ADDRESSES_SRC_AGENT && g_str_equal(state, "disconnected"))
            continue; /* it would be waited for */
        merge_source(all, domain, source);
        client_error_forget();
    }
    keep_own(all, own, wanted);
    return g_steal_pointer(&all);
}

int virsh_has_address(Shell *shell, virDomainPtr domain, const char *wanted)
{
    g_autoptr(xmlDoc) doc = virsh_domain_doc(shell, domain, 0);
    g_autoptr(GArray) all = doc ? known_of(domain, doc, wanted) : NULL;

    return all ? all->len > 0 : -1;
}

static int by_interface(const void *a, const void *b)
{
    return strcmp(((const Known *)a)->mac, ((const Known *)b)->mac);
}

/* Ports of the host that lead to a guest which nobody reaches otherwise: for people. */
static void print_forwards(Shell *shell, xmlDocPtr doc, const char *wanted)
{
    static const char *const words[] = { "string(../../mac/@address)", "string(../@proto)", "string(../@address)", "string(@start)", "string(@end)",
                                         "string(@to)", "string(@exclude)" };
    g_autoptr(GPtrArray) ranges = virsh_xpath_nodes(doc, NULL, "/domain/devices/interface[@type='user']/portForward/range");

    for (guint i = 0; ranges && i < ranges->len; i++) {
        g_autoptr(GPtrArray) said = g_ptr_array_new_with_free_func(g_free);
        const char *const *is;

        for (guint k = 0; k < G_N_ELEMENTS(words); k++)
            g_ptr_array_add(said, virsh_xpath_string(doc, ranges->pdata[i], words[k]));
        is = (const char *const *)said->pdata;
        if (!g_str_equal(is[6], "yes") && (!wanted || g_ascii_strcasecmp(wanted, is[0]) == 0))
            shell_print(shell, " %-10s %-17s    %-12s port %s%s%s%s%s of the host leads to %s\n", "-", is[0], is[1], is[3], *is[4] ? "-" : "", is[4],
                        *is[2] ? " at " : "", is[2], *is[5] ? is[5] : is[3]);
    }
}

/* As that of one source; people at a terminal see who knows it. */
static bool merged_addresses(Shell *shell, const Cmd *cmd, virDomainPtr domain, const char *wanted)
{
    g_autoptr(xmlDoc) doc = virsh_domain_doc(shell, domain, 0);
    g_autoptr(GArray) all = doc ? known_of(domain, doc, wanted) : NULL;
    bool told = isatty(STDOUT_FILENO);
    json_object *list;

    if (!all)
        return shell_error(shell, "Failed to query for interfaces addresses");
    g_array_sort(all, by_interface); /* stable */
    if (!shell_json(cmd))
        print_heading(shell);
    list = json_object_new_array();
    for (guint i = 0; i < all->len; i++) {
        const Known *known = &g_array_index(all, Known, i);
        bool shown = i == 0 || cmd_has(cmd, "full") || by_interface(known - 1, known) != 0;

        if (shell_json(cmd)) {
            json_object *one = address_json(known->name, *known->mac ? known->mac : NULL, known->ipv6, known->address, known->prefix);

            shell_json_string(one, "source", known->sources->str);
            json_object_array_add(list, one);
            continue;
        }
        shell_print(shell, " %-10s %-17s    %-12s %s/%u", shown ? known->name : "-", !shown ? "-" : *known->mac ? known->mac : "N/A",
                    family(known->ipv6), known->address, known->prefix);
        shell_print(shell, told ? "  (%s)\n" : "\n", known->sources->str);
    }
    if (shell_json(cmd))
        return shell_json_print(shell, list);
    json_object_put(list);
    if (told)
        print_forwards(shell, doc, wanted);
    return true;
}

bool cmd_domifaddr(Shell *shell, const Cmd *cmd)
{
    g_autoptr(virDomain) domain = virsh_domain(shell, cmd);
    const char *name = NULL, *source = NULL;
    int value = VIR_DOMAIN_INTERFACE_ADDRESSES_SRC_LEASE;

    if (!domain || cmd_string(shell, cmd, "interface", &name) < 0 || cmd_string(shell, cmd, "source", &source) < 0)
        return false;
    if (source && !g_str_equal(source, "all") && !virsh_value(sources, source, &value))
        return shell_error(shell, "Unknown data source '%s'", source);
    if (cmd_has(cmd, "wait") && !virsh_wait_for_address(shell, cmd, name))
        return false;
    if (!source)
        return merged_addresses(shell, cmd, domain, name);
    return g_str_equal(source, "all") ? addresses_of_all(shell, cmd, domain, name) : addresses_of(shell, cmd, domain, name, value);
}
