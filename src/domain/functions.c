/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "domain/functions.h"

#define SERVE(member) table->member = core_##member
#define SERVE_IF(need, member) table->member = backend->need ? core_##member : NULL
#define SERVE_UNLESS(has, member) table->member = backend->has ? NULL : core_##member

/* What makes, changes and ends domains. */
static void fill_life(HypervisorDriver *table, const DomainBackend *backend)
{
    SERVE(domain_lookup_by_name);
    SERVE(domain_lookup_by_uuid);
    SERVE(domain_lookup_by_id);
    SERVE(connect_list_all_domains);
    SERVE(connect_num_of_domains);
    SERVE(connect_list_domains);
    SERVE(connect_num_of_defined_domains);
    SERVE(connect_list_defined_domains);
    SERVE(domain_is_active);
    SERVE(domain_is_persistent);
    SERVE(domain_is_updated);
    SERVE(domain_define_xml_flags);
    SERVE(domain_define_xml);
    SERVE_IF(simulated, domain_create_xml_with_files); /* files are for the first process in a container */
    SERVE_IF(start, domain_create_xml);
    SERVE(domain_undefine_flags);
    SERVE(domain_undefine);
    SERVE(domain_rename);
    SERVE(domain_set_autostart);
    SERVE(domain_set_autostart_once);
    SERVE(domain_get_autostart);
    SERVE(domain_get_autostart_once);
    SERVE_IF(simulated, domain_create_with_files);
    SERVE_IF(start, domain_create_with_flags);
    SERVE_IF(start, domain_create);
    SERVE_IF(kill, domain_destroy_flags);
    SERVE_IF(kill, domain_destroy);
    SERVE_IF(pause, domain_suspend);
    SERVE_IF(cont, domain_resume);
    SERVE_IF(request, domain_suspend_async);
    SERVE_IF(request, domain_resume_async);
    SERVE_IF(shutdown, domain_shutdown_flags);
    SERVE_IF(shutdown, domain_shutdown);
    SERVE_IF(shutdown, domain_reboot);
    SERVE_IF(reset, domain_reset);
    SERVE(domain_set_lifecycle_action);
}

/* What is kept of them beyond their definition. */
static void fill_kept(HypervisorDriver *table, const DomainBackend *backend)
{
    SERVE_IF(backup_begin, domain_backup_begin);
    SERVE_IF(backup_begin, domain_backup_get_xml_desc);
    SERVE(domain_has_managed_save_image);
    SERVE(domain_managed_save_remove);
    SERVE_IF(save, domain_save);
    SERVE_IF(save, domain_save_flags);
    SERVE_IF(save, domain_save_params);
    SERVE_IF(save, domain_managed_save);
    SERVE_IF(save, domain_restore);
    SERVE_IF(save, domain_restore_flags);
    SERVE_IF(save, domain_restore_params);
    SERVE_IF(save, domain_save_image_get_xml_desc);
    SERVE_IF(save, domain_save_image_define_xml);
    SERVE_IF(save, domain_managed_save_get_xml_desc);
    SERVE_IF(save, domain_managed_save_define_xml);
}

/* What tells of domains, sets them and talks to them. */
static void fill_rest(HypervisorDriver *table, const DomainBackend *backend)
{
    SERVE(domain_get_state);
    SERVE(domain_get_info);
    SERVE(domain_get_os_type);
    SERVE(domain_get_xml_desc);
    SERVE_UNLESS(simulated, domain_get_job_info); /* what is done in one step is no job */
    SERVE_UNLESS(simulated, domain_get_job_stats);
    SERVE(domain_get_control_info);
    SERVE_IF(job_abort, domain_abort_job);
    SERVE_IF(job_abort, domain_abort_job_flags);
    SERVE_IF(dump, domain_core_dump);
    SERVE_IF(dump, domain_core_dump_with_format);
    SERVE_IF(snapshot_create, domain_snapshot_num);
    SERVE_IF(snapshot_create, domain_snapshot_list_names);
    SERVE_IF(snapshot_create, domain_list_all_snapshots);
    SERVE_IF(snapshot_create, domain_snapshot_num_children);
    SERVE_IF(snapshot_create, domain_snapshot_list_children_names);
    SERVE_IF(snapshot_create, domain_snapshot_list_all_children);
    SERVE_IF(checkpoint_create, domain_list_all_checkpoints);
    SERVE_IF(checkpoint_create, domain_checkpoint_list_all_children);
    SERVE_IF(snapshot_create, domain_snapshot_lookup_by_name);
    SERVE_IF(checkpoint_create, domain_checkpoint_lookup_by_name);
    SERVE_IF(snapshot_create, domain_snapshot_get_parent);
    SERVE_IF(checkpoint_create, domain_checkpoint_get_parent);
    SERVE_IF(snapshot_create, domain_has_current_snapshot);
    SERVE_IF(snapshot_create, domain_snapshot_current);
    SERVE_IF(snapshot_create, domain_snapshot_is_current);
    SERVE_IF(snapshot_create, domain_snapshot_has_metadata);
    SERVE_IF(snapshot_create, domain_snapshot_get_xml_desc);
    SERVE_IF(checkpoint_create, domain_checkpoint_get_xml_desc);
    SERVE_IF(snapshot_create, domain_snapshot_create_xml);
    SERVE_IF(snapshot_create, domain_revert_to_snapshot);
    SERVE_IF(snapshot_create, domain_snapshot_delete);
    SERVE_IF(checkpoint_create, domain_checkpoint_create_xml);
    SERVE_IF(checkpoint_create, domain_checkpoint_delete);
    SERVE(domain_get_security_label);
    SERVE(domain_get_security_label_list);
    SERVE(domain_get_messages);
    SERVE(domain_get_max_memory);
    SERVE(domain_set_memory_flags);
    SERVE(domain_set_memory);
    SERVE(domain_set_max_memory);
    SERVE(domain_set_memory_stats_period);
    SERVE(domain_get_metadata);
    SERVE(domain_set_metadata);
    SERVE(connect_get_all_domain_stats);
    SERVE(domain_list_get_stats);
    SERVE_IF(stats, domain_memory_stats);
    SERVE_IF(stats, domain_block_stats);
    SERVE_IF(stats, domain_block_stats_flags);
    SERVE_IF(stats, domain_interface_stats);
    SERVE_IF(takes_fds, domain_fd_associate);
    SERVE_IF(dirty_rate, domain_start_dirty_rate_calc);
    SERVE_IF(send_key, domain_send_key);
    SERVE_IF(inject_nmi, domain_inject_nmi);
    SERVE_IF(screenshot, domain_screenshot);
    SERVE_IF(open_console, domain_open_console);
    SERVE_IF(open_console, domain_open_channel);
    SERVE_IF(open_graphics, domain_open_graphics);
    SERVE_IF(open_graphics, domain_open_graphics_fd);
    SERVE_IF(reload_graphics, domain_graphics_reload);
    SERVE_IF(announce, domain_announce_interface);
    SERVE_IF(monitor_command, domain_qemu_monitor_command_with_files);
    SERVE_IF(monitor_command, domain_qemu_monitor_command);
    SERVE_IF(agent_command, domain_qemu_agent_command);
    SERVE_IF(agent_hostname, domain_get_hostname);
    SERVE_IF(to_native, connect_domain_xml_to_native);
    SERVE_IF(from_native, connect_domain_xml_from_native);
}

/* Parameters, processors and devices. */
static void fill_tuning(HypervisorDriver *table, const DomainBackend *backend)
{
    SERVE(domain_get_memory_parameters);
    SERVE(domain_set_memory_parameters);
    SERVE(domain_get_blkio_parameters);
    SERVE(domain_set_blkio_parameters);
    SERVE(domain_get_numa_parameters);
    SERVE(domain_set_numa_parameters);
    SERVE(domain_get_interface_parameters);
    SERVE(domain_set_interface_parameters);
    SERVE(domain_get_block_io_tune);
    SERVE(domain_set_block_io_tune);
    SERVE_IF(drop_throttle_group, domain_set_throttle_group);
    SERVE_IF(drop_throttle_group, domain_del_throttle_group);
    SERVE(domain_get_perf_events);
    SERVE(domain_set_perf_events);
    SERVE(domain_set_iothread_params);
    SERVE(domain_get_scheduler_type);
    SERVE(domain_get_scheduler_parameters_flags);
    SERVE(domain_get_scheduler_parameters);
    SERVE(domain_set_scheduler_parameters_flags);
    SERVE(domain_set_scheduler_parameters);
    SERVE(domain_get_vcpus_flags);
    SERVE(domain_get_max_vcpus);
    SERVE_IF(max_vcpus, connect_get_max_vcpus);
    SERVE(domain_set_vcpus_flags);
    SERVE(domain_set_vcpus);
    SERVE(domain_set_vcpu);
    SERVE_IF(agent_vcpus, domain_get_guest_vcpus);
    SERVE_IF(agent_set_vcpus, domain_set_guest_vcpus);
    SERVE(domain_pin_vcpu_flags);
    SERVE(domain_pin_vcpu);
    SERVE(domain_pin_emulator);
    SERVE(domain_pin_iothread);
    SERVE(domain_get_vcpu_pin_info);
    SERVE(domain_get_emulator_pin_info);
    SERVE(domain_get_vcpus);
    SERVE(domain_get_iothread_info);
    SERVE(domain_add_iothread);
    SERVE(domain_del_iothread);
    SERVE(domain_attach_device_flags);
    SERVE(domain_attach_device);
    SERVE(domain_detach_device_flags);
    SERVE(domain_detach_device);
    SERVE(domain_detach_device_alias);
    SERVE(domain_update_device_flags);
}

/* What the guest tells of itself, and what its own system is asked to do. */
static void fill_guest(HypervisorDriver *table, const DomainBackend *backend)
{
    SERVE_IF(stats, domain_get_block_info);
    SERVE_IF(block_peek, domain_block_peek);
    SERVE_IF(disk_errors, domain_get_disk_errors);
    SERVE_IF(block_resize, domain_block_resize);
    SERVE_IF(block_threshold, domain_set_block_threshold);
    SERVE_IF(memory_peek, domain_memory_peek);
    SERVE_IF(stats, domain_get_cpu_stats);
    SERVE_IF(agent_filesystems, domain_get_fsinfo);
    SERVE_IF(agent_freeze, domain_fsfreeze);
    SERVE_IF(agent_freeze, domain_fsthaw);
    SERVE_IF(agent_trim, domain_fstrim);
    SERVE_IF(agent_time, domain_get_time);
    SERVE_IF(agent_set_time, domain_set_time);
    SERVE_IF(agent_password, domain_set_user_password);
    SERVE_IF(agent_keys, domain_authorized_sshkeys_get);
    SERVE_IF(agent_set_keys, domain_authorized_sshkeys_set);
    SERVE_IF(addresses, domain_interface_addresses);
    SERVE_IF(agent_info, domain_get_guest_info);
    SERVE_IF(agent_timeout, domain_agent_set_response_timeout);
    SERVE_IF(agent_sleep, domain_pm_suspend_for_duration);
    SERVE_IF(wake, domain_pm_wakeup);
    SERVE_IF(send_signal, domain_send_process_signal);
    SERVE_IF(launch_info, domain_get_launch_security_info);
    SERVE_IF(launch_secret, domain_set_launch_security_state);
}

void core_functions_fill(HypervisorDriver *table, const DomainBackend *backend)
{
    fill_life(table, backend);
    fill_kept(table, backend);
    fill_rest(table, backend);
    fill_tuning(table, backend);
    fill_guest(table, backend);
}
