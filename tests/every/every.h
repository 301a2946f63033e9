/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the generated calls use.
 */
#pragma once
#include <libvirt/libvirt-lxc.h>
#include <libvirt/libvirt-qemu.h>
#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/** One connection and an object of each kind on it; NULL where the driver has none. */
typedef struct Fixture {
    virConnectPtr conn;
    virDomainPtr domain;
    virDomainPtr other; /* has the checkpoint, which a domain with snapshots can't */
    virNetworkPtr network;
    virNetworkPortPtr port;
    virInterfacePtr interface;
    virStoragePoolPtr pool;
    virStorageVolPtr volume;
    virNodeDevicePtr device;
    virSecretPtr secret;
    virNWFilterPtr filter;
    virNWFilterBindingPtr binding;
    virDomainSnapshotPtr snapshot;
    virDomainCheckpointPtr checkpoint;
    virStreamPtr stream;
    const char *function; /* at work */
} Fixture;

typedef struct Call {
    const char *name;
    void (*call)(Fixture *x);
} Call;

/* Each ends with NULL. */
extern const Call every_calls[];  /* generated: one function each */
extern const Call hand_calls[];   /* errors, parameters, event loops, connections: several functions each */
extern const Call stream_calls[]; /* the same, on streams */

/** Before any other event loop is registered: the call that registers one of the program's own. */
void call_own_loop(const char *uri);

/** Reports one function of several in a call by hand; @good is the call. */
#define DID(x, name, good) ((x)->function = #name, report((x), (good)))

/** The value of a text argument, by function and parameter; may be NULL. */
const char *text_for(const Fixture *x, const char *function, const char *parameter);
/** UUID of the object that a function looks up. */
const unsigned char *uuid_for(const Fixture *x, const char *function);
/** The parameter that a function sets. */
virTypedParameterPtr parameter_for(const Fixture *x, const char *function);
/** A new registration for the function that ends one. */
int callback_for(const Fixture *x, const char *function);
/** What the program does with the outcome of a call. */
void report(const Fixture *x, bool success);
/** One object of each kind on @conn, which is referenced: those that are there, or new ones. What cannot be had stays NULL; calls
 * on it then fail. @function: for that one only (NULL: for any): what it surely has no use for may be left out. */
Fixture *open_fixture(virConnectPtr conn, const char *function);
void close_fixture(Fixture *x);
/** Ends and undefines all domains, whatever they have. */
void remove_domains(virConnectPtr conn);
/** A callback that does nothing. */
void ignore(void);
void free_texts(char **texts, int n);
void free_text_list(char **texts);
