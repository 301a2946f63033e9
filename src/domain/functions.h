/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The public functions that the domain core serves. Each has parameters and results of the public function of its name.
 */
#pragma once
#include "core/driver_table.h"
#include "domain/domain_obj.h"

/** Fill in the members of @table that the core can serve with @backend; what the backend lacks stays NULL. */
void core_functions_fill(HypervisorDriver *table, const DomainBackend *backend);

/** Whether a domain passes the filters of virConnectListAllDomains(). */
gboolean domain_passes(const DomainState *state, unsigned int flags);

/* api_lists.c */
virDomainPtr core_domain_lookup_by_name(virConnectPtr conn, const char *name);
virDomainPtr core_domain_lookup_by_uuid(virConnectPtr conn, const unsigned char *uuid);
virDomainPtr core_domain_lookup_by_id(virConnectPtr conn, int id);
int core_connect_list_all_domains(virConnectPtr conn, virDomainPtr **domains, unsigned int flags);
int core_connect_num_of_domains(virConnectPtr conn);
int core_connect_list_domains(virConnectPtr conn, int *ids, int maxids);
int core_connect_num_of_defined_domains(virConnectPtr conn);
int core_connect_list_defined_domains(virConnectPtr conn, char **const names, int maxnames);
int core_domain_is_active(virDomainPtr dom);
int core_domain_is_persistent(virDomainPtr dom);
int core_domain_is_updated(virDomainPtr dom);

/* api_define.c */
virDomainPtr core_domain_define_xml_flags(virConnectPtr conn, const char *xml, unsigned int flags);
virDomainPtr core_domain_define_xml(virConnectPtr conn, const char *xml);
virDomainPtr core_domain_create_xml_with_files(virConnectPtr conn, const char *xml, unsigned int nfiles, int
                                               *files, unsigned int flags);
virDomainPtr core_domain_create_xml(virConnectPtr conn, const char *xml, unsigned int flags);
int core_domain_undefine_flags(virDomainPtr dom, unsigned int flags);
int core_domain_undefine(virDomainPtr dom);
int core_domain_rename(virDomainPtr dom, const char *new_name, unsigned int flags);
int core_domain_set_autostart(virDomainPtr dom, int autostart);
int core_domain_set_autostart_once(virDomainPtr dom, int autostart);
int core_domain_get_autostart(virDomainPtr dom, int *autostart);
int core_domain_get_autostart_once(virDomainPtr dom, int *autostart);

/* api_life.c */
int core_domain_create_with_files(virDomainPtr dom, unsigned int nfiles, int *files, unsigned int flags);
int core_domain_create_with_flags(virDomainPtr dom, unsigned int flags);
int core_domain_create(virDomainPtr dom);
int core_domain_destroy_flags(virDomainPtr dom, unsigned int flags);
int core_domain_destroy(virDomainPtr dom);
int core_domain_suspend(virDomainPtr dom);
int core_domain_resume(virDomainPtr dom);
int core_domain_shutdown_flags(virDomainPtr dom, unsigned int flags);
int core_domain_shutdown(virDomainPtr dom);
int core_domain_reboot(virDomainPtr dom, unsigned int flags);
int core_domain_reset(virDomainPtr dom, unsigned int flags);
int core_domain_set_lifecycle_action(virDomainPtr dom, unsigned int type, unsigned int action, unsigned int
                                     flags);

/* api_async.c */
AsyncStart core_domain_suspend_async(virDomainPtr dom, AsyncDone done, void *opaque);
AsyncStart core_domain_resume_async(virDomainPtr dom, AsyncDone done, void *opaque);

/* api_info.c */
int core_domain_get_state(virDomainPtr dom, int *state, int *reason, unsigned int flags);
int core_domain_get_info(virDomainPtr dom, virDomainInfoPtr info);
char *core_domain_get_os_type(virDomainPtr dom);
char *core_domain_get_xml_desc(virDomainPtr dom, unsigned int flags);
int core_domain_get_security_label(virDomainPtr dom, virSecurityLabelPtr label);
int core_domain_get_security_label_list(virDomainPtr dom, virSecurityLabelPtr *labels);
int core_domain_get_messages(virDomainPtr dom, char ***messages, unsigned int flags);

/* api_job.c */
int core_domain_get_job_info(virDomainPtr dom, virDomainJobInfoPtr info);
int core_domain_get_job_stats(virDomainPtr dom, int *type, virTypedParameterPtr *params, int *nparams,
                              unsigned int flags);
int core_domain_get_control_info(virDomainPtr dom, virDomainControlInfoPtr info, unsigned int flags);
int core_domain_abort_job_flags(virDomainPtr dom, unsigned int flags);
int core_domain_abort_job(virDomainPtr dom);
int core_domain_backup_begin(virDomainPtr dom, const char *xml, const char *checkpoint_xml, unsigned int flags);
char *core_domain_backup_get_xml_desc(virDomainPtr dom, unsigned int flags);

/* api_save.c */
int core_domain_save(virDomainPtr dom, const char *to);
int core_domain_save_flags(virDomainPtr dom, const char *to, const char *dxml, unsigned int flags);
int core_domain_save_params(virDomainPtr dom, virTypedParameterPtr params, int nparams, unsigned int flags);
int core_domain_managed_save(virDomainPtr dom, unsigned int flags);
int core_domain_has_managed_save_image(virDomainPtr dom, unsigned int flags);
int core_domain_managed_save_remove(virDomainPtr dom, unsigned int flags);
int core_domain_restore(virConnectPtr conn, const char *from);
int core_domain_restore_flags(virConnectPtr conn, const char *from, const char *dxml, unsigned int flags);
int core_domain_restore_params(virConnectPtr conn, virTypedParameterPtr params, int nparams, unsigned int flags);
char *core_domain_save_image_get_xml_desc(virConnectPtr conn, const char *file, unsigned int flags);
int core_domain_save_image_define_xml(virConnectPtr conn, const char *file, const char *dxml, unsigned int flags);
char *core_domain_managed_save_get_xml_desc(virDomainPtr dom, unsigned int flags);
int core_domain_managed_save_define_xml(virDomainPtr dom, const char *dxml, unsigned int flags);

/* api_dump.c */
int core_domain_core_dump(virDomainPtr dom, const char *to, unsigned int flags);
int core_domain_core_dump_with_format(virDomainPtr dom, const char *to, unsigned int format, unsigned int flags);

/* api_moments.c, api_snapshot.c, api_checkpoint.c */
int core_domain_snapshot_num(virDomainPtr dom, unsigned int flags);
int core_domain_snapshot_list_names(virDomainPtr dom, char **names, int nameslen, unsigned int flags);
int core_domain_list_all_snapshots(virDomainPtr dom, virDomainSnapshotPtr **snaps, unsigned int flags);
int core_domain_snapshot_num_children(virDomainSnapshotPtr snapshot, unsigned int flags);
int core_domain_snapshot_list_children_names(virDomainSnapshotPtr snapshot, char **names, int nameslen, unsigned int flags);
int core_domain_snapshot_list_all_children(virDomainSnapshotPtr snapshot, virDomainSnapshotPtr **snaps, unsigned int flags);
int core_domain_list_all_checkpoints(virDomainPtr dom, virDomainCheckpointPtr **checkpoints, unsigned int flags);
int core_domain_checkpoint_list_all_children(virDomainCheckpointPtr checkpoint, virDomainCheckpointPtr **children, unsigned int flags);
virDomainSnapshotPtr core_domain_snapshot_lookup_by_name(virDomainPtr dom, const char *name, unsigned int flags);
virDomainCheckpointPtr core_domain_checkpoint_lookup_by_name(virDomainPtr dom, const char *name, unsigned int flags);
virDomainSnapshotPtr core_domain_snapshot_get_parent(virDomainSnapshotPtr snapshot, unsigned int flags);
virDomainCheckpointPtr core_domain_checkpoint_get_parent(virDomainCheckpointPtr checkpoint, unsigned int flags);
int core_domain_has_current_snapshot(virDomainPtr dom, unsigned int flags);
virDomainSnapshotPtr core_domain_snapshot_current(virDomainPtr dom, unsigned int flags);
int core_domain_snapshot_is_current(virDomainSnapshotPtr snapshot, unsigned int flags);
int core_domain_snapshot_has_metadata(virDomainSnapshotPtr snapshot, unsigned int flags);
char *core_domain_snapshot_get_xml_desc(virDomainSnapshotPtr snapshot, unsigned int flags);
char *core_domain_checkpoint_get_xml_desc(virDomainCheckpointPtr checkpoint, unsigned int flags);
virDomainSnapshotPtr core_domain_snapshot_create_xml(virDomainPtr dom, const char *xml, unsigned int flags);
/** No public function: give a domain snapshots that it had elsewhere, by documents as they stand in files (with <active>). 0 or -1. */
int core_domain_adopt_snapshots(virDomainPtr dom, char *const *documents, guint n);
int core_domain_revert_to_snapshot(virDomainSnapshotPtr snapshot, unsigned int flags);
int core_domain_snapshot_delete(virDomainSnapshotPtr snapshot, unsigned int flags);
virDomainCheckpointPtr core_domain_checkpoint_create_xml(virDomainPtr dom, const char *xml, unsigned int flags);
int core_domain_checkpoint_delete(virDomainCheckpointPtr checkpoint, unsigned int flags);

/* api_memory.c */
unsigned long core_domain_get_max_memory(virDomainPtr dom);
int core_domain_set_memory_flags(virDomainPtr dom, unsigned long memory, unsigned int flags);
int core_domain_set_memory(virDomainPtr dom, unsigned long memory);
int core_domain_set_max_memory(virDomainPtr dom, unsigned long memory);
int core_domain_set_memory_stats_period(virDomainPtr dom, int period, unsigned int flags);

/* api_metadata.c */
char *core_domain_get_metadata(virDomainPtr dom, int type, const char *uri, unsigned int flags);
int core_domain_set_metadata(virDomainPtr dom, int type, const char *metadata, const char *key, const char
                             *uri, unsigned int flags);

/* api_stats.c */
int core_connect_get_all_domain_stats(virConnectPtr conn, unsigned int stats, virDomainStatsRecordPtr
                                      **records, unsigned int flags);
int core_domain_list_get_stats(virDomainPtr *doms, unsigned int stats, virDomainStatsRecordPtr **records,
                               unsigned int flags);
int core_domain_memory_stats(virDomainPtr dom, virDomainMemoryStatPtr stats, unsigned int nr_stats, unsigned
                             int flags);
int core_domain_block_stats(virDomainPtr dom, const char *disk, virDomainBlockStatsPtr stats, size_t size);
int core_domain_block_stats_flags(virDomainPtr dom, const char *disk, virTypedParameterPtr params, int
                                  *nparams, unsigned int flags);
int core_domain_interface_stats(virDomainPtr dom, const char *device, virDomainInterfaceStatsPtr stats, size_t
                                size);

/* api_misc.c */
int core_domain_send_key(virDomainPtr dom, unsigned int codeset, unsigned int holdtime, unsigned int
                         *keycodes, int nkeycodes, unsigned int flags);
int core_domain_fd_associate(virDomainPtr dom, const char *name, unsigned int nfds, int *fds, unsigned int flags);
int core_domain_start_dirty_rate_calc(virDomainPtr dom, int seconds, unsigned int flags);
int core_domain_inject_nmi(virDomainPtr dom, unsigned int flags);
char *core_domain_screenshot(virDomainPtr dom, virStreamPtr stream, unsigned int screen, unsigned int flags);
int core_domain_open_console(virDomainPtr dom, const char *name, virStreamPtr stream, unsigned int flags);
int core_domain_open_channel(virDomainPtr dom, const char *name, virStreamPtr stream, unsigned int flags);
int core_domain_graphics_reload(virDomainPtr dom, unsigned int type, unsigned int flags);
int core_domain_announce_interface(virDomainPtr dom, const char *device, virTypedParameterPtr params, int nparams, unsigned int flags);
int core_domain_open_graphics(virDomainPtr dom, unsigned int idx, int fd, unsigned int flags);
int core_domain_open_graphics_fd(virDomainPtr dom, unsigned int idx, unsigned int flags);
int core_domain_qemu_monitor_command_with_files(virDomainPtr dom, const char *cmd, unsigned int ninfiles, int
                                                *infiles, unsigned int *noutfiles, int **outfiles, char
                                                **result, unsigned int flags);
int core_domain_qemu_monitor_command(virDomainPtr dom, const char *cmd, char **result, unsigned int flags);
char *core_domain_qemu_agent_command(virDomainPtr dom, const char *cmd, int timeout, unsigned int flags);
char *core_domain_get_hostname(virDomainPtr dom, unsigned int flags);
char *core_connect_domain_xml_to_native(virConnectPtr conn, const char *format, const char *xml, unsigned int
                                        flags);
char *core_connect_domain_xml_from_native(virConnectPtr conn, const char *format, const char *config, unsigned
                                          int flags);

/* api_params.c */
int core_domain_get_memory_parameters(virDomainPtr dom, virTypedParameterPtr params, int *nparams, unsigned int flags);
int core_domain_set_memory_parameters(virDomainPtr dom, virTypedParameterPtr params, int nparams, unsigned int flags);
int core_domain_get_blkio_parameters(virDomainPtr dom, virTypedParameterPtr params, int *nparams, unsigned int flags);
int core_domain_set_blkio_parameters(virDomainPtr dom, virTypedParameterPtr params, int nparams, unsigned int flags);
int core_domain_get_numa_parameters(virDomainPtr dom, virTypedParameterPtr params, int *nparams, unsigned int flags);
int core_domain_set_numa_parameters(virDomainPtr dom, virTypedParameterPtr params, int nparams, unsigned int flags);
int core_domain_get_interface_parameters(virDomainPtr dom, const char *device, virTypedParameterPtr params,
                                         int *nparams, unsigned int flags);
int core_domain_set_interface_parameters(virDomainPtr dom, const char *device, virTypedParameterPtr params,
                                         int nparams, unsigned int flags);
int core_domain_get_block_io_tune(virDomainPtr dom, const char *disk, virTypedParameterPtr params,
                                  int *nparams, unsigned int flags);
int core_domain_set_block_io_tune(virDomainPtr dom, const char *disk, virTypedParameterPtr params,
                                  int nparams, unsigned int flags);
int core_domain_set_throttle_group(virDomainPtr dom, const char *group, virTypedParameterPtr params, int nparams, unsigned int flags);
int core_domain_del_throttle_group(virDomainPtr dom, const char *group, unsigned int flags);
int core_domain_get_perf_events(virDomainPtr dom, virTypedParameterPtr *params, int *nparams, unsigned int flags);
int core_domain_set_perf_events(virDomainPtr dom, virTypedParameterPtr params, int nparams, unsigned int flags);
int core_domain_set_iothread_params(virDomainPtr dom, unsigned int iothread_id, virTypedParameterPtr params,
                                    int nparams, unsigned int flags);
char *core_domain_get_scheduler_type(virDomainPtr dom, int *nparams);
int core_domain_get_scheduler_parameters_flags(virDomainPtr dom, virTypedParameterPtr params, int *nparams,
                                               unsigned int flags);
int core_domain_get_scheduler_parameters(virDomainPtr dom, virTypedParameterPtr params, int *nparams);
int core_domain_set_scheduler_parameters_flags(virDomainPtr dom, virTypedParameterPtr params, int nparams,
                                               unsigned int flags);
int core_domain_set_scheduler_parameters(virDomainPtr dom, virTypedParameterPtr params, int nparams);

/* api_cpu.c */
int core_domain_get_vcpus_flags(virDomainPtr dom, unsigned int flags);
int core_domain_get_max_vcpus(virDomainPtr dom);
int core_connect_get_max_vcpus(virConnectPtr conn, const char *type);
int core_domain_set_vcpus_flags(virDomainPtr dom, unsigned int nvcpus, unsigned int flags);
int core_domain_set_vcpus(virDomainPtr dom, unsigned int nvcpus);
int core_domain_set_vcpu(virDomainPtr dom, const char *vcpumap, int state, unsigned int flags);
int core_domain_get_guest_vcpus(virDomainPtr dom, virTypedParameterPtr *params, unsigned int *nparams,
                                unsigned int flags);
int core_domain_set_guest_vcpus(virDomainPtr dom, const char *cpumap, int state, unsigned int flags);

/* api_pin.c */
int core_domain_pin_vcpu_flags(virDomainPtr dom, unsigned int vcpu, unsigned char *cpumap, int maplen,
                               unsigned int flags);
int core_domain_pin_vcpu(virDomainPtr dom, unsigned int vcpu, unsigned char *cpumap, int maplen);
int core_domain_pin_emulator(virDomainPtr dom, unsigned char *cpumap, int maplen, unsigned int flags);
int core_domain_pin_iothread(virDomainPtr dom, unsigned int iothread_id, unsigned char *cpumap, int maplen,
                             unsigned int flags);
int core_domain_get_vcpu_pin_info(virDomainPtr dom, int ncpumaps, unsigned char *cpumaps, int maplen,
                                  unsigned int flags);
int core_domain_get_emulator_pin_info(virDomainPtr dom, unsigned char *cpumaps, int maplen, unsigned int flags);
int core_domain_get_vcpus(virDomainPtr dom, virVcpuInfoPtr info, int maxinfo, unsigned char *cpumaps, int maplen);
int core_domain_get_iothread_info(virDomainPtr dom, virDomainIOThreadInfoPtr **info, unsigned int flags);
int core_domain_add_iothread(virDomainPtr dom, unsigned int iothread_id, unsigned int flags);
int core_domain_del_iothread(virDomainPtr dom, unsigned int iothread_id, unsigned int flags);

/* api_devices.c */
int core_domain_attach_device_flags(virDomainPtr dom, const char *xml, unsigned int flags);
int core_domain_attach_device(virDomainPtr dom, const char *xml);
int core_domain_detach_device_flags(virDomainPtr dom, const char *xml, unsigned int flags);
int core_domain_detach_device(virDomainPtr dom, const char *xml);
int core_domain_detach_device_alias(virDomainPtr dom, const char *alias, unsigned int flags);
int core_domain_update_device_flags(virDomainPtr dom, const char *xml, unsigned int flags);

/* api_blocks.c */
int core_domain_get_block_info(virDomainPtr dom, const char *disk, virDomainBlockInfoPtr info, unsigned int flags);
int core_domain_block_peek(virDomainPtr dom, const char *disk, unsigned long long offset, size_t size,
                           void *buffer, unsigned int flags);
int core_domain_get_disk_errors(virDomainPtr dom, virDomainDiskErrorPtr errors, unsigned int maxerrors,
                                unsigned int flags);
int core_domain_block_resize(virDomainPtr dom, const char *disk, unsigned long long size, unsigned int flags);
int core_domain_set_block_threshold(virDomainPtr dom, const char *dev, unsigned long long threshold,
                                    unsigned int flags);
int core_domain_memory_peek(virDomainPtr dom, unsigned long long start, size_t size, void *buffer, unsigned int flags);
int core_domain_get_cpu_stats(virDomainPtr dom, virTypedParameterPtr params, unsigned int nparams,
                              int start_cpu, unsigned int ncpus, unsigned int flags);

/* api_agent.c */
int core_domain_get_fsinfo(virDomainPtr dom, virDomainFSInfoPtr **info, unsigned int flags);
int core_domain_fsfreeze(virDomainPtr dom, const char **mountpoints, unsigned int nmountpoints, unsigned int flags);
int core_domain_fsthaw(virDomainPtr dom, const char **mountpoints, unsigned int nmountpoints, unsigned int flags);
int core_domain_fstrim(virDomainPtr dom, const char *mount_point, unsigned long long minimum, unsigned int flags);
int core_domain_get_time(virDomainPtr dom, long long *seconds, unsigned int *nseconds, unsigned int flags);
int core_domain_set_time(virDomainPtr dom, long long seconds, unsigned int nseconds, unsigned int flags);
int core_domain_set_user_password(virDomainPtr dom, const char *user, const char *password, unsigned int flags);
int core_domain_authorized_sshkeys_get(virDomainPtr dom, const char *user, char ***keys, unsigned int flags);
int core_domain_authorized_sshkeys_set(virDomainPtr dom, const char *user, const char **keys,
                                        unsigned int nkeys, unsigned int flags);
int core_domain_interface_addresses(virDomainPtr dom, virDomainInterfacePtr **ifaces, unsigned int source,
                                    unsigned int flags);
int core_domain_get_guest_info(virDomainPtr dom, unsigned int types, virTypedParameterPtr *params,
                               int *nparams, unsigned int flags);
int core_domain_agent_set_response_timeout(virDomainPtr dom, int timeout, unsigned int flags);
int core_domain_pm_suspend_for_duration(virDomainPtr dom, unsigned int target, unsigned long long duration,
                                        unsigned int flags);
int core_domain_pm_wakeup(virDomainPtr dom, unsigned int flags);
int core_domain_get_launch_security_info(virDomainPtr dom, virTypedParameterPtr *params, int *nparams, unsigned int flags);
int core_domain_set_launch_security_state(virDomainPtr dom, virTypedParameterPtr params, int nparams, unsigned int flags);
int core_domain_send_process_signal(virDomainPtr dom, long long pid_value, unsigned int signum, unsigned int flags);
