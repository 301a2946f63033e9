/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Command line of libvirtd.
 */
#pragma once
#include <glib.h>
#include <stdbool.h>

typedef enum { OPTIONS_RUN, OPTIONS_CHECK, OPTIONS_HELP, OPTIONS_VERSION } OptionsAction;

typedef struct {
    OptionsAction action;
    bool verbose;
    bool daemon;
    bool listen;
    unsigned timeout;  /* seconds, 0: none */
    char *config;      /* absolute; NULL: the usual place */
    char *pid_file;    /* absolute; NULL: the usual place */
    char *root;        /* absolute; "" if everything is in its real place */
} Options;

/** Read the command line. 0, or -1 after having told standard error what is wrong. */
int options_parse(Options *options, int argc, char **argv);
void options_clear(Options *options);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Options, options_clear)
