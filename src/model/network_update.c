/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Changes of single sections of a network: virNetworkUpdate() as a function of a definition.
 *
 * A section is a list somewhere in the definition. What differs between them stands in a table: element, where the list is,
 * which items an item means, and its rules.
 */
#include "model/network_private.h"
#include <string.h>

typedef struct Section Section;

/* A list in the definition, and what an update would do with it. */
typedef struct Update {
    NetworkDef *net;
    const Section *section;
    unsigned int command;
    NetworkIp *ip;          /* around the list, for what DHCP hands out */
    void ***items;
    guint *n;
} Update;

struct Section {
    const char *element;    /* NULL: this section can't be updated */
    const char *name;       /* in messages */
    const XmlDesc *desc;
    bool modifiable;
    /* Find the list. -1 with an error. */
    int (*find)(Update *u, int parent_index);
    /* Rules of the item, which is partial when it only names one that is to be deleted. */
    int (*check)(Update *u, void *item, bool partial);
    /* Whether @item names @other, for deleting. */
    bool (*names)(const void *item, const void *other);
    /* Whether @item can't be beside @other; when it is to change something, that is what it means. */
    bool (*clashes)(const void *item, const void *other);
    bool several;           /* several may have the name: then it is too little to delete by */
};

static bool same(const char *a, const char *b)
{
    return a && b && strcmp(a, b) == 0;
}

static bool same_or_unset(const char *a, const char *b)
{
    return !a || same(a, b);
}

/* ---- DHCP ---- */

static NetworkIp *first_ip(NetworkDef *net)
{
    for (guint i = 0; i < net->n_ips; i++) {
        if (net->ips[i]->dhcp)
            return net->ips[i];
    }
    return net->n_ips ? net->ips[0] : NULL;
}

/* A network hands out IPv4 addresses of one network only. */
static int check_other_ip(const Update *u)
{
    for (guint i = 0; i < u->net->n_ips; i++) {
        const NetworkIp *other = u->net->ips[i];
        if (other != u->ip && other->dhcp && u->ip->family != IP_FAMILY_IPV6 && other->family != IP_FAMILY_IPV6)
            return FAIL(VIR_ERR_OPERATION_INVALID, "network '%s': DHCP is possible for one IPv4 address only", u->net->name);
    }
    return 0;
}

static int find_ip(Update *u, int parent_index)
{
    NetworkDef *net = u->net;

    if (parent_index >= (int)net->n_ips)
        return FAIL(VIR_ERR_OPERATION_INVALID, "network '%s': couldn't update %s: there is no <ip> with index %d", net->name,
                    u->section->name, parent_index);
    u->ip = parent_index < 0 ? first_ip(net) : net->ips[parent_index];
    if (!u->ip)
        return FAIL(VIR_ERR_OPERATION_INVALID, "network '%s': couldn't update %s: there is no <ip>", net->name,
                    u->section->name);
    if (check_other_ip(u) < 0)
        return -1;
    if (!u->ip->dhcp)
        u->ip->dhcp = xml_struct_new(&NETWORK_DHCP_DESC);
    return 0;
}

#define LIST(u, where, list) ((u)->items = (void ***)&(where)->list, (u)->n = &(where)->n_##list, 0)

static int find_hosts(Update *u, int parent_index)
{
    return find_ip(u, parent_index) < 0 ? -1 : LIST(u, u->ip->dhcp, hosts);
}

static int find_ranges(Update *u, int parent_index)
{
    return find_ip(u, parent_index) < 0 ? -1 : LIST(u, u->ip->dhcp, ranges);
}

static int check_host(Update *u, void *item, bool partial)
{
    return network_host_complete(u->net, u->ip, item, partial);
}

static bool same_mac(const NetworkDhcpHost *a, const NetworkDhcpHost *b)
{
    return a->has_mac && b->has_mac && memcmp(a->mac, b->mac, sizeof a->mac) == 0;
}

/* All that is given must fit. */
static bool host_names(const void *item, const void *other)
{
    const NetworkDhcpHost *a = item, *b = other;
    return (!a->has_mac || same_mac(a, b)) && same_or_unset(a->name, b->name) && same_or_unset(a->ip, b->ip) &&
        same_or_unset(a->id, b->id);
}

static bool host_clashes(const void *item, const void *other)
{
    const NetworkDhcpHost *a = item, *b = other;
    return same_mac(a, b) || same(a->name, b->name) || same(a->ip, b->ip) || same(a->id, b->id);
}

static int check_range(Update *u, void *item, bool partial)
{
    return network_range_complete(u->net, u->ip, item);
}

static bool range_same(const void *item, const void *other)
{
    const NetworkDhcpRange *a = item, *b = other;
    return same(a->start, b->start) && same(a->end, b->end);
}

/* ---- forwarding and groups ---- */

static int find_interfaces(Update *u, int parent_index)
{
    return LIST(u, &u->net->forward, interfaces);
}

static int check_nothing(Update *u, void *item, bool partial)
{
    return 0;
}

static bool interface_same(const void *item, const void *other)
{
    return same(((const NetworkForwardInterface *)item)->dev, ((const NetworkForwardInterface *)other)->dev);
}

static int find_portgroups(Update *u, int parent_index)
{
    return LIST(u, u->net, portgroups);
}

static bool portgroup_same(const void *item, const void *other)
{
    return same(((const NetworkPortGroup *)item)->name, ((const NetworkPortGroup *)other)->name);
}

static int check_portgroup(Update *u, void *item, bool partial)
{
    NetworkPortGroup *group = item;

    if (network_portgroup_complete(u->net, group) < 0)
        return -1;
    for (guint i = 0; i < u->net->n_portgroups && group->is_default && !partial; i++) {
        const NetworkPortGroup *other = u->net->portgroups[i];
        if (other->is_default && !same(other->name, group->name))
            return FAIL(VIR_ERR_OPERATION_INVALID, "network '%s': port group '%s' is the default already", u->net->name,
                        other->name);
    }
    return 0;
}

/* ---- the name service ---- */

static int find_dns(Update *u)
{
    if (!u->net->dns)
        u->net->dns = xml_struct_new(&NETWORK_DNS_DESC);
    return 0;
}

static int find_dns_hosts(Update *u, int parent_index)
{
    return find_dns(u) < 0 ? -1 : LIST(u, u->net->dns, hosts);
}

static int find_dns_txts(Update *u, int parent_index)
{
    return find_dns(u) < 0 ? -1 : LIST(u, u->net->dns, txts);
}

static int find_dns_srvs(Update *u, int parent_index)
{
    return find_dns(u) < 0 ? -1 : LIST(u, u->net->dns, srvs);
}

static int check_dns_host(Update *u, void *item, bool partial)
{
    return network_dns_host_complete(u->net, item, partial);
}

static bool has_name(const NetworkDnsHost *host, const char *name)
{
    for (guint i = 0; i < host->n_hostnames; i++) {
        if (same(host->hostnames[i], name))
            return true;
    }
    return false;
}

/* An address has one entry; a name may be in several. To delete, the address or one of the names is enough. */
static bool dns_host_names(const void *item, const void *other)
{
    const NetworkDnsHost *a = item, *b = other;
    bool named = same(a->ip, b->ip);

    for (guint i = 0; i < a->n_hostnames; i++)
        named = named || has_name(b, a->hostnames[i]);
    return named;
}

static bool dns_host_clashes(const void *item, const void *other)
{
    return same(((const NetworkDnsHost *)item)->ip, ((const NetworkDnsHost *)other)->ip);
}

static int check_dns_txt(Update *u, void *item, bool partial)
{
    return network_dns_txt_check(u->net, item, partial);
}

static bool dns_txt_same(const void *item, const void *other)
{
    return same(((const NetworkDnsTxt *)item)->name, ((const NetworkDnsTxt *)other)->name);
}

static int check_dns_srv(Update *u, void *item, bool partial)
{
    return partial ? 0 : network_dns_srv_check(u->net, item);
}

static bool same_number(bool has_a, guint32 a, bool has_b, guint32 b)
{
    return !has_a || (has_b && a == b);
}

/* Service and protocol must be given, the rest if it matters. */
static bool dns_srv_names(const void *item, const void *other)
{
    const NetworkDnsSrv *a = item, *b = other;
    return same(a->service, b->service) && same(a->protocol, b->protocol) && same_or_unset(a->domain, b->domain) &&
        same_or_unset(a->target, b->target) && same_number(a->has_port, a->port, b->has_port, b->port) &&
        same_number(a->has_priority, a->priority, b->has_priority, b->priority) &&
        same_number(a->has_weight, a->weight, b->has_weight, b->weight);
}

/* ---- sections ---- */

static const Section sections[] = {
    [VIR_NETWORK_SECTION_BRIDGE] = { NULL, "bridge" },
    [VIR_NETWORK_SECTION_DOMAIN] = { NULL, "domain" },
    [VIR_NETWORK_SECTION_IP] = { NULL, "ip" },
    [VIR_NETWORK_SECTION_IP_DHCP_HOST] = { "host", "DHCP host", &NETWORK_DHCP_HOST_DESC, true, find_hosts, check_host,
                                           host_names, host_clashes },
    [VIR_NETWORK_SECTION_IP_DHCP_RANGE] = { "range", "DHCP range", &NETWORK_DHCP_RANGE_DESC, false, find_ranges, check_range,
                                            range_same, range_same },
    [VIR_NETWORK_SECTION_FORWARD] = { NULL, "forward" },
    [VIR_NETWORK_SECTION_FORWARD_INTERFACE] = { "interface", "forward interface", &NETWORK_FORWARD_INTERFACE_DESC, false,
                                                find_interfaces, check_nothing, interface_same, interface_same },
    [VIR_NETWORK_SECTION_FORWARD_PF] = { NULL, "forward pf" },
    [VIR_NETWORK_SECTION_PORTGROUP] = { "portgroup", "port group", &NETWORK_PORT_GROUP_DESC, true, find_portgroups,
                                        check_portgroup, portgroup_same, portgroup_same },
    [VIR_NETWORK_SECTION_DNS_HOST] = { "host", "DNS host", &NETWORK_DNS_HOST_DESC, false, find_dns_hosts, check_dns_host,
                                       dns_host_names, dns_host_clashes, true },
    [VIR_NETWORK_SECTION_DNS_TXT] = { "txt", "DNS TXT record", &NETWORK_DNS_TXT_DESC, false, find_dns_txts, check_dns_txt,
                                      dns_txt_same, dns_txt_same },
    [VIR_NETWORK_SECTION_DNS_SRV] = { "srv", "DNS SRV record", &NETWORK_DNS_SRV_DESC, false, find_dns_srvs, check_dns_srv,
                                      dns_srv_names, dns_srv_names, true },
};

/* ---- carrying out ---- */

/* Place of the one item that @item names; -1 with an error if there is none, or more than one. */
static int find_named(const Update *u, const void *item)
{
    int at = -1;

    for (guint i = 0; i < *u->n; i++) {
        if (!u->section->names(item, (*u->items)[i]))
            continue;
        if (at >= 0 && u->section->several)
            return FAIL(VIR_ERR_OPERATION_INVALID, "network '%s' has several such entries (%s): say more of the one that is "
                        "meant", u->net->name, u->section->name);
        if (at < 0)
            at = (int)i;
    }
    if (at < 0)
        return FAIL(VIR_ERR_OPERATION_INVALID, "network '%s' has no such entry: %s", u->net->name, u->section->name);
    return at;
}

static int add(Update *u, void *item)
{
    for (guint i = 0; i < *u->n; i++) {
        if (u->section->clashes(item, (*u->items)[i]))
            return FAIL(VIR_ERR_OPERATION_INVALID, "network '%s' has such an entry already: %s", u->net->name,
                        u->section->name);
    }
    guint at = u->command == VIR_NETWORK_UPDATE_COMMAND_ADD_FIRST ? 0 : *u->n;
    XML_LIST_INSERT(*u->items, *u->n, at, xml_struct_copy(u->section->desc, item));
    return 0;
}

static int delete(Update *u, const void *item)
{
    int at = find_named(u, item);

    if (at < 0)
        return -1;
    xml_struct_free(u->section->desc, (*u->items)[at]);
    XML_LIST_REMOVE(*u->items, *u->n, (guint)at);
    return 0;
}

/* What it couldn't be beside is what it takes the place of. There must be one such: beside a second it couldn't be either. */
static int modify(Update *u, const void *item)
{
    int at = -1;

    for (guint i = 0; i < *u->n; i++) {
        if (!u->section->clashes(item, (*u->items)[i]))
            continue;
        if (at >= 0)
            return FAIL(VIR_ERR_OPERATION_INVALID, "network '%s': two entries have something of this %s; delete one of them first",
                        u->net->name, u->section->name);
        at = (int)i;
    }
    if (at < 0)
        return FAIL(VIR_ERR_OPERATION_INVALID, "network '%s' has no such entry: %s", u->net->name, u->section->name);
    xml_struct_free(u->section->desc, (*u->items)[at]);
    (*u->items)[at] = xml_struct_copy(u->section->desc, item);
    return 0;
}

static int carry_out(Update *u, void *item)
{
    bool partial = u->command == VIR_NETWORK_UPDATE_COMMAND_DELETE;

    if (u->section->check(u, item, partial) < 0)
        return -1;
    if (u->command == VIR_NETWORK_UPDATE_COMMAND_MODIFY)
        return modify(u, item);
    return partial ? delete(u, item) : add(u, item);
}

static void *parse_item(const NetworkDef *net, const Section *section, const char *xml)
{
    g_autoptr(XmlDiagnostics) diag = xml_diagnostics_new();
    xmlDoc *doc = xml_document_parse(xml, strlen(xml), "(network_update_xml)", VIR_FROM_NETWORK);
    void *item = NULL;

    if (!doc)
        return NULL;
    xmlNode *node = xmlDocGetRootElement(doc);
    if (strcmp((const char *)node->name, section->element) != 0) {
        error_report(VIR_FROM_NETWORK, VIR_ERR_XML_ERROR, "unexpected element <%s>, expecting <%s>, while updating network '%s'",
                     node->name, section->element, net->name);
    } else {
        item = xml_parse_node(section->desc, node, section->element, XML_INACTIVE, diag);
        if (!item)
            xml_diagnostics_report(diag, VIR_FROM_NETWORK);
    }
    xmlFreeDoc(doc);
    return item;
}

/* What a list's end changed elsewhere. */
static void follow_up(Update *u)
{
    NetworkForward *f = &u->net->forward;

    if (u->section->desc != &NETWORK_FORWARD_INTERFACE_DESC)
        return;
    g_free(f->dev);
    f->dev = f->n_interfaces ? g_strdup(f->interfaces[0]->dev) : NULL;
}

int network_def_update(NetworkDef *def, unsigned int command, unsigned int section, int parent_index, const char *xml)
{
    if (section < VIR_NETWORK_SECTION_BRIDGE || section >= G_N_ELEMENTS(sections))
        return FAIL(VIR_ERR_OPERATION_UNSUPPORTED, "network '%s' has no section %u that could be updated", def->name, section);
    Update u = { .net = def, .section = &sections[section], .command = command };
    if (!u.section->element)
        return FAIL(VIR_ERR_OPERATION_UNSUPPORTED, "can't update '%s' section of network '%s': define it anew", u.section->name,
                    def->name);
    if (command < VIR_NETWORK_UPDATE_COMMAND_MODIFY || command > VIR_NETWORK_UPDATE_COMMAND_ADD_FIRST)
        return FAIL(VIR_ERR_OPERATION_UNSUPPORTED, "unrecognized network update command code %u", command);
    if (command == VIR_NETWORK_UPDATE_COMMAND_MODIFY && !u.section->modifiable)
        return FAIL(VIR_ERR_OPERATION_UNSUPPORTED, "network '%s': a %s can't be modified, only added or deleted", def->name,
                    u.section->name);
    if (u.section->find(&u, parent_index) < 0)
        return -1;
    void *item = parse_item(def, u.section, xml);
    int rc = item ? carry_out(&u, item) : -1;
    xml_struct_free(u.section->desc, item);
    if (rc < 0)
        return -1;
    follow_up(&u);
    return network_def_complete(def);
}
