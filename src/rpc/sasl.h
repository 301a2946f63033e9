/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Authentication by SASL (the Cyrus library), both sides of it, and the encryption that some mechanisms agree on as a layer of a
 * channel. Errors are of VIR_FROM_RPC, VIR_ERR_AUTH_FAILED.
 */
#pragma once
#include "rpc/channel.h"

/** One side of one attempt. */
typedef struct SaslSession SaslSession;

/** What a server demands. */
typedef struct SaslRules {
    unsigned min_ssf;          /* least strength of the encryption on a connection that has none itself, in bits of a key */
    const char *const *users;  /* patterns (* and ?) of who is let in; NULL: whoever can prove itself */
} SaslRules;

/** How the connection is protected below SASL. */
typedef struct SaslBase {
    int fd;
    gboolean secure;           /* a UNIX socket, or TLS */
    unsigned strength;         /* of TLS; bits */
} SaslBase;

/** Something that the user must be asked for. */
typedef struct SaslQuestion {
    int type;                  /* virConnectCredentialType */
    const char *prompt, *challenge, *standard;   /* what to say, and the answer if none is given; may be NULL */
    char *answer;              /* malloc()ed; NULL: none. Goes to the session with the next step */
} SaslQuestion;

typedef enum { SASL_STEP_MORE, SASL_STEP_DONE, SASL_STEP_ASK } SaslStep;

/** What one side sends to the other. A message of no bytes and none at all are different things. */
typedef struct SaslMessage {
    const char *data;          /* NULL: none */
    size_t len;
} SaslMessage;

/** Where libvirt.conf with the settings for SASL is (kept), before the first session. NULL: SASL's own folder, /etc/sasl2. */
void sasl_session_set_folder(const char *folder);

/** NULL with an error. @rules must outlive the session. */
SaslSession *sasl_session_new_server(const SaslBase *base, const SaslRules *rules);
/** @host: the server, as its tickets name it. @types: what the user can be asked for (virConnectCredentialType). */
SaslSession *sasl_session_new_client(const SaslBase *base, const char *host, const int *types, unsigned n_types);
void sasl_session_free(SaslSession *session);

/** Names of what the server offers, separated by commas; caller frees. */
char *sasl_session_mechanisms(SaslSession *session);

/** The first step. A server: @mechanism is what the client chose, @in what it sends along. A client: @mechanism is the server's
 * list; *@chosen is set. A SaslStep with @out set (the session's, until the next step), or -1 with an error. After SASL_STEP_ASK
 * (only for clients) answer sasl_session_questions() and call again. */
int sasl_session_start(SaslSession *session, const char *mechanism, const SaslMessage *in, SaslMessage *out,
                       const char **chosen);
/** The next one, likewise. */
int sasl_session_step(SaslSession *session, const SaslMessage *in, SaslMessage *out);
SaslQuestion *sasl_session_questions(SaslSession *session, unsigned *n);

/** After SASL_STEP_DONE: whether the encryption agreed on is as strong as demanded and, for a server, the user is welcome. 0 or -1
 * with an error. */
int sasl_session_check(SaslSession *session);
/** The user's name; the session's. NULL if unknown. */
const char *sasl_session_user(SaslSession *session);
/** The layer that encrypts what goes over @fd from now on; it takes the session over. NULL: none is to be, the session stays. */
ChannelLayer *sasl_session_layer(SaslSession *session, int fd);
