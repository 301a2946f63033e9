/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the host's firmware and processors are, for those who make guests of it.
 */
#define ERROR_DOMAIN VIR_FROM_QEMU
#include <string.h>
#include "base/error.h"
#include "core/host/host.h"
#include "drivers/qemu/caps_xml.h"
#include "drivers/qemu/domcaps.h"
#include "drivers/qemu/driver.h"

static char *get_sysinfo(virConnectPtr conn, unsigned int flags)
{
    DomainSysinfo *info;
    char *xml;

    QEMU_CHECK_FLAGS(flags, 0, NULL);
    info = host_smbios();
    if (!info)
        return FAIL_NULL(VIR_ERR_CONFIG_UNSUPPORTED, "Host SMBIOS information is not available");
    xml = xml_format(&DOMAIN_SYSINFO_DESC, info, "sysinfo", NULL, 0, 0);
    xml_struct_free(&DOMAIN_SYSINFO_DESC, info);
    return xml;
}

/* How many guests of each kind the processors have keys for. */
static void add_sev_guests(TypedList *list)
{
    guint plain, encrypted;

    if (qemu_sev_guests(&plain, &encrypted)) {
        typed_list_uint(list, VIR_NODE_SEV_MAX_GUESTS, plain);
        typed_list_uint(list, VIR_NODE_SEV_MAX_ES_GUESTS, encrypted);
    }
}

static int get_sev_info(virConnectPtr conn, virTypedParameterPtr *params, int *nparams, unsigned int flags)
{
    static const struct {
        const char *name, *key;
    } texts[] = {
        { VIR_NODE_SEV_PDH, "pdh" }, { VIR_NODE_SEV_CERT_CHAIN, "cert-chain" }, { VIR_NODE_SEV_CPU0_ID, "cpu0-id" },
    };
    g_autoptr(HostProcessor) cpu = host_processor_read();
    g_autofree char *emulator = cpu->arch ? qemu_find_emulator(cpu->arch) : NULL;
    g_autoptr(QemuCaps) caps = NULL;
    TypedList list = { NULL };

    QEMU_CHECK_FLAGS(flags, VIR_TYPED_PARAM_STRING_OKAY, -1);
    caps = emulator ? qemu_caps_store_get(qemu_driver_of(conn)->caps, emulator) : NULL;
    if (emulator && !caps)
        return -1;
    if (!caps || !caps->sev)
        return FAIL(VIR_ERR_OPERATION_UNSUPPORTED, "this host has no guests with SEV: that needs a processor of AMD with it, KVM, and QEMU");
    for (guint i = 0; i < G_N_ELEMENTS(texts); i++) {
        if (json_member_string(caps->sev, texts[i].key))
            typed_list_string(&list, texts[i].name, json_member_string(caps->sev, texts[i].key));
    }
    typed_list_uint(&list, VIR_NODE_SEV_CBITPOS, qemu_sev_number(caps, QEMU_SEV_CBITPOS));
    typed_list_uint(&list, VIR_NODE_SEV_REDUCED_PHYS_BITS, qemu_sev_number(caps, QEMU_SEV_REDUCED_PHYS_BITS));
    add_sev_guests(&list);
    *params = typed_list_steal(&list, nparams);
    return 0;
}

void qemu_driver_fill_facts(HypervisorDriver *table)
{
    table->connect_get_sysinfo = get_sysinfo;
    table->node_get_sev_info = get_sev_info;
}
