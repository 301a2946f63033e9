/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Rules about network filters and their bindings that the tables in schema/ can't say.
 */
#pragma once
#include "model/nwfilter_def.h"
#include "model/nwfilterbinding_def.h"

/** Complete a new filter (chain, priorities) and check it. 0, or -1 with an error whose text begins with the path of what is
 * wrong. */
int nwfilter_complete(NwfilterDef *def);
/** The same for a binding. */
int nwfilter_binding_complete(NwfilterBindingDef *def);

/** Value of an attribute: what the text says, in the form that is printed; or a variable ($NAME, $NAME[INDEX],
 * $NAME[@ITERATOR]) where that may stand. */
XmlForm xml_form_filter_number, xml_form_filter_decimal, xml_form_filter_mac, xml_form_filter_mac_mask, xml_form_filter_ipv4,
    xml_form_filter_ipv6, xml_form_filter_mask4, xml_form_filter_mask6, xml_form_filter_ethertype, xml_form_filter_opcode,
    xml_form_filter_ip_protocol, xml_form_filter_bool, xml_form_filter_state, xml_form_filter_tcp_flags, xml_form_filter_ipset,
    xml_form_filter_ipset_flags, xml_form_filter_comment;

/** Number of a value that the function of the same name above has put into its form (never a variable). */
guint nwfilter_ethertype_number(const char *text);
guint nwfilter_opcode_number(const char *text);
guint nwfilter_ip_protocol_number(const char *text);
