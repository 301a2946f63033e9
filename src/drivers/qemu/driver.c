/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The QEMU driver: started once by the process that owns the guests (the daemon, or a program with qemu:///embed), and opened
 * by connections to qemu:///system, qemu:///session or qemu:///embed. Domains are served by the domain core; what
 * concerns the host is here.
 */
#define ERROR_DOMAIN VIR_FROM_QEMU
#define LOG_SOURCE "qemu.driver"
#include <string.h>
#include "base/error.h"
#include "base/log.h"
#include "base/netlink.h"
#include "base/threadpool.h"
#include "core/driver.h"
#include "core/node.h"
#include "core/host/host.h"
#include "domain/connect.h"
#include "domain/functions.h"
#include "domain/host.h"
#include "drivers/qemu/backend.h"
#include "drivers/qemu/caps_xml.h"
#include "drivers/qemu/driver.h"
#include "drivers/qemu/hostdevs.h"
#include "drivers/qemu/owners.h"
#include "drivers/qemu/security.h"
#include "drivers/qemu/tap.h"
#include "network/limits.h"
#include "network/plug.h"
#include "nwfilter/plug.h"

/* Longest wait for calls under way when the driver stops. */
#define DRAIN_MS 20000

/* Called by driver_module_load(). */
void qemu_driver_register(void);

static struct {
    QemuDriver *driver;
    DomainHost *host;
    gboolean privileged;
    gboolean embedded;
    Pool *pool;
    char *root;              /* the daemon's */
} state;

QemuDriver *qemu_driver_of(virConnectPtr conn)
{
    return host_priv(connect_host(conn));
}

/* Whether a list of files is that of a guest that runs, or is being taken over. */
static bool guest_lives(const char *name, void *unused)
{
    g_autoptr(DomainObj) dom = store_by_name(host_domains(state.host), name);
    g_autoptr(DomainState) now = dom ? domain_state(dom) : NULL;

    return now && now->guest;
}

/* The same by its UUID. */
static gboolean run_lives(const unsigned char *uuid)
{
    g_autoptr(DomainObj) dom = store_by_uuid(host_domains(state.host), uuid);
    g_autoptr(DomainState) now = dom ? domain_state(dom) : NULL;

    return now && now->guest;
}

/* Whether a port of a network is one of a guest that runs. */
static gboolean port_lives(const guint8 uuid[16], const guint8 mac[6], void *unused)
{
    g_autoptr(DomainObj) dom = store_by_uuid(host_domains(state.host), uuid);
    g_autoptr(DomainState) now = dom ? domain_state(dom) : NULL;
    const DomainDef *live = now && now->live ? shared_def_get(now->live) : NULL;

    for (guint i = 0; live && i < live->devices.n_interfaces; i++) {
        if (memcmp(live->devices.interfaces[i]->mac, mac, 6) == 0)
            return TRUE;
    }
    return FALSE;
}

/* Whether a filter's device is one of a guest that runs, or one of somebody else's. */
static gboolean filter_lives(const guint8 uuid[16], const char *portdev, void *unused)
{
    g_autoptr(DomainObj) dom = store_by_uuid(host_domains(state.host), uuid);
    g_autoptr(DomainState) now = dom ? domain_state(dom) : NULL;
    const DomainDef *live = now && now->live ? shared_def_get(now->live) : NULL;

    if (!dom)
        return netlink_index(portdev) != 0;
    for (guint i = 0; live && i < live->devices.n_interfaces; i++) {
        if (g_strcmp0(live->devices.interfaces[i]->target.dev, portdev) == 0)
            return TRUE;
    }
    return FALSE;
}

/* What passes for guests of a former daemon is what their definitions say, whatever became of the notes about it. */
static void settle_filters(void)
{
    g_autoptr(GPtrArray) domains = store_list(host_domains(state.host), NULL, NULL);

    nwfilter_sweep(filter_lives, NULL);
    for (guint i = 0; i < domains->len; i++) {
        g_autoptr(DomainState) now = domain_state(domains->pdata[i]);
        const DomainDef *live = now->guest && now->live ? shared_def_get(now->live) : NULL;

        for (guint k = 0; live && k < live->devices.n_interfaces; k++) {
            const DomainInterface *net = live->devices.interfaces[k];

            if (net->filterref && net->target.dev && qemu_interface_needs_tap(net))
                nwfilter_settle(net, now->name, live->uuid);
        }
    }
}

/* ---- networks that were stopped and started ---- */

typedef struct Restart {
    Guest *guest;       /* reference */
    char *network;      /* NULL: any */
} Restart;

static void set_bridge(DomainDef *def, const GuestNews *news)
{
    for (guint i = 0; i < def->devices.n_interfaces; i++) {
        DomainInterface *net = def->devices.interfaces[i];

        if (g_strcmp0(net->info.alias, news->alias) != 0 || net->source.type != DOMAIN_INTERFACE_TYPE_NETWORK)
            continue;
        g_free(net->source.bridge);
        net->source.bridge = g_strdup(news->text);
    }
}

static void plug_again(void *opaque)
{
    Restart *r = opaque;
    g_autoptr(DomainState) now = domain_state(r->guest->dom);
    const DomainDef *live = now->guest == r->guest && now->live ? shared_def_get(now->live) : NULL;

    for (guint i = 0; live && i < live->devices.n_interfaces; i++) {
        const DomainInterface *net = live->devices.interfaces[i];
        g_autofree char *bridge = NULL;

        if (net->source.type != DOMAIN_INTERFACE_TYPE_NETWORK || (r->network && g_strcmp0(net->source.network, r->network) != 0))
            continue;
        virResetLastError();
        bridge = tap_plug_again(live, &state.driver->conf, net);
        if (!bridge && virGetLastErrorCode())
            LOG_ERROR("interface '%s' of domain '%s' is not in network '%s' any more: %s", net->info.alias, now->name,
                      net->source.network, error_message());
        if (bridge && g_strcmp0(bridge, net->source.bridge) != 0)
            guest_change_def(r->guest, set_bridge, &(GuestNews){ .alias = net->info.alias, .text = bridge });
    }
    virResetLastError();
    guest_unref(r->guest);
    g_free(r->network);
    g_free(r);
}

/* @network NULL: one may have been started just before the former daemon ended. */
static void on_network_started(const char *network, void *opaque)
{
    g_autoptr(GPtrArray) domains = store_list(host_domains(state.host), NULL, NULL);

    for (guint i = 0; i < domains->len; i++) {
        DomainObj *dom = domains->pdata[i];
        g_autoptr(DomainState) now = domain_state(dom);
        const DomainDef *live = now->guest && now->live ? shared_def_get(now->live) : NULL;

        for (guint k = 0; live && k < live->devices.n_interfaces; k++) {
            const DomainInterface *net = live->devices.interfaces[k];
            Restart *r;

            if (net->source.type != DOMAIN_INTERFACE_TYPE_NETWORK || !net->source.has_portid ||
                (network && g_strcmp0(net->source.network, network) != 0))
                continue;
            r = g_new0(Restart, 1);
            *r = (Restart){ guest_ref(now->guest), g_strdup(network) };
            host_run(state.host, dom, plug_again, r);
            break;
        }
    }
}

/* See Node.pci_owner. */
static char *pci_owner(const PciAddress *address)
{
    char *owner;

    if (!state.driver)
        return NULL;
    g_mutex_lock(&state.driver->lock);
    owner = g_strdup(hostdevs_pci_owner(state.driver->hostdevs, address));
    g_mutex_unlock(&state.driver->lock);
    return owner;
}

/* The default is a folder of ours, wherever that is. */
static void set_dump(DomainHost *host, const QemuConf *conf)
{
    const char *folder = conf->auto_dump_path;

    if (folder && (!*folder || g_str_equal(folder, "/var/lib/libvirt/qemu/dump")))
        folder = NULL;
    host_set_dump(host, folder, conf->auto_dump_bypass_cache);
}

static int state_start(const StateContext *ctx)
{
    HostSetup setup = {
        .backend = &qemu_backend, .loop = ctx->loop, .pool = ctx->pool, .root = ctx->root, .privileged = ctx->privileged,
    };
    g_autofree char *dir = NULL, *etc = NULL;

    state.privileged = ctx->privileged;
    state.root = g_strdup(ctx->root ? ctx->root : "");
    state.embedded = ctx->embedded;
    state.pool = ctx->pool;
    state.driver = qemu_driver_new(ctx->loop);
    setup.priv = state.driver;
    state.host = host_new(&setup);
    if (!state.host)
        return -1;
    qemu_driver_set_cache(state.driver, host_paths(state.host)->cache);
    dir = g_path_get_dirname(host_paths(state.host)->config);
    state.driver->hooks = g_strconcat(dir, "/hooks", NULL);
    if (qemu_driver_configure(state.driver, dir) < 0)
        return -1;
    etc = g_strconcat(state.root, "/etc", NULL);
    if (qemu_security_init(state.driver, host_paths(state.host)->state, etc, ctx->privileged, *ctx->root != '\0') < 0)
        return -1;
    set_dump(state.host, &state.driver->conf);
    host_set_start(state.host, state.driver->conf.auto_start_bypass_cache);
    if (host_load(state.host) < 0)
        return -1;
    if (state.driver->owners) {
        owners_sweep(state.driver->owners, guest_lives, NULL);
        owners_sweep(state.driver->labels, guest_lives, NULL);
    }
    qemu_security_sweep(state.driver, run_lives);
    network_sweep_ports(port_lives, NULL);
    settle_filters();
    network_on_start(on_network_started, &state);
    on_network_started(NULL, NULL);
    if (ctx->privileged)
        limits_sweep();
    node_get()->pci_owner = pci_owner;
    return 0;
}

static void state_stop(void)
{
    network_on_start(NULL, &state);
    node_get()->pci_owner = NULL;
    if (state.driver)
        qemu_driver_detach(state.driver);
    /* What guests told until then may still be at work; nothing new comes. */
    if (state.pool && !pool_drain(state.pool, DRAIN_MS))
        LOG_ERROR("calls are still under way after %d s", DRAIN_MS / 1000);
    g_clear_pointer(&state.host, host_free);
    g_clear_pointer(&state.driver, qemu_driver_free);
    g_clear_pointer(&state.root, g_free);
}

static gboolean state_busy(void)
{
    return state.host && host_has_active(state.host);
}

static OpenResult qemu_open(virConnectPtr conn, virConnectAuthPtr auth)
{
    const char *path = conn->uri->path, *ours = state.embedded ? "/embed" : state.privileged ? "/system" : "/session";

    if (!state.host)
        return FAIL(VIR_ERR_INTERNAL_ERROR, "the QEMU driver is not active");
    if (!*path || g_str_equal(path, "/"))
        return FAIL(VIR_ERR_INTERNAL_ERROR, "no QEMU URI path given, try %s", "qemu:///system");
    /* Beside an embedded driver a program may still talk to the daemon. */
    if (state.embedded && !g_str_equal(path, ours))
        return OPEN_DECLINED;
    /* root's session is the system */
    if (!g_str_equal(path, ours) && !(state.privileged && g_str_equal(path, "/session")))
        return FAIL(VIR_ERR_INTERNAL_ERROR, "unexpected QEMU URI path '%s', try qemu://%s", path, ours);
    connect_attach(conn, state.host, NULL);
    return OPEN_OK;
}

static void qemu_close(virConnectPtr conn)
{
    connect_detach(conn);
}

static int get_version(virConnectPtr conn, unsigned long *version)
{
    g_autoptr(HostProcessor) cpu = host_processor_read();
    g_autofree char *emulator = cpu->arch ? qemu_find_emulator(cpu->arch) : NULL;
    g_autoptr(QemuCaps) caps = NULL;

    if (!emulator)
        return FAIL(VIR_ERR_INTERNAL_ERROR, "cannot find a QEMU emulator for architecture '%s' of this host", cpu->arch ? cpu->arch : "?");
    caps = qemu_caps_store_get(qemu_driver_of(conn)->caps, emulator);
    if (!caps)
        return -1;
    *version = caps->version;
    return 0;
}

static char *get_hostname(virConnectPtr conn)
{
    return g_strdup(g_get_host_name());
}

static char *get_capabilities(virConnectPtr conn)
{
    g_autoptr(GString) models = g_string_new(NULL);

    qemu_security_capabilities(qemu_driver_of(conn), models);
    return qemu_capabilities_xml(qemu_driver_of(conn)->caps, models->str);
}

static char *get_domain_capabilities(virConnectPtr conn, const char *emulator, const char *arch, const char *machine,
                                     const char *virt_type, unsigned int flags)
{
    QEMU_CHECK_FLAGS(flags, VIR_CONNECT_GET_DOMAIN_CAPABILITIES_DISABLE_DEPRECATED_FEATURES |
                     VIR_CONNECT_GET_DOMAIN_CAPABILITIES_EXPAND_CPU_FEATURES |
                     VIR_CONNECT_GET_DOMAIN_CAPABILITIES_SUPPORTED_CPU_FEATURES, NULL);
    return qemu_domain_capabilities_xml(qemu_driver_of(conn)->caps, emulator, arch, machine, virt_type, flags);
}

static int node_info(virConnectPtr conn, virNodeInfoPtr info)
{
    return host_node_info(info);
}

static int node_cpu_map(virConnectPtr conn, unsigned char **map, unsigned int *online, unsigned int flags)
{
    QEMU_CHECK_FLAGS(flags, 0, -1);
    return host_cpu_map(map, online);
}

static int node_cpu_stats(virConnectPtr conn, int cpu, virNodeCPUStatsPtr params, int *nparams, unsigned int flags)
{
    QEMU_CHECK_FLAGS(flags, 0, -1);
    return host_cpu_stats(cpu, params, nparams);
}

static int node_memory_stats(virConnectPtr conn, int cell, virNodeMemoryStatsPtr params, int *nparams, unsigned int flags)
{
    QEMU_CHECK_FLAGS(flags, 0, -1);
    return host_memory_stats(cell, params, nparams);
}

static int node_suspend(virConnectPtr conn, unsigned int target, unsigned long long duration, unsigned int flags)
{
    QEMU_CHECK_FLAGS(flags, 0, -1);
    return host_suspend(state.root, target, duration);
}

static unsigned long long node_free_memory(virConnectPtr conn)
{
    return host_free_memory();
}

static int node_cells_free_memory(virConnectPtr conn, unsigned long long *free_mem, int start, int max)
{
    return host_cells_free_memory(free_mem, start, max);
}

static int node_free_pages(virConnectPtr conn, unsigned int npages, unsigned int *pages, int start, unsigned int cells,
                           unsigned long long *counts, unsigned int flags)
{
    QEMU_CHECK_FLAGS(flags, 0, -1);
    return host_free_pages(npages, pages, start, cells, counts);
}

static int node_alloc_pages(virConnectPtr conn, unsigned int npages, unsigned int *sizes, unsigned long long *counts, int start,
                            unsigned int cells, unsigned int flags)
{
    QEMU_CHECK_FLAGS(flags, VIR_NODE_ALLOC_PAGES_SET, -1);
    return host_alloc_pages(npages, sizes, counts, start, cells, !(flags & VIR_NODE_ALLOC_PAGES_SET));
}

static int node_memory_parameters(virConnectPtr conn, virTypedParameterPtr params, int *nparams, unsigned int flags)
{
    TypedList list = { 0 };

    QEMU_CHECK_FLAGS(flags, VIR_TYPED_PARAM_STRING_OKAY, -1);
    if (host_memory_parameters(&list) < 0)
        return -1;
    return typed_list_fill(&list, params, nparams);
}

static int node_set_memory_parameters(virConnectPtr conn, virTypedParameterPtr params, int nparams, unsigned int flags)
{
    QEMU_CHECK_FLAGS(flags, 0, -1);
    return host_set_memory_parameters(params, nparams);
}

static int node_security_model(virConnectPtr conn, virSecurityModelPtr model)
{
    memset(model, 0, sizeof(*model));
    g_strlcpy(model->model, qemu_security_first_model(qemu_driver_of(conn)), sizeof(model->model));
    g_strlcpy(model->doi, "0", sizeof(model->doi));
    return 0;
}

void qemu_driver_register(void)
{
    static HypervisorDriver hypervisor;
    static const char *const schemes[] = { "qemu", NULL };
    static const ConnectDriver driver = {
        .name = "QEMU", .error_domain = VIR_FROM_QEMU, .schemes = schemes, .node = TRUE, .local = TRUE, .open = qemu_open,
        .close = qemu_close, .hypervisor = &hypervisor,
    };
    static const StateDriver state_driver = {
        .name = "QEMU", .start = state_start, .stop = state_stop, .busy = state_busy,
    };

    core_functions_fill(&hypervisor, &qemu_backend);
    hypervisor.connect_get_version = get_version;
    hypervisor.connect_get_hostname = get_hostname;
    hypervisor.connect_get_capabilities = get_capabilities;
    hypervisor.connect_get_domain_capabilities = get_domain_capabilities;
    qemu_driver_fill_cpu(&hypervisor);
    qemu_driver_fill_facts(&hypervisor);
    hypervisor.node_get_info = node_info;
    hypervisor.node_get_cpu_map = node_cpu_map;
    hypervisor.node_get_cpu_stats = node_cpu_stats;
    hypervisor.node_get_memory_stats = node_memory_stats;
    hypervisor.node_suspend_for_duration = node_suspend;
    hypervisor.node_get_free_memory = node_free_memory;
    hypervisor.node_get_cells_free_memory = node_cells_free_memory;
    hypervisor.node_get_free_pages = node_free_pages;
    hypervisor.node_alloc_pages = node_alloc_pages;
    hypervisor.node_get_memory_parameters = node_memory_parameters;
    hypervisor.node_set_memory_parameters = node_set_memory_parameters;
    hypervisor.node_get_security_model = node_security_model;
    state_driver_register(&state_driver);
    driver_register(&driver);
}
