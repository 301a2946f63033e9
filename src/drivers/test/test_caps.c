/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The test node: i686, two cells of eight processors or none.
 */
#include "drivers/test/test_host.h"

#define CPU(id, socket, core) \
    "            <cpu id='" #id "' socket_id='" #socket "' die_id='0' core_id='" #core "' siblings='" #id "'/>\n"

#define GUEST(os) \
    "  <guest>\n" \
    "    <os_type>" os "</os_type>\n" \
    "    <arch name='i686'>\n" \
    "      <wordsize>32</wordsize>\n" \
    "      <emulator>/usr/bin/test-hv</emulator>\n" \
    "      <domain type='test'/>\n" \
    "    </arch>\n" \
    "    <features>\n" \
    "      <pae/>\n" \
    "      <nonpae/>\n" \
    "    </features>\n" \
    "  </guest>\n"

#define CELL(id, memory, small, cpus) \
    "        <cell id='" id "'>\n" \
    "          <memory unit='KiB'>" memory "</memory>\n" \
    "          <pages unit='KiB' size='" small "'>524288</pages>\n" \
    "          <pages unit='KiB' size='2048'>0</pages>\n" \
    "          <pages unit='KiB' size='1048576'>0</pages>\n" \
    "          <cpus num='8'>\n" cpus "          </cpus>\n" \
    "        </cell>\n"

static const char head[] =
    "<capabilities>\n\n"
    "  <host>\n"
    "    <cpu>\n"
    "      <arch>i686</arch>\n"
    "      <features>\n"
    "        <pae/>\n"
    "        <nonpae/>\n"
    "      </features>\n"
    "      <pages unit='KiB' size='4'/>\n"
    "      <pages unit='KiB' size='8'/>\n"
    "      <pages unit='KiB' size='2048'/>\n"
    "      <pages unit='KiB' size='1048576'/>\n"
    "    </cpu>\n"
    "    <power_management/>\n"
    "    <iommu support='no'/>\n"
    "    <topology>\n";

static const char cells[] =
    CELL("0", "2097152", "4",
         CPU(0, 0, 0) CPU(1, 0, 1) CPU(2, 0, 2) CPU(3, 0, 3) CPU(4, 0, 4) CPU(5, 0, 5) CPU(6, 0, 6) CPU(7, 0, 7))
    CELL("1", "4194304", "8",
         CPU(8, 1, 0) CPU(9, 1, 1) CPU(10, 1, 2) CPU(11, 1, 3) CPU(12, 1, 4) CPU(13, 1, 5) CPU(14, 1, 6) CPU(15, 1, 7));

static const char tail[] =
    "      </cells>\n"
    "    </topology>\n"
    "    <secmodel>\n"
    "      <model>testSecurity</model>\n"
    "      <doi></doi>\n"
    "    </secmodel>\n"
    "  </host>\n\n"
    GUEST("hvm") "\n"
    GUEST("xen") "\n"
    "</capabilities>\n";

char *test_capabilities(gboolean with_cells)
{
    return g_strdup_printf("%s      <cells num='%d'>\n%s%s", head, with_cells ? 2 : 0, with_cells ? cells : "", tail);
}
