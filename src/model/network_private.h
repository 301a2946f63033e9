/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the files about networks share. Not for others.
 */
#pragma once
#define ERROR_DOMAIN VIR_FROM_NETWORK
#include "model/network.h"
#include "base/error.h"
#include "base/ip.h"

/* Read the address *text, write it in its usual form and give it in @ip. -1 with error @code if it is none; @what names it. */
int network_address(const NetworkDef *net, char **text, IpAddress *ip, int code, const char *what);




/* Rules of single parts; @net is the network that they are (or shall be) in. -1 with an error. */
int network_ip_complete(NetworkDef *net, NetworkIp *ip);
int network_range_complete(const NetworkDef *net, const NetworkIp *ip, NetworkDhcpRange *range);
/* @partial: what only names a host that is there already. */
int network_host_complete(const NetworkDef *net, const NetworkIp *ip, NetworkDhcpHost *host, bool partial);
int network_route_complete(const NetworkDef *net, InterfaceRoute *route);
int network_dns_complete(const NetworkDef *net, NetworkDns *dns);
int network_dns_host_complete(const NetworkDef *net, NetworkDnsHost *host, bool partial);
int network_dns_srv_check(const NetworkDef *net, const NetworkDnsSrv *srv);
int network_dns_txt_check(const NetworkDef *net, const NetworkDnsTxt *txt, bool partial);
int network_portgroup_complete(const NetworkDef *net, NetworkPortGroup *group);

/* VLANs and limits, which networks, groups and ports have. */
int network_port_parts_complete(InterfaceVlan *vlan, Bandwidth **bandwidth, bool floor_allowed);
