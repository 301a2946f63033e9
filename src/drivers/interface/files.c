/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The host's configuration files: which style it has, what they say, and how a definition gets into them.
 */
#define ERROR_DOMAIN VIR_FROM_INTERFACE
#define LOG_SOURCE "interface.files"
#include <errno.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "drivers/interface/interface_driver.h"

#define FILE_MAX (1024 * 1024)
#define FILES_MAX 8192
#define WATCHED (IN_MODIFY | IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF)
/* The file that says what is to be put back if the daemon doesn't come to the end of a change. */
#define UNDO "undo.json"

/* ---- which style ---- */

static gboolean exists(const char *root, const char *path)
{
    g_autofree char *full = g_strconcat(root, path, NULL);
    return access(full, F_OK) == 0;
}

static gboolean has_files(const char *root, const HostStyle *style)
{
    g_autofree char *folder = g_strconcat(root, style->folders[0], NULL);
    GDir *dir = g_dir_open(folder, 0, NULL);
    gboolean found = FALSE;
    const char *name;
    while (dir && !found && (name = g_dir_read_name(dir)))
        found = g_str_has_suffix(name, style->suffixes[0]);
    if (dir)
        g_dir_close(dir);
    return found;
}

/* netplan writes the files of the others; a manager that runs counts more than one that is only there. */
const HostStyle *host_style(const char *root)
{
    if (has_files(root, &style_netplan))
        return &style_netplan;
    if (exists(root, "/run/NetworkManager"))
        return &style_keyfile;
    if (exists(root, "/run/systemd/netif/state")) /* the folder alone is there on every host with systemd */
        return &style_networkd;
    if (exists(root, style_ifupdown.file))
        return &style_ifupdown;
    if (exists(root, style_networkd.folders[0]))
        return &style_networkd;
    return exists(root, style_keyfile.folders[0]) ? &style_keyfile : NULL;
}

/* ---- whether anything has changed ---- */

static const char *const watched_folders[] = {
    "/etc/network", "/etc/network/interfaces.d", "/etc/systemd/network", "/etc/NetworkManager/system-connections", "/etc/netplan",
};

struct HostFiles {
    char *root;
    int fd;
    int watches[G_N_ELEMENTS(watched_folders)];
    const HostStyle *style;
};

HostFiles *host_files_new(const char *root)
{
    HostFiles *files = g_new0(HostFiles, 1);
    files->root = g_strdup(root);
    files->fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    for (guint i = 0; i < G_N_ELEMENTS(files->watches); i++)
        files->watches[i] = -1;
    return files;
}

void host_files_free(HostFiles *files)
{
    if (!files)
        return;
    if (files->fd >= 0)
        close(files->fd);
    g_free(files->root);
    g_free(files);
}

/* Begin to watch folders that have come. */
static gboolean watch_folders(HostFiles *files)
{
    gboolean changed = FALSE;
    for (guint i = 0; i < G_N_ELEMENTS(watched_folders); i++) {
        if (files->watches[i] >= 0)
            continue;
        g_autofree char *path = g_strconcat(files->root, watched_folders[i], NULL);
        files->watches[i] = inotify_add_watch(files->fd, path, WATCHED | IN_ONLYDIR);
        changed |= files->watches[i] >= 0;
    }
    return changed;
}

gboolean host_files_changed(HostFiles *files)
{
    char buf[4096] __attribute__((aligned(__alignof__(struct inotify_event))));
    gboolean changed = files->fd < 0; /* then nobody tells */
    ssize_t len;
    while (files->fd >= 0 && ((len = read(files->fd, buf, sizeof(buf))) > 0 || (len < 0 && errno == EINTR))) {
        changed = TRUE;
        for (ssize_t at = 0; at < len;) {
            const struct inotify_event *event = (const void *) (buf + at);
            for (guint i = 0; i < G_N_ELEMENTS(watched_folders); i++) {
                if (files->watches[i] == event->wd && (event->mask & IN_IGNORED))
                    files->watches[i] = -1;
            }
            at += (ssize_t) (sizeof(*event) + event->len);
        }
    }
    const HostStyle *style = host_style(files->root);
    changed |= files->style != style;
    files->style = style;
    return watch_folders(files) || changed;
}

/* ---- reading ---- */

static gboolean is_of(const HostStyle *style, const char *name)
{
    for (guint i = 0; i < G_N_ELEMENTS(style->suffixes) && style->suffixes[i]; i++) {
        if (g_str_has_suffix(name, style->suffixes[i]))
            return TRUE;
    }
    return FALSE;
}

/* @path below the root. What can't be read is passed over: it is the administrator's, and others can be told nevertheless. */
static void add_file(const char *root, char *path, GPtrArray *files)
{
    g_autofree char *full = g_strconcat(root, path, NULL), *text = NULL;
    struct stat st;
    size_t len = 0;
    if (stat(full, &st) == 0 && S_ISREG(st.st_mode) && file_read_optional(full, FILE_MAX, &text, &len) == 1) {
        g_ptr_array_add(files, style_file_new(path, g_steal_pointer(&text), st.st_mode & 07777));
        return;
    }
    if (virGetLastErrorCode())
        LOG_WARN("'%s' is left out: %s", full, error_message());
    virResetLastError();
    g_free(path);
}

/* What is added to the files by others beside them. */
static int add_dropins(const char *root, GPtrArray *files)
{
    guint n = files->len;
    for (guint i = 0; i < n; i++) {
        g_autofree char *folder = g_strconcat(((StyleFile *) files->pdata[i])->path, ".d", NULL), *full = g_strconcat(root, folder, NULL);
        g_auto(GStrv) names = file_list_dir(full, FILES_MAX);
        if (!names)
            return -1;
        for (char **name = names; *name; name++) {
            if (g_str_has_suffix(*name, ".conf"))
                add_file(root, g_build_filename(folder, *name, NULL), files);
        }
    }
    return 0;
}

GPtrArray *host_style_files(const char *root, const HostStyle *style)
{
    g_autoptr(GPtrArray) files = g_ptr_array_new_with_free_func((GDestroyNotify) style_file_free);
    if (style->file)
        add_file(root, g_strdup(style->file), files);
    for (const char *const *folder = style->folders; *folder; folder++) {
        g_autofree char *full = g_strconcat(root, *folder, NULL);
        g_auto(GStrv) names = file_list_dir(full, FILES_MAX);
        if (!names)
            return NULL;
        for (char **name = names; *name; name++) {
            if (is_of(style, *name))
                add_file(root, g_build_filename(*folder, *name, NULL), files);
        }
    }
    return style->dropins && add_dropins(root, files) < 0 ? NULL : g_steal_pointer(&files);
}

static GPtrArray *entries_of(const HostStyle *style, const GPtrArray *files)
{
    GPtrArray *entries = g_ptr_array_new_with_free_func((GDestroyNotify) style_entry_free);
    style->read(files, entries);
    for (guint i = entries->len; i-- > 0;) {
        const StyleEntry *entry = entries->pdata[i];
        if (netlink_name_is_valid(entry->def->name) && host_interface_complete(entry->def) == 0)
            continue;
        LOG_INFO("what '%s' says about '%s' has no words in our format: %s", entry->path, entry->def->name, error_message());
        virResetLastError();
        g_ptr_array_remove_index(entries, i);
    }
    return entries;
}

GPtrArray *host_files_read(const char *root)
{
    const HostStyle *style = host_style(root);
    if (!style)
        return g_ptr_array_new();
    g_autoptr(GPtrArray) files = host_style_files(root, style);
    return files ? entries_of(style, files) : NULL;
}

/* ---- keeping a definition ---- */

static const StyleFile *find_file(const GPtrArray *files, const char *path)
{
    for (guint i = 0; i < files->len; i++) {
        if (strcmp(((StyleFile *) files->pdata[i])->path, path) == 0)
            return files->pdata[i];
    }
    return NULL;
}

/* ifupdown reads only what its main file names. */
static int check_sourced(const HostStyle *style, const GPtrArray *files)
{
    const StyleFile *file = style->file ? find_file(files, style->file) : NULL;
    if (!style->file || (file && strstr(file->text, "interfaces.d")))
        return 0;
    return FAIL(VIR_ERR_OPERATION_INVALID, "'%s' doesn't read '%s': add the line 'source %s/*' to it", style->file, style->folders[0],
                style->folders[0]);
}

/* What the administrator has written about an interface, or about what it is made of, is not ours to change. */
static int check_ours(const HostStyle *style, const GPtrArray *files, GHashTable *names)
{
    g_autoptr(GPtrArray) others = g_ptr_array_new();
    for (guint i = 0; i < files->len; i++) {
        const StyleFile *file = files->pdata[i];
        g_autofree char *owner = style_owner(file->text);
        if (!owner)
            g_ptr_array_add(others, (gpointer) file);
    }
    g_autoptr(GPtrArray) entries = entries_of(style, others);
    for (guint i = 0; i < entries->len; i++) {
        const StyleEntry *entry = entries->pdata[i];
        if (g_hash_table_contains(names, entry->def->name))
            return FAIL(VIR_ERR_OPERATION_INVALID, "interface '%s' is defined in '%s', which is the administrator's: change or remove it there",
                        entry->def->name, entry->path);
    }
    return 0;
}

/* Nor may it be part of two. */
static int check_parts(const HostStyle *style, const GPtrArray *files, GHashTable *names)
{
    g_autoptr(GPtrArray) entries = entries_of(style, files);
    for (guint i = 0; i < entries->len; i++) {
        const HostInterfaceDef *other = ((StyleEntry *) entries->pdata[i])->def;
        g_autoptr(GHashTable) parts = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        GHashTableIter iter;
        gpointer name;
        saved_host_add_names(parts, other);
        g_hash_table_iter_init(&iter, names);
        while (!g_hash_table_contains(names, other->name) && g_hash_table_iter_next(&iter, &name, NULL)) {
            if (g_hash_table_contains(parts, name))
                return FAIL(VIR_ERR_OPERATION_INVALID, "interface '%s' is part of '%s', which '%s' defines: undefine that first", (char *) name,
                            other->name, ((StyleEntry *) entries->pdata[i])->path);
        }
    }
    return 0;
}

/* Files of ours that say anything about @names and aren't among @next. */
static void list_old(const GPtrArray *files, GHashTable *names, const GPtrArray *next, GPtrArray *old)
{
    for (guint i = 0; i < files->len; i++) {
        const StyleFile *file = files->pdata[i];
        g_autofree char *owner = style_owner(file->text);
        if (owner && g_hash_table_contains(names, owner) && !find_file(next, file->path))
            g_ptr_array_add(old, (gpointer) file->path);
    }
}

static StyleFile *saved_of(const GPtrArray *files, const char *path)
{
    const StyleFile *file = find_file(files, path);
    return style_file_new(g_strdup(path), file ? g_strdup(file->text) : NULL, file ? file->mode : 0);
}

static int write_all(const char *root, const GPtrArray *next, const GPtrArray *old)
{
    for (guint i = 0; i < next->len; i++) {
        const StyleFile *file = next->pdata[i];
        g_autofree char *path = g_strconcat(root, file->path, NULL), *folder = g_path_get_dirname(path);
        if (file_mkdirs(folder, 0755, FILE_OWNER_KEEP, FILE_GROUP_KEEP) < 0 ||
            file_replace(path, file->text, strlen(file->text), file->mode, FILE_OWNER_KEEP, FILE_GROUP_KEEP) < 0)
            return -1;
    }
    for (guint i = 0; i < old->len; i++) {
        g_autofree char *path = g_strconcat(root, old->pdata[i], NULL), *folder = g_path_get_dirname(path);
        if (file_remove_sync(path) < 0)
            return -1;
        if (g_str_has_suffix(folder, ".network.d"))
            rmdir(folder); /* the last one of it */
    }
    return 0;
}

/* With a note on the disk of what was, until all is done. */
static int write_noted(const InterfaceNode *node, const GPtrArray *files, const GPtrArray *next, const GPtrArray *old)
{
    g_autofree char *note = g_build_filename(node->lib, UNDO, NULL);
    g_autoptr(SavedHost) saved = saved_host_new();
    saved->files = g_ptr_array_new_with_free_func((GDestroyNotify) style_file_free);
    for (guint i = 0; i < next->len; i++)
        g_ptr_array_add(saved->files, saved_of(files, ((StyleFile *) next->pdata[i])->path));
    for (guint i = 0; i < old->len; i++)
        g_ptr_array_add(saved->files, saved_of(files, old->pdata[i]));
    if (saved_host_write(saved, note, TRUE) < 0)
        return -1;
    if (write_all(node->root, next, old) == 0)
        return file_remove_sync(note);
    virErrorPtr error = error_save();
    if (saved_host_restore_files(saved, node->root) < 0 || file_remove_sync(note) < 0)
        LOG_ERROR("the next daemon will mend the host's network files: %s", error_message());
    error_restore(error);
    return -1;
}

int host_files_keep(InterfaceNode *node, const char *name, const HostInterfaceDef *def)
{
    const HostStyle *style = host_style(node->root);
    if (!style)
        return FAIL(VIR_ERR_NO_SUPPORT, "this host has neither ifupdown, systemd-networkd, NetworkManager nor netplan to keep interface "
                    "'%s' with", name);
    g_autoptr(GHashTable) names = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_autoptr(GPtrArray) files = host_style_files(node->root, style);
    g_autoptr(GPtrArray) next = g_ptr_array_new_with_free_func((GDestroyNotify) style_file_free);
    g_autoptr(GPtrArray) old = g_ptr_array_new();
    g_hash_table_add(names, g_strdup(name));
    if (def)
        saved_host_add_names(names, def);
    if (!files || check_ours(style, files, names) < 0 || check_parts(style, files, names) < 0 || (def && (check_sourced(style, files) < 0 || style->write(def, files, next) < 0)))
        return -1;
    for (guint i = 0; i < next->len; i++) {
        const StyleFile *there = find_file(files, ((StyleFile *) next->pdata[i])->path);
        g_autofree char *owner = there ? style_owner(there->text) : NULL;
        if (there && !owner)
            return FAIL(VIR_ERR_OPERATION_INVALID, "'%s' is in the way: its first line says no more that it is ours; remove it", there->path);
    }
    list_old(files, names, next, old);
    if (!def && !old->len)
        return FAIL(VIR_ERR_OPERATION_INVALID, "no file of this host defines interface '%s': there is nothing to undefine", name);
    return write_noted(node, files, next, old);
}

void host_files_mend(const InterfaceNode *node)
{
    static const HostStyle *const styles[] = { &style_ifupdown, &style_networkd, &style_keyfile, &style_netplan };
    for (guint i = 0; i < G_N_ELEMENTS(styles); i++) {
        g_autofree char *folder = g_strconcat(node->root, styles[i]->folders[0], NULL);
        file_sweep(folder);
    }
    file_sweep(node->lib);
    file_sweep(node->state);
    g_autofree char *note = g_build_filename(node->lib, UNDO, NULL);
    gboolean failed;
    g_autoptr(SavedHost) saved = saved_host_read(note, &failed);
    if (failed || (saved && (saved_host_restore_files(saved, node->root) < 0 || file_remove_sync(note) < 0)))
        LOG_ERROR("a definition of an interface that was interrupted can't be taken back: %s", error_message());
    else if (saved)
        LOG_INFO("a definition of an interface that was interrupted has been taken back");
    virResetLastError();
}
