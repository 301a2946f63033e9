/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the command files of virsh share: the connection, look-up of objects, XML and text helpers.
 *
 * Only the public API (<libvirt/...>) may be used here, as any other client would. The prototypes of the handlers and
 * completers are generated (virsh_commands.h). Errors of the library are caught as they happen (client.h), and printed
 * after the command that failed; a handler adds a line of its own by shell_error() only where that says more.
 */
#pragma once

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>
#include <libxml/tree.h>

#include "tools/client/client.h"
#include "tools/shell/shell.h"
#include "virsh_commands.h"

G_DEFINE_AUTOPTR_CLEANUP_FUNC(virDomain, virDomainFree)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(virNetwork, virNetworkFree)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(virNetworkPort, virNetworkPortFree)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(virStoragePool, virStoragePoolFree)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(virStorageVol, virStorageVolFree)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(virInterface, virInterfaceFree)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(virNodeDevice, virNodeDeviceFree)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(virSecret, virSecretFree)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(virNWFilter, virNWFilterFree)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(virNWFilterBinding, virNWFilterBindingFree)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(virDomainSnapshot, virDomainSnapshotFree)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(virDomainCheckpoint, virDomainCheckpointFree)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(virStream, virStreamFree)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(xmlDoc, xmlFreeDoc)

enum { XML_FILE_MAX = 10 << 20 }; /* bytes of a file with XML */

/* --- connection (conn.c) --- */
extern const ShellProgram virsh_program;
/* The open connection; only in commands that need one. */
virConnectPtr virsh_conn(Shell *shell);
/* The connection for completion: the open one, or one made silently; NULL if that fails. */
virConnectPtr virsh_quiet_conn(Shell *shell);
/* Closes and opens again, with another URI unless NULL. */
bool virsh_reconnect(Shell *shell, const char *uri, bool readonly);

/* --- look-up (lib_lookup.c); NULL after an error printed --- */
virDomainPtr virsh_domain(Shell *shell, const Cmd *cmd);
/* By name, UUID or (domains) ID, silently. */
virDomainPtr virsh_find_domain(virConnectPtr conn, const char *name);
virDomainPtr virsh_domain_named(Shell *shell, const char *name);
virNetworkPtr virsh_network(Shell *shell, const Cmd *cmd);
virNetworkPtr virsh_find_network(virConnectPtr conn, const char *name);
virStoragePoolPtr virsh_pool(Shell *shell, const Cmd *cmd, const char *option);
virStoragePoolPtr virsh_find_pool(virConnectPtr conn, const char *name);
virStorageVolPtr virsh_volume(Shell *shell, const Cmd *cmd, const char *option, const char *pool_option);
/* Whether it is a MAC address. */
bool virsh_is_mac(const char *text);
virInterfacePtr virsh_interface(Shell *shell, const Cmd *cmd);
virNodeDevicePtr virsh_nodedev(Shell *shell, const Cmd *cmd);
virSecretPtr virsh_secret(Shell *shell, const Cmd *cmd);
virNWFilterBindingPtr virsh_binding(Shell *shell, const Cmd *cmd);
virNetworkPortPtr virsh_port(Shell *shell, const Cmd *cmd);
virNWFilterPtr virsh_nwfilter(Shell *shell, const Cmd *cmd);
virDomainSnapshotPtr virsh_snapshot(Shell *shell, virDomainPtr domain, const char *name);
virDomainCheckpointPtr virsh_checkpoint(Shell *shell, const Cmd *cmd);

/* UUIDs as text, good until the next call; NULL after a failed call. */
const char *virsh_network_uuid(virNetworkPtr network);
const char *virsh_port_uuid(virNetworkPortPtr port);
const char *virsh_pool_uuid(virStoragePoolPtr pool);
const char *virsh_secret_uuid(virSecretPtr secret);
const char *virsh_nwfilter_uuid(virNWFilterPtr filter);

/* --- XML (lib_xml.c) --- */
/* A file's text, of XML_FILE_MAX bytes at most; NULL after an error printed. */
char *virsh_read_file(Shell *shell, const char *path);
/* The same with any bytes in it. */
char *virsh_read_bytes(Shell *shell, const char *path, size_t *size);
/* The text of the file that option --file (or another) names. */
char *virsh_read_option(Shell *shell, const Cmd *cmd, const char *option);
/* Whether a format has such an element or attribute, as domain.devices.disk@type (cmd_explain.c). False after an error printed. */
bool virsh_format_has(Shell *shell, const char *path);
/* Warns of elements and attributes of a document that no format has (lib_dropped.c): the hypervisor would drop them.
 * Returns how many there are. */
guint virsh_warn_dropped(const char *path, const char *xml);
/* Prints a whole document, or with --xpath (and --wrap) the matching parts. Takes `xml` over; false if it is NULL. */
bool virsh_print_xml(Shell *shell, const Cmd *cmd, char *xml);
/* Parses what the library returned; NULL after an error printed. */
xmlDocPtr virsh_parse_xml(Shell *shell, const char *xml);
/* A domain's XML, with VIR_DOMAIN_XML_* as flags; NULL after an error printed or with one pending. */
xmlDocPtr virsh_domain_doc(Shell *shell, virDomainPtr domain, unsigned int flags);
/* First match of an XPath expression below `node` (or the document) as a string, or NULL if there is none. */
char *virsh_xpath_string(xmlDocPtr doc, xmlNodePtr node, const char *expression);
/* All matching nodes; free the array, not the nodes. */
GPtrArray *virsh_xpath_nodes(xmlDocPtr doc, xmlNodePtr node, const char *expression);
/* Appends a line of XML, indented by 2 * depth blanks; what the arguments hold is escaped. */
void virsh_xml_line(GString *xml, int depth, const char *format, ...) G_GNUC_PRINTF(3, 4);
/* The text of a node. */
char *virsh_node_xml(xmlDocPtr doc, xmlNodePtr node);

/* --- streams (lib_stream.c) --- */
/* Creates a file, or empties one (*fresh tells which); -1 after an error printed. */
int virsh_file_create(Shell *shell, const char *path, bool *fresh);
/* Closes it, and unlinks it if `remove`; false after an error printed. */
bool virsh_file_close(Shell *shell, int fd, const char *path, bool remove);
/* All of a stream into a file, all of a file into a stream; sparse: with holes. False: an error is printed or pending. */
bool virsh_stream_receive(Shell *shell, virStreamPtr stream, int fd, bool sparse);
bool virsh_stream_send(Shell *shell, virStreamPtr stream, int fd, bool sparse);

/* --- what list and info commands show (lib_record.c) --- */
typedef struct VirshRecord VirshRecord;
typedef struct VirshRows VirshRows;
VirshRecord *virsh_record_new(void);
void virsh_record_free(VirshRecord *record);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(VirshRecord, virsh_record_free)
/* Fields: a label (must live on; NULL: in JSON only) and a key. A text of NULL is "-" and null. */
void virsh_record_text(VirshRecord *record, const char *label, const char *key, const char *value);
void virsh_record_uint(VirshRecord *record, const char *label, const char *key, unsigned long long value);
/* Yes or no; below 0 it isn't known: `unknown` (a word) and null. */
void virsh_record_flag(VirshRecord *record, const char *label, const char *key, int value, const char *unknown);
/* Bytes, with a unit in text. */
void virsh_record_size(VirshRecord *record, const char *label, const char *key, unsigned long long bytes);
/* Any other value; takes text and value over. */
void virsh_record_both(VirshRecord *record, const char *label, char *text, const char *key, json_object *value);
/* Lines of "Label:   text", or an object. Returns true. */
bool virsh_record_print(Shell *shell, const Cmd *cmd, VirshRecord *record, int width);
/* A list whose table shows the fields with these labels, in this order. */
VirshRows *virsh_rows_new(const char *heading, ...) G_GNUC_NULL_TERMINATED;
void virsh_rows_free(VirshRows *rows);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(VirshRows, virsh_rows_free)
VirshRecord *virsh_rows_add(VirshRows *rows); /* a new record, the list's */
bool virsh_rows_print(Shell *shell, const Cmd *cmd, VirshRows *rows);
/* One word on a line, or {KEY: WORD}; false if it is NULL, a failed call's error being pending. */
bool virsh_print_word(Shell *shell, const Cmd *cmd, const char *key, const char *word);
/* One number on a line, or {KEY: NUMBER}. Returns true. */
bool virsh_print_number(Shell *shell, const Cmd *cmd, const char *key, unsigned long long value);
/* A tree of names; those without a parent in it are its roots. */
typedef struct {
    const char *name, *parent;
} VirshTree;
enum { VIRSH_TREE_DEPTH = 128 }; /* a ring of parents ends here */
void virsh_print_tree(Shell *shell, const VirshTree *nodes, size_t count);

/* --- editing (lib_edit.c) --- */
typedef struct {
    const char *what;                                     /* "Domain 'x' XML configuration" for messages */
    char *(*get)(Shell *shell, void *data);               /* the text now; NULL after an error */
    bool (*set)(Shell *shell, void *data, const char *xml); /* false leaves the library's error pending */
    bool (*retry_relaxed)(void *data);                    /* give up validation? NULL: there is none */
    void *data;
    /* The text with what the pending error asks for, and a word for what that is (both the caller's); NULL: it asks for nothing that
     * can be put in without a question. The member may be NULL. */
    char *(*mend)(const char *xml, const char **what);
} VirshEdit;
/* Edits until the text is accepted, unchanged or given up; a refused text is never lost. */
bool virsh_edit(Shell *shell, const VirshEdit *edit);
/* For objects that are defined anew by their edited XML: the `data` of their get and set. */
typedef struct {
    virConnectPtr conn;
    void *object;
    unsigned int flags; /* of the function that defines: validation, given up by virsh_edit_relax() */
} VirshEditObject;
bool virsh_edit_relax(void *data);
/* True, and the flags are cleared, if the pending error is that the driver doesn't know such flags. */
bool virsh_edit_unchecked(VirshEditObject *edit);
/* One run of the editor on `text`; the new text, or NULL after an error printed. */
char *virsh_edit_text(Shell *shell, const char *text, const char *suffix);

/* --- shared by command files --- */
/* The numbers of --pass-fds (cmd_domain_lifecycle.c): *count is 0 if it was not given, the caller frees *fds. */
bool virsh_pass_fds(Shell *shell, const Cmd *cmd, int **fds, unsigned int *count);
/* Joins terminal and console until the escape character (cmd_console.c). `name` NULL is the first console. */
bool virsh_console(Shell *shell, virDomainPtr domain, const char *name, unsigned int flags);

/* The Linux key code of a name as KEY_A (lib_keys.c). */
bool virsh_key_code(const char *name, int *code);

/* --- text (lib_text.c) --- */
typedef struct {
    int value;
    const char *name;
} VirshName;
/* Name of a value in a table that ends with a NULL name; "unknown" otherwise. */
const char *virsh_name(const VirshName *names, int value, const char *otherwise);
/* Value of a name; false if there is none. */
bool virsh_value(const VirshName *names, const char *name, int *value);
const char *virsh_domain_state(int state);
const char *virsh_domain_reason(int state, int reason);
/* Bytes as "1.50 GiB". */
char *virsh_size(unsigned long long bytes);
char *virsh_size_digits(unsigned long long bytes, int digits);
/* A CPU map as "y-y", or as "0,2-3" if it shall be pretty. */
char *virsh_cpu_map(const unsigned char *map, int count, bool pretty);
/* Prints "LABEL:   VALUE" as the info commands do, the label padded to `width`. */
void virsh_field(Shell *shell, int width, const char *label, const char *format, ...) G_GNUC_PRINTF(4, 5);
/* --config, --live, --current as VIR_DOMAIN_AFFECT_*; -1 after an error printed. */
int virsh_affect(Shell *shell, const Cmd *cmd);
/* The same with --persistent: live if it runs, and config. */
int virsh_affect_persistent(Shell *shell, const Cmd *cmd, virDomainPtr domain);
/* What flags of VIR_DOMAIN_AFFECT_* changed of an object, in words; 0 is what is in force. */
const char *virsh_affected(unsigned int flags, bool active);
/* Comma-separated words; the caller frees. */
char **virsh_list(const char *text);
/* Seconds since the epoch as local time. */
char *virsh_time(long long seconds);
char *virsh_time_plain(long long seconds); /* without time zone */

/* Flags from bool options: a table ended by a NULL option. Options that the command doesn't have are passed over. */
typedef struct {
    const char *option;
    unsigned int flag;
} VirshFlag;
unsigned int virsh_flags(const Cmd *cmd, const VirshFlag *table);

/* --- typed parameters (lib_params.c) --- */
typedef struct {
    virTypedParameterPtr list;
    int count, max;
} VirshParams;
void virsh_params_clear(VirshParams *params);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(VirshParams, virsh_params_clear)
/* Adds what the options with param= say; false: an error is printed or pending. */
bool virsh_params_take(Shell *shell, const Cmd *cmd, VirshParams *params);
bool virsh_params_add_int(VirshParams *params, const char *field, int value);
bool virsh_params_add_string(VirshParams *params, const char *field, const char *value);
/* One string for each word of a comma-separated text. */
bool virsh_params_add_words(VirshParams *params, const char *field, const char *text);
/* Lines of "field   : value", or an object; `name` (or NULL) gives a word for a value, or NULL. Returns true. */
bool virsh_params_print(Shell *shell, const Cmd *cmd, const VirshParams *params, int width,
                        const char *(*name)(const virTypedParameter *param));

/* Limits of an interface as AVERAGE[,PEAK[,BURST[,FLOOR]]], in KiB a second and KiB. */
typedef struct {
    unsigned int average, peak, burst, floor;
} VirshRate;
/* 1: *rate is set; 0: not given; -1 after an error printed. `zero`: 0 alone is fine (it takes limits away). */
int virsh_rate(Shell *shell, const Cmd *cmd, const char *option, bool zero, VirshRate *rate);

/* A CPU map of `count` CPUs from a text as 0-3,^2 (or r: all), to be freed; NULL after an error printed. */
unsigned char *virsh_cpu_list(Shell *shell, const char *text, int count);

/* --- waiting for events (lib_wait.c) --- */
typedef struct VirshWait VirshWait;
VirshWait *virsh_wait_new(void);
/* Another owner: a callback that may still run on its thread when the waiter has gone. */
VirshWait *virsh_wait_ref(VirshWait *wait);
void virsh_wait_free(VirshWait *wait);
/* From any thread: something happened. */
void virsh_wait_wake(VirshWait *wait);
/* The same, and what happened as a number; virsh_wait_told() gives the latest, or -1. */
void virsh_wait_tell(VirshWait *wait, int value);
int virsh_wait_told(VirshWait *wait);
typedef enum { VIRSH_WOKEN, VIRSH_TIMEOUT, VIRSH_INTERRUPTED } VirshWake;
/* Until woken, ^C, or the time (a g_get_monotonic_time() value, or -1) has come. */
VirshWake virsh_wait_until(VirshWait *wait, gint64 end);

/* Whether anybody knows an address of a domain, of the interface `wanted` (name or MAC address) or of any (NULL); -1 if it can't be asked. */
int virsh_has_address(Shell *shell, virDomainPtr domain, const char *wanted);
/* Until somebody does, or the command's --timeout. */
bool virsh_wait_for_address(Shell *shell, const Cmd *cmd, const char *wanted);

/* --- calls that take long (lib_job.c) --- */
typedef struct {
    const char *label;
    gint64 began; /* all 0 at first */
    unsigned long long first;
    bool shown;
} VirshProgress;
/* Rewrites the line of progress on standard error. */
void virsh_progress(VirshProgress *progress, unsigned long long total, unsigned long long remaining);
/* 100 only if nothing remains. */
int virsh_percent(unsigned long long total, unsigned long long remaining);

typedef struct VirshJob VirshJob;
struct VirshJob {
    virDomainPtr domain;
    bool verbose;                               /* show the progress of the domain's job */
    int (*call)(void *data);                    /* on a thread of its own: -1 leaves its error */
    void (*tick)(Shell *shell, VirshJob *job);  /* on the main thread, about twice a second; or NULL */
    void *data;
    VirshProgress progress;
};
/* Runs the call to its end; ^C aborts the domain's job. False if it failed, its error being pending. */
bool virsh_job_run(Shell *shell, VirshJob *job);

/* --- what a file would change (lib_compare.c) --- */
/* For --check and --diff of commands that define what the file --file, whose text is `xml`, says: shows it. --check is
 * false, without an error, if something would change. */
bool virsh_compare(Shell *shell, const Cmd *cmd, const char *xml);
