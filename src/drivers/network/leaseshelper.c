/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Run by dnsmasq at each change of a lease (option --dhcp-script of its man page), one at a time for each network: keeps the
 * network's leases in a file, and tells them to a dnsmasq that starts (option --leasefile-ro).
 *
 *   libvirt_leaseshelper init
 *   libvirt_leaseshelper add|old|del MAC-OR-DUID ADDRESS [NAME]
 */
#define ERROR_DOMAIN VIR_FROM_NETWORK
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/error.h"
#include "base/file.h"
#include "drivers/network/leases.h"

static const char *environment(const char *name)
{
    const char *value = g_getenv(name);
    return value && *value ? value : NULL;
}

static const char *member(json_object *entry, const char *key, const char *otherwise)
{
    const char *value = NULL;
    return json_find_string(entry, key, &value) > 0 ? value : otherwise;
}

/* ---- telling ---- */

static void print_lease(json_object *entry)
{
    const char *ip = member(entry, "ip-address", NULL), *mac = member(entry, "mac-address", "00:00:00:00:00:00");
    const char *client = member(entry, "client-id", "*"), *host = member(entry, "hostname", "*");
    guint64 expiry = 0;
    if (!ip)
        return;
    json_find_uint(entry, "expiry-time", &expiry);
    printf("%" G_GUINT64_FORMAT " %s %s %s %s\n", expiry, strchr(ip, ':') ? member(entry, "iaid", "0") : mac, ip, host, client);
}

/* In the form of dnsmasq's own file: IPv4 first, then the server's identifier and IPv6. */
static int tell(json_object *leases)
{
    const char *duid = NULL;
    for (int v6 = 0; v6 < 2; v6++) {
        for (size_t i = 0; i < json_object_array_length(leases); i++) {
            json_object *entry = json_object_array_get_idx(leases, i);
            const char *ip = member(entry, "ip-address", ""), *own = member(entry, "server-duid", NULL);
            if ((strchr(ip, ':') != NULL) != v6)
                continue;
            if (v6 && !duid && own)
                printf("duid %s\n", duid = own);
            print_lease(entry);
        }
    }
    return fflush(stdout) == 0 ? 0 : FAIL(VIR_ERR_SYSTEM_ERROR, "cannot tell the leases");
}

/* ---- changing ---- */

static json_object *without(json_object *leases, const char *ip)
{
    json_object *kept = json_object_new_array();
    for (size_t i = 0; i < json_object_array_length(leases); i++) {
        json_object *entry = json_object_array_get_idx(leases, i);
        if (strcmp(member(entry, "ip-address", ip), ip) != 0)
            json_object_array_add(kept, json_object_get(entry));
    }
    return kept;
}

static json_object *lease_of(const char *id, const char *ip, const char *name)
{
    bool v6 = strchr(ip, ':') != NULL;
    const char *expires = environment("DNSMASQ_LEASE_EXPIRES"), *mac = v6 ? environment("DNSMASQ_MAC") : id;
    json_object *lease = json_make(JSON_STR("iaid", environment("DNSMASQ_IAID")), JSON_STR("ip-address", ip),
                                   JSON_STR("mac-address", mac), JSON_STR("hostname", name),
                                   JSON_STR("client-id", v6 ? id : environment("DNSMASQ_CLIENT_ID")),
                                   JSON_STR("server-duid", v6 ? environment("DNSMASQ_SERVER_DUID") : NULL));
    if (expires)
        json_add(lease, JSON_UINT("expiry-time", g_ascii_strtoull(expires, NULL, 10)));
    return lease;
}

static int change(const char *path, json_object *leases, int argc, char **argv)
{
    const char *name = argc > 4 ? argv[4] : environment("DNSMASQ_SUPPLIED_HOSTNAME");
    g_autoptr(json_object) kept = without(leases, argv[3]);
    if (strcmp(argv[1], "del") != 0)
        json_object_array_add(kept, lease_of(argv[2], argv[3], name));
    const char *text = json_object_to_json_string_ext(kept, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_NOSLASHESCAPE);
    return file_replace(path, text, strlen(text), 0644, FILE_OWNER_KEEP, FILE_GROUP_KEEP);
}

int main(int argc, char **argv)
{
    const char *folder = environment(LEASES_DIR_VARIABLE), *bridge = environment(LEASES_BRIDGE_VARIABLE);
    bool init = argc > 1 && strcmp(argv[1], "init") == 0;
    if (argc < 2 || !bridge || !folder) {
        fprintf(stderr, "This program is run by dnsmasq for libvirtd, with " LEASES_BRIDGE_VARIABLE " and " LEASES_DIR_VARIABLE " set.\n");
        return EXIT_FAILURE;
    }
    /* what else dnsmasq tells (of routers, TFTP …) is no lease */
    if (!init && (argc < 4 || (strcmp(argv[1], "add") && strcmp(argv[1], "old") && strcmp(argv[1], "del"))))
        return EXIT_SUCCESS;
    g_autofree char *path = leases_file(folder, bridge);
    g_autoptr(json_object) leases = leases_load(path);
    if (!leases && !init) { /* better to know of this lease than of none */
        fprintf(stderr, "%s\n", error_message());
        leases = json_object_new_array();
    }
    int rc = !leases ? -1 : init ? tell(leases) : change(path, leases, argc, argv);
    if (rc < 0)
        fprintf(stderr, "%s\n", error_message());
    return rc < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
