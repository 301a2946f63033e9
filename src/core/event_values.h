/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Copies of the structs that events carry.
 */
#pragma once
#include "core/event.h"

virDomainEventGraphicsAddress *event_address_copy(const virDomainEventGraphicsAddress *address);
virDomainEventGraphicsSubject *event_subject_copy(const virDomainEventGraphicsSubject *subject);
void event_address_free(virDomainEventGraphicsAddress *address);
void event_subject_free(virDomainEventGraphicsSubject *subject);
