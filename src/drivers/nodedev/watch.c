/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Devices come and go by udev's word. The loop's thread takes note of where something has happened; a worker looks there, in the order of
 * the notes (they share a lane), and tells what it finds. It looks at what is there now and not at what udev said: two notes of one
 * place are never in each other's way, and a device that is gone meanwhile is no error.
 */
#define ERROR_DOMAIN VIR_FROM_NODEDEV
#define LOG_SOURCE "nodedev.watch"
#include <errno.h>
#include <string.h>
#include "base/error.h"
#include "base/log.h"
#include "drivers/nodedev/describe.h"
#include "drivers/nodedev/nodedev_driver.h"

#define LANE "node devices"
/* Bytes of udev's notes that the kernel keeps for us while the loop is busy. */
#define MONITOR_BUFFER (16 * 1024 * 1024)
/* Notes taken in one round of the loop. */
#define BATCH 256

struct NodedevWatch {
    gint refs;                     /* the owner, and the loop */
    NodedevNode *node;
    struct udev *udev;             /* of the loop's thread */
    struct udev_monitor *monitor;
    LoopWatch *watch;
    Describer by;                  /* of the lane */
    GMutex lock;                   /* held while notes are taken: who stops it waits for that */
    gint stopped;
};

typedef struct Note { NodedevWatch *watch; char *syspath; } Note;

static void forget(NodedevWatch *watch, const char *syspath)
{
    const char *name = g_hash_table_lookup(watch->by.known, syspath);
    if (!name)
        return;
    if (nodedev_host_tell_gone(watch->node->host, name) < 0)
        virResetLastError();
    g_hash_table_remove(watch->by.known, syspath);
}

static void look(const char *syspath, void *opaque)
{
    NodedevWatch *watch = opaque;
    if (g_atomic_int_get(&watch->stopped))
        return;
    struct udev_device *dev = udev_device_new_from_syspath(watch->by.udev, syspath);
    NodedevDef *def = dev ? device_describe(&watch->by, dev) : NULL;
    const char *known = g_hash_table_lookup(watch->by.known, syspath);
    if (!def || (known && strcmp(known, def->name) != 0))
        forget(watch, syspath);
    if (def) {
        g_hash_table_insert(watch->by.known, g_strdup(syspath), g_strdup(def->name));
        if (nodedev_host_tell(watch->node->host, def) < 0) {
            LOG_WARN("device '%s' is not told of: %s", syspath, error_message());
            virResetLastError();
        }
    }
    udev_device_unref(dev);
}

static void look_at_note(void *opaque)
{
    Note *note = opaque;
    look(note->syspath, note->watch);
    g_free(note->syspath);
    g_free(note);
}

void nodedev_watch_look(NodedevWatch *watch, const char *syspath)
{
    Note *note = g_new(Note, 1);
    *note = (Note) { watch, g_strdup(syspath) };
    pool_submit(watch->node->pool, LANE, false, look_at_note, note);
}

/* What a mediated device's parent offers changes with it. */
static void note_device(NodedevWatch *watch, struct udev_device *dev)
{
    const char *subsystem = udev_device_get_subsystem(dev);
    struct udev_device *above = subsystem && strcmp(subsystem, "mdev") == 0 ? udev_device_get_parent(dev) : NULL;
    if (!device_is_told_of(subsystem))
        return;
    nodedev_watch_look(watch, udev_device_get_syspath(dev));
    if (above)
        nodedev_watch_look(watch, udev_device_get_syspath(above));
}

/* All that was known, and all that is there. */
static void look_at_all(void *opaque)
{
    NodedevWatch *watch = opaque;
    g_autofree char **known = (char **) g_hash_table_get_keys_as_array(watch->by.known, NULL);
    g_autoptr(GPtrArray) before = g_ptr_array_new_with_free_func(g_free);
    for (char **path = known; *path; path++)
        g_ptr_array_add(before, g_strdup(*path));
    for (guint i = 0; i < before->len; i++)
        look(before->pdata[i], watch);
    device_enumerate(&watch->by, look, watch);
}

static void on_notes(LoopWatch *loop_watch, int fd, unsigned events, void *opaque)
{
    NodedevWatch *watch = opaque;
    g_autoptr(GMutexLocker) locker = g_mutex_locker_new(&watch->lock);
    for (guint i = 0; i < BATCH && !watch->stopped; i++) {
        errno = 0;
        struct udev_device *dev = udev_monitor_receive_device(watch->monitor);
        if (!dev) {
            if (errno == ENOBUFS) {
                LOG_WARN("udev has told of more than could be taken: all devices are looked at again");
                pool_submit(watch->node->pool, LANE, false, look_at_all, watch);
            }
            return;
        }
        note_device(watch, dev);
        udev_device_unref(dev);
    }
}

static void look_first(void *opaque)
{
    NodedevWatch *watch = opaque;
    NodedevDef *computer = device_computer();
    if (nodedev_host_tell(watch->node->host, computer) < 0)
        LOG_WARN("the host itself is not told of: %s", error_message());
    virResetLastError();
    look_at_all(watch);
    mdev_load(watch->node);
    nodedev_host_settled(watch->node->host);
}

static void watch_unref(void *opaque)
{
    NodedevWatch *watch = opaque;
    if (!g_atomic_int_dec_and_test(&watch->refs))
        return;
    udev_monitor_unref(watch->monitor);
    udev_unref(watch->udev);
    udev_hwdb_unref(watch->by.names);
    udev_unref(watch->by.udev);
    g_hash_table_unref(watch->by.known);
    g_mutex_clear(&watch->lock);
    g_free(watch);
}

/* Where udev doesn't run (in containers), the kernel's own notes must do. */
static int listen(NodedevWatch *watch)
{
    const char *source = g_file_test("/run/udev/control", G_FILE_TEST_EXISTS) ? "udev" : "kernel";
    watch->udev = udev_new();
    watch->monitor = watch->udev ? udev_monitor_new_from_netlink(watch->udev, source) : NULL;
    if (!watch->monitor || udev_monitor_enable_receiving(watch->monitor) < 0)
        return FAIL_ERRNO(errno, "cannot listen to udev");
    udev_monitor_set_receive_buffer_size(watch->monitor, MONITOR_BUFFER);
    watch->watch = loop_watch_add(watch->node->loop, udev_monitor_get_fd(watch->monitor), LOOP_IN, on_notes, watch, watch_unref);
    if (watch->watch)
        g_atomic_int_inc(&watch->refs);
    return watch->watch ? 0 : -1;
}

NodedevWatch *nodedev_watch_new(NodedevNode *node)
{
    NodedevWatch *watch = g_new0(NodedevWatch, 1);
    watch->refs = 1;
    g_mutex_init(&watch->lock);
    watch->node = node;
    watch->by.known = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    watch->by.udev = udev_new();
    watch->by.names = watch->by.udev ? udev_hwdb_new(watch->by.udev) : NULL;
    if (!watch->by.udev) {
        nodedev_watch_free(watch);
        return FAIL_NULL(VIR_ERR_INTERNAL_ERROR, "udev's library can't be used");
    }
    /* first the ear, then the list: nothing falls between */
    if (listen(watch) < 0) {
        LOG_WARN("devices that come and go are not noticed: %s", error_message());
        virResetLastError();
    }
    nodedev_host_settling(node->host);
    pool_submit(node->pool, LANE, false, look_first, watch);
    return watch;
}

void nodedev_watch_stop(NodedevWatch *watch)
{
    if (!watch)
        return;
    g_mutex_lock(&watch->lock);
    g_atomic_int_set(&watch->stopped, 1);
    g_mutex_unlock(&watch->lock);
    loop_watch_remove(g_steal_pointer(&watch->watch));
}

void nodedev_watch_free(NodedevWatch *watch)
{
    if (watch)
        watch_unref(watch);
}
