/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * virt-host-validate: can this machine run guests, and what mends it if not. Text or JSON.
 */
#include "host_validate.h"
#include <getopt.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *const result_words[] = { [CHECK_PASS] = "PASS", [CHECK_WARN] = "WARN", [CHECK_FAIL] = "FAIL" };
static const char *const result_colours[] = { [CHECK_PASS] = "\033[32m", [CHECK_WARN] = "\033[34m", [CHECK_FAIL] = "\033[31m" };

typedef struct Hypervisor {
    const char *name, *title;
    void (*run)(Report *report);
} Hypervisor;

static const Hypervisor hypervisors[] = {
    { "qemu", "QEMU", validate_qemu },
    { "lxc", "LXC", validate_lxc },
};

static void print_text(const Report *report, const char *title)
{
    gboolean colour = isatty(STDOUT_FILENO);
    for (guint i = 0; i < report->findings->len; i++) {
        const Finding *f = &g_array_index(report->findings, Finding, i);
        g_autofree char *what = g_strdup_printf("Checking %s", f->check);
        printf("%6s: %-69s: %s%s%s", title, what, colour ? result_colours[f->result] : "", result_words[f->result],
               colour ? "\033[0m" : "");
        if (f->result != CHECK_PASS)
            printf(" (%s)", f->remedy);
        printf("\n");
    }
}

static json_object *as_json(const Report *report, const char *name)
{
    json_object *object = json_object_new_object();
    json_object *checks = json_object_new_array();
    json_object_object_add(object, "hypervisor", json_object_new_string(name));
    json_object_object_add(object, "checks", checks);
    for (guint i = 0; i < report->findings->len; i++) {
        const Finding *f = &g_array_index(report->findings, Finding, i);
        json_object *item = json_object_new_object();
        g_autofree char *word = g_ascii_strdown(result_words[f->result], -1);
        json_object_object_add(item, "check", json_object_new_string(f->check));
        json_object_object_add(item, "result", json_object_new_string(word));
        if (f->result != CHECK_PASS)
            json_object_object_add(item, "remedy", json_object_new_string(f->remedy));
        json_object_array_add(checks, item);
    }
    return object;
}

static void usage(FILE *out, const char *program)
{
    fprintf(out, "\nsyntax: %s [OPTIONS] [HVTYPE]\n\n Hypervisor types:\n\n", program);
    for (guint i = 0; i < G_N_ELEMENTS(hypervisors); i++)
        fprintf(out, "   - %s\n", hypervisors[i].name);
    fprintf(out, "\n Options:\n"
            "   -h, --help           Display command line help\n"
            "   -v, --version        Display command version\n"
            "   -q, --quiet          Don't display progress information\n"
            "       --format FORMAT  text or json\n"
            "       --root DIR       Look at the proc, sys and dev folders below DIR\n\n");
}

typedef struct Options {
    const char *only, *root;
    gboolean quiet, json;
} Options;

static const struct option long_options[] = {
    { "help", no_argument, NULL, 'h' }, { "version", no_argument, NULL, 'v' }, { "quiet", no_argument, NULL, 'q' },
    { "format", required_argument, NULL, 'f' }, { "root", required_argument, NULL, 'r' }, { NULL, 0, NULL, 0 },
};

/* Exit status, or -1 to go on. */
static int parse_options(int argc, char **argv, Options *options)
{
    int c;
    while ((c = getopt_long(argc, argv, "hvq", long_options, NULL)) != -1) {
        switch (c) {
        case 'h':
            usage(stdout, argv[0]);
            return 0;
        case 'v':
            printf("version: %s %s\n", argv[0], PACKAGE_VERSION);
            return 0;
        case 'q':
            options->quiet = TRUE;
            break;
        case 'r':
            options->root = optarg;
            break;
        case 'f':
            options->json = strcmp(optarg, "json") == 0;
            if (options->json || strcmp(optarg, "text") == 0)
                break;
            fprintf(stderr, "%s: unknown format '%s', must be text or json\n", argv[0], optarg);
            return 1;
        default:
            usage(stderr, argv[0]);
            return 1;
        }
    }
    if (argc - optind > 1) {
        fprintf(stderr, "%s: too many command line arguments\n", argv[0]);
        usage(stderr, argv[0]);
        return 1;
    }
    options->only = argv[optind];
    return -1;
}

int main(int argc, char **argv)
{
    Options options = { .root = "" };
    int status = parse_options(argc, argv, &options);
    if (status >= 0)
        return status;
    json_object *all = json_object_new_array();
    gboolean known = FALSE, failed = FALSE;
    for (guint i = 0; i < G_N_ELEMENTS(hypervisors); i++) {
        if (options.only && strcmp(options.only, hypervisors[i].name) != 0)
            continue;
        known = TRUE;
        Report report;
        report_init(&report, options.root);
        hypervisors[i].run(&report);
        failed |= report.failed;
        if (!options.quiet && !options.json)
            print_text(&report, hypervisors[i].title);
        json_object_array_add(all, as_json(&report, hypervisors[i].name));
        report_clear(&report);
    }
    if (!known)
        fprintf(stderr, "%s: unsupported hypervisor name %s\n", argv[0], options.only);
    else if (options.json)
        printf("%s\n", json_object_to_json_string_ext(all, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_NOSLASHESCAPE));
    json_object_put(all);
    return known && !failed ? 0 : 1;
}
