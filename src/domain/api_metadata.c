/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Title, description and other programs' elements in a definition.
 */
#define ERROR_DOMAIN api_error_domain
#include "domain/api.h"
#include "core/event_table.h"
#include "domain/functions.h"
#include "domain/metadata.h"
#include <string.h>

/* ---- the XML part ---- */

/* The children of @text, which may use any prefix that it declares itself, below one element. */
static xmlDoc *wrap(const char *text)
{
    g_autofree char *xml = g_strdup_printf("<metadata>%s</metadata>", text ? text : "");
    return xml_document_parse(xml, strlen(xml), "(metadata)", VIR_FROM_DOMAIN);
}

static xmlNodePtr find_by_uri(xmlNodePtr root, const char *uri)
{
    for (xmlNodePtr node = root->children; node; node = node->next) {
        if (node->type == XML_ELEMENT_NODE && node->ns && xmlStrEqual(node->ns->href, BAD_CAST uri))
            return node;
    }
    return NULL;
}

static char *node_text(xmlDoc *doc, xmlNodePtr node)
{
    xmlBufferPtr buffer = xmlBufferCreate();
    xmlNodeDump(buffer, doc, node, 0, 0);
    char *text = g_strdup((const char *) xmlBufferContent(buffer));
    xmlBufferFree(buffer);
    return text;
}

static char *children_text(xmlDoc *doc, xmlNodePtr root)
{
    g_autoptr(GString) all = g_string_new(NULL);
    for (xmlNodePtr node = root->children; node; node = node->next) {
        g_autofree char *text = node->type == XML_ELEMENT_NODE ? node_text(doc, node) : NULL;
        if (text)
            g_string_append(all, text);
    }
    return all->len ? g_string_free(g_steal_pointer(&all), FALSE) : NULL;
}

int metadata_find(const char *metadata, const char *uri, char **element)
{
    xmlDoc *doc = wrap(metadata);
    if (!doc)
        return -1;
    xmlNodePtr node = find_by_uri(xmlDocGetRootElement(doc), uri);
    *element = NULL;
    if (node) { /* the prefix is the storing program's own affair */
        g_autofree char *text = node_text(doc, node);
        *element = g_steal_pointer(&text);
    }
    xmlFreeDoc(doc);
    return 0;
}

/* Read the new element and give it the namespace. NULL with an error. */
static xmlNodePtr new_element(xmlDoc *doc, const char *element, const char *key, const char *uri)
{
    xmlDoc *own = xml_document_parse(element, strlen(element), "(metadata_xml)", VIR_FROM_DOMAIN);
    if (!own)
        return NULL;
    xmlNodePtr node = xmlDocCopyNode(xmlDocGetRootElement(own), doc, 1);
    xmlFreeDoc(own);
    if (!node)
        return FAIL_NULL(VIR_ERR_INTERNAL_ERROR, "cannot copy the metadata element");
    xmlNsPtr ns = xmlNewNs(node, BAD_CAST uri, BAD_CAST key);
    if (!ns) {
        xmlFreeNode(node);
        return FAIL_NULL(VIR_ERR_INVALID_ARG, "the prefix '%s' is taken in the metadata element", key);
    }
    xmlSetNs(node, ns);
    for (xmlNodePtr child = node->children; child; child = child->next) {
        if (child->type == XML_ELEMENT_NODE && !child->ns)
            xmlSetNs(child, ns);
    }
    return node;
}

int metadata_replace(char **metadata, const char *element, const char *key, const char *uri)
{
    xmlDoc *doc = wrap(*metadata);
    if (!doc)
        return -1;
    xmlNodePtr root = xmlDocGetRootElement(doc);
    xmlNodePtr fresh = element ? new_element(doc, element, key, uri) : NULL;
    if (element && !fresh) {
        xmlFreeDoc(doc);
        return -1;
    }
    xmlNodePtr old = find_by_uri(root, uri);
    if (old) {
        xmlUnlinkNode(old);
        xmlFreeNode(old);
    }
    if (fresh)
        xmlAddChild(root, fresh);
    g_free(*metadata);
    *metadata = children_text(doc, root);
    xmlFreeDoc(doc);
    return 0;
}

/* ---- the calls ---- */

char *core_domain_get_metadata(virDomainPtr dom, int type, const char *uri, unsigned int flags)
{
    API_FLAGS(flags, VIR_DOMAIN_AFFECT_LIVE | VIR_DOMAIN_AFFECT_CONFIG, NULL);
    g_auto(Access) a = { NULL };
    if (api_begin(&a, dom) < 0)
        return NULL;
    g_autoptr(SharedDef) shared = api_scope_def(&a, flags);
    if (!shared)
        return NULL;
    const DomainDef *def = shared_def_get(shared);
    char *value = NULL;
    if (type == VIR_DOMAIN_METADATA_TITLE)
        value = g_strdup(def->title);
    else if (type == VIR_DOMAIN_METADATA_DESCRIPTION)
        value = g_strdup(def->description);
    else if (type != VIR_DOMAIN_METADATA_ELEMENT || !uri)
        return FAIL_NULL(VIR_ERR_INVALID_ARG, "unknown type %d of metadata, or no namespace", type);
    else if (metadata_find(def->metadata, uri, &value) < 0)
        return NULL;
    if (!value)
        return FAIL_NULL(VIR_ERR_NO_DOMAIN_METADATA, "Requested metadata element is not present in domain '%s'",
                         API_NAME(&a));
    return value;
}

typedef struct MetadataEdit { int type; const char *text, *key, *uri; } MetadataEdit;

static void set_text(char **field, const char *text)
{
    g_free(*field);
    *field = text && *text ? g_strdup(text) : NULL;
}

static int edit_metadata(DomainDef *def, void *opaque)
{
    MetadataEdit *e = opaque;
    switch (e->type) {
    case VIR_DOMAIN_METADATA_TITLE:
        if (e->text && strchr(e->text, '\n'))
            return FAIL(VIR_ERR_INVALID_ARG, "a title is one line");
        set_text(&def->title, e->text);
        return 0;
    case VIR_DOMAIN_METADATA_DESCRIPTION:
        set_text(&def->description, e->text);
        return 0;
    case VIR_DOMAIN_METADATA_ELEMENT:
        if (!e->uri || (e->text && !e->key))
            return FAIL(VIR_ERR_INVALID_ARG, "an element of metadata needs a namespace and a prefix");
        return metadata_replace(&def->metadata, e->text, e->key, e->uri);
    default:
        return FAIL(VIR_ERR_INVALID_ARG, "unknown type %d of metadata", e->type);
    }
}

static int edit_live(const Access *a, MetadataEdit *edit)
{
    g_autoptr(DomainDef) def = shared_def_copy(a->state->live);
    if (edit_metadata(def, edit) < 0)
        return -1;
    return api_publish_live(a, g_steal_pointer(&def));
}

int core_domain_set_metadata(virDomainPtr dom, int type, const char *metadata, const char *key, const char *uri,
                             unsigned int flags)
{
    API_FLAGS(flags, VIR_DOMAIN_AFFECT_LIVE | VIR_DOMAIN_AFFECT_CONFIG, -1);
    g_auto(Access) a = { NULL };
    Scope scope;
    MetadataEdit edit = { type, metadata, key, uri };
    if (api_begin_job(&a, dom, JOB_MODIFY, "virDomainSetMetadata") < 0 || api_scope(&a, flags, &scope) < 0)
        return -1;
    if ((scope.live && edit_live(&a, &edit) < 0) ||
        (scope.config && config_edit(a.obj, edit_metadata, &edit, NULL) < 0))
        return -1;
    event_emit(host_bus(a.obj->host), event_domain_metadata_change_new(API_NAME(&a), dom->uuid,
                                                                     domain_state_id(a.state), type, uri));
    return 0;
}
