/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Folders of the host that the guest sees: served by QEMU itself (9p), or by a process beside it (virtiofs).
 */
#define ERROR_DOMAIN VIR_FROM_QEMU
#include <string.h>
#include "base/error.h"
#include "drivers/qemu/command_priv.h"
#include "drivers/qemu/helper.h"

/* Longest tag that a guest can be told, in bytes. */
#define TAG_9P_MAX 31
#define TAG_VIRTIOFS_MAX 36

static int check_filesystem(const DomainFilesystem *fs, const char *what)
{
    gboolean virtiofs = fs->driver.type == FILESYSTEM_DRIVER_TYPE_VIRTIOFS;
    gsize max = virtiofs ? TAG_VIRTIOFS_MAX : TAG_9P_MAX;

    if (fs->driver.type && !virtiofs && fs->driver.type != FILESYSTEM_DRIVER_TYPE_PATH)
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "%s: driver '%s' is not supported; there are 'path' and 'virtiofs'", what,
                    filesystem_driver_type_to_string(fs->driver.type));
    if (fs->space_hard_limit || fs->space_soft_limit)
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "%s: QEMU can't limit the space of a folder", what);
    if (!fs->target || !*fs->target || strlen(fs->target) > max)
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "%s: its target, by which the guest knows it, must have 1 to %u bytes", what, (guint)max);
    if (!fs->source.dir && !(virtiofs && fs->source.socket))
        return FAIL(VIR_ERR_XML_ERROR, "%s has no source", what);
    return 0;
}

/* ---- 9p ---- */

static const char *security_model(FilesystemAccess access)
{
    return access == FILESYSTEM_ACCESS_MAPPED ? "mapped" : access == FILESYSTEM_ACCESS_SQUASH ? "none" : "passthrough";
}

/* A mode of new files. */
static int add_mode(GString *out, const char *name, const char *text, const char *what)
{
    guint64 mode;

    if (!text)
        return 0;
    if (!g_ascii_string_to_unsigned(text, 8, 0, 0777, &mode, NULL))
        return FAIL(VIR_ERR_XML_ERROR, "%s: %s '%s' is no octal number up to 777", what, name, text);
    g_string_append_printf(out, ",%s=%04o", name, (guint)mode);
    return 0;
}

static int fsdev_9p(QemuCommand *cmd, const DomainFilesystem *fs, const char *id, const char *what)
{
    g_autoptr(GString) out = g_string_new("local");

    if (fs->driver.wrpolicy && !g_str_equal(fs->driver.wrpolicy, "immediate"))
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "%s: the write policy '%s' is not supported", what, fs->driver.wrpolicy);
    g_string_append_printf(out, ",security_model=%s", security_model(fs->accessmode));
    if (fs->multidevs > FILESYSTEM_MULTIDEVS_DEFAULT)
        g_string_append_printf(out, ",multidevs=%s", filesystem_multidevs_to_string(fs->multidevs));
    if (add_mode(out, "fmode", fs->fmode, what) < 0 || add_mode(out, "dmode", fs->dmode, what) < 0)
        return -1;
    if (fs->driver.wrpolicy)
        g_string_append(out, ",writeout=immediate");
    g_string_append_printf(out, ",id=%s,path=", id);
    qemu_escape(out, fs->source.dir);
    qemu_arg_f(cmd, "-fsdev", "%s%s", out->str, fs->readonly ? ",readonly=on" : "");
    return 0;
}

static int filesystem_9p(QemuCommand *cmd, const DomainFilesystem *fs, const char *what)
{
    g_autofree char *id = g_strdup_printf("fsdev-%s", fs->info.alias);
    g_autofree char *driver = qemu_virtio_type(&fs->info, "virtio-9p", domain_disk_model_to_string(fs->model));
    json_object *props;

    if (fs->binary || fs->driver.queue)
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "%s: a binary and a queue size are for driver 'virtiofs' only", what);
    if (qemu_require_type(cmd, driver, what) < 0 || fsdev_9p(cmd, fs, id, what) < 0)
        return -1;
    props = json_make(JSON_STR("driver", driver));
    if (qemu_add_virtio(cmd, props, driver, &fs->driver.virtio, what) < 0) {
        json_object_put(props);
        return -1;
    }
    json_add(props, JSON_STR("id", fs->info.alias), JSON_STR("fsdev", id), JSON_STR("mount_tag", fs->target));
    return qemu_arg_device(cmd, props, &fs->info);
}

/* ---- virtiofs ---- */

char *qemu_virtiofs_helper(const DomainFilesystem *fs)
{
    return g_strdup_printf("%s-fs", fs->info.alias);
}

static int filesystem_virtiofs(QemuCommand *cmd, const DomainFilesystem *fs, const char *what)
{
    g_autofree char *chardev = g_strdup_printf("char%s", fs->info.alias), *helper = qemu_virtiofs_helper(fs);
    g_autofree char *path = fs->source.socket ? g_strdup(fs->source.socket) : qemu_helper_socket(cmd->options->dir, helper);
    g_autofree char *driver = qemu_virtio_type(&fs->info, "vhost-user-fs", domain_disk_model_to_string(fs->model));
    ChardevSource socket = { .type = CHARDEV_TYPE_UNIX, .mode = CHARDEV_MODE_CONNECT, .path = path };
    json_object *props;

    if (fs->accessmode != FILESYSTEM_ACCESS_PASSTHROUGH || fs->fmode || fs->dmode || fs->multidevs || fs->driver.wrpolicy)
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "%s: access modes other than 'passthrough', fmode, dmode, multidevs and wrpolicy are for "
                    "driver 'path' only", what);
    if (fs->source.socket && fs->binary)
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "%s: who serves a socket of its own has no <binary>", what);
    if (fs->driver.queue & (fs->driver.queue - 1) || fs->driver.queue > 1024)
        return FAIL(VIR_ERR_CONFIG_UNSUPPORTED, "%s: the queue size must be a power of two up to 1024", what);
    if (qemu_require_type(cmd, driver, what) < 0 ||
        qemu_chardev(cmd, &socket, fs->info.alias, what) < 0)
        return -1;
    props = json_make(JSON_STR("driver", driver));
    if (qemu_add_virtio(cmd, props, driver, &fs->driver.virtio, what) < 0) {
        json_object_put(props);
        return -1;
    }
    json_add(props, JSON_STR("id", fs->info.alias), JSON_STR("chardev", chardev));
    if (fs->driver.queue)
        qemu_add_uint(props, "queue-size", fs->driver.queue);
    json_add(props, JSON_STR("tag", fs->target));
    qemu_add_boot_index(props, fs->info.boot_order);
    return qemu_arg_device(cmd, props, &fs->info);
}

int qemu_command_filesystems(QemuCommand *cmd)
{
    for (guint i = 0; i < cmd->def->devices.n_filesystems; i++) {
        const DomainFilesystem *fs = cmd->def->devices.filesystems[i];
        g_autofree char *what = g_strdup_printf("file system '%s'", fs->target ? fs->target : fs->info.alias);

        if (check_filesystem(fs, what) < 0)
            return -1;
        if (fs->driver.type == FILESYSTEM_DRIVER_TYPE_VIRTIOFS ? filesystem_virtiofs(cmd, fs, what) < 0 : filesystem_9p(cmd, fs, what) < 0)
            return -1;
    }
    return 0;
}
