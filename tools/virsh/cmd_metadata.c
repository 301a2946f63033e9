/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Title, description and custom metadata, of domains and networks alike. */
#include <stdlib.h>
#include <string.h>

#include "tools/virsh/virsh.h"

/* One of the two kinds of object that have metadata. Types and flags have the same values for both. */
typedef struct {
    const char *what, *name;
    int none; /* the error where there is no such metadata */
    void *object;
    char *(*get)(void *object, int type, const char *uri, unsigned int flags);
    int (*set)(void *object, int type, const char *text, const char *key, const char *uri, unsigned int flags);
} Described;

G_STATIC_ASSERT((int)VIR_DOMAIN_METADATA_TITLE == (int)VIR_NETWORK_METADATA_TITLE);
G_STATIC_ASSERT((int)VIR_DOMAIN_METADATA_DESCRIPTION == (int)VIR_NETWORK_METADATA_DESCRIPTION);
G_STATIC_ASSERT((int)VIR_DOMAIN_METADATA_ELEMENT == (int)VIR_NETWORK_METADATA_ELEMENT);
G_STATIC_ASSERT((int)VIR_DOMAIN_AFFECT_LIVE == (int)VIR_NETWORK_UPDATE_AFFECT_LIVE);
G_STATIC_ASSERT((int)VIR_DOMAIN_AFFECT_CONFIG == (int)VIR_NETWORK_UPDATE_AFFECT_CONFIG);

static char *get_domain(void *object, int type, const char *uri, unsigned int flags)
{
    return virDomainGetMetadata(object, type, uri, flags);
}

static int set_domain(void *object, int type, const char *text, const char *key, const char *uri, unsigned int flags)
{
    return virDomainSetMetadata(object, type, text, key, uri, flags);
}

static char *get_network(void *object, int type, const char *uri, unsigned int flags)
{
    return virNetworkGetMetadata(object, type, uri, flags);
}

static int set_network(void *object, int type, const char *text, const char *key, const char *uri, unsigned int flags)
{
    return virNetworkSetMetadata(object, type, text, key, uri, flags);
}

static Described of_domain(virDomainPtr domain)
{
    return (Described){"domain", domain ? virDomainGetName(domain) : NULL, VIR_ERR_NO_DOMAIN_METADATA, domain,
                       get_domain, set_domain};
}

static Described of_network(virNetworkPtr network)
{
    return (Described){"network", network ? virNetworkGetName(network) : NULL, VIR_ERR_NO_NETWORK_METADATA, network,
                       get_network, set_network};
}

/* --- title and description --- */

static bool set_text(Shell *shell, const Described *it, bool title, const char *text, unsigned int flags)
{
    const char *what = title ? "title" : "description";

    if (it->set(it->object, title ? VIR_DOMAIN_METADATA_TITLE : VIR_DOMAIN_METADATA_DESCRIPTION, *text ? text : NULL,
                NULL, NULL, flags) < 0)
        return shell_error(shell, "Failed to set new %s %s", it->what, what);
    shell_print_extra(shell, "%c%s %s updated successfully", g_ascii_toupper(*it->what), it->what + 1, what);
    return true;
}

static bool show_text(Shell *shell, const Cmd *cmd, const Described *it, bool title, const char *text)
{
    const char *what = title ? "title" : "description";
    json_object *document;

    if (shell_json(cmd)) {
        document = json_object_new_object();
        shell_json_string(document, what, *text ? text : NULL);
        return shell_json_print(shell, document);
    }
    if (*text)
        shell_print(shell, "%s", text);
    else
        shell_print_extra(shell, "No %s for %s: %s", what, it->what, it->name);
    return true;
}

static bool describe(Shell *shell, const Cmd *cmd, const Described *it)
{
    g_autofree char *text = cmd_joined(cmd, "new-desc");
    g_autofree char *old = NULL;
    bool title = cmd_has(cmd, "title");
    int flags = virsh_affect(shell, cmd);

    if (flags < 0)
        return false;
    if (text && !cmd_has(cmd, "edit"))
        return set_text(shell, it, title, text, flags);
    old = it->get(it->object, title ? VIR_DOMAIN_METADATA_TITLE : VIR_DOMAIN_METADATA_DESCRIPTION, NULL, flags);
    if (!old && client_error_code() != it->none)
        return false;
    client_error_forget();
    if (!old)
        old = g_strdup("");
    if (!cmd_has(cmd, "edit"))
        return show_text(shell, cmd, it, title, old);
    g_free(text);
    text = virsh_edit_text(shell, old, ".txt");
    if (!text)
        return false;
    g_strchomp(text);
    if (!g_str_equal(text, old))
        return set_text(shell, it, title, text, flags);
    shell_print_extra(shell, "%c%s %s not changed\n", g_ascii_toupper(*it->what), it->what + 1,
                      title ? "title" : "description");
    return true;
}

bool cmd_desc(Shell *shell, const Cmd *cmd)
{
    g_autoptr(virDomain) domain = virsh_domain(shell, cmd);
    Described it = of_domain(domain);

    return domain && describe(shell, cmd, &it);
}

bool cmd_net_desc(Shell *shell, const Cmd *cmd)
{
    g_autoptr(virNetwork) network = virsh_network(shell, cmd);
    Described it = of_network(network);

    return network && describe(shell, cmd, &it);
}

/* --- custom elements --- */

static bool edit_element(Shell *shell, const Described *it, const char *key, const char *uri, unsigned int flags)
{
    g_autofree char *old = it->get(it->object, VIR_DOMAIN_METADATA_ELEMENT, uri, flags);
    g_autofree char *edited = NULL;

    client_error_forget();
    edited = virsh_edit_text(shell, old ? old : "\n", ".xml");
    if (!edited)
        return false;
    if (g_strcmp0(edited, old) == 0) {
        shell_print_extra(shell, "Metadata not changed");
        return true;
    }
    if (it->set(it->object, VIR_DOMAIN_METADATA_ELEMENT, edited, key, uri, flags) < 0)
        return false;
    shell_print_extra(shell, "Metadata modified");
    return true;
}

static bool metadata(Shell *shell, const Cmd *cmd, const Described *it)
{
    const char *uri = NULL, *key = NULL, *set = NULL;
    g_autofree char *old = NULL;
    int flags = virsh_affect(shell, cmd);

    if (flags < 0 || cmd_string(shell, cmd, "uri", &uri) <= 0 || cmd_string(shell, cmd, "key", &key) < 0 ||
        cmd_string(shell, cmd, "set", &set) < 0)
        return false;
    if ((set || cmd_has(cmd, "edit")) && !key)
        return shell_error(shell, "namespace key is required when modifying metadata");
    if (cmd_has(cmd, "edit"))
        return edit_element(shell, it, key, uri, flags);
    if (set || cmd_has(cmd, "remove")) {
        if (it->set(it->object, VIR_DOMAIN_METADATA_ELEMENT, set, key, uri, flags) < 0)
            return false;
        shell_print_extra(shell, set ? "Metadata modified\n" : "Metadata removed\n");
        return true;
    }
    old = it->get(it->object, VIR_DOMAIN_METADATA_ELEMENT, uri, flags);
    if (old)
        shell_print(shell, "%s\n", old);
    return old != NULL;
}

bool cmd_metadata(Shell *shell, const Cmd *cmd)
{
    g_autoptr(virDomain) domain = virsh_domain(shell, cmd);
    Described it = of_domain(domain);

    return domain && metadata(shell, cmd, &it);
}

bool cmd_net_metadata(Shell *shell, const Cmd *cmd)
{
    g_autoptr(virNetwork) network = virsh_network(shell, cmd);
    Described it = of_network(network);

    return network && metadata(shell, cmd, &it);
}
