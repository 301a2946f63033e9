/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Text to tree: libxml2 with everything switched off that reaches outside of the document or makes it grow.
 * libxml2 itself bounds depth (256) and the length of single texts (10 MB) when it isn't told otherwise.
 */
#include "base/xml.h"
#include <libxml/parser.h>
#include <libxml/SAX2.h>
#include <libxml/parserInternals.h>
#include <string.h>

#define ERROR_DOMAIN VIR_FROM_XML
#include "base/error.h"

/* Longest piece of the faulty line shown in an error. */
#define MAX_EXCERPT 80

/* What is kept while a document is read. */
typedef struct {
    /* The first error counts, those after it are consequences. */
    char *message;
    int line;
    size_t at;
    /* Blank text that is indentation if an element begins or ends next, and part of a text otherwise. */
    int blank_len;
    char blank[128];
} ReadState;

static void keep_error(xmlParserCtxtPtr ctxt, const char *message)
{
    ReadState *first = ctxt->_private;

    if (first->message)
        return;
    first->message = g_strchomp(g_strdup(message ? message : "not an XML document"));
    first->line = ctxt->input ? ctxt->input->line : 1;
    first->at = ctxt->input ? (size_t)xmlByteConsumed(ctxt) : 0;
}

static void on_error(void *ctxt, xmlErrorPtr error)
{
    if (error->level >= XML_ERR_ERROR)
        keep_error(ctxt, error->message);
}

/* The document type would come before anything else; the parser stops there, so that no entity is ever declared. */
static void refuse_doctype(void *ctxt, const xmlChar *name, const xmlChar *external, const xmlChar *system)
{
    keep_error(ctxt, "document type declarations are not allowed");
    xmlStopParser(ctxt);
}

/* The line around offset @at of the text, cut to a readable length, and the column of @at in it. */
static char *excerpt(const char *text, size_t len, size_t at, int *column)
{
    size_t start = MIN(at, len), end = start;

    while (start > 0 && text[start - 1] != '\n' && MIN(at, len) - start < MAX_EXCERPT)
        start--;
    while (end < len && text[end] != '\n' && end - start < MAX_EXCERPT)
        end++;
    *column = MIN(at, len) - start;
    char *line = g_utf8_make_valid(text + start, end - start);
    g_strdelimit(line, "\t\r", ' ');
    return line;
}

static void report(const ReadState *first, const char *text, size_t len, const char *what, int domain)
{
    int column;
    g_autofree char *shown = excerpt(text, len, first->at, &column);

    g_autofree char *dashes = g_strnfill(column, '-');
    g_autofree char *message = g_strdup_printf("%s:%d: %s\n%s\n%s^", what, MAX(first->line, 1), first->message, shown,
                                               dashes);
    /* This code's text has nothing standing in front of it: the place comes first. */
    error_set_raw(domain, VIR_ERR_XML_DETAIL, VIR_ERR_ERROR, message, "%s", message, NULL, -1, -1);
}

/* Indentation is most of the nodes of a document and means nothing, except among the elements of other programs. Text comes
 * in pieces, so blank text is held back until it is known what follows. */
static bool is_blank(const char *text, int len)
{
    while (len > 0 && g_ascii_isspace(text[len - 1]))
        len--;
    return len == 0;
}

static bool may_be_indentation(const xmlParserCtxt *ctxt, const char *text, int len)
{
    const ReadState *state = ctxt->_private;

    if (ctxt->nodeNr >= 2 && strcmp((const char *)ctxt->nodeTab[1]->name, "metadata") == 0)
        return false;
    if (ctxt->node && ctxt->node->last && ctxt->node->last->type == XML_TEXT_NODE)
        return false;
    return !state->blank_len && len <= (int)sizeof state->blank && text[0] == '\n' && is_blank(text, len);
}

static void on_characters(void *ctxt, const xmlChar *text, int len)
{
    ReadState *state = ((xmlParserCtxtPtr)ctxt)->_private;

    if (len > 0 && may_be_indentation(ctxt, (const char *)text, len)) {
        memcpy(state->blank, text, len);
        state->blank_len = len;
        return;
    }
    if (state->blank_len)
        xmlSAX2Characters(ctxt, (const xmlChar *)state->blank, state->blank_len);
    state->blank_len = 0;
    xmlSAX2Characters(ctxt, text, len);
}

static void on_start(void *ctxt, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri, int n_ns,
                     const xmlChar **ns, int n_attrs, int n_defaulted, const xmlChar **attrs)
{
    ((ReadState *)((xmlParserCtxtPtr)ctxt)->_private)->blank_len = 0;
    xmlSAX2StartElementNs(ctxt, name, prefix, uri, n_ns, ns, n_attrs, n_defaulted, attrs);
}

static void on_end(void *ctxt, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri)
{
    ((ReadState *)((xmlParserCtxtPtr)ctxt)->_private)->blank_len = 0;
    xmlSAX2EndElementNs(ctxt, name, prefix, uri);
}

/* A parser for each thread. Its dictionary of names is thrown away when strange documents have made it large. */
enum { MAX_DICTIONARY = 4096 };

static void free_parser(gpointer ctxt)
{
    xmlFreeParserCtxt(ctxt);
}

static GPrivate parser_key = G_PRIVATE_INIT(free_parser);

static xmlParserCtxtPtr get_parser(void)
{
    xmlParserCtxtPtr ctxt = g_private_get(&parser_key);

    if (ctxt && xmlDictSize(ctxt->dict) <= MAX_DICTIONARY) {
        xmlCtxtReset(ctxt);
        return ctxt;
    }
    ctxt = xmlNewParserCtxt();
    g_private_replace(&parser_key, ctxt);
    return ctxt;
}

static bool start_parser(xmlParserCtxtPtr ctxt, const char *text, size_t len)
{
    xmlParserInputBuffer *buffer = xmlParserInputBufferCreateMem(text, len, XML_CHAR_ENCODING_NONE);
    xmlParserInput *input = buffer ? xmlNewIOInputStream(ctxt, buffer, XML_CHAR_ENCODING_NONE) : NULL;

    if (!input)
        return false;
    inputPush(ctxt, input);
    xmlCtxtUseOptions(ctxt, XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING | XML_PARSE_NOCDATA |
                      XML_PARSE_BIG_LINES | XML_PARSE_COMPACT);
    ctxt->sax->internalSubset = refuse_doctype;
    ctxt->sax->serror = on_error;
    ctxt->sax->characters = on_characters;
    ctxt->sax->startElementNs = on_start;
    ctxt->sax->endElementNs = on_end;
    return true;
}

xmlDoc *xml_document_parse(const char *text, size_t len, const char *what, int domain)
{
    ReadState first = {0};

    if (len > XML_MAX_INPUT) {
        error_report(domain, VIR_ERR_XML_DETAIL, "%s: the document is %zu bytes long, at most %d are accepted", what, len,
                     XML_MAX_INPUT);
        return NULL;
    }
    xmlParserCtxtPtr ctxt = get_parser();
    if (!ctxt || !start_parser(ctxt, len ? text : " ", len ? len : 1)) {
        error_report(domain, VIR_ERR_INTERNAL_ERROR, "%s: cannot make an XML parser", what);
        return NULL;
    }
    ctxt->_private = &first;
    xmlParseDocument(ctxt);
    xmlDoc *doc = ctxt->myDoc;
    ctxt->myDoc = NULL;
    if (!ctxt->wellFormed || !doc || !xmlDocGetRootElement(doc))
        keep_error(ctxt, NULL);
    ctxt->_private = NULL;
    if (!first.message)
        return doc;
    report(&first, text, len, what, domain);
    g_free(first.message);
    xmlFreeDoc(doc);
    return NULL;
}

/* The element of this name and number (from 1) among the children. */
static xmlNode *child_element(xmlNode *node, const char *name, size_t len, guint64 number)
{
    for (xmlNode *child = node->children; child; child = child->next) {
        if (child->type == XML_ELEMENT_NODE && strlen((const char *)child->name) == len &&
            !strncmp((const char *)child->name, name, len) && --number == 0)
            return child;
    }
    return NULL;
}

guint xml_line_of(const char *text, size_t len, const char *path)
{
    virErrorPtr before = error_save();
    xmlDoc *doc = xml_document_parse(text, len, "", VIR_FROM_XML);
    xmlNode *node = doc ? xmlDocGetRootElement(doc) : NULL;

    error_restore(before);
    path += strcspn(path, ".");
    while (node && *path == '.') {
        size_t name = strcspn(++path, ".[@");
        const char *after = path + name;
        guint64 number = 1;
        if (*after == '[') {
            char *end;
            number = g_ascii_strtoull(after + 1, &end, 10);
            after = *end == ']' ? end + 1 : end;
        }
        xmlNode *child = child_element(node, path, name, MAX(number, 1));
        if (!child)
            break;
        node = child;
        path = after;
    }
    guint line = node ? xmlGetLineNo(node) : 0;
    xmlFreeDoc(doc);
    return line;
}
