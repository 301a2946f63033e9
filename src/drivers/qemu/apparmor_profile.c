/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERROR_DOMAIN VIR_FROM_SECURITY
#include "drivers/qemu/apparmor_profile.h"
#include <string.h>
#include "base/error.h"

#define PREFIX "libvirt-"
#define PLACEHOLDER "LIBVIRT_TEMPLATE"
/* What means more than itself in a rule. */
#define SPECIAL "\\\"*?[]{}^@,"

char *apparmor_name(const unsigned char *uuid, char name[APPARMOR_NAME_SIZE])
{
    char text[UUID_TEXT_SIZE];

    g_snprintf(name, APPARMOR_NAME_SIZE, PREFIX "%s", uuid_format(uuid, text));
    return name;
}

gboolean apparmor_name_parse(const char *name, unsigned char *uuid)
{
    return g_str_has_prefix(name, PREFIX) && strlen(name) == APPARMOR_NAME_SIZE - 1 && uuid_parse(name + strlen(PREFIX), uuid) == 0;
}

char *apparmor_rule(const char *path, const char *mode, gboolean tree)
{
    g_autoptr(GString) rule = g_string_new("  \"");
    size_t len = strlen(path);

    while (tree && len > 1 && path[len - 1] == '/')
        len--;
    for (size_t i = 0; i < len; i++) {
        if (g_ascii_iscntrl(path[i]))
            return FAIL_NULL(VIR_ERR_CONFIG_UNSUPPORTED, "'%s' has control characters, which no AppArmor profile can name; rename it, or confine "
                             "the guest by <seclabel type='none' model='apparmor'/> no longer", path);
        if (strchr(SPECIAL, path[i]))
            g_string_append_c(rule, '\\');
        g_string_append_c(rule, path[i]);
    }
    g_string_append_printf(rule, "%s\" %s,\n", tree ? "{,/**}" : "", mode);
    return g_string_free(g_steal_pointer(&rule), FALSE);
}

/* Where the profile ends: its last brace that is alone on its line. */
static char *find_end(char *text)
{
    for (char *at = text + strlen(text); at-- > text;) {
        if (*at == '}' && (at == text || at[-1] == '\n'))
            return at;
    }
    return NULL;
}

char *apparmor_profile(const char *name, const char *rules, const char *template)
{
    g_autofree char *named = NULL;
    char *end;

    if (!template)
        return g_strdup_printf("#include <tunables/global>\n\nprofile %s flags=(attach_disconnected) {\n  #include <abstractions/libvirt-qemu>\n"
                               "  #include \"%s\"\n}\n", name, rules);
    if (!strstr(template, PLACEHOLDER))
        return FAIL_NULL(VIR_ERR_CONFIG_UNSUPPORTED, "the template of AppArmor profiles has no " PLACEHOLDER " where the name belongs");
    g_auto(GStrv) parts = g_strsplit(template, PLACEHOLDER, -1);
    named = g_strjoinv(name, parts);
    end = find_end(named);
    if (!end)
        return FAIL_NULL(VIR_ERR_CONFIG_UNSUPPORTED, "the template of AppArmor profiles has no '}' at the beginning of a line, where it ends");
    *end = '\0';
    return g_strdup_printf("%s  #include \"%s\"\n}%s", named, rules, end + 1);
}
