/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Which guest has which hardware addresses on a network, in LIB/BRIDGE.macs: a JSON array of objects with "domain" and the array "macs".
 * Nothing here reads it: it is for nss_libvirt_guest, which finds a guest's address by the guest's name.
 */
#define ERROR_DOMAIN VIR_FROM_NETWORK
#define LOG_SOURCE "network.macs"
#include <errno.h>
#include <string.h>
#include <unistd.h>
#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mac.h"
#include "drivers/network/network_driver.h"

static char *file_of(const NetworkNode *node, const NetworkDef *net)
{
    return g_strdup_printf("%s/%s.macs", node->lib, net->bridge.name);
}

static json_object *guest_in(json_object *all, GHashTable *guests, const char *name)
{
    json_object *macs = g_hash_table_lookup(guests, name);
    if (macs)
        return macs;
    macs = json_object_new_array();
    json_object_array_add(all, json_make(JSON_STR("domain", name), JSON_VALUE("macs", macs)));
    g_hash_table_insert(guests, (gpointer) name, macs);
    return macs;
}

/* NULL: there are none. */
static json_object *list(const GPtrArray *ports, const NetworkPortDef *but)
{
    g_autoptr(GHashTable) guests = g_hash_table_new(g_str_hash, g_str_equal);
    g_autoptr(json_object) all = json_object_new_array();
    for (guint i = 0; i < ports->len; i++) {
        const NetworkPortDef *port = definition_get(ports->pdata[i]);
        char text[MAC_TEXT_SIZE];
        if (but && memcmp(port->uuid, but->uuid, sizeof(port->uuid)) == 0)
            continue;
        json_object_array_add(guest_in(all, guests, port->owner.name), json_object_new_string(mac_format(port->mac, text)));
    }
    return g_hash_table_size(guests) ? g_steal_pointer(&all) : NULL;
}

int macs_note(Managed *obj, const NetworkDef *net, const NetworkPortDef *but)
{
    g_autofree char *path = file_of(network_node(obj), net);
    g_autoptr(GPtrArray) ports = network_port_definitions(obj);
    g_autoptr(json_object) all = list(ports, but);
    if (!all) {
        macs_forget(network_node(obj), net);
        return 0;
    }
    const char *text = json_object_to_json_string_ext(all, JSON_C_TO_STRING_PRETTY);
    return file_replace_quickly(path, text, strlen(text), 0644);
}

void macs_forget(const NetworkNode *node, const NetworkDef *net)
{
    g_autofree char *path = file_of(node, net);
    if (unlink(path) < 0 && errno != ENOENT)
        LOG_WARN("cannot remove '%s': %s", path, g_strerror(errno));
}
