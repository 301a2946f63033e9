/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERROR_DOMAIN VIR_FROM_NETWORK
#define LOG_SOURCE "network.leases"
#include "drivers/network/leases.h"
#include <errno.h>
#include <string.h>
#include <unistd.h>
#include "base/error.h"
#include "base/file.h"
#include "base/ip.h"
#include "base/log.h"

#define HELPER "libvirt_leaseshelper"
#define DEPTH_MAX 4

static gpointer find_helper(gpointer unused)
{
    const char *modules = g_getenv("LIBVIRT_DRIVER_DIR"); /* of a build */
    g_autofree char *built = modules ? g_build_filename(modules, "drivers", "network", HELPER, NULL) : NULL;
    return built && access(built, X_OK) == 0 ? g_steal_pointer(&built) : g_strdup(LIBEXECDIR "/" HELPER);
}

const char *leases_helper_path(void)
{
    static GOnce once = G_ONCE_INIT;
    return g_once(&once, find_helper, NULL);
}

char *leases_file(const char *lib, const char *bridge)
{
    return g_strdup_printf("%s/%s.status", lib, bridge);
}

json_object *leases_load(const char *path)
{
    g_autofree char *text = NULL;
    size_t len = 0;
    int found = file_read_optional(path, LEASES_FILE_MAX, &text, &len);
    if (found < 0)
        return NULL;
    if (!found || !len)
        return json_object_new_array();
    json_object *leases = json_parse(text, len, DEPTH_MAX, path);
    if (!leases || json_object_is_type(leases, json_type_array))
        return leases;
    json_object_put(leases);
    return FAIL_NULL(VIR_ERR_INTERNAL_ERROR, "'%s' is no list of leases", path);
}

void leases_forget(const char *lib, const char *bridge)
{
    g_autofree char *path = leases_file(lib, bridge);
    if (unlink(path) < 0 && errno != ENOENT)
        LOG_WARN("cannot remove '%s': %s", path, g_strerror(errno));
}

/* The prefix of the <ip> that an address belongs to. */
static guint prefix_of(const NetworkDef *net, const char *text)
{
    IpAddress ip, own;
    for (guint i = 0; ip_parse(text, &ip) && i < net->n_ips; i++) {
        guint prefix = network_ip_prefix(net->ips[i]);
        if (ip_parse(net->ips[i]->address, &own) && ip_same_network(&ip, &own, prefix))
            return prefix;
    }
    return strchr(text, ':') ? 64 : 24;
}

static virNetworkDHCPLeasePtr make_lease(const NetworkDef *net, json_object *entry, const char *ip, const char *mac, guint64 expiry)
{
    const char *host = NULL, *client = NULL, *iaid = NULL;
    json_find_string(entry, "hostname", &host);
    json_find_string(entry, "client-id", &client);
    json_find_string(entry, "iaid", &iaid);
    virNetworkDHCPLeasePtr lease = g_new0(virNetworkDHCPLease, 1);
    *lease = (virNetworkDHCPLease) {
        .iface = g_strdup(net->bridge.name), .expirytime = (long long) expiry, .type = strchr(ip, ':') ? VIR_IP_ADDR_TYPE_IPV6 : VIR_IP_ADDR_TYPE_IPV4,
        .mac = g_strdup(mac), .iaid = g_strdup(iaid), .ipaddr = g_strdup(ip), .prefix = prefix_of(net, ip), .hostname = g_strdup(host),
        .clientid = g_strdup(client),
    };
    return lease;
}

int leases_list(const char *lib, const NetworkDef *net, const char *mac, virNetworkDHCPLeasePtr **leases)
{
    g_autofree char *path = leases_file(lib, net->bridge.name);
    g_autoptr(json_object) all = leases_load(path);
    g_autoptr(GPtrArray) found = g_ptr_array_new();
    gint64 now = g_get_real_time() / G_USEC_PER_SEC;
    if (!all)
        return -1;
    for (size_t i = 0; i < json_object_array_length(all) && found->len < LEASES_MAX; i++) {
        json_object *entry = json_object_array_get_idx(all, i);
        const char *ip = NULL, *own = NULL;
        guint64 expiry = 0;
        if (json_find_string(entry, "ip-address", &ip) <= 0 || json_find_string(entry, "mac-address", &own) <= 0)
            continue;
        json_find_uint(entry, "expiry-time", &expiry);
        if ((!mac || g_ascii_strcasecmp(mac, own) == 0) && (!expiry || (gint64) expiry > now))
            g_ptr_array_add(found, make_lease(net, entry, ip, own, expiry));
    }
    virResetLastError();
    int n = (int) found->len;
    g_ptr_array_add(found, NULL);
    if (leases) {
        *leases = (virNetworkDHCPLeasePtr *) g_ptr_array_free(g_steal_pointer(&found), FALSE);
    } else {
        for (int i = 0; i < n; i++)
            virNetworkDHCPLeaseFree(found->pdata[i]);
    }
    return n;
}
