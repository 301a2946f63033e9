/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reading, printing and searching XML. Neither entities nor the network are ever followed. */
#include <errno.h>
#include <fcntl.h>
#include <libxml/xpath.h>
#include <string.h>
#include <unistd.h>

#include "tools/virsh/virsh.h"

enum { PARSE_OPTIONS = XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING };

static char *read_all(Shell *shell, int fd, const char *path, size_t *size)
{
    g_autoptr(GString) text = g_string_new(NULL);
    char block[65536];
    ssize_t got;

    while ((got = read(fd, block, sizeof(block))) != 0) {
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            shell_error(shell, "Failed to read file '%s': %s", path, g_strerror(errno));
            return NULL;
        }
        if (text->len + got > XML_FILE_MAX) {
            shell_error(shell, "file '%s' is larger than %d bytes", path, XML_FILE_MAX);
            return NULL;
        }
        g_string_append_len(text, block, got);
    }
    explicit_bzero(block, sizeof(block)); /* it may have been a secret */
    *size = text->len;
    return g_string_free(g_steal_pointer(&text), FALSE);
}

char *virsh_read_bytes(Shell *shell, const char *path, size_t *size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    char *text;

    if (fd < 0) {
        shell_error(shell, "Failed to open file '%s': %s", path, g_strerror(errno));
        return NULL;
    }
    text = read_all(shell, fd, path, size);
    close(fd);
    return text;
}

char *virsh_read_file(Shell *shell, const char *path)
{
    size_t size = 0;
    g_autofree char *text = virsh_read_bytes(shell, path, &size);

    if (!text || strlen(text) == size)
        return g_steal_pointer(&text);
    shell_error(shell, "file '%s' is not text: it holds NUL bytes", path);
    return NULL;
}

char *virsh_read_option(Shell *shell, const Cmd *cmd, const char *option)
{
    const char *path = NULL;
    g_autofree char *text = cmd_string(shell, cmd, option, &path) > 0 ? virsh_read_file(shell, path) : NULL;
    bool strict = cmd_knows(cmd, "strict") && cmd_has(cmd, "strict");

    if (!text || (!strict && (shell->quiet || (cmd_knows(cmd, "validate") && cmd_has(cmd, "validate")))))
        return g_steal_pointer(&text);
    if (virsh_warn_dropped(path, text) && strict) {
        shell_error(shell, "nothing was done, as '%s' has what would be dropped (--strict)", path);
        return NULL;
    }
    return g_steal_pointer(&text);
}

static xmlDocPtr parse(Shell *shell, const char *xml, int options)
{
    xmlDocPtr doc = xmlReadMemory(xml, strlen(xml), "libvirt.xml", NULL, options);

    if (!doc)
        shell_error(shell, "the XML returned can't be parsed");
    return doc;
}

xmlDocPtr virsh_parse_xml(Shell *shell, const char *xml)
{
    return parse(shell, xml, PARSE_OPTIONS);
}

xmlDocPtr virsh_domain_doc(Shell *shell, virDomainPtr domain, unsigned int flags)
{
    g_autofree char *xml = virDomainGetXMLDesc(domain, flags);

    return xml ? virsh_parse_xml(shell, xml) : NULL;
}

static xmlXPathObjectPtr evaluate(xmlDocPtr doc, xmlNodePtr node, const char *expression)
{
    xmlXPathContextPtr context = xmlXPathNewContext(doc);
    xmlXPathObjectPtr found;

    if (!context)
        return NULL;
    context->node = node ? node : xmlDocGetRootElement(doc);
    found = xmlXPathEval((const xmlChar *)expression, context);
    xmlXPathFreeContext(context);
    return found;
}

GPtrArray *virsh_xpath_nodes(xmlDocPtr doc, xmlNodePtr node, const char *expression)
{
    GPtrArray *nodes = g_ptr_array_new();
    xmlXPathObjectPtr found = evaluate(doc, node, expression);

    for (int i = 0; found && found->type == XPATH_NODESET && found->nodesetval && i < found->nodesetval->nodeNr; i++)
        g_ptr_array_add(nodes, found->nodesetval->nodeTab[i]);
    xmlXPathFreeObject(found);
    return nodes;
}

char *virsh_xpath_string(xmlDocPtr doc, xmlNodePtr node, const char *expression)
{
    xmlXPathObjectPtr found = evaluate(doc, node, expression);
    xmlChar *text = NULL;
    char *copy = NULL;

    if (found && (found->type != XPATH_NODESET || (found->nodesetval && found->nodesetval->nodeNr)))
        text = xmlXPathCastToString(found);
    xmlXPathFreeObject(found);
    if (text)
        copy = g_strdup((const char *)text);
    xmlFree(text);
    return copy;
}

void virsh_xml_line(GString *xml, int depth, const char *format, ...)
{
    g_autofree char *text = NULL;
    va_list args;

    va_start(args, format);
    text = g_markup_vprintf_escaped(format, args);
    va_end(args);
    g_string_append_printf(xml, "%*s%s\n", depth * 2, "", text);
}

/* Indented anew for a place at this depth, or (below 0) as it was. */
static char *node_text(xmlDocPtr doc, xmlNodePtr node, int depth)
{
    xmlBufferPtr buffer = xmlBufferCreate();
    char *text = NULL;

    if (buffer && xmlNodeDump(buffer, doc, node, MAX(depth, 0), depth >= 0) >= 0)
        text = g_strdup((const char *)xmlBufferContent(buffer));
    xmlBufferFree(buffer);
    return text;
}

char *virsh_node_xml(xmlDocPtr doc, xmlNodePtr node)
{
    return node_text(doc, node, -1);
}

static bool print_matches(Shell *shell, const Cmd *cmd, xmlDocPtr doc, const char *expression)
{
    xmlXPathObjectPtr found = evaluate(doc, NULL, expression);
    bool nodes = found && found->type == XPATH_NODESET;
    bool wrap = cmd_may_have(cmd, "wrap");

    if (nodes && wrap && xmlXPathNodeSetIsEmpty(found->nodesetval)) {
        shell_print(shell, "<nodes/>\n");
        xmlXPathFreeObject(found);
        return true;
    }
    if (!found)
        return shell_error(shell, "Failed to evaluate the XPath expression '%s'", expression);
    if (!nodes) {
        xmlXPathFreeObject(found);
        return shell_error(shell, "XPath expression '%s' doesn't select nodes", expression);
    }
    if (wrap)
        shell_print(shell, "<nodes>\n");
    for (int i = 0; found->nodesetval && i < found->nodesetval->nodeNr; i++) {
        g_autofree char *text = node_text(doc, found->nodesetval->nodeTab[i], wrap);
        shell_print(shell, "%s%s\n", wrap ? "  " : "", text ? text : "");
    }
    if (wrap)
        shell_print(shell, "</nodes>\n");
    xmlXPathFreeObject(found);
    return true;
}

bool virsh_print_xml(Shell *shell, const Cmd *cmd, char *xml)
{
    g_autofree char *text = xml;
    g_autoptr(xmlDoc) doc = NULL;
    const char *expression = NULL;

    if (!text)
        return false;
    if (!cmd_may_have(cmd, "xpath")) {
        shell_print(shell, "%s", text);
        return true;
    }
    if (cmd_string(shell, cmd, "xpath", &expression) < 0)
        return false;
    doc = parse(shell, text, PARSE_OPTIONS | XML_PARSE_NOBLANKS); /* the parts are indented by themselves */
    return doc && print_matches(shell, cmd, doc, expression);
}
