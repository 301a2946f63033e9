/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Typed parameters of domains. A table says for each group of them (a pair of public functions) which parameters there
 * are, of what type, within which limits, and where in the definition they live; what is here reads and sets them by
 * that table. Internal to the domain core.
 */
#pragma once
#include "domain/backend.h"

/** Most parameters that one call may set. */
#define PARAMS_MAX 64

typedef enum {
    PARAM_NUMBER,  /* a number, or a bool */
    PARAM_LIMIT,   /* a number whose absence is VIR_DOMAIN_MEMORY_PARAM_UNLIMITED */
    PARAM_ENUM,    /* an enum of the schema: the public value is one less; absent is the first */
    PARAM_TEXT,    /* a string; absent is "" */
    PARAM_SET,     /* a Bitmap as text; absent is "" */
    PARAM_CUSTOM,  /* the group's get and set functions know */
} ParamForm;

typedef struct Param {
    const char *name;
    guint8 type;         /* virTypedParameterType */
    guint8 form;         /* ParamForm */
    guint8 bytes;        /* width of a number */
    guint8 at;           /* which of the group's sections holds it */
    guint32 offset;      /* in that section */
    guint32 has;         /* in that section: a bool that says whether it was given; 0: there is none */
    gint64 min, max;     /* of numbers; both 0: any */
    gint64 running;      /* what a guest that runs has if nothing is said; 0 included */
} Param;

/** Pointer to follow to a section, and what is made if it is NULL. The last one has no desc. */
typedef struct ParamStep { size_t offset; const XmlDesc *desc; } ParamStep;
#define PARAM_STEPS 3

/** One change: to @owner (see ParamGroup.find) in @def. */
struct ParamChange {
    const ParamGroup *group;
    const DomainBackend *backend;
    DomainDef *def;
    void *owner;
    const DomainDef *running; /* the definition of the run as it was before, NULL: there is none */
    const char *key;     /* the device's name as given, or NULL */
    guint id;            /* the I/O thread */
    virTypedParameterPtr params;
    int n;
};

struct ParamGroup {
    const char *what;        /* "memory parameters" */
    const Param *params;
    guint n;
    const ParamStep (*sections)[PARAM_STEPS];  /* NULL: the owner itself is the only section */
    /** What the parameters belong to; NULL with an error. Not set: the definition. */
    void *(*find)(DomainDef *def, const char *key, guint id);
    /** Set all (not set: one after the other, as the table says). 0, or -1. */
    int (*apply)(ParamChange *change);
    /** Rules between the values once they are set. 0, or -1. */
    int (*check)(ParamChange *change);
    /** What can't be changed while the guest runs; called with change->running. 0, or -1. */
    int (*check_live)(const ParamChange *change);
    /** For PARAM_CUSTOM. */
    void (*get)(const Param *param, const void *owner, TypedList *list);
    int (*set)(const Param *param, void *owner, const virTypedParameter *value);
};

extern const ParamGroup params_memory, params_blkio, params_cpu, params_numa, params_interface, params_iotune, params_throttle, params_perf,
    params_iothread;
/** A scheduler with nothing but a weight, which is always 50. */
extern const ParamGroup params_fair;

/** Append all parameters of @owner. @running: it is of a running guest, which has something of what isn't said, too. */
void params_get(const ParamGroup *group, const void *owner, gboolean running, TypedList *list);
/** Whether names and types are known, nothing is there twice and numbers are within the table's limits. 0, or -1. */
int params_validate(const ParamGroup *group, virTypedParameterPtr params, int n);
/** Set what params_validate() found right, by the group's rules; change->owner is filled in. On failure change->def may be
 * half changed and must be thrown away. 0, or -1. */
int params_set(ParamChange *change);

/** Set one parameter of the table in the section @section. */
int param_store(const Param *param, void *section, const virTypedParameter *value);
/** The parameter of this name, NULL if there is none. */
const Param *params_find(const ParamGroup *group, const char *name);
