/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Defaults of serial ports and consoles. The first console of a full virtual machine is the first
 * serial port under another name: each makes the other.
 */
#include "model/domain_private.h"

/* One above the highest number before it. */
#define NUMBER_PORTS(list, n) \
    do { \
        gint32 last = -1; \
        for (guint at = 0; at < (n); at++) { \
            if (!(list)[at]->target.has_port || (list)[at]->target.port < 0) \
                (list)[at]->target.port = last + 1; \
            (list)[at]->target.has_port = true; \
            last = MAX(last, (list)[at]->target.port); \
        } \
    } while (0)

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
        return info->serial_model;
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

static void pair_console(DomainDef *def, const DomainMachineInfo *info)
{
    DomainDevices *devices = &def->devices;
    DomainConsole *first = devices->n_consoles ? devices->consoles[0] : NULL;

    if (first && is_serial_console(first)) {
        if (!devices->n_serials)
            serial_from_console(def, first, info);
        else if (can_be_console(devices->serials[0]))
            copy_source(&first->source, &devices->serials[0]->source);
    } else if (devices->n_serials && can_be_console(devices->serials[0])) {
        console_from_serial(def, devices->serials[0]);
    }
}

int domain_defaults_chardevs(DomainDef *def, const DomainMachineInfo *info)
{
    DomainDevices *devices = &def->devices;

    NUMBER_PORTS(devices->serials, devices->n_serials);
    NUMBER_PORTS(devices->parallels, devices->n_parallels);
    NUMBER_PORTS(devices->consoles, devices->n_consoles);
    for (guint i = 0; i < devices->n_serials; i++)
        default_serial(devices->serials[i], info);
    for (guint i = 0; i < devices->n_consoles; i++) {
        if (!devices->consoles[i]->target.type)
            devices->consoles[i]->target.type = CONSOLE_TARGET_TYPE_SERIAL;
    }
    if (def->os.type == DOMAIN_OS_TYPE_HVM && info->serial_type)
        pair_console(def, info);
    for (guint i = 0; i < devices->n_channels; i++) {
        if (!devices->channels[i]->target.type)
            return domain_fail_device(def, "channel", devices->channels[i], VIR_ERR_XML_ERROR, "its target must have a type");
    }
    return 0;
}
