/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Destinations of the log. Private to log.c.
 */
#pragma once
#include "base/log.h"

/** A message on its way. */
typedef struct {
    LogLevel level;
    const char *source;
    const char *file;
    int line;
    const char *func; /* NULL: a headline of the program itself */
    const char *text;
} LogMessage;

typedef struct LogOutput LogOutput;

/** Open "LEVEL:DESTINATION[:NAME]". NULL with an error set. */
LogOutput *log_output_open(const char *item);
void log_output_close(LogOutput *output);

/** "LEVEL:DESTINATION[:NAME]"; valid as long as @output. */
const char *log_output_text(const LogOutput *output);
/** Whether both go to the same place. */
bool log_output_same(const LogOutput *a, const LogOutput *b);
LogLevel log_output_level(const LogOutput *output);

/** Calls for one output must not overlap. */
void log_output_write(LogOutput *output, const LogMessage *message);

/** Digit and colon of "LEVEL:…"; 0 (no error set) if there is no valid level. */
int log_level_parse(const char *item);
