/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/metadata.h"
#include "base/error.h"
#include "base/xml.h"
#include <string.h>

/* @metadata is the text of the element <metadata>, NULL for none. */
static xmlDoc *read_metadata(const char *metadata, int domain)
{
    const char *text = metadata ? metadata : "<metadata/>";
    return xml_document_parse(text, strlen(text), "(metadata)", domain);
}

static xmlNodePtr find_by_uri(xmlNodePtr root, const char *uri)
{
    for (xmlNodePtr node = root->children; node; node = node->next) {
        if (node->type == XML_ELEMENT_NODE && node->ns && xmlStrEqual(node->ns->href, BAD_CAST uri))
            return node;
    }
    return NULL;
}

/* White space between elements is layout, and gets in the way of a new one. */
static void drop_layout(xmlNodePtr parent)
{
    xmlNodePtr next;
    for (xmlNodePtr node = parent->children; node; node = next) {
        next = node->next;
        if (xmlIsBlankNode(node)) {
            xmlUnlinkNode(node);
            xmlFreeNode(node);
        } else if (node->type == XML_ELEMENT_NODE) {
            drop_layout(node);
        }
    }
}

/* @layout: in lines, for people; what is kept gets its lines where it is printed. */
static char *node_text(xmlDoc *doc, xmlNodePtr node, gboolean layout)
{
    xmlBufferPtr buffer = xmlBufferCreate();
    xmlNodeDump(buffer, doc, node, 0, layout);
    char *text = g_strdup((const char *) xmlBufferContent(buffer));
    xmlBufferFree(buffer);
    return text;
}

/* Take the namespace @uri from a tree: its prefix is the storing program's own affair. */
static void strip_namespace(xmlNodePtr node, const char *uri)
{
    if (node->type != XML_ELEMENT_NODE)
        return;
    if (node->ns && xmlStrEqual(node->ns->href, BAD_CAST uri))
        node->ns = NULL;
    for (xmlNodePtr child = node->children; child; child = child->next)
        strip_namespace(child, uri);
}

static void drop_declaration(xmlNodePtr node, const char *uri)
{
    xmlNsPtr *link = &node->nsDef;
    while (*link) {
        xmlNsPtr ns = *link;
        if (!xmlStrEqual(ns->href, BAD_CAST uri)) {
            link = &ns->next;
            continue;
        }
        *link = ns->next;
        xmlFreeNs(ns);
    }
}

/* Text of the element of namespace @uri, without that namespace's prefix; NULL if there is none. */
static int find_element(const char *metadata, const char *uri, char **element, int domain)
{
    xmlDoc *doc = read_metadata(metadata, domain);
    if (!doc)
        return -1;
    xmlNodePtr node = find_by_uri(xmlDocGetRootElement(doc), uri);
    *element = NULL;
    if (node) {
        drop_layout(node);
        strip_namespace(node, uri);
        drop_declaration(node, uri);
        *element = node_text(doc, node, TRUE);
    }
    xmlFreeDoc(doc);
    return 0;
}

/* Read the new element and put it into the namespace. NULL with an error. */
static xmlNodePtr new_element(xmlDoc *doc, const char *element, const char *key, const char *uri, int domain)
{
    xmlDoc *own = xml_document_parse(element, strlen(element), "(metadata_xml)", domain);
    if (!own)
        return NULL;
    xmlNodePtr node = xmlDocCopyNode(xmlDocGetRootElement(own), doc, 1);
    xmlFreeDoc(own);
    if (!node) {
        error_report(domain, VIR_ERR_INTERNAL_ERROR, "cannot copy the metadata element");
        return NULL;
    }
    xmlNsPtr ns = xmlNewNs(node, BAD_CAST uri, BAD_CAST key);
    if (!ns) {
        xmlFreeNode(node);
        error_report(domain, VIR_ERR_INVALID_ARG, "the prefix '%s' is taken in the metadata element", key);
        return NULL;
    }
    for (xmlNodePtr n = node; n;) { /* all elements that have no namespace of their own */
        if (n->type == XML_ELEMENT_NODE && !n->ns)
            n->ns = ns;
        if (n->children && n->type == XML_ELEMENT_NODE) {
            n = n->children;
            continue;
        }
        while (n != node && !n->next)
            n = n->parent;
        n = n == node ? NULL : n->next;
    }
    return node;
}

/* Put @element (NULL: remove it) under prefix @key into the namespace @uri. */
static int replace_element(char **metadata, const char *element, const char *key, const char *uri, int domain)
{
    xmlDoc *doc = read_metadata(*metadata, domain);
    if (!doc)
        return -1;
    xmlNodePtr root = xmlDocGetRootElement(doc);
    xmlNodePtr fresh = element ? new_element(doc, element, key, uri, domain) : NULL;
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
    drop_layout(root);
    g_free(*metadata);
    *metadata = root->children ? node_text(doc, root, FALSE) : NULL;
    xmlFreeDoc(doc);
    return 0;
}

static int fail(int domain, const char *what)
{
    error_report(domain, VIR_ERR_INVALID_ARG, "%s", what);
    return -1;
}

int metadata_get(const MetadataTexts *texts, int type, const char *uri, char **value, int domain)
{
    switch (type) {
    case VIR_DOMAIN_METADATA_TITLE:
        *value = g_strdup(texts->title);
        return 0;
    case VIR_DOMAIN_METADATA_DESCRIPTION:
        *value = g_strdup(texts->description);
        return 0;
    case VIR_DOMAIN_METADATA_ELEMENT:
        return uri ? find_element(texts->metadata, uri, value, domain) : fail(domain, "an element of metadata needs a namespace");
    default:
        return fail(domain, "unknown type of metadata");
    }
}

static void set_text(char **field, const char *text)
{
    g_free(*field);
    *field = text && *text ? g_strdup(text) : NULL;
}

int metadata_set(const MetadataFields *fields, int type, const char *text, const char *key, const char *uri, int domain)
{
    switch (type) {
    case VIR_DOMAIN_METADATA_TITLE:
        if (text && strchr(text, '\n'))
            return fail(domain, "a title is one line");
        set_text(fields->title, text);
        return 0;
    case VIR_DOMAIN_METADATA_DESCRIPTION:
        set_text(fields->description, text);
        return 0;
    case VIR_DOMAIN_METADATA_ELEMENT:
        if (!uri || (text && !key))
            return fail(domain, "an element of metadata needs a namespace and a prefix");
        return replace_element(fields->metadata, text, key, uri, domain);
    default:
        return fail(domain, "unknown type of metadata");
    }
}
