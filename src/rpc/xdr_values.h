/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Wire values that aren't plain records: typed parameters, errors, events.
 */
#pragma once
#include "core/event.h"
#include "rpc/xdr.h"

void xdr_put_typed_params(XdrOut *out, virTypedParameterPtr params, int n, size_t max);
/** Owned array (virTypedParamsFree), NULL if none. */
virTypedParameterPtr xdr_get_typed_params(XdrIn *in, size_t max, int *n);

/** This thread's error as the body of a failed reply. */
void xdr_put_error(XdrOut *out);
/** Set this thread's error from the body of a failed reply. */
void xdr_get_error(XdrIn *in);

/** The body of an event: with @callback_id >= 0 the new form, else the legacy one. */
void xdr_put_event(XdrOut *out, const Event *event, int callback_id);
/** The event of a message body, NULL on failure; *@callback_id is -1 for the legacy form. */
Event *xdr_get_event(XdrIn *in, const EventDesc *desc, gboolean legacy, int *callback_id);
