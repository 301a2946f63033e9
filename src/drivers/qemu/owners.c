/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Theory of operation. All files of one step are taken together ("busy"), so that steps of other guests which share one of them wait; no
 * lock is held while the file system works. The guest's list says of each file to whom it was given, who had it, and the count in its
 * attributes without this guest. A line is marked as under way before its file is touched, and as done afterwards; of one that was left
 * under way, that count tells whether the attributes were written. An owner is changed back only where it still is the one that we set.
 */
#define ERROR_DOMAIN VIR_FROM_SECURITY
#define LOG_SOURCE "qemu.owners"
#include "drivers/qemu/owners.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>
#include "base/error.h"
#include "base/file.h"
#include "base/log.h"

#define ATTR_OWNER "trusted.libvirt.security.dac"
#define ATTR_REFS "trusted.libvirt.security.ref_dac"
#define ATTR_TIME "trusted.libvirt.security.timestamp_dac"
/* Clocks are set; a host that was started anew differs by more. */
#define TIME_SLACK 5
#define SUFFIX ".owners"
#define MAX_LIST (16 * 1024 * 1024)
#define MAX_LISTS 100000
#define MAX_REFS 1000000

/* A file of one guest. */
typedef struct Owned {
    char *path;
    uid_t uid, was_uid;
    gid_t gid, was_gid;
    guint refs;         /* count in the file's attributes without us */
    guint uses;         /* devices of the guest that have it */
    gboolean pending;   /* what is done to it may be half done */
} Owned;

/* A file, whoever has it. */
typedef struct Entry {
    GPtrArray *holders; /* names of guests, owned */
    uid_t uid, was_uid;
    gid_t gid, was_gid;
    gboolean busy;
} Entry;

struct Owners {
    GMutex lock;
    GCond cond;
    char *folder;
    bool remember;
    guint64 boot;       /* when the host was started */
    GHashTable *files;  /* path to Entry */
    GHashTable *guests; /* name to array of Owned */
};

/* What a file's attributes say. */
typedef struct Note {
    gboolean there;
    uid_t uid;
    gid_t gid;
    guint refs;
} Note;

/* ---- memory ---- */

static void owned_free(void *opaque)
{
    Owned *owned = opaque;

    g_free(owned->path);
    g_free(owned);
}

static void entry_free(void *opaque)
{
    Entry *entry = opaque;

    g_ptr_array_unref(entry->holders);
    g_free(entry);
}

static guint64 boot_time(void)
{
    size_t len;
    g_autofree char *text = file_read("/proc/stat", MAX_LIST, &len);
    const char *line = text ? strstr(text, "\nbtime ") : NULL;

    virResetLastError();
    return line ? g_ascii_strtoull(line + strlen("\nbtime "), NULL, 10) : 0;
}

Owners *owners_new(const char *folder, bool remember)
{
    Owners *owners = g_new0(Owners, 1);

    g_mutex_init(&owners->lock);
    g_cond_init(&owners->cond);
    owners->folder = g_strdup(folder);
    owners->remember = remember;
    owners->boot = boot_time();
    owners->files = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, entry_free);
    owners->guests = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_ptr_array_unref);
    return owners;
}

void owners_free(Owners *owners)
{
    if (!owners)
        return;
    g_hash_table_unref(owners->files);
    g_hash_table_unref(owners->guests);
    g_free(owners->folder);
    g_mutex_clear(&owners->lock);
    g_cond_clear(&owners->cond);
    g_free(owners);
}

static Owned *find_owned(GPtrArray *all, const char *path)
{
    for (guint i = 0; all && i < all->len; i++) {
        if (g_str_equal(((Owned *)all->pdata[i])->path, path))
            return all->pdata[i];
    }
    return NULL;
}

/* ---- lists ---- */

static char *list_path(const Owners *owners, const char *guest)
{
    return g_strdup_printf("%s/%s" SUFFIX, owners->folder, guest);
}

/* With the guest's files busy, so that nobody else writes its list. */
static int write_list(Owners *owners, const char *guest)
{
    g_autofree char *path = list_path(owners, guest);
    g_autoptr(GString) text = g_string_new(NULL);

    g_mutex_lock(&owners->lock);
    GPtrArray *all = g_hash_table_lookup(owners->guests, guest);
    for (guint i = 0; all && i < all->len; i++) {
        const Owned *o = all->pdata[i];
        g_autofree char *escaped = g_strescape(o->path, NULL);

        g_string_append_printf(text, "%s %u %u %u %u %u %u %s\n", o->pending ? "pending" : "done", (guint)o->uid, (guint)o->gid, (guint)o->was_uid,
                               (guint)o->was_gid, o->refs, o->uses, escaped);
    }
    g_mutex_unlock(&owners->lock);
    if (text->len)
        return file_replace_quickly(path, text->str, text->len, 0600);
    if (unlink(path) == 0 || errno == ENOENT)
        return 0;
    return FAIL_ERRNO(errno, "cannot remove '%s'", path);
}

static void hold(Owners *owners, const char *guest, const Owned *owned)
{
    Entry *entry = g_hash_table_lookup(owners->files, owned->path);

    if (!entry) {
        entry = g_new0(Entry, 1);
        *entry = (Entry){ g_ptr_array_new_with_free_func(g_free), owned->uid, owned->was_uid, owned->gid, owned->was_gid, FALSE };
        g_hash_table_insert(owners->files, g_strdup(owned->path), entry);
    }
    if (!g_ptr_array_find_with_equal_func(entry->holders, guest, g_str_equal, NULL))
        g_ptr_array_add(entry->holders, g_strdup(guest));
}

static Owned *parse_line(const char *line)
{
    char state[16];
    guint numbers[6];
    int at = 0;

    if (sscanf(line, "%15s %u %u %u %u %u %u %n", state, &numbers[0], &numbers[1], &numbers[2], &numbers[3], &numbers[4], &numbers[5], &at) < 7 ||
        !at || line[at] != '/')
        return NULL;
    Owned *owned = g_new0(Owned, 1);
    *owned = (Owned){ g_strcompress(line + at), numbers[0], numbers[2], numbers[1], numbers[3], MIN(numbers[4], MAX_REFS),
                      CLAMP(numbers[5], 1, MAX_REFS), !g_str_equal(state, "done") };
    return owned;
}

static void load_one(Owners *owners, const char *name)
{
    g_autofree char *path = g_build_filename(owners->folder, name, NULL), *guest = g_strndup(name, strlen(name) - strlen(SUFFIX));
    g_autofree char *text = file_read(path, MAX_LIST, NULL);
    g_auto(GStrv) lines = text ? g_strsplit(text, "\n", -1) : NULL;
    GPtrArray *all = g_ptr_array_new_with_free_func(owned_free);

    if (!text) {
        LOG_ERROR("%s", error_message());
        virResetLastError();
    }
    for (guint i = 0; lines && lines[i]; i++) {
        Owned *owned = *lines[i] ? parse_line(lines[i]) : NULL;

        if (!owned) {
            if (*lines[i])
                LOG_WARN("'%s', line %u: '%s' is not understood", path, i + 1, lines[i]);
            continue;
        }
        g_ptr_array_add(all, owned);
        hold(owners, guest, owned);
    }
    g_hash_table_insert(owners->guests, g_strdup(guest), all);
}

void owners_load(Owners *owners)
{
    g_auto(GStrv) names = file_list_dir(owners->folder, MAX_LISTS);

    if (!names) {
        LOG_ERROR("%s", error_message());
        virResetLastError();
    }
    for (guint i = 0; names && names[i]; i++) {
        if (g_str_has_suffix(names[i], SUFFIX))
            load_one(owners, names[i]);
    }
}

/* ---- attributes ---- */

static gboolean read_attr(const char *link, const char *name, char *value, size_t size)
{
    ssize_t n = getxattr(link, name, value, size - 1);

    value[MAX(n, 0)] = '\0';
    return n > 0;
}

/* What another start of the host has noted counts for the owner alone: none of its guests runs. */
static Note read_note(const Owners *owners, const char *link)
{
    Note note = { 0 };
    char text[64];
    guint uid, gid;

    if (!owners->remember || !read_attr(link, ATTR_OWNER, text, sizeof(text)) || sscanf(text, "+%u:+%u", &uid, &gid) != 2)
        return note;
    note = (Note){ TRUE, uid, gid, 0 };
    if (read_attr(link, ATTR_REFS, text, sizeof(text)))
        note.refs = (guint)MIN(g_ascii_strtoull(text, NULL, 10), MAX_REFS);
    if (read_attr(link, ATTR_TIME, text, sizeof(text))) {
        guint64 then = g_ascii_strtoull(text, NULL, 10);

        if (MAX(then, owners->boot) - MIN(then, owners->boot) > TIME_SLACK)
            note.refs = 0;
    }
    return note;
}

static gboolean write_attr(const char *link, const char *name, const char *value)
{
    return setxattr(link, name, value, strlen(value), 0) == 0;
}

/* Where a file system has none, our lists must do. */
static void write_note(const Owners *owners, const char *link, const Note *note)
{
    g_autofree char *owner = g_strdup_printf("+%u:+%u", (guint)note->uid, (guint)note->gid), *refs = g_strdup_printf("%u", note->refs);
    g_autofree char *boot = g_strdup_printf("%" G_GUINT64_FORMAT, owners->boot);

    if (!owners->remember)
        return;
    if (!write_attr(link, ATTR_OWNER, owner) || !write_attr(link, ATTR_TIME, boot) || !write_attr(link, ATTR_REFS, refs)) {
        removexattr(link, ATTR_OWNER);
        removexattr(link, ATTR_TIME);
    }
}

static void drop_note(const char *link)
{
    removexattr(link, ATTR_OWNER);
    removexattr(link, ATTR_TIME);
    removexattr(link, ATTR_REFS);
}

/* ---- one file ---- */

/* What a file is, through one descriptor that stays the same whatever becomes of its name. */
typedef struct File {
    int fd;
    char *link;         /* of the descriptor in /proc, for calls that take no such descriptor */
    struct stat st;
} File;

static void file_close(File *file)
{
    if (file->fd >= 0)
        close(file->fd);
    g_free(file->link);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(File, file_close)

static gboolean open_file(const char *path, File *file)
{
    file->fd = open(path, O_PATH | O_CLOEXEC);
    if (file->fd < 0 || fstat(file->fd, &file->st) < 0 || S_ISDIR(file->st.st_mode))
        return FALSE;
    file->link = g_strdup_printf("/proc/self/fd/%d", file->fd);
    return TRUE;
}

static int set_owner(const File *file, uid_t uid, gid_t gid)
{
    return fchownat(file->fd, "", uid, gid, AT_EMPTY_PATH) < 0 ? errno : 0;
}

/* The file system refuses; whoever opens the file meets that. */
static gboolean is_refused(int err)
{
    return err == EPERM || err == EACCES || err == EROFS || err == ENOSYS || err == EOPNOTSUPP || err == EINVAL;
}

static gboolean belongs_to(const File *file, uid_t uid, gid_t gid)
{
    return file->st.st_uid == uid && file->st.st_gid == gid;
}

/* What shall be done to a file, before anything is done. FALSE: nothing. -1 in @rc with an error. */
static gboolean plan(const Owners *owners, const Entry *entry, Owned *owned, int *rc)
{
    g_auto(File) file = { -1 };
    Note note;

    if (!open_file(owned->path, &file))
        return FALSE;
    note = read_note(owners, file.link);
    owned->refs = note.refs;
    if (entry->holders->len) {
        owned->was_uid = entry->was_uid;
        owned->was_gid = entry->was_gid;
    } else {
        owned->was_uid = note.there ? note.uid : owners->remember ? file.st.st_uid : 0;
        owned->was_gid = note.there ? note.gid : owners->remember ? file.st.st_gid : 0;
    }
    if (entry->holders->len || note.refs == 0 || belongs_to(&file, owned->uid, owned->gid))
        return TRUE;
    *rc = FAIL(VIR_ERR_OPERATION_FAILED, "'%s' belongs to user %u and group %u while %u other%s, so that it can't be given to user %u and "
               "group %u; if none does, 'setfattr -x " ATTR_REFS " %s' tells so", owned->path, (guint)file.st.st_uid, (guint)file.st.st_gid,
               note.refs, note.refs == 1 ? " uses it" : "s use it", (guint)owned->uid, (guint)owned->gid, owned->path);
    return FALSE;
}

static int apply(const Owners *owners, const Owned *owned)
{
    g_auto(File) file = { -1 };
    Note note = { TRUE, owned->was_uid, owned->was_gid, owned->refs + 1 };
    int err;

    if (!open_file(owned->path, &file))
        return 0;
    /* Nothing to remember, and nobody else remembers anything. */
    if (owned->refs == 0 && owned->uid == owned->was_uid && owned->gid == owned->was_gid && belongs_to(&file, owned->uid, owned->gid))
        return 0;
    write_note(owners, file.link, &note);
    err = set_owner(&file, owned->uid, owned->gid);
    if (err == 0)
        return 0;
    note.refs = owned->refs;
    if (note.refs)
        write_note(owners, file.link, &note);
    else
        drop_note(file.link);
    if (is_refused(err)) {
        LOG_INFO("'%s' stays as it is, its file system doesn't let it be given to user %u: %s", owned->path, (guint)owned->uid, g_strerror(err));
        return 0;
    }
    return FAIL_ERRNO(err, "cannot give '%s' to user %u and group %u", owned->path, (guint)owned->uid, (guint)owned->gid);
}

/* @shared: other guests of ours have it. */
static void give_back(const Owners *owners, const Owned *owned, gboolean shared)
{
    g_auto(File) file = { -1 };
    Note note;
    int err = 0;

    if (!open_file(owned->path, &file))
        return;
    note = read_note(owners, file.link);
    if (note.refs > 0 && (!owned->pending || note.refs > owned->refs))
        note.refs--;
    if (note.there && note.refs == 0 && !shared) {
        if (belongs_to(&file, owned->uid, owned->gid))
            err = set_owner(&file, note.uid, note.gid);
        if (err == 0)
            drop_note(file.link);
    } else if (note.there) {
        write_note(owners, file.link, &note);
    } else if (!shared && belongs_to(&file, owned->uid, owned->gid)) {
        err = set_owner(&file, owned->was_uid, owned->was_gid);
    }
    if (err && !is_refused(err))
        LOG_ERROR("cannot give '%s' back to user %u and group %u: %s", owned->path, (guint)owned->was_uid, (guint)owned->was_gid, g_strerror(err));
}

/* ---- steps ---- */

/* With the lock held. Make all of these files ours for a while. */
static void take(Owners *owners, GPtrArray *paths)
{
    for (guint i = 0; i < paths->len; i++) {
        Entry *entry = g_hash_table_lookup(owners->files, paths->pdata[i]);

        if (!entry || !entry->busy)
            continue;
        g_cond_wait(&owners->cond, &owners->lock);
        i = (guint)-1; /* from the beginning: others may have become busy meanwhile */
    }
    for (guint i = 0; i < paths->len; i++) {
        Entry *entry = g_hash_table_lookup(owners->files, paths->pdata[i]);

        if (!entry) {
            entry = g_new0(Entry, 1);
            entry->holders = g_ptr_array_new_with_free_func(g_free);
            g_hash_table_insert(owners->files, g_strdup(paths->pdata[i]), entry);
        }
        entry->busy = TRUE;
    }
}

static void let_go(Owners *owners, GPtrArray *paths)
{
    for (guint i = 0; i < paths->len; i++) {
        Entry *entry = g_hash_table_lookup(owners->files, paths->pdata[i]);

        if (!entry)
            continue;   /* the same path once more */
        entry->busy = FALSE;
        if (entry->holders->len == 0)
            g_hash_table_remove(owners->files, paths->pdata[i]);
    }
    g_cond_broadcast(&owners->cond);
}

/* With the lock held: refuse what another guest has as another user. */
static int check_others(Owners *owners, const char *guest, const OwnerWish *wish)
{
    const Entry *entry = g_hash_table_lookup(owners->files, wish->path);

    if (!entry || entry->holders->len == 0 || (entry->uid == wish->uid && entry->gid == wish->gid))
        return 0;
    return FAIL(VIR_ERR_OPERATION_FAILED, "'%s' is used by domain '%s' as user %u and group %u, so that it can't be given to user %u and group %u "
                "for domain '%s'; both need the same <label>", wish->path, (const char *)entry->holders->pdata[0], (guint)entry->uid,
                (guint)entry->gid, (guint)wish->uid, (guint)wish->gid, guest);
}

/* With the lock held. */
static GPtrArray *files_of(Owners *owners, const char *guest)
{
    GPtrArray *all = g_hash_table_lookup(owners->guests, guest);

    if (!all) {
        all = g_ptr_array_new_with_free_func(owned_free);
        g_hash_table_insert(owners->guests, g_strdup(guest), all);
    }
    return all;
}

/* Those of @wishes that the guest has not yet, planned, with the lock held at the beginning and the end. NULL with an error. */
static GPtrArray *plan_all(Owners *owners, const char *guest, const OwnerWish *wishes, size_t n)
{
    g_autoptr(GPtrArray) fresh = g_ptr_array_new_with_free_func(owned_free), planned = g_ptr_array_new_with_free_func(owned_free);
    int rc = 0;

    for (size_t i = 0; i < n; i++) {
        Owned *had = find_owned(files_of(owners, guest), wishes[i].path);
        Owned *again = had ? had : find_owned(fresh, wishes[i].path);

        if (check_others(owners, guest, &wishes[i]) < 0)
            return NULL;
        if (again && !had) {
            again->uses++;
        } else if (!again) {
            Owned *owned = g_new0(Owned, 1);

            *owned = (Owned){ g_strdup(wishes[i].path), wishes[i].uid, 0, wishes[i].gid, 0, 0, 1, TRUE };
            g_ptr_array_add(fresh, owned);
        }
    }
    g_mutex_unlock(&owners->lock);
    while (fresh->len && rc == 0) {
        Owned *owned = g_ptr_array_steal_index(fresh, 0);

        g_mutex_lock(&owners->lock);
        const Entry *entry = g_hash_table_lookup(owners->files, owned->path); /* it is busy: nobody changes it */
        g_mutex_unlock(&owners->lock);
        if (plan(owners, entry, owned, &rc))
            g_ptr_array_add(planned, owned);
        else
            owned_free(owned);
    }
    g_mutex_lock(&owners->lock);
    return rc < 0 ? NULL : g_steal_pointer(&planned);
}

/* With the lock held: take @owned off the guest's list, and the guest off the file's. Frees @owned. */
static void forget(Owners *owners, const char *guest, Owned *owned)
{
    Entry *entry = g_hash_table_lookup(owners->files, owned->path);
    GPtrArray *all = g_hash_table_lookup(owners->guests, guest);
    guint at;

    if (entry && g_ptr_array_find_with_equal_func(entry->holders, guest, g_str_equal, &at))
        g_ptr_array_remove_index_fast(entry->holders, at);
    g_ptr_array_remove(all, owned);
    if (all->len == 0)
        g_hash_table_remove(owners->guests, guest);
}

/* Change the files of @planned. Their list is written already. On failure all are as before. */
static int apply_all(Owners *owners, const char *guest, GPtrArray *planned)
{
    guint done = 0;

    while (done < planned->len && apply(owners, planned->pdata[done]) == 0)
        done++;
    if (done == planned->len)
        return 0;
    virErrorPtr error = error_save();
    for (guint i = 0; i < done; i++) {
        g_mutex_lock(&owners->lock);
        const Entry *entry = g_hash_table_lookup(owners->files, ((Owned *)planned->pdata[i])->path);
        gboolean shared = entry->holders->len > 1;
        g_mutex_unlock(&owners->lock);
        give_back(owners, planned->pdata[i], shared);
    }
    error_restore(error);
    return -1;
}

/* With the lock held. Note @planned down, before it is done. */
static void adopt(Owners *owners, const char *guest, GPtrArray *planned)
{
    GPtrArray *all = planned->len ? files_of(owners, guest) : NULL;

    for (guint i = 0; i < planned->len; i++) {
        Owned *owned = planned->pdata[i];
        Entry *entry = g_hash_table_lookup(owners->files, owned->path);

        if (entry->holders->len == 0) {
            entry->uid = owned->uid;
            entry->gid = owned->gid;
            entry->was_uid = owned->was_uid;
            entry->was_gid = owned->was_gid;
        }
        hold(owners, guest, owned);
        g_ptr_array_add(all, owned);
    }
    g_ptr_array_set_free_func(planned, NULL);
}

/* Those that the guest had already are used once more. With the lock held. */
static void use_again(Owners *owners, const char *guest, GPtrArray *planned, const OwnerWish *wishes, size_t n)
{
    GPtrArray *all = g_hash_table_lookup(owners->guests, guest);

    for (size_t i = 0; i < n; i++) {
        Owned *had = find_owned(all, wishes[i].path);

        if (had && !g_ptr_array_find(planned, had, NULL))
            had->uses++;
    }
}

static int give_taken(Owners *owners, const char *guest, const OwnerWish *wishes, size_t n)
{
    g_autoptr(GPtrArray) planned = plan_all(owners, guest, wishes, n);
    int rc;

    if (!planned)
        return -1;
    adopt(owners, guest, planned);
    use_again(owners, guest, planned, wishes, n);
    g_mutex_unlock(&owners->lock);
    rc = write_list(owners, guest) < 0 ? -1 : apply_all(owners, guest, planned);
    g_mutex_lock(&owners->lock);
    for (guint i = 0; i < planned->len; i++) {
        ((Owned *)planned->pdata[i])->pending = FALSE;
        if (rc < 0)
            forget(owners, guest, planned->pdata[i]);
    }
    GPtrArray *all = g_hash_table_lookup(owners->guests, guest);
    for (size_t i = 0; rc < 0 && i < n; i++) {
        Owned *had = find_owned(all, wishes[i].path);

        if (had)
            had->uses--;
    }
    g_mutex_unlock(&owners->lock);
    virErrorPtr error = error_save();
    int written = write_list(owners, guest);
    if (rc < 0 || written == 0)
        error_restore(error);
    else
        virFreeError(error);
    g_mutex_lock(&owners->lock);
    return rc < 0 ? -1 : written;
}

/* What is no path stands for the guest's list, so that one step at a time writes it. */
static GPtrArray *names_for(const char *guest)
{
    GPtrArray *names = g_ptr_array_new_with_free_func(g_free);

    g_ptr_array_add(names, g_strconcat("list of ", guest, NULL));
    return names;
}

int owners_give(Owners *owners, const char *guest, const OwnerWish *wishes, size_t n)
{
    g_autoptr(GPtrArray) paths = names_for(guest);
    int rc;

    for (size_t i = 0; i < n; i++)
        g_ptr_array_add(paths, g_strdup(wishes[i].path));
    g_mutex_lock(&owners->lock);
    take(owners, paths);
    rc = give_taken(owners, guest, wishes, n);
    let_go(owners, paths);
    g_mutex_unlock(&owners->lock);
    return rc;
}

/* Mark what is given back now, and what it will be: the count that its attributes shall have. */
static void begin_return(const Owners *owners, Owned *owned)
{
    g_auto(File) file = { -1 };

    if (owned->pending || !open_file(owned->path, &file))
        return;
    owned->refs = MAX(read_note(owners, file.link).refs, 1) - 1;
    owned->pending = TRUE;
}

static void restore_taken(Owners *owners, const char *guest, GPtrArray *leaving)
{
    for (guint i = 0; i < leaving->len; i++)
        begin_return(owners, leaving->pdata[i]);
    if (leaving->len && write_list(owners, guest) < 0) {
        LOG_ERROR("%s", error_message());
        virResetLastError();
    }
    for (guint i = 0; i < leaving->len; i++) {
        Owned *owned = leaving->pdata[i];

        g_mutex_lock(&owners->lock);
        const Entry *entry = g_hash_table_lookup(owners->files, owned->path);
        gboolean shared = entry->holders->len > 1;
        g_mutex_unlock(&owners->lock);
        give_back(owners, owned, shared);
    }
    g_mutex_lock(&owners->lock);
    for (guint i = 0; i < leaving->len; i++)
        forget(owners, guest, leaving->pdata[i]);
    g_mutex_unlock(&owners->lock);
    if (write_list(owners, guest) < 0) {
        LOG_ERROR("%s", error_message());
        virResetLastError();
    }
}

/* With the lock held: those that nothing of the guest uses any more. */
static GPtrArray *choose_leaving(GPtrArray *all, const char *const *paths, size_t n)
{
    GPtrArray *leaving = g_ptr_array_new();

    for (guint i = 0; !paths && all && i < all->len; i++)
        g_ptr_array_add(leaving, all->pdata[i]);
    for (size_t i = 0; paths && i < n; i++) {
        Owned *owned = find_owned(all, paths[i]);

        if (owned && owned->uses > 0 && --owned->uses == 0)
            g_ptr_array_add(leaving, owned);
    }
    return leaving;
}

void owners_restore(Owners *owners, const char *guest, const char *const *paths, size_t n)
{
    g_autoptr(GPtrArray) names = names_for(guest), leaving = NULL;

    g_mutex_lock(&owners->lock);
    GPtrArray *all = g_hash_table_lookup(owners->guests, guest);
    for (guint i = 0; !paths && all && i < all->len; i++)
        g_ptr_array_add(names, g_strdup(((Owned *)all->pdata[i])->path));
    for (size_t i = 0; paths && i < n; i++)
        g_ptr_array_add(names, g_strdup(paths[i]));
    take(owners, names);
    leaving = choose_leaving(g_hash_table_lookup(owners->guests, guest), paths, n);
    g_mutex_unlock(&owners->lock);
    restore_taken(owners, guest, leaving);
    g_mutex_lock(&owners->lock);
    let_go(owners, names);
    g_mutex_unlock(&owners->lock);
}

void owners_sweep(Owners *owners, bool (*alive)(const char *guest, void *opaque), void *opaque)
{
    g_autoptr(GPtrArray) gone = g_ptr_array_new_with_free_func(g_free);
    GHashTableIter iter;
    void *name;

    g_mutex_lock(&owners->lock);
    g_hash_table_iter_init(&iter, owners->guests);
    while (g_hash_table_iter_next(&iter, &name, NULL))
        g_ptr_array_add(gone, g_strdup(name));
    g_mutex_unlock(&owners->lock);
    for (guint i = 0; i < gone->len; i++) {
        if (!alive(gone->pdata[i], opaque))
            owners_restore(owners, gone->pdata[i], NULL, 0);
    }
}
