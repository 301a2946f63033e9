/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Ports of networks. What a port is plugged into follows from the network's definition (model/network_port.c).
 */
#define ERROR_DOMAIN VIR_FROM_NETWORK
#define LOG_SOURCE "network.port"
#include "network/network.h"
#include <errno.h>
#include <string.h>
#include <unistd.h>
#include "base/file.h"
#include "base/log.h"
#include "base/uuid.h"

/* Most ports of a network: as many as a list may have on the wire. */
#define PORTS_MAX 16384
/* Longest file about a port that is read. */
#define PORT_FILE_MAX 65536

static void port_free(void *opaque)
{
    NetworkPort *port = opaque;
    definition_unref(port->def);
    g_mutex_clear(&port->lock);
    g_free(port);
}

static NetworkPort *port_new(Definition *definition)
{
    const NetworkPortDef *def = definition_get(definition);
    char name[UUID_TEXT_SIZE];
    NetworkPort *port = g_new0(NetworkPort, 1);
    store_entry_init(&port->entry, uuid_format(def->uuid, name), def->uuid, port_free);
    g_mutex_init(&port->lock);
    port->def = definition_ref(definition);
    return port;
}

Definition *network_port_definition(NetworkPort *port)
{
    g_mutex_lock(&port->lock);
    Definition *definition = definition_ref(port->def);
    g_mutex_unlock(&port->lock);
    return definition;
}

static void set_definition(NetworkPort *port, Definition *definition)
{
    g_mutex_lock(&port->lock);
    Definition *old = port->def;
    port->def = definition_ref(definition);
    g_mutex_unlock(&port->lock);
    definition_unref(old);
}

NetworkPort *network_port_find(const Managed *net, const unsigned char *uuid)
{
    char text[UUID_TEXT_SIZE];
    NetworkPort *port = store_by_uuid(net->data, uuid);
    return port ? port : FAIL_NULL(VIR_ERR_NO_NETWORK_PORT, "network '%s' has no port with uuid %s", MANAGED_NAME(net),
                                   uuid_format(uuid, text));
}

GPtrArray *network_port_definitions(const Managed *net)
{
    g_autoptr(GPtrArray) ports = store_list(net->data, NULL, NULL);
    GPtrArray *definitions = g_ptr_array_new_with_free_func((GDestroyNotify) definition_unref);
    for (guint i = 0; i < ports->len; i++)
        g_ptr_array_add(definitions, network_port_definition(ports->pdata[i]));
    return definitions;
}

/* ---- files: STATE/NETWORK/ports/UUID.xml ---- */

/* NULL: ports aren't kept. */
static char *ports_folder(const Managed *net)
{
    const char *state = managed_table_state_folder(net->table);
    return state ? g_build_filename(state, MANAGED_NAME(net), "ports", NULL) : NULL;
}

static char *port_file(const char *folder, const char *uuid)
{
    return g_strdup_printf("%s/%s.xml", folder, uuid);
}

static int write_port(const Managed *net, const NetworkPortDef *def)
{
    g_autofree char *folder = ports_folder(net);
    char uuid[UUID_TEXT_SIZE];
    if (!folder)
        return 0;
    g_autofree char *path = port_file(folder, uuid_format(def->uuid, uuid));
    g_autofree char *text = xml_format(NETWORK_PORT_ROOT.desc, def, NETWORK_PORT_ROOT.name, NETWORK_PORT_ROOT.ns, 0, XML_SECURE);
    if (file_mkdirs(folder, 0755, FILE_OWNER_KEEP, FILE_GROUP_KEEP) < 0)
        return -1;
    return file_replace_quickly(path, text, strlen(text), 0600);
}

static void unlink_port(const Managed *net, const char *uuid)
{
    g_autofree char *folder = ports_folder(net);
    g_autofree char *path = folder ? port_file(folder, uuid) : NULL;
    if (path && unlink(path) < 0 && errno != ENOENT)
        LOG_WARN("cannot remove '%s': %s", path, g_strerror(errno));
}

static int load_port(Managed *net, const char *path)
{
    g_autofree char *text = file_read(path, PORT_FILE_MAX, NULL);
    NetworkPortDef *def = text ? definition_read(&NETWORK_PORT_ROOT, text, FALSE) : NULL;
    if (!def)
        return -1;
    g_autoptr(Definition) definition = definition_new(&NETWORK_PORT_ROOT, def);
    if (network_port_def_complete(def) < 0)
        return -1;
    g_autoptr(NetworkPort) port = port_new(definition);
    return store_add(net->data, port, NULL) == STORE_ADDED ? 0 : FAIL(VIR_ERR_NETWORK_PORT_EXIST, "there is a port with its UUID");
}

void network_ports_load(Managed *net)
{
    g_autofree char *folder = ports_folder(net);
    g_auto(GStrv) files = folder ? file_list_dir(folder, PORTS_MAX) : NULL;
    for (char **file = files; file && *file; file++) {
        g_autofree char *path = g_build_filename(folder, *file, NULL);
        if (g_str_has_suffix(*file, ".xml") && load_port(net, path) < 0)
            LOG_ERROR("'%s' is left out: %s", path, error_message());
    }
    virResetLastError();
}

void network_ports_drop(const Managed *net)
{
    g_autoptr(GPtrArray) ports = store_list(net->data, NULL, NULL);
    for (guint i = 0; i < ports->len; i++) {
        unlink_port(net, ((NetworkPort *) ports->pdata[i])->entry.name);
        store_remove(net->data, ports->pdata[i]);
    }
    g_autofree char *folder = ports_folder(net);
    g_autofree char *above = folder ? g_path_get_dirname(folder) : NULL;
    if (folder && rmdir(folder) == 0)
        rmdir(above);
}

/* Say what the port is plugged into, by what others have. */
static int plan(const ManagedJob *job, NetworkPortDef *def, gboolean reclaim)
{
    g_autoptr(GPtrArray) definitions = network_port_definitions(job->obj);
    g_autofree const NetworkPortDef **others = g_new(const NetworkPortDef *, definitions->len + 1);
    for (guint i = 0; i < definitions->len; i++)
        others[i] = definition_get(definitions->pdata[i]);
    return network_port_def_plan(def, network_def(job->state), reclaim, others, definitions->len);
}

int network_port_create(ManagedJob *job, NetworkPortDef *def, unsigned int flags)
{
    g_autoptr(Definition) definition = definition_new(&NETWORK_PORT_ROOT, def);
    const NetworkBackend *backend = network_backend(job->obj);
    Store *ports = job->obj->data;
    char text[UUID_TEXT_SIZE];
    if (plan(job, def, flags & VIR_NETWORK_PORT_CREATE_RECLAIM) < 0)
        return -1;
    if (store_count(ports, NULL, NULL) >= PORTS_MAX)
        return FAIL(VIR_ERR_OPERATION_FAILED, "network '%s' has %d ports, and can't have more", MANAGED_NAME(job->obj), PORTS_MAX);
    g_autoptr(NetworkPort) port = port_new(definition);
    if (store_add(ports, port, NULL) != STORE_ADDED)
        return FAIL(VIR_ERR_NETWORK_PORT_EXIST, "network '%s' has a port with uuid %s", MANAGED_NAME(job->obj),
                    uuid_format(def->uuid, text));
    if (write_port(job->obj, def) == 0 &&
        (!backend->port_create || backend->port_create(job->obj, network_def(job->state), def) == 0))
        return 0;
    unlink_port(job->obj, port->entry.name);
    store_remove(ports, port);
    return -1;
}

int network_port_delete(ManagedJob *job, NetworkPort *port)
{
    const NetworkBackend *backend = network_backend(job->obj);
    g_autoptr(Definition) definition = network_port_definition(port);
    if (backend->port_delete && backend->port_delete(job->obj, network_def(job->state), definition_get(definition)) < 0)
        return -1;
    unlink_port(job->obj, port->entry.name);
    store_remove(job->obj->data, port);
    return 0;
}

int network_port_limit(ManagedJob *job, NetworkPort *port, Bandwidth *bandwidth)
{
    const NetworkBackend *backend = network_backend(job->obj);
    g_autoptr(Definition) was = network_port_definition(port);
    NetworkPortDef *def = definition_copy(was);
    g_autoptr(Definition) now = definition_new(&NETWORK_PORT_ROOT, def);
    xml_struct_free(&BANDWIDTH_DESC, def->bandwidth);
    def->bandwidth = bandwidth;
    if (network_port_def_check_limits(def, network_def(job->state)) < 0 || write_port(job->obj, def) < 0 ||
        (backend->port_update && backend->port_update(job->obj, network_def(job->state), definition_get(was), def) < 0))
        return -1;
    set_definition(port, now);
    return 0;
}

/* ---- the network's document, with who is plugged in ---- */

static void count_devices(NetworkDef *net, const GPtrArray *ports)
{
    for (guint i = 0; i < ports->len; i++) {
        const NetworkPortDef *port = definition_get(ports->pdata[i]);
        for (guint k = 0; k < net->forward.n_interfaces; k++) {
            NetworkForwardInterface *interface = net->forward.interfaces[k];
            if (g_strcmp0(port->plug->dev, interface->dev) == 0)
                interface->connections++;
        }
    }
}

char *network_xml(const Managed *net, const ManagedState *state, unsigned int flags)
{
    gboolean inactive = (flags & XML_INACTIVE) && state->config;
    g_autoptr(GPtrArray) ports = network_port_definitions(net);
    Definition *shown = inactive ? state->config : managed_definition(state);
    if (inactive || !ports->len)
        return g_strdup(definition_xml(shown, flags));
    NetworkDef *def = definition_copy(shown);
    def->connections = ports->len;
    count_devices(def, ports);
    char *text = xml_format(NETWORK_ROOT.desc, def, NETWORK_ROOT.name, NETWORK_ROOT.ns, 0, flags);
    xml_struct_free(NETWORK_ROOT.desc, def);
    return text;
}
