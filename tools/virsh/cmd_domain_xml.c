/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Domains: XML in and out, editing, description and metadata, translation to native configuration. */
#include <stdlib.h>
#include <string.h>

#include "tools/virsh/virsh.h"

bool cmd_dumpxml(Shell *shell, const Cmd *cmd)
{
    static const VirshFlag table[] = {
        {"inactive", VIR_DOMAIN_XML_INACTIVE},
        {"security-info", VIR_DOMAIN_XML_SECURE},
        {"update-cpu", VIR_DOMAIN_XML_UPDATE_CPU},
        {"migratable", VIR_DOMAIN_XML_MIGRATABLE},
        {NULL, 0},
    };
    g_autoptr(virDomain) domain = virsh_domain(shell, cmd);

    return domain && virsh_print_xml(shell, cmd, virDomainGetXMLDesc(domain, virsh_flags(cmd, table)));
}

/* --- edit --- */

typedef struct {
    virConnectPtr conn;
    virDomainPtr domain;
    unsigned int define_flags;
} EditDomain;

static char *edit_get(Shell *shell, void *data)
{
    EditDomain *edit = data;

    return virDomainGetXMLDesc(edit->domain, VIR_DOMAIN_XML_INACTIVE | VIR_DOMAIN_XML_SECURE);
}

static bool edit_set(Shell *shell, void *data, const char *xml)
{
    EditDomain *edit = data;
    virDomainPtr defined = virDomainDefineXMLFlags(edit->conn, xml, edit->define_flags);

    if (!defined && client_error_code() == VIR_ERR_NO_SUPPORT && edit->define_flags) {
        edit->define_flags = 0; /* a driver without validation */
        client_error_forget();
        defined = virDomainDefineXML(edit->conn, xml);
    }
    if (!defined)
        return false;
    virDomainFree(edit->domain);
    edit->domain = defined;
    return true;
}

static bool edit_relax(void *data)
{
    EditDomain *edit = data;

    if (!edit->define_flags)
        return false;
    edit->define_flags = 0;
    return true;
}

bool cmd_edit(Shell *shell, const Cmd *cmd)
{
    g_autoptr(virDomain) domain = virsh_domain(shell, cmd);
    g_autofree char *what = NULL;
    EditDomain data;
    VirshEdit edit;
    bool done;

    if (!domain)
        return false;
    what = g_strdup_printf("Domain '%s' XML configuration", virDomainGetName(domain));
    data = (EditDomain){virsh_conn(shell), g_steal_pointer(&domain),
                        cmd_has(cmd, "skip-validate") ? 0 : VIR_DOMAIN_DEFINE_VALIDATE};
    edit = (VirshEdit){what, edit_get, edit_set, edit_relax, &data};
    done = virsh_edit(shell, &edit);
    virDomainFree(data.domain);
    return done;
}

/* --- description, title --- */

static char *current_desc(virDomainPtr domain, bool title, unsigned int flags)
{
    int type = title ? VIR_DOMAIN_METADATA_TITLE : VIR_DOMAIN_METADATA_DESCRIPTION;
    char *text = virDomainGetMetadata(domain, type, NULL, flags);

    if (!text && client_error_code() == VIR_ERR_NO_DOMAIN_METADATA) {
        client_error_forget();
        text = g_strdup("");
    }
    return text;
}

static bool set_desc(Shell *shell, virDomainPtr domain, bool title, const char *text, unsigned int flags)
{
    int type = title ? VIR_DOMAIN_METADATA_TITLE : VIR_DOMAIN_METADATA_DESCRIPTION;
    const char *what = title ? "title" : "description";

    if (virDomainSetMetadata(domain, type, *text ? text : NULL, NULL, NULL, flags) < 0)
        return shell_error(shell, "Failed to set new domain %s", what);
    shell_print_extra(shell, "Domain %s updated successfully", what);
    return true;
}

static bool show_desc(Shell *shell, const Cmd *cmd, virDomainPtr domain, bool title, const char *text)
{
    json_object *document;

    if (shell_json(cmd)) {
        document = json_object_new_object();
        shell_json_string(document, title ? "title" : "description", *text ? text : NULL);
        return shell_json_print(shell, document);
    }
    if (*text)
        shell_print(shell, "%s", text);
    else
        shell_print_extra(shell, "No %s for domain: %s", title ? "title" : "description", virDomainGetName(domain));
    return true;
}

bool cmd_desc(Shell *shell, const Cmd *cmd)
{
    g_autoptr(virDomain) domain = NULL;
    g_autofree char *text = cmd_joined(cmd, "new-desc");
    g_autofree char *old = NULL;
    bool title = cmd_has(cmd, "title");
    int flags = virsh_affect(shell, cmd);

    if (flags < 0)
        return false;
    domain = virsh_domain(shell, cmd);
    if (!domain)
        return false;
    if (text && !cmd_has(cmd, "edit"))
        return set_desc(shell, domain, title, text, flags);
    old = current_desc(domain, title, flags);
    if (!old)
        return false;
    if (!cmd_has(cmd, "edit"))
        return show_desc(shell, cmd, domain, title, old);
    g_free(text);
    text = virsh_edit_text(shell, old, ".txt");
    if (!text)
        return false;
    g_strchomp(text);
    if (g_str_equal(text, old)) {
        shell_print_extra(shell, "Domain %s not changed\n", title ? "title" : "description");
        return true;
    }
    return set_desc(shell, domain, title, text, flags);
}

bool cmd_metadata(Shell *shell, const Cmd *cmd)
{
    g_autoptr(virDomain) domain = NULL;
    const char *uri = NULL, *key = NULL, *set = NULL;
    g_autofree char *old = NULL, *edited = NULL;
    int flags = virsh_affect(shell, cmd);

    if (flags < 0 || !cmd_exclusive_all(shell, cmd, "edit", "set", "remove", NULL))
        return false;
    if (cmd_string(shell, cmd, "uri", &uri) <= 0 || cmd_string(shell, cmd, "key", &key) < 0 ||
        cmd_string(shell, cmd, "set", &set) < 0)
        return false;
    if ((set || cmd_has(cmd, "edit")) && !key)
        return shell_error(shell, "namespace key is required when modifying metadata");
    domain = virsh_domain(shell, cmd);
    if (!domain)
        return false;
    if (set || cmd_has(cmd, "remove")) {
        if (virDomainSetMetadata(domain, VIR_DOMAIN_METADATA_ELEMENT, set, key, uri, flags) < 0)
            return false;
        shell_print_extra(shell, set ? "Metadata modified\n" : "Metadata removed\n");
        return true;
    }
    old = virDomainGetMetadata(domain, VIR_DOMAIN_METADATA_ELEMENT, uri, flags);
    if (!cmd_has(cmd, "edit")) {
        if (old)
            shell_print(shell, "%s\n", old);
        return old != NULL;
    }
    client_error_forget();
    edited = virsh_edit_text(shell, old ? old : "\n", ".xml");
    if (!edited)
        return false;
    if (g_strcmp0(edited, old) == 0) {
        shell_print_extra(shell, "Metadata not changed");
        return true;
    }
    if (virDomainSetMetadata(domain, VIR_DOMAIN_METADATA_ELEMENT, edited, key, uri, flags) < 0)
        return false;
    shell_print_extra(shell, "Metadata modified");
    return true;
}

/* --- native configuration --- */

bool cmd_domxml_from_native(Shell *shell, const Cmd *cmd)
{
    const char *format = NULL;
    g_autofree char *config = NULL, *xml = NULL;

    if (cmd_string(shell, cmd, "format", &format) <= 0)
        return false;
    config = virsh_read_option(shell, cmd, "config");
    if (!config)
        return false;
    xml = virConnectDomainXMLFromNative(virsh_conn(shell), format, config, 0);
    if (!xml)
        return false;
    shell_print(shell, "%s", xml);
    return true;
}

bool cmd_domxml_to_native(Shell *shell, const Cmd *cmd)
{
    g_autoptr(virDomain) domain = NULL;
    const char *format = NULL;
    g_autofree char *xml = NULL, *config = NULL;

    if (!cmd_exclusive(shell, cmd, "domain", "xml"))
        return false;
    if (cmd_string(shell, cmd, "format", &format) <= 0)
        return false;
    if (cmd_has(cmd, "domain")) {
        domain = virsh_domain(shell, cmd);
        xml = domain ? virDomainGetXMLDesc(domain, 0) : NULL;
    } else if (cmd_has(cmd, "xml")) {
        xml = virsh_read_option(shell, cmd, "xml");
    } else {
        return shell_error(shell, "need either domain or domain XML");
    }
    if (!xml)
        return false;
    config = virConnectDomainXMLToNative(virsh_conn(shell), format, xml, 0);
    if (!config)
        return false;
    shell_print(shell, "%s", config);
    return true;
}
