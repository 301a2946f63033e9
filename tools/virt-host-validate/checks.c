/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host_validate.h"
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

static void finding_clear(gpointer data)
{
    Finding *f = data;
    g_free(f->check);
    g_free(f->remedy);
}

void report_init(Report *report, const char *root)
{
    *report = (Report) { .root = root, .findings = g_array_new(FALSE, FALSE, sizeof(Finding)) };
    g_array_set_clear_func(report->findings, finding_clear);
}

void report_clear(Report *report)
{
    g_array_unref(report->findings);
}

/* @otherwise: what it means if it isn't there. Takes @check. */
static gboolean found(Report *report, char *check, gboolean there, CheckResult otherwise, const char *remedy)
{
    Finding f = { check, there ? CHECK_PASS : otherwise, g_strdup(remedy) };
    g_array_append_val(report->findings, f);
    report->failed |= f.result == CHECK_FAIL;
    return there;
}

static char *below(const Report *report, const char *path)
{
    return g_strconcat(report->root, path, NULL);
}

static gboolean exists(const Report *report, const char *path, int mode)
{
    g_autofree char *full = below(report, path);
    return access(full, mode) == 0;
}

/* Text of a small file, "" if there is none. Caller frees. */
static char *content(const Report *report, const char *path)
{
    g_autofree char *full = below(report, path);
    char *text = NULL;
    return g_file_get_contents(full, &text, NULL, NULL) ? text : g_strdup("");
}

static gboolean has_word(const char *text, const char *word)
{
    size_t len = strlen(word);
    for (const char *p = text; (p = strstr(p, word)); p += len) {
        gboolean begins = p == text || strchr(" \t\n,:", p[-1]);
        if (begins && (!p[len] || strchr(" \t\n,:", p[len])))
            return TRUE;
    }
    return FALSE;
}

static gboolean is_yes(const Report *report, const char *path)
{
    g_autofree char *text = content(report, path);
    return text[0] == '1' || text[0] == 'Y' || text[0] == 'y';
}

static gboolean folder_has_entries(const Report *report, const char *path)
{
    g_autofree char *full = below(report, path);
    g_autoptr(GDir) dir = g_dir_open(full, 0, NULL);
    return dir && g_dir_read_name(dir);
}

static void check_device(Report *report, const char *path, CheckResult otherwise, const char *remedy)
{
    found(report, g_strdup_printf("if device %s exists", path), exists(report, path, F_OK), otherwise, remedy);
}

/* Controllers of both versions of control groups. Version 2 has no file for some that are always there. */
static gboolean have_controller(const Report *report, const char *name)
{
    g_autofree char *v2 = content(report, "/sys/fs/cgroup/cgroup.controllers");
    if (*v2) {
        static const char *const builtin[] = { "devices", "freezer", NULL };
        const char *v2_name = strcmp(name, "blkio") == 0 ? "io" : strcmp(name, "cpuacct") == 0 ? "cpu" : name;
        return g_strv_contains(builtin, name) || has_word(v2, v2_name);
    }
    g_autofree char *mounts = content(report, "/proc/self/mounts");
    g_auto(GStrv) lines = g_strsplit(mounts, "\n", -1);
    for (char **line = lines; *line; line++) {
        g_auto(GStrv) words = g_strsplit(*line, " ", 5);
        if (g_strv_length(words) >= 4 && strcmp(words[2], "cgroup") == 0 && has_word(words[3], name))
            return TRUE;
    }
    return FALSE;
}

static void check_controllers(Report *report, const char *const *names)
{
    for (; *names; names++) {
        g_autofree char *remedy = g_strdup_printf("Mount the control groups of systemd, and boot with a kernel that has "
                                                  "the '%s' controller and does not disable it", *names);
        found(report, g_strdup_printf("for cgroup '%s' controller support", *names), have_controller(report, *names),
              CHECK_FAIL, remedy);
    }
}

/* Machine types whose CPUs say in /proc/cpuinfo whether they can virtualize. */
static gboolean have_hardware(const Report *report, const char *machine)
{
    static const struct { const char *machine, *flags[2]; } known[] = {
        { "x86_64", { "vmx", "svm" } }, { "i686", { "vmx", "svm" } }, { "s390x", { "sie", NULL } },
    };
    g_autofree char *cpu = content(report, "/proc/cpuinfo");
    for (guint i = 0; i < G_N_ELEMENTS(known); i++) {
        if (strcmp(known[i].machine, machine) == 0)
            return has_word(cpu, known[i].flags[0]) || (known[i].flags[1] && has_word(cpu, known[i].flags[1]));
    }
    return exists(report, "/dev/kvm", F_OK);
}

static void check_kvm(Report *report, const char *machine)
{
    if (!found(report, g_strdup("for hardware virtualization"), have_hardware(report, machine), CHECK_FAIL,
               "This processor shows no virtualization to the system: enable it in the firmware, or nested virtualization "
               "on the host if this is a guest. Without it guests are emulated, which is much slower"))
        return;
    if (found(report, g_strdup("if device /dev/kvm exists"), exists(report, "/dev/kvm", F_OK), CHECK_FAIL,
              "Load the KVM module of this processor: modprobe kvm-intel, modprobe kvm-amd"))
        found(report, g_strdup("if device /dev/kvm is accessible"), exists(report, "/dev/kvm", R_OK | W_OK), CHECK_FAIL,
              "Join the group that owns /dev/kvm: usermod -a -G kvm USER, then log in again");
}

static void check_iommu(Report *report, const char *machine)
{
    char *check = g_strdup("for device assignment IOMMU support");
    gboolean intel = exists(report, "/sys/firmware/acpi/tables/DMAR", F_OK);
    gboolean amd = exists(report, "/sys/firmware/acpi/tables/IVRS", F_OK);
    gboolean other = exists(report, "/sys/firmware/acpi/tables/IORT", F_OK) || g_str_has_prefix(machine, "ppc64") ||
                     folder_has_entries(report, "/sys/bus/css/devices");
    if (!found(report, check, intel || amd || other, CHECK_WARN,
               "The firmware describes no IOMMU: enable VT-d or AMD-Vi there to give devices to guests"))
        return;
    g_autofree char *remedy = g_strdup_printf("Add %s to the kernel's command line and boot again",
                                              intel ? "intel_iommu=on" : "iommu=pt");
    found(report, g_strdup("if IOMMU is enabled by kernel"), folder_has_entries(report, "/sys/kernel/iommu_groups"),
          CHECK_WARN, remedy);
}

static void check_secure_guest(Report *report)
{
    static const char *const ways[] = {
        "/sys/module/kvm_amd/parameters/sev", "/sys/module/kvm_intel/parameters/tdx", "/sys/firmware/uv/prot_virt_host",
    };
    gboolean there = FALSE;
    for (guint i = 0; i < G_N_ELEMENTS(ways); i++)
        there |= is_yes(report, ways[i]);
    found(report, g_strdup("for secure guest support"), there, CHECK_WARN,
          "KVM offers no encrypted guests: where the processor can, enable SEV with kvm_amd.sev=1, TDX with kvm_intel.tdx=1, "
          "Secure Execution with prot_virt=1 on the kernel's command line");
}

void validate_qemu(Report *report)
{
    static const char *const controllers[] = { "cpu", "cpuacct", "cpuset", "memory", "devices", "blkio", NULL };
    struct utsname host;
    uname(&host);
    check_kvm(report, host.machine);
    check_device(report, "/dev/vhost-net", CHECK_WARN, "Network of guests is faster with it: modprobe vhost_net");
    check_device(report, "/dev/net/tun", CHECK_FAIL, "Guests have no network without it: modprobe tun");
    check_controllers(report, controllers);
    check_iommu(report, host.machine);
    check_secure_guest(report);
}

static void check_kernel(Report *report)
{
    struct utsname host;
    unsigned a = 0, b = 0, c = 0;
    uname(&host);
    sscanf(host.release, "%u.%u.%u", &a, &b, &c);
    found(report, g_strdup("for Linux >= 2.6.26"), a * 1000000 + b * 1000 + c >= 2006026, CHECK_FAIL,
          "Boot a newer kernel");
}

void validate_lxc(Report *report)
{
    static const struct { const char *name, *option; } namespaces[] = {
        { "ipc", "IPC" }, { "mnt", "" }, { "pid", "PID" }, { "uts", "UTS" }, { "net", "NET" }, { "user", "USER" },
    };
    static const char *const controllers[] = { "cpu", "cpuacct", "cpuset", "memory", "devices", "freezer", "blkio", NULL };
    check_kernel(report);
    for (guint i = 0; i < G_N_ELEMENTS(namespaces); i++) {
        g_autofree char *path = g_strdup_printf("/proc/self/ns/%s", namespaces[i].name);
        g_autofree char *remedy = g_strdup_printf("Boot a kernel that is built with CONFIG_%s%s", namespaces[i].option,
                                                  *namespaces[i].option ? "_NS" : "NAMESPACES");
        found(report, g_strdup_printf("for namespace %s", namespaces[i].name), exists(report, path, F_OK), CHECK_FAIL,
              remedy);
    }
    check_controllers(report, controllers);
    check_device(report, "/sys/fs/fuse/connections", CHECK_FAIL,
                 "Containers see their own memory limits through it: modprobe fuse");
}
