/* SPDX-License-Identifier: LGPL-2.1-or-later
 * libFuzzer target: bytes as a domain's XML, through everything that a definition goes through.
 * Seeds: tests/data/domain. Build with clang and -Dfuzz=true.
 */
#include "model/domain.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/error.h"

int LLVMFuzzerTestOneInput(const guint8 *data, size_t size);

int LLVMFuzzerTestOneInput(const guint8 *data, size_t size)
{
    DomainMachineInfo info;
    g_autoptr(XmlDiagnostics) diag = xml_diagnostics_new();
    g_autoptr(DomainDef) def = domain_def_parse((const char *)data, size, XML_INACTIVE, diag);

    if (!def)
        return 0;
    domain_machine_info(def->os.arch, def->os.machine, &info);
    if (domain_def_complete(def, &info, (const char *)data, size, diag) < 0)
        return 0;
    g_autofree char *out = domain_def_format(def, XML_SECURE);
    g_autoptr(DomainDef) again = domain_def_parse(out, strlen(out), 0, NULL);
    g_autofree char *out_again = again ? domain_def_format(again, XML_SECURE) : NULL;
    if (g_strcmp0(out, out_again)) {
        fprintf(stderr, "a definition changes when it is printed and read:\n%s\n%s", out, out_again ?: error_message());
        abort();
    }
    return 0;
}
