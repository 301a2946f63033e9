/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * DHCP messages as frames: good ones, and each way in which they are not.
 */
#include <string.h>
#include "drivers/nwfilter/dhcp.h"

static const guint8 mac[6] = { 0x52, 0x54, 0, 0, 0, 1 };

#define SIZE 320

/* A server's answer (@type 5: ACK) or a guest's message; the options' lengths are right. */
static void make(guint8 frame[SIZE], gboolean from_guest, guint8 type)
{
    guint8 *ip = frame + 14, *udp = ip + 20, *message = udp + 8, *option = message + 240;
    memset(frame, 0, SIZE);
    memcpy(frame + (from_guest ? 6 : 0), mac, 6);
    frame[12] = 8;
    ip[0] = 0x45;
    ip[2] = (SIZE - 14) >> 8;
    ip[3] = (SIZE - 14) & 255;
    ip[9] = 17;
    memcpy(ip + 12, (guint8[]) { 10, 0, 0, 1 }, 4);
    udp[1] = from_guest ? 68 : 67;
    udp[3] = from_guest ? 67 : 68;
    udp[4] = (SIZE - 34) >> 8;
    udp[5] = (SIZE - 34) & 255;
    message[0] = from_guest ? 1 : 2;
    memcpy(message + (from_guest ? 12 : 16), (guint8[]) { 10, 0, 0, 5 }, 4);
    memcpy(message + 28, mac, 6);
    memcpy(message + 236, (guint8[]) { 99, 130, 83, 99 }, 4);
    /* padding and others between, the type last */
    memcpy(option, (guint8[]) { 0, 0, 54, 4, 10, 0, 0, 1, 51, 4, 0, 0, 14, 16, 53, 1, type, 255 }, 18);
}

static gboolean is_read(const guint8 *frame, gsize len, gboolean from_guest, DhcpNews *news)
{
    g_autofree guint8 *exact = g_memdup2(frame, len); /* so that a byte too many is seen */
    return dhcp_read(exact, len, mac, from_guest, news);
}

static void test_good(void)
{
    guint8 frame[SIZE];
    char text[IP_TEXT_SIZE];
    DhcpNews news;
    make(frame, FALSE, 5);
    g_assert_true(is_read(frame, SIZE, FALSE, &news));
    g_assert_cmpstr(ip_format(&news.ip, text), ==, "10.0.0.5");
    g_assert_cmpstr(ip_format(&news.server, text), ==, "10.0.0.1");
    g_assert_cmpuint(news.seconds, ==, 3600);
    frame[42 + 240 + 8] = 99; /* no lease time */
    g_assert_true(is_read(frame, SIZE, FALSE, &news));
    g_assert_cmpuint(news.seconds, ==, DHCP_FOREVER);
    make(frame, TRUE, 7);
    g_assert_true(is_read(frame, SIZE, TRUE, &news));
    g_assert_cmpstr(ip_format(&news.ip, text), ==, "10.0.0.5");
    g_assert_cmpuint(news.seconds, ==, 0);
}

static void test_bad(void)
{
    static const struct { guint at; guint8 value; } wrong[] = {
        { 12, 9 }, { 14, 0x44 }, { 14, 0x65 }, { 14, 0x4f }, { 16, 0xff }, { 20, 0x20 }, { 21, 1 }, { 23, 6 }, { 35, 66 }, { 37, 67 }, { 38, 0xff },
        { 38, 0 }, { 42, 1 }, { 42 + 28, 9 }, { 42 + 236, 0 }, { 42 + 240 + 16, 2 }, { 42 + 240 + 15, 2 }, { 42 + 240 + 3, 255 }, { 42 + 240, 255 },
        { 42 + 16, 0 }, { 42 + 16, 224 }, { 42 + 240 + 9, 3 },
    };
    guint8 frame[SIZE];
    DhcpNews news;
    for (guint i = 0; i + 1 < G_N_ELEMENTS(wrong); i++) {
        make(frame, FALSE, 5);
        frame[wrong[i].at] = wrong[i].value;
        g_test_message("byte %u", wrong[i].at);
        g_assert_false(is_read(frame, SIZE, FALSE, &news));
    }
    make(frame, FALSE, 5);
    g_assert_false(is_read(frame, SIZE, TRUE, &news)); /* a guest can't give itself one */
    make(frame, TRUE, 7);
    frame[6] = 0x54; /* another's */
    g_assert_false(is_read(frame, SIZE, TRUE, &news));
    make(frame, FALSE, 5);
    memset(frame + 42 + 240 + 10, 0, 4); /* for no time at all */
    g_assert_false(is_read(frame, SIZE, FALSE, &news));
}

/* Whatever stands there, nothing behind the end is looked at. */
static void test_any(void)
{
    guint8 frame[SIZE];
    DhcpNews news;
    for (guint round = 0; round < 20000; round++) {
        gsize len = (gsize) g_test_rand_int_range(0, SIZE + 1);
        make(frame, round & 1, round & 2 ? 5 : 7);
        for (int k = g_test_rand_int_range(0, 8); k > 0; k--)
            frame[g_test_rand_int_range(0, SIZE)] = (guint8) g_test_rand_int();
        if (round % 3) {
            frame[16] = (guint8) ((len - 14) >> 8);
            frame[17] = (guint8) (len - 14);
            frame[38] = (guint8) ((len - 34) >> 8);
            frame[39] = (guint8) (len - 34);
        }
        is_read(frame, len, round & 1, &news);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/nwfilter/dhcp/good", test_good);
    g_test_add_func("/nwfilter/dhcp/bad", test_bad);
    g_test_add_func("/nwfilter/dhcp/any", test_any);
    return g_test_run();
}
