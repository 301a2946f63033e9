/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Rules about the processor and the features of the machine.
 */
#include "model/domain_private.h"

#define UNSUPPORTED VIR_ERR_CONFIG_UNSUPPORTED

/* Processor */

enum { VENDOR_ID_LENGTH = 12 };

static void check_model(const DomainCpu *cpu, const DomainPlace *at)
{
    REFUSE_IF(cpu->vendor_id && strlen(cpu->vendor_id) != VENDOR_ID_LENGTH, at, VIR_ERR_XML_ERROR,
              "the vendor_id '%s' must be %d characters long", cpu->vendor_id, VENDOR_ID_LENGTH);
    REFUSE_IF(cpu->vendor_id && strchr(cpu->vendor_id, ','), at, VIR_ERR_XML_ERROR, "a comma in the vendor_id '%s' is not possible",
              cpu->vendor_id);
}

static void check_features_of(const DomainCpu *cpu, const DomainPlace *at)
{
    g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);

    for (guint i = 0; i < cpu->n_features; i++)
        REFUSE_IF(!g_hash_table_add(seen, cpu->features[i]->name), at, VIR_ERR_XML_ERROR, "feature '%s' stands twice",
                  cpu->features[i]->name);
}

static void check_cpu(const DomainDef *def, XmlDiagnostics *diag)
{
    const DomainCpu *cpu = def->cpu;
    DomainPlace at = {diag, "cpu", -1};

    if (!cpu)
        return;
    bool whole = cpu->mode == CPU_MODE_HOST_PASSTHROUGH || cpu->mode == CPU_MODE_MAXIMUM;
    const DomainCpuMaxphysaddr *width = &cpu->maxphysaddr;
    check_model(cpu, &at);
    check_features_of(cpu, &at);
    REFUSE_IF(cpu->migratable && !whole, &at, UNSUPPORTED, "migratable is for the modes 'host-passthrough' and 'maximum'");
    REFUSE_IF(cpu->cache.mode == CPU_CACHE_MODE_PASSTHROUGH && !whole, &at, UNSUPPORTED,
              "the cache mode 'passthrough' is for the modes 'host-passthrough' and 'maximum'");
    REFUSE_IF(cpu->cache.mode == CPU_CACHE_MODE_DISABLE && cpu->cache.has_level, &at, UNSUPPORTED,
              "the cache mode 'disable' has no level");
    REFUSE_IF(cpu->cache.mode == CPU_CACHE_MODE_EMULATE && cpu->cache.has_level && cpu->cache.level != 3, &at, UNSUPPORTED,
              "only a cache of level 3 can be emulated");
    REFUSE_IF(cpu->cache.mode == CPU_CACHE_MODE_PASSTHROUGH && cpu->cache.has_level, &at, UNSUPPORTED,
              "the cache mode 'passthrough' has no level");
    REFUSE_IF(width->mode == CPU_MAXPHYSADDR_MODE_EMULATE && !width->bits, &at, UNSUPPORTED,
              "maxphysaddr with mode='emulate' needs bits");
    REFUSE_IF(width->mode == CPU_MAXPHYSADDR_MODE_PASSTHROUGH && width->bits, &at, UNSUPPORTED,
              "maxphysaddr with mode='passthrough' can't have bits");
}

/* Enlightenments */

static void check_enlightenments(const DomainDef *def, XmlDiagnostics *diag)
{
    const FeatureHyperv *hyperv = def->features.hyperv;
    const FeatureKvm *kvm = def->features.kvm;
    DomainPlace at = {diag, "features.hyperv", -1}, at_kvm = {diag, "features.kvm", -1};

    if (hyperv) {
        const char *vendor = hyperv->vendor_id.value;
        REFUSE_IF(hyperv->vendor_id.state == TRISTATE_ON && !vendor, &at, VIR_ERR_XML_ERROR, "vendor_id needs a value");
        REFUSE_IF(vendor && strchr(vendor, ','), &at, VIR_ERR_XML_ERROR, "a comma in the vendor_id '%s' is not possible", vendor);
        REFUSE_IF(hyperv->spinlocks.state == TRISTATE_ON && !hyperv->spinlocks.retries, &at, VIR_ERR_XML_ERROR,
                  "spinlocks needs retries");
    }
    guint32 ring = kvm ? kvm->dirty_ring.size : 0;
    REFUSE_IF(ring & (ring - 1), &at_kvm, VIR_ERR_XML_ERROR, "the size %u of dirty-ring is not a power of two", ring);
    REFUSE_IF(kvm && kvm->dirty_ring.state == TRISTATE_ON && !ring, &at_kvm, VIR_ERR_XML_ERROR, "dirty-ring needs a size");
}

void domain_validate_cpu(const DomainDef *def, XmlDiagnostics *diag)
{
    check_cpu(def, diag);
    check_enlightenments(def, diag);
}
