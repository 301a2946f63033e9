/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Which guest has which hardware addresses on a network, in LIB/BRIDGE.macs: a JSON array of objects with "domain" and the array "macs".
 * Nothing here reads it: it is for nss_libvirt_guest, which finds a guest's address by the guest's name. So nobody waits for it: of many
 * changes in a short time it is written once, with the ports that there are then. A daemon that was killed meanwhile writes it when it
 * takes over its networks.
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

/* How long after the first of several changes it is written. */
#define LATER_MS 200
#define LANE "network macs"

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
static json_object *list(const GPtrArray *ports)
{
    g_autoptr(GHashTable) guests = g_hash_table_new(g_str_hash, g_str_equal);
    g_autoptr(json_object) all = json_object_new_array();
    for (guint i = 0; i < ports->len; i++) {
        const NetworkPortDef *port = definition_get(ports->pdata[i]);
        char text[MAC_TEXT_SIZE];
        json_object_array_add(guest_in(all, guests, port->owner.name), json_object_new_string(mac_format(port->mac, text)));
    }
    return g_hash_table_size(guests) ? g_steal_pointer(&all) : NULL;
}

static int write_file(const NetworkNode *node, const Managed *obj, const NetworkDef *net)
{
    g_autofree char *path = file_of(node, net);
    g_autoptr(GPtrArray) ports = network_port_definitions(obj);
    g_autoptr(json_object) all = list(ports);
    if (!all) {
        macs_forget(node, net);
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

/* ---- a little later ---- */

struct MacsWriter {
    gint refs; /* the driver's, the timer's, and one for work under way */
    NetworkNode *node;
    LoopTimer *timer;
    GMutex lock; /* guards the following */
    GHashTable *due; /* names of networks */
    gboolean armed;
};

static void writer_unref(void *opaque)
{
    MacsWriter *writer = opaque;
    if (!g_atomic_int_dec_and_test(&writer->refs))
        return;
    g_hash_table_unref(writer->due);
    g_mutex_clear(&writer->lock);
    g_free(writer);
}

static MacsWriter *writer_ref(MacsWriter *writer)
{
    g_atomic_int_inc(&writer->refs);
    return writer;
}

static void write_one(const NetworkNode *node, const char *name)
{
    g_auto(ManagedJob) job = { NULL };
    if (managed_job_begin(&job, network_host_table(node->host), NULL, name, __func__) < 0) {
        if (error_code() != VIR_ERR_NO_NETWORK)
            LOG_WARN("network '%s': %s", name, error_message());
        virResetLastError();
        return;
    }
    const NetworkDef *live = managed_active(job.state) ? definition_get(job.state->live) : NULL;
    if (live && network_def_owns_bridge(live) && write_file(node, job.obj, live) < 0)
        LOG_WARN("network '%s': %s", name, error_message());
}

static void write_due(void *opaque)
{
    MacsWriter *writer = opaque;
    GHashTableIter iter;
    void *name;
    g_mutex_lock(&writer->lock);
    g_autoptr(GHashTable) due = g_steal_pointer(&writer->due);
    writer->due = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    writer->armed = FALSE;
    g_mutex_unlock(&writer->lock);
    g_hash_table_iter_init(&iter, due);
    while (g_hash_table_iter_next(&iter, &name, NULL))
        write_one(writer->node, name);
    writer_unref(writer);
}

static void on_time(LoopTimer *timer, void *opaque)
{
    MacsWriter *writer = opaque;
    pool_submit(writer->node->pool, LANE, false, write_due, writer_ref(writer));
}

MacsWriter *macs_writer_new(NetworkNode *node)
{
    MacsWriter *writer = g_new0(MacsWriter, 1);
    writer->refs = 2;
    writer->node = node;
    writer->due = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_mutex_init(&writer->lock);
    writer->timer = loop_timer_add(node->loop, on_time, writer, writer_unref);
    return writer;
}

void macs_writer_free(MacsWriter *writer)
{
    loop_timer_remove(g_steal_pointer(&writer->timer));
    pool_submit(writer->node->pool, LANE, false, write_due, writer);
}

void macs_note(const Managed *obj)
{
    MacsWriter *writer = network_node(obj)->macs;
    g_mutex_lock(&writer->lock);
    g_hash_table_add(writer->due, g_strdup(MANAGED_NAME(obj)));
    if (!writer->armed)
        loop_timer_set(writer->timer, LATER_MS, -1);
    writer->armed = TRUE;
    g_mutex_unlock(&writer->lock);
}
