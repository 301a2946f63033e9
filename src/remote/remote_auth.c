/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Showing the daemon who we are: the way that it names first.
 */
#define ERROR_DOMAIN VIR_FROM_RPC
#include <string.h>
#include "base/error.h"
#include "core/auth.h"
#include "remote/remote_call.h"
#include "rpc/sasl.h"
#include "rpc/tls.h"
#include "rpc/xdr_values.h"

/* One authentication by SASL. */
typedef struct Attempt {
    virConnectPtr conn;
    virConnectAuthPtr auth;
    AuthPlace place;
    SaslSession *session;
    gboolean complete;            /* as the server sees it */
    char *data;                   /* that it sent last */
    SaslMessage in;               /* the same; NULL if it sent none */
} Attempt;

static void forget_data(Attempt *attempt)
{
    if (attempt->data)
        explicit_bzero(attempt->data, attempt->in.len);
    g_clear_pointer(&attempt->data, g_free);
    attempt->in = (SaslMessage) { NULL, 0 };
}

/* Ask the user what the mechanism wants to know. */
static int answer(Attempt *attempt)
{
    unsigned n = 0;
    SaslQuestion *questions = sasl_session_questions(attempt->session, &n);
    g_autofree virConnectCredential *credentials = g_new0(virConnectCredential, n + 1);
    for (unsigned i = 0; i < n; i++)
        credentials[i] = (virConnectCredential) { .type = questions[i].type, .prompt = questions[i].prompt,
                                                  .challenge = questions[i].challenge, .defresult = questions[i].standard };
    int ret = auth_answer(attempt->auth, &attempt->place, credentials, n);
    for (unsigned i = 0; i < n; i++) {
        auth_free(questions[i].answer);
        questions[i].answer = credentials[i].result;
    }
    return ret;
}

/* Our next message. A SaslStep other than SASL_STEP_ASK, or -1. */
static int next_message(Attempt *attempt, const char *mechanisms, const char **chosen, SaslMessage *out)
{
    for (;;) {
        int step = mechanisms ? sasl_session_start(attempt->session, mechanisms, NULL, out, chosen)
                              : sasl_session_step(attempt->session, &attempt->in, out);
        if (step < 0 && mechanisms)
            return FAIL(VIR_ERR_AUTH_FAILED, "%s; the server offers %s, see 'authname' and 'password' in libvirt/auth.conf",
                        error_message(), mechanisms);
        if (step != SASL_STEP_ASK)
            return step;
        if (answer(attempt) < 0)
            return -1;
    }
}

/* Send our message, and @chosen if it is the first; learn what the server says to it. */
static int exchange(Attempt *attempt, const char *chosen, const SaslMessage *out)
{
    RemoteCall call;
    remote_call_begin(&call, attempt->conn, REMOTE_PROGRAM, chosen ? REMOTE_PROC_AUTH_SASL_START : REMOTE_PROC_AUTH_SASL_STEP);
    call.out.secret = 1;
    if (chosen)
        xdr_put_string(&call.out, chosen);
    xdr_put_int(&call.out, out->data == NULL);
    xdr_put_char_array(&call.out, out->data, out->len, REMOTE_AUTH_SASL_DATA_MAX);
    if (remote_call_run(&call) < 0)
        return -1;
    forget_data(attempt);
    size_t len = 0;
    attempt->complete = xdr_get_int(&call.in) != 0;
    gboolean nothing = xdr_get_int(&call.in) != 0;
    attempt->data = xdr_get_char_array(&call.in, &len, REMOTE_AUTH_SASL_DATA_MAX);
    if (!nothing)
        attempt->in = (SaslMessage) { attempt->data, len };
    return remote_call_end(&call);
}

static int negotiate(Attempt *attempt, const char *mechanisms)
{
    const char *chosen = NULL;
    SaslMessage out;
    int step = next_message(attempt, mechanisms, &chosen, &out);
    if (step < 0 || exchange(attempt, chosen, &out) < 0)
        return -1;
    while (step != SASL_STEP_DONE || !attempt->complete) {
        step = next_message(attempt, NULL, NULL, &out);
        if (step < 0)
            return -1;
        if (attempt->complete)    /* it will not listen any more */
            break;
        if (exchange(attempt, NULL, &out) < 0)
            return -1;
    }
    return step == SASL_STEP_DONE ? sasl_session_check(attempt->session)
                                  : FAIL(VIR_ERR_AUTH_FAILED, "the server ended the authentication too early");
}

static int begin_encryption(RemoteConn *remote, Attempt *attempt)
{
    ChannelLayer *layer = sasl_session_layer(attempt->session, rpc_client_fd(remote->client));
    remote->transport.encrypted = TRUE; /* as the reference says, whatever the mechanism: who isn't on this host has it */
    if (!layer)
        return 0;
    attempt->session = NULL;
    remote->transport.secure = TRUE;
    return rpc_client_set_layer(remote->client, layer);
}

static char *offered_mechanisms(virConnectPtr conn)
{
    RemoteCall call;
    remote_call_begin(&call, conn, REMOTE_PROGRAM, REMOTE_PROC_AUTH_SASL_INIT);
    if (remote_call_run(&call) < 0)
        return NULL;
    g_autofree char *mechanisms = xdr_get_string(&call.in);
    return remote_call_end(&call) < 0 ? NULL : g_steal_pointer(&mechanisms);
}

static int authenticate_sasl(virConnectPtr conn, virConnectAuthPtr auth)
{
    RemoteConn *remote = conn->data;
    const char *host = conn->uri->server && *conn->uri->server ? conn->uri->server : "localhost";
    Attempt attempt = { .conn = conn, .auth = auth, .place = { conn->uri, "libvirt", host } };
    SaslBase base = { rpc_client_fd(remote->client), remote->transport.secure, tls_layer_strength(remote->transport.layer) };
    int kinds[AUTH_KINDS_MAX];
    int n = auth_kinds(auth, &attempt.place, kinds);
    g_autofree char *mechanisms = n < 0 ? NULL : offered_mechanisms(conn);
    attempt.session = mechanisms ? sasl_session_new_client(&base, host, kinds, n) : NULL;
    int ret = attempt.session ? negotiate(&attempt, mechanisms) : -1;
    if (ret == 0)
        ret = begin_encryption(remote, &attempt);
    forget_data(&attempt);
    sasl_session_free(attempt.session);
    return ret;
}

static int authenticate_polkit(virConnectPtr conn)
{
    RemoteCall call;
    remote_call_begin(&call, conn, REMOTE_PROGRAM, REMOTE_PROC_AUTH_POLKIT);
    if (remote_call_run(&call) < 0)
        return -1;
    xdr_get_int(&call.in);
    return remote_call_end(&call);
}

static int first_way(virConnectPtr conn, int *way)
{
    RemoteCall call;
    remote_call_begin(&call, conn, REMOTE_PROGRAM, REMOTE_PROC_AUTH_LIST);
    if (remote_call_run(&call) < 0)
        return -1;
    size_t n = xdr_get_count(&call.in, REMOTE_AUTH_TYPE_LIST_MAX);
    *way = REMOTE_AUTH_NONE;
    for (size_t i = 0; i < n; i++) {
        int offered = xdr_get_int(&call.in);
        if (i == 0)
            *way = offered;
    }
    return remote_call_end(&call);
}

int remote_authenticate(virConnectPtr conn, virConnectAuthPtr auth)
{
    int way;
    if (first_way(conn, &way) < 0)
        return -1;
    switch (way) {
    case REMOTE_AUTH_NONE:
        return 0;
    case REMOTE_AUTH_POLKIT:
        return authenticate_polkit(conn);
    case REMOTE_AUTH_SASL:
        return authenticate_sasl(conn, auth);
    default:
        return FAIL(VIR_ERR_AUTH_UNAVAILABLE, "the daemon wants authentication of type %d, which this client does not "
                    "know; set auth_unix_rw = \"none\" or \"polkit\" in libvirtd.conf", way);
    }
}
