/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Scalars of the XML runtime: text to C value and back, for each XmlType.
 */
#include "base/xml_private.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include "base/error.h"
#include "base/mac.h"
#include "base/uuid.h"

guint64 xml_number_get(const XmlMember *m, const void *at)
{
    bool is_signed = m->type == XML_INT;

    switch (m->bytes) {
    case 1:
        return is_signed ? (guint64)(gint64)*(const gint8 *)at : *(const guint8 *)at;
    case 2:
        return is_signed ? (guint64)(gint64)*(const gint16 *)at : *(const guint16 *)at;
    case 4:
        return is_signed ? (guint64)(gint64)*(const gint32 *)at : *(const guint32 *)at;
    default:
        return *(const guint64 *)at;
    }
}

void xml_number_set(const XmlMember *m, void *at, guint64 value)
{
    switch (m->bytes) {
    case 1:
        *(guint8 *)at = value;
        break;
    case 2:
        *(guint16 *)at = value;
        break;
    case 4:
        *(guint32 *)at = value;
        break;
    default:
        *(guint64 *)at = value;
    }
}

size_t xml_value_size(const XmlMember *m)
{
    switch (m->type) {
    case XML_STRING:
    case XML_RAW:
    case XML_BITMAP:
        return sizeof(void *);
    case XML_YESNO:
    case XML_ONOFF:
    case XML_PRESENT:
    case XML_ENUM:
        return 1;
    case XML_UUID:
        return 16;
    case XML_MAC:
        return 6;
    default:
        return m->bytes;
    }
}

bool xml_value_is_set(const XmlMember *m, const void *obj)
{
    const void *at = member_ptr(m, obj);
    const bool *has = member_has(m, obj);

    if (m->flags & XML_ALWAYS)
        return true;
    if (has)
        return *has;
    switch (m->type) {
    case XML_STRING:
    case XML_RAW:
    case XML_BITMAP:
        return *(void *const *)at != NULL;
    case XML_YESNO:
    case XML_ONOFF:
    case XML_PRESENT:
    case XML_ENUM:
        return *(const guint8 *)at != 0;
    default:
        return xml_number_get(m, at) != 0;
    }
}

bool xml_of_user(const char *alias)
{
    return alias && g_str_has_prefix(alias, "ua-");
}

bool xml_member_hidden(const XmlMember *m, const void *obj, unsigned flags)
{
    if (m->flags & XML_SECRET && !(flags & XML_SECURE))
        return true;
    if (!(flags & XML_INACTIVE))
        return false;
    if (m->flags & XML_LIVE)
        return true;
    return m->flags & XML_LIVE_UNLESS_USER && !xml_of_user(*(char *const *)member_ptr(m, obj));
}

/* Text to value */

static bool parse_enum(const XmlMember *m, void *at, const char *text, char **why)
{
    const XmlEnum *e = m->info;
    int value = xml_enum_value(e, text);

    if (value) {
        *(guint8 *)at = value;
        return true;
    }
    const char *near = xml_nearest(text, e->texts, e->n);
    GString *list = g_string_new("allowed: ");
    for (guint i = 0; i < e->n; i++)
        g_string_append_printf(list, "%s%s", i ? ", " : "", e->texts[i]);
    if (near)
        g_string_append_printf(list, "; did you mean '%s'?", near);
    *why = g_string_free(list, FALSE);
    return false;
}

static bool parse_tristate(const XmlMember *m, void *at, const char *text, char **why)
{
    const char *yes = m->type == XML_YESNO ? "yes" : "on", *no = m->type == XML_YESNO ? "no" : "off";

    if (strcmp(text, yes) == 0)
        *(guint8 *)at = TRISTATE_YES;
    else if (strcmp(text, no) == 0)
        *(guint8 *)at = TRISTATE_NO;
    else
        *why = g_strdup_printf("allowed: %s, %s", yes, no);
    return !*why;
}

/* Digits in @base only: no sign, no blanks, so that strtoull's leniency can't let odd texts in. */
static bool parse_digits(const char *text, guint base, guint64 *value)
{
    guint64 n = 0;

    if (!*text)
        return false;
    for (; *text; text++) {
        int digit = g_ascii_xdigit_value(*text);
        if (digit < 0 || digit >= (int)base || n > (G_MAXUINT64 - digit) / base)
            return false;
        n = n * base + digit;
    }
    *value = n;
    return true;
}

static bool parse_signed(const XmlMember *m, void *at, const char *text, char **why)
{
    bool negative = *text == '-';
    guint64 n;

    if (!parse_digits(text + negative, 10, &n) || n > (guint64)G_MAXINT64 + negative) {
        *why = g_strdup("a whole number is expected");
        return false;
    }
    gint64 value = negative ? (gint64)-n : (gint64)n;
    if (value < (gint64)m->min || value > (gint64)m->max) {
        *why = g_strdup_printf("allowed: %" PRId64 " to %" PRId64, (gint64)m->min, (gint64)m->max);
        return false;
    }
    xml_number_set(m, at, value);
    return true;
}

static bool store_unsigned(const XmlMember *m, void *at, guint64 n, char **why)
{
    if (n < m->min || n > m->max) {
        *why = g_strdup_printf("allowed: %" PRIu64 " to %" PRIu64, m->min, m->max);
        return false;
    }
    xml_number_set(m, at, n);
    return true;
}

static bool parse_unsigned(const XmlMember *m, void *at, const char *text, char **why)
{
    bool may_hex = m->type == XML_HEX || m->type == XML_HEX_UPPER;
    bool hex = may_hex && text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
    bool octal = m->type == XML_OCTAL;
    guint64 n;

    if (!parse_digits(hex ? text + 2 : text, hex ? 16 : octal ? 8 : 10, &n)) {
        *why = g_strdup(may_hex ? "a number is expected, such as 0x1f or 31"
                        : octal ? "an octal number is expected, such as 0644" : "a number from 0 is expected");
        return false;
    }
    return store_unsigned(m, at, n, why);
}

static guint64 unit_factor(const char *unit)
{
    static const char letters[] = "KMGTPE";
    const char *at;
    guint64 factor = 1;

    if (g_ascii_strcasecmp(unit, "b") == 0 || g_ascii_strcasecmp(unit, "bytes") == 0 ||
        g_ascii_strcasecmp(unit, "byte") == 0)
        return 1;
    if (!*unit || !(at = strchr(letters, g_ascii_toupper(*unit))))
        return 0;
    if (unit[1] && g_ascii_strcasecmp(unit + 1, "b") && g_ascii_strcasecmp(unit + 1, "ib"))
        return 0;
    guint step = g_ascii_strcasecmp(unit + 1, "b") == 0 ? 1000 : 1024;
    for (const char *p = letters; p <= at; p++)
        factor *= step;
    return factor;
}

static bool parse_size(const XmlMember *m, void *at, const char *text, const char *unit, char **why)
{
    guint64 factor = unit && *unit ? unit_factor(unit) : m->width == 10 ? 1024 : m->width == 20 ? 1 << 20 : 1;
    guint64 n;

    if (!factor) {
        *why = g_strdup_printf("unknown unit '%s'; allowed: bytes, KB, KiB, MB, MiB, GB, GiB, TB, TiB, PB, PiB, EB, EiB",
                               unit);
        return false;
    }
    if (!parse_digits(text, 10, &n)) {
        *why = g_strdup("a number from 0 is expected");
        return false;
    }
    if (n > G_MAXUINT64 / factor) {
        *why = g_strdup("the size is too large");
        return false;
    }
    guint64 step = 1ULL << m->width, bytes = n * factor;
    return store_unsigned(m, at, bytes / step + (bytes % step != 0), why);
}

static bool parse_mac(void *at, const char *text, char **why)
{
    if (strlen(text) == MAC_TEXT_SIZE - 1 && mac_parse(text, at))
        return true;
    *why = g_strdup("a hardware address such as 52:54:00:12:34:56 is expected");
    return false;
}

static bool parse_bitmap(const XmlMember *m, void *at, const char *text, char **why)
{
    virErrorPtr before = error_save();
    Bitmap *bitmap = bitmap_parse(text, 0);

    error_restore(before);
    if (!bitmap) {
        *why = g_strdup("a set of numbers such as 0-3,^2,8 is expected");
        return false;
    }
    *(Bitmap **)at = bitmap;
    return true;
}

static bool parse_string(const XmlMember *m, void *at, const char *text, char **why)
{
    char *kept = m->form ? m->form(m, text, why) : g_strdup(text);

    if (kept)
        *(char **)at = kept;
    return kept != NULL;
}

static bool parse_uuid(void *at, const char *text, char **why)
{
    guint8 raw[UUID_BYTES];

    if (uuid_parse(text, raw) < 0) {
        *why = g_strdup("a UUID is expected");
        return false;
    }
    memcpy(at, raw, sizeof raw);
    return true;
}

static bool parse_one(const XmlMember *m, void *at, const char *text, const char *unit, char **why)
{
    switch (m->type) {
    case XML_STRING:
    case XML_RAW:
        return parse_string(m, at, text, why);
    case XML_BITMAP:
        return parse_bitmap(m, at, text, why);
    case XML_YESNO:
    case XML_ONOFF:
        return parse_tristate(m, at, text, why);
    case XML_PRESENT:
        *(bool *)at = true;
        return true;
    case XML_UUID:
        return parse_uuid(at, text, why);
    case XML_MAC:
        return parse_mac(at, text, why);
    case XML_INT:
        return parse_signed(m, at, text, why);
    case XML_SIZE:
        return parse_size(m, at, text, unit, why);
    case XML_ENUM:
        return parse_enum(m, at, text, why);
    default:
        return parse_unsigned(m, at, text, why);
    }
}

bool xml_value_parse(const XmlMember *m, void *at, bool *has, const char *text, const char *unit, char **why)
{
    if (m->max_len && strlen(text) > m->max_len) {
        *why = g_strdup_printf("it is longer than %u bytes", m->max_len);
        return false;
    }
    if (!parse_one(m, at, text, unit, why))
        return false;
    if (has)
        *has = true;
    return true;
}

/* Value to text */

static const char *number_text(guint64 n, char buf[XML_VALUE_BUF])
{
    char *p = buf + XML_VALUE_BUF;

    *--p = '\0';
    do {
        *--p = '0' + n % 10;
        n /= 10;
    } while (n);
    return p;
}

static const char *signed_text(gint64 n, char buf[XML_VALUE_BUF])
{
    if (n >= 0)
        return number_text(n, buf);
    char *p = (char *)number_text(-(guint64)n, buf);
    *--p = '-';
    return p;
}

static const char *hex_text(guint64 n, guint width, const char *digits, char buf[XML_VALUE_BUF])
{
    char *p = buf + XML_VALUE_BUF;
    char *least = p - 1 - width;

    *--p = '\0';
    do {
        *--p = digits[n & 15];
        n >>= 4;
    } while (n || p > least);
    *--p = 'x';
    *--p = '0';
    return p;
}

static const char *octal_text(guint64 n, guint width, char buf[XML_VALUE_BUF])
{
    g_snprintf(buf, XML_VALUE_BUF, "%0*" G_GINT64_MODIFIER "o", (int)width, n);
    return buf;
}

const char *xml_value_text(const XmlMember *m, const void *at, char buf[XML_VALUE_BUF])
{
    switch (m->type) {
    case XML_STRING:
    case XML_RAW:
        return *(char *const *)at;
    case XML_YESNO:
        return *(const guint8 *)at == TRISTATE_YES ? "yes" : "no";
    case XML_ONOFF:
        return *(const guint8 *)at == TRISTATE_ON ? "on" : "off";
    case XML_PRESENT:
        return "";
    case XML_UUID:
        uuid_format(at, buf);
        return buf;
    case XML_MAC:
        return mac_format(at, buf);
    case XML_INT:
        return signed_text((gint64)xml_number_get(m, at), buf);
    case XML_HEX:
        return hex_text(xml_number_get(m, at), m->width, "0123456789abcdef", buf);
    case XML_HEX_UPPER:
        return hex_text(xml_number_get(m, at), m->width, "0123456789ABCDEF", buf);
    case XML_OCTAL:
        return octal_text(xml_number_get(m, at), m->width, buf);
    case XML_ENUM:
        return xml_enum_text(m->info, *(const guint8 *)at) ?: "";
    default:
        return number_text(xml_number_get(m, at), buf);
    }
}

/* Memory */

void xml_value_clear(const XmlMember *m, void *at)
{
    if (m->type == XML_STRING || m->type == XML_RAW) {
        g_free(*(char **)at);
        *(char **)at = NULL;
    } else if (m->type == XML_BITMAP) {
        bitmap_free(*(Bitmap **)at);
        *(Bitmap **)at = NULL;
    }
}

void xml_value_dup(const XmlMember *m, void *at)
{
    if (m->type == XML_STRING || m->type == XML_RAW)
        *(char **)at = g_strdup(*(char **)at);
    else if (m->type == XML_BITMAP && *(Bitmap **)at)
        *(Bitmap **)at = bitmap_copy(*(Bitmap **)at);
}

static const char *behind_layout(const char *text)
{
    const char *end = text + strspn(text, " \t\r\n");
    return *end == '<' ? end : text;
}

/* Blanks between tags make no difference: printing puts some there. */
static bool raw_equal(const char *a, const char *b)
{
    if (!a || !b)
        return a == b;
    for (char last = 0;; last = *a++, b++) {
        if (last == '>') {
            a = behind_layout(a);
            b = behind_layout(b);
        }
        if (*a != *b || !*a)
            return *a == *b;
    }
}

bool xml_value_equal(const XmlMember *m, const void *a, const void *b)
{
    if (m->type == XML_RAW)
        return raw_equal(*(char *const *)a, *(char *const *)b);
    if (m->type == XML_STRING)
        return g_strcmp0(*(char *const *)a, *(char *const *)b) == 0;
    if (m->type == XML_BITMAP) {
        Bitmap *x = *(Bitmap *const *)a, *y = *(Bitmap *const *)b;
        return x == y || (x && y && bitmap_equal(x, y));
    }
    return memcmp(a, b, xml_value_size(m)) == 0;
}
