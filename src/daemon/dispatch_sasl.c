/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Authentication by SASL. A client learns only that it failed; why stands in the log.
 */
#define ERROR_DOMAIN VIR_FROM_RPC
#define LOG_SOURCE "daemon.auth"
#include "base/error.h"
#include "base/log.h"
#include "daemon/dispatch_priv.h"
#include "rpc/wire_protocol.h"
#include <string.h>

/* The attempt ends, and with it the connection: another needs a new one. */
static int refuse(DispatchCall *call, SaslSession *session)
{
    LOG_WARN("client %" G_GUINT64_FORMAT ": %s", server_client_id(call->client), error_message());
    sasl_session_free(session);
    call->close_after = TRUE;
    return FAIL(VIR_ERR_AUTH_FAILED, "authentication failed");
}

/* What a step works on belongs to it alone, whatever else the client sends meanwhile. */
static SaslSession *take(DispatchCall *call)
{
    g_mutex_lock(&call->state->lock);
    SaslSession *session = g_steal_pointer(&call->state->sasl);
    g_mutex_unlock(&call->state->lock);
    if (!session)
        error_report(ERROR_DOMAIN, VIR_ERR_AUTH_FAILED, "no authentication by SASL is under way");
    return session;
}

/* -1 if there is one already: the client has sent two calls at once. */
static int put_back(DispatchCall *call, SaslSession *session)
{
    g_mutex_lock(&call->state->lock);
    gboolean first = !call->state->sasl;
    if (first)
        call->state->sasl = session;
    g_mutex_unlock(&call->state->lock);
    return first ? 0 : FAIL(VIR_ERR_AUTH_FAILED, "another authentication by SASL is under way");
}

int dispatch_auth_sasl_init(DispatchCall *call)
{
    if (dispatch_args_done(call) < 0)
        return -1;
    if (server_client_auth(call->client) != SERVER_AUTH_SASL || server_client_authenticated(call->client))
        return FAIL(VIR_ERR_AUTH_FAILED, "no authentication by SASL is wanted here");
    SaslBase base = server_client_base(call->client);
    SaslSession *session = sasl_session_new_server(&base, server_client_sasl_rules(call->client));
    g_autofree char *mechanisms = session ? sasl_session_mechanisms(session) : NULL;
    if (!mechanisms || put_back(call, session) < 0)
        return refuse(call, session);
    xdr_put_string(&call->out, mechanisms);
    return 0;
}

static int done(DispatchCall *call, SaslSession *session)
{
    if (sasl_session_check(session) < 0)
        return -1;
    LOG_INFO("client %" G_GUINT64_FORMAT " is SASL user '%s'", server_client_id(call->client), sasl_session_user(session));
    server_client_set_user(call->client, sasl_session_user(session));
    call->layer = sasl_session_layer(session, server_client_base(call->client).fd);
    if (!call->layer) /* or else once it has begun: what came before could be anybody's */
        server_client_set_authenticated(call->client);
    return 0;
}

static int answer(DispatchCall *call, SaslSession *session, int step, const SaslMessage *out)
{
    if (step < 0 || out->len > REMOTE_AUTH_SASL_DATA_MAX || (step == SASL_STEP_DONE && done(call, session) < 0))
        return refuse(call, session);
    xdr_put_int(&call->out, step == SASL_STEP_DONE);
    xdr_put_int(&call->out, out->data == NULL);
    xdr_put_char_array(&call->out, out->data, out->len, REMOTE_AUTH_SASL_DATA_MAX);
    if (step == SASL_STEP_MORE)
        return put_back(call, session) < 0 ? refuse(call, session) : 0;
    if (!call->layer)
        sasl_session_free(session);
    return 0;
}

/* Both calls; only the first names a mechanism. */
static int step(DispatchCall *call, gboolean first)
{
    g_autofree char *mechanism = first ? xdr_get_string(&call->in) : NULL;
    gboolean nothing = xdr_get_int(&call->in) != 0;
    size_t len = 0;
    char *data = xdr_get_char_array(&call->in, &len, REMOTE_AUTH_SASL_DATA_MAX);
    SaslSession *session = dispatch_args_done(call) < 0 ? NULL : take(call);
    int ret = -1;
    if (session) {
        SaslMessage in = { nothing ? NULL : data, nothing ? 0 : len }, out;
        pool_blocking_begin();
        int made = first ? sasl_session_start(session, mechanism, &in, &out, NULL) : sasl_session_step(session, &in, &out);
        pool_blocking_end();
        ret = answer(call, session, made, &out);
    }
    explicit_bzero(data, len);
    g_free(data);
    return ret;
}

int dispatch_auth_sasl_start(DispatchCall *call)
{
    return step(call, TRUE);
}

int dispatch_auth_sasl_step(DispatchCall *call)
{
    return step(call, FALSE);
}
