/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What dnsmasq is told about a network: pure functions of the definition. Options and file formats are dnsmasq's (its man
 * page); which of them a network has is as libvirt has always made them.
 */
#pragma once
#include "model/network.h"

/** Where the files of a network's dnsmasq are. */
typedef struct DnsmasqFiles {
    char *conf;       /**< its configuration */
    char *hosts;      /**< who gets which address by DHCP; read again at SIGHUP */
    char *names;      /**< names beside those of DHCP; read again at SIGHUP */
    char *pid;
} DnsmasqFiles;

/** Whether the network needs it: it serves names or addresses. */
bool dnsmasq_is_needed(const NetworkDef *net);
/** Whether all that goes into the files fits on a line. -1 with an error. */
int dnsmasq_check(const NetworkDef *net);
/** Text of the files; the caller frees. */
char *dnsmasq_conf(const NetworkDef *net, const DnsmasqFiles *files);
char *dnsmasq_hosts(const NetworkDef *net);
char *dnsmasq_names(const NetworkDef *net);
