/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define ERROR_DOMAIN VIR_FROM_RPC
#include "rpc/sasl.h"
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <sasl/sasl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include "base/error.h"

#define SERVICE "libvirt"         /* in Kerberos tickets, and the name of the configuration file /etc/sasl2/libvirt.conf */
#define SSF_MAX 100000
#define BUFFER_MAX 65536          /* bytes of one encrypted record */
#define CLIENT_MIN_SSF 56         /* what a client takes for encryption, as the reference's does */

struct SaslSession {
    sasl_conn_t *conn;
    const SaslRules *rules;       /* NULL: a client */
    gboolean secure;              /* below us already */
    sasl_callback_t *callbacks;
    SaslQuestion *questions;
    unsigned n_questions;
    sasl_interact_t *asked;       /* the library's, while it waits for answers */
};

static const char *own_folder;

void sasl_session_set_folder(const char *folder)
{
    own_folder = folder;
}

static gpointer initialize(gpointer data)
{
    if (own_folder)
        sasl_set_path(SASL_PATH_TYPE_CONFIG, (char *) own_folder);
    int client = sasl_client_init(NULL), server = sasl_server_init(NULL, SERVICE);
    return GINT_TO_POINTER(client != SASL_OK ? client : server);
}

static int ready(void)
{
    static GOnce once = G_ONCE_INIT;
    int ret = GPOINTER_TO_INT(g_once(&once, initialize, NULL));
    return ret == SASL_OK ? 0 : FAIL(VIR_ERR_AUTH_FAILED, "the SASL library doesn't start: %s",
                                     sasl_errstring(ret, NULL, NULL));
}

static int failed(SaslSession *session, int code, const char *what)
{
    const char *detail = session->conn ? sasl_errdetail(session->conn) : sasl_errstring(code, NULL, NULL);
    return FAIL(VIR_ERR_AUTH_FAILED, "%s: %s", what, detail);
}

/* An end of the connection as "ADDRESS;PORT", NULL if it isn't one of a network. */
static char *end_of(int fd, int (*get)(int, struct sockaddr *, socklen_t *))
{
    struct sockaddr_storage address = { 0 };
    socklen_t len = sizeof(address);
    char host[NI_MAXHOST], port[NI_MAXSERV];
    if (get(fd, (struct sockaddr *) &address, &len) < 0 ||
        (address.ss_family != AF_INET && address.ss_family != AF_INET6) ||
        getnameinfo((struct sockaddr *) &address, len, host, sizeof(host), port, sizeof(port),
                    NI_NUMERICHOST | NI_NUMERICSERV) != 0)
        return NULL;
    return g_strdup_printf("%s;%s", host, port);
}

static int getpeer(int fd, struct sockaddr *address, socklen_t *len) { return getpeername(fd, address, len); }
static int getown(int fd, struct sockaddr *address, socklen_t *len) { return getsockname(fd, address, len); }

/* Where nothing below protects the connection SASL must, and no password may cross it. */
static int demand(SaslSession *session, const SaslBase *base, unsigned min_ssf)
{
    sasl_security_properties_t demands = { .maxbufsize = BUFFER_MAX };
    sasl_ssf_t strength = base->strength;
    if (!base->secure) {
        demands.min_ssf = min_ssf;
        demands.max_ssf = SSF_MAX;
        demands.security_flags = SASL_SEC_NOANONYMOUS | SASL_SEC_NOPLAINTEXT;
    }
    int ret = strength ? sasl_setprop(session->conn, SASL_SSF_EXTERNAL, &strength) : SASL_OK;
    if (ret == SASL_OK)
        ret = sasl_setprop(session->conn, SASL_SEC_PROPS, &demands);
    return ret == SASL_OK ? 0 : failed(session, ret, "SASL doesn't take the demands on security");
}

static SaslSession *session_new(const SaslBase *base, const SaslRules *rules)
{
    if (ready() < 0)
        return NULL;
    SaslSession *session = g_new0(SaslSession, 1);
    session->secure = base->secure;
    session->rules = rules;
    return session;
}

SaslSession *sasl_session_new_server(const SaslBase *base, const SaslRules *rules)
{
    SaslSession *session = session_new(base, rules);
    if (!session)
        return NULL;
    g_autofree char *here = end_of(base->fd, getown), *there = end_of(base->fd, getpeer);
    int ret = sasl_server_new(SERVICE, NULL, NULL, here, there, NULL, SASL_SUCCESS_DATA, &session->conn);
    if (ret != SASL_OK)
        failed(session, ret, "SASL doesn't begin");
    else if (demand(session, base, rules->min_ssf) == 0)
        return session;
    sasl_session_free(session);
    return NULL;
}

static const struct { int type; unsigned long id; } kinds[] = {
    { VIR_CRED_USERNAME, SASL_CB_USER }, { VIR_CRED_AUTHNAME, SASL_CB_AUTHNAME }, { VIR_CRED_LANGUAGE, SASL_CB_LANGUAGE },
    { VIR_CRED_CNONCE, SASL_CB_CNONCE }, { VIR_CRED_PASSPHRASE, SASL_CB_PASS }, { VIR_CRED_ECHOPROMPT, SASL_CB_ECHOPROMPT },
    { VIR_CRED_NOECHOPROMPT, SASL_CB_NOECHOPROMPT }, { VIR_CRED_REALM, SASL_CB_GETREALM },
};

/* Without a function: the library comes back with its questions instead of calling. */
static sasl_callback_t *what_can_be_asked(const int *types, unsigned n_types)
{
    sasl_callback_t *list = g_new0(sasl_callback_t, G_N_ELEMENTS(kinds) + 1);
    unsigned n = 0;
    for (size_t k = 0; k < G_N_ELEMENTS(kinds); k++)
        for (unsigned i = 0; i < n_types; i++)
            if (types[i] == kinds[k].type) {
                list[n++].id = kinds[k].id;
                break;
            }
    list[n].id = SASL_CB_LIST_END;
    return list;
}

SaslSession *sasl_session_new_client(const SaslBase *base, const char *host, const int *types, unsigned n_types)
{
    SaslSession *session = session_new(base, NULL);
    if (!session)
        return NULL;
    g_autofree char *here = end_of(base->fd, getown), *there = end_of(base->fd, getpeer);
    session->callbacks = what_can_be_asked(types, n_types);
    int ret = sasl_client_new(SERVICE, host, here, there, session->callbacks, SASL_SUCCESS_DATA, &session->conn);
    if (ret != SASL_OK)
        failed(session, ret, "SASL doesn't begin");
    else if (demand(session, base, CLIENT_MIN_SSF) == 0)
        return session;
    sasl_session_free(session);
    return NULL;
}

static void forget_questions(SaslSession *session)
{
    for (unsigned i = 0; i < session->n_questions; i++) {
        char *answer = session->questions[i].answer;
        if (answer)
            explicit_bzero(answer, strlen(answer));
        free(answer);
    }
    g_clear_pointer(&session->questions, g_free);
    session->n_questions = 0;
}

void sasl_session_free(SaslSession *session)
{
    if (!session)
        return;
    if (session->conn)
        sasl_dispose(&session->conn);
    forget_questions(session);
    g_free(session->callbacks);
    g_free(session);
}

char *sasl_session_mechanisms(SaslSession *session)
{
    const char *list = NULL;
    int ret = sasl_listmech(session->conn, NULL, "", ",", "", &list, NULL, NULL);
    if (ret == SASL_OK && *list)
        return g_strdup(list);
    failed(session, ret, "none of the mechanisms in mech_list of /etc/sasl2/" SERVICE ".conf can be used here (without TLS it must encrypt, "
           "as GSSAPI does)");
    return NULL;
}

/* Steps */

static void take_questions(SaslSession *session, sasl_interact_t *asked)
{
    unsigned n = 0;
    while (asked[n].id != SASL_CB_LIST_END)
        n++;
    session->asked = asked;
    session->n_questions = n;
    session->questions = g_new0(SaslQuestion, n + 1);
    for (unsigned i = 0; i < n; i++) {
        SaslQuestion *question = &session->questions[i];
        *question = (SaslQuestion) { -1, asked[i].prompt, asked[i].challenge, asked[i].defresult, NULL };
        for (size_t k = 0; k < G_N_ELEMENTS(kinds); k++)
            if (kinds[k].id == asked[i].id)
                question->type = kinds[k].type;
    }
}

/* The library takes the place of each answer from us, which stays until it has used it. */
static void give_answers(SaslSession *session)
{
    for (unsigned i = 0; session->asked && i < session->n_questions; i++) {
        const char *answer = session->questions[i].answer;
        if (!answer)
            answer = session->questions[i].standard;
        session->asked[i].result = answer;
        session->asked[i].len = answer ? strlen(answer) : 0;
    }
}

static int outcome(SaslSession *session, int ret, sasl_interact_t *asked, const char *what)
{
    if (ret == SASL_INTERACT) {
        forget_questions(session);
        take_questions(session, asked);
        return SASL_STEP_ASK;
    }
    forget_questions(session);
    session->asked = NULL;
    if (ret == SASL_OK || ret == SASL_CONTINUE)
        return ret == SASL_OK ? SASL_STEP_DONE : SASL_STEP_MORE;
    return failed(session, ret, what);
}

int sasl_session_start(SaslSession *session, const char *mechanism, const SaslMessage *in, SaslMessage *out,
                       const char **chosen)
{
    unsigned len = 0;
    sasl_interact_t *asked = session->asked;
    int ret;
    *out = (SaslMessage) { NULL, 0 };
    give_answers(session);
    if (session->rules)
        ret = sasl_server_start(session->conn, mechanism, in->data, in->len, &out->data, &len);
    else
        ret = sasl_client_start(session->conn, mechanism, &asked, &out->data, &len, chosen);
    out->len = len;
    return outcome(session, ret, asked, "Failed to start SASL negotiation");
}

int sasl_session_step(SaslSession *session, const SaslMessage *in, SaslMessage *out)
{
    unsigned len = 0;
    sasl_interact_t *asked = session->asked;
    int ret;
    *out = (SaslMessage) { NULL, 0 };
    give_answers(session);
    if (session->rules)
        ret = sasl_server_step(session->conn, in->data, in->len, &out->data, &len);
    else
        ret = sasl_client_step(session->conn, in->data, in->len, &asked, &out->data, &len);
    out->len = len;
    return outcome(session, ret, asked, "Failed to step SASL negotiation");
}

SaslQuestion *sasl_session_questions(SaslSession *session, unsigned *n)
{
    *n = session->n_questions;
    return session->questions;
}

/* The end */

static unsigned number(SaslSession *session, int property)
{
    const void *value = NULL;
    return sasl_getprop(session->conn, property, &value) == SASL_OK && value ? *(const unsigned *) value : 0;
}

const char *sasl_session_user(SaslSession *session)
{
    const void *value = NULL;
    return sasl_getprop(session->conn, SASL_USERNAME, &value) == SASL_OK ? value : NULL;
}

static int check_user(SaslSession *session)
{
    const char *user = sasl_session_user(session);
    if (!session->rules || !session->rules->users)
        return 0;
    for (const char *const *pattern = session->rules->users; user && *pattern; pattern++)
        if (g_pattern_match_simple(*pattern, user))
            return 0;
    return FAIL(VIR_ERR_AUTH_FAILED, "SASL user '%s' is not in sasl_allowed_username_list of libvirtd.conf", user ? user : "");
}

int sasl_session_check(SaslSession *session)
{
    unsigned min = session->rules ? session->rules->min_ssf : CLIENT_MIN_SSF, ssf = number(session, SASL_SSF);
    if (!session->secure && ssf < min)
        return FAIL(VIR_ERR_AUTH_FAILED, "negotiated SSF %u was not strong enough: %u are demanded (tcp_min_ssf in libvirtd.conf); choose "
                    "a mechanism that encrypts, as GSSAPI does, or use TLS", ssf, min);
    return check_user(session);
}

/* The layer */

typedef struct SaslLayer {
    ChannelLayer base;
    SaslSession *session;
    int fd;
    unsigned max_out;             /* bytes that one record takes */
    GByteArray *plain;            /* decrypted */
    size_t taken;                 /* of them, handed out already */
} SaslLayer;

static ssize_t hand_out(SaslLayer *layer, void *data, size_t n)
{
    n = MIN(n, layer->plain->len - layer->taken);
    memcpy(data, layer->plain->data + layer->taken, n);
    layer->taken += n;
    if (layer->taken == layer->plain->len) {
        g_byte_array_set_size(layer->plain, 0);
        layer->taken = 0;
    }
    return n;
}

static ssize_t layer_recv(ChannelLayer *base, void *data, size_t n, GByteArray *out)
{
    SaslLayer *layer = (SaslLayer *) base;
    char bytes[16384];
    while (!layer->plain->len) {
        const char *plain = NULL;
        unsigned len = 0;
        ssize_t got = recv(layer->fd, bytes, sizeof(bytes), MSG_DONTWAIT);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return got;
        if (sasl_decode(layer->session->conn, bytes, got, &plain, &len) != SASL_OK) {
            errno = EBADMSG;
            return -1;
        }
        g_byte_array_append(layer->plain, (const guint8 *) plain, len);
    }
    return hand_out(layer, data, n);
}

static int layer_encode(ChannelLayer *base, const void *data, size_t n, GByteArray *out)
{
    SaslLayer *layer = (SaslLayer *) base;
    for (size_t at = 0, part; at < n; at += part) {
        const char *made = NULL;
        unsigned len = 0;
        part = MIN(n - at, layer->max_out);
        if (sasl_encode(layer->session->conn, (const char *) data + at, part, &made, &len) != SASL_OK) {
            errno = EBADMSG;
            return -1;
        }
        g_byte_array_append(out, (const guint8 *) made, len);
    }
    return 0;
}

static gboolean layer_pending(ChannelLayer *base)
{
    return ((SaslLayer *) base)->plain->len > 0;
}

static int layer_handshake(ChannelLayer *base, GByteArray *out)
{
    return 1;                     /* the session had it */
}

static void layer_free(ChannelLayer *base)
{
    SaslLayer *layer = (SaslLayer *) base;
    sasl_session_free(layer->session);
    g_byte_array_unref(layer->plain);
    g_free(layer);
}

static const ChannelLayerOps layer_ops = { layer_recv, layer_encode, layer_pending, layer_handshake, layer_free };

ChannelLayer *sasl_session_layer(SaslSession *session, int fd)
{
    if (!number(session, SASL_SSF) || session->secure)
        return NULL;
    SaslLayer *layer = g_new0(SaslLayer, 1);
    unsigned max_out = number(session, SASL_MAXOUTBUF);
    layer->base.ops = &layer_ops;
    layer->session = session;
    layer->fd = fd;
    layer->max_out = max_out ? max_out : BUFFER_MAX;
    layer->plain = g_byte_array_new();
    return &layer->base;
}
