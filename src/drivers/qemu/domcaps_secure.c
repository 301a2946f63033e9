/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What <domainCapabilities> tells of memory that the host can't read, by what QEMU says of this host.
 */
#define ERROR_DOMAIN VIR_FROM_QEMU
#include "drivers/qemu/domcaps.h"
#include "base/json.h"
#if defined(__x86_64__) || defined(__i386__)
# include <cpuid.h>
#endif

#define SEV_LEAF 0x8000001f

gboolean qemu_sev_guests(guint *plain, guint *encrypted_state)
{
#if defined(__x86_64__) || defined(__i386__)
    unsigned int eax, ebx, keys = 0, first = 0;

    if (!__get_cpuid_count(SEV_LEAF, 0, &eax, &ebx, &keys, &first) || first == 0 || keys < first - 1)
        return FALSE;
    *plain = keys - first + 1;
    *encrypted_state = first - 1;
    return TRUE;
#else
    return FALSE;
#endif
}

guint qemu_sev_number(const QemuCaps *caps, const char *name)
{
    return (guint)CLAMP(json_member_int(caps->sev, name, 0), 0, 63);
}

static void add_sev(DomcapsText *t, const QemuCaps *caps)
{
    guint plain, encrypted;

    domcaps_add(t, "    <sev supported='yes'>\n      <cbitpos>%u</cbitpos>\n      <reducedPhysBits>%u</reducedPhysBits>\n",
                qemu_sev_number(caps, QEMU_SEV_CBITPOS), qemu_sev_number(caps, QEMU_SEV_REDUCED_PHYS_BITS));
    if (qemu_sev_guests(&plain, &encrypted))
        domcaps_add(t, "      <maxGuests>%u</maxGuests>\n      <maxESGuests>%u</maxESGuests>\n", plain, encrypted);
    domcaps_add(t, "    </sev>\n");
}

static guint64 kib_of(json_object *section)
{
    return (guint64)MAX(json_member_int(section, "size", 0), 0) / 1024;
}

static const char *yes_no(json_object *sgx, const char *name)
{
    return json_member_bool(sgx, name, FALSE) ? "yes" : "no";
}

static void add_sgx(DomcapsText *t, json_object *sgx)
{
    json_object *sections = json_member(sgx, "sections", json_type_array);
    gsize n = sections ? json_object_array_length(sections) : 0;
    guint64 whole = 0;

    for (gsize i = 0; i < n; i++)
        whole += kib_of(json_object_array_get_idx(sections, i));
    domcaps_add(t, "    <sgx supported='yes'>\n      <flc>%s</flc>\n      <sgx1>%s</sgx1>\n      <sgx2>%s</sgx2>\n"
                "      <section_size unit='KiB'>%" G_GUINT64_FORMAT "</section_size>\n", yes_no(sgx, "flc"), yes_no(sgx, "sgx1"),
                yes_no(sgx, "sgx2"), whole);
    if (n > 0)
        domcaps_add(t, "      <sections>\n");
    for (gsize i = 0; i < n; i++) {
        json_object *section = json_object_array_get_idx(sections, i);

        domcaps_add(t, "        <section node='%u' size='%" G_GUINT64_FORMAT "' unit='KiB'/>\n",
                    (guint)CLAMP(json_member_int(section, "node", 0), 0, G_MAXINT32), kib_of(section));
    }
    if (n > 0)
        domcaps_add(t, "      </sections>\n");
    domcaps_add(t, "    </sgx>\n");
}

void domcaps_add_secure(DomcapsText *t, gboolean tdx)
{
    const QemuCaps *caps = t->target.caps;

    domcaps_add(t, "    <tdx supported='%s'/>\n", tdx ? "yes" : "no");
    if (t->target.kvm && caps->sev)
        add_sev(t, caps);
    else
        domcaps_add(t, "    <sev supported='no'/>\n");
    if (t->target.kvm && json_member_bool(caps->sgx, "sgx", FALSE))
        add_sgx(t, caps->sgx);
    else
        domcaps_add(t, "    <sgx supported='no'/>\n");
}
