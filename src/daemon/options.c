/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Command line of libvirtd. Paths are made absolute here, as the daemon leaves its folder later.
 */
#include "daemon/options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#define TIMEOUT_MAX (100 * 365 * 86400u)

enum { ONLY_LONG_CHECK = 256, ONLY_LONG_ROOT };

static const struct option long_options[] = {
    { "help", no_argument, NULL, 'h' },
    { "verbose", no_argument, NULL, 'v' },
    { "daemon", no_argument, NULL, 'd' },
    { "listen", no_argument, NULL, 'l' },
    { "timeout", required_argument, NULL, 't' },
    { "config", required_argument, NULL, 'f' },
    { "version", no_argument, NULL, 'V' },
    { "pid-file", required_argument, NULL, 'p' },
    { "check", no_argument, NULL, ONLY_LONG_CHECK },
    { "root", required_argument, NULL, ONLY_LONG_ROOT },
    { NULL, 0, NULL, 0 },
};

static int read_timeout(Options *options, const char *name, const char *text)
{
    char *end = NULL;
    errno = 0;
    guint64 value = g_ascii_isdigit(text[0]) ? g_ascii_strtoull(text, &end, 10) : 0;
    if (!end || *end || errno || value == 0 || value > TIMEOUT_MAX) {
        fprintf(stderr, "%s: timeout '%s' is not a number of seconds from 1 to %u\n", name, text, TIMEOUT_MAX);
        return -1;
    }
    options->timeout = value;
    return 0;
}

static void set_path(char **field, const char *text)
{
    g_free(*field);
    *field = g_canonicalize_filename(text, NULL);
}

static int take_option(Options *options, int c, const char *name)
{
    switch (c) {
    case 'h':
        options->action = OPTIONS_HELP;
        return 0;
    case 'V':
        options->action = OPTIONS_VERSION;
        return 0;
    case ONLY_LONG_CHECK:
        options->action = OPTIONS_CHECK;
        return 0;
    case 'v':
        options->verbose = true;
        return 0;
    case 'd':
        options->daemon = true;
        return 0;
    case 'l':
        options->listen = true;
        return 0;
    case 't':
        return read_timeout(options, name, optarg);
    case 'f':
        set_path(&options->config, optarg);
        return 0;
    case 'p':
        set_path(&options->pid_file, optarg);
        return 0;
    case ONLY_LONG_ROOT:
        set_path(&options->root, optarg);
        return 0;
    default:
        return -1; /* getopt has told */
    }
}

int options_parse(Options *options, int argc, char **argv)
{
    *options = (Options){ .root = g_strdup("") };
    int c;
    optind = 1;
    while ((c = getopt_long(argc, argv, "hvdlt:f:Vp:", long_options, NULL)) != -1) {
        if (take_option(options, c, argv[0]) < 0) {
            fprintf(stderr, "Try '%s --help'.\n", argv[0]);
            return -1;
        }
    }
    if (optind < argc) {
        fprintf(stderr, "%s: unexpected argument '%s'\nTry '%s --help'.\n", argv[0], argv[optind], argv[0]);
        return -1;
    }
    return 0;
}

void options_clear(Options *options)
{
    g_clear_pointer(&options->config, g_free);
    g_clear_pointer(&options->pid_file, g_free);
    g_clear_pointer(&options->root, g_free);
}
