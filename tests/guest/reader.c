/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * reader DEVICE: what is in the first slot of a USB smartcard reader (CCID), whenever it changes, one line each:
 * "card ANSWER", the bytes with which the card answered when it got power, or "card gone". Ends with the reader.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/usb/ch9.h>
#include <linux/usbdevice_fs.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { POWER_ON = 0x62, GET_STATUS = 0x65, HEADER = 10, ANSWER_MS = 5000, ABSENT = 2 };

static int device, bulk_in, bulk_out, interrupt_in;
static uint8_t sequence;

/* The descriptors, device and configuration one behind the other, are what the device's file has. */
static int find_endpoints(void)
{
    uint8_t data[1024];
    ssize_t n = read(device, data, sizeof(data));

    for (ssize_t at = 0; at + 2 <= n && data[at] >= 2 && at + data[at] <= n; at += data[at]) {
        const uint8_t *d = data + at;

        if (d[1] != USB_DT_ENDPOINT || d[0] < USB_DT_ENDPOINT_SIZE)
            continue;
        if ((d[3] & USB_ENDPOINT_XFERTYPE_MASK) == USB_ENDPOINT_XFER_INT)
            interrupt_in = d[2];
        else if (d[2] & USB_DIR_IN)
            bulk_in = d[2];
        else
            bulk_out = d[2];
    }
    return bulk_in && bulk_out && interrupt_in ? 0 : -1;
}

static int transfer(int endpoint, void *data, unsigned int len, unsigned int ms)
{
    struct usbdevfs_bulktransfer bulk = { .ep = (unsigned int)endpoint, .len = len, .timeout = ms, .data = data };

    return ioctl(device, USBDEVFS_BULK, &bulk);
}

/* A command without data; the answer's length with its header, of which byte 7 is the state of the slot. */
static int command(uint8_t type, uint8_t answer[static 256])
{
    uint8_t message[HEADER] = { type, [6] = ++sequence };
    int n;

    if (transfer(bulk_out, message, sizeof(message), ANSWER_MS) != HEADER)
        return -1;
    do {
        n = transfer(bulk_in, answer, 256, ANSWER_MS);
    } while (n >= HEADER && answer[6] != sequence);
    return n >= HEADER ? n : -1;
}

static int tell(int *was_there)
{
    uint8_t answer[256];
    int n, there;

    if (command(GET_STATUS, answer) < 0)
        return -1;
    there = (answer[7] & 3) != ABSENT;
    if (there == *was_there)
        return 0;
    *was_there = there;
    if (!there) {
        puts("card gone");
        return 0;
    }
    n = command(POWER_ON, answer);
    if (n < 0)
        return -1;
    fputs("card ", stdout);
    for (int i = HEADER; i < n; i++)
        printf("%02x", answer[i]);
    putchar('\n');
    return 0;
}

int main(int argc, char **argv)
{
    unsigned int interface = 0;
    uint8_t notice[64];
    int there = 0;

    setvbuf(stdout, NULL, _IOLBF, 0);
    device = argc == 2 ? open(argv[1], O_RDWR) : -1;
    if (device < 0 || find_endpoints() < 0 || ioctl(device, USBDEVFS_CLAIMINTERFACE, &interface) < 0) {
        printf("no reader: %s\n", strerror(errno));
        return 1;
    }
    while (tell(&there) == 0 && transfer(interrupt_in, notice, sizeof(notice), 0) >= 0)
        continue;
    return 0;
}
