/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Defaults of serial ports and consoles. The first console of a full virtual machine is the first
 * serial port under another name: each makes the other.
 */
#include "model/domain_private.h"

/* A serial port that names no number comes after the highest that any names. */
static void number_serials(DomainSerial *const *serials, guint n)
{
    gint64 last = -1;

    for (guint i = 0; i < n; i++) {
        if (serials[i]->target.has_port)
            last = MAX(last, serials[i]->target.port);
    }
    for (guint i = 0; i < n; i++) {
        if (!serials[i]->target.has_port || serials[i]->target.port < 0) {
            last++;
            serials[i]->target.port = MIN(last, G_MAXINT32);
        }
        serials[i]->target.has_port = true;
    }
}

/* A parallel port that names no number comes after the highest before it. */
static void number_parallels(DomainParallel *const *parallels, guint n)
{
    gint64 last = -1;

    for (guint i = 0; i < n; i++) {
        if (!parallels[i]->target.has_port || parallels[i]->target.port < 0)
            parallels[i]->target.port = MIN(last + 1, G_MAXINT32);
        parallels[i]->target.has_port = true;
        last = MAX(last, parallels[i]->target.port);
    }
}

static SerialTargetModel model_of(SerialTargetType type, const DomainMachineInfo *info)
{
    switch (type) {
    case SERIAL_TARGET_TYPE_ISA_SERIAL:
        return SERIAL_TARGET_MODEL_ISA_SERIAL;
    case SERIAL_TARGET_TYPE_USB_SERIAL:
        return SERIAL_TARGET_MODEL_USB_SERIAL;
    case SERIAL_TARGET_TYPE_PCI_SERIAL:
        return SERIAL_TARGET_MODEL_PCI_SERIAL;
    case SERIAL_TARGET_TYPE_SPAPR_VIO_SERIAL:
        return SERIAL_TARGET_MODEL_SPAPR_VTY;
    case SERIAL_TARGET_TYPE_SYSTEM_SERIAL:
        return info->serial_type == type ? info->serial_model : SERIAL_TARGET_MODEL_UNSET;
    case SERIAL_TARGET_TYPE_SCLP_SERIAL:
        return SERIAL_TARGET_MODEL_SCLPCONSOLE;
    case SERIAL_TARGET_TYPE_ISA_DEBUG:
        return SERIAL_TARGET_MODEL_ISA_DEBUGCON;
    default:
        return SERIAL_TARGET_MODEL_UNSET;
    }
}

static void default_serial(DomainSerial *serial, const DomainMachineInfo *info)
{
    /* What is written for every machine is a PC's port; here it is the usual one. */
    if (serial->target.type == SERIAL_TARGET_TYPE_ISA_SERIAL && info->serial_type != SERIAL_TARGET_TYPE_ISA_SERIAL &&
        !serial->target.model)
        serial->target.type = info->serial_type;
    if (!serial->target.type && (!serial->info.address || serial->info.address->type != DOMAIN_ADDRESS_TYPE_USB))
        serial->target.type = info->serial_type;
    else if (!serial->target.type)
        serial->target.type = SERIAL_TARGET_TYPE_USB_SERIAL;
    if (!serial->target.model)
        serial->target.model = model_of(serial->target.type, info);
}

static void copy_source(ChardevSource *to, const ChardevSource *from)
{
    xml_struct_clear(&CHARDEV_SOURCE_DESC, to);
    xml_struct_copy_into(&CHARDEV_SOURCE_DESC, to, from);
}

static bool is_serial_console(const DomainConsole *console)
{
    return console->target.type == CONSOLE_TARGET_TYPE_SERIAL;
}

static void serial_from_console(DomainDef *def, const DomainConsole *console, const DomainMachineInfo *info)
{
    DomainSerial *serial = xml_struct_new(&DOMAIN_SERIAL_DESC);

    copy_source(&serial->source, &console->source);
    serial->target.has_port = true;
    default_serial(serial, info);
    XML_LIST_APPEND(def->devices.serials, def->devices.n_serials, serial);
}

/* Whether a console can be the alias of this port: it must be there from the guest's first moment on. */
static bool can_be_console(const DomainSerial *serial)
{
    return serial->target.type != SERIAL_TARGET_TYPE_USB_SERIAL && serial->target.type != SERIAL_TARGET_TYPE_PCI_SERIAL &&
           serial->target.type != SERIAL_TARGET_TYPE_ISA_DEBUG;
}

static void console_from_serial(DomainDef *def, const DomainSerial *serial)
{
    DomainConsole *console = xml_struct_new(&DOMAIN_CONSOLE_DESC);

    console->target.type = CONSOLE_TARGET_TYPE_SERIAL;
    console->target.port = serial->target.port;
    console->target.has_port = true;
    copy_source(&console->source, &serial->source);
    XML_LIST_INSERT(def->devices.consoles, def->devices.n_consoles, 0, console);
}

static int pair_console(DomainDef *def, const DomainMachineInfo *info)
{
    DomainDevices *devices = &def->devices;
    DomainConsole *first = devices->n_consoles ? devices->consoles[0] : NULL;

    for (guint i = 1; i < devices->n_consoles; i++) {
        if (is_serial_console(devices->consoles[i]))
            return domain_fail_device(def, "console", devices->consoles[i], VIR_ERR_CONFIG_UNSUPPORTED, "only the first console "
                                      "can be a serial port: give this one <target type='virtio'/>, or make it a <serial>");
    }

    if (first && is_serial_console(first)) {
        if (!devices->n_serials)
            serial_from_console(def, first, info);
        if (can_be_console(devices->serials[0])) {
            copy_source(&first->source, &devices->serials[0]->source);
            first->target.port = devices->serials[0]->target.port;
        }
    } else if (devices->n_serials && can_be_console(devices->serials[0])) {
        console_from_serial(def, devices->serials[0]);
    }
    return 0;
}

/* A console that names no number is numbered by its place. A number that is given stays, so that a definition that is read
 * again stays as it is: the alias of a serial port that was put in front moves the places. */
static void default_console(DomainConsole *console, guint place)
{
    if (!console->target.type)
        console->target.type = CONSOLE_TARGET_TYPE_SERIAL;
    if (!console->target.has_port || console->target.port < 0)
        console->target.port = place;
    console->target.has_port = true;
}

int domain_defaults_chardevs(DomainDef *def, const DomainMachineInfo *info)
{
    DomainDevices *devices = &def->devices;

    number_serials(devices->serials, devices->n_serials);
    number_parallels(devices->parallels, devices->n_parallels);
    for (guint i = 0; i < devices->n_serials; i++)
        default_serial(devices->serials[i], info);
    for (guint i = 0; i < devices->n_consoles; i++)
        default_console(devices->consoles[i], i);
    if (def->os.type == DOMAIN_OS_TYPE_HVM && domain_is_qemu(def) && pair_console(def, info) < 0)
        return -1;
    for (guint i = 0; i < devices->n_channels; i++) {
        if (!devices->channels[i]->target.type)
            return domain_fail_device(def, "channel", devices->channels[i], VIR_ERR_XML_ERROR, "its target must have a type");
    }
    return 0;
}
