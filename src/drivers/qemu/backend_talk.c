/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Consoles, screenshots, raw monitor commands, and the way to the guest agent.
 */
#define ERROR_DOMAIN VIR_FROM_QEMU
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "base/error.h"
#include "base/file.h"
#include "drivers/qemu/backend.h"

static int remove_fd_set(Guest *guest, gint64 set)
{
    return qemu_guest_call(guest, "remove-fd", json_make(JSON_INT("fdset-id", set)), NULL);
}

/* Have QEMU draw into @fd, which it reaches as a set, so that no file of a guessable name exists. */
static int screendump(Guest *guest, QmpMonitor *mon, int fd, const char *device, unsigned int screen, gboolean png)
{
    g_autoptr(json_object) added = NULL;
    g_autofree char *path = NULL;
    json_object *args;
    gint64 set;
    int deadline = (int)MIN(guest_deadline_ms(guest), G_MAXINT), rc;
    g_autofree char *link = g_strdup_printf("/proc/self/fd/%d", fd);
    /* QEMU takes only a descriptor of just the access that it wants. */
    int writer = open(link, O_WRONLY | O_CLOEXEC);

    if (writer < 0)
        return FAIL_ERRNO(errno, "cannot open room for a screenshot");
    rc = qmp_call_full(mon, "add-fd", json_make(JSON_STR("opaque", "screenshot")), &writer, 1, deadline, 0, &added);
    close(writer);
    if (rc < 0)
        return -1;
    set = json_member_int(added, "fdset-id", -1);
    if (set < 0)
        return FAIL(VIR_ERR_INTERNAL_ERROR, "QEMU of domain '%s' doesn't say where it put a descriptor", guest->name);
    path = g_strdup_printf("/dev/fdset/%" G_GINT64_FORMAT, set);
    args = json_make(JSON_STR("filename", path));
    if (device)
        json_add(args, JSON_STR("device", device), JSON_UINT("head", screen));
    if (png)
        json_add(args, JSON_STR("format", "png"));
    rc = qmp_call(mon, "screendump", args, deadline, NULL);
    if (rc < 0) {
        virErrorPtr err = error_save();

        remove_fd_set(guest, set);
        error_restore(err);
        return -1;
    }
    return remove_fd_set(guest, set);
}

int qemu_backend_screenshot(Guest *guest, const DomainDef *def, unsigned int screen, char **mime)
{
    g_autoptr(QmpMonitor) mon = qemu_guest_monitor(guest);
    g_autoptr(QemuCaps) caps = NULL;
    const char *device = NULL;
    gboolean png;
    int fd;

    if (!mon)
        return -1;
    if (def->devices.n_videos == 0 || def->devices.videos[0]->type == DOMAIN_VIDEO_TYPE_NONE)
        return FAIL(VIR_ERR_OPERATION_INVALID, "domain '%s' has no graphics card", guest->name);
    if (screen > 0) {
        const DomainVideo *video = def->devices.videos[0];

        if (screen >= MAX(video->heads, 1))
            return FAIL(VIR_ERR_INVALID_ARG, "domain '%s' has no screen number %u", guest->name, screen);
        device = video->info.alias;
    }
    caps = qemu_guest_caps(guest, def);
    if (!caps) /* then in the format that each QEMU has */
        virResetLastError();
    png = caps && qemu_caps_has_flag(caps, "screendump.format");
    fd = memfd_create("screenshot", MFD_CLOEXEC);
    if (fd < 0)
        return FAIL_ERRNO(errno, "cannot create room for a screenshot");
    if (screendump(guest, mon, fd, device, screen, png) < 0) {
        close(fd);
        return -1;
    }
    if (lseek(fd, 0, SEEK_SET) < 0) {
        int saved = errno;

        close(fd);
        return FAIL_ERRNO(saved, "cannot read the screenshot of domain '%s'", guest->name);
    }
    *mime = g_strdup(png ? "image/png" : "image/x-portable-pixmap");
    return fd;
}

/* The source behind a device by alias; NULL alias: the first console, or serial port. */
static const ChardevSource *find_source(const DomainDef *def, const char *alias, gboolean channel)
{
    const DomainDevices *d = &def->devices;

    if (!alias && !channel && d->n_consoles > 0)
        return &d->consoles[0]->source;
    if (!alias && !channel)
        return d->n_serials > 0 ? &d->serials[0]->source : NULL;
    if (!alias)
        return d->n_channels > 0 ? &d->channels[0]->source : NULL;
    for (guint i = 0; i < d->n_serials && !channel; i++) {
        if (g_strcmp0(d->serials[i]->info.alias, alias) == 0)
            return &d->serials[i]->source;
    }
    for (guint i = 0; i < d->n_consoles && !channel; i++) {
        if (g_strcmp0(d->consoles[i]->info.alias, alias) == 0)
            return &d->consoles[i]->source;
    }
    for (guint i = 0; i < d->n_parallels && !channel; i++) {
        if (g_strcmp0(d->parallels[i]->info.alias, alias) == 0)
            return &d->parallels[i]->source;
    }
    for (guint i = 0; i < d->n_channels; i++) {
        if (g_strcmp0(d->channels[i]->info.alias, alias) == 0 ||
            (channel && g_strcmp0(d->channels[i]->target.name, alias) == 0))
            return &d->channels[i]->source;
    }
    return NULL;
}

int qemu_backend_open_console(Guest *guest, const DomainDef *def, const char *alias, gboolean channel)
{
    const ChardevSource *source = find_source(def, alias, channel);
    int fd;

    if (!source)
        return FAIL(VIR_ERR_INVALID_ARG, "domain '%s' has no %s '%s'", guest->name, channel ? "channel" : "character device",
                    alias ? alias : "(the first)");
    if (!source->path || (source->type != CHARDEV_TYPE_PTY && source->type != CHARDEV_TYPE_UNIX))
        return FAIL(VIR_ERR_INTERNAL_ERROR, "character device '%s' of domain '%s' is not a terminal or socket", alias ? alias : "(the first)",
                    guest->name);
    if (source->type == CHARDEV_TYPE_UNIX) {
        fd = file_connect_unix(source->path);
        if (fd >= 0 && fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) < 0) {
            close(fd);
            return FAIL_ERRNO(errno, "cannot use socket '%s'", source->path);
        }
        return fd;
    }
    fd = open(source->path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return FAIL_ERRNO(errno, "cannot open terminal '%s' of domain '%s'", source->path, guest->name);
    return fd;
}

int qemu_backend_open_graphics(Guest *guest, const DomainDef *def, unsigned int idx, int fd, gboolean skip_auth)
{
    static gint number;
    g_autoptr(QmpMonitor) mon = qemu_guest_monitor(guest);
    g_autofree char *name = g_strdup_printf("graphics%d", g_atomic_int_add(&number, 1));

    if (!mon)
        return -1;
    if (idx >= def->devices.n_graphics)
        return FAIL(VIR_ERR_INTERNAL_ERROR, "domain '%s' has no display number %u", guest->name, idx);
    DomainGraphicsType type = def->devices.graphics[idx]->type;
    if (type != DOMAIN_GRAPHICS_TYPE_VNC && type != DOMAIN_GRAPHICS_TYPE_SPICE)
        return FAIL(VIR_ERR_INTERNAL_ERROR, "display number %u of domain '%s' is of type '%s'; only 'vnc' and 'spice' can be opened",
                    idx, guest->name, domain_graphics_type_to_string(type));
    if (qmp_call_full(mon, "getfd", json_make(JSON_STR("fdname", name)), &fd, 1, (int)MIN(guest_deadline_ms(guest), G_MAXINT), 0,
                      NULL) < 0)
        return -1;
    /* Takes the descriptor out of QEMU's keeping, and closes it if it cannot be used. */
    return qemu_guest_call(guest, "add_client", json_make(JSON_STR("protocol", domain_graphics_type_to_string(type)),
                                                          JSON_STR("fdname", name), JSON_BOOL("skipauth", skip_auth)), NULL);
}

int qemu_backend_reload_graphics(Guest *guest, const DomainDef *def, unsigned int type)
{
    for (guint i = 0; i < def->devices.n_graphics; i++) {
        if (def->devices.graphics[i]->type == DOMAIN_GRAPHICS_TYPE_VNC)
            return qemu_guest_call(guest, "display-reload", json_make(JSON_STR("type", "vnc"), JSON_BOOL("tls-certs", true)), NULL);
    }
    return FAIL(VIR_ERR_OPERATION_UNSUPPORTED, "domain '%s' has no display of type 'vnc': only those read their certificates anew", guest->name);
}

int qemu_backend_announce(Guest *guest, const DomainInterface *card, const GuestAnnounce *how)
{
    /* QEMU wants all four: its own are those of a migration. */
    json_object *args = json_make(JSON_UINT("initial", how->initial ? how->initial : 50), JSON_UINT("max", how->max ? how->max : 550),
                                  JSON_UINT("rounds", how->rounds ? how->rounds : 5), JSON_UINT("step", how->step ? how->step : 100));

    if (card) {
        json_object *names = json_object_new_array();

        json_object_array_add(names, json_object_new_string(card->info.alias));
        json_add(args, JSON_VALUE("interfaces", names));
    }
    return qemu_guest_call(guest, "announce-self", args, NULL);
}

static int hmp_command(Guest *guest, QmpMonitor *mon, const char *command, char **reply)
{
    g_autoptr(json_object) result = NULL;

    if (qmp_call(mon, "human-monitor-command", json_make(JSON_STR("command-line", command)),
                 (int)MIN(guest_deadline_ms(guest), G_MAXINT), &result) < 0)
        return -1;
    *reply = g_strdup(json_object_is_type(result, json_type_string) ? json_object_get_string(result) : "");
    return 0;
}

int qemu_backend_monitor_command(Guest *guest, const char *command, gboolean hmp, const int *fds, unsigned int n_fds, char **reply)
{
    g_autoptr(QmpMonitor) mon = qemu_guest_monitor(guest);
    g_autoptr(json_object) parsed = NULL, line = NULL;
    const char *why = NULL, *name;
    gsize len = strlen(command);

    if (!mon)
        return -1;
    if (hmp)
        return hmp_command(guest, mon, command, reply);
    if (len > QEMU_MAX_COMMAND)
        return FAIL(VIR_ERR_INVALID_ARG, "the command is longer than %d bytes", QEMU_MAX_COMMAND);
    parsed = json_lines_parse(command, len, &why);
    if (!json_object_is_type(parsed, json_type_object))
        return FAIL(VIR_ERR_INVALID_ARG, "the command is no JSON object: %s", why ? why : "another value");
    name = json_member_string(parsed, "execute");
    if (!name && !json_member_string(parsed, "exec-oob"))
        return FAIL(VIR_ERR_INVALID_ARG, "the command has no member 'execute'");
    /* The object is only read by this thread until it is written; a copy spares questions about who owns what. */
    line = qmp_call_raw(mon, name ? name : json_member_string(parsed, "exec-oob"),
                        json_object_get(json_member(parsed, "arguments", json_type_object)), fds, n_fds,
                        (int)MIN(guest_deadline_ms(guest), G_MAXINT), name ? 0 : QMP_SEND_OOB);
    if (!line)
        return -1;
    if (json_object_object_get_ex(parsed, "id", NULL))
        json_object_object_add(line, "id", json_object_get(json_object_object_get(parsed, "id")));
    *reply = g_strdup(json_object_to_json_string_ext(line, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
    return 0;
}

static void on_agent_closed(Agent *agent, const char *reason, void *opaque)
{
    QemuGuest *qemu = qemu_guest(opaque);

    g_mutex_lock(&qemu->lock);
    if (qemu->agent == agent)
        qemu->agent = NULL;
    else
        agent = NULL;
    g_mutex_unlock(&qemu->lock);
    agent_unref(agent);
}

/* Connect if that isn't done yet. The socket is local and listens, so this doesn't wait. NULL with an error. */
static Agent *agent_connect(Guest *guest, const char *path)
{
    QemuGuest *qemu = qemu_guest(guest);
    Guest *attached = qemu_guest_attach(guest);
    Agent *agent = NULL, *spare = NULL;
    int fd = file_connect_unix(path);

    /* The descriptor's and the reference's owner from here on, unless it fails. */
    if (fd >= 0)
        agent = agent_open_fd(guest_loop(guest), fd, guest->name, on_agent_closed, attached, qemu_guest_detach);
    if (!agent) {
        qemu_guest_detach(attached);
        return NULL;
    }
    g_mutex_lock(&qemu->lock);
    if (qemu->agent) {
        spare = agent;
        agent = agent_ref(qemu->agent);
    } else {
        qemu->agent = agent_ref(agent);
    }
    g_mutex_unlock(&qemu->lock);
    if (spare) {
        agent_close(spare);
        agent_unref(spare);
    }
    return agent;
}

Agent *qemu_guest_agent(Guest *guest)
{
    QemuGuest *qemu = qemu_guest(guest);
    g_autofree char *path = NULL;
    Agent *agent = NULL;
    gboolean up;

    g_mutex_lock(&qemu->lock);
    path = g_strdup(qemu->agent_path);
    up = qemu->mon && qemu->agent_up;
    if (path && up && qemu->agent)
        agent = agent_ref(qemu->agent);
    g_mutex_unlock(&qemu->lock);
    if (!path)
        return FAIL_NULL(VIR_ERR_ARGUMENT_UNSUPPORTED, "QEMU guest agent is not configured: domain '%s' has no channel "
                         "'org.qemu.guest_agent.0' of type 'unix'", guest->name);
    if (!up)
        return FAIL_NULL(VIR_ERR_AGENT_UNRESPONSIVE, "QEMU guest agent is not connected: nothing in the guest of domain '%s' has "
                         "opened its channel", guest->name);
    return agent ? agent : agent_connect(guest, path);
}
