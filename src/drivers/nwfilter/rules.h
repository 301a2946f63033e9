/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Filters → rules of nftables, as text. No I/O.
 *
 * All is in one table of the family "bridge". A frame from a guest's interface is looked up in the map "from2" (hardware addresses, ARP, IP
 * without connections), and if nothing there drops it, in "from3" (protocols above, with the state of their connections); one to the
 * guest in "to2" and "to3". The maps lead to the interface's own chains: so one interface more or less changes four elements, and a frame
 * costs two lookups however many interfaces there are.
 */
#pragma once
#include "drivers/nwfilter/learning.h"

#define NWFILTER_TABLE "bridge libvirt_nwfilter"
/** The set of the table that tells of each interface, in a comment, whose it is and of which rules (NwfilterRules.stamp). Nothing is looked up in it. */
#define NWFILTER_STAMPS "stamps"
/** Command that takes away an interface's, for printf. */
#define NWFILTER_STAMP_REMOVAL "delete element " NWFILTER_TABLE " " NWFILTER_STAMPS " { \"%s\" }\n"
/** Most rules of one interface: references may multiply, and variables with long lists. */
#define NWFILTER_MAX_RULES 20000

/** Commands, one a line, that take away what an interface has, but for the set of addresses; in this order. */
typedef struct NwfilterRemoval {
    char *unlink;          /**< The elements that lead to its chains. */
    char *flush, *drop;    /**< The rules of its chains, and the chains. */
    char *sets;            /**< What its rules count in, and its stamp. */
} NwfilterRemoval;

void nwfilter_removal_clear(NwfilterRemoval *removal);
NwfilterRemoval nwfilter_removal_copy(const NwfilterRemoval *removal);
/** Append all that takes away what there is. */
void nwfilter_removal_write(const NwfilterRemoval *removal, GString *commands);
/** Append what makes room for the rules of @now, before the commands that make them (@before) or after them. Chains and elements that both have
 * stay: the kernel changes rules of a chain at once for each packet, but not what leads to another chain. */
void nwfilter_removal_write_changed(const NwfilterRemoval *was, const NwfilterRemoval *now, gboolean before, GString *commands);

/** The rules of one interface. */
typedef struct NwfilterRules {
    char *text;            /**< Commands that make its chains and elements; chains may be there, empty, and so may elements. */
    NwfilterRemoval remove; /**< What takes away all that @text makes. */
    char *stamp;           /**< UUID and hardware address of whose it is, and a digest of the rules. */
    char *set;             /**< Name of the set of learnt addresses (learning.h), which @text makes if it isn't there; NULL: none. */
    LearningMode mode;     /**< How it is filled. */
    gboolean connections;  /**< The kernel must follow connections in bridges. */
} NwfilterRules;

/** Whether two stamps are of the same guest's same interface. */
gboolean nwfilter_stamp_is_of_same(const char *one, const char *other);

void nwfilter_rules_clear(NwfilterRules *rules);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(NwfilterRules, nwfilter_rules_clear)

/** The table with its base chains and maps; harmless where they are there already. */
extern const char nwfilter_rules_base[];

/** Make the rules of @binding. @filters: all that it needs, its own first. 0; -1 with VIR_ERR_INTERNAL_ERROR for variables without values
 * or with values that don't fit, VIR_ERR_CONFIG_UNSUPPORTED for what nftables can't do. */
int nwfilter_rules_make(const NwfilterBindingDef *binding, const NwfilterDef *const *filters, guint n, NwfilterRules *rules);
/** The rules of one that nothing may pass. */
void nwfilter_rules_block(const NwfilterBindingDef *binding, NwfilterRules *rules);
