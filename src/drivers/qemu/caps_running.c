/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the QEMU of a running guest can do. That isn't what the file can that has its name now: QEMU is upgraded while guests run, and they
 * go on with the one they began with. Who starts a guest notes what was asked then. A daemon that finds it running looks whether the
 * process still is of that file; else it asks the process's own program, which the kernel keeps as long as it runs.
 *
 * That program runs unconfined then. So it must be the one that was started: a QEMU that obeys its guest may have put another one into its
 * process's place. The status file has what nobody can give to another file while that one is in use, or without being its owner.
 */
#define ERROR_DOMAIN VIR_FROM_QEMU
#define LOG_SOURCE "qemu.caps"
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/error.h"
#include "base/log.h"
#include "drivers/qemu/backend.h"
#include "drivers/qemu/caps.h"

void qemu_guest_note_caps(Guest *guest, QemuCaps *caps)
{
    QemuGuest *qemu = qemu_guest(guest);

    g_mutex_lock(&qemu->lock);
    if (!qemu->caps)
        qemu->caps = qemu_caps_ref(caps);
    g_mutex_unlock(&qemu->lock);
}

static char *program_path(const Guest *guest)
{
    return g_strdup_printf("/proc/%d/exe", (int)guest->pid);
}

/* Which file it is; NULL if there is none. */
static char *identity(const char *path)
{
    struct stat st;

    return stat(path, &st) < 0 ? NULL
        : g_strdup_printf("%ju:%ju:%jd:%jd.%09ld:%u", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino, (intmax_t)st.st_size,
                          (intmax_t)st.st_mtim.tv_sec, st.st_mtim.tv_nsec, (unsigned)st.st_uid);
}

static gboolean is_file(const char *path, const char *wanted)
{
    g_autofree char *found = identity(path);

    return g_strcmp0(found, wanted) == 0;
}

void qemu_guest_note_program(Guest *guest)
{
    QemuGuest *qemu = qemu_guest(guest);
    g_autofree char *path = program_path(guest);
    char *file = identity(path);

    g_mutex_lock(&qemu->lock);
    g_free(qemu->program);
    qemu->program = file;
    g_mutex_unlock(&qemu->lock);
}

static char *program_of(Guest *guest)
{
    QemuGuest *qemu = qemu_guest(guest);
    char *file;

    g_mutex_lock(&qemu->lock);
    file = g_strdup(qemu->program);
    g_mutex_unlock(&qemu->lock);
    return file;
}

void qemu_guest_program_format(Guest *guest, GString *xml)
{
    g_autofree char *file = program_of(guest);
    g_autofree char *escaped = file ? g_markup_escape_text(file, -1) : NULL;

    if (file)
        g_string_append_printf(xml, "  <program file='%s'/>\n", escaped);
}

/* What is asked is the very file that was looked at, whatever the process runs in the next moment. NULL with an error. */
static QemuCaps *ask_program(QemuDriver *driver, const char *running, const char *started, const char *emulator)
{
    int fd = open(running, O_PATH | O_CLOEXEC);
    g_autofree char *path = g_strdup_printf("/proc/%d/fd/%d", (int)getpid(), fd);
    QemuCaps *caps = NULL;

    if (fd < 0)
        return FAIL_ERRNO_NULL(errno, "cannot open '%s'", running);
    if (is_file(path, started))
        caps = qemu_caps_probe(driver->loop, path, qemu_host_has_kvm());
    else
        error_report(ERROR_DOMAIN, VIR_ERR_OPERATION_FAILED, "'%s' is another program now", running);
    close(fd);
    if (caps) {
        g_free(caps->binary);
        caps->binary = g_strdup(emulator);
    }
    return caps;
}

/* The emulator of a definition may be a script that runs another program: that is asked then, under its own name if it still has it. */
static QemuCaps *find(QemuDriver *driver, Guest *guest, const char *emulator)
{
    g_autofree char *started = program_of(guest);
    g_autofree char *running = program_path(guest);
    g_autofree char *path = g_file_read_link(running, NULL);
    QemuCaps *caps;

    if (!started || !path || is_file(emulator, started))
        return qemu_caps_store_get(driver->caps, emulator);
    if (is_file(path, started))
        return qemu_caps_store_get(driver->caps, path);
    caps = ask_program(driver, running, started, emulator);
    if (caps)
        return caps;
    LOG_WARN("domain '%s' runs a QEMU that has been replaced since, and which can't be asked what it can do any more (%s): taken to be what "
             "'%s' can now", guest->name, error_message(), emulator);
    virResetLastError();
    return qemu_caps_store_get(driver->caps, emulator);
}

QemuCaps *qemu_guest_caps(Guest *guest, const DomainDef *def)
{
    QemuGuest *qemu = qemu_guest(guest);
    QemuCaps *caps;

    g_mutex_lock(&qemu->lock);
    caps = qemu->caps ? qemu_caps_ref(qemu->caps) : NULL;
    g_mutex_unlock(&qemu->lock);
    if (caps)
        return caps;
    if (!def->devices.emulator)
        return FAIL_NULL(VIR_ERR_INTERNAL_ERROR, "domain '%s' has no emulator", guest->name);
    caps = find(guest_host_priv(guest), guest, def->devices.emulator);
    if (caps)
        qemu_guest_note_caps(guest, caps);
    return caps;
}
