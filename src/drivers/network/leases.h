/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Leases of DHCP: who has which address. The program libvirt_leaseshelper, which dnsmasq runs at each change, keeps them in
 * LIB/BRIDGE.status: a JSON array of objects with ip-address, mac-address, expiry-time, hostname, client-id, iaid and
 * server-duid, of which all but the first two may be missing. Other programs (nss_libvirt) read it as well.
 */
#pragma once
#include "base/json.h"
#include "base/typed_param.h"
#include "model/network.h"

/** Largest file of leases that is read. */
#define LEASES_FILE_MAX (16 * 1024 * 1024)
/** Most leases of a network. */
#define LEASES_MAX 65536
/** Tells the helper where LIB is. */
#define LEASES_DIR_VARIABLE "LIBVIRT_LEASES_DIR"
#define LEASES_BRIDGE_VARIABLE "VIR_BRIDGE_NAME"

/** Where the helper is. */
const char *leases_helper_path(void);
/** LIB/BRIDGE.status; caller frees. */
char *leases_file(const char *lib, const char *bridge);
/** The array, empty if there is no file; NULL with an error. */
json_object *leases_load(const char *path);
/** Remove the file: the network is gone. */
void leases_forget(const char *lib, const char *bridge);

/** The leases of a network that haven't ended, of hardware address @mac or (NULL) all. How many, an array with a NULL behind the last into
 * *leases (may be NULL), which the caller frees with each member; -1 with an error. */
int leases_list(const char *lib, const NetworkDef *net, const char *mac, virNetworkDHCPLeasePtr **leases);
