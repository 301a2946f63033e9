/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Values of a domain definition that have a form of their own (form=NAME in the tables).
 */
#include "model/domain_private.h"

XmlForm xml_form_arch, xml_form_env_name;

/* What others call the common ones. */
static const char *usual_arch(const char *text, const char *const *known)
{
    static const struct { const char *foreign, *ours; } others[] = {
        { "amd64", "x86_64" }, { "x64", "x86_64" }, { "i386", "i686" }, { "x86", "i686" }, { "arm64", "aarch64" }, { "armhf", "armv7l" },
    };

    for (guint i = 0; i < G_N_ELEMENTS(others); i++) {
        if (g_str_equal(text, others[i].foreign))
            return others[i].ours;
    }
    return xml_nearest(text, known, g_strv_length((char **)known));
}

char *xml_form_arch(const XmlMember *m, const char *text, char **why)
{
    static const char *const known[] = {
        "alpha", "armv6l", "armv7l", "armv7b", "aarch64", "cris", "i686", "ia64", "lm32", "loongarch64", "m68k", "microblaze",
        "microblazeel", "mips", "mipsel", "mips64", "mips64el", "openrisc", "parisc", "parisc64", "ppc", "ppc64", "ppc64le",
        "ppcemb", "riscv32", "riscv64", "s390", "s390x", "sh4", "sh4eb", "sparc", "sparc64", "unicore32", "x86_64", "xtensa",
        "xtensaeb", NULL,
    };

    if (g_strv_contains(known, text))
        return g_strdup(text);
    const char *near = usual_arch(text, known); /* dear: only for what is refused */
    *why = g_strdup_printf("the name of an architecture is expected; did you mean '%s'?", near ? near : "x86_64");
    return NULL;
}

char *xml_form_env_name(const XmlMember *m, const char *text, char **why)
{
    bool good = g_ascii_isalpha(*text) || *text == '_';

    for (const char *c = text; good && *c; c++)
        good = g_ascii_isalnum(*c) || *c == '_';
    if (good)
        return g_strdup(text);
    *why = g_strdup("letters, digits and _ are expected, and no digit first");
    return NULL;
}
