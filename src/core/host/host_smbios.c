/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the host's firmware tells of it in SMBIOS, as far as the kernel passes it on.
 */
#include <string.h>
#include "core/host/host.h"

/* A field is at most 64 bytes of SMBIOS; some firmware has more. */
#define FIELD_MAX 1024

typedef struct {
    const char *name, *file;
} Field;

static const Field bios[] = { { "vendor", "bios_vendor" }, { "version", "bios_version" }, { "date", "bios_date" }, { "release", "bios_release" } };
static const Field machine[] = {
    { "manufacturer", "sys_vendor" }, { "product", "product_name" }, { "version", "product_version" }, { "serial", "product_serial" },
    { "uuid", "product_uuid" }, { "sku", "product_sku" }, { "family", "product_family" },
};
static const Field board[] = {
    { "manufacturer", "board_vendor" }, { "product", "board_name" }, { "version", "board_version" }, { "serial", "board_serial" },
    { "asset", "board_asset_tag" },
};
static const Field chassis[] = {
    { "manufacturer", "chassis_vendor" }, { "version", "chassis_version" }, { "serial", "chassis_serial" }, { "asset", "chassis_asset_tag" },
};

static void read_block(SysinfoBlock *block, const Field *fields, gsize n)
{
    for (gsize i = 0; i < n; i++) {
        g_autofree char *text = host_read(FIELD_MAX, "/sys/class/dmi/id/%s", fields[i].file);
        SysinfoEntry *entry;

        if (!text || !*g_strstrip(text) || !g_utf8_validate(text, -1, NULL))
            continue;
        entry = xml_struct_new(&SYSINFO_ENTRY_DESC);
        entry->name = g_strdup(fields[i].name);
        entry->value = g_steal_pointer(&text);
        XML_LIST_APPEND(block->entries, block->n_entries, entry);
    }
}

DomainSysinfo *host_smbios(void)
{
    DomainSysinfo *info = xml_struct_new(&DOMAIN_SYSINFO_DESC);
    SysinfoBlock *base = xml_struct_new(&SYSINFO_BLOCK_DESC);

    info->type = SYSINFO_TYPE_SMBIOS;
    read_block(&info->bios, bios, G_N_ELEMENTS(bios));
    read_block(&info->system, machine, G_N_ELEMENTS(machine));
    read_block(base, board, G_N_ELEMENTS(board));
    read_block(&info->chassis, chassis, G_N_ELEMENTS(chassis));
    if (base->n_entries > 0)
        XML_LIST_APPEND(info->base_boards, info->n_base_boards, base);
    else
        xml_struct_free(&SYSINFO_BLOCK_DESC, base);
    if (info->bios.n_entries + info->system.n_entries + info->n_base_boards + info->chassis.n_entries > 0)
        return info;
    xml_struct_free(&DOMAIN_SYSINFO_DESC, info);
    return NULL;
}
