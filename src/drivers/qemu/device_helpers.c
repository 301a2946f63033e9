/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERROR_DOMAIN VIR_FROM_QEMU
#include "drivers/qemu/device_helpers.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/error.h"
#include "base/file.h"
#include "drivers/qemu/command_priv.h"
#include "drivers/qemu/descriptors.h"
#include "drivers/qemu/helper.h"

#define DBUS_CONFIG_MODE 0640

/* ---- who serves what ---- */

/* The program of the first description of @type ("fs", "gpu"); the caller frees. NULL without an error: there is none. */
static char *described_program(const char *type)
{
    g_auto(GStrv) folders = qemu_descriptor_folders("vhost-user");
    g_autoptr(GPtrArray) paths = qemu_descriptors_list((const char *const *)folders);

    for (guint i = 0; i < paths->len; i++) {
        g_autoptr(json_object) description = qemu_descriptor_read(g_ptr_array_index(paths, i));

        if (description && g_strcmp0(json_member_string(description, "type"), type) == 0 && json_member_string(description, "binary"))
            return g_strdup(json_member_string(description, "binary"));
    }
    return NULL;
}

static char *program_for(const char *type, const char *chosen, const char *what)
{
    char *program = chosen ? g_strdup(chosen) : described_program(type);

    if (program && access(program, X_OK) == 0)
        return program;
    error_report(ERROR_DOMAIN, VIR_ERR_OPERATION_UNSUPPORTED, program ? "%s: its server '%s' can't be run" :
                 "%s: no program that serves it is installed (none is described in /usr/share/qemu/vhost-user)", what, program);
    g_free(program);
    return NULL;
}

static void add_argument(GPtrArray *argv, const char *fmt, ...) G_GNUC_PRINTF(2, 3);
static void add_argument(GPtrArray *argv, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    g_ptr_array_add(argv, g_strdup_vprintf(fmt, args));
    va_end(args);
}

/* Two arguments; none if @value is NULL. */
static void add_option(GPtrArray *argv, const char *option, const char *value)
{
    if (!value)
        return;
    g_ptr_array_add(argv, g_strdup(option));
    g_ptr_array_add(argv, g_strdup(value));
}

/* A socket that the helper made for QEMU. The guest's user may write to the folder: whatever else it put there stays as it is. */
static int give_socket(const QemuGuest *qemu, const char *path)
{
    int fd = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC), rc = 0;
    struct stat st;

    if (fd < 0 || fstat(fd, &st) < 0 || !S_ISSOCK(st.st_mode) || fchownat(fd, "", qemu->user.uid, qemu->user.gid, AT_EMPTY_PATH) < 0)
        rc = FAIL_ERRNO(errno, "cannot give '%s' to QEMU's user", path);
    if (fd >= 0)
        close(fd);
    return rc;
}

/* @user NULL: as we are. */
static int start(Guest *guest, const char *name, GPtrArray *argv, int fd, const char *ready, const UserIdentity *user)
{
    const QemuGuest *qemu = qemu_guest(guest);
    QemuHelperSpec spec = { .name = name, .keep_fds = &fd, .n_keep_fds = fd >= 0, .ready_path = ready, .user = USER_IDENTITY_INIT };

    if (user)
        spec.user = *user;

    g_ptr_array_add(argv, NULL);
    spec.argv = (const char *const *)argv->pdata;
    if (qemu_helper_start(guest, &spec) < 0)
        return -1;
    return ready && !user && qemu->user.uid != (uid_t)-1 ? give_socket(qemu, ready) : 0;
}

/* ---- folders ---- */

static void add_virtiofs_options(GPtrArray *argv, const DomainFilesystem *fs)
{
    g_autoptr(GString) options = g_string_new("source=");
    const FilesystemBinary *b = fs->binary;
    const struct {
        Tristate value;
        const char *name;
    } locks[] = { { b ? b->lock.posix : 0, "posix_lock" }, { b ? b->lock.flock : 0, "flock" } };

    /* Its options are split at commas. */
    for (const char *c = fs->source.dir; *c; c++) {
        if (*c == ',' || *c == '\\')
            g_string_append_c(options, '\\');
        g_string_append_c(options, *c);
    }
    if (b && b->cache)
        g_string_append_printf(options, ",cache=%s", filesystem_cache_to_string(b->cache));
    if (b && b->sandbox)
        g_string_append_printf(options, ",sandbox=%s", filesystem_sandbox_to_string(b->sandbox));
    if (b && b->xattr)
        g_string_append(options, b->xattr == TRISTATE_ON ? ",xattr" : ",no_xattr");
    for (guint i = 0; i < G_N_ELEMENTS(locks); i++) {
        if (locks[i].value)
            g_string_append_printf(options, ",%s%s", locks[i].value == TRISTATE_ON ? "" : "no_", locks[i].name);
    }
    add_option(argv, "-o", options->str);
    if (b && b->has_thread_pool)
        add_argument(argv, "--thread-pool-size=%d", b->thread_pool);
}

static gboolean is_served(const DomainFilesystem *fs)
{
    return fs->driver.type == FILESYSTEM_DRIVER_TYPE_VIRTIOFS && !fs->source.socket && fs->source.dir;
}

static int start_filesystem(Guest *guest, const DomainFilesystem *fs)
{
    g_autofree char *name = qemu_virtiofs_helper(fs), *what = g_strdup_printf("file system '%s'", fs->target ? fs->target : fs->info.alias);
    g_autofree char *program = NULL;
    g_autoptr(GPtrArray) argv = g_ptr_array_new_with_free_func(g_free);
    int fd, rc;

    if (!is_served(fs))
        return 0;
    if (!g_file_test(fs->source.dir, G_FILE_TEST_IS_DIR))
        return FAIL(VIR_ERR_OPERATION_FAILED, "%s: '%s' is no folder", what, fs->source.dir);
    program = program_for("fs", fs->binary ? fs->binary->path : NULL, what);
    fd = program ? qemu_helper_listen(guest, name) : -1;
    if (fd < 0)
        return -1;
    /* It waits in accept() for QEMU. */
    if (fcntl(fd, F_SETFL, 0) < 0) {
        rc = FAIL_ERRNO(errno, "%s: cannot prepare the socket of its server", what);
        close(fd);
        return rc;
    }
    g_ptr_array_add(argv, g_strdup(program));
    add_argument(argv, "--fd=%d", fd);
    add_virtiofs_options(argv, fs);
    rc = start(guest, name, argv, fd, NULL, NULL);
    close(fd);
    return rc;
}

/* ---- networks ---- */

/* "ADDRESS%DEVICE/START-END:TO,~START-END" */
static char *forward_text(const InterfacePortForward *forward)
{
    GString *out = g_string_new(forward->address);

    if (forward->dev)
        g_string_append_printf(out, "%%%s", forward->dev);
    if (out->len)
        g_string_append_c(out, '/');
    if (forward->n_ranges == 0)
        g_string_append(out, "all");
    for (guint i = 0; i < forward->n_ranges; i++) {
        const PortForwardRange *range = forward->ranges[i];

        g_string_append_printf(out, "%s%s%u", i ? "," : "", range->exclude == TRISTATE_YES ? "~" : "", range->start);
        if (range->end > range->start)
            g_string_append_printf(out, "-%u", range->end);
        if (range->to) {
            g_string_append_printf(out, ":%u", range->to);
            if (range->end > range->start)
                g_string_append_printf(out, "-%u", range->to + range->end - range->start);
        }
    }
    return g_string_free(out, FALSE);
}

static void add_passt_options(GPtrArray *argv, const DomainInterface *net)
{
    add_option(argv, "--log-file", net->backend.log_file);
    add_option(argv, "--interface", net->source.dev);
    for (guint i = 0; i < net->n_ips; i++) {
        g_autofree char *prefix = g_strdup_printf("%u", net->ips[i]->prefix);

        add_option(argv, "--address", net->ips[i]->address);
        add_option(argv, "--netmask", net->ips[i]->prefix && net->ips[i]->family != IP_FAMILY_IPV6 ? prefix : NULL);
    }
    add_option(argv, "--hostname", net->backend.hostname);
    add_option(argv, "--fqdn", net->backend.fqdn);
    for (guint i = 0; i < net->n_port_forwards; i++) {
        g_autofree char *forward = forward_text(net->port_forwards[i]);

        add_option(argv, net->port_forwards[i]->proto == PORT_FORWARD_PROTO_TCP ? "--tcp-ports" : "--udp-ports", forward);
    }
}

static int start_interface(Guest *guest, const DomainInterface *net)
{
    const UserIdentity *user = &qemu_guest(guest)->user;
    g_autofree char *name = qemu_passt_helper(net), *path = qemu_helper_socket(qemu_guest(guest)->dir, name);
    g_autoptr(GPtrArray) argv = g_ptr_array_new_with_free_func(g_free);

    if (!qemu_interface_is_passt(net))
        return 0;
    add_argument(argv, "passt");
    add_argument(argv, "--foreground");
    add_argument(argv, "--stderr");
    add_argument(argv, "--one-off");
    add_option(argv, "--socket", path);
    /* As root it would become somebody who has no way to its socket. */
    if (geteuid() == 0) {
        add_argument(argv, "--runas");
        add_argument(argv, "%u:%u", user->uid == (uid_t)-1 ? 0 : user->uid, user->gid == (gid_t)-1 ? 0 : user->gid);
    }
    add_passt_options(argv, net);
    return start(guest, name, argv, -1, path, NULL);
}

/* ---- reservations ---- */

static int start_reservations(Guest *guest, const DomainDef *def)
{
    g_autofree char *path = qemu_helper_socket(qemu_guest(guest)->dir, QEMU_MANAGED_RESERVATIONS);
    g_autoptr(GPtrArray) argv = g_ptr_array_new_with_free_func(g_free);
    QemuDriver *driver = guest_host_priv(guest);
    gboolean wanted = FALSE;

    for (guint i = 0; i < def->devices.n_disks; i++) {
        const DomainDisk *disk = def->devices.disks[i];

        wanted |= disk->source.reservations && disk->source.reservations->managed == TRISTATE_YES;
    }
    if (!wanted)
        return 0;
    g_ptr_array_add(argv, g_strdup(driver->conf.pr_helper));
    add_option(argv, "-k", path);
    return start(guest, QEMU_MANAGED_RESERVATIONS, argv, -1, path, NULL);
}

/* ---- displays ---- */

static char *write_bus_config(const QemuGuest *qemu, const char *path)
{
    g_autofree char *escaped = g_markup_escape_text(path, -1), *file = g_strconcat(qemu->dir, "/dbus.conf", NULL);
    g_autofree char *text = g_strdup_printf(
        "<busconfig>\n  <type>org.libvirt.qemu</type>\n  <listen>unix:path=%s</listen>\n  <auth>EXTERNAL</auth>\n"
        "  <policy context='default'>\n    <allow user='*'/>\n    <allow own='*'/>\n    <allow send_destination='*'/>\n"
        "    <allow receive_sender='*'/>\n  </policy>\n  <limit name='max_message_size'>16777216</limit>\n</busconfig>\n", escaped);

    return file_replace(file, text, strlen(text), DBUS_CONFIG_MODE, qemu->user.uid, qemu->user.gid) < 0 ? NULL : g_steal_pointer(&file);
}

static int start_bus(Guest *guest, DomainGraphics *graphics)
{
    QemuDriver *driver = guest_host_priv(guest);
    g_autofree char *path = qemu_helper_socket(qemu_guest(guest)->dir, "dbus"), *config = NULL;
    g_autoptr(GPtrArray) argv = g_ptr_array_new_with_free_func(g_free);

    if (graphics->type != DOMAIN_GRAPHICS_TYPE_DBUS || graphics->p2p == TRISTATE_YES || graphics->dbus_address)
        return 0;
    config = write_bus_config(qemu_guest(guest), path);
    if (!config)
        return -1;
    g_ptr_array_add(argv, g_strdup(driver->conf.dbus_daemon));
    add_argument(argv, "--nofork");
    add_argument(argv, "--nopidfile");
    add_argument(argv, "--config-file=%s", config);
    if (start(guest, "dbus", argv, -1, path, &qemu_guest(guest)->user) < 0)
        return -1;
    graphics->dbus_address = g_strconcat("unix:path=", path, NULL);
    return 0;
}

static int start_video(Guest *guest, const DomainVideo *video)
{
    g_autofree char *name = qemu_video_helper(video), *path = qemu_helper_socket(qemu_guest(guest)->dir, name), *program = NULL;
    g_autofree char *what = g_strdup_printf("graphics card '%s'", video->info.alias);
    g_autoptr(GPtrArray) argv = g_ptr_array_new_with_free_func(g_free);

    if (video->driver.name != VIDEO_BACKEND_VHOSTUSER)
        return 0;
    program = program_for("gpu", NULL, what);
    if (!program)
        return -1;
    g_ptr_array_add(argv, g_strdup(program));
    add_argument(argv, "--socket-path=%s", path);
    if (video->acceleration.accel3d == TRISTATE_YES)
        add_argument(argv, "--virgl");
    if (video->acceleration.rendernode)
        add_argument(argv, "--render-node=%s", video->acceleration.rendernode);
    return start(guest, name, argv, -1, path, &qemu_guest(guest)->user);
}

/* ---- all of them ---- */

int qemu_device_helpers_start(Guest *guest, DomainDef *def)
{
    DomainDevices *d = &def->devices;

    for (guint i = 0; i < d->n_filesystems; i++) {
        if (start_filesystem(guest, d->filesystems[i]) < 0)
            return -1;
    }
    for (guint i = 0; i < d->n_interfaces; i++) {
        if (start_interface(guest, d->interfaces[i]) < 0)
            return -1;
    }
    for (guint i = 0; i < d->n_graphics; i++) {
        if (start_bus(guest, d->graphics[i]) < 0)
            return -1;
    }
    for (guint i = 0; i < d->n_videos; i++) {
        if (start_video(guest, d->videos[i]) < 0)
            return -1;
    }
    return start_reservations(guest, def);
}

int qemu_device_helper_start(Guest *guest, const char *kind, const void *device)
{
    if (g_str_equal(kind, "filesystem"))
        return start_filesystem(guest, device);
    return g_str_equal(kind, "interface") ? start_interface(guest, device) : 0;
}

void qemu_device_helper_stop(Guest *guest, const char *kind, const void *device)
{
    virErrorPtr error = error_save();
    g_autofree char *name = NULL;

    if (g_str_equal(kind, "filesystem") && is_served(device))
        name = qemu_virtiofs_helper(device);
    else if (g_str_equal(kind, "interface") && qemu_interface_is_passt(device))
        name = qemu_passt_helper(device);
    if (name)
        qemu_helper_stop(guest, name);
    error_restore(error);
}
