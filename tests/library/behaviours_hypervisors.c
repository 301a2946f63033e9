/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * libvirt-qemu and libvirt-lxc on a connection that has neither guests of QEMU nor containers; what changes the process itself works
 * all the same.
 */
#include "behaviours.h"
#include <fcntl.h>
#include <libvirt/libvirt-lxc.h>
#include <libvirt/libvirt-qemu.h>
#include <unistd.h>

static void see_qemu(virConnectPtr c, virDomainPtr d)
{
    char *result = NULL;
    CALL(virDomainQemuMonitorCommand(d, "x", &result, 0));
    CALL(virDomainQemuMonitorCommand(NULL, "x", &result, 0));
    CALL(virDomainQemuMonitorCommandWithFiles(d, "x", 0, NULL, NULL, NULL, &result, 0));
    CALL_PTR(virDomainQemuAttach(c, 1, 0));
    CALL_PTR(virDomainQemuAttach(c, 0, 0));
    CALL_PTR(virDomainQemuAgentCommand(d, "x", 0, 0));
    CALL(virConnectDomainQemuMonitorEventDeregister(c, -1));
    CALL(virConnectDomainQemuMonitorEventDeregister(c, 1));
}

/* The kinds of the namespaces that the process was in. */
static void see_old(int *fds, unsigned int n)
{
    for (unsigned int i = 0; fds && i < n; i++) {
        char path[40], kind[40] = "";
        snprintf(path, sizeof(path), "/proc/self/fd/%d", fds[i]);
        if (readlink(path, kind, sizeof(kind) - 1) > 0)
            kind[strcspn(kind, ":")] = '\0';
        see("old namespace", "%s", kind);
        close(fds[i]);
    }
    free(fds);
}

static void see_entering(virDomainPtr d)
{
    int fds[] = { open("/proc/self/ns/uts", O_RDONLY), -1 }, none[] = { 900 }, *old = NULL;
    unsigned int n = 99;
    CALL(virDomainLxcEnterNamespace(d, 0, fds, &n, &old, 1));
    see("how many after a bad flag", "%u", n);
    CALL(virDomainLxcEnterNamespace(d, 0, fds, &n, &old, 0));
    see("how many without a descriptor", "%u", n);
    CALL(virDomainLxcEnterNamespace(d, 1, none, &n, &old, 0));
    see("how many after a bad descriptor", "%u", n);
    CALL(virDomainLxcEnterNamespace(d, 1, fds, NULL, NULL, 0));
    CALL(virDomainLxcEnterNamespace(NULL, 1, fds, NULL, NULL, 0));
    CALL(virDomainLxcEnterNamespace(d, 2, fds, &n, &old, 0));
    see_old(old, n);
    close(fds[0]);
}

static void see_labels(void)
{
    virSecurityLabel label = { .label = "label" }, old = { .label = "" };
    static const char *const models[] = { "none", "selinux", "apparmor", "other", "" };
    for (size_t i = 0; i < sizeof(models) / sizeof(models[0]); i++) {
        virSecurityModel model;
        snprintf(model.model, sizeof(model.model), "%s", models[i]);
        CALL(virDomainLxcEnterSecurityLabel(&model, &label, &old, 0));
        CALL(virDomainLxcEnterSecurityLabel(&model, &label, &old, 1));
        CALL(virDomainLxcEnterSecurityLabel(&model, NULL, &old, 0));
    }
    CALL(virDomainLxcEnterSecurityLabel(NULL, &label, NULL, 0));
    see("old label", "'%s'", old.label);
}

void see_hypervisors(const World *world)
{
    virConnectPtr c = open_test();
    virDomainPtr d = virDomainLookupByName(c, "test");
    int *fds = NULL;
    see_qemu(c, d);
    see_entering(d);
    see_labels();
    CALL(virDomainLxcEnterCGroup(d, 0));
    CALL(virDomainLxcEnterCGroup(d, 1));
    CALL(virDomainLxcEnterCGroup(NULL, 0));
    CALL(virDomainLxcOpenNamespace(d, &fds, 0));
    virDomainFree(d);
    virConnectClose(c);
}
