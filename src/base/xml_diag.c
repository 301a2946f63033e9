/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The list of problems of a document.
 */
#include "base/xml.h"

#define ERROR_DOMAIN VIR_FROM_XML
#include "base/error.h"

static void problem_free(gpointer data)
{
    XmlProblem *problem = data;

    g_free(problem->path);
    g_free(problem->message);
    g_free(problem);
}

XmlDiagnostics *xml_diagnostics_new(void)
{
    XmlDiagnostics *diag = g_new0(XmlDiagnostics, 1);

    diag->problems = g_ptr_array_new_with_free_func(problem_free);
    return diag;
}

void xml_diagnostics_free(XmlDiagnostics *diag)
{
    if (!diag)
        return;
    g_ptr_array_unref(diag->problems);
    g_free(diag);
}

void xml_diagnostics_add(XmlDiagnostics *diag, XmlSeverity severity, int code, guint line, const char *path,
                         const char *fmt, ...)
{
    guint *count = severity == XML_PROBLEM_ERROR ? &diag->n_errors : &diag->n_ignored;
    /* What was ignored must not crowd out the first error. */
    bool keep = diag->problems->len < XML_MAX_PROBLEMS || (severity == XML_PROBLEM_ERROR && *count == 0);
    va_list args;

    (*count)++;
    if (!keep)
        return;
    XmlProblem *problem = g_new0(XmlProblem, 1);
    problem->severity = severity;
    problem->code = code;
    problem->line = line;
    problem->path = g_strdup(path);
    va_start(args, fmt);
    problem->message = g_strdup_vprintf(fmt, args);
    va_end(args);
    g_ptr_array_add(diag->problems, problem);
}

static void append_problem(GString *text, const XmlProblem *problem)
{
    if (problem->line)
        g_string_append_printf(text, "line %u: ", problem->line);
    g_string_append_printf(text, "%s: %s", problem->path, problem->message);
}

/* The first error, then the other errors, then what is ignored, which may be why something is missing. */
static GPtrArray *in_order_of_weight(const XmlDiagnostics *diag)
{
    static const XmlSeverity order[] = { XML_PROBLEM_ERROR, XML_PROBLEM_IGNORED };
    GPtrArray *sorted = g_ptr_array_new();

    for (guint k = 0; k < G_N_ELEMENTS(order); k++) {
        for (guint i = 0; i < diag->problems->len; i++) {
            const XmlProblem *problem = diag->problems->pdata[i];
            if (problem->severity == order[k])
                g_ptr_array_add(sorted, (gpointer)problem);
        }
    }
    return sorted;
}

int xml_diagnostics_report(const XmlDiagnostics *diag, int domain)
{
    if (!diag->n_errors)
        return 0;
    g_autoptr(GPtrArray) problems = in_order_of_weight(diag);
    g_autoptr(GString) text = g_string_new(NULL);
    const XmlProblem *first = problems->pdata[0];
    guint shown = MIN(problems->len, XML_REPORTED_PROBLEMS), all = diag->n_errors + diag->n_ignored;

    append_problem(text, first);
    for (guint i = 1; i < shown; i++) {
        g_string_append_c(text, '\n');
        append_problem(text, problems->pdata[i]);
    }
    if (all > shown)
        g_string_append_printf(text, "\nand %u more", all - shown);
    error_report(domain, first->code, "%s", text->str);
    return -1;
}
