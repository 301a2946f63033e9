/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * CPU models by name, without asking a hypervisor: what architectures have names for, and the CPU that several hosts share.
 */
#pragma once
#include <glib.h>

/** Names of the CPU models of @arch, oldest first; an empty list: any name will do. NULL-terminated, to be freed with
 * g_strfreev(). NULL with VIR_ERR_INVALID_ARG of @domain (no such architecture) or VIR_ERR_NO_SUPPORT (its models are not
 * known). */
char **cpu_model_names(const char *arch, int domain);

/** The best CPU that all hosts can offer whose <cpu> documents are given: text of a <cpu> element for a guest, caller frees.
 * @expand: with all features, also those that its model has anyway. NULL with an error: VIR_ERR_XML_ERROR and
 * VIR_ERR_CONFIG_UNSUPPORTED for a document, VIR_ERR_INTERNAL_ERROR for a model or feature that nobody knows,
 * VIR_ERR_OPERATION_FAILED for CPUs that don't go together, VIR_ERR_NO_SUPPORT for the architecture of the first. */
char *cpu_baseline(const char *const *documents, guint n, gboolean expand);
