/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the host was, in one file: contents of files, and the kernel's own words about links, addresses and routes.
 */
#define ERROR_DOMAIN VIR_FROM_INTERFACE
#include <string.h>
#include <sys/stat.h>
#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "drivers/interface/interface_driver.h"

#define SAVED_MAX (256 * 1024 * 1024)
#define BOOT_ID "/proc/sys/kernel/random/boot_id"

char *host_boot_id(void)
{
    char *text = file_read(BOOT_ID, 64, NULL);
    return text ? g_strchomp(text) : NULL;
}

SavedHost *saved_host_new(void)
{
    SavedHost *saved = g_new0(SavedHost, 1);
    saved->names = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    return saved;
}

void saved_host_free(SavedHost *saved)
{
    if (!saved)
        return;
    g_clear_pointer(&saved->files, g_ptr_array_unref);
    netlink_saved_free(saved->network);
    g_hash_table_unref(saved->names);
    g_free(saved->boot);
    g_free(saved);
}

static void add_bond(GHashTable *names, const HostBond *bond)
{
    for (guint i = 0; bond && i < bond->n_interfaces; i++)
        g_hash_table_add(names, g_strdup(bond->interfaces[i]->name));
}

static void add_vlan(GHashTable *names, const HostVlan *vlan)
{
    if (vlan)
        g_hash_table_add(names, g_strdup(vlan->interface->name));
}

void saved_host_add_names(GHashTable *names, const HostInterfaceDef *def)
{
    g_hash_table_add(names, g_strdup(def->name));
    add_bond(names, def->bond);
    for (guint i = 0; def->bridge && i < def->bridge->n_interfaces; i++) {
        const HostBridgePort *port = def->bridge->interfaces[i];
        g_hash_table_add(names, g_strdup(port->name));
        add_bond(names, port->bond);
    }
}

void saved_host_add_touched(GHashTable *names, const HostInterfaceDef *def)
{
    saved_host_add_names(names, def);
    add_vlan(names, def->vlan); /* it is set up with the VLAN */
    for (guint i = 0; def->bridge && i < def->bridge->n_interfaces; i++)
        add_vlan(names, def->bridge->interfaces[i]->vlan);
}

/* ---- writing ---- */

static json_object *file_object(const StyleFile *file)
{
    json_object *one = json_make(JSON_STR("path", file->path), JSON_UINT("mode", file->mode));
    if (file->text) { /* whatever bytes it has */
        g_autofree char *code = g_base64_encode((const guchar *) file->text, strlen(file->text));
        json_add(one, JSON_STR("text", code));
    }
    return one;
}

int saved_host_write(const SavedHost *saved, const char *path, gboolean sync)
{
    g_autoptr(json_object) all = json_make(JSON_STR("boot", saved->boot ? saved->boot : ""));
    json_object *names = json_object_new_array();
    GHashTableIter iter;
    gpointer name;
    g_hash_table_iter_init(&iter, saved->names);
    while (g_hash_table_iter_next(&iter, &name, NULL))
        json_object_array_add(names, json_object_new_string(name));
    json_object_object_add(all, "names", names);
    if (saved->files) {
        json_object *files = json_object_new_array();
        for (guint i = 0; i < saved->files->len; i++)
            json_object_array_add(files, file_object(saved->files->pdata[i]));
        json_object_object_add(all, "files", files);
    }
    if (saved->network) {
        g_autofree char *text = netlink_saved_text(saved->network);
        json_add(all, JSON_STR("network", text));
    }
    const char *text = json_text(all);
    return sync ? file_replace(path, text, strlen(text), 0600, FILE_OWNER_KEEP, FILE_GROUP_KEEP)
        : file_replace_quickly(path, text, strlen(text), 0600);
}

/* ---- reading ---- */

static int read_names(json_object *all, SavedHost *saved)
{
    json_object *names;
    if (json_get_array(all, "names", &names) < 0)
        return -1;
    for (size_t i = 0; i < json_object_array_length(names); i++) {
        const char *name = json_object_get_string(json_object_array_get_idx(names, i));
        if (name)
            g_hash_table_add(saved->names, g_strdup(name));
    }
    return 0;
}

static int read_saved_files(json_object *all, SavedHost *saved)
{
    json_object *files;
    int found = json_find_array(all, "files", &files);
    if (found <= 0)
        return found;
    saved->files = g_ptr_array_new_with_free_func((GDestroyNotify) style_file_free);
    for (size_t i = 0; i < json_object_array_length(files); i++) {
        json_object *one = json_array_object(files, i);
        const char *path, *code = NULL;
        uint64_t mode;
        gsize len = 0;
        if (!one || json_get_string(one, "path", &path) < 0 || json_get_uint(one, "mode", &mode) < 0 || json_find_string(one, "text", &code) < 0)
            return -1;
        guchar *text = code ? g_base64_decode(code, &len) : NULL;
        g_ptr_array_add(saved->files, style_file_new(g_strdup(path), text ? g_strndup((char *) text, len) : NULL, (guint) mode));
        g_free(text);
    }
    return 0;
}

SavedHost *saved_host_read(const char *path, gboolean *failed)
{
    g_autofree char *text = NULL;
    size_t len;
    const char *boot, *network = NULL;
    int found = file_read_optional(path, SAVED_MAX, &text, &len);
    *failed = found < 0;
    if (found <= 0)
        return NULL;
    g_autoptr(SavedHost) saved = saved_host_new();
    g_autoptr(json_object) all = json_parse(text, len, 8, path);
    *failed = TRUE;
    if (!all || json_get_string(all, "boot", &boot) < 0 || read_names(all, saved) < 0 || read_saved_files(all, saved) < 0 ||
        json_find_string(all, "network", &network) < 0 || (network && !(saved->network = netlink_saved_parse(network))))
        return NULL;
    saved->boot = g_strdup(boot);
    *failed = FALSE;
    return g_steal_pointer(&saved);
}

/* ---- restoring ---- */

int saved_host_restore_files(const SavedHost *saved, const char *root)
{
    int rc = 0;
    for (guint i = 0; saved->files && i < saved->files->len; i++) {
        const StyleFile *file = saved->files->pdata[i];
        g_autofree char *path = g_strconcat(root, file->path, NULL), *now = NULL;
        struct stat st;
        size_t len;
        if (!file->text) {
            rc |= file_remove_sync(path);
            continue;
        }
        if (stat(path, &st) == 0 && file_read_optional(path, SAVED_MAX, &now, &len) == 1 && strcmp(now, file->text) == 0 &&
            (st.st_mode & 07777) == file->mode)
            continue;
        virResetLastError();
        g_autofree char *folder = g_path_get_dirname(path);
        rc |= file_mkdirs(folder, 0755, FILE_OWNER_KEEP, FILE_GROUP_KEEP) < 0 ||
            file_replace(path, file->text, strlen(file->text), file->mode, FILE_OWNER_KEEP, FILE_GROUP_KEEP) < 0;
    }
    return rc ? -1 : 0;
}
