/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The test driver: hypervisor "test", whose guests exist in memory only. test:///default has one node and one running
 * domain called "test", the same for all connections of a process as long as any is open. It serves programs'
 * tests, and proves that the domain core depends on no hypervisor. May import the domain core.
 */
#pragma once
#include "domain/backend.h"

extern const DomainBackend test_backend;

/** Register the driver; called by the library when it starts. */
void test_driver_register(void);
