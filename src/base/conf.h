/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Configuration files by table. config/ describes the keys of each file; from that come a C struct and a ConfSchema,
 * which this runtime interprets: defaults, reading, checks, freeing. A key that the table doesn't know is a
 * warning (the file may be another version's), and so is one that asks for something which isn't there yet or no longer; a value
 * of the wrong type or out of range is an error; each problem tells
 * file, line, key and what would be right.
 */
#pragma once
#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum {
    CONF_BOOL,           /**< int: 0 or 1; -1 if it has no constant default and isn't set */
    CONF_INT,            /**< unsigned int */
    CONF_SIGNED,         /**< int */
    CONF_BYTES,          /**< guint64: a number, or a string "10MiB" */
    CONF_STRING,         /**< char *, NULL if not set */
    CONF_STRING_LIST,    /**< char **, NULL if not set */
    CONF_STRING_OR_LIST, /**< the same */
    CONF_INT_OR_STRING,  /**< char *: the number as text */
} ConfType;

typedef struct {
    const char *name;
    ConfType type;
    size_t offset;             /* in the struct */
    const char *default_text;  /* a number, or a string; NULL */
    const char *const *items;  /* default or allowed values follow */
    const char *const *values; /* allowed strings; NULL: any */
    int64_t min, max;          /* of numbers */
    bool ignored;              /* accepted for old files, without effect */
    bool later;                /* accepted, without effect so far */
} ConfKey;

typedef struct {
    const char *file; /* "libvirtd.conf" */
    size_t size;      /* of the struct */
    const ConfKey *keys;
    size_t n_keys;
} ConfSchema;

typedef struct {
    bool error; /* else a warning */
    int line;   /* 0: of the whole file */
    char *text; /* "FILE:LINE: …" */
} ConfProblem;

/** Everything that was found; zero-initialise. */
typedef struct {
    GPtrArray *problems; /* of ConfProblem, NULL if none */
} ConfReport;

void conf_report_clear(ConfReport *report);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(ConfReport, conf_report_clear)

/** Add a problem of the caller's own finding. @line 0: the whole file. */
void conf_report_add(ConfReport *report, bool error, const char *file, int line, const char *fmt, ...) G_GNUC_PRINTF(5, 6);

/** Fill @conf (a struct of @schema's, not yet filled) with the defaults. */
void conf_init(const ConfSchema *schema, void *conf);
/** Free what @conf holds, and zero it. */
void conf_clear(const ConfSchema *schema, void *conf);

/** Fill @conf (not yet filled) with the defaults and what file @path sets. A missing file is no problem if @may_miss.
 * All problems go to @report (may be NULL). Returns 0; -1 with an error set, the first of the problems, and @conf empty. */
int conf_load(const ConfSchema *schema, const char *path, bool may_miss, void *conf, ConfReport *report);

/** The same from a text; @name is the file's name in problems. */
int conf_load_text(const ConfSchema *schema, const char *text, size_t len, const char *name, void *conf,
                   ConfReport *report);

/** Read "10", "64k", "2MiB", "1GB": KB MB … powers of 1000; k M G T P E and KiB MiB … powers of 1024; b: bytes.
 * Returns 0; -1 (no error set) if malformed or beyond 64 bits. */
int conf_bytes_parse(const char *text, guint64 *bytes);

/** The name among @names (NULL-terminated) that @name is most likely meant to be; NULL if none is near. */
const char *conf_nearest(const char *name, const char *const *names);
