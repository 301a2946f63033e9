/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The coverage report: for each public function that a driver implements, which drivers have it. It asks the tables of the
 * built drivers, so it can't claim more than there is.
 *
 *   coverage           the report, in Markdown
 *   coverage --counts  one line per driver: NAME WORKS OF
 */
#include "coverage_table.h"
#include "core/driver.h"
#include "core/node.h"
#include "lib/entry.h"
#include <stdio.h>
#include <string.h>

static const void *table_of(const ConnectDriver *driver, const char *group)
{
    const Node *node = node_get();
    const struct { const char *name; const void *table; } tables[] = {
        { "hypervisor", driver->hypervisor },
        { "network", driver->node ? node->network : driver->network },
        { "interface", driver->node ? node->interface : driver->interface },
        { "nodedev", driver->node ? node->nodedev : driver->nodedev },
        { "nwfilter", driver->node ? node->nwfilter : driver->nwfilter },
        { "secret", driver->node ? node->secret : driver->secret },
        { "storage", driver->node ? node->storage : driver->storage },
    };
    for (size_t i = 0; i < G_N_ELEMENTS(tables); i++)
        if (strcmp(tables[i].name, group) == 0)
            return tables[i].table;
    return NULL;
}

static gboolean has(const ConnectDriver *driver, const struct CoverageRow *row)
{
    const void *table = table_of(driver, row->group);
    return table && *(void *const *) ((const char *) table + row->offset);
}

static void print_counts(void)
{
    for (guint d = 0; driver_nth(d); d++) {
        guint n = 0;
        for (size_t i = 0; i < G_N_ELEMENTS(coverage_rows); i++)
            n += has(driver_nth(d), &coverage_rows[i]);
        printf("%s %u %zu\n", driver_nth(d)->name, n, G_N_ELEMENTS(coverage_rows));
    }
}

static void print_report(void)
{
    printf("# What works where\n\nMade by `tests/coverage` from the driver tables of this build: `+` works, empty is not yet "
           "(answers VIR_ERR_NO_SUPPORT).\nFunctions that need no driver (names, references, typed parameters, errors, event loop) "
           "always work and are left out.\n\n| function |");
    for (guint d = 0; driver_nth(d); d++)
        printf(" %s |", driver_nth(d)->name);
    printf("\n|---|");
    for (guint d = 0; driver_nth(d); d++)
        printf("---|");
    printf("\n");
    for (size_t i = 0; i < G_N_ELEMENTS(coverage_rows); i++) {
        printf("| %s |", coverage_rows[i].function);
        for (guint d = 0; driver_nth(d); d++)
            printf(" %s |", has(driver_nth(d), &coverage_rows[i]) ? "+" : "");
        printf("\n");
    }
}

int main(int argc, char **argv)
{
    lib_initialize();
    for (const char *const *name = driver_modules; *name; name++) {
        if (driver_module_load(*name) < 0) {
            fprintf(stderr, "%s\n", virGetLastErrorMessage());
            return 1;
        }
    }
    if (argc > 1 && strcmp(argv[1], "--counts") == 0)
        print_counts();
    else
        print_report();
    return 0;
}
