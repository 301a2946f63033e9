/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Domains: XML in and out, editing, translation to native configuration. */
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

static char *edit_get(Shell *shell, void *data)
{
    VirshEditObject *edit = data;

    return virDomainGetXMLDesc(edit->object, VIR_DOMAIN_XML_INACTIVE | VIR_DOMAIN_XML_SECURE);
}

static bool edit_set(Shell *shell, void *data, const char *xml)
{
    VirshEditObject *edit = data;
    virDomainPtr defined = virDomainDefineXMLFlags(edit->conn, xml, edit->flags);

    if (!defined && virsh_edit_unchecked(edit))
        defined = virDomainDefineXML(edit->conn, xml);
    if (!defined)
        return false;
    virDomainFree(edit->object);
    edit->object = defined;
    return true;
}

static xmlNodePtr child_of(xmlNodePtr parent, const char *name)
{
    xmlNodePtr child = xmlFirstElementChild(parent);

    while (child && !xmlStrEqual(child->name, (const xmlChar *)name))
        child = xmlNextElementSibling(child);
    return child ? child : xmlNewChild(parent, NULL, (const xmlChar *)name, NULL);
}

/* Memory that other processes may use: what virtiofs and vhost-user need, whose refusal names these very lines. */
static char *share_memory(const char *xml)
{
    xmlDocPtr doc = xmlReadMemory(xml, strlen(xml), "libvirt.xml", NULL, XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
    xmlNodePtr root = doc ? xmlDocGetRootElement(doc) : NULL, backing;
    xmlChar *text = NULL;
    char *copy;
    int size;

    if (root) {
        backing = child_of(root, "memoryBacking");
        xmlSetProp(child_of(backing, "source"), (const xmlChar *)"type", (const xmlChar *)"memfd");
        xmlSetProp(child_of(backing, "access"), (const xmlChar *)"mode", (const xmlChar *)"shared");
        xmlDocDumpMemory(doc, &text, &size);
    }
    copy = text ? g_strdup((const char *)text) : NULL;
    xmlFree(text);
    xmlFreeDoc(doc);
    return copy;
}

static char *mend(const char *xml, const char **what)
{
    if (client_error_code() != VIR_ERR_CONFIG_UNSUPPORTED || !strstr(client_error_text(), "<access mode='shared'/>"))
        return NULL;
    *what = "<memoryBacking><source type='memfd'/><access mode='shared'/></memoryBacking>";
    return share_memory(xml);
}

bool cmd_edit(Shell *shell, const Cmd *cmd)
{
    g_autoptr(virDomain) domain = virsh_domain(shell, cmd);
    g_autofree char *what = NULL;
    VirshEditObject data;
    VirshEdit edit;
    bool done;

    if (!domain)
        return false;
    what = g_strdup_printf("Domain '%s' XML configuration", virDomainGetName(domain));
    data = (VirshEditObject){virsh_conn(shell), g_steal_pointer(&domain),
                             cmd_has(cmd, "skip-validate") ? 0 : VIR_DOMAIN_DEFINE_VALIDATE};
    edit = (VirshEdit){what, edit_get, edit_set, virsh_edit_relax, &data, mend};
    done = virsh_edit(shell, &edit);
    virDomainFree(data.object);
    return done;
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
