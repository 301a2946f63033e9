/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The hook "qemu": what it is told of a guest's life.
 */
#define ERROR_DOMAIN VIR_FROM_QEMU
#include "core/hooks.h"
#include "drivers/qemu/backend.h"

#define HOOK "qemu"

static char *document(const DomainDef *def)
{
    return xml_format(DOMAIN_ROOT.desc, def, DOMAIN_ROOT.name, DOMAIN_ROOT.ns, 0, 0);
}

int qemu_hook(const Guest *guest, const DomainDef *def, const char *operation)
{
    const QemuDriver *driver = guest_host_priv(guest);
    g_autofree char *xml = NULL;

    if (!driver->hooks || !hooks_exist(driver->hooks, HOOK))
        return 0;
    xml = document(def);
    return hooks_run(driver->hooks, HOOK, &(HookCall){ guest->name, operation, "begin", NULL }, xml);
}

void qemu_hook_tell(const Guest *guest, const DomainDef *def, const char *operation)
{
    const QemuDriver *driver = guest_host_priv(guest);
    g_autofree char *xml = NULL;

    if (!driver->hooks || !hooks_exist(driver->hooks, HOOK))
        return;
    xml = document(def);
    hooks_tell(driver->hooks, HOOK, &(HookCall){ guest->name, operation, "end", NULL }, xml);
}
