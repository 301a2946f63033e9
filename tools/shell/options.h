/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the shell's own files share. */
#pragma once

#include <glib-unix.h>

#include "tools/shell/shell.h"

/* Runs a command, or explains it if it was given --help. */
bool shell_run_or_help(Shell *shell, const Cmd *cmd);
/* Runs the words of main() as one command. */
bool shell_run_argv(Shell *shell, char **argv, int argc);
/* Parses the program's options. Returns the index of the first word after them, or -1 when *status is all there is
 * to do. */
int shell_options(Shell *shell, int argc, char **argv, int *status);
