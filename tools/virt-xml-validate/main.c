/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * virt-xml-validate: does a document follow the schema of its kind? First by RELAX NG, whose messages everybody knows; a
 * domain then also by the rules that a grammar cannot say, as the daemon would judge it.
 *
 * Status: 0 valid, 1 wrong usage, 2 no document, 3 no known kind or not valid, 4 no schema.
 */
#include "base/error.h"
#include "model/domain.h"
#include <getopt.h>
#include <libxml/parser.h>
#include <libxml/relaxng.h>
#include <stdio.h>
#include <unistd.h>

enum { STATUS_VALID, STATUS_USAGE, STATUS_NO_DOCUMENT, STATUS_INVALID, STATUS_NO_SCHEMA };

/* Root elements whose schema has another name. */
static const struct { const char *root, *schema; } renamed[] = {
    { "domainCapabilities", "domaincaps" }, { "storagepoolCapabilities", "storagepoolcaps" }, { "pool", "storagepool" },
    { "volume", "storagevol" }, { "device", "nodedev" }, { "capabilities", "capability" }, { "filter", "nwfilter" },
    { "filterbinding", "nwfilterbinding" },
};
/* And those that are named after it. */
static const char *const same[] = {
    "cpu", "domain", "domainbackup", "domaincheckpoint", "domainsnapshot", "interface", "network", "networkport", "secret",
    NULL,
};

static const char *schema_of_root(const char *root)
{
    for (guint i = 0; i < G_N_ELEMENTS(renamed); i++)
        if (g_str_equal(renamed[i].root, root))
            return renamed[i].schema;
    return g_strv_contains(same, root) ? root : NULL;
}

typedef struct Job {
    const char *program, *name, *folder;
    char *text;
    gsize len;
    xmlDocPtr doc;
} Job;

static int read_document(Job *job)
{
    g_autoptr(GError) error = NULL;
    gboolean from_stdin = g_str_equal(job->name, "-");
    if (!from_stdin && access(job->name, F_OK) < 0) {
        fprintf(stderr, "%s: document %s does not exist\n", job->program, job->name);
        return STATUS_NO_DOCUMENT;
    }
    if (!g_file_get_contents(from_stdin ? "/dev/stdin" : job->name, &job->text, &job->len, &error)) {
        fprintf(stderr, "%s: %s\n", job->program, error->message);
        return STATUS_NO_DOCUMENT;
    }
    if (job->len > XML_MAX_INPUT) {
        fprintf(stderr, "%s: document %s is longer than %d bytes\n", job->program, job->name, XML_MAX_INPUT);
        return STATUS_INVALID;
    }
    job->doc = xmlReadMemory(job->text, job->len, job->name, NULL, XML_PARSE_NONET);
    if (job->doc && xmlDocGetRootElement(job->doc))
        return STATUS_VALID;
    fprintf(stderr, "%s: cannot determine schema type for %s\n", job->program, job->name);
    return STATUS_INVALID;
}

/* Against the grammar; the library prints what is wrong. */
static int check_schema(const Job *job, const char *schema)
{
    g_autofree char *path = g_strdup_printf("%s/%s.rng", job->folder, schema);
    if (access(path, R_OK) < 0) {
        fprintf(stderr, "%s: schema %s does not exist\n", job->program, path);
        return STATUS_NO_SCHEMA;
    }
    xmlRelaxNGParserCtxtPtr parser = xmlRelaxNGNewParserCtxt(path);
    xmlRelaxNGPtr grammar = parser ? xmlRelaxNGParse(parser) : NULL;
    xmlRelaxNGFreeParserCtxt(parser);
    if (!grammar) {
        fprintf(stderr, "%s: schema %s is no RELAX NG grammar\n", job->program, path);
        return STATUS_NO_SCHEMA;
    }
    xmlRelaxNGValidCtxtPtr context = xmlRelaxNGNewValidCtxt(grammar);
    int ret = xmlRelaxNGValidateDoc(context, job->doc);
    xmlRelaxNGFreeValidCtxt(context);
    xmlRelaxNGFree(grammar);
    return ret == 0 ? STATUS_VALID : STATUS_INVALID;
}

static int check_rules(const Job *job)
{
    g_autoptr(XmlDiagnostics) diag = xml_diagnostics_new();
    g_autoptr(DomainDef) def = domain_def_parse(job->text, job->len, 0, diag);
    if (def)
        domain_def_validate(def, diag);
    for (guint i = 0; i < diag->problems->len; i++) {
        const XmlProblem *p = diag->problems->pdata[i];
        guint line = p->line ? p->line : p->path ? xml_line_of(job->text, job->len, p->path) : 0;
        fprintf(stderr, "%s:%u: %s: %s: %s\n", job->name, line, p->severity == XML_PROBLEM_ERROR ? "error" : "ignored",
                p->path ? p->path : "domain", p->message);
    }
    return diag->n_errors ? STATUS_INVALID : STATUS_VALID;
}

static int validate(Job *job, const char *schema)
{
    int status = read_document(job);
    if (status != STATUS_VALID)
        return status;
    const char *root = (const char *) xmlDocGetRootElement(job->doc)->name;
    if (!schema)
        schema = schema_of_root(root);
    if (!schema) {
        fprintf(stderr, "%s: cannot determine schema type for %s\n", job->program, job->name);
        return STATUS_INVALID;
    }
    status = check_schema(job, schema);
    if (status == STATUS_VALID && g_str_equal(schema, "domain"))
        status = check_rules(job);
    if (status != STATUS_NO_SCHEMA)
        fprintf(stderr, "%s %s\n", job->name, status == STATUS_VALID ? "validates" : "fails to validate");
    return status;
}

static void usage(FILE *out, const char *program)
{
    fprintf(out, "Usage:\n  %s XML-FILE [SCHEMA-NAME]\n  %s OPTION\n\nOptions:\n"
            "  -h | --help         Display program help\n"
            "  -V | --version      Display program version\n"
            "  -s | --schemas DIR  Take schemas from DIR instead of %s/schemas\n", program, program, PKGDATADIR);
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        { "help", no_argument, NULL, 'h' }, { "version", no_argument, NULL, 'V' },
        { "schemas", required_argument, NULL, 's' }, { NULL, 0, NULL, 0 },
    };
    Job job = { .program = argv[0], .folder = PKGDATADIR "/schemas" };
    int c;
    while ((c = getopt_long(argc, argv, "hVs:", options, NULL)) != -1) {
        switch (c) {
        case 'h':
            usage(stdout, argv[0]);
            return STATUS_VALID;
        case 'V':
            printf("%s (libvirt) %s\n", argv[0], PACKAGE_VERSION);
            return STATUS_VALID;
        case 's':
            job.folder = optarg;
            break;
        default:
            return STATUS_USAGE;
        }
    }
    if (argc == optind) {
        fprintf(stderr, "syntax: %s XMLFILE [TYPE]\n", argv[0]);
        return STATUS_USAGE;
    }
    job.name = argv[optind];
    int status = validate(&job, argv[optind + 1]);
    xmlFreeDoc(job.doc);
    g_free(job.text);
    xmlCleanupParser();
    return status;
}
