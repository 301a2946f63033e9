/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The processor from /proc/cpuinfo, and the small facts: identity, power states, IOMMU.
 */
#define ERROR_DOMAIN VIR_FROM_NONE
#include "core/host/host.h"
#include <string.h>
#include <sys/utsname.h>
#include "base/error.h"
#include "base/uuid.h"
#include "model/cpu_x86.h"

#define CPUINFO_MAX (16 * 1024 * 1024)
#define TEXT_MAX 4096

/* Value of the first line "key : value" of @text; NULL if there is none. Caller frees. */
static char *cpuinfo_value(const char *text, const char *key)
{
    const char *line = text;

    while (line) {
        const char *end = strchr(line, '\n');
        const char *colon = strchr(line, ':');

        if (g_str_has_prefix(line, key) && colon && (!end || colon < end)) {
            g_autofree char *name = g_strndup(line, colon - line);

            if (g_str_equal(g_strchomp(name), key))
                return g_strstrip(end ? g_strndup(colon + 1, end - colon - 1) : g_strdup(colon + 1));
        }
        line = end ? end + 1 : NULL;
    }
    return NULL;
}

static guint64 cpuinfo_number(const char *text, const char *key)
{
    g_autofree char *value = cpuinfo_value(text, key);

    return value ? g_ascii_strtoull(value, NULL, 0) : 0;
}

static char *vendor_name(const char *text)
{
    g_autofree char *vendor = cpuinfo_value(text, "vendor_id");

    const char *known = cpu_x86_vendor(vendor);

    return known ? g_strdup(known) : g_steal_pointer(&vendor);
}

static char *host_arch(void)
{
    struct utsname uts;

    if (uname(&uts) < 0)
        return NULL;
    if (uts.machine[0] == 'i' && g_str_has_suffix(uts.machine, "86"))
        return g_strdup("i686");
    return g_strdup(uts.machine);
}

HostProcessor *host_processor_read(void)
{
    HostProcessor *cpu = g_new0(HostProcessor, 1);
    g_autofree char *text = host_read(CPUINFO_MAX, "/proc/cpuinfo");
    g_autofree char *flags = cpuinfo_value(text, "flags");
    g_autofree char *sizes = cpuinfo_value(text, "address sizes");

    cpu->arch = host_arch();
    cpu->vendor = vendor_name(text);
    cpu->name = cpuinfo_value(text, "model name");
    cpu->family = cpuinfo_number(text, "cpu family");
    cpu->model = cpuinfo_number(text, "model");
    cpu->stepping = cpuinfo_number(text, "stepping");
    cpu->microcode = cpuinfo_number(text, "microcode");
    cpu->mhz = cpuinfo_number(text, "cpu MHz");
    cpu->physical_bits = sizes ? g_ascii_strtoull(sizes, NULL, 10) : 0;
    if (!flags)
        flags = cpuinfo_value(text, "Features");
    cpu->flags = g_strsplit(flags ? flags : "", " ", -1);
    return cpu;
}

void host_processor_free(HostProcessor *cpu)
{
    if (!cpu)
        return;
    g_free(cpu->arch);
    g_free(cpu->vendor);
    g_free(cpu->name);
    g_strfreev(cpu->flags);
    g_free(cpu);
}

static gboolean uuid_from_file(const char *path, unsigned char *uuid)
{
    g_autofree char *text = host_read(TEXT_MAX, "%s", path);

    if (!text)
        return FALSE;
    if (uuid_parse(text, uuid) < 0) {
        virResetLastError();
        return FALSE;
    }
    return uuid_is_valid(uuid);
}

static unsigned char configured_uuid[VIR_UUID_BUFLEN]; /* all 0: none */
static gboolean machine_id_first;

void host_uuid_configure(const unsigned char *uuid, gboolean machine_id)
{
    memset(configured_uuid, 0, VIR_UUID_BUFLEN);
    if (uuid)
        memcpy(configured_uuid, uuid, VIR_UUID_BUFLEN);
    machine_id_first = machine_id;
}

void host_uuid(unsigned char uuid[VIR_UUID_BUFLEN])
{
    static unsigned char own[VIR_UUID_BUFLEN];
    static gsize made;
    static const char *const files[] = { "/etc/machine-id", "/sys/class/dmi/id/product_uuid",
                                         "/sys/devices/virtual/dmi/id/product_uuid", "/etc/machine-id" };

    if (uuid_is_valid(configured_uuid)) {
        memcpy(uuid, configured_uuid, VIR_UUID_BUFLEN);
        return;
    }
    for (guint i = machine_id_first ? 0 : 1; i < G_N_ELEMENTS(files); i++) {
        if (uuid_from_file(files[i], uuid))
            return;
    }
    if (g_once_init_enter(&made)) {
        uuid_generate(own);
        g_once_init_leave(&made, 1);
    }
    memcpy(uuid, own, VIR_UUID_BUFLEN);
}

unsigned int host_suspend_targets(void)
{
    g_autofree char *state = host_read(TEXT_MAX, "/sys/power/state");
    g_autofree char *disk = host_read(TEXT_MAX, "/sys/power/disk");
    g_auto(GStrv) words = g_strsplit(state ? g_strstrip(state) : "", " ", -1);
    unsigned int targets = 0;

    if (g_strv_contains((const char *const *)words, "mem"))
        targets |= 1 << VIR_NODE_SUSPEND_TARGET_MEM;
    if (g_strv_contains((const char *const *)words, "disk")) {
        targets |= 1 << VIR_NODE_SUSPEND_TARGET_DISK;
        if (disk && strstr(disk, "suspend"))
            targets |= 1 << VIR_NODE_SUSPEND_TARGET_HYBRID;
    }
    return targets;
}

gboolean host_has_iommu(void)
{
    g_autoptr(GArray) groups = host_list_numbers("/sys/kernel/iommu_groups", "");

    return groups->len > 0;
}
