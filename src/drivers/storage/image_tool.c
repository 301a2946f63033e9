/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERROR_DOMAIN VIR_FROM_STORAGE
#include "drivers/storage/image_tool.h"
#include <string.h>
#include "base/error.h"
#include "drivers/storage/image_crypt.h"
#include "drivers/storage/program.h"

#define PROGRAM "qemu-img"
/* Allocating all of an image takes its time, and nothing is said meanwhile. */
#define SILENT_MS 3600000
#define MEASUREMENTS 10
/* Longest name of a base that images hold. */
#define MAX_BASE_NAME 1023

/* What qemu-img can do with images of a format. */
typedef struct Facts {
    const char *name;       /* QEMU's; NULL: it has none such */
    gboolean made, grows, shrinks;
    StorageVolFormat base;  /* what an image can be based on: UNSET for nothing, LAST for anything */
} Facts;

static const Facts facts[STORAGE_VOL_FORMAT_LAST] = {
    [STORAGE_VOL_FORMAT_RAW] = { "raw", TRUE, TRUE, TRUE, STORAGE_VOL_FORMAT_UNSET },
    [STORAGE_VOL_FORMAT_ISO] = { "raw", TRUE, TRUE, TRUE, STORAGE_VOL_FORMAT_UNSET },
    [STORAGE_VOL_FORMAT_QCOW2] = { "qcow2", TRUE, TRUE, TRUE, STORAGE_VOL_FORMAT_LAST },
    [STORAGE_VOL_FORMAT_QED] = { "qed", TRUE, TRUE, FALSE, STORAGE_VOL_FORMAT_LAST },
    [STORAGE_VOL_FORMAT_QCOW] = { "qcow", TRUE, FALSE, FALSE, STORAGE_VOL_FORMAT_LAST },
    [STORAGE_VOL_FORMAT_VMDK] = { "vmdk", TRUE, FALSE, FALSE, STORAGE_VOL_FORMAT_VMDK },
    [STORAGE_VOL_FORMAT_VDI] = { "vdi", TRUE, FALSE, FALSE, STORAGE_VOL_FORMAT_UNSET },
    [STORAGE_VOL_FORMAT_VPC] = { "vpc", TRUE, FALSE, FALSE, STORAGE_VOL_FORMAT_UNSET },
    [STORAGE_VOL_FORMAT_BOCHS] = { "bochs", FALSE, FALSE, FALSE, STORAGE_VOL_FORMAT_UNSET },
    [STORAGE_VOL_FORMAT_CLOOP] = { "cloop", FALSE, FALSE, FALSE, STORAGE_VOL_FORMAT_UNSET },
    [STORAGE_VOL_FORMAT_DMG] = { "dmg", FALSE, FALSE, FALSE, STORAGE_VOL_FORMAT_UNSET },
};

const char *image_tool_format(StorageVolFormat format)
{
    return facts[format].name;
}

void image_tool_add_option(GString *options, const char *name, const char *value)
{
    g_string_append_printf(options, "%s%s=", options->len ? "," : "", name);
    for (const char *c = value; *c; c++)
        g_string_append(options, *c == ',' ? ",," : (char[]) { *c, '\0' });
}

static int base_options(const StorageVolDef *def, GString *options)
{
    const StorageVolBacking *base = def->backing_store;
    const char *format = base->format ? image_tool_format(base->format) : "raw";
    if (!format)
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "volume '%s': an image can't be based on one of format '%s'", def->name,
                    storage_vol_format_to_string(base->format));
    image_tool_add_option(options, "backing_file", base->path);
    image_tool_add_option(options, "backing_fmt", format);
    return 0;
}

static int qcow2_options(const StorageVolDef *def, GString *options, unsigned int flags)
{
    const StorageVolTarget *target = &def->target;
    if (target->compat)
        image_tool_add_option(options, "compat", target->compat);
    if (target->features.lazy_refcounts)
        image_tool_add_option(options, "lazy_refcounts", "on");
    if (target->features.extended_l2)
        image_tool_add_option(options, "extended_l2", "on");
    if (target->cluster_size) {
        g_autofree char *size = g_strdup_printf("%" G_GUINT64_FORMAT, target->cluster_size);
        image_tool_add_option(options, "cluster_size", size);
    }
    if (flags & VIR_STORAGE_VOL_CREATE_PREALLOC_METADATA)
        image_tool_add_option(options, "preallocation", "metadata");
    return 0;
}

static int check_base(const StorageVolDef *def)
{
    StorageVolFormat able = facts[def->target.format].base, base = def->backing_store->format ?: STORAGE_VOL_FORMAT_RAW;
    const char *format = storage_vol_format_to_string(def->target.format);
    if (able == STORAGE_VOL_FORMAT_UNSET)
        return FAIL(VIR_ERR_OPERATION_UNSUPPORTED, "volume '%s': images of format '%s' can't be based on others: leave out <backingStore>, or take "
                    "qcow2", def->name, format);
    if (able != STORAGE_VOL_FORMAT_LAST && able != base)
        return FAIL(VIR_ERR_OPERATION_UNSUPPORTED, "volume '%s': images of format '%s' can be based on such of format '%s' only, not '%s'", def->name,
                    format, storage_vol_format_to_string(able), storage_vol_format_to_string(base));
    return 0;
}

int image_tool_check(const StorageVolDef *def)
{
    const StorageVolTarget *target = &def->target;
    gboolean version2 = target->compat && strcmp(target->compat, "0.10") == 0;
    if (!facts[target->format].made)
        return FAIL(VIR_ERR_OPERATION_UNSUPPORTED, "volume '%s': images of format '%s' can't be made", def->name,
                    storage_vol_format_to_string(target->format));
    if (target->format != STORAGE_VOL_FORMAT_QCOW2 && (target->compat || target->features.lazy_refcounts || target->features.extended_l2 ||
                                                       target->cluster_size))
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "volume '%s': only the format qcow2 has 'compat', 'features' and 'clusterSize'", def->name);
    if (version2 && (target->features.lazy_refcounts || target->features.extended_l2))
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "volume '%s': images of qcow2 with <compat>0.10</compat> have no features: make it 1.1", def->name);
    return def->backing_store ? check_base(def) : 0;
}

/* For passphrases it measures how fast the processor is, and gives up where the kernel tells too little of that in so short a time: that is
 * luck, so it may try again. */
static int run_measured(const char *const *argv, const int *fds, gsize n_fds)
{
    for (int left = MEASUREMENTS;;) {
        int rc = program_run(argv, fds, n_fds, SILENT_MS, NULL, NULL);
        if (rc == 0 || --left == 0 || !strstr(error_message(), "Unable to get accurate CPU usage"))
            return rc;
        virResetLastError();
    }
}

int image_tool_create(int fd, const StorageVolDef *def, unsigned int flags)
{
    g_autoptr(GString) options = g_string_new(NULL);
    g_auto(ImageCrypt) crypt = { .fd = -1 };
    const gboolean encrypted = def->target.encryption != NULL;
    if (image_tool_check(def) < 0 || (def->backing_store && base_options(def, options) < 0) ||
        (def->target.format == STORAGE_VOL_FORMAT_QCOW2 && qcow2_options(def, options, flags) < 0) ||
        (encrypted && image_crypt_open_new(&crypt, def) < 0))
        return -1;
    if (encrypted)
        image_crypt_create_options(def, options);
    g_autofree char *path = g_strdup_printf("/proc/self/fd/%d", fd);
    g_autofree char *size = g_strdup_printf("%" G_GUINT64_FORMAT, def->capacity);
    const char *format = encrypted ? image_crypt_format(def) : image_tool_format(def->target.format);
    const char *argv[16] = { PROGRAM, "create", "-q", "-u", "-f", format, path, size };
    guint n = 8;
    if (options->len) {
        argv[n++] = "-o";
        argv[n++] = options->str;
    }
    if (encrypted) {
        argv[n++] = "--object";
        argv[n++] = crypt.object;
    }
    if (run_measured(argv, (int[]) { fd, crypt.fd }, encrypted ? 2 : 1) == 0)
        return 0;
    error_context("cannot make volume '%s'", def->name);
    return -1;
}

/* A command on images: its words, which are others', and the descriptors that it gets. */
typedef struct Command {
    GPtrArray *argv;
    GArray *fds;
} Command;

static void command_clear(Command *command)
{
    g_ptr_array_unref(command->argv);
    g_array_unref(command->fds);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Command, command_clear)

static void add_words(Command *command, const char *const *words)
{
    for (; *words; words++)
        g_ptr_array_add(command->argv, (char *) *words);
}

static Command command_new(const char *const *words)
{
    Command command = { g_ptr_array_new(), g_array_new(FALSE, FALSE, sizeof(int)) };
    add_words(&command, words);
    return command;
}

static void add_key(Command *command, const char *key) { add_words(command, (const char *const[]) { "--object", key, NULL }); }

/* What the images of a chain are opened with. */
static void add_chain(Command *command, const SourceChain *chain)
{
    g_array_append_vals(command->fds, chain->fds->data, chain->fds->len);
    for (guint i = 0; i < chain->keys->len; i++)
        add_key(command, chain->keys->pdata[i]);
}

static void add_crypt(Command *command, const ImageCrypt *crypt)
{
    g_array_append_val(command->fds, crypt->fd);
    add_key(command, crypt->object);
}

/* @what: is being done with the volume. */
static int run_command(Command *command, const StorageVolDef *def, ProgramFollow follow, const char *what)
{
    guint64 total = def->capacity;
    g_ptr_array_add(command->argv, NULL);
    if (program_run((const char *const *) command->argv->pdata, (const int *) (const void *) command->fds->data, command->fds->len, SILENT_MS,
                    follow, &total) == 0)
        return 0;
    error_context("cannot %s volume '%s'", what, def->name);
    return -1;
}

/* @path: of the target. @fd: behind it, -1 for none. @crypt: of the target; NULL: it is of @format, and isn't encrypted. */
static int run_conversion(const StorageVolDef *def, const SourceChain *source, const char *path, int fd, const ImageCrypt *crypt,
                          StorageVolFormat format, const char *const *words)
{
    g_autofree char *spec = crypt ? image_crypt_spec(def, path) : NULL;
    g_auto(Command) command = command_new((const char *const[]) { PROGRAM, "convert", "-p", NULL });
    add_chain(&command, source);
    if (fd >= 0)
        g_array_append_val(command.fds, fd);
    add_words(&command, words);
    if (crypt)
        add_crypt(&command, crypt);
    add_words(&command, crypt ? (const char *const[]) { "--target-image-opts", NULL } : (const char *const[]) { "-O", facts[format].name, NULL });
    add_words(&command, (const char *const[]) { source->spec->str, crypt ? spec : path, NULL });
    return run_command(&command, def, program_follow_percent, "make");
}

/* An image of its own size first, which is filled then: qemu-img makes no other ones in one go. */
static int make_and_fill(int fd, const StorageVolDef *def, const SourceChain *source, unsigned int flags)
{
    const gboolean encrypted = def->target.encryption != NULL, luks = encrypted && def->target.format <= STORAGE_VOL_FORMAT_RAW;
    g_auto(ImageCrypt) crypt = { .fd = -1 };
    if (image_tool_create(fd, def, flags) < 0 || (encrypted && image_crypt_open_new(&crypt, def) < 0))
        return -1;
    /* what is allocated and encrypted reads as anything */
    gboolean zero = !luks && !(encrypted && flags & VIR_STORAGE_VOL_CREATE_PREALLOC_METADATA);
    g_autofree char *path = g_strdup_printf("/proc/self/fd/%d", fd);
    return run_conversion(def, source, path, fd, encrypted ? &crypt : NULL, def->target.format,
                          (const char *const[]) { "-n", zero ? "--target-is-zero" : NULL, NULL });
}

int image_tool_convert(int fd, const StorageVolDef *def, const SourceChain *source, gboolean larger, unsigned int flags)
{
    g_autoptr(GString) options = g_string_new(NULL);
    if (image_tool_check(def) < 0 || (def->target.format == STORAGE_VOL_FORMAT_QCOW2 && qcow2_options(def, options, flags) < 0))
        return -1;
    if (larger || def->target.encryption)
        return make_and_fill(fd, def, source, flags);
    g_autofree char *path = g_strdup_printf("/proc/self/fd/%d", fd);
    return run_conversion(def, source, path, fd, NULL, def->target.format, (const char *const[]) { options->len ? "-o" : NULL, options->str, NULL });
}

int image_tool_check_layer(const StorageVolDef *def, unsigned int flags)
{
    StorageVolFormat format = def->target.format, base = MAX(def->backing_store->format, STORAGE_VOL_FORMAT_RAW);
    if (format != STORAGE_VOL_FORMAT_QCOW2 && !(format == STORAGE_VOL_FORMAT_QED && base == STORAGE_VOL_FORMAT_RAW))
        return FAIL(VIR_ERR_OPERATION_UNSUPPORTED, "volume '%s': a copy of format '%s' can't be based on another volume of format '%s': leave out "
                    "<backingStore>, or take qcow2", def->name, storage_vol_format_to_string(format), storage_vol_format_to_string(base));
    if (flags & VIR_STORAGE_VOL_CREATE_PREALLOC_METADATA)
        return FAIL(VIR_ERR_OPERATION_UNSUPPORTED, "volume '%s': what is based on another volume can't have all of its metadata allocated", def->name);
    return 0;
}

/* The new image as if it were based on what it is a copy of; NULL: on nothing. */
static char *layer_spec(const StorageVolDef *def, int fd, const SourceChain *source)
{
    const gboolean encrypted = def->target.encryption != NULL;
    return g_strdup_printf("json:{\"driver\":\"%s\",\"file\":{\"driver\":\"file\",\"filename\":\"/proc/self/fd/%d\"}%s,\"backing\":%s}",
                           facts[def->target.format].name, fd,
                           encrypted ? ",\"encrypt\":{\"format\":\"luks\",\"key-secret\":\"" IMAGE_CRYPT_ID "\"}" : "",
                           source ? source->spec->str + strlen("json:") : "null");
}

/* @image: the new one, at @fd, as it is opened; @mode: how it is based on @base, of @format. What @source and @chain need is passed as well. */
static int run_rebase(const StorageVolDef *def, int fd, const ImageCrypt *crypt, const SourceChain *source, const SourceChain *chain,
                      const char *mode, const char *format, const char *base, const char *image)
{
    g_auto(Command) command = command_new((const char *const[]) { PROGRAM, "rebase", mode, "-F", format, "-b", base, image, NULL });
    g_array_append_val(command.fds, fd);
    add_chain(&command, source);
    add_chain(&command, chain);
    if (crypt->fd >= 0)
        add_crypt(&command, crypt);
    return run_command(&command, def, program_follow_percent, "make");
}

/* The empty image is based on the source first, so that it has its content; then on @base, for which it gets what differs. What is written into it
 * of how @base was opened gives way to its name at last. */
int image_tool_convert_layer(int fd, const StorageVolDef *def, const SourceChain *source, const SourceChain *base, unsigned int flags)
{
    const char *format = image_tool_format(MAX(def->backing_store->format, STORAGE_VOL_FORMAT_RAW));
    g_auto(ImageCrypt) crypt = { .fd = -1 };
    if (base->spec->len > MAX_BASE_NAME)
        return FAIL(VIR_ERR_OPERATION_UNSUPPORTED, "volume '%s': what '%s' is based on itself can't be told to '" PROGRAM "' in %d characters: the copy "
                    "can be based on a copy of it", def->name, def->backing_store->path, MAX_BASE_NAME);
    if (image_tool_create(fd, def, flags) < 0 || (def->target.encryption && image_crypt_open_new(&crypt, def) < 0))
        return -1;
    g_autofree char *first = layer_spec(def, fd, source), *last = layer_spec(def, fd, NULL);
    return run_rebase(def, fd, &crypt, source, base, "-p", format, base->spec->str, first) < 0 ? -1
        : run_rebase(def, fd, &crypt, source, base, "-u", format, def->backing_store->path, last);
}

int image_tool_write(StorageContent *to, const StorageVolDef *def, StorageVolFormat format, SourceChain *source)
{
    const int fd = to->fd;
    g_autofree char *file = fd >= 0 ? g_strdup_printf("/proc/self/fd/%d", fd) : source_chain_add(source, to, def->name);
    g_autofree char *image = file && fd < 0 ? g_strdup_printf("json:{\"driver\":\"%s\",\"file\":%s}", facts[format].name, file) : NULL;
    const char *zero = to->is_zero ? "--target-is-zero" : NULL;
    return file ? run_conversion(def, source, image ? image : file, fd, NULL, format, (const char *const[]) { "-n", zero, NULL }) : -1;
}

int image_tool_check_size(const StorageVolDef *def, guint64 capacity)
{
    const Facts *able = &facts[def->target.format];
    const char *format = storage_vol_format_to_string(def->target.format);
    if (!able->grows)
        return FAIL(VIR_ERR_OPERATION_UNSUPPORTED, "volume '%s': images of format '%s' can't be resized; 'virsh vol-create-from' copies it to a "
                    "larger one", def->name, format);
    if (!able->shrinks && capacity < def->capacity)
        return FAIL(VIR_ERR_OPERATION_UNSUPPORTED, "volume '%s': images of format '%s' can't become smaller", def->name, format);
    return 0;
}

int image_tool_resize(const SourceChain *image, const StorageVolDef *def, guint64 capacity, gboolean allocate)
{
    g_autofree char *size = g_strdup_printf("%" G_GUINT64_FORMAT, capacity);
    const char *mode = capacity < def->capacity ? "--shrink" : allocate ? "--preallocation=falloc" : NULL;
    g_auto(Command) command = command_new((const char *const[]) { PROGRAM, "resize", "-q", NULL });
    add_chain(&command, image);
    add_words(&command, (const char *const[]) { mode, NULL });
    add_words(&command, (const char *const[]) { image->spec->str, size, NULL });
    return run_command(&command, def, NULL, "resize");
}
