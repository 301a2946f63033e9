/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERROR_DOMAIN VIR_FROM_QEMU
#define LOG_SOURCE "qemu.rx_filter"
#include "drivers/qemu/rx_filter.h"
#include <string.h>
#include "base/error.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mac.h"
#include "base/netlink.h"
#include "domain/host.h"
#include "drivers/qemu/backend.h"
#include "drivers/qemu/json_lines.h"

/* More multicast addresses than QEMU keeps of a card. */
#define MAX_MULTICAST 256

static gboolean has_mac(const GArray *macs, const guint8 mac[6])
{
    for (guint i = 0; i < macs->len; i++) {
        if (memcmp(macs->data + 6 * i, mac, 6) == 0)
            return TRUE;
    }
    return FALSE;
}

/* The addresses that the guest listens to; what isn't one is left out. */
static GArray *wanted_multicast(json_object *filter)
{
    GArray *macs = g_array_new(FALSE, FALSE, 6);
    json_object *table = json_member(filter, "multicast-table", json_type_array);

    for (size_t i = 0; table && i < json_object_array_length(table) && macs->len < MAX_MULTICAST; i++) {
        guint8 mac[6];

        if (mac_parse(json_object_get_string(json_object_array_get_idx(table, i)), mac) && mac[0] & 1)
            g_array_append_vals(macs, mac, 1);
    }
    return macs;
}

static int follow_multicast(const char *device, json_object *filter)
{
    g_autoptr(GArray) wanted = wanted_multicast(filter), there = netlink_multicast(device);

    if (!there)
        return -1;
    for (guint i = 0; i < there->len; i++) {
        const guint8 *mac = (const guint8 *)there->data + 6 * i;

        if (!has_mac(wanted, mac) && netlink_multicast_change(device, mac, FALSE) < 0)
            return -1;
    }
    for (guint i = 0; i < wanted->len; i++) {
        const guint8 *mac = (const guint8 *)wanted->data + 6 * i;

        if (!has_mac(there, mac) && netlink_multicast_change(device, mac, TRUE) < 0)
            return -1;
    }
    return 0;
}

static void tell_change(Guest *guest, const char *alias, const guint8 *old, const guint8 *now)
{
    char was[MAC_TEXT_SIZE], is[MAC_TEXT_SIZE];

    mac_format(old, was);
    mac_format(now, is);
    LOG_INFO("domain '%s': the guest has changed the hardware address of '%s' from %s to %s", guest->name, alias, was, is);
    guest_upcall_nic_mac_change(guest, alias, was, is);
}

static int follow(Guest *guest, const char *alias, const char *device, json_object *filter)
{
    const char *multicast = json_member_string(filter, "multicast");
    bool all = g_strcmp0(multicast, "all") == 0 || json_member_bool(filter, "multicast-overflow", FALSE);
    bool promisc = json_member_bool(filter, "promiscuous", FALSE) || json_member_bool(filter, "unicast-overflow", FALSE);
    NetlinkChange change = { .all_multicast = &all, .promiscuous = &promisc };
    g_autoptr(Netlink) nl = netlink_open();
    guint32 index = netlink_index(device);
    NetlinkLink link;
    guint8 mac[6];

    if (!nl || netlink_link(nl, index, &link) < 0)
        return -1;
    if (mac_parse(json_member_string(filter, "main-mac"), mac) && !(mac[0] & 1) && memcmp(mac, link.mac, sizeof(mac)) != 0)
        change.mac = mac;
    if (netlink_change(nl, index, &change) < 0)
        return -1;
    if (change.mac)
        tell_change(guest, alias, link.mac, mac);
    return follow_multicast(device, filter);
}

static const DomainInterface *find(const DomainDef *def, const char *alias)
{
    for (guint i = 0; i < def->devices.n_interfaces; i++) {
        if (g_strcmp0(def->devices.interfaces[i]->info.alias, alias) == 0)
            return def->devices.interfaces[i];
    }
    return NULL;
}

static gboolean is_trusted(const DomainInterface *net)
{
    return net->trust_guest_rx_filters == TRISTATE_YES && net->target.dev &&
        (net->source.type == DOMAIN_INTERFACE_TYPE_DIRECT || (net->actual && net->actual->type == DOMAIN_INTERFACE_TYPE_DIRECT));
}

typedef struct Change {
    Guest *guest;            /* reference */
    char *alias;
} Change;

int qemu_guest_rx_filter_follow(Guest *guest, const DomainInterface *net)
{
    g_autoptr(json_object) answer = NULL;
    json_object *first;

    if (!is_trusted(net))
        return 0;
    if (qemu_guest_call(guest, "query-rx-filter", json_make(JSON_STR("name", net->info.alias)), &answer) < 0)
        return -1;
    first = json_object_is_type(answer, json_type_array) ? json_object_array_get_idx(answer, 0) : NULL;
    return json_object_is_type(first, json_type_object) ? follow(guest, net->info.alias, net->target.dev, first) : 0;
}

static void on_worker(void *opaque)
{
    Change *c = opaque;
    g_autoptr(DomainState) now = domain_state(c->guest->dom);
    const DomainDef *live = now->guest == c->guest && now->live ? shared_def_get(now->live) : NULL;
    const DomainInterface *net = live ? find(live, c->alias) : NULL;

    if (net && qemu_guest_rx_filter_follow(c->guest, net) < 0)
        LOG_WARN("domain '%s': interface '%s' doesn't follow what the guest receives: %s", c->guest->name, c->alias, error_message());
    virResetLastError();
    guest_unref(c->guest);
    g_free(c->alias);
    g_free(c);
}

void qemu_guest_rx_filter_changed(Guest *guest, const char *alias)
{
    Change *c = g_new0(Change, 1);

    *c = (Change){ guest_ref(guest), g_strdup(alias) };
    host_run(guest->host, guest->dom, on_worker, c);
}

void qemu_guest_rx_filters_follow(Guest *guest, const DomainDef *def)
{
    for (guint i = 0; i < def->devices.n_interfaces; i++) {
        if (is_trusted(def->devices.interfaces[i]))
            qemu_guest_rx_filter_changed(guest, def->devices.interfaces[i]->info.alias);
    }
}
