/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * libvirt-admin.so: handles and connection (admin.c), calls (admin_calls.c).
 */
#pragma once
#include <libvirt/libvirt-admin.h>
#include "rpc/client.h"

struct _virAdmConnect {
    gint refs;
    guint32 magic;
    GMutex lock;
    RpcClient *client;
    char *uri;
    virAdmConnectCloseFunc close_cb;
    void *close_opaque;
    virFreeCallback close_free;
};

struct _virAdmServer {
    gint refs;
    guint32 magic;
    virAdmConnectPtr conn;  /* reference */
    char *name;
};

struct _virAdmClient {
    gint refs;
    guint32 magic;
    virAdmServerPtr srv;    /* reference */
    unsigned long long id;
    long long timestamp;
    unsigned int transport;
};

#define ADM_CONNECT_MAGIC 0x76ad0001
#define ADM_SERVER_MAGIC 0x76ad0002
#define ADM_CLIENT_MAGIC 0x76ad0003

void adm_connect_unref(virAdmConnectPtr conn);
void adm_server_unref(virAdmServerPtr srv);
void adm_client_unref(virAdmClientPtr client);
virAdmServerPtr adm_server_new(virAdmConnectPtr conn, const char *name);

/** Handle checks: 0, or -1 with the error set and reported. */
int adm_check_connect(virAdmConnectPtr conn, const char *func);
int adm_check_server(virAdmServerPtr srv, const char *func);
int adm_check_client(virAdmClientPtr client, const char *func);
int adm_nonnull(const void *arg, const char *name, const char *func);
/** Report this thread's error; -1. */
int adm_failed(void);

/** A call on the admin program. */
typedef struct AdmCall {
    XdrOut out;
    XdrIn in;
    RpcReply reply;
} AdmCall;

void adm_call_begin(AdmCall *call);
int adm_call_run(AdmCall *call, virAdmConnectPtr conn, int procedure);
int adm_call_end(AdmCall *call);
