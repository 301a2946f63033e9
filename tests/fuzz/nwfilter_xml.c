/* SPDX-License-Identifier: LGPL-2.1-or-later
 * libFuzzer target: bytes as a filter's XML, read, completed, told, and made rules of for an interface.
 * Seeds: data/nwfilter, tests/data/nwfilter. Build with clang and -Dfuzz=true.
 */
#include <libvirt/virterror.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/error.h"
#include "drivers/nwfilter/rules.h"

int LLVMFuzzerTestOneInput(const guint8 *data, size_t size);

static NwfilterBindingDef *bound;

#define PARAMETER(name, value) "<parameter name='" name "' value='" value "'/>"

static NwfilterBindingDef *binding(void)
{
    static const char text[] =
        "<filterbinding><owner><name>g</name><uuid>11111111-1111-1111-1111-111111111111</uuid></owner><portdev name='d'/>"
        "<mac address='52:54:00:00:00:01'/><filterref filter='f'>" PARAMETER("A", "10.0.0.1") PARAMETER("A", "10.0.0.2") PARAMETER("P", "5")
        PARAMETER("P", "6") PARAMETER("P", "7") "</filterref></filterbinding>";
    g_autoptr(XmlDiagnostics) diag = xml_diagnostics_new();
    NwfilterBindingDef *def = xml_parse(&NWFILTER_BINDING_ROOT, text, strlen(text), 0, diag);
    if (!def || nwfilter_binding_complete(def) < 0)
        abort();
    return def;
}

static char *told(const NwfilterDef *def)
{
    return xml_format(&NWFILTER_DEF_DESC, def, "filter", NULL, 0, 0);
}

/* Nothing of a filter ends a command or begins one: each line is one of ours, with its quotes in pairs. */
static void check_commands(const char *text)
{
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    for (char **line = lines; *line; line++) {
        guint quotes = 0;
        for (const char *c = *line; *c; c++)
            quotes += *c == '"';
        if (**line && (!g_str_has_prefix(*line, "add ") || quotes % 2 || strpbrk(*line, ";\\") != strchr(*line, ';'))) {
            fprintf(stderr, "a strange command: %s\n", *line);
            abort();
        }
    }
}

int LLVMFuzzerTestOneInput(const guint8 *data, size_t size)
{
    g_autoptr(XmlDiagnostics) diag = xml_diagnostics_new();
    NwfilterDef *def = xml_parse(&NWFILTER_ROOT, (const char *) data, size, 0, diag), *again = NULL;
    bound = bound ? bound : binding();
    if (def && nwfilter_complete(def) == 0) {
        g_autofree char *text = told(def);
        again = xml_parse(&NWFILTER_ROOT, text, strlen(text), 0, NULL);
        g_autofree char *text_again = again && nwfilter_complete(again) == 0 ? told(again) : NULL;
        if (g_strcmp0(text, text_again)) {
            fprintf(stderr, "a filter changes when it is printed and read:\n%s\n%s", text, text_again ? text_again : error_message());
            abort();
        }
        const NwfilterDef *filters[] = { def };
        g_auto(NwfilterRules) rules = { NULL };
        if (nwfilter_rules_make(bound, filters, 1, &rules) == 0)
            check_commands(rules.text);
    }
    virResetLastError();
    if (def)
        xml_struct_free(&NWFILTER_DEF_DESC, def);
    if (again)
        xml_struct_free(&NWFILTER_DEF_DESC, again);
    return 0;
}
