/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Up and down: through the host's own manager where that is there, else by ourselves. What the host was before is noted down
 * first, so that a start or a stop that fails, or is cut short, is taken back.
 */
#define ERROR_DOMAIN VIR_FROM_INTERFACE
#define LOG_SOURCE "interface.activate"
#include <linux/rtnetlink.h>
#include <string.h>
#include <unistd.h>
#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "base/process.h"
#include "base/threadpool.h"
#include "drivers/interface/interface_driver.h"

#define NOTE "under-way.json"
#define MANAGER_MS 90000
#define APPEAR_MS 10000
#define MAX_OUTPUT 65536
#define COMMANDS_MAX 3
#define WORDS_MAX 5

/* ---- the host's manager ---- */

/* How a style's manager is called: its program, what must be there while it runs, and commands in which NAME is the interface and ID
 * what our file calls it; @theirs: in place of @up where the definition isn't ours, if that differs. It is used only where the host
 * has it. */
typedef struct Manager {
    const HostStyle *style;
    const char *program, *sign;
    const char *reload[WORDS_MAX], *up[COMMANDS_MAX][WORDS_MAX], *down[COMMANDS_MAX][WORDS_MAX], *theirs[COMMANDS_MAX][WORDS_MAX];
} Manager;

static const Manager managers[] = {
    { &style_ifupdown, "/usr/sbin/ifup", "/usr/sbin/ifup", { NULL }, { { "ifup", "NAME" } }, { { "ifdown", "NAME" } } },
    { &style_networkd, "/usr/bin/networkctl", "/run/systemd/netif/state", { "networkctl", "reload" },
      { { "networkctl", "reload" }, { "networkctl", "up", "NAME" }, { "networkctl", "reconfigure", "NAME" } },
      { { "networkctl", "down", "NAME" } } },
    { &style_keyfile, "/usr/bin/nmcli", "/run/NetworkManager", { "nmcli", "connection", "reload" },
      { { "nmcli", "connection", "reload" }, { "nmcli", "connection", "up", "id", "ID" } },
      { { "nmcli", "device", "disconnect", "NAME" } }, { { "nmcli", "device", "connect", "NAME" } } },
    { &style_netplan, "/usr/sbin/netplan", "/run/systemd/system", { NULL }, { { "netplan", "apply" } }, { { NULL } } },
};

static gboolean is_there(const InterfaceNode *node, const char *path)
{
    g_autofree char *full = g_strconcat(node->root, path, NULL);
    return access(full, F_OK) == 0;
}

static const Manager *manager_of(const InterfaceNode *node)
{
    const HostStyle *style = host_style(node->root);
    for (guint i = 0; i < G_N_ELEMENTS(managers); i++) {
        if (managers[i].style == style && is_there(node, managers[i].program) && is_there(node, managers[i].sign))
            return &managers[i];
    }
    return NULL;
}

static int run(const InterfaceNode *node, const Manager *manager, const char *const *words, const char *name)
{
    const char *argv[WORDS_MAX + 1] = { NULL };
    g_autofree char *folder = g_path_get_dirname(manager->program);
    g_autofree char *program = g_strconcat(node->root, folder, "/", words[0], NULL);
    g_autofree char *id = g_strconcat("libvirt-", name, NULL);
    g_auto(ProcessOutput) output = { 0 };
    ProcessSpec spec = PROCESS_SPEC_INIT;
    argv[0] = program;
    for (guint i = 1; i < WORDS_MAX && words[i]; i++)
        argv[i] = strcmp(words[i], "NAME") == 0 ? name : strcmp(words[i], "ID") == 0 ? id : words[i];
    spec.argv = argv;
    spec.die_with_parent = true;
    return process_run_checked(&spec, NULL, 0, MAX_OUTPUT, MANAGER_MS, &output);
}

static int run_all(const InterfaceNode *node, const Manager *manager, const char *const (*commands)[WORDS_MAX], const char *name)
{
    for (guint i = 0; i < COMMANDS_MAX && commands[i][0]; i++) {
        if (run(node, manager, commands[i], name) < 0)
            return -1;
    }
    return 0;
}

/* Whether the file that our definition of an interface would be in is there. */
static gboolean is_ours(const InterfaceNode *node, const HostStyle *style, const char *name)
{
    g_autofree char *file = style_file_name(style->prefix, name, style->suffixes[0]);
    g_autofree char *path = g_build_filename(style->folders[0], file, NULL);
    return is_there(node, path);
}

static int up_by_manager(const InterfaceNode *node, const Manager *manager, const char *name)
{
    gboolean theirs = manager->theirs[0][0] && !is_ours(node, manager->style, name);
    return run_all(node, manager, theirs ? manager->theirs : manager->up, name);
}

void activate_tell(const InterfaceNode *node, GHashTable *names, gboolean up, const NetlinkSaved *was)
{
    const Manager *manager = manager_of(node);
    g_autoptr(GPtrArray) entries = manager ? host_files_read(node->root) : NULL;
    for (guint i = 0; entries && i < entries->len; i++) {
        const char *name = ((StyleEntry *) entries->pdata[i])->def->name;
        if (!g_hash_table_contains(names, name) || !(up ? netlink_saved_was_up(was, name) : netlink_index(name) != 0))
            continue;
        if ((up ? up_by_manager(node, manager, name) : run_all(node, manager, manager->down, name)) < 0)
            LOG_WARN("interface '%s': %s", name, error_message());
    }
    virResetLastError();
}

int activate_reload(const InterfaceNode *node)
{
    const Manager *manager = manager_of(node);
    return manager && manager->reload[0] ? run(node, manager, manager->reload, "") : 0;
}

/* Some managers answer before it is done. */
static int wait_until_up(const char *name)
{
    gint64 until = g_get_monotonic_time() + APPEAR_MS * G_GINT64_CONSTANT(1000);
    NetlinkWatch *watch = netlink_watch_new();
    g_autoptr(Netlink) nl = netlink_open();
    gboolean up = FALSE;
    while (watch && nl && !up) {
        NetlinkLink link;
        guint32 index = netlink_index(name);
        netlink_watch_changed(watch);
        up = index && netlink_link(nl, index, &link) == 0 && live_is_up(&link);
        gint64 left_ms = (until - g_get_monotonic_time()) / 1000;
        if (up || left_ms <= 0)
            break;
        pool_blocking_begin();
        netlink_watch_wait(watch, (int) left_ms);
        pool_blocking_end();
    }
    netlink_watch_free(watch);
    virResetLastError();
    return up ? 0 : FAIL(VIR_ERR_OPERATION_FAILED, "the host's manager said that it has started interface '%s', but it is not up", name);
}

/* ---- by ourselves ---- */

static int want_index(const char *name, guint32 *index)
{
    *index = netlink_index(name);
    return *index ? 0 : FAIL(VIR_ERR_OPERATION_FAILED, "the host has no network device '%s' ('ip link' lists those that there are)", name);
}

static int set_up(Netlink *nl, guint32 index, bool up)
{
    return netlink_change(nl, index, &(NetlinkChange) { .up = &up });
}

/* All but those that the kernel itself gives. */
static int drop_addresses(Netlink *nl, guint32 index)
{
    g_autoptr(GArray) all = netlink_addresses(nl);
    for (guint i = 0; all && i < all->len; i++) {
        const NetlinkAddress *address = &g_array_index(all, NetlinkAddress, i);
        if (address->index == index && !(ip_is_v6(&address->ip) && address->scope == RT_SCOPE_LINK) &&
            netlink_address_remove(nl, index, &address->ip, address->prefix) < 0)
            return -1;
    }
    return all ? 0 : -1;
}

static int add_addresses(Netlink *nl, guint32 index, const HostInterfaceDef *def)
{
    for (guint i = 0; i < def->n_protocols; i++) {
        const HostInterfaceProtocol *protocol = def->protocols[i];
        NetlinkRoute route = { .index = index };
        IpAddress ip;
        for (guint j = 0; j < protocol->n_ips; j++) {
            if (ip_parse(protocol->ips[j]->address, &ip) && netlink_address_add(nl, index, &ip, protocol->ips[j]->prefix) < 0)
                return -1;
        }
        if (protocol->gateway && ip_parse(protocol->gateway, &route.gateway) && netlink_route_add(nl, &route) < 0)
            return -1;
    }
    return 0;
}

static int put_into(Netlink *nl, const char *name, guint32 master, gboolean down_first)
{
    guint32 index;
    if (want_index(name, &index) < 0 || drop_addresses(nl, index) < 0 || (down_first && set_up(nl, index, false) < 0))
        return -1;
    return netlink_change(nl, index, &(NetlinkChange) { .master = &master }) < 0 ? -1 : set_up(nl, index, true);
}

static int make_bond(Netlink *nl, const char *name, const HostBond *bond, guint32 *index)
{
    NetlinkOptions options = { .mode = bond->mode ? (guint8) (bond->mode - 1) : 0, .use_carrier = true };
    if (bond->miimon) {
        options.miimon = bond->miimon->freq;
        options.updelay = bond->miimon->updelay;
        options.downdelay = bond->miimon->downdelay;
        options.use_carrier = bond->miimon->carrier != HOST_BOND_CARRIER_IOCTL;
    } else if (bond->arpmon && ip_parse(bond->arpmon->target, &options.arp_target)) {
        options.arp_interval = bond->arpmon->interval;
        options.arp_validate = bond->arpmon->validate;
    }
    *index = netlink_index(name);
    if (!*index && !(*index = netlink_bond_new(nl, name, &options)))
        return -1;
    for (guint i = 0; i < bond->n_interfaces; i++) {
        if (put_into(nl, bond->interfaces[i]->name, *index, TRUE) < 0)
            return -1;
    }
    return 0;
}

static int make_vlan(Netlink *nl, const char *name, const HostVlan *vlan, guint32 *index)
{
    guint32 parent;
    *index = netlink_index(name);
    if (*index)
        return 0;
    if (want_index(vlan->interface->name, &parent) < 0 || set_up(nl, parent, true) < 0)
        return -1;
    return (*index = netlink_vlan_new(nl, name, parent, (guint16) vlan->tag)) ? 0 : -1;
}

static int make_bridge(Netlink *nl, const HostInterfaceDef *def, guint32 *index)
{
    const HostBridge *bridge = def->bridge;
    double seconds = bridge->delay ? g_ascii_strtod(bridge->delay, NULL) : 0;
    const NetlinkBridge options = { .mac = def->has_mac ? def->mac : NULL, .mtu = 0, .stp = bridge->stp == TRISTATE_YES,
                                    .delay_ms = (guint) (CLAMP(seconds, 0, 1e6) * 1000) };
    *index = netlink_index(def->name);
    if (*index ? netlink_bridge_set(nl, *index, &options) < 0 : !(*index = netlink_bridge_new(nl, def->name, &options)))
        return -1;
    for (guint i = 0; i < bridge->n_interfaces; i++) {
        const HostBridgePort *port = bridge->interfaces[i];
        guint32 made;
        if ((port->bond && make_bond(nl, port->name, port->bond, &made) < 0) ||
            (port->vlan && make_vlan(nl, port->name, port->vlan, &made) < 0) || put_into(nl, port->name, *index, FALSE) < 0)
            return -1;
    }
    return 0;
}

static int up_by_ourselves(Netlink *nl, const HostInterfaceDef *def)
{
    guint32 index = 0;
    for (guint i = 0; i < def->n_protocols; i++) {
        if (def->protocols[i]->dhcp)
            return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "interface '%s' is to ask a server for its addresses, which the host's manager must do: "
                        "install ifupdown, systemd-networkd, NetworkManager or netplan", def->name);
    }
    int rc = def->bridge ? make_bridge(nl, def, &index) : def->bond ? make_bond(nl, def->name, def->bond, &index)
        : def->vlan ? make_vlan(nl, def->name, def->vlan, &index) : want_index(def->name, &index);
    if (rc < 0)
        return -1;
    const NetlinkChange change = { .mac = def->has_mac && !def->bridge ? def->mac : NULL, .mtu = def->mtu };
    return ((change.mac || change.mtu) && netlink_change(nl, index, &change) < 0) || set_up(nl, index, true) < 0 ||
        add_addresses(nl, index, def) < 0 ? -1 : 0;
}

static int release(Netlink *nl, const char *name)
{
    guint32 index = netlink_index(name), none = 0;
    if (!index)
        return 0;
    return netlink_change(nl, index, &(NetlinkChange) { .master = &none }) < 0 ? -1 : set_up(nl, index, false);
}

static int end_bond(Netlink *nl, const char *name, const HostBond *bond)
{
    for (guint i = 0; i < bond->n_interfaces; i++) {
        if (release(nl, bond->interfaces[i]->name) < 0)
            return -1;
    }
    return netlink_delete(nl, netlink_index(name));
}

static int end_bridge(Netlink *nl, const HostInterfaceDef *def)
{
    for (guint i = 0; i < def->bridge->n_interfaces; i++) {
        const HostBridgePort *port = def->bridge->interfaces[i];
        if (release(nl, port->name) < 0 || (port->bond && end_bond(nl, port->name, port->bond) < 0) ||
            (port->vlan && netlink_delete(nl, netlink_index(port->name)) < 0))
            return -1;
    }
    return netlink_delete(nl, netlink_index(def->name));
}

/* Addresses of a device that no file could give it again stay. */
static int down_by_ourselves(Netlink *nl, const HostInterfaceDef *def, gboolean defined)
{
    guint32 index = netlink_index(def->name);
    if (!index)
        return 0;
    if (!defined)
        return def->type == HOST_INTERFACE_TYPE_ETHERNET ? set_up(nl, index, false) : netlink_delete(nl, index);
    if (def->bridge)
        return end_bridge(nl, def);
    if (def->bond)
        return end_bond(nl, def->name, def->bond);
    return def->vlan ? netlink_delete(nl, index) : drop_addresses(nl, index) < 0 ? -1 : set_up(nl, index, false);
}

/* ---- with a note of what was ---- */

static char *note_path(const InterfaceNode *node) { return g_build_filename(node->state, NOTE, NULL); }

/* Note down what the host is, as far as @def is about it. NULL with an error. */
static SavedHost *note(const InterfaceNode *node, Netlink *nl, const HostInterfaceDef *def)
{
    g_autoptr(SavedHost) saved = saved_host_new();
    g_autofree char *path = note_path(node);
    saved->network = netlink_saved_new(nl);
    saved_host_add_touched(saved->names, def);
    return saved->network && saved_host_write(saved, path, FALSE) == 0 ? g_steal_pointer(&saved) : NULL;
}

static void take_back(Netlink *nl, const SavedHost *saved)
{
    virErrorPtr error = error_save();
    if (netlink_saved_restore(nl, saved->network, saved->names) < 0)
        LOG_ERROR("the host's network is not what it was: %s", error_message());
    error_restore(error);
}

static void forget_note(const InterfaceNode *node)
{
    g_autofree char *path = note_path(node);
    unlink(path);
}

int activate_up(InterfaceNode *node, const HostInterfaceDef *def)
{
    const Manager *manager = manager_of(node);
    g_autoptr(Netlink) nl = netlink_open();
    g_autoptr(SavedHost) saved = nl ? note(node, nl, def) : NULL;
    if (!saved)
        return -1;
    int rc = manager ? up_by_manager(node, manager, def->name) : up_by_ourselves(nl, def);
    if (rc == 0 && manager)
        rc = wait_until_up(def->name);
    if (rc < 0)
        take_back(nl, saved);
    forget_note(node);
    return rc;
}

int activate_down(InterfaceNode *node, const HostInterfaceDef *def, gboolean defined)
{
    const Manager *manager = defined ? manager_of(node) : NULL;
    g_autoptr(Netlink) nl = netlink_open();
    g_autoptr(SavedHost) saved = nl ? note(node, nl, def) : NULL;
    if (!saved)
        return -1;
    int rc = manager ? run_all(node, manager, manager->down, def->name) : 0;
    if (rc == 0) /* what the manager has left */
        rc = down_by_ourselves(nl, def, defined);
    if (rc < 0)
        take_back(nl, saved);
    forget_note(node);
    return rc;
}

void activate_mend(InterfaceNode *node)
{
    g_autofree char *path = note_path(node);
    gboolean failed;
    g_autoptr(SavedHost) saved = saved_host_read(path, &failed);
    g_autoptr(Netlink) nl = saved && saved->network ? netlink_open() : NULL;
    if (nl) {
        LOG_INFO("an interface was being started or stopped when the daemon ended: that is taken back");
        take_back(nl, saved);
    } else if (failed) {
        LOG_WARN("%s", error_message());
    }
    if (saved || failed)
        forget_note(node);
    virResetLastError();
}
