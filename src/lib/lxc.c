/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * libvirt-lxc.so: functions that change the calling process itself. Only the control groups of a container are its driver's
 * secret; namespaces and labels are the kernel's, so that any program can enter those that it has.
 */
#define ERROR_DOMAIN VIR_FROM_NONE
#include "base/error.h"
#include "lib/entry.h"
#include <errno.h>
#include <fcntl.h>
#include <libvirt/libvirt-lxc.h>
#include <sched.h>
#include <unistd.h>

static const char *const namespaces[] = { "user", "ipc", "uts", "net", "pid", "mnt" };

static void close_all(int *fds, unsigned int n)
{
    while (n)
        close(fds[--n]);
}

/* Descriptors of the namespaces that this process is in, but for those that the kernel hasn't. NULL with an error. */
static int *open_own(unsigned int *n)
{
    g_autofree int *fds = g_new0(int, G_N_ELEMENTS(namespaces));
    *n = 0;
    for (size_t i = 0; i < G_N_ELEMENTS(namespaces); i++) {
        g_autofree char *path = g_strdup_printf("/proc/self/ns/%s", namespaces[i]);
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd >= 0) {
            fds[(*n)++] = fd;
        } else if (errno != ENOENT) {
            error_report_errno(ERROR_DOMAIN, errno, "cannot open '%s'", path);
            close_all(fds, *n);
            return NULL;
        }
    }
    return g_steal_pointer(&fds);
}

static int enter_all(const int *fds, unsigned int n)
{
    for (unsigned int i = 0; i < n; i++)
        if (fds[i] >= 0 && setns(fds[i], 0) < 0)
            return FAIL_ERRNO(errno, "cannot enter the namespace of descriptor %d, the %u before it are entered", fds[i], i);
    return 0;
}

int virDomainLxcEnterNamespace(virDomainPtr domain, unsigned int nfdlist, int *fdlist, unsigned int *noldfdlist,
                               int **oldfdlist, unsigned int flags)
{
    g_autofree int *old = NULL;
    unsigned int n = 0;
    virResetLastError();
    if (error_check_flags(ERROR_DOMAIN, __func__, flags, 0) < 0)
        goto failed;
    if (noldfdlist && oldfdlist) {
        *noldfdlist = 0;
        *oldfdlist = NULL;
    }
    if (nfdlist == 0) {
        error_report(ERROR_DOMAIN, VIR_ERR_INVALID_ARG, "%s needs at least one descriptor of a namespace", __func__);
        goto failed;
    }
    if (entry_nonnull(fdlist, "fdlist", __func__) < 0)
        goto failed;
    if (noldfdlist && oldfdlist && !(old = open_own(&n)))
        goto failed;
    if (enter_all(fdlist, nfdlist) < 0)
        goto failed;
    if (old) {
        *noldfdlist = n;
        *oldfdlist = g_steal_pointer(&old);
    }
    return 0;
failed:
    if (old)
        close_all(old, n);
    entry_failed(domain);
    return -1;
}

/* The kernel takes a label in one write. */
static int set_label(const char *text)
{
    int fd = open("/proc/self/attr/current", O_WRONLY | O_CLOEXEC);
    ssize_t done = fd < 0 ? -1 : write(fd, text, strlen(text));
    int code = errno;
    if (fd >= 0)
        close(fd);
    return done < 0 ? FAIL_ERRNO(code, "cannot take the security label '%s'", text) : 0;
}

static int get_label(virSecurityLabelPtr label)
{
    int fd = open("/proc/self/attr/current", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, label->label, sizeof(label->label) - 1);
    int code = errno;
    if (fd >= 0)
        close(fd);
    if (n < 0)
        return FAIL_ERRNO(code, "cannot read the security label of this process");
    label->label[n] = '\0';
    return 0;
}

static int enter_label(const char *model, const char *label, virSecurityLabelPtr old)
{
    if (g_str_equal(model, "none"))
        return 0;
    if (g_str_equal(model, "selinux"))
        return old && get_label(old) < 0 ? -1 : set_label(label);
    if (g_str_equal(model, "apparmor")) {
        g_autofree char *command = g_strconcat("changeprofile ", label, NULL);
        return set_label(command);
    }
    return FAIL(VIR_ERR_ARGUMENT_UNSUPPORTED, "the security model '%s' is unknown: selinux, apparmor and none can be entered", model);
}

int virDomainLxcEnterSecurityLabel(virSecurityModelPtr model, virSecurityLabelPtr label, virSecurityLabelPtr oldlabel,
                                   unsigned int flags)
{
    virResetLastError();
    if (error_check_flags(ERROR_DOMAIN, __func__, flags, 0) < 0 || entry_nonnull(model, "model", __func__) < 0 ||
        entry_nonnull(label, "label", __func__) < 0) {
        entry_failed(NULL);
        return -1;
    }
    g_autofree char *name = g_strndup(model->model, sizeof(model->model));
    g_autofree char *text = g_strndup(label->label, sizeof(label->label));
    if (enter_label(name, text, oldlabel) == 0)
        return 0;
    entry_failed(NULL);
    return -1;
}

int virDomainLxcEnterCGroup(virDomainPtr domain, unsigned int flags)
{
    virResetLastError();
    if (entry_check(domain, OBJECT_DOMAIN, ENTRY_READ, __func__) < 0 || error_check_flags(ERROR_DOMAIN, __func__, flags, 0) < 0)
        entry_failed(domain);
    else
        entry_unsupported(domain, __func__); /* no driver makes containers yet */
    return -1;
}
