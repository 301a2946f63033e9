/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What is known of a domain: state, info, XML, jobs.
 */
#define ERROR_DOMAIN api_error_domain
#include "domain/api.h"
#include "base/loop.h"
#include "domain/functions.h"
#include "domain/persist.h"
#include <stdlib.h>
#include <string.h>

int core_domain_get_state(virDomainPtr dom, int *state, int *reason, unsigned int flags)
{
    API_FLAGS(flags, 0, -1);
    g_auto(Access) a = { NULL };
    if (api_begin(&a, dom) < 0)
        return -1;
    *state = a.state->state;
    if (reason)
        *reason = a.state->reason;
    return 0;
}

/* Answers at once: processor time is the host's business. */
static unsigned long long cpu_time(const Access *a)
{
    if (!a->state->guest || !host_backend(a->obj->host)->stats)
        return 0;
    g_autoptr(GuestStats) stats = api_guest_stats(a, GUEST_STATS_CPU);
    if (!stats) {
        virResetLastError(); /* it ended just now */
        return 0;
    }
    return stats->cpu_time.n;
}

int core_domain_get_info(virDomainPtr dom, virDomainInfoPtr info)
{
    g_auto(Access) a = { NULL };
    if (api_begin(&a, dom) < 0)
        return -1;
    g_autoptr(SharedDef) shared = domain_current_def(a.obj, a.state);
    if (!shared)
        return -1;
    const DomainDef *def = shared_def_get(shared);
    info->state = (unsigned char) a.state->state;
    info->maxMem = def->memory;
    info->memory = def_current_memory(def);
    info->nrVirtCpu = (unsigned short) def_current_vcpus(def);
    info->cpuTime = cpu_time(&a);
    return 0;
}

char *core_domain_get_os_type(virDomainPtr dom)
{
    g_auto(Access) a = { NULL };
    if (api_begin(&a, dom) < 0)
        return NULL;
    g_autoptr(SharedDef) shared = domain_current_def(a.obj, a.state);
    return shared ? g_strdup(domain_os_type_to_string(shared_def_get(shared)->os.type)) : NULL;
}

/* ---- the document: an interface on a network is told as what the network has connected it to ---- */

static gboolean has_actual(const DomainDef *def)
{
    for (guint i = 0; i < def->devices.n_interfaces; i++) {
        if (def->devices.interfaces[i]->actual)
            return TRUE;
    }
    return FALSE;
}

static void tell_actual(DomainInterface *net)
{
    InterfaceActual *actual = net->actual;
    net->source.type = actual->type;
    g_free(net->source.bridge);
    net->source.bridge = g_steal_pointer(&actual->bridge);
    net->source.dev = g_steal_pointer(&actual->dev);
    net->source.direct_mode = actual->direct_mode;
    net->source.host_address = g_steal_pointer(&actual->host_address);
    net->managed = actual->managed;
    net->hostdev_driver = actual->hostdev_driver;
}

static char *live_xml(const SharedDef *shared, unsigned int how)
{
    if (!has_actual(shared_def_get(shared)))
        return g_strdup(shared_def_xml((SharedDef *) shared, how));
    g_autoptr(DomainDef) def = xml_struct_copy(&DOMAIN_DEF_DESC, shared_def_get(shared));
    for (guint i = 0; i < def->devices.n_interfaces; i++) {
        if (def->devices.interfaces[i]->actual)
            tell_actual(def->devices.interfaces[i]);
    }
    return domain_def_format(def, how);
}

char *core_domain_get_xml_desc(virDomainPtr dom, unsigned int flags)
{
    API_FLAGS(flags, VIR_DOMAIN_XML_SECURE | VIR_DOMAIN_XML_INACTIVE | VIR_DOMAIN_XML_UPDATE_CPU |
              VIR_DOMAIN_XML_MIGRATABLE, NULL);
    g_auto(Access) a = { NULL };
    if (api_begin(&a, dom) < 0)
        return NULL;
    gboolean inactive = flags & (VIR_DOMAIN_XML_INACTIVE | VIR_DOMAIN_XML_MIGRATABLE);
    unsigned int how = (flags & VIR_DOMAIN_XML_SECURE ? XML_SECURE : 0) | (inactive ? XML_INACTIVE : 0);
    gboolean persistent = (flags & VIR_DOMAIN_XML_INACTIVE) && a.state->persistent;
    g_autoptr(SharedDef) def = persistent ? domain_config(a.obj, a.state) : domain_current_def(a.obj, a.state);
    return !def ? NULL : inactive ? g_strdup(shared_def_xml(def, how)) : live_xml(def, how);
}

/* ---- security label ---- */

/* How many; 0: it doesn't run, or nothing confines it. */
static int read_labels(const Access *a, virSecurityLabelPtr *labels)
{
    const DomainBackend *backend = host_backend(a->obj->host);
    *labels = NULL;
    if (!a->state->live || !a->state->guest || !backend->security_labels)
        return 0;
    return backend->security_labels(a->state->guest, shared_def_get(a->state->live), labels);
}

int core_domain_get_security_label(virDomainPtr dom, virSecurityLabelPtr label)
{
    g_auto(Access) a = { NULL };
    virSecurityLabelPtr labels;
    memset(label, 0, sizeof(*label));
    if (api_begin(&a, dom) < 0)
        return -1;
    int n = read_labels(&a, &labels);
    if (n > 0)
        *label = labels[0];
    free(labels);
    return n < 0 ? -1 : 0;
}

int core_domain_get_security_label_list(virDomainPtr dom, virSecurityLabelPtr *labels)
{
    g_auto(Access) a = { NULL };
    *labels = NULL;
    return api_begin(&a, dom) < 0 ? -1 : read_labels(&a, labels);
}

/* ---- messages ---- */

int core_domain_get_messages(virDomainPtr dom, char ***messages, unsigned int flags)
{
    API_FLAGS(flags, VIR_DOMAIN_MESSAGE_DEPRECATION | VIR_DOMAIN_MESSAGE_TAINTING | VIR_DOMAIN_MESSAGE_IOERRORS, -1);
    g_auto(Access) a = { NULL };
    if (api_begin(&a, dom) < 0)
        return -1;
    g_autoptr(GPtrArray) list = g_ptr_array_new();
    for (guint bit = 0; (!flags || flags & VIR_DOMAIN_MESSAGE_TAINTING) && taint_name(bit); bit++) {
        if (a.state->taints & (1u << bit))
            g_ptr_array_add(list, g_strdup_printf("tainted: %s", taint_name(bit)));
    }
    int n = (int) list->len;
    g_ptr_array_add(list, NULL);
    *messages = (char **) g_ptr_array_free(g_steal_pointer(&list), FALSE);
    return n;
}
