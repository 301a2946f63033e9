/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERROR_DOMAIN VIR_FROM_NETWORK
#include "drivers/network/dnsmasq.h"
#include <string.h>
#include "base/error.h"
#include "base/ip.h"
#include "base/mac.h"

bool dnsmasq_is_needed(const NetworkDef *net)
{
    bool dhcp = false;
    for (guint i = 0; i < net->n_ips; i++) {
        const NetworkIp *ip = net->ips[i];
        IpAddress address;
        bool v6 = ip_parse(ip->address, &address) && ip_is_v6(&address);
        /* guests find their router by its advertisements */
        dhcp |= v6 || ip->tftp_root || (ip->dhcp && (ip->dhcp->n_ranges || ip->dhcp->n_hosts));
    }
    return net->n_ips && (dhcp || !net->dns || net->dns->enable != TRISTATE_NO);
}

/* ---- what can't be written ---- */

static int check_line(const NetworkDef *net, const char *what, const char *text)
{
    for (const char *c = text; c && *c; c++) {
        if (g_ascii_iscntrl(*c))
            return FAIL(VIR_ERR_XML_ERROR, "network '%s': %s holds a line break or another control character", net->name, what);
    }
    return 0;
}

typedef struct Line {
    const char *what, *text;
} Line;

static int check_lines(const NetworkDef *net, const Line *lines, guint n)
{
    for (guint i = 0; i < n; i++) {
        if (check_line(net, lines[i].what, lines[i].text) < 0)
            return -1;
    }
    return 0;
}
#define CHECK(net, ...) check_lines((net), (const Line[]) { __VA_ARGS__ }, G_N_ELEMENTS(((const Line[]) { __VA_ARGS__ })))

static int check_dns(const NetworkDef *net, const NetworkDns *dns)
{
    int bad = 0;
    for (guint i = 0; i < dns->n_forwarders && !bad; i++)
        bad = CHECK(net, { "the domain of a forwarder", dns->forwarders[i]->domain }, { "a forwarder", dns->forwarders[i]->addr });
    for (guint i = 0; i < dns->n_txts && !bad; i++)
        bad = CHECK(net, { "the name of a TXT record", dns->txts[i]->name }, { "a TXT record", dns->txts[i]->value });
    for (guint i = 0; i < dns->n_srvs && !bad; i++)
        bad = CHECK(net, { "the service of a SRV record", dns->srvs[i]->service }, { "the protocol of a SRV record", dns->srvs[i]->protocol },
                    { "the domain of a SRV record", dns->srvs[i]->domain }, { "the target of a SRV record", dns->srvs[i]->target });
    for (guint i = 0; i < dns->n_hosts && !bad; i++) {
        for (guint k = 0; k < dns->hosts[i]->n_hostnames && !bad; k++)
            bad = CHECK(net, { "a host's name", dns->hosts[i]->hostnames[k] });
    }
    return bad;
}

static int check_ip(const NetworkDef *net, const NetworkIp *ip)
{
    int bad = CHECK(net, { "the folder of TFTP", ip->tftp_root });
    if (bad || !ip->dhcp)
        return bad;
    bad = CHECK(net, { "the file to boot", ip->dhcp->bootp.file }, { "the server to boot from", ip->dhcp->bootp.server });
    for (guint i = 0; i < ip->dhcp->n_hosts && !bad; i++)
        bad = CHECK(net, { "a host's name", ip->dhcp->hosts[i]->name }, { "a host's identifier", ip->dhcp->hosts[i]->id });
    return bad;
}

int dnsmasq_check(const NetworkDef *net)
{
    int bad = CHECK(net, { "the domain", net->domain.name });
    if (!bad && net->dns)
        bad = check_dns(net, net->dns);
    for (guint i = 0; i < net->n_ips && !bad; i++)
        bad = check_ip(net, net->ips[i]);
    for (guint i = 0; i < net->n_dnsmasq_options && !bad; i++)
        bad = CHECK(net, { "an option of dnsmasq", net->dnsmasq_options[i] });
    return bad;
}

/* ---- names ---- */

static void add_forwarders(GString *conf, const NetworkDns *dns)
{
    bool for_all = false;
    for (guint i = 0; i < dns->n_forwarders; i++) {
        const NetworkDnsForwarder *f = dns->forwarders[i];
        g_string_append(conf, "server=");
        if (f->domain)
            g_string_append_printf(conf, "/%s/", f->domain);
        g_string_append_printf(conf, "%s\n", f->addr ? f->addr : "#");
        for_all |= !f->domain;
    }
    if (for_all)
        g_string_append(conf, "no-resolv\n");
}

static void add_srv(GString *conf, const NetworkDnsSrv *srv)
{
    g_string_append_printf(conf, "srv-host=_%s._%s%s%s", srv->service, srv->protocol, srv->domain ? "." : "",
                           srv->domain ? srv->domain : "");
    /* "." says that there is no such service: a record without a host */
    if (srv->target && strcmp(srv->target, ".") != 0) {
        g_string_append_printf(conf, ",%s", srv->target);
        if (srv->has_port)
            g_string_append_printf(conf, ",%u", srv->port);
        if (srv->has_port && srv->has_priority)
            g_string_append_printf(conf, ",%u", srv->priority);
        if (srv->has_port && srv->has_priority && srv->has_weight)
            g_string_append_printf(conf, ",%u", srv->weight);
    }
    g_string_append_c(conf, '\n');
}

/* The reverse domain of an address's network, on boundaries of bytes or nibbles; the rules have checked the prefix. */
static void add_reverse(GString *conf, const IpAddress *address, guint prefix)
{
    g_string_append(conf, "local=/");
    if (ip_is_v6(address)) {
        for (guint nibble = prefix / 4; nibble-- > 0;)
            g_string_append_printf(conf, "%x.", address->bytes[nibble / 2] >> (nibble % 2 ? 0 : 4) & 15);
        g_string_append(conf, "ip6.arpa/\n");
    } else {
        for (guint byte = prefix / 8; byte-- > 0;)
            g_string_append_printf(conf, "%u.", address->bytes[byte]);
        g_string_append(conf, "in-addr.arpa/\n");
    }
}

static void add_domain(GString *conf, const NetworkDef *net)
{
    const NetworkDns *dns = net->dns;
    if (dns && dns->forward_plain_names == TRISTATE_NO)
        g_string_append(conf, "domain-needed\nlocal=//\n");
    if (!net->domain.name)
        return;
    if (net->domain.local_only == TRISTATE_YES)
        g_string_append_printf(conf, "local=/%s/\n", net->domain.name);
    g_string_append_printf(conf, "domain=%s\nexpand-hosts\n", net->domain.name);
}

static void add_names(GString *conf, const NetworkDef *net)
{
    const NetworkDns *dns = net->dns;
    if (dns && dns->enable == TRISTATE_NO) {
        g_string_append(conf, "port=0\n");
        return;
    }
    if (dns)
        add_forwarders(conf, dns);
    add_domain(conf, net);
    for (guint i = 0; i < net->n_ips; i++) {
        IpAddress address;
        if (net->ips[i]->local_ptr == TRISTATE_YES && ip_parse(net->ips[i]->address, &address))
            add_reverse(conf, &address, network_ip_prefix(net->ips[i]));
    }
}

static void add_records(GString *conf, const NetworkDns *dns)
{
    for (guint i = 0; dns && i < dns->n_txts; i++)
        g_string_append_printf(conf, "txt-record=%s%s%s\n", dns->txts[i]->name, dns->txts[i]->value ? "," : "",
                               dns->txts[i]->value ? dns->txts[i]->value : "");
    for (guint i = 0; dns && i < dns->n_srvs; i++)
        add_srv(conf, dns->srvs[i]);
}

/* ---- addresses ---- */

/* ",2h", ",infinite" or nothing; the rules have checked how long it is. */
static char *lease_time(const NetworkLease *lease)
{
    static const char units[] = { [NETWORK_LEASE_UNIT_SECONDS] = 's', [NETWORK_LEASE_UNIT_MINUTES] = 'm', [NETWORK_LEASE_UNIT_HOURS] = 'h' };
    if (!lease || !lease->has_expiry)
        return g_strdup("");
    if (!lease->expiry)
        return g_strdup(",infinite");
    return g_strdup_printf(",%" G_GUINT64_FORMAT "%c", lease->expiry, lease->unit ? units[lease->unit] : 'm');
}

static guint64 range_size(const NetworkDhcpRange *range)
{
    IpAddress start, end;
    guint64 first = 0, last = 0;
    if (!ip_parse(range->start, &start) || !ip_parse(range->end, &end))
        return 0;
    for (guint i = start.size - 4u; i < start.size; i++) {
        first = first << 8 | start.bytes[i];
        last = last << 8 | end.bytes[i];
    }
    return last >= first ? last - first + 1 : 0;
}

static void add_range(GString *conf, const NetworkIp *ip, const NetworkDhcpRange *range, const IpAddress *address)
{
    g_autofree char *lease = lease_time(range->lease);
    guint prefix = network_ip_prefix(ip);
    if (ip_is_v6(address)) {
        g_string_append_printf(conf, "dhcp-range=%s,%s,%u%s\n", range->start, range->end, prefix, lease);
        return;
    }
    IpAddress mask = { { 0 }, 4 };
    char text[IP_TEXT_SIZE];
    for (guint bit = 0; bit < prefix; bit++)
        mask.bytes[bit / 8] |= (guint8) (0x80 >> bit % 8);
    g_string_append_printf(conf, "dhcp-range=%s,%s,%s%s\n", range->start, range->end, ip_format(&mask, text), lease);
}

static void add_static_range(GString *conf, const NetworkIp *ip, const IpAddress *address)
{
    if (ip_is_v6(address))
        g_string_append_printf(conf, "dhcp-range=%s,static,%u\n", ip->address, network_ip_prefix(ip));
    else
        g_string_append_printf(conf, "dhcp-range=%s,static\n", ip->address);
}

static void add_boot(GString *conf, const NetworkDhcp *dhcp)
{
    if (!dhcp->bootp.file)
        return;
    g_string_append_printf(conf, "dhcp-boot=%s%s%s\n", dhcp->bootp.file, dhcp->bootp.server ? ",," : "",
                           dhcp->bootp.server ? dhcp->bootp.server : "");
}

static void add_dhcp(GString *conf, const NetworkIp *ip, const IpAddress *address, guint64 *leases)
{
    const NetworkDhcp *dhcp = ip->dhcp;
    if (!dhcp || (!dhcp->n_ranges && !dhcp->n_hosts))
        return;
    for (guint i = 0; i < dhcp->n_ranges; i++) {
        add_range(conf, ip, dhcp->ranges[i], address);
        *leases += range_size(dhcp->ranges[i]);
    }
    if (!dhcp->n_ranges)
        add_static_range(conf, ip, address);
    if (ip_is_v6(address))
        return;
    g_string_append(conf, "dhcp-no-override\ndhcp-authoritative\n");
    add_boot(conf, dhcp);
}

static void add_isolation(GString *conf, const NetworkDef *net)
{
    /* no router is named, and what isn't known here isn't asked elsewhere */
    if (network_def_mode(net) == NETWORK_FORWARD_MODE_NONE)
        g_string_append(conf, "dhcp-option=3\nno-resolv\nra-param=*,0,0\n");
}

static void add_addresses(GString *conf, const NetworkDef *net, const DnsmasqFiles *files)
{
    guint64 leases = 0;
    bool dhcp = false, dhcp6 = false, v6 = false;
    for (guint i = 0; i < net->n_ips; i++) {
        const NetworkIp *ip = net->ips[i];
        IpAddress address;
        if (!ip_parse(ip->address, &address))
            continue;
        if (ip->tftp_root)
            g_string_append_printf(conf, "enable-tftp\ntftp-root=%s\n", ip->tftp_root);
        add_dhcp(conf, ip, &address, &leases);
        bool serves = ip->dhcp && (ip->dhcp->n_ranges || ip->dhcp->n_hosts);
        v6 |= ip_is_v6(&address);
        dhcp |= serves;
        dhcp6 |= serves && ip_is_v6(&address);
    }
    if (leases)
        g_string_append_printf(conf, "dhcp-lease-max=%" G_GUINT64_FORMAT "\n", MIN(leases, (guint64) G_MAXINT32));
    if (dhcp)
        g_string_append_printf(conf, "dhcp-hostsfile=%s\n", files->hosts);
    if (!net->dns || net->dns->enable != TRISTATE_NO)
        g_string_append_printf(conf, "addn-hosts=%s\n", files->names);
    for (guint i = 0; v6 && i < net->n_ips; i++) {
        IpAddress address;
        if (!dhcp6 && ip_parse(net->ips[i]->address, &address) && ip_is_v6(&address))
            g_string_append_printf(conf, "dhcp-range=%s,ra-only\n", net->ips[i]->address);
    }
    if (dhcp6)
        g_string_append(conf, "enable-ra\n");
    if (net->mtu)
        g_string_append_printf(conf, "dhcp-option=option:mtu,%u\n", net->mtu);
}

char *dnsmasq_conf(const NetworkDef *net, const DnsmasqFiles *files)
{
    GString *conf = g_string_new("# Written by the daemon, which overwrites it. To change it: virsh net-edit\nstrict-order\n");
    add_names(conf, net);
    g_string_append_printf(conf, "pid-file=%s\nexcept-interface=lo\nbind-dynamic\ninterface=%s\n", files->pid, net->bridge.name);
    add_records(conf, net->dns);
    add_isolation(conf, net);
    add_addresses(conf, net, files);
    for (guint i = 0; i < net->n_dnsmasq_options; i++)
        g_string_append_printf(conf, "%s\n", net->dnsmasq_options[i]);
    return g_string_free(conf, FALSE);
}

/* ---- files that are read again ---- */

static void add_host(GString *text, const NetworkDhcpHost *host)
{
    IpAddress address;
    char mac[MAC_TEXT_SIZE];
    bool v6 = host->ip && ip_parse(host->ip, &address) && ip_is_v6(&address);
    g_autofree char *lease = lease_time(host->lease);
    gsize start = text->len;
    if (host->has_mac)
        g_string_append(text, mac_format(host->mac, mac));
    else if (host->id)
        g_string_append_printf(text, "id:%s", host->id);
    g_autofree char *ip = g_strdup_printf(v6 ? "[%s]" : "%s", host->ip);
    /* a hardware address is followed by the address, all else by the name */
    const char *parts[] = { host->has_mac ? ip : host->name, host->has_mac ? host->name : ip };
    for (guint i = 0; i < G_N_ELEMENTS(parts); i++) {
        if (parts[i])
            g_string_append_printf(text, "%s%s", text->len == start ? "" : ",", parts[i]);
    }
    g_string_append_printf(text, "%s\n", lease);
}

char *dnsmasq_hosts(const NetworkDef *net)
{
    GString *text = g_string_new(NULL);
    for (guint i = 0; i < net->n_ips; i++) {
        const NetworkDhcp *dhcp = net->ips[i]->dhcp;
        for (guint k = 0; dhcp && k < dhcp->n_hosts; k++)
            add_host(text, dhcp->hosts[k]);
    }
    return g_string_free(text, FALSE);
}

char *dnsmasq_names(const NetworkDef *net)
{
    GString *text = g_string_new(NULL);
    for (guint i = 0; net->dns && i < net->dns->n_hosts; i++) {
        const NetworkDnsHost *host = net->dns->hosts[i];
        g_string_append_printf(text, "%s\t", host->ip);
        for (guint k = 0; k < host->n_hostnames; k++)
            g_string_append_printf(text, "%s\t", host->hostnames[k]);
        g_string_append_c(text, '\n');
    }
    return g_string_free(text, FALSE);
}

