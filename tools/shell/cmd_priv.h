/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A parsed command, between parser and accessors. */
#pragma once

#include "tools/shell/shell.h"

struct Cmd {
    const ShellCommand *command;
    size_t count;       /* options of the command */
    GPtrArray **values; /* per option: NULL, or words (none for a bool), NULL-ended */
    bool help;          /* --help was given */
};

Cmd *cmd_new(const ShellCommand *command);
/* Adds a word (or marks a bool, with NULL). */
void cmd_add(Cmd *cmd, size_t option, const char *word);
