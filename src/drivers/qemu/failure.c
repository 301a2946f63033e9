/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * QEMU writes "PROGRAM: -OPTION VALUE: what is wrong", or only what is wrong. The value has a name that was made of a device's
 * alias or of an image's number, which leads back to the element; otherwise the failure itself tells what it is about, or a
 * path in it that a device has, too.
 */
#define ERROR_DOMAIN VIR_FROM_QEMU
#include <errno.h>
#include <string.h>
#include "base/error.h"
#include "base/json.h"
#include "core/host/host_paths.h"
#include "drivers/qemu/failure.h"
#include "drivers/qemu/json_lines.h"
#include "model/domain.h"

#define NODE_PREFIX "libvirt-"
#define MAX_HOLDERS 4
#define OPTION_DEPTH 32
#define PLACE_COMMANDLINE "qemu:commandline"
#define LOCK_QUESTION " Is another process using the image"

typedef struct {
    DomainDef *def;
    const char *option;   /* "-device", NULL: QEMU named none */
    char *id;             /* name in the option's value; NULL: none */
    char *message;        /* what QEMU says about it */
    char *place;          /* element of the definition; NULL: unknown */
    char *path;           /* file that it is about; NULL: unknown */
    uid_t uid;
    gid_t gid;
} Failure;

/* ---- which element ---- */

typedef struct {
    const char *id;
    char *place;
    size_t length;        /* of the alias found */
} AliasSearch;

/* Names of back ends end with the alias: "charserial0", "hostnet0". The longest alias is meant. */
static int match_alias(DomainDef *def, const char *kind, void *device, DomainDeviceInfo *info, void *opaque)
{
    AliasSearch *search = opaque;

    if (info->alias && g_str_has_suffix(search->id, info->alias) && strlen(info->alias) > search->length) {
        search->length = strlen(info->alias);
        g_free(search->place);
        search->place = domain_device_place(def, kind, device);
    }
    return 0;
}

static char *disk_place(const DomainDef *def, const DomainDisk *disk)
{
    g_autofree char *place = domain_device_place(def, "disk", disk);

    return g_strdup_printf("%s (%s)", place, disk->target.dev);
}

static void note_path(const DomainDisk *disk, char **path)
{
    if (!*path)
        *path = g_strdup(disk->source.file ? disk->source.file : disk->source.dev);
}

/* A number of "libvirt-N-format" and its like is that of a source or of an image behind one. */
static char *image_place(const DomainDef *def, const char *id, char **path)
{
    guint64 number = g_ascii_strtoull(id + strlen(NODE_PREFIX), NULL, 10);

    for (guint i = 0; number && i < def->devices.n_disks; i++) {
        const DomainDisk *disk = def->devices.disks[i];
        gboolean found = disk->source.index == number;

        for (const DomainBackingStore *image = disk->backing_store; image && !found; image = image->backing_store)
            found = image->source.index == number;
        if (!found)
            continue;
        note_path(disk, path);
        return disk_place(def, disk);
    }
    return NULL;
}

static char *place_of_id(Failure *f)
{
    AliasSearch search = { .id = f->id };

    if (g_str_has_prefix(f->id, NODE_PREFIX "pflash0"))
        return g_strdup("domain.os.loader");
    if (g_str_has_prefix(f->id, NODE_PREFIX "pflash1"))
        return g_strdup("domain.os.nvram");
    if (g_str_has_prefix(f->id, NODE_PREFIX) && g_ascii_isdigit(f->id[strlen(NODE_PREFIX)]))
        return image_place(f->def, f->id, &f->path);
    domain_def_each_device(f->def, match_alias, &search);
    for (guint i = 0; i < f->def->devices.n_disks; i++) {
        const DomainDisk *disk = f->def->devices.disks[i];
        g_autofree char *place = domain_device_place(f->def, "disk", disk);

        if (g_strcmp0(search.place, place) == 0) {
            g_free(search.place);
            note_path(disk, &f->path);
            return disk_place(f->def, disk);
        }
    }
    return search.place;
}

static char *place_of_graphics(const Failure *f, DomainGraphicsType type)
{
    for (guint i = 0; i < f->def->devices.n_graphics; i++) {
        if (f->def->devices.graphics[i]->type == type)
            return g_strdup_printf("domain.devices.graphics[%u]", i + 1);
    }
    return NULL;
}

/* A device in whose description @path stands. */
typedef struct { const char *path; char *place; } PathSearch;

static int match_path(DomainDef *def, const char *kind, void *device, DomainDeviceInfo *info G_GNUC_UNUSED, void *opaque)
{
    PathSearch *search = opaque;
    g_autofree char *text = domain_device_format(kind, device);

    if (!text || !strstr(text, search->path))
        return 0;
    search->place = domain_device_place(def, kind, device);
    return 1;
}

static void find_place(Failure *f)
{
    if (f->id)
        f->place = place_of_id(f);
    else if (g_strcmp0(f->option, "-vnc") == 0)
        f->place = place_of_graphics(f, DOMAIN_GRAPHICS_TYPE_VNC);
    else if (g_strcmp0(f->option, "-spice") == 0)
        f->place = place_of_graphics(f, DOMAIN_GRAPHICS_TYPE_SPICE);
    if (!f->place && f->path) {
        g_autofree char *escaped = g_markup_escape_text(f->path, -1);
        PathSearch search = { .path = escaped };

        domain_def_each_device(f->def, match_path, &search);
        f->place = search.place;
    }
}

/* ---- what QEMU wrote ---- */

/* The name in a value of the form "socket,id=NAME,…". */
static char *id_of_words(const char *value, size_t len)
{
    g_autofree char *text = g_strndup(value, len);
    g_auto(GStrv) words = g_strsplit(text, ",", -1);

    for (guint i = 0; words[i]; i++) {
        if (g_str_has_prefix(words[i], "id="))
            return g_strdup(words[i] + strlen("id="));
    }
    return NULL;
}

static char *id_of_json(json_object *value)
{
    const char *id = json_member_string(value, "id");

    return g_strdup(id ? id : json_member_string(value, "node-name"));
}

/* Past the value at @text, whose name becomes @id; where the message begins, or NULL. */
static const char *skip_value(const char *text, char **id)
{
    const char *end;

    if (*text == '{') {
        g_autoptr(json_object) value = NULL;

        end = text;
        while (!value && (end = strstr(end, "}: "))) {
            end++;
            value = json_parse(text, end - text, OPTION_DEPTH, "option of QEMU"); /* fails at a "}: " inside of a text */
        }
        virResetLastError();
        if (!value || !json_object_is_type(value, json_type_object))
            return NULL;
        *id = id_of_json(value);
    } else {
        end = strstr(text, ": ");
        if (!end)
            return NULL;
        *id = id_of_words(text, end - text);
    }
    return g_str_has_prefix(end, ": ") ? end + 2 : NULL;
}

/* What stands between the first pair of quotes, if it is a path. */
static char *quoted_path(const char *message)
{
    for (const char *at = strpbrk(message, "'\""); at; at = strpbrk(at, "'\"")) {
        const char *end = strchr(at + 1, *at);

        if (!end)
            return NULL;
        if (at[1] == '/')
            return g_strndup(at + 1, end - at - 1);
        at = end + 1;
    }
    return NULL;
}

/* From the last line that names its program, and what follows. */
static const char *last_message(const char *words)
{
    const char *found = words;

    for (const char *line = words; line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL) {
        const char *end = strchrnul(line, '\n');
        const char *mark = g_strstr_len(line, end - line, ": ");
        const char *name = g_strstr_len(line, end - line, "qemu");

        if (mark && name && name < mark && !g_strstr_len(line, end - line, ": warning: "))
            found = mark + 2;
    }
    return found;
}

static void read_words(Failure *f, const char *words)
{
    const char *message = last_message(words);

    if (message[0] == '-' && g_ascii_isalpha(message[1])) {
        size_t len = strcspn(message, " :");
        const char *after = message[len] == ' ' ? skip_value(message + len + 1, &f->id)
                            : g_str_has_prefix(message + len, ": ") ? message + len + 2 : NULL;

        if (after) {
            g_autofree char *option = g_strndup(message, len);
            f->option = g_intern_string(option);
            message = after;
        }
    }
    f->message = g_strdelimit(g_strdup(message), "\n", ' ');
    g_strchomp(f->message);
    if (strstr(f->message, LOCK_QUESTION)) /* is answered below */
        *strstr(f->message, LOCK_QUESTION) = '\0';
    f->path = quoted_path(f->message);
}

/* ---- known failures ---- */

static char *who_holds(const Failure *f)
{
    g_autofree char *holders = f->path ? host_path_holders(f->path, MAX_HOLDERS) : NULL;

    return g_strdup_printf("%s%s%s; only guests that share it, all with <shareable/>, or only read it, all with <readonly/>, can "
                           "run at once", holders ? "it is used by " : "another process uses it",
                           holders ? holders : "", holders ? "" : " (perhaps on another host)");
}

static char *who_blocks(const Failure *f)
{
    return f->path ? host_path_blocker(f->path, f->uid, f->gid) : NULL;
}

/* @pattern: a regular expression for the message. @place: the element, where the option doesn't tell. @code: 0 means by the errno
 * that the message ends with. @mend follows the message; @more gives it where it has to be found out (owned, may be NULL). */
static const struct Known {
    const char *pattern, *place;
    int code;
    const char *mend;
    char *(*more)(const Failure *f);
} known_failures[] = {
    { "^Failed to get \"[^\"]*\" lock", NULL, VIR_ERR_RESOURCE_BUSY, NULL, who_holds },
    { "Image is not in \\S+ format", NULL, VIR_ERR_CONFIG_UNSUPPORTED,
      "'qemu-img info IMAGE' tells its format, which belongs into <driver type=>", NULL },
    { "Image is corrupt", NULL, VIR_ERR_OPERATION_FAILED, "'qemu-img check -r all IMAGE' repairs what can be", NULL },
    { "^Could not open backing file", NULL, 0,
      "'qemu-img info --backing-chain IMAGE' shows the chain, 'qemu-img rebase -u' changes it", NULL },
    { "Block node is read-only", NULL, VIR_ERR_CONFIG_UNSUPPORTED,
      "disks on this bus can't be read-only; use bus='virtio' or 'scsi', or device='cdrom'", NULL },
    { "drive is empty|Device needs media", NULL, VIR_ERR_CONFIG_UNSUPPORTED, "give it a <source>", NULL },
    { "does not support O_DIRECT", NULL, VIR_ERR_CONFIG_UNSUPPORTED,
      "the file system can't do without its cache; use <driver cache='writeback'/> instead of 'none' or 'directsync'", NULL },
    { "io_uring", NULL, VIR_ERR_CONFIG_UNSUPPORTED, "use <driver io='threads'/>", NULL },
    { "driver requires '.*' to be a regular file", NULL, VIR_ERR_CONFIG_UNSUPPORTED,
      "devices need <disk type='block'>, folders <disk type='dir'>", NULL },
    { "Address already in use", NULL, VIR_ERR_RESOURCE_BUSY,
      "another program has this port; displays choose a free one with autoport='yes'", NULL },
    { "Failed to connect to", NULL, 0, "nothing answers there", NULL },
    { "cannot set up guest memory|cannot allocate memory", "domain.memory", VIR_ERR_OPERATION_FAILED,
      "the host has not that much; 'virsh freecell' tells how much is free", NULL },
    { "unable to map backing store|can't open backing store|not a hugetlbfs", "domain.memoryBacking", VIR_ERR_OPERATION_FAILED,
      "too few pages of this size are free; 'virsh freepages --all' tells how many, 'virsh allocpages' makes more", NULL },
    { "could not open kernel file", "domain.os.kernel", 0, "name a file that is there", NULL },
    { "could not open initrd|could not load initrd|could not load ram disk", "domain.os.initrd", 0, "name a file that is there", NULL },
    { "invalid kernel header|kernel too old to load a ram disk|could not load kernel|unsupported kernel", "domain.os.kernel",
      VIR_ERR_CONFIG_UNSUPPORTED, "the file is no kernel that this machine can start", NULL },
    { "could not load PC BIOS|[Cc]ould not load (firmware|ROM)", "domain.os.loader", VIR_ERR_CONFIG_UNSUPPORTED,
      "the file is no firmware for this machine; without <loader> QEMU's own is used", NULL },
    { "failed to find romfile", NULL, VIR_ERR_CONFIG_UNSUPPORTED, "name a file that is there in <rom file=>, or use <rom enabled='no'/>",
      NULL },
    { "invalid option$", PLACE_COMMANDLINE, VIR_ERR_CONFIG_UNSUPPORTED, "this QEMU has no such option", NULL },
    { "^-append only allowed with -kernel", "domain.os.cmdline", VIR_ERR_CONFIG_UNSUPPORTED, "<cmdline> is for the <kernel>, which is missing",
      NULL },
    { "^-initrd only allowed with -kernel", "domain.os.initrd", VIR_ERR_CONFIG_UNSUPPORTED, "<initrd> is for the <kernel>, which is missing",
      NULL },
    { "can't apply global .*-cpu\\.", "domain.cpu.feature", VIR_ERR_CONFIG_UNSUPPORTED, "this QEMU has no CPU feature of that name", NULL },
    { "is not a valid device model name", NULL, VIR_ERR_CONFIG_UNSUPPORTED,
      "this QEMU has no such device; 'virsh domcapabilities' tells what it has", NULL },
    { "Property '.*' not found|Invalid parameter", NULL, VIR_ERR_CONFIG_UNSUPPORTED, "this QEMU has no such property", NULL },
    { "[Dd]uplicate (ID|property|device)|Duplicate nodes", NULL, VIR_ERR_CONFIG_UNSUPPORTED,
      "<qemu:commandline> must not use a name that the guest's devices have", NULL },
    { "PCI: slot \\d+ function \\d+ (not available|already in use|already occupied)", NULL, VIR_ERR_CONFIG_UNSUPPORTED,
      "without <address> a free place is chosen", NULL },
    { "No '.*' bus found|Bus '.*' not found|Bus '.*' does not support hotplugging", NULL, VIR_ERR_CONFIG_UNSUPPORTED,
      "its controller is missing; without <address> one is added", NULL },
    { "unable to find CPU model", "domain.cpu.model", VIR_ERR_CONFIG_UNSUPPORTED, "'virsh domcapabilities' lists the models", NULL },
    { "doesn't support requested feature", "domain.cpu", VIR_ERR_CONFIG_UNSUPPORTED,
      "'virsh domcapabilities' tells which features the host has; mode='host-model' takes them", NULL },
    { "phys-bits too low", "domain.memory", VIR_ERR_CONFIG_UNSUPPORTED,
      "<cpu> needs more address bits for this memory: <maxphysaddr mode='passthrough'/>", NULL },
    { "KVM kernel module|failed to initialize kvm", "domain", VIR_ERR_CONFIG_UNSUPPORTED,
      "type='qemu' runs without KVM; otherwise QEMU's user needs access to /dev/kvm", NULL },
    { "Permission denied$", NULL, 0, NULL, who_blocks },
};

/* The errno whose text @message ends with; 0: none. */
static int errno_of(const char *message)
{
    for (int err = 1; err <= EHWPOISON; err++) {
        const char *text = strerrordesc_np(err);

        if (text && g_str_has_suffix(message, text))
            return err;
    }
    return 0;
}

static const struct Known *find_known(const char *message)
{
    for (guint i = 0; i < G_N_ELEMENTS(known_failures); i++) {
        if (g_regex_match_simple(known_failures[i].pattern, message, 0, 0))
            return &known_failures[i];
    }
    return NULL;
}

/* The error as one text: place, message without its errno, mend. */
static void report(const Failure *f, const struct Known *known)
{
    const char *place = f->place ? f->place : known && known->place ? known->place : f->option ? PLACE_COMMANDLINE : NULL;
    g_autofree char *more = known && known->more ? known->more(f) : NULL;
    const char *mend = more ? more : known ? known->mend : NULL;
    int err = errno_of(f->message);
    gboolean by_option = place && g_str_equal(place, PLACE_COMMANDLINE) && f->option;
    g_autofree char *text = g_strdup_printf("%s%sQEMU can't start: %s%s%s%s%s", place ? place : "", place ? ": " : "",
                                            by_option ? f->option : "", by_option ? ": " : "", f->message, mend ? "; " : "",
                                            mend ? mend : "");

    error_report(ERROR_DOMAIN, known && known->code ? known->code : VIR_ERR_SYSTEM_ERROR, "%s", text);
    if (!known || !known->code)
        virGetLastError()->int1 = err;
}

int qemu_failure_report(const DomainDef *def, const char *words, uid_t uid, gid_t gid)
{
    Failure f = { .def = (DomainDef *)def, .uid = uid, .gid = gid }; /* nothing of it is changed */
    const struct Known *known;

    read_words(&f, words);
    find_place(&f);
    known = find_known(f.message);
    if ((known && known->code) || errno_of(f.message))
        report(&f, known);
    else
        error_report(ERROR_DOMAIN, VIR_ERR_INTERNAL_ERROR, "%s%sprocess exited while connecting to monitor: %s", f.place ? f.place : "",
             f.place ? ": " : "", words);
    g_free(f.id);
    g_free(f.message);
    g_free(f.place);
    g_free(f.path);
    return -1;
}
