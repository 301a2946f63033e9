/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The node of a test connection: what it is like and what it has. test:///default has one node for all connections of a
 * process, gone with the last; test:///path/to/node.xml makes one of its own for each connection.
 *
 * What a node can have are kinds, listed in test_node.c: each makes its table, adds what the default node has, and reads
 * its elements of a node file.
 */
#pragma once
#include "core/managed.h"
#include "domain/connect.h"

typedef struct TestNode {
    gint refs;
    DomainHost *host;
    ManagedTables tables;   /* conn->tables of all connections to the node */
    virNodeInfo info;
    char *folder;           /* of the node file, while it is read */
    gboolean has_cells;     /* NUMA cells: test:///default only */
} TestNode;

typedef struct TestKind {
    const char *element;                              /* of the node file */
    void (*start)(TestNode *node);                    /* make the table; node->host is there. May be NULL */
    void (*stop)(TestNode *node);                     /* free it. May be NULL */
    int (*add_default)(virConnectPtr conn);           /* what test:///default has; may be NULL */
    int (*add)(virConnectPtr conn, const char *xml);  /* the text of one element; an object that is defined and running */
} TestKind;

extern const TestKind test_domain_kind, test_network_kind, test_interface_kind, test_storage_kind, test_nodedev_kind,
    test_nwfilter_kind, test_secret_kind;

/** The node of a connection. */
TestNode *test_node(virConnectPtr conn);

/** The document of an element of the node file: itself, or the file that it names, relative to the node file's folder. NULL with
 * an error; caller frees. */
char *test_node_document(const TestNode *node, const char *element);

/** Open the node called @path: "/default" or a file; @auth is asked for one of the users that a file has. 0 or -1. */
int test_node_open(virConnectPtr conn, const char *path, virConnectAuthPtr auth);
void test_node_close(virConnectPtr conn);
