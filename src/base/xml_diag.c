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

int xml_diagnostics_report(const XmlDiagnostics *diag, int domain)
{
    for (guint i = 0; i < diag->problems->len; i++) {
        const XmlProblem *problem = diag->problems->pdata[i];
        if (problem->severity != XML_PROBLEM_ERROR)
            continue;
        if (problem->line)
            error_report(domain, problem->code, "line %u: %s: %s", problem->line, problem->path, problem->message);
        else
            error_report(domain, problem->code, "%s: %s", problem->path, problem->message);
        return -1;
    }
    return 0;
}
