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

const char *image_tool_format(StorageVolFormat format)
{
    switch (format) {
    case STORAGE_VOL_FORMAT_RAW: case STORAGE_VOL_FORMAT_QCOW: case STORAGE_VOL_FORMAT_QCOW2: case STORAGE_VOL_FORMAT_QED:
    case STORAGE_VOL_FORMAT_VMDK: case STORAGE_VOL_FORMAT_VDI: case STORAGE_VOL_FORMAT_VPC: case STORAGE_VOL_FORMAT_BOCHS:
    case STORAGE_VOL_FORMAT_CLOOP: case STORAGE_VOL_FORMAT_DMG:
        return storage_vol_format_to_string(format);
    case STORAGE_VOL_FORMAT_ISO:
        return "raw";
    default:
        return NULL;
    }
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
    if (def->target.format == STORAGE_VOL_FORMAT_QCOW2 || def->target.format == STORAGE_VOL_FORMAT_QED)
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

static int check_wishes(const StorageVolDef *def)
{
    const StorageVolTarget *target = &def->target;
    if (!image_tool_format(target->format))
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "volume '%s': images of format '%s' can't be made", def->name,
                    storage_vol_format_to_string(target->format));
    if (target->format != STORAGE_VOL_FORMAT_QCOW2 && (target->compat || target->features.lazy_refcounts || target->features.extended_l2 ||
                                                       target->cluster_size))
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "volume '%s': only the format qcow2 has 'compat', 'features' and 'clusterSize'", def->name);
    return 0;
}

int image_tool_create(int fd, const StorageVolDef *def, unsigned int flags)
{
    g_autoptr(GString) options = g_string_new(NULL);
    g_auto(ImageCrypt) crypt = { .fd = -1 };
    const gboolean encrypted = def->target.encryption != NULL;
    if (check_wishes(def) < 0 || (def->backing_store && base_options(def, options) < 0) ||
        (def->target.format == STORAGE_VOL_FORMAT_QCOW2 && qcow2_options(def, options, flags) < 0) ||
        (encrypted && image_crypt_open(&crypt, def) < 0))
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
    if (program_run(argv, (int[]) { fd, crypt.fd }, encrypted ? 2 : 1, SILENT_MS, NULL, NULL) == 0)
        return 0;
    error_context("cannot make volume '%s'", def->name);
    return -1;
}

int image_tool_convert(int fd, const StorageVolDef *def, const SourceChain *source, unsigned int flags)
{
    g_autoptr(GString) options = g_string_new(NULL);
    g_autofree int *fds = g_new(int, source->fds->len + 1);
    if (check_wishes(def) < 0 || (def->target.format == STORAGE_VOL_FORMAT_QCOW2 && qcow2_options(def, options, flags) < 0))
        return -1;
    if (def->backing_store)
        return FAIL(VIR_ERR_NO_SUPPORT, "volume '%s': a copy can't be based on another volume: leave out <backingStore>", def->name);
    memcpy(fds, source->fds->data, source->fds->len * sizeof(int));
    fds[source->fds->len] = fd;
    g_autofree char *path = g_strdup_printf("/proc/self/fd/%d", fd);
    guint64 total = def->capacity;
    const char *argv[] = { PROGRAM, "convert", "-p", "-O", image_tool_format(def->target.format), source->spec->str, path,
                           options->len ? "-o" : NULL, options->str, NULL };
    if (program_run(argv, fds, source->fds->len + 1, SILENT_MS, program_follow_percent, &total) == 0)
        return 0;
    error_context("cannot make volume '%s'", def->name);
    return -1;
}

int image_tool_resize(int fd, const StorageVolDef *def, guint64 capacity, gboolean allocate)
{
    const char *format = image_tool_format(def->target.format);
    g_auto(ImageCrypt) crypt = { .fd = -1 };
    const gboolean encrypted = def->target.encryption != NULL;
    if (!format)
        return FAIL(VIR_ERR_NO_SUPPORT, "volume '%s' can't be resized: there is no program for its format", def->name);
    g_autofree char *path = g_strdup_printf("/proc/self/fd/%d", fd);
    g_autofree char *size = g_strdup_printf("%" G_GUINT64_FORMAT, capacity);
    if (encrypted && image_crypt_open(&crypt, def) < 0)
        return -1;
    g_autofree char *spec = encrypted ? image_crypt_spec(def, path) : NULL;
    const char *argv[16] = { PROGRAM, "resize", "-q", encrypted ? "--object" : "-f", encrypted ? crypt.object : format };
    guint n = 5;
    if (encrypted)
        argv[n++] = "--image-opts";
    if (capacity < def->capacity)
        argv[n++] = "--shrink";
    else if (allocate)
        argv[n++] = "--preallocation=falloc";
    argv[n++] = encrypted ? spec : path;
    argv[n++] = size;
    if (program_run(argv, (int[]) { fd, crypt.fd }, encrypted ? 2 : 1, SILENT_MS, NULL, NULL) == 0)
        return 0;
    error_context("cannot resize volume '%s'", def->name);
    return -1;
}
