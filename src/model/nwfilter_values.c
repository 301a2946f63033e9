/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Values in rules of network filters.
 */
#include "model/nwfilter.h"
#include <stdio.h>
#include <string.h>
#include "base/ip.h"
#include "base/mac.h"

#define NAME_CHARS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_"
#define COMMENT_MAX 256
#define IPSET_FLAGS_MAX 6

typedef struct { const char *name; guint number; } Named;

static char *refuse(char **why, const char *what)
{
    *why = g_strdup_printf("%s is expected, or a variable such as $NAME", what);
    return NULL;
}

/* ---- variables ---- */

/* [INDEX] or [@ITERATOR] behind a name, in decimals without leading zeros; "" if there is none. NULL: something else. */
static char *subscript(const char *text)
{
    const char *iterator = text[0] == '[' && text[1] == '@' ? "@" : "";
    gchar *end;
    if (!*text)
        return g_strdup("");
    const char *digits = text + 1 + strlen(iterator);
    if (*text != '[' || !g_ascii_isdigit(*digits))
        return NULL;
    guint64 n = g_ascii_strtoull(digits, &end, 10);
    if (n > G_MAXUINT32 || strcmp(end, "]") != 0)
        return NULL;
    return g_strdup_printf("[%s%u]", iterator, (guint) n);
}

static char *variable(const char *text, char **why)
{
    size_t name = strspn(text + 1, NAME_CHARS);
    g_autofree char *rest = subscript(text + 1 + name);
    if (!rest)
        return refuse(why, "a variable as $NAME, $NAME[1], $NAME[@1]");
    return g_strdup_printf("%.*s%s", (int) name + 1, text, rest);
}

#define VARIABLE(text, why) do { if (*(text) == '$') return variable((text), (why)); } while (0)

/* ---- numbers ---- */

/* Digits of a number in decimals or, behind 0x, hexadecimals. */
static gboolean read_number(const char *text, guint64 *number, gboolean *hex)
{
    gchar *end;
    *hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
    const char *digits = *hex ? text + 2 : text;
    if (!(*hex ? g_ascii_isxdigit(*digits) : g_ascii_isdigit(*digits)) || strlen(digits) > 16)
        return FALSE;
    *number = g_ascii_strtoull(digits, &end, *hex ? 16 : 10);
    return *end == '\0';
}

static char *number_text(guint64 number, gboolean hex)
{
    return g_strdup_printf(hex ? "0x%" G_GINT64_MODIFIER "x" : "%" G_GUINT64_FORMAT, number);
}

static char *refuse_number(const XmlMember *m, char **why)
{
    g_autofree char *what = g_strdup_printf("a number from %" G_GUINT64_FORMAT " to %" G_GUINT64_FORMAT, m->min, m->max);
    return refuse(why, what);
}

char *xml_form_filter_number(const XmlMember *m, const char *text, char **why)
{
    guint64 number;
    gboolean hex;
    VARIABLE(text, why);
    if (!read_number(text, &number, &hex) || number < m->min || number > m->max)
        return refuse_number(m, why);
    return number_text(number, hex);
}

char *xml_form_filter_decimal(const XmlMember *m, const char *text, char **why)
{
    guint64 number;
    gboolean hex;
    VARIABLE(text, why);
    if (!read_number(text, &number, &hex) || hex || number < m->min || number > m->max)
        return refuse_number(m, why);
    return number_text(number, FALSE);
}

/* What a value that was checked stands for. */
static guint number_of_name(const Named *names, guint n, const char *text)
{
    guint64 number = 0;
    gboolean hex;
    for (guint i = 0; i < n; i++) {
        if (strcmp(names[i].name, text) == 0)
            return names[i].number;
    }
    return read_number(text, &number, &hex) ? (guint) number : 0;
}

/* A number that is written by its name if it has one. */
static char *named_number(const XmlMember *m, const Named *names, guint n, const char *text, char **why)
{
    guint64 number = G_MAXUINT64;
    gboolean hex = FALSE;
    VARIABLE(text, why);
    for (guint i = 0; i < n; i++) {
        if (g_ascii_strcasecmp(names[i].name, text) == 0)
            return g_strdup(names[i].name);
    }
    if (!read_number(text, &number, &hex))
        number = G_MAXUINT64;
    for (guint i = 0; i < n; i++) {
        if (names[i].number == number)
            return g_strdup(names[i].name);
    }
    if (number >= m->min && number <= m->max)
        return number_text(number, hex);
    g_autoptr(GString) what = g_string_new(NULL);
    for (guint i = 0; i < n; i++)
        g_string_append_printf(what, "%s, ", names[i].name);
    g_string_append_printf(what, "or a number from %" G_GUINT64_FORMAT " to %" G_GUINT64_FORMAT, m->min, m->max);
    return refuse(why, what->str);
}

#define NAMED(name, ...) \
    static const Named name##s[] = { __VA_ARGS__ }; \
    char *xml_form_filter_##name(const XmlMember *m, const char *text, char **why) \
    { \
        return named_number(m, name##s, G_N_ELEMENTS(name##s), text, why); \
    } \
    guint nwfilter_##name##_number(const char *text) \
    { \
        return number_of_name(name##s, G_N_ELEMENTS(name##s), text); \
    }

NAMED(ethertype, { "ipv4", 0x800 }, { "arp", 0x806 }, { "rarp", 0x8035 }, { "vlan", 0x8100 }, { "ipv6", 0x86dd })
NAMED(opcode, { "Request", 1 }, { "Reply", 2 }, { "Request_Reverse", 3 }, { "Reply_Reverse", 4 }, { "DRARP_Request", 5 },
      { "DRARP_Reply", 6 }, { "DRARP_Error", 7 }, { "InARP_Request", 8 }, { "ARP_NAK", 9 })
NAMED(ip_protocol, { "tcp", 6 }, { "udp", 17 }, { "udplite", 136 }, { "esp", 50 }, { "ah", 51 }, { "icmp", 1 }, { "igmp", 2 },
      { "sctp", 132 }, { "icmpv6", 58 })

/* ---- addresses ---- */

static char *mac_text(const guint8 mac[6])
{
    char text[MAC_TEXT_SIZE];
    return g_strdup(mac_format(mac, text));
}

char *xml_form_filter_mac(const XmlMember *m, const char *text, char **why)
{
    guint8 mac[6];
    VARIABLE(text, why);
    return mac_parse(text, mac) ? mac_text(mac) : refuse(why, "a hardware address such as 52:54:00:12:34:56");
}

char *xml_form_filter_mac_mask(const XmlMember *m, const char *text, char **why)
{
    guint8 mac[6];
    guint64 bits = 0;
    VARIABLE(text, why);
    gboolean read = mac_parse(text, mac);
    for (guint i = 0; read && i < 6; i++)
        bits = bits << 8 | mac[i];
    guint64 rest = ~bits & 0xffffffffffff; /* ones at the end alone: one less than a power of two */
    return read && !(rest & (rest + 1)) ? mac_text(mac)
        : refuse(why, "a mask for hardware addresses, such as ff:ff:ff:00:00:00, without gaps");
}

static char *address(const char *text, guint size, const char *what, char **why)
{
    IpAddress ip;
    char buf[IP_TEXT_SIZE];
    VARIABLE(text, why);
    return ip_parse(text, &ip) && ip.size == size ? g_strdup(ip_format(&ip, buf)) : refuse(why, what);
}

/* A mask as the length of its prefix. */
static char *mask(const char *text, guint size, const char *what, char **why)
{
    IpAddress ip;
    guint64 number;
    gboolean hex;
    VARIABLE(text, why);
    if (read_number(text, &number, &hex))
        return !hex && number <= size * 8 ? number_text(number, FALSE) : refuse(why, what);
    int prefix = ip_parse(text, &ip) && ip.size == size ? ip_mask_prefix(&ip) : -1;
    return prefix < 0 ? refuse(why, what) : number_text((guint64) prefix, FALSE);
}

char *xml_form_filter_ipv4(const XmlMember *m, const char *text, char **why)
{
    return address(text, 4, "an IPv4 address", why);
}

char *xml_form_filter_ipv6(const XmlMember *m, const char *text, char **why)
{
    return address(text, 16, "an IPv6 address", why);
}

char *xml_form_filter_mask4(const XmlMember *m, const char *text, char **why)
{
    return mask(text, 4, "a mask such as 255.255.255.0 or 24", why);
}

char *xml_form_filter_mask6(const XmlMember *m, const char *text, char **why)
{
    return mask(text, 16, "a mask such as ffff:ffff:: or 32", why);
}

/* ---- words ---- */

char *xml_form_filter_bool(const XmlMember *m, const char *text, char **why)
{
    static const char *const yes[] = { "true", "yes", "1", NULL };
    VARIABLE(text, why);
    return g_strdup(g_strv_contains(yes, text) ? "true" : "false");
}

/* Bits of a list of words with commas between; -1 if there is a strange one. */
static int read_words(const char *text, const Named *words, guint n)
{
    g_auto(GStrv) parts = g_strsplit(text, ",", 16);
    int bits = 0;
    for (char **part = parts; *part; part++) {
        guint i = 0;
        g_strstrip(*part);
        if (!**part)
            continue;
        while (i < n && g_ascii_strcasecmp(words[i].name, *part) != 0)
            i++;
        if (i == n)
            return -1;
        bits |= (int) words[i].number;
    }
    return bits;
}

/* The words that @bits have, but for those whose bits all belong to a word before. */
static void put_words(GString *text, int bits, const Named *words, guint n)
{
    const char *comma = "";
    for (guint i = 0; i < n && bits; i++) {
        if ((bits & (int) words[i].number) != (int) words[i].number)
            continue;
        g_string_append_printf(text, "%s%s", comma, words[i].name);
        bits &= ~(int) words[i].number;
        comma = ",";
    }
}

char *xml_form_filter_state(const XmlMember *m, const char *text, char **why)
{
    static const Named states[] = { { "NONE", 31 }, { "NEW", 1 }, { "ESTABLISHED", 2 }, { "RELATED", 4 }, { "INVALID", 8 } };
    VARIABLE(text, why);
    int bits = read_words(text, states, G_N_ELEMENTS(states));
    if (bits < 0)
        return refuse(why, "NONE, or some of NEW,ESTABLISHED,RELATED,INVALID with commas between");
    g_autoptr(GString) kept = g_string_new(NULL);
    put_words(kept, bits, states, G_N_ELEMENTS(states));
    return g_strdup(kept->str);
}

char *xml_form_filter_tcp_flags(const XmlMember *m, const char *text, char **why)
{
    static const Named flags[] = { { "ALL", 63 }, { "FIN", 1 }, { "SYN", 2 }, { "RST", 4 }, { "PSH", 8 }, { "ACK", 16 },
                                   { "URG", 32 }, { "NONE", 0 } };
    g_autoptr(GString) kept = g_string_new(NULL);
    VARIABLE(text, why);
    g_auto(GStrv) parts = g_strsplit(text, "/", 3);
    gboolean good = g_strv_length(parts) == 2;
    for (guint i = 0; good && i < 2; i++) {
        int bits = read_words(parts[i], flags, G_N_ELEMENTS(flags));
        good = bits >= 0;
        g_string_append(kept, i ? "/" : "");
        if (bits > 0)
            put_words(kept, bits, flags, G_N_ELEMENTS(flags));
        else
            g_string_append(kept, "NONE");
    }
    return good ? g_strdup(kept->str) : refuse(why, "flags of SYN,ACK,URG,PSH,FIN,RST, ALL or NONE as MASK/SET");
}

char *xml_form_filter_ipset(const XmlMember *m, const char *text, char **why)
{
    VARIABLE(text, why);
    return text[strspn(text, NAME_CHARS "-.: ")] ? refuse(why, "the name of a set") : g_strdup(text);
}

char *xml_form_filter_ipset_flags(const XmlMember *m, const char *text, char **why)
{
    VARIABLE(text, why);
    g_auto(GStrv) parts = g_strsplit(text, ",", IPSET_FLAGS_MAX + 1);
    guint n = g_strv_length(parts);
    gboolean good = n > 0 && n <= IPSET_FLAGS_MAX;
    for (guint i = 0; good && i < n; i++)
        good = g_ascii_strcasecmp(parts[i], "src") == 0 || g_ascii_strcasecmp(parts[i], "dst") == 0;
    return good ? g_ascii_strdown(text, -1) : refuse(why, "up to 6 of src and dst with commas between");
}

char *xml_form_filter_comment(const XmlMember *m, const char *text, char **why)
{
    return g_strndup(text, COMMENT_MAX);
}
