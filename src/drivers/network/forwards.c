/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERROR_DOMAIN VIR_FROM_NETWORK
#define LOG_SOURCE "network.forwards"
#include "drivers/network/forwards.h"
#include <errno.h>
#include <libxml/parser.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>
#include "base/error.h"
#include "base/ip.h"
#include "base/log.h"
#include "base/mac.h"
#include "core/metadata.h"
#include "firewall/firewall.h"
#include "drivers/network/iptables.h"
#include "drivers/network/leases.h"
#include "drivers/network/rules.h"

/* Most forwards of a network. */
#define FORWARDS_MAX 4096

typedef struct Forward {
    const char *protocol;
    guint port, to;
    char *address, *guest, *ip;
    bool has_mac;
    guint8 mac[6];
} Forward;

static void forward_free(void *opaque)
{
    Forward *f = opaque;
    g_free(f->address);
    g_free(f->guest);
    g_free(f->ip);
    g_free(f);
}

bool forwards_exist(const NetworkDef *net)
{
    return net->metadata && strstr(net->metadata, FORWARDS_NAMESPACE);
}

/* ---- the document ---- */

static char *attribute(xmlNode *node, const char *name)
{
    xmlChar *value = xmlGetProp(node, BAD_CAST name);
    char *copy = value ? g_strdup((const char *) value) : NULL;
    xmlFree(value);
    return copy;
}

static int bad(const NetworkDef *net, const char *name, const char *value)
{
    return FAIL(VIR_ERR_XML_ERROR, "network '%s': '%s' can't be the %s of a <forward> (" FORWARDS_NAMESPACE ")", net->name,
                value ? value : "", name);
}

static int read_port(const NetworkDef *net, xmlNode *node, const char *name, guint missing, guint *port)
{
    g_autofree char *text = attribute(node, name);
    guint64 value = missing;
    if ((text && !g_ascii_string_to_unsigned(text, 10, 1, 65535, &value, NULL)) || !value)
        return bad(net, name, text);
    *port = (guint) value;
    return 0;
}

static int read_address(const NetworkDef *net, xmlNode *node, const char *name, char **address)
{
    IpAddress ip;
    char text[IP_TEXT_SIZE];
    g_autofree char *value = attribute(node, name);
    if (value && (!ip_parse(value, &ip) || ip_is_v6(&ip)))
        return bad(net, name, value);
    *address = value ? g_strdup(ip_format(&ip, text)) : NULL;
    return 0;
}

static int read_mac(const NetworkDef *net, xmlNode *node, Forward *f)
{
    g_autofree char *text = attribute(node, "mac");
    if (!text)
        return 0;
    if (!mac_parse(text, f->mac))
        return bad(net, "mac", text);
    f->has_mac = true;
    return 0;
}

static int read_forward(const NetworkDef *net, xmlNode *node, GPtrArray *found)
{
    Forward *f = g_new0(Forward, 1);
    g_autofree char *protocol = attribute(node, "protocol");
    g_ptr_array_add(found, f);
    f->protocol = !protocol || strcmp(protocol, "tcp") == 0 ? "tcp" : strcmp(protocol, "udp") == 0 ? "udp" : NULL;
    f->guest = attribute(node, "guest");
    if (!f->protocol)
        return bad(net, "protocol", protocol);
    if (read_port(net, node, "port", 0, &f->port) < 0 || read_port(net, node, "to", f->port, &f->to) < 0 ||
        read_address(net, node, "address", &f->address) < 0 || read_address(net, node, "ip", &f->ip) < 0 || read_mac(net, node, f) < 0)
        return -1;
    if (!f->ip + !f->guest + !f->has_mac != 2)
        return FAIL(VIR_ERR_XML_ERROR, "network '%s': a <forward> (" FORWARDS_NAMESPACE ") needs either guest='NAME' or mac='…' or ip='…'",
                    net->name);
    return 0;
}

static int read_all(const NetworkDef *net, xmlNode *root, GPtrArray *found)
{
    for (xmlNode *node = root->children; node; node = node->next) {
        if (node->type != XML_ELEMENT_NODE || strcmp((const char *) node->name, "forward") != 0)
            continue;
        if (found->len >= FORWARDS_MAX)
            return FAIL(VIR_ERR_XML_ERROR, "network '%s' can't have more than %d forwards", net->name, FORWARDS_MAX);
        if (read_forward(net, node, found) < 0)
            return -1;
    }
    return 0;
}

/* Forward, each; NULL with an error. */
static GPtrArray *read_forwards(const NetworkDef *net)
{
    g_autoptr(GPtrArray) found = g_ptr_array_new_with_free_func(forward_free);
    g_autofree char *text = NULL;
    if (!forwards_exist(net))
        return g_steal_pointer(&found);
    if (metadata_get(&(MetadataTexts) { NULL, NULL, net->metadata }, VIR_DOMAIN_METADATA_ELEMENT, FORWARDS_NAMESPACE, &text,
                     ERROR_DOMAIN) < 0)
        return NULL;
    xmlDoc *doc = text ? xmlReadMemory(text, (int) strlen(text), NULL, NULL, XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING) : NULL;
    int rc = doc && xmlDocGetRootElement(doc) ? read_all(net, xmlDocGetRootElement(doc), found) : 0;
    xmlFreeDoc(doc);
    return rc < 0 ? NULL : g_steal_pointer(&found);
}

int forwards_check(const NetworkDef *net)
{
    g_autoptr(GPtrArray) all = read_forwards(net);
    if (!all)
        return -1;
    if (all->len && iptables_is_used())
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "network '%s': ports are led to guests by nftables only; firewall_backend in network.conf is "
                    "'iptables', or the host has rules of the old iptables", net->name);
    if (all->len && network_def_mode(net) != NETWORK_FORWARD_MODE_NAT && network_def_mode(net) != NETWORK_FORWARD_MODE_ROUTE)
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "network '%s': ports lead to guests of networks with <forward mode='nat'> or 'route' only",
                    net->name);
    return 0;
}

/* ---- the guests ---- */

/* The address that the definition keeps for a hardware address, or the guest has a lease of; caller frees. NULL: none is known. */
static char *address_of_mac(Managed *obj, const NetworkDef *net, const guint8 mac[6])
{
    char text[MAC_TEXT_SIZE];
    virNetworkDHCPLeasePtr *leases = NULL;
    char *found = NULL;
    int n = leases_list(network_node(obj)->lib, net, mac_format(mac, text), &leases);
    for (int i = 0; i < n; i++) {
        if (!found && leases[i]->type == VIR_IP_ADDR_TYPE_IPV4)
            found = g_strdup(leases[i]->ipaddr);
        virNetworkDHCPLeaseFree(leases[i]);
    }
    g_free(leases);
    virResetLastError();
    for (guint i = 0; !found && i < net->n_ips; i++) {
        const NetworkDhcp *dhcp = net->ips[i]->dhcp;
        for (guint k = 0; !found && dhcp && k < dhcp->n_hosts; k++) {
            if (dhcp->hosts[k]->has_mac && memcmp(dhcp->hosts[k]->mac, mac, 6) == 0 && dhcp->hosts[k]->ip && !strchr(dhcp->hosts[k]->ip, ':'))
                found = g_strdup(dhcp->hosts[k]->ip);
        }
    }
    return found;
}

static char *address_of(Managed *obj, const NetworkDef *net, const GPtrArray *ports, const Forward *f)
{
    if (f->ip)
        return g_strdup(f->ip);
    if (f->has_mac)
        return address_of_mac(obj, net, f->mac);
    for (guint i = 0; i < ports->len; i++) {
        const NetworkPortDef *port = definition_get(ports->pdata[i]);
        char *found = strcmp(port->owner.name, f->guest) == 0 ? address_of_mac(obj, net, port->mac) : NULL;
        if (found)
            return found;
    }
    return NULL;
}

/* ---- the rules ---- */

static void add_rules(const NetworkDef *net, const Forward *f, const char *ip, GString *text)
{
    g_autofree char *to = f->address ? g_strdup_printf("ip daddr %s", f->address) : g_strdup("fib daddr type local");
    for (guint i = 0; i < 2; i++)
        rules_add_forward(net->bridge.name, i, text, "meta nfproto ipv4 %s %s dport %u dnat ip to %s:%u", to, f->protocol, f->port, ip, f->to);
}

int forwards_ensure(Managed *obj, const NetworkDef *net)
{
    g_autoptr(GPtrArray) all = read_forwards(net), ports = network_port_definitions(obj);
    g_autoptr(GString) text = g_string_new(NULL);
    g_autofree char *what = g_strdup_printf("lead ports to guests of network '%s'", net->name);
    if (!all)
        return -1;
    if (iptables_is_used())
        return all->len ? forwards_check(net) : 0;
    rules_begin_forwards(net->bridge.name, text);
    for (guint i = 0; i < all->len; i++) {
        g_autofree char *ip = address_of(obj, net, ports, all->pdata[i]);
        if (ip)
            add_rules(net, all->pdata[i], ip, text);
    }
    return firewall_run(text->str, what);
}

/* ---- leases come and go ---- */

struct ForwardsWatch {
    NetworkNode *node;
    int fd;
    LoopWatch *watch;
};

static void follow(NetworkNode *node, Managed *net)
{
    g_auto(ManagedJob) job = { NULL };
    if (managed_job_begin(&job, network_host_table(node->host), net->entry.uuid, NULL, __func__) < 0 || !managed_active(job.state))
        return;
    const NetworkDef *def = definition_get(job.state->live);
    if (network_def_owns_bridge(def) && forwards_exist(def) && forwards_ensure(net, def) < 0)
        LOG_ERROR("network '%s': %s", MANAGED_NAME(net), error_message());
}

static void follow_all(void *opaque)
{
    NetworkNode *node = opaque;
    g_autoptr(GPtrArray) nets = managed_objects(network_host_table(node->host), MANAGED_LIST_ACTIVE, NULL, NULL);
    for (guint i = 0; i < nets->len; i++)
        follow(node, nets->pdata[i]);
    virResetLastError();
}

static void on_lease(LoopWatch *source, int fd, unsigned events, void *opaque)
{
    ForwardsWatch *watch = opaque;
    char buffer[16384] __attribute__((aligned(__alignof__(struct inotify_event))));
    bool changed = false;
    for (ssize_t n; (n = read(fd, buffer, sizeof(buffer))) > 0;) {
        for (ssize_t at = 0; at < n;) {
            const struct inotify_event *event = (const struct inotify_event *) (buffer + at);
            changed |= (event->mask & IN_Q_OVERFLOW) || (event->len && g_str_has_suffix(event->name, ".status"));
            at += (ssize_t) (sizeof(*event) + event->len);
        }
    }
    if (changed)
        pool_submit(watch->node->pool, "forwards", false, follow_all, watch->node);
}

ForwardsWatch *forwards_watch_new(NetworkNode *node)
{
    ForwardsWatch *watch = g_new0(ForwardsWatch, 1);
    watch->node = node;
    watch->fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (watch->fd < 0 || inotify_add_watch(watch->fd, node->lib, IN_MOVED_TO | IN_CLOSE_WRITE) < 0) {
        error_report_errno(ERROR_DOMAIN, errno, "cannot watch the leases in '%s'", node->lib);
        forwards_watch_free(watch);
        return NULL;
    }
    watch->watch = loop_watch_add(node->loop, watch->fd, LOOP_IN, on_lease, watch, NULL);
    if (watch->watch)
        return watch;
    forwards_watch_free(watch);
    return NULL;
}

void forwards_watch_free(ForwardsWatch *watch)
{
    if (!watch)
        return;
    loop_watch_remove(watch->watch);
    if (watch->fd >= 0)
        close(watch->fd);
    g_free(watch);
}
