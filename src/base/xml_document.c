/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Text to tree: libxml2 with everything switched off that reaches outside of the document or makes it grow.
 * libxml2 itself bounds depth (256) and the length of single texts (10 MB) when it isn't told otherwise.
 */
#include "base/xml.h"
#include <libxml/parser.h>
#include <libxml/parserInternals.h>
#include <string.h>

#define ERROR_DOMAIN VIR_FROM_XML
#include "base/error.h"

/* Longest piece of the faulty line shown in an error. */
#define MAX_EXCERPT 80

/* The document type would come before anything else; the parser stops there, so that no entity is ever declared. */
static void refuse_doctype(void *ctxt, const xmlChar *name, const xmlChar *external, const xmlChar *system)
{
    ((xmlParserCtxtPtr)ctxt)->_private = (void *)"document type declarations are not allowed";
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

static void report(xmlParserCtxtPtr ctxt, const char *text, size_t len, const char *what, int domain)
{
    const xmlError *err = xmlCtxtGetLastError(ctxt);
    const char *why = ctxt->_private ?: err && err->message ? err->message : "not an XML document";
    size_t at = ctxt->input ? (size_t)xmlByteConsumed(ctxt) : 0;
    int line = err && err->line ? err->line : ctxt->input ? ctxt->input->line : 1;
    int column;
    g_autofree char *shown = excerpt(text, len, at, &column);
    g_autofree char *reason = g_strchomp(g_strdup(why));

    error_report(domain, VIR_ERR_XML_DETAIL, "%s:%d: %s\n%s\n%*s^", what, line, reason, shown, column, "");
}

xmlDoc *xml_document_parse(const char *text, size_t len, const char *what, int domain)
{
    if (len > XML_MAX_INPUT) {
        error_report(domain, VIR_ERR_XML_DETAIL, "%s: the document is %zu bytes long, at most %d are accepted", what, len,
                     XML_MAX_INPUT);
        return NULL;
    }
    xmlParserCtxtPtr ctxt = xmlCreateMemoryParserCtxt(len ? text : " ", len ? len : 1);
    if (!ctxt) {
        error_report(domain, VIR_ERR_INTERNAL_ERROR, "%s: cannot make an XML parser", what);
        return NULL;
    }
    xmlCtxtUseOptions(ctxt, XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING | XML_PARSE_NOCDATA |
                      XML_PARSE_BIG_LINES | XML_PARSE_COMPACT);
    ctxt->sax->internalSubset = refuse_doctype;
    ctxt->_private = NULL;
    xmlParseDocument(ctxt);
    xmlDoc *doc = ctxt->myDoc;
    bool good = ctxt->wellFormed && !ctxt->_private && doc && xmlDocGetRootElement(doc);
    if (!good) {
        report(ctxt, text, len, what, domain);
        xmlFreeDoc(doc);
        doc = NULL;
    }
    ctxt->myDoc = NULL;
    xmlFreeParserCtxt(ctxt);
    return doc;
}
