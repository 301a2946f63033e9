# SPDX-License-Identifier: LGPL-2.1-or-later
# The second half of the group, see domain.cmd.

more domain

command managedsave
  summary save a domain to a file kept by the daemon and stop it
  text The next start resumes it from there.
  handler cmd_managedsave
  use domain
  option bypass-cache bool -- avoid the host's page cache
  option running bool -- the next start leaves the domain running
  option paused bool -- the next start leaves the domain paused
  option verbose bool -- show progress

command managedsave-remove
  summary throw away a managed save image
  text The next start is then an ordinary boot.
  handler cmd_managedsave_remove
  use domain

command managedsave-edit
  summary change the XML in a managed save image in an editor
  handler cmd_managedsave_edit
  use domain
  option running bool flag=VIR_DOMAIN_SAVE_RUNNING -- the next start leaves the domain running
  option paused bool flag=VIR_DOMAIN_SAVE_PAUSED -- the next start leaves the domain paused
  exclusive running paused

command managedsave-dumpxml
  summary print the XML in a managed save image
  handler cmd_managedsave_dumpxml
  use domain
  option security-info bool -- include secrets such as passwords
  use xpath wrap

command managedsave-define
  summary replace the XML in a managed save image
  handler cmd_managedsave_define
  use domain
  option xml string positional required complete=file -- file with the new XML
  option running bool -- the next start leaves the domain running
  option paused bool -- the next start leaves the domain paused

command memtune
  summary show or set memory limits of a domain
  text Sizes are in KiB unless they have a suffix; -1 means unlimited.
  handler cmd_memtune
  json parameters
  use domain
  option hard-limit int also-positional param=VIR_DOMAIN_MEMORY_HARD_LIMIT:kib -- most memory the domain may use
  option soft-limit int also-positional param=VIR_DOMAIN_MEMORY_SOFT_LIMIT:kib -- memory left to it when memory is short
  option swap-hard-limit int also-positional param=VIR_DOMAIN_MEMORY_SWAP_HARD_LIMIT:kib -- most memory plus swap
  option min-guarantee int also-positional param=VIR_DOMAIN_MEMORY_MIN_GUARANTEE:kib -- least memory guaranteed
  use config live current

command perf
  summary show or set the performance events of a domain
  handler cmd_perf
  json parameters
  use domain
  option enable string also-positional complete=perf-event -- events to switch on, separated by commas
  option disable string also-positional complete=perf-event -- events to switch off, separated by commas
  use config live current

command metadata
  summary show or change custom metadata of a domain
  text The element with the given namespace URI is shown, set (with --key as its prefix) or removed.
  handler cmd_metadata
  use domain
  option uri string positional required -- namespace URI of the metadata
  use live config current
  option edit bool -- open an editor on the text
  option key string also-positional -- prefix to use for the namespace
  option set string also-positional -- the XML of the new element
  option remove bool -- remove the element
  exclusive edit set remove

command migrate
  summary move a domain to another host
  handler cmd_migrate
  exclusive live offline
  exclusive timeout-suspend timeout-postcopy
  use domain
  option desturi string positional required -- URI of the destination host
  option live bool flag=VIR_MIGRATE_LIVE -- keep the guest running during migration
  option offline bool flag=VIR_MIGRATE_OFFLINE -- move the definition of a domain that doesn't run
  option p2p bool flag=VIR_MIGRATE_PEER2PEER -- let the hosts talk to each other directly
  option direct bool -- let the hypervisor alone do it
  option tunnelled bool flag=VIR_MIGRATE_TUNNELLED -- send the data through the daemons' connection
  option persistent bool flag=VIR_MIGRATE_PERSIST_DEST -- make the domain persistent on the destination
  option undefinesource bool flag=VIR_MIGRATE_UNDEFINE_SOURCE -- undefine the domain here afterwards
  option suspend bool flag=VIR_MIGRATE_PAUSED -- leave the domain paused on the destination
  option copy-storage-all bool flag=VIR_MIGRATE_NON_SHARED_DISK -- copy disks that aren't shared
  option copy-storage-inc bool flag=VIR_MIGRATE_NON_SHARED_INC -- copy disks that aren't shared, only the top layer
  option copy-storage-synchronous-writes bool flag=VIR_MIGRATE_NON_SHARED_SYNCHRONOUS_WRITES -- hold guest writes until the destination has them
  option change-protection bool flag=VIR_MIGRATE_CHANGE_PROTECTION -- forbid other changes meanwhile
  option unsafe bool flag=VIR_MIGRATE_UNSAFE -- migrate even if disks may be harmed
  option verbose bool -- show progress
  option compressed bool flag=VIR_MIGRATE_COMPRESSED -- compress the data
  option auto-converge bool flag=VIR_MIGRATE_AUTO_CONVERGE -- slow the guest down if needed to finish
  option rdma-pin-all bool flag=VIR_MIGRATE_RDMA_PIN_ALL -- pin all memory before an RDMA migration
  option abort-on-error bool flag=VIR_MIGRATE_ABORT_ON_ERROR -- stop at disk errors of the guest
  option postcopy bool flag=VIR_MIGRATE_POSTCOPY -- allow a switch to post-copy
  option postcopy-after-precopy bool -- switch to post-copy after the first round
  option postcopy-resume bool flag=VIR_MIGRATE_POSTCOPY_RESUME -- go on with an interrupted post-copy migration
  option zerocopy bool flag=VIR_MIGRATE_ZEROCOPY -- send memory pages without copying them
  option migrateuri string also-positional param=VIR_MIGRATE_PARAM_URI:string -- URI for the migration data; default is found by the hosts
  option graphicsuri string also-positional param=VIR_MIGRATE_PARAM_GRAPHICS_URI:string -- URI that display clients are sent to
  option listen-address string also-positional param=VIR_MIGRATE_PARAM_LISTEN_ADDRESS:string -- address that the destination listens on
  option dname string also-positional param=VIR_MIGRATE_PARAM_DEST_NAME:string -- name of the domain on the destination
  option timeout int also-positional -- seconds after which to act if a live migration isn't done
  option timeout-suspend bool -- at the timeout, pause the guest (default)
  option timeout-postcopy bool -- at the timeout, switch to post-copy
  option xml string also-positional complete=file -- file with XML for the domain on the destination
  option migrate-disks string also-positional complete=disk-list -- disks to copy, separated by commas
  option migrate-disks-detect-zeroes string complete=disk-list -- disks whose zeroes are left out, separated by commas
  option migrate-disks-target-zero string complete=disk-list -- disks that read as zeroes on the destination, separated by commas
  option disks-port int also-positional param=VIR_MIGRATE_PARAM_DISKS_PORT:int -- port for disk data
  option disks-uri string param=VIR_MIGRATE_PARAM_DISKS_URI:string -- URI for disk data
  option comp-methods string values=mt,xbzrle,zlib,zstd -- ways of compression, separated by commas
  option comp-mt-level int param=VIR_MIGRATE_PARAM_COMPRESSION_MT_LEVEL:int -- level of multithreaded compression
  option comp-mt-threads int param=VIR_MIGRATE_PARAM_COMPRESSION_MT_THREADS:int -- threads that compress
  option comp-mt-dthreads int param=VIR_MIGRATE_PARAM_COMPRESSION_MT_DTHREADS:int -- threads that decompress
  option comp-xbzrle-cache int param=VIR_MIGRATE_PARAM_COMPRESSION_XBZRLE_CACHE:ullong -- bytes of the XBZRLE cache
  option auto-converge-initial int param=VIR_MIGRATE_PARAM_AUTO_CONVERGE_INITIAL:int -- per cent of CPU time taken at first
  option auto-converge-increment int param=VIR_MIGRATE_PARAM_AUTO_CONVERGE_INCREMENT:int -- per cent taken in addition each time
  option persistent-xml string complete=file -- file with XML for the persistent definition on the destination
  option tls bool flag=VIR_MIGRATE_TLS -- encrypt the migration data
  option postcopy-bandwidth int param=VIR_MIGRATE_PARAM_BANDWIDTH_POSTCOPY:ullong -- limit of the post-copy phase in MiB a second
  option parallel bool flag=VIR_MIGRATE_PARALLEL -- use several connections
  option parallel-connections int param=VIR_MIGRATE_PARAM_PARALLEL_CONNECTIONS:int -- number of connections
  option bandwidth int param=VIR_MIGRATE_PARAM_BANDWIDTH:ullong -- limit in MiB a second
  option tls-destination string param=VIR_MIGRATE_PARAM_TLS_DESTINATION:string -- host name in the destination's certificate
  option comp-zlib-level int param=VIR_MIGRATE_PARAM_COMPRESSION_ZLIB_LEVEL:int -- level of zlib compression
  option comp-zstd-level int param=VIR_MIGRATE_PARAM_COMPRESSION_ZSTD_LEVEL:int -- level of zstd compression
  option available-switchover-bandwidth int param=VIR_MIGRATE_PARAM_BANDWIDTH_AVAIL_SWITCHOVER:ullong -- bandwidth in MiB a second to reckon with for the last phase
  option-alias tunneled tunnelled

command migrate-setmaxdowntime
  summary set how long a live migration may pause the domain
  handler cmd_migrate_setmaxdowntime
  use domain
  option downtime int positional required -- milliseconds

command migrate-getmaxdowntime
  summary print how long a live migration may pause the domain
  handler cmd_migrate_getmaxdowntime
  json migrate-downtime
  use domain

command migrate-compcache
  summary show or set the size of the migration compression cache
  handler cmd_migrate_compcache
  json migrate-cache
  use domain
  option size int -- bytes of the cache

command migrate-setspeed
  summary limit the bandwidth of migrations
  handler cmd_migrate_setspeed
  use domain
  option bandwidth int positional required -- limit in MiB a second
  option postcopy bool flag=VIR_DOMAIN_MIGRATE_MAX_SPEED_POSTCOPY -- the limit of the post-copy phase

command migrate-getspeed
  summary print the bandwidth limit of migrations
  handler cmd_migrate_getspeed
  json migrate-speed
  use domain
  option postcopy bool flag=VIR_DOMAIN_MIGRATE_MAX_SPEED_POSTCOPY -- the limit of the post-copy phase

command migrate-postcopy
  summary switch a running migration to post-copy
  handler cmd_migrate_postcopy
  use domain

command numatune
  summary show or set NUMA placement of a domain
  handler cmd_numatune
  json parameters
  use domain
  option mode string also-positional values=strict,preferred,interleave,restrictive -- strict, preferred, interleave or restrictive
  option nodeset string also-positional param=VIR_DOMAIN_NUMA_NODESET:string -- NUMA nodes, as 0-1
  use config live current

command qemu-attach
  summary take over a QEMU process started outside
  handler cmd_qemu_attach
  option pid string positional required -- number of the process

command qemu-monitor-command
  summary send a command to a domain's QEMU monitor
  text The words are joined with blanks. For debugging; it marks the domain as tainted.
  handler cmd_qemu_monitor_command
  use domain
  option hmp bool -- the command is in the human monitor's language
  option pretty bool -- make the JSON readable
  option return-value bool -- print the return member of the answer only
  option pass-fds string -- numbers of open file descriptors to pass on, separated by commas
  option cmd argv positional required -- the command

command qemu-monitor-event
  summary wait for raw QEMU events
  handler cmd_qemu_monitor_event
  json event
  option domain string also-positional complete=domain -- only events of this domain (name, ID or UUID)
  option event string also-positional -- only events of this name
  option pretty bool -- make the JSON readable
  option loop bool -- go on after the first event
  option timeout int also-positional -- seconds after which to give up
  option regex bool -- the event's name is a regular expression
  option no-case bool -- upper and lower case are alike
  option timestamp bool -- show the time of each event

command qemu-agent-command
  summary send a command to the guest agent
  handler cmd_qemu_agent_command
  use domain
  option timeout int -- seconds to wait for the answer
  option async bool -- don't wait for the answer
  option block bool -- wait for ever
  option pretty bool -- make the JSON readable
  option cmd argv positional required -- the command as JSON

command guest-agent-timeout
  summary set how long to wait for the guest agent
  handler cmd_guest_agent_timeout
  use domain
  option timeout int -- seconds to wait for an answer; -2 for ever, -1 default, 0 not at all

command reboot
  summary restart the guest
  handler cmd_reboot
  use domain
  option mode string positional values=acpi,agent,initctl,signal,paravirt -- ways to ask, separated by commas: acpi, agent, initctl, signal, paravirt

command reset
  summary press the reset button of a domain
  act domain virDomainReset flags
  done Domain '%s' was reset
  fail Failed to reset domain '%s'
  use domain

command restore
  summary start a domain from a state saved to a file
  handler cmd_restore
  option file string positional required complete=file -- file with the saved state
  option bypass-cache bool -- avoid the host's page cache
  option parallel-channels int -- number of files written or read at once
  option xml string also-positional complete=file -- file with XML to use in place of what was saved
  option running bool -- leave the domain running
  option paused bool -- leave the domain paused
  option reset-nvram bool -- start with fresh firmware variables

command resume
  summary let a suspended domain go on
  act domain virDomainResume
  done Domain '%s' resumed
  fail Failed to resume domain '%s'
  use domain

command save
  summary save a domain's state to a file and stop it
  handler cmd_save
  use domain
  option file string positional required complete=file -- where to write the state
  option bypass-cache bool -- avoid the host's page cache
  option parallel-channels int -- number of files written or read at once
  option image-format string values=raw,sparse,zstd,gzip,bzip2,xz,lzop -- format of the image
  option xml string also-positional complete=file -- file with XML to use in place of what was saved
  option running bool -- the restored domain is left running
  option paused bool -- the restored domain is left paused
  option verbose bool -- show progress

command save-image-define
  summary replace the XML in a save image
  handler cmd_save_image_define
  option file string positional required complete=file -- file with the saved state
  option xml string positional required complete=file -- file with the new XML
  option running bool -- the restored domain is left running
  option paused bool -- the restored domain is left paused

command save-image-dumpxml
  summary print the XML in a save image
  handler cmd_save_image_dumpxml
  option file string positional required complete=file -- file with the saved state
  option security-info bool -- include secrets such as passwords
  use xpath wrap

command save-image-edit
  summary change the XML in a save image in an editor
  handler cmd_save_image_edit
  option file string positional required complete=file -- file with the saved state
  option running bool flag=VIR_DOMAIN_SAVE_RUNNING -- the restored domain is left running
  option paused bool flag=VIR_DOMAIN_SAVE_PAUSED -- the restored domain is left paused
  exclusive running paused

command schedinfo
  summary show or set CPU scheduler parameters of a domain
  handler cmd_schedinfo
  json parameters
  use domain
  option weight int -- CPU weight of the domain
  option cap int -- CPU cap of the domain
  use current config live
  option set argv positional -- name=value of a parameter

command screenshot
  summary store a picture of the guest's screen
  handler cmd_screenshot
  use domain
  option file string also-positional complete=file -- where to store the picture
  option screen int also-positional -- number of the screen; default is the first

command set-lifecycle-action
  summary change what happens on power-off, reboot or crash
  handler cmd_set_lifecycle_action
  use domain
  option type string positional required values=poweroff,reboot,crash -- poweroff, reboot or crash
  option action string positional required values=destroy,restart,rename-restart,preserve,coredump-destroy,coredump-restart -- what to do, as destroy, restart or preserve
  use config live current

command set-user-sshkeys
  summary change a guest user's authorized SSH keys (by the agent)
  handler cmd_set_user_sshkeys
  use domain
  option user string positional required -- name of the user in the guest
  option file string positional complete=file -- file with the keys, one a line
  option reset bool -- remove all other keys
  option remove bool -- remove the keys

command set-user-password
  summary set a user's password inside the guest
  handler cmd_set_user_password
  use domain
  option user string positional required -- name of the user in the guest
  option password string positional required -- the new password
  option encrypted bool -- the password is encrypted already

command setmaxmem
  summary change the memory limit of a domain
  text In KiB unless the size has a suffix.
  handler cmd_setmaxmem
  use domain
  option size int positional required -- new limit, in KiB unless it has a suffix
  use config live current
  option-alias kilobytes size

command setmem
  summary change the memory of a domain
  text In KiB unless the size has a suffix. A running guest needs a balloon driver to follow.
  handler cmd_setmem
  use domain
  option size int positional required -- new size, in KiB unless it has a suffix
  use config live current
  option-alias kilobytes size

command setvcpus
  summary change the number of virtual CPUs
  handler cmd_setvcpus
  use domain
  option count int positional required -- number of virtual CPUs
  option maximum bool -- change the maximum, for the next start
  use config live current
  option guest bool -- change CPU states in the guest (by the agent)
  option hotpluggable bool -- make new CPUs such that they can be unplugged
  option async bool -- don't wait for the guest

command shutdown
  summary ask the guest to power off
  text How the guest reacts is its own affair; --mode chooses the way to ask it.
  handler cmd_shutdown
  use domain
  option mode string positional values=acpi,agent,initctl,signal,paravirt -- ways to ask, separated by commas: acpi, agent, initctl, signal, paravirt

command start
  summary start a defined domain
  text From its managed save image, if there is one.
  handler cmd_start
  use domain
  option console bool -- connect to the console after the start
  option paused bool -- leave the domain paused
  option autodestroy bool -- destroy the domain when this connection ends
  option bypass-cache bool -- avoid the host's page cache
  option force-boot bool -- boot afresh, without the managed save image
  option pass-fds string also-positional -- numbers of open file descriptors to pass on, separated by commas
  option reset-nvram bool -- start with fresh firmware variables

command suspend
  summary pause a domain
  text It keeps its memory and gets no CPU time until resume.
  act domain virDomainSuspend
  done Domain '%s' suspended
  fail Failed to suspend domain '%s'
  use domain

command ttyconsole
  summary print the terminal device of a domain's console
  handler cmd_ttyconsole
  use domain

command undefine
  summary delete the definition of a domain
  text A running domain becomes transient. State kept beside the definition has to be named: see the options.
  handler cmd_undefine
  use domain
  option managed-save bool -- remove the managed save image too
  option storage string also-positional complete=disk-list -- disks whose volumes to delete, by target or source, separated by commas
  option remove-all-storage bool -- delete the volumes of all disks
  option delete-storage-volume-snapshots bool -- delete snapshots of those volumes too
  option wipe-storage bool -- overwrite the volumes first
  option snapshots-metadata bool -- remove the records of snapshots too
  option checkpoints-metadata bool -- remove the records of checkpoints too
  option nvram bool -- remove the firmware variables
  option keep-nvram bool -- keep the firmware variables
  option tpm bool -- remove the TPM state
  option keep-tpm bool -- keep the TPM state
  option-alias delete-snapshots delete-storage-volume-snapshots

command update-device
  summary change a device of a domain by XML
  handler cmd_update_device
  use domain xml-file
  option persistent bool -- change a running domain and its definition
  use config live current
  option force bool -- act even if the guest objects

command update-memory-device
  summary change a memory device of a domain
  handler cmd_update_memory_device
  exclusive node alias
  use domain config live current print-xml
  option alias string also-positional complete=alias -- alias of the device
  option node int also-positional -- guest NUMA node of the device
  option requested-size int also-positional -- size to ask of the guest

command vcpucount
  summary print numbers of virtual CPUs
  handler cmd_vcpucount
  json vcpu-count
  use domain
  option maximum bool -- the maximum
  option active bool -- number in use by the running domain
  use live config current
  option guest bool -- number online in the guest (by the agent)

command vcpuinfo
  summary show details of the virtual CPUs
  handler cmd_vcpuinfo
  json vcpu-info
  use domain
  option pretty bool -- show affinity as a list

command vcpupin
  summary show or set binding of virtual CPUs to host CPUs
  handler cmd_vcpupin
  json vcpu-pins
  use domain
  option vcpu int also-positional complete=vcpu -- number of the virtual CPU
  option cpulist string also-positional allow-empty complete=host-cpu -- CPUs, as 0-3,^2
  use config live current

command emulatorpin
  summary show or set binding of the emulator to host CPUs
  handler cmd_emulatorpin
  json emulator-pins
  use domain
  option cpulist string also-positional allow-empty complete=host-cpu -- CPUs, as 0-3,^2
  use config live current

command vncdisplay
  summary print address and number of a domain's VNC display
  handler cmd_vncdisplay
  use domain

command guestvcpus
  summary show or change CPU states inside the guest (by the agent)
  handler cmd_guestvcpus
  json parameters
  use domain
  option cpulist string also-positional complete=vcpu-list -- CPUs of the guest, as 0-3,^2
  option enable bool -- bring the CPUs online
  option disable bool -- take the CPUs offline
  exclusive enable disable

command setvcpu
  summary plug or unplug given virtual CPUs
  handler cmd_setvcpu
  use domain
  option vcpulist string positional required complete=vcpu-list -- virtual CPUs, as 0-3,^2
  option enable bool -- plug the CPUs
  option disable bool -- unplug the CPUs
  option async bool flag=VIR_DOMAIN_SETVCPU_ASYNC_UNPLUG -- don't wait for the guest
  use config live current
  exclusive enable disable

command domblkthreshold
  summary set a write threshold that raises an event
  handler cmd_domblkthreshold
  use domain
  option dev string positional required complete=disk -- disk, by target or source
  option threshold int positional required -- offset in bytes, or with a suffix

command guestinfo
  summary ask the guest agent about the guest
  handler cmd_guestinfo
  json parameters
  use domain
  option user bool flag=VIR_DOMAIN_GUEST_INFO_USERS -- logged in users
  option os bool flag=VIR_DOMAIN_GUEST_INFO_OS -- operating system
  option timezone bool flag=VIR_DOMAIN_GUEST_INFO_TIMEZONE -- time zone
  option hostname bool flag=VIR_DOMAIN_GUEST_INFO_HOSTNAME -- host name
  option filesystem bool flag=VIR_DOMAIN_GUEST_INFO_FILESYSTEM -- file systems
  option disk bool flag=VIR_DOMAIN_GUEST_INFO_DISKS -- disks
  option interface bool flag=VIR_DOMAIN_GUEST_INFO_INTERFACES -- network interfaces
  option load bool flag=VIR_DOMAIN_GUEST_INFO_LOAD -- load averages
  option devices bool flag=VIR_DOMAIN_GUEST_INFO_DEVICES -- devices

command domdirtyrate-calc
  summary measure how fast a domain dirties its memory
  handler cmd_domdirtyrate_calc
  use domain
  option seconds int also-positional -- how long to measure
  option mode string also-positional values=page-sampling,dirty-bitmap,dirty-ring -- page-sampling, dirty-bitmap or dirty-ring

command dom-fd-associate
  summary hand open file descriptors to a domain
  handler cmd_dom_fd_associate
  use domain
  option name string positional required -- name of the group
  option pass-fds string positional required -- numbers of open file descriptors to pass on, separated by commas
  option seclabel-writable bool flag=VIR_DOMAIN_FD_ASSOCIATE_SECLABEL_WRITABLE -- label the files as writable
  option seclabel-restore bool flag=VIR_DOMAIN_FD_ASSOCIATE_SECLABEL_RESTORE -- restore the labels at the end

command domdisplay-reload
  summary let a display read its certificates again
  handler cmd_domdisplay_reload
  use domain
  option type int -- kind of display
