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

#define ATTR_LABEL "security.selinux"
/* Clocks are set; a host that was started anew differs by more. */
#define TIME_SLACK 5
#define MAX_LIST (16 * 1024 * 1024)
#define MAX_LISTS 100000
#define MAX_REFS 1000000

typedef struct File File;

/* What is changed of files. Its values are words, as the attributes have them. */
typedef struct OwnersKind {
    const char *suffix;                             /* of the guests' lists */
    const char *attr, *attr_refs, *attr_time;       /* what a file's attributes tell */
    const char *root;                               /* what they have afterwards if nobody remembers */
    gboolean (*get)(const File *file, char *value); /* OWNER_SIZE bytes. FALSE: it has none */
    int (*set)(const File *file, const char *value);/* 0 or errno */
    char *(*describe)(const char *value);           /* for people */
} OwnersKind;

/* A file of one guest. */
typedef struct Owned {
    char *path;
    char to[OWNER_SIZE], was[OWNER_SIZE];
    guint refs;         /* count in the file's attributes without us */
    guint uses;         /* devices of the guest that have it */
    gboolean pending;   /* what is done to it may be half done */
} Owned;

/* A file, whoever has it. */
typedef struct Entry {
    GPtrArray *holders; /* names of guests, owned */
    char to[OWNER_SIZE], was[OWNER_SIZE];
    gboolean busy;
} Entry;

struct Owners {
    const OwnersKind *kind;
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
    char value[OWNER_SIZE];
    guint refs;
} Note;

/* What a file is, through one descriptor that stays the same whatever becomes of its name. */
struct File {
    int fd;
    char *link;         /* of the descriptor in /proc, for calls that take no such descriptor */
    struct stat st;
};

/* ---- kinds ---- */

static gboolean get_user(const File *file, char *value)
{
    g_snprintf(value, OWNER_SIZE, "+%u:+%u", (guint)file->st.st_uid, (guint)file->st.st_gid);
    return TRUE;
}

static int set_user(const File *file, const char *value)
{
    guint uid, gid;

    if (sscanf(value, "+%u:+%u", &uid, &gid) != 2)
        return EINVAL;
    return fchownat(file->fd, "", uid, gid, AT_EMPTY_PATH) < 0 ? errno : 0;
}

static char *describe_user(const char *value)
{
    guint uid = 0, gid = 0;

    return sscanf(value, "+%u:+%u", &uid, &gid) == 2 ? g_strdup_printf("user %u and group %u", uid, gid) : g_strdup(value);
}

static gboolean read_attr(const char *link, const char *name, char *value, size_t size)
{
    ssize_t n = getxattr(link, name, value, size - 1);

    value[MAX(n, 0)] = '\0';
    return n > 0;
}

static gboolean get_label(const File *file, char *value)
{
    return read_attr(file->link, ATTR_LABEL, value, OWNER_SIZE) && !strpbrk(value, " \t\n");
}

/* The kernel's own come with their NUL. */
static int set_label(const File *file, const char *value)
{
    return setxattr(file->link, ATTR_LABEL, value, strlen(value) + 1, 0) < 0 ? errno : 0;
}

static char *describe_label(const char *value)
{
    return g_strdup_printf("label '%s'", value);
}

static const OwnersKind kinds[] = {
    [OWNERS_USERS] = { ".owners", "trusted.libvirt.security.dac", "trusted.libvirt.security.ref_dac", "trusted.libvirt.security.timestamp_dac",
                       "+0:+0", get_user, set_user, describe_user },
    [OWNERS_LABELS] = { ".labels", "trusted.libvirt.security.selinux", "trusted.libvirt.security.ref_selinux",
                        "trusted.libvirt.security.timestamp_selinux", NULL, get_label, set_label, describe_label },
};

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

Owners *owners_new(OwnersOf of, const char *folder, bool remember)
{
    Owners *owners = g_new0(Owners, 1);

    owners->kind = &kinds[of];
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
    return g_strdup_printf("%s/%s%s", owners->folder, guest, owners->kind->suffix);
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

        g_string_append_printf(text, "%s %s %s %u %u %s\n", o->pending ? "pending" : "done", o->to, o->was, o->refs, o->uses, escaped);
    }
    g_mutex_unlock(&owners->lock);
    if (text->len)
        return file_replace_quickly(path, text->str, text->len, 0600);
    if (unlink(path) == 0 || errno == ENOENT)
        return 0;
    return FAIL_ERRNO(errno, "cannot remove '%s'", path);
}

static void remember(Entry *entry, const Owned *owned)
{
    memcpy(entry->to, owned->to, OWNER_SIZE);
    memcpy(entry->was, owned->was, OWNER_SIZE);
}

static void hold(Owners *owners, const char *guest, const Owned *owned)
{
    Entry *entry = g_hash_table_lookup(owners->files, owned->path);

    if (!entry) {
        entry = g_new0(Entry, 1);
        entry->holders = g_ptr_array_new_with_free_func(g_free);
        remember(entry, owned);
        g_hash_table_insert(owners->files, g_strdup(owned->path), entry);
    }
    if (!g_ptr_array_find_with_equal_func(entry->holders, guest, g_str_equal, NULL))
        g_ptr_array_add(entry->holders, g_strdup(guest));
}

/* A list of users that was begun by an older daemon has numbers: "UID GID UID GID". */
static gboolean parse_numbers(const char *line, char *state, Owned *owned, guint numbers[2], int *at)
{
    guint ids[4];

    if (sscanf(line, "%15s %u %u %u %u %u %u %n", state, &ids[0], &ids[1], &ids[2], &ids[3], &numbers[0], &numbers[1], at) < 7)
        return FALSE;
    g_snprintf(owned->to, OWNER_SIZE, "+%u:+%u", ids[0], ids[1]);
    g_snprintf(owned->was, OWNER_SIZE, "+%u:+%u", ids[2], ids[3]);
    return TRUE;
}

static Owned *parse_line(const char *line)
{
    char state[16];
    Owned owned = { NULL };
    guint numbers[2];
    int at = 0;

    if (!parse_numbers(line, state, &owned, numbers, &at) &&
        sscanf(line, "%15s %" G_STRINGIFY(OWNER_MAX) "s %" G_STRINGIFY(OWNER_MAX) "s %u %u %n", state, owned.to, owned.was, &numbers[0],
               &numbers[1], &at) < 5)
        return NULL;
    if (!at || line[at] != '/')
        return NULL;
    owned.path = g_strcompress(line + at);
    owned.refs = MIN(numbers[0], MAX_REFS);
    owned.uses = CLAMP(numbers[1], 1, MAX_REFS);
    owned.pending = !g_str_equal(state, "done");
    return g_memdup2(&owned, sizeof(owned));
}

static void load_one(Owners *owners, const char *name)
{
    g_autofree char *path = g_build_filename(owners->folder, name, NULL), *guest = g_strndup(name, strlen(name) - strlen(owners->kind->suffix));
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
        if (g_str_has_suffix(names[i], owners->kind->suffix))
            load_one(owners, names[i]);
    }
}

/* ---- attributes ---- */

/* What another start of the host has noted counts for the owner alone: none of its guests runs. */
static Note read_note(const Owners *owners, const char *link)
{
    Note note = { 0 };
    const OwnersKind *kind = owners->kind;
    char text[64];

    if (!owners->remember || !read_attr(link, kind->attr, note.value, OWNER_SIZE) || strpbrk(note.value, " \t\n"))
        return note;
    note.there = TRUE;
    if (read_attr(link, kind->attr_refs, text, sizeof(text)))
        note.refs = (guint)MIN(g_ascii_strtoull(text, NULL, 10), MAX_REFS);
    if (read_attr(link, kind->attr_time, text, sizeof(text))) {
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
    const OwnersKind *kind = owners->kind;
    g_autofree char *refs = g_strdup_printf("%u", note->refs);
    g_autofree char *boot = g_strdup_printf("%" G_GUINT64_FORMAT, owners->boot);

    if (!owners->remember)
        return;
    if (!write_attr(link, kind->attr, note->value) || !write_attr(link, kind->attr_time, boot) || !write_attr(link, kind->attr_refs, refs)) {
        removexattr(link, kind->attr);
        removexattr(link, kind->attr_time);
    }
}

static void drop_note(const Owners *owners, const char *link)
{
    removexattr(link, owners->kind->attr);
    removexattr(link, owners->kind->attr_time);
    removexattr(link, owners->kind->attr_refs);
}

/* ---- one file ---- */

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

/* The file system refuses; whoever opens the file meets that. */
static gboolean is_refused(int err)
{
    return err == EPERM || err == EACCES || err == EROFS || err == ENOSYS || err == EOPNOTSUPP || err == EINVAL;
}

static gboolean belongs_to(const Owners *owners, const File *file, const char *value)
{
    char now[OWNER_SIZE];

    return owners->kind->get(file, now) && g_str_equal(now, value);
}

/* Whose it is once the guest has done with it; FALSE: nobody can tell. */
static gboolean owner_before(const Owners *owners, const Entry *entry, const File *file, const Note *note, char *was)
{
    if (entry->holders->len || note->there)
        memcpy(was, entry->holders->len ? entry->was : note->value, OWNER_SIZE);
    else if (!owners->remember && owners->kind->root)
        g_strlcpy(was, owners->kind->root, OWNER_SIZE);
    else
        return owners->kind->get(file, was);
    return TRUE;
}

/* What shall be done to a file, before anything is done. FALSE: nothing. -1 in @rc with an error. */
static gboolean plan(const Owners *owners, const Entry *entry, Owned *owned, int *rc)
{
    g_auto(File) file = { -1 };
    char now[OWNER_SIZE] = "";
    Note note;

    if (!open_file(owned->path, &file))
        return FALSE;
    note = read_note(owners, file.link);
    owned->refs = note.refs;
    if (!owner_before(owners, entry, &file, &note, owned->was))
        return FALSE;
    if (entry->holders->len || note.refs == 0 || belongs_to(owners, &file, owned->to))
        return TRUE;
    owners->kind->get(&file, now);
    g_autofree char *has = owners->kind->describe(now), *wants = owners->kind->describe(owned->to);
    *rc = FAIL(VIR_ERR_OPERATION_FAILED, "'%s' belongs to %s while %u other%s, so that it can't be given to %s; if none does, 'setfattr -x %s %s' "
               "tells so", owned->path, has, note.refs, note.refs == 1 ? " uses it" : "s use it", wants, owners->kind->attr_refs, owned->path);
    return FALSE;
}

static int apply(const Owners *owners, const Owned *owned)
{
    g_auto(File) file = { -1 };
    Note note = { TRUE, "", owned->refs + 1 };
    int err;

    memcpy(note.value, owned->was, OWNER_SIZE);
    if (!open_file(owned->path, &file))
        return 0;
    /* Nothing to remember, and nobody else remembers anything. */
    if (owned->refs == 0 && g_str_equal(owned->to, owned->was) && belongs_to(owners, &file, owned->to))
        return 0;
    write_note(owners, file.link, &note);
    err = owners->kind->set(&file, owned->to);
    if (err == 0)
        return 0;
    note.refs = owned->refs;
    if (note.refs)
        write_note(owners, file.link, &note);
    else
        drop_note(owners, file.link);
    g_autofree char *wants = owners->kind->describe(owned->to);
    if (is_refused(err)) {
        LOG_INFO("'%s' stays as it is, its file system doesn't let it be given to %s: %s", owned->path, wants, g_strerror(err));
        return 0;
    }
    return FAIL_ERRNO(err, "cannot give '%s' to %s", owned->path, wants);
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
        if (belongs_to(owners, &file, owned->to))
            err = owners->kind->set(&file, note.value);
        if (err == 0)
            drop_note(owners, file.link);
    } else if (note.there) {
        write_note(owners, file.link, &note);
    } else if (!shared && belongs_to(owners, &file, owned->to)) {
        err = owners->kind->set(&file, owned->was);
    }
    if (err && !is_refused(err)) {
        g_autofree char *before = owners->kind->describe(owned->was);

        LOG_ERROR("cannot give '%s' back to %s: %s", owned->path, before, g_strerror(err));
    }
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

    if (!entry || entry->holders->len == 0 || g_str_equal(entry->to, wish->to))
        return 0;
    g_autofree char *has = owners->kind->describe(entry->to), *wants = owners->kind->describe(wish->to);
    return FAIL(VIR_ERR_OPERATION_FAILED, "'%s' is used by domain '%s' as %s, so that it can't be given to %s for domain '%s'; both need the same "
                "<label>", wish->path, (const char *)entry->holders->pdata[0], has, wants, guest);
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

            owned->path = g_strdup(wishes[i].path);
            memcpy(owned->to, wishes[i].to, OWNER_SIZE);
            owned->uses = 1;
            owned->pending = TRUE;
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

        if (entry->holders->len == 0)
            remember(entry, owned);
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
