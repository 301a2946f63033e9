/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What snapshots and checkpoints have in common: both are moments in the life of a domain, and form a tree. */
#pragma once

#include "tools/virsh/virsh.h"

/* One of the two kinds. The functions take and return pointers of its type. */
typedef struct {
    const char *what; /* "snapshot" */
    const char *root; /* name of its XML element */
    int none;         /* the error where there is no parent */
    unsigned int descendants; /* the flag that lists all of them */
    const char *(*name)(void *moment);
    char *(*xml)(void *moment, unsigned int flags);
    void *(*parent)(void *moment);
    void *(*create)(virDomainPtr domain, const char *xml, unsigned int flags);
    int (*list)(virDomainPtr domain, void ***moments, unsigned int flags);
    int (*children)(void *moment, void ***moments, unsigned int flags);
    int (*free)(void *moment);
} MomentKind;

/* The options of KIND-list, from `from` (NULL: of the whole domain). */
bool moment_list(Shell *shell, const Cmd *cmd, const MomentKind *kind, virDomainPtr domain, void *from);
bool moment_print_parent(Shell *shell, const Cmd *cmd, const MomentKind *kind, void *moment);
/* Parent and numbers of children and descendants as fields of an info command; false: an error is pending. */
bool moment_family(const MomentKind *kind, void *moment, VirshRecord *record);
/* The XML of --xmlfile, or an empty element. NULL after an error printed. */
char *moment_file(Shell *shell, const Cmd *cmd, const MomentKind *kind);
/* Creates it and says so. */
bool moment_create(Shell *shell, const Cmd *cmd, const MomentKind *kind, virDomainPtr domain, const char *xml,
                   const char *file);
/* Begins the XML that KIND-create-as builds: name and description. False after an error printed. */
bool moment_begin_xml(Shell *shell, const Cmd *cmd, const MomentKind *kind, GString *xml);
/* Words of a specification as NAME,KEY=VALUE...; a comma in a value is doubled. */
char **moment_spec(const char *text);
/* The value if `word` is KEY=VALUE, or NULL. */
const char *moment_spec_value(const char *word, const char *key);
