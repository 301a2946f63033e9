/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * <cpu> elements that stand alone: a host's, as in capabilities, or a guest's.
 */
#pragma once
#include <glib.h>

typedef enum { CPU_POLICY_REQUIRE, CPU_POLICY_FORCE, CPU_POLICY_OPTIONAL, CPU_POLICY_DISABLE, CPU_POLICY_FORBID } CpuPolicy;

typedef struct CpuDocFeature {
    char *name;
    CpuPolicy policy; /* of a host's: CPU_POLICY_REQUIRE, whatever it says */
} CpuDocFeature;

typedef struct CpuDocument {
    gboolean guest;      /* it has a match, or no architecture */
    gboolean strict;     /* match='strict' */
    char *arch;          /* NULL: a guest's */
    char *model;         /* NULL: a guest's that names none */
    char *vendor;        /* NULL if it isn't told */
    GArray *features;    /* CpuDocFeature */
} CpuDocument;

typedef enum {
    CPU_DOCUMENT_HOST = 1 << 0,   /**< A guest's is refused. */
    CPU_DOCUMENT_STRICT = 1 << 1, /**< So are elements and attributes that no <cpu> has. */
} CpuDocumentFlags;

/** Read one; NULL with an error: VIR_ERR_XML_ERROR, VIR_ERR_XML_DETAIL, VIR_ERR_CONFIG_UNSUPPORTED for what it says,
 * VIR_ERR_XML_INVALID_SCHEMA if it is read strictly. */
CpuDocument *cpu_document_read(const char *text, unsigned flags);
void cpu_document_free(CpuDocument *cpu);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(CpuDocument, cpu_document_free)
