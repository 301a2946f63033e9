/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The domain definition as a whole and single devices: thin shells around the XML runtime.
 */
#include "model/domain.h"
#include <string.h>

#define ERROR_DOMAIN VIR_FROM_DOMAIN
#include "base/error.h"

/* More changes than this of one update are not listed. */
#define MAX_CHANGES 1024
/* In documents longer than this only the first problem of the rules gets its line: each costs a parse. */
#define MAX_LOCATED (256 * 1024)

void domain_def_free(DomainDef *def)
{
    xml_struct_free(&DOMAIN_DEF_DESC, def);
}

DomainDef *domain_def_parse(const char *xml, size_t len, unsigned flags, XmlDiagnostics *diag)
{
    return xml_parse(&DOMAIN_ROOT, xml, len, flags, diag);
}

char *domain_def_format(const DomainDef *def, unsigned flags)
{
    return xml_format(&DOMAIN_DEF_DESC, def, DOMAIN_ROOT.name, DOMAIN_ROOT.ns, 0, flags);
}

DomainDef *domain_def_copy(const DomainDef *def)
{
    return xml_struct_copy(&DOMAIN_DEF_DESC, def);
}

bool domain_def_equal(const DomainDef *a, const DomainDef *b)
{
    return xml_equal(&DOMAIN_DEF_DESC, a, b);
}

GPtrArray *domain_def_diff(const DomainDef *old, const DomainDef *new)
{
    return xml_diff(&DOMAIN_DEF_DESC, old, new, DOMAIN_ROOT.name, MAX_CHANGES);
}

/* The path that an error of the rules begins with, after the standing text of its code. */
static const char *path_in_error(void)
{
    const char *message = error_message();
    const char *path = strstr(message, ": domain");

    return path ? path + 2 : message;
}

int domain_def_complete(DomainDef *def, const DomainMachineInfo *info, const char *xml, size_t len, XmlDiagnostics *diag)
{
    g_autoptr(XmlDiagnostics) own = diag ? NULL : xml_diagnostics_new();
    XmlDiagnostics *all = diag ? diag : own;

    if (domain_def_post_parse(def, info) < 0) {
        g_autofree char *path = g_strndup(path_in_error(), strcspn(path_in_error(), ": "));
        guint line = xml_line_of(xml, len, path);
        if (line)
            error_context("line %u", line);
        return -1;
    }
    if (domain_def_validate(def, all) == 0)
        return 0;
    for (guint i = 0; len <= MAX_LOCATED && i < all->problems->len; i++) {
        XmlProblem *problem = all->problems->pdata[i];
        if (!problem->line)
            problem->line = xml_line_of(xml, len, problem->path);
    }
    return xml_diagnostics_report(all, ERROR_DOMAIN);
}

/* Single devices */

void domain_device_free(DomainDevice *dev)
{
    if (!dev)
        return;
    xml_struct_free(dev->desc, dev->device);
    g_free(dev);
}

const XmlMember *domain_device_member(const char *name)
{
    const XmlDesc *desc = &DOMAIN_DEVICES_DESC;

    for (guint i = 0; i < desc->n_members; i++) {
        if (desc->members[i].type == XML_STRUCT && strcmp(desc->members[i].name, name) == 0)
            return &desc->members[i];
    }
    return NULL;
}

static DomainDevice *parse_device_node(xmlNode *node, unsigned flags, XmlDiagnostics *diag)
{
    const char *name = (const char *)node->name;
    const XmlMember *member = domain_device_member(name);

    if (!member)
        return FAIL_NULL(VIR_ERR_CONFIG_UNSUPPORTED, "line %ld: unknown device '%s'", xmlGetLineNo(node), name);
    void *device = xml_parse_node(member->info, node, member->name, flags, diag);
    if (!device) {
        xml_diagnostics_report(diag, ERROR_DOMAIN);
        return NULL;
    }
    DomainDevice *dev = g_new0(DomainDevice, 1);
    dev->kind = member->name;
    dev->desc = member->info;
    dev->device = device;
    return dev;
}

DomainDevice *domain_device_parse(const char *xml, size_t len, unsigned flags, XmlDiagnostics *diag)
{
    g_autoptr(XmlDiagnostics) own = diag ? NULL : xml_diagnostics_new();
    xmlDoc *doc = xml_document_parse(xml, len, "(device_definition)", ERROR_DOMAIN);

    if (!doc)
        return NULL;
    DomainDevice *dev = parse_device_node(xmlDocGetRootElement(doc), flags, diag ?: own);
    xmlFreeDoc(doc);
    return dev;
}

char *domain_device_format(const char *kind, const void *device)
{
    return xml_format(domain_device_member(kind)->info, device, kind, NULL, 0, XML_SECURE);
}
