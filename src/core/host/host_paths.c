/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/host/host_paths.h"
#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "core/host/host.h"

#define COMMAND_MAX 65536
#define GUEST_MARK "guest="

/* ---- who has it open ---- */

static gboolean has_open(guint pid, const struct stat *wanted)
{
    g_autofree char *folder = g_strdup_printf("/proc/%u/fd", pid);
    DIR *dir = opendir(folder);
    gboolean found = FALSE;
    struct dirent *entry;
    struct stat st;

    while (dir && !found && (entry = readdir(dir)))
        found = fstatat(dirfd(dir), entry->d_name, &st, 0) == 0 && S_ISREG(st.st_mode) == S_ISREG(wanted->st_mode) &&
                st.st_dev == wanted->st_dev && st.st_ino == wanted->st_ino;
    if (dir)
        closedir(dir);
    return found;
}

/* The name in QEMU's "-name guest=NAME,…", in which commas are doubled; NULL for another program. */
static char *guest_of(const char *name)
{
    g_autoptr(GString) guest = g_string_new(NULL);

    if (!g_str_has_prefix(name, GUEST_MARK))
        return NULL;
    for (const char *at = name + strlen(GUEST_MARK); *at && (*at != ',' || at[1] == ','); at++) {
        g_string_append_c(guest, *at);
        at += *at == ',';
    }
    return g_string_free(g_steal_pointer(&guest), FALSE);
}

static char *describe(guint pid)
{
    g_autofree char *path = g_strdup_printf("/proc/%u/cmdline", pid);
    g_autofree char *text = g_malloc0(COMMAND_MAX + 2);
    g_autofree char *comm = NULL;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t len = fd < 0 ? 0 : read(fd, text, COMMAND_MAX);

    if (fd >= 0)
        close(fd);
    for (const char *arg = text; len > 0 && arg < text + len; arg += strlen(arg) + 1) {
        g_autofree char *guest = g_str_equal(arg, "-name") ? guest_of(arg + strlen(arg) + 1) : NULL;

        if (guest)
            return g_strdup_printf("QEMU of domain '%s' (process %u)", guest, pid);
    }
    comm = host_read(64, "/proc/%u/comm", pid);
    return g_strdup_printf("process %u (%s)", pid, comm ? g_strchomp(comm) : "?");
}

char *host_path_holders(const char *path, guint max)
{
    g_autoptr(GArray) pids = host_list_numbers("/proc", "");
    g_autoptr(GString) text = g_string_new(NULL);
    struct stat wanted;
    guint n = 0;

    if (stat(path, &wanted) < 0)
        return NULL;
    for (guint i = 0; i < pids->len && n < max; i++) {
        guint pid = g_array_index(pids, guint, i);

        if ((pid_t)pid == getpid() || !has_open(pid, &wanted))
            continue;
        g_autofree char *who = describe(pid);
        g_string_append_printf(text, "%s%s", n++ ? ", " : "", who);
    }
    return n ? g_string_free(g_steal_pointer(&text), FALSE) : NULL;
}

/* ---- who can't get there ---- */

static gboolean may(const struct stat *st, uid_t uid, gid_t gid, mode_t right)
{
    mode_t bits = st->st_uid == uid ? st->st_mode >> 6 : st->st_gid == gid ? st->st_mode >> 3 : st->st_mode;

    return uid == 0 || (bits & right) == right;
}

char *host_path_blocker(const char *path, uid_t uid, gid_t gid)
{
    g_autofree char *part = g_strdup(path);
    struct stat st;

    if (*path != '/')
        return NULL;
    for (char *slash = strchr(part + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (stat(part, &st) < 0)
            return NULL;
        if (!may(&st, uid, gid, S_IXOTH))
            return g_strdup_printf("user %u can't pass folder '%s'; 'setfacl -m u:%u:x %s' lets it", (guint)uid, part, (guint)uid, part);
        *slash = '/';
    }
    if (stat(path, &st) < 0 || may(&st, uid, gid, S_IROTH | S_IWOTH))
        return NULL;
    return g_strdup_printf("user %u can't read and write '%s'; 'setfacl -m u:%u:rw %s' lets it", (guint)uid, path, (guint)uid, path);
}
