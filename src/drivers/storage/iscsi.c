/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Pools of type "iscsi": a session of the kernel with a target, through open-iscsi.
 */
#define ERROR_DOMAIN VIR_FROM_STORAGE
#define LOG_SOURCE "storage.iscsi"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "base/loop.h"
#include "drivers/storage/block_vol.h"
#include "drivers/storage/device.h"
#include "drivers/storage/remote.h"
#include "drivers/storage/scsi_units.h"
#include "drivers/storage/storage_driver.h"
#include "drivers/storage/tool.h"

#define PORT 3260
#define MAX_SESSIONS 65536
#define MAX_RECORD ((size_t) 1 << 20)
#define MAX_TARGETS 4096
#define APPEAR_MS 10000
#define LOOK_AGAIN_US 20000
#define PASSWORD "node.session.auth.password"

/* ---- words ---- */

/* A word for iscsiadm. */
static int check_word(const char *what, const char *text)
{
    gboolean fine = *text && *text != '-' && !strchr(text, '/') && strcmp(text, "..") != 0;
    for (const char *c = text; *c; c++)
        fine = fine && g_ascii_isgraph(*c);
    g_autofree char *shown = fine ? NULL : g_strescape(text, NULL);
    return fine ? 0 : FAIL(VIR_ERR_XML_ERROR, "pool.source.%s: '%s' can't be given to iscsiadm", what, shown);
}

static int check_source(const StoragePoolDef *def)
{
    const StoragePoolSource *source = &def->source;
    if (source->n_hosts != 1 || source->n_devices != 1)
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "pool '%s' is one target of one server: it has one <host> and one <device>", def->name);
    if (check_word("host", source->hosts[0]->name) < 0 || check_word("device", source->devices[0]->path) < 0)
        return -1;
    return source->initiator_iqn ? check_word("initiator", source->initiator_iqn) : 0;
}

/* The caller frees. */
static char *portal_of(const StoragePoolSource *source)
{
    const StoragePoolHost *host = source->hosts[0];
    gboolean bare6 = strchr(host->name, ':') && *host->name != '[';
    return g_strdup_printf("%s%s%s:%u", bare6 ? "[" : "", host->name, bare6 ? "]" : "", host->port ? host->port : PORT);
}

/* What open-iscsi calls the name of an initiator that is another than the host's; the caller frees. NULL: the host's own. */
static char *interface_of(const StoragePoolDef *def)
{
    if (!def->source.initiator_iqn)
        return NULL;
    g_autofree char *sum = g_compute_checksum_for_string(G_CHECKSUM_SHA256, def->source.initiator_iqn, -1);
    return g_strdup_printf("libvirt-iface-%.16s", sum);
}

/* iscsiadm on the record of the pool's target. */
static int on_node(const StoragePoolDef *def, const char *const *more)
{
    g_autofree char *portal = portal_of(&def->source), *interface = interface_of(def);
    const char *argv[24] = { "iscsiadm", "--mode", "node", "--targetname", def->source.devices[0]->path, "--portal", portal };
    guint n = 7;
    if (interface) {
        argv[n++] = "--interface";
        argv[n++] = interface;
    }
    while (*more)
        argv[n++] = *more++;
    return tool_run(argv, TOOL_MS);
}

/* ---- sessions ---- */

/* Whether a session's portal is @host, by the address that was asked for. */
static gboolean same_portal(const char *session, const char *host, guint port)
{
    g_autofree char *device = g_build_filename(session, "device", NULL), *number = g_strdup_printf("%u", port);
    g_auto(GStrv) names = file_list_dir(device, MAX_SESSIONS);
    if (!names)
        virResetLastError();
    for (char **name = names; name && *name; name++) {
        if (!g_str_has_prefix(*name, "connection"))
            continue;
        g_autofree char *folder = g_build_filename(device, *name, "iscsi_connection", *name, NULL);
        g_autofree char *address = scsi_attribute(folder, "persistent_address"), *at = scsi_attribute(folder, "persistent_port");
        if (g_strcmp0(at, number) == 0 && (g_strcmp0(address, host) == 0 || !g_hostname_is_ip_address(host)))
            return TRUE;
    }
    return FALSE;
}

/* The number of the SCSI host that the kernel has made for the session; -1 if there is no session (no error). */
static int session_host(const StoragePoolDef *def)
{
    g_autofree char *folder = g_build_filename(scsi_sys, "class", "iscsi_session", NULL);
    const StoragePoolHost *host = def->source.hosts[0];
    g_auto(GStrv) names = file_list_dir(folder, MAX_SESSIONS);
    if (!names)
        virResetLastError();
    for (char **name = names; name && *name; name++) {
        g_autofree char *session = g_build_filename(folder, *name, NULL), *target = scsi_attribute(session, "targetname");
        g_autofree char *initiator = scsi_attribute(session, "initiatorname"), *device = g_build_filename(session, "device", NULL);
        g_autofree char *real = realpath(device, NULL), *above = real ? g_path_get_dirname(real) : NULL;
        g_autofree char *last = above ? g_path_get_basename(above) : NULL;
        if (!last || g_strcmp0(target, def->source.devices[0]->path) != 0 || !same_portal(session, host->name, host->port ? host->port : PORT))
            continue;
        if (!def->source.initiator_iqn || g_strcmp0(initiator, def->source.initiator_iqn) == 0)
            return scsi_host_number(last);
    }
    return -1;
}

/* ---- the password, which must not be seen on a command line ---- */

static int write_password(const char *path, const char *password)
{
    g_autofree char *text = file_read(path, MAX_RECORD, NULL);
    if (!text)
        return -1;
    GString *changed = g_string_new(NULL);
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    gboolean done = FALSE;
    for (char **line = lines; *line; line++) {
        if (g_str_has_prefix(*line, PASSWORD " ") || (g_str_has_prefix(*line, "# END RECORD") && !done)) {
            g_string_append_printf(changed, PASSWORD " = %s\n", password);
            done = TRUE;
        }
        if (!g_str_has_prefix(*line, PASSWORD " ") && (**line || line[1]))
            g_string_append_printf(changed, "%s\n", *line);
    }
    int rc = done ? file_replace(path, changed->str, changed->len, 0600, FILE_OWNER_KEEP, FILE_GROUP_KEEP)
        : FAIL(VIR_ERR_OPERATION_FAILED, "'%s' is no record of open-iscsi", path);
    explicit_bzero(changed->str, changed->len);
    g_string_free(changed, TRUE);
    return rc;
}

/* Records of the target below @folder: files, or files in folders. Returns how many got the password; -1 with an error. */
static int write_records(const char *folder, const char *password, guint depth)
{
    g_auto(GStrv) names = file_list_dir(folder, MAX_TARGETS);
    int n = 0;
    for (char **name = names; name && *name; name++) {
        g_autofree char *path = g_build_filename(folder, *name, NULL);
        gboolean is_folder = g_file_test(path, G_FILE_TEST_IS_DIR);
        int rc = is_folder ? (depth ? write_records(path, password, depth - 1) : 0) : write_password(path, password) < 0 ? -1 : 1;
        if (rc < 0)
            return -1;
        n += rc;
    }
    return names ? n : -1;
}

static int set_chap(const StoragePoolDef *def)
{
    static const char *const places[] = { "/etc/iscsi/nodes", "/var/lib/iscsi/nodes" };
    size_t size;
    int n = 0;
    if (check_word("auth.username", def->source.auth->username) < 0 ||
        on_node(def, TOOL("--op", "update", "--name", "node.session.auth.authmethod", "--value", "CHAP")) < 0 ||
        on_node(def, TOOL("--op", "update", "--name", "node.session.auth.username", "--value", def->source.auth->username)) < 0)
        return -1;
    guint8 *value = remote_secret(def, STORAGE_AUTH_SECRET_TYPE_ISCSI, &size);
    if (!value)
        return -1;
    char *password = g_strndup((const char *) value, size);
    secret_value_free(value, size);
    gboolean fine = strlen(password) == size && !strpbrk(password, "\r\n");
    if (!fine)
        n = FAIL(VIR_ERR_INVALID_SECRET, "the password of pool '%s' has an end of line in it", def->name);
    for (guint i = 0; fine && i < G_N_ELEMENTS(places) && n == 0; i++) {
        g_autofree char *folder = g_build_filename(places[i], def->source.devices[0]->path, NULL);
        n = write_records(folder, password, 2);
    }
    explicit_bzero(password, strlen(password));
    g_free(password);
    return n > 0 ? 0 : n < 0 ? -1 : FAIL(VIR_ERR_OPERATION_FAILED, "open-iscsi keeps its records nowhere that is known: pool '%s' can't use a password",
                                         def->name);
}

/* ---- the pool ---- */

static int make_interface(const StoragePoolDef *def)
{
    g_autofree char *name = interface_of(def);
    if (!name)
        return 0;
    if (tool_run(TOOL("iscsiadm", "--mode", "iface", "--interface", name, "--op", "new"), TOOL_MS) < 0)
        virResetLastError(); /* it may be there already; what follows tells */
    return tool_run(TOOL("iscsiadm", "--mode", "iface", "--interface", name, "--op", "update", "--name", "iface.initiatorname", "--value",
                         def->source.initiator_iqn), TOOL_MS);
}

static int log_in(const StoragePoolDef *def)
{
    if (make_interface(def) < 0 || on_node(def, TOOL("--op", "new")) < 0 ||
        on_node(def, TOOL("--op", "update", "--name", "node.startup", "--value", "manual")) < 0 || (def->source.auth && set_chap(def) < 0))
        return -1;
    return on_node(def, TOOL("--login"));
}

static int pool_start(StoragePool *pool, const StoragePoolDef *def)
{
    if (check_source(def) < 0)
        return -1;
    if (session_host(def) >= 0)
        return 0;
    if (log_in(def) == 0) {
        gint64 deadline = loop_now_ms() + APPEAR_MS;
        while (session_host(def) < 0 && loop_now_ms() < deadline)
            g_usleep(LOOK_AGAIN_US);
        return 0;
    }
    virErrorPtr saved = error_save();
    if (on_node(def, TOOL("--op", "delete")) < 0)
        LOG_INFO("pool '%s': no record to remove: %s", def->name, error_message());
    error_restore(saved);
    error_context("cannot log in to the target of pool '%s'", def->name);
    return -1;
}

/* The record goes, too: there may be a password in it. */
static int pool_stop(StoragePool *pool, const StoragePoolDef *def)
{
    if (check_source(def) < 0)
        return -1;
    if (session_host(def) >= 0 && on_node(def, TOOL("--logout")) < 0)
        return -1;
    if (on_node(def, TOOL("--op", "delete")) < 0) {
        LOG_INFO("pool '%s': no record to remove: %s", def->name, error_message());
        virResetLastError();
    }
    return 0;
}

static int pool_refresh(StoragePool *pool, const StoragePoolDef *def, StorageScan *scan)
{
    int host = session_host(def);
    if (host < 0)
        return FAIL(VIR_ERR_OPERATION_FAILED, "pool '%s' has no session with its target any more: stop and start it", def->name);
    if (scsi_units_rescan((guint) host) < 0)
        return -1;
    device_settle();
    return scsi_units_scan(pool, def, (guint) host, scan);
}

/* ---- discovery ---- */

static char *find_sources(PoolHost *host, StoragePoolType type, const StoragePoolSource *wanted)
{
    if (!wanted || wanted->n_hosts != 1 || !wanted->hosts[0]->name)
        return FAIL_NULL(VIR_ERR_INVALID_ARG, "to find targets one server must be named: <source><host name='…'/></source>");
    if (check_word("host", wanted->hosts[0]->name) < 0)
        return NULL;
    g_autofree char *portal = portal_of(wanted);
    g_autofree char *text = tool_output(TOOL("iscsiadm", "--mode", "discovery", "--type", "sendtargets", "--portal", portal, "--op", "nonpersistent"),
                                        TOOL_MS);
    if (!text)
        return NULL;
    GPtrArray *found = g_ptr_array_new();
    g_auto(GStrv) lines = g_strsplit(text, "\n", MAX_TARGETS);
    for (char **line = lines; *line; line++) { /* "127.0.0.1:3260,1 iqn.…" */
        const char *target = strrchr(*line, ' ');
        if (!target || !target[1])
            continue;
        StoragePoolSource *source = xml_struct_new(&STORAGE_POOL_SOURCE_DESC);
        StoragePoolHost *server = xml_struct_new(&STORAGE_POOL_HOST_DESC);
        StoragePoolDevice *device = xml_struct_new(&STORAGE_POOL_DEVICE_DESC);
        server->name = g_strdup(wanted->hosts[0]->name);
        server->port = wanted->hosts[0]->port;
        device->path = g_utf8_make_valid(target + 1, -1);
        XML_LIST_APPEND(source->hosts, source->n_hosts, server);
        XML_LIST_APPEND(source->devices, source->n_devices, device);
        g_ptr_array_add(found, source);
    }
    return storage_pool_sources_finish(found);
}

const StorageBackend storage_iscsi_backend = {
    BLOCK_VOL_FUNCTIONS,
    .find_sources = find_sources,
    .pool_start = pool_start,
    .pool_refresh = pool_refresh,
    .pool_stop = pool_stop,
    .pool_delete = scsi_pool_delete,
    .vol_plan = scsi_vol_plan,
    .vol_delete = scsi_vol_delete,
};
