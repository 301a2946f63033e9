/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Networks: the name service.
 */
#include "model/network_private.h"
#include <string.h>

int network_dns_host_complete(const NetworkDef *net, NetworkDnsHost *host, bool partial)
{
    IpAddress ip;

    if (!host->ip && !(partial && host->n_hostnames))
        return FAIL(VIR_ERR_XML_DETAIL, "network '%s': a DNS host needs an address: attribute ip", net->name);
    if (!host->n_hostnames && !partial)
        return FAIL(VIR_ERR_XML_DETAIL, "network '%s': DNS host %s needs a name: element <hostname>", net->name, host->ip);
    return host->ip ? network_address(net, &host->ip, &ip, VIR_ERR_XML_DETAIL, "DNS host") : 0;
}

int network_dns_txt_check(const NetworkDef *net, const NetworkDnsTxt *txt, bool partial)
{
    if (!txt->name)
        return FAIL(VIR_ERR_XML_DETAIL, "network '%s': a DNS TXT record needs a name", net->name);
    if (strpbrk(txt->name, " ,\t\n"))
        return FAIL(VIR_ERR_XML_DETAIL, "network '%s': name '%s' of a DNS TXT record has a blank or comma", net->name,
                    txt->name);
    if (!txt->value && !partial)
        return FAIL(VIR_ERR_XML_DETAIL, "network '%s': DNS TXT record '%s' needs a value", net->name, txt->name);
    return 0;
}

int network_dns_srv_check(const NetworkDef *net, const NetworkDnsSrv *srv)
{
    if (!srv->service)
        return FAIL(VIR_ERR_XML_DETAIL, "network '%s': a DNS SRV record needs a service", net->name);
    if (!srv->protocol)
        return FAIL(VIR_ERR_XML_DETAIL, "network '%s': DNS SRV record '%s' needs a protocol", net->name, srv->service);
    if (!srv->target && (srv->has_port || srv->has_priority || srv->has_weight))
        return FAIL(VIR_ERR_XML_DETAIL, "network '%s': DNS SRV record '%s' has a port, priority or weight, but no target",
                    net->name, srv->service);
    return 0;
}

static int check_forwarders(const NetworkDef *net, NetworkDns *dns)
{
    for (guint i = 0; i < dns->n_forwarders; i++) {
        NetworkDnsForwarder *f = dns->forwarders[i];
        IpAddress ip;
        if (!f->addr && !f->domain)
            return FAIL(VIR_ERR_XML_ERROR, "network '%s': a DNS forwarder needs an address or a domain", net->name);
        if (f->addr && network_address(net, &f->addr, &ip, VIR_ERR_XML_ERROR, "DNS forwarder") < 0)
            return -1;
    }
    return 0;
}

int network_dns_complete(const NetworkDef *net, NetworkDns *dns)
{
    bool data = dns->n_forwarders || dns->n_txts || dns->n_srvs || dns->n_hosts;

    if (dns->enable == TRISTATE_NO && data)
        return FAIL(VIR_ERR_XML_ERROR, "network '%s': there is data in <dns>, which is disabled", net->name);
    if (check_forwarders(net, dns) < 0)
        return -1;
    for (guint i = 0; i < dns->n_txts; i++) {
        if (network_dns_txt_check(net, dns->txts[i], false) < 0)
            return -1;
    }
    for (guint i = 0; i < dns->n_srvs; i++) {
        if (network_dns_srv_check(net, dns->srvs[i]) < 0)
            return -1;
    }
    for (guint i = 0; i < dns->n_hosts; i++) {
        if (network_dns_host_complete(net, dns->hosts[i], false) < 0)
            return -1;
    }
    return 0;
}
