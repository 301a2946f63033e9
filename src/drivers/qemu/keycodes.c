/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * QEMU numbers keys by the PC's first scan code set, with 0x80 added to those behind the prefix 0xe0. The codes of Linux are the
 * same up to F10 and the number pad, then they are listed here.
 */
#define ERROR_DOMAIN VIR_FROM_QEMU
#include "drivers/qemu/keycodes.h"
#include <linux/input-event-codes.h>
#include "base/error.h"

#define LAST_COMMON_CODE KEY_KPDOT

static const struct {
    unsigned char linux_code;
    unsigned char qemu;
} extra[] = {
    { KEY_102ND, 0x56 }, { KEY_F11, 0x57 }, { KEY_F12, 0x58 }, { KEY_RO, 0x73 }, { KEY_KATAKANA, 0x78 }, { KEY_HIRAGANA, 0x77 },
    { KEY_HENKAN, 0x79 }, { KEY_KATAKANAHIRAGANA, 0x70 }, { KEY_MUHENKAN, 0x7b }, { KEY_KPJPCOMMA, 0x5c },
    { KEY_KPENTER, 0x9c }, { KEY_RIGHTCTRL, 0x9d }, { KEY_KPSLASH, 0xb5 }, { KEY_SYSRQ, 0x54 }, { KEY_RIGHTALT, 0xb8 },
    { KEY_LINEFEED, 0x5b }, { KEY_HOME, 0xc7 }, { KEY_UP, 0xc8 }, { KEY_PAGEUP, 0xc9 }, { KEY_LEFT, 0xcb }, { KEY_RIGHT, 0xcd },
    { KEY_END, 0xcf }, { KEY_DOWN, 0xd0 }, { KEY_PAGEDOWN, 0xd1 }, { KEY_INSERT, 0xd2 }, { KEY_DELETE, 0xd3 },
    { KEY_MACRO, 0xef }, { KEY_MUTE, 0xa0 }, { KEY_VOLUMEDOWN, 0xae }, { KEY_VOLUMEUP, 0xb0 }, { KEY_POWER, 0xde },
    { KEY_KPEQUAL, 0x59 }, { KEY_PAUSE, 0xc6 }, { KEY_KPCOMMA, 0x7e }, { KEY_HANGEUL, 0xf2 }, { KEY_HANJA, 0xf1 },
    { KEY_YEN, 0x7d }, { KEY_LEFTMETA, 0xdb }, { KEY_RIGHTMETA, 0xdc }, { KEY_COMPOSE, 0xdd }, { KEY_STOP, 0xe8 },
    { KEY_SLEEP, 0xdf }, { KEY_WAKEUP, 0xe3 }, { KEY_MAIL, 0xec }, { KEY_BOOKMARKS, 0xe6 }, { KEY_BACK, 0xea },
    { KEY_FORWARD, 0xe9 }, { KEY_NEXTSONG, 0x99 }, { KEY_PLAYPAUSE, 0xa2 }, { KEY_PREVIOUSSONG, 0x90 }, { KEY_STOPCD, 0xa4 },
    { KEY_HOMEPAGE, 0xb2 }, { KEY_REFRESH, 0xe7 }, { KEY_SEARCH, 0xe5 }, { KEY_MEDIA, 0xed }, { KEY_CALC, 0xa1 },
};

static int from_linux(unsigned int code)
{
    if (code > 0 && code <= LAST_COMMON_CODE)
        return code;
    for (guint i = 0; i < G_N_ELEMENTS(extra); i++) {
        if (extra[i].linux_code == code)
            return extra[i].qemu;
    }
    return FAIL(VIR_ERR_INVALID_ARG, "key code %u has no key that QEMU knows", code);
}

int keycode_to_qemu(unsigned int codeset, unsigned int code)
{
    switch (codeset) {
    case VIR_KEYCODE_SET_LINUX:
        return from_linux(code);
    case VIR_KEYCODE_SET_QNUM:
        if (code > 0 && code < 0x100)
            return code;
        return FAIL(VIR_ERR_INVALID_ARG, "key code %u is out of range", code);
    case VIR_KEYCODE_SET_XT:
        /* 0xe0 and the code of an extended key, as the keyboard sends them. */
        if ((code & 0xff80) == 0xe000)
            return (code & 0x7f) | 0x80;
        if (code > 0 && code < 0x80)
            return code;
        return FAIL(VIR_ERR_INVALID_ARG, "key code 0x%x is no scan code", code);
    default:
        return FAIL(VIR_ERR_ARGUMENT_UNSUPPORTED, "key codes of set %u are not supported yet; use 'linux' or 'xt'", codeset);
    }
}
