/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The XML runtime. The tables in schema/ are compiled to descriptors (XmlDesc): which element or
 * attribute stands where in which C struct. The functions here interpret them: parse, format, copy,
 * free, compare and validate any format without code of its own.
 *
 * Flow of a parse: xml_document_parse() reads the text with libxml2, without network, DTD or entity
 * expansion and within bounds; xml_parse_node() walks the tree once and fills the struct. Every mistake
 * is collected in XmlDiagnostics with line, path and what would have been right; the first error
 * also becomes the thread's error.
 */
#pragma once
#include <glib.h>
#include <libxml/tree.h>
#include <stdbool.h>
#include <stddef.h>
#include "base/bitmap.h"

/** Longest document accepted, in bytes. */
#define XML_MAX_INPUT (16 * 1024 * 1024)
/** Deepest nesting of elements accepted: what libxml2 bounds by itself. */
#define XML_MAX_DEPTH 256

/** A switch that may be left out. ON and OFF are YES and NO under the names of on/off attributes. */
typedef enum __attribute__((packed)) {
    TRISTATE_UNSET = 0,
    TRISTATE_YES = 1,
    TRISTATE_NO = 2,
    TRISTATE_ON = 1,
    TRISTATE_OFF = 2,
} Tristate;

/** Flags of parse, format and validate. */
typedef enum {
    XML_SECURE = 1 << 0,   /**< Format: with secrets. */
    XML_INACTIVE = 1 << 1, /**< Leave out what only a running object has. */
    XML_PARTIAL = 1 << 2,  /**< Parse: required parts may be missing. */
} XmlFlags;

/* Problems */

typedef enum {
    XML_PROBLEM_ERROR,
    XML_PROBLEM_IGNORED, /**< Content without a place in the schema, or without meaning where it stands. */
} XmlSeverity;

typedef struct {
    XmlSeverity severity;
    int code;      /**< VIR_ERR_xxx. */
    guint line;    /**< Line in the document, 0 if unknown. */
    char *path;    /**< Such as domain.devices.disk[1].driver@cache; lists count from 1. */
    char *message; /**< What is wrong and what would be right. */
} XmlProblem;

/** More problems than this of one document are counted but not kept. */
#define XML_MAX_PROBLEMS 256

typedef struct {
    GPtrArray *problems; /**< XmlProblem, in document order. */
    guint n_errors;
    guint n_ignored;
} XmlDiagnostics;

XmlDiagnostics *xml_diagnostics_new(void);
void xml_diagnostics_free(XmlDiagnostics *diag);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(XmlDiagnostics, xml_diagnostics_free)

/** Add a problem; the message is "fmt". */
void xml_diagnostics_add(XmlDiagnostics *diag, XmlSeverity severity, int code, guint line, const char *path,
                         const char *fmt, ...) G_GNUC_PRINTF(6, 7);

/** Of so many problems an error tells. */
#define XML_REPORTED_PROBLEMS 10

/** Set the thread's error from the errors of @diag and return -1; 0 if there is none. Its code is the first one's; each problem has a
 * line of the message, with line and path in the document, what was ignored behind the errors. */
int xml_diagnostics_report(const XmlDiagnostics *diag, int domain);

/* Descriptors: written by the generator, read by the runtime only. */

typedef struct XmlDesc XmlDesc;
typedef struct XmlMember XmlMember;

typedef struct {
    const char *name;           /**< C name of the enum. */
    guint n;                    /**< Values, without UNSET. */
    const char *const *texts;   /**< Text of value i + 1. */
} XmlEnum;

/** Brings the text of a value that is written in several ways into the one that is kept. NULL with the reason in @why if it is
 * not allowed; both belong to the caller. */
typedef char *XmlForm(const XmlMember *m, const char *text, char **why);

typedef enum __attribute__((packed)) {
    XML_MEMBER_ATTR,
    XML_MEMBER_TEXT,
    XML_MEMBER_CHILD, /**< Leaf element, its value in its text or in one attribute. */
    XML_MEMBER_ELEM,  /**< Element with a struct. */
    XML_MEMBER_LIST,  /**< Repeated element, array of pointers to structs or array of scalars. */
} XmlMemberKind;

typedef enum __attribute__((packed)) {
    XML_STRUCT,
    XML_STRING,
    XML_RAW,
    XML_BITMAP,
    XML_YESNO,
    XML_ONOFF,
    XML_PRESENT,
    XML_UUID,
    XML_MAC,
    XML_UINT,
    XML_INT,
    XML_HEX,
    XML_HEX_UPPER,
    XML_OCTAL,
    XML_SIZE,
    XML_ENUM,
} XmlType;

typedef enum {
    XML_REQUIRED = 1 << 0,
    XML_ALWAYS = 1 << 1,  /**< Printed though 0; an element: though empty, in two tags. */
    XML_REF = 1 << 2,     /**< The struct is behind a pointer. */
    XML_FLAT = 1 << 3,    /**< The element's fields are the parent's. */
    XML_LIVE = 1 << 4,    /**< Only running objects have it. */
    XML_LIVE_UNLESS_USER = 1 << 5, /**< As XML_LIVE unless the value begins with ua-. */
    XML_SECRET = 1 << 6,
    XML_HAS = 1 << 7,     /**< aux is the offset of a bool that tells whether the value was given. */
    XML_RANGE = 1 << 8,
    XML_UNION = 1 << 9,   /**< Shares its memory; touched only while its condition holds. */
    XML_SHARED = 1 << 10, /**< An earlier member has the same field and owns it. */
} XmlMemberFlags;

struct XmlMember {
    const char *name;        /**< XML name, NULL for text. */
    const char *leaf;        /**< Attribute that holds the value of a leaf element. */
    const char *ns;          /**< Prefix of the namespace, NULL for none. */
    const char *ns_uri;
    const void *info;        /**< XmlEnum or XmlDesc. */
    const XmlEnum *names;    /**< List whose items have element names of their own: those of this enum … */
    guint32 name_at;         /**< … the value of which is here in the item. */
    XmlForm *form;           /**< How a string is checked and written; NULL: any text as it is. */
    const char *match;       /**< Attribute that the element must have to be meant … */
    const char *match_value; /**< … with this value, if not NULL. */
    const char *unit;        /**< Unit that a size is printed with; NULL: the largest that it is a multiple of. */
    const XmlEnum *when_enum;
    guint64 when_mask;       /**< Bit N: meant when the discriminator has value N; 0: always. */
    guint64 min, max;        /**< Range of a number (signed bits for XML_INT). */
    guint32 offset, aux;     /**< In the C struct: value; has flag or number of a list. */
    guint32 when_offset;
    guint32 max_len;         /**< Longest text in bytes. */
    guint32 max_count;       /**< Longest list. */
    guint16 flags;
    guint16 error;           /**< VIR_ERR_xxx when it is missing. */
    guint16 bad;             /**< VIR_ERR_xxx when its value is not allowed; of an element in it that isn't known, 0: ignored. */
    XmlMemberKind kind;
    XmlType type;
    guint8 bytes;            /**< Width of a number. */
    guint8 width;            /**< Least digits of a hexadecimal or octal number; shift of a size. */
    guint8 initial;          /**< Default value of an enum. */
    const char *since;
    const char *doc;
};

struct XmlDesc {
    const char *name;        /**< Name of the C struct. */
    guint32 size;            /**< Its size; 0 for a flat element. */
    guint16 n_members;
    guint16 n_attrs;         /**< The first members are the attributes … */
    guint16 n_owners;
    bool has_defaults;       /**< Whether anything in it has an initial value. */
    bool prints_zero;        /**< Whether a struct of zeros is printed. */
    const guint8 *owners;    /**< Places of the members that own memory. */
    const XmlMember *members;
};

typedef struct {
    const char *name;        /**< Name of the root element. */
    const char *const *ns;   /**< Pairs of prefix and URI, NULL at the end. */
    const XmlDesc *desc;
    int domain;              /**< VIR_FROM_xxx of errors. */
} XmlRoot;

/* Memory */

/** A new struct with the defaults of the table. Never fails. */
void *xml_struct_new(const XmlDesc *desc);
/** Put the defaults into zeroed memory. */
void xml_struct_init(const XmlDesc *desc, void *obj);
/** Free what the struct points to and zero it; xml_struct_free() also frees the struct. NULL is fine. */
void xml_struct_clear(const XmlDesc *desc, void *obj);
void xml_struct_free(const XmlDesc *desc, void *obj);
/** A deep copy, caller owns it. */
void *xml_struct_copy(const XmlDesc *desc, const void *obj);
/** A deep copy into @dst, whose old content must have been cleared. */
void xml_struct_copy_into(const XmlDesc *desc, void *dst, const void *src);

/* Lists: arrays of pointers that end where n_xxx says. */

/** Append @item (ownership taken): XML_LIST_APPEND(def->devices.disks, def->devices.n_disks, disk) */
#define XML_LIST_APPEND(list, n, item) \
    ((list) = xml_list_grow((list), (n), sizeof *(list)), (list)[(n)++] = (item))
/** Put @item at place @at. */
#define XML_LIST_INSERT(list, n, at, item) \
    ((list) = xml_list_grow((list), (n), sizeof *(list)), \
     memmove((list) + (at) + 1, (list) + (at), ((n) - (at)) * sizeof *(list)), \
     (n)++, (list)[(at)] = (item))
/** Take the item at place @at out of the list; the caller frees it. */
#define XML_LIST_REMOVE(list, n, at) \
    (memmove((list) + (at), (list) + (at) + 1, ((n) - (at) - 1) * sizeof *(list)), (n)--)
/** Room for one more item after @n; used by the macros. */
void *xml_list_grow(void *list, guint n, size_t size);

/* Parse */

/** Read a document. NULL with the error set (VIR_ERR_XML_DETAIL with line) if it is not well formed, too long or too deep,
 * or has a document type. @what names it in errors, as "(domain_definition)". Free with xmlFreeDoc(). */
xmlDoc *xml_document_parse(const char *text, size_t len, const char *what, int domain);

/** Line of what a path such as "domain.devices.disk[2].driver@cache" means in a well-formed document, or of the nearest
 * thing around it; 0 if the document can't be read. For errors found after the parse; sets no error. */
guint xml_line_of(const char *text, size_t len, const char *path);

/** Fill a new struct from an element. @path names the element in problems. NULL if there were errors; the
 * caller asks @diag for them. */
void *xml_parse_node(const XmlDesc *desc, xmlNode *node, const char *path, unsigned flags, XmlDiagnostics *diag);

/** All in one: document, root element, struct. NULL with the error set. @diag may be NULL. */
void *xml_parse(const XmlRoot *root, const char *text, size_t len, unsigned flags, XmlDiagnostics *diag);

/* Format */

/** Text of a struct as element @name, indented by @indent levels of two blanks; ends with a newline. Caller frees. */
char *xml_format(const XmlDesc *desc, const void *obj, const char *name, const char *const *ns, unsigned indent,
                 unsigned flags);

/* Compare */

typedef struct {
    char *path; /**< As in XmlProblem. */
    char *old;  /**< Text before; NULL if there was nothing. */
    char *new;  /**< Text after; NULL if there is nothing. */
} XmlChange;

void xml_change_free(XmlChange *change);

/** Whether both have the same content. */
bool xml_equal(const XmlDesc *desc, const void *a, const void *b);
/** Whether an alias (may be NULL) is one that the user chose: it begins with ua-. */
bool xml_of_user(const char *alias);
/** Whether @obj has all that @wanted says; what @wanted leaves out may be anything. Lists are compared from their beginnings. */
bool xml_covers(const XmlDesc *desc, const void *wanted, const void *obj);
/** What differs, as array of XmlChange (empty if nothing), secrets shown as "***". At most @max changes. */
GPtrArray *xml_diff(const XmlDesc *desc, const void *old, const void *new, const char *path, guint max);

/* Validate a struct that was made by a program: required parts, ranges, lengths. Problems go to @diag. */
int xml_validate(const XmlDesc *desc, const void *obj, const char *path, XmlDiagnostics *diag);

/** Which member a path such as "domain.devices.disk.driver@cache" means; NULL if none. [N] is ignored. */
const XmlMember *xml_explain(const XmlRoot *root, const char *path);

/** The candidate nearest to @word by edit distance, NULL if none is near. @n candidates; NULLs are skipped. */
const char *xml_nearest(const char *word, const char *const *candidates, guint n);

/** Enum values and texts. */
const char *xml_enum_text(const XmlEnum *e, int value);
int xml_enum_value(const XmlEnum *e, const char *text);
